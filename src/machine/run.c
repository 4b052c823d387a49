/* Running a machine: instructions with their records, interrupts and waiting between them,
 * and the order of harts in time (machine.h). */
#include "machine.h"

#include <stdio.h>

#include "cpu/cpu.h"
#include "cpu/dpage.h"
#include "cpu/record.h"
#include "devices/bus.h"
#include "state/machine_state.h"
#include "mmu/mmu.h"
#include "mmu/tlb.h"

uint64_t machine_pc_address(const struct machine *m, unsigned hart)
{
    const struct hart *h = &m->harts[hart];
    uint64_t gpa, hpa;

    mmu_peek_fetch(h, &h->code, h->pc, &gpa, &hpa);
    return hpa;
}

static void execute(struct hart *h)
{
    dpages_trim(h->machine);
    if (timed(h))
        interp_timed(h);
    else
        interp(h);
}

static void drive_time(struct hart *h)
{
    const struct driver *d = &h->machine->driver;
    uint64_t ticks = d->ticks ? d->ticks(d->user, h->id) : 0;

    if (ticks > hart_ticks(h))
        h->extra_ticks += ticks - hart_ticks(h);
}

/* One instruction or event with its record. */
static void step_listened(struct hart *h)
{
    struct retire r;
    struct xlate_ctx code = h->code;
    uint64_t before = h->instret;

    if (!h->stepped) /* each access is to be seen from now on */
        mmu_fast_flush(h);
    h->stepped = true;
    record_begin(h, &r);
    if (!held(h) && irq_take(h)) {
        record_end(h, false);
        return;
    }
    h->attention = false;
    h->limit = h->instret + 1;
    h->insn_len = 0;
    h->trap.event = RETIRE_NONE;
    execute(h);
    if (held(h) || h->machine->stop == STOP_BREAK) { /* nothing has happened */
        h->rec = NULL;
        return;
    }
    record_place(h, &code);
    if (h->instret != before)
        record_insn(h, &code);
    record_end(h, h->instret != before);
}

/* Instructions this hart may execute before `ticks`; a timed model looks at them itself. */
static uint64_t budget(struct hart *h, uint64_t ticks)
{
    uint64_t deadline = irq_deadline(h);
    uint64_t n = (deadline < ticks ? deadline : ticks) - hart_ticks(h);

    if (own_time(h)) {
        h->timing->due = deadline;
        n = UINT64_MAX - h->instret;
    }
    if (trapcfg(h, ISA_TRAP_PREEMPT) && preempt_left(h) < n)
        n = preempt_left(h);
    return n ? n : 1;
}

static void wait_until(struct hart *h, uint64_t end)
{
    uint64_t deadline = irq_deadline(h), to = deadline < end ? deadline : end;

    if (to > hart_ticks(h))
        h->extra_ticks += to - hart_ticks(h);
    note_slept(h);
}

/* Runs a hart until the round's end, at most until it has retired, and trapped in vain, `left` times
 * in all: how often that was. */
static uint64_t hart_run(struct hart *h, uint64_t left)
{
    struct machine *m = h->machine;
    uint64_t before = h->instret + m->attempts;
    uint64_t end = before > UINT64_MAX - left ? UINT64_MAX : before + left;

    m->running = h;
    while (m->stop == STOP_NONE && !m->stop_request && hart_ticks(h) < m->round_end &&
           h->instret + m->attempts < end) {
        if (h->waiting && !irq_wakes(h)) {
            wait_until(h, m->round_end);
            if (!irq_wakes(h))
                continue;
        }
        h->waiting = false;
        hold_from(h, m->round_end);
        if (m->driven)
            drive_time(h);
        if (record_each(h)) {
            step_listened(h);
            continue;
        }
        h->stepped = false;
        if (!held(h) && irq_take(h))
            continue;
        h->attention = false;
        h->limit = h->instret + budget(h, m->round_end);
        if (h->limit > end - m->attempts)
            h->limit = end - m->attempts;
        if (h->instret < m->part.from && h->limit > m->part.from)
            h->limit = m->part.from;
        /* Each fetch is looked up; or others have had their turn while one was held. */
        if (m->wanted.stale || held(h) || m->driven)
            h->limit = h->instret + 1;
        execute(h);
    }
    /* Who runs in turns of many instructions cannot see the others' stores in between. */
    h->reserved = h->reserved && (m->config.harts == 1 || own_time(h));
    return h->instret + m->attempts - before;
}

