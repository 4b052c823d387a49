/* Expressions: parsed once into a tree, evaluated as often as somebody asks.
 *
 * Operators bind as in the GNU assembler: * / % << >> before | & ^ before + - before
 * comparisons before && before ||; comparisons give -1 for true. Where C would group
 * operators without parentheses differently, a warning says so. */
#include "as.h"

#include <string.h>

static const struct binary {
    int op;
    unsigned char rank, c_rank; /* the higher, the tighter; here and in C */
    char text[3];
} binaries[] = {
    {'*', 6, 10, "*"},    {'/', 6, 10, "/"},   {'%', 6, 10, "%"},   {OP_SHL, 6, 8, "<<"},
    {OP_SHR, 6, 8, ">>"}, {'|', 5, 3, "|"},    {'^', 5, 4, "^"},    {'&', 5, 5, "&"},
    {'+', 4, 9, "+"},     {'-', 4, 9, "-"},    {OP_EQ, 3, 6, "=="}, {OP_NE, 3, 6, "!="},
    {'<', 3, 7, "<"},     {'>', 3, 7, ">"},    {OP_LE, 3, 7, "<="}, {OP_GE, 3, 7, ">="},
    {OP_AND, 2, 2, "&&"}, {OP_OR, 1, 1, "||"},
};

static const struct binary *binary(int op)
{
    for (unsigned i = 0; i < COUNT(binaries); i++)
        if (binaries[i].op == op)
            return &binaries[i];
    return NULL;
}

static struct expr *new_expr(struct as *as, int op, struct loc loc)
{
    struct expr *e = arena_alloc(&as->arena, sizeof *e);

    e->op = (uint16_t)op;
    e->loc = loc;
    return e;
}

const struct expr *expr_number(struct as *as, int64_t n, struct loc loc)
{
    struct expr *e = new_expr(as, 0, loc);

    e->n = n;
    return e;
}

const struct expr *expr_symbol(struct as *as, struct symbol *s, struct loc loc)
{
    struct expr *e;

    /* What .set says later does not concern uses before it: they are the number. */
    if (s->kind == S_NUMBER && s->assigned)
        return expr_number(as, s->value, loc);
    e = new_expr(as, 0, loc);
    e->symbol = s;
    if (!s->used.source)
        s->used = loc;
    return e;
}

static const struct expr *parse_binary(struct as *as, unsigned least);
static const struct expr *parse_unary(struct as *as);

/* One level down; false after an error. Parsers call themselves, and the stack has an end. */
static bool deeper(struct as *as)
{
    if (as->expr_depth == EXPR_DEPTH) {
        error_at(as, token_loc(as, as->t), "this expression is nested deeper than %d levels",
                 EXPR_DEPTH);
        return false;
    }
    as->expr_depth++;
    return true;
}

/* What an operator in front applies to. */
static const struct expr *parse_operand_of_unary(struct as *as)
{
    const struct expr *e;

    if (!deeper(as))
        return NULL;
    e = parse_unary(as);
    as->expr_depth--;
    return e;
}

static const struct expr *parse_name(struct as *as, const struct token *t)
{
    struct loc loc = token_loc(as, t);

    if (t->n == 1 && *t->s == '.')
        return expr_symbol(as, symbol_here(as), loc);
    return expr_symbol(as, symbol_get(as, t->s, t->n), loc);
}

/* "any name" */
static const struct expr *parse_quoted(struct as *as)
{
    struct loc loc = token_loc(as, as->t);
    const char *name;
    size_t n;

    if (!want_name(as, &name, &n, "a symbol"))
        return NULL;
    return expr_symbol(as, symbol_get(as, name, n), loc);
}

