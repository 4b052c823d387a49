/* The differences of two runs (compare.h). */
#include "compare.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "observe/identity.h"

struct pair {
    int64_t vmid;
    const char *cause, *place; /* "" where rows are summed over it */
    int64_t exits[2], cycles[2];
};

static int by_key(const void *pa, const void *pb)
{
    const struct pair *a = pa, *b = pb;
    int order = strcmp(a->cause, b->cause);

    if (a->vmid != b->vmid)
        return a->vmid < b->vmid ? -1 : 1;
    return order ? order : strcmp(a->place, b->place);
}

static uint64_t change(const int64_t v[2])
{
    return v[1] > v[0] ? (uint64_t)v[1] - (uint64_t)v[0] : (uint64_t)v[0] - (uint64_t)v[1];
}

static int by_change(const void *pa, const void *pb)
{
    const struct pair *a = pa, *b = pb;
    uint64_t ca = change(a->cycles), cb = change(b->cycles);

    if (ca == cb) {
        ca = change(a->exits);
        cb = change(b->exits);
    }
    if (ca != cb)
        return ca < cb ? 1 : -1;
    return by_key(a, b);
}

static void put_side(struct pair *p, const struct report *r, enum report_by by, unsigned side)
{
    for (size_t i = 0; i < r->nsites; i++) {
        const struct report_row *s = &r->sites[i];

        p[i] = (struct pair){.vmid = s->vmid,
                             .cause = by == BY_VM ? "" : s->cause,
                             .place = by != BY_SITE  ? ""
                                      : s->symbol[0] ? s->symbol
                                                     : s->pc};
        p[i].exits[side] = s->count;
        p[i].cycles[side] = s->handling[CYCLES].sum;
    }
}

static size_t merge(struct pair *p, size_t n)
{
    size_t used = 0;

    qsort(p, n, sizeof *p, by_key);
    for (size_t i = 0; i < n; i++) {
        if (used == 0 || by_key(&p[used - 1], &p[i]) != 0) {
            p[used++] = p[i];
            continue;
        }
        for (unsigned side = 0; side < 2; side++) {
            p[used - 1].exits[side] += p[i].exits[side];
            p[used - 1].cycles[side] += p[i].cycles[side];
        }
    }
    qsort(p, used, sizeof *p, by_change);
    return used;
}

/* "+12.5 %"; of nothing, no percentage. */
static const char *change_text(int64_t before, int64_t after, char *text, size_t n)
{
    double percent = before ? 100.0 * ((double)after - (double)before) / (double)before : 0;

    if (before == after)
        snprintf(text, n, "=");
    else if (before == 0)
        snprintf(text, n, "new");
    else if (snprintf(text, n, "%+.1f %%", percent) > 10)
        snprintf(text, n, "%+.1e%%", percent);
    return text;
}

static void total(FILE *out, const char *title, int64_t before, int64_t after)
{
    char text[32];

    fprintf(out, "%-34s %14" PRId64 " %14" PRId64 " %10s\n", title, before, after,
            change_text(before, after, text, sizeof text));
}

/* All VMs of a run as one. */
static struct report_vm sum_vms(const struct report *r)
{
    struct report_vm sum = {0};

    for (size_t i = 0; i < r->nvms; i++) {
        sum.instret += r->vms[i].instret;
        sum.cycles += r->vms[i].cycles;
        sum.exits += r->vms[i].exits;
        sum.emu += r->vms[i].emu;
        sum.tlbmiss += r->vms[i].tlbmiss;
        sum.walk_reads_guest += r->vms[i].walk_reads_guest;
        sum.walk_reads_host += r->vms[i].walk_reads_host;
    }
    return sum;
}

/* Where the cycles of the pipeline model went, in both runs. */
static void totals_of_cycles(FILE *out, const struct report *a, const struct report *b)
{
    const struct report_cycles ca = report_sum_cycles(a), cb = report_sum_cycles(b);
    char title[40];

    if (!a->nrings || !b->nrings)
        return;
    for (unsigned i = 0; i < PIPELINE_CATEGORIES; i++) {
        snprintf(title, sizeof title, "cycles: %s", pipeline_category_names[i]);
        if (ca.by[i] || cb.by[i])
            total(out, title, ca.by[i], cb.by[i]);
    }
}

