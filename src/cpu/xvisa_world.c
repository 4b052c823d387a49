/* World switches: entry checks, entry, exit. Manual: chapter "World switches". */
#include <string.h>

#include "cpu.h"
#include "state/machine_state.h"
#include "mmu/mmu.h"
#include "record.h"

#define TRAPCFG_KNOWN                                                                              \
    (ISA_TRAP_IO | ISA_TRAP_PRIV | ISA_TRAP_MSR | ISA_TRAP_CR3 | ISA_TRAP_PF | ISA_TRAP_BRK |      \
     ISA_TRAP_HALT | ISA_TRAP_TLB | ISA_TRAP_INTWIN | ISA_TRAP_PREEMPT)

static bool hptbr_valid(uint64_t v)
{
    if (!base_mode_known(v) || (v >> 58 & 3))
        return false;
    return v >> 60 == 0 || (v & 3) == 0; /* a root of 16 KiB */
}

static bool iobitmap_valid(const struct machine *m, uint64_t pa)
{
    return pa == 0 || ((pa & (ISA_IOBITMAP_BYTES - 1)) == 0 && in_ram(m, pa, ISA_IOBITMAP_BYTES));
}

/* Range i of c: not empty, not round the end of the address space, on none before it. */
static bool range_valid(const struct context *c, unsigned i)
{
    uint64_t base = c->f[ISA_VMCS_IOV_BASE + i], size = c->f[ISA_VMCS_IOV_SIZE + i];

    if (!(c->f[ISA_VMCS_IOV_FLAGS + i] & IOV_VALID))
        return true;
    if (size == 0 || base + (size - 1) < base)
        return false;
    for (unsigned j = 0; j < i; j++) { /* these are valid by now */
        uint64_t b = c->f[ISA_VMCS_IOV_BASE + j], s = c->f[ISA_VMCS_IOV_SIZE + j];

        if ((c->f[ISA_VMCS_IOV_FLAGS + j] & IOV_VALID) && base <= b + (s - 1) &&
            b <= base + (size - 1))
            return false;
    }
    return true;
}

/* Number of the first field that makes an entry at pc fail, or -1; in the order of vmcs.isa. */
static int invalid_field(const struct hart *h, const struct context *c, uint64_t pc)
{
    const uint64_t *f = c->f;

    if (f[ISA_VMCS_REVISION] != ISA_REVISION)
        return ISA_VMCS_REVISION;
    if (f[ISA_VMCS_VMTRAPCFG] & ~(uint64_t)TRAPCFG_KNOWN)
        return ISA_VMCS_VMTRAPCFG;
    if (f[ISA_VMCS_VMCTL] & ~(uint64_t)VMCTL_COUNTERS)
        return ISA_VMCS_VMCTL;
    if (!hptbr_valid(f[ISA_VMCS_HPTBR]))
        return ISA_VMCS_HPTBR;
    if (!iobitmap_valid(h->machine, f[ISA_VMCS_IOBITMAP]))
        return ISA_VMCS_IOBITMAP;
    if (pc & 1)
        return ISA_VMCS_PC;
    if (f[ISA_VMCS_RING] != 0 && f[ISA_VMCS_RING] != 3)
        return ISA_VMCS_RING;
    if (!base_mode_known(f[ISA_VMCS_GPTBR]))
        return ISA_VMCS_GPTBR;
    if (f[ISA_VMCS_VIC_THRESHOLD] >= ISA_VIC_PRIORITIES)
        return ISA_VMCS_VIC_THRESHOLD;
    if (f[ISA_VMCS_VIC_DEPTH] > ISA_VIC_NEST)
        return ISA_VMCS_VIC_DEPTH;
    for (unsigned i = 0; i < ISA_IOV_RANGES; i++)
        if (!range_valid(c, i))
            return ISA_VMCS_IOV_SIZE + (int)i;
    for (unsigned i = 0; i < ISA_IOV_RANGES; i++)
        if (f[ISA_VMCS_IOV_FLAGS + i] & ~(uint64_t)(IOV_VALID | IOV_EXIT))
            return ISA_VMCS_IOV_FLAGS + (int)i;
    return -1;
}

void set_exit_info(struct hart *h, const struct exit_info *e)
{
    h->exit = *e;
}

static void load_bank(struct ring0 *s, const uint64_t *f)
{
#define LOAD(name, vmcs, writable) .name = f[vmcs] & (writable),
    *s = (struct ring0){STATE_BANK(LOAD)};
#undef LOAD
}

static void save_bank(const struct hart *h, uint64_t *f)
{
    const struct ring0 *s = &h->s;

#define SAVE(name, vmcs, writable) f[vmcs] = s->name;
    STATE_BANK(SAVE)
#undef SAVE
    f[ISA_VMCS_SSTATUS] |= STATUS_UXL;
}

