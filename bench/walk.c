/* Loads from more pages than the TLB holds, by STAGES of translation:
 *
 *   0  in Ring -1, physical addresses
 *   1  in Ring 0, Sv39
 *   2  in Ring 0 of a guest, Sv39 over Sv39x4
 *
 * The same loop each time, so that the three tell what translation costs. */
#include <stdint.h>
#include "visa.h"

enum { PAGES = 512, PAGE = 4096, ROUNDS = 20000 };
enum { PTE_V = 1, PTE_LEAF = 0xdf /* D A U X W R V */, PTE_U = 0x10 };
#define SV39 (8ul << 60)
#define STACK_WORDS 512

static uint64_t ring0_root[512] __attribute__((aligned(4096)));
static uint64_t ring0_middle[512] __attribute__((aligned(4096)));
static uint64_t ring0_leaf[512] __attribute__((aligned(4096)));
static uint64_t host_root[2048] __attribute__((aligned(16384)));
static uint64_t vmcs[512] __attribute__((aligned(4096)));
static uint64_t guest_stack[STACK_WORDS] __attribute__((aligned(16)));
static uint8_t pages[PAGES * PAGE] __attribute__((aligned(2 * 1024 * 1024)));

static uint64_t pte(const void *to, unsigned flags)
{
    return (uintptr_t)to >> 12 << 10 | flags;
}

/* The 2 MiB of `pages` by 4 KiB pages, all else of the gigabyte by 2 MiB pages. */
static void map_ring0(void)
{
    uintptr_t gigabyte = (uintptr_t)pages >> 30, mega = (uintptr_t)pages >> 21 & 511;

    ring0_root[gigabyte] = pte(ring0_middle, PTE_V);
    for (uintptr_t i = 0; i < 512; i++)
        ring0_middle[i] = pte((void *)(gigabyte << 30 | i << 21), PTE_LEAF & ~PTE_U);
    ring0_middle[mega] = pte(ring0_leaf, PTE_V);
    for (uintptr_t i = 0; i < PAGES; i++)
        ring0_leaf[i] = pte(pages + i * PAGE, PTE_LEAF & ~PTE_U);
}

__attribute__((noinline)) static uint64_t walk(void)
{
    uint64_t sum = 0;

    for (unsigned round = 0; round < ROUNDS; round++)
        for (unsigned i = 0; i < PAGES; i++)
            sum += *(volatile uint64_t *)(pages + i * PAGE + round % 64 * 8);
    return sum;
}

static uint64_t in_ring0(void)
{
    uint64_t sum;

    map_ring0();
    __asm__ volatile("csrw pmpaddr0, %0\n csrwi pmpcfg0, 0x1f" ::"r"(-1l)); /* all to Ring 0 */
    __asm__ volatile("csrw satp, %0" ::"r"(SV39 | (uintptr_t)ring0_root >> 12));
    __asm__ volatile("la t0, 1f\n csrw mtvec, t0\n la t0, 2f\n csrw mepc, t0\n"
                     "li t0, 0x1800\n csrc mstatus, t0\n li t0, 0x800\n csrs mstatus, t0\n mret\n"
                     "2: call %1\n ecall\n"
                     ".align 2\n1: mv %0, a0\n"
                     : "=&r"(sum)
                     : "S"(walk)
                     : "ra", "t0", "t1", "t2", "t3", "t4", "t5", "t6", "a0", "a1", "a2", "a3", "a4",
                       "a5", "a6", "a7", "memory");
    return sum;
}

static void guest(void)
{
    register uint64_t sum __asm__("a0") = walk();

    __asm__ volatile("" ::"r"(sum));
    visa_vmexit(0);
}

static uint64_t in_guest(void)
{
    uintptr_t gigabyte = (uintptr_t)pages >> 30;

    map_ring0();
    host_root[gigabyte] = pte((void *)(gigabyte << 30), PTE_LEAF);
    vmcs[VISA_VMCS_REVISION] = VISA_REVISION;
    vmcs[VISA_VMCS_HPTBR] = SV39 | 1ul << 44 | (uintptr_t)host_root >> 12;
    vmcs[VISA_VMCS_GPTBR] = SV39 | (uintptr_t)ring0_root >> 12;
    vmcs[VISA_VMCS_PC] = (uintptr_t)guest;
    vmcs[VISA_VMCS_X + 2] = (uintptr_t)(guest_stack + STACK_WORDS);
    visa_vmenter((uintptr_t)vmcs);
    return visa_vmcause() != VISA_EXIT_HYPERCALL || visa_vmread(VISA_VMCS_X + 10) != 0;
}

int main(void)
{
    uint64_t sum = STAGES == 0 ? walk() : STAGES == 1 ? in_ring0() : in_guest();

    return sum != 0; /* the pages are zero */
}
