/* Reading text: files, the stack of sources, and comments. */
#include "as.h"
#include "files.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Blanks comments so that nobody else has to know them; newlines stay where they are.
 * `;`, `#` and `//` go to the end of the line; a string or character hides them all.
 * Returns where a comment begins that is never closed, n if there is none. */
static size_t blank_comments(char *text, size_t n)
{
    enum { CODE, STRING, LINE, BLOCK } in = CODE;
    size_t opened = n;

    for (size_t i = 0; i < n; i++) {
        char c = text[i], d = i + 1 < n ? text[i + 1] : '\0';

        if (c == '\n') {
            if (in != BLOCK)
                in = CODE;
        } else if (in == LINE) {
            text[i] = ' ';
        } else if (in == BLOCK) {
            text[i] = ' ';
            if (c == '*' && d == '/') {
                text[++i] = ' ';
                in = CODE;
            }
        } else if (in == STRING) {
            if (c == '\\' && d != '\n')
                i++;
            else if (c == '"')
                in = CODE;
        } else if (c == '"') {
            in = STRING;
        } else if (c == '\'' && d != '\n' && d != '\0') {
            i += d == '\\' && i + 2 < n && text[i + 2] != '\n' ? 2 : 1;
            if (i + 1 < n && text[i + 1] == '\'')
                i++;
        } else if (c == ';' || c == '#' || (c == '/' && d == '/')) {
            text[i] = ' ';
            in = LINE;
        } else if (c == '/' && d == '*') {
            text[i] = text[i + 1] = ' ';
            opened = i++;
            in = BLOCK;
        }
    }
    return in == BLOCK ? opened : n;
}

static bool read_stream(struct as *as, FILE *f, const char *name, struct loc origin,
                        const char **data, size_t *size)
{
    size_t n = 0, cap = 0, got;
    char *text = NULL;
    bool ok = true;

    do {
        text = grow(text, &cap, n + 65536, 1);
        got = fread(text + n, 1, 65536, f);
        n += got;
    } while (got > 0 && n <= MAX_FILE);
    if (ferror(f)) {
        error_at(as, origin, "cannot read '%s': %s", name, strerror(errno));
        ok = false;
    } else if (n > MAX_FILE) {
        error_at(as, origin, "'%s' is larger than %d bytes", name, MAX_FILE);
        ok = false;
    } else {
        *data = arena_text(&as->arena, text, n);
        *size = n;
    }
    free(text);
    return ok;
}

static FILE *open_below(struct as *as, const char *directory, size_t n, const char *name,
                        const char **found)
{
    size_t size = n + strlen(name) + 2;
    char *path = arena_alloc(&as->arena, size);

    snprintf(path, size, "%.*s/%s", (int)n, directory, name);
    *found = path;
    return fopen(path, "rb");
}

/* Opens name; an included one also beside the file that includes it, or below a directory
 * of -I. *found is the path that worked. */
static FILE *open_source(struct as *as, const char *name, struct loc origin, bool include,
                         const char **found)
{
    FILE *f = fopen(name, "rb");
    const char *slash = origin.source ? strrchr(origin.source->name, '/') : NULL;
    int why = errno;

    *found = name;
    if (!include || *name == '/')
        return f;
    if (!f && slash)
        f = open_below(as, origin.source->name, (size_t)(slash - origin.source->name), name, found);
    for (unsigned i = 0; !f && i < as->opt.nincludes; i++)
        f = open_below(as, as->opt.include[i], strlen(as->opt.include[i]), name, found);
    errno = why;
    return f;
}

bool written_over(struct as *as, const char *name, struct loc origin)
{
    const struct options *o = &as->opt;
    bool output = files_same(name, o->output);

    if (!output && !(o->listing && files_same(name, o->listing)))
        return false;
    error_at(as, origin, "'%s' would be written over by %s", name, output ? "-o" : "--listing");
    return true;
}

