/* Names to things (as.h): a hash table that grows, so that a look-up costs the same however
 * large a program is. */
#include "as.h"

#include <string.h>

enum { FIRST_BUCKETS = 64 };

struct name_entry {
    struct name_entry *next;
    const char *s;
    size_t n;
    uint32_t hash;
    void *value;
};

static char fold(const struct names *t, char c)
{
    return t->any_case && c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static uint32_t hash(const struct names *t, const char *s, size_t n)
{
    uint32_t h = 2166136261u;

    for (size_t i = 0; i < n; i++)
        h = (h ^ (unsigned char)fold(t, s[i])) * 16777619u;
    return h;
}

static bool same(const struct names *t, const struct name_entry *e, const char *s, size_t n)
{
    size_t i = 0;

    if (e->n != n)
        return false;
    while (i < n && fold(t, e->s[i]) == fold(t, s[i]))
        i++;
    return i == n;
}

static struct name_entry *find(const struct names *t, const char *s, size_t n, uint32_t h)
{
    struct name_entry *e = t->nbuckets ? t->buckets[h % t->nbuckets] : NULL;

    while (e && (e->hash != h || !same(t, e, s, n)))
        e = e->next;
    return e;
}

/* Twice the buckets when there are as many names: what moves is paid by what came. */
static void grow_table(struct names *t, struct arena *arena)
{
    size_t n = t->nbuckets ? 2 * t->nbuckets : FIRST_BUCKETS;
    struct name_entry **buckets = arena_alloc(arena, n * sizeof *buckets);

    for (size_t i = 0; i < t->nbuckets; i++)
        for (struct name_entry *e = t->buckets[i], *next; e; e = next) {
            next = e->next;
            e->next = buckets[e->hash % n];
            buckets[e->hash % n] = e;
        }
    t->buckets = buckets;
    t->nbuckets = n;
}

void *names_find(const struct names *t, const char *s, size_t n)
{
    const struct name_entry *e = find(t, s, n, hash(t, s, n));

    return e ? e->value : NULL;
}

void names_set(struct names *t, struct arena *arena, const char *s, size_t n, void *value)
{
    uint32_t h = hash(t, s, n);
    struct name_entry *e = find(t, s, n, h);

    if (!e) {
        if (t->count++ >= t->nbuckets)
            grow_table(t, arena);
        e = arena_alloc(arena, sizeof *e);
        *e = (struct name_entry){.next = t->buckets[h % t->nbuckets], .s = s, .n = n, .hash = h};
        t->buckets[h % t->nbuckets] = e;
    }
    e->value = value;
}

void names_clear(struct names *t)
{
    *t = (struct names){.any_case = t->any_case};
}
