/* The interpreter: threaded dispatch over decoded pages (dpage.h).
 *
 * One label per operation; the body of a row reads a, b (registers) and i (immediate).
 * ip points at the slot being executed, so pc is ip in other units. `left` counts down
 * to the instruction at which something outside is due. What can trap calls an exec_
 * function with the hart's state written back (SYNC) and looks at what it returns. */
#include "cpu/interp.h"

#include <string.h>

#include "cpu/alu.h"
#include "cpu/cpu.h"
#include "machine_impl.h"
#include "mmu/mmu.h"

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

unsigned interp_near(enum isa_op op)
{
    switch (op) {
    case ISA_OP_BEQ: return INTERP_NEAR_4_beq;
    case ISA_OP_BNE: return INTERP_NEAR_4_bne;
    case ISA_OP_BLT: return INTERP_NEAR_4_blt;
    case ISA_OP_BGE: return INTERP_NEAR_4_bge;
    case ISA_OP_BLTU: return INTERP_NEAR_4_bltu;
    case ISA_OP_BGEU: return INTERP_NEAR_4_bgeu;
    case ISA_OP_JAL: return INTERP_NEAR_4_jal;
    default: return 0;
    }
}

/* The operation of the slot, also if it is the one over the page's end. */
#define OP_OF(ip, page) ((ip)->op == INTERP_CROSS ? (page)->cross_op : (ip)->op)

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
    const struct fast_entry *e = &h->fast[ACCESS_FETCH][(pc >> 12) % FAST_ENTRIES];
    struct dpage *next = (struct dpage *)e->host;
    uint16_t low, high;

    memcpy(&low, p->bytes + 4094, 2);
    if (e->tag != (pc | (uint64_t)h->ctx_code << 3) && mmu_fetch(h, pc, &next) != VISA_OK)
        return VISA_TRAP;
    memcpy(&high, next->bytes, 2);
    if (p->slot[DPAGE_SLOTS - 1].op == INTERP_DECODE ||
        p->cross_bits != ((uint32_t)high << 16 | low))
        dpage_decode(p, 4094, high);
    return VISA_OK;
}

