/* Accesses over the end of a page: both pages are looked at before anything is written. */
#include "platform.h"

static volatile table root, middle, low;
static volatile uint8_t first[4096] __attribute__((aligned(4096))),
    last[4096] __attribute__((aligned(4096)));
static u64 stack[512] __attribute__((aligned(16))), trap_stack[512] __attribute__((aligned(16)));
#define VA 0x40000000ull
#define END (VA + 0x1000)

void m_trap(struct frame *f)
{
    check(was_leave(f));
}

void s_trap(struct frame *f)
{
    note_trap(f, csr_read(scause), csr_read(stval));
}

static void fill(void)
{
    for (unsigned i = 0; i < 4096; i++) {
        first[i] = (uint8_t)i;
        last[i] = (uint8_t)(i ^ 0x80);
    }
}

static void map_second(u64 flags)
{
    low[1] = flags ? leaf(last, flags) : 0;
    sfence();
}

/* Each width at each place over the boundary, the second page present. */
static void cross(void)
{
    fill();
    map_second(PTE_RW);
    for (u64 at = END - 7; at < END; at++) {
        u64 want = 0;

        for (unsigned i = 8; i-- > 0;)
            want = want << 8 | (at + i < END ? first[at + i - VA] : last[at + i - END]);
        check_equal(load(u64, at), want);
        check_equal(load(uint32_t, at), (uint32_t)want);
        check_equal(load(uint16_t, at), (uint16_t)want);
        load(u64, at) = 0x1122334455667788;
        check_equal(load(u64, at), 0x1122334455667788);
        check_equal(first[4095], 0x1122334455667788ull >> (END - 1 - at) * 8 & 0xff);
        check_equal(last[0], 0x1122334455667788ull >> (END - at) * 8 & 0xff);
        fill();
    }
    check_equal(trapped.count, 0);
}

static void half_faults(u64 flags, u64 cause)
{
    fill();
    map_second(flags);
    for (u64 at = END - 7; at < END; at++) {
        u64 count = trapped.count;

        if (cause == CAUSE_STORE_PAGE)
            load(u64, at) = ~0ull;
        else
            (void)load(u64, at);
        check_equal(trapped.count, count + 1);
        check_equal(trapped.cause, cause);
        check_equal(trapped.tval, END); /* the part that faults */
        for (unsigned i = 4080; i < 4096; i++)
            check_equal(first[i], (uint8_t)i);
    }
}

static void kernel(u64 argument)
{
    (void)argument;
    csr_write(stvec, s_entry);
    csr_write(sscratch, trap_stack + 512);
    csr_write(satp, satp_value(SATP_SV39, &root, 0));
    sfence();
    cross();
    half_faults(0, CAUSE_STORE_PAGE);
    half_faults(0, CAUSE_LOAD_PAGE);
    half_faults(PTE_V | PTE_R | PTE_A, CAUSE_STORE_PAGE);
    csr_write(satp, 0);
    sfence();
    leave(1);
}

int main(void)
{
    open_pmp();
    map_identity(&root, PTE_RWX);
    root[1] = branch(&middle);
    middle[0] = branch(&low);
    low[0] = leaf(first, PTE_RW);
    csr_write(medeleg, 1 << CAUSE_LOAD_PAGE | 1 << CAUSE_STORE_PAGE);
    check_equal(drop(RING_0, kernel, 0, stack + 512), 1);
    return 0;
}
