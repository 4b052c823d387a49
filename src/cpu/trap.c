/* Traps: raising them and taking them. Manual: chapter "Traps". */
#include "cpu.h"
#include "state/machine_state.h"
#include "mmu/mmu.h"
#include "record.h"

static uint64_t vector(uint64_t tvec, const struct trap *t)
{
    if (t->event == RETIRE_INTERRUPT && (tvec & 1))
        return (tvec & ~3ull) + 4ull * t->cause;
    return tvec & ~3ull;
}

static uint64_t cause_value(const struct trap *t)
{
    return t->cause | (t->event == RETIRE_INTERRUPT ? CAUSE_INTERRUPT : 0);
}

static void deliver_ring0(struct hart *h)
{
    struct ring0 *s = &h->s;
    uint64_t status = s->status & ~(SSTATUS_SPIE | SSTATUS_SPP | SSTATUS_SIE);

    status |= s->status & SSTATUS_SIE ? SSTATUS_SPIE : 0;
    status |= h->ring == RING_0 ? SSTATUS_SPP : 0;
    s->status = status;
    s->scause = cause_value(&h->trap);
    s->stval = h->trap.tval;
    s->sepc = h->pc;
    h->pc = vector(s->stvec, &h->trap);
    h->ring = RING_0;
}

static void deliver_host(struct hart *h)
{
    uint64_t status = h->mstatus & ~(MSTATUS_MPIE | MSTATUS_MPP | MSTATUS_MIE);

    status |= h->mstatus & MSTATUS_MIE ? MSTATUS_MPIE : 0;
    status |= (uint64_t)h->ring << MSTATUS_MPP_SHIFT;
    h->mstatus = status;
    h->mcause = cause_value(&h->trap);
    h->mtval = h->trap.tval;
    h->mepc = h->pc;
    h->pc = vector(h->mtvec, &h->trap);
    h->ring = RING_H;
}

static unsigned destination(const struct hart *h)
{
    uint64_t delegated = h->trap.event == RETIRE_INTERRUPT ? h->mideleg : h->medeleg;

    if (h->v || (h->ring != RING_H && (delegated >> h->trap.cause & 1)))
        return RING_0;
    return RING_H;
}

static void count(struct hart *h)
{
    struct machine_stats *s = &h->machine->stats;

    if (h->trap.event == RETIRE_EXCEPTION)
        s->exceptions++;
    else if (h->trap.event == RETIRE_INTERRUPT)
        s->interrupts++;
}

/* An exception at the first instruction of the handler that was just delivered to. That of
 * an interrupt may have a vector of its own: then exceptions can still be delivered, but
 * a guest's handler that cannot be fetched is one that cannot. */
static bool undeliverable(const struct hart *h, unsigned to)
{
    if (h->trap.event != RETIRE_EXCEPTION || h->delivered != 1 + to ||
        h->delivered_at != h->instret)
        return false;
    return h->delivered_exception || (h->v && h->fetching);
}

static void take(struct hart *h, bool between)
{
    unsigned to = destination(h);
    bool again = undeliverable(h, to);

    stuck_look(h, to, again && !h->v);
    if (again && h->v) {
        raise_exit(h, ISA_EXIT_SHUTDOWN, QUAL(SHUTDOWN, EXCEPTION, h->trap.cause), h->trap.tval, 0,
                   0);
        h->insn_len = 0;
    }
    h->reserved = false;
    count(h);
    if (timed(h))
        h->timing->trap(h->timing, h->trap.event, h->pc, between);
    if (h->trap.event == RETIRE_EXIT) {
        world_exit(h);
    } else {
        if (to == RING_0)
            deliver_ring0(h);
        else
            deliver_host(h);
        h->delivered = (uint8_t)(1 + to);
        h->delivered_exception = h->trap.event == RETIRE_EXCEPTION;
        h->delivered_at = h->instret;
        mmu_update(h);
    }
    h->ring_since = h->instret;
    h->fetching = false;
}

void take_trap(struct hart *h, bool between)
{
    struct retire r;
    bool told = h->machine->wanted.retire && record_trap_begin(h, &r, between);

    take(h, between);
    h->traps++;
    if (told)
        record_end(h, false);
}
