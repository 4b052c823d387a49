#ifndef DIRTY_H
#define DIRTY_H

#include <stdint.h>

/* Memory of the guest that is logged. In round r it stores into every (r + 2)nd page,
 * WRITES times. */
enum { PAGES = 128, ROUNDS = 6, WRITES = 10, WORDS = 512 };

extern uint64_t memory[PAGES][WORDS];

static inline unsigned stride(unsigned round)
{
    return round + 2;
}

#endif
