/* Cycles per instruction from samples of a run: mean and confidence interval. What is added
 * up and written here is measured by turns.h. */
#ifndef VISA_SAMPLING_H
#define VISA_SAMPLING_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Of every `period` instructions the last `length` are measured, and the `warmup` before
 * those are timed too. */
struct sampling_plan {
    uint64_t period, warmup, length;
};

struct sample {
    uint64_t from; /* instructions of the run before it */
    uint64_t instret, cycles;
};

/* A guest chooses how long it runs: of its samples the first ones are kept, and all counted. */
enum { SAMPLES_KEPT = 65536 };

struct sampling {
    struct sampling_plan plan;
    struct sample *samples; /* the first `kept` */
    size_t kept, room;
    uint64_t n;
    double mean, squares; /* of their CPI; the sum of the squares of what it is off */
    bool lost;            /* memory ran out */
};

struct sampling_result {
    double cpi;  /* mean of the samples' */
    double half; /* the interval is cpi - half to cpi + half; negative with less than 2 samples */
};

/* "PERIOD:WARMUP:LENGTH"; false with the reason in err. */
bool sampling_parse(struct sampling_plan *p, const char *text, char *err, size_t n);

void sampling_add(struct sampling *s, const struct sample *one);
void sampling_free(struct sampling *s);
/* Of at least one sample, at the level SAMPLING_CONFIDENCE. */
struct sampling_result sampling_result(const struct sampling *s);

#define SAMPLING_CONFIDENCE 0.95

/* The t below which a share p (above 0.5) of Student's distribution of so many degrees of
 * freedom lies. */
double student_quantile(double p, uint64_t freedom);

/* The object "sampling" of visa-sim's statistics; instret is that of the whole run. */
json_t *sampling_json(const struct sampling *s, uint64_t instret);
/* The same for people. */
void sampling_table(FILE *out, const struct sampling *s, uint64_t instret);

#endif
