/* The pictures of the HTML document, as SVG within it (html.h). */
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "html.h"

enum {
    WIDTH = 960,
    ROW = 26,
    BAR = 18,
    NAMES = 190, /* bars begin there, names end before */
    BARS_END = WIDTH - 150,
    BARS = BARS_END - NAMES,
    PLOT = 52, /* left edge of what has an axis on its left */
    PLOT_END = WIDTH - 8,
    SPAN = PLOT_END - PLOT,
};

/* Elements --------------------------------------------------------------------------- */

static void begin(const struct html *h, double height, const char *what)
{
    fprintf(h->out, "<figure><svg viewBox=\"0 0 %d %.0f\" role=\"img\" aria-label=\"", WIDTH,
            height);
    figures_escaped(h->out, what);
    fputs("\">\n", h->out);
}

static void end(const struct html *h)
{
    fputs("</svg></figure>\n", h->out);
}

/* A rectangle with a tooltip. */
__attribute__((format(printf, 7, 8))) static void box(const struct html *h, const char *class,
                                                      double x, double y, double w, double height,
                                                      const char *tip, ...)
{
    char text[400];
    va_list args;

    va_start(args, tip);
    vsnprintf(text, sizeof text, tip, args);
    va_end(args);
    fprintf(h->out,
            "<rect class=\"%s\" x=\"%.2f\" y=\"%.2f\" width=\"%.2f\" height=\"%.2f\"><title>",
            class, x, y, w, height);
    figures_escaped(h->out, text);
    fputs("</title></rect>\n", h->out);
}

static void word(const struct html *h, const char *class, double x, double y, const char *text)
{
    fprintf(h->out, "<text class=\"%s\" x=\"%.1f\" y=\"%.1f\">", class, x, y);
    figures_escaped(h->out, text);
    fputs("</text>\n", h->out);
}

static void line(const struct html *h, const char *class, double x1, double y1, double x2,
                 double y2)
{
    fprintf(h->out, "<line class=\"%s\" x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\"/>\n", class,
            x1, y1, x2, y2);
}

/* The name of an axis on the left, upwards. */
static void upright(const struct html *h, double y, const char *text)
{
    fprintf(h->out, "<text class=\"s m\" transform=\"translate(11,%.1f) rotate(-90)\">%s</text>\n",
            y, text);
}

/* About how wide text is, whatever font there is. */
static double width_of(const char *text)
{
    return (double)strlen(text) * 7.2;
}

static void nothing(const struct html *h, const char *what)
{
    fprintf(h->out, "<p>%s</p>\n", what);
}

static const char *vm_class(size_t vm, char text[16])
{
    snprintf(text, 16, "v%zu", 1 + vm % HTML_VM_COLOURS);
    return text;
}

/* Time ------------------------------------------------------------------------------- */

static double time_part(const struct html *h, double x, const struct report_vm *v,
                        const char *class)
{
    double percent = report_percent(v->cycles, h->r->total), w = percent * WIDTH / 100;
    char name[64], cycles[32], text[96];

    if (v->cycles <= 0)
        return x;
    html_vm_name(h, v, name, sizeof name);
    box(h, class, x, 0, w, 40, "%s: %.1f %%, %s cycles", v->vmcs ? name : "Ring -1", percent,
        figures_grouped(v->cycles, cycles));
    snprintf(text, sizeof text, "%s %.1f %%", v->vmcs ? name : "Ring -1", percent);
    if (width_of(text) < w - 8)
        word(h, v->vmcs ? "m on" : "m onh", x + w / 2, 24, text);
    return x + w;
}

static void vm_legend(const struct html *h)
{
    char class[16], name[64], text[96];

    html_legend_begin(h);
    snprintf(text, sizeof text, "Ring -1: %.1f %%", report_percent(h->r->host.cycles, h->r->total));
    html_legend(h, "v0", text);
    for (size_t i = 0; i < h->r->nvms && i < HTML_ROWS; i++) {
        snprintf(text, sizeof text, "%s: %.1f %%",
                 html_vm_name(h, &h->r->vms[i], name, sizeof name),
                 report_percent(h->r->vms[i].cycles, h->r->total));
        html_legend(h, vm_class(i, class), text);
    }
    html_legend_end(h);
}

