/* What the sources of src/cpu have of each other: exec_ functions, traps, interrupts, CSRs, the
 * pool, the interpreter. */
#ifndef VISA_CPU_H
#define VISA_CPU_H

#include "state/hart.h"
#include "state/raise.h"

static inline void set_rd(struct hart *h, uint32_t bits, uint64_t value)
{
    if (INSN_RD(bits))
        h->x[INSN_RD(bits)] = value;
}

/* exec_NAME executes the sys instruction whose bits are given, at h->pc; h->next_pc is
 * where execution goes on. On VISA_TRAP nothing of it has happened. */
typedef visa_result exec_fn(struct hart *h, uint32_t bits);
/* exec_NAME of class mem: registers by number. */
typedef visa_result exec_mem_fn(struct hart *h, unsigned rd, unsigned rs1, unsigned rs2);

#define DECLARE_sys(name) CHECKED exec_fn exec_##name;
#define DECLARE_mem(name) CHECKED exec_mem_fn exec_##name;
#define DECLARE_upper(name)
#define DECLARE_pcrel(name)
#define DECLARE_jump(name)
#define DECLARE_jumpr(name)
#define DECLARE_branch(name)
#define DECLARE_load(name)
#define DECLARE_store(name)
#define DECLARE_alu_ri(name)
#define DECLARE_alu_rr(name)
#define DECLARE_nop(name)
#define DECLARE(klass, name, op) DECLARE_##klass(name)
ISA_BASE_INSNS(DECLARE)
exec_fn exec_illegal;

/* Takes the trap in h->trap: ring, pc and status are the handler's afterwards. */
void take_trap(struct hart *h, bool between);

/* Stuck harts (stuck.c). The trap in h->trap is about to be taken; `again`: it is of the first
 * instruction of the handler, of `to`, that an exception was delivered to just before. */
void stuck_look(struct hart *h, unsigned to, bool again);
/* The instruction that executes, and will retire, leaves its ring for another one or for a VM:
 * called before that. */
void stuck_leaves(struct hart *h);

/* From a guest back to Ring -1 with what h->trap says. */
void world_exit(struct hart *h);
void set_exit_info(struct hart *h, const struct exit_info *e);
/* An entry, or the load of a context, that is not done: told by exit information, and counted. */
void refuse_entry(struct hart *h, const struct exit_info *why);

/* May the instruction in h->insn_op execute in this ring, as its row says? Rows without rings check
 * that themselves. */
static inline bool may_execute(const struct hart *h)
{
    static const uint8_t bit[2][4] = {{ISA_RING_3, ISA_RING_0, 0, ISA_RING_H},
                                      {ISA_RING_3V, ISA_RING_0V, 0, 0}};
    uint8_t rings = isa_insns[h->insn_op].rings;

    return !rings || rings & bit[h->v][h->ring];
}

/* If not: the right trap. */
CHECKED visa_result refuse_ring(struct hart *h);
/* A privileged instruction of Ring 0: rings 0 and -1, class `klass` of VMQUAL. */
CHECKED visa_result check_privileged(struct hart *h, uint64_t qual);

/* Interrupts (irq.c). */
uint64_t hart_mip(const struct hart *h);       /* the host's, as CSR mip shows it */
uint64_t hart_guest_sip(const struct hart *h); /* the live guest's */
bool irq_take(struct hart *h);                 /* takes the event that is due, if any */
bool irq_wakes(const struct hart *h);          /* ends wfi? */
uint64_t irq_deadline(const struct hart *h);   /* ticks when a timer of this hart fires next */
uint64_t preempt_left(const struct hart *h);

/* CSRs (zicsr.c). Privilege is the caller's; false if there is no such CSR. */
CHECKED visa_result csr_access(struct hart *h, uint32_t bits, bool write, unsigned op,
                               uint64_t operand);

/* What a read of CSR n shows at any level; false if it is not there now. Nothing changes. */
bool csr_peek(struct hart *h, unsigned n, uint64_t *value);
/* A write of it at any level; false if it is read-only or not there now. */
bool csr_poke(struct hart *h, unsigned n, uint64_t value);

/* The pool (xvisa_pool.c). */
struct context *pool_find(const struct hart *h, uint64_t vmcs);
/* Brings the VMCS in, evicting the oldest; NULL with the entry failure in *why. */
struct context *pool_load(struct hart *h, uint64_t vmcs, struct exit_info *why);
void pool_save(struct hart *h, const struct context *c);
void pool_drop(struct hart *h, struct context *c);
/* The current context, pooled or brought in from memory for reading and writing one
 * field: false if there is none. */
bool current_field(struct hart *h, unsigned field, bool write, uint64_t *value);
/* All fields of the current context: the pooled copy, or its image in memory for as long as
 * one instruction, which calls current_done() to write back what it changed. NULL: there is
 * no current VM. */
struct context *current_context(struct hart *h);
void current_done(struct hart *h, const struct context *c);

/* The interpreter (interp.c): runs until instret reaches h->limit, a trap that was taken
 * while somebody listens, or h->attention. */
void interp(struct hart *h);
/* The same for a hart with `timing`. */
void interp_timed(struct hart *h);

#endif
