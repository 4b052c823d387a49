/* Options of visa-sim (options.h). To add one: a row in the table, a line in
 * visa-sim(1), a test in testsuite/sim. */
#define _POSIX_C_SOURCE 200809L

#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What an option does with its value; false with the reason in err. */
typedef bool set_fn(struct options *o, const char *value, char *err, size_t n);

/* kind says how the value is read, offset where in struct options it goes. */
enum kind { FLAG, TEXT, NUMBER, COUNT, SIZE, CALL };

struct option_row {
    const char *name;
    char letter;
    const char *arg; /* NULL: takes none; "[=X]": may have one */
    enum kind kind;
    size_t offset;
    set_fn *set;
    const char *help;
};

/* Values ---------------------------------------------------------------------------------- */

static bool number(const char *text, uint64_t *value, const char **rest)
{
    char *end;

    if (text[0] < '0' || text[0] > '9')
        return false;
    errno = 0;
    *value = strtoull(text, &end, 0);
    *rest = end;
    return errno == 0 && end != text;
}

static bool read_number(const char *text, uint64_t *value, char *err, size_t n)
{
    const char *rest;

    if (number(text, value, &rest) && !*rest)
        return true;
    snprintf(err, n, "'%s' is not a number (decimal, or 0x and hexadecimal)", text);
    return false;
}

/* Bytes with K, M or G behind them. */
static bool read_size(const char *text, uint64_t *value, char *err, size_t n)
{
    static const char units[] = "KMG";
    const char *rest, *unit;
    unsigned shift = 0;

    if (number(text, value, &rest)) {
        if (*rest && (unit = strchr(units, *rest & ~0x20))) {
            shift = 10 * (unsigned)(unit - units + 1);
            rest++;
        }
        if (!*rest && *value <= UINT64_MAX >> shift) {
            *value <<= shift;
            return true;
        }
    }
    snprintf(err, n, "'%s' is not a size: expected a number of bytes, with K, M or G behind it",
             text);
    return false;
}

static bool set_model(struct options *o, const char *value, char *err, size_t n)
{
    o->model = strcmp(value, "pipeline") == 0 ? MODEL_PIPELINE : MODEL_FUNCTIONAL;
    if (o->model == MODEL_FUNCTIONAL && strcmp(value, "functional") != 0) {
        snprintf(err, n, "no model '%s': expected functional or pipeline", value);
        return false;
    }
#ifndef HAVE_SYSTEMC
    if (o->model == MODEL_PIPELINE) {
        snprintf(err, n, "this visa-sim was built without SystemC, which the pipeline model needs");
        return false;
    }
#endif
    return true;
}

static bool set_time(struct options *o, const char *value, char *err, size_t n)
{
    o->pipeline.own_time = strcmp(value, "cycles") == 0;
    if (o->pipeline.own_time || strcmp(value, "instret") == 0)
        return true;
    snprintf(err, n, "no time '%s': expected cycles or instret", value);
    return false;
}

static bool set_raw(struct options *o, const char *value, char *err, size_t n)
{
    o->raw = true;
    return read_number(value, &o->raw_addr, err, n);
}

/* FILE or FILE@ADDRESS. */
static bool set_load(struct options *o, const char *value, char *err, size_t n)
{
    struct load_option *l = &o->loads[o->nloads];
    const char *at = strrchr(value, '@');

    if (o->nloads == MAX_LOADS) {
        snprintf(err, n, "more than %d files", MAX_LOADS);
        return false;
    }
    l->raw = at != NULL;
    if (at && !read_number(at + 1, &l->addr, err, n))
        return false;
    l->path = at ? strndup(value, (size_t)(at - value)) : strdup(value);
    if (!l->path) {
        snprintf(err, n, "out of memory");
        return false;
    }
    o->nloads++;
    return true;
}

static bool set_trace(struct options *o, const char *value, char *err, size_t n)
{
    (void)err;
    (void)n;
    o->trace_on = true;
    if (value)
        o->trace_file = value;
    return true;
}

static bool set_trace_events(struct options *o, const char *value, char *err, size_t n)
{
    (void)value;
    o->trace.events = TRACE_EVENTS;
    return set_trace(o, NULL, err, n);
}

static bool set_trace_exits(struct options *o, const char *value, char *err, size_t n)
{
    (void)value;
    o->trace.events = TRACE_EXITS;
    return set_trace(o, NULL, err, n);
}

static bool set_trace_vm(struct options *o, const char *value, char *err, size_t n)
{
    uint64_t vm;

    if (!read_number(value, &vm, err, n))
        return false;
    if (vm >> ISA_VMID_BITS) {
        snprintf(err, n, "%s is not a VMID: it has %d bits", value, ISA_VMID_BITS);
        return false;
    }
    o->trace.one_vm = true;
    o->trace.vm = (uint16_t)vm;
    return set_trace(o, NULL, err, n);
}

