/* Pages and page tables: Sv39, and Sv39x4 for the host stage. */
#ifndef PAGES_H
#define PAGES_H

#include <stdint.h>

#include "platform.h"

/* Where a table's root has its entry for an address, whatever its kind: Sv39x4 indexes two
 * more bits, which are zero in the addresses of Sv39's lower half. */
typedef uint64_t *table;

/* Zeroed memory, n pages in a row, aligned to all of it (n a power of two). Never freed. */
void *pages_new(unsigned n);

/* An empty root table; that of a host stage is four pages long. */
table table_new(void);
table table_new_host(void);

/* Maps one page of 4 KiB, or of 2 MiB, at va. */
void map(table root, uint64_t va, uint64_t pa, unsigned flags);
void map_large(table root, uint64_t va, uint64_t pa, unsigned flags);

/* [va, va + bytes) by pages of 4 KiB. */
void map_range(table root, uint64_t va, uint64_t pa, uint64_t bytes, unsigned flags);

/* The 4 KiB leaf entry of va, or NULL where no table is there for it. */
uint64_t *leaf_of(table root, uint64_t va);

/* Values for satp or GPTBR, and for HPTBR. */
uint64_t base_guest(table root, unsigned asid);
uint64_t base_host(table root, unsigned vmid);

#endif
