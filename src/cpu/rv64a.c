/* RV64A: load-reserved, store-conditional, read-modify-write. */
#include <string.h>

#include "cpu.h"
#include "semantics.h"
#include "state/machine_state.h"
#include "mmu/mmu.h"

#define GRANULE(pa) ((pa) & ~(uint64_t)(ISA_RESERVE_BYTES - 1))

static uint64_t fetch(const uint8_t *at, unsigned size)
{
    int32_t word;
    uint64_t value;

    if (size == 4) {
        memcpy(&word, at, 4);
        return (uint64_t)(int64_t)word;
    }
    memcpy(&value, at, 8);
    return value;
}

static void record(struct hart *h, const struct xlate *q, enum retire_mem kind, uint64_t old,
                   uint64_t value)
{
    if (!h->rec)
        return;
    h->rec->mem = (uint8_t)kind;
    h->rec->mem_size = (uint8_t)q->size;
    h->rec->mem_gva = q->va;
    h->rec->mem_gpa = q->gpa;
    h->rec->mem_hpa = q->hpa;
    h->rec->mem_old = old;
    h->rec->mem_value = q->size == 4 ? (uint32_t)value : value;
}

static void put(struct hart *h, const struct xlate *q, uint8_t *at, uint64_t value)
{
    memcpy(at, &value, q->size);
    mem_stored(h, q->hpa, q->size);
}

static visa_result load_reserved(struct hart *h, unsigned rd, unsigned rs1, unsigned size)
{
    struct xlate q;
    uint8_t *at;

    if (mem_atomic(h, h->x[rs1], size, ACCESS_LOAD, 0, &at, &q) != VISA_OK)
        return VISA_TRAP;
    h->reserved = true;
    h->reservation = GRANULE(q.hpa);
    h->reserved_va = h->x[rs1];
    h->x[rd] = fetch(at, size);
    record(h, &q, MEM_LOAD, 0, h->x[rd]);
    mem_loaded(h, q.hpa, size);
    return VISA_OK;
}

/* Without a reservation of this address it fails before it translates anything. */
static visa_result store_conditional(struct hart *h, unsigned rd, unsigned rs1, unsigned rs2,
                                     unsigned size)
{
    bool held = h->reserved && h->reserved_va == h->x[rs1];
    struct xlate q;
    uint8_t *at;

    if (h->x[rs1] & (size - 1))
        return raise_exception(h, ISA_EXC_STORE_MISALIGNED, h->x[rs1]);
    if (held) {
        if (mem_atomic(h, h->x[rs1], size, ACCESS_STORE, h->x[rs2], &at, &q) != VISA_OK)
            return VISA_TRAP;
        held = GRANULE(q.hpa) == h->reservation;
        if (held) {
            record(h, &q, MEM_STORE, 0, h->x[rs2]);
            put(h, &q, at, h->x[rs2]);
        }
    }
    h->reserved = false;
    h->x[rd] = !held;
    return VISA_OK;
}

visa_result exec_lr_w(struct hart *h, unsigned rd, unsigned rs1, unsigned rs2)
{
    (void)rs2;
    return load_reserved(h, rd, rs1, 4);
}

visa_result exec_lr_d(struct hart *h, unsigned rd, unsigned rs1, unsigned rs2)
{
    (void)rs2;
    return load_reserved(h, rd, rs1, 8);
}

visa_result exec_sc_w(struct hart *h, unsigned rd, unsigned rs1, unsigned rs2)
{
    return store_conditional(h, rd, rs1, rs2, 4);
}

visa_result exec_sc_d(struct hart *h, unsigned rd, unsigned rs1, unsigned rs2)
{
    return store_conditional(h, rd, rs1, rs2, 8);
}

/* t is the old value and b rs2, both sign-extended when 4 bytes wide. */
#define AMO(name, size, result)                                                                    \
    visa_result exec_##name(struct hart *h, unsigned rd, unsigned rs1, unsigned rs2)               \
    {                                                                                              \
        struct xlate q;                                                                            \
        uint8_t *at;                                                                               \
        uint64_t t, b;                                                                             \
                                                                                                   \
        if (mem_atomic(h, h->x[rs1], size, ACCESS_STORE, h->x[rs2], &at, &q) != VISA_OK)           \
            return VISA_TRAP;                                                                      \
        t = fetch(at, size);                                                                       \
        b = size == 4 ? (uint64_t)(int64_t)(int32_t)h->x[rs2] : h->x[rs2];                         \
        record(h, &q, MEM_AMO, t, result);                                                         \
        mem_loaded(h, q.hpa, size);                                                                \
        put(h, &q, at, result);                                                                    \
        h->x[rd] = t;                                                                              \
        return VISA_OK;                                                                            \
    }
AMO(amoswap_w, 4, NEW_amoswap)
AMO(amoadd_w, 4, NEW_amoadd)
AMO(amoxor_w, 4, NEW_amoxor)
AMO(amoand_w, 4, NEW_amoand)
AMO(amoor_w, 4, NEW_amoor)
AMO(amomin_w, 4, NEW_amomin)
AMO(amomax_w, 4, NEW_amomax)
AMO(amominu_w, 4, NEW_amominu)
AMO(amomaxu_w, 4, NEW_amomaxu)
AMO(amoswap_d, 8, NEW_amoswap)
AMO(amoadd_d, 8, NEW_amoadd)
AMO(amoxor_d, 8, NEW_amoxor)
AMO(amoand_d, 8, NEW_amoand)
AMO(amoor_d, 8, NEW_amoor)
AMO(amomin_d, 8, NEW_amomin)
AMO(amomax_d, 8, NEW_amomax)
AMO(amominu_d, 8, NEW_amominu)
AMO(amomaxu_d, 8, NEW_amomaxu)
