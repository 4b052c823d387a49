/* Memory (see util.h). Running out of it ends the program: there is nothing to save. */
#include "util.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "files.h"

enum { BLOCK = 64 * 1024 };

struct arena_block {
    struct arena_block *next;
    size_t used, size;
    max_align_t data[];
};

static void *need(void *p)
{
    if (!p) {
        files_abandon();
        fputs("out of memory\n", stderr);
        exit(1);
    }
    return p;
}

void *arena_alloc(struct arena *a, size_t size)
{
    size_t align = sizeof(max_align_t);
    struct arena_block *b = a->blocks;

    size = (size + align - 1) / align * align;
    if (!b || b->size - b->used < size) {
        size_t room = size > BLOCK ? size : BLOCK;

        b = need(calloc(1, sizeof *b + room));
        b->size = room;
        b->next = a->blocks;
        a->blocks = b;
    }
    b->used += size;
    return (char *)b->data + b->used - size;
}

char *arena_text(struct arena *a, const char *s, size_t n)
{
    char *copy = arena_alloc(a, n + 1);

    memcpy(copy, s, n);
    return copy;
}

char *arena_format(struct arena *a, const char *format, ...)
{
    va_list args;
    char text[512];

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return arena_text(a, text, strlen(text));
}

void arena_free(struct arena *a)
{
    while (a->blocks) {
        struct arena_block *next = a->blocks->next;

        free(a->blocks);
        a->blocks = next;
    }
}

void *grow(void *array, size_t *cap, size_t want, size_t item)
{
    if (want <= *cap)
        return array;
    *cap = want > *cap * 2 ? want : *cap * 2;
    return need(realloc(array, *cap * item));
}

static char lower_case(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

int same_word(const char *s, size_t n, const char *lower)
{
    size_t i;

    for (i = 0; i < n && lower[i]; i++)
        if (lower_case(s[i]) != lower[i])
            return 0;
    return i == n && !lower[i];
}
