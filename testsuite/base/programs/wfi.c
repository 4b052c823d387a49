/* wfi wakes on any interrupt that is enabled in mie, whatever mstatus.MIE says, and takes it if
 * MIE is set; the time that it waits passes. */
#include "platform.h"

static volatile u64 taken;

void m_trap(struct frame *f)
{
    (void)f;
    check_equal(csr_read(mcause), INTERRUPT | 7);
    taken++;
    MTIMECMP(0) = ~0ull;
}

int main(void)
{
    u64 start = MTIME;

    MTIMECMP(0) = start + 500;
    csr_write(mie, MIP_MTI);
    while (!(csr_read(mip) & MIP_MTI))
        __asm__ volatile("wfi" ::: "memory");
    check(MTIME >= start + 500);
    check_equal(taken, 0);

    __asm__ volatile("wfi" ::: "memory"); /* pending already: does not wait */
    check_equal(taken, 0);

    MTIMECMP(0) = ~0ull;
    csr_set(mstatus, STATUS_MIE);
    for (u64 n = 0; n < 20; n++) {
        start = MTIME;
        MTIMECMP(0) = start + 1000;
        while (taken == n)
            __asm__ volatile("wfi" ::: "memory");
        check_equal(taken, n + 1);
        check(MTIME >= start + 1000);
    }
    return 0;
}
