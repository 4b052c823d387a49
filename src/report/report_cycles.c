/* Where the cycles of the pipeline model went, read back and shown (report.h). */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "report.h"

static bool same_ring(const struct report_cycles *a, const struct report_cycles *b)
{
    return a->ring == b->ring &&
           (a->vmcs && b->vmcs ? strcmp(a->vmcs, b->vmcs) == 0 : a->vmcs == b->vmcs);
}

static void add_cycles(struct report_cycles *to, const struct report_cycles *from)
{
    to->instret += from->instret;
    to->total += from->total;
    for (unsigned i = 0; i < PIPELINE_CATEGORIES; i++)
        to->by[i] += from->by[i];
}

static bool read_ring(json_t *o, struct report_cycles *c, char *err, size_t n)
{
    json_int_t vmid, ring, instret;
    json_t *cycles;
    json_error_t e;

    if (json_unpack_ex(o, &e, 0, "{s:s, s:I, s:I, s:I, s:o}", "vmcs", &c->vmcs, "vmid", &vmid,
                       "ring", &ring, "instret", &instret, "cycles", &cycles)) {
        snprintf(err, n, "%s", e.text);
        return false;
    }
    *c = (struct report_cycles){.vmid = vmid, .ring = ring, .instret = instret, .vmcs = c->vmcs};
    if (strcmp(c->vmcs, "0x0") == 0)
        c->vmcs = NULL;
    for (unsigned i = 0; i < PIPELINE_CATEGORIES; i++) {
        json_t *value = json_object_get(cycles, pipeline_category_names[i]);

        if (!json_is_integer(value)) {
            snprintf(err, n, "cycles: no number for %s", pipeline_category_names[i]);
            return false;
        }
        c->by[i] = json_integer_value(value);
        c->total += c->by[i];
    }
    return true;
}

/* Rows of several harts become one. */
static void put_ring(struct report *r, const struct report_cycles *c)
{
    for (size_t i = 0; i < r->nrings; i++)
        if (same_ring(&r->rings[i], c)) {
            add_cycles(&r->rings[i], c);
            return;
        }
    r->rings[r->nrings++] = *c;
}

bool report_read_cycles(struct report *r, json_t *root, char *err, size_t n)
{
    json_t *pipeline = json_object_get(root, "pipeline"), *rows, *row;
    char why[160];
    size_t i;

    if (!pipeline)
        return true;
    rows = json_object_get(pipeline, "rows");
    r->counts = json_object_get(pipeline, "counts");
    if (!json_is_array(rows) || !json_is_object(r->counts)) {
        snprintf(err, n, "pipeline: expected rows and counts");
        return false;
    }
    r->rings = calloc(json_array_size(rows) + 1, sizeof *r->rings);
    if (!r->rings) {
        snprintf(err, n, "out of memory");
        return false;
    }
    json_array_foreach(rows, i, row)
    {
        struct report_cycles c;

        if (!read_ring(row, &c, why, sizeof why)) {
            snprintf(err, n, "pipeline: rows[%zu]: %s", i, why);
            return false;
        }
        put_ring(r, &c);
    }
    return true;
}

const char *report_scope(const struct report *r, char *text, size_t n)
{
    json_t *from = json_object_get(r->root, "switched_at");

    text[0] = 0;
    if (json_object_get(r->root, "sampling"))
        snprintf(text, n, "its cycles are those of samples");
    else if (from)
        snprintf(text, n, "its cycles are those from instruction %" JSON_INTEGER_FORMAT " on",
                 json_integer_value(from));
    return text;
}

struct report_cycles report_sum_cycles(const struct report *r)
{
    struct report_cycles sum = {0};

    for (size_t i = 0; i < r->nrings; i++)
        add_cycles(&sum, &r->rings[i]);
    return sum;
}

const char *report_ring_name(const struct report_cycles *c, char *text, size_t n)
{
    if (c->vmcs)
        snprintf(text, n, "VM %" PRId64 " Ring %" PRId64, c->vmid, c->ring);
    else
        snprintf(text, n, "Ring %" PRId64, c->ring);
    return text;
}

/* The categories of a row, the greatest first; how many are not 0. */
static unsigned by_size(const struct report_cycles *c, unsigned order[PIPELINE_CATEGORIES])
{
    unsigned n = 0;

    for (unsigned i = 0; i < PIPELINE_CATEGORIES; i++) {
        unsigned at = n;

        if (c->by[i] == 0)
            continue;
        for (; at && c->by[order[at - 1]] < c->by[i]; at--)
            order[at] = order[at - 1];
        order[at] = i;
        n++;
    }
    return n;
}

/* Where they went follows on lines of its own. */
static void print_ring(FILE *out, const struct report_cycles *c, int64_t all, const char *name)
{
    enum { WIDTH = 96 };
    unsigned order[PIPELINE_CATEGORIES], n = by_size(c, order);
    int column = 0;
    char word[64], text[REPORT_FIT];

    fprintf(out, "%-15.15s %-12.12s %12s", name, c->vmcs ? c->vmcs : "",
            report_fit(c->total, 12, text));
    fprintf(out, " %5.1f %% %12s ", report_percent(c->total, all),
            report_fit(c->instret, 12, text));
    if (c->instret && c->total / c->instret < 1000)
        fprintf(out, "%6.2f\n", (double)c->total / (double)c->instret);
    else
        fprintf(out, "%6s\n", c->instret ? report_fit(c->total / c->instret, 6, text) : "-");
    for (unsigned i = 0; i < n; i++) {
        int length = snprintf(word, sizeof word, "%s %.1f %%%s", pipeline_category_names[order[i]],
                              report_percent(c->by[order[i]], c->total), i + 1 < n ? "," : "");

        if (column && column + 1 + length > WIDTH) {
            putc('\n', out);
            column = 0;
        }

        column += column ? fprintf(out, " %s", word) : fprintf(out, "    %s", word);
    }
    if (n)
        putc('\n', out);
}

void report_rings(FILE *out, const struct report *r)
{
    struct report_cycles sum = report_sum_cycles(r);
    const char *key;
    json_t *value;
    char name[64], scope[80];

    if (report_scope(r, scope, sizeof scope)[0])
        fprintf(out, "Not all of the run: %s\n", scope);
    fprintf(out, "%-15s %-12s %12s %7s %12s %6s\n    where they went\n", "", "VMCS", "cycles",
            "share", "instructions", "CPI");
    for (size_t i = 0; i < r->nrings; i++)
        print_ring(out, &r->rings[i], sum.total, report_ring_name(&r->rings[i], name, sizeof name));
    print_ring(out, &sum, sum.total, "all");
    json_object_foreach(r->counts, key, value)
        fprintf(out, "%-27s %12" JSON_INTEGER_FORMAT "\n", key, json_integer_value(value));
}

void report_rings_csv(FILE *out, const struct report *r)
{
    fputs("vmid,vmcs,ring,instret,cycles", out);
    for (unsigned i = 0; i < PIPELINE_CATEGORIES; i++)
        fprintf(out, ",%s", pipeline_category_names[i]);
    putc('\n', out);
    for (size_t i = 0; i < r->nrings; i++) {
        const struct report_cycles *c = &r->rings[i];

        if (c->vmcs)
            fprintf(out, "%" PRId64 ",%s", c->vmid, c->vmcs);
        else
            putc(',', out);
        fprintf(out, ",%" PRId64 ",%" PRId64 ",%" PRId64, c->ring, c->instret, c->total);
        for (unsigned k = 0; k < PIPELINE_CATEGORIES; k++)
            fprintf(out, ",%" PRId64, c->by[k]);
        putc('\n', out);
    }
}