static bool set_trace_format(struct options *o, const char *value, char *err, size_t n)
{
    o->trace.json = strcmp(value, "json") == 0;
    if (o->trace.json || strcmp(value, "text") == 0)
        return true;
    snprintf(err, n, "no trace format '%s': expected text or json", value);
    return false;
}

/* ADDRESS, with :r, :w or :x behind it. */
static bool set_walk(struct options *o, const char *value, char *err, size_t n)
{
    const char *rest;

    o->walk = true;
    o->walk_access = 'r';
    if (number(value, &o->walk_va, &rest)) {
        if (!*rest)
            return true;
        o->walk_access = rest[1];
        if (rest[0] == ':' && rest[1] && strchr("rwx", rest[1]) && !rest[2])
            return true;
    }
    snprintf(err, n, "'%s' is not an address with :r, :w or :x behind it", value);
    return false;
}

/* The table ------------------------------------------------------------------------------- */

#define AT(field) offsetof(struct options, field), NULL
#define BY(fn) 0, fn

static const struct option_row rows[] = {
    {NULL, 0, NULL, FLAG, BY(NULL), "Machine"},
    {"ram", 'm', "SIZE", SIZE, AT(config.ram_bytes), "bytes of RAM, with K, M or G"},
    {"harts", 'p', "N", COUNT, AT(config.harts), "number of harts"},
    {"model", 0, "NAME", CALL, BY(set_model), "how it is simulated: functional or pipeline"},
    {"time", 0, "WHAT", CALL, BY(set_time),
     "what `time` counts in the pipeline model: cycles or instret"},
    {"pool", 0, "N", COUNT, AT(config.pool), "contexts in each hart's state pool"},
    {"tlb-l1", 0, "N", COUNT, AT(config.tlb_l1), "entries of each L1 TLB"},
    {"tlb-l2", 0, "N", COUNT, AT(config.tlb_l2), "entries of each L2 TLB"},
    {"tlb-l2-ways", 0, "N", COUNT, AT(config.tlb_l2_ways), "ways of each L2 TLB"},
    {"walk-cache", 0, "N", COUNT, AT(config.walk_cache), "entries of each walk cache"},
    {"ticks-per-time", 0, "N", NUMBER, AT(config.ticks_per_time),
     "instructions per tick of `time`"},
    {"quantum", 0, "N", NUMBER, AT(config.quantum),
     "instructions a hart runs before the next one's turn"},
    {NULL, 0, NULL, FLAG, BY(NULL), "Software"},
    {"raw", 0, "ADDRESS", CALL, BY(set_raw),
     "IMAGE is a flat file: load it at ADDRESS and start there"},
    {"load", 0, "FILE[@ADDRESS]", CALL, BY(set_load),
     "load another ELF file, or a flat one at ADDRESS"},
    {"bootargs", 0, "TEXT", TEXT, AT(bootargs), "/chosen/bootargs of the device tree"},
    {"dump-dtb", 0, "FILE", TEXT, AT(dump_dtb),
     "write the device tree; without IMAGE, that is all"},
    {"uart-in", 0, "FILE", TEXT, AT(uart_in), "console input; - is standard input"},
    {NULL, 0, NULL, FLAG, BY(NULL), "End of the run"},
    {"max-insns", 'n', "N", NUMBER, AT(max_insns),
     "stop after N instructions of all harts together"},
    {"timeout", 0, "SECONDS", NUMBER, AT(timeout), "stop after this much of the host's time"},
    {NULL, 0, NULL, FLAG, BY(NULL), "Trace"},
    {"trace", 't', "[=FILE]", CALL, BY(set_trace),
     "one line per instruction, to standard error or FILE"},
    {"trace-events", 0, NULL, CALL, BY(set_trace_events),
     "only exceptions, interrupts, entries, exits"},
    {"trace-exits", 0, NULL, CALL, BY(set_trace_exits), "only VM entries and exits, at full speed"},
    {"trace-from", 0, "N", NUMBER, AT(trace.from), "from a hart's instruction number N on"},
    {"trace-to", 0, "N", NUMBER, AT(trace.to), "up to a hart's instruction number N"},
    {"trace-vm", 0, "VMID", CALL, BY(set_trace_vm), "only what this VM does"},
    {"trace-format", 0, "FORMAT", CALL, BY(set_trace_format), "text or json (an object a line)"},
    {NULL, 0, NULL, FLAG, BY(NULL), "Looking closer"},
    {"explain-exit", 0, "N", NUMBER, AT(explain_exit), "tell the whole story of VM exit number N"},
    {"walk", 0, "ADDRESS[:rwx]", CALL, BY(set_walk),
     "draw the page-table walks of an address as the run ends"},
    {"check-stale", 0, NULL, FLAG, AT(check_stale),
     "report uses of translations that miss a flush"},
    {NULL, 0, NULL, FLAG, BY(NULL), "Results"},
    {"stats", 's', "FILE", TEXT, AT(stats), "write statistics as JSON; - is standard output"},
    {"summary", 'S', NULL, FLAG, AT(summary), "print statistics as a table at the end"},
    {"quiet", 'q', NULL, FLAG, AT(quiet), "do not say how the run ended"},
    {"version", 'V', NULL, FLAG, AT(version), "print the version and exit"},
    {"help", 'h', NULL, FLAG, AT(help), "print this and exit"},
};
enum { ROWS = sizeof rows / sizeof rows[0], LONG_BASE = 256 };

