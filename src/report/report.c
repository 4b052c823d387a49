/* Reading the statistics of a run, and summing them up (report.h). */
#include "report.h"

#include <inttypes.h>

#include <stdlib.h>
#include <string.h>

#include "text.h"
#include "observe/timeline.h"

const struct report_total report_totals[REPORT_TOTALS] = {
#define TOTAL(name, title) {#name, title},
    MACHINE_COUNTERS(TOTAL)};

/* No sum of a run's numbers may overflow, nor a scale that reaches over it. */
#define LARGEST_SUM 0x1p60

/* One row's four costs: their JSON is {min, mean, max, sum}, how many there were stands beside. */
static bool read_cost(json_t *o, const char *key, int64_t n, struct report_cost *c, char *err,
                      size_t size)
{
    json_error_t e;
    json_int_t min, max, sum;

    if (json_unpack_ex(o, &e, 0, "{s:{s:I, s:I, s:I}}", key, "min", &min, "max", &max, "sum",
                       &sum)) {
        snprintf(err, size, "%s: %.120s", key, e.text);
        return false;
    }
    *c = (struct report_cost){n, min, max, sum};
    return true;
}

static bool read_buckets(json_t *array, int64_t *buckets)
{
    size_t i;
    json_t *value;

    if (json_array_size(array) > EXIT_BUCKETS)
        return false;
    json_array_foreach(array, i, value)
    {
        if (!json_is_integer(value) || json_integer_value(value) < 0)
            return false;
        buckets[i] = json_integer_value(value);
    }
    return true;
}

static bool read_site(json_t *o, struct report_row *s, char *err, size_t n)
{
    json_int_t vmid, count, returned, moved, emulated, handled;
    json_t *handling, *buckets;
    json_error_t e;

    if (json_unpack_ex(
            o, &e, 0, "{s:s, s:I, s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:{s:o}, s:o, s:{s:I}}",
            "vmcs", &s->vmcs, "vmid", &vmid, "cause", &s->cause, "pc", &s->pc, "symbol", &s->symbol,
            "count", &count, "returned", &returned, "moved", &moved, "emulated", &emulated,
            "cycles", "log2", &buckets, "handling", &handling, "handling", "count", &handled)) {
        snprintf(err, n, "%s", e.text);
        return false;
    }
    s->vmid = vmid;
    s->count = count;
    s->moved = moved;
    s->emulated = emulated;
    if (!read_buckets(buckets, s->buckets)) {
        snprintf(err, n, "log2: expected at most %d counts", EXIT_BUCKETS);
        return false;
    }
    return read_cost(o, "instret", returned, &s->away[INSTRUCTIONS], err, n) &&
           read_cost(o, "cycles", returned, &s->away[CYCLES], err, n) &&
           read_cost(handling, "instret", handled, &s->handling[INSTRUCTIONS], err, n) &&
           read_cost(handling, "cycles", handled, &s->handling[CYCLES], err, n);
}

static bool read_counter(json_t *o, const char *key, bool required, int64_t *to, char *err,
                         size_t n)
{
    json_t *value = json_object_get(o, key);

    *to = json_integer_value(value);
    if (json_is_integer(value) || (!value && !required))
        return true;
    snprintf(err, n, value ? "%s: expected an integer" : "%s is missing", key);
    return false;
}

static bool read_vm(json_t *o, struct report_vm *v, char *err, size_t n)
{
    json_int_t vmid;
    json_error_t e;

    if (json_unpack_ex(o, &e, 0, "{s:s, s:I}", "vmcs", &v->vmcs, "vmid", &vmid)) {
        snprintf(err, n, "%s", e.text);
        return false;
    }
    v->vmid = vmid;
#define READ(name, required) &&read_counter(o, #name, required, &v->name, err, n)
    return true VM_COUNTERS(READ);
}

const char *report_vm_name(const char *vmcs, int64_t vmid, char text[REPORT_NAME])
{
    if (strcmp(vmcs, OTHER_VMS_NAME) == 0)
        return "other VMs";
    snprintf(text, REPORT_NAME, "VM %" PRId64, vmid);
    return text;
}

/* Cycles are told beside the VMs' counts. */
static void read_time(struct report *r, json_t *vms)
{
    size_t i;
    json_t *o;

    json_array_foreach(vms, i, o)
    {
        const char *vmcs = json_string_value(json_object_get(o, "vmcs"));

        for (size_t v = 0; vmcs && v < r->nvms; v++)
            if (strcmp(r->vms[v].vmcs, vmcs) == 0)
                r->vms[v].cycles = json_integer_value(json_object_get(o, "cycles"));
    }
}

/* What the totals have and no VM has is Ring -1's. */
static void subtract_vms(struct report *r, json_t *root)
{
    for (size_t i = 0; i < r->nvms; i++) {
        r->host.instret -= r->vms[i].instret;
#define SUBTRACT(name, required) r->host.name -= r->vms[i].name;
        VM_MEMORY_COUNTERS(SUBTRACT)
    }
    r->host.tlbmiss = json_integer_value(json_object_get(root, "tlbmiss_host"));
}

