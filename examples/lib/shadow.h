/* Shadow page tables: what a hypervisor makes of a guest's page tables when the hardware
 * is to translate once only.
 *
 * A shadow maps the guest's addresses to host physical ones, by pages of 4 KiB, and is
 * filled entry by entry as the guest faults: a TLB in memory. So a guest that flushes what
 * it changes, as RISC-V asks it to, never sees a stale one. */
#ifndef SHADOW_H
#define SHADOW_H

#include <stdbool.h>
#include <stdint.h>

#include "pages.h"

/* What a shadow is made of, and for whom. Hardware that keeps the guest's rings apart needs
 * one for each table of the guest. Where kernel and processes both run in Ring 3, each of
 * them has its own. VIEW_HOST is of a host stage: that of a guest which is a hypervisor. */
enum view { VIEW_RINGS, VIEW_KERNEL, VIEW_USER, VIEW_HOST };

enum access { ACCESS_FETCH, ACCESS_LOAD, ACCESS_STORE };

/* An access that failed. The host stage knows no rings. */
struct attempt {
    uint64_t va;
    enum access access;
    bool user; /* in Ring 3, as the guest believes; else: */
    uint64_t sstatus;
};

enum { SHADOWS = 8 };

struct shadow {
    bool used;
    uint64_t base; /* the guest's satp, or its HPTBR */
    enum view view;
    table root;
};

/* Zeros are a valid one. */
struct shadows {
    struct shadow of[SHADOWS];
    unsigned next;  /* victim */
    uint64_t *free; /* table pages */
    uint64_t fills;
};

/* The guest's physical memory, by the program's own hand: host address of a page, or 0 if
 * there is none. */
uint64_t gpa_to_hpa(uint64_t gpa);

/* The number of the shadow of this table; a new one is empty. *fresh: it has taken the
 * place of another, whose translations may still be in the TLB. */
unsigned shadow_of(struct shadows *s, uint64_t base, enum view view, bool *fresh);

enum shadow_result {
    SHADOW_FILLED,    /* try again */
    SHADOW_GUEST,     /* the guest's own table forbids it: a page fault of the guest */
    SHADOW_NO_MEMORY, /* it is at *gpa, where the guest has no memory: a device, perhaps */
};

/* A fault in the shadow: as the guest's tables allow, fill it. */
enum shadow_result shadow_fault(struct shadows *s, unsigned number, const struct attempt *a,
                                uint64_t *gpa);

/* The guest flushes one address, in one ASID or VMID or all (-1). Returns false if more than
 * the page of 4 KiB had to go, so that more than that must leave the TLB. */
bool shadow_flush_page(struct shadows *s, uint64_t va, int64_t id);

/* The guest flushes all addresses. */
void shadow_flush(struct shadows *s, int64_t id);

#endif
