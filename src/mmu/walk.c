/* The page-table walker (walk.h).
 *
 *   va --guest table--> gpa --host table--> hpa          V=1
 *   va --satp's table-------------------> hpa            V=0
 *
 * Every guest table entry has a guest physical address of its own, so it goes
 * through the host table first: Sv39 on Sv39x4 reads 3 x (3 + 1) + 3 = 15 entries,
 * Sv48 on Sv48x4 reads 24. Where A or D is clear and needed, the access faults (Svade), or with
 * menvcfg.ADUE the walk writes it (Svadu): for a read of a guest's table at once, for the access
 * itself when all is known to allow it. */
#include "walk.h"

#include <assert.h>
#include <string.h>

#include "state/machine_state.h"
#include "mmu.h"

#define PTE_PPN(pte) ((pte) >> 10 & ((1ull << 44) - 1))
#define PTE_RESERVED (~((1ull << 54) - 1))

static_assert(3 * (3 + 1) + 3 == 15 && 4 * (4 + 1) + 4 == 24, "entries of a nested walk");

enum { MODE_BARE = 0, MODE_SV39 = 8, MODE_SV48 = 9 };

struct leaf {
    uint64_t pte; /* as it will be, with ... */
    uint64_t due; /* ... the bits that are to be written */
    unsigned level;
    uint64_t pa;      /* of the address walked */
    uint64_t gpa, at; /* of the entry; at: host physical */
};

static unsigned table_levels(uint64_t base)
{
    return base >> 60 == MODE_SV48 ? 4 : 3;
}

static enum walk_result host_step(struct walk *w, uint64_t gpa, enum access access,
                                  struct leaf *leaf);

static void count_write(struct walk *w, bool host)
{
    struct machine_stats *s = &w->h->machine->stats;
    struct exit_count *vm = w->ctx->v ? w->h->vm_stats : NULL;

    s->walk_writes_host += host;
    s->walk_writes_guest += !host;
    if (vm) {
        vm->walk_writes_host += host;
        vm->walk_writes_guest += !host;
    }
}

/* An atomic OR. Nothing is written if the bits are there by now: one entry can be due twice. */
static void write_entry(struct walk *w, const struct walk_due *d)
{
    struct hart *h = w->h;
    uint64_t pte;

    (void)machine_read(h->machine, d->hpa, &pte, 8); /* it was read before */
    if ((pte | d->bits) == pte)
        return;
    pte |= d->bits;
    memcpy(machine_ram(h->machine, d->hpa, 8), &pte, 8);
    count_write(w, d->host);
    if (w->visit)
        note(h, d->host ? TIMING_WALK_HOST : TIMING_WALK_GUEST, d->hpa, 8, true);
    mem_stored(h, d->hpa, 8);
}

void walk_write_due(struct walk *w)
{
    for (unsigned i = 0; i < w->ndue; i++)
        write_entry(w, &w->due[i]);
    w->ndue = 0;
}

static void add_due(struct walk *w, bool host, const struct leaf *leaf)
{
    if (leaf->due)
        w->due[w->ndue++] = (struct walk_due){host, leaf->at, leaf->due};
}

/* May the walk store into this entry, if it has to? */
static bool writable(const struct walk *w, const struct leaf *leaf)
{
    return !leaf->due || pmp_allows(w->h, leaf->at, 8, ACCESS_STORE, RING_0);
}

/* Host address of a guest table entry, by way of the walk cache. */
static enum walk_result table_address(struct walk *w, uint64_t gpa, uint64_t *hpa)
{
    uint64_t vmid = w->hptbr >> 44 & ((1ull << ISA_VMID_BITS) - 1);
    uint64_t ppn;
    struct leaf leaf;
    enum walk_result r;

    *hpa = gpa;
    if (!w->ctx->v || w->hptbr >> 60 == MODE_BARE)
        return WALK_OK;
    if (w->tlb && tlb_walk_lookup(w->tlb, vmid, gpa >> 12, &ppn)) {
        *hpa = ppn << 12 | (gpa & 0xfff);
        return WALK_OK;
    }
    r = host_step(w, gpa, ACCESS_LOAD, &leaf);
    if (r != WALK_OK) {
        w->in_table = true;
        w->gpa = gpa;
        return r;
    }
    if (leaf.due && w->writes)
        write_entry(w, &(struct walk_due){true, leaf.at, leaf.due});
    if (w->tlb)
        tlb_walk_fill(w->tlb, vmid, gpa >> 12, leaf.pa >> 12);
    *hpa = leaf.pa;
    return WALK_OK;
}

static void count_read(struct walk *w, bool host)
{
    struct machine_stats *s = &w->h->machine->stats;
    struct exit_count *vm = w->ctx->v ? w->h->vm_stats : NULL;

    s->walk_reads_host += host;
    s->walk_reads_guest += !host;
    if (vm) {
        vm->walk_reads_host += host;
        vm->walk_reads_guest += !host;
    }
}

