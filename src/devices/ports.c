/* The devices that exist as ports only (ports.h).
 *
 * Manual: chapter "The platform". */
#include "ports.h"

#include <stdlib.h>

#include "machine.h"

struct ports {
    struct machine *machine;
    struct console console;
    uint8_t post;
};

static bool post_read(void *dev, uint64_t offset, unsigned width, uint64_t *value)
{
    (void)offset;
    *value = ((struct ports *)dev)->post;
    return width == 1;
}

static bool post_write(void *dev, uint64_t offset, unsigned width, uint64_t value)
{
    (void)offset;
    if (width == 1)
        ((struct ports *)dev)->post = (uint8_t)value;
    return width == 1;
}

/* Reading the console's port gives its own number: so software finds out it is there. */
static bool console_read(void *dev, uint64_t offset, unsigned width, uint64_t *value)
{
    (void)dev;
    (void)offset;
    *value = PORT_CONSOLE;
    return width == 1;
}

static bool console_write(void *dev, uint64_t offset, unsigned width, uint64_t value)
{
    (void)offset;
    if (width == 1)
        console_put(&((struct ports *)dev)->console, (uint8_t)value);
    return width == 1;
}

static bool power_read(void *dev, uint64_t offset, unsigned width, uint64_t *value)
{
    (void)dev;
    (void)offset;
    *value = 0;
    return width == 2;
}

static bool power_write(void *dev, uint64_t offset, unsigned width, uint64_t value)
{
    (void)offset;
    if (width == 2 && value == POWER_OFF)
        machine_exit(((struct ports *)dev)->machine, 0);
    return width == 2;
}

bool ports_map(struct bus *b, struct machine *m, const struct console *console)
{
    static const struct device_ops post = {
        .name = "post", .read = post_read, .write = post_write, .free = free};
    static const struct device_ops debug = {
        .name = "debug console", .read = console_read, .write = console_write, .free = free};
    static const struct device_ops power = {
        .name = "power", .read = power_read, .write = power_write, .free = free};
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