void html_time(const struct html *h)
{
    double x;
    char class[16];

    begin(h, 40, "Bar: share of all cycles of Ring -1 and of each VM");
    x = time_part(h, 0, &h->r->host, "v0");
    for (size_t i = 0; i < h->r->nvms; i++)
        x = time_part(h, x, &h->r->vms[i], vm_class(i, class));
    end(h);
    vm_legend(h);
}

/* Over time -------------------------------------------------------------------------- */

enum { SHARES = 150, GAP = 26, RATE = 60, RATE_TOP = 8 + SHARES + GAP, WHEN = RATE_TOP + RATE };

/* All harts' cycles of an interval, and how much of a whole one that is. */
static int64_t interval_total(const struct report *r, size_t interval)
{
    int64_t n = 0;

    for (size_t row = 0; row <= r->nvms; row++)
        n += report_when(r, row, interval);
    return n;
}

static void interval_tip(const struct html *h, size_t i, double x, double w)
{
    const struct report *r = h->r;
    int64_t all = interval_total(r, i);
    char from[32], to[32], name[64], text[300];
    int n =
        snprintf(text, sizeof text, "Ring -1 %.1f %%", report_percent(report_when(r, 0, i), all));

    for (size_t v = 0; v < r->nvms && n < 240; v++)
        if (report_when(r, v + 1, i))
            n += snprintf(text + n, sizeof text - (size_t)n, ", %s %.1f %%",
                          html_vm_name(h, &r->vms[v], name, sizeof name),
                          report_percent(report_when(r, v + 1, i), all));
    box(h, "hit", x, 8, w, WHEN - 8, "cycles %s to %s: %s; %" PRId64 " exits",
        figures_grouped((int64_t)i * r->interval, from),
        figures_grouped((int64_t)(i + 1) * r->interval - 1, to), text,
        report_when(r, r->nvms + 1, i));
}

static void interval_column(const struct html *h, size_t i, double step, int64_t most)
{
    const struct report *r = h->r;
    int64_t all = interval_total(r, i), exits = report_when(r, r->nvms + 1, i);
    double part = (double)all / ((double)r->interval * (double)(r->harts > 0 ? r->harts : 1));
    double x = PLOT + (double)i * step, y = 8 + SHARES, w = step * (part < 1 ? part : 1);
    char class[16];

    w = i + 1 < r->nintervals ? step : w < 1 ? 1 : w;
    for (size_t row = 0; row <= r->nvms && all; row++) {
        double height = SHARES * (double)report_when(r, row, i) / (double)all;

        y -= height;
        if (height > 0)
            fprintf(h->out,
                    "<rect class=\"%s\" x=\"%.2f\" y=\"%.2f\" width=\"%.2f\" height=\"%.2f\"/>\n",
                    row ? vm_class(row - 1, class) : "v0", x, y, w, height);
    }
    if (exits)
        fprintf(h->out,
                "<rect class=\"c3\" x=\"%.2f\" y=\"%.2f\" width=\"%.2f\" height=\"%.2f\"/>\n", x,
                WHEN - RATE * (double)exits / (double)most, w, RATE * (double)exits / (double)most);
    interval_tip(h, i, x, w);
}

/* Ticks of the time axis, at round numbers. */
static void time_ticks(const struct html *h)
{
    int64_t length = h->r->interval * (int64_t)h->r->nintervals;
    double step = figures_step(length);
    char text[32];

    for (unsigned i = 0; i * step <= (double)length; i++) {
        double x = PLOT + SPAN * i * step / (double)length;

        line(h, "ax", x, WHEN, x, WHEN + 5);
        word(h,
             i == 0              ? "s"
             : x > PLOT_END - 20 ? "s e"
                                 : "s m",
             x, WHEN + 19, figures_brief((int64_t)(i * step), text));
    }
}

