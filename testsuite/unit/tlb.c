/* The combined TLB and the walk cache: rules TL-1 to TL-10. */
#include "mmu/tlb.h"

#include "mmu/rights.h"
#include "unit.h"

enum { WAYS = 2, SETS = 4, L1 = 3, WALK = 3 };

static struct tlb *make(void)
{
    struct machine_config c;

    machine_defaults(&c);
    c.tlb_l2 = WAYS * SETS;
    c.tlb_l2_ways = WAYS;
    c.tlb_l1 = L1;
    c.walk_cache = WALK;
    return tlb_new(&c);
}

static uint64_t tag(uint64_t vmid, uint64_t asid)
{
    return tlb_tag(true, true, vmid, asid);
}

static struct tlb_entry page(uint64_t vpn, unsigned level, uint64_t ppn)
{
    return (struct tlb_entry){
        .tag = tag(1, 1), .vpn = vpn, .ppn = ppn, .level = (uint8_t)level, .perm = PERM_R};
}

/* What came out, 0 if nothing. */
static uint64_t fill(struct tlb *t, uint64_t vpn, uint64_t ppn)
{
    struct tlb_entry e = page(vpn, 0, ppn), out;

    tlb_fill(t, &e, &out);
    return out.valid ? out.ppn : 0;
}

static uint64_t found(struct tlb *t, uint64_t vpn)
{
    const struct tlb_entry *e = tlb_lookup(t, tag(1, 1), vpn << 12);

    return e ? e->ppn : 0;
}

void tlb_hits_what_was_filled(void)
{
    struct tlb *t = make();

    check_equal(found(t, 5), 0);
    check_equal(fill(t, 5, 50), 0);
    check_equal(found(t, 5), 50);
    check_equal(tlb_lookup(t, tag(1, 1), 5 << 12 | 0xfff) != NULL, 1);
    check_equal(tlb_lookup(t, tag(1, 1), 6 << 12) != NULL, 0);
    check_equal(tlb_lookup(t, tag(2, 1), 5 << 12) != NULL, 0);
    check_equal(tlb_lookup(t, tag(1, 2), 5 << 12) != NULL, 0);
    check_equal(tlb_lookup(t, tlb_tag(false, true, 1, 1), 5 << 12) != NULL, 0);
    tlb_free(t);
}

void tlb_sizes_have_sets_of_their_own(void)
{
    struct tlb *t = make();
    struct tlb_entry out;

    /* one page of each size, all at address 0: the smallest is found */
    for (unsigned level = TLB_LEVELS; level-- > 0;) {
        struct tlb_entry e = page(0, level, 10 + level);

        tlb_fill(t, &e, &out);
    }
    check_equal(found(t, 0), 10);
    check_equal(found(t, 1), 11);
    /* two ways of set 0: the first two filled, of 512 GiB and 1 GiB, went */
    check_equal(found(t, 1ull << 9), 0);
    tlb_reset(t);
    tlb_fill(t, &(struct tlb_entry){.tag = tag(1, 1), .vpn = 512, .ppn = 7, .level = 1}, &out);
    check_equal(found(t, 512), 7);
    check_equal(found(t, 1023), 7);
    check_equal(found(t, 1024), 0);
    /* a page of 2 MiB is in the set of its bits from 9 up: those of vpn 512 are set 1 */
    for (uint64_t vpn = 0; vpn < 3 * SETS; vpn += SETS)
        fill(t, vpn, 1 + vpn);
    check_equal(found(t, 512), 7);
    tlb_free(t);
}

void tlb_replaces_first_in_first_out(void)
{
    struct tlb *t = make();

    check_equal(fill(t, 0, 100), 0);
    check_equal(fill(t, SETS, 101), 0);
    check_equal(found(t, 0), 100); /* a hit moves nothing */
    check_equal(fill(t, 2 * SETS, 102), 100);
    check_equal(fill(t, 3 * SETS, 103), 101);
    check_equal(fill(t, 4 * SETS, 104), 102);
    check_equal(found(t, 3 * SETS), 103);
    check_equal(fill(t, 1, 105), 0); /* another set */
    tlb_free(t);
}

