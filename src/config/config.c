/* The settings (config.h). */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "suggest.h"
#include "isa.h"

void machine_defaults(struct machine_config *c)
{
    *c = (struct machine_config){
        .ram_bytes = 128ull << 20,
        .harts = 1,
        .pool = ISA_POOL,
        .tlb_l1 = ISA_TLB_L1,
        .tlb_l2 = ISA_TLB_L2,
        .tlb_l2_ways = ISA_TLB_L2_WAYS,
        .walk_cache = ISA_WALK_CACHE,
        .pmp_granule = ISA_PMP_GRANULE,
        .ticks_per_time = ISA_TICKS_PER_TIME,
        .quantum = 1000,
    };
}

void pipeline_defaults(struct pipeline_config *c)
{
    *c = (struct pipeline_config){0};
    for (unsigned i = 0; i < ISA_LATS; i++)
        c->cycles[i] = isa_latencies[i].cycles;
    c->icache_bytes = c->dcache_bytes = ISA_CACHE_BYTES;
    c->icache_ways = c->dcache_ways = ISA_CACHE_WAYS;
    c->btb = ISA_BTB;
    c->predictor = PREDICT_BTB;
    c->own_time = true;
}

static const char *const predictors[] = {
    [PREDICT_NONE] = "none", [PREDICT_STATIC] = "static", [PREDICT_BTB] = "btb"};
static const char *const switches[] = {[false] = "off", [true] = "on"};
static const char *const times[] = {[false] = "instret", [true] = "cycles"};

enum { CACHE_MOST = 16 << 20, LATENCY_MOST = 100000, LONG = 1000000000 };

#define MACHINE(field)                                                                             \
    false, sizeof(((struct machine_config *)0)->field), offsetof(struct machine_config, field)
#define PIPELINE(field)                                                                            \
    true, sizeof(((struct pipeline_config *)0)->field), offsetof(struct pipeline_config, field)
#define NUMBER SETTING_NUMBER
#define SIZE SETTING_SIZE
#define WORD SETTING_WORD
#define WORDS(list) 0, sizeof(list) / sizeof(list[0]) - 1, list

/* clang-format off */
static const struct setting rows[] = {
    {"machine", "ram", "bytes of RAM", SIZE, MACHINE(ram_bytes), 1 << 20, 64ull << 30, NULL},
    {"machine", "harts", "harts", NUMBER, MACHINE(harts), 1, MACHINE_MAX_HARTS, NULL},
    {"machine", "quantum", "instructions that a hart runs before the next one's turn",
        NUMBER, MACHINE(quantum), 1, LONG, NULL},
    {"pool", "contexts", "contexts in each hart's state pool", NUMBER, MACHINE(pool), 1, 256, NULL},
    {"tlb", "l1", "entries of each L1 TLB (fetch, data), fully associative",
        NUMBER, MACHINE(tlb_l1), 1, 512, NULL},
    {"tlb", "l2", "entries of each L2 TLB (fetch, data)", NUMBER, MACHINE(tlb_l2), 1, 65536, NULL},
    {"tlb", "l2_ways", "ways of each L2 TLB", NUMBER, MACHINE(tlb_l2_ways), 1, 16, NULL},
    {"tlb", "walk_cache", "entries of each walk cache (fetch, data)",
        NUMBER, MACHINE(walk_cache), 0, 512, NULL},
    {"pmp", "granule", "bytes of the smallest PMP region",
        NUMBER, MACHINE(pmp_granule), 4, 4096, NULL},
    {"walk", "svadu", "whether walks write A and D", WORD, MACHINE(svadu), WORDS(switches)},
    {"icache", "bytes", "size of the instruction cache",
        SIZE, PIPELINE(icache_bytes), ISA_LINE_BYTES, CACHE_MOST, NULL},
    {"icache", "ways", "ways of the instruction cache", NUMBER, PIPELINE(icache_ways), 1, 64, NULL},
    {"dcache", "bytes", "size of the data cache",
        SIZE, PIPELINE(dcache_bytes), ISA_LINE_BYTES, CACHE_MOST, NULL},
    {"dcache", "ways", "ways of the data cache", NUMBER, PIPELINE(dcache_ways), 1, 64, NULL},
    {"predictor", "kind", "what predicts jumps", WORD, PIPELINE(predictor), WORDS(predictors)},
    {"predictor", "entries", "entries of the branch target buffer",
        NUMBER, PIPELINE(btb), 1, 65536, NULL},
    {"time", "source", "what `time` counts in the pipeline model",
        WORD, PIPELINE(own_time), WORDS(times)},
    {"time", "ticks", "instructions, or cycles, for a tick of `time`",
        NUMBER, MACHINE(ticks_per_time), 1, LONG, NULL},
    {"pipeline", "quantum", "cycles that harts run ahead of SystemC at most, 0: to its next event",
        NUMBER, PIPELINE(quantum), 0, LONG, NULL},
};
/* clang-format on */
enum { ROWS = sizeof rows / sizeof rows[0] };