static const struct expr *parse_unary(struct as *as)
{
    const struct token *t = as->t;
    const struct expr *inner;
    struct expr *e;
    struct symbol *s;

    switch (t->kind) {
    case T_NUMBER: as->t++; return expr_number(as, (int64_t)t->value, token_loc(as, t));
    case T_NAME: as->t++; return parse_name(as, t);
    case T_STRING: return parse_quoted(as);
    case T_LOCAL:
        as->t++;
        s = local_label(as, t->value, t->op, token_loc(as, t));
        return s ? expr_symbol(as, s, token_loc(as, t)) : NULL;
    case T_OP: break;
    default: unexpected(as, "a number, a symbol or '('"); return NULL;
    }
    if (t->op != '(' && t->op != '-' && t->op != '+' && t->op != '~' && t->op != '!') {
        unexpected(as, "a number, a symbol or '('");
        return NULL;
    }
    as->t++;
    inner = t->op == '(' ? parse_binary(as, 1) : parse_operand_of_unary(as);
    if (!inner || (t->op == '(' && !want_op(as, ')', NULL)))
        return NULL;
    e = new_expr(as,
                 t->op == '-'   ? OP_NEG
                 : t->op == '~' ? OP_INV
                 : t->op == '!' ? OP_NOT
                                : 0,
                 token_loc(as, t));
    if (e->op) {
        e->left = inner;
    } else {
        *e = *inner;
        e->paren = true;
    }
    return e;
}

/* Warns if C would have grouped the operand of `op` the other way. */
static void check_grouping(struct as *as, const struct binary *op, const struct expr *operand,
                           bool left, struct loc loc)
{
    const struct binary *inner = operand->op && !operand->paren ? binary(operand->op) : NULL;

    if (!inner || (left ? inner->c_rank >= op->c_rank : inner->c_rank > op->c_rank))
        return;
    warn_at(as, loc, "'%s' binds tighter than '%s' in assembly, unlike in C: write parentheses",
            inner->text, op->text);
}

static const struct expr *parse_binary(struct as *as, unsigned least)
{
    const struct expr *left, *right;
    const struct binary *op;
    struct loc loc;
    struct expr *e;

    if (!deeper(as))
        return NULL;
    left = parse_unary(as);
    while (left && as->t->kind == T_OP && (op = binary(as->t->op)) && op->rank >= least) {
        loc = token_loc(as, as->t);
        as->t++;
        right = parse_binary(as, op->rank + 1u);
        if (!right) {
            left = NULL;
            break;
        }
        check_grouping(as, op, left, true, loc);
        check_grouping(as, op, right, false, loc);
        e = new_expr(as, op->op, loc);
        e->left = left;
        e->right = right;
        left = e;
    }
    as->expr_depth--;
    return left;
}

const struct expr *parse_expr(struct as *as)
{
    return parse_binary(as, 1);
}

/* --- Evaluation ------------------------------------------------------------------- */

/* Wraps around in 64 bits; false for a division by zero. */
static bool combine(int op, int64_t a, int64_t b, int64_t *out)
{
    uint64_t x = (uint64_t)a, y = (uint64_t)b, r = 0;

    switch (op) {
    case '+': r = x + y; break;
    case '-': r = x - y; break;
    case '*': r = x * y; break;
    case '/':
    case '%':
        if (b == 0)
            return false;
        if (b == -1)
            r = op == '/' ? 0 - x : 0;
        else
            r = (uint64_t)(op == '/' ? a / b : a % b);
        break;
    case OP_SHL: r = y < 64 ? x << y : 0; break;
    case OP_SHR: r = y < 64 ? x >> y : 0; break;
    case '|': r = x | y; break;
    case '^': r = x ^ y; break;
    case '&': r = x & y; break;
    case OP_EQ: r = 0 - (uint64_t)(a == b); break;
    case OP_NE: r = 0 - (uint64_t)(a != b); break;
    case '<': r = 0 - (uint64_t)(a < b); break;
    case '>': r = 0 - (uint64_t)(a > b); break;
    case OP_LE: r = 0 - (uint64_t)(a <= b); break;
    case OP_GE: r = 0 - (uint64_t)(a >= b); break;
    case OP_AND: r = a && b; break;
    default: r = a || b; break;
    }
    *out = (int64_t)r;
    return true;
}

