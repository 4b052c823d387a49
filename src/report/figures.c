/* Numbers, scales and colours of pictures (figures.h). */
#include "figures.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

void figures_escaped(FILE *out, const char *text)
{
    for (; *text; text++)
        switch (*text) {
        case '<': fputs("&lt;", out); break;
        case '>': fputs("&gt;", out); break;
        case '&': fputs("&amp;", out); break;
        case '"': fputs("&quot;", out); break;
        default: putc((unsigned char)*text < ' ' ? '?' : *text, out);
        }
}

const char *figures_grouped(int64_t n, char text[32])
{
    char digits[24];
    int length = snprintf(digits, sizeof digits, "%" PRId64, n), at = 0;

    for (int i = 0; i < length; i++) {
        if (i > (n < 0) && (length - i) % 3 == 0)
            text[at++] = ',';
        text[at++] = digits[i];
    }
    text[at] = 0;
    return text;
}

const char *figures_brief(int64_t n, char text[32])
{
    static const char units[] = "kMGTPE";
    double value = (double)n;
    unsigned unit = 0;
    bool whole;

    if (n < 1000) {
        snprintf(text, 32, "%" PRId64, n);
        return text;
    }
    for (value /= 1000; value >= 999.5; value /= 1000)
        unit++;
    whole = value >= 99.95 || (uint64_t)(value * 10 + 0.5) % 10 == 0;
    snprintf(text, 32, whole ? "%.0f%c" : "%.1f%c", value, units[unit]);
    return text;
}

double figures_step(int64_t n)
{
    for (double power = 1;; power *= 10)
        for (unsigned i = 0; i < 3; i++) {
            double step = power * (double[]){1, 2, 5}[i];

            if (4 * step >= (double)n)
                return step;
        }
}

const char *figures_edge(unsigned bucket, char text[32])
{
    static const char units[] = " KMGTPE";
    unsigned power = bucket ? bucket - 1 : 0;

    if (bucket == 0)
        snprintf(text, 32, "0");
    else
        snprintf(text, 32, "%u%.*s", 1u << power % 10, power >= 10, &units[power / 10]);
    return text;
}

/* Colours ---------------------------------------------------------------------------- */

static unsigned channel(double linear)
{
    double v = linear <= 0.0031308 ? 12.92 * linear : 1.055 * pow(linear, 1 / 2.4) - 0.055;

    return v <= 0 ? 0 : v >= 1 ? 255 : (unsigned)(255 * v + 0.5);
}

/* By Oklab's matrices (B. Ottosson, 2020); what sRGB does not have is cut at its edge. */
const char *figures_colour(double lightness, double chroma, double hue, char text[8])
{
    double radians = hue * atan(1) / 45, a = chroma * cos(radians), b = chroma * sin(radians);
    double l = pow(lightness + 0.3963377774 * a + 0.2158037573 * b, 3);
    double m = pow(lightness - 0.1055613458 * a - 0.0638541728 * b, 3);
    double s = pow(lightness - 0.0894841775 * a - 1.2914855480 * b, 3);

    snprintf(text, 8, "#%02x%02x%02x",
             channel(4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s),
             channel(-1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s),
             channel(-0.0041960863 * l - 0.7034186147 * m + 1.7076147010 * s));
    return text;
}

/* Neighbours differ most: they take three lightnesses in turn, a third of the circle apart, and
 * 13 of the 22 hues of each further on. */
enum { LIGHTNESSES = 3, HUES = FIGURES_VM_COLOURS / LIGHTNESSES, STRIDE = 13 };
static const double lightness[LIGHTNESSES] = {0.60, 0.71, 0.49};

const char *figures_vm_colour(size_t vm, char text[8])
{
    size_t level = vm % LIGHTNESSES, step = vm / LIGHTNESSES % HUES * STRIDE % HUES;

    return figures_colour(lightness[level], 0.15,
                          250 + 120 * (double)level + 360 * (double)step / HUES, text);
}

const char *figures_vm_ink(size_t vm)
{
    return lightness[vm % LIGHTNESSES] < 0.55 ? "#fff" : "#000";
}

