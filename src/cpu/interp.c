/* The interpreter: threaded dispatch over decoded pages (dpage.h).
 *
 * DO_name(n) is what the instruction `name` of n bytes does: one row each. Of these are
 * made the labels of its two lengths, and those of the pairs that begin with it
 * (interp.h). A row reads a, b (registers) and i (immediate). ip points at the slot being
 * executed, so pc is ip in other units. `left` counts down to the instruction at which
 * something outside is due. What can trap calls an exec_ function with the hart's state
 * written back (SYNC) and looks at what it returns. */
#include "interp.h"

#include <string.h>

#include "semantics.h"
#include "cpu.h"
#include "dpage.h"
#include "state/machine_state.h"
#include "mmu/mmu.h"
#include "record.h"

/* interp_timed.c compiles this a second time for timed models (state/timing.h): there each
 * instruction is asked for its cycle before it executes, and pairs are taken apart. */
#ifndef INTERP_TIMED
#define INTERP interp
#define DISPATCH() goto *dispatch[ip->op]
#define NOTE_ACCESS(host, size, write)
#define NOTE_CROSS(h, page)
#else
#define INTERP interp_timed
#define DISPATCH() goto issue
#define NOTE_ACCESS(host, size, write)                                                             \
    note(h, TIMING_ACCESS, (uintptr_t)(host)-ram, size, write);                                    \
    if ((write) && h->machine->config.harts > 1)                                                   \
    mem_break_reservations(h, (uintptr_t)(host)-ram)
#define NOTE_CROSS(h, page)                                                                        \
    (h->timing->crosses = true, h->timing->second = h->timing->fetch.n,                            \
     h->timing->first_pa = page->pa + 4094)
#endif

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

#ifndef INTERP_TIMED
unsigned interp_near(enum isa_op op)
{
    switch (op) {
#define NEAR_CASE(klass, name)                                                                     \
    case OP4_##name / 2: return OP4_near_##name;
        INTERP_NEAR(NEAR_CASE)
    default: return 0;
    }
}

unsigned interp_pair(unsigned first, unsigned second)
{
    unsigned op;

    switch (first / 2 * INTERP_OPS + second / 2) {
#define PAIR_CASE(first, second)                                                                   \
    case OP4_##first / 2 * INTERP_OPS + OP4_##second / 2: op = OP44_##first##_##second; break;
        INTERP_PAIRS(PAIR_CASE)
    default: return 0;
    }
    return op + 2 * (first & 1) + (second & 1);
}

/* By the number of the pair: the first of it. */
static const uint16_t firsts[] = {
#define FIRST_OF(first, second) OP4_##first,
    INTERP_PAIRS(FIRST_OF)};

unsigned interp_single(unsigned op)
{
    unsigned pair = op - INTERP_PAIR_FIRST;

    return op < INTERP_PAIR_FIRST ? op : firsts[pair / 4] + (pair >> 1 & 1);
}
#endif

/* The operation of the slot, also if it is the one over the page's end, or may be stopped before. */
static unsigned op_of(const struct dinsn *ip, const struct dpage *page)
{
    unsigned op = ip->op == INTERP_CROSS ? page->cross_op : ip->op;

    return unlikely(op == INTERP_BREAK) ? dpage_operation(page, ip) : op;
}

/* exec_ functions of the out-of-line classes, by number. */
#define SYS_sys(name, op) [op] = exec_##name,
#define SYS_mem(name, op)
#define SYS_none(name, op)
#define MEM_sys(name, op)
#define MEM_mem(name, op) [op] = exec_##name,
#define MEM_none(name, op)
#define KIND_sys sys
#define KIND_mem mem
#define KIND_upper none
#define KIND_pcrel none
#define KIND_jump none
#define KIND_jumpr none
#define KIND_branch none
#define KIND_load none
#define KIND_store none
#define KIND_alu_ri none
#define KIND_alu_rr none
#define KIND_nop none
#define PASTE_(a, b) a##b
#define PASTE(a, b) PASTE_(a, b)
#define SYS_ROW(klass, name, op) PASTE(SYS_, KIND_##klass)(name, op)
#define MEM_ROW(klass, name, op) PASTE(MEM_, KIND_##klass)(name, op)
static exec_fn *const exec_sys[ISA_OPS] = {ISA_BASE_INSNS(SYS_ROW)};
static exec_mem_fn *const exec_mem[ISA_OPS] = {ISA_BASE_INSNS(MEM_ROW)};

