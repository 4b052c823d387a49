/* Equal intervals of time (timeline.h). */
#include "timeline.h"

#include <stdlib.h>
#include <string.h>

void timeline_init(struct timeline *t)
{
    *t = (struct timeline){.interval = 1};
}

void timeline_free(struct timeline *t)
{
    free(t->vms);
}

bool timeline_add_vm(struct timeline *t)
{
    size_t room = t->room ? 2 * t->room : 8;

    if (t->nvms == t->room) {
        struct timeline_vm *vms = realloc(t->vms, room * sizeof *vms);

        if (!vms)
            return false;
        t->vms = vms;
        t->room = room;
    }
    memset(&t->vms[t->nvms++], 0, sizeof *t->vms);
    return true;
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
