/* The statistics of a run as tables and as CSV (report.h). */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "figures.h"
#include "report.h"

enum { BAR = 20 };

/* Tables -------------------------------------------------------------------------- */

static const char *bar(double percent, char text[BAR + 1])
{
    double n = percent * BAR / 100 + 0.5;
    size_t length = n < 0 ? 0 : n > BAR ? BAR : (size_t)n;

    memset(text, '#', length);
    text[length] = 0;
    return text;
}

/* Columns: a number that is too wide for its own becomes a brief one, a text is cut. */

const char *report_fit(int64_t n, size_t width, char text[REPORT_FIT])
{
    snprintf(text, REPORT_FIT, "%" PRId64, n);
    if (strlen(text) <= width)
        return text;
    text[0] = '-'; /* of a file whose totals are less than their parts */
    (void)figures_brief(n < 0 ? -n : n, text + (n < 0));
    return text;
}

static const char *fit_real(double value, size_t width, char text[REPORT_FIT])
{
    if ((size_t)snprintf(text, REPORT_FIT, "%.1f", value) > width)
        report_fit(value > 9e18    ? INT64_MAX
                   : value < -9e18 ? -INT64_MAX
                                   : (int64_t)value,
                   width, text);
    return text;
}

void report_text(FILE *out, const char *text, size_t width)
{
    size_t columns = 0, at = 0;

    for (const char *c = text; *c; c++)
        columns += ((unsigned char)*c & 0xc0) != 0x80; /* not the rest of a character of UTF-8 */
    for (const char *c = text; *c; c++) {
        at += ((unsigned char)*c & 0xc0) != 0x80;
        if (columns > width && at > width - 3) {
            fputs("...", out);
            return;
        }
        putc((unsigned char)*c < ' ' || *c == 0x7f ? '?' : *c, out);
    }
}

static void text_column(FILE *out, const char *text, size_t width)
{
    size_t columns = 0;

    report_text(out, text, width);
    for (const char *c = text; *c; c++)
        columns += ((unsigned char)*c & 0xc0) != 0x80;
    fprintf(out, "%*s", columns < width ? (int)(width - columns) : 0, "");
}

enum { VMCS = 12 }; /* columns of its address */

/* Do two VMs have one VMID, so that their VMCS has to tell them apart? */
static bool ambiguous(const struct report *r)
{
    for (size_t i = 0; i < r->nvms; i++)
        for (size_t j = 0; j < i; j++)
            if (r->vms[i].vmid == r->vms[j].vmid)
                return true;
    return false;
}

static void print_who(FILE *out, const struct report_vm *v, bool vmcs)
{
    char text[REPORT_FIT];

    if (v->vmcs && strcmp(v->vmcs, OTHER_VMS_NAME) == 0)
        fprintf(out, "%-8s", "VMs");
    else if (v->vmcs)
        fprintf(out, "VM %-5s", report_fit(v->vmid, 5, text));
    else
        fprintf(out, "%-8s", "Ring -1");
    if (vmcs) {
        putc(' ', out);
        text_column(out, v->vmcs ? v->vmcs : "", VMCS);
    }
}

/* A number behind a blank; "-" where there is none. */
static void number(FILE *out, bool known, int64_t n, int width)
{
    char text[REPORT_FIT];

    fprintf(out, " %*s", width, known ? report_fit(n, (size_t)width, text) : "-");
}

static void print_time(FILE *out, const struct report *r, const struct report_vm *v)
{
    double percent = report_percent(v->cycles, r->total);
    char graph[BAR + 1], text[REPORT_FIT];

    print_who(out, v, true);
    number(out, true, v->cycles, 12);
    fprintf(out, " %5s %% %-*s", fit_real(percent, 5, text), BAR, bar(percent, graph));
    number(out, true, v->instret, 12);
    putc('\n', out);
}

static void print_events(FILE *out, const struct report_vm *v, bool vmcs)
{
    char text[REPORT_FIT];

    print_who(out, v, vmcs);
    number(out, v->vmcs, v->entries, 9);
    number(out, v->vmcs, v->exits, 9);
    number(out, v->vmcs, v->emu, 9);
    number(out, true, v->tlbmiss, 10);
    number(out, true, v->walk_reads_guest, 9);
    number(out, true, v->walk_reads_host, 9);
    if (v->tlbmiss)
        fit_real((double)(v->walk_reads_guest + v->walk_reads_host) / (double)v->tlbmiss, 6, text);
    fprintf(out, " %6s\n", v->tlbmiss ? text : "-");
}

