/* SiFive test finisher: a word that ends the run. */
#ifndef VISA_FINISHER_H
#define VISA_FINISHER_H

#include "bus.h"

enum {
    FINISHER_PASS = 0x5555,  /* exit code 0 */
    FINISHER_FAIL = 0x3333,  /* exit code in the upper half */
    FINISHER_RESET = 0x7777, /* ends the run like PASS: a run is one boot */
};

struct finisher;
extern const struct device_ops finisher_ops;

/* True once software asked for a reset instead of a power-off. */
bool finisher_reset(const struct finisher *f);

#endif