/* Parsing --------------------------------------------------------------------------------- */

static bool set(struct options *o, const struct option_row *row, const char *value, char *err,
                size_t n)
{
    char *field = (char *)o + row->offset, why[256];
    uint64_t v = 0;
    bool ok = true;

    switch (row->kind) {
    case FLAG: *(bool *)field = true; break;
    case TEXT: *(const char **)field = value; break;
    case NUMBER: ok = read_number(value, (uint64_t *)field, why, sizeof why); break;
    case SIZE: ok = read_size(value, (uint64_t *)field, why, sizeof why); break;
    case CALL: ok = row->set(o, value, why, sizeof why); break;
    case COUNT:
        ok = read_number(value, &v, why, sizeof why);
        *(unsigned *)field = v > 0xffffffff ? 0xffffffff : (unsigned)v;
        break;
    }
    if (!ok)
        snprintf(err, n, "--%s: %s", row->name, why);
    return ok;
}

/* getopt's two descriptions of the table. */
static void describe(struct option *longs, char *shorts)
{
    size_t nlongs = 0;

    *shorts++ = '+'; /* what follows IMAGE is the guest's */
    *shorts++ = ':';
    for (int i = 0; i < ROWS; i++) {
        const struct option_row *r = &rows[i];
        int has = !r->arg ? no_argument : r->arg[0] == '[' ? optional_argument : required_argument;

        if (!r->name)
            continue;
        longs[nlongs++] = (struct option){r->name, has, NULL, LONG_BASE + i};
        if (!r->letter)
            continue;
        *shorts++ = r->letter;
        for (int colons = has; colons > 0; colons--)
            *shorts++ = ':';
    }
    longs[nlongs] = (struct option){0};
    *shorts = 0;
}

static const struct option_row *row_of(int c)
{
    for (int i = 0; i < ROWS; i++)
        if (c == LONG_BASE + i || (rows[i].letter && c == rows[i].letter))
            return &rows[i];
    return NULL;
}

static bool option_error(int c, char **argv, char *err, size_t n)
{
    const struct option_row *row = row_of(optopt);

    if (c == ':' && row)
        snprintf(err, n, "--%s: missing %s", row->name, row->arg);
    else if (optopt >= LONG_BASE && row)
        snprintf(err, n, "--%s takes no value", row->name);
    else if (optopt)
        snprintf(err, n, "no option -%c (see --help)", optopt);
    else
        snprintf(err, n, "no option %s (see --help)", argv[optind - 1]);
    return false;
}

static void defaults(struct options *o)
{
    *o = (struct options){.trace_file = "-", .trace.to = UINT64_MAX};
    machine_defaults(&o->config);
    pipeline_defaults(&o->pipeline);
}

bool options_parse(struct options *o, int argc, char **argv, char *err, size_t n)
{
    struct option longs[ROWS + 1];
    char shorts[3 * ROWS + 3];
    int c;

    defaults(o);
    describe(longs, shorts);
    while (optopt = 0, (c = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
        if (c == '?' || c == ':')
            return option_error(c, argv, err, n);
        if (!set(o, row_of(c), optarg, err, n))
            return false;
    }
    o->argv = argv + optind;
    o->argc = argc - optind;
    o->image = o->argc ? o->argv[0] : NULL;
    if (!o->image && !o->help && !o->version && !o->dump_dtb) {
        snprintf(err, n, "no image: expected visa-sim [options] IMAGE (see --help)");
        return false;
    }
    return true;
}

void options_free(struct options *o)
{
    for (unsigned i = 0; i < o->nloads; i++)
        free(o->loads[i].path);
}

void options_help(void)
{
    puts("Usage: visa-sim [options] IMAGE [guest's arguments]\n"
         "Runs a bare-metal RISC-V or V-ISA program: an ELF file, or a flat one with --raw.");
    for (int i = 0; i < ROWS; i++) {
        const struct option_row *r = &rows[i];
        char left[64];

        if (!r->name) {
            printf("\n%s:\n", r->help);
            continue;
        }
        snprintf(left, sizeof left, "%c%c%c --%s%s%s", r->letter ? '-' : ' ',
                 r->letter ? r->letter : ' ', r->letter ? ',' : ' ', r->name,
                 r->arg && r->arg[0] != '[' ? " " : "", r->arg ? r->arg : "");
        printf("  %-30s %s\n", left, r->help);
    }
    puts("\nThe exit status is the guest's exit code; see visa-sim(1) for those of the simulator.");
}
