/* The machine: RAM, harts, who looks at them, and small services (machine.h). */
#include "machine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/config.h"
#include "cpu/cpu.h"
#include "cpu/dpage.h"
#include "cpu/record.h"
#include "devices/bus.h"
#include "state/machine_state.h"
#include "state/registers.h"
#include "mmu/mmu.h"
#include "mmu/tlb.h"

static bool hart_init(struct machine *m, struct hart *h, unsigned id)
{
    h->id = id;
    h->machine = m;
    h->pool = calloc(m->config.pool + 1, sizeof *h->pool);
    h->tlb[0] = tlb_new(&m->config);
    h->tlb[1] = tlb_new(&m->config);
    return h->pool && h->tlb[0] && h->tlb[1];
}

struct machine *machine_new(const struct machine_config *c, char *err, size_t n)
{
    struct machine *m;
    bool ok;

    if (!config_check_machine(c, err, n))
        return NULL;
    m = calloc(1, sizeof *m);
    ok = m != NULL;
    if (ok) {
        m->config = *c;
        m->ram = calloc(c->ram_bytes, 1);
        m->harts = calloc(c->harts, sizeof *m->harts);
        m->bus = bus_new();
        m->stats.vms = calloc(MACHINE_VMS + 1, sizeof *m->stats.vms);
        ok = m->ram && m->harts && m->bus && m->stats.vms && dpages_init(m);
    }
    for (unsigned i = 0; ok && i < c->harts; i++)
        ok = hart_init(m, &m->harts[i], i);
    if (!ok) {
        snprintf(err, n, "out of memory for a machine with %llu bytes of RAM",
                 (unsigned long long)c->ram_bytes);
        machine_free(m);
        return NULL;
    }
    m->wake = UINT64_MAX;
    machine_reset(m, RAM_BASE, 0);
    return m;
}

void machine_free(struct machine *m)
{
    if (!m)
        return;
    for (unsigned i = 0; m->harts && i < m->config.harts; i++) {
        free(m->harts[i].pool);
        tlb_free(m->harts[i].tlb[0]);
        tlb_free(m->harts[i].tlb[1]);
    }
    if (m->bus)
        bus_free(m->bus);
    dpages_free(m);
    free(m->stats.vms);
    free(m->harts);
    free(m->ram);
    free(m);
}

static void hart_reset(struct hart *h, uint64_t pc, uint64_t dtb)
{
    struct hart fresh = {.id = h->id,
                         .machine = h->machine,
                         .pool = h->pool,
                         .tlb = {h->tlb[0], h->tlb[1]},
                         .timing = h->timing};

    *h = fresh;
    memset(h->pool, 0, h->machine->config.pool * sizeof *h->pool);
    tlb_reset(h->tlb[0]);
    tlb_reset(h->tlb[1]);
    mmu_fast_flush(h);
    for (unsigned i = 0; i < hart_register_count; i++)
        hart_register_set(h, &hart_registers[i], hart_registers[i].reset);
    h->pc = pc;
    h->x[10] = h->id;
    h->x[11] = dtb;
    h->menvcfg = h->machine->config.svadu ? MENVCFG_ADUE : 0;
    mmu_update(h);
}

void machine_reset(struct machine *m, uint64_t pc, uint64_t dtb)
{
    for (unsigned i = 0; i < m->config.harts; i++)
        hart_reset(&m->harts[i], pc, dtb);
    dpages_forget(m);
    bus_reset(m->bus);
    m->running = &m->harts[0];
    m->round_end = 0;
    m->stop = STOP_NONE;
    m->message[0] = 0;
}

/* Who looks ---------------------------------------------------------------------- */

void machine_time_hart(struct machine *m, unsigned hart, struct timing *t)
{
    struct hart *h = &m->harts[hart];

    h->timing = t;
    if (t)
        t->now = &t->data;
    tlb_time(h->tlb[0], t != NULL);
    tlb_time(h->tlb[1], t != NULL);
    mmu_fast_flush(h);
}

