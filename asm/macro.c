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
    return e + (as->altmacro && e < end && *e == '&');
}

/* LOCAL a, b: names that are others in each expansion; s is behind the word. They join the
 * parameters, of which there is room for PARAMS. Returns the end of the line; NULL after an error. */
static const char *take_locals(struct as *as, const char *s, const char *end, struct param *params,
                               unsigned *nparams, struct loc loc)
{
    while (s < end && *s != '\n') {
        const char *e = s;
        struct param *p = &params[*nparams];

        while (e < end && is_name_char(*e))
            e++;
        if (e == s) {
            s++;
            continue;
        }
        if (*nparams == PARAMS || find_param(params, *nparams, s, (size_t)(e - s))) {
            error_at(as, loc, "LOCAL %.*s: %s", (int)(e - s), s,
                     *nparams == PARAMS ? "a macro has too many names" : "the name is taken");
            return NULL;
        }
        *p = (struct param){.name = {s, (size_t)(e - s)}};
        p->value.s = arena_format(&as->arena, ".LL%04x", ++as->local_labels);
        p->value.n = strlen(p->value.s);
        ++*nparams;
        s = e;
    }
    return s;
}

/* In the alternate syntax names of parameters stand for them without `\\`, and a `&` between one
 * and what is beside it goes away. Appends what is at s, a name or a `&`; returns what is behind. */
static const char *substitute_name(struct out *o, const char *s, const char *end,
                                   const struct param *params, unsigned nparams)
{
    const char *name = s + (*s == '&'), *e = name;
    const struct param *p;

    while (e < end && is_name_char(*e))
        e++;
    p = e > name && is_name_start(*name) ? find_param(params, nparams, name, (size_t)(e - name))
                                         : NULL;
    if (!p) {
        append(o, s, (size_t)(e - s));
        return e;
    }
    append(o, p->value.s, p->value.n);
    return e + (e < end && *e == '&');
}

static bool is_local(const char *s, const char *end)
{
    return end - s > 5 && same_word(s, 5, "local") && blank(s[5]);
}

/* The body as in .altmacro: substitutes up to the next `\\`, which it returns, or the end; NULL
 * after an error. */
static const char *substitute_names(struct as *as, struct out *o, const char *s, const char *end,
                                    struct param *params, unsigned *nparams, bool macro,
                                    struct loc loc)
{
    bool word = true; /* the first of its line */

    while (s && s < end && *s != '\\') {
        bool name = is_name_start(*s);

        if (macro && word && name && is_local(s, end))
            s = take_locals(as, s + 5, end, params, nparams, loc);
        else if (name || *s == '&')
            s = substitute_name(o, s, end, params, *nparams);
        else
            append(o, s++, 1);
        word = s && s < end && (s[-1] == '\n' || (word && !name));
    }
    return s;
}

/* Appends the body with its parameters replaced; false after an error, as if expansions became too
 * long. A macro may add to its parameters (LOCAL). */
