/* visa-stat: what the statistics of a run say about exits, as a table or as CSV. Manual
 * page: visa-stat(1). */
#include <getopt.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STATUS_FILE = 1, STATUS_USAGE = 2 };

/* One row of output: exits of one place, cause or VM. */
struct row {
    int64_t vmid;
    const char *vmcs, *cause, *pc, *symbol; /* NULL where rows are summed over it */
    int64_t count, emulated;
    int64_t returned;      /* exits that the VM was entered again after */
    int64_t min, max, sum; /* instructions from exit to re-entry */
    int64_t cycles;
};

enum by { BY_SITE, BY_CAUSE, BY_VM };

struct report {
    struct row *rows;
    size_t n;
    int64_t exits, cycles, host;
};

static bool fail(const char *path, const char *what)
{
    fprintf(stderr, "visa-stat: %s: %s\n", path, what);
    return false;
}

static bool same(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

/* The row that a place counts into: its own, or that of its cause or VM. */
static struct row *row_for(struct report *r, const struct row *site, enum by by)
{
    struct row key = *site;

    if (by != BY_SITE)
        key.pc = key.symbol = NULL;
    if (by == BY_VM)
        key.cause = NULL;
    for (size_t i = 0; i < r->n; i++)
        if (same(r->rows[i].vmcs, key.vmcs) && same(r->rows[i].cause, key.cause) &&
            same(r->rows[i].pc, key.pc))
            return &r->rows[i];
    key.count = key.emulated = key.returned = key.sum = key.cycles = 0;
    r->rows[r->n] = key;
    return &r->rows[r->n++];
}

static void add(struct row *to, const struct row *site)
{
    to->count += site->count;
    to->emulated += site->emulated;
    to->sum += site->sum;
    to->cycles += site->cycles;
    if (site->returned && (!to->returned || site->min < to->min))
        to->min = site->min;
    if (site->returned && (!to->returned || site->max > to->max))
        to->max = site->max;
    to->returned += site->returned;
}

/* One element of exit_sites; false if it is not what visa-sim writes. */
static bool read_site(json_t *o, struct row *s)
{
    json_int_t vmid, count, returned, emulated, min, max, sum, cycles;

    if (json_unpack(o, "{s:s, s:I, s:s, s:s, s:s, s:I, s:I, s:I, s:{s:I, s:I, s:I}, s:{s:I}}",
                    "vmcs", &s->vmcs, "vmid", &vmid, "cause", &s->cause, "pc", &s->pc, "symbol",
                    &s->symbol, "count", &count, "returned", &returned, "emulated", &emulated,
                    "instret", "min", &min, "max", &max, "sum", &sum, "cycles", "sum", &cycles))
        return false;
    s->vmid = vmid;
    s->count = count;
    s->returned = returned;
    s->emulated = emulated;
    s->min = min;
    s->max = max;
    s->sum = sum;
    s->cycles = cycles;
    return true;
}

static int by_count(const void *pa, const void *pb)
{
    const struct row *a = pa, *b = pb;
    int order;

    if (a->count != b->count)
        return a->count < b->count ? 1 : -1;
    if ((order = strcmp(a->vmcs, b->vmcs)))
        return order;
    if (a->cause && (order = strcmp(a->cause, b->cause)))
        return order;
    return a->pc ? strcmp(a->pc, b->pc) : 0;
}

static bool read_report(struct report *r, json_t *root, const char *path, enum by by)
{
    json_t *sites = json_object_get(root, "exit_sites"), *site;
    json_int_t exits = 0, cycles = 0, host = 0;
    size_t i;

    if (!json_is_array(sites) || json_unpack(root, "{s:I, s:I, s:{s:I}}", "exits", &exits, "cycles",
                                             &cycles, "time", "host", &host))
        return fail(path, "no statistics of a run: expected what visa-sim --stats writes");
    r->exits = exits;
    r->cycles = cycles;
    r->host = host;
    r->rows = calloc(json_array_size(sites) + 1, sizeof *r->rows);
    if (!r->rows)
        return fail(path, "out of memory");
    json_array_foreach(sites, i, site)
    {
        struct row s = {0};

        if (!read_site(site, &s)) {
            fprintf(stderr, "visa-stat: %s: exit_sites[%zu] is not what visa-sim --stats writes\n",
                    path, i);
            return false;
        }
        add(row_for(r, &s, by), &s);
    }
    qsort(r->rows, r->n, sizeof *r->rows, by_count);
    return true;
}

static double mean(const struct row *r)
{
    return r->returned ? (double)r->sum / (double)r->returned : 0;
}

static double percent(int64_t part, int64_t whole)
{
    return whole ? 100.0 * (double)part / (double)whole : 0;
}

static void print_table(const struct report *r, size_t top)
{
    printf("%" PRId64 " exits; %.1f %% of %" PRId64 " cycles outside the guests\n", r->exits,
           percent(r->host, r->cycles), r->cycles);
    printf("%10s %6s %9s %5s %-18s %-11s %-18s %25s  %s\n", "exits", "%", "emulated", "VM", "VMCS",
           "cause", "guest pc", "instructions to re-entry", "symbol");
    for (size_t i = 0; i < r->n && (!top || i < top); i++) {
        const struct row *w = &r->rows[i];

        printf("%10" PRId64 " %6.1f %9" PRId64 " %5" PRId64 " %-18s %-11s %-18s %7" PRId64
               " %9.1f %7" PRId64 "  %s\n",
               w->count, percent(w->count, r->exits), w->emulated, w->vmid, w->vmcs,
               w->cause ? w->cause : "all", w->pc ? w->pc : "all", w->min, mean(w), w->max,
               w->symbol ? w->symbol : "");
    }
    if (top && r->n > top)
        printf("%10s and %zu more rows (--top 0 shows all)\n", "", r->n - top);
}

static void print_csv(const struct report *r, size_t top)
{
    puts("exits,emulated,vmid,vmcs,cause,pc,symbol,instret_min,instret_mean,instret_max,cycles");
    for (size_t i = 0; i < r->n && (!top || i < top); i++) {
        const struct row *w = &r->rows[i];

        printf("%" PRId64 ",%" PRId64 ",%" PRId64 ",%s,%s,%s,%s,%" PRId64 ",%.3f,%" PRId64
               ",%" PRId64 "\n",
               w->count, w->emulated, w->vmid, w->vmcs, w->cause ? w->cause : "",
               w->pc ? w->pc : "", w->symbol ? w->symbol : "", w->min, mean(w), w->max, w->cycles);
    }
}

static void help(void)
{
    puts("Usage: visa-stat [options] FILE\n"
         "Shows where the exits of a run came from; FILE is what visa-sim --stats FILE wrote,\n"
         "- is standard input.\n\n"
         "  -b, --by WHAT    a row for each site (VM, cause and guest pc), cause or vm\n"
         "  -n, --top N      the first N rows only; 0 is all (default 20)\n"
         "  -c, --csv        comma-separated values, all rows unless --top says otherwise\n"
         "  -V, --version    print the version and exit\n"
         "  -h, --help       print this and exit");
}

static int usage(const char *what, const char *value)
{
    fprintf(stderr, "visa-stat: %s%s (see --help)\n", what, value);
    return STATUS_USAGE;
}

static bool parse_by(const char *text, enum by *by)
{
    static const char *const names[] = {[BY_SITE] = "site", [BY_CAUSE] = "cause", [BY_VM] = "vm"};

    for (*by = BY_SITE; *by <= BY_VM; ++*by)
        if (strcmp(text, names[*by]) == 0)
            return true;
    return false;
}

static int show(const char *path, enum by by, bool csv, size_t top)
{
    struct report r = {0};
    json_error_t error;
    json_t *root =
        strcmp(path, "-") ? json_load_file(path, 0, &error) : json_loadf(stdin, 0, &error);
    bool ok;

    if (!root) {
        fprintf(stderr, "visa-stat: %s:%d:%d: %s\n", path, error.line, error.column, error.text);
        return STATUS_FILE;
    }
    ok = read_report(&r, root, path, by);
    if (ok && csv)
        print_csv(&r, top);
    else if (ok)
        print_table(&r, top);
    free(r.rows);
    json_decref(root);
    if (fflush(stdout))
        ok = fail("standard output", "could not be written completely");
    return ok ? 0 : STATUS_FILE;
}

int main(int argc, char **argv)
{
    static const struct option longs[] = {
        {"by", required_argument, 0, 'b'}, {"top", required_argument, 0, 'n'},
        {"csv", no_argument, 0, 'c'},      {"version", no_argument, 0, 'V'},
        {"help", no_argument, 0, 'h'},     {0, 0, 0, 0}};
    enum by by = BY_SITE;
    bool csv = false, top_given = false;
    size_t top = 20;
    char *end;

    for (int c; (c = getopt_long(argc, argv, "b:n:cVh", longs, NULL)) != -1;) {
        switch (c) {
        case 'b':
            if (!parse_by(optarg, &by))
                return usage("--by: expected site, cause or vm, not ", optarg);
            break;
        case 'n':
            top = strtoull(optarg, &end, 10);
            top_given = true;
            if (*end || optarg[0] < '0' || optarg[0] > '9')
                return usage("--top: not a number: ", optarg);
            break;
        case 'c': csv = true; break;
        case 'V': puts("visa-stat " PACKAGE_VERSION); return 0;
        case 'h': help(); return 0;
        default: return STATUS_USAGE;
        }
    }
    if (argc - optind != 1)
        return usage("expected one FILE", "");
    return show(argv[optind], by, csv, csv && !top_given ? 0 : top);
}
