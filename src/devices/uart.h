/* 16550A UART: eight byte registers, at a memory address and at ports alike. */
#ifndef VISA_UART_H
#define VISA_UART_H

#include "bus.h"
#include "console.h"

struct uart;

/* Level of the interrupt line. */
typedef void uart_irq_fn(void *user, bool level);

enum { UART_BYTES = 8 };

extern const struct device_ops uart_ops;

/* NULL if memory ran out. The console is copied. */
struct uart *uart_new(const struct console *console, uart_irq_fn *irq, void *user);

#endif
