/* What pictures of a run have in common: numbers for people, scales, colours, patterns. */
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

/* One colour means one thing: a hue is a VM, a pattern on it a cause, and what is neither is
 * greyish. All of them stand out on white and on black alike. */

enum { FIGURES_VM_COLOURS = 66 }; /* then they repeat */
#define FIGURES_HOST_COLOUR "#3b4252"

/* "#rrggbb" of a colour in OKLCH: lightness 0 to 1, chroma 0 (grey) to about 0.3, hue in degrees. */
const char *figures_colour(double lightness, double chroma, double hue, char text[8]);
/* Of VM number `vm`, from 0: its hue, and what is read on it. */
const char *figures_vm_colour(size_t vm, char text[8]);
const char *figures_vm_ink(size_t vm);

enum { CAUSE_PATTERNS = 9 }; /* 0 is plain, the last is all causes that have none of their own */

/* SVG definitions of the patterns c1 to c8: lines of this stroke on nothing. */
void figures_patterns(FILE *out, const char *stroke);

/* The exits by VM and cause; the most frequent causes have patterns. */
struct causes {
    struct report_row *rows;
    size_t n;
    const char *legend[CAUSE_PATTERNS]; /* the most frequent first */
    size_t nlegend;
};

/* False if memory ran out; free them in any case. */
bool causes_make(struct causes *c, const struct report *r);
void causes_free(struct causes *c);
size_t causes_pattern(const struct causes *c, const char *cause);
bool causes_others(const struct causes *c); /* has any the last pattern? */
int64_t causes_bucket(const struct causes *c, unsigned bucket);
/* The first and the last bucket that have something. */
void causes_range(const struct causes *c, unsigned *first, unsigned *last);

/* The sites of a report, those that took most of Ring -1 first; NULL if memory ran out. */
const struct report_row **figures_costly(const struct report *r);

#endif
