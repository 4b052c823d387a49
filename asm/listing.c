/* The listing: address, bytes and source of every line that was read. */
#define _POSIX_C_SOURCE 200809L

#include "as.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

enum { BYTES = 8 };

void list_line(struct as *as, struct loc loc, unsigned line, struct section *section,
               uint64_t before)
{
    struct listed *l;

    as->listed = grow(as->listed, &as->listed_cap, as->nlisted + 1, sizeof *as->listed);
    l = &as->listed[as->nlisted++];
    *l = (struct listed){loc, line, section, before, section->size - before};
}

static void put_bytes(FILE *out, const struct listed *l, uint64_t from)
{
    char text[2 * BYTES + 1] = "";

    for (uint64_t i = from; i < l->n && i < from + BYTES && l->section->data; i++)
        snprintf(text + 2 * (i - from), 3, "%02x", l->section->data[l->at + i]);
    fprintf(out, "%016llx %-*s", (unsigned long long)(l->section->addr + l->at + from), 2 * BYTES,
            text);
}

static void put_line(FILE *out, const struct listed *l)
{
    const char *s = l->loc.source->raw + l->loc.at;
    uint32_t n = l->loc.len;
    bool more = false;

    while (n > 0 && (s[n - 1] == '\r' || s[n - 1] == ' ' || s[n - 1] == '\t'))
        n--;
    if (l->n > 0)
        put_bytes(out, l, 0);
    else
        fprintf(out, "%-*s", 17 + 2 * BYTES, "");
    fprintf(out, "%5u%s %.*s\n", l->line, l->loc.source->what ? "+" : " ", (int)n, s);
    /* Of long data the first 8 lines; the rest is in the file. */
    for (uint64_t i = BYTES; i < l->n && l->section->data; i += BYTES) {
        more = i >= 8 * BYTES;
        if (more)
            break;
        put_bytes(out, l, i);
        fputc('\n', out);
    }
    if (more)
        fprintf(out, "%*s... %llu bytes in all\n", 17, "", (unsigned long long)l->n);
}

bool write_listing(struct as *as, struct outfile *f)
{
    const char *file = NULL;
    FILE *out;
    int fd;

    if (!outfile_open(as, f, as->opt.listing))
        return false;
    fd = dup(f->fd);
    out = fd >= 0 ? fdopen(fd, "w") : NULL;
    if (!out) {
        error_at(as, (struct loc){0}, "cannot write '%s': %s", f->name, strerror(errno));
        outfile_drop(f);
        return false;
    }
    for (size_t i = 0; i < as->nlisted; i++) {
        const struct listed *l = &as->listed[i];

        if (!file || strcmp(file, l->loc.source->name) != 0)
            fprintf(out, "%s%s:\n", file ? "\n" : "", l->loc.source->name);
        file = l->loc.source->name;
        put_line(out, l);
    }
    if (fclose(out) != 0) {
        error_at(as, (struct loc){0}, "cannot write '%s': %s", f->name, strerror(errno));
        outfile_drop(f);
        return false;
    }
    return true;
}
