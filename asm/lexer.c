/* A line as tokens, and the small questions that parsers ask about them. */
#include "as.h"

#include <ctype.h>
#include <string.h>

bool is_name_start(char c)
{
    return isalpha((unsigned char)c) || c == '_' || c == '.' || c == '$' || (c & 0x80);
}

bool is_name_char(char c)
{
    return is_name_start(c) || isdigit((unsigned char)c);
}

bool token_is(const struct token *t, const char *lower)
{
    return t->kind == T_NAME && same_word(t->s, t->n, lower);
}

struct loc token_loc(const struct as *as, const struct token *t)
{
    return (struct loc){as->source, (uint32_t)(t->s - as->source->text), t->n};
}

/* Up to three octal digits, or any number of hexadecimal ones of which the last two count. */
static int numeric_escape(const char *s, const char *end, const char **next)
{
    int value = 0;

    if (*s == 'x' || *s == 'X') {
        const char *first = ++s;

        for (; s < end && isxdigit((unsigned char)*s); s++)
            value = (value << 4 | (isdigit((unsigned char)*s) ? *s - '0' : (*s | 32) - 'a' + 10)) &
                    0xff;
        *next = s;
        return s == first ? -1 : value;
    }
    for (int i = 0; i < 3 && s < end && *s >= '0' && *s <= '7'; i++)
        value = value << 3 | (*s++ - '0');
    *next = s;
    return value & 0xff;
}

int character(const char *s, const char *end, const char **next)
{
    static const char letters[] = "abfnrtve\"'\\", values[] = "\a\b\f\n\r\t\v\033\"'\\";
    const char *found;

    if (s >= end)
        return -1;
    *next = s + 1;
    if (*s != '\\')
        return (unsigned char)*s;
    if (++s >= end)
        return -1;
    if ((*s >= '0' && *s <= '7') || *s == 'x' || *s == 'X')
        return numeric_escape(s, end, next);
    found = *s ? strchr(letters, *s) : NULL;
    *next = s + 1;
    return found ? values[found - letters] : -1;
}

static void lex_string(struct token *t, const char *end)
{
    const char *s = t->s + 1;

    while (s < end && *s != '"')
        s += *s == '\\' && s + 1 < end ? 2 : 1;
    t->kind = T_STRING;
    if (s >= end) {
        t->kind = T_BAD;
        t->what = "this string has no closing '\"'";
        s = end;
    } else {
        s++;
    }
    t->n = (uint32_t)(s - t->s);
}

static void lex_character(struct token *t, const char *end)
{
    const char *next = t->s + 1;
    int c = character(t->s + 1, end, &next);

    t->kind = T_NUMBER;
    if (c < 0) {
        t->kind = T_BAD;
        t->what = "this is no character constant, expected one like 'a' or '\\n'";
    }
    if (next < end && *next == '\'')
        next++;
    t->value = (uint64_t)c;
    t->n = (uint32_t)(next - t->s);
}

static int digit(char c)
{
    return isdigit((unsigned char)c)   ? c - '0'
           : isalpha((unsigned char)c) ? (c | 32) - 'a' + 10
                                       : 99;
}

/* Digits of the base from s; what is wrong with them, or NULL. */
static const char *digits(const char *s, const char *end, int base, uint64_t *value)
{
    if (s == end)
        return "digits expected behind the prefix of this number";
    for (*value = 0; s < end; s++) {
        if (digit(*s) >= base)
            return base == 8 ? "a number with a leading 0 is octal: its digits are 0 to 7"
                             : "this is neither a number nor a name";
        if (*value > (UINT64_MAX - (uint64_t)digit(*s)) / (uint64_t)base)
            return "this number does not fit into 64 bits";
        *value = *value * (uint64_t)base + (uint64_t)digit(*s);
    }
    return NULL;
}

static void lex_number(struct token *t, const char *end)
{
    const char *s = t->s, *e = s, *last;
    int base = 10;

    while (e < end && is_name_char(*e))
        e++;
    t->n = (uint32_t)(e - s);
    last = e - 1;
    t->kind = T_NUMBER;
    if (*s == '0' && e - s > 1 && (s[1] | 32) == 'x') {
        base = 16;
        s += 2;
    } else if (*s == '0' && e - s > 2 && (s[1] | 32) == 'b') {
        base = 2;
        s += 2;
    } else if (e - s > 1 && ((*last | 32) == 'f' || (*last | 32) == 'b')) {
        t->kind = T_LOCAL;
        t->op = *last | 32;
        e--;
    } else if (*s == '0' && e - s > 1) {
        base = 8;
        s++;
    }
    t->what = digits(s, e, base, &t->value);
    if (t->what)
        t->kind = T_BAD;
}