unsigned settings_count(void)
{
    return ROWS + ISA_LATS;
}

/* Behind the table, the latencies by their names in isa/latency.isa. */
struct setting settings_row(unsigned i)
{
    struct setting s = {.group = "latency", .kind = NUMBER, PIPELINE(cycles[0])};
    unsigned lat = i - ROWS;

    if (i < ROWS)
        return rows[i];
    s.name = isa_latencies[lat].name;
    s.help = isa_latencies[lat].summary;
    s.offset += lat * s.width;
    s.least = 1;
    s.most = LATENCY_MOST;
    return s;
}

static void full_name(const struct setting *s, char *text, size_t n)
{
    snprintf(text, n, "%s.%s", s->group, s->name);
}

/* The nearest name; one that only lacks its group is near, too. */
static void nearest(const char *name, char *text, size_t n)
{
    struct suggest near;

    text[0] = 0;
    suggest_start(&near, name, strlen(name));
    for (unsigned i = 0; i < settings_count(); i++) {
        struct setting s = settings_row(i);
        char full[SETTING_NAME];

        full_name(&s, full, sizeof full);
        suggest_try(&near, full);
        if (strcmp(name, s.name) == 0)
            snprintf(text, n, "%s", full);
    }
    if (near.best[0])
        snprintf(text, n, "%s", near.best);
}

bool setting_find(const char *name, struct setting *s, char *err, size_t n)
{
    char full[SETTING_NAME];

    for (unsigned i = 0; i < settings_count(); i++) {
        *s = settings_row(i);
        full_name(s, full, sizeof full);
        if (strcmp(name, full) == 0)
            return true;
    }
    nearest(name, full, sizeof full);
    if (full[0])
        snprintf(err, n, "no setting '%s': did you mean '%s'?", name, full);
    else
        snprintf(err, n, "no setting '%s' (see --print-config)", name);
    return false;
}

/* As text ---------------------------------------------------------------------------------- */

/* Reads digits; *rest is what follows them. */
static bool digits(const char *text, uint64_t *value, const char **rest)
{
    char *end;

    if (text[0] < '0' || text[0] > '9')
        return false;
    errno = 0;
    *value = strtoull(text, &end, 0);
    *rest = end;
    return errno == 0 && end != text;
}

bool config_number(const char *text, uint64_t *value, char *err, size_t n)
{
    const char *rest;

    if (digits(text, value, &rest) && !*rest)
        return true;
    snprintf(err, n, "'%s' is not a number (decimal, or 0x and hexadecimal)", text);
    return false;
}

static const char units[] = "KMG";

