/* Virtual to host physical: TLB, walk, MMIO ranges, PMP, in the order of EV-3 (mmu.h). */
#include "mmu.h"

#include "fast.h"
#include "fault.h"
#include "rights.h"
#include "state/machine_state.h"
#include "state/raise.h"
#include "walk.h"

visa_result mmu_check_physical(struct hart *h, const struct xlate *q)
{
    if (pmp_allows(h, q->hpa, q->size, q->access, q->ctx->ring))
        return VISA_OK;
    return mmu_fail(h, q, FAIL_PHYSICAL, false);
}

/* What a range says comes before the host table. *done: the address is settled. */
static visa_result take_range(struct hart *h, struct xlate *q, const struct iov_answer *a,
                              bool *done)
{
    *done = a->kind == IOV_FORWARDS;
    q->uncached = a->kind != IOV_NONE;
    if (a->kind == IOV_NO_FETCH)
        return mmu_fail(h, q, FAIL_PHYSICAL, false);
    if (a->kind == IOV_EXITS)
        return mmu_fail_io(h, q, a->range);
    if (*done)
        q->hpa = a->hpa;
    return VISA_OK;
}

static visa_result check_ranges(struct hart *h, struct xlate *q, const struct context *c,
                                bool *done)
{
    struct iov_answer a = iov_resolve(c, q->gpa, q->size, q->access);

    return take_range(h, q, &a, done);
}

static bool entry_allows(const struct tlb_entry *e, const struct xlate *q)
{
    const struct xlate_ctx *c = q->ctx;
    unsigned ring = c->tag & TLB_TAG_ON ? c->ring : RING_3; /* without a guest stage U is 1 */

    return !rights_lacking(e->perm, q->access, ring, c->sum, c->mxr);
}

static visa_result fail_walk(struct hart *h, const struct xlate *q, const struct walk *w,
                             enum walk_result r)
{
    static const enum failure failures[] = {
        [WALK_PAGE] = FAIL_PAGE, [WALK_HOST] = FAIL_HOST, [WALK_DENIED] = FAIL_PHYSICAL};

    return mmu_fail(h, q, failures[r], w->in_table);
}

static void count_miss(struct hart *h, const struct xlate_ctx *ctx, struct context *c)
{
    struct machine *m = h->machine;

    if (!ctx->v) {
        m->stats.tlbmiss_host++;
        return;
    }
    h->count_tlbmiss++;
    m->stats.tlbmiss++;
    c->f[ISA_VMCS_COUNT_TLBMISS]++;
    if (h->vm_stats)
        h->vm_stats->tlbmiss++;
}

/* The page of a new entry must not hide an MMIO range: smaller, or not at all. */
static bool shrink_past_ranges(const struct context *c, uint64_t gpa, uint64_t hpa, uint64_t va,
                               struct tlb_entry *e)
{
    for (;; e->level--) {
        uint64_t pages = 1ull << 9 * e->level;

        if (!c || !iov_overlaps(c, (gpa >> 12 & ~(pages - 1)) << 12, pages << 12))
            break;
        if (e->level == 0)
            return false;
    }
    e->vpn = va >> 12 & ~((1ull << 9 * e->level) - 1);
    e->gpn = gpa >> 12 & ~((1ull << 9 * e->level) - 1);
    e->ppn = hpa >> 12 & ~((1ull << 9 * e->level) - 1);
    return true;
}

static void time_read(void *user, bool host, unsigned level, uint64_t gpa, uint64_t hpa,
                      uint64_t pte)
{
    (void)level;
    (void)gpa;
    (void)pte;
    note(user, host ? TIMING_WALK_HOST : TIMING_WALK_GUEST, hpa, 8, false);
}

/* The walk that an access wants, of the tables as they are. Only a guest's own accesses have V=1
 * while it runs: with V=0 satp is the host's, and VMLD and VMST take GPTBR from the context. */
static inline struct walk walk_for(struct hart *h, const struct xlate *q, const struct context *c)
{
    return (struct walk){.h = h,
                         .ctx = q->ctx,
                         .access = q->access,
                         .satp = q->ctx->v ? ctx_gptbr(h, c) : h->s.satp,
                         .hptbr = q->ctx->v ? c->f[ISA_VMCS_HPTBR] : 0,
                         .context = c,
                         .size = q->size,
                         .adue = h->menvcfg & MENVCFG_ADUE};
}

/* What the walk has to write, if the PMP lets the access through; else that is told by
 * check_physical. */
static bool settle(struct hart *h, const struct xlate *q, struct walk *w)
{
    if (!w->ndue)
        return true;
    if (!pmp_allows(h, q->hpa, q->size, q->access, q->ctx->ring))
        return false;
    walk_write_due(w);
    return true;
}

static visa_result walk_and_fill(struct hart *h, struct xlate *q, struct context *c)
{
    unsigned side = q->access == ACCESS_FETCH ? 0 : 1;
    struct walk w = walk_for(h, q, c);
    struct tlb_entry evicted;
    bool done;
    enum walk_result r;

    w.writes = true;
    w.tlb = h->tlb[side];
    w.visit = timed(h) ? time_read : NULL;
    w.user = h;
    count_miss(h, q->ctx, c);
    r = walk_resolve(&w, q->va);
    q->gpa = w.gpa;
    if (take_range(h, q, &w.iov, &done) != VISA_OK)
        return VISA_TRAP;
    if (done) {
        (void)settle(h, q, &w);
        return VISA_OK;
    }
    if (r != WALK_OK)
        return fail_walk(h, q, &w, r);
    q->hpa = w.hpa;
    if (!settle(h, q, &w))
        return VISA_OK;
    w.entry.tag = q->ctx->tag;
    if (q->uncached || !shrink_past_ranges(c, q->gpa, q->hpa, q->va, &w.entry))
        return VISA_OK;
    tlb_fill(h->tlb[side], &w.entry, &evicted);
    if (evicted.valid)
        mmu_fast_drop(h, side, &evicted);
    return VISA_OK;
}

