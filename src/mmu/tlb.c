/* The combined TLB and the walk cache (tlb.h). */
#include "tlb.h"

#include <stdlib.h>
#include <string.h>

struct tlb *tlb_new(const struct machine_config *c)
{
    struct tlb *t = calloc(1, sizeof *t);

    if (!t)
        return NULL;
    t->ways = c->tlb_l2_ways;
    t->sets = c->tlb_l2 / c->tlb_l2_ways;
    t->l1_entries = c->tlb_l1;
    t->walk_entries = c->walk_cache;
    t->l2 = calloc(c->tlb_l2, sizeof *t->l2);
    t->l2_next = calloc(t->sets, sizeof *t->l2_next);
    t->l1 = calloc(c->tlb_l1, sizeof *t->l1);
    t->walk = calloc(c->walk_cache ? c->walk_cache : 1, sizeof *t->walk);
    if (t->l2 && t->l2_next && t->l1 && t->walk)
        return t;
    tlb_free(t);
    return NULL;
}

void tlb_free(struct tlb *t)
{
    if (!t)
        return;
    free(t->l2);
    free(t->l2_next);
    free(t->l1);
    free(t->walk);
    free(t);
}

void tlb_reset(struct tlb *t)
{
    memset(t->l2, 0, t->sets * t->ways * sizeof *t->l2);
    memset(t->l2_next, 0, t->sets * sizeof *t->l2_next);
    memset(t->l1, 0, t->l1_entries * sizeof *t->l1);
    memset(t->walk, 0, t->walk_entries * sizeof *t->walk);
    t->l1_next = t->walk_next = 0;
}

void tlb_time(struct tlb *t, bool on)
{
    memset(t->l1, 0, t->l1_entries * sizeof *t->l1);
    t->l1_next = 0;
    t->l1_out.valid = false;
    t->timed = on;
}

static uint64_t page_mask(unsigned level)
{
    return ~((1ull << 9 * level) - 1);
}

static unsigned set_of(const struct tlb *t, uint64_t vpn, unsigned level)
{
    return vpn >> 9 * level & (t->sets - 1);
}

static bool hits(const struct tlb_entry *e, uint64_t tag, uint64_t vpn)
{
    uint64_t differ = e->tag ^ tag;

    if (!e->valid || (vpn & page_mask(e->level)) != e->vpn)
        return false;
    return differ == 0 || (e->global && tlb_tag_asid(differ) == differ);
}

static struct tlb_entry *find(const struct tlb *t, uint64_t tag, uint64_t vpn)
{
    for (unsigned level = 0; level < TLB_LEVELS; level++) {
        struct tlb_entry *set = &t->l2[set_of(t, vpn, level) * t->ways];

        for (unsigned way = 0; way < t->ways; way++)
            if (set[way].level == level && hits(&set[way], tag, vpn))
                return &set[way];
    }
    return NULL;
}

static bool same_page(const struct tlb_entry *a, const struct tlb_entry *b)
{
    return a->tag == b->tag && a->vpn == b->vpn && a->level == b->level;
}

static void l1_insert(struct tlb *t, const struct tlb_entry *e)
{
    t->l1_out = t->l1[t->l1_next];
    t->l1[t->l1_next] = *e;
    t->l1_next = (t->l1_next + 1) % t->l1_entries;
}

static void l1_drop(struct tlb *t, const struct tlb_entry *e)
{
    for (unsigned i = 0; i < t->l1_entries; i++)
        if (t->l1[i].valid && same_page(&t->l1[i], e))
            t->l1[i].valid = false;
}

struct tlb_entry *tlb_lookup(struct tlb *t, uint64_t tag, uint64_t va)
{
    struct tlb_entry *e = find(t, tag, va >> 12);

    if (!t->timed)
        return e;
    t->l1_hit = false;
    t->l1_out.valid = false;
    for (unsigned i = 0; e && i < t->l1_entries; i++)
        if (hits(&t->l1[i], tag, va >> 12))
            t->l1_hit = true;
    if (e && !t->l1_hit)
        l1_insert(t, e);
    return e;
}

const struct tlb_entry *tlb_peek(const struct tlb *t, uint64_t tag, uint64_t va)
{
    return find(t, tag, va >> 12);
}

struct tlb_entry *tlb_fill(struct tlb *t, const struct tlb_entry *e, struct tlb_entry *evicted)
{
    unsigned set = set_of(t, e->vpn, e->level);
    struct tlb_entry *way = &t->l2[set * t->ways];
    unsigned use = 0;

    while (use < t->ways && way[use].valid)
        use++;
    if (use == t->ways) {
        use = t->l2_next[set];
        t->l2_next[set] = (use + 1) % t->ways;
        l1_drop(t, &way[use]);
    }
    *evicted = way[use];
    way[use] = *e;
    way[use].valid = true;
    if (t->timed)
        l1_insert(t, &way[use]);
    return &way[use];
}

void tlb_drop(struct tlb *t, struct tlb_entry *e)
{
    l1_drop(t, e);
    e->valid = false;
}

void tlb_flush(struct tlb *t, bool (*match)(const struct tlb_entry *, const void *),
               const void *arg)
{
    for (unsigned i = 0; i < t->sets * t->ways; i++)
        if (t->l2[i].valid && match(&t->l2[i], arg))
            t->l2[i].valid = false;
    for (unsigned i = 0; i < t->l1_entries; i++)
        if (t->l1[i].valid && match(&t->l1[i], arg))
            t->l1[i].valid = false;
}

bool tlb_walk_lookup(const struct tlb *t, uint64_t vmid, uint64_t gpn, uint64_t *ppn)
{
    for (unsigned i = 0; i < t->walk_entries; i++)
        if (t->walk[i].valid && t->walk[i].vmid == vmid && t->walk[i].gpn == gpn) {
            *ppn = t->walk[i].ppn;
            return true;
        }
    return false;
}

void tlb_walk_fill(struct tlb *t, uint64_t vmid, uint64_t gpn, uint64_t ppn)
{
    if (t->walk_entries == 0)
        return;
    t->walk[t->walk_next] = (struct walk_entry){true, vmid, gpn, ppn};
    t->walk_next = (t->walk_next + 1) % t->walk_entries;
}

void tlb_walk_flush(struct tlb *t, int64_t vmid)
{
    for (unsigned i = 0; i < t->walk_entries; i++)
        if (vmid < 0 || t->walk[i].vmid == (uint64_t)vmid)
            t->walk[i].valid = false;
}