void tlb_uses_free_ways_first(void)
{
    struct tlb *t = make();

    fill(t, 0, 100);
    fill(t, SETS, 101);
    tlb_drop(t, tlb_lookup(t, tag(1, 1), SETS << 12));
    check_equal(found(t, SETS), 0);
    check_equal(fill(t, 2 * SETS, 102), 0);
    check_equal(fill(t, 3 * SETS, 103), 100); /* and the FIFO did not move by that */
    tlb_free(t);
}

void tlb_global_is_for_every_asid_of_a_vm(void)
{
    struct tlb *t = make();
    struct tlb_entry e = page(5, 0, 50), out;

    e.global = true;
    tlb_fill(t, &e, &out);
    check_equal(tlb_lookup(t, tag(1, 2), 5 << 12) != NULL, 1);
    check_equal(tlb_lookup(t, tag(1, 0xffff), 5 << 12) != NULL, 1);
    check_equal(tlb_lookup(t, tag(2, 1), 5 << 12) != NULL, 0);
    check_equal(tlb_lookup(t, tlb_tag(true, false, 1, 0), 5 << 12) != NULL, 0);
    tlb_free(t);
}

static bool l1_hits(struct tlb *t, uint64_t vpn)
{
    (void)tlb_lookup(t, tag(1, 1), vpn << 12);
    return t->l1_hit;
}

void tlb_l1_is_a_subset(void)
{
    struct tlb *t = make();

    tlb_time(t, true);
    for (uint64_t vpn = 0; vpn < L1; vpn++)
        fill(t, vpn, 1 + vpn);
    check_equal(l1_hits(t, 0), 1);
    fill(t, L1, 9); /* L1's first one goes, L2 has it */
    check_equal(l1_hits(t, 0), 0);
    check_equal(l1_hits(t, 0), 1);
    /* what L2 loses, L1 loses: of set 0 those of vpn 0 and 4 are there, 8 takes the place of 0 */
    fill(t, SETS, 10);
    check_equal(l1_hits(t, 0), 1);
    check_equal(fill(t, 2 * SETS, 11), 1);
    check_equal(found(t, 0), 0);
    check_equal(t->l1_hit, 0);
    tlb_free(t);
}

static bool of_vmid(const struct tlb_entry *e, const void *vmid)
{
    return tlb_tag_vmid(e->tag) == *(const uint64_t *)vmid;
}

void tlb_flush_takes_what_matches(void)
{
    struct tlb *t = make();
    struct tlb_entry e = page(6, 0, 60), out;
    uint64_t one = 1;

    fill(t, 5, 50);
    e.tag = tag(2, 1);
    tlb_fill(t, &e, &out);
    tlb_flush(t, of_vmid, &one);
    check_equal(found(t, 5), 0);
    check_equal(tlb_lookup(t, tag(2, 1), 6 << 12) != NULL, 1);
    tlb_free(t);
}

static uint64_t walked(const struct tlb *t, uint64_t vmid, uint64_t gpn)
{
    uint64_t ppn = 0;

    return tlb_walk_lookup(t, vmid, gpn, &ppn) ? ppn : 0;
}

void walk_cache_replaces_first_in_first_out(void)
{
    struct tlb *t = make();

    for (uint64_t i = 0; i < WALK; i++)
        tlb_walk_fill(t, 1, i, 100 + i);
    check_equal(walked(t, 1, 0), 100); /* a hit moves nothing */
    check_equal(walked(t, 2, 0), 0);
    tlb_walk_fill(t, 1, WALK, 100 + WALK);
    check_equal(walked(t, 1, 0), 0);
    for (uint64_t i = 1; i <= WALK; i++)
        check_equal(walked(t, 1, i), 100 + i);
    tlb_free(t);
}

void walk_cache_flush_is_by_vmid(void)
{
    struct tlb *t = make();

    tlb_walk_fill(t, 1, 7, 70);
    tlb_walk_fill(t, 2, 7, 71);
    tlb_walk_flush(t, 1);
    check_equal(walked(t, 1, 7), 0);
    check_equal(walked(t, 2, 7), 71);
    tlb_walk_flush(t, -1);
    check_equal(walked(t, 2, 7), 0);
    tlb_free(t);
}

void walk_cache_of_no_entries(void)
{
    struct machine_config c;
    struct tlb *t;

    machine_defaults(&c);
    c.walk_cache = 0;
    t = tlb_new(&c);
    tlb_walk_fill(t, 1, 7, 70);
    check_equal(walked(t, 1, 7), 0);
    tlb_free(t);
}