static void time_axes(const struct html *h, int64_t most)
{
    char text[32];

    for (unsigned i = 0; i <= 4; i++) {
        double y = 8 + SHARES - SHARES * i / 4.0;

        line(h, "g", PLOT, y, PLOT_END, y);
        snprintf(text, sizeof text, "%u %%", 25 * i);
        if (i % 2 == 0)
            word(h, "s e", PLOT - 6, y + 4, text);
    }
    time_ticks(h);
    line(h, "ax", PLOT, WHEN, PLOT_END, WHEN);
    word(h, "s e", PLOT - 6, RATE_TOP + 8, figures_brief(most, text));
    word(h, "s e", PLOT - 6, WHEN + 2, "0");
    upright(h, 8 + SHARES / 2, "share");
    upright(h, RATE_TOP + RATE / 2, "exits");
    word(h, "s m", PLOT + SPAN / 2, WHEN + 38, "cycles since the start");
}

void html_timeline(const struct html *h)
{
    const struct report *r = h->r;
    int64_t most = 1;
    char text[160], cycles[32];

    if (!r->timeline) {
        nothing(h, "These statistics have no timeline.");
        return;
    }
    for (size_t i = 0; i < r->nintervals; i++)
        most = report_when(r, r->nvms + 1, i) > most ? report_when(r, r->nvms + 1, i) : most;
    snprintf(text, sizeof text,
             "Columns: share of Ring -1 and of each VM, and exits, in %zu intervals of %s cycles",
             r->nintervals, figures_grouped(r->interval, cycles));
    begin(h, WHEN + 46, text);
    time_axes(h, most);
    for (size_t i = 0; i < r->nintervals; i++)
        interval_column(h, i, (double)SPAN / (double)r->nintervals, most);
    end(h);
    vm_legend(h);
}

/* Bars ------------------------------------------------------------------------------- */

/* Four steps from `from` on, each of `step`, under rows down to y. */
static void scale_below(const struct html *h, double from, double span, double y, double step,
                        const char *what)
{
    char text[32];

    for (unsigned i = 0; i <= 4; i++) {
        double x = from + span * i / 4;

        line(h, "g", x, 0, x, y);
        word(h, "s m", x, y + 16, figures_brief((int64_t)(i * step), text));
    }
    word(h, "s m", from + span / 2, y + 34, what);
}

static void more_rows(const struct html *h, size_t n, const char *what)
{
    if (n > HTML_ROWS)
        fprintf(h->out, "<p class=\"soft\">and %zu more %s, in the tables below.</p>\n",
                n - HTML_ROWS, what);
}

/* Cycles ----------------------------------------------------------------------------- */

static void cycles_row(const struct html *h, const struct report_cycles *c, const char *name,
                       double y)
{
    double x = NAMES;
    char cycles[32], text[64];

    word(h, "e", NAMES - 10, y + 13, name);
    for (unsigned i = 0; i < PIPELINE_CATEGORIES; i++) {
        double percent = report_percent(c->by[i], c->total), w = percent * BARS / 100;
        char class[16];

        if (c->by[i] <= 0)
            continue;
        snprintf(class, sizeof class, "p%u", i);
        box(h, class, x, y, w, BAR, "%s: %s %.1f %%, %s cycles", name, pipeline_category_names[i],
            percent, figures_grouped(c->by[i], cycles));
        x += w;
    }
    figures_brief(c->total, cycles);
    if (c->instret)
        snprintf(text, sizeof text, "%s cycles, CPI %.2f", cycles,
                 (double)c->total / (double)c->instret);
    else
        snprintf(text, sizeof text, "%s cycles", cycles);
    word(h, "s", BARS_END + 8, y + 13, text);
}

