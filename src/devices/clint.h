/* SiFive CLINT: software and timer interrupts of Ring -1, and the platform's time. */
#ifndef VISA_CLINT_H
#define VISA_CLINT_H

#include "bus.h"

struct clint;

extern const struct device_ops clint_ops;

/* NULL if memory ran out. */
struct clint *clint_new(struct machine *m, unsigned harts);

#endif
