/* The tables of the HTML document: every number of the statistics (html.h). */
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "html.h"

enum { TABLE_SITES = 200 };

/* Titles are separated by bars. Those that begin with # are numbers. */
static void begin(const struct html *h, const char *caption, const char *titles)
{
    fprintf(h->out,
            "<div class=\"tbl\" role=\"region\" tabindex=\"0\" aria-label=\"%s\"><table>"
            "<caption>%s</caption>\n<thead><tr>",
            caption, caption);
    while (*titles) {
        size_t n = strcspn(titles, "|");
        bool number = *titles == '#';

        fprintf(h->out, "<th scope=\"col\"%s>%.*s</th>", number ? " class=\"n\"" : "",
                (int)n - number, titles + number);
        titles += n + (titles[n] == '|');
    }
    fputs("</tr></thead>\n<tbody>\n", h->out);
}

static void end(const struct html *h)
{
    fputs("</tbody></table></div>\n", h->out);
}

/* class: what begins with "vm " has the VM's colour beside its name. */
static void head(const struct html *h, const char *class, const char *text)
{
    fprintf(h->out, "<tr><th scope=\"row\" class=\"%s\">", class);
    figures_escaped(h->out, text);
    fputs("</th>", h->out);
}

static void text_cell(const struct html *h, const char *text)
{
    fputs("<td>", h->out);
    figures_escaped(h->out, text ? text : "");
    fputs("</td>", h->out);
}

static void number(const struct html *h, int64_t n)
{
    char text[32];

    fprintf(h->out, "<td class=\"n\">%s</td>", figures_grouped(n, text));
}

static void real(const struct html *h, bool known, double value, const char *unit)
{
    if (known)
        fprintf(h->out, "<td class=\"n\">%.1f%s</td>", value, unit);
    else
        fputs("<td class=\"n\">-</td>", h->out);
}

static void end_row(const struct html *h)
{
    fputs("</tr>\n", h->out);
}

static void totals(const struct html *h)
{
    begin(h, "Totals", "What|#count");
    for (size_t i = 0; i < REPORT_TOTALS; i++) {
        head(h, "", report_totals[i].title);
        number(h, json_integer_value(json_object_get(h->r->root, report_totals[i].key)));
        end_row(h);
    }
    end(h);
}

static void vm_row(const struct html *h, const struct report_vm *v)
{
    char name[64], class[HTML_CLASS];

    head(h, html_vm_class(h, v->vmcs, class), html_vm_name(h, v, name, sizeof name));
    text_cell(h, v->vmcs);
    number(h, v->cycles);
    real(h, true, report_percent(v->cycles, h->r->total), " %");
    number(h, v->instret);
    number(h, v->entries);
    number(h, v->exits);
    number(h, v->emu);
    number(h, v->tlbmiss);
    number(h, v->walk_reads_guest);
    number(h, v->walk_reads_host);
    real(h, v->tlbmiss > 0, (double)(v->walk_reads_guest + v->walk_reads_host) / (double)v->tlbmiss,
         "");
    number(h, v->vint_sent);
    number(h, v->vint_taken);
    number(h, v->vint_acknowledged);
    number(h, v->vint_ended);
    number(h, v->vint_pending);
    end_row(h);
}

static void vms(const struct html *h)
{
    begin(h,
          "VMs: time, exits, TLB misses and the page-table entries that they read, "
          "virtual interrupts",
          "VM|VMCS|#cycles|#share|#instructions|#entries|#exits|#emulated|#TLB misses|"
          "#guest entries|#host entries|#per miss|#sent|#taken|#acknowledged|#ended|#never taken");
    vm_row(h, &h->r->host);
    for (size_t i = 0; i < h->r->nvms; i++)
        vm_row(h, &h->r->vms[i]);
    end(h);
}

