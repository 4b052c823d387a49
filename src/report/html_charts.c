/* The pictures of the HTML document (html.h).
 *
 * A picture is as wide as the page: what grows with it is given in percent, text and heights
 * in pixels. A VM has its hue in all of them, a cause its pattern on that hue; categories of
 * cycles are greyish. Every part has its numbers as its title, which the page's script
 * (html.js) shows under the pointer; the script zooms the timeline by its viewBox. */
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "html.h"

enum {
    BAR_TOP = 4,
    BAR = 18,
    BAR_WHOLE = 2 * BAR_TOP + BAR,
    TIME_BAR = 34,
    LEFT = 48,     /* width of an axis on the left */
    ROOM = 44,     /* for an axis below */
    MANY_BARS = 9, /* so many have all their labels in a narrow window */
};

/* Elements --------------------------------------------------------------------------- */

static void begin(const struct html *h, const char *class, const char *what)
{
    fprintf(h->out, "<figure class=\"chart %s\" role=\"group\" aria-label=\"", class);
    figures_escaped(h->out, what);
    fputs("\">\n", h->out);
}

static void end(const struct html *h)
{
    fputs("</figure>\n", h->out);
}

struct place {
    double x, w;  /* percent */
    double y, up; /* pixels */
};

static void rectangle(const struct html *h, const char *class, struct place p)
{
    fprintf(h->out, "<rect class=\"%s\" x=\"%.3f%%\" y=\"%.2f\" width=\"%.3f%%\" height=\"%.2f\"",
            class, p.x, p.y, p.w, p.up);
}

/* A part of a picture with its title, and a pattern on it: 0 is plain. */
__attribute__((format(printf, 5, 6))) static void box(const struct html *h, const char *class,
                                                      struct place p, size_t pattern,
                                                      const char *tip, ...)
{
    char text[400];
    va_list args;

    va_start(args, tip);
    vsnprintf(text, sizeof text, tip, args);
    va_end(args);
    rectangle(h, class, p);
    fputs("><title>", h->out);
    figures_escaped(h->out, text);
    fputs("</title></rect>\n", h->out);
    if (pattern) {
        snprintf(text, sizeof text, "c%zu", pattern);
        rectangle(h, text, p);
        fputs("/>\n", h->out);
    }
}

/* x in percent */
static void word(const struct html *h, const char *class, double x, double y, const char *text)
{
    fprintf(h->out, "<text class=\"%s\" x=\"%.3f%%\" y=\"%.1f\">%s</text>\n", class, x, y, text);
}

static void across(const struct html *h, const char *class, double y)
{
    fprintf(h->out, "<line class=\"%s\" x1=\"0\" x2=\"100%%\" y1=\"%.1f\" y2=\"%.1f\"/>\n", class,
            y, y);
}

static void nothing(const struct html *h, const char *what)
{
    fprintf(h->out, "<p>%s</p>\n", what);
}

/* Rows of bars ----------------------------------------------------------------------- */

static struct place bar_at(double x, double w)
{
    return (struct place){x, w, BAR_TOP, BAR};
}

/* class: of the name and the value; with "vm", the name has the VM's colour beside it. */
static void row_begin(const struct html *h, const char *class, const char *name)
{
    fprintf(h->out, "<div class=\"row\"><span class=\"who %s\">", class);
    figures_escaped(h->out, name);
    fprintf(h->out, "</span><svg class=\"bar\" height=\"%d\" aria-hidden=\"true\">\n", BAR_WHOLE);
}

static void row_end(const struct html *h, const char *class, const char *value)
{
    fprintf(h->out, "</svg><span class=\"val %s\">%s</span></div>\n", class, value);
}

/* Five labels under rows, and what they count. */
static void axis(const struct html *h, double step, const char *percent, const char *what)
{
    char text[32];

    fputs("<div class=\"row axis\"><div class=\"ticks\">", h->out);
    for (unsigned i = 0; i <= 4; i++)
        fprintf(h->out, "<span>%s%s</span>", figures_brief((int64_t)(i * step), text), percent);
    fprintf(h->out, "</div><p>%s</p></div>\n", what);
}

/* n of them were to be shown, and room for so many. */
static void more_rows(const struct html *h, size_t n, size_t room, const char *what)
{
    if (n > room)
        fprintf(h->out, "<p class=\"soft\">and %zu more %s%s, in the tables below.</p>\n", n - room,
                what, n - room == 1 ? "" : "s");
}

/* Time ------------------------------------------------------------------------------- */

