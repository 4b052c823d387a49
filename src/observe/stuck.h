/* Where harts are, and what is said of one that is stuck. */
#ifndef VISA_STUCK_H
#define VISA_STUCK_H

#include <stdio.h>

#include "platform/loader.h"
#include "machine/machine.h"

/* Beside machine_message(): where the hart is, and the walk of the address that faults. */
struct stuck {
    char *text; /* NULL: nothing to say */
};

/* Keeps what is to be said of a hart that a stuck_fn is told of, as it is then. */
void stuck_note(struct stuck *s, const struct image *im, struct machine *m, unsigned hart);
void stuck_tell(const struct stuck *s, FILE *out);
void stuck_free(struct stuck *s);

/* A line: pc, symbol, ring, VM, instructions retired. */
void stuck_place(FILE *out, const struct image *im, struct machine *m, unsigned hart);

#endif
