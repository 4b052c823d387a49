/* SiFive CLINT (clint.h): msip at 0 + 4h, mtimecmp at 0x4000 + 8h, mtime at 0xbff8.
 *
 * Manual: chapter "The platform". mtime is the `time` of the machine plus what
 * software has set it to; the `time` CSR does not follow such a write. */
#include "clint.h"

#include <stdlib.h>

#include "isa.h"
#include "state/services.h"
#include "tree.h"

enum { MSIP = 0, MTIMECMP = 0x4000, MTIME = 0xbff8 };

struct clint {
    struct machine *machine;
    unsigned harts;
    uint64_t offset; /* mtime - time */
    struct {
        uint64_t compare;
        bool software, timer; /* levels of the two lines */
    } hart[];
};

/* How long a line keeps its level while mtime goes on from now: it rises at the compare value
 * and falls where mtime goes round. UINT64_MAX: for ever. */
static uint64_t lasts(uint64_t now, uint64_t compare)
{
    if (now < compare)
        return compare - now;
    return compare ? -now : UINT64_MAX;
}

/* Drives every timer line for this time and asks to be polled when the next one changes. */
static void update(struct clint *c, uint64_t time)
{
    uint64_t now = time + c->offset, next = UINT64_MAX;

    for (unsigned i = 0; i < c->harts; i++) {
        bool level = now >= c->hart[i].compare;

        if (level != c->hart[i].timer)
            machine_set_irq(c->machine, i, ISA_IRQ_MTI, level);
        c->hart[i].timer = level;
        if (lasts(now, c->hart[i].compare) < next)
            next = lasts(now, c->hart[i].compare);
    }
    if (next <= UINT64_MAX - time)
        machine_wake_at(c->machine, time + next);
}

static void set_software(struct clint *c, unsigned hart, bool level)
{
    if (level != c->hart[hart].software)
        machine_set_irq(c->machine, hart, ISA_IRQ_MSI, level);
    c->hart[hart].software = level;
}

/* The 64-bit register that holds this offset: an mtimecmp, or a copy of mtime. */
static bool wide_register(struct clint *c, uint64_t offset, uint64_t *value, uint64_t **compare)
{
    *compare = NULL;
    if (offset >= MTIME && offset < MTIME + 8) {
        *value = machine_time(c->machine) + c->offset;
        return true;
    }
    if (offset < MTIMECMP || (offset - MTIMECMP) / 8 >= c->harts)
        return false;
    *compare = &c->hart[(offset - MTIMECMP) / 8].compare;
    *value = **compare;
    return true;
}

static bool clint_read(void *dev, uint64_t offset, unsigned width, uint64_t *value)
{
    struct clint *c = dev;
    uint64_t *compare;

    (void)width;
    *value = 0;
    if (offset / 4 < c->harts)
        *value = c->hart[offset / 4].software;
    else if (wide_register(c, offset, value, &compare))
        *value >>= 8 * (offset % 8);
    return true;
}

static bool clint_write(void *dev, uint64_t offset, unsigned width, uint64_t value)
{
    struct clint *c = dev;
    uint64_t *compare, old;

    if (offset / 4 < c->harts) {
        set_software(c, (unsigned)(offset / 4), value & 1);
    } else if (wide_register(c, offset, &old, &compare)) {
        unsigned shift = 8 * (offset % 8);
        uint64_t mask = width == 8 ? UINT64_MAX : 0xffffffffull << shift;
        uint64_t new = (old & ~mask) | (value << shift & mask);

        if (compare)
            *compare = new;
        else
            c->offset += new - old;
        update(c, machine_time(c->machine));
    }
    return true;
}

static void clint_poll(void *dev, uint64_t time)
{
    update(dev, time);
}

static void describe(struct tree *t, const struct device_place *at)
{
    static const char compatible[] = "sifive,clint0\0riscv,clint0";

    tree_begin_at(t, "clint", at->base);
    tree_bytes(t, "compatible", compatible, sizeof compatible);
    tree_reg(t, at);
    tree_hart_interrupts(t, ISA_IRQ_MSI, ISA_IRQ_MTI);
    tree_end(t);
}

static void *state(void *dev, size_t *bytes)
{
    struct clint *c = dev;

    *bytes = sizeof *c + c->harts * sizeof c->hart[0] - offsetof(struct clint, offset);
    return &c->offset;
}

static void *make(const struct device_env *env)
{
    unsigned harts = machine_harts(env->machine);
    struct clint *c = calloc(1, sizeof *c + harts * sizeof c->hart[0]);

    if (!c)
        return NULL;
    c->machine = env->machine;
    c->harts = harts;
    for (unsigned i = 0; i < harts; i++)
        c->hart[i].compare = UINT64_MAX;
    return c;
}

const struct device_ops clint_ops = {
    .name = "clint",
    .make = make,
    .describe = describe,
    .state = state,
    .regs = {{MSIP, MTIMECMP - 1, 1, 4, 4}, {MTIMECMP, MTIME + 7, 1, 4 | 8, 4 | 8}},
    .read = clint_read,
    .write = clint_write,
    .poll = clint_poll,
    .free = free,
};
