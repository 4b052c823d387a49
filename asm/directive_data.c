/* Directives that put bytes into the current section. */
#include "as.h"

#include <elf.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Does the number fit, signed or unsigned? */
static bool fits(int64_t n, unsigned size)
{
    unsigned bits = size * 8;

    return size >= 8 || (n >= -((int64_t)1 << (bits - 1)) && n < (int64_t)1 << bits);
}

static bool ends_value(const struct token *t)
{
    return t->kind == T_END || (t->kind == T_OP && t->op == ',');
}

static bool is_zero(const uint8_t *bytes, size_t n)
{
    while (n > 0 && bytes[n - 1] == 0)
        n--;
    return n == 0;
}

static void no_contents(struct as *as, struct loc loc)
{
    error_at(as, loc, "section %s has no contents in the file, so only zeros can stand in it",
             as->section->name);
}

static void data_value(struct as *as, unsigned size)
{
    struct loc loc = token_loc(as, as->t);
    const struct expr *e = parse_expr(as);
    struct value v;

    if (!e)
        return;
    if (eval(as, e, QUIET, &v) && !v.plus && !v.minus) {
        if (!fits(v.n, size)) {
            error_at(as, loc, "%lld does not fit into %u byte%s", (long long)v.n, size,
                     size == 1 ? "" : "s");
            return;
        }
        emit(as, (uint64_t)v.n, size, loc);
        return;
    }
    if (as->section->type == SHT_NOBITS) {
        no_contents(as, loc);
        return;
    }
    add_fixup(as, F_DATA, size, e, loc);
    emit(as, 0, size, loc);
}

static void data_directive(struct as *as, int size, struct loc loc)
{
    unsigned errors = as->errors;

    (void)loc;
    if (as->t->kind == T_END)
        return;
    do
        data_value(as, (unsigned)size);
    while (as->errors == errors && take_op(as, ','));
    if (as->errors == errors)
        end_of_statement(as);
}

/* Strings whose characters have `width` bytes, with a zero behind each; 0: bytes without one. */
static void text_directive(struct as *as, int width, struct loc loc)
{
    unsigned step = width ? (unsigned)width : 1;
    uint8_t *at;

    if (as->t->kind == T_END)
        return;
    do {
        do { /* strings side by side are one */
            const char *more;
            size_t k;
            struct loc here = token_loc(as, as->t);

            if (!want_string(as, &more, &k) || !section_room(as, k * step, &at, here))
                return;
            if (!at && k) {
                error_at(as, here, "section %s has no contents in the file", as->section->name);
                return;
            }
            for (size_t i = 0; at && i < k; i++)
                at[i * step] = (uint8_t)more[i];
        } while (as->t->kind == T_STRING);
        if (width)
            emit(as, 0, step, loc);
    } while (take_op(as, ','));
    end_of_statement(as);
}

/* .octa: numbers of 128 bits as they are written; an expression has 64 and its sign. */
static void octa_directive(struct as *as, int size, struct loc loc)
{
    uint8_t bytes[16], *at;

    while (as->t->kind != T_END) {
        bool negative = is_op(as, '-');
        const struct token *t = as->t + negative;
        int64_t n = 0;

        if ((t->kind == T_NUMBER || t->kind == T_BIG) && ends_value(t + 1)) {
            if (!wide_number(t, negative, bytes, (unsigned)size)) {
                error_at(as, token_loc(as, t), "this number does not fit into %d bits", 8 * size);
                return;
            }
            as->t = t + 1;
        } else if (parse_constant(as, "the number", &n)) {
            for (int i = 0; i < size; i++)
                bytes[i] = (uint8_t)(i < 8 ? n >> 8 * i : n >> 63);
        } else {
            return;
        }
        if (!section_room(as, (uint64_t)size, &at, loc))
            return;
        if (at)
            memcpy(at, bytes, (size_t)size);
        else if (!is_zero(bytes, (size_t)size))
            no_contents(as, loc);
        if (!take_op(as, ','))
            break;
    }
    end_of_statement(as);
}

/* count times a value of size bytes; false after an error. */
static void fill(struct as *as, uint64_t count, uint64_t value, unsigned size, struct loc loc)
{
    uint8_t *at;

    if (!section_room(as, count * size, &at, loc))
        return;
    if (!at && value)
        error_at(as, loc, "section %s has no contents in the file, so it is filled with zeros only",
                 as->section->name);
    for (uint64_t i = 0; at && value && i < count; i++)
        for (unsigned b = 0; b < size && b < 8; b++)
            at[i * size + b] = (uint8_t)(value >> 8 * b);
}

