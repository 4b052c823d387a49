/* What a run was, in words (identity.h). */
#include "identity.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "json_memory.h"

enum { WIDTH = 96, DIGEST = 12 }; /* columns of a line; digits of a hash that tell it */

json_t *identity_string(const char *text)
{
    json_t *s = json_string(text);
    char *ascii = s ? NULL : strdup(text);

    for (char *c = ascii; c && *c; c++)
        if ((unsigned char)*c >= 0x80)
            *c = '?';
    if (ascii)
        s = json_string(ascii);
    free(ascii);
    return s;
}

/* Texts that grow; no memory is told at the end. */
struct text {
    char *bytes;
    size_t n, room;
    bool cut; /* they do not grow: what does not fit is left out */
    bool failed;
};

static void put(struct text *t, char c)
{
    if (t->n + 1 >= t->room && t->cut)
        return;
    if (t->n + 1 >= t->room) {
        size_t room = t->room ? 2 * t->room : 128;
        char *more = realloc(t->bytes, room);

        if (!more) {
            t->failed = true;
            return;
        }
        t->bytes = more;
        t->room = room;
    }
    t->bytes[t->n++] = c;
    t->bytes[t->n] = 0;
}

static void put_all(struct text *t, const char *text)
{
    while (*text)
        put(t, *text++);
}

/* A word as it is or, with anything in it that could end it, a line or a comment of some viewer's
 * format, as a JSON string. */
static void put_word(struct text *t, const char *word)
{
    bool plain = *word;
    char code[8];

    for (const char *c = word; *c; c++)
        plain = plain && *c > ' ' && *c < 0x7f && !strchr("\"\\$", *c);
    if (plain) {
        put_all(t, word);
        return;
    }
    put(t, '"');
    for (const unsigned char *c = (const unsigned char *)word; *c; c++) {
        if (*c >= ' ' && *c != 0x7f && !strchr("\"\\$", *c)) {
            put(t, (char)*c);
            continue;
        }
        snprintf(code, sizeof code, "\\u%04x", *c);
        put_all(t, code);
    }
    put(t, '"');
}

static const char *string_of(const json_t *o, const char *key)
{
    const char *text = json_string_value(json_object_get(o, key));

    return text ? text : "";
}

/* "tour.elf at 0x80000000 (1234 bytes, sha256 0123...)"; of the hash, so many digits. */
static void put_file(struct text *t, const json_t *file, unsigned digits)
{
    const char *at = string_of(file, "address"), *hash = string_of(file, "sha256");
    char rest[160];

    put_word(t, string_of(file, "name"));
    if (*at)
        put_all(t, " at ");
    if (*at)
        put_word(t, at);
    if (!*hash)
        return;
    snprintf(rest, sizeof rest, " (%" JSON_INTEGER_FORMAT " bytes, sha256 %.*s)",
             json_integer_value(json_object_get(file, "bytes")), (int)digits, hash);
    put_all(t, rest);
}

static void put_words(struct text *t, const json_t *array)
{
    size_t i;
    json_t *word;

    json_array_foreach(array, i, word)
    {
        const char *text = json_string_value(word);

        if (i)
            put(t, ' ');
        put_word(t, text ? text : "");
    }
}

/* Moves the text into the table; empty ones are not told. */
static bool add(json_t *table, const char *key, struct text *t)
{
    bool ok =
        !t->failed && (!t->n || !json_object_set_new(table, key, json_string_nocheck(t->bytes)));

    free(t->bytes);
    *t = (struct text){0};
    return ok;
}

static bool add_word(json_t *table, const char *key, const char *word)
{
    struct text t = {0};

    if (*word)
        put_word(&t, word);
    return add(table, key, &t);
}

static bool add_files(json_t *table, const json_t *files)
{
    size_t i;
    json_t *file;
    bool ok = true;

    json_array_foreach(files, i, file)
    {
        const char *as = string_of(file, "as");
        struct text t = {0};
        char key[64];

        if (strcmp(as, "load") == 0)
            snprintf(key, sizeof key, "load %zu", i);
        else
            snprintf(key, sizeof key, "%.40s", as);
        put_file(&t, file, 64);
        ok = add(table, key, &t) && ok;
    }
    return ok;
}

json_t *identity_table(const json_t *run)
{
    static const char *const lists[] = {"arguments", "options"};
    json_t *table = json_object(), *value;
    const char *key;
    bool ok = table && add_files(table, json_object_get(run, "files")) &&
              add_word(table, "model", string_of(run, "model")) &&
              add_word(table, "version", string_of(run, "version"));

    for (unsigned i = 0; ok && i < sizeof lists / sizeof lists[0]; i++) {
        struct text t = {0};

        put_words(&t, json_object_get(run, lists[i]));
        ok = add(table, lists[i], &t);
    }
    json_object_foreach(json_object_get(run, "settings"), key, value)
    {
        if (json_is_string(value))
            ok = ok && add_word(table, key, json_string_value(value));
    }
    if (ok)
        return table;
    json_decref(table);
    return NULL;
}

