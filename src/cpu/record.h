/* Retire records in the making, of every instruction or of events alone. */
#ifndef VISA_RECORD_H
#define VISA_RECORD_H

#include "state/machine_state.h"

/* Is h in the part of the run whose records are wanted, whatever it executes? */
static inline bool record_in_part(const struct hart *h)
{
    const struct machine *m = h->machine;

    return m->wanted.retire && h->instret >= m->part.from && h->instret <= m->part.to;
}

static inline bool record_in_vm(const struct hart *h)
{
    const struct retire_part *p = &h->machine->part;

    return !p->one_vm || (h->v && h->vmid == p->vm);
}

/* Has the next instruction a record? Then it is executed by itself. */
static inline bool record_each(const struct hart *h)
{
    return record_in_part(h) && !h->machine->part.events && record_in_vm(h);
}

/* Before who wants records changes: they are numbered as if none had been wanted up to here, or all. */
void record_listening(struct machine *m);

/* Everything but events: `retired` says what it came to, and who wants it is told. The record is
 * h->rec from its beginning to its end; h->code may be another at the end than it was. */
void record_begin(struct hart *h, struct retire *r);
void record_place(struct hart *h, const struct xlate_ctx *code);
void record_insn(struct hart *h, const struct xlate_ctx *code);
void record_end(struct hart *h, bool retired);

/* Events of instructions at full speed ------------------------------------------------------ */

/* A trap is about to be taken, `between` two instructions: if it is wanted, its record begins. */
bool record_trap_begin(struct hart *h, struct retire *r, bool between);

/* What the instruction that executes is about to come to, its record, NULL if nobody wants it; before
 * it changes where the hart is. Behind the instruction it ends. */
struct retire *record_event(struct hart *h, enum retire_event event);
struct retire *record_entry(struct hart *h, uint64_t vmid);
void record_event_end(struct hart *h);

#endif
