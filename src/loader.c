/* Loading images (loader.h). libelf takes the file apart; everything that it hands
 * over is checked here before it is used. */
#define _POSIX_C_SOURCE 200809L

#include "loader.h"

#include <errno.h>
#include <gelf.h>
#include <sha2.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "../asm/files.h"
#include "machine.h"

/* A file that is being loaded, and where its errors go. */
struct loading {
    struct image *image;
    struct machine *machine;
    const char *path;
    uint8_t *bytes;
    size_t size;
    Elf *elf;
    char *err;
    size_t n;
};

__attribute__((format(printf, 2, 3))) static bool fail(struct loading *l, const char *format, ...)
{
    int at = snprintf(l->err, l->n, "%s: ", SHOWN_NAME(l->path));
    va_list args;

    va_start(args, format);
    if (at >= 0 && (size_t)at < l->n)
        vsnprintf(l->err + at, l->n - (size_t)at, format, args);
    va_end(args);
    return false;
}

/* Files ----------------------------------------------------------------------------- */

static bool read_stream(struct loading *l, FILE *f, size_t limit)
{
    size_t room = 1 << 16;

    l->bytes = malloc(room);
    while (l->bytes) {
        l->size += fread(l->bytes + l->size, 1, room - l->size, f);
        if (l->size < room)
            return ferror(f) ? fail(l, "cannot be read: %s", strerror(errno)) : true;
        if (room > limit)
            return fail(l, "too large: more than %zu bytes", limit);
        room *= 2;
        void *more = realloc(l->bytes, room);
        if (!more)
            break;
        l->bytes = more;
    }
    return fail(l, "too large: out of memory");
}

/* Debug information may make an executable larger than what it puts into RAM. */
static bool read_file(struct loading *l)
{
    enum { DEBUG_ROOM = 1 << 30 };
    struct stat st;
    FILE *f = fopen(l->path, "rb");
    bool ok;

    if (!f)
        return fail(l, "cannot be opened: %s", strerror(errno));
    if (fstat(fileno(f), &st) == 0 && S_ISDIR(st.st_mode))
        ok = fail(l, "is a directory, expected a file");
    else
        ok = read_stream(l, f, machine_config(l->machine)->ram_bytes + DEBUG_ROOM);
    fclose(f);
    return ok;
}

/* RAM ------------------------------------------------------------------------------- */

static bool check_place(struct loading *l, const char *what, uint64_t addr, uint64_t size)
{
    uint64_t ram = machine_config(l->machine)->ram_bytes;

    if (size > UINT64_MAX - addr)
        return fail(l, "%s wraps round: 0x%llx bytes at 0x%llx", what, (unsigned long long)size,
                    (unsigned long long)addr);
    if (addr < RAM_BASE || addr - RAM_BASE > ram || size > ram - (addr - RAM_BASE))
        return fail(l, "%s [0x%llx, 0x%llx) is outside RAM [0x%llx, 0x%llx)", what,
                    (unsigned long long)addr, (unsigned long long)(addr + size),
                    (unsigned long long)RAM_BASE, (unsigned long long)(RAM_BASE + ram));
    for (size_t i = 0; i < l->image->nranges; i++) {
        const struct image_range *r = &l->image->ranges[i];

        if (addr < r->addr + r->size && r->addr < addr + size)
            return fail(l, "%s [0x%llx, 0x%llx) overlaps [0x%llx, 0x%llx) of %s", what,
                        (unsigned long long)addr, (unsigned long long)(addr + size),
                        (unsigned long long)r->addr, (unsigned long long)(r->addr + r->size),
                        r->file);
    }
    return true;
}

static bool add_range(struct loading *l, uint64_t addr, uint64_t size, uint64_t linked)
{
    struct image *im = l->image;
    struct image_range *more = realloc(im->ranges, (im->nranges + 1) * sizeof *more);

    if (more)
        im->ranges = more;
    char *file = more ? strdup(l->path) : NULL;
    if (!file)
        return fail(l, "out of memory");
    im->ranges[im->nranges++] = (struct image_range){addr, size, linked, file};
    return true;
}

