/* Interrupts and timers. Manual: chapters "Interrupts" and "Time". */
#include "cpu.h"
#include "state/machine_state.h"
#include "vic/vic.h"

#define BIT(n) (1ull << (n))

uint64_t hart_mip(const struct hart *h)
{
    const struct ring0 *s = h->v ? &h->host_s : &h->s;
    uint64_t mip = h->mip | h->mip_set | s->sip;

    if (h->menvcfg & MENVCFG_STCE) {
        mip &= ~BIT(ISA_IRQ_STI);
        mip |= hart_time(h) >= s->stimecmp ? BIT(ISA_IRQ_STI) : 0;
    }
    return mip;
}

uint64_t hart_guest_sip(const struct hart *h)
{
    uint64_t time = hart_time(h) + h->live->f[ISA_VMCS_TIMEOFFSET];

    return h->s.sip | (time >= h->s.stimecmp ? BIT(ISA_IRQ_STI) : 0) |
           (vic_best(h->live) >= 0 ? BIT(ISA_IRQ_SEI) : 0);
}

static unsigned highest(uint64_t pending)
{
    static const uint8_t order[] = {ISA_IRQ_MEI, ISA_IRQ_MSI, ISA_IRQ_MTI,
                                    ISA_IRQ_SEI, ISA_IRQ_SSI, ISA_IRQ_STI};

    for (unsigned i = 0; i < sizeof order; i++)
        if (pending >> order[i] & 1)
            return order[i];
    return 0;
}

static bool interrupt(struct hart *h, uint64_t pending)
{
    h->trap = (struct trap){.event = RETIRE_INTERRUPT, .cause = (uint8_t)highest(pending)};
    if (h->v && h->trap.cause == ISA_IRQ_SEI) {
        h->trap.qual = (uint64_t)vic_best(h->live);
        if (h->vm_stats)
            h->vm_stats->vint_taken++;
    }
    take_trap(h, true);
    return true;
}

static bool host_exit(struct hart *h, uint64_t pending)
{
    unsigned irq = highest(pending);
    bool timer = irq == ISA_IRQ_MTI || irq == ISA_IRQ_STI;

    raise_exit(h, timer ? ISA_EXIT_TIMER : ISA_EXIT_EXTERNAL,
               timer ? QUAL(TIMER, IRQ, irq) : QUAL(EXTERNAL, IRQ, irq), 0, 0, 0);
    take_trap(h, true);
    return true;
}

uint64_t preempt_left(const struct hart *h)
{
    uint64_t left = h->live->f[ISA_VMCS_PREEMPT], used = h->instret - h->guest_start;

    if (!trapcfg(h, ISA_TRAP_PREEMPT))
        return left;
    return used < left ? left - used : 0;
}

/* Interrupts the guest may take now: is Ring 0 open to them? */
static bool guest_open(const struct hart *h)
{
    return h->ring == RING_3 || (h->s.status & SSTATUS_SIE);
}

static bool guest_event(struct hart *h, bool may)
{
    uint64_t pending = hart_guest_sip(h) & h->s.sie;

    if (trapcfg(h, ISA_TRAP_PREEMPT) && preempt_left(h) == 0) {
        raise_exit(h, ISA_EXIT_PREEMPT, 0, 0, 0, 0);
    } else if (!guest_open(h)) {
        return false;
    } else if (trapcfg(h, ISA_TRAP_INTWIN)) {
        raise_exit(h, ISA_EXIT_INTWINDOW, QUAL(INTWINDOW, PENDING, pending != 0), 0, 0, 0);
    } else {
        return may && pending && interrupt(h, pending);
    }
    take_trap(h, true);
    return true;
}

static bool may_come(const struct driver *d, unsigned hart)
{
    return !d->interrupt || d->interrupt(d->user, hart);
}

bool irq_take(struct hart *h)
{
    bool may = !h->machine->driven || may_come(&h->machine->driver, h->id);
    uint64_t pending = may ? hart_mip(h) & h->mie : 0;
    uint64_t host = pending & ~h->mideleg, ring0 = pending & h->mideleg;

    h->fetching = false;
    h->insn_len = 0;
    if (host && h->v)
        return host_exit(h, host);
    if (host && (h->ring != RING_H || (h->mstatus & MSTATUS_MIE)))
        return interrupt(h, host);
    if (h->v)
        return guest_event(h, may);
    if (ring0 && (h->ring == RING_3 || (h->ring == RING_0 && (h->s.status & SSTATUS_SIE))))
        return interrupt(h, ring0);
    return false;
}

bool irq_wakes(const struct hart *h)
{
    uint64_t pending = hart_mip(h) & h->mie;

    if (!h->v)
        return pending;
    return (pending & ~h->mideleg) || (hart_guest_sip(h) & h->s.sie);
}

/* Ticks at which `time` reaches t, if that is still to come. */
static uint64_t ticks_of(const struct hart *h, uint64_t t, uint64_t earliest)
{
    uint64_t per = h->machine->config.ticks_per_time;

    if (t > UINT64_MAX / per || t * per <= hart_ticks(h) || t * per > earliest)
        return earliest;
    return t * per;
}

uint64_t irq_deadline(const struct hart *h)
{
    const struct ring0 *host = h->v ? &h->host_s : &h->s;
    uint64_t ticks = UINT64_MAX;

    if (h->menvcfg & MENVCFG_STCE)
        ticks = ticks_of(h, host->stimecmp, ticks);
    if (h->v)
        ticks = ticks_of(h, h->s.stimecmp - h->live->f[ISA_VMCS_TIMEOFFSET], ticks);
    return ticks;
}
