/* The combined TLB: manual, chapter "Translation", sections "Combined TLB",
 * "Walk cache" and "Exactness".
 *
 * Each hart has two, one for fetches and one for data. L2 is set-associative,
 * FIFO per set, and a hit never changes it; L1 is a subset of it that only timing can
 * see: it is kept while a timed model listens. */
#ifndef VISA_TLB_H
#define VISA_TLB_H

#include "config/config.h"
#include "state/hart.h"

/* Levels of a page: 0 4 KiB, 1 2 MiB, 2 1 GiB, 3 512 GiB. */
enum { TLB_LEVELS = 4 };

struct tlb_entry {
    bool valid, global;
    uint8_t level, perm;
    uint8_t leaf; /* level of the guest's (native) leaf; with that stage bare, of the host's */
    uint64_t tag;
    uint64_t vpn; /* first page, VA >> 12 */
    uint64_t ppn; /* host physical >> 12 of that page */
    uint64_t gpn; /* guest physical >> 12 of it; V=0: the same as ppn */
};

/* A guest physical page that holds a guest page table, and where it really is. */
struct walk_entry {
    bool valid;
    uint64_t vmid, gpn, ppn;
};

struct tlb {
    unsigned sets, ways, l1_entries, walk_entries;
    struct tlb_entry *l2; /* sets x ways */
    unsigned *l2_next;    /* per set: the way to replace */
    struct tlb_entry *l1;
    unsigned l1_next;
    struct walk_entry *walk;
    unsigned walk_next;
    bool timed;              /* L1 is kept; else it stays empty, as only timing can see it */
    bool l1_hit;             /* of the last lookup, while timed */
    struct tlb_entry l1_out; /* what L1 replaced at the last lookup or fill, if valid */
};

#define TLB_TAG_V (1ull << 63)
#define TLB_TAG_ON (1ull << 62)

static inline uint64_t tlb_tag(bool v, bool on, uint64_t vmid, uint64_t asid)
{
    return (v ? TLB_TAG_V : 0) | (on ? TLB_TAG_ON : 0) | vmid << ISA_ASID_BITS | asid;
}

static inline uint64_t tlb_tag_asid(uint64_t tag)
{
    return tag & ((1ull << ISA_ASID_BITS) - 1);
}

static inline uint64_t tlb_tag_vmid(uint64_t tag)
{
    return tag >> ISA_ASID_BITS & ((1ull << ISA_VMID_BITS) - 1);
}

/* NULL if memory ran out. entries must be a multiple of ways, sets a power of two. */
struct tlb *tlb_new(const struct machine_config *c);
void tlb_free(struct tlb *t);
/* Keeps L1 from now on, beginning with an empty one; or no longer. */
void tlb_time(struct tlb *t, bool on);
void tlb_reset(struct tlb *t); /* empty, and every FIFO at its first place */

/* The L2 entry that translates va under tag, or NULL: a miss. Fills L1. */
struct tlb_entry *tlb_lookup(struct tlb *t, uint64_t tag, uint64_t va);
/* The same without any effect. */
const struct tlb_entry *tlb_peek(const struct tlb *t, uint64_t tag, uint64_t va);

/* Puts a walk's result in; what it replaced, if valid, is left in *evicted. */
struct tlb_entry *tlb_fill(struct tlb *t, const struct tlb_entry *e, struct tlb_entry *evicted);

void tlb_drop(struct tlb *t, struct tlb_entry *e);

/* Forgets every entry that `match` says yes to. */
void tlb_flush(struct tlb *t, bool (*match)(const struct tlb_entry *, const void *),
               const void *arg);

bool tlb_walk_lookup(const struct tlb *t, uint64_t vmid, uint64_t gpn, uint64_t *ppn);
void tlb_walk_fill(struct tlb *t, uint64_t vmid, uint64_t gpn, uint64_t ppn);
/* vmid -1: all. */
void tlb_walk_flush(struct tlb *t, int64_t vmid);

#endif
