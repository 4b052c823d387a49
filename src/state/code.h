/* Pages of RAM whose code is kept decoded: stores mark them, whoever decoded them looks.
 *
 * What is kept begins with a struct code_page (cpu/dpage.h). */
#ifndef VISA_CODE_H
#define VISA_CODE_H

#include <stdbool.h>
#include <stdint.h>

struct machine;

struct code_page {
    struct code_page *next_dirty;
    bool dirty; /* stored into since it was decoded, and in the list of those */
};

struct code_pages {
    struct code_page **by_page; /* one pointer per page of RAM, NULL: not decoded */
    uint64_t pages;
    struct code_page *dirty;
};

/* Marks the pages of [pa, pa+size), in RAM, as stored into. */
void code_stored(struct machine *m, uint64_t pa, uint64_t size);

#endif
