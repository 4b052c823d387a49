/* Loads, stores and fetches beyond the interpreter's fast path (mmu.h). */
#include "mmu.h"

#include <string.h>

#include "devices/bus.h"
#include "fast.h"
#include "fault.h"
#include "state/machine_state.h"
#include "state/raise.h"

/* Of a page that is not all alike, the second half of the instruction at q is asked for by itself;
 * one on another page is a fetch of its own, which is not at h->pc. */
static visa_result check_second_half(struct hart *h, const struct xlate *q)
{
    struct xlate half = *q;
    uint16_t low = 0;

    (void)machine_read(h->machine, q->hpa, &low, 2);
    if (q->va != h->pc || isa_length(low) == 2 || (q->va & 0xfff) == 0xffe)
        return VISA_OK;
    half.va += 2;
    half.gpa += 2;
    half.hpa += 2;
    return mmu_check_physical(h, &half);
}

visa_result mmu_fetch(struct hart *h, uint64_t pc, uint64_t *pa)
{
    struct xlate q = {.va = pc, .access = ACCESS_FETCH, .size = 2, .ctx = &h->code};
    struct machine *m = h->machine;
    visa_result r;

    h->fetching = true;
    note_fetch(h, true);
    r = mmu_translate(h, &q, h->live);
    note_fetch(h, false);
    if (r != VISA_OK)
        return VISA_TRAP;
    if (!in_ram(m, q.hpa & ~0xfffull, 4096))
        return mmu_fail(h, &q, FAIL_PHYSICAL, false);
    h->fetch_alone =
        m->config.pmp_granule < 4096 && !pmp_page_uniform(h, q.hpa, ACCESS_FETCH, h->code.ring);
    if (h->fetch_alone && check_second_half(h, &q) != VISA_OK)
        return VISA_TRAP;
    h->fetching = false;
    *pa = q.hpa & ~0xfffull;
    return VISA_OK;
}

/* An access of a device by a hart, through whoever drives that. */
static bool transport(struct hart *h, bool write, uint64_t pa, unsigned width, uint64_t *value)
{
    struct machine *m = h->machine;

    if (m->driver.device)
        return m->driver.device(m->driver.user, h->id, write, pa, width, value);
    return write ? bus_write(m->bus, pa, width, *value) : bus_read(m->bus, pa, width, value);
}

visa_result mem_physical(struct hart *h, struct xlate *q, uint64_t *value)
{
    struct machine *m = h->machine;
    bool ok;

    if (in_ram(m, q->hpa, q->size)) {
        uint8_t *at = m->ram + (q->hpa - RAM_BASE);

        note(h, TIMING_ACCESS, q->hpa, q->size, q->access == ACCESS_STORE);
        if (q->access == ACCESS_LOAD) {
            *value = 0;
            memcpy(value, at, q->size);
            mem_loaded(h, q->hpa, q->size);
        } else {
            memcpy(at, value, q->size);
            mem_stored(h, q->hpa, q->size);
        }
        return VISA_OK;
    }
    if (q->hpa & (q->size - 1))
        return mmu_fail(h, q, FAIL_MISALIGNED, false);
    note(h, TIMING_DEVICE, q->hpa, q->size, q->access == ACCESS_STORE);
    ok = transport(h, q->access == ACCESS_STORE, q->hpa, q->size, value);
    h->attention = true; /* devices change interrupts and deadlines */
    if (ok)
        return VISA_OK;
    return mmu_fail(h, q, FAIL_PHYSICAL, false);
}

void mem_break_reservations(struct hart *h, uint64_t hpa)
{
    struct machine *m = h->machine;

    for (unsigned i = 0; i < m->config.harts; i++)
        if (&m->harts[i] != h && m->harts[i].reservation == (hpa & ~(ISA_RESERVE_BYTES - 1ull)))
            m->harts[i].reserved = false;
}

void mem_stored(struct hart *h, uint64_t hpa, unsigned size)
{
    struct machine *m = h->machine;

    code_stored(m, hpa, size);
    if (m->config.harts > 1 && timed(h))
        mem_break_reservations(h, hpa);
    if (m->wanted.store && machine_watched(m, true, hpa, size)) {
        machine_accessed(h, true, hpa, size);
        h->attention = true;
    }
}

void mem_loaded(struct hart *h, uint64_t hpa, unsigned size)
{
    if (h->machine->wanted.load && machine_watched(h->machine, false, hpa, size)) {
        machine_accessed(h, false, hpa, size);
        h->attention = true;
    }
}

static void record(struct hart *h, const struct xlate *q, unsigned size, uint64_t value)
{
    if (!h->rec)
        return;
    h->rec->mem = q->access == ACCESS_STORE ? MEM_STORE : MEM_LOAD;
    h->rec->mem_size = (uint8_t)size;
    h->rec->mem_gva = q->va;
    h->rec->mem_gpa = q->gpa;
    h->rec->mem_hpa = q->hpa;
    h->rec->mem_value = value;
}

