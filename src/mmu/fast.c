/* Fast entries, and the translation contexts that they belong to (fast.h, mmu.h).
 *
 * A fast entry stands for a TLB entry and a right to it that were found before; whatever takes
 * either away takes the fast entry too. */
#include "fast.h"

#include <string.h>

#include "state/machine_state.h"

static void fast_drop_page(struct hart *h, enum access access, uint64_t vpn)
{
    struct fast_entry *table = h->fast[access];

    for (unsigned mix = 0; mix <= FETCH_MIX_GUEST; mix += FETCH_MIX_GUEST) {
        struct fast_entry *e = &table[(vpn ^ mix) % FAST_ENTRIES];

        if (e->tag >> 12 == (vpn & ((1ull << 52) - 1)))
            e->tag = ~0ull;
    }
}

void mmu_fast_drop(struct hart *h, unsigned side, const struct tlb_entry *e)
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

static void fast_fill(struct hart *h, const struct xlate *q, uintptr_t host)
{
    bool fetch = q->access == ACCESS_FETCH;
    unsigned number = fetch ? h->ctx_code : h->ctx_data;
    struct fast_entry *e =
        fetch ? fast_fetch(h, q->va) : &h->fast[q->access][(q->va >> 12) % FAST_ENTRIES];

    e->tag = (q->va & ~0xfffull) | (uint64_t)number << 3;
    e->host = host;
}

void mmu_fast_remember(struct hart *h, const struct xlate *q)
{
    struct machine *m = h->machine;
    uint64_t page = q->hpa & ~0xfffull;

    if (h->rec || m->wanted.stale || q->uncached || q->ctx != &h->data || !in_ram(m, page, 4096))
        return;
    if ((m->wanted.store || m->wanted.load) &&
        machine_watched(m, q->access == ACCESS_STORE, page, 4096))
        return;
    if (m->config.pmp_granule < 4096 && !pmp_page_uniform(h, page, q->access, q->ctx->ring))
        return;
    fast_fill(h, q, (uintptr_t)m->ram + (q->hpa - RAM_BASE) - q->va);
}

void mmu_fast_fetch(struct hart *h, uint64_t pc, uintptr_t host)
{
    if (!h->machine->wanted.stale && !h->fetch_alone)
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
