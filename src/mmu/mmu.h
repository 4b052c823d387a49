/* Memory as a hart sees it: translation, protection, and the way to RAM or a
 * device. Manual: chapter "Translation". */
#ifndef VISA_MMU_H
#define VISA_MMU_H

#include "state/hart.h"

/* One access of at most 8 bytes that does not cross a page. */
struct xlate {
    /* in */
    uint64_t va;
    enum access access;
    unsigned size;
    unsigned width; /* bytes of the whole access, of which this may be a part */
    bool atomic;    /* an AMO, LR or SC */
    bool as_guest;  /* VMLD, VMST: faults are Ring -1's own exceptions */
    uint64_t value; /* of a store, for exits */
    const struct xlate_ctx *ctx;
    /* out */
    uint64_t gpa, hpa;
    bool uncached; /* the page overlaps an MMIO range: no fast entry */
};

/* Virtual to host physical, with every check. Misses are counted and filled. c: the context whose
 * guest accesses, or as which Ring -1 does; with V=0 it does not matter. */
CHECKED visa_result mmu_translate(struct hart *h, struct xlate *q, struct context *c);

/* Does the PMP let the access through to q->hpa? */
CHECKED visa_result mmu_check_physical(struct hart *h, const struct xlate *q);

/* Guest physical to host physical through the current context's HPTBR, for VMLDP
 * and VMSTP: not cached, not counted. q->va is the guest physical address. */
CHECKED visa_result mmu_translate_gpa(struct hart *h, const struct context *c, struct xlate *q);

/* The RAM at [addr, addr+size), inside one doubleword, that is physical to what h executes now: with
 * V=1 guest physical. False where its load or store would not find that RAM. Changes nothing but A and D. */
bool mmu_reach(struct hart *h, uint64_t addr, unsigned size, enum access access, uint64_t *hpa);

/* The page of RAM that holds pc, or a trap. The next fetch from it is fast, and finds `host`, unless
 * somebody must see each. */
CHECKED visa_result mmu_fetch(struct hart *h, uint64_t pc, uint64_t *pa);
void mmu_fast_fetch(struct hart *h, uint64_t pc, uintptr_t host);

/* Where h's next fetch from pc goes, by its TLB, which stays untouched; 0 if that has no
 * entry for it. */
void mmu_peek_fetch(const struct hart *h, const struct xlate_ctx *code, uint64_t pc, uint64_t *gpa,
                    uint64_t *hpa);

/* Recomputes what translation depends on; after any change of ring, V, mstatus,
 * satp, HPTBR or the PMP. */
void mmu_update(struct hart *h);

/* Forgets fast entries: all; those of one virtual page; stores of every hart. */
void mmu_fast_flush(struct hart *h);
void mmu_fast_flush_stores(struct machine *m);

/* Flush instructions. The tags chosen are: v, and with v the vmid. */
struct flush {
    bool all; /* everything of every VM and of the host */
    bool v;
    uint64_t vmid;
    bool by_asid, by_addr;
    uint64_t asid, addr;
};
void mmu_flush(struct hart *h, const struct flush *f);

/* Loads and stores of 1, 2, 4 or 8 bytes at any alignment; the slow path behind the
 * interpreter's. A store that faults has written nothing. The value is zero-extended. */
CHECKED visa_result mem_load(struct hart *h, uint64_t va, unsigned size, uint64_t *value);
CHECKED visa_result mem_store(struct hart *h, uint64_t va, unsigned size, uint64_t value);

/* Read-modify-write of an aligned word in RAM: host address of it, or a trap. `value` is
 * what a store brings along, for exits. */
CHECKED visa_result mem_atomic(struct hart *h, uint64_t va, unsigned size, enum access access,
                               uint64_t value, uint8_t **at, struct xlate *q);
/* A store through a host address of mem_atomic is over: tell watchers and decoded pages. */
void mem_stored(struct hart *h, uint64_t hpa, unsigned size);
/* The same of a load. */
void mem_loaded(struct hart *h, uint64_t hpa, unsigned size);

/* A store by h to this address: other harts' reservations of it are gone. */
void mem_break_reservations(struct hart *h, uint64_t hpa);

/* As the guest of context c would: VMLD, VMST (gpa: VMLDP, VMSTP). */
CHECKED visa_result mem_guest(struct hart *h, struct context *c, bool gpa, enum access access,
                              uint64_t addr, unsigned size, uint64_t *value);

/* Physical access of a load or store that is translated: RAM or device. */
CHECKED visa_result mem_physical(struct hart *h, struct xlate *q, uint64_t *value);

/* After any write of pmpcfg or pmpaddr (pmp.c). */
void pmp_update(struct hart *h);

/* May this ring touch [pa, pa+size)? (pmp.c) */
bool pmp_allows(const struct hart *h, uint64_t pa, unsigned size, enum access access,
                unsigned ring);

/* May it touch the whole page of pa likewise? Else each access is to be asked for, and none of
 * them may be fast. Only a granule below a page makes it differ from what a part may. */
bool pmp_page_uniform(const struct hart *h, uint64_t pa, enum access access, unsigned ring);

/* The low bits of a pmpaddr that a granule makes ones in NAPOT. */
static inline uint64_t pmp_napot_ones(uint64_t granule)
{
    return granule > 8 ? granule / 8 - 1 : 0;
}

static inline bool iov_valid(const struct context *c, unsigned i)
{
    return c->f[ISA_VMCS_IOV_FLAGS + i] & IOV_VALID;
}

/* What the MMIO ranges of a context make of an access (iov.c). */
enum iov_kind {
    IOV_NONE,     /* no range is near */
    IOV_NEAR,     /* its page has one, it is in none: the host stage goes on, uncached */
    IOV_NO_FETCH, /* its page has one: there nothing is fetched */
    IOV_EXITS,
    IOV_FORWARDS, /* to hpa */
};

struct iov_answer {
    enum iov_kind kind;
    int range; /* its number: IOV_EXITS, IOV_FORWARDS */
    uint64_t hpa;
};

/* c: NULL has none. */
struct iov_answer iov_resolve(const struct context *c, uint64_t gpa, unsigned size,
                              enum access access);
bool iov_overlaps(const struct context *c, uint64_t gpa, uint64_t size); /* any valid range */

/* What translation depends on for the guest of a context that does not run. */
struct xlate_ctx mmu_guest_ctx(const struct context *c);

#endif
