/* Svade: a clear A bit, or a store to a page whose D bit is clear, is a page fault, and the table
 * is never written. Ring 0 sets the bits and goes on, as an operating system does. */
#include "platform.h"

static volatile table root, middle, low;
static volatile u64 data[512] __attribute__((aligned(4096)));
static u64 stack[512] __attribute__((aligned(16))), trap_stack[512] __attribute__((aligned(16)));
static volatile u64 faults[16];
#define VA 0x40000000ull

void m_trap(struct frame *f)
{
    check(was_leave(f));
}

void s_trap(struct frame *f)
{
    u64 cause = csr_read(scause), at = (csr_read(stval) - VA) >> 12;

    (void)f; /* the instruction is executed again */
    check(at < 4);
    check(cause == CAUSE_LOAD_PAGE || cause == CAUSE_STORE_PAGE || cause == CAUSE_INSN_PAGE);
    faults[cause]++;
    low[at] |= PTE_A | (cause == CAUSE_STORE_PAGE ? PTE_D : 0);
}

static void kernel(u64 argument)
{
    (void)argument;
    csr_write(stvec, s_entry);
    csr_write(sscratch, trap_stack + 512);
    csr_write(satp, satp_value(SATP_SV39, &root, 0));
    sfence();
    check_equal(load(u64, VA + 24), 3);
    check_equal(faults[CAUSE_LOAD_PAGE], 1);
    check_equal(low[0] & (PTE_A | PTE_D), PTE_A);
    load(u64, VA + 24) = 4;
    check_equal(faults[CAUSE_STORE_PAGE], 1);
    check_equal(data[3], 4);
    check_equal(low[0] & (PTE_A | PTE_D), PTE_A | PTE_D);
    __asm__ volatile("amoadd.d zero, %0, (%1)" ::"r"(1ull), "r"(VA + 0x1018) : "memory");
    check_equal(faults[CAUSE_STORE_PAGE], 2); /* A and D at once */
    check_equal(data[3], 5);
    ((void (*)(void))(VA + 0x2000))();
    check_equal(faults[CAUSE_INSN_PAGE], 1);
    check_equal(faults[CAUSE_LOAD_PAGE], 1);
    csr_write(satp, 0);
    leave(1);
}

static volatile uint32_t code[1024] __attribute__((aligned(4096)));

int main(void)
{
    open_pmp();
    data[3] = 3;
    code[0] = 0x8067; /* ret */
    __asm__ volatile("fence.i" ::: "memory");
    map_identity(&root, PTE_RWX);
    root[1] = branch(&middle);
    middle[0] = branch(&low);
    low[0] = leaf(data, PTE_V | PTE_R | PTE_W);
    low[1] = leaf(data, PTE_V | PTE_R | PTE_W);
    low[2] = leaf(code, PTE_V | PTE_R | PTE_X);
    csr_write(medeleg, 0xb000);
    check_equal(drop(RING_0, kernel, 0, stack + 512), 1);
    return 0;
}
