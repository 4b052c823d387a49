/* A virtio-mmio slot with no device in it (virtio.h).
 *
 * Manual: chapter "The platform". Drivers look for a device in every slot, and find by DeviceID 0
 * that there is none. */
#include "virtio.h"

#include <stddef.h>

#include "tree.h"

/* Registers of the virtio specification, section "MMIO Device Register Layout". */
enum {
    MAGIC_VALUE = 0x000,
    VERSION = 0x004,
    VENDOR_ID = 0x00c,
};

static uint32_t word_at(uint64_t offset)
{
    switch (offset) {
    case MAGIC_VALUE: return 0x74726976; /* "virt" */
    case VERSION: return 1;              /* the legacy one */
    case VENDOR_ID: return 0x554d4551;   /* "QEMU" */
    default: return 0;                   /* and DeviceID, 0x008 */
    }
}

/* A part of a register is at the register's own offset, or 0. */
static bool virtio_read(void *dev, uint64_t offset, unsigned width, uint64_t *value)
{
    (void)dev;
    *value = word_at(offset);
    if (width == 8)
        *value |= (uint64_t)word_at(offset + 4) << 32;
    return true;
}

static bool virtio_write(void *dev, uint64_t offset, unsigned width, uint64_t value)
{
    (void)dev;
    (void)offset;
    (void)width;
    (void)value;
    return true;
}

static void describe(struct tree *t, const struct device_place *at)
{
    tree_begin_at(t, "virtio_mmio", at->base);
    tree_text(t, "compatible", "virtio,mmio");
    tree_reg(t, at);
    tree_interrupt(t, at->source);
    tree_end(t);
}

/* Nothing to keep: all slots are alike. */
static void *make(const struct device_env *env)
{
    static char slot;

    (void)env;
    return &slot;
}

const struct device_ops virtio_ops = {
    .name = "virtio",
    .make = make,
    .describe = describe,
    .regs = {{0, VIRTIO_BYTES - 1, 1, 1 | 2 | 4 | 8, 1 | 2 | 4 | 8}},
    .read = virtio_read,
    .write = virtio_write,
};
