/* Statistics of a run: architectural counts, as JSON and as a table. */
#ifndef VISA_STATS_H
#define VISA_STATS_H

#include <stdbool.h>
#include <stdio.h>

#include "observe/exits.h"
#include "platform/loader.h"
#include "machine/machine.h"

#ifdef __cplusplus
extern "C" {
#endif

struct json_t;
struct pipeline_stats;
struct sampling;

/* Where the numbers come from. */
struct stats_source {
    struct machine *machine;
    struct exits *exits;
    const struct image *image;             /* its symbols name places; NULL none */
    const struct pipeline_stats *pipeline; /* of the pipeline model; NULL: the functional one */
    const struct sampling *sampling;       /* NULL: all of the run is in `pipeline` ... */
    const uint64_t *switched_at;           /* ... from this instruction on; NULL: from the first */
    bool registers;                        /* are told, too */
    struct json_t *run;                    /* what it was (identity.h); NULL: not told */
};

/* How the run ended. */
struct stats_end {
    const char *reason; /* exit, limit, deadlock, trap-loop, timeout or stopped */
    int status;         /* exit status of the command */
};

/* One JSON object; its keys are in visa-sim(1). False if it could not be written. */
bool stats_json(FILE *out, const struct stats_source *src, const struct stats_end *end);

/* The same as one HTML document (html.h). False if it could not be written or memory ran out. */
bool stats_html(FILE *out, const struct stats_source *src, const struct stats_end *end);

/* The same for people. False if memory ran out. */
bool stats_table(FILE *out, const struct stats_source *src, const struct stats_end *end);

#ifdef __cplusplus
}
#endif

#endif
