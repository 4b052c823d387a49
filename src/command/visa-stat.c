/* visa-stat: what the statistics of a run say about exits and cycles, as tables, CSV, JSON, a
 * picture or a report, and what changed between two runs. Manual page: visa-stat(1). */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "files.h"
#include "built-with.h"
#include "report/compare.h"
#include "report/html.h"
#include "observe/identity.h"
#include "observe/json_memory.h"
#include "report/plot.h"
#include "report/report.h"
#include "text.h"

enum { STATUS_FILE = 1, STATUS_USAGE = 2 };

/* A file of statistics, read. */
struct run {
    json_t *root;
    struct report report;
};

enum form { TABLES, CSV, JSON, HISTOGRAM, PLOT, HTML };

struct request {
    enum report_by by;
    enum form form;
    size_t top;
    const char *path; /* of the picture or report */
};

static bool fail(const char *path, const char *what)
{
    fprintf(stderr, "visa-stat: %s: %s\n", path, what);
    return false;
}

/* jansson takes a failed read for the end of the file, and a file it cannot open for line -1. */
static bool run_read(struct run *run, const char *path)
{
    FILE *in = strcmp(path, "-") ? fopen(path, "r") : stdin;
    json_error_t e;
    char err[256];
    int why;

    if (!in)
        return fail(path, strerror(errno));
    errno = 0;
    json_memory_begin();
    run->root = json_loadf(in, 0, &e);
    why = ferror(in) ? errno : 0;
    if (in != stdin)
        fclose(in);
    if (why)
        return fail(path, strerror(why));
    if (json_memory_lost())
        return fail(path, "out of memory");
    if (!run->root) {
        text_escape(err, sizeof err, e.text, ""); /* it quotes the file */
        fprintf(stderr, "visa-stat: %s:%d:%d: %s\n", path, e.line, e.column, err);
        return false;
    }
    return report_read(&run->report, run->root, err, sizeof err) || fail(path, err);
}

static void run_free(struct run *run)
{
    report_free(&run->report);
    json_decref(run->root);
}

static bool draw(const struct report *r, enum form form, const char *path)
{
    struct output f;
    char err[256];

    if (!output_open(&f, path, err, sizeof err) ||
        !output_close(&f, form == HTML ? html_report(f.out, r) : plot_svg(f.out, r), err,
                      sizeof err))
        return fail(strcmp(path, "-") ? path : "standard output", err);
    return true;
}

static bool print_tables(const struct report *r, const struct request *q)
{
    char scope[80], image[256];

    printf("%s model, %lld hart%s, %lld cycles, %lld exits", r->model, (long long)r->harts,
           r->harts == 1 ? "" : "s", (long long)r->cycles, (long long)r->exits);
    printf("%s%s\n", report_scope(r, scope, sizeof scope)[0] ? "; " : "", scope);
    if (identity_image(json_object_get(r->root, "run"), image, sizeof image)[0])
        printf("%s\n", image);
    putchar('\n');
    report_vms(stdout, r);
    report_refusals(stdout, r);
    putchar('\n');
    if (q->by != BY_RING)
        return report_sites(stdout, r, q->by, q->top);
    report_rings(stdout, r);
    return true;
}

static bool print(const struct report *r, const struct request *q)
{
    switch (q->form) {
    case CSV:
        if (q->by != BY_RING)
            return report_csv(stdout, r, q->by, q->top);
        report_rings_csv(stdout, r);
        return true;
    case JSON: return report_json(stdout, r, q->by, q->top) || ferror(stdout); /* said later */
    case HISTOGRAM: return report_histogram(stdout, r, q->by, q->top);
    default: return print_tables(r, q);
    }
}

static int show(char *const *paths, int n, const struct request *q)
{
    struct run runs[2] = {0};
    bool ok = true;

    for (int i = 0; i < n && ok; i++)
        ok = run_read(&runs[i], paths[i]);
    if (ok && q->by == BY_RING && !runs[0].report.nrings)
        ok = fail(paths[0], "has no cycles by ring: its model is functional");
    if (ok && q->path)
        ok = draw(&runs[0].report, q->form, q->path);
    else if (ok)
        ok = (n == 2 ? compare_runs(stdout, &runs[0].report, &runs[1].report, q->by, q->top,
                                    q->form == CSV)
                     : print(&runs[0].report, q)) ||
             fail(paths[0], "out of memory");
    run_free(&runs[0]);
    run_free(&runs[1]);
    return ok ? 0 : STATUS_FILE;
}

