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
    static const uint8_t needs[] = {
        [ACCESS_FETCH] = PERM_X, [ACCESS_LOAD] = PERM_R, [ACCESS_STORE] = PERM_W};
    unsigned need = mxr && access == ACCESS_LOAD ? PERM_XR : needs[access];
    unsigned lacking = perm & need ? 0 : needs[access];

    if (ring == RING_3)
        return lacking | (perm & PERM_U ? 0 : PERM_U);
    return lacking | (perm & PERM_U && !(sum && access != ACCESS_FETCH) ? LACKS_S : 0);
}

/* Why a walk ends at an entry, or at the address: all that holds, each a bit. */
#define WALK_REASONS(WHY)                                                                          \
    WHY(SIGN, "the address is not the sign extension of what the table translates")                \
    WHY(WIDE, "the address is wider than the table's")                                             \
    WHY(V, "V is clear")                                                                           \
    WHY(W_ALONE, "W is set without R, which is reserved")                                          \
    WHY(RESERVED, "bits 63 to 54 are not zero")                                                    \
    WHY(TABLE_ADU, "it is a table's and has A, D or U")                                            \
    WHY(LEVEL_0, "a table at level 0")                                                             \
    WHY(MISALIGNED, "its page is not aligned to its size")                                         \
    WHY(A, "A is clear")                                                                           \
    WHY(X, "X is clear")                                                                           \
    WHY(R, "R is clear")                                                                           \
    WHY(W, "W is clear")                                                                           \
    WHY(D, "D is clear")                                                                           \
    WHY(U, "U is clear")                                                                           \
    WHY(RING_3, "U is clear, in Ring 3")                                                           \
    WHY(FETCH, "U is set, for a fetch of Ring 0")                                                  \
    WHY(SUM, "U is set and SUM clear, in Ring 0")
enum {
#define WHY_NUMBER(name, text) WHY_NUMBER_##name,
    WALK_REASONS(WHY_NUMBER)
#undef WHY_NUMBER
};
enum {
#define WHY_BIT(name, text) WHY_##name = 1 << WHY_NUMBER_##name,
    WALK_REASONS(WHY_BIT)
#undef WHY_BIT
};

#endif