/* Both parts of an access over a page's end are translated before either happens. */
static visa_result cross_page(struct hart *h, struct xlate *q, unsigned size, uint64_t *value)
{
    struct machine *m = h->machine;
    unsigned first = 4096 - (q->va & 0xfff);
    struct xlate p = *q;
    uint8_t bytes[8] = {0};

    p.va = q->va + first;
    p.size = size - first;
    q->size = first;
    if (mmu_translate(h, q, h->live) != VISA_OK || mmu_translate(h, &p, h->live) != VISA_OK)
        return VISA_TRAP;
    if (!in_ram(m, q->hpa, first) || !in_ram(m, p.hpa, size - first))
        return mmu_fail(h, q, FAIL_MISALIGNED, false);
    note(h, TIMING_ACCESS, q->hpa, first, q->access == ACCESS_STORE);
    note(h, TIMING_ACCESS, p.hpa, p.size, q->access == ACCESS_STORE);
    if (h->rec)
        h->rec->mem_hpa2 = p.hpa;
    memcpy(bytes, value, 8);
    if (q->access == ACCESS_LOAD) {
        memset(bytes, 0, sizeof bytes);
        memcpy(bytes, m->ram + (q->hpa - RAM_BASE), first);
        memcpy(bytes + first, m->ram + (p.hpa - RAM_BASE), size - first);
        memcpy(value, bytes, 8);
        mem_loaded(h, q->hpa, first);
        mem_loaded(h, p.hpa, size - first);
        return VISA_OK;
    }
    memcpy(m->ram + (q->hpa - RAM_BASE), bytes, first);
    memcpy(m->ram + (p.hpa - RAM_BASE), bytes + first, size - first);
    mem_stored(h, q->hpa, first);
    mem_stored(h, p.hpa, size - first);
    return VISA_OK;
}

static visa_result access_memory(struct hart *h, struct xlate *q, uint64_t *value)
{
    unsigned size = q->size;

    if ((q->va & 0xfff) + size > 4096) {
        if (cross_page(h, q, size, value) != VISA_OK)
            return VISA_TRAP;
    } else {
        if (mmu_translate(h, q, h->live) != VISA_OK || mem_physical(h, q, value) != VISA_OK)
            return VISA_TRAP;
        mmu_fast_remember(h, q);
    }
    record(h, q, size, *value);
    return VISA_OK;
}

visa_result mem_load(struct hart *h, uint64_t va, unsigned size, uint64_t *value)
{
    struct xlate q = {
        .va = va, .access = ACCESS_LOAD, .size = size, .width = size, .ctx = &h->data};

    *value = 0;
    return access_memory(h, &q, value);
}

visa_result mem_store(struct hart *h, uint64_t va, unsigned size, uint64_t value)
{
    uint64_t low = size == 8 ? value : value & ((1ull << 8 * size) - 1);
    struct xlate q = {.va = va,
                      .access = ACCESS_STORE,
                      .size = size,
                      .width = size,
                      .ctx = &h->data,
                      .value = low};

    return access_memory(h, &q, &low);
}

visa_result mem_atomic(struct hart *h, uint64_t va, unsigned size, enum access access,
                       uint64_t value, uint8_t **at, struct xlate *q)
{
    *q = (struct xlate){.va = va,
                        .access = access,
                        .size = size,
                        .width = size,
                        .atomic = true,
                        .ctx = &h->data,
                        .value = size == 4 ? (uint32_t)value : value};
    if (va & (size - 1))
        return mmu_fail(h, q, FAIL_MISALIGNED, false);
    if (mmu_translate(h, q, h->live) != VISA_OK)
        return VISA_TRAP;
    *at = machine_ram(h->machine, q->hpa, size);
    if (!*at)
        return mmu_fail(h, q, FAIL_PHYSICAL, false);
    note(h, TIMING_ACCESS, q->hpa, size, access == ACCESS_STORE);
    return VISA_OK;
}

visa_result mem_guest(struct hart *h, struct context *c, bool gpa, enum access access,
                      uint64_t addr, unsigned size, uint64_t *value)
{
    struct xlate_ctx ctx = mmu_guest_ctx(c);
    struct xlate q = {.va = addr,
                      .access = access,
                      .size = size,
                      .width = size,
                      .ctx = &ctx,
                      .as_guest = true,
                      .value = *value};

    if (!base_mode_known(c->f[ISA_VMCS_GPTBR]) || !base_mode_known(c->f[ISA_VMCS_HPTBR]))
        return raise_illegal(h, QUAL(PRIVILEGED, CLASS, ILLEGAL_OTHER), 0);
    if (addr & (size - 1))
        return mmu_fail(h, &q, FAIL_MISALIGNED, false);
    if ((gpa ? mmu_translate_gpa(h, c, &q) : mmu_translate(h, &q, c)) != VISA_OK ||
        mem_physical(h, &q, value) != VISA_OK)
        return VISA_TRAP;
    record(h, &q, size, *value);
    return VISA_OK;
}
