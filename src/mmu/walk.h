/* The page-table walker: one for both stages. */
#ifndef VISA_WALK_H
#define VISA_WALK_H

#include "mmu.h"
#include "rights.h"
#include "tlb.h"

enum walk_result {
    WALK_OK,
    WALK_PAGE,   /* the guest's (or native) table says no */
    WALK_HOST,   /* the host table says no */
    WALK_DENIED, /* a table entry or the target cannot be accessed physically */
};

struct walk {
    /* in */
    struct hart *h;
    struct tlb *tlb; /* whose walk cache; NULL: none */
    const struct xlate_ctx *ctx;
    uint64_t satp, hptbr; /* hptbr is 0 with V=0 */
    enum access access;
    const struct context *context; /* whose MMIO ranges, and ... */
    unsigned size;                 /* ... bytes of the access: for walk_resolve */
    bool adue;   /* A and D that are clear and needed do not fault: they are to be written ... */
    bool writes; /* ... and are: at once those that reads of tables need, the others are due */
    /* called for every entry read (may be NULL): address of it at both levels */
    void (*visit)(void *user, bool host, unsigned level, uint64_t gpa, uint64_t hpa, uint64_t pte);
    void *user;
    /* out */
    unsigned why;           /* WALK_PAGE, WALK_HOST: WHY_* (rights.h) */
    bool in_table;          /* a host failure was on the way to a guest table entry ... */
    bool in_write;          /* ... to write A or D there */
    uint64_t gpa;           /* of the access, or of the entry when in_table */
    struct tlb_entry entry; /* combined translation, tag not set */
    struct iov_answer iov;  /* of walk_resolve, as the next one: the ranges' answer ... */
    uint64_t hpa;           /* ... and where the access goes, if by the tables or a range */
    unsigned ndue;
    struct walk_due { /* bits to be written into entries, once the access goes through */
        bool host;
        uint64_t hpa, bits;
    } due[3]; /* of the host page with the guest's leaf, of that leaf, of the host's leaf */
};

/* Walks va through the guest's (or native) stage; leaves the leaf's level and rights
 * in entry and the guest physical address in gpa. Bare: gpa = va. */
enum walk_result walk_guest(struct walk *w, uint64_t va);

/* Then w->gpa through the host stage, into the combined entry of va. */
enum walk_result walk_host(struct walk *w, uint64_t va);

/* All of it, in the order of EV-3: guest stage, MMIO ranges, host stage. The machine and whoever
 * shows what it does ask here. WALK_OK: by the tables, unless iov says by a range or no further. */
enum walk_result walk_resolve(struct walk *w, uint64_t va);

/* The access goes through: writes what is due. */
void walk_write_due(struct walk *w);

#endif