static void space_directive(struct as *as, int arg, struct loc loc)
{
    int64_t n, value = 0;

    (void)arg;
    if (!parse_constant(as, "the number of bytes", &n))
        return;
    if (take_op(as, ',') && !parse_constant(as, "the value to fill with", &value))
        return;
    if (!end_of_statement(as))
        return;
    if (n < 0) {
        error_at(as, loc, "%lld bytes, expected 0 or more", (long long)n);
        return;
    }
    fill(as, (uint64_t)n, (uint64_t)value & 0xff, 1, loc);
}

static void fill_directive(struct as *as, int arg, struct loc loc)
{
    int64_t count, size = 1, value = 0;

    (void)arg;
    if (!parse_constant(as, "the count", &count))
        return;
    if (take_op(as, ',') && !parse_constant(as, "the size", &size))
        return;
    if (take_op(as, ',') && !parse_constant(as, "the value", &value))
        return;
    if (!end_of_statement(as))
        return;
    if (count < 0 || count > MAX_BYTES || size < 0 || size > 8) {
        error_at(as, loc, ".fill of %lld times %lld bytes, expected 0 to %d times 0 to 8",
                 (long long)count, (long long)size, MAX_BYTES);
        return;
    }
    /* As in the GNU assembler: the value has four bytes, above them are zeros. */
    fill(as, (uint64_t)count, (uint64_t)value & 0xffffffff, (unsigned)size, loc);
}

enum { ALIGN_POWER, ALIGN_BYTES };

static void align_directive(struct as *as, int how, struct loc loc)
{
    int64_t n = how == ALIGN_BYTES ? 1 : 0, value = 0, most = INT64_MAX;
    bool has_fill = false;

    if (!parse_constant(as, "the alignment", &n))
        return;
    if (take_op(as, ',') && !is_op(as, ',')) {
        has_fill = true;
        if (!parse_constant(as, "the value to fill with", &value))
            return;
    }
    if (take_op(as, ',') && !parse_constant(as, "the most bytes to skip", &most))
        return;
    if (!end_of_statement(as))
        return;
    if (how == ALIGN_POWER && (n < 0 || n > 30)) {
        error_at(as, loc, "alignment to 2 to the power of %lld, expected a power of 0 to 30",
                 (long long)n);
        return;
    }
    if (how == ALIGN_POWER)
        n = (int64_t)1 << n;
    if (n == 0)
        return;
    if (n < 0 || n > 1 << 30 || (n & (n - 1))) {
        error_at(as, loc, "alignment to %lld bytes, expected a power of two up to %d", (long long)n,
                 1 << 30);
        return;
    }
    emit_align(as, (uint64_t)n, has_fill, value, most > 0 ? (uint64_t)most : UINT64_MAX, loc);
}

/* .org: forward to an offset in what this file has of the section. */
static void org_directive(struct as *as, int arg, struct loc loc)
{
    struct section *s = as->section;
    const struct expr *e = parse_expr(as);
    struct value v;
    int64_t value = 0;
    struct symbol *unknown;
    uint64_t target;

    (void)arg;
    if (!e || !eval(as, e, NOW, &v))
        return;
    unknown = v.minus ? v.minus : v.plus;
    if (unknown && unknown->kind == S_UNDEFINED) {
        undefined_symbol(as, unknown, symbol_loc(e, unknown, loc));
        return;
    }
    if (take_op(as, ',') && !parse_constant(as, "the value to fill with", &value))
        return;
    if (!end_of_statement(as))
        return;
    if (v.minus || (v.plus && (v.plus->kind != S_LABEL || v.plus->section != s))) {
        error_at(as, loc, ".org needs a number or a place in section %s", s->name);
        return;
    }
    target = (uint64_t)v.n + (v.plus ? (uint64_t)v.plus->value : s->unit_start);
    if (target < s->size || target - s->size > INT64_MAX) {
        error_at(as, loc, ".org to offset %#llx, but the section is already at %#llx",
                 (unsigned long long)target, (unsigned long long)s->size);
        return;
    }
    fill(as, target - s->size, (uint64_t)value & 0xff, 1, loc);
}

static void incbin_directive(struct as *as, int arg, struct loc loc)
{
    const char *name, *data, *found;
    size_t n, size;
    int64_t skip = 0, count = INT64_MAX;
    struct loc at = token_loc(as, as->t);
    uint8_t *out;

    (void)arg;
    if (!want_string(as, &name, &n))
        return;
    if (take_op(as, ',') && !is_op(as, ',') && !parse_constant(as, "the offset", &skip))
        return;
    if (take_op(as, ',') && !parse_constant(as, "the number of bytes", &count))
        return;
    if (!end_of_statement(as) || !read_file(as, name, at, true, &data, &size, &found))
        return;
    if (skip < 0 || count < 0 || (uint64_t)skip > size ||
        (count != INT64_MAX && (uint64_t)count > size - (uint64_t)skip)) {
        error_at(as, loc, "'%s' has %zu bytes, the part asked for is not inside", found, size);
        return;
    }
    size -= (uint64_t)skip;
    if ((uint64_t)count < size)
        size = (size_t)count;
    if (!section_room(as, size, &out, loc))
        return;
    if (out)
        memcpy(out, data + skip, size);
    else if (size)
        error_at(as, loc, "section %s has no contents in the file", as->section->name);
}

