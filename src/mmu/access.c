/* Loads, stores and fetches beyond the interpreter's fast path (mmu.h). */
#include "mmu.h"

#include <string.h>

#include "devices/bus.h"
#include "state/machine_state.h"
#include "state/raise.h"
#include "walk.h"

/* Exception codes by what failed and which access it was (RISC-V privileged manual,
 * table 3.6). */
static const uint8_t page_fault[] = {ISA_EXC_INSN_PAGE, ISA_EXC_LOAD_PAGE, ISA_EXC_STORE_PAGE};
static const uint8_t access_fault[] = {ISA_EXC_INSN_ACCESS, ISA_EXC_LOAD_ACCESS,
                                       ISA_EXC_STORE_ACCESS};
static const uint8_t misaligned[] = {ISA_EXC_INSN_MISALIGNED, ISA_EXC_LOAD_MISALIGNED,
                                     ISA_EXC_STORE_MISALIGNED};
static const uint8_t host_fault[] = {0, ISA_EXC_LOAD_GUEST_PAGE, ISA_EXC_STORE_GUEST_PAGE};

static unsigned log2_bytes(unsigned size)
{
    return (unsigned)__builtin_ctz(size);
}

/* A host fault: the exit, or Ring -1's own exception. */
static visa_result fail_host(struct hart *h, const struct xlate *q, uint64_t gpa, bool walk,
                             bool denied)
{
    uint64_t qual = QUAL(HOSTFAULT, ACCESS, q->access) | QUAL(HOSTFAULT, WALK, walk) |
                    QUAL(HOSTFAULT, DENIED, denied);

    if (q->as_guest)
        return raise_exception(h, host_fault[q->access], gpa);
    if (q->access != ACCESS_FETCH)
        qual |= QUAL(HOSTFAULT, WIDTH, log2_bytes(q->width)) | qual_operand(h, ISA_EXIT_HOSTFAULT);
    return raise_exit(h, ISA_EXIT_HOSTFAULT, qual, q->va, gpa,
                      q->access == ACCESS_STORE ? q->value : 0);
}

static visa_result fail_walk(struct hart *h, const struct xlate *q, const struct walk *w,
                             enum walk_result r)
{
    if (r == WALK_PAGE) {
        if (!q->as_guest && h->v && trapcfg(h, ISA_TRAP_PF))
            return raise_exit(h, ISA_EXIT_PAGEFAULT,
                              QUAL(PAGEFAULT, ACCESS, q->access) |
                                  QUAL(PAGEFAULT, EXCEPTION, page_fault[q->access]),
                              q->va, 0, q->access == ACCESS_STORE ? q->value : 0);
        return raise_exception(h, page_fault[q->access], q->va);
    }
    if (!q->ctx->v)
        return raise_exception(h, access_fault[q->access], q->va);
    return fail_host(h, q, w->gpa, w->in_table, r == WALK_DENIED);
}

static visa_result check_physical(struct hart *h, const struct xlate *q)
{
    if (pmp_allows(h, q->hpa, q->size, q->access, q->ctx->ring))
        return VISA_OK;
    if (q->ctx->v)
        return fail_host(h, q, q->gpa, false, true);
    return raise_exception(h, access_fault[q->access], q->va);
}

