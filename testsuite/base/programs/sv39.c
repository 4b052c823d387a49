/* A Ring 0 that turns on Sv39 under itself: identity, a second view in the high half, pages of
 * all three sizes, SUM and MXR, and page faults that come back to it. */
#include "platform.h"

static volatile table root, middle, low;
static volatile u64 data[512] __attribute__((aligned(4096)));
static u64 stack[512] __attribute__((aligned(16))), trap_stack[512] __attribute__((aligned(16)));
#define HIGH 0xffffffc000000000ull /* entry 256 */
#define SMALL 0x4000000000ull      /* not canonical: bit 38 without the bits above */

void m_trap(struct frame *f)
{
    check(was_leave(f));
}

void s_trap(struct frame *f)
{
    note_trap(f, csr_read(scause), csr_read(stval));
}

static void expect_fault(u64 count, u64 cause, u64 address)
{
    check_equal(trapped.count, count);
    check_equal(trapped.cause, cause);
    check_equal(trapped.tval, address);
}

static void kernel(u64 argument)
{
    u64 value = 0;

    (void)argument;
    csr_write(stvec, s_entry);
    csr_write(sscratch, trap_stack + 512);
    csr_write(satp, satp_value(SATP_SV39, &root, 1));
    sfence();

    data[5] = 42;
    check_equal(load(u64, HIGH + (u64)&data[5] - 0x80000000ull), 42);    /* 1 GiB page */
    check_equal(load(u64, ((u64)&data[5] & 0x1fffff) + 0x40000000), 42); /* 2 MiB page */
    check_equal(load(u64, 0x40200028), 42);                              /* 4 KiB page */
    load(uint8_t, 0x40200028) = 43;
    check_equal(data[5], 43);
    check_equal(trapped.count, 0);

    load(u64, 0x40201000) = 1; /* read-only */
    expect_fault(1, CAUSE_STORE_PAGE, 0x40201000);
    (void)load(u64, 0x40202000); /* not valid */
    expect_fault(2, CAUSE_LOAD_PAGE, 0x40202000);
    (void)load(u64, SMALL);
    expect_fault(3, CAUSE_LOAD_PAGE, SMALL);
    (void)load(u64, 0x40203000); /* execute-only */
    expect_fault(4, CAUSE_LOAD_PAGE, 0x40203000);
    csr_set(sstatus, STATUS_MXR);
    check_equal(load(u64, 0x40203028), 43);
    csr_clear(sstatus, STATUS_MXR);
    (void)load(u64, 0x40204028); /* Ring 3's */
    expect_fault(5, CAUSE_LOAD_PAGE, 0x40204028);
    csr_set(sstatus, STATUS_SUM);
    check_equal(load(u64, 0x40204028), 43);
    csr_clear(sstatus, STATUS_SUM);

    csr_write(satp, 0);
    sfence();
    __asm__ volatile("ld %0, 0(%1)" : "=r"(value) : "r"(&data[5]) : "memory");
    check_equal(value, 43);
    check_equal(trapped.count, 5);
    leave(3);
}

int main(void)
{
    open_pmp();
    map_identity(&root, PTE_RWX | PTE_G);
    root[256] = leaf((void *)0x80000000ull, PTE_RW);
    root[1] = branch(&middle);
    middle[0] = leaf((void *)((u64)data & ~0x1fffffull), PTE_RW);
    middle[1] = branch(&low);
    low[0] = leaf(data, PTE_RW);
    low[1] = leaf(data, PTE_V | PTE_R | PTE_A | PTE_D);
    low[3] = leaf(data, PTE_V | PTE_X | PTE_A);
    low[4] = leaf(data, PTE_RW | PTE_U);
    csr_write(medeleg, 1 << CAUSE_LOAD_PAGE | 1 << CAUSE_STORE_PAGE | 1 << CAUSE_INSN_PAGE);
    check_equal(drop(RING_0, kernel, 0, stack + 512), 3);
    return 0;
}
