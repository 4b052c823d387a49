/* lr and sc: what keeps a reservation and what ends it. */
#include "platform.h"

static volatile u64 cell[64] __attribute__((aligned(4096)));

void m_trap(struct frame *f)
{
    note_trap(f, csr_read(mcause), csr_read(mtval));
}

static u64 lr(volatile u64 *at)
{
    u64 v;

    __asm__ volatile("lr.d %0, (%1)" : "=r"(v) : "r"(at) : "memory");
    return v;
}

static u64 sc(volatile u64 *at, u64 value)
{
    u64 failed;

    __asm__ volatile("sc.d %0, %1, (%2)" : "=r"(failed) : "r"(value), "r"(at) : "memory");
    return failed;
}

int main(void)
{
    u64 old, failed;

    check_equal(sc(cell, 1), 1); /* none yet */
    check_equal(cell[0], 0);
    __asm__ volatile("lr.d %0, (%2)\n addi %0, %0, 7\n sc.d %1, %0, (%2)"
                     : "=&r"(old), "=&r"(failed)
                     : "r"(cell)
                     : "memory");
    check_equal(failed, 0);
    check_equal(cell[0], 7);
    check_equal(sc(cell, 1), 1); /* sc has used it up */

    lr(cell);
    __asm__ volatile("ecall" ::: "memory"); /* a trap ends it */
    check_equal(sc(cell, 2), 1);
    lr(cell);
    check_equal(sc(cell + 32, 2), 1); /* another line */
    check_equal(cell[32], 0);
    lr(cell + 32);
    lr(cell); /* the later one counts */
    check_equal(sc(cell + 32, 2), 1);
    check_equal(cell[0], 7);

    __asm__ volatile("lr.w %0, (%2)\n sc.w %1, %3, (%2)"
                     : "=&r"(old), "=&r"(failed)
                     : "r"(cell), "r"(0x80000000ull)
                     : "memory");
    check_equal(failed, 0);
    check_equal(cell[0], 0x80000000);
    __asm__ volatile("lr.w %0, (%1)" : "=r"(old) : "r"(cell) : "memory");
    check_equal(old, 0xffffffff80000000ull);
    return 0;
}
