/* Decoded code: for each 4 KiB page of RAM that is executed, one slot for every
 * 2 bytes, so that the program counter and a slot's address are the same thing and
 * a branch inside the page is an addition. Slots are decoded when first executed, with
 * what follows them in a straight line.
 *
 * A store into such a page leaves it as it is until the hart's fence.i, as RISC-V
 * allows: the store only marks the page dirty (state/code.h). */
#ifndef VISA_DPAGE_H
#define VISA_DPAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "state/code.h"
#include "state/events.h"
#include "state/hart.h"

struct dpages;

/* One decoded instruction: an operation of interp.c and its operands. What a, b and
 * c hold depends on the class of the instruction (dpage.c). */
struct dinsn {
    uint16_t op;
    uint8_t a, b;
    int32_t c;
};

/* A guest chooses how much code it runs: so many pages are kept at most, 256 MiB of them. An
 * instruction lies in two pages at most, and for two there is always room. */
enum { DPAGE_SLOTS = 2048, DPAGES_MAX = 16384, DPAGES_SPARE = 2 };

struct dpage {
    struct code_page code; /* first: machine.code has it */
    /* Two more: where the last instructions of the page go on. */
    struct dinsn slot[DPAGE_SLOTS + 2];
    const struct dpages *all;
    const uint8_t *bytes; /* the page in RAM */
    uint64_t pa;
    uint32_t cross_bits; /* the 32-bit instruction over the page's end, as last decoded */
    uint16_t cross_op;   /* its operation; the slot says INTERP_CROSS */
};

struct dpages {
    unsigned count;                    /* of machine.code */
    struct dpage *spare[DPAGES_SPARE]; /* where there can be no others */
    unsigned spares;
    /* Before which instructions runs may stop: INTERP_BREAK stands in their slots. */
    struct machine_break *breaks;
};

/* False if memory ran out; dpages_free then too. */
bool dpages_init(struct machine *m);
void dpages_free(struct machine *m);

/* Can one more be had? If not, the interpreter returns, for dpages_trim. */
static inline bool dpages_ready(const struct dpages *d)
{
    return d->spares;
}

/* The decoded page that holds pc, or a trap. Sets its fast entry. Only if dpages_ready. */
CHECKED visa_result dpage_fetch(struct hart *h, uint64_t pc, struct dpage **page);

/* Forgets all of them, or all if there was no room for more; no interpreter may be running. */
void dpages_forget(struct machine *m);
void dpages_trim(struct machine *m);

/* Decodes the slot of p at byte offset `offset`; `high` supplies the upper half of an
 * instruction that begins at the page's last two bytes. */
void dpage_decode(struct dpage *p, unsigned offset, uint32_t high);

/* The operation of a slot that says INTERP_BREAK, and whether the hart is to stop before it. */
unsigned dpage_operation(const struct dpage *p, const struct dinsn *d);
bool dpage_breaks(struct hart *h, const struct dpage *p, const struct dinsn *d);

/* fence.i: what was stored into decoded pages is decoded anew. */
void dpages_sync(struct machine *m);

#endif
