/* The guest: it believes in more memory than there is, and uses every third page of it. */
#include "demand.h"

#include <stdint.h>

#include "guest.h"

void guest_main(void)
{
    volatile uint64_t *memory = (volatile uint64_t *)MEMORY;
    uint64_t sum = 0;

    for (uint64_t i = 0; i < PAGES; i += STRIDE)
        memory[i * (PAGE / 8) + i] = i;
    for (uint64_t i = 0; i < PAGES; i += STRIDE)
        sum += memory[i * (PAGE / 8) + i];
    for (uint64_t i = 0; i < FRESH; i++) /* pages that are read before they are written */
        sum += memory[(PAGES + i) * (PAGE / 8)];
    guest_end(sum);
}
