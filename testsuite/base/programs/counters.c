/* cycle, time and instret: they grow, instret by one for each instruction; mcycle and minstret can
 * be written; `time` is the CLINT's mtime. */
#include "platform.h"

static u64 instret_of_five(void)
{
    u64 before, after;

    __asm__ volatile("csrr %0, instret\n nop\n nop\n nop\n nop\n csrr %1, instret"
                     : "=&r"(before), "=&r"(after)::"memory");
    return after - before;
}

int main(void)
{
    u64 c0, c1, t0, t1, m0, m1;

    check_equal(instret_of_five(), 5);
    c0 = csr_read(cycle);
    t0 = csr_read(time);
    for (volatile unsigned i = 0; i < 1000; i++)
        ;
    c1 = csr_read(cycle);
    check(c1 > c0 + 1000);
    m0 = MTIME;
    t1 = csr_read(time);
    m1 = MTIME;
    check(m0 <= t1 && t1 <= m1);
    check(t1 > t0);

    /* written values are read back, and the counter goes on from there */
    csr_write(minstret, 1000000);
    c0 = csr_read(minstret);
    check(c0 >= 1000000 && c0 < 1000010);
    check_equal(instret_of_five(), 5);
    csr_write(mcycle, 0x123456789000ull);
    c0 = csr_read(mcycle);
    check(c0 >= 0x123456789000ull && c0 < 0x123456789000ull + 1000000);
    c0 = csr_read(cycle);
    check(c0 >= 0x123456789000ull && c0 < 0x123456789000ull + 1000000);
    return 0;
}
