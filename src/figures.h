/* What pictures of a run have in common: numbers for people, scales, causes with colours. */
#ifndef VISA_FIGURES_H
#define VISA_FIGURES_H

#include "report.h"

/* Text of an XML or HTML document. */
void figures_escaped(FILE *out, const char *text);

/* 1234567 as 1,234,567. */
const char *figures_grouped(int64_t n, char text[32]);
/* In at most five characters: 999, 12.3k, 1.5M. */
const char *figures_brief(int64_t n, char text[32]);
/* The smallest of 1, 2, 5, 10, 20, ... such that four of them reach n. */
double figures_step(int64_t n);
/* Lower end of a bucket: 1, 2, ... 512, 1K, ... in powers of two. */
const char *figures_edge(unsigned bucket, char text[32]);

enum { CAUSE_COLOURS = 9 }; /* the last one is for all causes that have none of their own */

/* The exits by VM and cause; the most frequent causes have colours. */
struct causes {
    struct report_row *rows;
    size_t n;
    const char *legend[CAUSE_COLOURS]; /* the most frequent first */
    size_t nlegend;
};

/* False if memory ran out; free them in any case. */
bool causes_make(struct causes *c, const struct report *r);
void causes_free(struct causes *c);
size_t causes_colour(const struct causes *c, const char *cause);
bool causes_others(const struct causes *c); /* has any the last colour? */
int64_t causes_bucket(const struct causes *c, unsigned bucket);
/* The first and the last bucket that have something. */
void causes_range(const struct causes *c, unsigned *first, unsigned *last);

/* The sites of a report, those that took most of Ring -1 first; NULL if memory ran out. */
const struct report_row **figures_costly(const struct report *r);

#endif