static double time_part(const struct html *h, double x, const struct report_vm *v)
{
    double percent = report_percent(v->cycles, h->r->total);
    char name[64], class[HTML_CLASS], cycles[32];

    if (v->cycles > 0)
        box(h, html_vm_class(h, v->vmcs, class), (struct place){x, percent, 0, TIME_BAR}, 0,
            "%s: %.1f %%, %s cycles", html_vm_name(h, v, name, sizeof name), percent,
            figures_grouped(v->cycles, cycles));
    return x + percent;
}

static void vm_legend(const struct html *h)
{
    char class[HTML_CLASS], name[64], text[96];

    html_legend_begin(h, "vms");
    for (size_t i = 0; i <= h->r->nvms && i <= HTML_ROWS; i++) {
        const struct report_vm *v = i ? &h->r->vms[i - 1] : &h->r->host;

        snprintf(text, sizeof text, "%s %.1f %%", html_vm_name(h, v, name, sizeof name),
                 report_percent(v->cycles, h->r->total));
        html_legend(h, html_vm_class(h, v->vmcs, class), 0, text);
    }
    html_legend_end(h);
    more_rows(h, h->r->nvms, HTML_ROWS, "VM");
}

void html_time(const struct html *h)
{
    double x;

    begin(h, "whole", "Bar: share of all cycles of Ring -1 and of each VM");
    fprintf(h->out, "<svg class=\"bar\" height=\"%d\" aria-hidden=\"true\">\n", TIME_BAR);
    x = time_part(h, 0, &h->r->host);
    for (size_t i = 0; i < h->r->nvms; i++)
        x = time_part(h, x, &h->r->vms[i]);
    fputs("</svg>\n", h->out);
    end(h);
    vm_legend(h);
}

/* Over time -------------------------------------------------------------------------- */

enum { TOP = 8, SHARES = 150, GAP = 26, RATE = 60, RATE_TOP = TOP + SHARES + GAP };
enum { WHEN = RATE_TOP + RATE, FEW_VMS = 16 };

/* All harts' cycles of an interval. */
static int64_t interval_total(const struct report *r, size_t interval)
{
    int64_t n = 0;

    for (size_t row = 0; row <= r->nvms; row++)
        n += report_when(r, row, interval);
    return n;
}

/* The run's length in intervals: the last one may be cut. */
static double intervals(const struct report *r)
{
    size_t last = r->nintervals - 1;
    double part = (double)interval_total(r, last) /
                  ((double)r->interval * (double)(r->harts > 0 ? r->harts : 1));

    return (double)last + (part > 1 ? 1 : part < 0.02 ? 0.02 : part);
}

/* The numbers of a row of the timeline, and columns of them: x in intervals, y in pixels. */
static void columns(const struct html *h, const char *class, const char *name, size_t row,
                    const double *below, const double *height)
{
    const struct report *r = h->r;

    fprintf(h->out, "<path class=\"%s\" data-name=\"", class);
    figures_escaped(h->out, name);
    fputs("\" data-n=\"", h->out);
    for (size_t i = 0; i < r->nintervals; i++)
        fprintf(h->out, "%s%" PRId64, i ? "," : "", report_when(r, row, i));
    fputs("\" d=\"", h->out);
    for (size_t i = 0; i < r->nintervals; i++)
        if (height[i] > 0)
            fprintf(h->out, "M%zu %.2fh1v-%.2fh-1z", i, below[i], height[i]);
    fputs("\"/>\n", h->out);
}

/* Row 0 is Ring -1; each stands on those before it. */
static void share_columns(const struct html *h)
{
    const struct report *r = h->r;
    double below[TIMELINE_INTERVALS], height[TIMELINE_INTERVALS];
    char class[HTML_CLASS], name[64];

    for (size_t i = 0; i < r->nintervals; i++)
        below[i] = TOP + SHARES;
    for (size_t row = 0; row <= r->nvms; row++) {
        const struct report_vm *v = row ? &r->vms[row - 1] : &r->host;

        for (size_t i = 0; i < r->nintervals; i++)
            height[i] = report_percent(report_when(r, row, i), interval_total(r, i)) * SHARES / 100;
        columns(h, html_vm_class(h, v->vmcs, class), html_vm_name(h, v, name, sizeof name), row,
                below, height);
        for (size_t i = 0; i < r->nintervals; i++)
            below[i] -= height[i];
    }
}

