/* Text that is read again: .macro, .rept, .irp, .irpc. */
#include "as.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { PARAMS = 64 };

struct text {
    const char *s;
    size_t n;
};

struct param {
    struct text name, value; /* value: the default, in an expansion what stands for it */
    bool required, rest, given;
};

struct macro {
    struct macro *next;
    const char *name;
    struct param *params;
    unsigned nparams;
    struct text body;
    const struct source *source;
    unsigned first_line;
    bool purged;
};

/* --- Blocks of lines -------------------------------------------------------------- */

static bool blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\f' || c == '\v';
}

/* The first word of the current line, behind its labels. */
static struct text first_word(const struct as *as)
{
    const char *s = as->source->text + as->line_start, *end = as->source->text + as->line_end;

    for (;;) {
        const char *e;

        while (s < end && blank(*s))
            s++;
        for (e = s; e < end && is_name_char(*e); e++)
            ;
        if (e == s || e == end || *e != ':')
            return (struct text){s, (size_t)(e - s)};
        s = e + 1;
    }
}

static bool is_one_of(struct text word, const char *const *names)
{
    for (; *names; names++)
        if (same_word(word.s, word.n, *names))
            return true;
    return false;
}

/* The lines up to the one that closes the block; false after an error. */
static bool collect(struct as *as, const char *const *opens, const char *const *closes,
                    struct text *body, unsigned *lines, struct loc loc)
{
    const struct source *source = as->source;
    struct frame *f = &as->frames[as->depth - 1];
    uint32_t start = f->pos;
    unsigned nested = 0;

    for (*lines = 0;; ++*lines) {
        struct text word;

        if (f->pos >= source->size || !next_line(as)) {
            error_at(as, loc, "this %s has no %s", opens[0], closes[0]);
            return false;
        }
        word = first_word(as);
        if (is_one_of(word, opens))
            nested++;
        else if (is_one_of(word, closes) && nested-- == 0)
            break;
    }
    *body = (struct text){source->text + start, as->line_start - start};
    return true;
}

static const char *const macro_opens[] = {".macro", NULL}, *const macro_closes[] = {
                                                               ".endm", ".endmacro", NULL};
static const char *const rept_opens[] = {".rept", ".irp", ".irpc", NULL}, *const rept_closes[] = {
                                                                              ".endr", NULL};

/* --- Substitution ------------------------------------------------------------------ */

struct out {
    char *s;
    size_t n, cap;
};

static void append(struct out *o, const char *s, size_t n)
{
    o->s = grow(o->s, &o->cap, o->n + n + 1, 1);
    if (n > 0)
        memcpy(o->s + o->n, s, n);
    o->n += n;
}

static const struct param *find_param(const struct param *p, unsigned n, const char *s, size_t len)
{
    for (unsigned i = 0; i < n; i++)
        if (p[i].name.n == len && memcmp(p[i].name.s, s, len) == 0)
            return &p[i];
    return NULL;
}

/* Appends what the `\` at s stands for; returns what is behind it. */
static const char *substitute_one(struct as *as, struct out *o, const char *s, const char *end,
                                  const struct param *params, unsigned nparams)
{
    const struct param *p = NULL;
    const char *e = s + 1;
    char count[16];

    if (e < end && *e == '@') {
        append(o, count, (size_t)snprintf(count, sizeof count, "%u", as->macro_count));
        return e + 1;
    }
    if (end - e >= 2 && e[0] == '(' && e[1] == ')')
        return e + 2;
    while (e < end && is_name_char(*e))
        e++;
    /* `\a.b` is the parameter a.b, or else a with .b behind it. */
    for (; e > s + 1; e--) {
        p = find_param(params, nparams, s + 1, (size_t)(e - s - 1));
        if (p || !memchr(s + 1, '.', (size_t)(e - s - 1)))
            break;
    }
    if (!p) {
        append(o, s, 1);
        return s + 1;
    }
    append(o, p->value.s, p->value.n);
    return e;
}

/* Appends the body with its parameters replaced; false if expansions became too long. */
static bool substitute(struct as *as, struct out *o, struct text body, const struct param *params,
                       unsigned nparams, struct loc loc)
{
    const char *s = body.s, *end = body.s + body.n;
    size_t before = o->n;

    while (s < end && as->expanded + o->n - before <= MAX_EXPANSION) {
        const char *slash = memchr(s, '\\', (size_t)(end - s));

        append(o, s, (size_t)((slash ? slash : end) - s));
        s = slash ? substitute_one(as, o, slash, end, params, nparams) : end;
    }
    as->expanded += o->n - before;
    if (as->expanded <= MAX_EXPANSION)
        return true;
    error_at(as, loc, "the expansions of all macros are longer than %d characters", MAX_EXPANSION);
    as->stop = true;
    return false;
}

/* --- Arguments --------------------------------------------------------------------- */

static bool word_end(char c)
{
    return isalnum((unsigned char)c) || strchr("_.$)\"'\\@", c) || (c & 0x80);
}

