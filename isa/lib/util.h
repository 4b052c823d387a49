/* Memory for programs that run once: an arena, growing arrays, and exit when there is none. */
#ifndef ASM_UTIL_H
#define ASM_UTIL_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

struct arena_block;

/* Everything allocated from it lives until arena_free. */
struct arena {
    struct arena_block *blocks;
};

void *arena_alloc(struct arena *a, size_t size); /* zeroed, aligned for any type */
char *arena_text(struct arena *a, const char *s, size_t n);
char *arena_format(struct arena *a, const char *format, ...) __attribute__((format(printf, 2, 3)));
void arena_free(struct arena *a);

/* A heap array of *cap items of `item` bytes with room for `need` of them. */
void *grow(void *array, size_t *cap, size_t need, size_t item);

/* Case-blind comparison of n bytes with a lower-case C string. */
int same_word(const char *s, size_t n, const char *lower);

#define COUNT(a) (sizeof(a) / sizeof(a)[0])

#endif
