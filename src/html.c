/* The HTML document of a run's statistics: its frame, style and summary (html.h). */
#include "html.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline.h"

static const char style[] =
    ":root{color-scheme:light dark;--page:#fff;--card:#f6f7f9;--text:#1d2129;--soft:#5a6270;"
    "--line:#d9dde3;--grid:#e6e9ee;--link:#0b57a4;--host:#3b4252}\n"
    "@media(prefers-color-scheme:dark){:root{--page:#15181d;--card:#1d2128;--text:#dde1e7;"
    "--soft:#98a1ae;--line:#363d48;--grid:#2a3039;--link:#7fb6f0;--host:#a9b2c3}}\n"
    "*{box-sizing:border-box}\n"
    "body{margin:0 auto;max-width:68rem;padding:1.5rem 1.25rem 4rem;background:var(--page);"
    "color:var(--text);font:16px/1.5 system-ui,sans-serif}\n"
    "h1{font-size:1.6rem;margin:0}h2{font-size:1.2rem;margin:2.5rem 0 .25rem}\n"
    "p{margin:.25rem 0 .75rem;max-width:46rem}.soft,caption,figcaption{color:var(--soft)}\n"
    "a{color:var(--link)}nav ul,.legend,.tiles{list-style:none;padding:0;margin:.75rem 0;"
    "display:flex;flex-wrap:wrap;gap:.35rem 1.1rem}\n"
    ".tiles{gap:.6rem}.tiles>div{background:var(--card);border:1px solid var(--line);"
    "border-radius:.5rem;padding:.5rem .85rem;min-width:8rem}.tiles dt{color:var(--soft);"
    "font-size:.82rem}.tiles dd{margin:0;font-size:1.25rem;font-weight:600;"
    "font-variant-numeric:tabular-nums}\n"
    ".legend{font-size:.85rem}.legend li{display:flex;align-items:center;gap:.4rem}"
    ".legend svg{width:.8rem;height:.8rem;flex:none}\n"
    "figure{margin:0;overflow-x:auto}figure>svg{display:block;width:100%;min-width:44rem;"
    "height:auto}\n"
    "text{font:12px system-ui,sans-serif;fill:var(--text)}.s{fill:var(--soft)}.e{text-anchor:end}"
    ".m{text-anchor:middle}.on{fill:#fff}.onh{fill:var(--page)}\n"
    ".g{stroke:var(--grid)}.ax{stroke:var(--soft)}rect{shape-rendering:crispEdges}"
    "rect:hover{opacity:.75}.hit{fill:transparent}.hit:hover{fill:var(--text);opacity:.12}\n"
    ".tbl{overflow-x:auto;margin:.5rem 0 1.5rem}table{border-collapse:collapse;font-size:.86rem;"
    "font-variant-numeric:tabular-nums}caption{text-align:left;padding:.3rem 0}"
    "th,td{padding:.2rem .6rem;border-bottom:1px solid var(--line);text-align:left;"
    "white-space:nowrap}.n{text-align:right}thead th{color:var(--soft);font-weight:600}"
    "tbody th{font-weight:400}tbody tr:hover{background:var(--card)}\n"
    "@media print{nav{display:none}body{max-width:none}section{break-inside:avoid}}\n";

/* Colours that stand out on white and on black alike. */
static const char *const vm_colours[HTML_VM_COLOURS] = {"#3f7fbf", "#d9692b", "#3f9a5f", "#b9508c",
                                                        "#8a63c2", "#b8860b", "#2a97a0", "#9b6b4a"};
static const char *const cause_colours[CAUSE_COLOURS] = {"#3f7fbf", "#d9692b", "#3f9a5f",
                                                         "#d04a4a", "#2a97a0", "#8a63c2",
                                                         "#b8860b", "#9b6b4a", "#858d99"};
/* Near each other: the front end, memory, the unit itself, worlds, the rest. */
static const char *const cycle_colours[PIPELINE_CATEGORIES] = {
    [PIPELINE_RETIRED] = "#3f9a5f",    [PIPELINE_FRONTEND] = "#e0913f",
    [PIPELINE_MISPREDICT] = "#d9692b", [PIPELINE_ICACHE] = "#b8860b",
    [PIPELINE_DCACHE] = "#3f7fbf",     [PIPELINE_TLB] = "#2a97a0",
    [PIPELINE_WALK_GUEST] = "#5b9bd5", [PIPELINE_WALK_HOST] = "#4863c4",
    [PIPELINE_HAZARD] = "#9b6b4a",     [PIPELINE_EXECUTE] = "#8c8f3a",
    [PIPELINE_WORLD] = "#d04a4a",      [PIPELINE_POOL] = "#b9508c",
    [PIPELINE_TRAP] = "#e27d7d",       [PIPELINE_FLUSH] = "#8a63c2",
    [PIPELINE_DEVICE] = "#6f7f95",     [PIPELINE_WAIT] = "#a5adb8"};

static void put_style(FILE *out)
{
    fprintf(out, "<style>\n%s.v0{fill:var(--host)}", style);
    for (unsigned i = 0; i < HTML_VM_COLOURS; i++)
        fprintf(out, ".v%u{fill:%s}", i + 1, vm_colours[i]);
    for (unsigned i = 0; i < CAUSE_COLOURS; i++)
        fprintf(out, ".c%u{fill:%s}", i, cause_colours[i]);
    for (unsigned i = 0; i < PIPELINE_CATEGORIES; i++)
        fprintf(out, ".p%u{fill:%s}", i, cycle_colours[i]);
    fputs("\n</style>\n", out);
}

const char *html_vm_name(const struct html *h, const struct report_vm *v, char *text, size_t n)
{
    bool twice = false;

    if (!v->vmcs)
        return "Ring -1";
    for (size_t i = 0; i < h->r->nvms; i++)
        twice |= &h->r->vms[i] != v && h->r->vms[i].vmid == v->vmid;
    snprintf(text, n, twice ? "VM %" PRId64 " %s" : "VM %" PRId64, v->vmid, v->vmcs);
    return text;
}

void html_legend_begin(const struct html *h)
{
    fputs("<ul class=\"legend\">", h->out);
}

void html_legend(const struct html *h, const char *class, const char *text)
{
    fprintf(h->out,
            "<li><svg viewBox=\"0 0 1 1\" aria-hidden=\"true\"><rect class=\"%s\" width=\"1\" "
            "height=\"1\"/></svg>",
            class);
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

static void document(const struct html *h)
{
    const struct report *r = h->r;
    char scope[80];

    fputs("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
          "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n"
          "<link rel=\"icon\" href=\"data:,\">\n",
          h->out);
    html_title(h);
    put_style(h->out);
    fputs("</head>\n<body>\n<header>\n<h1>Where a run's time went, and what made it exit</h1>\n"
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
    html_run(h);
    put_links(h);
    fputs("</header>\n<main>\n", h->out);
    summary(h);
    put_sections(h);
    fputs("</main>\n</body>\n</html>\n", h->out);
}

bool html_report(FILE *out, const struct report *r)
{
    struct html h = {.out = out, .r = r, .costly = figures_costly(r)};
    bool ok = causes_make(&h.causes, r) && h.costly;

    if (ok)
        document(&h);
    causes_free(&h.causes);
    free(h.costly);
    return ok;
}