static bool read_numbers(int64_t *to, json_t *array, size_t n)
{
    size_t i;
    json_t *value;

    if (json_array_size(array) != n)
        return false;
    json_array_foreach(array, i, value)
    {
        if (!json_is_integer(value) || json_integer_value(value) < 0)
            return false;
        to[i] = json_integer_value(value);
    }
    return true;
}

/* True without one, too. False with the reason. */
static bool read_timeline(struct report *r, json_t *o, const char **why)
{
    json_t *host = json_object_get(o, "host"), *vms = json_object_get(o, "vms");
    size_t n = json_array_size(host);
    bool ok;

    *why = "timeline: expected interval, host, a row for each of vms, exits";
    if (!o || n == 0)
        return !o || json_is_array(host);
    r->interval = json_integer_value(json_object_get(o, "interval"));
    if (n > TIMELINE_INTERVALS || r->interval <= 0 ||
        r->interval > INT64_MAX / TIMELINE_INTERVALS || json_array_size(vms) != r->nvms)
        return false;
    r->timeline = calloc((r->nvms + 2) * n, sizeof *r->timeline);
    if (!r->timeline) {
        *why = "out of memory";
        return false;
    }
    r->nintervals = n;
    ok = read_numbers(r->timeline, host, n) &&
         read_numbers(r->timeline + (r->nvms + 1) * n, json_object_get(o, "exits"), n);
    for (size_t v = 0; v < r->nvms; v++)
        ok = ok && read_numbers(r->timeline + (v + 1) * n, json_array_get(vms, v), n);
    return ok;
}

/* Of a run that the pipeline model ran in part, its Ring -1's cycles are of that part; exit sites
 * and timeline are of the whole. */
static int64_t handled_in(const struct report *r)
{
    int64_t sum = 0;

    if (!json_object_get(r->root, "sampling") && !json_object_get(r->root, "switched_at"))
        return r->host.cycles;
    for (size_t i = 0; i < r->nintervals; i++)
        sum += report_when(r, 0, i);
    return sum;
}

int64_t report_when(const struct report *r, size_t row, size_t interval)
{
    return r->timeline[row * r->nintervals + interval];
}

