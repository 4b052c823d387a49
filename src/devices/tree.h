/* Writing a device tree, node by node: what devices describe themselves with. The first error sticks;
 * everything after it does nothing. */
#ifndef VISA_TREE_H
#define VISA_TREE_H

#include <stddef.h>
#include <stdint.h>

#include "bus.h"

struct tree {
    void *blob; /* libfdt's, being written */
    int error;  /* libfdt's first one */
    unsigned harts;
};

void tree_begin(struct tree *t, const char *name);
void tree_begin_at(struct tree *t, const char *name, uint64_t address);
void tree_end(struct tree *t);

/* Properties. */
void tree_bytes(struct tree *t, const char *name, const void *value, size_t n);
void tree_text(struct tree *t, const char *name, const char *value);
void tree_empty(struct tree *t, const char *name);
void tree_cell(struct tree *t, const char *name, uint32_t value);
/* At most 4 for each hart that a machine can have. */
void tree_cells(struct tree *t, const char *name, const uint32_t *values, size_t n);
void tree_reg(struct tree *t, const struct device_place *at);
/* #address-cells and #size-cells of a node's children. */
void tree_child_cells(struct tree *t, uint32_t address, uint32_t size);
/* The source of the PLIC that the node's device has. */
void tree_interrupt(struct tree *t, unsigned source);
/* Two interrupts of every hart that the node's device drives. */
void tree_hart_interrupts(struct tree *t, uint32_t first, uint32_t second);

/* Phandles: 1 to harts are the harts' interrupt controllers. */
static inline uint32_t tree_plic(const struct tree *t)
{
    return t->harts + 1;
}

static inline uint32_t tree_finisher(const struct tree *t)
{
    return t->harts + 2;
}

#endif
