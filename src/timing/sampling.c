/* Samples of a run (sampling.h). */
#include "sampling.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "config/config.h"

bool sampling_parse(struct sampling_plan *p, const char *text, char *err, size_t n)
{
    uint64_t *const parts[] = {&p->period, &p->warmup, &p->length};
    char part[32];

    for (int i = 0; i < 3; i++) {
        size_t length = strcspn(text, ":");

        if ((text[length] == ':') != (i < 2) || length >= sizeof part) {
            snprintf(err, n, "expected three numbers, PERIOD:WARMUP:LENGTH");
            return false;
        }
        memcpy(part, text, length);
        part[length] = 0;
        if (!config_number(part, parts[i], err, n))
            return false;
        text += length + 1;
    }
    if (p->period > INT64_MAX) {
        snprintf(err, n, "PERIOD must be less than 2^63");
        return false;
    }
    if (p->length == 0 || p->length > p->period || p->warmup > p->period - p->length) {
        snprintf(err, n, "LENGTH must be at least 1, and WARMUP and LENGTH must fit into PERIOD");
        return false;
    }
    return true;
}

static bool keep(struct sampling *s, const struct sample *one)
{
    if (s->kept == s->room) {
        size_t room = s->room ? 2 * s->room : 64;
        struct sample *more = realloc(s->samples, room * sizeof *more);

        if (!more)
            return false;
        s->samples = more;
        s->room = room;
    }
    s->samples[s->kept++] = *one;
    return true;
}

/* Welford's way: no sum grows so large that the small ones are lost in it. */
void sampling_add(struct sampling *s, const struct sample *one)
{
    double cpi = (double)one->cycles / (double)one->instret, off = cpi - s->mean;

    s->n++;
    s->mean += off / (double)s->n;
    s->squares += off * (cpi - s->mean);
    if (s->kept < SAMPLES_KEPT && !keep(s, one))
        s->lost = true;
}

void sampling_free(struct sampling *s)
{
    free(s->samples);
    *s = (struct sampling){.plan = s->plan};
}

/* Share of Student's distribution between -t and t: Abramowitz and Stegun 26.7.3 (odd) and
 * 26.7.4 (even), where cosine and sine are of the angle atan(t / sqrt(freedom)). */
static double student_between(double t, uint64_t freedom)
{
    double v = (double)freedom, cos2 = v / (v + t * t), sine = t / sqrt(v + t * t);
    bool odd = freedom % 2;
    double term = odd ? sqrt(cos2) : 1, sum = freedom > 1 ? term : 0;

    for (uint64_t i = odd ? 3 : 2; i < freedom && term > sum * 1e-17; i += 2) {
        term *= cos2 * (double)(i - 1) / (double)i;
        sum += term;
    }
    return odd ? (atan(t / sqrt(v)) + sine * sum) * 2 / acos(-1) : sine * sum;
}

double student_quantile(double p, uint64_t freedom)
{
    double low = 0, high = 1, between = 2 * p - 1;

    while (student_between(high, freedom) < between)
        high *= 2;
    for (int i = 0; i < 64; i++) {
        double middle = (low + high) / 2;

        *(student_between(middle, freedom) < between ? &low : &high) = middle;
    }
    return high;
}

struct sampling_result sampling_result(const struct sampling *s)
{
    struct sampling_result r = {s->mean, -1};
    double n = (double)s->n;

    if (s->n >= 2)
        r.half = student_quantile((1 + SAMPLING_CONFIDENCE) / 2, s->n - 1) *
                 sqrt(s->squares / (n - 1) / n);
    return r;
}

/* Output ----------------------------------------------------------------------------------- */

static json_t *json_interval(const struct sampling_result *r, double scale)
{
    json_t *o = json_object();
    bool known = r->half >= 0;

    json_object_set_new(o, "mean", json_real(r->cpi * scale));
    json_object_set_new(o, "low", known ? json_real((r->cpi - r->half) * scale) : json_null());
    json_object_set_new(o, "high", known ? json_real((r->cpi + r->half) * scale) : json_null());
    return o;
}

static json_t *json_samples(const struct sampling *s)
{
    json_t *a = json_array();

    for (size_t i = 0; i < s->kept; i++)
        json_array_append_new(a,
                              json_pack("{s:I, s:I, s:I}", "from", (json_int_t)s->samples[i].from,
                                        "instret", (json_int_t)s->samples[i].instret, "cycles",
                                        (json_int_t)s->samples[i].cycles));
    return a;
}

json_t *sampling_json(const struct sampling *s, uint64_t instret)
{
    struct sampling_result r = sampling_result(s);
    json_t *o = json_object();

    json_object_set_new(o, "period", json_integer((json_int_t)s->plan.period));
    json_object_set_new(o, "warmup", json_integer((json_int_t)s->plan.warmup));
    json_object_set_new(o, "length", json_integer((json_int_t)s->plan.length));
    json_object_set_new(o, "confidence", json_real(SAMPLING_CONFIDENCE));
    json_object_set_new(o, "cpi", s->n ? json_interval(&r, 1) : json_null());
    json_object_set_new(o, "cycles", s->n ? json_interval(&r, (double)instret) : json_null());
    json_object_set_new(o, "samples", json_samples(s));
    if (s->n > s->kept)
        json_object_set_new(o, "more_samples", json_integer((json_int_t)(s->n - s->kept)));
    return o;
}

void sampling_table(FILE *out, const struct sampling *s, uint64_t instret)
{
    struct sampling_result r = sampling_result(s);
    double whole = (double)instret, percent = 100 * SAMPLING_CONFIDENCE;

    fprintf(out, "%-40s %16" PRIu64 "\n", "samples of the pipeline model", s->n);
    if (s->n == 0)
        return;
    fprintf(out, "%-40s %16.4f\n", "cycles per instruction, mean", r.cpi);
    if (r.half >= 0)
        fprintf(out, "  %.0f %% confidence interval %*.4f to %.4f\n", percent, 26, r.cpi - r.half,
                r.cpi + r.half);
    fprintf(out, "%-40s %16.0f\n", "cycles of the whole run, estimated", r.cpi * whole);
    if (r.half >= 0)
        fprintf(out, "  %.0f %% confidence interval %*.0f to %.0f\n", percent, 26,
                (r.cpi - r.half) * whole, (r.cpi + r.half) * whole);
}
