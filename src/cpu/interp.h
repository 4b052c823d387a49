/* Operations of the interpreter: for every row of the base twice its number, plus one
 * if the instruction is a compressed one of 2 bytes, and then these. */
#ifndef VISA_INTERP_H
#define VISA_INTERP_H

#include "isa.h"

/* Branches and jumps whose target lies in the same page. */
#define INTERP_NEAR(X) X(beq) X(bne) X(blt) X(bge) X(bltu) X(bgeu) X(jal)

enum interp_op {
    INTERP_FIRST = 2 * ISA_OPS,
#define NEAR_OP(name) INTERP_NEAR_4_##name, INTERP_NEAR_2_##name,
    /* clang-format off */
    INTERP_NEAR(NEAR_OP)
#undef NEAR_OP
    INTERP_DECODE,   /* not decoded yet */
    /* clang-format on */
    INTERP_PAGE_END, /* execution runs off the page */
    INTERP_CROSS,    /* a 32-bit instruction over the page's end */
    INTERP_ILLEGAL,
    INTERP_OPS,
};

/* The near form of a branch or jump (of its 4-byte variant), 0 if there is none. */
unsigned interp_near(enum isa_op op);

#endif
