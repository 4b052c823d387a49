/* The small devices that exist as ports only: debug console, POST latch, power. */
#ifndef VISA_PORTS_H
#define VISA_PORTS_H

#include "bus.h"
#include "console.h"

enum {
    PORT_UART = 0x3f8,   /* the same 16550 as in memory */
    PORT_POST = 0x80,    /* a byte that is read back */
    PORT_CONSOLE = 0xe9, /* a byte written goes to the console */
    PORT_POWER = 0x604,  /* a half word; POWER_OFF ends the run with exit code 0 */
    POWER_OFF = 0x2000,
};

/* Three devices that are made, and freed, together. */
extern const struct device_ops post_ops, debug_ops, power_ops;

#endif
