/* The last so many of a sequence of items, in their order. */
#ifndef VISA_VIEWS_KEEP_H
#define VISA_VIEWS_KEEP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

struct keep {
    char *items;
    size_t size; /* bytes of an item */
    size_t n, room, first;
    uint64_t most; /* 0: any number */
    uint64_t left_out;
};

/* A place for one more, behind all others; NULL if memory ran out. */
static inline void *keep_add(struct keep *k)
{
    if (k->most && k->n == k->most) {
        size_t at = k->first;

        k->first = (k->first + 1) % k->n;
        k->left_out++;
        return k->items + at * k->size;
    }
    if (k->n == k->room) {
        size_t room = k->room ? 2 * k->room : 64;
        char *items = room > SIZE_MAX / k->size ? NULL : realloc(k->items, room * k->size);

        if (!items)
            return NULL;
        k->items = items;
        k->room = room;
    }
    return k->items + k->n++ * k->size;
}

static inline void *keep_at(const struct keep *k, size_t i)
{
    return k->items + (k->first + i) % k->n * k->size;
}

#endif