static bool substitute(struct as *as, struct out *o, struct text body, struct param *params,
                       unsigned nparams, bool macro, struct loc loc)
{
    const char *s = body.s, *end = body.s + body.n;
    size_t before = o->n;

    while (s && s < end && as->expanded + o->n - before <= MAX_EXPANSION) {
        const char *slash = memchr(s, '\\', (size_t)(end - s));

        if (as->altmacro)
            slash = substitute_names(as, o, s, end, params, &nparams, macro, loc);
        else
            append(o, s, (size_t)((slash ? slash : end) - s));
        s = !slash || slash == end ? end : substitute_one(as, o, slash, end, params, nparams);
        if (as->altmacro && !slash)
            return false;
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

static const char *skip_blanks(const char *p, const char *end)
{
    while (p < end && blank(*p))
        p++;
    return p;
}

/* Behind an argument that ends at p, and the comma that follows it. */
static const char *behind_argument(const char *p, const char *end)
{
    p = skip_blanks(p, end);
    return p < end && *p == ',' ? p + 1 : p;
}

/* <text> or "text" of the alternate syntax, where `!` takes the next character as it is. The
 * quotes of a string stay, the brackets go. */
static struct text bracketed(struct as *as, const char **s, const char *end)
{
    const char *p = *s;
    bool string = *p == '"';
    unsigned open = 1;
    struct text t = {arena_alloc(&as->arena, (size_t)(end - p) + 1), 0};
    char *out = (char *)t.s;

    if (string)
        out[t.n++] = '"';
    for (p++; p < end; p++) {
        if (*p == '!' && p + 1 < end)
            p++;
        else if (string && *p == '\\' && p + 1 < end)
            out[t.n++] = *p++;
        else if (string ? *p == '"' : (open += (*p == '<') - (*p == '>')) == 0)
            break;
        out[t.n++] = *p;
    }
    if (string)
        out[t.n++] = '"';
    *s = behind_argument(p + (p < end), end);
    return t;
}

/* %expression of the alternate syntax: its value in decimal; "" after an error. */
static struct text evaluated(struct as *as, const char **s, const char *end)
{
    const char *text = "";
    int64_t n;

    lex_text(as, *s + 1, end, true);
    if (parse_constant(as, "an argument with %", &n))
        text = arena_format(&as->arena, "%lld", (long long)n);
    *s = behind_argument(as->t->s, end);
    return (struct text){text, strlen(text)};
}

/* A text in quotes stands for what is in them. */
static struct text unquote(struct text t)
{
    if (t.n >= 2 && t.s[0] == '"' && t.s[t.n - 1] == '"')
        return (struct text){t.s + 1, t.n - 2};
    return t;
}

/* The next argument from *s on as it is written. Commas separate, and blanks between two words. */
static struct text plain_argument(const struct as *as, const char **s, const char *end, bool rest)
{
    const char *p = *s, *stop, *start = p;
    int depth = 0;

    while (p < end && (rest || depth > 0 || *p != ',')) {
        if (as->altmacro && !rest && *p == '<')
            break;
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
    *s = behind_argument(p, end);
    while (stop > start && blank(stop[-1]))
        stop--;
    return (struct text){start, (size_t)(stop - start)};
}

/* The value of the next argument from *s on, which is moved behind it. */
static struct text next_argument(struct as *as, const char **s, const char *end, bool rest)
{
    *s = skip_blanks(*s, end);
    if (as->altmacro && !rest && *s < end && (**s == '<' || **s == '"'))
        return bracketed(as, s, end);
    if (as->altmacro && !rest && *s < end && **s == '%')
        return evaluated(as, s, end);
    return unquote(plain_argument(as, s, end, rest));
}

static const char *line_end(const struct as *as)
{
    return as->source->text + as->line_end;
}

/* `name = value` at *s, where name is a parameter: *s is then moved to the value. */
static struct param *named(struct macro *m, struct param *params, const char **s, const char *end)
{
    const char *name = skip_blanks(*s, end), *e = name;

    while (e < end && is_name_char(*e))
        e++;
    for (unsigned i = 0; i < m->nparams; i++) {
        struct param *p = &params[i];
        const char *equals = skip_blanks(e, end);

        if (p->name.n != (size_t)(e - name) || memcmp(p->name.s, name, p->name.n) != 0)
            continue;
        if (equals == end || *equals != '=')
            return NULL;
        *s = equals + 1;
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
        const char *start = skip_blanks(s, end);
        struct param *p = as->altmacro ? NULL : named(m, params, &s, end);
        bool rest = p ? p->rest : next < m->nparams && params[next].rest;
        struct text t = next_argument(as, &s, end, rest);
        struct loc here = {as->source, (uint32_t)(start - as->source->text), (uint32_t)(s - start)};

        if (!p && next == m->nparams) {
            error_at(as, here, "macro '%s' takes %u argument%s, this is one more", m->name,
                     m->nparams, m->nparams == 1 ? "" : "s");
            return false;
        }
        if (!p)
            p = &params[next++];
        if (t.n > 0) {
            p->value = t;
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
        substitute(as, &o, m->body, params, m->nparams, true, loc) && o.n > 0) {
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
        p->value = next_argument(as, &s, end, p->rest);
        lex_text(as, s, end, false);
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

void altmacro_directive(struct as *as, int on, struct loc loc)
{
    (void)loc;
    if (end_of_statement(as))
        as->altmacro = on;
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
static bool next_value(struct as *as, const char **s, const char *end, bool characters,
                       struct text *out)
{
    if (*s >= end)
        return false;
    if (characters)
        *out = (struct text){(*s)++, 1};
    else
        *out = next_argument(as, s, end, false);
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
        if (!next_value(as, &s, end, characters, &p.value))
            p.value = (struct text){"", 0};
        ok = substitute(as, &o, body, &p, 1, false, loc);
    } while (ok && s < end);
    if (ok && o.n > 0)
        source_text(as, source, arena_text(&as->arena, o.s, o.n), (uint32_t)o.n, first, lines, 1,
                    characters ? ".irpc" : ".irp", loc);
    free(o.s);
}
