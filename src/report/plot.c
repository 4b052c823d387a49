/* Time, exits and their costs as SVG (plot.h).
 *
 * Sections stand below each other, each as high as it needs; y is where the next begins. */
#include "plot.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "figures.h"

enum {
    WIDTH = 960,
    LEFT = 40,
    RIGHT = WIDTH - 40,
    SPAN = RIGHT - LEFT,
    ROW = 24,
    HISTOGRAM = 180,
    MAX_VMS = 32,   /* rows */
    MAX_PLACES = 8, /* rows */
};

static const char any_colour[] = "#8f8f8f"; /* of no VM, under a cause's pattern */

struct plot {
    FILE *out;
    const struct report *r;
    struct causes causes;
    double y;
};

/* Elements ------------------------------------------------------------------------ */

static void rect(const struct plot *p, double x, double y, double w, double h, const char *fill)
{
    fprintf(p->out, "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" fill=\"%s\"/>\n", x,
            y, w, h, fill);
}

/* The same in a VM's colour, or any_colour, with a cause's pattern. */
static void cause_rect(const struct plot *p, double x, double y, double w, double h,
                       const char *fill, size_t pattern)
{
    char url[16];

    rect(p, x, y, w, h, fill);
    snprintf(url, sizeof url, "url(#c%zu)", pattern);
    if (pattern)
        rect(p, x, y, w, h, url);
}

/* Of the VM with this VMCS. */
static const char *colour_of(const struct plot *p, const char *vmcs, char text[8])
{
    size_t i = 0;

    while (i + 1 < p->r->nvms && strcmp(p->r->vms[i].vmcs, vmcs))
        i++;
    return figures_vm_colour(i, text);
}

/* style: classes of the style sheet in plot_svg. */
static void label(const struct plot *p, double x, double y, const char *style, const char *text)
{
    fprintf(p->out, "<text x=\"%.1f\" y=\"%.1f\" class=\"%s\">", x, y, style);
    figures_escaped(p->out, text);
    fputs("</text>\n", p->out);
}

/* About how wide text of this size is, whatever font there is; bytes of UTF-8 count each. */
static double width_of(const char *text, double size)
{
    return (double)strlen(text) * size * 0.64;
}

static void heading(struct plot *p, const char *title, const char *explanation)
{
    label(p, LEFT, p->y + 16, "h", title);
    label(p, LEFT + width_of(title, 15) + 12, p->y + 16, "soft", explanation);
    p->y += 32;
}

/* Time ---------------------------------------------------------------------------- */

static double segment(const struct plot *p, double x, int64_t cycles, const char *who,
                      const char *fill, const char *ink)
{
    double percent = report_percent(cycles, p->r->total), w = percent * SPAN / 100;
    char text[64];

    rect(p, x, p->y, w, 36, fill);
    fprintf(p->out, "<rect x=\"%.1f\" y=\"%.1f\" width=\"1\" height=\"36\" fill=\"#fff\"/>\n",
            x + w - 1, p->y);
    snprintf(text, sizeof text, "%s %.1f %%", who, percent);
    if (width_of(text, 12) > w - 8)
        snprintf(text, sizeof text, "%s", who);
    if (width_of(text, 12) <= w - 8)
        fprintf(p->out, "<text x=\"%.1f\" y=\"%.1f\" class=\"mid\" style=\"fill:%s\">%s</text>\n",
                x + w / 2, p->y + 22, ink, text);
    return x + w;
}

static void plot_time(struct plot *p)
{
    double x;
    char name[REPORT_NAME], colour[8];

    heading(p, "Time", "share of all harts' cycles");
    rect(p, LEFT, p->y, SPAN, 36, "#eee");
    x = segment(p, LEFT, p->r->host.cycles, "Ring -1", FIGURES_HOST_COLOUR, "#fff");
    for (size_t i = 0; i < p->r->nvms; i++) {
        const struct report_vm *v = &p->r->vms[i];

        x = segment(p, x, v->cycles, report_vm_name(v->vmcs, v->vmid, name),
                    figures_vm_colour(i, colour), figures_vm_ink(i));
    }
    p->y += 64;
}

/* Exits by VM and cause ------------------------------------------------------------ */

