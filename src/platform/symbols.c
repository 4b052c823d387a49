/* Symbol tables (symbols.h). libelf takes the file apart; everything that it hands over is
 * checked here before it is used. */
#define _POSIX_C_SOURCE 200809L

#include "symbols.h"

#include <gelf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COMPARED = 256 }; /* of two names at one address; they may be as long as the file */

/* What is read, and where its errors go. */
struct reading {
    struct symbols *to;
    Elf *elf;
    size_t left; /* bytes of tables that may still be kept */
    char *err;
    size_t n;
};

static bool fail(struct reading *r, const char *what, size_t number, const char *why)
{
    snprintf(r->err, r->n, "%s %zu %s", what, number, why);
    return false;
}

static bool no_memory(struct reading *r)
{
    snprintf(r->err, r->n, "out of memory for its symbols");
    return false;
}

static bool too_many_bytes(struct reading *r, Elf_Scn *scn)
{
    return fail(r, "the table in section", elf_ndxscn(scn),
                "shares its bytes with others: the tables are larger than the file");
}

static bool is_wanted(const GElf_Sym *s, const char *name)
{
    unsigned type = ELF64_ST_TYPE(s->st_info);

    if (s->st_shndx == SHN_UNDEF || (type != STT_NOTYPE && type != STT_FUNC && type != STT_OBJECT))
        return false;
    if (s->st_shndx == SHN_ABS)
        return false; /* sizes and other numbers */
    return name[0] && name[0] != '$' && strncmp(name, ".L", 2) != 0;
}

static uint8_t rank_of(const GElf_Sym *s)
{
    unsigned type = ELF64_ST_TYPE(s->st_info);

    return (uint8_t)((type == STT_FUNC     ? 4
                      : type == STT_OBJECT ? 2
                                           : 0) +
                     (ELF64_ST_BIND(s->st_info) != STB_LOCAL));
}

/* A copy of the string table of a symbol table, and how much of it is names that end in it.
 * *n is 0 if there is none. NULL on errors. */
static char *copy_strings(struct reading *r, const GElf_Shdr *symbols, size_t *n)
{
    Elf_Scn *scn = elf_getscn(r->elf, symbols->sh_link);
    const Elf_Data *data = NULL;
    GElf_Shdr h;
    char *copy;

    *n = 0;
    if (scn && gelf_getshdr(scn, &h) && h.sh_type == SHT_STRTAB)
        data = elf_getdata(scn, NULL);
    if (data && data->d_buf)
        *n = data->d_size;
    if (*n > r->left) {
        too_many_bytes(r, scn);
        return NULL;
    }
    copy = malloc(*n + 1);
    if (!copy)
        no_memory(r);
    else if (*n)
        memcpy(copy, data->d_buf, *n);
    r->left -= *n;
    while (copy && *n && copy[*n - 1])
        --*n;
    return copy;
}

/* Its place in the list of string tables. */
static bool keep_strings(struct symbols *s, char *strings)
{
    char **more = realloc(s->strings, (s->nstrings + 1) * sizeof *more);

    if (!more) {
        free(strings);
        return false;
    }
    s->strings = more;
    s->strings[s->nstrings++] = strings;
    return true;
}

static bool read_symbols(struct reading *r, Elf_Data *data, const char *names, size_t bytes)
{
    struct symbols *to = r->to;
    size_t n = data->d_size / sizeof(Elf64_Sym);
    char why[80];

    for (size_t i = 1; i < n; i++) {
        GElf_Sym s;

        if (!gelf_getsym(data, (int)i, &s))
            return fail(r, "broken symbol", i, elf_errmsg(-1));
        if (s.st_name >= bytes) {
            snprintf(why, sizeof why, "has its name outside the string table (offset 0x%x)",
                     s.st_name);
            return fail(r, "symbol", i, why);
        }
        if (is_wanted(&s, names + s.st_name))
            to->all[to->n] = (struct symbol){.addr = s.st_value,
                                             .size = s.st_size,
                                             .name = names + s.st_name,
                                             .number = (uint32_t)to->n,
                                             .rank = rank_of(&s)},
            to->n++;
    }
    return true;
}

static bool read_table(struct reading *r, Elf_Scn *scn, const GElf_Shdr *h)
{
    Elf_Data *data = elf_getdata(scn, NULL);
    struct symbol *more;
    char *names;
    size_t n, bytes;

    if (!data || (data->d_size && !data->d_buf))
        return fail(r, "broken symbol table in section", elf_ndxscn(scn), elf_errmsg(-1));
    if (data->d_size > r->left)
        return too_many_bytes(r, scn);
    r->left -= data->d_size;
    n = data->d_size / sizeof(Elf64_Sym);
    names = copy_strings(r, h, &bytes);
    if (!names)
        return false;
    if (!keep_strings(r->to, names))
        return no_memory(r);
    more = realloc(r->to->all, (r->to->n + n + 1) * sizeof *more);
    if (!more)
        return no_memory(r);
    r->to->all = more;
    return read_symbols(r, data, names, bytes);
}

static int by_address(const void *a, const void *b)
{
    const struct symbol *x = a, *y = b;
    int order;

    if (x->addr != y->addr)
        return x->addr < y->addr ? -1 : 1;
    if (x->rank != y->rank)
        return x->rank < y->rank ? -1 : 1;
    /* the alphabetically first one last: it names the place */
    order = x->name == y->name ? 0 : strncmp(y->name, x->name, COMPARED);
    return order ? order : x->number < y->number ? 1 : -1;
}

bool symbols_read(struct symbols *s, Elf *elf, size_t bytes, char *err, size_t n)
{
    struct reading r = {.to = s, .elf = elf, .left = bytes, .err = err, .n = n};
    Elf_Scn *scn = NULL;

    while ((scn = elf_nextscn(elf, scn))) {
        GElf_Shdr h;

        if (gelf_getshdr(scn, &h) && h.sh_type == SHT_SYMTAB && !read_table(&r, scn, &h))
            return false;
    }
    if (s->n)
        qsort(s->all, s->n, sizeof s->all[0], by_address);
    return true;
}

void symbols_free(struct symbols *s)
{
    for (size_t i = 0; i < s->nstrings; i++)
        free(s->strings[i]);
    free(s->strings);
    free(s->all);
    *s = (struct symbols){0};
}

const struct symbol *symbols_at(const struct symbols *s, uint64_t addr)
{
    size_t lo = 0, hi = s->n;

    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;

        if (s->all[mid].addr <= addr)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo ? &s->all[lo - 1] : NULL;
}

const struct symbol *symbols_find(const struct symbols *s, const char *name)
{
    for (size_t i = 0; i < s->n; i++)
        if (strcmp(s->all[i].name, name) == 0)
            return &s->all[i];
    return NULL;
}
