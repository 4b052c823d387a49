/* What the guest and the hypervisor share. */
#ifndef INTERRUPTS_H
#define INTERRUPTS_H

#include <stdint.h>

/* SLOW has the lowest priority; while it is served the others come. */
enum { ROUNDS = 50, VECTORS = 4, SLOW = 130, SELF = 77, SELF_ROUNDS = 10 };

struct vector {
    uint8_t number, priority;
};
#define VECTOR_LIST                                                                                \
    {                                                                                              \
        {SLOW, 1}, {5, 3}, {200, 9},                                                               \
        {                                                                                          \
            64, 9                                                                                  \
        }                                                                                          \
    }

/* In the guest's memory. */
struct shared {
    volatile uint64_t ready;   /* the guest listens */
    volatile uint64_t serving; /* rounds in which it has come to serve SLOW ... */
    volatile uint64_t sent;    /* ... and in which the others have been sent */
    volatile uint64_t ended;   /* interrupts */
    uint64_t order[VECTORS];   /* as the last round's ended */
    uint64_t nested;           /* interrupts that interrupted a handler */
};
extern struct shared shared;

#endif
