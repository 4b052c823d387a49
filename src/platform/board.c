/* The board (board.h): makes the devices, maps them, connects their interrupts.
 *
 * Manual: chapter "The platform". */
#include "board.h"

#include <stdlib.h>

#include "devices/clint.h"
#include "devices/finisher.h"
#include "machine/machine.h"
#include "devices/pci.h"
#include "devices/plic.h"
#include "devices/ports.h"
#include "devices/uart.h"
#include "devices/virtio.h"

struct board {
    void *plic;
    struct finisher *finisher;
};

/* What is where, in the order of addresses. */
static const struct slot {
    const struct device_ops *ops;
    struct device_place at; /* no bytes: it is at ports alone */
    unsigned copies;        /* that follow, with the next sources */
    uint16_t port;
    unsigned ports;
    bool same; /* another range of the device before */
} slots[] = {
#define AT(name) .at = {BOARD_##name, BOARD_##name##_BYTES, BOARD_##name##_IRQ, 0, 0}
    {.ops = &finisher_ops, AT(FINISHER)},
    {.ops = &clint_ops, AT(CLINT)},
    {.ops = &plic_ops, AT(PLIC)},
    {.ops = &uart_ops, AT(UART), .port = PORT_UART, .ports = UART_BYTES},
    {.ops = &virtio_ops, AT(VIRTIO), .copies = BOARD_VIRTIO_SLOTS - 1},
    {.ops = &pci_ecam_ops,
     .at = {BOARD_PCI_ECAM, BOARD_PCI_ECAM_BYTES, BOARD_PCI_ECAM_IRQ, BOARD_PCI, BOARD_PCI_BYTES}},
    {.ops = &pci_window_ops, AT(PCI), .same = true},
    {.ops = &pci_port_ops, .port = PCI_PORT_ADDRESS, .ports = 8, .same = true},
    {.ops = &post_ops, .port = PORT_POST, .ports = 1},
    {.ops = &debug_ops, .port = PORT_CONSOLE, .ports = 1, .same = true},
    {.ops = &power_ops, .port = PORT_POWER, .ports = 2, .same = true},
#undef AT
};
enum { SLOTS = sizeof slots / sizeof slots[0] };

static struct device_place copy_at(const struct slot *s, unsigned copy)
{
    struct device_place at = s->at;

    at.base += copy * at.bytes;
    at.source += copy;
    return at;
}

void board_describe(struct tree *t)
{
    for (unsigned i = 0; i < SLOTS; i++)
        for (unsigned copy = 0; slots[i].ops->describe && copy <= slots[i].copies; copy++) {
            const struct device_place at = copy_at(&slots[i], copy);

            slots[i].ops->describe(t, &at);
        }
}

/* A new device; the bus owns it, or it is freed. */
static void *make(struct board *b, struct bus *bus, const struct slot *s,
                  const struct device_env *env)
{
    void *dev = s->ops->make(env);

    if (dev && !bus_attach(bus, s->ops, dev)) {
        if (s->ops->free)
            s->ops->free(dev);
        return NULL;
    }
    if (s->ops == &plic_ops)
        b->plic = dev;
    if (s->ops == &finisher_ops)
        b->finisher = dev;
    return dev;
}

static bool build(struct board *b, struct machine *m, const struct console *console)
{
    struct bus *bus = machine_bus(m);
    void *dev = NULL;

    for (const struct slot *s = slots; s < slots + SLOTS; s++)
        for (unsigned copy = 0; copy <= s->copies; copy++) {
            const struct device_env env = {m, console, copy_at(s, copy), plic_set, b->plic};

            if (!s->same && !(dev = make(b, bus, s, &env)))
                return false;
            if (env.at.bytes && !bus_map(bus, env.at.base, env.at.bytes, s->ops, dev))
                return false;
            if (s->ports && !bus_map_ports(bus, s->port, s->ports, s->ops, dev))
                return false;
        }
    return true;
}

struct board *board_new(struct machine *m, const struct console *console)
{
    struct board *b = calloc(1, sizeof *b);

    if (b && !build(b, m, console)) {
        board_free(b);
        return NULL;
    }
    return b;
}

void board_free(struct board *b)
{
    free(b);
}

bool board_reset_requested(const struct board *b)
{
    return finisher_reset(b->finisher);
}
