/* The statistics of a run, summed up, as JSON (report.h). */
#include <stdlib.h>

#include "observe/json_memory.h"
#include "report.h"

static void put(json_t *o, const char *key, int64_t value)
{
    json_object_set_new(o, key, json_integer(value));
}

static void put_text(json_t *o, const char *key, const char *text)
{
    if (text)
        json_object_set_new(o, key, json_string(text));
}

static json_t *cost(const struct report_cost *c)
{
    json_t *o = json_object();

    put(o, "min", c->min);
    json_object_set_new(o, "mean", json_real(report_mean(c)));
    put(o, "max", c->max);
    put(o, "sum", c->sum);
    return o;
}

static json_t *log2_counts(const int64_t *buckets)
{
    json_t *a = json_array();
    unsigned n = EXIT_BUCKETS;

    while (n && buckets[n - 1] == 0)
        n--;
    for (unsigned i = 0; i < n; i++)
        json_array_append_new(a, json_integer(buckets[i]));
    return a;
}

/* With the keys of exit_sites; what is summed over is missing. */
static json_t *site(const struct report_row *w)
{
    json_t *o = json_object(), *handling = json_object(), *cycles = cost(&w->away[CYCLES]);

    put_text(o, "vmcs", w->vmcs);
    put(o, "vmid", w->vmid);
    put_text(o, "cause", w->cause);
    put_text(o, "pc", w->pc);
    put_text(o, "symbol", w->symbol);
    put(o, "count", w->count);
    put(o, "returned", w->away[CYCLES].n);
    put(o, "moved", w->moved);
    put(o, "emulated", w->emulated);
    json_object_set_new(o, "instret", cost(&w->away[INSTRUCTIONS]));
    json_object_set_new(cycles, "log2", log2_counts(w->buckets));
    json_object_set_new(o, "cycles", cycles);
    put(handling, "count", w->handling[CYCLES].n);
    json_object_set_new(handling, "instret", cost(&w->handling[INSTRUCTIONS]));
    json_object_set_new(handling, "cycles", cost(&w->handling[CYCLES]));
    json_object_set_new(o, "handling", handling);
    return o;
}

static json_t *vm(const struct report *r, const struct report_vm *v)
{
    json_t *o = json_object();

    if (v->vmcs) {
        put_text(o, "vmcs", v->vmcs);
        put(o, "vmid", v->vmid);
        put(o, "entries", v->entries);
        put(o, "exits", v->exits);
        put(o, "emu", v->emu);
    }
    put(o, "instret", v->instret);
    put(o, "cycles", v->cycles);
    json_object_set_new(o, "percent", json_real(report_percent(v->cycles, r->total)));
#define PUT(name, required) put(o, #name, v->name);
    VM_MEMORY_COUNTERS(PUT)
    if (v->vmcs) {
        VM_VINT_COUNTERS(PUT)
    }
#undef PUT
    return o;
}

static json_t *ring(const struct report_cycles *c)
{
    json_t *o = json_object(), *cycles = json_object();

    if (c->vmcs) {
        put_text(o, "vmcs", c->vmcs);
        put(o, "vmid", c->vmid);
    }
    put(o, "ring", c->ring);
    put(o, "instret", c->instret);
    for (unsigned i = 0; i < PIPELINE_CATEGORIES; i++)
        put(cycles, pipeline_category_names[i], c->by[i]);
    json_object_set_new(o, "cycles", cycles);
    return o;
}

bool report_json(FILE *out, const struct report *r, enum report_by by, size_t top)
{
    size_t n = 0;
    struct report_row *rows = by == BY_RING ? NULL : report_rows(r, by, &n);
    json_t *run = json_object_get(r->root, "run"), *o, *a;
    bool ok = rows || by == BY_RING;

    json_memory_begin();
    o = json_object();
    a = json_array();
    if (run)
        json_object_set(o, "run", run);
    json_object_set_new(o, "host", vm(r, &r->host));
    for (size_t i = 0; i < r->nvms; i++)
        json_array_append_new(a, vm(r, &r->vms[i]));
    json_object_set_new(o, "vms", a);
    a = json_array();
    for (size_t i = 0; i < n && (!top || i < top); i++)
        json_array_append_new(a, site(&rows[i]));
    for (size_t i = 0; by == BY_RING && i < r->nrings; i++)
        json_array_append_new(a, ring(&r->rings[i]));
    json_object_set_new(o, "rows", a);
    ok = ok && !json_memory_lost() && json_dumpf(o, out, JSON_INDENT(2)) == 0 &&
         putc('\n', out) != EOF;
    json_decref(o);
    free(rows);
    return ok;
}
