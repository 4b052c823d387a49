/* From a mnemonic and operands to bits, by the rows of isa/. */
#include "as.h"

#include <ctype.h>
#include <string.h>

#include "names.h"
#include "suggest.h"

/* --- Patterns: "rd, imm(rs1)" of a row, "$rd, $imm($rs1)" of a pseudo-instruction ------ */

bool pattern_slot(const char *pattern, unsigned i, char *slot, size_t size)
{
    size_t n = 0;

    for (; i > 0; i--) {
        pattern = strchr(pattern, ',');
        if (!pattern)
            return false;
        pattern++;
    }
    for (; *pattern && *pattern != ','; pattern++)
        if (*pattern != ' ' && *pattern != '$' && n + 1 < size)
            slot[n++] = *pattern;
    slot[n] = '\0';
    return n > 0;
}

static bool is_register_slot(const char *slot)
{
    return strcmp(slot, "rd") == 0 || strcmp(slot, "rd?") == 0 || strcmp(slot, "rs1") == 0 ||
           strcmp(slot, "rs2") == 0 || strcmp(slot, "sp") == 0;
}

static bool is_address_slot(const char *slot)
{
    return strcmp(slot, "label") == 0 || strcmp(slot, "symbol") == 0;
}

static bool is_memory_slot(const char *slot)
{
    return strchr(slot, '(') != NULL;
}

static bool match_slot(const char *slot, const struct operand *op)
{
    if (strcmp(slot, "sp") == 0)
        return op->kind == O_REG && op->reg == REG_SP;
    if (is_register_slot(slot))
        return op->kind == O_REG;
    if (is_address_slot(slot))
        return op->kind != O_MEM && (op->modifier == M_NONE || op->modifier == M_PLT);
    if (strcmp(slot, "cr") == 0)
        return op->name && csr_number(op->name, op->name_len) >= 0;
    if (strcmp(slot, "csr") == 0)
        return op->kind == O_EXPR && op->modifier == M_NONE;
    if (!is_memory_slot(slot))
        return op->kind == O_EXPR;
    if (op->kind != O_MEM)
        return false;
    if (strstr(slot, "(sp)") && op->reg != REG_SP)
        return false;
    /* "(rs1)" takes a written 0 as well, which encode checks. */
    return true;
}

static bool is_optional(const char *pattern, unsigned i)
{
    char slot[32];

    return pattern_slot(pattern, i, slot, sizeof slot) && strcmp(slot, "rd?") == 0;
}

bool match_operands(const char *pattern, const struct operand *ops, unsigned n, unsigned *bad)
{
    char slot[32];
    unsigned i;

    if (strcmp(pattern, "fence") == 0) {
        *bad = n == 0 || n == 2 ? 0 : n < 2 ? n : 2;
        return n == 0 || (n == 2 && ops[0].kind == O_EXPR && ops[1].kind == O_EXPR);
    }
    for (i = 0; pattern_slot(pattern, i, slot, sizeof slot); i++) {
        if (i == n) {
            *bad = n;
            return is_optional(pattern, i);
        }
        if (!match_slot(slot, &ops[i])) {
            *bad = i;
            return false;
        }
    }
    *bad = i;
    return i == n;
}

/* --- Operands into fields --------------------------------------------------------------- */

static unsigned field_width(const struct isa_field *f)
{
    unsigned top = 0;

    for (unsigned i = 0; i < f->npieces; i++)
        if (f->pieces[i].lo + f->pieces[i].width > (int)top)
            top = f->pieces[i].lo + f->pieces[i].width;
    return top;
}

static unsigned field_low(const struct isa_field *f)
{
    unsigned low = 32;

    for (unsigned i = 0; i < f->npieces; i++)
        if (f->pieces[i].lo < low)
            low = f->pieces[i].lo;
    return low;
}