/* What a range says comes before the host table. *done: the address is settled. */
static visa_result take_range(struct hart *h, struct xlate *q, const struct iov_answer *a,
                              bool *done)
{
    *done = a->kind == IOV_FORWARDS;
    q->uncached = a->kind != IOV_NONE;
    if (a->kind == IOV_NO_FETCH)
        return fail_host(h, q, q->gpa, false, true);
    if (a->kind == IOV_EXITS) {
        if (q->as_guest)
            return raise_exception(h, host_fault[q->access], q->gpa);
        if (q->size !=
            q->width) /* nobody can emulate half an access, which starts here or before */
            return raise_exception(h, misaligned[q->access],
                                   q->va & 0xfff ? q->va : q->va - (q->width - q->size));
        return raise_exit(h, ISA_EXIT_IO,
                          QUAL(IO, MMIO, 1) | QUAL(IO, PORT, (unsigned)a->range) |
                              QUAL(IO, WRITE, q->access == ACCESS_STORE) |
                              QUAL(IO, WIDTH, log2_bytes(q->size)) | qual_operand(h, ISA_EXIT_IO),
                          q->va, q->gpa, q->access == ACCESS_STORE ? q->value : 0);
    }
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
    bool user = e->perm & PERM_U;

    if (c->tag & TLB_TAG_ON) {
        if (c->ring == RING_3 ? !user : user && !(c->sum && q->access != ACCESS_FETCH))
            return false;
    }
    switch (q->access) {
    case ACCESS_FETCH: return e->perm & PERM_X;
    case ACCESS_LOAD: return e->perm & (c->mxr ? PERM_XR : PERM_R);
    case ACCESS_STORE: return e->perm & PERM_W;
    }
    return false;
}

static void fast_drop_page(struct hart *h, enum access access, uint64_t vpn)
{
    struct fast_entry *table = h->fast[access];

    for (unsigned mix = 0; mix <= FETCH_MIX_GUEST; mix += FETCH_MIX_GUEST) {
        struct fast_entry *e = &table[(vpn ^ mix) % FAST_ENTRIES];

        if (e->tag >> 12 == (vpn & ((1ull << 52) - 1)))
            e->tag = ~0ull;
    }
}

/* An L2 entry is gone: nothing fast may stand on it. */
static void fast_drop(struct hart *h, unsigned side, const struct tlb_entry *e)
{
    uint64_t pages = 1ull << 9 * e->level;

    for (unsigned access = side ? ACCESS_LOAD : ACCESS_FETCH;
         access <= (side ? ACCESS_STORE : ACCESS_FETCH); access++) {
        if (pages == 1) {
            fast_drop_page(h, access, e->vpn);
            continue;
        }
        for (unsigned i = 0; i < FAST_ENTRIES; i++) {
            uint64_t vpn = h->fast[access][i].tag >> 12;

            if ((vpn & ~(pages - 1)) == (e->vpn & ((1ull << 52) - 1)))
                h->fast[access][i].tag = ~0ull;
        }
    }
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
    timing_note(user, host ? TIMING_WALK_HOST : TIMING_WALK_GUEST, hpa, 8, false);
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
    w.visit = h->timing ? time_read : NULL;
    w.user = h->timing;
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
        fast_drop(h, side, &evicted);
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
        m->on_stale(m->on_stale_user, &u);
}

static visa_result translate(struct hart *h, struct xlate *q, struct context *c)
{
    unsigned side = q->access == ACCESS_FETCH ? 0 : 1;
    struct tlb_entry *e;
    bool done = false;

    if (q->ctx->bare) {
        q->gpa = q->hpa = q->va;
        if (q->ctx->v && check_ranges(h, q, c, &done) != VISA_OK)
            return VISA_TRAP;
        return check_physical(h, q);
    }
    e = tlb_lookup(h->tlb[side], q->ctx->tag, q->va);
    if (h->timing && !h->tlb[side]->l1_hit)
        timing_note(h->timing, TIMING_TLB_L2, 0, 0, false);
    if (e && !entry_allows(e, q)) {
        fast_drop(h, side, e);
        tlb_drop(h->tlb[side], e);
        e = NULL;
    }
    if (e) {
        uint64_t offset = q->va & ((1ull << (12 + 9 * e->level)) - 1);

        q->gpa = (e->gpn << 12) + offset;
        q->hpa = (e->ppn << 12) + offset;
        if (h->machine->on_stale)
            check_stale(h, q, c);
    } else if (walk_and_fill(h, q, c) != VISA_OK) {
        return VISA_TRAP;
    }
    if (h->timing && h->tlb[side]->l1_out.valid) /* fast entries are hits of L1 */
        fast_drop(h, side, &h->tlb[side]->l1_out);
    return check_physical(h, q);
}

visa_result mmu_translate(struct hart *h, struct xlate *q)
{
    return translate(h, q, h->live);
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
                     .visit = h->timing ? time_read : NULL,
                     .user = h->timing};
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
    return check_physical(h, q);
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