static void lex_operator(struct token *t, const char *end)
{
    static const struct {
        char text[3];
        int op;
    } pairs[] = {{"<<", OP_SHL}, {">>", OP_SHR}, {"<=", OP_LE},  {">=", OP_GE}, {"==", OP_EQ},
                 {"!=", OP_NE},  {"<>", OP_NE},  {"&&", OP_AND}, {"||", OP_OR}};

    t->kind = T_OP;
    t->op = (unsigned char)*t->s;
    t->n = 1;
    for (unsigned i = 0; end - t->s >= 2 && i < COUNT(pairs); i++)
        if (memcmp(t->s, pairs[i].text, 2) == 0) {
            t->op = pairs[i].op;
            t->n = 2;
        }
    if (!strchr("+-*/%&|^~!<>=,:()@\\[]{}?", *t->s) || !*t->s) {
        t->kind = T_BAD;
        t->what = "this character means nothing here";
    }
}

static void lex_token(struct token *t, const char *end)
{
    if (is_name_start(*t->s)) {
        const char *e = t->s;

        while (e < end && is_name_char(*e))
            e++;
        t->kind = T_NAME;
        t->n = (uint32_t)(e - t->s);
    } else if (isdigit((unsigned char)*t->s)) {
        lex_number(t, end);
    } else if (*t->s == '"') {
        lex_string(t, end);
    } else if (*t->s == '\'') {
        lex_character(t, end);
    } else {
        lex_operator(t, end);
    }
}

void lex_line(struct as *as)
{
    const char *s = as->source->text + as->line_start, *end = as->source->text + as->line_end;
    size_t n = 0;

    for (;;) {
        struct token *t;

        while (s < end && (*s == ' ' || *s == '\t' || *s == '\r' || *s == '\f' || *s == '\v'))
            s++;
        as->tokens = grow(as->tokens, &as->token_cap, n + 1, sizeof *as->tokens);
        t = &as->tokens[n++];
        *t = (struct token){.kind = T_END, .s = s};
        if (s >= end)
            break;
        lex_token(t, end);
        s += t->n;
    }
    as->t = as->tokens;
}

bool is_op(const struct as *as, int op)
{
    return as->t->kind == T_OP && as->t->op == op;
}

bool take_op(struct as *as, int op)
{
    if (!is_op(as, op))
        return false;
    as->t++;
    return true;
}

bool want_op(struct as *as, int op, const char *where)
{
    char wanted[64];

    if (take_op(as, op))
        return true;
    snprintf(wanted, sizeof wanted, "'%c'%s%s", op, where ? " " : "", where ? where : "");
    unexpected(as, wanted);
    return false;
}

void unexpected(struct as *as, const char *wanted)
{
    const struct token *t = as->t;

    if (t->kind == T_BAD)
        error_at(as, token_loc(as, t), "%s", t->what);
    else if (t->kind == T_END)
        error_at(as, token_loc(as, t), "expected %s, found the end of the line", wanted);
    else
        error_at(as, token_loc(as, t), "expected %s, found '%.*s'", wanted,
                 (int)(t->n < 40 ? t->n : 40), t->s);
}

bool end_of_statement(struct as *as)
{
    if (as->t->kind == T_END)
        return true;
    unexpected(as, "the end of the line");
    return false;
}

bool string_bytes(struct as *as, const struct token *t, const char **bytes, size_t *n)
{
    const char *s = t->s + 1, *end = t->s + t->n - 1;
    char *out = arena_alloc(&as->arena, t->n);

    *bytes = out;
    for (*n = 0; s < end; (*n)++) {
        const char *next = s + 1;
        int c = character(s, end, &next);

        if (c < 0) {
            struct loc loc = token_loc(as, t);

            loc.at += (uint32_t)(s - t->s);
            loc.len = 2;
            error_at(as, loc,
                     "unknown escape in a string, expected one of \\n \\t \\r \\b \\f \\a \\v "
                     "\\e \\\\ \\\" \\' \\ooo \\xhh");
            return false;
        }
        out[*n] = (char)c;
        s = next;
    }
    return true;
}

bool want_string(struct as *as, const char **bytes, size_t *n)
{
    if (as->t->kind != T_STRING) {
        unexpected(as, "a string in double quotes");
        return false;
    }
    return string_bytes(as, as->t++, bytes, n);
}

bool want_name(struct as *as, const char **name, size_t *n, const char *what)
{
    if (as->t->kind == T_STRING && as->t->n > 2) {
        if (!want_string(as, name, n))
            return false;
        if (memchr(*name, 0, *n) || *n == 0) {
            error_at(as, token_loc(as, as->t - 1), "a name cannot hold a zero byte");
            return false;
        }
        return true;
    }
    if (as->t->kind != T_NAME) {
        unexpected(as, what);
        return false;
    }
    *name = as->t->s;
    *n = as->t->n;
    as->t++;
    return true;
}
