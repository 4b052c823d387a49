/* Statistics (stats.h). */
#include "stats.h"

#include <inttypes.h>
#include <jansson.h>

#include "cpu/hart.h"
#include "isa.h"
#include "report.h"
#include "trace.h"

enum { TABLE_SITES = 12, CAUSES = sizeof((struct exit_count *)0)->by_cause / sizeof(uint64_t) };

/* One row of what is counted over the whole run. */
static const struct count_row {
    const char *key, *title;
    size_t offset;
} counts[] = {
#define COUNT(key, title, field)                                                                   \
    {                                                                                              \
        key, title, offsetof(struct machine_stats, field)                                          \
    }
    COUNT("instret", "instructions retired", instret),
    COUNT("cycles", "cycles", ticks),
    COUNT("exceptions", "exceptions", exceptions),
    COUNT("interrupts", "interrupts", interrupts),
    COUNT("entries", "VM entries", entries),
    COUNT("entry_failures", "VM entries refused", entry_failures),
    COUNT("exits", "VM exits (VMCOUNT_EXIT)", exits),
    COUNT("emu", "emulated (VMCOUNT_EMU)", emu),
    COUNT("tlbmiss", "TLB misses in VMs (VMCOUNT_TLBMISS)", tlbmiss),
    COUNT("tlbmiss_host", "TLB misses outside VMs", tlbmiss_host),
    COUNT("walk_reads_guest", "page-table entries read, guest stage", walk_reads_guest),
    COUNT("walk_reads_host", "page-table entries read, host stage", walk_reads_host),
    COUNT("pool_refills", "contexts loaded into the pool", pool_refills),
    COUNT("pool_spills", "contexts spilled from the pool", pool_spills),
#undef COUNT
};
enum { COUNTS = sizeof counts / sizeof counts[0] };

