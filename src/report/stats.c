/* Statistics (stats.h). */
#include "stats.h"

#include <inttypes.h>
#include <jansson.h>

#include "html.h"
#include "observe/identity.h"
#include "isa.h"
#include "observe/json_memory.h"
#include "observe/address_names.h"
#include "timing/pipeline_stats.h"
#include "registers.h"
#include "report.h"
#include "timing/sampling.h"
#include "observe/timeline.h"
#include "observe/trace.h"

enum { TABLE_SITES = 12, CAUSES = sizeof((struct exit_count *)0)->by_cause / sizeof(uint64_t) };

/* Where the totals are (report_totals). */
static const size_t offsets[REPORT_TOTALS] = {
#define OFFSET(name, title) offsetof(struct machine_stats, name),
    MACHINE_COUNTERS(OFFSET)};

static uint64_t count(const struct machine_stats *s, unsigned total)
{
    return *(const uint64_t *)((const char *)s + offsets[total]);
}

static struct machine_stats totals(const struct stats_source *src)
{
    struct machine_stats s = *machine_stats(src->machine);

    if (src->pipeline) /* the last instructions too are through */
        s.cycles = src->pipeline->cycles;
    return s;
}

static const char *cause_name(unsigned cause, char text[8])
{
    if (cause < ISA_NAMES && isa_exit_names[cause])
        return isa_exit_names[cause];
    snprintf(text, 8, "0x%02x", cause);
    return text;
}

static uint64_t exits_of_cause(const struct machine_stats *s, unsigned cause)
{
    uint64_t n = 0;

    for (unsigned i = 0; i < s->nvms; i++)
        n += s->vms[i].by_cause[cause];
    return n;
}

/* JSON ---------------------------------------------------------------------------------- */

static void put(json_t *object, const char *key, uint64_t value)
{
    json_object_set_new(object, key, json_integer((json_int_t)value));
}

static void put_vm(json_t *object, uint64_t vmcs, uint64_t vmid)
{
    bool others = vmcs == MACHINE_OTHER_VMS;
    char text[24];

    snprintf(text, sizeof text, "0x%" PRIx64, vmcs);
    json_object_set_new(object, "vmcs", json_string(others ? OTHER_VMS_NAME : text));
    put(object, "vmid", others ? 0 : vmid);
}

static json_t *json_causes(const uint64_t *by_cause)
{
    json_t *o = json_object();
    char text[8];

    for (unsigned c = 0; c < CAUSES; c++)
        if (by_cause[c])
            put(o, cause_name(c, text), by_cause[c]);
    return o;
}

/* Refused entries by the field that is wrong. */
static json_t *json_refusals(const struct machine_stats *s)
{
    json_t *o = json_object();
    char text[32];

    for (unsigned i = 0; i < MACHINE_REFUSALS; i++) {
        const char *name =
            trace_field(i < MACHINE_REFUSALS - 1 ? i : ISA_VMCS_NONE, text, sizeof text);

        if (s->refused_by[i] && name)
            put(o, name, s->refused_by[i]);
    }
    return o;
}

/* What the VM's guest retired; what it has since its last entry is with the hart. */
static uint64_t vm_instret(struct machine *m, const struct exit_count *vm)
{
    uint64_t n = vm->instret;

    for (unsigned i = 0; i < machine_config(m)->harts; i++) {
        struct hart_at at;

        machine_hart_at(m, i, &at);
        if (at.vm == vm)
            n += at.guest_instret;
    }
    return n;
}

static json_t *json_vm(struct machine *m, const struct exit_count *vm)
{
    json_t *o = json_object();
    struct exit_count now = *vm;

    now.instret = vm_instret(m, vm);
    put_vm(o, vm->vmcs, vm->vmid);
#define PUT(name, required) put(o, #name, now.name);
    VM_COUNTERS(PUT)
#undef PUT
    json_object_set_new(o, "exits_by_cause", json_causes(vm->by_cause));
    return o;
}

static json_t *json_cost(const struct exit_cost *c)
{
    json_t *o = json_object();

    put(o, "min", c->min);
    json_object_set_new(o, "mean", json_real(c->n ? (double)c->sum / (double)c->n : 0));
    put(o, "max", c->max);
    put(o, "sum", c->sum);
    return o;
}

/* How many values have so many bits, up to the last that is not 0. */
static json_t *json_buckets(const uint64_t *buckets)
{
    json_t *a = json_array();
    unsigned n = EXIT_BUCKETS;

    while (n && buckets[n - 1] == 0)
        n--;
    for (unsigned i = 0; i < n; i++)
        json_array_append_new(a, json_integer((json_int_t)buckets[i]));
    return a;
}

