/* What the measured programs share.
 *
 * A program is one file with work(); the same file is compiled for the guest and, with
 * native.c, for the machine that measures, whose result the guest's must equal. So it
 * uses types of fixed width alone, and nothing that C leaves open. ROUNDS says how long
 * it works. */
#ifndef BENCH_H
#define BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The program: a checksum of everything it computed. */
uint64_t work(void);

/* Pseudo-random numbers, xorshift of 64 bits; the state must not be 0. */
static inline uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* One more value in a checksum: FNV-1a's step, on 64 bits at once. */
static inline uint64_t mix(uint64_t sum, uint64_t value)
{
    return (sum ^ value) * 0x100000001b3u;
}

#endif
