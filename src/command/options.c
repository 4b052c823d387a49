/* Options of visa-sim (options.h). To add one: a row in the table, a line in
 * visa-sim(1), a test in testsuite/sim. */
#define _POSIX_C_SOURCE 200809L

#include "options.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "files.h"
#include "built-with.h"
#include "config_file.h"
#include "signature.h"

/* What an option does with its value; false with the reason in err. */
typedef bool set_fn(struct options *o, const char *value, char *err, size_t n);

/* kind says how the value is read, offset where in struct options it goes; a SETTING is one of
 * config.h and goes there. */
enum kind { FLAG, TEXT, NUMBER, CALL, SETTING, FILE_OF_SETTINGS };

/* What an option says beside its value, wherever it stands among the others. */
enum trait {
    PIPELINE = 1 << 0, /* needs the pipeline model, and chooses it */
    CYCLES = 1 << 1,   /* its value `cycles` does */
    TRACES = 1 << 2,   /* there is a trace */
    VIEWS = 1 << 3,    /* there is a view */
    BOUNDS = 1 << 4,   /* bounds views: one must be there */
    NO_RUN = 1 << 5,   /* means something without an image, too */
    READS = 1 << 6,    /* its value is a file that is read */
    WRITES = 1 << 7,   /* ... or written */
    RUN = 1 << 8,      /* changes what the run does: results tell it (run_identity.h) */
    SHOWN = 1 << 9,    /* bounds what a trace or view shows: that tells it */
};

struct option_row {
    const char *name;
    char letter;
    const char *arg; /* NULL: takes none; "[=X]": may have one */
    enum kind kind;
    size_t offset;
    set_fn *set;
    const char *setting;
    unsigned traits;
    const char *help;
};

/* Values ---------------------------------------------------------------------------------- */

const char *const model_names[MODELS] = {
    [MODEL_FUNCTIONAL] = "functional",
    [MODEL_PIPELINE] = "pipeline",
};

static bool set_model(struct options *o, const char *value, char *err, size_t n)
{
    for (int i = 0; i < MODELS; i++)
        if (strcmp(value, model_names[i]) == 0) {
            o->model = (enum model)i;
            return true;
        }
    snprintf(err, n, "no model '%s': expected functional or pipeline", value);
    return false;
}

static bool set_stuck(struct options *o, const char *value, char *err, size_t n)
{
    static const char *const names[] = {
        [STUCK_STOP] = "stop", [STUCK_WARN] = "warn", [STUCK_OFF] = "off"};

    for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(value, names[i]) == 0) {
            o->stuck = (enum stuck_policy)i;
            return true;
        }
    snprintf(err, n, "'%s' is unknown: expected stop, warn or off", value);
    return false;
}