static void cycles_legend(const struct html *h, const struct report_cycles *sum)
{
    char class[16], text[64];

    html_legend_begin(h);
    for (unsigned i = 0; i < PIPELINE_CATEGORIES; i++) {
        if (sum->by[i] <= 0)
            continue;
        snprintf(class, sizeof class, "p%u", i);
        snprintf(text, sizeof text, "%s %.1f %%", pipeline_category_names[i],
                 report_percent(sum->by[i], sum->total));
        html_legend(h, class, text);
    }
    html_legend_end(h);
}

void html_cycles(const struct html *h)
{
    const struct report *r = h->r;
    const struct report_cycles sum = report_sum_cycles(r);
    size_t n = r->nrings < HTML_ROWS ? r->nrings : HTML_ROWS;
    double height = (double)(n + 1) * ROW + 10;
    char name[64];

    begin(h, height + 40, "Bars: the cycles of each ring of each VM by category, in percent");
    for (unsigned i = 0; i <= 4; i++) {
        double x = NAMES + BARS * i / 4.0;

        line(h, "g", x, 0, x, height);
        snprintf(name, sizeof name, "%u %%", 25 * i);
        word(h, "s m", x, height + 16, name);
    }
    word(h, "s m", NAMES + BARS / 2.0, height + 34, "share of the ring's cycles");
    cycles_row(h, &sum, "all rings", 4);
    for (size_t i = 0; i < n; i++)
        cycles_row(h, &r->rings[i], report_ring_name(&r->rings[i], name, sizeof name),
                   4 + (double)(i + 1) * ROW + 4);
    end(h);
    cycles_legend(h, &sum);
    more_rows(h, r->nrings, "rings");
}

/* Exits ------------------------------------------------------------------------------ */

static const char *cause_class(const struct html *h, const char *cause, char text[16])
{
    snprintf(text, 16, "c%zu", causes_colour(&h->causes, cause));
    return text;
}

static void cause_legend(const struct html *h)
{
    char class[16];

    html_legend_begin(h);
    for (size_t i = 0; i < h->causes.nlegend; i++)
        html_legend(h, cause_class(h, h->causes.legend[i], class), h->causes.legend[i]);
    if (causes_others(&h->causes)) {
        snprintf(class, sizeof class, "c%d", CAUSE_COLOURS - 1);
        html_legend(h, class, "others");
    }
    html_legend_end(h);
}

static void exits_row(const struct html *h, const struct report_vm *v, double y, double scale)
{
    double x = NAMES;
    char name[64], class[16], exits[32];

    html_vm_name(h, v, name, sizeof name);
    word(h, "e", NAMES - 10, y + 13, name);
    for (size_t c = 0; c < CAUSE_COLOURS; c++)
        for (size_t i = 0; i < h->causes.n; i++) {
            const struct report_row *w = &h->causes.rows[i];

            if (strcmp(w->vmcs, v->vmcs) || causes_colour(&h->causes, w->cause) != c)
                continue;
            box(h, cause_class(h, w->cause, class), x, y, (double)w->count * scale, BAR,
                "%s %s: %s exits", name, w->cause, figures_grouped(w->count, exits));
            x += (double)w->count * scale;
        }
    word(h, "", x + 8, y + 13, figures_grouped(v->exits, exits));
}

void html_exits(const struct html *h)
{
    const struct report *r = h->r;
    size_t n = r->nvms < HTML_ROWS ? r->nvms : HTML_ROWS;
    double height = (double)n * ROW + 8, step;
    int64_t most = 1;

    if (!h->causes.n) {
        nothing(h, "No VM exited.");
        return;
    }
    for (size_t i = 0; i < n; i++)
        most = r->vms[i].exits > most ? r->vms[i].exits : most;
    step = figures_step(most);
    begin(h, height + 40, "Bars: exits of each VM by cause");
    scale_below(h, NAMES, BARS, height, step, "exits");
    for (size_t i = 0; i < n; i++)
        exits_row(h, &r->vms[i], 4 + (double)i * ROW, BARS / (4 * step));
    end(h);
    cause_legend(h);
    more_rows(h, r->nvms, "VMs");
}

