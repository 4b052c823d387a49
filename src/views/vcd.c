/* Waveforms: a value change dump (IEEE 1364, chapter "Value change dump files") of what is in
 * each stage, and of where each cycle goes. A unit of time is a cycle.
 *
 * For each hart, a scope of its name: its signals in the order of the enum, then the stages'
 * scopes, then one wire for each category of cycles. */
#include <inttypes.h>
#include <string.h>

#include "built-with.h"
#include "observe/identity.h"
#include "impl.h"

enum { RING, V, VMID, WORLDS };                 /* of the instruction that the cycle belongs to */
enum { VALID, PC, NUMBER, SPECIAL, PER_STAGE }; /* SPECIAL: stages[].special */
enum { AT_STAGES = WORLDS, AT_CYCLES = AT_STAGES + VIEW_STAGES * PER_STAGE };
enum { SIGNALS = AT_CYCLES + PIPELINE_CATEGORIES };

static const struct {
    const char *name, *special;
} stages[VIEW_STAGES] = {
    [VIEW_F] = {"fetch", "icache_miss"},    [VIEW_D] = {"decode", "waits"},
    [VIEW_X] = {"execute", "mispredicted"}, [VIEW_M] = {"memory", "dcache_miss"},
    [VIEW_W] = {"write", "trapped"},
};

/* The order in which an instruction's cycles are drawn: what comes before it, its fetch, its
 * wait, its execution, its data. */
static const uint8_t order[PIPELINE_CATEGORIES] = {
    PIPELINE_WAIT,       PIPELINE_FRONTEND,  PIPELINE_MISPREDICT, PIPELINE_FLUSH,
    PIPELINE_TRAP,       PIPELINE_WORLD,     PIPELINE_ICACHE,     PIPELINE_TLB,
    PIPELINE_WALK_GUEST, PIPELINE_WALK_HOST, PIPELINE_HAZARD,     PIPELINE_POOL,
    PIPELINE_EXECUTE,    PIPELINE_DCACHE,    PIPELINE_DEVICE,     PIPELINE_RETIRED,
};

struct signal {
    uint64_t value, shown;
    bool none, shown_none; /* no value: z */
};

/* Which part of which instruction's cycles comes next. */
struct charge {
    size_t index;
    unsigned part;
};

struct vcd {
    FILE *out;
    const struct view_insns *insns;
    struct signal *signals; /* SIGNALS for each hart */
    struct charge *charges; /* one for each hart */
    bool begun;
    uint64_t last; /* cycle that was written last */
};

static unsigned width_of(unsigned n)
{
    if (n < WORLDS)
        return n == RING ? 8 : n == VMID ? ISA_VMID_BITS : 1;
    if (n >= AT_CYCLES)
        return 1;
    n = (n - AT_STAGES) % PER_STAGE;
    return n == PC || n == NUMBER ? 64 : 1;
}

/* The signal's code: digits of base 94, the printable characters. */
static const char *code_of(size_t n, char *text)
{
    char *p = text;

    do
        *p++ = (char)('!' + n % 94);
    while (n /= 94);
    *p = 0;
    return text;
}

static void declare(const struct vcd *d, unsigned hart, unsigned n, const char *name)
{
    unsigned width = width_of(n);
    char code[16];

    fprintf(d->out, "$var wire %u %s %s", width, code_of((size_t)hart * SIGNALS + n, code), name);
    if (width > 1)
        fprintf(d->out, " [%u:0]", width - 1);
    fputs(" $end\n", d->out);
}

static void declare_hart(const struct vcd *d, unsigned hart)
{
    static const char *const worlds[] = {"ring", "v", "vmid"};
    static const char *const names[] = {"valid", "pc", "number"};

    fprintf(d->out, "$scope module hart%u $end\n", hart);
    for (unsigned n = 0; n < WORLDS; n++)
        declare(d, hart, n, worlds[n]);
    for (unsigned s = 0; s < VIEW_STAGES; s++) {
        fprintf(d->out, "$scope module %s $end\n", stages[s].name);
        for (unsigned n = 0; n < PER_STAGE; n++)
            declare(d, hart, AT_STAGES + s * PER_STAGE + n,
                    n == SPECIAL ? stages[s].special : names[n]);
        fputs("$upscope $end\n", d->out);
    }
    fputs("$scope module cycle $end\n", d->out);
    for (unsigned c = 0; c < PIPELINE_CATEGORIES; c++)
        declare(d, hart, AT_CYCLES + c, pipeline_category_names[c]);
    fputs("$upscope $end\n$upscope $end\n", d->out);
}

