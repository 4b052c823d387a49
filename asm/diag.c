/* Messages: file:line:col: error: text, the source line, a caret, and where macros were used. */
#include "as.h"

#include <string.h>

enum { TEXT = 1024, SHOWN = 160 };

unsigned loc_line(struct loc loc)
{
    unsigned lines = 0;

    for (uint32_t i = 0; i < loc.at && i < loc.source->size; i++)
        lines += loc.source->text[i] == '\n';
    if (loc.source->period)
        lines %= loc.source->period;
    return loc.source->first_line + lines;
}

static bool continues(char c)
{
    return (c & 0xc0) == 0x80; /* UTF-8: not the first byte of a character */
}

static void put_clean(const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++)
        fputc((s[i] >= 0 && s[i] < ' ' && s[i] != '\t') || s[i] == 0x7f ? '?' : s[i], stderr);
}

/* The line of loc and a caret below; of a long line what surrounds it. */
static void show_line(struct loc loc)
{
    const char *raw = loc.source->raw;
    uint32_t at = loc.at < loc.source->size ? loc.at : loc.source->size;
    uint32_t start = at, end = at, marks;

    while (start > 0 && raw[start - 1] != '\n')
        start--;
    while (end < loc.source->size && raw[end] != '\n' && raw[end] != '\0' && end - at < SHOWN)
        end++;
    if (end > start && raw[end - 1] == '\r')
        end--;
    if (end <= start)
        return;
    if (at - start > SHOWN)
        start = at - SHOWN / 2;
    put_clean(raw + start, end - start);
    fputc('\n', stderr);
    for (uint32_t i = start; i < at; i++)
        if (!continues(raw[i]))
            fputc(raw[i] == '\t' ? '\t' : ' ', stderr);
    fputc('^', stderr);
    marks = loc.len < end - at ? loc.len : end - at;
    for (uint32_t i = 1; i < marks; i++)
        if (!continues(raw[at + i]))
            fputc('~', stderr);
    fputc('\n', stderr);
}

static void head(const struct as *as, struct loc loc, const char *kind)
{
    uint32_t start = loc.at;

    if (!loc.source) {
        fprintf(stderr, "%s: %s: ", as->program, kind);
        return;
    }
    while (start > 0 && loc.source->text[start - 1] != '\n')
        start--;
    put_clean(loc.source->name, strlen(loc.source->name));
    fprintf(stderr, ":%u:%u: %s: ", loc_line(loc), loc.at - start + 1, kind);
}

static void message(const struct as *as, struct loc loc, const char *kind, const char *format,
                    va_list args)
{
    char text[TEXT];

    vsnprintf(text, sizeof text, format, args);
    head(as, loc, kind);
    put_clean(text, strlen(text));
    fputc('\n', stderr);
    if (loc.source)
        show_line(loc);
}

/* Where the sources that contain loc come from, innermost first. */
static void show_origins(struct as *as, struct loc loc)
{
    unsigned shown = 0, all = 0;

    for (const struct source *s = loc.source; s && s->origin.source; s = s->origin.source)
        all++;
    for (const struct source *s = loc.source; s && s->origin.source; s = s->origin.source) {
        if (++shown > 8 && shown < all) {
            if (shown == 9)
                fprintf(stderr, "(%u more levels)\n", all - shown);
            continue;
        }
        if (s->what)
            note_at(as, s->origin, "in expansion of %s", s->what);
        else
            note_at(as, s->origin, "included from here");
    }
}

void error_at(struct as *as, struct loc loc, const char *format, ...)
{
    va_list args;

    if (as->errors >= MAX_ERRORS)
        return;
    va_start(args, format);
    message(as, loc, "error", format, args);
    va_end(args);
    show_origins(as, loc);
    if (++as->errors == MAX_ERRORS) {
        fprintf(stderr, "%s: %d errors, giving up\n", as->program, MAX_ERRORS);
        as->stop = true;
    }
}

bool warnings_left(const struct as *as)
{
    return !as->opt.no_warnings && as->warnings < MAX_ERRORS;
}

void warn_at(struct as *as, struct loc loc, const char *format, ...)
{
    va_list args;

    if (!warnings_left(as))
        return;
    va_start(args, format);
    message(as, loc, "warning", format, args);
    va_end(args);
    show_origins(as, loc);
    if (++as->warnings == MAX_ERRORS)
        fprintf(stderr, "%s: %d warnings, no more are shown\n", as->program, MAX_ERRORS);
}

void note_at(struct as *as, struct loc loc, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    message(as, loc, "note", format, args);
    va_end(args);
}
