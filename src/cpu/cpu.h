/* What the parts of the golden model share: status bits, raising traps, the
 * interpreter's and the exec_ functions' interfaces. */
#ifndef VISA_CPU_H
#define VISA_CPU_H

#include "state/hart.h"

/* mstatus and sstatus (RISC-V privileged manual, section 3.1.6). */
#define SSTATUS_SIE (1ull << 1)
#define MSTATUS_MIE (1ull << 3)
#define SSTATUS_SPIE (1ull << 5)
#define MSTATUS_MPIE (1ull << 7)
#define SSTATUS_SPP (1ull << 8)
#define MSTATUS_MPP_SHIFT 11
#define MSTATUS_MPP (3ull << MSTATUS_MPP_SHIFT)
#define MSTATUS_MPRV (1ull << 17)
#define SSTATUS_SUM (1ull << 18)
#define SSTATUS_MXR (1ull << 19)
#define MSTATUS_TVM (1ull << 20)
#define MSTATUS_TW (1ull << 21)
#define MSTATUS_TSR (1ull << 22)
#define STATUS_UXL (2ull << 32)
#define STATUS_SXL (2ull << 34)
#define SSTATUS_MASK (SSTATUS_SIE | SSTATUS_SPIE | SSTATUS_SPP | SSTATUS_SUM | SSTATUS_MXR)
#define MSTATUS_MASK                                                                               \
    (MSTATUS_MIE | MSTATUS_MPIE | MSTATUS_MPP | MSTATUS_MPRV | MSTATUS_TVM | MSTATUS_TW |          \
     MSTATUS_TSR)
#define MENVCFG_STCE (1ull << 63)
#define CAUSE_INTERRUPT (1ull << 63)

enum { VMCTL_COUNTERS = 1, IOV_VALID = 1, IOV_EXIT = 2 };

/* A value placed into its field of VMQUAL (vmqual.isa). */
#define QUAL(cause, name, value)                                                                   \
    (((uint64_t)(value) & ((1ull << ISA_QUAL_##cause##_##name##_WIDTH) - 1))                       \
     << ISA_QUAL_##cause##_##name##_LO)

/* Operands of a 32-bit instruction, for exec_ functions of class sys. */
#define INSN_RD(bits) ((bits) >> 7 & 31)
#define INSN_RS1(bits) ((bits) >> 15 & 31)
#define INSN_RS2(bits) ((bits) >> 20 & 31)

static inline void set_rd(struct hart *h, uint32_t bits, uint64_t value)
{
    if (INSN_RD(bits))
        h->x[INSN_RD(bits)] = value;
}

static inline bool trapcfg(const struct hart *h, uint64_t bit)
{
    return h->v && (h->live->f[ISA_VMCS_VMTRAPCFG] & bit);
}

/* The guest's table base: in the hart while the guest runs, else in its context. */
static inline uint64_t ctx_gptbr(const struct hart *h, const struct context *c)
{
    return h->v ? h->s.satp : c->f[ISA_VMCS_GPTBR];
}

/* Is the mode of a page-table base (satp, GPTBR, HPTBR) one that exists? */
static inline bool base_mode_known(uint64_t base)
{
    return base >> 60 == 0 || base >> 60 == 8 || base >> 60 == 9;
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

/* Raising (trap.c): each fills h->trap and returns VISA_TRAP. */
visa_result raise_exception(struct hart *h, unsigned cause, uint64_t tval);
visa_result raise_exit(struct hart *h, unsigned cause, uint64_t qual, uint64_t addr, uint64_t gpa,
                       uint64_t val);
/* The instruction is illegal here: exit PRIVILEGED or the guest's own exception. `qual`
 * is VMQUAL without rd and rs1; val as for VMVAL. */
visa_result raise_illegal(struct hart *h, uint64_t qual, uint64_t val);
enum { ILLEGAL_UNDEFINED, ILLEGAL_CSR, ILLEGAL_SRET, ILLEGAL_MRET, ILLEGAL_OTHER, ILLEGAL_MSR };

/* Takes the trap in h->trap: ring, pc and status are the handler's afterwards. */
void take_trap(struct hart *h);

/* VMQUAL's reg, signed and atomic fields of the load or store being executed (exit.c). */
uint64_t qual_operand(const struct hart *h, unsigned cause);
/* From a guest back to Ring -1 with what h->trap says. */
void world_exit(struct hart *h);
void set_exit_info(struct hart *h, const struct exit_info *e);
/* An entry, or the load of a context, that is not done: told by exit information, and counted. */
void refuse_entry(struct hart *h, const struct exit_info *why);

/* May this Xvisa instruction run here (its rings in isa/)? If not, the right trap. */
CHECKED visa_result check_rings(struct hart *h, uint32_t bits);
/* A privileged instruction of Ring 0: rings 0 and -1, class `klass` of VMQUAL. */
CHECKED visa_result check_privileged(struct hart *h, uint64_t qual);

/* Interrupts (irq.c). */
uint64_t hart_mip(const struct hart *h);       /* the host's, as CSR mip shows it */
uint64_t hart_guest_sip(const struct hart *h); /* the live guest's */
bool irq_take(struct hart *h);                 /* takes the event that is due, if any */
bool irq_wakes(const struct hart *h);          /* ends wfi? */
uint64_t irq_deadline(const struct hart *h);   /* ticks when a timer of this hart fires next */
uint64_t hart_time(const struct hart *h);      /* `time`, of the host */
uint64_t preempt_left(const struct hart *h);

/* CSRs (csr.c). Privilege is the caller's; false if there is no such CSR. */
CHECKED visa_result csr_access(struct hart *h, uint32_t bits, bool write, unsigned op,
                               uint64_t operand);

/* The pool (pool.c). */
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
