/* Xvisa beside the world switches: the pool's instructions, fields, exit information,
 * TLB flushes, loads and stores as the guest. Manual: chapter "Instructions". */
#include "cpu.h"
#include "state/machine_state.h"
#include "mmu/mmu.h"
#include "mmu/tlb.h"

static visa_result virt_exit(struct hart *h, const struct isa_insn *row, uint32_t bits)
{
    uint64_t qual = QUAL(VIRT, OP, row->op);

    if (isa_field(row, ISA_FIELD_RD))
        qual |= QUAL(VIRT, RD, INSN_RD(bits));
    if (isa_field(row, ISA_FIELD_RS1))
        qual |= QUAL(VIRT, RS1, INSN_RS1(bits));
    if (isa_field(row, ISA_FIELD_RS2))
        qual |= QUAL(VIRT, RS2, INSN_RS2(bits));
    return raise_exit(h, ISA_EXIT_VIRT, qual, 0, 0, 0);
}

visa_result refuse_ring(struct hart *h)
{
    if (h->v && h->ring == RING_0)
        return virt_exit(h, &isa_insns[h->insn_op], h->insn);
    return raise_illegal(h, QUAL(PRIVILEGED, CLASS, ILLEGAL_OTHER), 0);
}

static visa_result illegal_operand(struct hart *h)
{
    return raise_illegal(h, QUAL(PRIVILEGED, CLASS, ILLEGAL_OTHER), 0);
}

/* A VMCS pointer of VMSAVE and VMCLEAR. */
static visa_result check_pointer(struct hart *h, uint64_t vmcs)
{
    if (vmcs & (ISA_VMCS_BYTES - 1))
        return raise_exception(h, ISA_EXC_STORE_MISALIGNED, vmcs);
    if (!in_ram(h->machine, vmcs, ISA_VMCS_BYTES))
        return raise_exception(h, ISA_EXC_STORE_ACCESS, vmcs);
    return VISA_OK;
}

visa_result exec_vmsave(struct hart *h, uint32_t bits)
{
    uint64_t vmcs = h->x[INSN_RS1(bits)];
    struct context *c;

    if (check_pointer(h, vmcs) != VISA_OK)
        return VISA_TRAP;
    c = pool_find(h, vmcs);
    if (c)
        pool_save(h, c);
    return VISA_OK;
}

visa_result exec_vmclear(struct hart *h, uint32_t bits)
{
    uint64_t vmcs = h->x[INSN_RS1(bits)];
    struct context *c;

    if (check_pointer(h, vmcs) != VISA_OK)
        return VISA_TRAP;
    c = pool_find(h, vmcs);
    if (c)
        pool_drop(h, c);
    return VISA_OK;
}

visa_result exec_vmload(struct hart *h, uint32_t bits)
{
    struct exit_info why = {0};

    if (pool_load(h, h->x[INSN_RS1(bits)], &why))
        set_exit_info(h, &why);
    else
        refuse_entry(h, &why);
    return VISA_OK;
}

visa_result exec_vmread(struct hart *h, uint32_t bits)
{
    uint64_t field = h->x[INSN_RS1(bits)], value;

    if (field >= 512 || !isa_vmcs_field_at((unsigned)field) ||
        !current_field(h, (unsigned)field, false, &value))
        return illegal_operand(h);
    set_rd(h, bits, field == ISA_VMCS_X ? 0 : value);
    return VISA_OK;
}

static visa_result write_field(struct hart *h, uint64_t field, uint64_t value)
{
    const struct isa_vmcs_field *f = field < 512 ? isa_vmcs_field_at((unsigned)field) : NULL;

    if (!f || !f->writable)
        return illegal_operand(h);
    if (field == ISA_VMCS_X)
        value = 0;
    if (!current_field(h, (unsigned)field, true, &value))
        return illegal_operand(h);
    return VISA_OK;
}

visa_result exec_vmwrite(struct hart *h, uint32_t bits)
{
    return write_field(h, h->x[INSN_RS1(bits)], h->x[INSN_RS2(bits)]);
}

visa_result exec_ldgptbr(struct hart *h, uint32_t bits)
{
    return write_field(h, ISA_VMCS_GPTBR, h->x[INSN_RS1(bits)]);
}

visa_result exec_ldhptbr(struct hart *h, uint32_t bits)
{
    return write_field(h, ISA_VMCS_HPTBR, h->x[INSN_RS1(bits)]);
}

#define EXIT_INFO(name, field)                                                                     \
    visa_result exec_##name(struct hart *h, uint32_t bits)                                         \
    {                                                                                              \
        set_rd(h, bits, h->exit.field);                                                            \
        return VISA_OK;                                                                            \
    }
EXIT_INFO(vmcause, cause)
EXIT_INFO(vmqual, qual)
EXIT_INFO(vmaddr, addr)
EXIT_INFO(vmgpa, gpa)
EXIT_INFO(vminsn, insn)
EXIT_INFO(vmlen, len)
EXIT_INFO(vmval, val)

/* A flush by Ring 0: b7, else its own translations. By Ring -1: those of the current VM. */
static visa_result flush(struct hart *h, uint32_t bits, struct flush f)
{
    uint64_t hptbr = 0;

    if (!h->v && h->ring == RING_0 && (h->mstatus & MSTATUS_TVM))
        return illegal_operand(h);
    if (trapcfg(h, ISA_TRAP_TLB))
        return raise_exit(h, ISA_EXIT_TLBFLUSH,
                          QUAL(TLBFLUSH, RS1, INSN_RS1(bits)) |
                              QUAL(TLBFLUSH, RS2, INSN_RS2(bits)) |
                              QUAL(TLBFLUSH, OP, isa_insns[h->insn_op].op),
                          h->x[INSN_RS1(bits)], 0, h->x[INSN_RS2(bits)]);
    if (h->ring == RING_0) {
        f.v = h->v;
        f.vmid = h->vmid;
    } else if (!f.all) {
        if (!current_field(h, ISA_VMCS_HPTBR, false, &hptbr))
            return illegal_operand(h);
        f.v = true;
        f.vmid = hptbr >> 44 & ((1ull << ISA_VMID_BITS) - 1);
    }
    mmu_flush(h, &f);
    return VISA_OK;
}

