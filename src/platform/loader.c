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

#include "files.h"
#include "machine/machine.h"

/* A file that is being loaded, and where its errors go. */
struct loading {
    struct image *image;
    struct image_file *file; /* the image's last */
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
        ok = read_stream(l, f,
                         (l->machine ? machine_config(l->machine)->ram_bytes : 0) + DEBUG_ROOM);
    fclose(f);
    return ok;
}

/* RAM ------------------------------------------------------------------------------- */

static const struct image_range *overlapping(const struct image_file *f, uint64_t addr,
                                             uint64_t size)
{
    for (size_t i = 0; i < f->nranges; i++)
        if (addr < f->ranges[i].addr + f->ranges[i].size && f->ranges[i].addr < addr + size)
            return &f->ranges[i];
    return NULL;
}

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
    for (size_t i = 0; i < l->image->nfiles; i++) {
        const struct image_file *f = &l->image->files[i];
        const struct image_range *r = overlapping(f, addr, size);

        if (r)
            return fail(l, "%s [0x%llx, 0x%llx) overlaps [0x%llx, 0x%llx) of %s", what,
                        (unsigned long long)addr, (unsigned long long)(addr + size),
                        (unsigned long long)r->addr, (unsigned long long)(r->addr + r->size),
                        f->path);
    }
    return true;
}

static bool add_range(struct loading *l, uint64_t addr, uint64_t size, uint64_t linked)
{
    struct image_file *f = l->file;
    struct image_range *more = realloc(f->ranges, (f->nranges + 1) * sizeof *more);

    if (!more)
        return fail(l, "out of memory");
    f->ranges = more;
    f->ranges[f->nranges++] = (struct image_range){addr, size, linked};
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
    if (!l->machine && h->e_type == ET_DYN) /* for its symbols */
        return true;
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
    if (elf_version(EV_CURRENT) == EV_NONE) {
        fail(l, "libelf is too old: %s", elf_errmsg(-1));
        return NULL;
    }
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
    if (h->e_version != EV_CURRENT) {
        fail(l, "ELF version is %u in the header's word, expected %u", h->e_version, EV_CURRENT);
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
        if (p.p_type == PT_INTERP) /* with PT_DYNAMIC alone it relocates itself */
            return fail(l,
                        "not a static executable: segment %zu is for a dynamic linker; link "
                        "with -static -no-pie",
                        i);
        if (p.p_type == PT_LOAD && !load_segment(l, i, p))
            return false;
    }
    return true;
}

/* Where an address as linked was loaded. */
static bool physical(const struct image_file *f, uint64_t linked, uint64_t *pa)
{
    for (size_t i = 0; i < f->nranges; i++) {
        const struct image_range *r = &f->ranges[i];

        if (linked >= r->linked && linked - r->linked < r->size) {
            *pa = linked - r->linked + r->addr;
            return true;
        }
    }
    return false;
}

/* The entry is an address as linked; the machine begins at its physical one. */
static bool set_entry(struct loading *l, uint64_t linked)
{
    uint64_t pa;

    if (l->file->nranges == 0)
        return fail(l, "no loadable segment has any bytes: there is nothing to load");
    if (!physical(l->file, linked, &pa))
        return fail(l, "entry 0x%llx is in no loaded segment", (unsigned long long)linked);
    if (linked & 1)
        return fail(l, "entry 0x%llx is odd", (unsigned long long)linked);
    if (l->image->nfiles == 1)
        l->image->entry = pa;
    return true;
}

static bool load_symbols(struct loading *l)
{
    char why[160];

    return symbols_read(&l->file->symbols, l->elf, l->size, why, sizeof why) || fail(l, "%s", why);
}

/* Addresses that a file's symbols are for, without its bytes. */
static bool note_segments(struct loading *l)
{
    size_t n;
    GElf_Phdr p;

    if (elf_getphdrnum(l->elf, &n))
        return fail(l, "broken program headers: %s", elf_errmsg(-1));
    for (size_t i = 0; i < n; i++) {
        if (!gelf_getphdr(l->elf, (int)i, &p))
            return fail(l, "broken program headers: %s", elf_errmsg(-1));
        if (p.p_type != PT_LOAD || p.p_memsz == 0)
            continue;
        if (p.p_memsz - 1 > UINT64_MAX - p.p_vaddr)
            return fail(l, "segment %zu wraps round: 0x%llx bytes at virtual address 0x%llx", i,
                        (unsigned long long)p.p_memsz, (unsigned long long)p.p_vaddr);
        if (!add_range(l, p.p_vaddr, p.p_memsz, p.p_vaddr))
            return false;
    }
    return l->file->nranges ? true : fail(l, "no segment says where its symbols are");
}