static void fast_fill(struct hart *h, const struct xlate *q, uintptr_t host)
{
    bool fetch = q->access == ACCESS_FETCH;
    unsigned number = fetch ? h->ctx_code : h->ctx_data;
    struct fast_entry *e =
        fetch ? fast_fetch(h, q->va) : &h->fast[q->access][(q->va >> 12) % FAST_ENTRIES];

    e->tag = (q->va & ~0xfffull) | (uint64_t)number << 3;
    e->host = host;
}

/* After a translated access to RAM: the next one to this page may be fast, unless
 * somebody must see every access. */
static void fast_remember(struct hart *h, const struct xlate *q)
{
    struct machine *m = h->machine;
    uint64_t page = q->hpa & ~0xfffull;

    if (h->rec || m->on_stale || q->uncached || q->ctx != &h->data || !in_ram(m, page, 4096))
        return;
    if (q->access == ACCESS_STORE && machine_watched(m, page, 4096))
        return;
    if (m->config.pmp_granule < 4096 && !pmp_page_uniform(h, page, q->access, q->ctx->ring))
        return;
    fast_fill(h, q, (uintptr_t)m->ram + (q->hpa - RAM_BASE) - q->va);
}

/* Of a page that is not all alike, the second half of the instruction at q is asked for by itself;
 * one on another page is a fetch of its own, which is not at h->pc. */
static visa_result check_second_half(struct hart *h, const struct xlate *q)
{
    struct xlate half = *q;
    uint16_t low = 0;

    (void)machine_read(h->machine, q->hpa, &low, 2);
    if (q->va != h->pc || isa_length(low) == 2 || (q->va & 0xfff) == 0xffe)
        return VISA_OK;
    half.va += 2;
    half.gpa += 2;
    half.hpa += 2;
    return check_physical(h, &half);
}

visa_result mmu_fetch(struct hart *h, uint64_t pc, uint64_t *pa)
{
    struct xlate q = {.va = pc, .access = ACCESS_FETCH, .size = 2, .ctx = &h->code};
    struct machine *m = h->machine;
    visa_result r;

    h->fetching = true;
    if (h->timing)
        h->timing->now = &h->timing->fetch;
    r = mmu_translate(h, &q);
    if (h->timing)
        h->timing->now = &h->timing->data;
    if (r != VISA_OK)
        return VISA_TRAP;
    if (!in_ram(m, q.hpa & ~0xfffull, 4096)) {
        if (h->v)
            return fail_host(h, &q, q.gpa, false, true);
        return raise_exception(h, ISA_EXC_INSN_ACCESS, pc);
    }
    h->fetch_alone =
        m->config.pmp_granule < 4096 && !pmp_page_uniform(h, q.hpa, ACCESS_FETCH, h->code.ring);
    if (h->fetch_alone && check_second_half(h, &q) != VISA_OK)
        return VISA_TRAP;
    h->fetching = false;
    *pa = q.hpa & ~0xfffull;
    return VISA_OK;
}

void mmu_fast_fetch(struct hart *h, uint64_t pc, uintptr_t host)
{
    if (!h->machine->on_stale && !h->fetch_alone)
        fast_fill(h, &(struct xlate){.va = pc, .access = ACCESS_FETCH}, host);
}

void mmu_fast_flush(struct hart *h)
{
    memset(h->fast, 0xff, sizeof h->fast);
}

void mmu_fast_flush_stores(struct machine *m)
{
    for (unsigned i = 0; i < m->config.harts; i++)
        memset(m->harts[i].fast[ACCESS_STORE], 0xff, sizeof m->harts[i].fast[ACCESS_STORE]);
}

/* The number of a translation context; a fresh one forgets nothing, as long as
 * numbers last. */
