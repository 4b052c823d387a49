/* The pipeline model, by itself or in turns with the functional one (model.h). */
#include <stdlib.h>

#include "model.h"
#include "turns.h"

struct timed_model {
    struct pipeline *pipeline;
    struct turns turns;
};

static void destroy(void *model)
{
    struct timed_model *t = model;

    if (!t)
        return;
    turns_free(&t->turns);
    pipeline_free(t->pipeline);
    free(t);
}

static bool arrange_turns(struct timed_model *t, const struct model_setup *s, char *err, size_t n)
{
    const struct options *o = s->options;
    char why[256];

    if (o->sample)
        turns_sample(&t->turns, s->machine, t->pipeline, &o->sampling);
    if (!o->switch_at ||
        turns_switch(&t->turns, s->machine, t->pipeline, s->image, o->switch_at, why, sizeof why))
        return true;
    snprintf(err, n, "--switch-at: %s", why);
    return false;
}

static void *create(const struct model_setup *s, char *err, size_t n)
{
    struct timed_model *t = calloc(1, sizeof *t);

    if (!t) {
        snprintf(err, n, "out of memory");
        return NULL;
    }
    t->pipeline = pipeline_new(s->machine, &s->options->pipeline, err, n);
    if (t->pipeline && arrange_turns(t, s, err, n))
        return t;
    destroy(t);
    return NULL;
}

static enum stop run(void *model, uint64_t limit)
{
    struct timed_model *t = model;

    return t->turns.kind == TURNS_NONE ? pipeline_run(t->pipeline, limit)
                                       : turns_run(&t->turns, limit);
}

static void attach(void *model, pipeline_fn *fn, void *user)
{
    struct timed_model *t = model;

    pipeline_listen(t->pipeline, fn, user);
}

static void statistics(void *model, struct stats_source *source)
{
    struct timed_model *t = model;

    source->pipeline = pipeline_stats(t->pipeline);
    if (t->turns.kind == TURNS_SAMPLE)
        source->sampling = &t->turns.sampling;
    if (t->turns.switched)
        source->switched_at = &t->turns.switched_at;
}

const struct model_ops model_pipeline = {
    .on_no_memory = pipeline_on_no_memory,
    .create = create,
    .run = run,
    .attach = attach,
    .statistics = statistics,
    .destroy = destroy,
};