/* What was loaded; hashing takes longer than loading, so only if somebody asks for it. */
static bool note_file(struct loading *l)
{
    struct image *im = l->image;
    struct image_file *more, *f;

    if (!im->identify)
        return true;
    more = realloc(im->files, (im->nfiles + 1) * sizeof *more);
    if (!more)
        return fail(l, "out of memory");
    im->files = more;
    f = &more[im->nfiles];
    *f = (struct image_file){.path = strdup(l->path), .size = l->size};
    if (!f->path)
        return fail(l, "out of memory");
    im->nfiles++;
    SHA256Data(l->bytes, l->size, f->sha256);
    return true;
}

/* ELF: headers and segments ----------------------------------------------------------- */

static const char *machine_name(unsigned machine)
{
    static const struct {
        uint16_t number;
        const char *name;
    } names[] = {
        {EM_386, "i386"},        {EM_X86_64, "x86-64"}, {EM_ARM, "ARM"},
        {EM_AARCH64, "AArch64"}, {EM_MIPS, "MIPS"},     {EM_PPC, "PowerPC"},
        {EM_PPC64, "PowerPC64"}, {EM_S390, "S/390"},    {EM_SPARCV9, "SPARC V9"},
        {EM_BPF, "BPF"},
    };

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (names[i].number == machine)
            return names[i].name;
    return "unknown";
}

static bool check_type(struct loading *l, const Elf64_Ehdr *h)
{
    switch (h->e_type) {
    case ET_EXEC: return true;
    case ET_REL:
        return fail(l, "not an executable: a relocatable object file (type 1); link it first");
    case ET_DYN:
        return fail(l, "not a static executable: position-independent or shared (type 3), expected "
                       "type 2; link with -static -no-pie");
    case ET_CORE: return fail(l, "not an executable: a core dump (type 4)");
    default: return fail(l, "not an executable: type is %u, expected 2 (EXEC)", h->e_type);
    }
}

static bool check_ident(struct loading *l)
{
    static const uint8_t magic[] = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3};

    if (l->size < sizeof magic || memcmp(l->bytes, magic, sizeof magic))
        return fail(l, "not an ELF file (a flat image is loaded with --raw ADDRESS)");
    if (l->size < sizeof(Elf64_Ehdr))
        return fail(l, "truncated: %zu bytes, an ELF header has %zu", l->size, sizeof(Elf64_Ehdr));
    if (l->bytes[EI_CLASS] != ELFCLASS64)
        return fail(l, "not a 64-bit ELF file: class is %u%s, expected 2", l->bytes[EI_CLASS],
                    l->bytes[EI_CLASS] == ELFCLASS32 ? " (32-bit)" : "");
    if (l->bytes[EI_DATA] != ELFDATA2LSB)
        return fail(l, "not a little-endian ELF file: data encoding is %u%s, expected 1",
                    l->bytes[EI_DATA], l->bytes[EI_DATA] == ELFDATA2MSB ? " (big-endian)" : "");
    if (l->bytes[EI_VERSION] != EV_CURRENT)
        return fail(l, "ELF version is %u, expected %u", l->bytes[EI_VERSION], EV_CURRENT);
    return true;
}

static const Elf64_Ehdr *check_header(struct loading *l)
{
    const Elf64_Ehdr *h;

    if (!check_ident(l))
        return NULL;
    l->elf = elf_memory((char *)l->bytes, l->size);
    if (!l->elf || elf_kind(l->elf) != ELF_K_ELF || !(h = elf64_getehdr(l->elf))) {
        fail(l, "broken ELF header: %s", elf_errmsg(-1));
        return NULL;
    }
    if (h->e_machine != EM_RISCV) {
        fail(l, "not a RISC-V executable: machine is %s (%u), expected RISC-V (%u)",
             machine_name(h->e_machine), h->e_machine, EM_RISCV);
        return NULL;
    }
    if (!check_type(l, h))
        return NULL;
    if (h->e_phnum && h->e_phentsize != sizeof(Elf64_Phdr)) {
        fail(l, "broken ELF header: program headers of %u bytes, expected %zu", h->e_phentsize,
             sizeof(Elf64_Phdr));
        return NULL;
    }
    return h;
}

