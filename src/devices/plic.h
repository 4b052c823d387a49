/* SiFive PLIC: external interrupts of the platform, two contexts per hart. */
#ifndef VISA_PLIC_H
#define VISA_PLIC_H

#include "bus.h"

enum { PLIC_SOURCES = 96 }; /* numbered from 1; 0 is "none" */

extern const struct device_ops plic_ops;

/* Level of a device's interrupt line; a set_line of struct device_env. */
void plic_set(void *plic, unsigned source, bool level);
#endif
