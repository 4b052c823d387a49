/* Exceptions of M-mode in a direct handler: cause, tval, epc, and going on behind them. */
#include "platform.h"

void m_trap(struct frame *f)
{
    note_trap(f, csr_read(mcause), csr_read(mtval));
}

static void expect(u64 count, u64 cause, u64 tval)
{
    check_equal(trapped.count, count);
    check_equal(trapped.cause, cause);
    check_equal(trapped.tval, tval);
    check_equal(csr_read(mcause), cause);
}

int main(void)
{
    u64 value = 0x5a5a, before = csr_read(mstatus);

    __asm__ volatile(".word 0xffffffff" ::: "memory");
    expect(1, CAUSE_ILLEGAL, 0xffffffff);
    __asm__ volatile(".half 0" ::: "memory");
    expect(2, CAUSE_ILLEGAL, 0);
    __asm__ volatile("ecall" ::: "memory");
    expect(3, CAUSE_ECALL_M, 0);
    __asm__ volatile("ebreak" ::: "memory");
    check_equal(trapped.count, 4);
    check_equal(trapped.cause, CAUSE_BREAKPOINT);
    __asm__ volatile("ld %0, 0(%1)" : "+r"(value) : "r"(0x80000ull) : "memory");
    expect(5, CAUSE_LOAD_ACCESS, 0x80000);
    check_equal(value, 0x5a5a);
    __asm__ volatile("sh %0, 6(%1)" ::"r"(value), "r"(0x80000ull) : "memory");
    expect(6, CAUSE_STORE_ACCESS, 0x80006);
    __asm__ volatile("csrw mhartid, zero" ::: "memory");
    expect(7, CAUSE_ILLEGAL, 0xf1401073);
    check_equal(csr_read(mstatus) & ~(u64)STATUS_MPIE & ~(u64)STATUS_MPP,
                before & ~(u64)STATUS_MPIE & ~(u64)STATUS_MPP);
    return 0;
}
