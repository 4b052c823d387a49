/* Pseudo-instructions: text of isa/pseudo.isa with its operands put in, and the few that
 * need arithmetic or relocations. */
#include "as.h"

#include <stdlib.h>
#include <string.h>

#include "names.h"

/* --- Expansion by text ------------------------------------------------------------------ */

/* The operand that stands for $name in the pattern; NULL if it was left out. */
static const struct operand *bound(const char *pattern, const struct operand *ops, unsigned n,
                                   const char *name, size_t len)
{
    char slot[32], part[32];

    for (unsigned i = 0; i < n && pattern_slot(pattern, i, slot, sizeof slot); i++) {
        char *open = strchr(slot, '(');

        snprintf(part, sizeof part, "%s", open ? open + 1 : "");
        part[strcspn(part, ")")] = '\0';
        if (open)
            *open = '\0';
        if ((strlen(slot) == len && memcmp(slot, name, len) == 0) ||
            (strlen(part) == len && memcmp(part, name, len) == 0))
            return &ops[i];
    }
    return NULL;
}

/* A word of the expansion: $operand, a register, a number or a CSR. */
static struct operand word(struct as *as, const struct isa_pseudo *p, const struct operand *ops,
                           unsigned n, const char *s, size_t len, struct loc loc)
{
    struct operand out = {.kind = O_EXPR, .loc = loc};
    const struct operand *from;
    int r = reg_number(s, len);

    if (len > 1 && *s == '$' && (from = bound(p->operands, ops, n, s + 1, len - 1)))
        return *from;
    if (r >= 0) {
        out.kind = O_REG;
        out.reg = r;
    } else if (csr_number(s, len) >= 0) {
        out.name = s;
        out.name_len = (uint32_t)len;
    } else {
        out.expr = expr_number(as, strtoll(s, NULL, 0), loc);
    }
    return out;
}

/* "$rd" or "$imm($rs1)", len characters. */
static struct operand expanded(struct as *as, const struct isa_pseudo *p, const struct operand *ops,
                               unsigned n, const char *s, size_t len, struct loc loc)
{
    const char *open = memchr(s, '(', len);
    struct operand outer, inner;

    if (!open)
        return word(as, p, ops, n, s, len, loc);
    outer = word(as, p, ops, n, s, (size_t)(open - s), loc);
    inner = word(as, p, ops, n, open + 1, len - (size_t)(open - s) - 2, loc);
    /* $imm($rs1) may both come from one operand 8(a0) */
    outer.kind = O_MEM;
    outer.reg = inner.reg;
    return outer;
}

/* One instruction of an expansion, up to end. */
static bool expand_one(struct as *as, const struct isa_pseudo *p, const struct operand *ops,
                       unsigned n, const char *s, const char *end, struct loc loc)
{
    struct operand out[OPERANDS];
    unsigned count = 0;
    char name[32];
    size_t len = strcspn(s, " ;");

    snprintf(name, sizeof name, "%.*s", (int)len, s);
    for (s += len; s < end && count < OPERANDS;) {
        s += strspn(s, " ,");
        len = strcspn(s, ",; ");
        if (s + len > end || len == 0)
            break;
        out[count++] = expanded(as, p, ops, n, s, len, loc);
        s += len;
    }
    return encode(as, isa_find(name), out, count, 0, loc);
}

/* A spelling of an instruction that returns something, without a register for it. */
static void warn_of_lost_result(struct as *as, const struct isa_pseudo *p, struct loc loc)
{
    const struct isa_insn *row = isa_find(p->name);

    if (row && row->rings && strncmp(row->operands, "rd,", 3) == 0 &&
        strncmp(p->operands, "$rd", 3) != 0)
        warn_at(as, loc, "the result is lost: write '%s %s', with x0 if it does not matter (%s)",
                p->name, row->operands, row->formula);
}

static bool expand(struct as *as, const struct isa_pseudo *p, const struct operand *ops, unsigned n,
                   struct loc loc)
{
    const char *s = p->expansion;
    bool ok = true;

    warn_of_lost_result(as, p, loc);

    while (ok && *s) {
        const char *end = s + strcspn(s, ";");

        ok = expand_one(as, p, ops, n, s, end, loc);
        s = end + strspn(end, "; ");
    }
    return ok;
}

/* --- Those done here -------------------------------------------------------------------- */

static struct operand reg_operand(int r, struct loc loc)
{
    return (struct operand){.kind = O_REG, .reg = r, .loc = loc};
}

static bool li(struct as *as, int rd, const struct operand *op, struct loc loc)
{
    struct li_step steps[LI_STEPS];
    const struct expr *e = operand_expr(as, op);
    struct value v;
    int64_t value;
    unsigned n;

    if (op->modifier != M_NONE) {
        error_at(as, op->loc, "li takes a number");
        return false;
    }
    if (!eval(as, e, NOW, &v))
        return false;
    if (v.plus && v.plus->kind == S_LABEL) {
        error_at(as, op->loc, "li takes a number, but '%s' is an address: use la",
                 *v.plus->name ? v.plus->name : ".");
        return false;
    }
    if (!constant_now(as, e, "the number for li", &value))
        return false;
    n = li_steps(value, steps);
    for (unsigned i = 0; i < n; i++) {
        const struct isa_insn *row = &isa_insns[steps[i].op];
        struct operand ops[3] = {reg_operand(rd, loc),
                                 reg_operand(i ? rd : REG_ZERO, loc),
                                 {.kind = O_EXPR, .loc = loc}};
        unsigned last = steps[i].op == ISA_OP_LUI ? 1 : 2;

        ops[last] = (struct operand){
            .kind = O_EXPR,
            .loc = loc,
            .expr = expr_number(as, last == 1 ? steps[i].imm >> 12 : steps[i].imm, loc)};
        if (!encode(as, row, ops, last + 1, 0, loc))
            return false;
    }
    return true;
}

