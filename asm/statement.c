/* One line: labels, then a directive, an assignment, a macro or an instruction. */
#include "as.h"

#include <elf.h>
#include <string.h>

#include "names.h"
#include "suggest.h"

const char *suggest_directive(struct as *as, const char *s, size_t n)
{
    static const char *const conds[] = {".if", ".ifdef", ".ifndef", ".else", ".elseif", ".endif"};
    const struct directive *tables[] = {data_directives, section_directives, symbol_directives,
                                        source_directives};
    struct suggest near;

    suggest_start(&near, s, n);
    for (unsigned i = 0; i < COUNT(tables); i++)
        for (const struct directive *d = tables[i]; d->name; d++)
            suggest_try(&near, d->name);
    for (unsigned i = 0; i < COUNT(conds); i++)
        suggest_try(&near, conds[i]);
    return *near.best ? arena_text(&as->arena, near.best, strlen(near.best)) : NULL;
}

const struct directive *find_directive(const char *s, size_t n)
{
    const struct directive *tables[] = {data_directives, section_directives, symbol_directives,
                                        source_directives};

    for (unsigned i = 0; i < COUNT(tables); i++)
        for (const struct directive *d = tables[i]; d->name; d++)
            if (same_word(s, n, d->name))
                return d;
    return NULL;
}

static void directive(struct as *as, const struct token *t, struct loc loc)
{
    const struct directive *d = find_directive(t->s, t->n);
    const char *near;

    if (d) {
        d->fn(as, d->arg, loc);
        return;
    }
    near = suggest_directive(as, t->s, t->n);
    if (near)
        error_at(as, loc, "unknown directive '%.*s'; did you mean '%s'?", (int)t->n, t->s, near);
    else
        error_at(as, loc, "unknown directive '%.*s'", (int)(t->n < 60 ? t->n : 60), t->s);
}

/* Labels in front of the statement; false after an error. */
static bool labels(struct as *as)
{
    for (;;) {
        const struct token *t = as->t;
        struct loc loc = token_loc(as, t);
        bool quoted = t->kind == T_STRING;
        const char *name = t->s;
        size_t n = t->n;

        if (t->kind != T_NAME && t->kind != T_NUMBER && !quoted)
            return true;
        if (t[1].kind != T_OP || t[1].op != ':')
            return true;
        if (quoted) {
            if (!want_name(as, &name, &n, "a label"))
                return false;
            as->t--;
        }
        if (t->kind == T_NUMBER)
            define_local_label(as, t->value, loc);
        else if (t->n == 1 && *t->s == '.')
            error_at(as, loc, "'.' is the place itself and cannot be a label");
        else
            define_label(as, symbol_get(as, name, n), loc);
        as->t += 2;
    }
}

/* `name = expression`, of which as->t is the first token. */
static void assignment(struct as *as, struct loc loc)
{
    const struct expr *e;
    const struct directive *org;
    const char *name;
    size_t n;

    if (!want_name(as, &name, &n, "a symbol"))
        return;
    as->t++;
    if (n == 1 && *name == '.') {
        org = find_directive(".org", 4);
        org->fn(as, org->arg, loc);
        return;
    }
    e = parse_expr(as);
    if (e && end_of_statement(as))
        assign(as, name, n, e, loc, true);
}

void statement(struct as *as)
{
    const struct token *t;
    struct macro *m;
    struct loc loc;

    lex_line(as);
    t = as->t;
    if (t->kind == T_NAME && *t->s == '.' && cond_directive(as, t->s, t->n, token_loc(as, t)))
        return;
    if (!cond_active(as) || !labels(as) || as->t->kind == T_END)
        return;
    t = as->t;
    loc = token_loc(as, t);
    if ((t->kind == T_NAME || t->kind == T_STRING) && t[1].kind == T_OP && t[1].op == '=') {
        assignment(as, loc);
        return;
    }
    if (t->kind != T_NAME) {
        unexpected(as, "an instruction, a directive or a label");
        return;
    }
    as->t++;
    m = find_macro(as, t->s, t->n);
    if (m)
        expand_macro(as, m, loc);
    else if (*t->s == '.' && !cond_directive(as, t->s, t->n, loc))
        directive(as, t, loc);
    else if (*t->s != '.')
        instruction(as, t->s, t->n, loc);
}

void read_statements(struct as *as)
{
    while (next_line(as)) {
        struct section *section = as->section;
        uint64_t before = section->size;

        struct loc line = {as->source, as->line_start, as->line_end - as->line_start};
        unsigned number = as->line;

        statement(as);
        if (as->opt.listing)
            list_line(as, line, number, section, before);
    }
}