static json_t *json_handling(const struct exit_row *r)
{
    json_t *o = json_object();

    put(o, "count", r->handling_ticks.n);
    json_object_set_new(o, "instret", json_cost(&r->handling_insns));
    json_object_set_new(o, "cycles", json_cost(&r->handling_ticks));
    return o;
}

static json_t *json_site(const struct exit_row *r, const struct image *im)
{
    const struct place at = {true, r->vmid, r->pc, r->pc_hpa};
    json_t *o = json_object(), *cycles = json_cost(&r->return_ticks);
    char text[NAME_ROOM];

    put_vm(o, r->vmcs, r->vmid);
    json_object_set_new(o, "cause", json_string(cause_name(r->cause, text)));
    snprintf(text, sizeof text, "0x%" PRIx64, r->pc);
    json_object_set_new(o, "pc", json_string(text));
    image_name_text(im, &at, text, sizeof text);
    json_object_set_new(o, "symbol", identity_string(text));
    put(o, "count", r->count);
    put(o, "returned", r->return_ticks.n);
    put(o, "moved", r->moved);
    put(o, "emulated", r->emulated);
    json_object_set_new(o, "instret", json_cost(&r->return_insns));
    json_object_set_new(cycles, "log2", json_buckets(r->buckets));
    json_object_set_new(o, "cycles", cycles);
    json_object_set_new(o, "handling", json_handling(r));
    return o;
}

static json_t *json_sites(const struct stats_source *src)
{
    json_t *a = json_array();
    size_t n;
    const struct exit_row *rows = exits_rows(src->exits, &n);

    for (size_t i = 0; i < n; i++)
        json_array_append_new(a, json_site(&rows[i], src->image));
    return a;
}

/* What exits at places that were not kept add up to. */
static json_t *json_others(const struct exit_row *r, uint64_t rows)
{
    json_t *o = json_object();

    put(o, "places", rows);
    put(o, "count", r->count);
    put(o, "moved", r->moved);
    put(o, "emulated", r->emulated);
    json_object_set_new(o, "handling", json_handling(r));
    return o;
}

static json_t *json_percent(uint64_t part, uint64_t whole)
{
    return json_real(whole ? 100.0 * (double)part / (double)whole : 0);
}

/* Cycles of each VM's guest, and of everything else. The pipeline model knows best whose its
 * cycles are: world switches come when their instruction executes, and what it took is known
 * later. */
static json_t *json_time(const struct stats_source *src)
{
    json_t *o = json_object(), *vms = json_array();
    uint64_t total = src->pipeline ? pipeline_cycles(src->pipeline) : exits_time(src->exits);
    uint64_t rest = total, cycles;
    size_t n;
    const struct vm_share *shares = exits_shares(src->exits, &n);
    const struct exit_count *vm_of = machine_stats(src->machine)->vms;

    for (size_t i = 0; i < n; i++) {
        json_t *vm = json_object();

        put_vm(vm, vm_of[i].vmcs, vm_of[i].vmid);
        cycles = src->pipeline ? pipeline_cycles_of(src->pipeline, vm_of[i].vmcs) : shares[i].ticks;
        put(vm, "cycles", cycles);
        json_object_set_new(vm, "percent", json_percent(cycles, total));
        json_array_append_new(vms, vm);
        rest -= cycles < rest ? cycles : rest;
    }
    json_object_set_new(o, "vms", vms);
    put(o, "host", rest);
    json_object_set_new(o, "host_percent", json_percent(rest, total));
    put(o, "total", total);
    return o;
}

/* Cycles of the VMs and of everything else in equal intervals; the last one may be shorter. */
static json_t *json_timeline(const struct stats_source *src)
{
    json_t *o = json_object(), *host = json_array(), *vms = json_array(), *exits = json_array();
    const struct timeline *t = exits_timeline(src->exits);
    const struct machine_stats *s = machine_stats(src->machine);

    for (size_t v = 0; v < s->nvms; v++)
        json_array_append_new(vms, json_array());
    for (unsigned i = 0; i < TIMELINE_INTERVALS; i++) {
        uint64_t rest = 0;

        for (unsigned h = 0; h < machine_config(src->machine)->harts; h++)
            rest += timeline_overlap(t, i, exits_hart_time(src->exits, h));
        if (rest == 0)
            break;
        for (size_t v = 0; v < s->nvms; v++) {
            uint64_t n = v < t->nvms ? t->vms[v].ticks[i] : 0; /* behind them: never entered */

            json_array_append_new(json_array_get(vms, v), json_integer((json_int_t)n));
            rest -= n;
        }
        json_array_append_new(host, json_integer((json_int_t)rest));
        json_array_append_new(exits, json_integer((json_int_t)t->exits[i]));
    }
    put(o, "interval", t->interval);
    json_object_set_new(o, "host", host);
    json_object_set_new(o, "vms", vms);
    json_object_set_new(o, "exits", exits);
    return o;
}