static bool word_start(char c)
{
    return isalnum((unsigned char)c) || strchr("_.$\"'\\%", c) || (c & 0x80);
}

/* The next argument from *s on. Commas separate, and blanks between two words. */
static struct text next_argument(const char **s, const char *end, bool rest)
{
    const char *p = *s, *stop, *start;
    int depth = 0;

    while (p < end && blank(*p))
        p++;
    start = p;
    while (p < end && (rest || depth > 0 || *p != ',')) {
        if (*p == '"') {
            for (p++; p < end && *p != '"'; p++)
                p += *p == '\\' && p + 1 < end;
            p += p < end;
        } else if (blank(*p)) {
            const char *q = p;

            while (q < end && blank(*q))
                q++;
            if (!rest && depth == 0 && q < end && word_end(p[-1]) && word_start(*q))
                break;
            p = q;
        } else {
            depth += (*p == '(') - (*p == ')');
            p++;
        }
    }
    stop = p;
    while (p < end && blank(*p))
        p++;
    *s = p < end && *p == ',' ? p + 1 : p;
    while (stop > start && blank(stop[-1]))
        stop--;
    return (struct text){start, (size_t)(stop - start)};
}

/* A text in quotes stands for what is in them. */
static struct text unquote(struct text t)
{
    if (t.n >= 2 && t.s[0] == '"' && t.s[t.n - 1] == '"')
        return (struct text){t.s + 1, t.n - 2};
    return t;
}

static const char *line_end(const struct as *as)
{
    return as->source->text + as->line_end;
}

/* `name = value`, where name is a parameter. */
static struct param *named(struct macro *m, struct param *params, struct text *t)
{
    size_t n = 0;

    while (n < t->n && is_name_char(t->s[n]))
        n++;
    for (unsigned i = 0; i < m->nparams; i++) {
        struct param *p = &params[i];
        size_t k = n;

        if (p->name.n != n || memcmp(p->name.s, t->s, n) != 0)
            continue;
        while (k < t->n && blank(t->s[k]))
            k++;
        if (k == t->n || t->s[k] != '=')
            return NULL;
        for (k++; k < t->n && blank(t->s[k]); k++)
            ;
        *t = (struct text){t->s + k, t->n - k};
        return p;
    }
    return NULL;
}

static bool take_arguments(struct as *as, struct macro *m, struct param *params, struct loc loc)
{
    const char *s = as->t->s, *end = line_end(as);
    unsigned next = 0;

    while (end > s && blank(end[-1]))
        end--;
    while (s < end) {
        struct text t = next_argument(&s, end, next < m->nparams && params[next].rest);
        struct loc here = {as->source, (uint32_t)(t.s - as->source->text), (uint32_t)t.n};
        struct param *p = named(m, params, &t);

        if (!p && next == m->nparams) {
            error_at(as, here, "macro '%s' takes %u argument%s, this is one more", m->name,
                     m->nparams, m->nparams == 1 ? "" : "s");
            return false;
        }
        if (!p)
            p = &params[next++];
        if (t.n > 0) {
            p->value = unquote(t);
            p->given = true;
        }
    }
    for (unsigned i = 0; i < m->nparams; i++)
        if (params[i].required && !params[i].given) {
            error_at(as, loc, "macro '%s' needs a value for '%.*s'", m->name, (int)params[i].name.n,
                     params[i].name.s);
            return false;
        }
    return true;
}

/* --- .macro ------------------------------------------------------------------------ */

struct macro *find_macro(struct as *as, const char *s, size_t n)
{
    return names_find(&as->macros, s, n);
}

const char *next_macro_name(struct macro **m)
{
    const char *name;

    while (*m && (*m)->purged)
        *m = (*m)->next;
    name = *m ? (*m)->name : NULL;
    *m = *m ? (*m)->next : NULL;
    return name;
}

void expand_macro(struct as *as, struct macro *m, struct loc loc)
{
    struct param params[PARAMS];
    struct out o = {0};

    memcpy(params, m->params, m->nparams * sizeof *params);
    if (take_arguments(as, m, params, loc) &&
        substitute(as, &o, m->body, params, m->nparams, loc) && o.n > 0) {
        const char *what = arena_format(&as->arena, "macro '%.100s'", m->name);

        source_text(as, m->source, arena_text(&as->arena, o.s, o.n), (uint32_t)o.n, m->first_line,
                    0, 1, what, loc);
    }
    as->macro_count++;
    free(o.s);
}

/* One `name`, `name:req`, `name:vararg` or `name=default` of a .macro line. There is room for
 * PARAMS of them. */