static bool wants(const struct observer *o, uint64_t instret, uint64_t vmid)
{
    const struct retire_part *p = &o->part;

    return o->world && instret >= p->from && instret <= p->to && (!p->one_vm || p->vm == vmid);
}

static void tell_world(const struct machine *m, const struct world_event *e)
{
    const struct observer *next;

    for (const struct observer *o = m->observers; o; o = next) {
        next = o->next; /* it may go */
        if (wants(o, e->instret, e->vmid))
            o->world(o->user, e);
    }
}

/* Does anybody want a switch at this instret of the hart? */
static bool world_wanted(const struct hart *h, uint64_t instret)
{
    bool any = false;

    for (const struct observer *o = h->machine->observers; o; o = o->next)
        any |= wants(o, instret, h->vmid);
    return any;
}

/* Somebody wants it: it is not built otherwise. */
static struct world_event world_event(const struct hart *h, const struct context *c,
                                      struct world_event e)
{
    e.hart = h->id;
    e.vmcs = c->vmcs;
    e.vmid = (uint16_t)h->vmid;
    e.vm = (uint32_t)(h->vm_stats - h->machine->stats.vms);
    e.instret = h->instret + e.entry; /* the entering instruction is the host's */
    e.ticks = hart_ticks(h) + e.entry;
    e.ring = ring_number(h);
    mmu_peek_fetch(h, &h->code, e.pc, &e.pc_gpa, &e.pc_hpa);
    return e;
}

/* In a timed model, how long the entry takes is known later. */
static void tell_entry(struct hart *h, const struct context *c, bool advance)
{
    h->entry = world_event(
        h, c, (struct world_event){.entry = true, .pc = h->next_pc, .advance = advance});
    if (own_time(h))
        h->entry_untold = true;
    else
        tell_world(h->machine, &h->entry);
}

void timing_entered(struct hart *h, uint64_t ticks)
{
    if (!h->entry_untold)
        return;
    h->entry_untold = false;
    h->entry.ticks = ticks;
    tell_world(h->machine, &h->entry);
}

static void tell_exit(const struct hart *h, const struct context *c, const struct exit_info *x)
{
    const struct world_event e = world_event(h, c,
                                             (struct world_event){.pc = h->pc,
                                                                  .cause = x->cause,
                                                                  .qual = x->qual,
                                                                  .addr = x->addr,
                                                                  .gpa = x->gpa,
                                                                  .insn = x->insn,
                                                                  .len = x->len,
                                                                  .val = x->val});

    tell_world(h->machine, &e);
}

static void enter_guest(struct hart *h, struct context *c, bool advance)
{
    uint64_t vmid = c->f[ISA_VMCS_HPTBR] >> 44 & ((1ull << ISA_VMID_BITS) - 1);
    struct retire *r = h->machine->wanted.retire ? record_entry(h, vmid) : NULL;

    stuck_leaves(h);
    h->host_s = h->s;
    memcpy(h->host_x, h->x, sizeof h->host_x);
    h->host_pc = h->next_pc;
    load_bank(&h->s, c->f);
    memcpy(h->x + 1, c->f + ISA_VMCS_X + 1, 31 * sizeof h->x[0]);
    h->ring = c->f[ISA_VMCS_RING] ? RING_3 : RING_0;
    h->v = true;
    h->vmid = vmid;
    h->live = c;
    h->next_pc = c->f[ISA_VMCS_PC];
    h->guest_start = h->instret + 1; /* the entering instruction is the host's */
    h->reserved = false;
    h->attention = true;
    h->delivered = 0;
    mmu_update(h);
    if (timed(h))
        h->timing->entered(h->timing);
    h->vm_stats = machine_vm_entered(h->machine, c->vmcs);
    h->machine->stats.entries++;
    if (h->vm_stats) {
        h->vm_stats->entries++;
        h->vm_stats->vmid = (uint16_t)h->vmid;
    }
    if (r) {
        r->qual = h->vmid;
        r->val = c->vmcs;
    }
    if (h->machine->wanted.world && world_wanted(h, h->instret + 1))
        tell_entry(h, c, advance);
}

static void tell_refusal(const struct hart *h, const struct exit_info *why)
{
    const struct machine *m = h->machine;
    const struct world_event e = {.refused = true,
                                  .hart = h->id,
                                  .ring = ring_number(h),
                                  .instret = h->instret,
                                  .ticks = hart_ticks(h),
                                  .pc = h->pc,
                                  .pc_hpa = h->pc, /* Ring -1 has no translation */
                                  .cause = why->cause,
                                  .qual = why->qual,
                                  .addr = why->addr,
                                  .insn = h->insn,
                                  .len = h->insn_len};

    for (const struct observer *o = m->observers; o; o = o->next)
        if (o->refusal)
            o->refusal(o->user, &e);
}