static bool read_totals(struct report *r, json_t *root, char *err, size_t n)
{
    json_int_t harts, instret, cycles, exits, tlbmiss, ring, total;
    json_error_t e;
    char why[128];
    bool ok;

    if (json_unpack_ex(root, &e, 0, "{s:s, s:I, s:I, s:I, s:I, s:I, s:{s:I, s:I}}", "model",
                       &r->model, "harts", &harts, "instret", &instret, "cycles", &cycles, "exits",
                       &exits, "tlbmiss_host", &tlbmiss, "time", "host", &ring, "total", &total)) {
        snprintf(err, n, "expected what visa-sim --stats writes: %s", e.text);
        return false;
    }
    r->harts = harts;
    r->cycles = cycles;
    r->exits = exits;
    r->total = total;
    r->host = (struct report_vm){.instret = instret, .cycles = ring};
#define READ_HOST(name, required)                                                                  \
    &&read_counter(root, #name, required, &r->host.name, why, sizeof why)
    ok = true VM_MEMORY_COUNTERS(READ_HOST);
    if (!ok)
        snprintf(err, n, "expected what visa-sim --stats writes: %s", why);
    return ok;
}

/* Adds up all numbers but those of the plan of samples, which nothing is added to; a negative one is
 * too large at once, but a ring. */
static double add_up(json_t *o)
{
    double sum = 0;
    const char *key;
    size_t i;
    json_t *value;

    if (json_is_integer(o))
        return json_integer_value(o) < 0 ? LARGEST_SUM * 2 : (double)json_integer_value(o);
    json_object_foreach(o, key, value)
    {
        sum += strcmp(key, "ring") && strcmp(key, "sampling") ? add_up(value) : 0;
    }
    json_array_foreach(o, i, value)
    {
        sum += add_up(value);
    }
    return sum;
}

/* Nothing that others wrote may control a terminal, or end a line. What ran is shown otherwise, as
 * strings of JSON (identity.h). */
static bool escape_text(json_t *text)
{
    size_t room = 4 * json_string_length(text) + 1;
    char *safe = malloc(room);
    bool ok = safe;

    if (ok) {
        text_escape(safe, room, json_string_value(text), "");
        ok = strcmp(safe, json_string_value(text)) == 0 || json_string_set(text, safe) == 0;
    }
    free(safe);
    return ok;
}

static bool escape_texts(json_t *v)
{
    size_t i;
    const char *key;
    json_t *part;

    if (json_is_string(v))
        return escape_text(v);
    json_array_foreach(v, i, part)
    {
        if (!escape_texts(part))
            return false;
    }
    json_object_foreach(v, key, part)
    {
        if (strcmp(key, "run") != 0 && !escape_texts(part))
            return false;
    }
    return true;
}

bool report_read(struct report *r, json_t *root, char *err, size_t n)
{
    json_t *sites = json_object_get(root, "exit_sites"), *vms = json_object_get(root, "vms");
    const char *reason;
    char why[160];

    *r = (struct report){0};
    if (add_up(root) > LARGEST_SUM) {
        snprintf(err, n, "expected counts, not a negative number or one that is too large");
        return false;
    }
    if (!escape_texts(root)) {
        snprintf(err, n, "out of memory");
        return false;
    }
    if (!read_totals(r, root, err, n))
        return false;
    r->sites = calloc(json_array_size(sites) + 1, sizeof *r->sites);
    r->vms = calloc(json_array_size(vms) + 1, sizeof *r->vms);
    if (!r->sites || !r->vms) {
        snprintf(err, n, "out of memory");
        return false;
    }
    for (; r->nvms < json_array_size(vms); r->nvms++)
        if (!read_vm(json_array_get(vms, r->nvms), &r->vms[r->nvms], why, sizeof why)) {
            snprintf(err, n, "vms[%zu]: %s", r->nvms, why);
            return false;
        }
    for (; r->nsites < json_array_size(sites); r->nsites++)
        if (!read_site(json_array_get(sites, r->nsites), &r->sites[r->nsites], why, sizeof why)) {
            snprintf(err, n, "exit_sites[%zu]: %s", r->nsites, why);
            return false;
        }
    read_time(r, json_object_get(json_object_get(root, "time"), "vms"));
    subtract_vms(r, root);
    r->root = root;
    if (!read_timeline(r, json_object_get(root, "timeline"), &reason)) {
        snprintf(err, n, "%s", reason);
        return false;
    }
    r->handled_in = handled_in(r);
    return report_read_cycles(r, root, err, n);
}

void report_free(struct report *r)
{
    free(r->sites);
    free(r->vms);
    free(r->rings);
    free(r->timeline);
}

static void add_cost(struct report_cost *to, const struct report_cost *from)
{
    if (from->n && (!to->n || from->min < to->min))
        to->min = from->min;
    if (from->n && (!to->n || from->max > to->max))
        to->max = from->max;
    to->n += from->n;
    to->sum += from->sum;
}

void report_add(struct report_row *to, const struct report_row *from)
{
    to->count += from->count;
    to->emulated += from->emulated;
    to->moved += from->moved;
    for (unsigned u = 0; u < UNITS; u++) {
        add_cost(&to->handling[u], &from->handling[u]);
        add_cost(&to->away[u], &from->away[u]);
    }
    for (unsigned i = 0; i < EXIT_BUCKETS; i++)
        to->buckets[i] += from->buckets[i];
}

static int compare(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) : 0;
}

static int by_place(const void *pa, const void *pb)
{
    const struct report_row *a = pa, *b = pb;
    int order = compare(a->vmcs, b->vmcs);

    if (order == 0)
        order = compare(a->cause, b->cause);
    return order ? order : compare(a->pc, b->pc);
}

static int by_count(const void *pa, const void *pb)
{
    const struct report_row *a = pa, *b = pb;

    if (a->count != b->count)
        return a->count < b->count ? 1 : -1;
    return by_place(pa, pb);
}

struct report_row *report_rows(const struct report *r, enum report_by by, size_t *n)
{
    struct report_row *rows = malloc((r->nsites + 1) * sizeof *rows);

    *n = 0;
    if (!rows)
        return NULL;
    memcpy(rows, r->sites, r->nsites * sizeof *rows);
    for (size_t i = 0; i < r->nsites; i++) {
        if (by != BY_SITE)
            rows[i].pc = rows[i].symbol = NULL;
        if (by == BY_VM)
            rows[i].cause = NULL;
    }
    qsort(rows, r->nsites, sizeof *rows, by_place);
    for (size_t i = 0; i < r->nsites; i++)
        if (*n && by_place(&rows[*n - 1], &rows[i]) == 0)
            report_add(&rows[*n - 1], &rows[i]);
        else
            rows[(*n)++] = rows[i];
    qsort(rows, *n, sizeof *rows, by_count);
    return rows;
}

bool report_timed(const struct report *r)
{
    return strcmp(r->model, "functional") != 0;
}

double report_mean(const struct report_cost *c)
{
    return c->n ? (double)c->sum / (double)c->n : 0;
}

double report_percent(int64_t part, int64_t whole)
{
    return whole ? 100.0 * (double)part / (double)whole : 0;
}

const char *report_handled(const struct report *r, int64_t cycles, char text[REPORT_FIT])
{
    if (r->handled_in)
        snprintf(text, REPORT_FIT, "%.1f %%", report_percent(cycles, r->handled_in));
    return r->handled_in ? text : "-";
}