void machine_entered(struct machine *m, unsigned hart, uint64_t ticks)
{
    timing_entered(&m->harts[hart], ticks);
}

void machine_drive(struct machine *m, const struct driver *d)
{
    m->driver = d ? *d : (struct driver){0};
    m->driven = m->driver.ticks || m->driver.interrupt;
}

/* The least part that holds both. */
static struct retire_part hull(const struct retire_part *a, const struct retire_part *b)
{
    return (struct retire_part){
        .from = a->from < b->from ? a->from : b->from,
        .to = a->to > b->to ? a->to : b->to,
        .events = a->events && b->events,
        .one_vm = a->one_vm && b->one_vm && a->vm == b->vm,
        .vm = a->vm,
    };
}

/* Who observes has changed: what harts look at while they run. */
static void observers_changed(struct machine *m)
{
    bool stale = m->wanted.stale;

    record_listening(m);
    memset(&m->wanted, 0, sizeof m->wanted);
    for (const struct observer *o = m->observers; o; o = o->next) {
        if (o->retire)
            m->part = m->wanted.retire ? hull(&m->part, &o->part) : o->part;
        m->wanted.retire |= o->retire != NULL;
        m->wanted.world |= o->world != NULL;
        m->wanted.refusal |= o->refusal != NULL;
        m->wanted.stale |= o->stale != NULL;
        m->wanted.stuck |= o->stuck != NULL;
        m->wanted.store |= o->store != NULL;
        m->wanted.load |= o->load != NULL;
    }
    if (!m->wanted.retire)
        m->part = (struct retire_part){0};
    for (unsigned i = 0; i < m->config.harts; i++)
        if (stale != m->wanted.stale || m->wanted.store || m->wanted.load)
            mmu_fast_flush(&m->harts[i]);
}

void machine_observe(struct machine *m, struct observer *o)
{
    struct observer **at = &m->observers;

    while (*at)
        at = &(*at)->next;
    o->next = NULL;
    *at = o;
    observers_changed(m);
}

void machine_unobserve(struct machine *m, struct observer *o)
{
    for (struct observer **at = &m->observers; *at; at = &(*at)->next)
        if (*at == o) {
            *at = o->next;
            observers_changed(m);
            return;
        }
}

void machine_break_set(struct machine *m, struct machine_break *b)
{
    b->hit = false;
    b->next = m->dpages->breaks;
    m->dpages->breaks = b;
    dpages_forget(m);
}

void machine_break_clear(struct machine *m, struct machine_break *b)
{
    for (struct machine_break **at = &m->dpages->breaks; *at; at = &(*at)->next)
        if (*at == b) {
            *at = b->next;
            b->hit = false;
            dpages_forget(m);
            return;
        }
}

/* Results and small services ------------------------------------------------------- */

void machine_stop(struct machine *m)
{
    m->stop_request = 1;
}

bool machine_stopping(const struct machine *m)
{
    return m->stop_request;
}

int machine_exit_code(const struct machine *m)
{
    return m->exit_code;
}

const char *machine_message(const struct machine *m)
{
    return m->message;
}

/* Vectors of the VM at this VMCS that are pending now, enabled or not. */
static unsigned pending_vectors(struct machine *m, uint64_t vmcs)
{
    uint64_t pending[ISA_VIC_VECTORS / 64] = {0};
    const struct context *c = NULL;
    unsigned n = 0;

    for (unsigned i = 0; i < m->config.harts && !c; i++)
        c = pool_find(&m->harts[i], vmcs);
    if (c)
        memcpy(pending, &c->f[ISA_VMCS_VIC_PENDING], sizeof pending);
    else
        (void)machine_read(m, vmcs + 8ull * ISA_VMCS_VIC_PENDING, pending, sizeof pending);
    for (unsigned i = 0; i < ISA_VIC_VECTORS / 64; i++)
        n += (unsigned)__builtin_popcountll(pending[i]);
    return n;
}

