/* What the statistics of a run say (the JSON of visa-sim --stats), read back and shown. */
#ifndef VISA_REPORT_H
#define VISA_REPORT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "observe/exits.h"
#include "state/counts.h"
#include "timing/pipeline.h"

enum { INSTRUCTIONS, CYCLES, UNITS };

struct report_cost {
    int64_t n, min, max, sum;
};

/* Exits of one place, or of all places of a cause of a VM, or of a VM. */
struct report_row {
    int64_t vmid;
    const char *vmcs, *cause, *pc, *symbol; /* NULL where rows are summed over it */
    int64_t count, emulated, moved;
    struct report_cost handling[UNITS]; /* Ring -1 until a guest is entered */
    struct report_cost away[UNITS];     /* until this VM is entered again */
    int64_t buckets[EXIT_BUCKETS];      /* of the cycles away, by number of bits */
};

/* "VM 3", or what they are called together. */
enum { REPORT_NAME = 32 };
const char *report_vm_name(const char *vmcs, int64_t vmid, char text[REPORT_NAME]);

struct report_vm {
    int64_t vmid;
    const char *vmcs;
    int64_t cycles;
#define COUNTER_FIELD(name, required) int64_t name;
    VM_COUNTERS(COUNTER_FIELD)
#undef COUNTER_FIELD
};

/* Where the cycles of one ring of one VM went, of all harts; of the host (VMCS 0): vmcs NULL. */
struct report_cycles {
    int64_t vmid, ring, instret;
    const char *vmcs;
    int64_t total, by[PIPELINE_CATEGORIES];
};

/* The strings belong to the JSON that it was read from. */
struct report {
    const char *model;
    int64_t harts, exits, cycles; /* cycles: of the hart that has most */
    int64_t total;                /* cycles of all harts */
    struct report_vm host;        /* Ring -1: vmcs is NULL */
    int64_t handled_in;           /* Ring -1's cycles in all that exit sites are of; 0: not known */
    struct report_vm *vms;        /* in the order of their first entry */
    size_t nvms;
    struct report_row *sites; /* the most frequent first */
    size_t nsites;
    /* of the pipeline model; other models have no rows */
    struct report_cycles *rings; /* in the order of their first instruction */
    size_t nrings;
    json_t *counts; /* object of integers */
    /* over time: row 0 is Ring -1, then the VMs, and last the exits. NULL: not known */
    int64_t *timeline;
    int64_t interval; /* cycles */
    size_t nintervals;
    json_t *root; /* what it was read from */
};

/* What is counted over the whole run: keys of the JSON, in words. */
enum {
#define COUNTER_ONE(name, title) +1
    REPORT_TOTALS = MACHINE_COUNTERS(COUNTER_ONE)
#undef COUNTER_ONE
};
extern const struct report_total {
    const char *key, *title;
} report_totals[REPORT_TOTALS];

enum { REPORT_FIT = 48 }; /* room for a number as text */

enum report_by { BY_SITE, BY_CAUSE, BY_VM, BY_RING };

/* False, with the reason in err (of size n), if root is not what visa-sim --stats writes. Free
 * the report in any case. */
bool report_read(struct report *r, json_t *root, char *err, size_t n);
void report_free(struct report *r);

/* The sites summed up, not BY_RING, the most frequent first; NULL if memory ran out. Free
 * them. */
struct report_row *report_rows(const struct report *r, enum report_by by, size_t *n);
void report_add(struct report_row *to, const struct report_row *from);

bool report_timed(const struct report *r); /* are cycles more than instructions and waiting? */
double report_mean(const struct report_cost *c);
double report_percent(int64_t part, int64_t whole);
/* "12.3 %" of Ring -1's cycles, "-" if these are not known. */
const char *report_handled(const struct report *r, int64_t cycles, char text[REPORT_FIT]);
int64_t report_when(const struct report *r, size_t row, size_t interval); /* of the timeline */

/* As text: each VM's share of time, exits and TLB; rows by falling count, at most top (0: all).
 * False if memory ran out. */
void report_vms(FILE *out, const struct report *r);
/* Refused entries by field, behind an empty line; nothing if there are none. */
void report_refusals(FILE *out, const struct report *r);
bool report_sites(FILE *out, const struct report *r, enum report_by by, size_t top);
/* A number in so many columns, in a brief form (12.3M) if it is wider; a foreign text in at most so
 * many, 3 or more. */
const char *report_fit(int64_t n, size_t width, char text[REPORT_FIT]);
void report_text(FILE *out, const char *text, size_t width);
/* Quoted if need be. */
void report_csv_text(FILE *out, const char *text);
bool report_csv(FILE *out, const struct report *r, enum report_by by, size_t top);
bool report_json(FILE *out, const struct report *r, enum report_by by, size_t top);
/* How often VMs were away for how many cycles, in powers of two, for each row. */
bool report_histogram(FILE *out, const struct report *r, enum report_by by, size_t top);

/* Where the cycles of the pipeline model went (report_cycles.c). The first reads them, if root
 * has them. */
bool report_read_cycles(struct report *r, json_t *root, char *err, size_t n);
/* Which part of the run the cycles are of, in words; "" for all of it. */
const char *report_scope(const struct report *r, char *text, size_t n);
struct report_cycles report_sum_cycles(const struct report *r); /* of all rings */
/* "Ring -1", "VM 2 Ring 0" */
const char *report_ring_name(const struct report_cycles *c, char *text, size_t n);
void report_rings(FILE *out, const struct report *r);
void report_rings_csv(FILE *out, const struct report *r);

#endif