/* False if memory ran out. */
static bool declare_all(const struct vcd *d)
{
    bool ok;

    fputs("$version visa-sim " PACKAGE_VERSION " $end\n"
          "$comment a unit of time is a cycle; ring is a signed number $end\n$comment\n",
          d->out);
    ok = identity_head(d->out, d->insns->run, d->insns->shown, "  ");
    fputs("$end\n$timescale 1 ns $end\n$scope module visa $end\n", d->out);
    for (unsigned h = 0; h < d->insns->nharts; h++)
        declare_hart(d, h);
    fputs("$upscope $end\n$enddefinitions $end\n", d->out);
    return ok;
}

static void print_value(const struct vcd *d, size_t n)
{
    const struct signal *s = &d->signals[n];
    unsigned width = width_of((unsigned)(n % SIGNALS));
    uint64_t value = width < 64 ? s->value & ((1ull << width) - 1) : s->value;
    char code[16], bits[65], *p = bits + sizeof bits - 1;

    code_of(n, code);
    if (width == 1) {
        fprintf(d->out, "%c%s\n", s->none ? 'z' : value ? '1' : '0', code);
        return;
    }
    *p = 0;
    do
        *--p = s->none ? 'z' : (char)('0' + (value & 1));
    while (value >>= 1 && !s->none);
    fprintf(d->out, "b%s %s\n", p, code);
}

/* Writes what has another value in this cycle than before it. */
static void print_cycle(struct vcd *d, uint64_t cycle)
{
    bool told = false;

    for (size_t n = 0; n < (size_t)d->insns->nharts * SIGNALS; n++) {
        struct signal *s = &d->signals[n];

        if (d->begun && s->none == s->shown_none && (s->none || s->value == s->shown))
            continue;
        if (!told)
            fprintf(d->out, "#%" PRIu64 "\n%s", cycle, d->begun ? "" : "$dumpvars\n");
        told = true;
        d->last = cycle;
        print_value(d, n);
        s->shown = s->value;
        s->shown_none = s->none;
    }
    if (!d->begun)
        fputs("$end\n", d->out);
    d->begun = true;
}

static void set(struct vcd *d, unsigned hart, unsigned n, bool none, uint64_t value)
{
    struct signal *s = &d->signals[(size_t)hart * SIGNALS + n];

    s->none = none;
    s->value = value;
}

/* Stages ----------------------------------------------------------------------------------- */

static bool special(const struct pipeline_insn *i, unsigned stage)
{
    switch (stage) {
    case VIEW_F: return i->icache_misses;
    case VIEW_D: return i->waited;
    case VIEW_X: return i->mispredicted;
    case VIEW_M: return i->dcache_misses;
    default: return i->trapped;
    }
}

/* i is in the stage from now on, or nothing (NULL). */
static void set_stage(struct vcd *d, unsigned hart, unsigned stage, const struct pipeline_insn *i)
{
    unsigned at = AT_STAGES + stage * PER_STAGE;

    set(d, hart, at + VALID, false, i != NULL);
    set(d, hart, at + PC, !i, i ? i->pc : 0);
    set(d, hart, at + NUMBER, !i, i ? i->number : 0);
    set(d, hart, at + SPECIAL, false, i && special(i, stage));
}

static void step(struct vcd *d, const struct view_step *s)
{
    if (s->stage != VIEW_F)
        set_stage(d, s->hart, s->stage - 1, NULL);
    if (s->stage != VIEW_GONE)
        set_stage(d, s->hart, s->stage, s->insn);
}

/* Cycles ------------------------------------------------------------------------------------- */

