/* The HTML document of a run's statistics: its frame, style and summary (html.h). */
#include "html.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "timing/pipeline.h"

/* Categories of cycles: the unit itself, its front end, memory, worlds, and the rest have a hue
 * each, and are less colourful than VMs. */
static const struct {
    double lightness, hue;
} categories[PIPELINE_CATEGORIES] = {
    [PIPELINE_RETIRED] = {0.73, 145},    [PIPELINE_EXECUTE] = {0.55, 145},
    [PIPELINE_HAZARD] = {0.46, 145},     [PIPELINE_FRONTEND] = {0.73, 70},
    [PIPELINE_MISPREDICT] = {0.46, 70},  [PIPELINE_ICACHE] = {0.55, 70},
    [PIPELINE_DCACHE] = {0.73, 240},     [PIPELINE_TLB] = {0.46, 240},
    [PIPELINE_WALK_GUEST] = {0.64, 240}, [PIPELINE_WALK_HOST] = {0.55, 240},
    [PIPELINE_WORLD] = {0.55, 330},      [PIPELINE_POOL] = {0.73, 330},
    [PIPELINE_TRAP] = {0.46, 330},       [PIPELINE_FLUSH] = {0.64, 330},
    [PIPELINE_DEVICE] = {0.50, 20},      [PIPELINE_WAIT] = {0.68, 20}};

static void put_style(const struct html *h)
{
    char colour[8];

    fprintf(h->out, "<style>\n%s:root{--dark:%s}", html_css, FIGURES_HOST_COLOUR);
    for (size_t i = 0; i < h->r->nvms; i++)
        fprintf(h->out, ".v%zu{--c:%s}", i + 1, figures_vm_colour(i, colour));
    for (unsigned i = 1; i < CAUSE_PATTERNS; i++)
        fprintf(h->out, ".c%u{fill:url(#c%u)}", i, i);
    for (unsigned i = 0; h->r->nrings && i < PIPELINE_CATEGORIES; i++)
        fprintf(h->out, ".p%u{fill:%s}", i,
                figures_colour(categories[i].lightness, 0.05, categories[i].hue, colour));
    fputs("\n</style>\n", h->out);
}

const char *html_vm_name(const struct html *h, const struct report_vm *v, char *text, size_t n)
{
    bool twice = false;

    if (!v->vmcs)
        return "Ring -1";
    if (strcmp(v->vmcs, OTHER_VMS_NAME) == 0)
        return "other VMs";
    for (size_t i = 0; i < h->r->nvms; i++)
        twice |= &h->r->vms[i] != v && h->r->vms[i].vmid == v->vmid;
    snprintf(text, n, twice ? "VM %" PRId64 " %s" : "VM %" PRId64, v->vmid, v->vmcs);
    return text;
}

const char *html_vm_class(const struct html *h, const char *vmcs, char text[HTML_CLASS])
{
    size_t i = 0;

    while (vmcs && i < h->r->nvms && strcmp(h->r->vms[i].vmcs, vmcs))
        i++;
    snprintf(text, HTML_CLASS, "vm v%zu", vmcs ? i + 1 : 0);
    return text;
}

void html_legend_begin(const struct html *h, const char *class)
{
    fprintf(h->out, "<ul class=\"legend %s\">", class);
}

void html_legend(const struct html *h, const char *class, size_t pattern, const char *text)
{
    static const char size[] = "width=\"100%\" height=\"100%\"/>";

    fprintf(h->out, "<li class=\"%s\"><svg aria-hidden=\"true\"><rect class=\"%s\" %s", class,
            class, size);
    if (pattern)
        fprintf(h->out, "<rect class=\"c%zu\" %s", pattern, size);
    fputs("</svg>", h->out);
    figures_escaped(h->out, text);
    fputs("</li>", h->out);
}

void html_legend_end(const struct html *h)
{
    fputs("</ul>\n", h->out);
}

/* Summary ---------------------------------------------------------------------------- */

static void tile(const struct html *h, const char *name, const char *value)
{
    fprintf(h->out, "<div><dt>%s</dt><dd>", name);
    figures_escaped(h->out, value);
    fputs("</dd></div>\n", h->out);
}

static void number_tile(const struct html *h, const char *name, int64_t value)
{
    char text[32];

    tile(h, name, figures_grouped(value, text));
}

static int64_t total(const struct html *h, const char *key)
{
    return json_integer_value(json_object_get(h->r->root, key));
}

/* What samples say of the whole run. */
static void estimate(const struct html *h)
{
    json_t *cycles = json_object_get(json_object_get(h->r->root, "sampling"), "cycles");
    double mean = json_number_value(json_object_get(cycles, "mean"));
    json_t *high = json_object_get(cycles, "high");
    char number[32], text[64];

    if (!(mean > 0 && mean < 1e18))
        return;
    figures_grouped((int64_t)(mean + 0.5), number);
    if (json_is_number(high))
        snprintf(text, sizeof text, "%s \302\261 %.1f %%", number,
                 100 * (json_number_value(high) - mean) / mean);
    else
        snprintf(text, sizeof text, "%s", number);
    tile(h, "cycles of the run, estimated", text);
}

