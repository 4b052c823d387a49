/* Symbols: one table per input file, and one for what files share. */
#include "as.h"

#include <elf.h>
#include <string.h>

#include "names.h"
#include "suggest.h"

static struct symbol *new_symbol(struct as *as, const char *name)
{
    struct symbol *s = arena_alloc(&as->arena, sizeof *s);

    s->name = name;
    s->unit = as->unit;
    *as->all_end = s;
    as->all_end = &s->all;
    return s;
}

/* In the place of an older symbol of the same name, if there is one. */
static struct symbol *insert(struct as *as, struct names *t, const char *name, size_t n)
{
    struct symbol *s = new_symbol(as, arena_text(&as->arena, name, n));

    names_set(t, &as->arena, s->name, n, s);
    return s;
}

struct symbol *symbol_find(struct as *as, const char *name, size_t n)
{
    return names_find(&as->symbols, name, n);
}

struct symbol *symbol_get(struct as *as, const char *name, size_t n)
{
    struct symbol *s = symbol_find(as, name, n);

    return s ? s : insert(as, &as->symbols, name, n);
}

struct symbol *symbol_generated(struct as *as, const char *name)
{
    size_t n = strlen(name);
    struct symbol *s = names_find(&as->labels, name, n);

    if (!s) {
        s = insert(as, &as->labels, name, n);
        s->generated = true;
    }
    return s;
}

struct symbol *symbol_real(struct symbol *s)
{
    while (s->link)
        s = s->link;
    return s;
}

struct symbol *symbol_here(struct as *as)
{
    struct symbol *s = arena_alloc(&as->arena, sizeof *s);

    s->name = "";
    s->kind = S_LABEL;
    s->section = as->section;
    s->value = (int64_t)as->section->size;
    return s;
}

bool is_defined(const struct symbol *s)
{
    return s->kind != S_UNDEFINED;
}

