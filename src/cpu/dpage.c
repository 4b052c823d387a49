/* Decoded pages (dpage.h). */
#include "dpage.h"

#include <stdlib.h>
#include <string.h>

#include "interp.h"
#include "state/machine_state.h"
#include "mmu/mmu.h"

bool dpages_init(struct machine *m)
{
    struct dpages *d = m->dpages = calloc(1, sizeof *d);

    m->code.pages = m->config.ram_bytes >> 12;
    m->code.by_page = calloc(m->code.pages, sizeof *m->code.by_page);
    for (struct dpage *p; d && d->spares < DPAGES_SPARE && (p = malloc(sizeof *p));)
        d->spare[d->spares++] = p;
    return d && m->code.by_page && d->spares == DPAGES_SPARE;
}

static void forget_all(struct machine *m)
{
    struct dpages *d = m->dpages;

    for (uint64_t i = 0; d->count && i < m->code.pages; i++)
        if (m->code.by_page[i]) {
            if (d->spares < DPAGES_SPARE)
                d->spare[d->spares++] = (struct dpage *)m->code.by_page[i];
            else
                free(m->code.by_page[i]);
            m->code.by_page[i] = NULL;
            d->count--;
        }
}

void dpages_free(struct machine *m)
{
    struct dpages *d = m->dpages;

    if (d) {
        forget_all(m);
        while (d->spares)
            free(d->spare[--d->spares]);
    }
    free(d);
    free(m->code.by_page);
    m->dpages = NULL;
    m->code.by_page = NULL;
}

static void reset_slots(struct dpage *p)
{
    const struct dinsn undecoded = {.op = INTERP_DECODE}, end = {.op = INTERP_PAGE_END};

    for (unsigned i = 0; i < DPAGE_SLOTS; i++)
        p->slot[i] = undecoded;
    p->slot[DPAGE_SLOTS] = p->slot[DPAGE_SLOTS + 1] = end;
    p->code.dirty = false;
}

void dpages_trim(struct machine *m)
{
    if (m->dpages->spares < DPAGES_SPARE)
        dpages_forget(m);
}

void dpages_forget(struct machine *m)
{
    forget_all(m);
    m->code.dirty = NULL;
    for (unsigned i = 0; i < m->config.harts; i++)
        mmu_fast_flush(&m->harts[i]);
}

/* The decoded page at physical address pa, in RAM. */
static struct dpage *get_page(struct machine *m, uint64_t pa)
{
    struct code_page **at = &m->code.by_page[(pa - RAM_BASE) >> 12];
    struct dpages *d = m->dpages;
    struct dpage *p;

    if (*at)
        return (struct dpage *)*at;
    p = d->count < DPAGES_MAX ? malloc(sizeof *p) : NULL;
    if (!p)
        p = d->spare[--d->spares];
    d->count++;
    p->all = d;
    p->bytes = m->ram + (pa - RAM_BASE);
    p->pa = pa;
    reset_slots(p);
    *at = &p->code;
    mmu_fast_flush_stores(m); /* stores into this page must be seen from now on */
    return p;
}

visa_result dpage_fetch(struct hart *h, uint64_t pc, struct dpage **page)
{
    uint64_t pa;

    if (mmu_fetch(h, pc, &pa) != VISA_OK)
        return VISA_TRAP;
    *page = get_page(h->machine, pa);
    mmu_fast_fetch(h, pc, (uintptr_t)*page);
    return VISA_OK;
}

void dpages_sync(struct machine *m)
{
    if (!m->code.dirty)
        return;
    for (struct code_page *p = m->code.dirty; p; p = p->next_dirty)
        reset_slots((struct dpage *)p);
    m->code.dirty = NULL;
    mmu_fast_flush_stores(m);
}

/* A destination register; x0 becomes the slot that swallows writes. */
static uint8_t dest(unsigned rd)
{
    return (uint8_t)(rd ? rd : 32);
}

/* Operands by class; the interpreter's macros read them back. */
static void operands(struct dinsn *d, const struct isa_decoded *i, uint32_t bits)
{
    switch (isa_insns[i->op].klass) {
    case ISA_CLASS_ALU_RR:
    case ISA_CLASS_MEM: *d = (struct dinsn){d->op, dest(i->rd), i->rs1, i->rs2}; break;
    case ISA_CLASS_STORE: *d = (struct dinsn){d->op, i->rs2, i->rs1, (int32_t)i->imm}; break;
    case ISA_CLASS_BRANCH: *d = (struct dinsn){d->op, i->rs1, i->rs2, (int32_t)i->imm}; break;
    case ISA_CLASS_SYS: *d = (struct dinsn){d->op, i->length, 0, (int32_t)bits}; break;
    default: /* alu_ri, load, jumpr: rd, rs1, imm; upper, pcrel, jump: rd, imm */
        *d = (struct dinsn){d->op, dest(i->rd), i->rs1, (int32_t)i->imm};
        break;
    }
}

/* The instruction at byte `offset` of the page; one that begins in the last two bytes has
 * its upper half in `high`. */
