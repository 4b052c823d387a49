/* Timer and software interrupts of Ring -1 by the CLINT: pending, enables, order. */
#include "platform.h"

static volatile unsigned seen[16], order[8], n;

void m_trap(struct frame *f)
{
    u64 cause = csr_read(mcause);

    (void)f;
    check(cause & INTERRUPT);
    cause &= 15;
    seen[cause]++;
    if (n < 8)
        order[n++] = (unsigned)cause;
    if (cause == 7)
        MTIMECMP(0) = ~0ull;
    if (cause == 3)
        MSIP(0) = 0;
}

int main(void)
{
    u64 start;

    MTIMECMP(0) = ~0ull;
    check(!(csr_read(mip) & (MIP_MTI | MIP_MSI)));
    csr_write(mie, MIP_MTI | MIP_MSI);

    /* pending but not enabled: nothing */
    MSIP(0) = 1;
    MTIMECMP(0) = 0;
    for (unsigned i = 0; i < 1000 && (csr_read(mip) & (MIP_MTI | MIP_MSI)) != (MIP_MTI | MIP_MSI);
         i++)
        ;
    check((csr_read(mip) & (MIP_MTI | MIP_MSI)) == (MIP_MTI | MIP_MSI));
    check(seen[3] + seen[7] == 0);
    csr_set(mstatus, STATUS_MIE);
    for (unsigned i = 0; i < 10000 && n < 2; i++)
        ;
    check(seen[3] == 1 && seen[7] == 1);
    check(order[0] == 3 && order[1] == 7); /* MSI before MTI */

    /* three ticks in a row, each in the future */
    for (unsigned i = 0; i < 3; i++) {
        start = MTIME;
        MTIMECMP(0) = start + 20;
        while (seen[7] < 2 + i)
            ;
        check(MTIME >= start + 20);
    }

    /* mie off: it stays pending */
    csr_clear(mie, MIP_MSI);
    MSIP(0) = 1;
    check_equal(MSIP(0), 1);
    for (unsigned i = 0; i < 100; i++)
        check(csr_read(mip) & MIP_MSI);
    check(seen[3] == 1);
    return 0;
}
