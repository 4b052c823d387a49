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

/* Sixteen digits, so that it takes the same instructions whatever the value. */
static inline void put_hex(uint64_t n)
{
    for (unsigned i = 0; i < 16; i++, n <<= 4)
        put_char("0123456789abcdef"[n >> 60]);
}

/* The last line of every run: what the guest came to, how many of its instructions somebody
 * else has executed for it, and how many translations somebody has made for it. */
static inline void report(uint64_t result, uint64_t emulated, uint64_t filled)
{
    say("\nresult ");
    put_hex(result);
    say(" emulated %lu filled %lu\n", emulated, filled);
}

#endif