bool config_size(const char *text, uint64_t *value, char *err, size_t n)
{
    const char *rest, *unit;
    unsigned shift = 0;

    if (digits(text, value, &rest)) {
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

void setting_text(const struct setting *s, uint64_t value, char *text, size_t n)
{
    unsigned unit = 0;

    if (s->kind == WORD) {
        snprintf(text, n, "%s", s->words[value]);
        return;
    }
    while (s->kind == SIZE && units[unit] && value && value % 1024 == 0) {
        value /= 1024;
        unit++;
    }
    snprintf(text, n, "%" PRIu64 "%.*s", value, unit != 0, unit ? &units[unit - 1] : "");
}

void setting_range(const struct setting *s, char *text, size_t n)
{
    char least[24], most[24];
    size_t length = 0;

    if (s->kind == WORD) {
        for (uint64_t i = 0; i <= s->most && length < n; i++) {
            const char *between = i == 0 ? "" : i < s->most ? ", " : " or ";

            length += (size_t)snprintf(text + length, n - length, "%s%s", between, s->words[i]);
        }
        return;
    }
    setting_text(s, s->least, least, sizeof least);
    setting_text(s, s->most, most, sizeof most);
    snprintf(text, n, "%s to %s", least, most);
}

/* Values ----------------------------------------------------------------------------------- */

static uint64_t get(const void *in, const struct setting *s)
{
    const char *field = (const char *)in + s->offset;
    uint64_t wide = 0;
    unsigned word = 0;

    if (s->width == sizeof(bool))
        return *(const bool *)field;
    if (s->width == sizeof word) {
        memcpy(&word, field, sizeof word);
        return word;
    }
    memcpy(&wide, field, sizeof wide);
    return wide;
}

uint64_t config_get(const struct config *c, const struct setting *s)
{
    return get(s->pipeline ? (const void *)c->pipeline : c->machine, s);
}

static bool in_range(const struct setting *s, uint64_t value, char *err, size_t n)
{
    char name[SETTING_NAME], range[SETTING_TEXT];

    if (value >= s->least && value <= s->most)
        return true;
    full_name(s, name, sizeof name);
    setting_range(s, range, sizeof range);
    snprintf(err, n, "%s must be %s, not %" PRIu64, name, range, value);
    return false;
}

bool config_put(const struct config *c, const struct setting *s, uint64_t value, char *err,
                size_t n)
{
    char *field = (s->pipeline ? (char *)c->pipeline : (char *)c->machine) + s->offset;
    unsigned word = (unsigned)value;

    if (!in_range(s, value, err, n))
        return false;
    if (s->width == sizeof(bool))
        *(bool *)field = value;
    else if (s->width == sizeof word)
        memcpy(field, &word, sizeof word);
    else
        memcpy(field, &value, sizeof value);
    return true;
}

bool config_put_text(const struct config *c, const struct setting *s, const char *value, char *err,
                     size_t n)
{
    char name[SETTING_NAME], range[SETTING_TEXT];
    uint64_t v = 0;

    if (s->kind != WORD)
        return (s->kind == SIZE ? config_size : config_number)(value, &v, err, n) &&
               config_put(c, s, v, err, n);
    while (v <= s->most && strcmp(value, s->words[v]) != 0)
        v++;
    if (v <= s->most)
        return config_put(c, s, v, err, n);
    full_name(s, name, sizeof name);
    setting_range(s, range, sizeof range);
    snprintf(err, n, "%s must be %s, not '%s'", name, range, value);
    return false;
}

bool config_set(const struct config *c, const char *name, const char *value, char *err, size_t n)
{
    struct setting s;

    return setting_find(name, &s, err, n) && config_put_text(c, &s, value, err, n);
}

/* Checks ----------------------------------------------------------------------------------- */

static bool all_in_range(const void *in, bool pipeline, char *err, size_t n)
{
    for (unsigned i = 0; i < settings_count(); i++) {
        struct setting s = settings_row(i);

        if (s.pipeline == pipeline && !in_range(&s, get(in, &s), err, n))
            return false;
    }
    return true;
}

static bool power_of_two(uint64_t n)
{
    return n && (n & (n - 1)) == 0;
}

/* What is wrong between settings of which each is in its range, in words; NULL if nothing is. */
static const char *machine_fault(const struct machine_config *c)
{
    if (c->ram_bytes % 4096)
        return "machine.ram must be a multiple of 4K";
    if (c->tlb_l2 % c->tlb_l2_ways || !power_of_two(c->tlb_l2 / c->tlb_l2_ways))
        return "tlb.l2 must be tlb.l2_ways times a power of two";
    if (c->tlb_l1 > c->tlb_l2)
        return "tlb.l1 must not be more than tlb.l2: L2 includes L1";
    if (!power_of_two(c->pmp_granule))
        return "pmp.granule must be a power of two";
    /* An lr/sc loop of 16 instructions must fit twice: its reservation ends with the turn. */
    if (c->harts > 1 && c->quantum < 64)
        return "with several harts machine.quantum must be at least 64";
    return NULL;
}

static bool cache_possible(unsigned bytes, unsigned ways)
{
    return bytes % (ways * ISA_LINE_BYTES) == 0 && power_of_two(bytes / ways / ISA_LINE_BYTES);
}

static const char *pipeline_fault(const struct pipeline_config *c)
{
    if (!cache_possible(c->icache_bytes, c->icache_ways))
        return "icache.bytes must be icache.ways lines times a power of two";
    if (!cache_possible(c->dcache_bytes, c->dcache_ways))
        return "dcache.bytes must be dcache.ways lines times a power of two";
    if (!power_of_two(c->btb))
        return "predictor.entries must be a power of two";
    return NULL;
}

static bool no_fault(const char *fault, char *err, size_t n)
{
    if (fault)
        snprintf(err, n, "%s", fault);
    return !fault;
}

bool config_check_machine(const struct machine_config *c, char *err, size_t n)
{
    return all_in_range(c, false, err, n) && no_fault(machine_fault(c), err, n);
}

bool config_check_pipeline(const struct pipeline_config *c, char *err, size_t n)
{
    return all_in_range(c, true, err, n) && no_fault(pipeline_fault(c), err, n);
}