static void summary(const struct html *h)
{
    const struct report *r = h->r;
    const char *reason =
        json_string_value(json_object_get(json_object_get(r->root, "end"), "reason"));
    const struct report_cycles sum = report_sum_cycles(r);
    char text[64];

    fputs("<section id=\"summary\" aria-label=\"Summary\">\n<dl class=\"tiles\">\n", h->out);
    number_tile(h, "instructions", total(h, "instret"));
    number_tile(h, "cycles", r->cycles);
    if (sum.instret) {
        snprintf(text, sizeof text, "%.2f", (double)sum.total / (double)sum.instret);
        tile(h, "cycles per instruction", text);
    }
    estimate(h);
    number_tile(h, "VM exits", r->exits);
    snprintf(text, sizeof text, "%.1f %%", report_percent(r->host.cycles, r->total));
    tile(h, "of the time in Ring -1", text);
    number_tile(h, "TLB misses in VMs", total(h, "tlbmiss"));
    if (reason)
        tile(h, "how it ended", reason);
    fputs("</dl>\n</section>\n", h->out);
}

/* The document ----------------------------------------------------------------------- */

static const struct section {
    const char *id, *title, *words;
    void (*put)(const struct html *h);
    bool pipeline; /* only with its cycles */
} sections[] = {
    {"time", "Who had the time",
     "Cycles of all harts, by VM and Ring -1. Sleep is of whoever sleeps.", html_time, false},
    {"timeline", "Over time",
     "Each column is an interval of the run: whose it was, and below, how many exits it had.",
     html_timeline, false},
    {"cycles", "Where the cycles went",
     "Every cycle of a ring is in one category; each bar is all of one ring's cycles.", html_cycles,
     true},
    {"exits", "Exits by VM and cause", "How often each VM exited, and why.", html_exits, false},
    {"sites", "What exits cost",
     "The places that took most of Ring -1's cycles, from the exit until any guest ran again.",
     html_sites, false},
    {"latency", "From exit to re-entry",
     "How many exits kept their VM away for how many cycles, in powers of two.", html_latency,
     false},
    {"walks", "TLB misses and walks",
     "Page-table entries that a miss of the TLB read on average, by stage of translation.",
     html_walks, false},
    {"tables", "All numbers", "", html_tables, false},
};

static void put_sections(const struct html *h)
{
    for (size_t i = 0; i < sizeof sections / sizeof sections[0]; i++) {
        const struct section *s = &sections[i];

        if (s->pipeline && !h->r->nrings)
            continue;
        fprintf(h->out, "<section id=\"%s\" aria-labelledby=\"h-%s\">\n<h2 id=\"h-%s\">%s</h2>\n",
                s->id, s->id, s->id, s->title);
        if (s->words[0])
            fprintf(h->out, "<p class=\"soft\">%s</p>\n", s->words);
        s->put(h);
        fputs("</section>\n", h->out);
    }
}

static void put_links(const struct html *h)
{
    fputs("<nav aria-label=\"Sections\"><ul>", h->out);
    for (size_t i = 0; i < sizeof sections / sizeof sections[0]; i++)
        if (!sections[i].pipeline || h->r->nrings)
            fprintf(h->out, "<li><a href=\"#%s\">%s</a></li>", sections[i].id, sections[i].title);
    fputs("</ul></nav>\n", h->out);
}

static bool document(const struct html *h)
{
    const struct report *r = h->r;
    char scope[80];
    bool ok;

    fputs("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
          "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n"
          "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
          "style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:\">\n"
          "<link rel=\"icon\" href=\"data:,\">\n",
          h->out);
    html_title(h);
    put_style(h);
    fputs("</head>\n<body>\n<svg class=\"defs\" width=\"0\" height=\"0\" aria-hidden=\"true\">\n",
          h->out);
    figures_patterns(h->out, "var(--page)");
    fputs("</svg>\n<header>\n<h1>Where a run's time went, and what made it exit</h1>\n"
          "<p class=\"soft\">",
          h->out);
    figures_escaped(h->out, r->model);
    fprintf(h->out, " model, %" PRId64 " hart%s, %zu VM%s", r->harts, r->harts == 1 ? "" : "s",
            r->nvms, r->nvms == 1 ? "" : "s");
    if (!report_timed(r))
        fputs("; a cycle is an instruction, or a tick that a hart slept", h->out);
    else if (report_scope(r, scope, sizeof scope)[0])
        fprintf(h->out, "; %s. Exits and the run over time are all of it", scope);
    fputs(".</p>\n", h->out);
    ok = html_run(h);
    put_links(h);
    fputs("</header>\n<main>\n", h->out);
    summary(h);
    put_sections(h);
    fprintf(h->out, "</main>\n<script>\n%s</script>\n</body>\n</html>\n", html_js);
    return ok;
}

bool html_report(FILE *out, const struct report *r)
{
    struct html h = {.out = out, .r = r, .costly = figures_costly(r)};
    bool ok = causes_make(&h.causes, r) && h.costly;

    ok = ok && document(&h);
    causes_free(&h.causes);
    free(h.costly);
    return ok;
}