static void exit_columns(const struct html *h, int64_t most)
{
    double below[TIMELINE_INTERVALS], height[TIMELINE_INTERVALS];

    for (size_t i = 0; i < h->r->nintervals; i++) {
        below[i] = WHEN;
        height[i] = RATE * (double)report_when(h->r, h->r->nvms + 1, i) / (double)most;
    }
    columns(h, "any", "exits", h->r->nvms + 1, below, height);
}

/* What the reader without a script sees under the pointer, and hears with one. */
static void interval_title(const struct html *h, size_t i)
{
    const struct report *r = h->r;
    int64_t all = interval_total(r, i);
    char from[32], to[32], name[64], text[300];
    int n =
        snprintf(text, sizeof text, "Ring -1 %.1f %%", report_percent(report_when(r, 0, i), all));

    for (size_t v = 0; v < r->nvms && n < 200; v++)
        if (report_when(r, v + 1, i))
            n += snprintf(text + n, sizeof text - (size_t)n, ", %s %.1f %%",
                          html_vm_name(h, &r->vms[v], name, sizeof name),
                          report_percent(report_when(r, v + 1, i), all));
    if (n >= 200)
        snprintf(text + n, sizeof text - (size_t)n, ", ...");
    fprintf(h->out,
            "<rect class=\"hit\" x=\"%zu\" y=\"%d\" width=\"1\" height=\"%d\"><title>cycles %s to "
            "%s: ",
            i, TOP, WHEN - TOP, figures_grouped((int64_t)i * r->interval, from),
            figures_grouped((int64_t)(i + 1) * r->interval - 1, to));
    figures_escaped(h->out, text);
    fprintf(h->out, "; %" PRId64 " exits</title></rect>\n", report_when(r, r->nvms + 1, i));
}

/* Ticks of the time axis, at round numbers. */
static void time_ticks(const struct html *h, double length)
{
    double step = figures_step((int64_t)length);
    char text[32];

    fputs("<g class=\"ticks\">\n", h->out);
    for (unsigned i = 0; i * step <= length; i++) {
        double x = 100 * i * step / length;

        fprintf(h->out, "<line class=\"ax\" x1=\"%.3f%%\" x2=\"%.3f%%\" y1=\"%d\" y2=\"%d\"/>\n", x,
                x, WHEN, WHEN + 5);
        word(h,
             i == 0   ? "s"
             : x > 92 ? "s e"
                      : "s m",
             x, WHEN + 19, figures_brief((int64_t)(i * step), text));
    }
    fputs("</g>\n", h->out);
}

static void left_begin(const struct html *h, int height)
{
    fprintf(h->out, "<svg width=\"%d\" height=\"%d\" aria-hidden=\"true\">\n", LEFT, height);
}

static void left_label(const struct html *h, double y, const char *text)
{
    fprintf(h->out, "<text class=\"s e\" x=\"%d\" y=\"%.1f\">%s</text>\n", LEFT - 6, y, text);
}

/* The name of an axis, upwards. */
static void left_end(const struct html *h, double y, const char *name)
{
    fprintf(h->out,
            "<text class=\"s m\" transform=\"translate(10,%.1f) rotate(-90)\">%s</text>\n</svg>\n",
            y, name);
}

static void time_left(const struct html *h, int64_t most)
{
    char text[32];

    left_begin(h, WHEN + ROOM);
    left_label(h, TOP + SHARES + 4, "0 %");
    left_label(h, TOP + SHARES / 2 + 4, "50 %");
    left_label(h, TOP + 4, "100 %");
    left_label(h, RATE_TOP + 8, figures_brief(most, text));
    left_label(h, WHEN + 2, "0");
    left_end(h, RATE_TOP + RATE / 2.0, "exits");
}

static void time_picture(const struct html *h, int64_t most, const char *what)
{
    double all = intervals(h->r);

    fprintf(h->out, "<svg class=\"over\" height=\"%d\" role=\"img\" aria-label=\"%s\">\n",
            WHEN + ROOM, what);
    for (unsigned i = 0; i <= 4; i++)
        across(h, "g", TOP + SHARES - SHARES * i / 4.0);
    fprintf(h->out,
            "<svg class=\"time\" aria-hidden=\"true\" width=\"100%%\" height=\"%d\" viewBox=\"0 0 "
            "%.9g %d\" "
            "preserveAspectRatio=\"none\" data-interval=\"%" PRId64 "\" data-shares=\"%d %d\">\n",
            WHEN, all, WHEN, h->r->interval, TOP, SHARES);
    share_columns(h);
    exit_columns(h, most);
    for (size_t i = 0; i < h->r->nintervals; i++)
        interval_title(h, i);
    fputs("</svg>\n", h->out);
    across(h, "ax", WHEN);
    time_ticks(h, all * (double)h->r->interval);
    word(h, "s m", 50, WHEN + 38, "cycles since the start");
    fputs("</svg>\n", h->out);
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
    begin(h, "axes", text);
    time_left(h, most);
    time_picture(h, most, text);
    end(h);
    if (r->nvms <= FEW_VMS) /* the legend of all stands close above */
        vm_legend(h);
}

