/* Traps: raising them and taking them. Manual: chapter "Traps". */
#include <stdio.h>

#include "cpu.h"
#include "state/machine_state.h"
#include "mmu/mmu.h"

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

/* "exception 2 ILLEGAL, tval 0x0"; its length, which n is enough for. */
static int trap_words(const struct trap *t, char *text, size_t n)
{
    const char *const *names = t->event == RETIRE_INTERRUPT ? isa_irq_names : isa_exc_names;
    const char *name = t->cause < ISA_NAMES && names[t->cause] ? names[t->cause] : "?";

    if (t->event == RETIRE_INTERRUPT)
        return snprintf(text, n, "interrupt %u %s", t->cause, name);
    return snprintf(text, n, "exception %u %s, tval 0x%llx", t->cause, name,
                    (unsigned long long)t->tval);
}

/* What is taken before another instruction retires follows from the first. */
static void note_first(struct hart *h)
{
    if (h->delivered && h->delivered_at == h->instret)
        return;
    h->first = (struct first_trap){.trap = h->trap, .pc = h->pc, .ring = ring_number(h)};
}

/* The handler's own first instruction faults, again: with V=0 nothing but an interrupt of
 * Ring -1 can end this. */
static void stop_trap_loop(struct hart *h, unsigned to)
{
    struct machine *m = h->machine;
    int n;

    h->waited++; /* time goes on, so that such an interrupt can come */
    m->attempts++;
    h->attention = true;
    if (to == RING_0 && (h->mie & ~h->mideleg))
        return;
    m->stop = STOP_TRAP_LOOP;
    n = snprintf(m->message, sizeof m->message,
                 "hart %u: trap loop: the trap handler of Ring %s at 0x%llx faults at its first "
                 "instruction (",
                 h->id, to == RING_0 ? "0" : "-1", (unsigned long long)h->pc);
    n += trap_words(&h->trap, m->message + n, sizeof m->message - (size_t)n);
    n += snprintf(m->message + n, sizeof m->message - (size_t)n, "); first was ");
    n += trap_words(&h->first.trap, m->message + n, sizeof m->message - (size_t)n);
    snprintf(m->message + n, sizeof m->message - (size_t)n, " at pc 0x%llx in Ring %d",
             (unsigned long long)h->first.pc, h->first.ring);
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

void take_trap(struct hart *h)
{
    unsigned to = destination(h);
    bool again = undeliverable(h, to);

    note_first(h);
    if (again && h->v) {
        raise_exit(h, ISA_EXIT_SHUTDOWN, QUAL(SHUTDOWN, EXCEPTION, h->trap.cause), h->trap.tval, 0,
                   0);
        h->insn_len = 0;
    } else if (again) {
        stop_trap_loop(h, to);
    }
    h->reserved = false;
    count(h);
    if (h->timing)
        h->timing->trap(h->timing, h->trap.event);
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
    h->fetching = false;
}
