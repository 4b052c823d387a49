/* Physical memory protection: 16 entries of at least the machine's granule. Manual:
 * chapter "The base", section "PMP"; RISC-V privileged manual, section 3.7. */
#include "state/machine_state.h"
#include "mmu.h"

enum {
    PMP_R = 1,
    PMP_W = 2,
    PMP_X = 4,
    PMP_A = 0x18,
    PMP_TOR = 0x08,
    PMP_NA4 = 0x10,
    PMP_NAPOT = 0x18,
    PMP_L = 0x80
};

/* First and last byte of entry i; false if it is off or empty. */
static bool pmp_range(const struct hart *h, unsigned i, uint64_t *first, uint64_t *last)
{
    uint64_t granule = h->machine->config.pmp_granule, addr = h->pmpaddr[i], ones;

    switch (h->pmpcfg[i] & PMP_A) {
    case PMP_TOR:
        *first = i ? h->pmpaddr[i - 1] << 2 & -granule : 0;
        *last = (addr << 2 & -granule) - 1;
        return *first <= *last && *last != UINT64_MAX;
    case PMP_NA4:
        *first = addr << 2;
        *last = *first + 3;
        return true;
    case PMP_NAPOT:
        addr |= pmp_napot_ones(granule);
        ones = addr ^ (addr + 1); /* the trailing ones and the zero above them */
        *first = (addr & ~ones) << 2;
        *last = *first + (ones << 2 | 3);
        return true;
    default: return false;
    }
}

void pmp_update(struct hart *h)
{
    struct pmp *p = &h->pmp;

    p->n = 0;
    p->active = false;
    for (unsigned i = 0; i < ISA_PMP_ENTRIES; i++) {
        struct pmp_region *r = &p->region[p->n];

        p->active |= h->pmpcfg[i] & PMP_A;
        r->cfg = h->pmpcfg[i];
        p->n += pmp_range(h, i, &r->first, &r->last);
    }
    mmu_fast_flush(h);
}

bool pmp_allows(const struct hart *h, uint64_t pa, unsigned size, enum access access, unsigned ring)
{
    static const uint8_t need[] = {
        [ACCESS_FETCH] = PMP_X, [ACCESS_LOAD] = PMP_R, [ACCESS_STORE] = PMP_W};
    uint64_t last = pa + size - 1;

    for (const struct pmp_region *r = h->pmp.region; r < h->pmp.region + h->pmp.n; r++) {
        if (last < r->first || pa > r->last)
            continue;
        if (pa < r->first || last > r->last)
            return false; /* partly inside: fails whatever the entry says */
        return (ring == RING_H && !(r->cfg & PMP_L)) || (r->cfg & need[access]);
    }
    return ring == RING_H || !h->pmp.active;
}

bool pmp_page_uniform(const struct hart *h, uint64_t pa, enum access access, unsigned ring)
{
    return pmp_allows(h, pa & ~0xfffull, 4096, access, ring);
}
