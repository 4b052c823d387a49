/* Instructions of the virtual interrupt controller. Manual: chapter "Virtual interrupts". */
#include "cpu.h"
#include "record.h"
#include "state/machine_state.h"
#include "vic/vic.h"

/* For listeners, if there are any. */
static void tell(struct hart *h, enum retire_event event, uint64_t vmcs, int vector)
{
    struct retire *r = record_event(h, event);

    if (!r)
        return;
    r->qual = (uint64_t)vector;
    r->val = vmcs;
}

static void sent(struct hart *h, uint64_t vmcs, unsigned vector)
{
    struct exit_count *vm = machine_vm_stats(h->machine, vmcs);

    if (vm)
        vm->vint_sent++;
    tell(h, RETIRE_VINT_SENT, vmcs, (int)vector);
}

static visa_result illegal_operand(struct hart *h)
{
    return raise_illegal(h, QUAL(PRIVILEGED, CLASS, ILLEGAL_OTHER), 0);
}

/* To a context that is in some hart's pool, there; else to its image in memory. */
static visa_result send_to(struct hart *h, uint64_t vmcs, unsigned vector)
{
    struct machine *m = h->machine;
    uint64_t at = vmcs + 8ull * (ISA_VMCS_VIC_PENDING + vector / 64), word;

    for (unsigned i = 0; i < m->config.harts; i++) {
        struct context *c = pool_find(&m->harts[i], vmcs);

        if (c) {
            vic_send(c, vector);
            m->harts[i].attention = true;
            sent(h, vmcs, vector);
            return VISA_OK;
        }
    }
    if (!in_ram(m, vmcs, ISA_VMCS_BYTES))
        return raise_exception(h, ISA_EXC_STORE_ACCESS, vmcs);
    (void)machine_read(m, vmcs, &word, 8);
    if (word != ISA_REVISION)
        return illegal_operand(h);
    (void)machine_read(m, at, &word, 8);
    word |= 1ull << vector % 64;
    (void)machine_write(m, at, &word, 8);
    sent(h, vmcs, vector);
    return VISA_OK;
}

visa_result exec_vint_send(struct hart *h, uint32_t bits)
{
    uint64_t rs1 = h->x[INSN_RS1(bits)], vmcs = rs1 & ~0xfffull;
    unsigned vector = rs1 & (ISA_VIC_VECTORS - 1);

    if (!h->v) {
        if (!vmcs && !h->current)
            return illegal_operand(h);
        return send_to(h, vmcs ? vmcs : h->current, vector);
    }
    if (vmcs) /* a guest hypervisor means another VM */
        return raise_exit(h, ISA_EXIT_VIRT,
                          QUAL(VIRT, RS1, INSN_RS1(bits)) |
                              QUAL(VIRT, OP, isa_insns[ISA_OP_VINT_SEND].op),
                          0, 0, 0);
    vic_send(h->live, vector);
    h->attention = true;
    sent(h, h->live->vmcs, vector);
    return VISA_OK;
}

visa_result exec_vint_ack(struct hart *h, uint32_t bits)
{
    int vector = vic_ack(h->live);

    set_rd(h, bits, (uint64_t)(int64_t)vector);
    if (vector < 0)
        return VISA_OK;
    if (h->vm_stats)
        h->vm_stats->vint_acknowledged++;
    tell(h, RETIRE_VINT_ACKNOWLEDGED, h->live->vmcs, vector);
    return VISA_OK;
}

visa_result exec_vint_ack_eoi(struct hart *h, uint32_t bits)
{
    int vector = vic_serving(h->live);

    (void)bits;
    vic_eoi(h->live);
    h->attention = true;
    if (vector < 0)
        return VISA_OK;
    if (h->vm_stats)
        h->vm_stats->vint_ended++;
    tell(h, RETIRE_VINT_ENDED, h->live->vmcs, vector);
    return VISA_OK;
}

visa_result exec_vint_stat(struct hart *h, uint32_t bits)
{
    const struct context *c = h->v ? h->live : current_context(h);

    if (!c)
        return illegal_operand(h);
    set_rd(h, bits, (uint64_t)(int64_t)vic_best(c));
    return VISA_OK;
}
