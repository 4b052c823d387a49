/* 16550A UART: eight byte registers, at a memory address and at ports alike. */
#ifndef VISA_UART_H
#define VISA_UART_H

#include "bus.h"
#include "console.h"

enum { UART_BYTES = 8 };
enum { UART_HZ = 3686400 }; /* its clock, for a driver's divisor */

extern const struct device_ops uart_ops;

#endif
