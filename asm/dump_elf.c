/* Reading an ELF file of which nothing can be trusted. libelf checks what it gives out;
 * what refers from one table to another is checked here. */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dump.h"

static bool fail(const struct dump *d, const char *what)
{
    fprintf(stderr, "%s: %s: %s\n", d->program, d->path, what);
    return false;
}

/* libelf takes a table that it has no memory for for one that is not there. */
static bool memory_lost(void)
{
    return errno == ENOMEM;
}

static const uint8_t *section_data(Elf_Scn *scn, const GElf_Shdr *h, size_t *size)
{
    Elf_Data *data;

    *size = 0;
    if (h->sh_type == SHT_NOBITS || h->sh_type == SHT_NULL)
        return NULL;
    data = elf_rawdata(scn, NULL);
    if (!data || !data->d_buf)
        return NULL;
    *size = data->d_size;
    return data->d_buf;
}

/* libelf takes a section table that lies outside the file for none. */
static bool table_is_there(const struct dump *d)
{
    GElf_Ehdr e;
    size_t size;
    char text[128];
    uint64_t bytes;

    if (!gelf_getehdr(d->elf, &e) || !elf_rawfile(d->elf, &size))
        return fail(d, elf_errmsg(-1));
    bytes = (uint64_t)(e.e_shnum ? e.e_shnum : 1) * e.e_shentsize;
    if (!e.e_shoff || (e.e_shoff <= size && bytes <= size - e.e_shoff))
        return true;
    snprintf(text, sizeof text,
             "section table of %llu bytes at 0x%llx lies outside the file, which has %zu bytes",
             (unsigned long long)bytes, (unsigned long long)e.e_shoff, size);
    return fail(d, text);
}

static bool read_sections(struct dump *d)
{
    size_t n, names;

    if (!table_is_there(d))
        return false;
    if (elf_getshdrnum(d->elf, &n) != 0 || elf_getshdrstrndx(d->elf, &names) != 0)
        return fail(d, elf_errmsg(-1));
    d->sections = arena_alloc(&d->arena, (n + 1) * sizeof *d->sections);
    d->nsections = n;
    for (size_t i = 0; i < n; i++) {
        struct dump_section *s = &d->sections[i];
        Elf_Scn *scn = elf_getscn(d->elf, i);

        s->name = "";
        if (!scn || !gelf_getshdr(scn, &s->header)) {
            s->header.sh_type = SHT_NULL;
            continue;
        }
        s->name = elf_strptr(d->elf, names, s->header.sh_name);
        if (!s->name)
            s->name = "<corrupt>";
        s->data = section_data(scn, &s->header, &s->size);
        if (!s->data && s->header.sh_type != SHT_NOBITS && s->header.sh_type != SHT_NULL &&
            s->header.sh_size > 0 && !memory_lost())
            fprintf(stderr, "%s: %s: section %zu (%s) lies outside the file\n", d->program, d->path,
                    i, s->name);
    }
    return true;
}

static void read_symbols(struct dump *d, size_t index)
{
    const struct dump_section *s = &d->sections[index];
    size_t n = s->size / sizeof(Elf64_Sym);

    if (n < 2)
        return;
    d->symbols = arena_alloc(&d->arena, n * sizeof *d->symbols);
    for (size_t i = 1; i < n; i++) {
        struct dump_symbol *sym = &d->symbols[d->nsymbols++];
        Elf64_Sym raw;
        const char *name;

        memcpy(&raw, s->data + i * sizeof raw, sizeof raw);
        sym->sym = (GElf_Sym){raw.st_name,  raw.st_info,  raw.st_other,
                              raw.st_shndx, raw.st_value, raw.st_size};
        name = elf_strptr(d->elf, s->header.sh_link, raw.st_name);
        sym->name = name ? name : "<corrupt>";
        if (GELF_ST_TYPE(raw.st_info) == STT_SECTION && !*sym->name)
            sym->name = dump_section_name(d, raw.st_shndx);
    }
}

/* Of several names for a place, which one is printed: functions, then globals. */
static int rank(const struct dump_symbol *s)
{
    return (GELF_ST_TYPE(s->sym.st_info) == STT_FUNC) * 2 +
           (GELF_ST_BIND(s->sym.st_info) != STB_LOCAL);
}