void field_range(const struct isa_field *f, int64_t *least, int64_t *most, int64_t *step)
{
    unsigned width = field_width(f);

    *step = (int64_t)1 << field_low(f);
    *least = f->flags & ISA_SIGNED ? -((int64_t)1 << (width - 1)) : 0;
    *most = ((int64_t)1 << (f->flags & ISA_SIGNED ? width - 1 : width)) - *step;
}

static void bad_register(struct as *as, const struct isa_insn *row, const struct isa_field *f,
                         const struct operand *op)
{
    char not [64] = "";

    if (f->flags & ISA_PRIME) {
        error_at(as, op->loc, "%s takes only x8 to x15 (s0, s1, a0 to a5) here, found %s",
                 row->name, reg_name((unsigned)op->reg, false));
        return;
    }
    for (unsigned r = 0; r < REGISTERS; r++)
        if (f->exclude >> r & 1)
            snprintf(not +strlen(not ), sizeof not -strlen(not ), "%s%s", *not ? " or " : "",
                     reg_name(r, false));
    error_at(as, op->loc, "%s does not take %s here", row->name, not );
}

static bool put_register(struct as *as, const struct isa_insn *row, enum isa_field_kind kind,
                         const struct operand *op, uint32_t *bits)
{
    const struct isa_field *f = isa_field(row, kind);

    if (!f)
        return true;
    if (!isa_fits(f, op->reg)) {
        bad_register(as, row, f, op);
        return false;
    }
    *bits = isa_insert(f, *bits, op->reg);
    return true;
}

void immediate_range(struct as *as, const struct isa_insn *row, unsigned shift, int64_t n,
                     struct loc loc)
{
    const struct isa_field *f = isa_field(row, ISA_FIELD_IMM);
    int64_t least, most, step;

    field_range(f, &least, &most, &step);
    least >>= shift;
    most >>= shift;
    step = shift ? 1 : step;
    if (n == 0 && (f->flags & ISA_NONZERO))
        error_at(as, loc, "%s does not take 0", row->name);
    else if (shift)
        error_at(
            as, loc, "%lld does not fit: %s takes %lld to %lld, or the same %u bits without sign",
            (long long)n, row->name, (long long)least, (long long)most, field_width(f) - shift);
    else if (step > 1)
        error_at(as, loc, "%lld does not fit: %s takes %lld to %lld in steps of %lld", (long long)n,
                 row->name, (long long)least, (long long)most, (long long)step);
    else
        error_at(as, loc, "%lld does not fit: %s takes %lld to %lld", (long long)n, row->name,
                 (long long)least, (long long)most);
}

/* The immediate of lui and its kin is value >> 12, with or without sign. */
bool shifted_immediate(const struct isa_field *f, unsigned shift, int64_t *n)
{
    unsigned sign = 31;

    if (!shift)
        return isa_fits(f, *n);
    if (*n < -((int64_t)1 << (sign - shift)) || *n >= (int64_t)1 << (sign + 1 - shift))
        return false;
    *n = (int64_t)(int32_t)((uint32_t)*n << shift);
    return isa_fits(f, *n);
}

static const struct {
    enum modifier modifier;
    enum fixup_kind kind;
    const char *text;
} modified[] = {{M_HI, F_HI, "%hi"},
                {M_LO, F_LO, "%lo"},
                {M_PCREL_HI, F_PCREL_HI, "%pcrel_hi"},
                {M_PCREL_LO, F_PCREL_LO, "%pcrel_lo"}};

/* %hi and %pcrel_hi go with lui and auipc, %lo and %pcrel_lo with 12-bit immediates. */
static bool put_modified(struct as *as, const struct isa_insn *row, unsigned shift,
                         const struct operand *op)
{
    unsigned i = 0;
    struct fixup *f;
    bool high;

    while (modified[i].modifier != op->modifier)
        i++;
    high = op->modifier == M_HI || op->modifier == M_PCREL_HI;
    if (row->length != 4 || high != (shift != 0) ||
        (!high && (field_width(isa_field(row, ISA_FIELD_IMM)) != 12 ||
                   !(isa_field(row, ISA_FIELD_IMM)->flags & ISA_SIGNED)))) {
        error_at(as, op->loc, "%s does not take %s", row->name, modified[i].text);
        return false;
    }
    f = add_fixup(as, modified[i].kind, 4, op->expr, op->loc);
    f->row = row;
    return true;
}