/* Cancels symbols of one section, and gives addresses once the layout is known. */
static void reduce(struct as *as, struct value *v)
{
    for (int i = 0; i < 2; i++) {
        struct symbol **side = i ? &v->minus : &v->plus, *s = *side;
        uint64_t n;

        if (!s || !as->laid_out || s->kind != S_LABEL)
            continue;
        n = s->section->addr + (uint64_t)s->value;
        v->n = (int64_t)(i ? (uint64_t)v->n - n : (uint64_t)v->n + n);
        *side = NULL;
    }
    if (v->plus && v->plus == v->minus)
        v->plus = v->minus = NULL;
    if (v->plus && v->minus && v->plus->kind == S_LABEL && v->minus->kind == S_LABEL &&
        v->plus->section == v->minus->section) {
        v->n = (int64_t)((uint64_t)v->n + (uint64_t)v->plus->value - (uint64_t)v->minus->value);
        v->plus = v->minus = NULL;
    }
}

struct loc symbol_loc(const struct expr *e, const struct symbol *s, struct loc otherwise)
{
    if (e->op)
        otherwise = symbol_loc(e->left, s, otherwise);
    if (e->op && e->right)
        otherwise = symbol_loc(e->right, s, otherwise);
    if (e->op || !e->symbol)
        return otherwise;
    if (symbol_real(e->symbol)->kind == S_EXPR)
        return symbol_loc(symbol_real(e->symbol)->expr, s, otherwise);
    return symbol_real(e->symbol) == s ? e->loc : otherwise;
}

static bool eval_depth(struct as *as, const struct expr *e, enum when when, struct value *out,
                       unsigned depth);

static bool eval_undefined(struct as *as, struct symbol *s, enum when when, struct value *out)
{
    if (when != QUIET && builtin_constant(s->name, &out->n)) {
        s->constant_used = true;
        return true;
    }
    if (s->weak && as->laid_out)
        return true; /* an undefined weak symbol is 0 */
    out->plus = s;
    return true;
}

static bool eval_symbol(struct as *as, const struct expr *e, enum when when, struct value *out,
                        unsigned depth)
{
    struct symbol *s = symbol_real(e->symbol);
    bool ok;

    if (s->kind == S_UNDEFINED)
        return eval_undefined(as, s, when, out);
    if (s->kind == S_NUMBER && !(s->address && !as->laid_out)) {
        out->n = s->value;
        return true;
    }
    if (s->kind != S_EXPR) {
        symbol_settle(s);
        out->plus = s;
        reduce(as, out);
        return true;
    }
    if (s->busy) {
        if (when != QUIET && !s->reported) {
            error_at(as, e->loc, "'%s' is defined by itself", s->name);
            s->reported = true;
        }
        return false;
    }
    s->busy = true;
    ok = eval_depth(as, s->expr, when, out, depth + 1);
    s->busy = false;
    return ok;
}

static bool add_values(struct as *as, const struct expr *e, enum when when, struct value a,
                       struct value b, struct value *out)
{
    if (e->op == '-') {
        struct symbol *swap = b.plus;

        b.plus = b.minus;
        b.minus = swap;
        b.n = (int64_t)(0 - (uint64_t)b.n);
    }
    if (a.plus && b.minus) { /* a difference may cancel on either side */
        struct value d = {0, a.plus, b.minus};

        reduce(as, &d);
        if (!d.plus && !d.minus) {
            a.n = (int64_t)((uint64_t)a.n + (uint64_t)d.n);
            a.plus = b.minus = NULL;
        }
    }
    if ((a.plus && b.plus) || (a.minus && b.minus)) {
        if (when != QUIET)
            error_at(as, e->loc, "the sum of two addresses means nothing");
        return false;
    }
    out->n = (int64_t)((uint64_t)a.n + (uint64_t)b.n);
    out->plus = a.plus ? a.plus : b.plus;
    out->minus = a.minus ? a.minus : b.minus;
    reduce(as, out);
    return true;
}

