/* The ELF file: an executable with its segments, or a relocatable with its relocations.
 * libelf translates and writes; where everything stands is decided here. */
#include "as.h"

#include <elf.h>
#include <errno.h>
#include <gelf.h>
#include <libelf.h>
#include <stdlib.h>
#include <string.h>

/* A string table under construction. */
struct strings {
    char *s;
    size_t n, cap;
};

struct writer {
    struct as *as;
    Elf *elf;
    struct strings names, section_names;
    GElf_Sym *symbols;
    size_t nsymbols, symbol_cap, nlocals;
    uint64_t offset; /* end of the file so far */
    uint32_t nsections;
    const char *failed; /* what libelf could not do */
};

static uint32_t add_string(struct strings *t, const char *s, size_t n)
{
    uint32_t at = (uint32_t)t->n;

    t->s = grow(t->s, &t->cap, t->n + n + 1, 1);
    memcpy(t->s + t->n, s, n);
    t->s[t->n + n] = '\0';
    t->n += n + 1;
    return at;
}

/* --- Symbols ------------------------------------------------------------------------------ */

static bool is_temporary(const struct symbol *s)
{
    return strncmp(s->name, ".L", 2) == 0 || s->generated || !*s->name;
}

static unsigned char binding(const struct symbol *s)
{
    if (s->weak)
        return STB_WEAK;
    return s->global || !is_defined(s) ? STB_GLOBAL : STB_LOCAL;
}

static bool belongs(const struct as *as, const struct symbol *s)
{
    if (s->link || s->replaced)
        return false;
    if (s->wanted)
        return true;
    if (!is_defined(s))
        return as->opt.object && (s->used.source || s->weak) && (s->global || s->weak);
    return !is_temporary(s);
}

static struct value symbol_value(struct as *as, const struct symbol *s)
{
    struct expr e = {.symbol = (struct symbol *)s, .loc = s->defined};
    struct value v = {0};

    eval(as, &e, LAST, &v);
    return v;
}

static void put_symbol(struct writer *w, GElf_Sym sym)
{
    w->symbols = grow(w->symbols, &w->symbol_cap, w->nsymbols + 1, sizeof *w->symbols);
    w->symbols[w->nsymbols++] = sym;
}

static void symbol_size(struct writer *w, const struct symbol *s, GElf_Sym *sym)
{
    struct value v;

    if (!s->size || !eval(w->as, s->size, LAST, &v))
        return;
    if (v.plus || v.minus)
        error_at(w->as, s->size->loc, "the size of '%s' is no constant", s->name);
    else
        sym->st_size = (uint64_t)v.n;
}

static void add_symbol(struct writer *w, struct symbol *s)
{
    GElf_Sym sym = {.st_name = add_string(&w->names, s->name, strlen(s->name)),
                    .st_info = GELF_ST_INFO(binding(s), s->type),
                    .st_other = s->visibility};

    s->elf_index = (uint32_t)w->nsymbols;
    symbol_size(w, s, &sym);
    if (s->kind == S_COMMON) {
        sym.st_shndx = SHN_COMMON;
        sym.st_value = (uint64_t)s->value;
    } else if (s->kind == S_LABEL) {
        sym.st_shndx = (uint16_t)s->section->elf_index;
        sym.st_value = s->section->addr + (uint64_t)s->value;
    } else if (is_defined(s)) {
        struct value v = symbol_value(w->as, s);

        sym.st_shndx = SHN_ABS;
        sym.st_value = (uint64_t)v.n;
        if (v.plus && v.plus->kind == S_LABEL && !v.minus) {
            sym.st_shndx = (uint16_t)v.plus->section->elf_index;
            sym.st_value = (uint64_t)(v.n + v.plus->value);
        } else if (v.plus) {
            error_at(w->as, s->defined, "'%s' cannot be told without a linker's arithmetic",
                     s->name);
        }
    }
    put_symbol(w, sym);
}

static void section_symbols(struct writer *w)
{
    for (struct section *s = w->as->sections; s; s = s->next) {
        GElf_Sym sym = {.st_info = GELF_ST_INFO(STB_LOCAL, STT_SECTION), .st_value = s->addr};

        if (!s->elf_index)
            continue;
        s->symbol->elf_index = (uint32_t)w->nsymbols;
        sym.st_shndx = (uint16_t)s->elf_index;
        put_symbol(w, sym);
    }
}

