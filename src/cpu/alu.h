/* Arithmetic that C does not have: what RISC-V defines where C does not. */
#ifndef VISA_ALU_H
#define VISA_ALU_H

#include <stdint.h>

#define SX32(v) ((uint64_t)(int64_t)(int32_t)(v))

static inline uint64_t high_ss(uint64_t a, uint64_t b)
{
    return (uint64_t)((__int128)(int64_t)a * (int64_t)b >> 64);
}

static inline uint64_t high_su(uint64_t a, uint64_t b)
{
    return (uint64_t)((__int128)(int64_t)a * (unsigned __int128)b >> 64);
}

static inline uint64_t high_uu(uint64_t a, uint64_t b)
{
    return (uint64_t)((unsigned __int128)a * b >> 64);
}

static inline uint64_t quotient(int64_t a, int64_t b)
{
    if (b == 0)
        return UINT64_MAX;
    return a == INT64_MIN && b == -1 ? (uint64_t)a : (uint64_t)(a / b);
}

static inline uint64_t remainder_of(int64_t a, int64_t b)
{
    if (b == 0)
        return (uint64_t)a;
    return b == -1 ? 0 : (uint64_t)(a % b);
}

#endif
