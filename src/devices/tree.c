/* Writing a device tree (tree.h). */
#include "tree.h"

#include <libfdt.h>
#include <stdio.h>
#include <string.h>

#include "config/config.h"

static void done(struct tree *t, int error)
{
    if (!t->error)
        t->error = error;
}

void tree_begin(struct tree *t, const char *name)
{
    if (!t->error)
        done(t, fdt_begin_node(t->blob, name));
}

void tree_begin_at(struct tree *t, const char *name, uint64_t address)
{
    char full[64];

    snprintf(full, sizeof full, "%s@%llx", name, (unsigned long long)address);
    tree_begin(t, full);
}

void tree_end(struct tree *t)
{
    if (!t->error)
        done(t, fdt_end_node(t->blob));
}

void tree_bytes(struct tree *t, const char *name, const void *value, size_t n)
{
    if (!t->error)
        done(t, fdt_property(t->blob, name, value, (int)n));
}

void tree_text(struct tree *t, const char *name, const char *value)
{
    tree_bytes(t, name, value, strlen(value) + 1);
}

void tree_empty(struct tree *t, const char *name)
{
    tree_bytes(t, name, NULL, 0);
}

void tree_cell(struct tree *t, const char *name, uint32_t value)
{
    tree_cells(t, name, &value, 1);
}

void tree_cells(struct tree *t, const char *name, const uint32_t *values, size_t n)
{
    fdt32_t all[4 * MACHINE_MAX_HARTS];

    for (size_t i = 0; i < n; i++)
        all[i] = cpu_to_fdt32(values[i]);
    tree_bytes(t, name, all, n * sizeof all[0]);
}

void tree_reg(struct tree *t, const struct device_place *at)
{
    tree_cells(t, "reg",
               (const uint32_t[]){(uint32_t)(at->base >> 32), (uint32_t)at->base,
                                  (uint32_t)(at->bytes >> 32), (uint32_t)at->bytes},
               4);
}

void tree_child_cells(struct tree *t, uint32_t address, uint32_t size)
{
    tree_cell(t, "#address-cells", address);
    tree_cell(t, "#size-cells", size);
}

void tree_interrupt(struct tree *t, unsigned source)
{
    tree_cell(t, "interrupts", source);
    tree_cell(t, "interrupt-parent", tree_plic(t));
}

void tree_hart_interrupts(struct tree *t, uint32_t first, uint32_t second)
{
    uint32_t all[4 * MACHINE_MAX_HARTS];

    for (unsigned i = 0; i < t->harts; i++) {
        all[4 * i] = all[4 * i + 2] = i + 1;
        all[4 * i + 1] = first;
        all[4 * i + 3] = second;
    }
    tree_cells(t, "interrupts-extended", all, 4 * t->harts);
}
