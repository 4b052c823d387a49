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
#include "devices/tree.h"
#include "isa.h"
#include "machine/machine.h"

#define XLEN "rv64"

static bool in_tree(const struct isa_extension *e, bool svadu)
{
    return e->where & ISA_IN_TREE &&
           (e->when == ISA_ALWAYS || e->when == (svadu ? ISA_WITH_SVADU : ISA_WITHOUT_SVADU));
}

static void isa_properties(struct tree *t, const struct machine_config *c)
{
    char string[256] = XLEN, list[256];
    size_t used = strlen(string), n = 0;

    for (unsigned i = 0; i < isa_extension_count; i++) {
        const struct isa_extension *e = &isa_extensions[i];

        if (!in_tree(e, c->svadu))
            continue;
        used += (size_t)snprintf(string + used, sizeof string - used, "%s%s", e->name[1] ? "_" : "",
                                 e->name);
        n += (size_t)snprintf(list + n, sizeof list - n, "%s", e->name) + 1;
    }
    tree_text(t, "riscv,isa", string);
    tree_text(t, "riscv,isa-base", XLEN "i");
    tree_bytes(t, "riscv,isa-extensions", list, n);
}

static void cpu_nodes(struct tree *t, const struct machine_config *c)
{
    tree_begin(t, "cpus");
    tree_child_cells(t, 1, 0);
    tree_cell(t, "timebase-frequency", ISA_TIMEBASE_HZ);
    for (unsigned i = 0; i < t->harts; i++) {
        tree_begin_at(t, "cpu", i);
        tree_text(t, "device_type", "cpu");
        tree_cell(t, "reg", i);
        tree_text(t, "status", "okay");
        tree_text(t, "compatible", "riscv");
        isa_properties(t, c);
        tree_text(t, "mmu-type", "riscv,sv48");
        tree_begin(t, "interrupt-controller");
        tree_cell(t, "#interrupt-cells", 1);
        tree_empty(t, "interrupt-controller");
        tree_text(t, "compatible", "riscv,cpu-intc");
        tree_cell(t, "phandle", i + 1);
        tree_end(t);
        tree_end(t);
    }
    tree_end(t);
}

static void syscon_node(struct tree *t, const char *name, const char *compatible, uint32_t value)
{
    tree_begin(t, name);
    tree_text(t, "compatible", compatible);
    tree_cell(t, "regmap", tree_finisher(t));
    tree_cell(t, "offset", 0);
    tree_cell(t, "value", value);
    tree_end(t);
}

static void chosen_node(struct tree *t, const char *bootargs)
{
    char path[64];

    snprintf(path, sizeof path, "/soc/serial@%llx", (unsigned long long)BOARD_UART);
    tree_begin(t, "chosen");
    tree_text(t, "stdout-path", path);
    if (bootargs)
        tree_text(t, "bootargs", bootargs);
    tree_end(t);
}

static void memory_node(struct tree *t, const struct machine_config *c)
{
    tree_begin_at(t, "memory", RAM_BASE);
    tree_text(t, "device_type", "memory");
    tree_reg(t, &(struct device_place){RAM_BASE, c->ram_bytes, 0, 0, 0});
    tree_end(t);
}

static void soc_node(struct tree *t)
{
    tree_begin(t, "soc");
    tree_child_cells(t, 2, 2);
    tree_text(t, "compatible", "simple-bus");
    tree_empty(t, "ranges");
    board_describe(t);
    tree_end(t);
}

static void write_tree(struct tree *t, const struct machine_config *c, const char *bootargs)
{
    tree_begin(t, "");
    tree_child_cells(t, 2, 2);
    tree_text(t, "compatible", "riscv-virtio");
    tree_text(t, "model", "visa,functional");
    chosen_node(t, bootargs);
    memory_node(t, c);
    cpu_nodes(t, c);
    soc_node(t);
    syscon_node(t, "poweroff", "syscon-poweroff", FINISHER_PASS);
    syscon_node(t, "reboot", "syscon-reboot", FINISHER_RESET);
    tree_end(t);
}

void *devicetree_make(const struct machine *m, const char *bootargs, size_t *size)
{
    enum { FIRST_ROOM = 1 << 13, LAST_ROOM = 1 << 20 };
    struct tree t = {.harts = machine_config(m)->harts};

    for (int room = FIRST_ROOM; room <= LAST_ROOM; room *= 2) {
        t.error = 0;
        t.blob = calloc(1, (size_t)room);
        if (!t.blob)
            return NULL;
        t.error = fdt_create(t.blob, room);
        if (!t.error)
            t.error = fdt_finish_reservemap(t.blob);
        write_tree(&t, machine_config(m), bootargs);
        if (!t.error)
            t.error = fdt_finish(t.blob);
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
