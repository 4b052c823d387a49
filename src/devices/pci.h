/* A small PCI bus: configuration space through memory (ECAM) and through two ports, a
 * host bridge at 00:00.0 and a doorbell at 00:01.0. Manual: chapter "The platform". */
#ifndef VISA_PCI_H
#define VISA_PCI_H

#include "bus.h"

enum { PCI_PORT_ADDRESS = 0xcf8, PCI_PORT_DATA = 0xcfc };

/* The doorbell's registers, 64 bits each, in BAR 0 (4 KiB). */
enum {
    DOORBELL_ID = 0x00, /* read-only: "VISA" */
    DOORBELL_SCRATCH = 0x08,
    DOORBELL_RING = 0x10,  /* a write raises INTA; reads give the last value written */
    DOORBELL_ACK = 0x18,   /* a write lowers INTA */
    DOORBELL_COUNT = 0x20, /* read-only: rings since reset */
};
#define DOORBELL_MAGIC 0x41534956u

/* Numbers for drivers and the device tree. */
enum { PCI_VENDOR = 0x1234, PCI_DEVICE_BRIDGE = 0x5600, PCI_DEVICE_DOORBELL = 0x5601 };

/* Three views of one bus, which frees them together. */
extern const struct device_ops pci_ecam_ops, pci_window_ops, pci_port_ops;

#endif
