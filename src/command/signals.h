/* Signals of visa-sim: a run that is ended from outside still leaves its results, or none of them,
 * and a terminal as it was. A process has one machine that they stop. */
#ifndef VISA_SIGNALS_H
#define VISA_SIGNALS_H

#include <stdbool.h>
#include <stdint.h>

struct machine;

/* From now on the first signal that would end the process asks the run to stop, as do `timeout`
 * seconds (0: none), counted from here; the second one ends the process. */
void signals_catch(void);
/* The process ends for lack of memory: with a message, and nothing that is not whole. */
void signals_no_memory(void);
/* The machine that they stop, NULL: none yet, or no longer. The time begins. */
void signals_stop(struct machine *m, uint64_t timeout);

/* Why it was stopped. */
bool signals_interrupted(void);
bool signals_timed_out(void);

#endif