/* The instruction's bits, for exits and mtval. */
static void note_insn(struct hart *h, const struct dpage *p, const struct dinsn *ip)
{
    unsigned offset = (unsigned)(ip - p->slot) * 2;
    uint16_t half;

    if (offset == 4094 && ip->op == INTERP_CROSS) {
        h->insn = p->cross_bits;
    } else if (offset == 4094) {
        memcpy(&half, p->bytes + offset, 2);
        h->insn = half;
    } else {
        memcpy(&h->insn, p->bytes + offset, 4);
    }
    h->insn_len = (uint8_t)isa_length(h->insn);
    if (h->insn_len == 2)
        h->insn &= 0xffff;
}

/* The instruction over the page's end: its second half belongs to whatever page the
 * next address is on now. */
static visa_result fetch_cross(struct hart *h, struct dpage *p)
{
    uint64_t pc = h->pc + 2;
    const struct fast_entry *e = fast_fetch(h, pc);
    struct dpage *next = (struct dpage *)e->host;
    uint16_t low, high;

    NOTE_CROSS(h, p);
    memcpy(&low, p->bytes + 4094, 2);
    if (e->tag != (pc | (uint64_t)h->ctx_code << 3) && dpage_fetch(h, pc, &next) != VISA_OK)
        return VISA_TRAP;
    h->fetch_pa2 = next->pa;
    memcpy(&high, next->bytes, 2);
    if (p->slot[DPAGE_SLOTS - 1].op == INTERP_DECODE ||
        p->cross_bits != ((uint32_t)high << 16 | low))
        dpage_decode(p, 4094, high);
    return VISA_OK;
}

