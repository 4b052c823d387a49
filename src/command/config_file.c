/* Configuration files (config_file.h). */
#include "config_file.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "files.h"
#include "built-with.h"

#define DIGITS "0123456789"

#ifdef HAVE_LIBCONFIG
#include <libconfig.h>

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_*"
enum { FILE_MOST = 1 << 20, WHY = 512 };

struct reader {
    const struct config *config;
    const char *path;
    char *err;
    size_t n;
};

/* The reason with its place; false. */
static bool refuse(const struct reader *r, const config_setting_t *at, const char *why)
{
    snprintf(r->err, r->n, "%s:%u: %s", SHOWN_NAME(r->path),
             (unsigned)config_setting_source_line(at), why);
    return false;
}

static bool wrong_kind(const struct reader *r, const config_setting_t *v, const char *name,
                       const struct setting *s)
{
    const char *what = s->kind == SETTING_WORD   ? "a text in quotes"
                       : s->kind == SETTING_SIZE ? "a number, or a size in quotes"
                                                 : "a number";
    char range[SETTING_TEXT], why[WHY];

    setting_range(s, range, sizeof range);
    snprintf(why, sizeof why, "%s: expected %s: %s", name, what, range);
    return refuse(r, v, why);
}

static bool put_number(const struct reader *r, const config_setting_t *v, const char *name,
                       const struct setting *s)
{
    char why[WHY], range[SETTING_TEXT];
    long long value = config_setting_get_int64(v);

    if (value >= 0)
        return config_put(r->config, s, (uint64_t)value, why, sizeof why) || refuse(r, v, why);
    setting_range(s, range, sizeof range);
    snprintf(why, sizeof why, "%s must be %s, not %lld", name, range, value);
    return refuse(r, v, why);
}

static bool read_value(const struct reader *r, const config_setting_t *group,
                       const config_setting_t *v)
{
    char name[2 * SETTING_NAME], why[WHY];
    int type = config_setting_type(v);
    struct setting s;

    snprintf(name, sizeof name, "%s.%s", config_setting_name(group), config_setting_name(v));
    if (!setting_find(name, &s, why, sizeof why))
        return refuse(r, v, why);
    if (s.kind != SETTING_WORD && (type == CONFIG_TYPE_INT || type == CONFIG_TYPE_INT64))
        return put_number(r, v, name, &s);
    if (s.kind == SETTING_NUMBER || type != CONFIG_TYPE_STRING)
        return wrong_kind(r, v, name, &s);
    return config_put_text(r->config, &s, config_setting_get_string(v), why, sizeof why) ||
           refuse(r, v, why);
}

/* A group of the table, and in it nothing but values. */
static bool read_group(const struct reader *r, const config_setting_t *group)
{
    const char *name = config_setting_name(group);
    char why[WHY];
    struct setting s;
    bool known = false;

    for (unsigned i = 0; !known && i < settings_count(); i++)
        known = strcmp(settings_row(i).group, name) == 0;
    if (known && !config_setting_is_group(group)) {
        snprintf(why, sizeof why, "'%.64s' is a group: expected %.64s: { ... }", name, name);
        return refuse(r, group, why);
    }
    if (!known && (!config_setting_is_group(group) || !config_setting_length(group))) {
        (void)setting_find(name, &s, why, sizeof why);
        return refuse(r, group, why);
    }
    for (int i = 0; i < config_setting_length(group); i++)
        if (!read_value(r, group, config_setting_get_elem(group, (unsigned)i)))
            return false;
    return true;
}

static bool read_all(const struct reader *r, const config_t *file)
{
    const config_setting_t *root = config_root_setting(file);

    for (int i = 0; i < config_setting_length(root); i++)
        if (!read_group(r, config_setting_get_elem(root, (unsigned)i)))
            return false;
    return true;
}

/* The whole file as a string: libconfig itself ends the process at what is no text file. */
static char *contents(const char *path, char *err, size_t n)
{
    FILE *f = fopen(path, "rb");
    char *text = f ? malloc(FILE_MOST + 1) : NULL;
    size_t size = text ? fread(text, 1, FILE_MOST, f) : 0;
    const char *why = !f || (text && ferror(f)) ? strerror(errno)
                      : !text                   ? "out of memory"
                      : size == FILE_MOST       ? "it is too long"
                      : memchr(text, 0, size)   ? "it is not a text"
                                                : NULL;

    if (f)
        fclose(f);
    if (why) {
        snprintf(err, n, "%s: cannot be read: %s", SHOWN_NAME(path), why);
        free(text);
        return NULL;
    }
    text[size] = 0;
    return text;
}

