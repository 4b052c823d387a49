/* Fast entries: what loads, stores and fetches of the interpreter find without the TLB. */
#ifndef VISA_FAST_H
#define VISA_FAST_H

#include "mmu.h"
#include "tlb.h"

/* After a translated access to RAM: the next one to this page may be fast, unless
 * somebody must see every access. */
void mmu_fast_remember(struct hart *h, const struct xlate *q);

/* An entry of the TLB (side 0 fetch, 1 data) is gone: nothing fast may stand on it. */
void mmu_fast_drop(struct hart *h, unsigned side, const struct tlb_entry *e);

#endif
