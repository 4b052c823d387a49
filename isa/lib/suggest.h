/* "did you mean ...?": the name nearest to one that does not exist. */
#ifndef ASM_SUGGEST_H
#define ASM_SUGGEST_H

#include <stddef.h>

struct suggest {
    const char *want;
    size_t len;
    unsigned cost;
    char best[48]; /* "" if nothing is near enough */
};

void suggest_start(struct suggest *s, const char *want, size_t len);
void suggest_try(struct suggest *s, const char *name);

#endif
