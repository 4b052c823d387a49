/* Options of visa-sim (options.h). To add one: a row in the table, a line in
 * visa-sim(1), a test in testsuite/sim. */
#define _POSIX_C_SOURCE 200809L

#include "options.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config_file.h"

/* What an option does with its value; false with the reason in err. */
typedef bool set_fn(struct options *o, const char *value, char *err, size_t n);

/* kind says how the value is read, offset where in struct options it goes; a SETTING is one of
 * config.h and goes there. */
enum kind { FLAG, TEXT, NUMBER, CALL, SETTING, FILE_OF_SETTINGS };

struct option_row {
    const char *name;
    char letter;
    const char *arg; /* NULL: takes none; "[=X]": may have one */
    enum kind kind;
    size_t offset;
    set_fn *set;
    const char *setting;
    const char *help;
};

/* Values ---------------------------------------------------------------------------------- */

/* Whatever needs the pipeline model runs on it. */
static bool want_pipeline(struct options *o, char *err, size_t n)
{
    o->model = MODEL_PIPELINE;
#ifdef HAVE_SYSTEMC
    (void)err;
    (void)n;
    return true;
#else
    snprintf(err, n, "this visa-sim was built without SystemC, which the pipeline model needs");
    return false;
#endif
}

static bool set_model(struct options *o, const char *value, char *err, size_t n)
{
    if (strcmp(value, "pipeline") == 0)
        return want_pipeline(o, err, n);
    o->model = MODEL_FUNCTIONAL;
    if (strcmp(value, "functional") == 0)
        return true;
    snprintf(err, n, "no model '%s': expected functional or pipeline", value);
    return false;
}

static bool set_switch_at(struct options *o, const char *value, char *err, size_t n)
{
    o->switch_at = value;
    return want_pipeline(o, err, n);
}

static bool set_sample(struct options *o, const char *value, char *err, size_t n)
{
    o->sample = true;
    return sampling_parse(&o->sampling, value, err, n) && want_pipeline(o, err, n);
}

/* NAME=VALUE */
static bool set_setting(struct options *o, const char *value, char *err, size_t n)
{
    const struct config c = {&o->config, &o->pipeline};
    const char *equals = strchr(value, '=');
    char name[SETTING_NAME];

    if (!equals) {
        snprintf(err, n, "'%s' is not NAME=VALUE", value);
        return false;
    }
    snprintf(name, sizeof name, "%.*s", (int)(equals - value), value);
    return config_set(&c, name, equals + 1, err, n);
}

