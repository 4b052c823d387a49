/* SiFive CLINT: software and timer interrupts of Ring -1, and the platform's time. */
#ifndef VISA_CLINT_H
#define VISA_CLINT_H

#include "bus.h"

extern const struct device_ops clint_ops;
#endif
