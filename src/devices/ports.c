/* The devices that exist as ports only (ports.h).
 *
 * Manual: chapter "The platform". */
#include "ports.h"

#include <stdlib.h>

#include "state/services.h"

struct ports {
    struct machine *machine;
    struct console console;
    uint8_t post;
};

static bool post_read(void *dev, uint64_t offset, unsigned width, uint64_t *value)
{
    (void)offset;
    (void)width;
    *value = ((struct ports *)dev)->post;
    return true;
}

static bool post_write(void *dev, uint64_t offset, unsigned width, uint64_t value)
{
    (void)offset;
    (void)width;
    ((struct ports *)dev)->post = (uint8_t)value;
    return true;
}

/* Reading the console's port gives its own number: so software finds out it is there. */
static bool console_read(void *dev, uint64_t offset, unsigned width, uint64_t *value)
{
    (void)dev;
    (void)offset;
    (void)width;
    *value = PORT_CONSOLE;
    return true;
}

static bool console_write(void *dev, uint64_t offset, unsigned width, uint64_t value)
{
    (void)offset;
    (void)width;
    console_put(&((struct ports *)dev)->console, (uint8_t)value);
    return true;
}

static bool power_read(void *dev, uint64_t offset, unsigned width, uint64_t *value)
{
    (void)dev;
    (void)offset;
    (void)width;
    *value = 0;
    return true;
}

static bool power_write(void *dev, uint64_t offset, unsigned width, uint64_t value)
{
    (void)offset;
    (void)width;
    if (value == POWER_OFF)
        machine_exit(((struct ports *)dev)->machine, 0);
    return true;
}

static void *state(void *dev, size_t *bytes)
{
    struct ports *p = dev;

    *bytes = sizeof p->post;
    return &p->post;
}

static void *make(const struct device_env *env)
{
    struct ports *p = calloc(1, sizeof *p);

    if (!p)
        return NULL;
    p->machine = env->machine;
    p->console = *env->console;
    return p;
}

const struct device_ops post_ops = {
    .name = "post",
    .make = make,
    .state = state,
    .regs = {{0, 0, 1, 1, 1}},
    .read = post_read,
    .write = post_write,
    .free = free,
};
const struct device_ops debug_ops = {
    .name = "debug console",
    .regs = {{0, 0, 1, 1, 1}},
    .read = console_read,
    .write = console_write,
};
const struct device_ops power_ops = {
    .name = "power",
    .regs = {{0, 1, 1, 2, 2}},
    .read = power_read,
    .write = power_write,
};
