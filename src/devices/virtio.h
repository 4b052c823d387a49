/* virtio-mmio slots, all of them empty. */
#ifndef VISA_VIRTIO_H
#define VISA_VIRTIO_H

#include "bus.h"

enum { VIRTIO_BYTES = 0x200 }; /* of registers; the rest of a slot's page is nothing */

extern const struct device_ops virtio_ops;

#endif
