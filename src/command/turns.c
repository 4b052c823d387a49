/* Turns of the two models (turns.h). */
#include "turns.h"

static void begin(struct turns *t, enum turns_kind kind, struct machine *m, struct pipeline *p)
{
    *t = (struct turns){.kind = kind, .machine = m, .pipeline = p, .at = UINT64_MAX};
    pipeline_attach(p, false);
}

bool turns_switch(struct turns *t, struct machine *m, struct pipeline *p, const struct image *im,
                  const char *where, char *err, size_t n)
{
    begin(t, TURNS_SWITCH, m, p);
    if (!where_parse(&t->where, im, where, err, n))
        return false;
    if (t->where.kind == WHERE_COUNT)
        t->at = t->where.count;
    else
        where_break(&t->where, m);
    return true;
}

/* Running -------------------------------------------------------------------------------- */

/* What is left of a limit (0: none) that began at `from`. Not below 1: see turns_run. */
static uint64_t until(const struct turns *t, uint64_t end)
{
    return end == UINT64_MAX ? 0 : end - machine_progress(t->machine);
}

static bool passed(const struct turns *t, uint64_t end)
{
    return machine_progress(t->machine) >= end;
}

static enum stop run_switch(struct turns *t, uint64_t end)
{
    enum stop stop;

    if (t->switched)
        return pipeline_run(t->pipeline, until(t, end));
    stop = passed(t, t->at) ? STOP_BREAK
                            : machine_run(t->machine, until(t, t->at < end ? t->at : end));
    if (stop != STOP_BREAK || !(passed(t, t->at) || t->where.what.hit))
        return stop;
    machine_break_clear(t->machine, &t->where.what);
    pipeline_attach(t->pipeline, true);
    t->switched = true;
    t->switched_at = machine_stats(t->machine)->instret;
    return STOP_LIMIT;
}

/* The run so far, as where a sample begins or ends. */
static struct sample now(struct turns *t)
{
    uint64_t instret = machine_stats(t->machine)->instret;

    return (struct sample){instret, instret, pipeline_stats(t->pipeline)->cycles};
}

static void measured(struct turns *t)
{
    struct sample s = now(t);

    s.from = t->mark.from;
    s.instret -= t->mark.instret;
    s.cycles -= t->mark.cycles;
    if (s.instret)
        sampling_add(&t->sampling, &s);
}

static void next_phase(struct turns *t)
{
    const struct sampling_plan *plan = &t->sampling.plan;

    switch (t->phase) {
    case PHASE_FAST:
        pipeline_attach(t->pipeline, true);
        t->phase = PHASE_WARMUP;
        t->at += plan->warmup;
        break;
    case PHASE_WARMUP:
        t->mark = now(t);
        t->phase = PHASE_MEASURE;
        t->at += plan->length;
        break;
    case PHASE_MEASURE:
        measured(t);
        if (plan->period > plan->warmup + plan->length)
            pipeline_attach(t->pipeline, false);
        t->phase = PHASE_FAST;
        t->at += plan->period - plan->warmup - plan->length;
        break;
    }
}

static enum stop run_sample(struct turns *t, uint64_t end)
{
    uint64_t n;

    while (passed(t, t->at))
        next_phase(t);
    n = until(t, t->at < end ? t->at : end);
    return t->phase == PHASE_FAST ? machine_run(t->machine, n) : pipeline_run(t->pipeline, n);
}

void turns_sample(struct turns *t, struct machine *m, struct pipeline *p,
                  const struct sampling_plan *plan)
{
    begin(t, TURNS_SAMPLE, m, p);
    t->sampling.plan = *plan;
    t->at = plan->period - plan->warmup - plan->length;
}

void turns_free(struct turns *t)
{
    sampling_free(&t->sampling);
}

enum stop turns_run(struct turns *t, uint64_t limit)
{
    uint64_t done = machine_progress(t->machine);
    uint64_t end = limit && limit < UINT64_MAX - done ? done + limit : UINT64_MAX;
    enum stop stop;

    do
        stop = t->kind == TURNS_SAMPLE ? run_sample(t, end) : run_switch(t, end);
    while (stop == STOP_LIMIT && !passed(t, end));
    if (t->kind == TURNS_SAMPLE && stop == STOP_LIMIT && passed(t, t->at))
        next_phase(t);
    return stop;
}
