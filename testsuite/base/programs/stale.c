/* V-ISA's exact rule for a TLB: an entry stays until it is replaced or flushed, so a changed
 * table is not seen without a fence, a fence of another ASID or address keeps it, a fence of
 * an ASID keeps global pages, and an access that an entry forbids walks again. */
#include "platform.h"

static volatile table root, middle, low;
static volatile u64 first[512] __attribute__((aligned(4096))),
    second[512] __attribute__((aligned(4096)));
static u64 stack[512] __attribute__((aligned(16)));
#define VA 0x40000000ull

void m_trap(struct frame *f)
{
    check(was_leave(f));
}

static void kernel(u64 argument)
{
    (void)argument;
    csr_write(satp, satp_value(SATP_SV39, &root, 1));
    sfence();
    low[0] = leaf(first, PTE_RW);
    low[1] = leaf(first, PTE_RW | PTE_G);
    low[2] = leaf(first, PTE_V | PTE_R | PTE_A);
    check_equal(load(u64, VA), 1);
    check_equal(load(u64, VA + 0x1000), 1);
    check_equal(load(u64, VA + 0x2000), 1);

    low[0] = leaf(second, PTE_RW);
    low[1] = leaf(second, PTE_RW | PTE_G);
    check_equal(load(u64, VA), 1);                                  /* no fence */
    __asm__ volatile("sfence.vma zero, %0" ::"r"(2ull) : "memory"); /* another ASID */
    check_equal(load(u64, VA), 1);
    __asm__ volatile("sfence.vma %0" ::"r"(VA + 0x5000) : "memory"); /* another page */
    check_equal(load(u64, VA), 1);
    __asm__ volatile("sfence.vma zero, %0" ::"r"(1ull) : "memory"); /* this ASID */
    check_equal(load(u64, VA), 2);
    check_equal(load(u64, VA + 0x1000), 1); /* global: kept */
    __asm__ volatile("sfence.vma %0, %1" ::"r"(VA + 0x1000), "r"(1ull) : "memory");
    check_equal(load(u64, VA + 0x1000), 1);
    __asm__ volatile("sfence.vma %0" ::"r"(VA + 0x1000) : "memory"); /* all ASIDs and global ones */
    check_equal(load(u64, VA + 0x1000), 2);

    low[2] = leaf(first, PTE_RW); /* a permission more: no fence needed */
    load(u64, VA + 0x2008) = 9;
    check_equal(first[1], 9);
    low[3] = 0;
    low[3] = leaf(second, PTE_RW); /* what was invalid was never cached */
    check_equal(load(u64, VA + 0x3000), 2);
    csr_write(satp, 0);
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
    check_equal(drop(RING_0, kernel, 0, stack + 512), 1);
    return 0;
}
