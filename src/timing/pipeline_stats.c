/* The pipeline model's counts as JSON (pipeline_stats.h); here, so that programs without SystemC
 * know the names of categories too (pipeline.h). */
#include "pipeline_stats.h"

#include <inttypes.h>

const char *const pipeline_category_names[PIPELINE_CATEGORIES] = {
    "retired", "frontend", "mispredict", "icache", "dcache", "tlb",   "walk_guest", "walk_host",
    "hazard",  "execute",  "world",      "pool",   "trap",   "flush", "device",     "wait"};

static const struct {
    const char *key;
    size_t offset;
} counts[] = {
    {"icache_misses", offsetof(struct pipeline_stats, icache_misses)},
    {"dcache_accesses", offsetof(struct pipeline_stats, dcache_accesses)},
    {"dcache_misses", offsetof(struct pipeline_stats, dcache_misses)},
    {"writebacks", offsetof(struct pipeline_stats, writebacks)},
    {"l1_fetch_misses", offsetof(struct pipeline_stats, l1_fetch_misses)},
    {"l1_data_misses", offsetof(struct pipeline_stats, l1_data_misses)},
    {"jumps", offsetof(struct pipeline_stats, jumps)},
    {"mispredicts", offsetof(struct pipeline_stats, mispredicts)},
    {"redirects", offsetof(struct pipeline_stats, redirects)},
};

static void put(json_t *object, const char *key, uint64_t value)
{
    json_object_set_new(object, key, json_integer((json_int_t)value));
}

static uint64_t cycles_of(const struct pipeline_row *r)
{
    uint64_t n = 0;

    for (unsigned i = 0; i < PIPELINE_CATEGORIES; i++)
        n += r->cycles[i];
    return n;
}

static json_t *json_row(const struct pipeline_row *r)
{
    json_t *o = json_object(), *cycles = json_object();
    char vmcs[24];

    if (r->vmcs == MACHINE_OTHER_VMS)
        snprintf(vmcs, sizeof vmcs, OTHER_VMS_NAME);
    else
        snprintf(vmcs, sizeof vmcs, "0x%" PRIx64, r->vmcs);
    put(o, "hart", r->hart);
    json_object_set_new(o, "vmcs", json_string(vmcs));
    put(o, "vmid", r->vmid);
    json_object_set_new(o, "ring", json_integer(r->ring));
    put(o, "instret", r->instret);
    for (unsigned i = 0; i < PIPELINE_CATEGORIES; i++)
        put(cycles, pipeline_category_names[i], r->cycles[i]);
    json_object_set_new(o, "cycles", cycles);
    return o;
}

uint64_t pipeline_cycles_of(const struct pipeline_stats *s, uint64_t vmcs)
{
    uint64_t n = 0;

    for (unsigned i = 0; i < s->nrows; i++)
        n += s->rows[i].vmcs == vmcs ? cycles_of(&s->rows[i]) : 0;
    return n;
}

uint64_t pipeline_cycles(const struct pipeline_stats *s)
{
    uint64_t n = 0;

    for (unsigned i = 0; i < s->nrows; i++)
        n += cycles_of(&s->rows[i]);
    return n;
}

json_t *pipeline_stats_json(const struct pipeline_stats *s)
{
    json_t *o = json_object(), *numbers = json_object(), *rows = json_array();
    uint64_t cycles = pipeline_cycles(s), instret = 0;

    for (unsigned i = 0; i < s->nrows; i++) {
        instret += s->rows[i].instret;
        json_array_append_new(rows, json_row(&s->rows[i]));
    }
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++)
        put(numbers, counts[i].key, *(const uint64_t *)((const char *)s + counts[i].offset));
    put(o, "cycles", s->cycles);
    json_object_set_new(o, "cpi", json_real(instret ? (double)cycles / (double)instret : 0));
    json_object_set_new(o, "counts", numbers);
    json_object_set_new(o, "rows", rows);
    return o;
}
