/* The board: which devices there are and where. The one memory map of the platform,
 * that of QEMU's virt machine; the device tree (devicetree.c) reads the same numbers. */
#ifndef VISA_BOARD_H
#define VISA_BOARD_H

#include "devices/bus.h"
#include "devices/console.h"

#ifdef __cplusplus
extern "C" {
#endif

/* VIRTIO is the first of its slots: the others follow, with the next sources.
 *      name      base        bytes      PLIC source */
/* clang-format off */
#define BOARD_MAP(X) \
    X(FINISHER, 0x00100000, 0x00001000, 0) \
    X(CLINT,    0x02000000, 0x00010000, 0) \
    X(PLIC,     0x0c000000, 0x00600000, 0) \
    X(UART,     0x10000000, 0x00000100, 10) \
    X(VIRTIO,   0x10001000, 0x00001000, 1) \
    X(PCI_ECAM, 0x30000000, 0x10000000, 33) \
    X(PCI,      0x40000000, 0x40000000, 0)
/* clang-format on */

#define BOARD_NUMBERS(name, base, bytes, source)                                                   \
    BOARD_##name = base, BOARD_##name##_BYTES = bytes, BOARD_##name##_IRQ = source,
enum { BOARD_MAP(BOARD_NUMBERS) };
#undef BOARD_NUMBERS

enum { BOARD_VIRTIO_SLOTS = 8 };

struct tree;
/* The nodes of all devices, in the order of their addresses. */
void board_describe(struct tree *t);

struct board;

/* Puts every device on the machine's bus; NULL if memory ran out. The devices belong
 * to the machine, the board itself to the caller (board_free). */
struct board *board_new(struct machine *m, const struct console *console);
void board_free(struct board *b);

/* True once software asked for a reset instead of a power-off. */
bool board_reset_requested(const struct board *b);

#ifdef __cplusplus
}
#endif

#endif