static void rings(const struct html *h)
{
    const struct report_cycles sum = report_sum_cycles(h->r);
    char titles[512], name[64], class[HTML_CLASS];
    int n = snprintf(titles, sizeof titles, "Ring|VMCS|#instructions|#cycles|#CPI");

    for (unsigned i = 0; i < PIPELINE_CATEGORIES; i++)
        n += snprintf(titles + n, sizeof titles - (size_t)n, "|#%s", pipeline_category_names[i]);
    begin(h, "Cycles by category", titles);
    for (size_t i = 0; i <= h->r->nrings; i++) {
        const struct report_cycles *c = i < h->r->nrings ? &h->r->rings[i] : &sum;

        head(h, c == &sum ? "" : html_vm_class(h, c->vmcs, class),
             c == &sum ? "all" : report_ring_name(c, name, sizeof name));
        text_cell(h, c->vmcs);
        number(h, c->instret);
        number(h, c->total);
        real(h, c->instret > 0, (double)c->total / (double)c->instret, "");
        for (unsigned k = 0; k < PIPELINE_CATEGORIES; k++)
            number(h, c->by[k]);
        end_row(h);
    }
    end(h);
}

static void counts(const struct html *h)
{
    const char *key;
    json_t *value;

    begin(h, "Events of the pipeline", "What|#count");
    json_object_foreach(h->r->counts, key, value)
    {
        head(h, "", key);
        number(h, json_integer_value(value));
        end_row(h);
    }
    end(h);
}

static void site_costs(const struct html *h, const struct report_row *s, unsigned unit)
{
    const struct report_cost *away = &s->away[unit];

    real(h, s->handling[unit].n > 0, report_mean(&s->handling[unit]), "");
    real(h, away->n > 0, (double)away->min, "");
    real(h, away->n > 0, report_mean(away), "");
    real(h, away->n > 0, (double)away->max, "");
}

static void site_row(const struct html *h, const struct report_row *s)
{
    char name[REPORT_NAME], class[HTML_CLASS];

    head(h, html_vm_class(h, s->vmcs, class), report_vm_name(s->vmcs, s->vmid, name));
    text_cell(h, s->vmcs);
    text_cell(h, s->cause);
    text_cell(h, s->pc);
    text_cell(h, s->symbol);
    number(h, s->count);
    number(h, s->emulated);
    real(h, h->r->handled_in, report_percent(s->handling[CYCLES].sum, h->r->handled_in), " %");
    site_costs(h, s, INSTRUCTIONS);
    if (report_timed(h->r))
        site_costs(h, s, CYCLES);
    end_row(h);
}

static void refusals(const struct html *h, json_t *fields)
{
    const char *name;
    json_t *value;

    if (json_object_size(fields) == 0)
        return;
    begin(h, "VM entries refused, by the field of the VMCS that is wrong", "Field|#count");
    json_object_foreach(fields, name, value)
    {
        head(h, "", name);
        number(h, json_integer_value(value));
        end_row(h);
    }
    end(h);
}

static void sites(const struct html *h)
{
    static const char plain[] =
        "VM|VMCS|Cause|Guest pc|Symbol|#exits|#emulated|#of Ring -1|#handling (instructions)|"
        "#away: min|#mean|#max";
    static const char timed[] = "|#handling (cycles)|#away: min|#mean|#max";
    char titles[sizeof plain + sizeof timed];

    snprintf(titles, sizeof titles, "%s%s", plain, report_timed(h->r) ? timed : "");
    begin(h, "Exits by VM, cause and guest pc, the most frequent first", titles);
    for (size_t i = 0; i < h->r->nsites && i < TABLE_SITES; i++)
        site_row(h, &h->r->sites[i]);
    end(h);
    if (h->r->nsites > TABLE_SITES)
        fprintf(h->out, "<p class=\"soft\">and %zu more; visa-stat --top 0 shows all.</p>\n",
                h->r->nsites - TABLE_SITES);
}

void html_tables(const struct html *h)
{
    totals(h);
    refusals(h, json_object_get(h->r->root, "refused_by_field"));
    vms(h);
    if (h->r->nrings) {
        rings(h);
        counts(h);
    }
    if (h->r->nsites)
        sites(h);
}
