/* Svadu: walks write A, and D for stores, into the leaf that is used, at every level, and into nothing
 * else; an access that faults writes neither. With OWN, what QEMU 7.2 cannot show: menvcfg.ADUE, and that
 * the PMP is asked before anything is written. */
#include "platform.h"

#ifdef OWN
enum { OURS = 1 };
#else
enum { OURS = 0 };
#endif
enum { RET = 0x8067, LOW_BITS = 0x3ff };
enum access { LOAD, STORE, AMO, LR, FETCH, KINDS };

static volatile table top, root, upper, middle, low;
static volatile u64 data[512] __attribute__((aligned(4096)));
static u64 stack[512] __attribute__((aligned(16))), trap_stack[512] __attribute__((aligned(16)));

void m_trap(struct frame *f)
{
    check(was_leave(f));
}

void s_trap(struct frame *f)
{
    u64 cause = csr_read(scause);

    if (cause != CAUSE_INSN_PAGE && cause != CAUSE_INSN_ACCESS) {
        note_trap(f, cause, csr_read(stval));
        return;
    }
    trapped.count++; /* nobody may look at the instruction: that is a load of its page */
    trapped.cause = cause;
    f->epc = f->ra;
}

/* The entry that maps `data` behind `area` by a leaf of a level, in tables of their own. */
static volatile u64 *build(u64 mode, unsigned level, u64 *area)
{
    u64 pa = (u64)data;
    volatile u64 *entry[] = {&low[pa >> 12 & 511], &middle[pa >> 21 & 511],
                             mode == SATP_SV48 ? &upper[pa >> 30 & 511] : &root[64 + (pa >> 30)],
                             &top[1]};
    static volatile table *const tables[] = {&low, &middle, &upper};
    u64 span = 1ull << (12 + 9 * level);

    *area = mode == SATP_SV48 ? 1ull << 39 : 64ull << 30;
    for (unsigned i = level + 1; i < (mode == SATP_SV48 ? 4 : 3); i++)
        *entry[i] = branch(tables[i - 1]);
    *entry[level] = leaf((void *)(pa / span * span), PTE_V);
    return entry[level];
}

static void use(enum access access, u64 va)
{
    u64 value;

    switch (access) {
    case LOAD: (void)load(u64, va + 8); break;
    case STORE: load(u64, va + 8) = 7; break;
    case AMO:
        __asm__ volatile("amoadd.d zero, %0, (%1)" ::"r"(1ull), "r"(va + 8) : "memory");
        break;
    case LR: __asm__ volatile("lr.d %0, (%1)" : "=r"(value) : "r"(va + 8) : "memory"); break;
    default: ((void (*)(void))va)();
    }
}

static u64 writes(enum access access)
{
    return access == STORE || access == AMO ? PTE_A | PTE_D : PTE_A;
}

/* One access of a leaf with these low bits, which then has those. */
static void once(volatile u64 *entry, u64 va, enum access access, u64 bits, u64 after, u64 cause)
{
    u64 before = trapped.count;

    *entry = (*entry & ~(u64)LOW_BITS) | bits;
    sfence();
    use(access, va);
    check_equal(trapped.count, before + (cause != 0));
    if (cause)
        check_equal(trapped.cause, cause);
    check_equal(*entry & LOW_BITS, after);
}

static const u64 page_fault[KINDS] = {CAUSE_LOAD_PAGE, CAUSE_STORE_PAGE, CAUSE_STORE_PAGE,
                                      CAUSE_LOAD_PAGE, CAUSE_INSN_PAGE};
static const u64 lacking[KINDS] = {PTE_R | PTE_W, PTE_W, PTE_W, PTE_R | PTE_W, PTE_X};

static void leaf_of(u64 mode, unsigned level)
{
    static const u64 had[] = {0, PTE_A, PTE_D, PTE_A | PTE_D};
    const u64 all = PTE_V | PTE_R | PTE_W | PTE_X;
    u64 area;
    volatile u64 *entry = build(mode, level, &area);
    u64 va = area + (u64)data;

    for (enum access access = LOAD; access < KINDS; access++)
        for (unsigned i = 0; i < 4; i++) {
            once(entry, va, access, all | had[i], all | had[i] | writes(access), 0);
            if (access == AMO && !OURS)
                continue; /* QEMU's AMO loads first: another cause */
            /* what the permissions forbid */
            once(entry, va, access, (all & ~lacking[access]) | had[i],
                 (all & ~lacking[access]) | had[i], page_fault[access]);
            once(entry, va, access, all | had[i] | PTE_U, all | had[i] | PTE_U, page_fault[access]);
        }
    /* a load, then a store without a flush: A, then D */
    once(entry, va, LOAD, all, all | PTE_A, 0);
    use(STORE, va);
    check_equal(*entry & LOW_BITS, all | PTE_A | PTE_D);
}

