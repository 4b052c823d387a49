/* The interpreter for timed models: interp.c, where each instruction is asked for its cycle
 * before it executes (timing.h). */
#define INTERP_TIMED
#include "interp.c"