static void print_vints(FILE *out, const struct report_vm *v, bool vmcs)
{
    print_who(out, v, vmcs);
    number(out, true, v->vint_sent, 9);
    number(out, true, v->vint_taken, 9);
    number(out, true, v->vint_acknowledged, 12);
    number(out, true, v->vint_ended, 9);
    number(out, true, v->vint_pending, 11);
    putc('\n', out);
}

static bool any_vints(const struct report *r)
{
    for (size_t i = 0; i < r->nvms; i++) {
        const struct report_vm *v = &r->vms[i];

        if (v->vint_sent || v->vint_taken || v->vint_acknowledged || v->vint_ended ||
            v->vint_pending)
            return true;
    }
    return false;
}

/* Words on lines of their own, behind a label. */
void report_refusals(FILE *out, const struct report *r)
{
    enum { WIDTH = 78 };
    const char *name;
    json_t *value;
    int column = 0;
    char word[64];

    json_object_foreach(json_object_get(r->root, "refused_by_field"), name, value)
    {
        int length = snprintf(word, sizeof word, "%.24s %" JSON_INTEGER_FORMAT, name,
                              json_integer_value(value));

        if (column == 0)
            column = fprintf(out, "\nVM entries refused, by field:");
        else
            column += fprintf(out, ",");
        if (column + 1 + length > WIDTH)
            column = fprintf(out, "\n   ") - 1;
        putc(' ', out);
        report_text(out, word, sizeof word);
        column += 1 + length;
    }
    if (column)
        putc('\n', out);
}

void report_vms(FILE *out, const struct report *r)
{
    bool vmcs = ambiguous(r);
    int who = vmcs ? 8 + 1 + VMCS : 8;

    fprintf(out, "%-8s %-*s %12s %7s %-*s %12s\n", "", VMCS, "VMCS", "cycles", "share", BAR, "",
            "instructions");
    print_time(out, r, &r->host);
    for (size_t i = 0; i < r->nvms; i++)
        print_time(out, r, &r->vms[i]);
    fprintf(out, "\n%*s\n", who + 68, "page-table entries read");
    fprintf(out, "%-*s %9s %9s %9s %10s %9s %9s %6s\n", who, "", "entries", "exits", "emulated",
            "TLB misses", "guest", "host", "/miss");
    print_events(out, &r->host, vmcs);
    for (size_t i = 0; i < r->nvms; i++)
        print_events(out, &r->vms[i], vmcs);
    if (any_vints(r)) {
        fprintf(out, "\n%-*s %9s %9s %12s %9s %11s\n", who, "", "sent", "taken", "acknowledged",
                "ended", "never taken");
        for (size_t i = 0; i < r->nvms; i++)
            print_vints(out, &r->vms[i], vmcs);
    }
}

/* Which columns there are. A row of a site is followed by its place; of a model that knows cycles,
 * by its costs in them. */
struct layout {
    enum report_by by;
    bool vmcs;
    unsigned units;
    int before; /* columns in front of the costs */
};

static struct layout layout_of(const struct report *r, enum report_by by)
{
    struct layout l = {.by = by, .vmcs = ambiguous(r), .units = report_timed(r) ? 2 : 1};

    l.before = 31 + (l.vmcs ? VMCS + 1 : 0) + (by != BY_VM ? 11 : 0);
    return l;
}

static void print_titles(FILE *out, const struct layout *l)
{
    fprintf(out, "%8s %8s %5s ", "exits", "emulated", "VM");
    if (l->vmcs)
        fprintf(out, "%-*s ", VMCS, "VMCS");
    if (l->by != BY_VM)
        fprintf(out, "%-10s ", "cause");
    fprintf(out, "%7s %8s %8s %8s %8s%s\n", "Ring -1", "handling", "away min", "mean", "max",
            l->units == 1 ? " insns" : "");
    if (l->by == BY_SITE)
        fprintf(out, "%9s%s\n", "", "guest pc, symbol");
}