static void site_row(const struct html *h, const struct report_row *s, double y, double scale)
{
    enum { SITE_NAMES = 400, LETTERS = 50 };
    const struct report_cost *cost = &s->handling[CYCLES];
    const char *place = s->symbol[0] ? s->symbol : s->pc;
    char name[LETTERS + 8], class[16], cycles[32], text[64];
    int n = snprintf(name, sizeof name, "VM %" PRId64 " %s %s", s->vmid, s->cause, place);

    if (n > LETTERS)
        snprintf(name + LETTERS - 3, 4, "...");
    word(h, "e", SITE_NAMES - 10, y + 13, name);
    box(h, cause_class(h, s->cause, class), SITE_NAMES, y, (double)cost->sum * scale, BAR,
        "VM %" PRId64 " %s at %s %s: %" PRId64 " exits, %.1f cycles each, %s cycles in all",
        s->vmid, s->cause, s->pc, s->symbol, s->count, report_mean(cost),
        figures_grouped(cost->sum, cycles));
    snprintf(text, sizeof text, "%.1f %%", report_percent(cost->sum, h->r->host.cycles));
    word(h, "", SITE_NAMES + (double)cost->sum * scale + 8, y + 13, text);
}

void html_sites(const struct html *h)
{
    enum { FROM = 400, LONGEST = WIDTH - FROM - 70 };
    const struct report *r = h->r;
    size_t n = r->nsites < HTML_PLACES ? r->nsites : HTML_PLACES;
    double height = (double)n * ROW + 8, step;

    if (!n) {
        nothing(h, "No VM exited.");
        return;
    }
    step = figures_step(h->costly[0]->handling[CYCLES].sum);
    begin(h, height + 40, "Bars: cycles in Ring -1 after the exits of each place");
    scale_below(h, FROM, LONGEST, height, step,
                "cycles in Ring -1 (beside the bars: share of all of its cycles)");
    for (size_t i = 0; i < n; i++)
        site_row(h, h->costly[i], 4 + (double)i * ROW, LONGEST / (4 * step));
    end(h);
    cause_legend(h);
}

/* From exit to re-entry -------------------------------------------------------------- */

enum { HISTOGRAM = 190, HISTOGRAM_TOP = 22 };

static void latency_bar(const struct html *h, unsigned bucket, double x, double w, double scale)
{
    uint64_t low = bucket ? 1ull << (bucket - 1) : 0, high = bucket ? low + (low - 1) : 0;
    double y = HISTOGRAM_TOP + HISTOGRAM;
    int64_t all = causes_bucket(&h->causes, bucket);
    char class[16], text[32], from[32], to[32];

    for (size_t c = 0; c < CAUSE_COLOURS; c++)
        for (size_t i = 0; i < h->causes.n; i++) {
            const struct report_row *row = &h->causes.rows[i];
            double height = (double)row->buckets[bucket] * scale;

            if (causes_colour(&h->causes, row->cause) != c || row->buckets[bucket] <= 0)
                continue;
            y -= height;
            box(h, cause_class(h, row->cause, class), x + 1, y, w - 2, height,
                "%s to %s cycles: %" PRId64 " exits of VM %" PRId64 ", %s",
                figures_grouped((int64_t)low, from), figures_grouped((int64_t)high, to),
                row->buckets[bucket], row->vmid, row->cause);
        }
    if (all && w >= 30)
        word(h, "m", x + w / 2, y - 5, figures_brief(all, text));
}

static void latency_axes(const struct html *h, unsigned first, unsigned last, double w, double step)
{
    char text[32];

    for (unsigned i = 0; i <= 4; i++) {
        double y = HISTOGRAM_TOP + HISTOGRAM - HISTOGRAM * i / 4.0;

        line(h, i ? "g" : "ax", PLOT, y, PLOT_END, y);
        word(h, "s e", PLOT - 6, y + 4, figures_brief((int64_t)(i * step), text));
    }
    for (unsigned i = first; i <= last + 1; i++)
        if ((i - first) % (w < 34 ? 4 : 1) == 0)
            word(h, "s m", PLOT + (i - first) * w, HISTOGRAM_TOP + HISTOGRAM + 17,
                 figures_edge(i, text));
    upright(h, HISTOGRAM_TOP + HISTOGRAM / 2.0, "exits");
    word(h, "s m", PLOT + SPAN / 2.0, HISTOGRAM_TOP + HISTOGRAM + 36,
         "cycles from exit to re-entry (K = 1,024)");
}

