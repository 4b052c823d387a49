/* Making retire records (record.h). */
#include "record.h"

#include "mmu/mmu.h"
#include "mmu/tlb.h"

/* Records are numbered as if each were told: one for an instruction, one for a trap. */
static uint64_t number(const struct hart *h)
{
    return h->instret + h->traps;
}

void record_listening(struct machine *m)
{
    for (unsigned i = 0; i < m->config.harts; i++) {
        struct hart *h = &m->harts[i];

        if (!m->wanted.retire)
            h->unheard += number(h) - h->heard_to;
        h->heard_to = number(h);
        h->stepped = false;
    }
}

void record_begin(struct hart *h, struct retire *r)
{
    *r = (struct retire){
        .seq = number(h) - h->unheard,
        .instret = h->instret,
        .hart = h->id,
        .ring = ring_number(h),
        .v = h->v,
        .vmid = (uint16_t)h->vmid,
        .vmcs = h->v ? h->current : 0,
        .pc = h->pc,
        .guest_base = h->s.satp,
        .host_base = h->v ? h->live->f[ISA_VMCS_HPTBR] : 0,
    };
    h->rec = r;
}

void record_place(struct hart *h, const struct xlate_ctx *code)
{
    struct retire *r = h->rec;

    if (!r->pc_hpa)
        mmu_peek_fetch(h, code, r->pc, &r->pc_gpa, &r->pc_hpa);
}

/* Bits of the instruction at pc, from where it was just fetched. */
void record_insn(struct hart *h, const struct xlate_ctx *code)
{
    struct retire *r = h->rec;
    uint16_t low = 0, high = 0;
    uint64_t next = r->pc_hpa + 2;
    const struct tlb_entry *e;

    if (h->insn_len) {
        r->length = h->insn_len;
        r->insn = h->insn;
        return;
    }
    (void)machine_read(h->machine, r->pc_hpa, &low, 2);
    r->length = (uint8_t)isa_length(low);
    if ((r->pc & 0xfff) == 0xffe && !code->bare && (e = tlb_peek(h->tlb[0], code->tag, r->pc + 2)))
        next = (e->ppn << 12) + ((r->pc + 2) & ((1ull << (12 + 9 * e->level)) - 1));
    if (r->length == 4)
        (void)machine_read(h->machine, next, &high, 2);
    r->insn = (uint32_t)high << 16 | low;
}

static void came_to_trap(const struct hart *h, struct retire *r)
{
    r->insn = h->insn_len ? h->insn : 0;
    r->length = h->fetching ? 0 : h->insn_len;
    r->event = h->trap.event;
    r->cause = h->trap.cause;
    r->tval = h->trap.tval;
    r->qual = h->trap.qual;
    r->addr = h->trap.addr;
    r->gpa = h->trap.gpa;
    r->val = h->trap.val;
    r->mem = MEM_NONE;
    r->csr_written = false;
}

static bool in_part(const struct retire *r, const struct retire_part *p)
{
    if (r->instret < p->from || r->instret > p->to || (p->events && r->event == RETIRE_NONE))
        return false;
    return !p->one_vm || (r->v && r->vmid == p->vm) ||
           (r->event == RETIRE_ENTRY && r->qual == p->vm);
}

static void tell(const struct machine *m, const struct retire *r)
{
    const struct observer *next;

    for (const struct observer *o = m->observers; o; o = next) {
        next = o->next; /* it may go */
        if (o->retire && in_part(r, &o->part))
            o->retire(o->user, r);
    }
}

void record_end(struct hart *h, bool retired)
{
    struct machine *m = h->machine;
    struct retire *r = h->rec;
    struct isa_decoded d;

    r->retired = retired;
    r->cycle = hart_ticks(h) - retired; /* of a timed model, known by now */
    if (!retired) {
        came_to_trap(h, r);
    } else if (isa_decode(r->insn, &d)) {
        r->rd = d.rd;
        r->rd_value = r->event == RETIRE_ENTRY ? 0 : h->x[d.rd];
    }
    r->next_pc = h->pc;
    tell(m, r);
    h->rec = NULL;
}

bool record_trap_begin(struct hart *h, struct retire *r, bool between)
{
    if (h->rec == &h->event)
        h->rec = NULL; /* the instruction comes to a trap instead */
    if (h->rec || !h->machine->part.events || !record_in_part(h) || !record_in_vm(h))
        return false;
    record_begin(h, r);
    if (!between)
        record_place(h, &h->code);
    return true;
}

static struct retire *of_event(struct hart *h, enum retire_event event, bool wanted)
{
    if (!h->rec) {
        if (!wanted || !record_in_part(h))
            return NULL;
        record_begin(h, &h->event);
        record_place(h, &h->code);
    }
    h->rec->event = (uint8_t)event;
    return h->rec;
}

struct retire *record_event(struct hart *h, enum retire_event event)
{
    return of_event(h, event, h->machine->part.events && record_in_vm(h));
}

/* It is the host's instruction, and the first record of those of one VM. */
struct retire *record_entry(struct hart *h, uint64_t vmid)
{
    const struct retire_part *part = &h->machine->part;

    return of_event(h, RETIRE_ENTRY, part->one_vm ? part->vm == vmid : part->events);
}

void record_event_end(struct hart *h)
{
    if (h->rec != &h->event)
        return;
    record_insn(h, &h->code); /* which the hart still has */
    record_end(h, true);
}
