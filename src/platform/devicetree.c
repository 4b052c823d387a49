/* The device tree (devicetree.h), node by node in the order of the board's map.
 *
 * Manual: chapter "The platform". Node names, compatible strings and properties are
 * those of QEMU's virt machine, so that the drivers that know it find their devices. */
#include "devicetree.h"

#include <libfdt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "board.h"
#include "devices/finisher.h"
#include "devices/plic.h"
#include "isa.h"
#include "machine/machine.h"

#define XLEN "rv64"

/* The first error sticks; everything after it does nothing. */
struct tree {
    void *blob;
    int error;
    const struct machine *machine;
    unsigned harts;
};

/* Phandles: 1 to harts are the harts' interrupt controllers. */
static uint32_t plic_phandle(const struct tree *t)
{
    return t->harts + 1;
}

static uint32_t finisher_phandle(const struct tree *t)
{
    return t->harts + 2;
}

static void done(struct tree *t, int error)
{
    if (!t->error)
        t->error = error;
}

static void begin(struct tree *t, const char *name)
{
    if (!t->error)
        done(t, fdt_begin_node(t->blob, name));
}

static void begin_at(struct tree *t, const char *name, uint64_t addr)
{
    char full[64];

    snprintf(full, sizeof full, "%s@%llx", name, (unsigned long long)addr);
    begin(t, full);
}

static void end(struct tree *t)
{
    if (!t->error)
        done(t, fdt_end_node(t->blob));
}

static void bytes(struct tree *t, const char *name, const void *value, size_t n)
{
    if (!t->error)
        done(t, fdt_property(t->blob, name, value, (int)n));
}

static void text(struct tree *t, const char *name, const char *value)
{
    bytes(t, name, value, strlen(value) + 1);
}

static void cell(struct tree *t, const char *name, uint32_t value)
{
    if (!t->error)
        done(t, fdt_property_u32(t->blob, name, value));
}

static void empty(struct tree *t, const char *name)
{
    bytes(t, name, NULL, 0);
}

static void reg(struct tree *t, uint64_t base, uint64_t size)
{
    fdt64_t pair[] = {cpu_to_fdt64(base), cpu_to_fdt64(size)};

    bytes(t, "reg", pair, sizeof pair);
}

/* #address-cells and #size-cells of a node's children. */
static void cells(struct tree *t, uint32_t address, uint32_t size)
{
    cell(t, "#address-cells", address);
    cell(t, "#size-cells", size);
}

static bool in_tree(const struct isa_extension *e, bool svadu)
{
    return e->where & ISA_IN_TREE &&
           (e->when == ISA_ALWAYS || e->when == (svadu ? ISA_WITH_SVADU : ISA_WITHOUT_SVADU));
}

static void isa_properties(struct tree *t)
{
    char string[256] = XLEN, list[256];
    size_t used = strlen(string), n = 0;

    for (unsigned i = 0; i < isa_extension_count; i++) {
        const struct isa_extension *e = &isa_extensions[i];

        if (!in_tree(e, machine_config(t->machine)->svadu))
            continue;
        used += (size_t)snprintf(string + used, sizeof string - used, "%s%s", e->name[1] ? "_" : "",
                                 e->name);
        n += (size_t)snprintf(list + n, sizeof list - n, "%s", e->name) + 1;
    }
    text(t, "riscv,isa", string);
    text(t, "riscv,isa-base", XLEN "i");
    bytes(t, "riscv,isa-extensions", list, n);
}

static void cpu_nodes(struct tree *t)
{
    begin(t, "cpus");
    cells(t, 1, 0);
    cell(t, "timebase-frequency", ISA_TIMEBASE_HZ);
    for (unsigned i = 0; i < t->harts; i++) {
        begin_at(t, "cpu", i);
        text(t, "device_type", "cpu");
        cell(t, "reg", i);
        text(t, "status", "okay");
        text(t, "compatible", "riscv");
        isa_properties(t);
        text(t, "mmu-type", "riscv,sv48");
        begin(t, "interrupt-controller");
        cell(t, "#interrupt-cells", 1);
        empty(t, "interrupt-controller");
        text(t, "compatible", "riscv,cpu-intc");
        cell(t, "phandle", i + 1);
        end(t);
        end(t);
    }
    end(t);
}