/* GNU ld with -Ttext alone makes the file's headers a page of the program, below RAM. If
 * no section lies there, nothing is lost without it. */
static void skip_headers(struct loading *l, Elf64_Phdr *p)
{
    uint64_t skip = RAM_BASE - p->p_paddr;
    Elf_Scn *scn = NULL;

    if (p->p_offset != 0 || p->p_paddr >= RAM_BASE || skip >= p->p_filesz)
        return;
    while ((scn = elf_nextscn(l->elf, scn))) {
        GElf_Shdr s;

        if (!gelf_getshdr(scn, &s) || ((s.sh_flags & SHF_ALLOC) && s.sh_offset < skip))
            return;
    }
    p->p_offset += skip;
    p->p_paddr += skip;
    p->p_vaddr += skip;
    p->p_filesz -= skip;
    p->p_memsz -= skip;
}

static bool load_segment(struct loading *l, size_t index, Elf64_Phdr copy)
{
    const Elf64_Phdr *p = &copy;
    char what[48];

    snprintf(what, sizeof what, "segment %zu", index);
    if (p->p_filesz > p->p_memsz)
        return fail(l, "%s has more bytes in the file (0x%llx) than in memory (0x%llx)", what,
                    (unsigned long long)p->p_filesz, (unsigned long long)p->p_memsz);
    if (p->p_filesz && (p->p_offset > l->size || p->p_filesz > l->size - p->p_offset))
        return fail(l, "truncated: %s needs bytes [0x%llx, 0x%llx + 0x%llx), the file has 0x%zx",
                    what, (unsigned long long)p->p_offset, (unsigned long long)p->p_offset,
                    (unsigned long long)p->p_filesz, l->size);
    if (p->p_memsz == 0)
        return true;
    skip_headers(l, &copy);
    if (!check_place(l, what, p->p_paddr, p->p_memsz))
        return false;
    if (p->p_memsz - 1 > UINT64_MAX - p->p_vaddr)
        return fail(l, "%s wraps round: 0x%llx bytes at virtual address 0x%llx", what,
                    (unsigned long long)p->p_memsz, (unsigned long long)p->p_vaddr);
    if (p->p_filesz)
        machine_write(l->machine, p->p_paddr, l->bytes + p->p_offset, p->p_filesz);
    return add_range(l, p->p_paddr, p->p_memsz, p->p_vaddr);
}

static bool load_segments(struct loading *l)
{
    size_t n;
    GElf_Phdr p;

    if (elf_getphdrnum(l->elf, &n))
        return fail(l, "broken program headers: %s", elf_errmsg(-1));
    if (n == 0)
        return fail(l, "no program headers: there is nothing to load");
    for (size_t i = 0; i < n; i++) {
        if (!gelf_getphdr(l->elf, (int)i, &p))
            return fail(l, "broken program headers: %s", elf_errmsg(-1));
        if (p.p_type == PT_INTERP || p.p_type == PT_DYNAMIC)
            return fail(l,
                        "not a static executable: segment %zu is for a dynamic linker; link "
                        "with -static -no-pie",
                        i);
        if (p.p_type == PT_LOAD && !load_segment(l, i, p))
            return false;
    }
    return true;
}

/* The entry is an address as linked; the machine begins at its physical one. */
static bool set_entry(struct loading *l, uint64_t linked, size_t first)
{
    struct image *im = l->image;

    if (im->nranges == first)
        return fail(l, "no loadable segment has any bytes: there is nothing to load");
    for (size_t i = first; i < im->nranges; i++) {
        const struct image_range *r = &im->ranges[i];

        if (linked < r->linked || linked - r->linked >= r->size)
            continue;
        if (linked & 1)
            return fail(l, "entry 0x%llx is odd", (unsigned long long)linked);
        if (first == 0)
            im->entry = linked - r->linked + r->addr;
        return true;
    }
    return fail(l, "entry 0x%llx is in no loaded segment", (unsigned long long)linked);
}