/* Comparing places in one section needs no addresses. */
static bool compares(int op)
{
    return binary(op) && binary(op)->rank == 3;
}

static bool eval_depth(struct as *as, const struct expr *e, enum when when, struct value *out,
                       unsigned depth)
{
    struct value a, b = {0};
    const struct binary *op = e->op ? binary(e->op) : NULL;

    *out = (struct value){0};
    if (depth > 2 * EXPR_DEPTH || ++as->eval_steps > EVAL_STEPS) {
        if (when != QUIET)
            error_at(as, e->loc, "this expression is too large, with the symbols in it");
        return false;
    }
    if (!e->op && e->symbol)
        return eval_symbol(as, e, when, out, depth);
    if (!e->op) {
        out->n = e->n;
        return true;
    }
    if (!eval_depth(as, e->left, when, &a, depth + 1))
        return false;
    if (op && !eval_depth(as, e->right, when, &b, depth + 1))
        return false;
    if (e->op == OP_NEG) {
        b = (struct value){(int64_t)(0 - (uint64_t)a.n), a.minus, a.plus};
        *out = b;
        return true;
    }
    if (e->op == '+' || e->op == '-')
        return add_values(as, e, when, a, b, out);
    if (op && compares(e->op)) {
        struct expr minus = {.op = '-', .loc = e->loc};
        struct value d;

        if ((a.plus || b.plus) && add_values(as, &minus, QUIET, a, b, &d) && !d.plus && !d.minus) {
            a = (struct value){.n = d.n};
            b = (struct value){0};
        }
    }
    if (a.plus || a.minus || b.plus || b.minus) {
        struct symbol *s = a.plus ? a.plus : a.minus ? a.minus : b.plus ? b.plus : b.minus;

        if (when != QUIET && s->kind == S_UNDEFINED && (when == NOW || !as->opt.object))
            undefined_symbol(as, s, symbol_loc(e, s, e->loc));
        else if (when != QUIET)
            error_at(as, e->loc, "'%s' is an address%s: only + and - apply to it",
                     *s->name ? s->name : ".", when == NOW ? " that is not known yet" : "");
        return false;
    }
    if (!op) {
        out->n = e->op == OP_INV ? ~a.n : !a.n;
        return true;
    }
    if (!combine(e->op, a.n, b.n, &out->n)) {
        if (when != QUIET)
            error_at(as, e->loc, "division by zero");
        return false;
    }
    return true;
}

bool eval(struct as *as, const struct expr *e, enum when when, struct value *out)
{
    as->eval_steps = 0;
    return eval_depth(as, e, when, out, 0);
}

bool is_number(struct as *as, const struct expr *e)
{
    bool laid_out = as->laid_out, number;
    struct value v;

    as->laid_out = false; /* as if no place had its address */
    number = eval(as, e, QUIET, &v) && !v.plus && !v.minus;
    as->laid_out = laid_out;
    return number;
}

bool constant_now(struct as *as, const struct expr *e, const char *what, int64_t *out)
{
    struct value v;
    struct symbol *s;

    if (!eval(as, e, NOW, &v))
        return false;
    s = v.plus ? v.plus : v.minus;
    if (s && s->kind == S_UNDEFINED) {
        error_at(as, symbol_loc(e, s, e->loc),
                 "%s must be known here, but '%s' is not defined yet%s", what, s->name,
                 nearest_symbol(as, s));
        s->reported = true;
        return false;
    }
    if (s) {
        error_at(as, symbol_loc(e, s, e->loc), "%s must be a constant, but '%s' is an address",
                 what, *s->name ? s->name : ".");
        return false;
    }
    *out = v.n;
    return true;
}

bool parse_constant(struct as *as, const char *what, int64_t *out)
{
    const struct expr *e = parse_expr(as);

    return e && constant_now(as, e, what, out);
}