bool builtin_constant(const char *name, int64_t *value)
{
    unsigned low = 0, high = isa_symbol_count;

    while (low < high) {
        unsigned middle = (low + high) / 2;
        int order = strcmp(name, isa_symbols[middle].name);

        if (order == 0) {
            *value = (int64_t)isa_symbols[middle].value;
            return true;
        }
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return false;
}

/* --- Numeric labels ----------------------------------------------------------------- */

/* How often the label has been defined so far. */
static struct symbol *label_count(struct as *as, uint64_t number)
{
    char name[32];

    snprintf(name, sizeof name, "%llu", (unsigned long long)number);
    return symbol_generated(as, name);
}

static struct symbol *label_instance(struct as *as, uint64_t number, int64_t instance)
{
    char name[64];

    snprintf(name, sizeof name, ".L%llu.%lld", (unsigned long long)number, (long long)instance);
    return symbol_generated(as, name);
}

struct symbol *local_label(struct as *as, uint64_t number, int direction, struct loc loc)
{
    int64_t count = label_count(as, number)->value;

    if (direction == 'b' && count == 0) {
        error_at(as, loc, "there is no label '%llu:' before this line", (unsigned long long)number);
        return NULL;
    }
    return label_instance(as, number, direction == 'b' ? count : count + 1);
}

void define_local_label(struct as *as, uint64_t number, struct loc loc)
{
    struct symbol *count = label_count(as, number);

    define_label(as, label_instance(as, number, ++count->value), loc);
}

/* --- Definitions -------------------------------------------------------------------- */

static bool may_define(struct as *as, struct symbol *s, struct loc loc)
{
    if (s->constant_used) {
        error_at(as, loc, "'%s' was used above as the constant of the architecture that it names",
                 s->name);
        return false;
    }
    return true;
}

static void already_defined(struct as *as, const struct symbol *s, struct loc loc)
{
    error_at(as, loc, "'%s' is already defined", s->name);
    if (s->defined.source)
        note_at(as, s->defined, "the first definition is here");
}

void define_label(struct as *as, struct symbol *s, struct loc loc)
{
    if (is_defined(s)) {
        already_defined(as, s, loc);
        return;
    }
    if (!may_define(as, s, loc))
        return;
    s->kind = S_LABEL;
    s->section = as->section;
    s->value = (int64_t)as->section->size;
    s->defined = loc;
}

/* Gives s the value of e: a number or a place if it has one now, else the expression. */
static void set_value(struct as *as, struct symbol *s, const struct expr *e)
{
    struct value v;

    s->kind = S_EXPR;
    s->expr = e;
    if (!eval(as, e, QUIET, &v) || v.minus)
        return;
    if (!v.plus) {
        s->kind = S_NUMBER;
        s->value = v.n;
    } else if (v.plus->kind == S_LABEL) {
        s->kind = S_LABEL;
        s->section = v.plus->section;
        s->value = v.plus->value + v.n;
        if (!s->type)
            s->type = v.plus->type;
    }
}

void assign(struct as *as, const char *name, size_t n, const struct expr *e, struct loc loc,
            bool again)
{
    struct symbol *s = symbol_find(as, name, n), *old = s;

    if (s && is_defined(s) && (!again || !s->assigned)) {
        already_defined(as, s, loc);
        return;
    }
    if (s && !may_define(as, s, loc))
        return;
    if (!s || (is_defined(s) && s->used.source)) {
        /* Uses so far keep the value that they saw. */
        s = insert(as, &as->symbols, name, n);
        if (old) {
            s->global = old->global;
            s->weak = old->weak;
            s->local = old->local;
            s->type = old->type;
            s->visibility = old->visibility;
            s->size = old->size;
            old->reported = true;
            old->global = old->weak = false;
            old->replaced = true;
        }
    }
    s->assigned = true;
    s->defined = loc;
    set_value(as, s, e);
}

/* --- The end of a file, and of all files ---------------------------------------------- */

const char *nearest_symbol(struct as *as, const struct symbol *s)
{
    struct suggest near;

    suggest_start(&near, s->name, strlen(s->name));
    for (struct symbol *o = as->all_symbols; o; o = o->all)
        if (is_defined(o) && !o->replaced && !o->generated &&
            (o->unit == s->unit || o->global || o->weak))
            suggest_try(&near, o->name);
    for (unsigned i = 0; i < isa_symbol_count; i++)
        suggest_try(&near, isa_symbols[i].name);
    for (unsigned i = 0; i < REGISTERS; i++)
        suggest_try(&near, reg_name(i, false));
    return *near.best ? arena_format(&as->arena, "; did you mean '%s'?", near.best) : "";
}

void undefined_symbol(struct as *as, struct symbol *s, struct loc loc)
{
    if (s->reported)
        return;
    s->reported = true;
    if (s->generated)
        error_at(as, loc, "there is no label '%.*s:' after this line",
                 (int)strspn(s->name + 2, "0123456789"), s->name + 2);
    else
        error_at(as, loc, "undefined symbol '%s'%s", s->name, nearest_symbol(as, s));
}

/* Enters what other files may see into the table of globals. */
static void export(struct as *as, struct symbol *s)
{
    size_t n = strlen(s->name);
    struct symbol *g = names_find(&as->globals, s->name, n);

    if (!g) {
        names_set(&as->globals, &as->arena, s->name, n, s);
        return;
    }
    g = symbol_real(g);
    if (!is_defined(s)) {
        s->link = g;
        return;
    }
    if (is_defined(g) && !g->weak && !s->weak) {
        if (s->kind == S_COMMON || g->kind == S_COMMON) {
            bool take = g->kind == S_COMMON && s->kind != S_COMMON;

            *(take ? &g->link : &s->link) = take ? s : g;
        } else {
            already_defined(as, g, s->defined);
        }
        return;
    }
    if (is_defined(g) && !g->weak) {
        s->link = g; /* the weak one gives way */
        return;
    }
    if (is_defined(g) && s->weak) {
        s->link = g;
        return;
    }
    g->link = s;
}

void end_of_unit(struct as *as)
{
    int64_t n;

    for (struct symbol *s = *as->unit_symbols; s; s = s->all) {
        if (s->replaced || s->generated)
            continue;
        if (!is_defined(s) && builtin_constant(s->name, &n))
            continue;
        if (s->global || s->weak || (!is_defined(s) && s->used.source))
            export(as, s);
    }
    names_clear(&as->symbols);
    names_clear(&as->labels);
}

void link_units(struct as *as)
{
    /* A definition that came after g was entered hangs on g->link; all others follow. */
    for (struct symbol *s = as->all_symbols; s; s = s->all) {
        struct symbol *real = symbol_real(s);

        if (real != s && !real->used.source)
            real->used = s->used;
        if (real != s && s->visibility)
            real->visibility = s->visibility;
    }
    if (as->opt.object)
        return;
    /* Looking for the nearest name takes as long as there are symbols. */
    for (struct symbol *s = as->all_symbols; s && warnings_left(as); s = s->all)
        if (!is_defined(symbol_real(s)) && s->global && !s->used.source && s->declared.source)
            warn_at(as, s->declared, "'%s' is declared and never defined%s", s->name,
                    nearest_symbol(as, s));
}