bool read_file(struct as *as, const char *name, struct loc origin, bool include, const char **data,
               size_t *size, const char **found)
{
    FILE *f;
    bool ok;

    if (!include && strcmp(name, "-") == 0) {
        *found = "<stdin>";
        return read_stream(as, stdin, *found, origin, data, size);
    }
    f = open_source(as, name, origin, include, found);
    if (!f) {
        error_at(as, origin, "cannot open '%s': %s", SHOWN_NAME(name), strerror(errno));
        return false;
    }
    ok = !written_over(as, *found, origin) && read_stream(as, f, *found, origin, data, size);
    fclose(f);
    return ok;
}

static bool push(struct as *as, const struct source *s, unsigned times, struct loc origin)
{
    if (as->depth == FRAMES) {
        error_at(as, origin,
                 "more than %d files, macros and repetitions are open (endless recursion?)",
                 FRAMES);
        as->stop = true;
        return false;
    }
    as->frames[as->depth++] = (struct frame){.source = s, .again = times - 1, .conds = as->nconds};
    return true;
}

bool source_file(struct as *as, const char *name, struct loc origin, bool include)
{
    struct source *s = arena_alloc(&as->arena, sizeof *s);
    const char *data;
    size_t size, opened;
    char *text;

    if (!read_file(as, name, origin, include, &data, &size, &s->name))
        return false;
    /* A file without a newline at its end gets one. */
    text = arena_alloc(&as->arena, size + 2);
    memcpy(text, data, size);
    if (size > 0 && text[size - 1] != '\n')
        text[size++] = '\n';
    s->raw = arena_text(&as->arena, text, size);
    opened = blank_comments(text, size);
    s->text = text;
    s->size = (uint32_t)size;
    s->first_line = 1;
    s->origin = origin;
    if (opened < size) {
        error_at(as, (struct loc){s, (uint32_t)opened, 2}, "this comment is never closed");
        return false;
    }
    return push(as, s, 1, origin);
}

bool source_text(struct as *as, const struct source *like, const char *text, uint32_t n,
                 unsigned first_line, unsigned period, unsigned times, const char *what,
                 struct loc origin)
{
    struct source *s;

    if (n == 0 || times == 0)
        return true;
    s = arena_alloc(&as->arena, sizeof *s);
    *s = (struct source){.name = like->name,
                         .text = text,
                         .raw = text,
                         .size = n,
                         .first_line = first_line,
                         .period = period,
                         .origin = origin,
                         .what = what};
    s->is_macro = strncmp(what, "macro", 5) == 0;
    return push(as, s, times, origin);
}

bool next_line(struct as *as)
{
    struct frame *f;
    const char *nl;

    for (;;) {
        if (as->depth == 0 || as->stop)
            return false;
        f = &as->frames[as->depth - 1];
        if (f->pos < f->source->size)
            break;
        if (f->again > 0 && as->nconds == f->conds) {
            f->again--;
            f->pos = 0;
            f->line = 0;
        } else {
            cond_close(as, f->conds);
            as->depth--;
        }
    }
    if (++as->lines > MAX_LINES) {
        error_at(as, (struct loc){f->source, f->pos, 1},
                 "more than %d lines, repetitions and macros included", MAX_LINES);
        as->stop = true;
        return false;
    }
    as->source = f->source;
    as->line_start = f->pos;
    nl = memchr(f->source->text + f->pos, '\n', f->source->size - f->pos);
    as->line_end = nl ? (uint32_t)(nl - f->source->text) : f->source->size;
    as->line = f->source->first_line + (f->source->period ? f->line % f->source->period : f->line);
    f->line++;
    f->pos = as->line_end + 1;
    return true;
}

bool leave_macro(struct as *as)
{
    unsigned i = as->depth;

    while (i > 0 && !as->frames[i - 1].source->is_macro)
        i--;
    if (i == 0)
        return false;
    as->nconds = as->frames[i - 1].conds;
    as->depth = i - 1;
    return true;
}

void leave_all(struct as *as)
{
    as->nconds = 0;
    as->depth = 0;
}
