/* What the views share; for src/views only. */
#ifndef VISA_VIEWS_IMPL_H
#define VISA_VIEWS_IMPL_H

#include <stdio.h>

#include "keep.h"
#include "views.h"

/* The instructions of a run: for each hart a struct keep of struct pipeline_insn. */
struct view_insns {
    const struct image *image;
    struct keep *harts;
    unsigned nharts;
    uint64_t from, to;
    const struct json_t *run, *shown; /* for a comment at the file's head (identity.h) */
};

static inline const struct pipeline_insn *view_insn(const struct view_insns *v, unsigned hart,
                                                    size_t index)
{
    return keep_at(&v->harts[hart], index);
}

/* Stages as the manual names them; a view's instruction leaves into VIEW_GONE. */
enum view_stage { VIEW_F, VIEW_D, VIEW_X, VIEW_M, VIEW_W, VIEW_GONE };
enum { VIEW_STAGES = VIEW_GONE };

/* An instruction comes into a stage. */
struct view_step {
    uint64_t cycle;
    unsigned hart;
    enum view_stage stage;
    size_t index; /* of the instruction, in its hart's */
    const struct pipeline_insn *insn;
};

/* All steps in the order of cycles; in a cycle by hart, older instructions first. */
struct view_walk {
    const struct view_insns *insns;
    size_t (*next)[VIEW_GONE + 1]; /* by hart: the next instruction to come into each stage */
};

bool view_walk_begin(struct view_walk *w, const struct view_insns *v); /* false: no memory */
bool view_walk_peek(const struct view_walk *w, struct view_step *s);   /* false: at the end */
void view_walk_take(struct view_walk *w, const struct view_step *s);
void view_walk_end(struct view_walk *w);

/* "80001000 <main+0x4> addi a0,a0,1" */
const char *view_label(const struct view_insns *v, const struct pipeline_insn *i, char *text,
                       size_t n);
/* "Ring 0 of VM 3", "Ring -1" */
const char *view_world(bool v, uint64_t vmid, int ring, char *text, size_t n);

/* These write one file, from its beginning. False if memory ran out; errors of the file are
 * found in it. */
bool kanata_write(FILE *out, const struct view_insns *v);
bool o3pipeview_write(FILE *out, const struct view_insns *v);
bool vcd_write(FILE *out, const struct view_insns *v);

struct perfetto;
struct perfetto *perfetto_new(const struct view_options *o, struct machine *m,
                              const struct image *im);
void perfetto_free(struct perfetto *p);
void perfetto_record(struct perfetto *p, const struct retire *r);
bool perfetto_write(FILE *out, struct perfetto *p);
uint64_t perfetto_left_out(const struct perfetto *p);
uint64_t perfetto_unfollowed(const struct perfetto *p);

#endif