static uint16_t context_number(struct hart *h, uint64_t tag, uint64_t rights)
{
    for (unsigned i = 0; i < CTX_CACHE; i++)
        if (h->ctx_cache[i].tag == tag && h->ctx_cache[i].rights == rights &&
            h->ctx_cache[i].number)
            return h->ctx_cache[i].number;
    if (++h->ctx_next > CTX_MAX) {
        memset(h->ctx_cache, 0, sizeof h->ctx_cache);
        mmu_fast_flush(h);
        h->ctx_next = 1;
    }
    h->ctx_victim = (h->ctx_victim + 1) % CTX_CACHE;
    h->ctx_cache[h->ctx_victim].tag = tag;
    h->ctx_cache[h->ctx_victim].rights = rights;
    h->ctx_cache[h->ctx_victim].number = h->ctx_next;
    return h->ctx_next;
}

static struct xlate_ctx make_ctx(const struct hart *h, unsigned ring)
{
    uint64_t hptbr = h->v ? h->live->f[ISA_VMCS_HPTBR] : 0, satp = h->s.satp;
    bool on = satp >> 60 != 0, bare = ring == RING_H || (!on && hptbr >> 60 == 0);
    /* what MMIO ranges do depends on the VM and not on its VMID */
    uint64_t tag = h->v && bare
                       ? h->live->vmcs
                       : tlb_tag(h->v, on, h->v ? h->vmid : 0, on ? satp >> 44 & 0xffff : 0);

    return (struct xlate_ctx){.tag = tag, .ring = (uint8_t)ring, .v = h->v, .bare = bare};
}

/* All of a context but its tag. A number, as the bytes of a struct just written take long
 * to be read as words. */
static uint64_t ctx_rights(unsigned ring, bool v, bool bare, uint64_t status)
{
    return ring | (unsigned)v << 8 | (unsigned)bare << 9 |
           (status & (SSTATUS_SUM | SSTATUS_MXR)) << 10;
}

void mmu_update(struct hart *h)
{
    struct xlate_ctx code, data;
    unsigned ring = h->ring;
    uint64_t status;

    if (!h->v && ring == RING_H && (h->mstatus & MSTATUS_MPRV))
        ring = h->mstatus >> MSTATUS_MPP_SHIFT & 3;
    status = h->s.status & (SSTATUS_SUM | SSTATUS_MXR);
    code = make_ctx(h, h->ring);
    data = ring == h->ring ? code : make_ctx(h, ring);
    data.sum = status & SSTATUS_SUM;
    data.mxr = status & SSTATUS_MXR;
    h->code = code;
    h->data = data;
    h->ctx_code = context_number(h, code.tag, ctx_rights(code.ring, code.v, code.bare, 0));
    h->ctx_data =
        ring == h->ring && !status
            ? h->ctx_code
            : context_number(h, data.tag, ctx_rights(data.ring, data.v, data.bare, status));
    h->fetch_mix = h->v ? FETCH_MIX_GUEST : 0;
}

static bool flush_matches(const struct tlb_entry *e, const void *arg)
{
    const struct flush *f = arg;

    if (f->all)
        return true;
    if ((e->tag & TLB_TAG_V ? true : false) != f->v || (f->v && tlb_tag_vmid(e->tag) != f->vmid))
        return false;
    if (f->by_asid && (e->global || tlb_tag_asid(e->tag) != (f->asid & 0xffff)))
        return false;
    /* all that was made from the leaf goes, in however many pieces it is here */
    return !f->by_addr || (f->addr >> 12 ^ e->vpn) >> 9 * e->leaf == 0;
}

void mmu_flush(struct hart *h, const struct flush *f)
{
    for (unsigned side = 0; side < 2; side++)
        tlb_flush(h->tlb[side], flush_matches, f);
    mmu_fast_flush(h);
}

/* An access of a device by a hart, through whoever stands before the bus. */
static bool transport(struct hart *h, bool write, uint64_t pa, unsigned width, uint64_t *value)
{
    struct machine *m = h->machine;

    if (m->transport)
        return m->transport(m->transport_user, h->id, write, pa, width, value);
    return write ? bus_write(m->bus, pa, width, *value) : bus_read(m->bus, pa, width, value);
}