static uint64_t count(const struct machine_stats *s, const struct count_row *row)
{
    return *(const uint64_t *)((const char *)s + row->offset);
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

static json_t *json_causes(const uint64_t *by_cause)
{
    json_t *o = json_object();
    char text[8];

    for (unsigned c = 0; c < CAUSES; c++)
        if (by_cause[c])
            put(o, cause_name(c, text), by_cause[c]);
    return o;
}

/* What the VM's guest retired; what it has since its last entry is with the hart. */
static uint64_t vm_instret(struct machine *m, const struct exit_count *vm)
{
    uint64_t n = vm->instret;

    for (unsigned i = 0; i < machine_config(m)->harts; i++) {
        const struct hart *h = machine_hart(m, i);

        if (h->v && h->current == vm->vmcs)
            n += h->instret - h->guest_start;
    }
    return n;
}

static json_t *json_vm(struct machine *m, const struct exit_count *vm)
{
    json_t *o = json_object();
    char vmcs[24];

    snprintf(vmcs, sizeof vmcs, "0x%" PRIx64, vm->vmcs);
    json_object_set_new(o, "vmcs", json_string(vmcs));
    put(o, "vmid", vm->vmid);
    put(o, "entries", vm->entries);
    put(o, "instret", vm_instret(m, vm));
    put(o, "exits", vm->exits);
    put(o, "emu", vm->emu);
    put(o, "tlbmiss", vm->tlbmiss);
    put(o, "walk_reads_guest", vm->walk_reads_guest);
    put(o, "walk_reads_host", vm->walk_reads_host);
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

/* A symbol may be any bytes; JSON is UTF-8. */
static json_t *json_name(char *text)
{
    json_t *name = json_string(text);

    if (name)
        return name;
    for (char *c = text; *c; c++)
        if ((unsigned char)*c >= 0x80)
            *c = '?';
    return json_string(text);
}

static json_t *json_site(const struct exit_row *r, const struct image *im)
{
    json_t *o = json_object(), *cycles = json_cost(&r->return_ticks);
    char text[256];

    snprintf(text, sizeof text, "0x%" PRIx64, r->vmcs);
    json_object_set_new(o, "vmcs", json_string(text));
    put(o, "vmid", r->vmid);
    json_object_set_new(o, "cause", json_string(cause_name(r->cause, text)));
    snprintf(text, sizeof text, "0x%" PRIx64, r->pc);
    json_object_set_new(o, "pc", json_string(text));
    trace_place(im, r->pc, r->pc_hpa, text, sizeof text);
    json_object_set_new(o, "symbol", json_name(text));
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

static json_t *json_percent(uint64_t part, uint64_t whole)
{
    return json_real(whole ? 100.0 * (double)part / (double)whole : 0);
}

/* Cycles of each VM's guest, and of everything else. */
static json_t *json_time(const struct stats_source *src)
{
    json_t *o = json_object(), *vms = json_array();
    uint64_t total = exits_time(src->exits), rest = total;
    size_t n;
    const struct vm_share *shares = exits_shares(src->exits, &n);

    for (size_t i = 0; i < n; i++) {
        json_t *vm = json_object();
        char text[24];

        snprintf(text, sizeof text, "0x%" PRIx64, shares[i].vmcs);
        json_object_set_new(vm, "vmcs", json_string(text));
        put(vm, "vmid", shares[i].vmid);
        put(vm, "cycles", shares[i].ticks);
        json_object_set_new(vm, "percent", json_percent(shares[i].ticks, total));
        json_array_append_new(vms, vm);
        rest -= shares[i].ticks < rest ? shares[i].ticks : rest;
    }
    json_object_set_new(o, "vms", vms);
    put(o, "host", rest);
    json_object_set_new(o, "host_percent", json_percent(rest, total));
    put(o, "total", total);
    return o;
}

static json_t *stats_object(const struct stats_source *src, const struct stats_end *end)
{
    struct machine *m = src->machine;
    const struct machine_stats *s = machine_stats(m);
    uint64_t by_cause[CAUSES];
    json_t *o = json_object(), *e = json_object(), *vms = json_array();

    json_object_set_new(o, "model", json_string("functional"));
    put(o, "harts", machine_config(m)->harts);
    json_object_set_new(e, "reason", json_string(end->reason));
    put(e, "status", (uint64_t)end->status);
    json_object_set_new(o, "end", e);
    for (unsigned i = 0; i < COUNTS; i++)
        put(o, counts[i].key, count(s, &counts[i]));
    for (unsigned c = 0; c < CAUSES; c++)
        by_cause[c] = exits_of_cause(s, c);
    json_object_set_new(o, "exits_by_cause", json_causes(by_cause));
    for (unsigned i = 0; i < s->nvms; i++)
        json_array_append_new(vms, json_vm(m, &s->vms[i]));
    json_object_set_new(o, "vms", vms);
    json_object_set_new(o, "exit_sites", json_sites(src));
    json_object_set_new(o, "time", json_time(src));
    return o;
}

bool stats_json(FILE *out, const struct stats_source *src, const struct stats_end *end)
{
    json_t *o = stats_object(src, end);
    bool ok = json_dumpf(o, out, JSON_INDENT(2)) == 0 && putc('\n', out) != EOF;

    json_decref(o);
    return ok;
}

/* Table --------------------------------------------------------------------------------- */

/* What is zero is not told. The tables of VMs and places are visa-stat's. */
bool stats_table(FILE *out, const struct stats_source *src, const struct stats_end *end)
{
    const struct machine_stats *s = machine_stats(src->machine);
    json_t *o = stats_object(src, end);
    struct report r;
    char err[256];
    bool ok = report_read(&r, o, err, sizeof err);

    for (unsigned i = 0; i < COUNTS; i++)
        if (i < 2 || count(s, &counts[i]))
            fprintf(out, "%-40s %16" PRIu64 "\n", counts[i].title, count(s, &counts[i]));
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