/* ELF: symbols ------------------------------------------------------------------------ */

static bool wanted_symbol(const GElf_Sym *s, const char *name)
{
    unsigned type = ELF64_ST_TYPE(s->st_info);

    if (s->st_shndx == SHN_UNDEF || (type != STT_NOTYPE && type != STT_FUNC && type != STT_OBJECT))
        return false;
    if (s->st_shndx == SHN_ABS)
        return false; /* sizes and other numbers */
    return name[0] && name[0] != '$' && strncmp(name, ".L", 2) != 0;
}

static uint8_t symbol_rank(const GElf_Sym *s)
{
    unsigned type = ELF64_ST_TYPE(s->st_info);

    return (uint8_t)((type == STT_FUNC     ? 4
                      : type == STT_OBJECT ? 2
                                           : 0) +
                     (ELF64_ST_BIND(s->st_info) != STB_LOCAL));
}

/* The name of a symbol, if it ends inside its string table; NULL if not. */
static const char *symbol_name(const Elf_Data *strings, uint64_t at)
{
    if (!strings || !strings->d_buf || at >= strings->d_size)
        return NULL;
    const char *name = (const char *)strings->d_buf + at;
    return memchr(name, 0, strings->d_size - at) ? name : NULL;
}

static bool add_symbol(struct image *im, const GElf_Sym *s, const char *name)
{
    char *copy = strdup(name);

    if (copy)
        im->symbols[im->nsymbols++] =
            (struct symbol){s->st_value, s->st_size, copy, symbol_rank(s)};
    return copy;
}

static bool load_symbol_table(struct loading *l, Elf_Data *data, const Elf_Data *strings)
{
    struct image *im = l->image;
    size_t n = data->d_size / sizeof(Elf64_Sym);
    struct symbol *more = n ? realloc(im->symbols, (im->nsymbols + n) * sizeof *more) : NULL;

    if (!more)
        return n == 0 || fail(l, "out of memory for %zu symbols", n);
    im->symbols = more;
    for (size_t i = 1; i < n; i++) {
        GElf_Sym s;
        const char *name;

        if (!gelf_getsym(data, (int)i, &s))
            return fail(l, "broken symbol %zu: %s", i, elf_errmsg(-1));
        name = symbol_name(strings, s.st_name);
        if (!name)
            return fail(l, "symbol %zu has its name outside the string table (offset 0x%x)", i,
                        s.st_name);
        if (wanted_symbol(&s, name) && !add_symbol(im, &s, name))
            return fail(l, "out of memory for %zu symbols", n);
    }
    return true;
}

/* The string table of a symbol table; NULL if it names none. */
static const Elf_Data *strings_of(Elf *elf, const GElf_Shdr *symbols)
{
    Elf_Scn *scn = elf_getscn(elf, symbols->sh_link);
    GElf_Shdr h;

    return scn && gelf_getshdr(scn, &h) && h.sh_type == SHT_STRTAB ? elf_getdata(scn, NULL) : NULL;
}

static bool load_symbols(struct loading *l)
{
    Elf_Scn *scn = NULL;

    while ((scn = elf_nextscn(l->elf, scn))) {
        GElf_Shdr h;
        Elf_Data *data;

        if (!gelf_getshdr(scn, &h) || h.sh_type != SHT_SYMTAB)
            continue;
        data = elf_getdata(scn, NULL);
        if (!data || (data->d_size && !data->d_buf))
            return fail(l, "broken symbol table in section %zu: %s", elf_ndxscn(scn),
                        elf_errmsg(-1));
        if (!load_symbol_table(l, data, strings_of(l->elf, &h)))
            return false;
    }
    return true;
}

static int by_address(const void *a, const void *b)
{
    const struct symbol *x = a, *y = b;

    if (x->addr != y->addr)
        return x->addr < y->addr ? -1 : 1;
    if (x->rank != y->rank)
        return x->rank < y->rank ? -1 : 1;
    return strcmp(y->name, x->name); /* the alphabetically first one last: it names the place */
}

