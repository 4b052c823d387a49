/* The whole story of an exit: why it happened, the walks of its address, what the
 * hypervisor changed before the next entry, the walks then, and what that took. */
#ifndef VISA_EXPLAIN_H
#define VISA_EXPLAIN_H

#include <stdio.h>

#include "platform/loader.h"
#include "machine/machine.h"
#include "where.h"

#ifdef __cplusplus
extern "C" {
#endif

struct explain;

/* Exits of the whole machine: by number (the first is 1), cause and VM, which must all hold. */
struct explain_which {
    uint64_t first, last;
    int cause; /* ISA_EXIT_*, -1: any */
    bool one_vm;
    uint16_t vmid;
};

/* "7", "7-9", "7-", a cause, "vm=3", or several of these with commas between; false with the
 * reason in err (of size n). */
bool explain_which_parse(struct explain_which *w, const char *text, char *err, size_t n);

/* Waits for these exits and writes the story of each to out, when its VM is entered again. im
 * names addresses, may be NULL. NULL if there is no room for it. */
struct explain *explain_new(struct machine *m, const struct image *im,
                            const struct explain_which *which, FILE *out);

/* The run is over: ends the stories. False if no such exit has come. */
bool explain_finish(struct explain *x);
bool explain_complete(const struct explain *x); /* false if memory ran out and some are missing */
uint64_t explain_seen(const struct explain *x); /* exits so far */
void explain_free(struct explain *x);

/* An access whose walks are drawn. */
struct explain_walk {
    struct where_address at; /* of one VM, or as ... */
    uint64_t hart;           /* ... this hart has it; its PMP */
    int access;              /* enum access */
};

/* "ADDRESS|SYMBOL[+OFFSET][@VMID][:rwx][,hart=N]", with symbols as the hart's world has them now;
 * false with the reason in err. */
bool explain_walk_parse(struct explain_walk *w, struct machine *m, const struct image *im,
                        const char *text, char *err, size_t n);

/* Draws both walks of it, or the host's own (V=0): every entry read, at which addresses, its
 * rights, MMIO ranges, and what failed. False if no such VM was ever entered. */
bool explain_walk(FILE *out, struct machine *m, const struct explain_walk *w);

/* Draws the walks of the access that traps, where a hart is about to take a page fault or a fault of
 * tables or protection; nothing for other traps. */
void explain_trap(FILE *out, struct machine *m, unsigned hart);

#ifdef __cplusplus
}
#endif

#endif
