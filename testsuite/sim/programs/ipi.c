/* Every hart wakes the next one by its msip, round to hart 0. */
#include "board.h"

static volatile u64 order[HARTS], count;

int main(u64 hart, u64 tree)
{
    (void)tree;
    write_csr(mie, MIP_MSIP);
    if (hart == 0)
        MSIP(1) = 1;
    while (!(read_csr(mip) & MIP_MSIP))
        wfi();
    MSIP(hart) = 0;
    order[count] = hart;
    count++;
    __asm__ volatile("fence" : : : "memory");
    if (hart) {
        MSIP((hart + 1) % HARTS) = 1;
        for (;;)
            wfi();
    }
    CHECK_EQUAL(count, HARTS);
    for (u64 i = 0; i < HARTS; i++)
        CHECK_EQUAL(order[i], (i + 1) % HARTS);
    return 0;
}