/* Behind a string or comment that begins at t; t itself if none does. */
static const char *skip(const char *t)
{
    const char *end = NULL;

    if (t[0] == '"') {
        for (t++; *t && *t != '"'; t++)
            t += t[0] == '\\' && t[1];
        return t + (*t != 0);
    }
    if (t[0] == '#' || (t[0] == '/' && t[1] == '/'))
        return t + strcspn(t, "\n");
    if (t[0] != '/' || t[1] != '*')
        return t;
    end = strstr(t + 2, "*/");
    return end ? end + 2 : t + strlen(t);
}

/* Behind a number; *cut if it is one of which libconfig would keep 32 bits. */
static const char *skip_number(const char *t, bool *cut)
{
    bool hex = t[0] == '0' && (t[1] == 'x' || t[1] == 'X');
    char *end;

    errno = 0;
    *cut =
        strtoull(t, &end, hex ? 16 : 10) > INT32_MAX && *end != 'L' && *end != '.' && *end != 'e';
    return end;
}

/* What libconfig takes without a word, or ends the process for, is refused beforehand. */
static bool sound(const struct reader *r, const char *text)
{
    const char *why = NULL, *t = text, *next;
    unsigned line = 1;

    while (*t && !why) {
        bool cut = false;

        next = skip(t);
        if (next == t && strchr(DIGITS, *t))
            next = skip_number(t, &cut);
        else if (next == t)
            next += strchr(LETTERS, *t) ? strspn(t, LETTERS DIGITS "-") : 1;
        if (cut)
            why = "a number of more than 31 bits: a size can be a text in quotes, as \"8G\"";
        else if (*t == '@')
            why = "no @include here: every file has a --config of its own";
        for (; !why && t < next; t++)
            line += *t == '\n';
    }
    if (why)
        snprintf(r->err, r->n, "%s:%u: %s", SHOWN_NAME(r->path), line, why);
    return !why;
}

bool config_file_read(const struct config *c, const char *path, char *err, size_t n)
{
    const struct reader r = {c, path, err, n};
    char *text = contents(path, err, n);
    config_t file;
    bool ok = text && sound(&r, text);

    if (ok) {
        config_init(&file);
        ok = config_read_string(&file, text);
        if (!ok)
            snprintf(err, n, "%s:%d: %s", SHOWN_NAME(path), config_error_line(&file),
                     config_error_text(&file));
        ok = ok && read_all(&r, &file);
        config_destroy(&file);
    }
    free(text);
    return ok;
}

#else

bool config_file_read(const struct config *c, const char *path, char *err, size_t n)
{
    (void)c;
    snprintf(err, n, "%s: this visa-sim was built without libconfig, which reads such files", path);
    return false;
}

#endif

static void print_setting(const struct config *c, const struct setting *s, FILE *out)
{
    char value[SETTING_TEXT], quoted[SETTING_TEXT + 2], range[SETTING_TEXT];
    bool digits;

    setting_text(s, config_get(c, s), value, sizeof value);
    setting_range(s, range, sizeof range);
    digits = strspn(value, DIGITS) == strlen(value);
    snprintf(quoted, sizeof quoted, digits ? "%s" : "\"%s\"", value);
    fprintf(out, "    %s = %s;%*s // %s (%s)\n", s->name, quoted,
            20 - (int)(strlen(s->name) + strlen(quoted)), "", s->help, range);
}

void config_file_print(const struct config *c, FILE *out)
{
    const char *group = "";

    fputs("# The machine and its pipeline: visa-config(5).\n", out);
    for (unsigned i = 0; i < settings_count(); i++) {
        struct setting s = settings_row(i);

        if (strcmp(group, s.group) != 0)
            fprintf(out, "%s\n%s: {\n", group[0] ? "};\n" : "", s.group);
        group = s.group;
        print_setting(c, &s, out);
    }
    fputs("};\n", out);
}
