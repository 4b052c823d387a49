/* Who may access a page how: the one rule of PR-1 and PR-2, which the walk and the TLB ask. */
#ifndef VISA_RIGHTS_H
#define VISA_RIGHTS_H

#include <stdbool.h>
#include <stdint.h>

#include "mmu.h"

enum {
    PTE_V = 1,
    PTE_R = 2,
    PTE_W = 4,
    PTE_X = 8,
    PTE_U = 16,
    PTE_G = 32,
    PTE_A = 64,
    PTE_D = 128,
};

/* Rights of a leaf, or of the leaves of both stages together. */
enum {
    PERM_R = 1,
    PERM_W = 2,
    PERM_X = 4,
    PERM_U = 8,
    PERM_XR = 16, /* readable under MXR */
};
enum { LACKS_S = 32 }; /* a page of Ring 3 is none of Ring 0's */

/* Rights of a leaf whose A and D are as they should be. */
static inline uint8_t rights_of(uint64_t pte)
{
    return (uint8_t)((pte & PTE_R ? PERM_R | PERM_XR : 0) | (pte & PTE_X ? PERM_X | PERM_XR : 0) |
                     (pte & PTE_W ? PERM_W : 0) | (pte & PTE_U ? PERM_U : 0));
}

/* What an access lacks: PERM_*, LACKS_S; 0: it is allowed. The host stage asks as of Ring 3, without
 * mxr. */
static inline unsigned rights_lacking(uint8_t perm, enum access access, unsigned ring, bool sum,
                                      bool mxr)
{
    static const uint8_t needs[] = {[ACCESS_FETCH] = PERM_X, [ACCESS_LOAD] = PERM_R, [ACCESS_STORE] = PERM_W};
    unsigned need = mxr && access == ACCESS_LOAD ? PERM_XR : needs[access];
    unsigned lacking = perm & need ? 0 : needs[access];

    if (ring == RING_3)
        return lacking | (perm & PERM_U ? 0 : PERM_U);
    return lacking | (perm & PERM_U && !(sum && access != ACCESS_FETCH) ? LACKS_S : 0);
}

#endif
