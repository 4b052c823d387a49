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
    struct plic *plic;
    struct finisher *finisher;
};

static void uart_line(void *user, bool level)
{
    plic_set(user, BOARD_UART_IRQ, level);
}

static void pci_line(void *user, bool level)
{
    plic_set(user, BOARD_PCI_IRQ, level);
}

/* Takes a device that was just made; frees it if it cannot be mapped. */
static bool place(struct bus *bus, uint64_t base, uint64_t bytes, const struct device_ops *ops,
                  void *dev)
{
    if (!dev)
        return false;
    if (!bus_attach(bus, ops, dev)) {
        ops->free(dev);
        return false;
    }
    return bus_map(bus, base, bytes, ops, dev);
}

static bool build(struct board *b, struct machine *m, const struct console *console)
{
    struct bus *bus = machine_bus(m);
    unsigned harts = machine_config(m)->harts;
    struct uart *uart;
    struct pci *pci;

    b->finisher = finisher_new(m);
    if (!place(bus, BOARD_FINISHER, BOARD_FINISHER_BYTES, &finisher_ops, b->finisher) ||
        !place(bus, BOARD_CLINT, BOARD_CLINT_BYTES, &clint_ops, clint_new(m, harts)))
        return false;
    b->plic = plic_new(m, harts);
    if (!place(bus, BOARD_PLIC, BOARD_PLIC_BYTES, &plic_ops, b->plic))
        return false;
    pci = pci_new(pci_line, b->plic, BOARD_PCI);
    if (!place(bus, BOARD_PCI_ECAM, BOARD_PCI_ECAM_BYTES, &pci_ecam_ops, pci) ||
        !bus_map(bus, BOARD_PCI, BOARD_PCI_BYTES, &pci_window_ops, pci) ||
        !bus_map_ports(bus, PCI_PORT_ADDRESS, 8, &pci_port_ops, pci))
        return false;
    for (unsigned i = 0; i < BOARD_VIRTIO_SLOTS; i++)
        if (!virtio_map(bus, BOARD_VIRTIO + (uint64_t)i * BOARD_VIRTIO_BYTES))
            return false;
    uart = uart_new(console, uart_line, b->plic);
    return place(bus, BOARD_UART, BOARD_UART_BYTES, &uart_ops, uart) &&
           bus_map_ports(bus, PORT_UART, UART_BYTES, &uart_ops, uart) && ports_map(bus, m, console);
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