void mmu_peek_fetch(const struct hart *h, const struct xlate_ctx *code, uint64_t pc, uint64_t *gpa,
                    uint64_t *hpa)
{
    const struct tlb_entry *e = code->bare ? NULL : tlb_peek(h->tlb[0], code->tag, pc);

    *gpa = *hpa = code->bare ? pc : 0;
    if (e) {
        uint64_t offset = pc & ((1ull << (12 + 9 * e->level)) - 1);

        *gpa = (e->gpn << 12) + offset;
        *hpa = (e->ppn << 12) + offset;
    }
}

static void tell_stale(const struct machine *m, const struct stale_use *u)
{
    for (const struct observer *o = m->observers; o; o = o->next)
        if (o->stale)
            o->stale(o->user, u);
}

/* What the tables say now about an access that a cached entry has just allowed. */
static void check_stale(struct hart *h, const struct xlate *q, struct context *c)
{
    struct machine *m = h->machine;
    struct walk w = walk_for(h, q, c);
    struct stale_use u = {.hart = h->id,
                          .v = q->ctx->v,
                          .vmid = (uint16_t)tlb_tag_vmid(q->ctx->tag),
                          .access = "xrw"[q->access],
                          .pc = h->pc,
                          .va = q->va,
                          .cached_hpa = q->hpa};
    uint64_t gpa;

    mmu_peek_fetch(h, &h->code, h->pc, &gpa, &u.pc_hpa);
    u.mapped =
        walk_resolve(&w, q->va) == WALK_OK && w.iov.kind != IOV_NO_FETCH && w.iov.kind != IOV_EXITS;
    if (u.mapped)
        u.now_hpa = w.hpa;
    if (!u.mapped || u.now_hpa != q->hpa)
        tell_stale(m, &u);
}

visa_result mmu_translate(struct hart *h, struct xlate *q, struct context *c)
{
    unsigned side = q->access == ACCESS_FETCH ? 0 : 1;
    struct tlb_entry *e;
    bool done = false;

    if (q->ctx->bare) {
        q->gpa = q->hpa = q->va;
        if (q->ctx->v && check_ranges(h, q, c, &done) != VISA_OK)
            return VISA_TRAP;
        return mmu_check_physical(h, q);
    }
    e = tlb_lookup(h->tlb[side], q->ctx->tag, q->va);
    if (timed(h) && !h->tlb[side]->l1_hit)
        note(h, TIMING_TLB_L2, 0, 0, false);
    if (e && !entry_allows(e, q)) {
        mmu_fast_drop(h, side, e);
        tlb_drop(h->tlb[side], e);
        e = NULL;
    }
    if (e) {
        uint64_t offset = q->va & ((1ull << (12 + 9 * e->level)) - 1);

        q->gpa = (e->gpn << 12) + offset;
        q->hpa = (e->ppn << 12) + offset;
        if (h->machine->wanted.stale)
            check_stale(h, q, c);
    } else if (walk_and_fill(h, q, c) != VISA_OK) {
        return VISA_TRAP;
    }
    if (timed(h) && h->tlb[side]->l1_out.valid) /* fast entries are hits of L1 */
        mmu_fast_drop(h, side, &h->tlb[side]->l1_out);
    return mmu_check_physical(h, q);
}

visa_result mmu_translate_gpa(struct hart *h, const struct context *c, struct xlate *q)
{
    static const struct xlate_ctx ctx = {.v = true, .ring = RING_0};
    struct walk w = {.h = h,
                     .ctx = &ctx,
                     .access = q->access,
                     .hptbr = c->f[ISA_VMCS_HPTBR],
                     .context = c,
                     .size = q->size,
                     .adue = h->menvcfg & MENVCFG_ADUE,
                     .writes = true,
                     .visit = timed(h) ? time_read : NULL,
                     .user = h};
    bool done;
    enum walk_result r = walk_resolve(&w, q->va); /* bare: gpa = va */

    q->ctx = &ctx;
    q->gpa = q->va;
    if (take_range(h, q, &w.iov, &done) != VISA_OK)
        return VISA_TRAP;
    if (!done && r != WALK_OK)
        return fail_walk(h, q, &w, r);
    q->hpa = w.hpa;
    (void)settle(h, q, &w);
    return mmu_check_physical(h, q);
}

bool mmu_reach(struct hart *h, uint64_t addr, unsigned size, enum access access, uint64_t *hpa)
{
    static const struct xlate_ctx ctx = {.v = true, .ring = RING_0};
    struct walk w = {.h = h,
                     .ctx = &ctx,
                     .access = access,
                     .context = h->live,
                     .size = size,
                     .adue = h->menvcfg & MENVCFG_ADUE,
                     .writes = true};

    *hpa = addr;
    if (h->v) {
        w.hptbr = h->live->f[ISA_VMCS_HPTBR];
        if (walk_resolve(&w, addr) != WALK_OK || w.iov.kind == IOV_EXITS)
            return false;
        *hpa = w.hpa;
    }
    if (!in_ram(h->machine, *hpa, size) || !pmp_allows(h, *hpa, size, access, h->ring))
        return false;
    walk_write_due(&w);
    return true;
}
