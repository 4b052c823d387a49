/* Loads and stores on more pages than the TLB holds, in no order. */
#include "bench.h"

enum { PAGES = 512, WORDS = 4096 / 8, TOUCHES = 4096 };

static uint64_t pages[PAGES][WORDS] __attribute__((aligned(4096)));

uint64_t work(void)
{
    uint64_t state = 0xda942042e4dd58b5u, sum = 0;

    for (uint64_t round = 0; round < ROUNDS; round++)
        for (unsigned i = 0; i < TOUCHES; i++) {
            uint64_t r = next_random(&state);
            uint64_t *word = &pages[r >> 24 & (PAGES - 1)][r >> 40 & (WORDS - 1)];

            sum = sum * 31 + *word;
            *word = sum ^ r;
        }
    return sum;
}
