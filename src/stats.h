/* Statistics of a run: architectural counts, as JSON and as a table. */
#ifndef VISA_STATS_H
#define VISA_STATS_H

#include <stdbool.h>
#include <stdio.h>

#include "machine.h"

/* How the run ended, in one word: exit, limit, deadlock, trap-loop, timeout, stopped. */
struct stats_end {
    const char *reason;
    int code; /* the guest's exit code, if reason is "exit" */
};

/* One JSON object; its keys are in visa-sim(1). False if it could not be written. */
bool stats_json(FILE *out, struct machine *m, const struct stats_end *end);

/* The same for people. */
void stats_table(FILE *out, struct machine *m);

#endif
