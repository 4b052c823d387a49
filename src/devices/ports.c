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

bool ports_map(struct bus *b, struct machine *m, const struct console *console)
{
    static const struct device_ops post = {.name = "post",
                                           .regs = {{0, 0, 1, 1, 1}},
                                           .read = post_read,
                                           .write = post_write,
                                           .free = free};
    static const struct device_ops debug = {.name = "debug console",
                                            .regs = {{0, 0, 1, 1, 1}},
                                            .read = console_read,
                                            .write = console_write,
                                            .free = free};
    static const struct device_ops power = {.name = "power",
                                            .regs = {{0, 1, 1, 2, 2}},
                                            .read = power_read,
                                            .write = power_write,
                                            .free = free};
    struct ports *p = calloc(1, sizeof *p);

    if (!p)
        return false;
    p->machine = m;
    p->console = *console;
    if (!bus_attach(b, &post, p)) {
        free(p);
        return false;
    }
    return bus_map_ports(b, PORT_POST, 1, &post, p) &&
           bus_map_ports(b, PORT_CONSOLE, 1, &debug, p) &&
           bus_map_ports(b, PORT_POWER, 2, &power, p);
}