static bool set_sample(struct options *o, const char *value, char *err, size_t n)
{
    o->sample = true;
    return sampling_parse(&o->sampling, value, err, n);
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

static bool read_vmid(const char *value, uint16_t *vmid, char *err, size_t n)
{
    uint64_t vm;

    if (!config_number(value, &vm, err, n))
        return false;
    *vmid = (uint16_t)vm;
    if (vm >> ISA_VMID_BITS == 0)
        return true;
    snprintf(err, n, "%s is not a VMID: it has %d bits", value, ISA_VMID_BITS);
    return false;
}

/* FILE or FILE@VMID. */
static bool set_symbols(struct options *o, const char *value, char *err, size_t n)
{
    struct symbols_option *s = &o->symbols[o->nsymbols];
    const char *at = strrchr(value, '@');

    if (o->nsymbols == MAX_SYMBOLS) {
        snprintf(err, n, "more than %d files", MAX_SYMBOLS);
        return false;
    }
    s->one_vm = at != NULL;
    if (at && !read_vmid(at + 1, &s->vmid, err, n))
        return false;
    s->path = at ? strndup(value, (size_t)(at - value)) : strdup(value);
    if (!s->path) {
        snprintf(err, n, "out of memory");
        return false;
    }
    o->nsymbols++;
    return true;
}

static bool set_trace(struct options *o, const char *value, char *err, size_t n)
{
    (void)err;
    (void)n;
    if (value)
        o->trace_file = value;
    return true;
}

static bool set_trace_events(struct options *o, const char *value, char *err, size_t n)
{
    o->trace.events = TRACE_EVENTS;
    return set_trace(o, value, err, n);
}

static bool set_trace_exits(struct options *o, const char *value, char *err, size_t n)
{
    o->trace.events = TRACE_EXITS;
    return set_trace(o, value, err, n);
}

static bool set_trace_vm(struct options *o, const char *value, char *err, size_t n)
{
    if (!read_vmid(value, &o->trace.vm, err, n))
        return false;
    o->trace.one_vm = true;
    return true;
}

static bool set_trace_format(struct options *o, const char *value, char *err, size_t n)
{
    o->trace.json = strcmp(value, "json") == 0;
    if (o->trace.json || strcmp(value, "text") == 0)
        return true;
    snprintf(err, n, "no trace format '%s': expected text or json", value);
    return false;
}

static bool set_signature_bytes(struct options *o, const char *value, char *err, size_t n)
{
    if (!config_number(value, &o->signature_bytes, err, n))
        return false;
    if (o->signature_bytes >= 1 && o->signature_bytes <= SIGNATURE_MOST)
        return true;
    snprintf(err, n, "a line can have 1 to %d bytes, not %s", SIGNATURE_MOST, value);
    return false;
}

static bool set_explain_exit(struct options *o, const char *value, char *err, size_t n)
{
    o->explain = true;
    return explain_which_parse(&o->explain_exit, value, err, n);
}

/* The table ------------------------------------------------------------------------------- */

/* What of a row is where its value goes; traits follow with `|`. */
#define AT(field) offsetof(struct options, field), NULL, NULL, 0
#define BY(fn) 0, fn, NULL, 0
#define FOR(name) 0, NULL, name, NO_RUN

static const struct option_row rows[] = {
    {NULL, 0, NULL, FLAG, BY(NULL), "Machine"},
    {"ram", 'm', "SIZE", SETTING, FOR("machine.ram"), "bytes of RAM, with K, M or G"},
    {"harts", 'p', "N", SETTING, FOR("machine.harts"), "number of harts"},
    {"model", 0, "NAME", CALL, BY(set_model) | NO_RUN,
     "how it is simulated: functional or pipeline"},
    {"time", 0, "WHAT", SETTING, FOR("time.source") | CYCLES,
     "what `time` counts in the pipeline model: cycles or instret"},
    {"switch-at", 0, "WHERE", TEXT, AT(switch_at) | PIPELINE | RUN,
     "run fast to an instruction, symbol or marker, then in the pipeline model"},
    {"sample", 0, "PERIOD:WARMUP:LENGTH", CALL, BY(set_sample) | PIPELINE | RUN,
     "of every PERIOD instructions, measure LENGTH in the pipeline model"},
    {"pool", 0, "N", SETTING, FOR("pool.contexts"), "contexts in each hart's state pool"},
    {"tlb-l1", 0, "N", SETTING, FOR("tlb.l1"), "entries of each L1 TLB"},
    {"tlb-l2", 0, "N", SETTING, FOR("tlb.l2"), "entries of each L2 TLB"},
    {"tlb-l2-ways", 0, "N", SETTING, FOR("tlb.l2_ways"), "ways of each L2 TLB"},
    {"walk-cache", 0, "N", SETTING, FOR("tlb.walk_cache"), "entries of each walk cache"},
    {"pmp-granule", 0, "BYTES", SETTING, FOR("pmp.granule"), "size of the smallest PMP region"},
    {"svadu", 0, "WHAT", SETTING, FOR("walk.svadu"),
     "whether page-table walks write A and D: on or off"},
    {"ticks-per-time", 0, "N", SETTING, FOR("time.ticks"), "instructions per tick of `time`"},
    {"quantum", 0, "N", SETTING, FOR("machine.quantum"),
     "instructions a hart runs before the next one's turn"},
    {"config", 'c', "FILE", FILE_OF_SETTINGS, BY(NULL) | NO_RUN | READS,
     "read settings from a file, before all others"},
    {"set", 0, "NAME=VALUE", CALL, BY(set_setting) | NO_RUN, "change a setting: tlb.l1=32"},
    {"print-config", 0, NULL, FLAG, AT(print_config) | NO_RUN,
     "print all settings as a file, and exit"},
    {NULL, 0, NULL, FLAG, BY(NULL), "Software"},
    {"raw", 0, "ADDRESS", CALL, BY(set_raw) | RUN,
     "IMAGE is a flat file: load it at ADDRESS and start there"},
    {"load", 0, "FILE[@ADDRESS]", CALL, BY(set_load) | READS | RUN,
     "load another ELF file, or a flat one at ADDRESS"},
    {"symbols", 0, "FILE[@VMID]", CALL, BY(set_symbols) | READS,
     "names of the guests' addresses, from an ELF file"},
    {"bootargs", 0, "TEXT", TEXT, AT(bootargs) | NO_RUN | RUN,
     "/chosen/bootargs of the device tree"},
    {"dump-dtb", 0, "FILE", TEXT, AT(dump_dtb) | NO_RUN | WRITES,
     "write the device tree; without IMAGE, that is all"},
    {"uart-in", 0, "FILE", TEXT, AT(uart_in) | READS | RUN, "console input; - is standard input"},
    {"uart-out", 0, "FILE", TEXT, AT(uart_out) | WRITES,
     "console output; default: standard output, if no result goes there"},
    {NULL, 0, NULL, FLAG, BY(NULL), "End of the run"},
    {"max-insns", 'n', "N", NUMBER, AT(max_insns) | RUN,
     "stop after N instructions of all harts together"},
    {"timeout", 0, "SECONDS", NUMBER, AT(timeout) | RUN, "stop after this much of the host's time"},
    {"stuck", 0, "WHAT", CALL, BY(set_stuck) | RUN,
     "when a hart only traps, in vain: stop (the default), warn or off"},
    {NULL, 0, NULL, FLAG, BY(NULL), "Trace"},
    {"trace", 't', "[=FILE]", CALL, BY(set_trace) | TRACES | WRITES,
     "one line per instruction, to standard error or FILE"},
    {"trace-events", 0, NULL, CALL, BY(set_trace_events) | TRACES | SHOWN,
     "only exceptions, interrupts, entries, exits"},
    {"trace-exits", 0, NULL, CALL, BY(set_trace_exits) | TRACES | SHOWN,
     "only VM entries and exits, at full speed"},
    {"trace-from", 0, "WHERE", TEXT, AT(trace_from) | TRACES | SHOWN,
     "from a hart's instruction number, a symbol or a marker on"},
    {"trace-to", 0, "WHERE", TEXT, AT(trace_to) | TRACES | SHOWN, "up to there"},
    {"trace-vm", 0, "VMID", CALL, BY(set_trace_vm) | TRACES | SHOWN, "only what this VM does"},
    {"trace-format", 0, "FORMAT", CALL, BY(set_trace_format) | TRACES,
     "text or json (an object a line)"},
    {NULL, 0, NULL, FLAG, BY(NULL), "Looking closer"},
    {"explain-exit", 0, "WHICH", CALL, BY(set_explain_exit),
     "tell the whole story of VM exits, by number, cause or VM"},
    {"walk", 0, "ADDRESS[@VMID][:rwx]", TEXT, AT(walk),
     "draw the page-table walks of an address as the run ends"},
    {"check-stale", 0, NULL, FLAG, AT(check_stale),
     "report uses of translations that miss a flush"},
    {NULL, 0, NULL, FLAG, BY(NULL), "Looking at the pipeline"},
    {"kanata", 0, "FILE", TEXT, AT(views.kanata) | PIPELINE | VIEWS | WRITES,
     "every instruction's way, for the viewer Konata"},
    {"o3pipeview", 0, "FILE", TEXT, AT(views.o3pipeview) | PIPELINE | VIEWS | WRITES,
     "the same as lines of gem5's O3PipeView"},
    {"vcd", 0, "FILE", TEXT, AT(views.vcd) | PIPELINE | VIEWS | WRITES,
     "the stages as waveforms, for GTKWave"},
    {"perfetto", 0, "FILE", TEXT, AT(views.perfetto) | VIEWS | WRITES,
     "guests over time, for Perfetto; in both models"},
    {"from", 0, "CYCLE", NUMBER, AT(views.from) | BOUNDS | SHOWN,
     "of all these, from this cycle on"},
    {"to", 0, "CYCLE", NUMBER, AT(views.to) | BOUNDS | SHOWN, "up to this cycle"},
    {"last", 0, "N", NUMBER, AT(views.last) | BOUNDS | SHOWN,
     "the last N instructions of each hart"},
    {NULL, 0, NULL, FLAG, BY(NULL), "Results"},
    {"stats", 's', "FILE", TEXT, AT(stats) | WRITES,
     "write statistics as JSON; - is standard output"},
    {"report", 'r', "FILE", TEXT, AT(report) | WRITES,
     "write them as HTML, with pictures; - is standard output"},
    {"signature", 0, "FILE", TEXT, AT(signature) | WRITES,
     "write begin_signature to end_signature, as architecture tests compare them"},
    {"signature-granularity", 0, "N", CALL, BY(set_signature_bytes), "bytes of each line of it"},
    {"summary", 'S', NULL, FLAG, AT(summary), "print statistics as a table at the end"},
    {"registers", 0, NULL, FLAG, AT(registers),
     "print the registers of all harts at the end; they are in the statistics, too"},
    {"quiet", 'q', NULL, FLAG, AT(quiet) | NO_RUN, "do not say how the run ended"},
    {"version", 'V', NULL, FLAG, AT(version) | NO_RUN, "print the version and exit"},
    {"help", 'h', NULL, FLAG, AT(help) | NO_RUN, "print this and exit"},
};
enum { ROWS = sizeof rows / sizeof rows[0], LONG_BASE = 256 };

/* Options that exclude each other. */
static const struct {
    const char *one, *other, *why;
} exclusions[] = {
    {"sample", "switch-at", "each says when the pipeline model runs"},
    {"trace-events", "trace-exits", "exits are among the events"},
};

/* Options that say something about another one's result. */
static const struct {
    const char *option, *about;
} companions[] = {
    {"signature-granularity", "signature"},
};

/* What the command line gave to each row; values of those that are there are not NULL. */
struct given {
    const char *value[ROWS];
};

/* Parsing --------------------------------------------------------------------------------- */

static bool set(struct options *o, const struct option_row *row, const char *value, char *err,
                size_t n)
{
    const struct config c = {&o->config, &o->pipeline};
    char *field = (char *)o + row->offset, why[512];
    bool ok = true;

    if (value && !*value && row->traits & (READS | WRITES)) {
        snprintf(err, n, "--%s: expected the name of a file", row->name);
        return false;
    }
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

static bool is_row(const struct option_row *row, const char *text)
{
    size_t n = row->name ? strlen(row->name) : 0;

    return n && strncmp(text + 2, row->name, n) == 0 && (!text[n + 2] || text[n + 2] == '=');
}

/* Inserts by the order of the table: that of the command line does not count. Of an option that
 * holds one value the last stays. */
static bool insert(struct option_list *list, const struct option_row *row, char *text)
{
    char **more = realloc(list->texts, (list->n + 1) * sizeof *more);
    size_t at = list->n;

    if (!more)
        return false;
    list->texts = more;
    for (const struct option_row *r = rows + ROWS - 1; r > row; r--)
        while (at && is_row(r, more[at - 1]))
            at--;
    if (row->kind != CALL && at && is_row(row, more[at - 1])) {
        free(more[at - 1]);
        more[at - 1] = text;
        return true;
    }
    memmove(more + at + 1, more + at, (list->n++ - at) * sizeof *more);
    more[at] = text;
    return true;
}

/* For results: "--load=disk.img@0x88000000". */
static bool tell(struct options *o, const struct option_row *row, const char *value)
{
    struct option_list *list = row->traits & SHOWN ? &o->bounds : &o->changes_run;
    const char *slash = row->traits & READS ? strrchr(value, '/') : NULL;
    char *text;
    size_t size;

    if (!(row->traits & (RUN | SHOWN)))
        return true;
    value = slash ? slash + 1 : value ? value : "";
    size = strlen(row->name) + strlen(value) + 4;
    if (!(text = malloc(size)))
        return false;
    snprintf(text, size, "--%s%s%s", row->name, row->arg ? "=" : "", value);
    if (insert(list, row, text))
        return true;
    free(text);
    return false;
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

/* --trace-events=FILE: the option that it belongs to may take one. */
static const char *who_takes_it(const struct option_row *row, char *text, size_t n)
{
    *text = 0;
    for (int i = 0; i < ROWS; i++) {
        size_t length = rows[i].name ? strlen(rows[i].name) : 0;

        if (length && rows[i].arg && strncmp(rows[i].name, row->name, length) == 0 &&
            row->name[length] == '-')
            snprintf(text, n, ": see --%s%s", rows[i].name, rows[i].arg);
    }
    return text;
}

static bool option_error(int c, char **argv, char *err, size_t n)
{
    const struct option_row *row = row_of(optopt);
    char who[64];

    if (c == ':' && row)
        snprintf(err, n, "--%s: missing %s", row->name, row->arg);
    else if (optopt >= LONG_BASE && row)
        snprintf(err, n, "--%s takes no value%s", row->name, who_takes_it(row, who, sizeof who));
    else if (optopt)
        snprintf(err, n, "no option -%c (see --help)", optopt);
    else
        snprintf(err, n, "no option %s (see --help)", argv[optind - 1]);
    return false;
}

static void defaults(struct options *o)
{
    *o = (struct options){.signature_bytes = SIGNATURE_BYTES,
                          .trace.to = UINT64_MAX,
                          .views = {.to = UINT64_MAX, .last = VIEW_LAST}};
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

/* What options say together -------------------------------------------------------------- */

/* The first row in the table with one of these traits that was given; NULL if none was. */
static const struct option_row *given_with(const struct given *g, unsigned traits)
{
    for (int i = 0; i < ROWS; i++) {
        bool cycles = rows[i].traits & traits & CYCLES && g->value[i];

        if (g->value[i] && (rows[i].traits & traits & ~(unsigned)CYCLES ||
                            (cycles && strcmp(g->value[i], "cycles") == 0)))
            return &rows[i];
    }
    return NULL;
}

static bool was_given(const struct given *g, const char *name)
{
    for (int i = 0; i < ROWS; i++)
        if (rows[i].name && strcmp(rows[i].name, name) == 0)
            return g->value[i] != NULL;
    return false;
}

/* Keeps what a row says of files. */
static void name_file(struct options *o, const struct option_row *row, const char *value)
{
    struct named_file *f = o->files;

    if (!(row->traits & (READS | WRITES)) || !value)
        return;
    while (f < o->files + o->nfiles && !(f->written && f->option == row->name))
        f++;
    if (row->set == set_load)
        value = o->loads[o->nloads - 1].path;
    *f = (struct named_file){row->name, value, row->traits & WRITES};
    if (f == o->files + o->nfiles)
        o->nfiles++;
}

/* Standard output belongs to one: a result, or what the guest prints. */
static bool check_stdout(struct options *o, char *err, size_t n)
{
    for (unsigned i = 0; i < o->nfiles; i++) {
        const struct named_file *f = &o->files[i];

        if (!f->written || strcmp(f->path, "-") != 0)
            continue;
        if (o->stdout_owner) {
            snprintf(err, n, "--%s - and --%s -: standard output can take one of them",
                     o->stdout_owner, f->option);
            return false;
        }
        o->stdout_owner = f->option;
    }
    return true;
}

/* "--load FILE", or what else names it. */
static const char *naming(const struct named_file *f, char *text, size_t n)
{
    snprintf(text, n, "%s%s", f->option ? "--" : "", f->option ? f->option : "the image");
    return text;
}

/* A file that is written is no other one: one of the two would be lost. */
static bool check_files(const struct options *o, char *err, size_t n)
{
    char one[64], other[64];

    for (const struct named_file *f = o->files; f < o->files + o->nfiles; f++) {
        if (!f->written || strcmp(f->path, "-") == 0)
            continue;
        for (const struct named_file *g = o->files; g < o->files + o->nfiles; g++)
            if (g != f && strcmp(g->path, "-") != 0 && files_same(f->path, g->path)) {
                snprintf(err, n, "%s and %s are the same file: %s", naming(f, one, sizeof one),
                         naming(g, other, sizeof other), f->path);
                return false;
            }
        if (files_same_as_stdout(f->path)) {
            snprintf(err, n, "%s is the file that standard output goes to: write - for it",
                     naming(f, one, sizeof one));
            return false;
        }
    }
    return true;
}

static bool choose_model(struct options *o, const struct given *g, char *err, size_t n)
{
    const struct option_row *needs = given_with(g, PIPELINE | CYCLES);

    if (needs && o->model == MODEL_FUNCTIONAL && was_given(g, "model")) {
        snprintf(err, n, "--%s%s needs the pipeline model: not with --model functional",
                 needs->name, needs->traits & CYCLES ? " cycles" : "");
        return false;
    }
    if (needs)
        o->model = MODEL_PIPELINE;
#ifndef HAVE_SYSTEMC
    if (o->model == MODEL_PIPELINE) {
        snprintf(err, n,
                 "%s%s: this visa-sim was built without SystemC, which the pipeline model needs",
                 needs ? "--" : "--model ", needs ? needs->name : "pipeline");
        return false;
    }
#endif
    return true;
}

static bool check_pairs(const struct given *g, char *err, size_t n)
{
    for (size_t i = 0; i < sizeof exclusions / sizeof exclusions[0]; i++)
        if (was_given(g, exclusions[i].one) && was_given(g, exclusions[i].other)) {
            snprintf(err, n, "--%s and --%s exclude each other: %s", exclusions[i].one,
                     exclusions[i].other, exclusions[i].why);
            return false;
        }
    for (size_t i = 0; i < sizeof companions / sizeof companions[0]; i++)
        if (was_given(g, companions[i].option) && !was_given(g, companions[i].about)) {
            snprintf(err, n, "--%s is about the file of --%s, which is not there",
                     companions[i].option, companions[i].about);
            return false;
        }
    return true;
}

static bool check_sample(struct options *o, const struct given *g, char *err, size_t n)
{
    if (!o->sample)
        return true;
    o->pipeline.own_time = false;
    if (o->config.harts > 1)
        snprintf(err, n, "--sample measures the whole run of one hart: not with several harts");
    else if (given_with(g, CYCLES))
        snprintf(err, n, "--sample counts time in instructions: not with --time cycles");
    else
        return true;
    return false;
}

/* --kanata, --vcd and ...: all with this trait. */
static const char *names_with(unsigned traits, char *text, size_t n)
{
    size_t at = 0;

    *text = 0;
    for (int i = 0; i < ROWS && at < n; i++)
        if (rows[i].traits & traits)
            at += (size_t)snprintf(text + at, n - at, "%s--%s", at ? ", " : "", rows[i].name);
    return text;
}

static bool check_bounds(const struct options *o, const struct given *g, char *err, size_t n)
{
    const struct view_options *v = &o->views;
    const struct option_row *bounds = given_with(g, BOUNDS);
    char names[128];

    if (v->from > v->to)
        snprintf(err, n, "--from %" PRIu64 " is behind --to %" PRIu64, v->from, v->to);
    else if (bounds && !views_wanted(v))
        snprintf(err, n, "--%s bounds %s: none of these is there", bounds->name,
                 names_with(VIEWS, names, sizeof names));
    else
        return true;
    return false;
}

/* Without an image there may be something to print or to write, but nothing runs. */
static bool check_image(const struct options *o, const struct given *g, char *err, size_t n)
{
    if (o->image || o->help || o->version || o->print_config)
        return true;
    if (!o->dump_dtb) {
        snprintf(err, n, "no image: expected visa-sim [options] IMAGE (see --help)");
        return false;
    }
    for (int i = 0; i < ROWS; i++)
        if (g->value[i] && !(rows[i].traits & NO_RUN)) {
            snprintf(err, n, "--%s: no image is there to run, and --dump-dtb needs none",
                     rows[i].name);
            return false;
        }
    return true;
}

static bool check(struct options *o, const struct given *g, char *err, size_t n)
{
    o->trace_on = given_with(g, TRACES) != NULL;
    return check_image(o, g, err, n) && check_pairs(g, err, n) && choose_model(o, g, err, n) &&
           check_sample(o, g, err, n) && check_bounds(o, g, err, n) && check_stdout(o, err, n) &&
           check_files(o, err, n) && config_check_machine(&o->config, err, n) &&
           config_check_pipeline(&o->pipeline, err, n);
}

bool options_parse(struct options *o, int argc, char **argv, char *err, size_t n)
{
    struct option longs[ROWS + 1];
    struct given given = {{NULL}};
    char shorts[3 * ROWS + 3];
    int c;

    defaults(o);
    o->files = calloc((size_t)argc + 2, sizeof *o->files);
    if (!o->files) {
        snprintf(err, n, "out of memory");
        return false;
    }
    if (!read_files(o, argc, argv, err, n))
        return false;
    describe(longs, shorts);
    while (optopt = 0, (c = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
        if (c == '?' || c == ':')
            return option_error(c, argv, err, n);
        if (!set(o, row_of(c), optarg, err, n))
            return false;
        given.value[row_of(c) - rows] = optarg ? optarg : "";
        name_file(o, row_of(c), optarg);
        if (!tell(o, row_of(c), optarg)) {
            snprintf(err, n, "out of memory");
            return false;
        }
    }
    o->argv = argv + optind;
    o->argc = argc - optind;
    o->image = o->argc ? o->argv[0] : NULL;
    if (o->image)
        o->files[o->nfiles++] = (struct named_file){.path = o->image};
    return check(o, &given, err, n);
}

static void free_list(struct option_list *list)
{
    for (size_t i = 0; i < list->n; i++)
        free(list->texts[i]);
    free(list->texts);
}

void options_free(struct options *o)
{
    for (unsigned i = 0; i < o->nloads; i++)
        free(o->loads[i].path);
    free(o->files);
    free_list(&o->changes_run);
    free_list(&o->bounds);
    for (unsigned i = 0; i < o->nsymbols; i++)
        free(o->symbols[i].path);
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
