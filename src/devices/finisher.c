/* SiFive test finisher (finisher.h).
 *
 * Manual: chapter "The platform". A failure never looks like success: FAIL with
 * code 0 is exit code 1. */
#include "finisher.h"

#include <stdlib.h>

#include "state/services.h"

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

const struct device_ops finisher_ops = {
    .name = "finisher",
    .regs = {{0, UINT64_MAX, 1, 2 | 4, 2 | 4}},
    .read = finisher_read,
    .write = finisher_write,
    .free = free,
};

struct finisher *finisher_new(struct machine *m)
{
    struct finisher *f = calloc(1, sizeof *f);

    if (f)
        f->machine = m;
    return f;
}
