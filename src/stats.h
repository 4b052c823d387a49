/* Statistics of a run: architectural counts, as JSON and as a table. */
#ifndef VISA_STATS_H
#define VISA_STATS_H

#include <stdbool.h>
#include <stdio.h>

#include "machine.h"

/* How the run ended. */
struct stats_end {
    const char *reason; /* exit, limit, deadlock, trap-loop, timeout or stopped */
    int status;         /* exit status of the command */
};

/* One JSON object; its keys are in visa-sim(1). False if it could not be written. */
bool stats_json(FILE *out, struct machine *m, const struct stats_end *end);

/* The same for people. */
void stats_table(FILE *out, struct machine *m);

#endif
