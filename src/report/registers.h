/* The registers of all harts as a run leaves them, for people and for scripts. */
#ifndef VISA_REPORT_REGISTERS_H
#define VISA_REPORT_REGISTERS_H

#include <jansson.h>
#include <stdio.h>

#include "machine/machine.h"

/* Where each hart is, x1 to x31, and of the others those that are not zero. */
void registers_table(FILE *out, struct machine *m);

/* An array with an object for each hart: all registers by name, "0x..." each. */
json_t *registers_json(struct machine *m);

#endif