static uint32_t bits_at(const struct dpage *p, unsigned offset, uint32_t high)
{
    uint32_t bits = 0;

    memcpy(&bits, p->bytes + offset, offset == 4094 ? 2 : 4);
    if (offset == 4094)
        bits |= high << 16;
    return isa_length(bits) == 2 ? bits & 0xffff : bits;
}

/* The slot of an instruction by itself. */
static struct dinsn decode_one(uint32_t bits, unsigned offset)
{
    struct isa_decoded i;
    struct dinsn d;
    unsigned near;

    if (!isa_decode(bits, &i))
        return (struct dinsn){INTERP_ILLEGAL, i.length, 0, (int32_t)bits};
    d.op = (uint16_t)(2 * i.op + (i.length == 2));
    operands(&d, &i, bits);
    near = interp_near(i.op);
    if (near && offset != 4094 && (uint64_t)(offset + i.imm) < 4096) {
        d.op = (uint16_t)(near + (i.length == 2));
        d.c = (int32_t)(i.imm / 2); /* in slots */
    } else if (i.op == ISA_OP_ADD && i.rs1 == 0) {
        /* mv: as addi it is part of more pairs */
        d = (struct dinsn){(uint16_t)(d.op - OP4_add + OP4_addi), d.a, i.rs2, 0};
    }
    return d;
}

/* Is this an instruction that runs may stop before, as far as its page knows? */
static bool may_break(const struct machine_break *b, const struct dpage *p, const struct dinsn *d,
                      unsigned offset)
{
    switch (b->kind) {
    case BREAK_PHYSICAL: return p->pa + offset == b->addr;
    case BREAK_VIRTUAL: return offset == (b->addr & 0xfff);
    case BREAK_MARKER:
        return d->op == OP4_slti && d->a == dest(0) && d->b == 0 && d->c >= b->first &&
               d->c <= b->last;
    }
    return false;
}

static struct dinsn decode_slot(const struct dpage *p, unsigned offset, uint32_t bits)
{
    struct dinsn d = decode_one(bits, offset);
    bool breaks = false;

    for (const struct machine_break *b = p->all->breaks; b; b = b->next)
        breaks |= may_break(b, p, &d, offset);
    if (breaks)
        d.op = INTERP_BREAK;
    return d;
}

/* The slot as it would be without breaks. */
static struct dinsn without_breaks(const struct dpage *p, const struct dinsn *d)
{
    unsigned offset = (unsigned)(d - p->slot) * 2;

    return decode_one(d->op == INTERP_CROSS ? p->cross_bits : bits_at(p, offset, 0), offset);
}

unsigned dpage_operation(const struct dpage *p, const struct dinsn *d)
{
    return without_breaks(p, d).op;
}

bool dpage_breaks(struct hart *h, const struct dpage *p, const struct dinsn *d)
{
    const struct dinsn insn = without_breaks(p, d);
    unsigned offset = (unsigned)(d - p->slot) * 2;
    bool any = false;

    for (struct machine_break *b = h->machine->dpages->breaks; b; b = b->next) {
        b->hit = may_break(b, p, &insn, offset) && (b->kind != BREAK_VIRTUAL || h->pc == b->addr) &&
                 (!b->in_vm || (h->v && b->in_vm(b->user, (uint16_t)h->vmid)));
        any |= b->hit;
    }
    return any;
}

/* Does execution ever go on behind this operation by itself? */
static bool falls_through(unsigned op)
{
    switch (op) {
    case OP4_jal:
    case OP2_jal:
    case OP4_near_jal:
    case OP2_near_jal:
    case OP4_jalr:
    case OP2_jalr:
    case INTERP_ILLEGAL:
    case INTERP_BREAK: return false;
    default: return true;
    }
}

/* Decodes what follows the slot at `offset` in a straight line, up to what is decoded
 * already, and makes pairs on the way. What lies over the page's end is in none. */
static void decode_line(struct dpage *p, unsigned offset)
{
    struct dinsn *d = &p->slot[offset / 2];
    bool fresh = true;

    while (fresh && falls_through(d->op) && (offset += d->op & 1 ? 2 : 4) < 4094) {
        struct dinsn *next = &p->slot[offset / 2];
        unsigned pair;

        fresh = next->op == INTERP_DECODE;
        if (fresh)
            *next = decode_slot(p, offset, bits_at(p, offset, 0));
        pair = interp_pair(d->op, interp_single(next->op));
        if (pair)
            d->op = (uint16_t)pair;
        d = next;
    }
}

void dpage_decode(struct dpage *p, unsigned offset, uint32_t high)
{
    struct dinsn *d = &p->slot[offset / 2];
    uint32_t bits = bits_at(p, offset, high);

    *d = decode_slot(p, offset, bits);
    if (offset == 4094 && isa_length(bits) == 4) {
        p->cross_bits = bits;
        p->cross_op = d->op;
        d->op = INTERP_CROSS;
    } else if (offset < 4094) {
        decode_line(p, offset);
    }
}