/* auipc base, %pcrel_hi(target) with a label on it, then row with %pcrel_lo(label). */
static bool far(struct as *as, const struct isa_insn *row, int reg, int base,
                const struct operand *target, struct loc loc)
{
    char name[32];
    struct symbol *label;
    struct operand high[2] = {reg_operand(base, loc), *target}, low[3];
    struct operand offset = {.kind = O_EXPR, .modifier = M_PCREL_LO, .loc = target->loc};

    snprintf(name, sizeof name, ".Lpcrel_hi.%u", as->hi_labels++);
    label = symbol_generated(as, name);
    define_label(as, label, loc);
    high[1].kind = O_EXPR;
    high[1].modifier = M_PCREL_HI;
    high[1].expr = operand_expr(as, target);
    offset.expr = expr_symbol(as, label, target->loc);
    if (!encode(as, &isa_insns[ISA_OP_AUIPC], high, 2, 0, loc))
        return false;
    low[0] = reg_operand(reg, loc);
    if (row->klass != ISA_CLASS_LOAD && row->klass != ISA_CLASS_STORE) {
        low[1] = reg_operand(base, loc);
        low[2] = offset;
        return encode(as, row, low, 3, 0, loc);
    }
    low[1] = offset;
    low[1].kind = O_MEM;
    low[1].reg = base;
    return encode(as, row, low, 2, 0, loc);
}

/* auipc and jalr as one: the linker knows the pair as R_RISCV_CALL_PLT. */
static bool call(struct as *as, int link, int scratch, const struct operand *target, struct loc loc)
{
    const struct isa_insn *auipc = &isa_insns[ISA_OP_AUIPC], *jalr = &isa_insns[ISA_OP_JALR];
    uint32_t first = isa_insert(isa_field(auipc, ISA_FIELD_RD), auipc->match, scratch);
    uint32_t second = isa_insert(isa_field(jalr, ISA_FIELD_RD), jalr->match, link);

    second = isa_insert(isa_field(jalr, ISA_FIELD_RS1), second, scratch);
    add_fixup(as, F_CALL, 8, operand_expr(as, target), target->loc);
    if (emit_code(as, first, 4, loc) && emit_code(as, second, 4, loc))
        return true;
    as->section->nfixups--;
    return false;
}

static bool jumps(const char *name)
{
    return strcmp(name, "call") == 0 || strcmp(name, "tail") == 0 || strcmp(name, "jump") == 0;
}

bool pseudo(struct as *as, const struct isa_pseudo *p, const struct operand *ops, unsigned n,
            struct loc loc)
{
    const struct isa_insn *row = isa_find(p->name);
    const struct operand *symbol = bound(p->operands, ops, n, "symbol", 6);

    if (*p->expansion)
        return expand(as, p, ops, n, loc);
    if (strcmp(p->name, "c.unimp") == 0) /* the short instruction that never will be one */
        return emit_code(as, 0, 2, loc);
    if (symbol && symbol->modifier == M_PLT && !jumps(p->name)) {
        error_at(as, symbol->loc, "@plt goes with call, tail and jump");
        return false;
    }
    if (strcmp(p->name, "li") == 0)
        return li(as, ops[0].reg, &ops[1], loc);
    if (strcmp(p->name, "la") == 0 || strcmp(p->name, "lla") == 0)
        return far(as, &isa_insns[ISA_OP_ADDI], ops[0].reg, ops[0].reg, symbol, loc);
    if (strcmp(p->name, "tail") == 0)
        return call(as, REG_ZERO, REG_T1, symbol, loc);
    if (strcmp(p->name, "jump") == 0)
        return call(as, REG_ZERO, ops[1].reg, symbol, loc);
    if (strcmp(p->name, "call") == 0 && n == 1)
        return call(as, REG_RA, REG_RA, symbol, loc);
    if (strcmp(p->name, "call") == 0)
        return call(as, ops[0].reg, ops[0].reg, symbol, loc);
    if (row && symbol->kind != O_EXPR) {
        error_at(as, symbol->loc, "expected offset(register) or a symbol, found a register");
        return false;
    }
    if (row && row->klass == ISA_CLASS_STORE)
        return far(as, row, ops[0].reg, ops[2].reg, symbol, loc);
    if (row && ops[0].reg == REG_ZERO) {
        error_at(as, ops[0].loc, "the register must hold the address first, so it cannot be zero");
        return false;
    }
    if (row)
        return far(as, row, ops[0].reg, ops[0].reg, symbol, loc);
    error_at(as, loc, "'%s' is not known to this assembler", p->name);
    return false;
}
