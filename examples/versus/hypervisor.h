/* What the hypervisors of this directory share: the one emulated device. */
#ifndef HYPERVISOR_H
#define HYPERVISOR_H

#include "abi.h"
#include "console.h"
#include "platform.h"

enum { UART_BYTES = 8, UART_LSR = 5, LSR_EMPTY = 0x60 };

static inline uint64_t uart_read(uint64_t offset)
{
    return offset == UART_LSR ? LSR_EMPTY : 0;
}

static inline void uart_write(uint64_t offset, uint64_t value)
{
    if (offset == 0)
        put_char((char)value);
}

/* The last line of every run: what the guest came to, how many of its instructions somebody
 * else has executed for it, and how many translations somebody has made for it. */
static inline void report(uint64_t result, uint64_t emulated, uint64_t filled)
{
    say("\nresult 0x%lx emulated %lu filled %lu\n", result, emulated, filled);
}

#endif