static void plot_legend(struct plot *p)
{
    bool others = causes_others(&p->causes);
    double x = LEFT;

    for (size_t i = 0; i < p->causes.nlegend + others; i++) {
        const char *text = i < p->causes.nlegend ? p->causes.legend[i] : "others";
        double w = 22 + width_of(text, 12) + 14;

        if (x + w > RIGHT) {
            x = LEFT;
            p->y += 20;
        }
        cause_rect(p, x, p->y, 14, 14, any_colour, i < p->causes.nlegend ? i : CAUSE_PATTERNS - 1);
        label(p, x + 20, p->y + 12, "", text);
        x += w;
    }
    p->y += 26;
}

static void plot_vm(const struct plot *p, const struct report_vm *v, int64_t most)
{
    enum { BARS = LEFT + 260, LONGEST = RIGHT - BARS - 90 };
    double x = BARS;
    char text[64], colour[8], name[REPORT_NAME];

    label(p, LEFT, p->y + 15, "b", report_vm_name(v->vmcs, v->vmid, name));
    label(p, LEFT + 76, p->y + 15, "soft", v->vmcs);
    snprintf(text, sizeof text, "%.1f %%", report_percent(v->cycles, p->r->total));
    label(p, BARS - 16, p->y + 15, "end", text);
    for (size_t c = 0; c < CAUSE_PATTERNS; c++)
        for (size_t i = 0; i < p->causes.n; i++) {
            const struct report_row *w = &p->causes.rows[i];
            double length = most ? (double)w->count * LONGEST / (double)most : 0;

            if (strcmp(w->vmcs, v->vmcs) || causes_pattern(&p->causes, w->cause) != c)
                continue;
            cause_rect(p, x, p->y + 3, length, ROW - 7, colour_of(p, v->vmcs, colour), c);
            x += length;
        }
    label(p, x + 8, p->y + 15, "", figures_grouped(v->exits, text));
}

static void plot_exits(struct plot *p)
{
    int64_t most = 0;
    char text[64];

    heading(p, "Exits by VM and cause", "VM, VMCS, share of time, exits");
    plot_legend(p);
    for (size_t i = 0; i < p->r->nvms; i++)
        most = p->r->vms[i].exits > most ? p->r->vms[i].exits : most;
    for (size_t i = 0; i < p->r->nvms && i < MAX_VMS; i++, p->y += ROW)
        plot_vm(p, &p->r->vms[i], most);
    if (p->r->nvms > MAX_VMS) {
        snprintf(text, sizeof text, "and %zu more VMs", p->r->nvms - MAX_VMS);
        label(p, LEFT, p->y + 15, "soft", text);
        p->y += ROW;
    }
    p->y += 26;
}

/* Places --------------------------------------------------------------------------- */

static void plot_place(const struct plot *p, const struct report_row *s, int64_t most)
{
    enum { BARS = LEFT + 420, LONGEST = RIGHT - BARS - 70, NAME = 54 };
    int64_t cycles = s->handling[CYCLES].sum;
    double length = most > 0 ? (double)cycles * LONGEST / (double)most : 0;
    const char *place = s->symbol[0] ? s->symbol : s->pc;
    char text[NAME + 16], colour[8], name[REPORT_NAME], percent[REPORT_FIT];
    int n = snprintf(text, sizeof text, "%s %s ", report_vm_name(s->vmcs, s->vmid, name), s->cause);
    int room = NAME - (n < NAME ? n : NAME);

    if ((int)strlen(place) > room)
        snprintf(text + n, sizeof text - (size_t)n, "%.*s...", room > 3 ? room - 3 : 0, place);
    else
        snprintf(text + n, sizeof text - (size_t)n, "%s", place);
    label(p, LEFT, p->y + 15, "", text);
    cause_rect(p, BARS, p->y + 3, length, ROW - 7, colour_of(p, s->vmcs, colour),
               causes_pattern(&p->causes, s->cause));
    label(p, BARS + length + 8, p->y + 15, "", report_handled(p->r, cycles, percent));
}

static bool plot_places(struct plot *p)
{
    const struct report *r = p->r;
    const struct report_row **order = figures_costly(r);
    int64_t most;

    if (!order)
        return false;
    heading(p, "What costs most", "share of Ring -1's cycles from the exit until a guest runs");
    most = r->nsites ? order[0]->handling[CYCLES].sum : 0;
    for (size_t i = 0; i < r->nsites && i < MAX_PLACES; i++, p->y += ROW)
        plot_place(p, order[i], most);
    p->y += 26;
    free(order);
    return true;
}

/* Exit to re-entry ----------------------------------------------------------------- */

