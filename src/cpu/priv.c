/* Environment calls, returns from traps, waiting, fence.i. Manual: chapter "Traps". */
#include "cpu.h"
#include "dpage.h"
#include "state/machine_state.h"
#include "mmu/mmu.h"

visa_result exec_illegal(struct hart *h, uint32_t bits)
{
    (void)bits;
    return raise_illegal(h, QUAL(PRIVILEGED, CLASS, ILLEGAL_UNDEFINED), 0);
}

visa_result exec_fence_i(struct hart *h, uint32_t bits)
{
    (void)bits;
    dpages_sync(h->machine);
    return VISA_OK;
}

visa_result exec_ecall(struct hart *h, uint32_t bits)
{
    (void)bits;
    if (h->v && h->ring == RING_0)
        return raise_exit(h, ISA_EXIT_HYPERCALL, QUAL(HYPERCALL, ECALL, 1), 0, 0, 0);
    return raise_exception(h, ISA_EXC_ECALL_U + h->ring, 0);
}

visa_result exec_ebreak(struct hart *h, uint32_t bits)
{
    (void)bits;
    if (trapcfg(h, ISA_TRAP_BRK))
        return raise_exit(h, ISA_EXIT_BREAKPOINT, 0, 0, 0, 0);
    return raise_exception(h, ISA_EXC_BREAKPOINT, h->pc);
}

visa_result check_privileged(struct hart *h, uint64_t qual)
{
    if (h->ring == RING_3 || trapcfg(h, ISA_TRAP_PRIV))
        return raise_illegal(h, qual, 0);
    return VISA_OK;
}

visa_result exec_sret(struct hart *h, uint32_t bits)
{
    uint64_t status = h->s.status;

    (void)bits;
    if (check_privileged(h, QUAL(PRIVILEGED, CLASS, ILLEGAL_SRET)) != VISA_OK)
        return VISA_TRAP;
    if (!h->v && h->ring == RING_0 && (h->mstatus & MSTATUS_TSR))
        return raise_illegal(h, QUAL(PRIVILEGED, CLASS, ILLEGAL_SRET), 0);
    stuck_leaves(h);
    h->ring = status & SSTATUS_SPP ? RING_0 : RING_3;
    h->s.status &= ~(SSTATUS_SPP | SSTATUS_SIE);
    h->s.status |= status & SSTATUS_SPIE ? SSTATUS_SIE : 0;
    h->s.status |= SSTATUS_SPIE;
    if (!h->v)
        h->mstatus &= ~MSTATUS_MPRV;
    h->next_pc = h->s.sepc;
    h->attention = true;
    mmu_update(h);
    return VISA_OK;
}

visa_result exec_mret(struct hart *h, uint32_t bits)
{
    unsigned to = h->mstatus >> MSTATUS_MPP_SHIFT & 3;
    uint64_t status = h->mstatus;

    (void)bits;
    if (h->ring != RING_H)
        return raise_illegal(h, QUAL(PRIVILEGED, CLASS, ILLEGAL_MRET), 0);
    stuck_leaves(h);
    h->ring = (uint8_t)to;
    h->mstatus &= ~(MSTATUS_MPP | MSTATUS_MIE);
    h->mstatus |= (status & MSTATUS_MPIE ? MSTATUS_MIE : 0) | MSTATUS_MPIE;
    if (to != RING_H)
        h->mstatus &= ~MSTATUS_MPRV;
    h->next_pc = h->mepc;
    h->attention = true;
    mmu_update(h);
    return VISA_OK;
}

visa_result exec_wfi(struct hart *h, uint32_t bits)
{
    (void)bits;
    if (h->ring == RING_3 || (!h->v && h->ring == RING_0 && (h->mstatus & MSTATUS_TW)))
        return raise_illegal(h, QUAL(PRIVILEGED, CLASS, ILLEGAL_OTHER), 0);
    if (trapcfg(h, ISA_TRAP_HALT))
        return raise_exit(h, ISA_EXIT_HALT, 0, 0, 0, 0);
    h->waiting = true;
    h->attention = true;
    return VISA_OK;
}
