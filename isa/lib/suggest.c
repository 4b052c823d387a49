/* Nearest names by the Damerau-Levenshtein distance, letters compared without case. */
#include "suggest.h"

#include <ctype.h>
#include <string.h>

enum { LONGEST = 40 };

static unsigned least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

static int same(char a, char b)
{
    return tolower((unsigned char)a) == tolower((unsigned char)b);
}

static unsigned distance(const char *a, size_t n, const char *b, size_t m)
{
    unsigned d[3][LONGEST + 1];

    for (size_t j = 0; j <= m; j++)
        d[0][j] = (unsigned)j;
    for (size_t i = 1; i <= n; i++) {
        unsigned *row = d[i % 3], *up = d[(i - 1) % 3], *up2 = d[(i + 1) % 3];

        row[0] = (unsigned)i;
        for (size_t j = 1; j <= m; j++) {
            row[j] = least(least(up[j], row[j - 1]) + 1, up[j - 1] + !same(a[i - 1], b[j - 1]));
            if (i > 1 && j > 1 && same(a[i - 1], b[j - 2]) && same(a[i - 2], b[j - 1]))
                row[j] = least(row[j], up2[j - 2] + 1);
        }
    }
    return d[n % 3][m];
}

void suggest_start(struct suggest *s, const char *want, size_t len)
{
    s->want = want;
    s->len = len;
    s->best[0] = '\0';
    /* Short names are near to everything: one letter of three may be wrong, at most three. */
    s->cost = len > LONGEST ? 0 : least((unsigned)(len + 3) / 3, 4);
}

void suggest_try(struct suggest *s, const char *name)
{
    size_t m = strlen(name);
    unsigned cost;

    if (m > LONGEST || m + s->cost < s->len || s->len + s->cost < m || s->cost == 0)
        return;
    cost = distance(s->want, s->len, name, m);
    if (cost < s->cost) {
        s->cost = cost;
        memcpy(s->best, name, m + 1);
    }
}
