#include "pages.h"

#include <stddef.h>

#include "console.h"

enum { POOL_PAGES = 2048, ENTRIES = PAGE / 8, ROOT_ENTRIES_HOST = 4 * ENTRIES };

static uint8_t pool[POOL_PAGES][PAGE] __attribute__((aligned(4 * PAGE)));
static unsigned used;

void *pages_new(unsigned n)
{
    unsigned first = (used + n - 1) / n * n;

    if (first + n > POOL_PAGES)
        unexpected("end of memory, pages in use", used);
    used = first + n;
    return pool[first]; /* .bss: it is zero */
}

table table_new(void)
{
    return pages_new(1);
}

table table_new_host(void)
{
    return pages_new(4);
}

/* The entry of va at a level (2 root, 1, 0), making the tables above it if make is set. */
static uint64_t *entry(table root, uint64_t va, unsigned level, bool make)
{
    uint64_t *e = &root[va >> 30 & (ROOT_ENTRIES_HOST - 1)];

    for (unsigned l = 2; l > level; l--) {
        if (!(*e & PTE_V)) {
            if (!make)
                return NULL;
            *e = PA_TO_PTE((uintptr_t)table_new()) | PTE_V;
        }
        e = (uint64_t *)PTE_TO_PA(*e) + (va >> (PAGE_BITS + 9 * (l - 1)) & (ENTRIES - 1));
    }
    return e;
}

void map(table root, uint64_t va, uint64_t pa, unsigned flags)
{
    *entry(root, va, 0, true) = PA_TO_PTE(pa) | flags;
}

void map_large(table root, uint64_t va, uint64_t pa, unsigned flags)
{
    *entry(root, va, 1, true) = PA_TO_PTE(pa) | flags;
}

void map_range(table root, uint64_t va, uint64_t pa, uint64_t bytes, unsigned flags)
{
    for (uint64_t offset = 0; offset < bytes; offset += PAGE)
        map(root, va + offset, pa + offset, flags);
}

uint64_t *leaf_of(table root, uint64_t va)
{
    return entry(root, va, 0, false);
}

uint64_t base_guest(table root, unsigned asid)
{
    return (uint64_t)MODE_SV39 << 60 | (uint64_t)asid << 44 | (uintptr_t)root >> PAGE_BITS;
}

uint64_t base_host(table root, unsigned vmid)
{
    return (uint64_t)MODE_SV39 << 60 | (uint64_t)vmid << 44 | (uintptr_t)root >> PAGE_BITS;
}