visa_result exec_tlbflushv(struct hart *h, uint32_t bits)
{
    bool host = h->ring == RING_H;

    if (flush(h, bits, (struct flush){.all = host}) != VISA_OK)
        return VISA_TRAP;
    for (unsigned side = 0; host && side < 2; side++)
        tlb_walk_flush(h->tlb[side], -1);
    return VISA_OK;
}

visa_result exec_tlbflushv_vm(struct hart *h, uint32_t bits)
{
    uint64_t vmid = h->x[INSN_RS1(bits)] & ((1ull << ISA_VMID_BITS) - 1);

    mmu_flush(h, &(struct flush){.v = true, .vmid = vmid});
    for (unsigned side = 0; side < 2; side++)
        tlb_walk_flush(h->tlb[side], (int64_t)vmid);
    return VISA_OK;
}

visa_result exec_tlbflushv_asid(struct hart *h, uint32_t bits)
{
    return flush(h, bits, (struct flush){.by_asid = true, .asid = h->x[INSN_RS1(bits)]});
}

visa_result exec_tlbflushv_addr(struct hart *h, uint32_t bits)
{
    return flush(h, bits,
                 (struct flush){.by_addr = true,
                                .addr = h->x[INSN_RS1(bits)],
                                .by_asid = INSN_RS2(bits) != 0,
                                .asid = h->x[INSN_RS2(bits)]});
}

visa_result exec_sfence_vma(struct hart *h, uint32_t bits)
{
    struct flush f = {.by_addr = INSN_RS1(bits) != 0,
                      .addr = h->x[INSN_RS1(bits)],
                      .by_asid = INSN_RS2(bits) != 0,
                      .asid = h->x[INSN_RS2(bits)]};

    if (h->ring == RING_3)
        return illegal_operand(h);
    if (h->ring == RING_H) { /* the host's own translations */
        mmu_flush(h, &f);
        return VISA_OK;
    }
    return flush(h, bits, f);
}

/* VMWRITE lets any value through; an entry would refuse these. */
static bool bases_known(const struct context *c)
{
    return base_mode_known(c->f[ISA_VMCS_GPTBR]) && base_mode_known(c->f[ISA_VMCS_HPTBR]);
}

static visa_result guest_load(struct hart *h, uint32_t bits, bool gpa, unsigned size, bool extend)
{
    struct context *c;
    uint64_t value = 0;
    visa_result done;

    c = current_context(h);
    if (!c || !bases_known(c))
        return illegal_operand(h);
    done = mem_guest(h, c, gpa, ACCESS_LOAD, h->x[INSN_RS1(bits)], size, &value);
    current_done(h, c);
    if (done != VISA_OK)
        return VISA_TRAP;
    if (extend)
        value = (uint64_t)((int64_t)(value << (64 - 8 * size)) >> (64 - 8 * size));
    set_rd(h, bits, value);
    return VISA_OK;
}

static visa_result guest_store(struct hart *h, uint32_t bits, bool gpa, unsigned size)
{
    struct context *c;
    uint64_t value = h->x[INSN_RS2(bits)];
    visa_result done;

    c = current_context(h);
    if (!c || !bases_known(c))
        return illegal_operand(h);
    if (size < 8)
        value &= (1ull << 8 * size) - 1;
    done = mem_guest(h, c, gpa, ACCESS_STORE, h->x[INSN_RS1(bits)], size, &value);
    current_done(h, c);
    return done;
}

#define GUEST_LOAD(name, gpa, size, extend)                                                        \
    visa_result exec_##name(struct hart *h, uint32_t bits)                                         \
    {                                                                                              \
        return guest_load(h, bits, gpa, size, extend);                                             \
    }
GUEST_LOAD(vmld_b, false, 1, true)
GUEST_LOAD(vmld_h, false, 2, true)
GUEST_LOAD(vmld_w, false, 4, true)
GUEST_LOAD(vmld_d, false, 8, false)
GUEST_LOAD(vmld_bu, false, 1, false)
GUEST_LOAD(vmld_hu, false, 2, false)
GUEST_LOAD(vmld_wu, false, 4, false)
GUEST_LOAD(vmldp_b, true, 1, true)
GUEST_LOAD(vmldp_h, true, 2, true)
GUEST_LOAD(vmldp_w, true, 4, true)
GUEST_LOAD(vmldp_d, true, 8, false)
GUEST_LOAD(vmldp_bu, true, 1, false)
GUEST_LOAD(vmldp_hu, true, 2, false)
GUEST_LOAD(vmldp_wu, true, 4, false)

#define GUEST_STORE(name, gpa, size)                                                               \
    visa_result exec_##name(struct hart *h, uint32_t bits)                                         \
    {                                                                                              \
        return guest_store(h, bits, gpa, size);                                                    \
    }
GUEST_STORE(vmst_b, false, 1)
GUEST_STORE(vmst_h, false, 2)
GUEST_STORE(vmst_w, false, 4)
GUEST_STORE(vmst_d, false, 8)
GUEST_STORE(vmstp_b, true, 1)
GUEST_STORE(vmstp_h, true, 2)
GUEST_STORE(vmstp_w, true, 4)
GUEST_STORE(vmstp_d, true, 8)
