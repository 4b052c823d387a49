/* Operands as they are written, whatever the instruction; encode.c says what fits where. */
#include "as.h"

#include <string.h>

#include "names.h"
#include "suggest.h"

static const struct {
    const char *name;
    enum modifier modifier;
} modifiers[] = {{"hi", M_HI}, {"lo", M_LO}, {"pcrel_hi", M_PCREL_HI}, {"pcrel_lo", M_PCREL_LO}};

/* %hi(expression) and its kin; as->t is the '%'. */
static bool parse_modifier(struct as *as, struct operand *op)
{
    struct suggest near;
    const struct token *name = as->t + 1;
    struct loc loc = token_loc(as, as->t);

    as->t++;
    if (name->kind != T_NAME) {
        unexpected(as, "hi, lo, pcrel_hi or pcrel_lo");
        return false;
    }
    loc.len += name->n;
    for (unsigned i = 0; i < COUNT(modifiers); i++)
        if (token_is(name, modifiers[i].name))
            op->modifier = modifiers[i].modifier;
    if (op->modifier == M_NONE) {
        suggest_start(&near, name->s, name->n);
        for (unsigned i = 0; i < COUNT(modifiers); i++)
            suggest_try(&near, modifiers[i].name);
        error_at(as, loc,
                 "unknown operator '%%%.*s', expected %%hi, %%lo, %%pcrel_hi or %%pcrel_lo%s%s%s",
                 (int)(name->n < 40 ? name->n : 40), name->s, *near.best ? "; did you mean '%" : "",
                 near.best, *near.best ? "'?" : "");
        return false;
    }
    as->t++;
    if (!want_op(as, '(', NULL))
        return false;
    op->expr = parse_expr(as);
    return op->expr && want_op(as, ')', NULL);
}

static int token_reg(const struct token *t)
{
    return t->kind == T_NAME ? reg_number(t->s, t->n) : -1;
}

static bool ends_operand(const struct token *t)
{
    return t->kind == T_END || (t->kind == T_OP && t->op == ',');
}

/* "name@plt" as a whole operand, as compilers write it. */
static bool at_plt(const struct token *t)
{
    return t[0].kind == T_NAME && t[1].kind == T_OP && t[1].op == '@' && token_is(t + 2, "plt") &&
           ends_operand(t + 3);
}

/* "(reg)" at as->t, and nothing behind it in this operand. */
static bool at_base(const struct as *as)
{
    return is_op(as, '(') && token_reg(as->t + 1) >= 0 && as->t[2].kind == T_OP &&
           as->t[2].op == ')' && ends_operand(as->t + 3);
}

static void take_base(struct as *as, struct operand *op)
{
    op->kind = O_MEM;
    op->reg = token_reg(as->t + 1);
    as->t += 3;
}

/* "(name)" where a register should stand. */
static bool bad_base(struct as *as)
{
    struct suggest near;
    const struct token *t = as->t + 1;

    if (!is_op(as, '(') || t->kind != T_NAME)
        return false;
    suggest_start(&near, t->s, t->n);
    for (unsigned i = 0; i < REGISTERS; i++)
        suggest_try(&near, reg_name(i, false));
    error_at(as, token_loc(as, t), "expected a register, found '%.*s'%s%s%s",
             (int)(t->n < 40 ? t->n : 40), t->s, *near.best ? "; did you mean '" : "", near.best,
             *near.best ? "'?" : "");
    return true;
}

static bool parse_operand(struct as *as, struct operand *op)
{
    const struct token *t = as->t, *last;

    *op = (struct operand){.kind = O_EXPR, .loc = token_loc(as, t)};
    if (t->kind == T_NAME && ends_operand(t + 1)) {
        op->name = t->s;
        op->name_len = t->n;
        op->reg = reg_number(t->s, t->n);
        op->kind = O_REG;
        if (op->reg < 0) {
            op->reg = freg_number(t->s, t->n);
            op->kind = O_FREG;
        }
        as->t++;
        if (op->reg >= 0)
            return true;
        /* A symbol, a CSR or a fence set: the pattern decides (operand_expr). */
        op->kind = O_EXPR;
        return true;
    }
    if (at_plt(t)) {
        op->expr = expr_symbol(as, symbol_get(as, t->s, t->n), token_loc(as, t));
        op->modifier = M_PLT;
        as->t += 3;
    } else if (at_base(as)) {
        take_base(as, op);
    } else {
        if (is_op(as, '%')) {
            if (!parse_modifier(as, op))
                return false;
        } else if (!(op->expr = parse_expr(as))) {
            return false;
        }
        if (at_base(as))
            take_base(as, op);
        else if (bad_base(as))
            return false;
    }
    last = as->t - 1;
    op->loc.len = (uint32_t)(last->s + last->n - t->s);
    return true;
}

bool parse_operands(struct as *as, struct operand *ops, unsigned *n)
{
    *n = 0;
    if (as->t->kind == T_END)
        return true;
    do {
        if (*n == OPERANDS) {
            error_at(as, token_loc(as, as->t), "no instruction has more than %d operands",
                     OPERANDS);
            return false;
        }
        if (!parse_operand(as, &ops[*n]))
            return false;
        ++*n;
    } while (take_op(as, ','));
    return end_of_statement(as);
}

const struct expr *operand_expr(struct as *as, const struct operand *op)
{
    if (op->expr || !op->name)
        return op->expr;
    if (op->name_len == 1 && *op->name == '.')
        return expr_symbol(as, symbol_here(as), op->loc);
    return expr_symbol(as, symbol_get(as, op->name, op->name_len), op->loc);
}