/* The instruction whose cycles come next, NULL if none is left. */
static const struct pipeline_insn *charged(const struct vcd *d, unsigned hart)
{
    size_t index = d->charges[hart].index;

    return index < d->insns->harts[hart].n ? view_insn(d->insns, hart, index) : NULL;
}

/* The first cycle of its next part; parts end with the cycle behind the instruction. */
static uint64_t charged_from(const struct vcd *d, unsigned hart, const struct pipeline_insn *i)
{
    uint64_t cycle = i->write + 1;

    for (unsigned part = d->charges[hart].part; part < PIPELINE_CATEGORIES; part++)
        cycle -= i->cycles[order[part]];
    return cycle;
}

static void set_world(struct vcd *d, unsigned hart, const struct pipeline_insn *i)
{
    set(d, hart, RING, !i, i ? (uint64_t)i->ring : 0);
    set(d, hart, V, !i, i && i->v);
    set(d, hart, VMID, !i || !i->v, i ? i->vmid : 0);
}

/* Does the parts of this hart that begin in this cycle. */
static void charge(struct vcd *d, unsigned hart, uint64_t cycle)
{
    struct charge *c = &d->charges[hart];
    const struct pipeline_insn *i;

    while ((i = charged(d, hart)) && charged_from(d, hart, i) == cycle) {
        unsigned part = c->part++;

        for (unsigned n = 0; n < PIPELINE_CATEGORIES; n++)
            set(d, hart, AT_CYCLES + n, false, 0);
        set_world(d, hart, part < PIPELINE_CATEGORIES ? i : NULL);
        if (part < PIPELINE_CATEGORIES)
            set(d, hart, AT_CYCLES + order[part], false, 1);
        else
            *c = (struct charge){c->index + 1, 0};
    }
}

/* --------------------------------------------------------------------------------------------- */

/* The next cycle in which something changes; false if there is none. */
static bool next_cycle(const struct vcd *d, const struct view_walk *walk, uint64_t *cycle)
{
    struct view_step s;
    bool found = view_walk_peek(walk, &s);

    *cycle = found ? s.cycle : UINT64_MAX;
    for (unsigned h = 0; h < d->insns->nharts; h++) {
        const struct pipeline_insn *i = charged(d, h);
        uint64_t at = i ? charged_from(d, h, i) : UINT64_MAX;

        found = found || i;
        *cycle = at < *cycle ? at : *cycle;
    }
    return found;
}

static void do_cycle(struct vcd *d, struct view_walk *walk, uint64_t cycle)
{
    struct view_step s;

    while (view_walk_peek(walk, &s) && s.cycle == cycle) {
        step(d, &s);
        view_walk_take(walk, &s);
    }
    for (unsigned h = 0; h < d->insns->nharts; h++)
        charge(d, h, cycle);
}

static bool write_all(struct vcd *d, struct view_walk *walk)
{
    uint64_t from = d->insns->from, to = d->insns->to, cycle = from;
    bool more, ok;

    for (unsigned h = 0; h < d->insns->nharts; h++) {
        set_world(d, h, NULL);
        for (unsigned s = 0; s < VIEW_STAGES; s++)
            set_stage(d, h, s, NULL);
    }
    ok = declare_all(d);
    while ((more = next_cycle(d, walk, &cycle)) && cycle <= to) {
        if (!d->begun && cycle > from)
            print_cycle(d, from);
        do_cycle(d, walk, cycle);
        if (cycle >= from)
            print_cycle(d, cycle);
    }
    if (!d->begun)
        print_cycle(d, from);
    if (more && d->last < to + 1)
        fprintf(d->out, "#%" PRIu64 "\n", to + 1); /* what was last lasts until there */
    return ok;
}

bool vcd_write(FILE *out, const struct view_insns *v)
{
    struct vcd d = {.out = out, .insns = v};
    struct view_walk walk = {0};
    bool ok;

    d.signals = calloc((size_t)v->nharts * SIGNALS, sizeof *d.signals);
    d.charges = calloc(v->nharts, sizeof *d.charges);
    ok = d.signals && d.charges && view_walk_begin(&walk, v);
    if (ok)
        ok = write_all(&d, &walk);
    free(d.signals);
    free(d.charges);
    view_walk_end(&walk);
    return ok;
}
