/* The PCI bus (pci.h). Offsets in configuration space are those of the PCI Local Bus
 * Specification 3.0, chapter 6. */
#include "pci.h"

#include <stdlib.h>
#include <string.h>

#include "tree.h"

enum {
    CONFIG_BYTES = 256,
    ECAM_SHIFT = 12, /* 4 KiB of configuration space a function */
    BAR_BYTES = 4096,
    FUNCTIONS = 2,

    CFG_VENDOR = 0x00,
    CFG_DEVICE = 0x02,
    CFG_COMMAND = 0x04,
    CFG_STATUS = 0x06,
    CFG_REVISION = 0x08,
    CFG_CLASS = 0x0a, /* base class and subclass */
    CFG_BAR0 = 0x10,
    CFG_INT_LINE = 0x3c,
    CFG_INT_PIN = 0x3d,

    COMMAND_MEMORY = 1 << 1,
    COMMAND_MASTER = 1 << 2,
    COMMAND_INTX_OFF = 1 << 10,
    STATUS_INTX = 1 << 3,
};

struct function {
    uint8_t config[CONFIG_BYTES];
    uint8_t writable[CONFIG_BYTES]; /* which bits software may write */
};

struct pci {
    struct device_env env;
    struct function function[FUNCTIONS]; /* device n, function 0 */
    uint32_t address;                    /* what port 0xcf8 holds */
    uint64_t scratch, rung, count;
    bool ringing;
};

static void set16(uint8_t *at, unsigned value)
{
    at[0] = (uint8_t)value;
    at[1] = (uint8_t)(value >> 8);
}

static unsigned get16(const uint8_t *at)
{
    return at[0] | (unsigned)at[1] << 8;
}

static uint32_t get32(const uint8_t *at)
{
    return get16(at) | (uint32_t)get16(at + 2) << 16;
}

static void function_init(struct function *f, unsigned device, unsigned class)
{
    set16(f->config + CFG_VENDOR, PCI_VENDOR);
    set16(f->config + CFG_DEVICE, device);
    f->config[CFG_REVISION] = 1;
    set16(f->config + CFG_CLASS, class);
    set16(f->writable + CFG_COMMAND, COMMAND_MEMORY | COMMAND_MASTER | COMMAND_INTX_OFF);
    f->writable[CFG_INT_LINE] = 0xff;
}

static void *make(const struct device_env *env)
{
    struct pci *p = calloc(1, sizeof *p);

    if (!p)
        return NULL;
    p->env = *env;
    function_init(&p->function[0], PCI_DEVICE_BRIDGE, 0x0600);
    function_init(&p->function[1], PCI_DEVICE_DOORBELL, 0x0880);
    p->function[1].config[CFG_INT_PIN] = 1;
    set16(p->function[1].writable + CFG_BAR0, 0x10000 - BAR_BYTES);
    set16(p->function[1].writable + CFG_BAR0 + 2, 0xffff);
    return p;
}

static void update_line(struct pci *p)
{
    struct function *f = &p->function[1];
    unsigned status = get16(f->config + CFG_STATUS) & ~(unsigned)STATUS_INTX;

    set16(f->config + CFG_STATUS, status | (p->ringing ? STATUS_INTX : 0));
    p->env.set_line(p->env.user, p->env.at.source,
                    p->ringing && !(get16(f->config + CFG_COMMAND) & COMMAND_INTX_OFF));
}

/* Function at bus 0, device n, function 0; NULL where there is none. */
static struct function *find(struct pci *p, unsigned bus, unsigned devfn)
{
    if (bus != 0 || devfn % 8 != 0 || devfn / 8 >= FUNCTIONS)
        return NULL;
    return &p->function[devfn / 8];
}

/* Where nothing is, and beyond the 256 bytes, configuration space reads as ones and zeros
 * respectively; the bus cuts what is too wide. */
static uint64_t config_read(struct function *f, unsigned offset, unsigned width)
{
    uint64_t value = 0;

    if (!f)
        return ~0ull;
    for (unsigned i = 0; i < width && offset + i < CONFIG_BYTES; i++)
        value |= (uint64_t)f->config[offset + i] << 8 * i;
    return value;
}

static void config_write(struct pci *p, struct function *f, unsigned offset, unsigned width,
                         uint64_t value)
{
    for (unsigned i = 0; f && i < width && offset + i < CONFIG_BYTES; i++) {
        uint8_t mask = f->writable[offset + i];
        uint8_t *at = &f->config[offset + i];

        *at = (uint8_t)((*at & ~mask) | (value >> 8 * i & mask));
    }
    update_line(p);
}

static bool ecam_read(void *dev, uint64_t offset, unsigned width, uint64_t *value)
{
    struct pci *p = dev;
    uint64_t id = offset >> ECAM_SHIFT;

    *value = config_read(find(p, id >> 8, id & 0xff), offset & 0xfff, width);
    return true;
}

static bool ecam_write(void *dev, uint64_t offset, unsigned width, uint64_t value)
{
    struct pci *p = dev;
    uint64_t id = offset >> ECAM_SHIFT;

    config_write(p, find(p, id >> 8, id & 0xff), offset & 0xfff, width, value);
    return true;
}

