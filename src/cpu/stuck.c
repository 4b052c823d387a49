/* Harts that get nowhere. Manual: visa-sim(1), --stuck.
 *
 * A ring is stuck if it takes one exception for ever and retires no instruction, whatever other
 * rings execute meanwhile: its handlers, those of a timer, other VMs. Only traps and the
 * instructions that change rings look at this. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cpu.h"
#include "state/machine_state.h"

/* The record of the ring in which the hart is. */
static struct no_progress *record(struct hart *h)
{
    return h->v ? &h->live->vain[h->ring] : &h->vain[h->ring];
}

void stuck_leaves(struct hart *h)
{
    record(h)->times = 0;
    h->ring_since = h->instret + 1; /* it retires in the ring that it leaves */
}

static struct trap_at here(const struct hart *h)
{
    return (struct trap_at){.trap = h->trap, .pc = h->pc, .ring = ring_number(h)};
}

static bool same(const struct trap_at *a, const struct trap_at *b)
{
    return a->pc == b->pc && a->trap.event == b->trap.event && a->trap.cause == b->trap.cause &&
           a->trap.tval == b->trap.tval && a->trap.qual == b->trap.qual &&
           a->trap.addr == b->trap.addr;
}

/* Exceptions, where they are delivered and where they exit. Other exits may be of instructions
 * that a hypervisor lets wait. */
static bool is_exception(const struct trap *t)
{
    return t->event == RETIRE_EXCEPTION ||
           (t->event == RETIRE_EXIT &&
            (t->cause == ISA_EXIT_PAGEFAULT || t->cause == ISA_EXIT_HOSTFAULT));
}

/* How often this exception was taken while its ring retired nothing. */
static uint64_t times_in_vain(struct hart *h)
{
    struct no_progress *v = record(h);
    struct trap_at now;

    if (h->instret != h->ring_since)
        v->times = 0;
    if (!is_exception(&h->trap))
        return 0;
    now = here(h);
    if (!v->times || !same(&v->last, &now))
        *v = (struct no_progress){.last = now, .first = h->first};
    return ++v->times;
}

static const char *name_of(const char *const *names, unsigned code)
{
    return code < ISA_NAMES && names[code] ? names[code] : "?";
}

/* "exception 2 ILLEGAL, tval 0x0"; its length, which n is enough for. */
static int trap_words(const struct trap *t, char *text, size_t n)
{
    switch (t->event) {
    case RETIRE_INTERRUPT:
        return snprintf(text, n, "interrupt %u %s", t->cause, name_of(isa_irq_names, t->cause));
    case RETIRE_EXIT:
        return snprintf(text, n, "exit %u %s, VMADDR 0x%" PRIx64, t->cause,
                        name_of(isa_exit_names, t->cause), t->addr);
    default:
        return snprintf(text, n, "exception %u %s, tval 0x%" PRIx64, t->cause,
                        name_of(isa_exc_names, t->cause), t->tval);
    }
}

static void words_of_loop(const struct hart *h, unsigned to, char *text, size_t n)
{
    int at = snprintf(text, n,
                      "hart %u: trap loop: the trap handler of Ring %s at 0x%" PRIx64
                      " faults at its first instruction (",
                      h->id, to == RING_0 ? "0" : "-1", h->pc);

    at += trap_words(&h->trap, text + at, n - (size_t)at);
    snprintf(text + at, n - (size_t)at, ")");
}

static void words_of_ring(const struct hart *h, uint64_t times, char *text, size_t n)
{
    int at = snprintf(text, n, "hart %u: stuck: ", h->id);

    at += trap_words(&h->trap, text + at, n - (size_t)at);
    at += snprintf(text + at, n - (size_t)at, ", at pc 0x%" PRIx64 " in Ring %d", h->pc,
                   ring_number(h));
    if (h->v)
        at += snprintf(text + at, n - (size_t)at, " of VM %" PRIu64, h->vmid);
    snprintf(text + at, n - (size_t)at,
             ", %" PRIu64 " times, and that ring retired nothing in between", times);
}

static void words_of_first(const struct trap_at *first, char *text, size_t n)
{
    int at = snprintf(text, n, "; first was ");

    at += trap_words(&first->trap, text + at, n - (size_t)at);
    snprintf(text + at, n - (size_t)at, " at pc 0x%" PRIx64 " in Ring %d", first->pc, first->ring);
}

static bool ends_run(const struct machine *m, unsigned hart)
{
    bool ends = !m->wanted.stuck;

    for (const struct observer *o = m->observers; o; o = o->next)
        if (o->stuck)
            ends |= o->stuck(o->user, hart);
    return ends;
}

/* Once for each hart: it may well be stuck for the rest of the run. */
static void tell(struct hart *h, unsigned to, bool hopeless, uint64_t times)
{
    struct machine *m = h->machine;
    const struct no_progress *v = record(h);
    char *text = m->message;
    size_t n = sizeof m->message;

    if (h->stuck_told)
        return;
    h->stuck_told = true;
    if (hopeless)
        words_of_loop(h, to, text, n);
    else
        words_of_ring(h, times, text, n);
    if (hopeless || !same(&v->first, &v->last))
        words_of_first(&v->first, text + strlen(text), n - strlen(text));
    if (ends_run(m, h->id))
        m->stop = STOP_TRAP_LOOP;
    else
        m->message[0] = 0;
    h->attention = true;
}

void stuck_look(struct hart *h, unsigned to, bool again)
{
    bool hopeless = again && (to == RING_H || !(h->mie & ~h->mideleg));
    uint64_t times;

    /* What is taken before another instruction retires follows from the first. */
    if (!h->delivered || h->delivered_at != h->instret)
        h->first = here(h);
    times = times_in_vain(h);
    if (again) {
        h->extra_ticks++; /* time goes on, so that an interrupt of Ring -1 can come */
        h->machine->attempts++;
        h->attention = true;
    }
    if (hopeless || times == STUCK_TIMES)
        tell(h, to, hopeless, times);
}
