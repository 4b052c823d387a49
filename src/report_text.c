/* The statistics of a run as tables and as CSV (report.h). */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

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

static void print_vm(FILE *out, const struct report *r, const struct report_vm *v)
{
    double percent = report_percent(v->cycles, r->total);
    char who[24] = "Ring -1", graph[BAR + 1], exits[24] = "-", emulated[24] = "-", per[24] = "-";

    if (v->vmcs) {
        snprintf(who, sizeof who, "VM %" PRId64, v->vmid);
        snprintf(exits, sizeof exits, "%" PRId64, v->exits);
        snprintf(emulated, sizeof emulated, "%" PRId64, v->emu);
    }
    if (v->tlbmiss)
        snprintf(per, sizeof per, "%.1f",
                 (double)(v->reads_guest + v->reads_host) / (double)v->tlbmiss);
    fprintf(out,
            "%-8s %-11s %12" PRId64 " %5.1f %% %-*s %12" PRId64 " %9s %9s %10" PRId64 " %8" PRId64
            " %8" PRId64 " %5s\n",
            who, v->vmcs ? v->vmcs : "", v->cycles, percent, BAR, bar(percent, graph), v->instret,
            exits, emulated, v->tlbmiss, v->reads_guest, v->reads_host, per);
}

void report_vms(FILE *out, const struct report *r)
{
    fprintf(out, "%120s\n", "page-table entries read");
    fprintf(out, "%-8s %-11s %12s %7s %-*s %12s %9s %9s %10s %8s %8s %5s\n", "", "VMCS", "cycles",
            "share", BAR, "", "instructions", "exits", "emulated", "TLB misses", "guest", "host",
            "/miss");
    print_vm(out, r, &r->host);
    for (size_t i = 0; i < r->nvms; i++)
        print_vm(out, r, &r->vms[i]);
}

/* Which columns there are, and how wide. */
struct layout {
    enum report_by by;
    int pc;
    bool vmcs; /* two VMs have one VMID: tell them apart */
    unsigned units;
};

static struct layout layout_of(const struct report *r, const struct report_row *rows, size_t n,
                               enum report_by by)
{
    struct layout l = {.by = by, .pc = 8, .units = report_timed(r) ? 2 : 1};

    for (size_t i = 0; i < n; i++) {
        size_t width = rows[i].pc ? strlen(rows[i].pc) : 0;

        l.pc = (int)width > l.pc && width < 32 ? (int)width : l.pc;
    }
    for (size_t i = 0; i < r->nvms && !l.vmcs; i++)
        for (size_t j = 0; j < i; j++)
            l.vmcs |= r->vms[i].vmid == r->vms[j].vmid;
    return l;
}

static void print_titles(FILE *out, const struct layout *l)
{
    static const char *const units[] = {"instructions", "cycles"};
    int before =
        33 + (l->vmcs ? 12 : 0) + (l->by != BY_VM ? 11 : 0) + (l->by == BY_SITE ? l->pc + 1 : 0);

    fprintf(out, "%*s", before, "");
    for (unsigned u = 0; u < l->units; u++)
        fprintf(out, "  %-*s", u + 1 < l->units ? 41 : 0, units[u]);
    fprintf(out, "\n%9s %8s %5s ", "exits", "emulated", "VM");
    if (l->vmcs)
        fprintf(out, "%-11s ", "VMCS");
    if (l->by != BY_VM)
        fprintf(out, "%-10s ", "cause");
    if (l->by == BY_SITE)
        fprintf(out, "%-*s ", l->pc, "guest pc");
    fprintf(out, "%9s", "Ring -1");
    for (unsigned u = 0; u < l->units; u++)
        fprintf(out, "  %9s %9s %11s %9s", "handling", "away: min", "mean", "max");
    fprintf(out, "%s\n", l->by == BY_SITE ? "  symbol" : "");
}

static void print_costs(FILE *out, const struct report_row *w, unsigned unit)
{
    const struct report_cost *h = &w->handling[unit], *a = &w->away[unit];

    if (h->n)
        fprintf(out, "  %9.1f", report_mean(h));
    else
        fprintf(out, "  %9s", "-");
    if (a->n)
        fprintf(out, " %9" PRId64 " %11.1f %9" PRId64, a->min, report_mean(a), a->max);
    else
        fprintf(out, " %9s %11s %9s", "-", "-", "-");
}

static void print_row(FILE *out, const struct report *r, const struct report_row *w,
                      const struct layout *l)
{
    fprintf(out, "%9" PRId64 " %8" PRId64 " %5" PRId64 " ", w->count, w->emulated, w->vmid);
    if (l->vmcs)
        fprintf(out, "%-11s ", w->vmcs);
    if (w->cause)
        fprintf(out, "%-10s ", w->cause);
    if (w->pc)
        fprintf(out, "%-*s ", l->pc, w->pc);
    fprintf(out, "%7.1f %%", report_percent(w->handling[CYCLES].sum, r->host.cycles));
    for (unsigned u = 0; u < l->units; u++)
        print_costs(out, w, u);
    fprintf(out, "%s%s\n", w->symbol && w->symbol[0] ? "  " : "", w->symbol ? w->symbol : "");
}

bool report_sites(FILE *out, const struct report *r, enum report_by by, size_t top)
{
    size_t n;
    struct report_row *rows = report_rows(r, by, &n);
    struct layout l = layout_of(r, rows, n, by);
    int64_t rest = r->host.cycles;

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
    if (n && by == BY_SITE)
        fprintf(out, "%.1f %% of Ring -1 is before a first entry or after a last exit\n",
                report_percent(rest, r->host.cycles));
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

    fprintf(out, "VM %" PRId64 " %s", w->vmid, w->vmcs);
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
    fprintf(out, ",%" PRId64 ",%" PRId64 ",%" PRId64 ",%.3f,%" PRId64 ",%" PRId64 ",%" PRId64 "\n",
            v->entries, v->instret, v->cycles, report_percent(v->cycles, r->total), v->tlbmiss,
            v->reads_guest, v->reads_host);
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
        fputs(",entries,instret,cycles,percent,tlbmiss,walk_reads_guest,walk_reads_host\n", out);
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