/* $x where code begins and $d where data does, so that a disassembler can tell them apart. */
static void mapping_symbols(struct writer *w)
{
    uint32_t names[2] = {0};

    for (struct section *s = w->as->sections; s; s = s->next)
        for (size_t i = 0; i < s->nmarks; i++) {
            bool code = s->marks[i].code;

            if (!names[code])
                names[code] = add_string(&w->names, code ? "$x" : "$d", 2);
            put_symbol(w, (GElf_Sym){.st_name = names[code],
                                     .st_info = GELF_ST_INFO(STB_LOCAL, STT_NOTYPE),
                                     .st_shndx = (uint16_t)s->elf_index,
                                     .st_value = s->addr + s->marks[i].at});
        }
}

static void collect_symbols(struct writer *w)
{
    struct as *as = w->as;

    put_symbol(w, (GElf_Sym){0});
    for (unsigned i = 0; i < as->nfile_symbols; i++)
        put_symbol(w, (GElf_Sym){.st_name = add_string(&w->names, as->file_symbol[i],
                                                       strlen(as->file_symbol[i])),
                                 .st_info = GELF_ST_INFO(STB_LOCAL, STT_FILE),
                                 .st_shndx = SHN_ABS});
    section_symbols(w);
    mapping_symbols(w);
    for (int local = 1; local >= 0; local--) {
        for (struct symbol *s = as->all_symbols; s; s = s->all)
            if (belongs(as, s) && (binding(s) == STB_LOCAL) == local)
                add_symbol(w, s);
        if (local)
            w->nlocals = w->nsymbols;
    }
}

/* --- Sections ------------------------------------------------------------------------------ */

static uint64_t align_up(uint64_t n, uint64_t align)
{
    return (n + align - 1) & ~(align - 1);
}

static uint32_t section_name(struct writer *w, const char *name)
{
    return add_string(&w->section_names, name, strlen(name));
}

/* libelf was refused memory. Some of its calls then return what lacks a part, and the next one fails
 * for another reason, or crashes. */
static bool memory_lost(void)
{
    return errno == ENOMEM;
}

/* A new section at the end of the file; data may be NULL (nobits). Returns its index, or 0. */
static uint32_t add_section(struct writer *w, GElf_Shdr header, const void *data, Elf_Type type)
{
    Elf_Scn *scn = w->failed ? NULL : elf_newscn(w->elf);
    Elf_Data *d = scn && !memory_lost() ? elf_newdata(scn) : NULL;

    if (w->failed)
        return 0;
    if (!d) {
        w->failed = "add a section";
        return 0;
    }
    d->d_buf = (void *)data;
    d->d_type = type;
    d->d_size = header.sh_size;
    d->d_align = 1;
    d->d_version = EV_CURRENT;
    header.sh_offset = w->offset;
    if (header.sh_type != SHT_NOBITS)
        w->offset += header.sh_size;
    if (!gelf_update_shdr(scn, &header))
        w->failed = "write a section header";
    return (uint32_t)elf_ndxscn(scn);
}

/* File offset and address agree modulo the page, so that a segment can be mapped. */
static void add_contents(struct writer *w)
{
    struct as *as = w->as;

    for (struct section *s = as->sections; s; s = s->next) {
        GElf_Shdr h = {.sh_type = s->type,
                       .sh_flags = s->flags,
                       .sh_addr = s->addr,
                       .sh_size = s->size,
                       .sh_addralign = s->align,
                       .sh_entsize = s->entsize};

        if (!as->opt.object && s->size == 0)
            continue;
        h.sh_name = section_name(w, s->name);
        if (as->opt.object || !section_loads(s))
            w->offset = align_up(w->offset, s->align < PAGE ? s->align : PAGE);
        else if (s->type != SHT_NOBITS)
            w->offset += (s->addr - w->offset) % PAGE;
        s->elf_index = add_section(w, h, s->data, ELF_T_BYTE);
    }
}

static void *arena_data(struct writer *w, size_t size)
{
    return arena_alloc(&w->as->arena, size ? size : 1);
}