static enum walk_result read_entry(struct walk *w, bool host, unsigned level, uint64_t gpa,
                                   uint64_t hpa, uint64_t *pte)
{
    struct machine *m = w->h->machine;

    if (!pmp_allows(w->h, hpa, 8, ACCESS_LOAD, RING_0) || !machine_read(m, hpa, pte, 8)) {
        if (!host) {
            w->in_table = true;
            w->gpa = gpa;
        }
        return WALK_DENIED;
    }
    if (w->tlb)
        count_read(w, host);
    if (w->visit)
        w->visit(w->user, host, level, gpa, hpa, *pte);
    return WALK_OK;
}

static enum walk_result refuse(struct walk *w, bool host, unsigned why)
{
    w->why = why;
    return host ? WALK_HOST : WALK_PAGE;
}

/* What of an entry, whatever it is for, cannot be. */
static inline unsigned wrong_entry(uint64_t pte, unsigned level)
{
    bool w_alone = (pte & (PTE_R | PTE_W)) == PTE_W, leaf = pte & (PTE_R | PTE_X);
    unsigned why = 0;

    if (!(pte & PTE_V))
        return WHY_V;
    if (w_alone || pte & PTE_RESERVED)
        why = (w_alone ? WHY_W_ALONE : 0) | (pte & PTE_RESERVED ? WHY_RESERVED : 0);
    if (!leaf && !w_alone && (pte & (PTE_A | PTE_D | PTE_U) || level == 0))
        why |= (pte & (PTE_A | PTE_D | PTE_U) ? WHY_TABLE_ADU : 0) | (level ? 0 : WHY_LEVEL_0);
    return why;
}

/* What of a leaf does not allow the access. */
static inline unsigned wrong_leaf(const struct walk *w, bool host, const struct leaf *leaf,
                                  enum access access)
{
    const struct xlate_ctx *c = w->ctx;
    unsigned lacking = rights_lacking(rights_of(leaf->pte), access, host ? RING_3 : c->ring, c->sum,
                                      !host && c->mxr);
    bool misaligned = PTE_PPN(leaf->pte) & ((1ull << 9 * leaf->level) - 1);
    bool clean = access == ACCESS_STORE && !(leaf->pte & PTE_D);

    if (!lacking && !misaligned && !clean && leaf->pte & PTE_A)
        return 0;
    return (misaligned ? WHY_MISALIGNED : 0) | (leaf->pte & PTE_A ? 0 : WHY_A) |
           (lacking & PERM_X ? WHY_X : 0) | (lacking & PERM_R ? WHY_R : 0) |
           (lacking & PERM_W ? WHY_W : 0) | (clean && !w->adue ? WHY_D : 0) |
           (lacking & PERM_U ? host ? WHY_U : WHY_RING_3 : 0) |
           (lacking & LACKS_S ? access == ACCESS_FETCH ? WHY_FETCH : WHY_SUM : 0);
}

/* Of A and D what an access sets, if walks do. */
static uint64_t bits_to_set(const struct walk *w, uint64_t pte, enum access access)
{
    if (!w->adue)
        return 0;
    return PTE_A | (access == ACCESS_STORE && pte & PTE_W ? PTE_D : 0);
}

/* Down the table at base from the top to a leaf. The host stage's top level is four
 * times as wide (x4). */
static enum walk_result walk_table(struct walk *w, bool host, uint64_t base, uint64_t addr,
                                   enum access access, struct leaf *leaf)
{
    uint64_t table = (base & ((1ull << 44) - 1) & (host ? ~3ull : ~0ull)) << 12;
    unsigned levels = table_levels(base);

    for (unsigned level = levels; level-- > 0;) {
        unsigned bits = host && level == levels - 1 ? 11 : 9;
        uint64_t index = addr >> (12 + 9 * level) & ((1ull << bits) - 1);
        uint64_t gpa = table + index * 8, hpa = gpa, pte;
        enum walk_result r = host ? WALK_OK : table_address(w, gpa, &hpa);
        unsigned why;

        if (r == WALK_OK)
            r = read_entry(w, host, level, gpa, hpa, &pte);
        if (r != WALK_OK)
            return r;
        why = wrong_entry(pte, level);
        if (pte & (PTE_R | PTE_X) && !why) {
            uint64_t offset = (1ull << (12 + 9 * level)) - 1;

            *leaf = (struct leaf){.pte = pte | bits_to_set(w, pte, access),
                                  .due = bits_to_set(w, pte, access) & ~pte,
                                  .level = level,
                                  .pa = ((PTE_PPN(pte) << 12) & ~offset) | (addr & offset),
                                  .gpa = gpa,
                                  .at = hpa};
            why = wrong_leaf(w, host, leaf, access);
            if (!why)
                return WALK_OK;
        }
        if (why)
            return refuse(w, host, why);
        table = PTE_PPN(pte) << 12;
    }
    return WALK_OK; /* level 0 has refused */
}

