/* The interpreter for timed models: interp.c, where each instruction is asked for its cycle
 * before it executes (timing.h). */
#include "cpu.h"
#include "dpage.h"
#include "interp.h"
#include "state/machine_state.h"

/* An operation, and where its slot has the registers, the reverse of dpage.c's operands(): masks of
 * a, b and c. The immediate is c, in units of 1 << scale. */
struct form {
    uint16_t op; /* enum isa_op */
    uint8_t length;
    uint8_t rd_a, rs1_a, rs1_b, rs2_a, rs2_b, rs2_c, scale;
    bool in_bits; /* c is the instruction itself */
    int32_t imm;  /* mask of c */
};

/* clang-format off */
#define FORM_imm(scale_) .rd_a = 31, .rs1_b = 31, .imm = -1, .scale = scale_
#define FORM_registers .rd_a = 31, .rs1_b = 31, .rs2_c = 31
#define FORM_upper(s)  FORM_imm(s)
#define FORM_pcrel(s)  FORM_imm(s)
#define FORM_jump(s)   FORM_imm(s)
#define FORM_jumpr(s)  FORM_imm(s)
#define FORM_load(s)   FORM_imm(s)
#define FORM_alu_ri(s) FORM_imm(s)
#define FORM_nop(s)    FORM_imm(s)
#define FORM_alu_rr(s) FORM_registers
#define FORM_mem(s)    FORM_registers
#define FORM_store(s)  .rs2_a = 31, .rs1_b = 31, .imm = -1
#define FORM_branch(s) .rs1_a = 31, .rs2_b = 31, .imm = -1, .scale = s
#define FORM_sys(s)    .in_bits = true
#define FORM(klass, name, number)                                                                  \
    [OP4_##name] = {number, 4, FORM_##klass(0)}, [OP2_##name] = {number, 2, FORM_##klass(0)},
#define NEAR_FORM(klass, name)                                                                     \
    [OP4_near_##name] = {OP4_##name / 2, 4, FORM_##klass(1)},                                      \
    [OP2_near_##name] = {OP2_##name / 2, 2, FORM_##klass(1)},
static const struct form forms[INTERP_PAIR_FIRST] = {ISA_BASE_INSNS(FORM) INTERP_NEAR(NEAR_FORM)};
/* clang-format on */

/* A compressed one (c.ebreak) has none. */
static void sys_operands(struct timing_insn *i, uint32_t bits)
{
    const struct isa_insn *row = &isa_insns[i->op];

    i->rd = row->has & ISA_HAS_RD ? INSN_RD(bits) : 0;
    i->rs1 = row->has & ISA_HAS_RS1 ? INSN_RS1(bits) : 0;
    i->rs2 = row->has & ISA_HAS_RS2 ? INSN_RS2(bits) : 0;
    i->imm = row->has & ISA_HAS_IMM ? isa_extract(isa_field(row, ISA_FIELD_IMM), bits) : 0;
}

/* What the operation in a slot is, in the architecture's terms. */
static inline void describe(struct timing_insn *i, const struct dinsn *d, unsigned operation)
{
    const struct form *f = &forms[operation];

    i->op = f->op;
    i->length = f->length;
    i->rd = d->a & f->rd_a; /* 32 is x0: see dest() */
    i->rs1 = (d->a & f->rs1_a) | (d->b & f->rs1_b);
    i->rs2 = (uint8_t)((d->a & f->rs2_a) | (d->b & f->rs2_b) | (d->c & f->rs2_c));
    i->imm = (int64_t)(d->c & f->imm) << f->scale;
    if (f->in_bits)
        sys_operands(i, (uint32_t)d->c);
    else if (operation == INTERP_ILLEGAL)
        i->length = d->a;
}

static inline struct timing_world world_of(const struct hart *h)
{
    return (struct timing_world){
        .v = h->v,
        .ring = ring_number(h),
        .vmid = (uint16_t)h->vmid,
        .vmcs = h->v ? h->live->vmcs : 0,
        .counted = h->v ? h->vm_stats->vmcs : 0,
    };
}

static void take_cycle(struct hart *h)
{
    if (h->timing->own_time)
        h->extra_ticks = h->timing->cycle - h->instret;
}

static enum timing_answer issue(struct hart *h, const struct timing_insn *i)
{
    enum timing_answer answer = h->timing->issue(h->timing, i);

    take_cycle(h);
    return answer;
}

static void issue_fault(struct hart *h)
{
    h->timing->fault(h->timing, &(struct timing_insn){.pc = h->pc, .world = world_of(h)});
    take_cycle(h);
}

#define INTERP_TIMED
#include "interp.c"