static void add_relocs(struct writer *w, uint32_t symtab)
{
    for (struct section *s = w->as->sections; s; s = s->next) {
        GElf_Shdr h = {.sh_type = SHT_RELA,
                       .sh_flags = SHF_INFO_LINK,
                       .sh_link = symtab,
                       .sh_info = s->elf_index,
                       .sh_addralign = 8,
                       .sh_entsize = sizeof(Elf64_Rela),
                       .sh_size = s->nrelocs * sizeof(Elf64_Rela)};
        Elf64_Rela *out;
        char *name;
        size_t n = strlen(s->name) + sizeof ".rela";

        if (s->nrelocs == 0)
            continue;
        out = arena_data(w, h.sh_size);
        name = arena_data(w, n);
        snprintf(name, n, ".rela%s", s->name);
        for (size_t i = 0; i < s->nrelocs; i++) {
            const struct reloc *r = &s->relocs[i];

            out[i] = (Elf64_Rela){
                r->at, ELF64_R_INFO((uint64_t)(r->symbol ? r->symbol->elf_index : 0), r->type),
                r->addend};
        }
        w->offset = align_up(w->offset, 8);
        h.sh_name = section_name(w, name);
        add_section(w, h, out, ELF_T_RELA);
    }
}

static void add_attributes(struct writer *w)
{
    uint8_t *bytes = arena_data(w, 512);
    GElf_Shdr h = {.sh_type = SHT_RISCV_ATTRIBUTES, .sh_addralign = 1};

    h.sh_size = attributes_bytes(w->as, bytes, 512);
    h.sh_name = section_name(w, ".riscv.attributes");
    add_section(w, h, bytes, ELF_T_BYTE);
}

/* Symbol table, relocations and the tables of names; returns the index of the section names. */
static uint32_t add_tables(struct writer *w)
{
    uint32_t next = w->nsections + 2; /* .riscv.attributes comes before */
    GElf_Shdr symtab = {.sh_type = SHT_SYMTAB,
                        .sh_addralign = 8,
                        .sh_entsize = sizeof(Elf64_Sym),
                        .sh_link = next + 1};
    GElf_Shdr strings = {.sh_type = SHT_STRTAB, .sh_addralign = 1};
    Elf64_Sym *symbols;

    collect_symbols(w);
    symtab.sh_size = w->nsymbols * sizeof *symbols;
    symtab.sh_info = (uint32_t)w->nlocals;
    symbols = arena_data(w, symtab.sh_size);
    for (size_t i = 0; i < w->nsymbols; i++)
        symbols[i] = (Elf64_Sym){.st_name = w->symbols[i].st_name,
                                 .st_info = w->symbols[i].st_info,
                                 .st_other = w->symbols[i].st_other,
                                 .st_shndx = w->symbols[i].st_shndx,
                                 .st_value = w->symbols[i].st_value,
                                 .st_size = w->symbols[i].st_size};
    add_attributes(w);
    w->offset = align_up(w->offset, 8);
    symtab.sh_name = section_name(w, ".symtab");
    add_section(w, symtab, symbols, ELF_T_SYM);
    strings.sh_size = w->names.n;
    strings.sh_name = section_name(w, ".strtab");
    add_section(w, strings, w->names.s, ELF_T_BYTE);
    add_relocs(w, next);
    strings.sh_name = section_name(w, ".shstrtab"); /* the last name: now the size is known */
    strings.sh_size = w->section_names.n;
    return add_section(w, strings, w->section_names.s, ELF_T_BYTE);
}

/* --- Headers ------------------------------------------------------------------------------- */

static uint32_t segment_flags(const struct section *s)
{
    return PF_R | (s->flags & SHF_WRITE ? PF_W : 0) | (s->flags & SHF_EXECINSTR ? PF_X : 0);
}

/* Sections that share a segment follow each other (layout.c) and have the same nature. */
static bool same_segment(const struct section *a, const struct section *b)
{
    return segment_flags(a) == segment_flags(b) &&
           (a->type == SHT_NOBITS) == (b->type == SHT_NOBITS);
}

