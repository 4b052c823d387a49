/* Names of registers and CSRs, for assembler and disassembler. */
#ifndef ASM_NAMES_H
#define ASM_NAMES_H

#include <stdbool.h>
#include <stddef.h>

#include "isa.h"

/* The immediate of fence.tso: fm = 8, rw before rw. */
enum { FENCE_TSO = 0x833 };

enum { REGISTERS = 32, REG_ZERO = 0, REG_RA = 1, REG_SP = 2, REG_T1 = 6, REG_A0 = 10 };

/* Number of an integer register (x5, t0, R5, fp...) in any case, or -1. */
int reg_number(const char *s, size_t n);

/* Number of a floating-point register (f5, ft5, F5...) in any case, or -1. */
int freg_number(const char *s, size_t n);

/* Number of a CSR by its own name or as CR0..CR15, in any case, or -1. */
int csr_number(const char *s, size_t n);

/* CR0..CR15 alone: number of the CSR, or -1. */
int cr_number(const char *s, size_t n);

/* The ABI name, or x0..x31 if numeric. r < REGISTERS. */
const char *reg_name(unsigned r, bool numeric);
const char *freg_name(unsigned r, bool numeric);

#endif
