/* A locked PMP entry binds Ring -1 as well, and cannot be changed any more. */
#include "platform.h"

static volatile u64 page[512] __attribute__((aligned(4096)));

void m_trap(struct frame *f)
{
    note_trap(f, csr_read(mcause), csr_read(mtval));
}

int main(void)
{
    enum { LOCK = 0x80, NAPOT = 0x18, R = 1, W = 2 };
    u64 cfg, addr;

    page[3] = 77;
    csr_write(pmpaddr1, (u64)page >> 2 | 0x1ff);
    csr_write(pmpcfg0, (u64)NAPOT << 8); /* not locked: Ring -1 may do anything */
    check_equal(load(u64, &page[3]), 77);
    csr_write(pmpcfg0, (u64)(LOCK | NAPOT | R) << 8);
    check_equal(load(u64, &page[3]), 77);
    check_equal(trapped.count, 0);
    load(u64, &page[3]) = 5;
    check_equal(trapped.count, 1);
    check_equal(trapped.cause, CAUSE_STORE_ACCESS);
    check_equal(trapped.tval, &page[3]);
    check_equal(load(u64, &page[3]), 77);

    cfg = csr_read(pmpcfg0);
    addr = csr_read(pmpaddr1);
    csr_write(pmpcfg0, 0);
    csr_write(pmpaddr1, 0);
    check_equal(csr_read(pmpcfg0), cfg);
    check_equal(csr_read(pmpaddr1), addr);
    load(u64, &page[3]) = 6;
    check_equal(trapped.count, 2);

    /* an address below a locked top-of-range entry is locked too */
    csr_write(pmpaddr4, 0x80f00000 >> 2);
    csr_write(pmpaddr5, 0x80f01000 >> 2);
    csr_write(pmpcfg0, csr_read(pmpcfg0) | (u64)(LOCK | 0x08 | R) << 40);
    csr_write(pmpaddr4, 0);
    check_equal(csr_read(pmpaddr4), 0x80f00000 >> 2);
    return 0;
}
