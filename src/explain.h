/* The whole story of one exit: why it happened, the walks of its address, what the
 * hypervisor changed before the next entry, the walks then, and what that took. */
#ifndef VISA_EXPLAIN_H
#define VISA_EXPLAIN_H

#include <stdio.h>

#include "loader.h"
#include "machine.h"

#ifdef __cplusplus
extern "C" {
#endif

struct explain;

/* Waits for exit number `number` of the whole machine (the first is 1) and writes its
 * story to out. im names addresses, may be NULL. NULL if there is no room for it. */
struct explain *explain_new(struct machine *m, const struct image *im, uint64_t number, FILE *out);

/* The run is over: ends the story. False if that exit has not come. */
bool explain_finish(struct explain *x);
uint64_t explain_seen(const struct explain *x); /* exits so far */
void explain_free(struct explain *x);

/* Draws both walks of a guest virtual address as the live guest of a hart has it, or
 * the host's own (V=0): every entry read, at which addresses, its rights, and what
 * failed. access is 'r', 'w' or 'x'. */
void explain_walk(FILE *out, struct machine *m, unsigned hart, uint64_t va, char access);

#ifdef __cplusplus
}
#endif

#endif