/* What port 0xcf8 points at: bit 31 enable, 23:16 bus, 15:8 device and function, 7:2 register. */
static struct function *selected(struct pci *p)
{
    return p->address >> 31 ? find(p, p->address >> 16 & 0xff, p->address >> 8 & 0xff) : NULL;
}

static bool port_read(void *dev, uint64_t offset, unsigned width, uint64_t *value)
{
    struct pci *p = dev;

    if (offset < 4) {
        *value = p->address;
        return true;
    }
    *value = config_read(selected(p), (p->address & 0xfc) + (offset & 3), width);
    return true;
}

static bool port_write(void *dev, uint64_t offset, unsigned width, uint64_t value)
{
    struct pci *p = dev;

    if (offset >= 4) {
        config_write(p, selected(p), (p->address & 0xfc) + (offset & 3), width, value);
        return true;
    }
    p->address = (uint32_t)value & 0x80fffffcu;
    return true;
}

static bool bar_hit(const struct pci *p, uint64_t offset, uint64_t *reg)
{
    const struct function *f = &p->function[1];
    uint64_t bar = get32(f->config + CFG_BAR0);

    *reg = p->env.at.window + offset - bar;
    return (get16(f->config + CFG_COMMAND) & COMMAND_MEMORY) && *reg < BAR_BYTES;
}

static bool window_read(void *dev, uint64_t offset, unsigned width, uint64_t *value)
{
    struct pci *p = dev;
    uint64_t reg;

    (void)width;
    if (!bar_hit(p, offset, &reg))
        return false;
    switch (reg & ~7ull) {
    case DOORBELL_ID: *value = DOORBELL_MAGIC; break;
    case DOORBELL_SCRATCH: *value = p->scratch; break;
    case DOORBELL_RING: *value = p->rung; break;
    case DOORBELL_COUNT: *value = p->count; break;
    default: *value = 0; break;
    }
    *value >>= 8 * (reg & 7);
    return true;
}

static bool window_write(void *dev, uint64_t offset, unsigned width, uint64_t value)
{
    struct pci *p = dev;
    uint64_t reg;

    (void)width;
    if (!bar_hit(p, offset, &reg))
        return false;
    if (reg == DOORBELL_SCRATCH) {
        p->scratch = value;
    } else if (reg == DOORBELL_RING) {
        p->rung = value;
        p->count++;
        p->ringing = true;
    } else if (reg == DOORBELL_ACK) {
        p->ringing = false;
    }
    update_line(p);
    return true;
}

static void *state(void *dev, size_t *bytes)
{
    struct pci *p = dev;

    *bytes = sizeof *p - offsetof(struct pci, function);
    return &p->function;
}

/* 32-bit memory space at PCI addresses equal to the platform's; INTA of the doorbell, which
 * is device 1. Addresses on the bus are three cells, the first of which tells the space. */
static void describe(struct tree *t, const struct device_place *at)
{
    enum {
        SPACE_MEM32 = 0x02000000,
        DEVICE_SHIFT = 11,
        DEVICE_MASK = 0x1f << DEVICE_SHIFT,
        PIN_MASK = 7
    };
    const uint32_t window = (uint32_t)at->window, bytes = (uint32_t)at->window_bytes;

    tree_begin_at(t, "pci", at->base);
    tree_text(t, "compatible", "pci-host-ecam-generic");
    tree_text(t, "device_type", "pci");
    tree_reg(t, at);
    tree_child_cells(t, 3, 2);
    tree_cell(t, "#interrupt-cells", 1);
    tree_cell(t, "linux,pci-domain", 0);
    tree_empty(t, "dma-coherent");
    tree_cells(t, "bus-range", (const uint32_t[]){0, 0xff}, 2);
    tree_cells(t, "ranges", (const uint32_t[]){SPACE_MEM32, 0, window, 0, window, 0, bytes}, 7);
    tree_cells(t, "interrupt-map-mask", (const uint32_t[]){DEVICE_MASK, 0, 0, PIN_MASK}, 4);
    tree_cells(t, "interrupt-map",
               (const uint32_t[]){1 << DEVICE_SHIFT, 0, 0, 1, tree_plic(t), at->source}, 6);
    tree_end(t);
}

/* The ECAM view owns the bus; the other views borrow it. */
const struct device_ops pci_ecam_ops = {
    .name = "pci ecam",
    .make = make,
    .describe = describe,
    .state = state,
    .regs = {{0, UINT64_MAX, 1, 1 | 2 | 4, 1 | 2 | 4}},
    .read = ecam_read,
    .write = ecam_write,
    .free = free,
};
const struct device_ops pci_window_ops = {
    .name = "pci memory",
    .regs = {{0, UINT64_MAX, 8, 1 | 2 | 4 | 8, 4 | 8}, {0, UINT64_MAX, 1, 1 | 2 | 4, 0}},
    .read = window_read,
    .write = window_write,
};
const struct device_ops pci_port_ops = {
    .name = "pci ports",
    .regs = {{0, 3, 1, 4, 4}, {4, 7, 1, 1 | 2 | 4, 1 | 2 | 4}},
    .read = port_read,
    .write = port_write,
};