static void totals(FILE *out, const struct report *a, const struct report *b)
{
    const struct report_vm va = sum_vms(a), vb = sum_vms(b);

    fprintf(out, "%-34s %14s %14s %10s\n", "", "before", "after", "change");
    total(out, "cycles in Ring -1", a->host.cycles, b->host.cycles);
    total(out, "instructions in Ring -1", a->host.instret, b->host.instret);
    total(out, "cycles in VMs", va.cycles, vb.cycles);
    total(out, "instructions in VMs", va.instret, vb.instret);
    total(out, "exits", va.exits, vb.exits);
    total(out, "emulated", va.emu, vb.emu);
    total(out, "TLB misses in VMs", va.tlbmiss, vb.tlbmiss);
    total(out, "page-table entries read, guest", va.walk_reads_guest, vb.walk_reads_guest);
    total(out, "page-table entries read, host", va.walk_reads_host, vb.walk_reads_host);
    totals_of_cycles(out, a, b);
}

static void print_pair(FILE *out, const struct pair *p, bool csv)
{
    char exits[32], cycles[32], text[REPORT_FIT];

    if (csv) {
        fprintf(out, "%" PRId64 ",%" PRId64 ",%" PRId64 ",%" PRId64 ",%" PRId64 ",", p->exits[0],
                p->exits[1], p->cycles[0], p->cycles[1], p->vmid);
        report_csv_text(out, p->cause);
        putc(',', out);
        report_csv_text(out, p->place);
        putc('\n', out);
        return;
    }
    fprintf(out, "%10s", report_fit(p->exits[0], 10, text));
    fprintf(out, " %10s %10s", report_fit(p->exits[1], 10, text),
            change_text(p->exits[0], p->exits[1], exits, sizeof exits));
    fprintf(out, " %12s", report_fit(p->cycles[0], 12, text));
    fprintf(out, " %12s %10s", report_fit(p->cycles[1], 12, text),
            change_text(p->cycles[0], p->cycles[1], cycles, sizeof cycles));
    fprintf(out, " %5s ", report_fit(p->vmid, 5, text));
    report_text(out, p->cause[0] ? p->cause : "all", 10);
    if (p->place[0]) {
        fprintf(out, "\n%10s ", "");
        report_text(out, p->place, 87);
    }
    putc('\n', out);
}

static void print_pairs(FILE *out, const struct pair *p, size_t n, size_t top, bool csv)
{
    size_t differ = 0;

    while (differ < n && (change(p[differ].exits) || change(p[differ].cycles)))
        differ++;
    if (csv)
        fputs("exits_before,exits_after,handling_cycles_before,handling_cycles_after,vmid,cause,"
              "place\n",
              out);
    else if (differ)
        fprintf(out, "\n%32s %36s\n%10s %10s %10s %12s %12s %10s %5s cause\n", "exits",
                "cycles of handling in Ring -1", "before", "after", "change", "before", "after",
                "change", "VM");
    for (size_t i = 0; i < differ && (!top || i < top); i++)
        print_pair(out, &p[i], csv);
    if (csv)
        return;
    if (top && differ > top)
        fprintf(out, "%10s and %zu more that differ (--top 0 shows all)\n", "", differ - top);
    if (n > differ)
        fprintf(out, "%10s %zu are the same\n", "", n - differ);
}

/* What was run, before what came of it. */
static bool print_runs(FILE *out, const struct report *before, const struct report *after)
{
    bool ok = identity_compare(out, json_object_get(before->root, "run"),
                               json_object_get(after->root, "run"));

    putc('\n', out);
    return ok;
}

bool compare_runs(FILE *out, const struct report *before, const struct report *after,
                  enum report_by by, size_t top, bool csv)
{
    size_t n = before->nsites + after->nsites;
    struct pair *p = calloc(n + 1, sizeof *p);

    if (!p || (!csv && !print_runs(out, before, after))) {
        free(p);
        return false;
    }
    put_side(p, before, by, 0);
    put_side(p + before->nsites, after, by, 1);
    n = merge(p, n);
    if (!csv)
        totals(out, before, after);
    print_pairs(out, p, n, top, csv);
    free(p);
    return true;
}