static void print_costs(FILE *out, const struct report_row *w, const struct layout *l,
                        unsigned unit)
{
    static const char *const names[UNITS] = {" insns", " cycles"};
    const struct report_cost *h = &w->handling[unit], *a = &w->away[unit];
    char text[REPORT_FIT];

    fprintf(out, " %8s", h->n ? fit_real(report_mean(h), 8, text) : "-");
    number(out, a->n, a->min, 8);
    fprintf(out, " %8s", a->n ? fit_real(report_mean(a), 8, text) : "-");
    number(out, a->n, a->max, 8);
    fprintf(out, "%s\n", l->units > 1 ? names[unit] : "");
}

static void print_row(FILE *out, const struct report *r, const struct report_row *w,
                      const struct layout *l)
{
    enum { INDENT = 9, WIDTH = 98 };
    char text[REPORT_FIT];

    fprintf(out, "%8s", report_fit(w->count, 8, text));
    number(out, true, w->emulated, 8);
    number(out, true, w->vmid, 5);
    putc(' ', out);
    if (l->vmcs) {
        text_column(out, w->vmcs, VMCS);
        putc(' ', out);
    }
    if (w->cause) {
        text_column(out, w->cause, 10);
        putc(' ', out);
    }
    if (r->handled_in)
        fprintf(out, "%5s %%",
                fit_real(report_percent(w->handling[CYCLES].sum, r->handled_in), 5, text));
    else
        fprintf(out, "%7s", "-");
    print_costs(out, w, l, INSTRUCTIONS);
    if (l->units > 1) {
        fprintf(out, "%*s", l->before, "");
        print_costs(out, w, l, CYCLES);
    }
    if (!w->pc)
        return;
    fprintf(out, "%*s", INDENT, "");
    report_text(out, w->pc, 20);
    if (w->symbol[0]) {
        putc(' ', out);
        report_text(out, w->symbol, WIDTH - INDENT - 21);
    }
    putc('\n', out);
}

bool report_sites(FILE *out, const struct report *r, enum report_by by, size_t top)
{
    size_t n;
    struct report_row *rows = report_rows(r, by, &n);
    struct layout l = layout_of(r, by);
    json_t *others = json_object_get(r->root, "other_sites");
    json_t *cycles = json_object_get(json_object_get(others, "handling"), "cycles");
    int64_t rest = r->handled_in - json_integer_value(json_object_get(cycles, "sum"));

    if (!rows)
        return false;
    if (n)
        print_titles(out, &l);
    for (size_t i = 0; i < n; i++) {
        rest -= rows[i].handling[CYCLES].sum;
        if (!top || i < top)
            print_row(out, r, &rows[i], &l);
    }
    if (top && n > top)
        fprintf(out, "%9s and %zu more (visa-stat --top 0 shows all)\n", "", n - top);
    if (others)
        fprintf(out,
                "%9s of %" JSON_INTEGER_FORMAT " exits at other places, which exited least, only "
                "this is kept\n",
                "", json_integer_value(json_object_get(others, "count")));
    if (n && by == BY_SITE && r->handled_in)
        fprintf(out, "%.1f %% of Ring -1 is before a first entry or after a last exit\n",
                report_percent(rest, r->handled_in));
    free(rows);
    return true;
}

/* Histogram ------------------------------------------------------------------------ */

static void print_bucket(FILE *out, unsigned bits, int64_t n, int64_t all)
{
    uint64_t low = bits ? 1ull << (bits - 1) : 0, high = bits ? low + (low - 1) : 0;
    char graph[BAR + 1];

    fprintf(out, "%12" PRIu64 " to %-12" PRIu64 " %9" PRId64 " %5.1f %%  %s\n", low, high, n,
            report_percent(n, all), bar(report_percent(n, all), graph));
}

static void print_histogram(FILE *out, const struct report_row *w)
{
    unsigned first = 0, end = EXIT_BUCKETS;
    char name[REPORT_NAME];

    fprintf(out, "%s %s", report_vm_name(w->vmcs, w->vmid, name), w->vmcs);
    if (w->cause)
        fprintf(out, " %s", w->cause);
    if (w->pc)
        fprintf(out, " %s", w->symbol[0] ? w->symbol : w->pc);
    fprintf(out, ": exits %" PRId64 ", returned %" PRId64 ", cycles away\n", w->count,
            w->away[CYCLES].n);
    while (first < end && w->buckets[first] == 0)
        first++;
    while (end > first && w->buckets[end - 1] == 0)
        end--;
    for (unsigned i = first; i < end; i++)
        print_bucket(out, i, w->buckets[i], w->away[CYCLES].n);
}