visa_result mem_physical(struct hart *h, struct xlate *q, uint64_t *value)
{
    struct machine *m = h->machine;
    bool ok;

    if (in_ram(m, q->hpa, q->size)) {
        uint8_t *at = m->ram + (q->hpa - RAM_BASE);

        if (h->timing)
            timing_note(h->timing, TIMING_ACCESS, q->hpa, q->size, q->access == ACCESS_STORE);
        if (q->access == ACCESS_LOAD) {
            *value = 0;
            memcpy(value, at, q->size);
        } else {
            memcpy(at, value, q->size);
            mem_stored(h, q->hpa, q->size);
        }
        return VISA_OK;
    }
    if (q->hpa & (q->size - 1))
        return raise_exception(h, misaligned[q->access], q->va);
    if (h->timing)
        timing_note(h->timing, TIMING_DEVICE, q->hpa, q->size, q->access == ACCESS_STORE);
    ok = transport(h, q->access == ACCESS_STORE, q->hpa, q->size, value);
    h->attention = true; /* devices change interrupts and deadlines */
    if (ok)
        return VISA_OK;
    if (q->ctx->v)
        return fail_host(h, q, q->gpa, false, true);
    return raise_exception(h, access_fault[q->access], q->va);
}

void mem_break_reservations(struct hart *h, uint64_t hpa)
{
    struct machine *m = h->machine;

    for (unsigned i = 0; i < m->config.harts; i++)
        if (&m->harts[i] != h && m->harts[i].reservation == (hpa & ~(ISA_RESERVE_BYTES - 1ull)))
            m->harts[i].reserved = false;
}

void mem_stored(struct hart *h, uint64_t hpa, unsigned size)
{
    struct machine *m = h->machine;

    code_stored(m, hpa, size);
    if (h->timing && m->config.harts > 1)
        mem_break_reservations(h, hpa);
    if (m->watches && machine_watched(m, hpa, size)) {
        machine_store_hook(h, hpa, size);
        h->attention = true;
    }
}

static void record(struct hart *h, const struct xlate *q, unsigned size, uint64_t value)
{
    if (!h->rec)
        return;
    h->rec->mem = q->access == ACCESS_STORE ? MEM_STORE : MEM_LOAD;
    h->rec->mem_size = (uint8_t)size;
    h->rec->mem_gva = q->va;
    h->rec->mem_gpa = q->gpa;
    h->rec->mem_hpa = q->hpa;
    h->rec->mem_value = value;
}

/* Both parts of an access over a page's end are translated before either happens. */
static visa_result cross_page(struct hart *h, struct xlate *q, unsigned size, uint64_t *value)
{
    struct machine *m = h->machine;
    unsigned first = 4096 - (q->va & 0xfff);
    struct xlate p = *q;
    uint8_t bytes[8] = {0};

    p.va = q->va + first;
    p.size = size - first;
    q->size = first;
    if (mmu_translate(h, q) != VISA_OK || mmu_translate(h, &p) != VISA_OK)
        return VISA_TRAP;
    if (!in_ram(m, q->hpa, first) || !in_ram(m, p.hpa, size - first))
        return raise_exception(h, misaligned[q->access], q->va);
    if (h->timing) {
        timing_note(h->timing, TIMING_ACCESS, q->hpa, first, q->access == ACCESS_STORE);
        timing_note(h->timing, TIMING_ACCESS, p.hpa, p.size, q->access == ACCESS_STORE);
    }
    memcpy(bytes, value, 8);
    if (q->access == ACCESS_LOAD) {
        memset(bytes, 0, sizeof bytes);
        memcpy(bytes, m->ram + (q->hpa - RAM_BASE), first);
        memcpy(bytes + first, m->ram + (p.hpa - RAM_BASE), size - first);
        memcpy(value, bytes, 8);
        return VISA_OK;
    }
    memcpy(m->ram + (q->hpa - RAM_BASE), bytes, first);
    memcpy(m->ram + (p.hpa - RAM_BASE), bytes + first, size - first);
    mem_stored(h, q->hpa, first);
    mem_stored(h, p.hpa, size - first);
    return VISA_OK;
}