bool put_immediate(struct as *as, const struct isa_insn *row, unsigned shift,
                   const struct operand *op, uint32_t *bits)
{
    const struct expr *e;
    struct fixup *fix;
    struct value v;
    int64_t n;

    if (op->modifier != M_NONE)
        return put_modified(as, row, shift, op);
    e = operand_expr(as, op);
    if (eval(as, e, QUIET, &v) && !v.plus && !v.minus) {
        n = v.n;
        if (!shifted_immediate(isa_field(row, ISA_FIELD_IMM), shift, &n)) {
            immediate_range(as, row, shift, v.n, op->loc);
            return false;
        }
        *bits = isa_insert(isa_field(row, ISA_FIELD_IMM), *bits, n);
        return true;
    }
    fix = add_fixup(as, F_IMM, row->length, e, op->loc);
    fix->row = row;
    fix->shift = (uint8_t)shift;
    return true;
}

bool put_label(struct as *as, const struct isa_insn *row, const struct operand *op)
{
    struct fixup *f = add_fixup(as, F_LABEL, row->length, operand_expr(as, op), op->loc);

    f->row = row;
    return true;
}

static bool put_csr(struct as *as, const struct isa_insn *row, const struct operand *op,
                    uint32_t *bits)
{
    const struct isa_field *f = isa_field(row, ISA_FIELD_CSR);
    struct suggest near;
    int64_t n = op->name ? csr_number(op->name, op->name_len) : -1, builtin;
    struct symbol *s;

    if (n < 0 && op->name) {
        s = symbol_find(as, op->name, op->name_len);
        if (!(s && is_defined(s)) &&
            !builtin_constant(arena_text(&as->arena, op->name, op->name_len), &builtin)) {
            suggest_start(&near, op->name, op->name_len);
            for (unsigned i = 0; i < isa_csr_count; i++)
                suggest_try(&near, isa_csrs[i].name);
            error_at(as, op->loc, "V-ISA has no CSR '%.*s'%s%s%s",
                     (int)(op->name_len < 60 ? op->name_len : 60), op->name,
                     *near.best ? "; did you mean '" : "", near.best, *near.best ? "'?" : "");
            return false;
        }
    }
    if (n < 0 && !constant_now(as, operand_expr(as, op), "the CSR's number", &n))
        return false;
    if (!isa_fits(f, n)) {
        error_at(as, op->loc, "CSR number %lld, expected 0 to 0xfff", (long long)n);
        return false;
    }
    *bits = isa_insert(f, *bits, n);
    return true;
}

/* "rw" as 4 bits, i o r w from the highest one down; "0" is none of them. */
static int fence_set(const struct operand *op)
{
    static const char order[] = "iorw";
    unsigned set = 0;

    if (!op->name)
        return op->expr && !op->expr->op && !op->expr->symbol && op->expr->n == 0 ? 0 : -1;
    for (unsigned i = 0; i < op->name_len; i++) {
        const char *letter = strchr(order, tolower((unsigned char)op->name[i]));
        unsigned bit;

        if (!letter || !*letter)
            return -1;
        bit = 8u >> (letter - order);
        if (set & (bit | (bit - 1)))
            return -1; /* twice, or out of order */
        set |= bit;
    }
    return (int)set;
}

enum { FENCE_ALL = 15, FENCE_PRED = 4 };

static bool put_fence(struct as *as, const struct isa_insn *row, const struct operand *ops,
                      unsigned n, uint32_t *bits)
{
    int sets[2] = {FENCE_ALL, FENCE_ALL};

    for (unsigned i = 0; i < n; i++) {
        sets[i] = fence_set(&ops[i]);
        if (sets[i] < 0) {
            error_at(as, ops[i].loc, "expected some of the letters i o r w, in this order");
            return false;
        }
    }
    *bits = isa_insert(isa_field(row, ISA_FIELD_IMM), *bits, sets[0] << FENCE_PRED | sets[1]);
    return true;
}