static bool set_raw(struct options *o, const char *value, char *err, size_t n)
{
    o->raw = true;
    return config_number(value, &o->raw_addr, err, n);
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
    if (at && !config_number(at + 1, &l->addr, err, n))
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

    if (!config_number(value, &vm, err, n))
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

static bool set_kanata(struct options *o, const char *value, char *err, size_t n)
{
    o->views.kanata = value;
    return want_pipeline(o, err, n);
}

static bool set_o3pipeview(struct options *o, const char *value, char *err, size_t n)
{
    o->views.o3pipeview = value;
    return want_pipeline(o, err, n);
}

static bool set_vcd(struct options *o, const char *value, char *err, size_t n)
{
    o->views.vcd = value;
    return want_pipeline(o, err, n);
}

/* ADDRESS, with :r, :w or :x behind it. */
static bool set_walk(struct options *o, const char *value, char *err, size_t n)
{
    const char *colon = strchr(value, ':');
    size_t length = colon ? (size_t)(colon - value) : strlen(value);
    char address[32];

    snprintf(address, sizeof address, "%.*s", (int)length, value);
    o->walk = true;
    o->walk_access = colon ? colon[1] : 'r';
    if (length < sizeof address && config_number(address, &o->walk_va, err, n) && o->walk_access &&
        strchr("rwx", o->walk_access) && (!colon || !colon[2]))
        return true;
    snprintf(err, n, "'%s' is not an address with :r, :w or :x behind it", value);
    return false;
}

/* The table ------------------------------------------------------------------------------- */

#define AT(field) offsetof(struct options, field), NULL, NULL
#define BY(fn) 0, fn, NULL
#define FOR(name) 0, NULL, name

static const struct option_row rows[] = {
    {NULL, 0, NULL, FLAG, BY(NULL), "Machine"},
    {"ram", 'm', "SIZE", SETTING, FOR("machine.ram"), "bytes of RAM, with K, M or G"},
    {"harts", 'p', "N", SETTING, FOR("machine.harts"), "number of harts"},
    {"model", 0, "NAME", CALL, BY(set_model), "how it is simulated: functional or pipeline"},
    {"time", 0, "WHAT", SETTING, FOR("time.source"),
     "what `time` counts in the pipeline model: cycles or instret"},
    {"switch-at", 0, "WHERE", CALL, BY(set_switch_at),
     "run fast to an instruction, symbol or marker, then in the pipeline model"},
    {"sample", 0, "PERIOD:WARMUP:LENGTH", CALL, BY(set_sample),
     "of every PERIOD instructions, measure LENGTH in the pipeline model"},
    {"pool", 0, "N", SETTING, FOR("pool.contexts"), "contexts in each hart's state pool"},
    {"tlb-l1", 0, "N", SETTING, FOR("tlb.l1"), "entries of each L1 TLB"},
    {"tlb-l2", 0, "N", SETTING, FOR("tlb.l2"), "entries of each L2 TLB"},
    {"tlb-l2-ways", 0, "N", SETTING, FOR("tlb.l2_ways"), "ways of each L2 TLB"},
    {"walk-cache", 0, "N", SETTING, FOR("tlb.walk_cache"), "entries of each walk cache"},
    {"ticks-per-time", 0, "N", SETTING, FOR("time.ticks"), "instructions per tick of `time`"},
    {"quantum", 0, "N", SETTING, FOR("machine.quantum"),
     "instructions a hart runs before the next one's turn"},
    {"config", 'c', "FILE", FILE_OF_SETTINGS, BY(NULL),
     "read settings from a file, before all others"},
    {"set", 0, "NAME=VALUE", CALL, BY(set_setting), "change a setting: tlb.l1=32"},
    {"print-config", 0, NULL, FLAG, AT(print_config), "print all settings as a file, and exit"},
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
    {NULL, 0, NULL, FLAG, BY(NULL), "Looking at the pipeline"},
    {"kanata", 0, "FILE", CALL, BY(set_kanata), "every instruction's way, for the viewer Konata"},
    {"o3pipeview", 0, "FILE", CALL, BY(set_o3pipeview), "the same as lines of gem5's O3PipeView"},
    {"vcd", 0, "FILE", CALL, BY(set_vcd), "the stages as waveforms, for GTKWave"},
    {"perfetto", 0, "FILE", TEXT, AT(views.perfetto),
     "guests over time, for Perfetto; in both models"},
    {"from", 0, "CYCLE", NUMBER, AT(views.from), "of all these, from this cycle on"},
    {"to", 0, "CYCLE", NUMBER, AT(views.to), "up to this cycle"},
    {"last", 0, "N", NUMBER, AT(views.last), "the last N instructions of each hart"},
    {NULL, 0, NULL, FLAG, BY(NULL), "Results"},
    {"stats", 's', "FILE", TEXT, AT(stats), "write statistics as JSON; - is standard output"},
    {"report", 'r', "FILE", TEXT, AT(report),
     "write them as HTML, with pictures; - is standard output"},
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
    const struct config c = {&o->config, &o->pipeline};
    char *field = (char *)o + row->offset, why[512];
    bool ok = true;

    switch (row->kind) {
    case FLAG: *(bool *)field = true; break;
    case TEXT: *(const char **)field = value; break;
    case NUMBER: ok = config_number(value, (uint64_t *)field, why, sizeof why); break;
    case CALL: ok = row->set(o, value, why, sizeof why); break;
    case SETTING: ok = config_set(&c, row->setting, value, why, sizeof why); break;
    case FILE_OF_SETTINGS: break; /* read already */
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
    *o = (struct options){
        .trace_file = "-", .trace.to = UINT64_MAX, .views = {.to = UINT64_MAX, .last = VIEW_LAST}};
    machine_defaults(&o->config);
    pipeline_defaults(&o->pipeline);
}

/* Settings that stand in files come before those of the command line, wherever the files are
 * named. What is wrong with the other options is told later. */
static bool read_files(struct options *o, int argc, char **argv, char *err, size_t n)
{
    const struct config config = {&o->config, &o->pipeline};
    struct option longs[ROWS + 1];
    char shorts[3 * ROWS + 3];
    int c;

    describe(longs, shorts);
    while ((c = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
        const struct option_row *row = row_of(c);

        if (row && row->kind == FILE_OF_SETTINGS && !config_file_read(&config, optarg, err, n))
            return false;
    }
    optind = 0; /* from the beginning */
    return true;
}

static bool check_views(const struct options *o, char *err, size_t n)
{
    const struct view_options *v = &o->views;

    if (views_of_pipeline(v) && o->model != MODEL_PIPELINE)
        snprintf(err, n, "--%s shows the pipeline, which --model functional does not have",
                 v->kanata ? "kanata"
                 : v->vcd  ? "vcd"
                           : "o3pipeview");
    else if (v->from > v->to)
        snprintf(err, n, "--from %" PRIu64 " is behind --to %" PRIu64, v->from, v->to);
    else if (!views_wanted(v) && (v->from || v->to != UINT64_MAX || v->last != VIEW_LAST))
        snprintf(err, n,
                 "--from, --to and --last bound --kanata, --o3pipeview, --vcd and "
                 "--perfetto: none of these is there");
    else
        return true;
    return false;
}

static bool check(struct options *o, char *err, size_t n)
{
    if (!o->image && !o->help && !o->version && !o->dump_dtb && !o->print_config) {
        snprintf(err, n, "no image: expected visa-sim [options] IMAGE (see --help)");
        return false;
    }
    if (o->sample && (o->switch_at || o->config.harts > 1)) {
        snprintf(err, n, "--sample measures the whole run of one hart: not with %s",
                 o->switch_at ? "--switch-at" : "several harts");
        return false;
    }
    if (o->sample)
        o->pipeline.own_time = false;
    return check_views(o, err, n) && config_check_machine(&o->config, err, n) &&
           config_check_pipeline(&o->pipeline, err, n);
}

bool options_parse(struct options *o, int argc, char **argv, char *err, size_t n)
{
    struct option longs[ROWS + 1];
    char shorts[3 * ROWS + 3];
    int c;

    defaults(o);
    if (!read_files(o, argc, argv, err, n))
        return false;
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
    return check(o, err, n);
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