static visa_result access_memory(struct hart *h, struct xlate *q, uint64_t *value)
{
    unsigned size = q->size;

    if ((q->va & 0xfff) + size > 4096) {
        if (cross_page(h, q, size, value) != VISA_OK)
            return VISA_TRAP;
    } else {
        if (mmu_translate(h, q) != VISA_OK || mem_physical(h, q, value) != VISA_OK)
            return VISA_TRAP;
        fast_remember(h, q);
    }
    record(h, q, size, *value);
    return VISA_OK;
}

visa_result mem_load(struct hart *h, uint64_t va, unsigned size, uint64_t *value)
{
    struct xlate q = {
        .va = va, .access = ACCESS_LOAD, .size = size, .width = size, .ctx = &h->data};

    *value = 0;
    return access_memory(h, &q, value);
}

visa_result mem_store(struct hart *h, uint64_t va, unsigned size, uint64_t value)
{
    uint64_t low = size == 8 ? value : value & ((1ull << 8 * size) - 1);
    struct xlate q = {.va = va,
                      .access = ACCESS_STORE,
                      .size = size,
                      .width = size,
                      .ctx = &h->data,
                      .value = low};

    return access_memory(h, &q, &low);
}

visa_result mem_atomic(struct hart *h, uint64_t va, unsigned size, enum access access,
                       uint64_t value, uint8_t **at, struct xlate *q)
{
    *q = (struct xlate){.va = va,
                        .access = access,
                        .size = size,
                        .width = size,
                        .atomic = true,
                        .ctx = &h->data,
                        .value = size == 4 ? (uint32_t)value : value};
    if (va & (size - 1))
        return raise_exception(h, misaligned[access], va);
    if (mmu_translate(h, q) != VISA_OK)
        return VISA_TRAP;
    *at = machine_ram(h->machine, q->hpa, size);
    if (*at && h->timing)
        timing_note(h->timing, TIMING_ACCESS, q->hpa, size, access == ACCESS_STORE);
    if (*at)
        return VISA_OK;
    if (q->ctx->v)
        return fail_host(h, q, q->gpa, false, true);
    return raise_exception(h, access_fault[access], va);
}

struct xlate_ctx mmu_guest_ctx(const struct context *c)
{
    uint64_t satp = c->f[ISA_VMCS_GPTBR], hptbr = c->f[ISA_VMCS_HPTBR];
    bool on = satp >> 60 != 0;

    return (struct xlate_ctx){
        .tag = tlb_tag(true, on, hptbr >> 44 & ((1ull << ISA_VMID_BITS) - 1),
                       on ? satp >> 44 & 0xffff : 0),
        .ring = c->f[ISA_VMCS_RING] ? RING_3 : RING_0,
        .v = true,
        .sum = c->f[ISA_VMCS_SSTATUS] & SSTATUS_SUM,
        .mxr = c->f[ISA_VMCS_SSTATUS] & SSTATUS_MXR,
        .bare = !on && hptbr >> 60 == 0,
    };
}

visa_result mem_guest(struct hart *h, struct context *c, bool gpa, enum access access,
                      uint64_t addr, unsigned size, uint64_t *value)
{
    struct xlate_ctx ctx = mmu_guest_ctx(c);
    struct xlate q = {.va = addr,
                      .access = access,
                      .size = size,
                      .width = size,
                      .ctx = &ctx,
                      .as_guest = true,
                      .value = *value};

    if (!base_mode_known(c->f[ISA_VMCS_GPTBR]) || !base_mode_known(c->f[ISA_VMCS_HPTBR]))
        return raise_illegal(h, QUAL(PRIVILEGED, CLASS, ILLEGAL_OTHER), 0);
    if (addr & (size - 1))
        return raise_exception(h, misaligned[access], addr);
    if ((gpa ? mmu_translate_gpa(h, c, &q) : translate(h, &q, c)) != VISA_OK ||
        mem_physical(h, &q, value) != VISA_OK)
        return VISA_TRAP;
    record(h, &q, size, *value);
    return VISA_OK;
}