void INTERP(struct hart *h)
{
#define LABELS(name) [OP4_##name] = &&L4_##name, [OP2_##name] = &&L2_##name,
#define LABELS_sys(name) [OP4_##name] = &&L_sys, [OP2_##name] = &&L_sys,
#define LABELS_mem(name) [OP4_##name] = &&L_mem,
#define LABELS_none(name) LABELS(name)
#define LABEL_ROW(klass, name, op) PASTE(LABELS_, KIND_##klass)(name)
#define LABEL_NEAR(klass, name) LABELS(near_##name)
#define LABEL_PAIR(first, second)                                                                  \
    [OP44_##first##_##second] = &&L44_##first##_##second,                                          \
    [OP42_##first##_##second] = &&L42_##first##_##second,                                          \
    [OP24_##first##_##second] = &&L24_##first##_##second,                                          \
    [OP22_##first##_##second] = &&L22_##first##_##second,
    /* clang-format off */
    static const void *const labels[INTERP_OPS] = {
        ISA_BASE_INSNS(LABEL_ROW) INTERP_NEAR(LABEL_NEAR) INTERP_PAIRS(LABEL_PAIR)
        [INTERP_DECODE] = &&L_decode, [INTERP_PAGE_END] = &&L_page_end,
        [INTERP_CROSS] = &&L_cross, [INTERP_ILLEGAL] = &&L_illegal,
        [INTERP_BREAK] = &&L_break,
    };
    /* clang-format on */
    const void *const *dispatch = labels;
    uint64_t *const x = h->x;
    const struct dinsn *ip;
    struct dpage *page;
    uint64_t delta; /* pc is (ip >> 2) + delta: 8 bytes of slot for 2 of code */
    uint64_t left = h->limit - h->instret;
    uint64_t data_tag, pc, va, value;
    const struct fast_entry *e;
    unsigned size, length;
    bool is_signed;
#ifdef INTERP_TIMED
    const uintptr_t ram = (uintptr_t)h->machine->ram - RAM_BASE;
    struct timing_insn insn;
    unsigned op;
#endif

#define A x[ip->a]
#define B x[ip->b]
#define PC (((uintptr_t)ip >> 2) + delta)
#define SYNC() (h->pc = PC, h->instret = h->limit - left)
#define I (uint64_t)(int64_t) ip->c
/* An instruction has retired; ip goes on by n slots. */
#define STEP(n)                                                                                    \
    do {                                                                                           \
        ip += (n);                                                                                 \
        if (unlikely(--left == 0))                                                                 \
            goto out;                                                                              \
    } while (0)
#define NEXT(n)                                                                                    \
    do {                                                                                           \
        STEP(n);                                                                                   \
        DISPATCH();                                                                                \
    } while (0)
#define NEXT_PC()                                                                                  \
    do {                                                                                           \
        if (unlikely(--left == 0)) {                                                               \
            h->pc = pc;                                                                            \
            h->instret = h->limit;                                                                 \
            return;                                                                                \
        }                                                                                          \
        goto lookup;                                                                               \
    } while (0)

    /* Else the compiler would compute the table's address again at each DISPATCH. */
    __asm__("" : "+r"(dispatch));
    if (left == 0)
        return;
    pc = h->pc;
#ifdef INTERP_TIMED
    insn.world = world_of(h); /* whatever changes that leaves the interpreter */
#endif

lookup:
    data_tag = (uint64_t)h->ctx_data << 3;
    e = fast_fetch(h, pc);
    if (likely(e->tag == ((pc & ~0xfffull) | (uint64_t)h->ctx_code << 3))) {
        page = (struct dpage *)e->host;
    } else {
        h->pc = pc;
        h->instret = h->limit - left;
        h->insn_len = 0;
        if (unlikely(!dpages_ready(h->machine->dpages)))
            return;
        if (dpage_fetch(h, pc, &page) != VISA_OK)
            goto fault;
        if (unlikely(h->fetch_alone)) {
            h->limit = h->instret + 1;
            left = 1;
        }
    }
    ip = &page->slot[(pc & 0xfff) >> 1];
    delta = pc - ((uintptr_t)ip >> 2);
    DISPATCH();

#ifdef INTERP_TIMED
issue:
    op = ip->op < INTERP_PAIR_FIRST ? ip->op : interp_single(ip->op);
    if (op == INTERP_DECODE || op == INTERP_PAGE_END || op == INTERP_CROSS || op == INTERP_BREAK)
        goto *dispatch[op];
issue_op:
    h->pc = PC;
    h->instret = h->limit - left;
    describe(&insn, ip, op);
    insn.pc = PC;
    insn.pa = page->pa;
    insn.pa2 = h->fetch_pa2;
    switch (issue(h, &insn)) {
    case TIMING_HOLD: return;
    case TIMING_LAST:
        h->limit = h->instret + 1;
        left = 1;
        break;
    case TIMING_GO: break;
    }
    goto *dispatch[op];
#endif

/* By class: the value of rd, into rd (semantics.h). */
#define DO_upper(name, n)                                                                          \
    {                                                                                              \
        const uint64_t i = I;                                                                      \
        A = (VALUE_##name);                                                                        \
    }
#define DO_pcrel(name, n)                                                                          \
    {                                                                                              \
        const uint64_t i = I, at = PC;                                                             \
        A = (VALUE_##name);                                                                        \
    }
#define DO_alu_ri(name, n)                                                                         \
    {                                                                                              \
        const uint64_t a = B, i = I;                                                               \
        A = (VALUE_##name);                                                                        \
    }
#define DO_alu_rr(name, n)                                                                         \
    {                                                                                              \
        const uint64_t a = B, b = x[ip->c];                                                        \
        A = (VALUE_##name);                                                                        \
    }
#define DO_nop(name, n) DOES_##name

/* Loads and stores: the fast entry's tag fails for another page, another context and a
 * misaligned address alike. */
#define FAST(access, type)                                                                         \
    (va = B + I, e = &h->fast[access][(va >> 12) % FAST_ENTRIES],                                  \
     likely(e->tag == ((va & (~0xfffull | (sizeof(type) - 1))) | data_tag)))
#define LOAD(n, type)                                                                              \
    if (FAST(ACCESS_LOAD, type)) {                                                                 \
        type loaded;                                                                               \
        memcpy(&loaded, (const void *)(e->host + va), sizeof loaded);                              \
        NOTE_ACCESS(e->host + va, sizeof loaded, false);                                           \
        A = (uint64_t)(int64_t)loaded;                                                             \
    } else {                                                                                       \
        size = sizeof(type);                                                                       \
        is_signed = (type)-1 < 1;                                                                  \
        length = n;                                                                                \
        goto slow_load;                                                                            \
    }
#define STORE(n, type)                                                                             \
    if (FAST(ACCESS_STORE, type)) {                                                                \
        type stored = (type)A;                                                                     \
        memcpy((void *)(e->host + va), &stored, sizeof stored);                                    \
        NOTE_ACCESS(e->host + va, sizeof stored, true);                                            \
    } else {                                                                                       \
        size = sizeof(type);                                                                       \
        length = n;                                                                                \
        goto slow_store;                                                                           \
    }
#define DO_load(name, n) LOAD(n, TYPE_##name)
#define DO_store(name, n) STORE(n, TYPE_##name)

/* Branches: to any address, or near, inside the page. */
#define BRANCH(condition)                                                                          \
    {                                                                                              \
        const uint64_t a = A, b = B;                                                               \
        if (condition) {                                                                           \
            pc = PC + I;                                                                           \
            NEXT_PC();                                                                             \
        }                                                                                          \
    }
#define NEAR(condition)                                                                            \
    {                                                                                              \
        const uint64_t a = A, b = B;                                                               \
        if (condition)                                                                             \
            NEXT(ip->c);                                                                           \
    }
#define DO_branch(name, n) BRANCH(IF_##name)
#define DO_near_branch(name, n) NEAR(IF_##name)
#define DO_jump(name, n)                                                                           \
    {                                                                                              \
        const uint64_t i = I, at = PC;                                                             \
        pc = (TARGET_##name);                                                                      \
    }                                                                                              \
    A = PC + n;                                                                                    \
    NEXT_PC();
#define DO_near_jump(name, n)                                                                      \
    A = PC + n;                                                                                    \
    NEXT(ip->c);
/* The last slot of a page may hold an instruction that lies on two. */
#define DO_jumpr(name, n)                                                                          \
    {                                                                                              \
        const uint64_t a = B, i = I;                                                               \
        pc = (TARGET_##name);                                                                      \
    }                                                                                              \
    A = PC + n;                                                                                    \
    if (likely(((pc ^ PC) & ~0xfffull) == 0 && ip->op != INTERP_CROSS)) {                          \
        ip = &page->slot[(pc & 0xfff) >> 1];                                                       \
        NEXT(0);                                                                                   \
    }                                                                                              \
    NEXT_PC();

/* The labels. */
#define DO(klass, name, n) PASTE(DO_, klass)(name, n)
#define ROW(klass, label, name)                                                                    \
    L4_##label : DO(klass, name, 4) NEXT(2);                                                       \
    L2_##label : DO(klass, name, 2) NEXT(1);
#define ROW_none(klass, name) ROW(klass, name, name)
#define ROW_sys(klass, name)
#define ROW_mem(klass, name)
#define INSN_ROW(klass, name, op) PASTE(ROW_, KIND_##klass)(klass, name)
#define NEAR_ROW(klass, name) ROW(near_##klass, near_##name, name)
#define PAIR_ROW(first, n, second, m)                                                              \
    L##n##m##_##first##_##second : DO(ISA_CLASS_OF_##first, first, n) STEP(n / 2);                 \
    goto L##m##_##second;
#define PAIR_ROWS(first, second)                                                                   \
    PAIR_ROW(first, 4, second, 4)                                                                  \
    PAIR_ROW(first, 4, second, 2)                                                                  \
    PAIR_ROW(first, 2, second, 4)                                                                  \
    PAIR_ROW(first, 2, second, 2)
    ISA_BASE_INSNS(INSN_ROW)
    INTERP_NEAR(NEAR_ROW)
    INTERP_PAIRS(PAIR_ROWS)

slow_load:
    SYNC();
    note_insn(h, page, ip);
    if (mem_load(h, va, size, &value) != VISA_OK)
        goto trap;
    A = is_signed ? (uint64_t)((int64_t)(value << (64 - 8 * size)) >> (64 - 8 * size)) : value;
    goto accessed;

slow_store:
    SYNC();
    note_insn(h, page, ip);
    if (mem_store(h, va, size, A) != VISA_OK)
        goto trap;
accessed:
    STEP(length / 2);
    if (h->attention)
        goto out;
    DISPATCH();

L_mem:
    SYNC();
    note_insn(h, page, ip);
    if (exec_mem[op_of(ip, page) / 2](h, ip->a, ip->b, (unsigned)ip->c) != VISA_OK)
        goto trap;
    length = 4;
    goto accessed;

L_sys:
    SYNC();
    h->insn = (uint32_t)ip->c;
    h->insn_len = ip->a;
    h->insn_op = op_of(ip, page) / 2;
    h->next_pc = h->pc + h->insn_len;
    if (h->rec) /* it may flush what says where it was */
        mmu_peek_fetch(h, &h->code, h->pc, &h->rec->pc_gpa, &h->rec->pc_hpa);
    if (!may_execute(h) && refuse_ring(h) != VISA_OK)
        goto trap;
    if (exec_sys[h->insn_op](h, h->insn) != VISA_OK)
        goto trap;
    h->instret++;
    h->pc = pc = h->next_pc;
    left--;
    if (h->rec)
        record_event_end(h);
    if (h->attention || left == 0)
        return;
    goto lookup;

L_illegal:
    SYNC();
    h->insn = (uint32_t)ip->c;
    h->insn_len = ip->a;
    if (exec_illegal(h, h->insn) != VISA_OK)
        goto trap;

L_decode:
    if (((uintptr_t)ip - (uintptr_t)page->slot) / sizeof *ip == DPAGE_SLOTS - 1)
        goto decode_last;
    dpage_decode(page, (unsigned)(ip - page->slot) * 2, 0);
    DISPATCH();

decode_last : {
    uint16_t low;

    memcpy(&low, page->bytes + 4094, 2);
    if (isa_length(low) == 2) {
        dpage_decode(page, 4094, 0);
        DISPATCH();
    }
}
L_cross:
    SYNC();
    h->insn_len = 0;
    if (unlikely(!dpages_ready(h->machine->dpages)))
        return;
    if (fetch_cross(h, page) != VISA_OK)
        goto fault;
#ifdef INTERP_TIMED
    op = page->cross_op;
    if (op == INTERP_BREAK)
        goto L_break;
    goto issue_op;
#else
    goto *labels[page->cross_op];
#endif

L_break:
    SYNC();
    if (dpage_breaks(h, page, ip)) {
        h->machine->stop = STOP_BREAK;
        return;
    }
#ifdef INTERP_TIMED
    op = dpage_operation(page, ip);
    goto issue_op;
#else
    goto *labels[dpage_operation(page, ip)];
#endif

L_page_end:
    pc = PC;
    goto lookup;

out:
    SYNC();
    return;

fault:
#ifdef INTERP_TIMED
    issue_fault(h);
#endif
trap:
    take_trap(h, false);
#ifdef INTERP_TIMED
    return; /* interrupts may be due in its cycle */
#else
    if (h->attention || h->rec)
        return;
    pc = h->pc;
    goto lookup;
#endif
}
