/* The models as the command runs them: a row of operations each. Which ones are there is a matter
 * of what is linked: model_apart.c stands in for a model of another program. */
#ifndef VISA_MODEL_H
#define VISA_MODEL_H

#include "machine/machine.h"
#include "options.h"
#include "platform/loader.h"
#include "report/stats.h"

/* What a model is made from; all of it outlives the model. */
struct model_setup {
    struct machine *machine; /* reset, with its images */
    const struct image *image;
    const struct options *options;
};

struct model_ops {
    /* The program of pkglibexecdir that has this model; NULL: this one. Then nothing else is
     * there. */
    const char *program;
    /* Before anything is made: who is called when the model's libraries are refused memory. NULL:
     * not needed. */
    void (*on_no_memory)(void (*fn)(void));
    /* NULL with the reason in err (of size n). */
    void *(*create)(const struct model_setup *s, char *err, size_t n);
    /* As machine_run. */
    enum stop (*run)(void *model, uint64_t limit);
    /* Every instruction's way through the model goes to fn. NULL: the model has no stages. */
    void (*attach)(void *model, pipeline_fn *fn, void *user);
    /* Ends what is under way, and adds to source what the model counted, which the model keeps. */
    void (*statistics)(void *model, struct stats_source *source);
    void (*destroy)(void *model);
};

extern const struct model_ops model_functional, model_pipeline;

const struct model_ops *model_of(const struct options *o);

#endif