static bool parse_param(struct as *as, struct macro *m)
{
    struct param *p = &m->params[m->nparams];
    const char *s, *end = line_end(as);
    struct loc loc = token_loc(as, as->t);

    if (m->nparams == PARAMS) {
        error_at(as, loc, "a macro has at most %d parameters", PARAMS);
        return false;
    }
    if (!want_name(as, &p->name.s, &p->name.n, "the name of a parameter"))
        return false;
    if (find_param(m->params, m->nparams, p->name.s, p->name.n)) {
        error_at(as, loc, "there are two parameters '%.*s'", (int)p->name.n, p->name.s);
        return false;
    }
    if (take_op(as, ':')) {
        p->required = token_is(as->t, "req");
        p->rest = token_is(as->t, "vararg");
        if (!p->required && !p->rest) {
            unexpected(as, "'req' or 'vararg'");
            return false;
        }
        as->t++;
    }
    m->nparams++;
    if (is_op(as, '=')) {
        s = as->t->s + 1;
        p->value = unquote(next_argument(&s, end, p->rest));
        while (as->t->kind != T_END && as->t->s < s)
            as->t++;
    } else {
        take_op(as, ',');
    }
    return true;
}

void macro_directive(struct as *as, int arg, struct loc loc)
{
    struct macro *m = arena_alloc(&as->arena, sizeof *m), *old;
    struct param params[PARAMS] = {0};
    const char *name;
    size_t n;
    unsigned lines;
    bool ok = want_name(as, &name, &n, "the macro's name");

    (void)arg;
    m->params = params;
    m->source = as->source;
    m->first_line = as->line + 1;
    if (ok) {
        m->name = arena_text(&as->arena, name, n);
        take_op(as, ',');
        while (ok && as->t->kind != T_END)
            ok = parse_param(as, m);
        m->params = arena_alloc(&as->arena, m->nparams * sizeof *m->params);
        memcpy(m->params, params, m->nparams * sizeof *m->params);
    }
    /* The body is passed over even if the head is wrong, so that its lines are no errors. */
    if (!collect(as, macro_opens, macro_closes, &m->body, &lines, loc) || !ok)
        return;
    old = find_macro(as, m->name, n);
    if (old) {
        error_at(as, loc, "macro '%s' is already defined (.purgem forgets it)", m->name);
        return;
    }
    m->next = as->all_macros;
    as->all_macros = m;
    names_set(&as->macros, &as->arena, m->name, n, m);
}

void purgem_directive(struct as *as, int arg, struct loc loc)
{
    const char *name;
    size_t n;
    struct macro *m;

    (void)arg;
    if (!want_name(as, &name, &n, "a macro's name") || !end_of_statement(as))
        return;
    m = find_macro(as, name, n);
    if (m) {
        m->purged = true;
        names_set(&as->macros, &as->arena, m->name, n, NULL);
    } else {
        error_at(as, loc, "there is no macro '%.*s'", (int)(n < 60 ? n : 60), name);
    }
}

void exitm_directive(struct as *as, int arg, struct loc loc)
{
    (void)arg;
    if (end_of_statement(as) && !leave_macro(as))
        error_at(as, loc, ".exitm outside a macro");
}

/* --- Repetitions ------------------------------------------------------------------- */

void rept_directive(struct as *as, int arg, struct loc loc)
{
    const struct source *source = as->source;
    unsigned first = as->line + 1, lines;
    struct text body;
    int64_t n;
    bool ok = parse_constant(as, "the number of repetitions", &n) && end_of_statement(as);

    (void)arg;
    if (!collect(as, rept_opens, rept_closes, &body, &lines, loc) || !ok)
        return;
    if (n < 0 || n > MAX_REPEAT) {
        error_at(as, loc, "%lld repetitions, expected 0 to %d", (long long)n, MAX_REPEAT);
        return;
    }
    source_text(as, source, body.s, (uint32_t)body.n, first, 0, (unsigned)n, ".rept", loc);
}

/* The values of .irp: arguments; of .irpc: single characters. */
static bool next_value(const char **s, const char *end, bool characters, struct text *out)
{
    if (*s >= end)
        return false;
    if (characters)
        *out = (struct text){(*s)++, 1};
    else
        *out = unquote(next_argument(s, end, false));
    return true;
}

void irp_directive(struct as *as, int characters, struct loc loc)
{
    const struct source *source = as->source;
    unsigned first = as->line + 1, lines;
    struct param p = {0};
    struct text body, list;
    struct out o = {0};
    const char *s = NULL, *end = NULL;
    bool ok = want_name(as, &p.name.s, &p.name.n, "the name of the parameter");

    if (ok) {
        take_op(as, ',');
        s = as->t->s;
        end = line_end(as);
        while (end > s && blank(end[-1]))
            end--;
    }
    if (ok && characters) {
        list = unquote((struct text){s, (size_t)(end - s)});
        s = list.s;
        end = s + list.n;
    }
    if (!collect(as, rept_opens, rept_closes, &body, &lines, loc) || !ok)
        return;
    do { /* an empty list is one empty value */
        if (!next_value(&s, end, characters, &p.value))
            p.value = (struct text){"", 0};
        ok = substitute(as, &o, body, &p, 1, loc);
    } while (ok && s < end);
    if (ok && o.n > 0)
        source_text(as, source, arena_text(&as->arena, o.s, o.n), (uint32_t)o.n, first, lines, 1,
                    characters ? ".irpc" : ".irp", loc);
    free(o.s);
}
