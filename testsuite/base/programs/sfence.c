/* Page tables that change: sfence.vma for everything, an address, an ASID; global pages; an
 * entry that becomes more permissive needs no fence. */
#include "platform.h"

static volatile table root, middle, low;
static volatile u64 first[512] __attribute__((aligned(4096))),
    second[512] __attribute__((aligned(4096)));
static u64 stack[512] __attribute__((aligned(16))), trap_stack[512] __attribute__((aligned(16)));
#define VA 0x40000000ull

void m_trap(struct frame *f)
{
    check(was_leave(f));
}

void s_trap(struct frame *f)
{
    note_trap(f, csr_read(scause), csr_read(stval));
}

static void set_asid(u64 asid)
{
    csr_write(satp, satp_value(SATP_SV39, &root, asid));
}

static void point(unsigned entry, volatile u64 *page, u64 flags)
{
    low[entry] = leaf(page, flags);
}

static void fence_address(u64 va)
{
    __asm__ volatile("sfence.vma %0" ::"r"(va) : "memory");
}

static void fence_asid(u64 asid)
{
    __asm__ volatile("sfence.vma zero, %0" ::"r"(asid) : "memory");
}

static void fence_both(u64 va, u64 asid)
{
    __asm__ volatile("sfence.vma %0, %1" ::"r"(va), "r"(asid) : "memory");
}

static void remap(void)
{
    for (unsigned i = 0; i < 300; i++) { /* a new page each time, seen at once after the fence */
        volatile u64 *page = i & 1 ? first : second;

        point(0, page, PTE_RW);
        switch (i % 4) {
        case 0: sfence(); break;
        case 1: fence_address(VA); break;
        case 2: fence_asid(1); break;
        default: fence_both(VA, 1);
        }
        check_equal(load(u64, VA), i & 1 ? 1 : 2);
        load(u64, VA + 8) = i;
        check_equal(page[1], i);
    }
}

static void upgrade(void)
{
    u64 count = trapped.count;

    point(1, first, PTE_V | PTE_R | PTE_A);
    sfence();
    check_equal(load(u64, VA + 0x1000), 1);
    load(u64, VA + 0x1000) = 1;
    check_equal(trapped.count, count + 1);
    point(1, first, PTE_RW);
    fence_address(VA + 0x1000);
    load(u64, VA + 0x1008) = 5;
    check_equal(first[1], 5);
    point(1, first, 0); /* downgrade, with a fence */
    fence_address(VA + 0x1000);
    (void)load(u64, VA + 0x1000);
    check_equal(trapped.count, count + 2);
    check_equal(trapped.cause, CAUSE_LOAD_PAGE);
}

static void spaces(void)
{
    /* two ASIDs, two views of one address; both stay valid over a switch */
    static volatile table other, other_middle, other_low;
    u64 mine = satp_value(SATP_SV39, &root, 1), theirs = satp_value(SATP_SV39, &other, 2);

    map_identity(&other, PTE_RWX | PTE_G);
    other[1] = branch(&other_middle);
    other_middle[0] = branch(&other_low);
    other_low[0] = leaf(second, PTE_RW);
    point(0, first, PTE_RW);
    sfence();
    for (unsigned i = 0; i < 10; i++) {
        csr_write(satp, mine);
        check_equal(load(u64, VA), 1);
        csr_write(satp, theirs);
        check_equal(load(u64, VA), 2);
    }
    csr_write(satp, mine);
}

static void kernel(u64 argument)
{
    (void)argument;
    csr_write(stvec, s_entry);
    csr_write(sscratch, trap_stack + 512);
    set_asid(1);
    sfence();
    remap();
    upgrade();
    spaces();
    csr_write(satp, 0);
    sfence();
    leave(1);
}

int main(void)
{
    open_pmp();
    first[0] = 1;
    second[0] = 2;
    map_identity(&root, PTE_RWX | PTE_G);
    root[1] = branch(&middle);
    middle[0] = branch(&low);
    csr_write(medeleg, 1 << CAUSE_LOAD_PAGE | 1 << CAUSE_STORE_PAGE);
    check_equal(drop(RING_0, kernel, 0, stack + 512), 1);
    return 0;
}