/* The whole of it --------------------------------------------------------------------- */

static void drop_since(struct image *im, size_t nranges, size_t nsymbols, size_t nfiles)
{
    while (im->nfiles > nfiles)
        free(im->files[--im->nfiles].path);
    while (im->nranges > nranges)
        free(im->ranges[--im->nranges].file);
    while (im->nsymbols > nsymbols)
        free(im->symbols[--im->nsymbols].name);
}

bool image_load_elf(struct image *im, struct machine *m, const char *path, char *err, size_t n)
{
    struct loading l = {.image = im, .machine = m, .path = path, .err = err, .n = n};
    size_t nranges = im->nranges, nsymbols = im->nsymbols, nfiles = im->nfiles;
    const Elf64_Ehdr *h = NULL;
    bool ok = false;

    if (elf_version(EV_CURRENT) == EV_NONE)
        fail(&l, "libelf is too old: %s", elf_errmsg(-1));
    else
        ok = read_file(&l) && note_file(&l) && (h = check_header(&l)) && load_segments(&l) &&
             set_entry(&l, h->e_entry, nranges) && load_symbols(&l);
    if (ok && im->nsymbols)
        qsort(im->symbols, im->nsymbols, sizeof im->symbols[0], by_address);
    else if (!ok)
        drop_since(im, nranges, nsymbols, nfiles);
    elf_end(l.elf);
    free(l.bytes);
    return ok;
}

bool image_load_raw(struct image *im, struct machine *m, const char *path, uint64_t addr, char *err,
                    size_t n)
{
    struct loading l = {.image = im, .machine = m, .path = path, .err = err, .n = n};
    size_t nfiles = im->nfiles;
    bool ok = read_file(&l) && note_file(&l);

    if (ok && l.size == 0)
        ok = fail(&l, "is empty: there is nothing to load");
    ok = ok && check_place(&l, "the image", addr, l.size);
    if (ok && addr & 1 && im->nranges == 0)
        ok = fail(&l, "entry 0x%llx is odd", (unsigned long long)addr);
    if (ok) {
        machine_write(m, addr, l.bytes, l.size);
        ok = add_range(&l, addr, l.size, addr);
    }
    if (ok && im->nranges == 1)
        im->entry = addr;
    if (!ok)
        drop_since(im, im->nranges, im->nsymbols, nfiles);
    free(l.bytes);
    return ok;
}

void image_free(struct image *im)
{
    drop_since(im, 0, 0, 0);
    free(im->ranges);
    free(im->symbols);
    free(im->files);
    *im = (struct image){0};
}

/* Asking ------------------------------------------------------------------------------ */

uint64_t image_end(const struct image *im)
{
    uint64_t end = 0;

    for (size_t i = 0; i < im->nranges; i++)
        if (im->ranges[i].addr + im->ranges[i].size > end)
            end = im->ranges[i].addr + im->ranges[i].size;
    return end;
}

bool image_physical(const struct image *im, uint64_t linked, uint64_t *pa)
{
    for (size_t i = 0; i < im->nranges; i++) {
        const struct image_range *r = &im->ranges[i];

        if (linked >= r->linked && linked - r->linked < r->size) {
            *pa = linked - r->linked + r->addr;
            return true;
        }
    }
    return false;
}

const struct symbol *image_symbol_at(const struct image *im, uint64_t addr, uint64_t *offset)
{
    size_t lo = 0, hi = im->nsymbols;
    uint64_t pa;

    if (!hi || !image_physical(im, addr, &pa))
        return NULL;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;

        if (im->symbols[mid].addr <= addr)
            lo = mid + 1;
        else
            hi = mid;
    }
    if (lo == 0)
        return NULL;
    *offset = addr - im->symbols[lo - 1].addr;
    return &im->symbols[lo - 1];
}

const struct symbol *image_symbol(const struct image *im, const char *name)
{
    for (size_t i = 0; i < im->nsymbols; i++)
        if (strcmp(im->symbols[i].name, name) == 0)
            return &im->symbols[i];
    return NULL;
}
