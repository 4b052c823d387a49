/* Views of a run, for programs that draw: the pipeline for Konata, gem5's viewer and waveform
 * viewers, the guests' stays for Perfetto. Manual: visa-sim(1), "Looking at the pipeline".
 *
 * What is in the bounds is kept while the run lasts, and written behind it, in the order of
 * cycles, which is not the one in which harts are simulated. */
#ifndef VISA_VIEWS_H
#define VISA_VIEWS_H

#include <stdio.h>

#include "platform/loader.h"
#include "machine/machine.h"
#include "timing/pipeline.h"

struct json_t;

struct view_options {
    const char *kanata, *o3pipeview, *vcd, *perfetto; /* files, "-": standard output */
    uint64_t from, to;                                /* first and last cycle */
    uint64_t last; /* of each hart the last so many instructions, stays or arrows; 0: all */
    const struct json_t *run, *shown; /* what ran (identity.h), and options that bound it */
};

enum { VIEW_LAST = 100000 };

struct views;

static inline bool views_of_pipeline(const struct view_options *o)
{
    return o->kanata || o->o3pipeview || o->vcd;
}

static inline bool views_wanted(const struct view_options *o)
{
    return views_of_pipeline(o) || o->perfetto;
}

/* NULL if memory ran out. */
struct views *views_new(const struct view_options *o, struct machine *m, const struct image *im);
void views_free(struct views *v);

/* A pipeline_fn, for views_of_pipeline; a retire_fn, for perfetto. */
void views_insn(void *views, const struct pipeline_insn *i);
void views_record(void *views, const struct retire *r);

/* Writes one of them. False if memory ran out: then it is not whole. */
enum view { VIEW_KANATA, VIEW_O3PIPEVIEW, VIEW_VCD, VIEW_PERFETTO, VIEW_KINDS };
bool views_write(struct views *v, enum view which, FILE *out);
/* What `last` left out. */
uint64_t views_left_out(const struct views *v);
/* Interrupts that no arrow shows: too many others were waiting when they were sent. */
uint64_t views_unfollowed(const struct views *v);

#endif