/* Two interrupts of every hart that a controller drives. */
static void interrupts_extended(struct tree *t, uint32_t first, uint32_t second)
{
    fdt32_t all[4 * MACHINE_MAX_HARTS];

    for (unsigned i = 0; i < t->harts; i++) {
        all[4 * i] = all[4 * i + 2] = cpu_to_fdt32(i + 1);
        all[4 * i + 1] = cpu_to_fdt32(first);
        all[4 * i + 3] = cpu_to_fdt32(second);
    }
    bytes(t, "interrupts-extended", all, 4 * t->harts * sizeof all[0]);
}

static void finisher_node(struct tree *t)
{
    static const char compatible[] = "sifive,test1\0sifive,test0\0syscon";

    begin_at(t, "test", BOARD_FINISHER);
    bytes(t, "compatible", compatible, sizeof compatible);
    reg(t, BOARD_FINISHER, BOARD_FINISHER_BYTES);
    cell(t, "phandle", finisher_phandle(t));
    end(t);
}

static void clint_node(struct tree *t)
{
    static const char compatible[] = "sifive,clint0\0riscv,clint0";

    begin_at(t, "clint", BOARD_CLINT);
    bytes(t, "compatible", compatible, sizeof compatible);
    reg(t, BOARD_CLINT, BOARD_CLINT_BYTES);
    interrupts_extended(t, ISA_IRQ_MSI, ISA_IRQ_MTI);
    end(t);
}

static void plic_node(struct tree *t)
{
    static const char compatible[] = "sifive,plic-1.0.0\0riscv,plic0";

    begin_at(t, "plic", BOARD_PLIC);
    bytes(t, "compatible", compatible, sizeof compatible);
    reg(t, BOARD_PLIC, BOARD_PLIC_BYTES);
    cell(t, "#address-cells", 0);
    cell(t, "#interrupt-cells", 1);
    empty(t, "interrupt-controller");
    interrupts_extended(t, ISA_IRQ_MEI, ISA_IRQ_SEI);
    cell(t, "riscv,ndev", PLIC_SOURCES);
    cell(t, "phandle", plic_phandle(t));
    end(t);
}

static void uart_node(struct tree *t)
{
    begin_at(t, "serial", BOARD_UART);
    text(t, "compatible", "ns16550a");
    reg(t, BOARD_UART, BOARD_UART_BYTES);
    cell(t, "clock-frequency", BOARD_UART_HZ);
    cell(t, "interrupts", BOARD_UART_IRQ);
    cell(t, "interrupt-parent", plic_phandle(t));
    end(t);
}

static void virtio_nodes(struct tree *t)
{
    for (unsigned i = 0; i < BOARD_VIRTIO_SLOTS; i++) {
        uint64_t base = BOARD_VIRTIO + (uint64_t)i * BOARD_VIRTIO_BYTES;

        begin_at(t, "virtio_mmio", base);
        text(t, "compatible", "virtio,mmio");
        reg(t, base, BOARD_VIRTIO_BYTES);
        cell(t, "interrupts", BOARD_VIRTIO_IRQ + i);
        cell(t, "interrupt-parent", plic_phandle(t));
        end(t);
    }
}

/* 32-bit memory space at PCI addresses equal to the platform's; INTA of the doorbell, which
 * is device 1. Addresses on the bus are three cells, the first of which tells the space. */
