/* Conditional assembly: .if and its kin. Lines of a branch that is not taken are not read. */
#include "as.h"

#include <string.h>

bool cond_active(const struct as *as)
{
    return as->nconds == 0 || as->conds[as->nconds - 1].active;
}

void cond_close(struct as *as, unsigned keep)
{
    while (as->nconds > keep)
        error_at(as, as->conds[--as->nconds].loc, "this .if has no .endif");
}

static void open_cond(struct as *as, bool value, struct loc loc)
{
    bool outer = cond_active(as);

    if (as->nconds == CONDS) {
        error_at(as, loc, ".if is nested deeper than %d levels", CONDS);
        as->stop = true;
        return;
    }
    as->conds[as->nconds++] =
        (struct cond){.active = outer && value, .done = !outer || value, .loc = loc};
}

/* The innermost .if of this source, or NULL after an error. */
static struct cond *innermost(struct as *as, const char *name, struct loc loc)
{
    if (as->depth > 0 && as->nconds > as->frames[as->depth - 1].conds)
        return &as->conds[as->nconds - 1];
    error_at(as, loc, "%s without an .if", name);
    return NULL;
}

static bool compare_zero(int kind, int64_t n)
{
    switch (kind) {
    case 'e': return n == 0;
    case 'l': return n < 0;
    case 'L': return n <= 0;
    case 'g': return n > 0;
    case 'G': return n >= 0;
    default: return n != 0;
    }
}

static bool if_value(struct as *as, int kind)
{
    int64_t n;

    return parse_constant(as, "the condition", &n) && end_of_statement(as) && compare_zero(kind, n);
}

static bool if_defined(struct as *as, bool wanted)
{
    const char *name;
    size_t n;
    struct symbol *s;
    int64_t value;
    bool defined;

    if (!want_name(as, &name, &n, "a symbol") || !end_of_statement(as))
        return false;
    s = symbol_find(as, name, n);
    defined = (s && is_defined(s)) || builtin_constant(arena_text(&as->arena, name, n), &value);
    return defined == wanted;
}

static const char *rest_of_line(struct as *as, size_t *n)
{
    const char *end = as->source->text + as->line_end;

    while (end > as->t->s && (end[-1] == ' ' || end[-1] == '\t' || end[-1] == '\r'))
        end--;
    *n = (size_t)(end - as->t->s);
    return as->t->s;
}

/* .ifc: are the two texts, separated by a comma, the same? */
static bool if_same_text(struct as *as, struct loc loc)
{
    size_t n, left, right;
    const char *s = rest_of_line(as, &n), *comma = memchr(s, ',', n), *other;

    if (!comma) {
        error_at(as, loc, "expected two texts separated by a comma");
        return false;
    }
    other = comma + 1;
    for (left = (size_t)(comma - s); left > 0 && (s[left - 1] == ' ' || s[left - 1] == '\t');)
        left--;
    right = n - (size_t)(other - s);
    for (; right > 0 && (*other == ' ' || *other == '\t'); right--)
        other++;
    return left == right && memcmp(s, other, left) == 0;
}

enum { IF_VALUE, IF_DEFINED, IF_BLANK, IF_TEXT, ELSEIF, ELSE, ENDIF };

static const struct {
    const char *name;
    int what, arg;
} table[] = {
    {".if", IF_VALUE, 'n'},
    {".ifne", IF_VALUE, 'n'},
    {".ifeq", IF_VALUE, 'e'},
    {".iflt", IF_VALUE, 'l'},
    {".ifle", IF_VALUE, 'L'},
    {".ifgt", IF_VALUE, 'g'},
    {".ifge", IF_VALUE, 'G'},
    {".ifdef", IF_DEFINED, true},
    {".ifndef", IF_DEFINED, false},
    {".ifnotdef", IF_DEFINED, false},
    {".ifb", IF_BLANK, true},
    {".ifnb", IF_BLANK, false},
    {".ifc", IF_TEXT, true},
    {".ifnc", IF_TEXT, false},
    {".ifeqs", IF_TEXT, true},
    {".ifnes", IF_TEXT, false},
    {".elseif", ELSEIF, 0},
    {".else", ELSE, 0},
    {".endif", ENDIF, 0},
    {".endc", ENDIF, 0},
    {".elsec", ELSE, 0},
};

static bool condition(struct as *as, int what, int arg, struct loc loc)
{
    size_t n;

    switch (what) {
    case IF_VALUE: return if_value(as, arg);
    case IF_DEFINED: return if_defined(as, arg);
    case IF_BLANK: rest_of_line(as, &n); return (n == 0) == arg;
    default: return if_same_text(as, loc) == arg;
    }
}

static void else_branch(struct as *as, bool conditional, struct loc loc)
{
    struct cond *c = innermost(as, conditional ? ".elseif" : ".else", loc);

    if (!c)
        return;
    if (c->seen_else) {
        error_at(as, loc, "%s behind the .else of the same .if", conditional ? ".elseif" : ".else");
        note_at(as, c->loc, "the .if is here");
        return;
    }
    c->seen_else = !conditional;
    c->active = false;
    if (c->done)
        return;
    c->active = !conditional || if_value(as, 'n');
    c->done = c->active;
}

bool cond_directive(struct as *as, const char *s, size_t n, struct loc loc)
{
    unsigned i;

    for (i = 0; i < COUNT(table) && !same_word(s, n, table[i].name); i++)
        ;
    if (i == COUNT(table))
        return false;
    if (as->t->s == s)
        as->t++;
    if (table[i].what == ELSEIF || table[i].what == ELSE)
        else_branch(as, table[i].what == ELSEIF, loc);
    else if (table[i].what == ENDIF)
        as->nconds -= innermost(as, ".endif", loc) != NULL;
    else
        open_cond(as, cond_active(as) && condition(as, table[i].what, table[i].arg, loc), loc);
    return true;
}