static enum walk_result host_step(struct walk *w, uint64_t gpa, enum access access,
                                  struct leaf *leaf)
{
    unsigned bits = 12 + 9 * table_levels(w->hptbr) + 2;
    enum walk_result r;

    if (gpa >> bits)
        return refuse(w, true, WHY_WIDE);
    r = walk_table(w, true, w->hptbr, gpa, access, leaf);
    return r == WALK_OK && !writable(w, leaf) ? WALK_DENIED : r;
}

/* The guest's leaf is to be written: a store for the host stage and PMP. It goes to where the entry
 * was read, which differs if the walk cache is stale. */
static enum walk_result leaf_due(struct walk *w, const struct leaf *leaf)
{
    struct leaf page = {0};
    enum walk_result r = WALK_OK;

    if (!leaf->due)
        return WALK_OK;
    if (w->ctx->v && w->hptbr >> 60 != MODE_BARE)
        r = host_step(w, leaf->gpa, ACCESS_STORE, &page);
    if (r == WALK_OK && !writable(w, leaf))
        r = WALK_DENIED;
    if (r != WALK_OK) {
        w->in_table = w->in_write = true;
        w->gpa = leaf->gpa;
        return r;
    }
    add_due(w, true, &page);
    add_due(w, false, leaf);
    return WALK_OK;
}

/* For the TLB: without D a leaf does not allow stores. */
static uint8_t rights(uint64_t pte)
{
    return pte & PTE_D ? rights_of(pte) : rights_of(pte) & (uint8_t)~PERM_W;
}

enum walk_result walk_guest(struct walk *w, uint64_t va)
{
    struct leaf leaf;
    unsigned bits = 12 + 9 * table_levels(w->satp);
    enum walk_result r;

    if (w->satp >> 60 == MODE_BARE) {
        w->gpa = va;
        w->entry = (struct tlb_entry){.level = TLB_LEVELS - 1,
                                      .gpn = va >> 12,
                                      .perm = PERM_R | PERM_W | PERM_X | PERM_U | PERM_XR};
        return WALK_OK;
    }
    if ((int64_t)(va << (64 - bits)) >> (64 - bits) != (int64_t)va)
        return refuse(w, false, WHY_SIGN);
    r = walk_table(w, false, w->satp, va, w->access, &leaf);
    if (r != WALK_OK)
        return r;
    r = leaf_due(w, &leaf);
    if (r != WALK_OK)
        return r;
    w->gpa = leaf.pa;
    w->entry = (struct tlb_entry){.level = (uint8_t)leaf.level,
                                  .leaf = (uint8_t)leaf.level,
                                  .global = leaf.pte & PTE_G,
                                  .gpn = leaf.pa >> 12,
                                  .perm = rights(leaf.pte)};
    return WALK_OK;
}

enum walk_result walk_host(struct walk *w, uint64_t va)
{
    struct leaf leaf = {.pa = w->gpa};
    struct tlb_entry *e = &w->entry;
    uint64_t low;

    if (w->ctx->v && w->hptbr >> 60 != MODE_BARE) {
        enum walk_result r = host_step(w, w->gpa, w->access, &leaf);
        uint8_t host = 0;

        if (r != WALK_OK)
            return r;
        add_due(w, true, &leaf);
        host = rights(leaf.pte);
        if (!(leaf.pte & PTE_R)) /* MXR is the guest's own affair */
            host &= (uint8_t)~PERM_XR;
        e->perm &= host | PERM_U;
        if (leaf.level < e->level)
            e->level = (uint8_t)leaf.level;
        if (w->satp >> 60 == MODE_BARE)
            e->leaf = (uint8_t)leaf.level;
    }
    low = (1ull << 9 * e->level) - 1;
    e->vpn = va >> 12 & ~low;
    e->gpn = w->gpa >> 12 & ~low;
    e->ppn = leaf.pa >> 12 & ~low;
    return WALK_OK;
}

enum walk_result walk_resolve(struct walk *w, uint64_t va)
{
    enum walk_result r = walk_guest(w, va);

    w->iov = (struct iov_answer){0};
    if (r != WALK_OK)
        return r;
    w->iov = iov_resolve(w->context, w->gpa, w->size, w->access);
    w->hpa = w->iov.hpa;
    if (w->iov.kind > IOV_NEAR)
        return WALK_OK;
    r = walk_host(w, va);
    w->hpa = w->entry.ppn << 12 | (va & ((1ull << (12 + 9 * w->entry.level)) - 1));
    return r;
}