static void help(void)
{
    puts("Usage: visa-stat [options] FILE\n"
         "       visa-stat [options] BEFORE AFTER\n"
         "Shows where the exits of a run came from and what they cost, or what changed between\n"
         "two runs. A FILE is what visa-sim --stats FILE wrote, - is standard input.\n\n"
         "  -b, --by WHAT    a row for each site (VM, cause and guest pc), cause or vm;\n"
         "                   ring: where the cycles of the pipeline model went\n"
         "  -n, --top N      the first N rows only; 0 is all (default 20)\n"
         "  -c, --csv        comma-separated values, all rows unless --top says otherwise\n"
         "  -j, --json       JSON, all rows unless --top says otherwise\n"
         "  -H, --histogram  for each row how long its VM was away how often\n"
         "  -p, --plot SVG   draw it into the file SVG instead, - is standard output\n"
         "  -r, --html FILE  write a report with pictures and tables instead\n"
         "  -V, --version    print the version and exit\n"
         "  -h, --help       print this and exit");
}

static int usage(const char *what, const char *value)
{
    fprintf(stderr, "visa-stat: %s%s (see --help)\n", what, value);
    return STATUS_USAGE;
}

static bool parse_by(const char *text, enum report_by *by)
{
    static const char *const names[] = {
        [BY_SITE] = "site", [BY_CAUSE] = "cause", [BY_VM] = "vm", [BY_RING] = "ring"};

    for (*by = BY_SITE; *by <= BY_RING; ++*by)
        if (strcmp(text, names[*by]) == 0)
            return true;
    return false;
}

static bool parse_top(const char *text, size_t *top)
{
    char *end;

    errno = 0;
    *top = strtoull(text, &end, 10);
    return text[0] >= '0' && text[0] <= '9' && !*end && errno == 0;
}

static int check(char *const *paths, int n, const struct request *q)
{
    if (n < 1 || n > 2)
        return usage("expected one FILE, or two to compare", "");
    if (n == 2 && q->form > CSV)
        return usage("of two runs there are tables and --csv", "");
    if (q->by == BY_RING && (n == 2 || q->form == HISTOGRAM))
        return usage("--by ring: expected one FILE, and no --histogram", "");
    if (n == 2 && strcmp(paths[0], "-") == 0 && strcmp(paths[1], "-") == 0)
        return usage("standard input cannot be both runs", "");
    for (int i = 0; q->path && i < n; i++)
        if (strcmp(q->path, "-") != 0 && strcmp(paths[i], "-") != 0 &&
            files_same(q->path, paths[i]))
            return usage("this would be written over what it is made from: ", q->path);
    return 0;
}

static int run(int argc, char **argv)
{
    static const struct option longs[] = {
        {"by", required_argument, 0, 'b'},   {"top", required_argument, 0, 'n'},
        {"csv", no_argument, 0, 'c'},        {"json", no_argument, 0, 'j'},
        {"histogram", no_argument, 0, 'H'},  {"plot", required_argument, 0, 'p'},
        {"html", required_argument, 0, 'r'}, {"version", no_argument, 0, 'V'},
        {"help", no_argument, 0, 'h'},       {0, 0, 0, 0}};
    struct request q = {.top = 20};
    bool top_given = false, several = false;
    enum form form;
    int status;

    for (int c; (c = getopt_long(argc, argv, "b:n:cjHp:r:Vh", longs, NULL)) != -1;) {
        form = TABLES;
        switch (c) {
        case 'b':
            if (!parse_by(optarg, &q.by))
                return usage("--by: expected site, cause, vm or ring, not ", optarg);
            break;
        case 'n':
            if (!parse_top(optarg, &q.top))
                return usage("--top: not a number: ", optarg);
            top_given = true;
            break;
        case 'c': form = CSV; break;
        case 'j': form = JSON; break;
        case 'H': form = HISTOGRAM; break;
        case 'p':
        case 'r':
            form = c == 'p' ? PLOT : HTML;
            q.path = optarg;
            break;
        case 'V': puts("visa-stat " PACKAGE_VERSION); return 0;
        case 'h': help(); return 0;
        default: return STATUS_USAGE;
        }
        several |= form != TABLES && q.form != TABLES;
        q.form = form != TABLES ? form : q.form;
    }
    if (several)
        return usage("expected one of --csv, --json, --histogram, --plot and --html", "");
    if (!top_given && (q.form == CSV || q.form == JSON))
        q.top = 0;
    status = check(argv + optind, argc - optind, &q);
    return status ? status : show(argv + optind, argc - optind, &q);
}

int main(int argc, char **argv)
{
    int status;

    files_reserve();
    files_abandon_on_signals();
    status = run(argc, argv);
    return files_printed("visa-stat") || status ? status : STATUS_FILE;
}
