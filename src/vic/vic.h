/* The virtual interrupt controller: 256 vectors per VM, kept in its context. Manual:
 * chapter "Virtual interrupts". */
#ifndef VISA_VIC_H
#define VISA_VIC_H

#include "state/hart.h"

/* The vector that would interrupt now: pending, enabled, of the highest priority above
 * the threshold, the lowest number among equals; -1 if none. */
int vic_best(const struct context *c);

/* The vector in service that was taken last, or -1. */
int vic_serving(const struct context *c);

void vic_send(struct context *c, unsigned vector);
int vic_ack(struct context *c); /* takes vic_best into service; -1 if none, or the stack is full */
void vic_eoi(struct context *c);

/* What CSR vireg shows for this viselect; NULL: nothing, reads zero. */
uint64_t *vic_register(struct context *c, uint64_t select);

#endif
