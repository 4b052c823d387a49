/* The device tree that tells software about the board. */
#ifndef VISA_DEVICETREE_H
#define VISA_DEVICETREE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct machine;

/* A flattened device tree for the machine; the caller frees it. bootargs may be NULL.
 * NULL if memory ran out or the text does not fit. */
void *devicetree_make(const struct machine *m, const char *bootargs, size_t *size);

#ifdef __cplusplus
}
#endif

#endif
