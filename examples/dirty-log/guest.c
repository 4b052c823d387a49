/* The guest: in each round it reads all of its memory and stores into a part of it. */
#include "dirty.h"

#include "guest.h"
#include "visa.h"

uint64_t memory[PAGES][WORDS] __attribute__((aligned(PAGE)));

void guest_main(void)
{
    uint64_t sum = 0;

    for (unsigned round = 0; round < ROUNDS; round++) {
        for (unsigned p = 0; p < PAGES; p++)
            sum += *(volatile uint64_t *)&memory[p][round];
        for (unsigned p = 0; p < PAGES; p += stride(round))
            for (unsigned i = 0; i < WRITES; i++)
                *(volatile uint64_t *)&memory[p][i] = sum + round + i + 1;
        visa_vmexit(1); /* the end of a round */
    }
    guest_end(0);
}