/* NULL if memory ran out. */
static json_t *stats_object(const struct stats_source *src, const struct stats_end *end)
{
    struct machine *m = src->machine;
    const struct machine_stats counted = totals(src), *s = &counted;
    const struct exit_row *others;
    uint64_t by_cause[CAUSES], places;
    json_t *o, *e, *vms;

    json_memory_begin();
    o = json_object();
    e = json_object();
    vms = json_array();
    if (src->run)
        json_object_set(o, "run", src->run);
    json_object_set_new(o, "model", json_string(src->pipeline ? "pipeline" : "functional"));
    put(o, "harts", machine_config(m)->harts);
    json_object_set_new(e, "reason", json_string(end->reason));
    put(e, "status", (uint64_t)end->status);
    json_object_set_new(o, "end", e);
    for (unsigned i = 0; i < REPORT_TOTALS; i++)
        put(o, report_totals[i].key, count(s, i));
    json_object_set_new(o, "refused_by_field", json_refusals(s));
    for (unsigned c = 0; c < CAUSES; c++)
        by_cause[c] = exits_of_cause(s, c);
    json_object_set_new(o, "exits_by_cause", json_causes(by_cause));
    for (unsigned i = 0; i < s->nvms; i++)
        json_array_append_new(vms, json_vm(m, &s->vms[i]));
    json_object_set_new(o, "vms", vms);
    json_object_set_new(o, "exit_sites", json_sites(src));
    others = exits_others(src->exits, &places);
    if (places)
        json_object_set_new(o, "other_sites", json_others(others, places));
    json_object_set_new(o, "time", json_time(src));
    json_object_set_new(o, "timeline", json_timeline(src));
    if (src->pipeline)
        json_object_set_new(o, "pipeline", pipeline_stats_json(src->pipeline));
    if (src->switched_at)
        put(o, "switched_at", *src->switched_at);
    if (src->sampling)
        json_object_set_new(o, "sampling", sampling_json(src->sampling, s->instret));
    if (src->registers)
        json_object_set_new(o, "registers", registers_json(src->machine));
    if (!json_memory_lost() && exits_complete(src->exits) &&
        !(src->sampling && src->sampling->lost))
        return o;
    json_decref(o);
    return NULL;
}

bool stats_json(FILE *out, const struct stats_source *src, const struct stats_end *end)
{
    json_t *o = stats_object(src, end);
    bool ok = o && json_dumpf(o, out, JSON_INDENT(2)) == 0 && putc('\n', out) != EOF;

    json_decref(o);
    return ok;
}

bool stats_html(FILE *out, const struct stats_source *src, const struct stats_end *end)
{
    json_t *o = stats_object(src, end);
    struct report r = {0};
    char err[256];
    bool ok = o && report_read(&r, o, err, sizeof err) && html_report(out, &r);

    report_free(&r);
    json_decref(o);
    return ok;
}

/* Table --------------------------------------------------------------------------------- */

/* What is zero is not told. The tables of VMs and places are visa-stat's. */
bool stats_table(FILE *out, const struct stats_source *src, const struct stats_end *end)
{
    const struct machine_stats counted = totals(src), *s = &counted;
    json_t *o = stats_object(src, end);
    struct report r = {0};
    char err[256];
    bool ok = o && report_read(&r, o, err, sizeof err);

    for (unsigned i = 0; i < REPORT_TOTALS; i++)
        if (i < 2 || count(s, i))
            fprintf(out, "%-40s %16" PRIu64 "\n", report_totals[i].title, count(s, i));
    if (ok)
        report_refusals(out, &r);
    if (ok && r.nrings) {
        putc('\n', out);
        report_rings(out, &r);
    }
    if (ok && r.nvms) {
        putc('\n', out);
        report_vms(out, &r);
        putc('\n', out);
        if (r.nsites > TABLE_SITES) /* not all of them are shown */
            ok = report_sites(out, &r, BY_CAUSE, TABLE_SITES) && putc('\n', out) != EOF;
        ok = report_sites(out, &r, BY_SITE, TABLE_SITES) && ok;
    }
    report_free(&r);
    json_decref(o);
    return ok;
}
