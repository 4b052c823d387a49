/* Runs in which the functional model and the pipeline model take turns: fast where nothing is
 * to be timed. visa-sim's --switch-at and --sample. */
#ifndef VISA_TURNS_H
#define VISA_TURNS_H

#include "platform/loader.h"
#include "timing/pipeline.h"
#include "timing/sampling.h"
#include "observe/where.h"

enum turns_kind { TURNS_NONE, TURNS_SWITCH, TURNS_SAMPLE };

struct turns {
    enum turns_kind kind;
    struct machine *machine;
    struct pipeline *pipeline;
    uint64_t at; /* machine_progress at which the next turn begins */
    /* --switch-at */
    struct where where;
    bool switched;
    uint64_t switched_at; /* instructions of all harts before */
    /* --sample */
    enum { PHASE_FAST, PHASE_WARMUP, PHASE_MEASURE } phase;
    struct sampling sampling;
    struct sample mark; /* where the sample began */
};

/* The functional model up to WHERE (visa-sim(1)), the pipeline model from there. False with the
 * reason in err if there is no such place. */
bool turns_switch(struct turns *t, struct machine *m, struct pipeline *p, const struct image *im,
                  const char *where, char *err, size_t n);
void turns_sample(struct turns *t, struct machine *m, struct pipeline *p,
                  const struct sampling_plan *plan);
void turns_free(struct turns *t);

/* As machine_run. */
enum stop turns_run(struct turns *t, uint64_t limit);

#endif
