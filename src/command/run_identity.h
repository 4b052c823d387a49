/* Makes what results tell of a run (identity.h) from its options and files. */
#ifndef VISA_RUN_IDENTITY_H
#define VISA_RUN_IDENTITY_H

#include <jansson.h>

#include "platform/loader.h"
#include "options.h"

struct run_identity {
    json_t *run;
    json_t *trace_shown, *views_shown; /* options that bound what those files show */
};

/* Is there a result that has it? Then the image has to know its files (image.identify). */
bool run_identity_wanted(const struct options *o);

/* False if memory ran out. Free it in any case. */
bool run_identity_make(struct run_identity *id, const struct options *o, const struct image *im);
void run_identity_free(struct run_identity *id);

#endif