static int by_place(const void *a, const void *b)
{
    const struct dump_symbol *x = *(struct dump_symbol *const *)a,
                             *y = *(struct dump_symbol *const *)b;

    if (x->sym.st_shndx != y->sym.st_shndx)
        return x->sym.st_shndx < y->sym.st_shndx ? -1 : 1;
    if (x->sym.st_value != y->sym.st_value)
        return x->sym.st_value < y->sym.st_value ? -1 : 1;
    if (rank(x) != rank(y))
        return rank(x) > rank(y) ? -1 : 1;
    return x < y ? -1 : x > y;
}

/* As the ABI of RISC-V has them: $d and $x, $d.any and $x.any, $xISA. */
bool dump_is_mapping(const struct dump_symbol *s)
{
    const char *n = s->name;

    return s->sym.st_info == GELF_ST_INFO(STB_LOCAL, STT_NOTYPE) && n[0] == '$' &&
           (n[1] == 'd' || n[1] == 'x') &&
           (n[2] == '\0' || n[2] == '.' || (n[1] == 'x' && strncmp(n + 2, "rv", 2) == 0));
}

static bool in_a_section(const struct dump *d, const struct dump_symbol *s)
{
    return s->sym.st_shndx != SHN_UNDEF && s->sym.st_shndx < d->nsections;
}

static bool names_a_place(const struct dump *d, const struct dump_symbol *s)
{
    unsigned type = GELF_ST_TYPE(s->sym.st_info);

    return in_a_section(d, s) && type != STT_SECTION && type != STT_FILE && *s->name &&
           !dump_is_mapping(s) && strncmp(s->name, ".L", 2) != 0;
}

static void sort_symbols(struct dump *d)
{
    d->by_place = arena_alloc(&d->arena, (d->nsymbols + 1) * sizeof *d->by_place);
    d->mapping = arena_alloc(&d->arena, (d->nsymbols + 1) * sizeof *d->mapping);
    for (size_t i = 0; i < d->nsymbols; i++)
        if (names_a_place(d, &d->symbols[i]))
            d->by_place[d->nby_place++] = &d->symbols[i];
        else if (in_a_section(d, &d->symbols[i]) && dump_is_mapping(&d->symbols[i]))
            d->mapping[d->nmapping++] = &d->symbols[i];
    qsort(d->by_place, d->nby_place, sizeof *d->by_place, by_place);
    qsort(d->mapping, d->nmapping, sizeof *d->mapping, by_place);
}

static bool check_kind(struct dump *d)
{
    if (memory_lost())
        return fail(d, strerror(errno));
    if (!d->elf || elf_kind(d->elf) != ELF_K_ELF)
        return fail(d, "this is no ELF file");
    if (!gelf_getehdr(d->elf, &d->header))
        return fail(d, elf_errmsg(-1));
    if (d->header.e_ident[EI_CLASS] != ELFCLASS64 || d->header.e_ident[EI_DATA] != ELFDATA2LSB ||
        d->header.e_machine != EM_RISCV)
        return fail(d, "expected a 64-bit little-endian RISC-V ELF file");
    return true;
}

bool dump_open(struct dump *d, const char *path)
{
    d->path = path;
    d->fd = open(path, O_RDONLY);
    if (d->fd < 0)
        return fail(d, strerror(errno));
    elf_version(EV_CURRENT);
    errno = 0;
    d->elf = elf_begin(d->fd, ELF_C_READ, NULL);
    if (!check_kind(d) || !read_sections(d))
        return false;
    for (size_t i = 1; i < d->nsections; i++)
        if (d->sections[i].header.sh_type == SHT_SYMTAB && d->sections[i].data) {
            read_symbols(d, i);
            break;
        }
    if (memory_lost())
        return fail(d, strerror(errno));
    sort_symbols(d);
    return true;
}

void dump_close(struct dump *d)
{
    if (d->elf)
        elf_end(d->elf);
    if (d->fd >= 0)
        close(d->fd);
    arena_free(&d->arena);
}

const char *dump_section_name(const struct dump *d, size_t index)
{
    switch (index) {
    case SHN_UNDEF: return "*UND*";
    case SHN_ABS: return "*ABS*";
    case SHN_COMMON: return "*COM*";
    default: return index < d->nsections ? d->sections[index].name : "<corrupt>";
    }
}

bool dump_is_code(const struct dump_section *s)
{
    return s->header.sh_flags & SHF_EXECINSTR;
}
