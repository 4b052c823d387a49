/* Raising traps: h->trap says what happens; cpu/trap.c takes it. Manual: chapters "Traps", "Exits". */
#ifndef VISA_RAISE_H
#define VISA_RAISE_H

#include "hart.h"

/* A value placed into its field of VMQUAL (vmqual.isa). */
#define QUAL(cause, name, value)                                                                   \
    (((uint64_t)(value) & ((1ull << ISA_QUAL_##cause##_##name##_WIDTH) - 1))                       \
     << ISA_QUAL_##cause##_##name##_LO)

/* Operands of a 32-bit instruction, for exec_ functions of class sys. */
#define INSN_RD(bits) ((bits) >> 7 & 31)
#define INSN_RS1(bits) ((bits) >> 15 & 31)
#define INSN_RS2(bits) ((bits) >> 20 & 31)

/* Each fills h->trap and returns VISA_TRAP. */
visa_result raise_exception(struct hart *h, unsigned cause, uint64_t tval);
visa_result raise_exit(struct hart *h, unsigned cause, uint64_t qual, uint64_t addr, uint64_t gpa,
                       uint64_t val);
/* The instruction is illegal here: exit PRIVILEGED or the guest's own exception. `qual`
 * is VMQUAL without rd and rs1; val as for VMVAL. */
visa_result raise_illegal(struct hart *h, uint64_t qual, uint64_t val);
enum { ILLEGAL_UNDEFINED, ILLEGAL_CSR, ILLEGAL_SRET, ILLEGAL_MRET, ILLEGAL_OTHER, ILLEGAL_MSR };

/* VMQUAL's reg, signed and atomic fields of the load or store being executed. */
uint64_t qual_operand(const struct hart *h, unsigned cause);

#endif
