/* Operations of the interpreter. OP4_name and OP2_name are those of the base's row `name`,
 * for an instruction of 4 and of 2 bytes (a compressed one); then come near branches,
 * pairs, and what is no instruction. */
#ifndef VISA_INTERP_H
#define VISA_INTERP_H

#include "isa.h"

/* Branches and jumps whose target lies in the same page: near_name. X(class, name) */
#define INTERP_NEAR(X)                                                                             \
    X(branch, beq)                                                                                 \
    X(branch, bne) X(branch, blt) X(branch, bge) X(branch, bltu) X(branch, bgeu) X(jump, jal)

/* Instructions that often follow each other. The slot of the first then holds an operation
 * of its own that does the first and goes on with the second at once, whose slot is what
 * it would be anyway. So a pair can be left between the two and entered at the second. */
/* clang-format off */
#define INTERP_PAIRS(X)                                                                            \
    X(addi, addi) X(addi, addw) X(addi, add) X(addi, addiw) X(addi, ld) X(addi, lw) X(addi, lbu)   \
    X(addi, sb) X(addi, sd) X(addi, sw) X(addi, near_beq) X(addi, near_bne) X(addi, near_blt)      \
    X(addi, near_bge) X(addi, near_bltu) X(addi, near_bgeu) X(addi, near_jal)                      \
    X(addiw, addiw) X(addiw, addi) X(addiw, slli) X(addiw, srli) X(addiw, sd) X(addiw, near_beq)   \
    X(addiw, near_bne)                                                                             \
    X(add, addi) X(add, addiw) X(add, ld) X(add, lw) X(add, lbu) X(add, sd)                        \
    X(addw, addi) X(addw, lbu) X(addw, near_bne)                                                   \
    X(andi, near_beq) X(andi, near_bne)                                                            \
    X(slli, add) X(slli, srli) X(slli, xor) X(slli, addi) X(slli, addiw)                           \
    X(srli, addi) X(srli, xor) X(srli, slliw) X(srli, near_bne)                                    \
    X(slliw, addw) X(slliw, near_beq)                                                              \
    X(xor, slli) X(xor, srli)                                                                      \
    X(sub, sub)                                                                                    \
    X(subw, addi)                                                                                  \
    X(lui, addi) X(lui, addiw)                                                                     \
    X(auipc, addi) X(auipc, ld)                                                                    \
    X(ld, addi) X(ld, addiw) X(ld, ld) X(ld, lw) X(ld, near_beq) X(ld, near_bne) X(ld, add)        \
    X(lw, addi) X(lw, addiw) X(lw, lw) X(lw, sd) X(lw, subw) X(lw, near_beq) X(lw, near_bne)       \
    X(lw, near_bgeu) X(lw, near_bltu)                                                              \
    X(lh, lh) X(lh, addi)                                                                          \
    X(lbu, lbu) X(lbu, addi) X(lbu, addiw) X(lbu, near_beq) X(lbu, near_bne)                       \
    X(sd, addi) X(sd, sd) X(sd, sw) X(sd, ld)                                                      \
    X(sw, addi) X(sw, sw) X(sw, ld)                                                                \
    X(sb, addi) X(sb, near_bne)
/* clang-format on */

/* A pair has four operations, by the lengths of its two instructions. */
/* clang-format off */
enum interp_op {
#define BASE_OP(klass, name, op) OP4_##name = 2 * (op), OP2_##name,
#define NEAR_OP(klass, name) OP4_near_##name, OP2_near_##name,
#define PAIR_OP(first, second) \
    OP44_##first##_##second, OP42_##first##_##second, OP24_##first##_##second, \
    OP22_##first##_##second,
    ISA_BASE_INSNS(BASE_OP)
    INTERP_NEAR_BEFORE = 2 * ISA_OPS - 1,
    INTERP_NEAR(NEAR_OP)
    INTERP_DECODE,   /* not decoded yet */
    INTERP_PAGE_END, /* execution runs off the page */
    INTERP_CROSS,    /* a 32-bit instruction over the page's end */
    INTERP_ILLEGAL,
    INTERP_BREAK, /* the run is to stop before it (machine_break_at) */
    INTERP_PAIRS_BEFORE,
    INTERP_PAIRS(PAIR_OP)
    INTERP_OPS,
    INTERP_PAIR_FIRST = INTERP_PAIRS_BEFORE + 1,
#undef BASE_OP
#undef NEAR_OP
#undef PAIR_OP
};
/* clang-format on */

/* The near form of a branch or jump (of its 4-byte variant), 0 if there is none. */
unsigned interp_near(enum isa_op op);

/* The operation of the pair of these two, 0 if there is none; and the first of a pair, or
 * the operation itself if it is none. */
unsigned interp_pair(unsigned first, unsigned second);
unsigned interp_single(unsigned op);

#endif
