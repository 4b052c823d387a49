/* Processes of a guest's kernel, each with its address space. Sv39. */
#ifndef PROCESS_GUEST_H
#define PROCESS_GUEST_H

#include <stdbool.h>
#include <stdint.h>

#include "guest.h"

enum { PROCESSES = 2, ENTRIES = PAGE / 8, USER_ECALL = 8 };

struct process {
    uint64_t *root;
    struct registers r;
    bool alive;
    uint64_t result;
};

extern struct process processes[PROCESSES];
extern unsigned current;

/* A page of zeros. The guest's own. */
uint64_t *page_new(void);

/* The entry of va at a level (2 root, 1, 0 that of pages of 4 KiB). Makes the tables above. */
uint64_t *entry_of(uint64_t *root, uint64_t va, unsigned level);

/* Process i is the current one, and satp says so. Its ASID is i + 1. */
void activate(unsigned i);

#endif