bool report_histogram(FILE *out, const struct report *r, enum report_by by, size_t top)
{
    size_t n;
    struct report_row *rows = report_rows(r, by, &n);

    if (!rows)
        return false;
    for (size_t i = 0; i < n && (!top || i < top); i++) {
        if (i)
            putc('\n', out);
        print_histogram(out, &rows[i]);
    }
    if (top && n > top)
        fprintf(out, "\nand %zu more (--top 0 shows all)\n", n - top);
    free(rows);
    return true;
}

/* CSV ----------------------------------------------------------------------------- */

/* A name may have anything in it. */
void report_csv_text(FILE *out, const char *text)
{
    if (!strpbrk(text, ",\"\r\n")) {
        fputs(text, out);
        return;
    }
    putc('"', out);
    for (; *text; text++) {
        if (*text == '"')
            putc('"', out);
        putc(*text, out);
    }
    putc('"', out);
}

static void csv_row(FILE *out, const struct report_row *w)
{
    const char *texts[] = {w->vmcs, w->cause, w->pc, w->symbol};

    fprintf(out, "%" PRId64 ",%" PRId64 ",%" PRId64 ",%" PRId64 ",", w->count, w->emulated,
            w->moved, w->vmid);
    for (unsigned i = 0; i < 4; i++) {
        report_csv_text(out, texts[i] ? texts[i] : "");
        putc(',', out);
    }
    fprintf(out, "%" PRId64, w->away[CYCLES].n);
    for (unsigned u = 0; u < UNITS; u++)
        fprintf(out, ",%" PRId64 ",%.3f,%" PRId64, w->away[u].min, report_mean(&w->away[u]),
                w->away[u].max);
    fprintf(out, ",%" PRId64, w->handling[CYCLES].n);
    for (unsigned u = 0; u < UNITS; u++)
        fprintf(out, ",%" PRId64, w->handling[u].sum);
}

static void csv_vm(FILE *out, const struct report *r, const struct report_vm *v)
{
    fprintf(out, ",%" PRId64 ",%" PRId64 ",%" PRId64 ",%.3f", v->entries, v->instret, v->cycles,
            report_percent(v->cycles, r->total));
#define CSV(name, required) fprintf(out, ",%" PRId64, v->name);
    VM_MEMORY_COUNTERS(CSV)
#undef CSV
    putc('\n', out);
}

/* VMs that never exit have a row as well, and so has Ring -1: of no VM. */
static void csv_vms(FILE *out, const struct report *r, const struct report_row *rows, size_t n)
{
    for (size_t v = 0; v < r->nvms; v++) {
        struct report_row none = {.vmid = r->vms[v].vmid, .vmcs = r->vms[v].vmcs};
        const struct report_row *w = &none;

        for (size_t i = 0; i < n; i++)
            if (strcmp(rows[i].vmcs, none.vmcs) == 0)
                w = &rows[i];
        csv_row(out, w);
        csv_vm(out, r, &r->vms[v]);
    }
    fputs(",,,,,,,,,,,,,,,,,", out);
    csv_vm(out, r, &r->host);
}

bool report_csv(FILE *out, const struct report *r, enum report_by by, size_t top)
{
    size_t n;
    struct report_row *rows = report_rows(r, by, &n);

    if (!rows)
        return false;
    fputs("exits,emulated,moved,vmid,vmcs,cause,pc,symbol,returned,instret_min,instret_mean,"
          "instret_max,cycles_min,cycles_mean,cycles_max,handled,handling_instret,handling_cycles",
          out);
    if (by == BY_VM) {
#define CSV_NAME(name, required) "," #name
        fputs(",entries,instret,cycles,percent" VM_MEMORY_COUNTERS(CSV_NAME) "\n", out);
        csv_vms(out, r, rows, n);
    } else {
        putc('\n', out);
        for (size_t i = 0; i < n && (!top || i < top); i++) {
            csv_row(out, &rows[i]);
            putc('\n', out);
        }
    }
    free(rows);
    return true;
}