uint64_t machine_now(const struct machine *m)
{
    uint64_t t = UINT64_MAX;

    for (unsigned i = 0; i < m->config.harts; i++)
        if (hart_ticks(&m->harts[i]) < t)
            t = hart_ticks(&m->harts[i]);
    return t;
}

/* When every hart waits: the ticks at which the next one may wake; UINT64_MAX: never. */
static bool all_wait(const struct machine *m, uint64_t *next)
{
    *next = m->wake;
    for (unsigned i = 0; i < m->config.harts; i++) {
        const struct hart *h = &m->harts[i];

        if (!h->waiting || irq_wakes(h))
            return false;
        if (irq_deadline(h) < *next)
            *next = irq_deadline(h);
    }
    return true;
}

uint64_t machine_progress(const struct machine *m)
{
    uint64_t n = m->attempts;

    for (unsigned i = 0; i < m->config.harts; i++)
        n += m->harts[i].instret;
    return n;
}

static void stop_deadlock(struct machine *m)
{
    m->stop = STOP_DEADLOCK;
    snprintf(
        m->message, sizeof m->message,
        "deadlock: every hart waits for an interrupt (wfi) and nothing is scheduled to raise one; "
        "hart 0 waits at 0x%llx",
        (unsigned long long)m->harts[0].pc);
}

/* Time goes on in rounds: each hart in turn runs up to the round's end, which is at the
 * latest where a device wants to be polled. */
static void run_round(struct machine *m, uint64_t left)
{
    uint64_t start = machine_now(m), next;
    uint64_t quantum = m->config.harts == 1 ? 1 << 20 : m->config.quantum;

    if (own_time(&m->harts[0]) && m->config.harts > 1)
        quantum = 1; /* cycle by cycle, so that harts are in the order of time */

    m->round_end = start + quantum;
    if (all_wait(m, &next)) {
        if (next == UINT64_MAX && m->horizon == UINT64_MAX) {
            stop_deadlock(m);
            return;
        }
        m->round_end = next > start ? next : start + 1;
    } else if (m->wake < m->round_end) {
        m->round_end = m->wake > start ? m->wake : start + 1;
    }
    if (m->round_end > m->horizon)
        m->round_end = m->horizon;
    for (unsigned i = 0; i < m->config.harts && m->stop == STOP_NONE; i++)
        left -= hart_run(&m->harts[i], left);
    start = machine_now(m);
    if (start < m->wake && start < m->poll) /* rounds of a cycle are too short for it */
        return;
    if (start >= m->wake)
        m->wake = UINT64_MAX;
    m->poll = start + (quantum == 1 ? m->config.quantum : 0);
    bus_poll(m->bus, start / m->config.ticks_per_time);
}

enum stop machine_run(struct machine *m, uint64_t limit)
{
    return machine_run_to(m, limit, UINT64_MAX);
}

enum stop machine_run_to(struct machine *m, uint64_t limit, uint64_t ticks)
{
    uint64_t end = limit ? machine_progress(m) + limit : UINT64_MAX;

    m->stop = STOP_NONE;
    m->horizon = ticks;
    while (m->stop == STOP_NONE && machine_now(m) < m->horizon) {
        uint64_t done = machine_progress(m);

        if (m->stop_request) {
            m->stop = STOP_REQUEST;
            m->stop_request = 0;
        } else if (done >= end) {
            m->stop = STOP_LIMIT;
        } else {
            run_round(m, end - done);
        }
    }
    return m->stop;
}

void machine_horizon(struct machine *m, uint64_t ticks)
{
    if (ticks < m->horizon)
        m->horizon = ticks;
    if (ticks < m->round_end)
        m->round_end = ticks;
    m->running->attention = true;
}

enum stop machine_step(struct machine *m, unsigned hart)
{
    struct hart *h = &m->harts[hart];

    m->stop = STOP_NONE;
    m->running = h;
    drive_time(h);
    if (hart_ticks(h) >= m->wake) {
        m->wake = UINT64_MAX;
        bus_poll(m->bus, machine_time(m));
    }
    if (h->waiting && !irq_wakes(h)) {
        h->extra_ticks++;
        return m->stop;
    }
    h->waiting = false;
    m->round_end = hart_ticks(h) + 1;
    hold_from(h, UINT64_MAX);
    if (record_each(h)) {
        step_listened(h);
    } else if (held(h) || !irq_take(h)) {
        h->stepped = h->attention = false;
        h->limit = h->instret + 1;
        execute(h);
    }
    return m->stop;
}
