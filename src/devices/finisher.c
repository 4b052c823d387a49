/* SiFive test finisher (finisher.h).
 *
 * Manual: chapter "The platform". A failure never looks like success: FAIL with
 * code 0 is exit code 1. */
#include "finisher.h"

#include <stdlib.h>

#include "state/services.h"
#include "tree.h"

struct finisher {
    struct machine *machine;
    bool reset;
};

bool finisher_reset(const struct finisher *f)
{
    return f->reset;
}

static bool finisher_read(void *dev, uint64_t offset, unsigned width, uint64_t *value)
{
    (void)dev;
    (void)offset;
    (void)width;
    *value = 0;
    return true;
}

static bool finisher_write(void *dev, uint64_t offset, unsigned width, uint64_t value)
{
    struct finisher *f = dev;
    int code = (int)(value >> 16 & 0xffff);

    (void)width;
    if (offset != 0)
        return true;
    switch (value & 0xffff) {
    case FINISHER_PASS: machine_exit(f->machine, 0); break;
    case FINISHER_FAIL: machine_exit(f->machine, code ? code : 1); break;
    case FINISHER_RESET:
        f->reset = true;
        machine_exit(f->machine, 0);
        break;
    default: break;
    }
    return true;
}

static void describe(struct tree *t, const struct device_place *at)
{
    static const char compatible[] = "sifive,test1\0sifive,test0\0syscon";

    tree_begin_at(t, "test", at->base);
    tree_bytes(t, "compatible", compatible, sizeof compatible);
    tree_reg(t, at);
    tree_cell(t, "phandle", tree_finisher(t));
    tree_end(t);
}

static void *state(void *dev, size_t *bytes)
{
    struct finisher *f = dev;

    *bytes = sizeof f->reset;
    return &f->reset;
}

static void *make(const struct device_env *env)
{
    struct finisher *f = calloc(1, sizeof *f);

    if (f)
        f->machine = env->machine;
    return f;
}

const struct device_ops finisher_ops = {
    .name = "finisher",
    .make = make,
    .describe = describe,
    .state = state,
    .regs = {{0, UINT64_MAX, 1, 2 | 4, 2 | 4}},
    .read = finisher_read,
    .write = finisher_write,
    .free = free,
};