static void plot_bucket(const struct plot *p, unsigned bucket, double x, double w, double scale)
{
    int64_t n = causes_bucket(&p->causes, bucket);
    double y = p->y + HISTOGRAM, top = n && (double)n * scale < 2 ? 2 / ((double)n * scale) : 1;
    char text[32];

    for (size_t c = 0; c < CAUSE_PATTERNS; c++) {
        double h = 0;

        for (size_t i = 0; i < p->causes.n; i++)
            if (causes_pattern(&p->causes, p->causes.rows[i].cause) == c)
                h += (double)p->causes.rows[i].buckets[bucket] * scale * top;
        y -= h;
        if (h > 0)
            cause_rect(p, x + 1, y, w - 2, h, any_colour, c);
    }
    if (n && w >= 30)
        label(p, x + w / 2, y - 5, "mid small", figures_brief(n, text));
}

static void plot_axes(const struct plot *p, double step, double scale)
{
    char text[32];

    for (unsigned i = 0; i <= 4; i++) {
        double y = p->y + HISTOGRAM - i * step * scale;

        rect(p, LEFT + 44, y, SPAN - 44, 1, i ? "#e4e4e4" : "#888");
        label(p, LEFT + 38, y + 4, "end small", figures_brief((int64_t)(i * step), text));
    }
}

static void plot_away(struct plot *p)
{
    unsigned first, last;
    int64_t most = 0;
    double step, scale, w;
    char text[32];

    causes_range(&p->causes, &first, &last);
    for (unsigned i = first; i <= last; i++)
        most = causes_bucket(&p->causes, i) > most ? causes_bucket(&p->causes, i) : most;
    heading(p, "From exit to re-entry",
            report_timed(p->r) ? "exits by cycles until the VM ran again"
                               : "exits by instructions and waiting until the VM ran again");
    p->y += 12;
    step = figures_step(most);
    scale = HISTOGRAM / (4 * step);
    w = (SPAN - 44.0) / (last - first + 1 > 8 ? last - first + 1 : 8);
    plot_axes(p, step, scale);
    for (unsigned i = first; i <= last; i++)
        plot_bucket(p, i, LEFT + 44 + (i - first) * w, w, scale);
    for (unsigned i = first; i <= last + 1; i++) /* an edge on each side of each */
        if ((i - first) % (w < 34 ? 4 : 1) == 0)
            label(p, LEFT + 44 + (i - first) * w, p->y + HISTOGRAM + 18, "mid small",
                  figures_edge(i, text));
    p->y += HISTOGRAM + 40;
}

/* The document --------------------------------------------------------------------- */

static bool sections(struct plot *p)
{
    char exits[32], cycles[32], line[160];

    p->y = 24;
    label(p, LEFT, p->y + 20, "title", "Where the exits come from, and what they cost");
    snprintf(line, sizeof line, "%.40s model, %" PRId64 " hart%s, %s cycles, %s exits", p->r->model,
             p->r->harts, p->r->harts == 1 ? "" : "s", figures_grouped(p->r->cycles, cycles),
             figures_grouped(p->r->exits, exits));
    label(p, LEFT, p->y + 42, "soft", line);
    p->y += 72;
    plot_time(p);
    plot_exits(p);
    if (!plot_places(p))
        return false;
    plot_away(p);
    return true;
}

static void document(FILE *out, double height, const char *body)
{
    fprintf(out,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %.0f\" width=\"%d\" "
            "height=\"%.0f\">\n"
            "<style>text{font:12px sans-serif;fill:#222}.title{font-size:20px;font-weight:bold}"
            ".h{font-size:15px;font-weight:bold}.b{font-weight:bold}.soft{fill:#707070}"
            ".small{font-size:11px}.end{text-anchor:end}.mid{text-anchor:middle}</style>\n"
            "<defs>\n",
            WIDTH, height, WIDTH, height);
    figures_patterns(out, "#fff");
    fprintf(out, "</defs>\n<rect width=\"100%%\" height=\"100%%\" fill=\"#fff\"/>\n%s</svg>\n",
            body);
}

/* The height stands in front and is known last, so the rest is written to memory first. */
bool plot_svg(FILE *out, const struct report *r)
{
    char *body = NULL;
    size_t size;
    struct plot p = {.out = open_memstream(&body, &size), .r = r};
    bool ok;

    ok = causes_make(&p.causes, r) && p.out;
    if (ok)
        ok = sections(&p) && !fflush(p.out) && !ferror(p.out);
    if (p.out)
        ok = fclose(p.out) == 0 && body && ok; /* glibc says nothing of what it cannot copy */
    if (ok)
        document(out, p.y, body);
    free(body);
    causes_free(&p.causes);
    return ok;
}
