/* Equal intervals of time (timeline.h). */
#include "timeline.h"

#include <stdlib.h>
#include <string.h>

/* Pages of VMs that never run are never touched. */
bool timeline_init(struct timeline *t, size_t vms)
{
    *t = (struct timeline){.interval = 1, .vms = calloc(vms, sizeof *t->vms)};
    return t->vms;
}

void timeline_free(struct timeline *t)
{
    free(t->vms);
}

static void halve(uint64_t *counts)
{
    enum { HALF = TIMELINE_INTERVALS / 2 };

    for (unsigned i = 0; i < HALF; i++)
        counts[i] = counts[2 * i] + counts[2 * i + 1];
    memset(counts + HALF, 0, HALF * sizeof *counts);
}

void timeline_reach(struct timeline *t, uint64_t tick)
{
    while (tick / t->interval >= TIMELINE_INTERVALS) {
        t->interval *= 2;
        halve(t->exits);
        for (size_t i = 0; i < t->nvms; i++)
            halve(t->vms[i].ticks);
    }
}

void timeline_ran(struct timeline *t, size_t vm, uint64_t from, uint64_t to)
{
    uint64_t *ticks = t->vms[vm].ticks;

    if (from >= to)
        return;
    if (t->nvms <= vm)
        t->nvms = vm + 1;
    timeline_reach(t, to - 1);
    for (uint64_t i = from / t->interval; from < to; i++) {
        uint64_t end = (i + 1) * t->interval;

        end = end < to ? end : to;
        ticks[i] += end - from;
        from = end;
    }
}

void timeline_exit(struct timeline *t, uint64_t tick)
{
    timeline_reach(t, tick);
    t->exits[tick / t->interval]++;
}

uint64_t timeline_overlap(const struct timeline *t, unsigned interval, uint64_t end)
{
    uint64_t first = interval * t->interval;

    return end <= first ? 0 : end - first < t->interval ? end - first : t->interval;
}