static void pci_node(struct tree *t)
{
    enum {
        SPACE_MEM32 = 0x02000000,
        DEVICE_SHIFT = 11,
        DEVICE_MASK = 0x1f << DEVICE_SHIFT,
        PIN_MASK = 7
    };
    const fdt32_t buses[] = {0, cpu_to_fdt32(0xff)};
    const fdt32_t ranges[] = {cpu_to_fdt32(SPACE_MEM32), 0, cpu_to_fdt32(BOARD_PCI),      0,
                              cpu_to_fdt32(BOARD_PCI),   0, cpu_to_fdt32(BOARD_PCI_BYTES)};
    const fdt32_t mask[] = {cpu_to_fdt32(DEVICE_MASK), 0, 0, cpu_to_fdt32(PIN_MASK)};
    const fdt32_t map[] = {
        cpu_to_fdt32(1 << DEVICE_SHIFT), 0, 0, cpu_to_fdt32(1), cpu_to_fdt32(plic_phandle(t)),
        cpu_to_fdt32(BOARD_PCI_IRQ)};

    begin_at(t, "pci", BOARD_PCI_ECAM);
    text(t, "compatible", "pci-host-ecam-generic");
    text(t, "device_type", "pci");
    reg(t, BOARD_PCI_ECAM, BOARD_PCI_ECAM_BYTES);
    cells(t, 3, 2);
    cell(t, "#interrupt-cells", 1);
    cell(t, "linux,pci-domain", 0);
    empty(t, "dma-coherent");
    bytes(t, "bus-range", buses, sizeof buses);
    bytes(t, "ranges", ranges, sizeof ranges);
    bytes(t, "interrupt-map-mask", mask, sizeof mask);
    bytes(t, "interrupt-map", map, sizeof map);
    end(t);
}

static void syscon_node(struct tree *t, const char *name, const char *compatible, uint32_t value)
{
    begin(t, name);
    text(t, "compatible", compatible);
    cell(t, "regmap", finisher_phandle(t));
    cell(t, "offset", 0);
    cell(t, "value", value);
    end(t);
}

static void chosen_node(struct tree *t, const char *bootargs)
{
    char path[64];

    snprintf(path, sizeof path, "/soc/serial@%llx", (unsigned long long)BOARD_UART);
    begin(t, "chosen");
    text(t, "stdout-path", path);
    if (bootargs)
        text(t, "bootargs", bootargs);
    end(t);
}

static void memory_node(struct tree *t)
{
    begin_at(t, "memory", RAM_BASE);
    text(t, "device_type", "memory");
    reg(t, RAM_BASE, machine_config(t->machine)->ram_bytes);
    end(t);
}

static void soc_node(struct tree *t)
{
    begin(t, "soc");
    cells(t, 2, 2);
    text(t, "compatible", "simple-bus");
    empty(t, "ranges");
    finisher_node(t);
    clint_node(t);
    plic_node(t);
    uart_node(t);
    virtio_nodes(t);
    pci_node(t);
    end(t);
}

static void write_tree(struct tree *t, const char *bootargs)
{
    begin(t, "");
    cells(t, 2, 2);
    text(t, "compatible", "riscv-virtio");
    text(t, "model", "visa,functional");
    chosen_node(t, bootargs);
    memory_node(t);
    cpu_nodes(t);
    soc_node(t);
    syscon_node(t, "poweroff", "syscon-poweroff", FINISHER_PASS);
    syscon_node(t, "reboot", "syscon-reboot", FINISHER_RESET);
    end(t);
}

void *devicetree_make(const struct machine *m, const char *bootargs, size_t *size)
{
    enum { FIRST_ROOM = 1 << 13, LAST_ROOM = 1 << 20 };
    struct tree t = {.machine = m, .harts = machine_config(m)->harts};

    for (int room = FIRST_ROOM; room <= LAST_ROOM; room *= 2) {
        t.error = 0;
        t.blob = calloc(1, (size_t)room);
        if (!t.blob)
            return NULL;
        done(&t, fdt_create(t.blob, room));
        if (!t.error)
            done(&t, fdt_finish_reservemap(t.blob));
        write_tree(&t, bootargs);
        if (!t.error)
            done(&t, fdt_finish(t.blob));
        if (!t.error) {
            *size = fdt_totalsize(t.blob);
            return t.blob;
        }
        free(t.blob);
        if (t.error != -FDT_ERR_NOSPACE)
            break;
    }
    return NULL;
}
