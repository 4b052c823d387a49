/* The functional model, and which model a run takes (model.h). */
#include "model.h"

/* The machine itself is all that there is of this model. */
static void *create(const struct model_setup *s, char *err, size_t n)
{
    (void)err;
    (void)n;
    return s->machine;
}

static enum stop run(void *model, uint64_t limit)
{
    return machine_run(model, limit);
}

static void statistics(void *model, struct stats_source *source)
{
    (void)model;
    (void)source; /* has the machine */
}

static void destroy(void *model)
{
    (void)model; /* the caller's */
}

const struct model_ops model_functional = {
    .create = create,
    .run = run,
    .statistics = statistics,
    .destroy = destroy,
};

const struct model_ops *model_of(const struct options *o)
{
    static const struct model_ops *const models[MODELS] = {
        [MODEL_FUNCTIONAL] = &model_functional,
        [MODEL_PIPELINE] = &model_pipeline,
    };

    return models[o->model];
}
