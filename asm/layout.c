/* Addresses of a program that no linker sees: read-execute, read-only, read-write with
 * contents, read-write without; each class begins on a page. */
#include "as.h"

#include <elf.h>
#include <string.h>

#include "suggest.h"

/* Lower classes come first. Sections of a class share a segment: there are at most
 * four kinds of access, each with and without contents in the file. */
static unsigned section_class(const struct section *s)
{
    unsigned access =
        s->flags & SHF_EXECINSTR ? (s->flags & SHF_WRITE ? 2 : 0) : (s->flags & SHF_WRITE ? 3 : 1);

    return section_loads(s) ? access * 2 + (s->type == SHT_NOBITS) : SEGMENTS;
}

/* Where a reset begins: in front of everything else that is executed. */
static bool comes_first(const struct section *s)
{
    return strcmp(s->name, ".text.start") == 0 || strcmp(s->name, ".text.init") == 0;
}

enum { RANKS = 2 * (SEGMENTS + 1) };

static unsigned rank(const struct section *s)
{
    return 2 * section_class(s) + !comes_first(s);
}

/* One list for each rank, in the order of the source, then all of them as one. */
static void sort_sections(struct as *as)
{
    struct section *first[RANKS] = {NULL}, **last[RANKS], **end = &as->sections;

    for (unsigned r = 0; r < RANKS; r++)
        last[r] = &first[r];
    for (struct section *s = as->sections; s; s = s->next) {
        *last[rank(s)] = s;
        last[rank(s)] = &s->next;
    }
    for (unsigned r = 0; r < RANKS; r++) {
        *last[r] = NULL;
        *end = first[r];
        end = first[r] ? last[r] : end;
    }
}

/* Common symbols become memory in .bss. */
static void place_commons(struct as *as)
{
    struct section *bss = section_get(as, ".bss", 4), *saved = as->section;
    struct value size;
    uint8_t *at;

    as->section = bss;
    bss->unit = as->unit;
    for (struct symbol *s = as->all_symbols; s; s = s->all) {
        if (s->kind != S_COMMON || s->link)
            continue;
        emit_align(as, (uint64_t)s->value, true, 0, UINT64_MAX, s->defined);
        s->kind = S_LABEL;
        s->section = bss;
        s->value = (int64_t)bss->size;
        if (eval(as, s->size, LAST, &size))
            section_room(as, (uint64_t)size.n, &at, s->defined);
    }
    as->section = saved;
}

static void warn_unloaded(struct as *as, const struct section *s)
{
    static const char *const silent[] = {".comment", ".debug", ".note", ".riscv", ".stab", ".gnu"};

    for (unsigned i = 0; i < COUNT(silent); i++)
        if (strncmp(s->name, silent[i], strlen(silent[i])) == 0)
            return;
    if (s->size > 0)
        warn_at(as, (struct loc){0},
                "section %s has no flag \"a\" and will not be loaded "
                "(.section %s,\"a\" or \"aw\" or \"ax\")",
                s->name, s->name);
}

static bool advance(struct as *as, uint64_t *addr, uint64_t align, uint64_t size, const char *name)
{
    uint64_t start = (*addr + align - 1) & ~(align - 1);

    if (start < *addr || start + size < start) {
        error_at(as, (struct loc){0}, "section %s does not fit below the end of the address space",
                 name);
        return false;
    }
    *addr = start;
    return true;
}

static void place_sections(struct as *as)
{
    uint64_t addr = as->opt.base;
    unsigned class = SEGMENTS;

    for (struct section *s = as->sections; s; s = s->next) {
        uint64_t align = s->align;

        if (!section_loads(s)) {
            warn_unloaded(as, s);
            continue;
        }
        if (s->size > 0 && section_class(s) != class) {
            class = section_class(s);
            align = align < PAGE ? PAGE : align;
        }
        if (!advance(as, &addr, align, s->size, s->name))
            return;
        s->addr = addr;
        addr += s->size;
    }
}

/* --- Symbols that linkers provide, if a program uses and does not define them ------------- */

static void provide(struct as *as, const char *name, uint64_t value)
{
    for (struct symbol *s = as->all_symbols; s; s = s->all)
        if (!s->link && !is_defined(s) && s->used.source && strcmp(s->name, name) == 0) {
            s->kind = S_NUMBER;
            s->value = (int64_t)value;
            s->global = true;
            s->address = true;
        }
}

static void provide_symbols(struct as *as)
{
    uint64_t etext = as->opt.base, edata = etext, end, bss = 0;

    for (struct section *s = as->sections; s; s = s->next) {
        if (!section_loads(s))
            continue;
        if (s->flags & SHF_EXECINSTR)
            etext = s->addr + s->size;
        if (s->type != SHT_NOBITS && s->size > 0)
            edata = s->addr + s->size;
    }
    end = edata;
    for (struct section *s = as->sections; s; s = s->next)
        if (section_loads(s) && s->type == SHT_NOBITS && s->size > 0) {
            bss = bss ? bss : s->addr;
            end = s->addr + s->size;
        }
    provide(as, "_etext", etext);
    provide(as, "etext", etext);
    provide(as, "_edata", edata);
    provide(as, "edata", edata);
    provide(as, "__bss_start", bss ? bss : end);
    provide(as, "_end", end);
    provide(as, "end", end);
}

void layout(struct as *as)
{
    if (as->opt.object)
        return;
    place_commons(as);
    sort_sections(as);
    place_sections(as);
    as->laid_out = true;
    provide_symbols(as);
}

/* --- Entry -------------------------------------------------------------------------------- */

static struct symbol *global_symbol(struct as *as, const char *name, struct suggest *near)
{
    struct symbol *found = NULL;

    suggest_start(near, name, strlen(name));
    for (struct symbol *s = as->all_symbols; s; s = s->all) {
        if (s->link || s->replaced || !is_defined(s) || s->generated)
            continue;
        suggest_try(near, s->name);
        if (strcmp(s->name, name) == 0 && (!found || s->global))
            found = s;
    }
    return found;
}

/* A machine begins at an even address of something that was loaded. */
static bool check_entry(struct as *as, const struct symbol *s, uint64_t entry)
{
    for (const struct section *sec = as->sections; sec; sec = sec->next)
        if (section_loads(sec) && entry - sec->addr < sec->size && entry % 2 == 0)
            return true;
    error_at(as, s->defined, "the entry '%s' is %#llx, expected an even address in the program",
             s->name, (unsigned long long)entry);
    return false;
}

bool entry_address(struct as *as, uint64_t *entry)
{
    const char *name = as->opt.entry ? as->opt.entry : "_start";
    struct suggest near;
    struct symbol *s = global_symbol(as, name, &near);
    struct value v = {0};

    *entry = as->opt.base;
    if (s) {
        struct expr e = {.symbol = s, .loc = s->defined};

        if (!eval(as, &e, LAST, &v))
            return false;
        *entry = (uint64_t)v.n;
        return check_entry(as, s, *entry);
    }
    if (as->opt.entry) {
        error_at(as, (struct loc){0}, "the entry '%s' is not defined%s%s%s", name,
                 *near.best ? "; did you mean '" : "", near.best, *near.best ? "'?" : "");
        return false;
    }
    for (struct section *sec = as->sections; sec; sec = sec->next)
        if ((sec->flags & SHF_EXECINSTR) && section_loads(sec) && sec->size > 0) {
            *entry = sec->addr;
            break;
        }
    return true;
}
