/* What instructions compute: a row each, which whoever executes them expands (the interpreter, a translator,
 * an oracle). Values are uint64_t; the manual of RISC-V is the source. The class of the instruction's row in
 * isa/ says which of these an instruction has.
 *
 *   VALUE_name  of rd: a is rs1, b rs2, i the immediate, at the instruction's address
 *   TYPE_name   of what is loaded into rd, extended as its sign says, or stored of rs2
 *   IF_name     when the branch is taken, TARGET_name where a jump goes
 *   DOES_name   nothing, as harts see memory in order
 *   NEW_name    what an AMO stores: t is the old value, b rs2, both sign-extended if they are words */
#ifndef VISA_SEMANTICS_H
#define VISA_SEMANTICS_H

#include "alu.h"

/* clang-format off */

/* RV64I */
#define VALUE_lui   i
#define VALUE_auipc at + i
#define VALUE_addi  a + i
#define VALUE_slti  (int64_t)a < (int64_t)i
#define VALUE_sltiu a < i
#define VALUE_xori  a ^ i
#define VALUE_ori   a | i
#define VALUE_andi  a & i
#define VALUE_slli  a << i
#define VALUE_srli  a >> i
#define VALUE_srai  (uint64_t)((int64_t)a >> i)
#define VALUE_addiw SX32(a + i)
#define VALUE_slliw SX32(a << i)
#define VALUE_srliw SX32((uint32_t)a >> i)
#define VALUE_sraiw SX32((int32_t)a >> i)
#define VALUE_add   a + b
#define VALUE_sub   a - b
#define VALUE_sll   a << (b & 63)
#define VALUE_slt   (int64_t)a < (int64_t)b
#define VALUE_sltu  a < b
#define VALUE_xor   a ^ b
#define VALUE_srl   a >> (b & 63)
#define VALUE_sra   (uint64_t)((int64_t)a >> (b & 63))
#define VALUE_or    a | b
#define VALUE_and   a & b
#define VALUE_addw  SX32(a + b)
#define VALUE_subw  SX32(a - b)
#define VALUE_sllw  SX32(a << (b & 31))
#define VALUE_srlw  SX32((uint32_t)a >> (b & 31))
#define VALUE_sraw  SX32((int32_t)a >> (b & 31))

/* RV64M */
#define VALUE_mul    a * b
#define VALUE_mulh   high_ss(a, b)
#define VALUE_mulhsu high_su(a, b)
#define VALUE_mulhu  high_uu(a, b)
#define VALUE_div    quotient((int64_t)a, (int64_t)b)
#define VALUE_divu   b ? a / b : UINT64_MAX
#define VALUE_rem    remainder_of((int64_t)a, (int64_t)b)
#define VALUE_remu   b ? a % b : a
#define VALUE_mulw   SX32(a * b)
#define VALUE_divw   SX32(quotient((int32_t)a, (int32_t)b))
#define VALUE_divuw  (uint32_t)b ? SX32((uint32_t)a / (uint32_t)b) : UINT64_MAX
#define VALUE_remw   SX32(remainder_of((int32_t)a, (int32_t)b))
#define VALUE_remuw  (uint32_t)b ? SX32((uint32_t)a % (uint32_t)b) : SX32(a)

/* Loads and stores */
#define TYPE_lb  int8_t
#define TYPE_lh  int16_t
#define TYPE_lw  int32_t
#define TYPE_ld  int64_t
#define TYPE_lbu uint8_t
#define TYPE_lhu uint16_t
#define TYPE_lwu uint32_t
#define TYPE_sb  uint8_t
#define TYPE_sh  uint16_t
#define TYPE_sw  uint32_t
#define TYPE_sd  uint64_t

/* Branches */
#define IF_beq  a == b
#define IF_bne  a != b
#define IF_blt  (int64_t)a < (int64_t)b
#define IF_bge  (int64_t)a >= (int64_t)b
#define IF_bltu a < b
#define IF_bgeu a >= b

/* Jumps; rd is the address behind the instruction */
#define TARGET_jal  at + i
#define TARGET_jalr (a + i) & ~1ull

/* Memory is in order already */
#define DOES_fence

/* RV64A */
#define NEW_amoswap b
#define NEW_amoadd  t + b
#define NEW_amoxor  t ^ b
#define NEW_amoand  (t & b)
#define NEW_amoor   t | b
#define NEW_amomin  (int64_t)t < (int64_t)b ? t : b
#define NEW_amomax  (int64_t)t > (int64_t)b ? t : b
#define NEW_amominu t < b ? t : b
#define NEW_amomaxu t > b ? t : b

/* clang-format on */

#endif
