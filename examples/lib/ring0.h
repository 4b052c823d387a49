/* Ring 0's state, for a hypervisor that hands a trap on to its guest's Ring 0 by hand. */
#ifndef RING0_H
#define RING0_H

#include <stdbool.h>
#include <stdint.h>

#include "platform.h"

/* What sstatus is after a trap, from what it was before. */
static inline uint64_t status_in_trap(uint64_t before, bool from_ring0)
{
    uint64_t status = before & ~(uint64_t)(SSTATUS_SPIE | SSTATUS_SPP | SSTATUS_SIE);

    status |= before & SSTATUS_SIE ? SSTATUS_SPIE : 0;
    return from_ring0 ? status | SSTATUS_SPP : status;
}

#endif
