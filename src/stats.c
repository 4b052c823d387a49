/* Statistics (stats.h). */
#include "stats.h"

#include <inttypes.h>
#include <jansson.h>

#include "isa.h"

enum { CAUSES = sizeof ((struct exit_count *)0)->by_cause / sizeof(uint64_t) };

/* One row of what is counted over the whole run. */
static const struct count_row {
    const char *key, *title;
    size_t offset;
} counts[] = {
#define COUNT(key, title, field) {key, title, offsetof(struct machine_stats, field)}
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

static json_t *json_vm(const struct exit_count *vm)
{
    json_t *o = json_object();
    char vmcs[24];

    snprintf(vmcs, sizeof vmcs, "0x%" PRIx64, vm->vmcs);
    json_object_set_new(o, "vmcs", json_string(vmcs));
    put(o, "vmid", vm->vmid);
    put(o, "entries", vm->entries);
    put(o, "instret", vm->instret);
    put(o, "exits", vm->exits);
    put(o, "emu", vm->emu);
    put(o, "tlbmiss", vm->tlbmiss);
    json_object_set_new(o, "exits_by_cause", json_causes(vm->by_cause));
    return o;
}

bool stats_json(FILE *out, struct machine *m, const struct stats_end *end)
{
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
        json_array_append_new(vms, json_vm(&s->vms[i]));
    json_object_set_new(o, "vms", vms);
    ok = json_dumpf(o, out, JSON_INDENT(2)) == 0 && putc('\n', out) != EOF;
    json_decref(o);
    return ok;
}

/* Table --------------------------------------------------------------------------------- */

static void table_vm(FILE *out, const struct exit_count *vm)
{
    char text[8];

    fprintf(out, "VM %u, VMCS 0x%" PRIx64 "\n", vm->vmid, vm->vmcs);
    fprintf(out, "  %-38s %16" PRIu64 "\n", "instructions retired", vm->instret);
    fprintf(out, "  %-38s %16" PRIu64 "\n", "entries", vm->entries);
    fprintf(out, "  %-38s %16" PRIu64 "\n", "emulated (VMCOUNT_EMU)", vm->emu);
    fprintf(out, "  %-38s %16" PRIu64 "\n", "TLB misses (VMCOUNT_TLBMISS)", vm->tlbmiss);
    fprintf(out, "  %-38s %16" PRIu64 "\n", "exits (VMCOUNT_EXIT)", vm->exits);
    for (unsigned c = 0; c < CAUSES; c++)
        if (vm->by_cause[c])
            fprintf(out, "    0x%02x %-31s %16" PRIu64 "\n", c, cause_name(c, text), vm->by_cause[c]);
}

/* A machine that entered no VM is told about without the rows that then are zero. */
void stats_table(FILE *out, struct machine *m)
{
    const struct machine_stats *s = machine_stats(m);

    for (unsigned i = 0; i < COUNTS; i++)
        if (i < 2 || count(s, &counts[i]))
            fprintf(out, "%-40s %16" PRIu64 "\n", counts[i].title, count(s, &counts[i]));
    for (unsigned i = 0; i < s->nvms; i++)
        table_vm(out, &s->vms[i]);
}