static void count_vints(struct machine *m)
{
    struct machine_stats *s = &m->stats;

#define ZERO(name, required) s->name = 0;
#define ADD(name, required) s->name += vm->name;
    VM_VINT_COUNTERS(ZERO)
    for (unsigned i = 0; i < s->nvms; i++) {
        struct exit_count *vm = &s->vms[i];

        if (vm->vmcs != MACHINE_OTHER_VMS)
            vm->vint_pending = pending_vectors(m, vm->vmcs);
        VM_VINT_COUNTERS(ADD)
    }
#undef ZERO
#undef ADD
}

const struct machine_stats *machine_stats(struct machine *m)
{
    m->stats.instret = machine_progress(m) - m->attempts;
    m->stats.cycles = 0;
    for (unsigned i = 0; i < m->config.harts; i++)
        if (hart_ticks(&m->harts[i]) > m->stats.cycles)
            m->stats.cycles = hart_ticks(&m->harts[i]);
    count_vints(m);
    return &m->stats;
}

const struct machine_config *machine_config(const struct machine *m)
{
    return &m->config;
}

struct bus *machine_bus(struct machine *m)
{
    return m->bus;
}

struct hart *machine_hart(struct machine *m, unsigned hart)
{
    return hart < m->config.harts ? &m->harts[hart] : NULL;
}

void machine_hart_at(const struct machine *m, unsigned hart, struct hart_at *at)
{
    const struct hart *h = &m->harts[hart];

    *at = (struct hart_at){
        .ring = ring_number(h),
        .v = h->v,
        .waiting = h->waiting,
        .vmid = (uint16_t)h->vmid,
        .vmcs = h->v ? h->live->vmcs : 0,
        .vm = h->v ? h->vm_stats : NULL,
        .pc = h->pc,
        .pc_hpa = machine_pc_address(m, hart),
        .instret = h->instret,
        .ticks = hart_ticks(h),
        .guest_instret = h->v ? h->instret - h->guest_start : 0,
    };
}

unsigned machine_register_count(void)
{
    return hart_register_count;
}

const char *machine_register_name(unsigned n)
{
    return hart_registers[n].name;
}

int machine_register_find(const char *name)
{
    for (unsigned i = 0; i < hart_register_count; i++)
        if (strcmp(hart_registers[i].name, name) == 0)
            return (int)i;
    return -1;
}

/* Registers of the CSR's own name are as the CSR shows them: mip with what the timer says, mstatus
 * with Ring 0's bits. */
static bool is_csr(const struct hart_register *r)
{
    return r->csr >= 0 && strcmp(isa_csr_by_number((unsigned)r->csr)->name, r->name) == 0;
}

uint64_t machine_register(struct machine *m, unsigned hart, unsigned n)
{
    const struct hart_register *r = &hart_registers[n];
    struct hart *h = &m->harts[hart];
    uint64_t value;

    return is_csr(r) && csr_peek(h, (unsigned)r->csr, &value) ? value : hart_register_get(h, r);
}

bool machine_set_register(struct machine *m, unsigned hart, unsigned n, uint64_t value)
{
    const struct hart_register *r = &hart_registers[n];
    struct hart *h = &m->harts[hart];

    if (is_csr(r))
        return csr_poke(h, (unsigned)r->csr, value);
    if (r->gdb < 0) /* x and pc have numbers, what is not shown to a debugger has none */
        return false;
    if (r->gdb > 0) /* x0 is 0 */
        hart_register_set(h, r, value & r->writable);
    return true;
}

bool machine_reach(struct machine *m, unsigned hart, uint64_t addr, bool write, size_t *n,
                   uint64_t *pa)
{
    size_t most = 8 - addr % 8;

    *n = *n < most ? *n : most;
    return mmu_reach(&m->harts[hart], addr, (unsigned)*n, write ? ACCESS_STORE : ACCESS_LOAD, pa);
}
