/* Statistics (stats.h). */
#include "stats.h"

#include <inttypes.h>
#include <jansson.h>

#include "cpu/hart.h"
#include "isa.h"

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
    json_object_set_new(o, "exits_by_cause", json_causes(vm->by_cause));
    return o;
}

/* From the exit to the VM's next entry. */
static json_t *json_cost(const struct exit_cost *c, uint64_t n)
{
    json_t *o = json_object();

    put(o, "min", c->min);
    json_object_set_new(o, "mean", json_real(n ? (double)c->sum / (double)n : 0));
    put(o, "max", c->max);
    put(o, "sum", c->sum);
    return o;
}

/* "name+0x10", or "" where no symbol is known. */
static const char *place_name(const struct image *im, uint64_t pc, char *text, size_t n)
{
    uint64_t offset;
    const struct symbol *s = im ? image_symbol_at(im, pc, &offset) : NULL;

    text[0] = 0;
    if (s && offset)
        snprintf(text, n, "%s+0x%" PRIx64, s->name, offset);
    else if (s)
        snprintf(text, n, "%s", s->name);
    return text;
}

static json_t *json_site(const struct exit_row *r, const struct image *im)
{
    json_t *o = json_object();
    char text[256];

    snprintf(text, sizeof text, "0x%" PRIx64, r->vmcs);
    json_object_set_new(o, "vmcs", json_string(text));
    put(o, "vmid", r->vmid);
    json_object_set_new(o, "cause", json_string(cause_name(r->cause, text)));
    snprintf(text, sizeof text, "0x%" PRIx64, r->pc);
    json_object_set_new(o, "pc", json_string(text));
    json_object_set_new(o, "symbol", json_string(place_name(im, r->pc, text, sizeof text)));
    put(o, "count", r->count);
    put(o, "returned", r->returned);
    put(o, "emulated", r->emulated);
    json_object_set_new(o, "instret", json_cost(&r->insns, r->returned));
    json_object_set_new(o, "cycles", json_cost(&r->ticks, r->returned));
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

/* Cycles of each VM's guest, and of everything else. */
static json_t *json_share(const struct stats_source *src)
{
    json_t *o = json_object(), *vms = json_array();
    uint64_t rest = machine_stats(src->machine)->ticks;
    size_t n;
    const struct vm_share *shares = exits_shares(src->exits, &n);

    for (size_t i = 0; i < n; i++) {
        json_t *vm = json_object();
        char text[24];

        snprintf(text, sizeof text, "0x%" PRIx64, shares[i].vmcs);
        json_object_set_new(vm, "vmcs", json_string(text));
        put(vm, "vmid", shares[i].vmid);
        put(vm, "cycles", shares[i].ticks);
        json_array_append_new(vms, vm);
        rest -= shares[i].ticks < rest ? shares[i].ticks : rest;
    }
    json_object_set_new(o, "vms", vms);
    put(o, "host", rest);
    return o;
}

bool stats_json(FILE *out, const struct stats_source *src, const struct stats_end *end)
{
    struct machine *m = src->machine;
    const struct machine_stats *s = machine_stats(m);
    uint64_t by_cause[CAUSES];
    json_t *o = json_object(), *e = json_object(), *vms = json_array();
    bool ok;

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
    if (src->exits) {
        json_object_set_new(o, "exit_sites", json_sites(src));
        json_object_set_new(o, "time", json_share(src));
    }
    ok = json_dumpf(o, out, JSON_INDENT(2)) == 0 && putc('\n', out) != EOF;
    json_decref(o);
    return ok;
}

/* Table --------------------------------------------------------------------------------- */

static void table_vm(FILE *out, struct machine *m, const struct exit_count *vm)
{
    char text[8];

    fprintf(out, "VM %u, VMCS 0x%" PRIx64 "\n", vm->vmid, vm->vmcs);
    fprintf(out, "  %-38s %16" PRIu64 "\n", "instructions retired", vm_instret(m, vm));
    fprintf(out, "  %-38s %16" PRIu64 "\n", "entries", vm->entries);
    fprintf(out, "  %-38s %16" PRIu64 "\n", "emulated (VMCOUNT_EMU)", vm->emu);
    fprintf(out, "  %-38s %16" PRIu64 "\n", "TLB misses (VMCOUNT_TLBMISS)", vm->tlbmiss);
    fprintf(out, "  %-38s %16" PRIu64 "\n", "exits (VMCOUNT_EXIT)", vm->exits);
    for (unsigned c = 0; c < CAUSES; c++)
        if (vm->by_cause[c])
            fprintf(out, "    0x%02x %-31s %16" PRIu64 "\n", c, cause_name(c, text),
                    vm->by_cause[c]);
}

/* The places that exit most: who, why, where, and what it costs. */
static void table_sites(FILE *out, const struct stats_source *src)
{
    size_t n;
    const struct exit_row *rows = exits_rows(src->exits, &n);
    char cause[8], place[256];

    if (n)
        fprintf(out, "%10s %5s %-11s %-18s %24s  %s\n", "exits", "VM", "cause", "guest pc",
                "instructions to re-entry", "symbol");
    for (size_t i = 0; i < n && i < TABLE_SITES; i++) {
        const struct exit_row *r = &rows[i];

        fprintf(out,
                "%10" PRIu64 " %5u %-11s 0x%-16" PRIx64 " %7" PRIu64 " %8.1f %7" PRIu64 "  %s\n",
                r->count, r->vmid, cause_name(r->cause, cause), r->pc, r->insns.min,
                r->returned ? (double)r->insns.sum / (double)r->returned : 0.0, r->insns.max,
                place_name(src->image, r->pc, place, sizeof place));
    }
    if (n > TABLE_SITES)
        fprintf(out, "%10s and %zu more places: see visa-stat\n", "", n - TABLE_SITES);
}

/* A machine that entered no VM is told about without the rows that then are zero. */
void stats_table(FILE *out, const struct stats_source *src)
{
    const struct machine_stats *s = machine_stats(src->machine);

    for (unsigned i = 0; i < COUNTS; i++)
        if (i < 2 || count(s, &counts[i]))
            fprintf(out, "%-40s %16" PRIu64 "\n", counts[i].title, count(s, &counts[i]));
    for (unsigned i = 0; i < s->nvms; i++)
        table_vm(out, src->machine, &s->vms[i]);
    if (src->exits)
        table_sites(out, src);
}