/* Cycles ----------------------------------------------------------------------------- */

/* vm: class of the VM, or "" */
static void cycles_row(const struct html *h, const struct report_cycles *c, const char *name,
                       const char *vm)
{
    const char *own = strncmp(vm, "vm ", 3) ? "" : vm + 3;
    double x = 0;
    char cycles[32], text[64], class[2 * HTML_CLASS];

    row_begin(h, vm, name);
    for (unsigned i = 0; i < PIPELINE_CATEGORIES; i++) {
        double percent = report_percent(c->by[i], c->total);

        if (c->by[i] <= 0)
            continue;
        snprintf(class, sizeof class, "part p%u %s", i, own);
        box(h, class, bar_at(x, percent), 0, "%s: %s %.1f %%, %s cycles", name,
            pipeline_category_names[i], percent, figures_grouped(c->by[i], cycles));
        x += percent;
    }
    figures_brief(c->total, cycles);
    if (c->instret)
        snprintf(text, sizeof text, "%s cycles, CPI %.2f", cycles,
                 (double)c->total / (double)c->instret);
    else
        snprintf(text, sizeof text, "%s cycles", cycles);
    row_end(h, vm, text);
}

static void cycles_legend(const struct html *h, const struct report_cycles *sum)
{
    char class[HTML_CLASS], text[64];

    html_legend_begin(h, "");
    for (unsigned i = 0; i < PIPELINE_CATEGORIES; i++) {
        if (sum->by[i] <= 0)
            continue;
        snprintf(class, sizeof class, "p%u", i);
        snprintf(text, sizeof text, "%s %.1f %%", pipeline_category_names[i],
                 report_percent(sum->by[i], sum->total));
        html_legend(h, class, 0, text);
    }
    html_legend_end(h);
}

void html_cycles(const struct html *h)
{
    const struct report *r = h->r;
    const struct report_cycles sum = report_sum_cycles(r);
    char name[64], class[HTML_CLASS];

    begin(h, "rows", "Bars: the cycles of each ring of each VM by category, in percent");
    cycles_row(h, &sum, "all rings", "");
    for (size_t i = 0; i < r->nrings && i <= HTML_ROWS; i++)
        cycles_row(h, &r->rings[i], report_ring_name(&r->rings[i], name, sizeof name),
                   html_vm_class(h, r->rings[i].vmcs, class));
    axis(h, 25, " %", "share of the ring's cycles");
    end(h);
    cycles_legend(h, &sum);
    more_rows(h, r->nrings, HTML_ROWS + 1, "ring");
}

/* Exits ------------------------------------------------------------------------------ */

static void cause_legend(const struct html *h)
{
    html_legend_begin(h, "");
    for (size_t i = 0; i < h->causes.nlegend; i++)
        html_legend(h, "any", i, h->causes.legend[i]);
    if (causes_others(&h->causes))
        html_legend(h, "any", CAUSE_PATTERNS - 1, "others");
    html_legend_end(h);
}

static void exits_row(const struct html *h, const struct report_vm *v, double scale)
{
    double x = 0;
    char name[64], class[HTML_CLASS], exits[32];

    html_vm_name(h, v, name, sizeof name);
    html_vm_class(h, v->vmcs, class);
    row_begin(h, class, name);
    for (size_t c = 0; c < CAUSE_PATTERNS; c++)
        for (size_t i = 0; i < h->causes.n; i++) {
            const struct report_row *w = &h->causes.rows[i];

            if (strcmp(w->vmcs, v->vmcs) || causes_pattern(&h->causes, w->cause) != c)
                continue;
            box(h, class, bar_at(x, (double)w->count * scale), c, "%s %s: %s exits", name, w->cause,
                figures_grouped(w->count, exits));
            x += (double)w->count * scale;
        }
    row_end(h, class, figures_grouped(v->exits, exits));
}

