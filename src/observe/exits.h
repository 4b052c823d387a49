/* Exits by VM, cause and guest pc, and their latencies: an observer of world switches.
 *
 * An exit has two latencies:
 *
 *   handling   from the exit to the hart's next entry, of whichever guest; the handling of all
 *              exits adds up to all time in Ring -1 between two guests
 *   return     from the exit to the next entry of the same VM, other guests in between included
 *
 * Both are in instructions and in ticks (of a timed model: cycles), and include the entering
 * instruction. */
#ifndef VISA_EXITS_H
#define VISA_EXITS_H

#include "machine/machine.h"

#ifdef __cplusplus
extern "C" {
#endif

struct exit_cost {
    uint64_t n, min, max, sum;
};

/* Values of so many bits: none but 0 has 0, 2^(i-1) to 2^i - 1 have i. */
enum { EXIT_BUCKETS = 65 };

struct exit_row {
    uint64_t vmcs, pc, pc_hpa; /* pc_hpa: 0 if unknown */
    uint16_t vmid;
    uint8_t cause; /* ISA_EXIT_* */
    uint64_t count;
    uint64_t moved;    /* the VM was entered again on another hart: its return has no cost */
    uint64_t emulated; /* the VM was entered again with VMRESUME.ADV */
    struct exit_cost handling_insns, handling_ticks, return_insns, return_ticks;
    uint64_t buckets[EXIT_BUCKETS]; /* of return_ticks */
};

/* What one VM's guest ran, between entries and exits. */
struct vm_share {
    uint64_t insns, ticks;
};

/* A guest chooses where it exits. So many places are kept at most: when there is one more, the half
 * that has exited least becomes one row without a place, and a place of it that exits again begins
 * anew. */
enum { EXIT_SITES = 8192 };

struct exits;

/* Begins to count m's world switches; NULL if memory ran out. */
struct exits *exits_new(struct machine *m);
void exits_free(struct exits *x);

/* Rows by falling count, then VMCS, cause, pc; valid until the next run. */
const struct exit_row *exits_rows(struct exits *x, size_t *n);
/* What became of rows that were not kept, and how many they were. */
const struct exit_row *exits_others(const struct exits *x, uint64_t *rows);
/* By the VMs' numbers in machine_stats(). */
const struct vm_share *exits_shares(struct exits *x, size_t *n);
/* Ticks of all harts together: of the guests, and of Ring -1. */
uint64_t exits_time(const struct exits *x);
uint64_t exits_hart_time(const struct exits *x, unsigned hart); /* of one of them */
struct timeline;
/* The same over time, of all harts (timeline.h); its VMs are those of exits_shares. */
const struct timeline *exits_timeline(struct exits *x);
/* False if memory ran out for the rows. */
bool exits_complete(const struct exits *x);

#ifdef __cplusplus
}
#endif

#endif
