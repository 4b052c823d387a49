/* The state pool: K contexts on chip, FIFO. Manual: chapter "The virtual machine".
 *
 * A context in the pool is live there and its memory image is stale; `owner` in the
 * image says so to other harts. */
#include "cpu.h"
#include "state/machine_state.h"
#include "mmu/mmu.h"

#include <string.h>

struct context *pool_find(const struct hart *h, uint64_t vmcs)
{
    for (unsigned i = 0; vmcs && i < h->machine->config.pool; i++)
        if (h->pool[i].vmcs == vmcs)
            return &h->pool[i];
    return NULL;
}

/* Words of memory between the listed fields are software's. */
void pool_save(struct hart *h, const struct context *c)
{
    for (unsigned i = 0; i < isa_vmcs_field_count; i++) {
        const struct isa_vmcs_field *f = &isa_vmcs_fields[i];

        (void)machine_write(h->machine, c->vmcs + 8ull * f->first, &c->f[f->first], 8ull * f->n);
    }
    h->machine->stats.pool_spills++;
    note(h, TIMING_SPILL, c->vmcs, 0, true);
}

void pool_drop(struct hart *h, struct context *c)
{
    c->f[ISA_VMCS_OWNER] = 0;
    pool_save(h, c);
    c->vmcs = 0;
}

static struct context *free_slot(struct hart *h)
{
    struct context *oldest = &h->pool[0];

    for (unsigned i = 0; i < h->machine->config.pool; i++) {
        if (h->pool[i].vmcs == 0)
            return &h->pool[i];
        if (h->pool[i].order < oldest->order)
            oldest = &h->pool[i];
    }
    pool_drop(h, oldest);
    return oldest;
}

static struct context *fail(struct exit_info *why, uint64_t field, uint64_t value)
{
    *why = (struct exit_info){.cause = ISA_EXIT_ENTRYFAIL, .qual = field, .addr = value};
    return NULL;
}

struct context *pool_load(struct hart *h, uint64_t vmcs, struct exit_info *why)
{
    struct context *c = pool_find(h, vmcs);
    uint64_t head[2]; /* revision, owner */

    if (c)
        return c;
    if (vmcs == 0 || (vmcs & (ISA_VMCS_BYTES - 1)) ||
        !machine_read(h->machine, vmcs, head, sizeof head))
        return fail(why, ISA_VMCS_NONE, vmcs);
    if (head[0] != ISA_REVISION)
        return fail(why, ISA_VMCS_REVISION, head[0]);
    if (head[1] != 0 && head[1] != h->id + 1ull)
        return fail(why, ISA_VMCS_OWNER, head[1]);
    c = free_slot(h);
    c->vmcs = vmcs;
    c->order = h->pool_loads++;
    memset(c->vain, 0, sizeof c->vain);
    (void)machine_read(h->machine, vmcs, c->f, sizeof c->f);
    c->f[ISA_VMCS_X] = 0;
    c->f[ISA_VMCS_OWNER] = h->id + 1ull;
    (void)machine_write(h->machine, vmcs + 8 * ISA_VMCS_OWNER, &c->f[ISA_VMCS_OWNER], 8);
    h->machine->stats.pool_refills++;
    note(h, TIMING_REFILL, vmcs, 0, false);
    mmu_fast_flush(h); /* its MMIO ranges may be others than when it was here before */
    return c;
}

struct context *current_context(struct hart *h)
{
    struct context *c = pool_find(h, h->current);

    if (c || h->current == 0)
        return c;
    c = &h->pool[h->machine->config.pool];
    (void)machine_read(h->machine, h->current, c->f, sizeof c->f);
    return c;
}

void current_done(struct hart *h, const struct context *c)
{
    struct machine *m = h->machine;
    uint64_t old[512];

    if (c != &h->pool[m->config.pool])
        return;
    (void)machine_read(m, h->current, old, sizeof old);
    for (unsigned i = 0; i < 512; i++)
        if (old[i] != c->f[i])
            (void)machine_write(m, h->current + 8ull * i, &c->f[i], 8);
}

bool current_field(struct hart *h, unsigned field, bool write, uint64_t *value)
{
    struct context *c = pool_find(h, h->current);

    if (h->current == 0 || field >= 512)
        return false;
    if (c) {
        if (write)
            c->f[field] = *value;
        else
            *value = c->f[field];
        return true;
    }
    return write ? machine_write(h->machine, h->current + 8ull * field, value, 8)
                 : machine_read(h->machine, h->current + 8ull * field, value, 8);
}
