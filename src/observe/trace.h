/* Traces: one line for every retire record, as text or as a JSON object. */
#ifndef VISA_TRACE_H
#define VISA_TRACE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "isa.h"
#include "address_names.h"
#include "machine/machine.h"

#ifdef __cplusplus
extern "C" {
#endif

enum trace_events {
    TRACE_ALL,    /* every record */
    TRACE_EVENTS, /* exceptions, interrupts, entries, exits, entry failures */
    TRACE_EXITS,  /* entries and exits */
};

/* What is wanted, and where. Zero (but for to, `out` and `image`) means everything. */
struct trace {
    FILE *out;
    const struct image *image; /* its symbols name addresses; NULL none */
    uint64_t from, to;         /* first and last instret; to is UINT64_MAX for no end */
    bool closed;               /* not now */
    enum trace_events events;
    bool one_vm; /* only what VMID vm does, and entries into it */
    uint16_t vm;
    bool json;
};

/* What of a run it has to be told. */
struct retire_part trace_part(const struct trace *t);

/* A retire_fn: user is the struct trace. */
void trace_record(void *trace, const struct retire *r);

/* A world_fn, also of refused entries, for TRACE_EXITS: the run keeps its speed. Such a record has the guest's pc,
 * translated if its TLB has the page, and not the host's next pc. */
void trace_world(void *trace, const struct world_event *e);

/* For both formats -------------------------------------------------------------------- */

void trace_json(FILE *out, const struct trace *t, const struct retire *r);
void trace_json_string(FILE *out, const char *value); /* with its quotes */

const char *trace_register(unsigned number);      /* ABI name of x0 to x31 */
const char *trace_cause(const struct retire *r);  /* name of the event's cause, "?" if none */
bool trace_has_vector(const struct retire *r);    /* an interrupt of a guest from its VIC? */
const char *trace_memory(const struct retire *r); /* load, store or amo */

/* Where a record is. */
struct place trace_place(const struct retire *r);

/* The name of a record's pc, as "<name+0x10>"; "" where no symbol is known. */
const char *trace_symbol(const struct trace *t, const struct retire *r, char *text, size_t n);

/* The instruction in words. */
const char *trace_disassemble(const struct retire *r, char *text, size_t n);

/* Number of the VMTRAPCFG bit that let an exit happen, -1 if it exits whatever they are. */
int trace_filter(unsigned cause, uint64_t qual);
bool trace_by_range(unsigned cause, uint64_t qual); /* is it one of an MMIO range? */

/* Name of a field of the VMCS, of an array's with its index; a register's its own; "pointer" for
 * the pointer to the VMCS. NULL if there is none. */
const char *trace_field(uint64_t number, char *text, size_t n);

/* The value of a field of VMQUAL, and what it stands for: "a0" for reg=10, the bytes of
 * a width, the number where there is no word for it. */
uint64_t trace_qual_value(const struct isa_qual *q, uint64_t qual);
const char *trace_qual(const struct isa_qual *q, uint64_t qual, char *text, size_t n);

#ifdef __cplusplus
}
#endif

#endif
