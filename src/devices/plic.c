/* SiFive PLIC with QEMU virt's layout (plic.h).
 *
 * Manual: chapter "The platform". Context 2h is Ring -1 of hart h, 2h+1 its Ring 0.
 * Sources are level-triggered: one is pending while its line is up and nobody has
 * claimed it; completing it opens the gateway again. */
#include "plic.h"

#include <stdlib.h>

#include "isa.h"
#include "state/services.h"
#include "tree.h"

enum {
    PRIORITY = 0x0,
    PENDING = 0x1000,
    ENABLE = 0x2000,
    ENABLE_STRIDE = 0x80,
    CONTEXT = 0x200000,
    CONTEXT_STRIDE = 0x1000,
    THRESHOLD = 0,
    CLAIM = 4,
    WORDS = PLIC_SOURCES / 32 + 1,
    PRIORITY_MASK = 7,
};

struct plic_context {
    uint32_t enable[WORDS];
    uint32_t threshold;
    bool level;
};

struct plic {
    struct machine *machine;
    unsigned ncontexts;
    uint8_t priority[PLIC_SOURCES + 1];
    bool line[PLIC_SOURCES + 1];
    uint32_t pending[WORDS], claimed[WORDS];
    struct plic_context contexts[];
};

static bool bit(const uint32_t *words, unsigned n)
{
    return words[n / 32] >> n % 32 & 1;
}

static void set_bit(uint32_t *words, unsigned n, bool to)
{
    words[n / 32] = to ? words[n / 32] | 1u << n % 32 : words[n / 32] & ~(1u << n % 32);
}

/* The source to claim: the highest priority, then the lowest number; 0 none. */
static unsigned best(const struct plic *p, const struct plic_context *c)
{
    unsigned source = 0, priority = 0;

    for (unsigned i = 1; i <= PLIC_SOURCES; i++)
        if (bit(p->pending, i) && bit(c->enable, i) && p->priority[i] > priority) {
            source = i;
            priority = p->priority[i];
        }
    return source;
}

static void update(struct plic *p)
{
    for (unsigned i = 0; i < p->ncontexts; i++) {
        struct plic_context *c = &p->contexts[i];
        bool level = p->priority[best(p, c)] > c->threshold;

        if (level != c->level)
            machine_set_irq(p->machine, i / 2, i % 2 ? ISA_IRQ_SEI : ISA_IRQ_MEI, level);
        c->level = level;
    }
}

/* The gateway: passes a line on unless its last interrupt is still being handled. */
static void gate(struct plic *p, unsigned source)
{
    if (!bit(p->claimed, source))
        set_bit(p->pending, source, p->line[source]);
}

void plic_set(void *plic, unsigned source, bool level)
{
    struct plic *p = plic;

    if (source == 0 || source > PLIC_SOURCES)
        return;
    p->line[source] = level;
    gate(p, source);
    update(p);
}

static uint32_t claim(struct plic *p, struct plic_context *c)
{
    unsigned source = best(p, c);

    if (source) {
        set_bit(p->pending, source, false);
        set_bit(p->claimed, source, true);
        update(p);
    }
    return source;
}

/* As the PLIC's manual says, only a source that the context enables can be completed. */
static void complete(struct plic *p, const struct plic_context *c, uint32_t source)
{
    if (source == 0 || source > PLIC_SOURCES || !bit(c->enable, source))
        return;
    set_bit(p->claimed, source, false);
    gate(p, source);
    update(p);
}

static struct plic_context *context_at(struct plic *p, uint64_t offset, uint64_t base,
                                       uint64_t stride)
{
    uint64_t n = (offset - base) / stride;

    return n < p->ncontexts ? &p->contexts[n] : NULL;
}

static bool plic_read(void *dev, uint64_t offset, unsigned width, uint64_t *value)
{
    struct plic *p = dev;
    struct plic_context *c;
    uint64_t word;

    (void)width;
    *value = 0;
    if (offset < PENDING) {
        if (offset / 4 <= PLIC_SOURCES)
            *value = p->priority[offset / 4];
    } else if (offset < ENABLE) {
        if ((word = (offset - PENDING) / 4) < WORDS)
            *value = p->pending[word];
    } else if (offset < CONTEXT) {
        word = (offset - ENABLE) % ENABLE_STRIDE / 4;
        if ((c = context_at(p, offset, ENABLE, ENABLE_STRIDE)) && word < WORDS)
            *value = c->enable[word];
    } else if ((c = context_at(p, offset, CONTEXT, CONTEXT_STRIDE))) {
        if (offset % CONTEXT_STRIDE == THRESHOLD)
            *value = c->threshold;
        else if (offset % CONTEXT_STRIDE == CLAIM)
            *value = claim(p, c);
    }
    return true;
}

static void write_context(struct plic *p, struct plic_context *c, uint64_t reg, uint32_t value)
{
    if (reg == THRESHOLD)
        c->threshold = value & PRIORITY_MASK;
    else if (reg == CLAIM)
        complete(p, c, value);
}

static bool plic_write(void *dev, uint64_t offset, unsigned width, uint64_t value)
{
    struct plic *p = dev;
    struct plic_context *c;
    uint64_t word;

    (void)width;
    if (offset < PENDING) {
        if (offset > 0 && offset / 4 <= PLIC_SOURCES)
            p->priority[offset / 4] = value & PRIORITY_MASK;
    } else if (offset >= ENABLE && offset < CONTEXT) {
        word = (offset - ENABLE) % ENABLE_STRIDE / 4;
        if ((c = context_at(p, offset, ENABLE, ENABLE_STRIDE)) && word < WORDS)
            c->enable[word] = (uint32_t)value & (word == 0 ? ~1u : ~0u); /* no source 0 */
    } else if (offset >= CONTEXT && (c = context_at(p, offset, CONTEXT, CONTEXT_STRIDE))) {
        write_context(p, c, offset % CONTEXT_STRIDE, (uint32_t)value);
    }
    update(p);
    return true;
}

static void describe(struct tree *t, const struct device_place *at)
{
    static const char compatible[] = "sifive,plic-1.0.0\0riscv,plic0";

    tree_begin_at(t, "plic", at->base);
    tree_bytes(t, "compatible", compatible, sizeof compatible);
    tree_reg(t, at);
    tree_cell(t, "#address-cells", 0);
    tree_cell(t, "#interrupt-cells", 1);
    tree_empty(t, "interrupt-controller");
    tree_hart_interrupts(t, ISA_IRQ_MEI, ISA_IRQ_SEI);
    tree_cell(t, "riscv,ndev", PLIC_SOURCES);
    tree_cell(t, "phandle", tree_plic(t));
    tree_end(t);
}

static void *state(void *dev, size_t *bytes)
{
    struct plic *p = dev;

    *bytes = sizeof *p + p->ncontexts * sizeof p->contexts[0] - offsetof(struct plic, priority);
    return &p->priority;
}

static void *make(const struct device_env *env)
{
    unsigned contexts = 2 * machine_harts(env->machine);
    struct plic *p = calloc(1, sizeof *p + contexts * sizeof p->contexts[0]);

    if (!p)
        return NULL;
    p->machine = env->machine;
    p->ncontexts = contexts;
    return p;
}

const struct device_ops plic_ops = {
    .name = "plic",
    .make = make,
    .describe = describe,
    .state = state,
    .regs = {{0, UINT64_MAX, 1, 4, 4}},
    .read = plic_read,
    .write = plic_write,
    .free = free,
};