void figures_patterns(FILE *out, const char *stroke)
{
    static const char *const tiles[CAUSE_PATTERNS] = {
        [1] = "M-2 2L2-2M0 8L8 0M6 10L10 6",
        [2] = "M0 4H8",
        [3] = "M-2 6L2 10M0 0L8 8M6-2L10 2",
        [4] = "M4 0V8",
        [5] = "M0 0L8 8M0 8L8 0",
        [6] = "M0 4H8M4 0V8",
        [7] = "M1 2H3M5 6H7",
        [8] = "M0 2H4M4 6H8M4 2V6M0 6V8M0 0V2",
    };

    for (unsigned i = 1; i < CAUSE_PATTERNS; i++)
        fprintf(out,
                "<pattern id=\"c%u\" width=\"8\" height=\"8\" patternUnits=\"userSpaceOnUse\">"
                "<path d=\"%s\" stroke=\"%s\" stroke-width=\"1.6\" fill=\"none\"/></pattern>\n",
                i, tiles[i], stroke);
}

/* Causes --------------------------------------------------------------------------- */

size_t causes_pattern(const struct causes *c, const char *cause)
{
    for (size_t i = 0; i < c->nlegend; i++)
        if (strcmp(c->legend[i], cause) == 0)
            return i;
    return CAUSE_PATTERNS - 1;
}

/* A cause's exits of all VMs. */
static int64_t exits_of(const struct causes *c, const char *cause)
{
    int64_t n = 0;

    for (size_t i = 0; i < c->n; i++)
        n += strcmp(c->rows[i].cause, cause) ? 0 : c->rows[i].count;
    return n;
}

/* Its causes, the most frequent first, so many as have patterns; the rest is one. */
static void make_legend(struct causes *c)
{
    for (size_t pattern = 0; pattern < CAUSE_PATTERNS - 1; pattern++) {
        const struct report_row *best = NULL;
        int64_t most = 0;

        for (size_t i = 0; i < c->n; i++) {
            const char *cause = c->rows[i].cause;
            int64_t n = exits_of(c, cause);

            if (causes_pattern(c, cause) == CAUSE_PATTERNS - 1 && n > most) {
                best = &c->rows[i];
                most = n;
            }
        }
        if (!best)
            return;
        c->legend[c->nlegend++] = best->cause;
    }
}

bool causes_make(struct causes *c, const struct report *r)
{
    *c = (struct causes){0};
    c->rows = report_rows(r, BY_CAUSE, &c->n);
    if (c->rows)
        make_legend(c);
    return c->rows != NULL;
}

void causes_free(struct causes *c)
{
    free(c->rows);
}

bool causes_others(const struct causes *c)
{
    for (size_t i = 0; i < c->n; i++)
        if (causes_pattern(c, c->rows[i].cause) == CAUSE_PATTERNS - 1)
            return true;
    return false;
}

int64_t causes_bucket(const struct causes *c, unsigned bucket)
{
    int64_t n = 0;

    for (size_t i = 0; i < c->n; i++)
        n += c->rows[i].buckets[bucket];
    return n;
}

void causes_range(const struct causes *c, unsigned *first, unsigned *last)
{
    *first = 0;
    *last = EXIT_BUCKETS - 1;
    while (*first < *last && causes_bucket(c, *first) == 0)
        ++*first;
    while (*last > *first && causes_bucket(c, *last) == 0)
        --*last;
}

static int by_handling(const void *pa, const void *pb)
{
    const struct report_row *a = *(const struct report_row *const *)pa,
                            *b = *(const struct report_row *const *)pb;

    if (a->handling[CYCLES].sum != b->handling[CYCLES].sum)
        return a->handling[CYCLES].sum < b->handling[CYCLES].sum ? 1 : -1;
    return a < b ? -1 : a > b; /* as they are: the most frequent first */
}

const struct report_row **figures_costly(const struct report *r)
{
    const struct report_row **order = malloc((r->nsites + 1) * sizeof *order);

    for (size_t i = 0; order && i < r->nsites; i++)
        order[i] = &r->sites[i];
    if (order)
        qsort(order, r->nsites, sizeof *order, by_handling);
    return order;
}