void html_exits(const struct html *h)
{
    const struct report *r = h->r;
    size_t n = r->nvms < HTML_ROWS ? r->nvms : HTML_ROWS;
    int64_t most = 1;
    double step;

    if (!h->causes.n) {
        nothing(h, "No VM exited.");
        return;
    }
    for (size_t i = 0; i < n; i++)
        most = r->vms[i].exits > most ? r->vms[i].exits : most;
    step = figures_step(most);
    begin(h, "rows", "Bars: exits of each VM by cause");
    for (size_t i = 0; i < n; i++)
        exits_row(h, &r->vms[i], 100 / (4 * step));
    axis(h, step, "", "exits");
    end(h);
    cause_legend(h);
    more_rows(h, r->nvms, HTML_ROWS, "VM");
}

static void site_row(const struct html *h, const struct report_row *s, double scale)
{
    const struct report_cost *cost = &s->handling[CYCLES];
    char name[400], class[HTML_CLASS], cycles[32], text[64];

    html_vm_class(h, s->vmcs, class);
    snprintf(name, sizeof name, "VM %" PRId64 " %s %s", s->vmid, s->cause,
             s->symbol[0] ? s->symbol : s->pc);
    row_begin(h, class, name);
    box(h, class, bar_at(0, (double)cost->sum * scale), causes_pattern(&h->causes, s->cause),
        "VM %" PRId64 " %s at %s %s: %" PRId64 " exits, %.1f cycles each, %s cycles in all",
        s->vmid, s->cause, s->pc, s->symbol, s->count, report_mean(cost),
        figures_grouped(cost->sum, cycles));
    row_end(h, class, report_handled(h->r, cost->sum, text));
}

void html_sites(const struct html *h)
{
    const struct report *r = h->r;
    double step;

    if (!r->nsites) {
        nothing(h, "No VM exited.");
        return;
    }
    step = figures_step(h->costly[0]->handling[CYCLES].sum);
    begin(h, "rows long", "Bars: cycles in Ring -1 after the exits of each place");
    for (size_t i = 0; i < r->nsites && i < HTML_PLACES; i++)
        site_row(h, h->costly[i], 100 / (4 * step));
    axis(h, step, "", "cycles in Ring -1, and their share of all of its cycles");
    end(h);
    cause_legend(h);
}

/* From exit to re-entry -------------------------------------------------------------- */

enum { HISTOGRAM = 190, HISTOGRAM_TOP = 22 };

static void latency_bar(const struct html *h, unsigned bucket, double x, double w, double scale)
{
    uint64_t low = bucket ? 1ull << (bucket - 1) : 0, high = bucket ? low + (low - 1) : 0;
    struct place p = {x + 0.04 * w, 0.92 * w, HISTOGRAM_TOP + HISTOGRAM, 0};
    int64_t all = causes_bucket(&h->causes, bucket);
    char class[HTML_CLASS], text[32], from[32], to[32];

    for (size_t c = 0; c < CAUSE_PATTERNS; c++)
        for (size_t i = 0; i < h->causes.n; i++) {
            const struct report_row *row = &h->causes.rows[i];

            if (causes_pattern(&h->causes, row->cause) != c || row->buckets[bucket] <= 0)
                continue;
            p.up = (double)row->buckets[bucket] * scale;
            p.y -= p.up;
            box(h, html_vm_class(h, row->vmcs, class), p, c,
                "%s to %s cycles: %" PRId64 " exits of VM %" PRId64 ", %s",
                figures_grouped((int64_t)low, from), figures_grouped((int64_t)high, to),
                row->buckets[bucket], row->vmid, row->cause);
        }
    if (all)
        word(h, w * MANY_BARS < 100 ? "m wide" : "m", x + w / 2, p.y - 5, figures_brief(all, text));
}

static void latency_left(const struct html *h, double step)
{
    char text[32];

    left_begin(h, HISTOGRAM_TOP + HISTOGRAM + ROOM);
    for (unsigned i = 0; i <= 4; i++)
        left_label(h, HISTOGRAM_TOP + HISTOGRAM - HISTOGRAM * i / 4.0 + 4,
                   figures_brief((int64_t)(i * step), text));
    left_end(h, HISTOGRAM_TOP + HISTOGRAM / 2.0, "exits");
}

