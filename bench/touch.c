/* What translation costs a load, in cycles by the counter `cycle`, less those of two readings
 * of it with nothing in between. KIND says what is known of the page:
 *
 *   HIT     it is in the L1 TLB
 *   L2      it is in the L2 TLB alone
 *   WALK    nothing; of its tables' pages, what the walk cache keeps
 *
 * The data, and the tables, are in the data cache if that is large enough. With LOAD 0 there is
 * everything but the load: what is counted more with it is its own. Each is done ROUNDS times, the last one
 * is told (main.c, with REPORT). */
#include "bench.h"

#define HIT 1
#define L2 2
#define WALK 3

enum { PAGES = 40, LINE = 64 };

/* A line in each page, no two in one set of the data cache. */
static uint8_t pages[PAGES][4096 + LINE] __attribute__((aligned(4096)));

/* All in one line of the instruction cache, and nothing else is loaded in between. */
#if KIND == WALK
#define FLUSH "sfence.vma\n"
#else
#define FLUSH "nop\n"
#endif
#if LOAD
#define TIMED "ld t0, 0(%2)\n"
#else
#define TIMED
#endif

static uint64_t timed(const uint8_t *page)
{
    uint64_t from, to;

    __asm__ volatile(".balign 64\n" FLUSH "csrr %0, cycle\n" TIMED "csrr %1, cycle"
                     : "=&r"(from), "=&r"(to)
                     : "r"(page)
                     : "t0", "memory");
    return to - from;
}

uint64_t work(void)
{
    uint64_t cycles = 0;

    for (uint64_t round = 0; round < ROUNDS; round++) {
        if (KIND == HIT || KIND == L2)
            *(volatile uint8_t *)pages[0];
        for (unsigned i = 2; KIND == L2 && i < PAGES; i++)
            *(volatile uint8_t *)pages[i];
        cycles = timed(pages[0]);
    }
    return cycles;
}