static bool put_memory(struct as *as, const struct isa_insn *row, const char *slot,
                       const struct operand *op, uint32_t *bits)
{
    struct value v;

    if (!strstr(slot, "(sp)") && !put_register(as, row, ISA_FIELD_RS1, op, bits))
        return false;
    if (*slot != '(' && op->expr)
        return put_immediate(as, row, 0, op, bits);
    if (*slot != '(' && (isa_field(row, ISA_FIELD_IMM)->flags & ISA_NONZERO)) {
        immediate_range(as, row, 0, 0, op->loc);
        return false;
    }
    if (op->expr && (op->modifier != M_NONE || !eval(as, op->expr, QUIET, &v) || v.plus ||
                     v.minus || v.n != 0)) {
        error_at(as, op->loc, "%s has no offset, expected (register)", row->name);
        return false;
    }
    return true;
}

static bool put_slot(struct as *as, const struct isa_insn *row, const char *slot,
                     const struct operand *op, uint32_t *bits)
{
    if (strcmp(slot, "rd") == 0 || strcmp(slot, "rd?") == 0)
        return put_register(as, row, ISA_FIELD_RD, op, bits);
    if (strcmp(slot, "rs1") == 0)
        return put_register(as, row, ISA_FIELD_RS1, op, bits);
    if (strcmp(slot, "rs2") == 0)
        return put_register(as, row, ISA_FIELD_RS2, op, bits);
    if (strcmp(slot, "sp") == 0)
        return true;
    if (strcmp(slot, "csr") == 0)
        return put_csr(as, row, op, bits);
    if (strcmp(slot, "label") == 0)
        return put_label(as, row, op);
    if (strcmp(slot, "imm20") == 0)
        return put_immediate(as, row, 12, op, bits);
    if (is_memory_slot(slot))
        return put_memory(as, row, slot, op, bits);
    return put_immediate(as, row, 0, op, bits);
}

void before_code(struct as *as, struct loc loc)
{
    struct section *s = as->section, *whole = s->parent ? s->parent : s;

    if (s->size % 2)
        warn_at(as, loc,
                "this instruction stands at an odd address; .align 2 in front of it helps");
    if (whole->align < 4)
        whole->align = 4;
}

bool encode(struct as *as, const struct isa_insn *row, const struct operand *ops, unsigned n,
            unsigned ordering, struct loc loc)
{
    static const struct operand default_rd = {.kind = O_REG, .reg = REG_A0};
    size_t fixups = as->section->nfixups;
    uint32_t bits = row->match;
    char slot[32];
    bool ok = true;

    if (strcmp(row->operands, "fence") == 0)
        ok = put_fence(as, row, ops, n, &bits);
    else
        for (unsigned i = 0; ok && pattern_slot(row->operands, i, slot, sizeof slot); i++)
            ok = put_slot(as, row, slot, i < n ? &ops[i] : &default_rd, &bits);
    if (!ok) {
        as->section->nfixups = fixups;
        return false;
    }
    before_code(as, loc);
    if (ordering & ORDER_AQ)
        bits = isa_insert(isa_field(row, ISA_FIELD_AQ), bits, 1);
    if (ordering & ORDER_RL)
        bits = isa_insert(isa_field(row, ISA_FIELD_RL), bits, 1);
    if (emit_code(as, bits, row->length, loc))
        return true;
    as->section->nfixups = fixups;
    return false;
}

void fence_tso(struct as *as, struct loc loc)
{
    const struct isa_insn *row = &isa_insns[ISA_OP_FENCE];

    if (end_of_statement(as))
        emit_code(as, isa_insert(isa_field(row, ISA_FIELD_IMM), row->match, FENCE_TSO), row->length,
                  loc);
}