/* Buckets first to last, n of which have room. */
static void latency_picture(const struct html *h, unsigned first, unsigned last, unsigned n,
                            double step)
{
    double w = 100.0 / n;
    char text[32];

    fprintf(h->out, "<svg class=\"over\" height=\"%d\" role=\"img\" aria-label=\"%s\">\n",
            HISTOGRAM_TOP + HISTOGRAM + ROOM, "Histogram: exits by cycles until the VM ran again");
    for (unsigned i = 0; i <= 4; i++)
        across(h, i ? "g" : "ax", HISTOGRAM_TOP + HISTOGRAM - HISTOGRAM * i / 4.0);
    for (unsigned i = first; i <= last; i++)
        latency_bar(h, i, (i - first) * w, w, HISTOGRAM / (4 * step));
    for (unsigned i = first; i <= last + 1; i++)
        if ((i - first) % ((n + MANY_BARS - 1) / MANY_BARS) == 0)
            word(h,
                 i == first       ? "s"
                 : i - first == n ? "s e"
                                  : "s m",
                 (i - first) * w, HISTOGRAM_TOP + HISTOGRAM + 17, figures_edge(i, text));
    word(h, "s m", 50, HISTOGRAM_TOP + HISTOGRAM + 36, "cycles from exit to re-entry (K = 1,024)");
    fputs("</svg>\n", h->out);
}

void html_latency(const struct html *h)
{
    unsigned first, last;
    int64_t most = 0;
    double step;

    causes_range(&h->causes, &first, &last);
    for (unsigned i = first; i <= last; i++)
        most = causes_bucket(&h->causes, i) > most ? causes_bucket(&h->causes, i) : most;
    if (!most) {
        nothing(h, "No VM was entered again after an exit.");
        return;
    }
    step = figures_step(most);
    begin(h, "axes", "Histogram: exits by cycles until the VM ran again");
    latency_left(h, step);
    latency_picture(h, first, last, last - first < 8 ? 8 : last - first + 1, step);
    end(h);
    cause_legend(h);
}

/* TLB and walks ---------------------------------------------------------------------- */

static double reads_per_miss(const struct report_vm *v, int64_t reads)
{
    return v->tlbmiss > 0 ? (double)reads / (double)v->tlbmiss : 0;
}

/* The guest's stage is full, the host's beside it pale. */
static void walk_row(const struct html *h, const struct report_vm *v, double scale)
{
    double guest = reads_per_miss(v, v->walk_reads_guest),
           host = reads_per_miss(v, v->walk_reads_host);
    char name[64], class[HTML_CLASS], pale[HTML_CLASS + 8], misses[32], text[64];
    const char *who = html_vm_name(h, v, name, sizeof name);

    html_vm_class(h, v->vmcs, class);
    snprintf(pale, sizeof pale, "pale %s", class);
    row_begin(h, class, who);
    if (guest > 0)
        box(h, class, bar_at(0, guest * scale), 0, "%s: %.2f entries of %s per miss", who, guest,
            v->vmcs ? "the guest's table" : "the table");
    if (host > 0)
        box(h, pale, bar_at(guest * scale, host * scale), 0,
            "%s: %.2f entries of the host's table per miss", who, host);
    snprintf(text, sizeof text, "%.1f, %s miss%s", guest + host, figures_brief(v->tlbmiss, misses),
             v->tlbmiss == 1 ? "" : "es");
    row_end(h, class, text);
}

void html_walks(const struct html *h)
{
    const struct report *r = h->r;
    size_t n = 0, rows = r->nvms < HTML_ROWS ? r->nvms : HTML_ROWS;
    double most = 0, step;

    for (size_t i = 0; i <= rows; i++) {
        const struct report_vm *v = i ? &r->vms[i - 1] : &r->host;
        double reads = reads_per_miss(v, v->walk_reads_guest + v->walk_reads_host);

        n += v->tlbmiss > 0;
        most = reads > most ? reads : most;
    }
    if (!n) {
        nothing(h, "The TLB missed nothing.");
        return;
    }
    step = figures_step((int64_t)most + ((double)(int64_t)most < most)); /* rounded up */
    begin(h, "rows", "Bars: page-table entries read per TLB miss, of the guest and the host");
    for (size_t i = 0; i <= rows; i++) {
        const struct report_vm *v = i ? &r->vms[i - 1] : &r->host;

        if (v->tlbmiss > 0)
            walk_row(h, v, 100 / (4 * step));
    }
    axis(h, step, "", "page-table entries per miss");
    end(h);
    html_legend_begin(h, "");
    html_legend(h, "any", 0, "guest's table (outside of VMs: the only one)");
    html_legend(h, "any pale", 0, "host's table");
    html_legend_end(h);
    more_rows(h, r->nvms, HTML_ROWS, "VM");
}
