/* Raising traps (raise.h). */
#include "raise.h"

visa_result raise_exception(struct hart *h, unsigned cause, uint64_t tval)
{
    h->trap = (struct trap){.event = RETIRE_EXCEPTION, .cause = (uint8_t)cause, .tval = tval};
    return VISA_TRAP;
}

visa_result raise_exit(struct hart *h, unsigned cause, uint64_t qual, uint64_t addr, uint64_t gpa,
                       uint64_t val)
{
    h->trap = (struct trap){.event = RETIRE_EXIT,
                            .cause = (uint8_t)cause,
                            .qual = qual,
                            .addr = addr,
                            .gpa = gpa,
                            .val = val};
    return VISA_TRAP;
}

visa_result raise_illegal(struct hart *h, uint64_t qual, uint64_t val)
{
    if (!trapcfg(h, ISA_TRAP_PRIV))
        return raise_exception(h, ISA_EXC_ILLEGAL, h->insn);
    if (h->insn_len == 4)
        qual |= QUAL(PRIVILEGED, RD, INSN_RD(h->insn)) | QUAL(PRIVILEGED, RS1, INSN_RS1(h->insn));
    return raise_exit(h, ISA_EXIT_PRIVILEGED, qual, 0, 0, val);
}

uint64_t qual_operand(const struct hart *h, unsigned cause)
{
    const struct isa_insn *row;
    struct isa_decoded d;
    bool atomic;
    unsigned reg;

    if (!isa_decode(h->insn, &d))
        return 0;
    row = &isa_insns[d.op];
    atomic = row->klass == ISA_CLASS_MEM;
    reg = isa_field(row, ISA_FIELD_RS2) ? d.rs2 : d.rd; /* what it stores, if it does */
    if (cause == ISA_EXIT_IO)
        return QUAL(IO, REG, reg) | QUAL(IO, SIGNED, row->extends) | QUAL(IO, ATOMIC, atomic);
    return QUAL(HOSTFAULT, REG, reg) | QUAL(HOSTFAULT, SIGNED, row->extends) |
           QUAL(HOSTFAULT, ATOMIC, atomic);
}
