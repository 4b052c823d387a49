/* virtio-mmio slots, all of them empty. */
#ifndef VISA_VIRTIO_H
#define VISA_VIRTIO_H

#include "bus.h"

enum { VIRTIO_BYTES = 0x200 }; /* of registers; the rest of a slot's page is nothing */

/* Puts an empty slot at base; false if memory ran out. */
bool virtio_map(struct bus *bus, uint64_t base);

#endif
