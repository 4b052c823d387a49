#include "process-guest.h"

struct process processes[PROCESSES];
unsigned current;

uint64_t *entry_of(uint64_t *root, uint64_t va, unsigned level)
{
    for (unsigned l = 2; l > level; l--) {
        uint64_t *e = &root[va >> (PAGE_BITS + 9 * l) & (ENTRIES - 1)];

        if (!*e)
            *e = PA_TO_PTE((uintptr_t)page_new()) | PTE_V;
        root = (uint64_t *)PTE_TO_PA(*e);
    }
    return &root[va >> (PAGE_BITS + 9 * level) & (ENTRIES - 1)];
}

void activate(unsigned i)
{
    uint64_t asid = i + 1, ppn = (uintptr_t)processes[i].root >> PAGE_BITS;

    current = i;
    csr_write(satp, (uint64_t)MODE_SV39 << 60 | asid << 44 | ppn);
}