void html_latency(const struct html *h)
{
    unsigned first, last, n;
    int64_t most = 0;
    double step, w;

    causes_range(&h->causes, &first, &last);
    for (unsigned i = first; i <= last; i++)
        most = causes_bucket(&h->causes, i) > most ? causes_bucket(&h->causes, i) : most;
    if (!most) {
        nothing(h, "No VM was entered again after an exit.");
        return;
    }
    n = last - first + 1;
    w = (double)SPAN / (n > 8 ? n : 8);
    step = figures_step(most);
    begin(h, HISTOGRAM_TOP + HISTOGRAM + 44, "Histogram: exits by cycles until the VM ran again");
    latency_axes(h, first, last, w, step);
    for (unsigned i = first; i <= last; i++)
        latency_bar(h, i, PLOT + (i - first) * w, w, HISTOGRAM / (4 * step));
    end(h);
    cause_legend(h);
}

/* TLB and walks ---------------------------------------------------------------------- */

static double reads_per_miss(const struct report_vm *v, int64_t reads)
{
    return v->tlbmiss > 0 ? (double)reads / (double)v->tlbmiss : 0;
}

static void walk_row(const struct html *h, const struct report_vm *v, double y, double scale)
{
    double guest = reads_per_miss(v, v->reads_guest), host = reads_per_miss(v, v->reads_host);
    char name[64], misses[32], text[64];
    const char *who = html_vm_name(h, v, name, sizeof name);

    word(h, "e", NAMES - 10, y + 13, who);
    box(h, "v1", NAMES, y, guest * scale, BAR, "%s: %.2f entries of %s per miss", who, guest,
        v->vmcs ? "the guest's table" : "the table");
    box(h, "v2", NAMES + guest * scale, y, host * scale, BAR,
        "%s: %.2f entries of the host's table per miss", who, host);
    snprintf(text, sizeof text, "%.1f, %s miss%s", guest + host, figures_brief(v->tlbmiss, misses),
             v->tlbmiss == 1 ? "" : "es");
    word(h, "", NAMES + (guest + host) * scale + 8, y + 13, text);
}

void html_walks(const struct html *h)
{
    const struct report *r = h->r;
    double most = 0, y = 4, step, height;
    size_t n = 0;

    for (size_t i = 0; i <= r->nvms && i <= HTML_ROWS; i++) {
        const struct report_vm *v = i ? &r->vms[i - 1] : &r->host;
        double reads = reads_per_miss(v, v->reads_guest + v->reads_host);

        n += v->tlbmiss > 0;
        most = reads > most ? reads : most;
    }
    if (!n) {
        nothing(h, "The TLB missed nothing.");
        return;
    }
    step = figures_step((int64_t)most + ((double)(int64_t)most < most)); /* rounded up */
    height = (double)n * ROW + 8;
    begin(h, height + 40, "Bars: page-table entries read per TLB miss, of the guest and the host");
    scale_below(h, NAMES, BARS, height, step, "page-table entries per miss");
    for (size_t i = 0; i <= r->nvms && i <= HTML_ROWS; i++) {
        const struct report_vm *v = i ? &r->vms[i - 1] : &r->host;

        if (v->tlbmiss <= 0)
            continue;
        walk_row(h, v, y, BARS / (4 * step));
        y += ROW;
    }
    end(h);
    html_legend_begin(h);
    html_legend(h, "v1", "guest's table (outside of VMs: the only one)");
    html_legend(h, "v2", "host's table");
    html_legend_end(h);
    more_rows(h, r->nvms, "VMs");
}
