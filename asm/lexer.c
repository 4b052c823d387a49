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

/* Up to three octal digits, or any number of hexadecimal ones of which the last two count. As the
 * GNU assembler, 8 and 9 are octal digits here, and no digit at all is 0. */
static int numeric_escape(const char *s, const char *end, const char **next)
{
    int value = 0;

    if (*s == 'x' || *s == 'X') {
        for (s++; s < end && isxdigit((unsigned char)*s); s++)
            value = (value << 4 | (isdigit((unsigned char)*s) ? *s - '0' : (*s | 32) - 'a' + 10)) &
                    0xff;
        *next = s;
        return value;
    }
    for (int i = 0; i < 3 && s < end && isdigit((unsigned char)*s); i++)
        value = value * 8 + (*s++ - '0');
    *next = s;
    return value & 0xff;
}

int character(const char *s, const char *end, const char **next, bool *unknown)
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
    if (isdigit((unsigned char)*s) || *s == 'x' || *s == 'X')
        return numeric_escape(s, end, next);
    found = *s ? strchr(letters, *s) : NULL;
    *next = s + 1;
    *unknown = !found;
    return found ? values[found - letters] : (unsigned char)*s;
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
    bool unknown = false;
    int c = character(t->s + 1, end, &next, &unknown);

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

/* The base that the digits from *s on have by their prefix, which *s is moved behind. */
static int number_base(const char **s, const char *end)
{
    const char *p = *s;

    if (*p != '0' || end - p < 2)
        return 10;
    *s += 2;
    if ((p[1] | 32) == 'x')
        return 16;
    if ((p[1] | 32) == 'b' && end - p > 2)
        return 2;
    *s = p + 1;
    return 8;
}

/* The value of the digits from s on into t, or what is wrong with them. */
static void lex_digits(struct token *t, const char *s, const char *end, int base)
{
    t->kind = T_BAD;
    t->what = s == end ? "digits expected behind the prefix of this number" : NULL;
    for (const char *p = s; p < end && !t->what; p++)
        if (digit(*p) >= base)
            t->what = base == 8 ? "a number with a leading 0 is octal: its digits are 0 to 7"
                                : "this is neither a number nor a name";
    if (t->what)
        return;
    t->kind = T_NUMBER;
    for (; s < end; s++) {
        if (t->value > (UINT64_MAX - (uint64_t)digit(*s)) / (uint64_t)base) {
            t->kind = T_BIG;
            t->what = "this number does not fit into 64 bits";
            return;
        }
        t->value = t->value * (uint64_t)base + (uint64_t)digit(*s);
    }
}

static void lex_number(struct token *t, const char *end)
{
    const char *s = t->s, *e = s;
    char last;
    int base;

    while (e < end && is_name_char(*e))
        e++;
    t->n = (uint32_t)(e - s);
    last = e[-1] | 32;
    base = number_base(&s, e);
    if ((base == 10 || base == 8) && t->n > 1 && (last == 'f' || last == 'b')) {
        lex_digits(t, t->s, e - 1, 10);
        if (t->kind == T_NUMBER) {
            t->kind = T_LOCAL;
            t->op = last;
        }
        return;
    }
    lex_digits(t, s, e, base);
}

bool wide_number(const struct token *t, bool negative, uint8_t *bytes, unsigned size)
{
    const char *s = t->s, *end = t->s + t->n;
    int base = number_base(&s, end);
    unsigned carry;

    memset(bytes, 0, size);
    if (t->kind == T_NUMBER) { /* a character too */
        for (unsigned i = 0; i < size && i < 8; i++)
            bytes[i] = (uint8_t)(t->value >> 8 * i);
        if (size < 8 && t->value >> 8 * size)
            return false;
    }
    for (; t->kind == T_BIG && s < end; s++) {
        carry = (unsigned)digit(*s);
        for (unsigned i = 0; i < size; i++) {
            carry += bytes[i] * (unsigned)base;
            bytes[i] = (uint8_t)carry;
            carry >>= 8;
        }
        if (carry)
            return false;
    }
    carry = 1;
    for (unsigned i = 0; negative && i < size; i++) {
        carry += (uint8_t)~bytes[i];
        bytes[i] = (uint8_t)carry;
        carry >>= 8;
    }
    return t->kind == T_NUMBER || t->kind == T_BIG;
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

void lex_text(struct as *as, const char *s, const char *end, bool to_comma)
{
    size_t n = 0;

    for (;;) {
        struct token *t;

        while (s < end && (*s == ' ' || *s == '\t' || *s == '\r' || *s == '\f' || *s == '\v'))
            s++;
        as->tokens = grow(as->tokens, &as->token_cap, n + 1, sizeof *as->tokens);
        t = &as->tokens[n++];
        *t = (struct token){.kind = T_END, .s = s};
        if (s >= end || (to_comma && *s == ','))
            break;
        lex_token(t, end);
        s += t->n;
    }
    as->t = as->tokens;
}

void lex_line(struct as *as)
{
    lex_text(as, as->source->text + as->line_start, as->source->text + as->line_end, false);
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

    if (t->kind == T_BAD || t->kind == T_BIG)
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

void string_bytes(struct as *as, const struct token *t, const char **bytes, size_t *n)
{
    const char *s = t->s + 1, *end = t->s + t->n - 1;
    char *out = arena_alloc(&as->arena, t->n);

    *bytes = out;
    for (*n = 0; s < end; (*n)++) {
        const char *next = s + 1;
        bool unknown = false;

        out[*n] = (char)character(s, end, &next, &unknown);
        if (unknown) {
            struct loc loc = token_loc(as, t);

            loc.at += (uint32_t)(s - t->s);
            loc.len = 2;
            warn_at(as, loc, "unknown escape in a string stands for '%c' alone", next[-1]);
        }
        s = next;
    }
}

bool want_string(struct as *as, const char **bytes, size_t *n)
{
    if (as->t->kind != T_STRING) {
        unexpected(as, "a string in double quotes");
        return false;
    }
    string_bytes(as, as->t++, bytes, n);
    return true;
}

bool want_name(struct as *as, const char **name, size_t *n, const char *what)
{
    if (as->t->kind == T_STRING) {
        string_bytes(as, as->t++, name, n);
        if (*n > 0 && !memchr(*name, 0, *n))
            return true;
        error_at(as, token_loc(as, as->t - 1),
                 *n ? "a name cannot hold a zero byte" : "a name cannot be empty");
        return false;
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
