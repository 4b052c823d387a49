/* RAM, time, interrupt lines, decoded code, counters of VMs (services.h, code.h, machine_state.h). */
#include "services.h"

#include <string.h>

#include "machine_state.h"

void machine_exit(struct machine *m, int code)
{
    m->stop = STOP_EXIT;
    m->exit_code = code;
    for (unsigned i = 0; i < m->config.harts; i++)
        m->harts[i].attention = true;
}

unsigned machine_harts(const struct machine *m)
{
    return m->config.harts;
}

uint64_t machine_time(const struct machine *m)
{
    return hart_time(m->running);
}

void machine_wake_at(struct machine *m, uint64_t t)
{
    uint64_t per = m->config.ticks_per_time;
    uint64_t ticks = t > UINT64_MAX / per ? UINT64_MAX : t * per;

    if (ticks >= m->wake)
        return;
    m->wake = ticks;
    if (ticks < m->round_end) /* whoever runs now stops there */
        m->round_end = ticks;
    m->running->attention = true;
}

void machine_set_irq(struct machine *m, unsigned hart, unsigned irq, bool level)
{
    struct hart *h = &m->harts[hart];

    if (hart >= m->config.harts)
        return;
    h->mip = level ? h->mip | 1ull << irq : h->mip & ~(1ull << irq);
    h->attention = true;
}

uint8_t *machine_ram(struct machine *m, uint64_t pa, size_t n)
{
    return in_ram(m, pa, n) ? m->ram + (pa - RAM_BASE) : NULL;
}

bool machine_read(struct machine *m, uint64_t pa, void *to, size_t n)
{
    const uint8_t *at = machine_ram(m, pa, n);

    if (at)
        memcpy(to, at, n);
    return at;
}

bool machine_write(struct machine *m, uint64_t pa, const void *from, size_t n)
{
    uint8_t *at = machine_ram(m, pa, n);

    if (!at || n == 0)
        return at;
    memcpy(at, from, n);
    code_stored(m, pa, n);
    return true;
}

static access_fn *watches(const struct observer *o, bool write, uint64_t pa, uint64_t size)
{
    return pa <= o->last && o->first <= pa + (size - 1) ? write ? o->store : o->load : NULL;
}

bool machine_watched(const struct machine *m, bool write, uint64_t pa, uint64_t size)
{
    for (const struct observer *o = m->observers; o; o = o->next)
        if (watches(o, write, pa, size))
            return true;
    return false;
}

void machine_accessed(struct hart *h, bool write, uint64_t pa, unsigned size)
{
    const struct memory_access a = {h->id, write, (uint8_t)size, pa};
    const struct observer *next;

    for (const struct observer *o = h->machine->observers; o; o = next) {
        access_fn *fn = watches(o, write, pa, size);

        next = o->next; /* it may go */
        if (fn)
            fn(o->user, &a);
    }
}

struct exit_count *machine_vm_stats(struct machine *m, uint64_t vmcs)
{
    struct machine_stats *s = &m->stats;

    for (unsigned i = 0; i < s->nvms; i++)
        if (s->vms[i].vmcs == vmcs)
            return &s->vms[i];
    if (s->nvms < MACHINE_VMS) {
        s->vms[s->nvms].vmcs = vmcs;
        return &s->vms[s->nvms++];
    }
    s->nvms = MACHINE_VMS + 1;
    s->vms[MACHINE_VMS].vmcs = MACHINE_OTHER_VMS;
    return &s->vms[MACHINE_VMS];
}

struct exit_count *machine_vm_entered(struct machine *m, uint64_t vmcs)
{
    struct exit_count *vm = machine_vm_stats(m, vmcs), *place = &m->stats.vms[m->vms_entered];
    struct exit_count first = {0};

    if (vm < place || vm->vmcs == MACHINE_OTHER_VMS)
        return vm;
    first = *vm; /* nobody points to what was not entered */
    *vm = *place;
    *place = first;
    m->vms_entered++;
    return place;
}

void code_stored(struct machine *m, uint64_t pa, uint64_t size)
{
    struct code_pages *c = &m->code;

    for (uint64_t page = (pa - RAM_BASE) >> 12; page <= (pa - RAM_BASE + size - 1) >> 12; page++) {
        struct code_page *p = c->by_page[page];

        if (p && !p->dirty) {
            p->dirty = true;
            p->next_dirty = c->dirty;
            c->dirty = p;
        }
    }
}