void refuse_entry(struct hart *h, const struct exit_info *why)
{
    struct machine_stats *s = &h->machine->stats;
    struct retire *r = record_event(h, RETIRE_ENTRYFAIL);

    set_exit_info(h, why);
    s->entry_failures++;
    s->refused_by[why->qual < MACHINE_REFUSALS ? why->qual : MACHINE_REFUSALS - 1]++;
    if (h->machine->wanted.refusal)
        tell_refusal(h, why);
    if (!r)
        return;
    r->cause = (uint8_t)why->cause;
    r->qual = why->qual;
    r->addr = why->addr;
}

static visa_result world_enter(struct hart *h, uint64_t vmcs, bool advance)
{
    struct exit_info why;
    struct context *c = pool_load(h, vmcs, &why);
    uint64_t pc;
    int bad;

    if (!c) {
        refuse_entry(h, &why);
        return VISA_OK;
    }
    h->current = vmcs;
    advance = advance && c->f[ISA_VMCS_EXIT_LEN];
    pc = c->f[ISA_VMCS_PC] + (advance ? c->f[ISA_VMCS_EXIT_LEN] : 0);
    bad = invalid_field(h, c, pc);
    if (bad >= 0) {
        refuse_entry(h, &(struct exit_info){.cause = ISA_EXIT_ENTRYFAIL,
                                            .qual = (uint64_t)bad,
                                            .addr = bad == ISA_VMCS_PC ? pc : c->f[bad]});
        return VISA_OK;
    }
    if (advance) {
        c->f[ISA_VMCS_PC] = pc;
        c->f[ISA_VMCS_COUNT_EMU]++;
        h->count_emu++;
        h->machine->stats.emu++;
    }
    enter_guest(h, c, advance);
    if (advance && h->vm_stats)
        h->vm_stats->emu++;
    return VISA_OK;
}

visa_result exec_vmenter(struct hart *h, uint32_t bits)
{
    return world_enter(h, h->x[INSN_RS1(bits)], false);
}

visa_result exec_vmresume(struct hart *h, uint32_t bits)
{
    (void)bits;
    return world_enter(h, h->current, false);
}

visa_result exec_vmresume_adv(struct hart *h, uint32_t bits)
{
    (void)bits;
    return world_enter(h, h->current, true);
}

visa_result exec_vmexit(struct hart *h, uint32_t bits)
{
    return raise_exit(h, ISA_EXIT_HYPERCALL, QUAL(HYPERCALL, NUMBER, bits >> 20), 0, 0, 0);
}

static void record_exit(struct hart *h, struct context *c)
{
    struct exit_info e = {.cause = h->trap.cause,
                          .qual = h->trap.qual,
                          .addr = h->trap.addr,
                          .gpa = h->trap.gpa,
                          .val = h->trap.val};
    uint64_t *f = &c->f[ISA_VMCS_EXIT_CAUSE];

    if (!h->fetching && h->insn_len) {
        e.insn = h->insn;
        e.len = h->insn_len;
    }
    set_exit_info(h, &e);
    memcpy(f, &e, sizeof e); /* exit_info has the fields' order */
    if (h->machine->wanted.world && world_wanted(h, h->instret))
        tell_exit(h, c, &e);
    c->f[ISA_VMCS_COUNT_EXIT]++;
    h->count_exit++;
    h->machine->stats.exits++;
    if (h->vm_stats) {
        h->vm_stats->exits++;
        h->vm_stats->by_cause[h->trap.cause & 0x1f]++;
        h->vm_stats->instret += h->instret - h->guest_start;
    }
}

void world_exit(struct hart *h)
{
    struct context *c = h->live;

    save_bank(h, c->f);
    memcpy(c->f + ISA_VMCS_X, h->x, 32 * sizeof h->x[0]);
    c->f[ISA_VMCS_PC] = h->pc;
    c->f[ISA_VMCS_RING] = h->ring == RING_3 ? 3 : 0;
    c->f[ISA_VMCS_PREEMPT] = preempt_left(h);
    c->f[ISA_VMCS_COUNT_INSTRET] += h->instret - h->guest_start;
    record_exit(h, c);
    memcpy(h->x, h->host_x, sizeof h->host_x);
    h->s = h->host_s;
    h->pc = h->host_pc;
    h->ring = RING_H;
    h->v = false;
    h->vmid = 0;
    h->live = NULL;
    h->vm_stats = NULL;
    h->delivered = 0;
    h->attention = true;
    mmu_update(h);
}