static u64 begin(u64 mode)
{
    csr_write(stvec, s_entry);
    csr_write(sscratch, trap_stack + 512);
    map_identity(&root, PTE_RWX);
    top[0] = branch(&root);
    data[0] = RET;
    __asm__ volatile("fence.i" ::: "memory");
    csr_write(satp, satp_value(mode, mode == SATP_SV48 ? &top : &root, 0));
    sfence();
    return mode == SATP_SV48 ? 4 : 3;
}

static void kernel(u64 mode)
{
    unsigned levels = begin(mode);

    for (unsigned level = 0; level < levels; level++) {
        leaf_of(mode, level);
        check_equal(low[((u64)data >> 12 & 511) ^ 1], 0);
        if (level == 0) /* tables have none of them */
            check_equal(middle[(u64)data >> 21 & 511], branch(&low));
    }
    csr_write(satp, 0);
    leave(1);
}

#ifdef OWN
#define ADUE (1ull << 61)

/* Svade: every access whose bit is clear faults, and nothing is written. */
static void without(u64 mode)
{
    u64 area;
    volatile u64 *entry = (begin(mode), build(mode, 0, &area));

    for (enum access access = LOAD; access < KINDS; access++) {
        once(entry, area + (u64)data, access, PTE_V | PTE_R | PTE_W | PTE_X,
             PTE_V | PTE_R | PTE_W | PTE_X, page_fault[access]);
        once(entry, area + (u64)data, access, PTE_RWX, PTE_RWX, 0);
    }
    csr_write(satp, 0);
    leave(1);
}

/* The PMP lets the page of `data`, or that of its leaf, be read and executed alone. The access fails as
 * it would if that page could not be accessed at all, and nothing is written. */
static void refused(u64 leaf_is_protected)
{
    static const u64 access_fault[KINDS] = {CAUSE_LOAD_ACCESS, CAUSE_STORE_ACCESS,
                                            CAUSE_STORE_ACCESS, CAUSE_LOAD_ACCESS,
                                            CAUSE_INSN_ACCESS};
    volatile u64 *entry = &middle[(u64)data >> 21 & 511];
    u64 area = 64ull << 30, was = *entry;

    csr_write(stvec, s_entry);
    csr_write(sscratch, trap_stack + 512);
    csr_write(satp, satp_value(SATP_SV39, &root, 0));
    for (enum access access = LOAD; access < KINDS; access++) {
        u64 before = trapped.count;

        if (!leaf_is_protected && writes(access) == PTE_A)
            continue;
        sfence();
        use(access, area + (u64)data);
        check_equal(trapped.count, before + 1);
        check_equal(trapped.cause, access_fault[access]);
        check_equal(*entry, was);
    }
    csr_write(satp, 0);
    leave(1);
}

static void protect(const volatile void *page)
{
    csr_write(pmpcfg0, 0);
    csr_write(pmpaddr0, (u64)page >> 2 | 0x1ff);
    csr_write(pmpaddr1, ~0ull >> 10);
    csr_write(pmpcfg0, 0x1f1d);
}

static void own(void)
{
    u64 area;

    check_equal(csr_read(menvcfg), ADUE);
    csr_clear(menvcfg, ADUE);
    check_equal(csr_read(menvcfg), 0);
    check_equal(drop(RING_0, without, SATP_SV39, stack + 512), 1);
    check_equal(drop(RING_0, without, SATP_SV48, stack + 512), 1);
    csr_set(menvcfg, ADUE);
    *build(SATP_SV39, 1, &area) |= PTE_R | PTE_W | PTE_X;
    protect(data);
    check_equal(drop(RING_0, refused, 0, stack + 512), 1);
    protect(middle);
    check_equal(drop(RING_0, refused, 1, stack + 512), 1);
    csr_write(pmpcfg0, 0);
}
#endif

int main(void)
{
    open_pmp();
#ifdef OWN
    csr_write(medeleg, 0xb0a2);
    own();
    open_pmp();
#endif
    csr_write(medeleg, 0xb000);
    check_equal(drop(RING_0, kernel, SATP_SV39, stack + 512), 1);
    check_equal(drop(RING_0, kernel, SATP_SV48, stack + 512), 1);
    return 0;
}
