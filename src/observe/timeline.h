/* Who had the harts when: the cycles of each VM and the exits in equal intervals of time.
 *
 * There is room for a fixed number of intervals. They become twice as long when the run
 * comes to their end, so that a run of any length has at least half of them; where they
 * begin and end depends on the run's length alone. */
#ifndef VISA_TIMELINE_H
#define VISA_TIMELINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TIMELINE_INTERVALS = 512 };

struct timeline_vm {
    uint64_t ticks[TIMELINE_INTERVALS]; /* of all harts together */
};

struct timeline {
    uint64_t interval; /* ticks */
    uint64_t exits[TIMELINE_INTERVALS];
    struct timeline_vm *vms;
    size_t nvms; /* so many are in use */
};

/* Of at most so many VMs; false if there is no memory for them. */
bool timeline_init(struct timeline *t, size_t vms);
void timeline_free(struct timeline *t);

/* Makes the intervals so long that they reach over tick number `tick`. */
void timeline_reach(struct timeline *t, uint64_t tick);

/* A hart ran the VM of this number from one tick to another, or something exited. */
void timeline_ran(struct timeline *t, size_t vm, uint64_t from, uint64_t to);
void timeline_exit(struct timeline *t, uint64_t tick);

/* How much of the ticks 0 to end is in an interval. */
uint64_t timeline_overlap(const struct timeline *t, unsigned interval, uint64_t end);

#endif