void interp(struct hart *h)
{
#define STANDARD_LABELS(name, op) [2 * (op)] = &&L4_##name, [2 * (op) + 1] = &&L2_##name,
#define LABEL_sys(name, op) [2 * (op)] = &&L_sys, [2 * (op) + 1] = &&L_sys,
#define LABEL_mem(name, op) [2 * (op)] = &&L_mem,
#define LABEL_none(name, op) STANDARD_LABELS(name, op)
#define LABEL_ROW(klass, name, op) PASTE(LABEL_, KIND_##klass)(name, op)
#define LABEL_NEAR(name) [INTERP_NEAR_4_##name] = &&N4_##name, [INTERP_NEAR_2_##name] = &&N2_##name,
    /* clang-format off */
    static const void *const labels[INTERP_OPS] = {
        ISA_BASE_INSNS(LABEL_ROW) INTERP_NEAR(LABEL_NEAR)
        [INTERP_DECODE] = &&L_decode, [INTERP_PAGE_END] = &&L_page_end,
        [INTERP_CROSS] = &&L_cross, [INTERP_ILLEGAL] = &&L_illegal,
    };
    /* clang-format on */
    uint64_t *const x = h->x;
    const struct dinsn *ip;
    struct dpage *page;
    uint64_t delta; /* pc is (ip >> 2) + delta: 8 bytes of slot for 2 of code */
    uint64_t left = h->limit - h->instret;
    uint64_t data_tag, pc, va, value;
    const struct fast_entry *e;
    bool taken;

#define A x[ip->a]
#define B x[ip->b]
#define PC (((uintptr_t)ip >> 2) + delta)
#define SYNC() (h->pc = PC, h->instret = h->limit - left)
#define DISPATCH() goto *labels[ip->op]
/* An instruction of 2n bytes has retired: the one behind it is next. */
#define NEXT(n)                                                                                    \
    do {                                                                                           \
        ip += (n);                                                                                 \
        if (unlikely(--left == 0))                                                                 \
            goto out;                                                                              \
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
/* Both lengths of a row. */
#define ROW(name, ...)                                                                             \
    L4_##name:                                                                                     \
    {                                                                                              \
        __VA_ARGS__;                                                                               \
    }                                                                                              \
    NEXT(2);                                                                                       \
    L2_##name:                                                                                     \
    {                                                                                              \
        __VA_ARGS__;                                                                               \
    }                                                                                              \
    NEXT(1);

    if (left == 0)
        return;
    pc = h->pc;

lookup:
    data_tag = (uint64_t)h->ctx_data << 3;
    e = &h->fast[ACCESS_FETCH][(pc >> 12) % FAST_ENTRIES];
    if (likely(e->tag == ((pc & ~0xfffull) | (uint64_t)h->ctx_code << 3))) {
        page = (struct dpage *)e->host;
    } else {
        h->pc = pc;
        h->instret = h->limit - left;
        h->insn_len = 0;
        if (mmu_fetch(h, pc, &page) != VISA_OK)
            goto trap;
    }
    ip = &page->slot[(pc & 0xfff) >> 1];
    delta = pc - ((uintptr_t)ip >> 2);
    DISPATCH();

    /* RV64I */
#define ALU_RI(name, result)                                                                       \
    ROW(name, {                                                                                    \
        const uint64_t a = B, i = (uint64_t)(int64_t)ip->c;                                        \
        A = (result);                                                                              \
    })
#define ALU_RR(name, result)                                                                       \
    ROW(name, {                                                                                    \
        const uint64_t a = B, b = x[ip->c];                                                        \
        A = (result);                                                                              \
    })
    ROW(lui, A = (uint64_t)(int64_t)ip->c)
    ROW(auipc, A = PC + (uint64_t)(int64_t)ip->c)
    ROW(fence, (void)0)
    ALU_RI(addi, a + i)
    ALU_RI(slti, (int64_t)a < (int64_t)i)
    ALU_RI(sltiu, a < i)
    ALU_RI(xori, a ^ i)
    ALU_RI(ori, a | i)
    ALU_RI(andi, a & i)
    ALU_RI(slli, a << i)
    ALU_RI(srli, a >> i)
    ALU_RI(srai, (uint64_t)((int64_t)a >> i))
    ALU_RI(addiw, SX32(a + i))
    ALU_RI(slliw, SX32(a << i))
    ALU_RI(srliw, SX32((uint32_t)a >> i))
    ALU_RI(sraiw, SX32((int32_t)a >> i))
    ALU_RR(add, a + b)
    ALU_RR(sub, a - b)
    ALU_RR(sll, a << (b & 63))
    ALU_RR(slt, (int64_t)a < (int64_t)b)
    ALU_RR(sltu, a < b)
    ALU_RR(xor, a ^ b)
    ALU_RR(srl, a >> (b & 63))
    ALU_RR(sra, (uint64_t)((int64_t)a >> (b & 63)))
    ALU_RR(or, a | b)
    ALU_RR(and, a & b)
    ALU_RR(addw, SX32(a + b))
    ALU_RR(subw, SX32(a - b))
    ALU_RR(sllw, SX32(a << (b & 31)))
    ALU_RR(srlw, SX32((uint32_t)a >> (b & 31)))
    ALU_RR(sraw, SX32((int32_t)a >> (b & 31)))

    /* RV64M */
    ALU_RR(mul, a * b)
    ALU_RR(mulh, high_ss(a, b))
    ALU_RR(mulhsu, high_su(a, b))
    ALU_RR(mulhu, high_uu(a, b))
    ALU_RR(div, quotient((int64_t)a, (int64_t)b))
    ALU_RR(divu, b ? a / b : UINT64_MAX)
    ALU_RR(rem, remainder_of((int64_t)a, (int64_t)b))
    ALU_RR(remu, b ? a % b : a)
    ALU_RR(mulw, SX32(a * b))
    ALU_RR(divw, SX32(quotient((int32_t)a, (int32_t)b)))
    ALU_RR(divuw, (uint32_t)b ? SX32((uint32_t)a / (uint32_t)b) : UINT64_MAX)
    ALU_RR(remw, SX32(remainder_of((int32_t)a, (int32_t)b)))
    ALU_RR(remuw, (uint32_t)b ? SX32((uint32_t)a % (uint32_t)b) : SX32(a))

    /* Loads and stores: the fast entry's tag fails for another page, another context
     * and a misaligned address alike. */
#define FAST(access, type)                                                                         \
    (va = B + (uint64_t)(int64_t)ip->c, e = &h->fast[access][(va >> 12) % FAST_ENTRIES],           \
     likely(e->tag == ((va & (~0xfffull | (sizeof(type) - 1))) | data_tag)))
#define LOAD_ONE(label, n, type)                                                                   \
    label:                                                                                         \
    if (FAST(ACCESS_LOAD, type)) {                                                                 \
        type loaded;                                                                               \
        memcpy(&loaded, (const void *)(e->host + va), sizeof loaded);                              \
        A = (uint64_t)(int64_t)loaded;                                                             \
        NEXT(n);                                                                                   \
    }                                                                                              \
    SYNC();                                                                                        \
    note_insn(h, page, ip);                                                                        \
    if (mem_load(h, va, sizeof(type), &value) != VISA_OK)                                          \
        goto trap;                                                                                 \
    A = (uint64_t)(int64_t)(type)value;                                                            \
    if (h->attention)                                                                              \
        goto leave_##n;                                                                            \
    NEXT(n);
#define LOAD(name, type)                                                                           \
    LOAD_ONE(L4_##name, 2, type)                                                                   \
    LOAD_ONE(L2_##name, 1, type)
#define STORE_ONE(label, n, type)                                                                  \
    label:                                                                                         \
    if (FAST(ACCESS_STORE, type)) {                                                                \
        type stored = (type)A;                                                                     \
        memcpy((void *)(e->host + va), &stored, sizeof stored);                                    \
        NEXT(n);                                                                                   \
    }                                                                                              \
    SYNC();                                                                                        \
    note_insn(h, page, ip);                                                                        \
    if (mem_store(h, va, sizeof(type), A) != VISA_OK)                                              \
        goto trap;                                                                                 \
    if (h->attention)                                                                              \
        goto leave_##n;                                                                            \
    NEXT(n);
#define STORE(name, type)                                                                          \
    STORE_ONE(L4_##name, 2, type)                                                                  \
    STORE_ONE(L2_##name, 1, type)
    LOAD(lb, int8_t)
    LOAD(lh, int16_t)
    LOAD(lw, int32_t)
    LOAD(ld, int64_t)
    LOAD(lbu, uint8_t)
    LOAD(lhu, uint16_t)
    LOAD(lwu, uint32_t)
    STORE(sb, uint8_t)
    STORE(sh, uint16_t)
    STORE(sw, uint32_t)
    STORE(sd, uint64_t)

    /* Branches: L to any address, N inside the page. */
#define BRANCH_ONE(name, n, condition)                                                             \
    N##n##_##name:                                                                                 \
    {                                                                                              \
        const uint64_t a = A, b = B;                                                               \
        if (condition)                                                                             \
            NEXT(ip->c);                                                                           \
        NEXT(n / 2);                                                                               \
    }                                                                                              \
    L##n##_##name:                                                                                 \
    {                                                                                              \
        const uint64_t a = A, b = B;                                                               \
        taken = (condition);                                                                       \
        if (!taken)                                                                                \
            NEXT(n / 2);                                                                           \
        pc = PC + (uint64_t)(int64_t)ip->c;                                                        \
        NEXT_PC();                                                                                 \
    }
#define BRANCH(name, condition)                                                                    \
    BRANCH_ONE(name, 4, condition)                                                                 \
    BRANCH_ONE(name, 2, condition)
    BRANCH(beq, a == b)
    BRANCH(bne, a != b)
    BRANCH(blt, (int64_t)a < (int64_t)b)
    BRANCH(bge, (int64_t)a >= (int64_t)b)
    BRANCH(bltu, a < b)
    BRANCH(bgeu, a >= b)

#define JUMP(name, n)                                                                              \
    N##n##_##name : A = PC + n;                                                                    \
    NEXT(ip->c);                                                                                   \
    L##n##_##name : pc = PC + (uint64_t)(int64_t)ip->c;                                            \
    A = PC + n;                                                                                    \
    NEXT_PC();
    JUMP(jal, 4)
    JUMP(jal, 2)

#define JUMPR(name, n)                                                                             \
    L##n##_##name : pc = (B + (uint64_t)(int64_t)ip->c) & ~1ull;                                   \
    A = PC + n;                                                                                    \
    if (likely(((pc ^ PC) & ~0xfffull) == 0 && ip->op != INTERP_CROSS))                            \
        NEXT((int64_t)(pc - PC) / 2);                                                              \
    NEXT_PC();
    JUMPR(jalr, 4)
    JUMPR(jalr, 2)

L_mem:
    SYNC();
    note_insn(h, page, ip);
    if (exec_mem[OP_OF(ip, page) / 2](h, ip->a, ip->b, (unsigned)ip->c) != VISA_OK)
        goto trap;
    if (h->attention)
        goto leave_2;
    NEXT(2);

L_sys:
    SYNC();
    h->insn = (uint32_t)ip->c;
    h->insn_len = ip->a;
    h->insn_op = OP_OF(ip, page) / 2;
    h->next_pc = h->pc + h->insn_len;
    if (exec_sys[h->insn_op](h, h->insn) != VISA_OK)
        goto trap;
    h->instret++;
    h->pc = pc = h->next_pc;
    left--;
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
    if (fetch_cross(h, page) != VISA_OK)
        goto trap;
    goto *labels[page->cross_op];

L_page_end:
    pc = PC;
    goto lookup;

leave_1:
    ip += 1;
    left--;
    goto out;
leave_2:
    ip += 2;
    left--;
out:
    SYNC();
    return;

trap:
    take_trap(h);
    if (h->attention || h->rec)
        return;
    pc = h->pc;
    goto lookup;
}
