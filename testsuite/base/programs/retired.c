/* V-ISA's virtual time, to the unit: what retires, what does not, what a tick of `time` is, and
 * how long wfi waits (manual: CN-8, BA-17, TM-1, TM-7). TICKS is the simulator's --ticks-per-time. */
#include "platform.h"

#ifndef TICKS
#define TICKS 100
#endif

/* Five instructions and the mret: ecall does not retire. */
__asm__(".balign 4\nquick:\n csrw mscratch, t0\n csrr t0, mepc\n addi t0, t0, 4\n csrw mepc, t0\n"
        " csrr t0, mscratch\n mret\n");
extern char quick[];

static u64 loop_count(void)
{
    u64 before, after, n = 1000, word = 0;

    __asm__ volatile("csrr %0, minstret\n"
                     "1: sd %2, 0(%3)\n ld %2, 0(%3)\n mul %2, %2, %2\n jal x0, 2f\n nop\n"
                     "2: li %2, 0\n addi %4, %4, -1\n bnez %4, 1b\n"
                     "csrr %1, minstret"
                     : "=&r"(before), "=&r"(after), "=&r"(word)
                     : "r"(&word), "r"(n)
                     : "memory");
    return after - before;
}

static u64 call_count(void)
{
    u64 before, after;

    __asm__ volatile(".option push\n.option norvc\n"
                     "csrr %0, minstret\n ecall\n ecall\n ecall\n csrr %1, minstret\n.option pop"
                     : "=&r"(before), "=&r"(after)::"memory");
    return after - before;
}

int main(void)
{
    u64 cycles, time, trap_vector = csr_read(mtvec), scratch = csr_read(mscratch);

    check_equal(loop_count(), 1 + 7 * 1000);
    csr_write(mtvec, quick);
    check_equal(call_count(), 1 + 3 * 6);
    csr_write(mtvec, trap_vector);
    csr_write(mscratch, scratch);

    for (unsigned i = 0; i < 300; i++) { /* nothing has waited yet: ticks are instructions */
        __asm__ volatile("csrr %0, cycle\n csrr %1, time" : "=&r"(cycles), "=&r"(time)::"memory");
        check_equal(time, (cycles + 1) / TICKS);
    }
    __asm__ volatile("csrr %0, cycle\n csrr %1, instret" : "=&r"(cycles), "=&r"(time)::"memory");
    check_equal(cycles + 1, time);

    csr_write(mie, MIP_MTI);
    for (u64 n = 1; n < 20; n++) { /* awake in the very tick of the comparator */
        u64 goal = csr_read(time) + 37 * n;

        MTIMECMP(0) = goal;
        __asm__ volatile("wfi\n csrr %0, time" : "=r"(time)::"memory");
        check_equal(time, goal);
        check(csr_read(mip) & MIP_MTI);
        MTIMECMP(0) = ~0ull;
    }
    return 0;
}
