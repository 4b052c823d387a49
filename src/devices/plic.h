/* SiFive PLIC: external interrupts of the platform, two contexts per hart. */
#ifndef VISA_PLIC_H
#define VISA_PLIC_H

#include "bus.h"

enum { PLIC_SOURCES = 96 }; /* numbered from 1; 0 is "none" */

struct plic;

extern const struct device_ops plic_ops;

/* NULL if memory ran out. */
struct plic *plic_new(struct machine *m, unsigned harts);

/* Level of a device's interrupt line. */
void plic_set(struct plic *p, unsigned source, bool level);

#endif