static void leb_directive(struct as *as, int is_signed, struct loc loc)
{
    do {
        int64_t n;
        bool more = true;

        if (!parse_constant(as, "the number", &n))
            return;
        while (more) {
            uint64_t byte = (uint64_t)n & 0x7f;

            n = is_signed ? n >> 7 : (int64_t)((uint64_t)n >> 7);
            more = is_signed ? !((n == 0 && !(byte & 0x40)) || (n == -1 && (byte & 0x40))) : n != 0;
            if (!emit(as, byte | (more ? 0x80 : 0), 1, loc))
                return;
        }
    } while (take_op(as, ','));
    end_of_statement(as);
}

/* The number in text, which may have the prefix 0f or 0d of older assemblers, as the bits of a
 * float or double: by the host's strtod, which rounds correctly. What is wrong, or NULL. */
static const char *float_bits(const char *text, unsigned size, uint64_t *bits)
{
    const char *digits = text + strspn(text, " \t\r");
    char *stop;
    double d;
    float f;
    uint32_t word;

    digits += *digits == '0' && digits[1] && strchr("fFdD", digits[1]) ? 2 : 0;
    errno = 0;
    d = strtod(digits, &stop);
    memcpy(bits, &d, sizeof *bits);
    if (size == 4) {
        errno = 0;
        d = f = strtof(digits, &stop);
        memcpy(&word, &f, sizeof word);
        *bits = word;
    }
    if (stop == digits || stop[strspn(stop, " \t\r")] != '\0')
        return "is no number";
    if (errno == ERANGE && (isinf(d) || d == 0))
        return d == 0 ? "is too near to zero" : "is too large";
    return NULL;
}

static void float_directive(struct as *as, int size, struct loc loc)
{
    const char *s = as->t->s, *end = as->source->text + as->line_end;

    for (;; s += strspn(s, " \t")) {
        const char *comma = memchr(s, ',', (size_t)(end - s)), *stop = comma ? comma : end;
        const char *text = arena_text(&as->arena, s, (size_t)(stop - s)), *wrong;
        struct loc at = {as->source, (uint32_t)(s - as->source->text), (uint32_t)(stop - s)};
        uint64_t bits;

        wrong = float_bits(text, (unsigned)size, &bits);
        if (wrong) {
            error_at(as, at, "'%.40s' %s%s", text, wrong,
                     strcmp(wrong, "is no number") == 0 ? ""
                     : size == 4                        ? " for 32 bits"
                                                        : " for 64 bits");
            return;
        }
        if (!emit(as, bits, (unsigned)size, loc) || !comma)
            return;
        s = comma + 1;
    }
}

const struct directive data_directives[] = {
    {".byte", data_directive, 1},
    {".half", data_directive, 2},
    {".2byte", data_directive, 2},
    {".short", data_directive, 2},
    {".hword", data_directive, 2},
    {".word", data_directive, 4},
    {".4byte", data_directive, 4},
    {".long", data_directive, 4},
    {".int", data_directive, 4},
    {".dword", data_directive, 8},
    {".8byte", data_directive, 8},
    {".quad", data_directive, 8},
    {".octa", octa_directive, 16},
    {".ascii", text_directive, 0},
    {".asciz", text_directive, 1},
    {".string", text_directive, 1},
    {".string8", text_directive, 1},
    {".string16", text_directive, 2},
    {".string32", text_directive, 4},
    {".string64", text_directive, 8},
    {".zero", space_directive, 0},
    {".space", space_directive, 0},
    {".skip", space_directive, 0},
    {".fill", fill_directive, 0},
    {".align", align_directive, ALIGN_POWER},
    {".p2align", align_directive, ALIGN_POWER},
    {".balign", align_directive, ALIGN_BYTES},
    {".org", org_directive, 0},
    {".incbin", incbin_directive, 0},
    {".uleb128", leb_directive, 0},
    {".sleb128", leb_directive, 1},
    {".float", float_directive, 4},
    {".single", float_directive, 4},
    {".double", float_directive, 8},
    {NULL, NULL, 0},
};