/* The whole of it --------------------------------------------------------------------- */

static void free_file(struct image_file *f)
{
    free(f->path);
    free(f->ranges);
    symbols_free(&f->symbols);
}

/* One more file at the end of a list, for l->file. */
static bool begin_file(struct loading *l, struct image_file **files, size_t *n)
{
    struct image_file *more = realloc(*files, (*n + 1) * sizeof *more);
    char *path = more ? strdup(l->path) : NULL;

    if (more)
        *files = more;
    if (!path)
        return fail(l, "out of memory");
    l->file = &more[(*n)++];
    *l->file = (struct image_file){.path = path};
    return true;
}

/* What was read; hashing takes longer than loading, so only if somebody asks for it. */
static bool note_bytes(struct loading *l)
{
    l->file->size = l->size;
    if (l->image->identify)
        SHA256Data(l->bytes, l->size, l->file->sha256);
    return true;
}

/* It counts as a whole or not at all. */
static bool end_file(struct loading *l, bool ok, size_t *n)
{
    if (!ok && l->file) {
        free_file(l->file);
        --*n;
    }
    elf_end(l->elf);
    free(l->bytes);
    return ok;
}

bool image_load_elf(struct image *im, struct machine *m, const char *path, char *err, size_t n)
{
    struct loading l = {.image = im, .machine = m, .path = path, .err = err, .n = n};
    const Elf64_Ehdr *h = NULL;
    bool ok = begin_file(&l, &im->files, &im->nfiles);

    ok = ok && read_file(&l) && note_bytes(&l) && (h = check_header(&l)) && load_segments(&l) &&
         set_entry(&l, h->e_entry) && load_symbols(&l);
    return end_file(&l, ok, &im->nfiles);
}

bool image_load_raw(struct image *im, struct machine *m, const char *path, uint64_t addr, char *err,
                    size_t n)
{
    struct loading l = {.image = im, .machine = m, .path = path, .err = err, .n = n};
    bool ok = begin_file(&l, &im->files, &im->nfiles) && read_file(&l) && note_bytes(&l);

    if (ok && l.size == 0)
        ok = fail(&l, "is empty: there is nothing to load");
    ok = ok && check_place(&l, "the image", addr, l.size);
    if (ok && addr & 1 && im->nfiles == 1)
        ok = fail(&l, "entry 0x%llx is odd", (unsigned long long)addr);
    ok = ok && add_range(&l, addr, l.size, addr);
    if (ok) {
        machine_write(m, addr, l.bytes, l.size);
        im->entry = im->nfiles == 1 ? addr : im->entry;
    }
    return end_file(&l, ok, &im->nfiles);
}

bool image_add_guest(struct image *im, const char *path, const uint16_t *vmid, char *err, size_t n)
{
    struct loading l = {.image = im, .path = path, .err = err, .n = n};
    bool ok = begin_file(&l, &im->guests, &im->nguests) && read_file(&l) && check_header(&l) &&
              note_segments(&l) && load_symbols(&l);

    if (ok && l.file->symbols.n == 0)
        ok = fail(&l, "has no symbols");
    if (ok && vmid) {
        l.file->one_vm = true;
        l.file->vmid = *vmid;
    }
    return end_file(&l, ok, &im->nguests);
}

void image_free(struct image *im)
{
    for (size_t i = 0; i < im->nfiles; i++)
        free_file(&im->files[i]);
    for (size_t i = 0; i < im->nguests; i++)
        free_file(&im->guests[i]);
    free(im->files);
    free(im->guests);
    *im = (struct image){0};
}

uint64_t image_end(const struct image *im)
{
    uint64_t end = 0;

    for (size_t i = 0; i < im->nfiles; i++)
        for (size_t k = 0; k < im->files[i].nranges; k++) {
            const struct image_range *r = &im->files[i].ranges[k];

            end = r->addr + r->size > end ? r->addr + r->size : end;
        }
    return end;
}
