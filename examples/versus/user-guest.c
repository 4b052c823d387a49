/* The guest's processes. WORKLOAD says what they do, ROUNDS how often. */
#include "abi.h"

#include "guest.h"

#define NOTHING 0
#define CPU 1    /* arithmetic in little memory */
#define TLB 2    /* HEAP_PAGES pages, one after another at random */
#define IO 3     /* characters for the UART */
#define KERNEL 4 /* system calls, switches of the process, page faults */
#define CALLS 5  /* calls of the firmware */
#define SYSTEM 6 /* system calls that do nothing */

#ifndef ROUNDS
#define ROUNDS 1
#endif

#if WORKLOAD == NOTHING
static uint64_t work(uint64_t process)
{
    return process + 1;
}

#elif WORKLOAD == CPU
static uint32_t table[256];

/* CRC-32 of a counter: ROUNDS * 1000 bytes. */
static uint64_t work(uint64_t process)
{
    uint32_t crc = ~(uint32_t)process;

    for (uint32_t i = 0; i < 256; i++) {
        uint32_t c = i;

        for (unsigned bit = 0; bit < 8; bit++)
            c = c >> 1 ^ (c & 1 ? 0xedb88320u : 0);
        table[i] = c;
    }
    for (uint32_t i = 0; i < ROUNDS * 1000; i++)
        crc = crc >> 8 ^ table[(crc ^ i) & 0xff];
    return crc;
}

#elif WORKLOAD == TLB
static uint64_t work(uint64_t process)
{
    volatile uint64_t *heap = (volatile uint64_t *)HEAP;
    uint64_t state = process + 1, sum = 0;

    if (process)
        return 0;
    for (uint64_t i = 0; i < ROUNDS * 1000; i++) {
        uint64_t page;

        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        page = state % HEAP_PAGES;
        heap[page * (PAGE / 8)] += i;
        sum += heap[page * (PAGE / 8)];
    }
    return sum;
}

#elif WORKLOAD == IO
static uint64_t work(uint64_t process)
{
    if (process)
        return 0;
    for (uint64_t i = 0; i < ROUNDS; i++)
        ecall(SYS_WRITE, i % 64 == 63 ? '\n' : 'a' + i % 26);
    return ROUNDS;
}

#elif WORKLOAD == KERNEL
static uint64_t work(uint64_t process)
{
    volatile uint64_t *heap = (volatile uint64_t *)HEAP;
    uint64_t sum = process;

    for (uint64_t i = 0; i < ROUNDS; i++) {
        for (unsigned n = 0; n < 4; n++)
            ecall(SYS_NULL, n);
        heap[i % 8 * (PAGE / 8)] = sum + i; /* the first time a page fault */
        sum += heap[i % 4 * (PAGE / 8)];
        if (i % 8 == 7)
            ecall(SYS_UNMAP, 0);
        ecall(SYS_YIELD, 0);
    }
    return sum;
}

#elif WORKLOAD == CALLS
static uint64_t work(uint64_t process)
{
    return process ? 0 : ecall(SYS_CALL, ROUNDS);
}

#elif WORKLOAD == SYSTEM
static uint64_t work(uint64_t process)
{
    if (process)
        return 0;
    for (uint64_t i = 0; i < ROUNDS; i++)
        ecall(SYS_NULL, 0);
    return ROUNDS;
}
#endif

/* a0: number of the process. Each has its own registers and heap, but they share the image,
 * so that this has two stacks. */
static uint8_t stacks[2][PAGE] __attribute__((aligned(16)));

void user_main(uint64_t process)
{
    ecall(SYS_EXIT, work(process));
    __builtin_unreachable();
}

__attribute__((naked)) void user_start(void)
{
    __asm__("la sp, %0\n slli t0, a0, 12\n add sp, sp, t0\n li t0, 4096\n add sp, sp, t0\n"
            "j user_main" ::"i"(stacks));
}