static size_t make_segments(struct writer *w, GElf_Phdr *out)
{
    const struct section *last = NULL;
    size_t n = 0;

    for (struct section *s = w->as->sections; s; s = s->next) {
        GElf_Phdr *p;
        GElf_Shdr h;

        if (!section_loads(s) || s->size == 0 ||
            !gelf_getshdr(elf_getscn(w->elf, s->elf_index), &h))
            continue;
        if (!last || !same_segment(last, s))
            out[n++] = (GElf_Phdr){.p_type = PT_LOAD,
                                   .p_flags = segment_flags(s),
                                   .p_offset = s->type == SHT_NOBITS
                                                   ? h.sh_offset + (s->addr - h.sh_offset) % PAGE
                                                   : h.sh_offset,
                                   .p_vaddr = s->addr,
                                   .p_paddr = s->addr,
                                   .p_align = PAGE};
        p = &out[n - 1];
        p->p_memsz = s->addr + s->size - p->p_vaddr;
        if (s->type != SHT_NOBITS)
            p->p_filesz = p->p_memsz;
        last = s;
    }
    return n;
}

static bool write_headers(struct writer *w, uint64_t entry, size_t nsegments, uint32_t names,
                          const GElf_Phdr *segments)
{
    GElf_Ehdr h;

    if (!gelf_getehdr(w->elf, &h))
        return false;
    h.e_ident[EI_DATA] = ELFDATA2LSB;
    h.e_machine = EM_RISCV;
    h.e_version = EV_CURRENT;
    h.e_type = w->as->opt.object ? ET_REL : ET_EXEC;
    h.e_flags = EF_RISCV_RVC;
    h.e_entry = entry;
    h.e_phoff = nsegments ? sizeof(Elf64_Ehdr) : 0;
    h.e_shoff = align_up(w->offset, 8);
    h.e_shstrndx = (uint16_t)names;
    if (!gelf_update_ehdr(w->elf, &h))
        return false;
    for (size_t i = 0; i < nsegments; i++)
        if (!gelf_update_phdr(w->elf, (int)i, (GElf_Phdr *)&segments[i]))
            return false;
    return true;
}

static unsigned count_segments(const struct as *as)
{
    const struct section *last = NULL;
    unsigned n = 0;

    for (const struct section *s = as->sections; s; s = s->next) {
        if (!section_loads(s) || s->size == 0)
            continue;
        n += !last || !same_segment(last, s);
        last = s;
    }
    return as->opt.object ? 0 : n;
}

static void number_sections(struct writer *w)
{
    for (struct section *s = w->as->sections; s; s = s->next)
        if (w->as->opt.object || s->size > 0)
            s->elf_index = ++w->nsections;
}

static bool build(struct writer *w, uint64_t entry)
{
    GElf_Phdr segments[SEGMENTS] = {0};
    unsigned n = count_segments(w->as);
    uint32_t names;

    if (!gelf_newehdr(w->elf, ELFCLASS64) || (n > 0 && !gelf_newphdr(w->elf, n)))
        return false;
    elf_flagelf(w->elf, ELF_C_SET, ELF_F_LAYOUT);
    w->offset = sizeof(Elf64_Ehdr) + n * sizeof(Elf64_Phdr);
    add_string(&w->section_names, "", 0);
    add_string(&w->names, "", 0);
    number_sections(w);
    add_contents(w);
    names = add_tables(w);
    if (w->failed || !write_headers(w, entry, n, names, segments))
        return false;
    make_segments(w, segments);
    return write_headers(w, entry, n, names, segments) && elf_update(w->elf, ELF_C_WRITE) >= 0;
}

bool write_output(struct as *as, uint64_t entry, struct outfile *f)
{
    struct writer w = {.as = as};
    bool ok;

    if (!outfile_open(as, f, as->opt.output))
        return false;
    elf_version(EV_CURRENT);
    errno = 0;
    w.elf = elf_begin(f->fd, ELF_C_WRITE, NULL);
    ok = w.elf && build(&w, entry);
    if (!ok)
        error_at(as, (struct loc){0}, "cannot %s '%s': %s", w.failed ? w.failed : "write",
                 as->opt.output, memory_lost() ? strerror(errno) : elf_errmsg(-1));
    if (w.elf)
        elf_end(w.elf);
    free(w.names.s);
    free(w.section_names.s);
    free(w.symbols);
    if (ok && !as->errors)
        return true;
    outfile_drop(f);
    return false;
}