const char *identity_image(const json_t *run, char *text, size_t n)
{
    struct text t = {.bytes = text, .room = n, .cut = true};

    text[0] = 0;
    if (json_array_size(json_object_get(run, "files")))
        put_file(&t, json_array_get(json_object_get(run, "files"), 0), DIGEST);
    return text;
}

/* Comments ------------------------------------------------------------------------------- */

/* Words behind a label, on as many lines as they need. */
struct lines {
    FILE *out;
    const char *prefix;
    size_t column;
    bool failed; /* memory ran out */
};

static void begin_line(struct lines *l, const char *label)
{
    fprintf(l->out, "%s%s", l->prefix, label);
    l->column = strlen(label);
}

static void line_word(struct lines *l, const char *word)
{
    if (l->column + 1 + strlen(word) > WIDTH) {
        putc('\n', l->out);
        begin_line(l, " ");
    }
    fprintf(l->out, " %s", word);
    l->column += 1 + strlen(word);
}

static void line_words(struct lines *l, const char *label, const json_t *array)
{
    size_t i;
    json_t *word;

    if (json_array_size(array) == 0)
        return;
    begin_line(l, label);
    json_array_foreach(array, i, word)
    {
        struct text t = {0};

        put_word(&t, json_string_value(word));
        line_word(l, t.bytes ? t.bytes : "");
        l->failed |= t.failed;
        free(t.bytes);
    }
    putc('\n', l->out);
}

static void line_files(struct lines *l, const json_t *files)
{
    size_t i;
    json_t *file;

    json_array_foreach(files, i, file)
    {
        struct text t = {0};

        put_file(&t, file, 64);
        fprintf(l->out, "%s%s %s\n", l->prefix, string_of(file, "as"), t.bytes ? t.bytes : "");
        l->failed |= t.failed;
        free(t.bytes);
    }
}

bool identity_head(FILE *out, const json_t *run, const json_t *shown, const char *prefix)
{
    struct lines l = {.out = out, .prefix = prefix};
    const char *name;
    json_t *value;

    fprintf(out, "%svisa-sim %s, %s model\n", prefix, string_of(run, "version"),
            string_of(run, "model"));
    line_files(&l, json_object_get(run, "files"));
    line_words(&l, "arguments", json_object_get(run, "arguments"));
    line_words(&l, "options", json_object_get(run, "options"));
    begin_line(&l, "settings");
    json_object_foreach(json_object_get(run, "settings"), name, value)
    {
        char setting[192];

        snprintf(setting, sizeof setting, "%s=%s", name, json_string_value(value));
        line_word(&l, setting);
    }
    putc('\n', out);
    line_words(&l, "shown", shown);
    return !l.failed;
}

bool identity_json(FILE *out, const json_t *run, const json_t *shown)
{
    static const size_t how = JSON_COMPACT | JSON_ENSURE_ASCII;
    bool ok;

    json_memory_begin();
    fputs("\"run\":", out);
    ok = json_dumpf(run, out, how) == 0;
    if (json_array_size(shown)) {
        fputs(",\"shown\":", out);
        ok = json_dumpf(shown, out, how) == 0 && ok;
    }
    return ok || !json_memory_lost(); /* the stream knows of errors of its own */
}

/* Two runs ------------------------------------------------------------------------------- */

static bool differ(FILE *out, const char *key, const json_t *a, const json_t *b)
{
    const char *before = string_of(a, key), *after = string_of(b, key);

    if (strcmp(before, after) == 0)
        return false;
    before = *before ? before : "none";
    after = *after ? after : "none";
    if (strlen(key) + strlen(before) + strlen(after) + 6 > WIDTH)
        fprintf(out, "%s: %s\n    -> %s\n", key, before, after);
    else
        fprintf(out, "%s: %s -> %s\n", key, before, after);
    return true;
}

static void differences(FILE *out, json_t *a, json_t *b)
{
    const char *key;
    json_t *value;
    bool any = false;

    json_object_foreach(a, key, value)
    {
        any |= differ(out, key, a, b);
    }
    json_object_foreach(b, key, value)
    {
        if (!json_object_get(a, key))
            any |= differ(out, key, a, b);
    }
    if (!any)
        fputs("same image, model, options and settings\n", out);
}

bool identity_compare(FILE *out, const json_t *before, const json_t *after)
{
    json_t *a = identity_table(before), *b = identity_table(after);
    bool ok = a && b;

    if (!before || !after)
        fprintf(out, "%s not say what ran: it is not known what differs\n",
                before  ? "the second does"
                : after ? "the first does"
                        : "both do");
    else if (ok)
        differences(out, a, b);
    json_decref(a);
    json_decref(b);
    return ok;
}
