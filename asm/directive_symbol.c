/* Directives about symbols, and those that read other text. */
#include "as.h"

#include <elf.h>
#include <string.h>

enum { GLOBAL, WEAK, LOCAL };

static void binding_directive(struct as *as, int binding, struct loc loc)
{
    const char *name;
    size_t n;

    (void)loc;
    do {
        struct symbol *s;

        if (!want_name(as, &name, &n, "a symbol"))
            return;
        s = symbol_get(as, name, n);
        *(binding == GLOBAL ? &s->global : binding == WEAK ? &s->weak : &s->local) = true;
        if (!s->defined.source)
            s->declared = token_loc(as, as->t - 1);
    } while (take_op(as, ','));
    end_of_statement(as);
}

/* .hidden and its kin: what other objects see of a global symbol. */
static void visibility_directive(struct as *as, int visibility, struct loc loc)
{
    const char *name;
    size_t n;

    (void)loc;
    do {
        if (!want_name(as, &name, &n, "a symbol"))
            return;
        symbol_get(as, name, n)->visibility = (uint8_t)visibility;
    } while (take_op(as, ','));
    end_of_statement(as);
}

static void assign_directive(struct as *as, int again, struct loc loc)
{
    const char *name;
    size_t n;
    const struct expr *e;

    loc = token_loc(as, as->t);
    if (!want_name(as, &name, &n, "a symbol") || !want_op(as, ',', "behind the symbol"))
        return;
    e = parse_expr(as);
    if (e && end_of_statement(as))
        assign(as, name, n, e, loc, again);
}

static void type_directive(struct as *as, int arg, struct loc loc)
{
    static const struct {
        const char *name, *long_name;
        uint8_t type;
    } types[] = {{"function", "stt_func", STT_FUNC},
                 {"object", "stt_object", STT_OBJECT},
                 {"notype", "stt_notype", STT_NOTYPE},
                 {"tls_object", "stt_tls", STT_TLS},
                 {"common", "stt_common", STT_OBJECT}};
    const char *name, *type;
    size_t n, len;

    (void)arg;
    (void)loc;
    if (!want_name(as, &name, &n, "a symbol"))
        return;
    take_op(as, ',');
    if (!take_op(as, '@'))
        take_op(as, '%');
    if (!want_name(as, &type, &len, "a type such as @function") || !end_of_statement(as))
        return;
    for (unsigned i = 0; i < COUNT(types); i++)
        if (same_word(type, len, types[i].name) || same_word(type, len, types[i].long_name)) {
            symbol_get(as, name, n)->type = types[i].type;
            return;
        }
    error_at(as, token_loc(as, as->t - 1),
             "unknown type '%.*s', expected @function, @object, "
             "@notype, @tls_object or @common",
             (int)(len < 40 ? len : 40), type);
}

static void size_directive(struct as *as, int arg, struct loc loc)
{
    const char *name;
    size_t n;
    const struct expr *e;

    (void)arg;
    (void)loc;
    if (!want_name(as, &name, &n, "a symbol") || !want_op(as, ',', "behind the symbol"))
        return;
    e = parse_expr(as);
    if (e && end_of_statement(as))
        symbol_get(as, name, n)->size = e;
}

/* .comm and .lcomm: memory that is zero at the start, in .bss of the program. */
static void common_directive(struct as *as, int local, struct loc loc)
{
    const char *name;
    size_t n;
    int64_t size, align = 8;
    struct symbol *s;

    loc = token_loc(as, as->t);
    if (!want_name(as, &name, &n, "a symbol") || !want_op(as, ',', "behind the symbol") ||
        !parse_constant(as, "the size", &size))
        return;
    if (take_op(as, ',') && !parse_constant(as, "the alignment", &align))
        return;
    if (!end_of_statement(as))
        return;
    if (size < 0 || (uint64_t)size > MAX_RESERVED || align < 1 || align > 1 << 30 ||
        (align & (align - 1))) {
        error_at(as, loc,
                 "%lld bytes aligned to %lld, expected a size of 0 or more and a power of two",
                 (long long)size, (long long)align);
        return;
    }
    s = symbol_get(as, name, n);
    if (is_defined(s) && s->kind != S_COMMON) {
        error_at(as, loc, "'%s' is already defined", s->name);
        return;
    }
    s->kind = S_COMMON;
    s->value = align;
    s->size = expr_number(as, size, loc);
    s->type = STT_OBJECT;
    s->global = !local && !s->local;
    s->defined = loc;
}

static void include_directive(struct as *as, int arg, struct loc loc)
{
    struct loc at = token_loc(as, as->t);
    const char *name;
    size_t n;

    (void)arg;
    (void)loc;
    if (want_string(as, &name, &n) && end_of_statement(as))
        source_file(as, name, at, true);
}

static void end_directive(struct as *as, int arg, struct loc loc)
{
    (void)arg;
    (void)loc;
    leave_all(as);
}

/* .error and .warning "text" */
static void message_directive(struct as *as, int is_error, struct loc loc)
{
    const char *text = is_error ? ".error is reached" : ".warning is reached";
    size_t n;

    if (as->t->kind != T_END && (!want_string(as, &text, &n) || !end_of_statement(as)))
        return;
    if (is_error)
        error_at(as, loc, "%s", text);
    else
        warn_at(as, loc, "%s", text);
}

static void closing_directive(struct as *as, int which, struct loc loc)
{
    static const char *const names[][2] = {{".endm", ".macro"}, {".endr", ".rept or .irp"}};

    error_at(as, loc, "%s without a %s", names[which][0], names[which][1]);
}

const struct directive symbol_directives[] = {
    {".globl", binding_directive, GLOBAL},
    {".global", binding_directive, GLOBAL},
    {".weak", binding_directive, WEAK},
    {".local", binding_directive, LOCAL},
    {".hidden", visibility_directive, STV_HIDDEN},
    {".internal", visibility_directive, STV_INTERNAL},
    {".protected", visibility_directive, STV_PROTECTED},
    {".equ", assign_directive, true},
    {".set", assign_directive, true},
    {".equiv", assign_directive, false},
    {".type", type_directive, 0},
    {".size", size_directive, 0},
    {".comm", common_directive, false},
    {".lcomm", common_directive, true},
    {NULL, NULL, 0},
};

const struct directive source_directives[] = {
    {".include", include_directive, 0},      {".macro", macro_directive, 0},
    {".altmacro", altmacro_directive, true}, {".noaltmacro", altmacro_directive, false},
    {".endm", closing_directive, 0},         {".purgem", purgem_directive, 0},
    {".exitm", exitm_directive, 0},          {".rept", rept_directive, 0},
    {".irp", irp_directive, false},          {".irpc", irp_directive, true},
    {".endr", closing_directive, 1},         {".end", end_directive, 0},
    {".error", message_directive, true},     {".err", message_directive, true},
    {".warning", message_directive, false},  {NULL, NULL, 0},
};
