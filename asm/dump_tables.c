/* Section headers, symbols and relocations as tables. */
#include <elf.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "dump.h"

static unsigned log2_of(uint64_t n)
{
    unsigned log = 0;

    while (n > 1 && log < 63) {
        n >>= 1;
        log++;
    }
    return log;
}

static void put_flags(const GElf_Shdr *h)
{
    bool contents = h->sh_type != SHT_NOBITS, alloc = h->sh_flags & SHF_ALLOC;
    const struct {
        bool on;
        const char *name;
    } flags[] = {{contents, "CONTENTS"},
                 {alloc, "ALLOC"},
                 {alloc && contents, "LOAD"},
                 {!(h->sh_flags & SHF_WRITE), "READONLY"},
                 {h->sh_flags & SHF_EXECINSTR, "CODE"},
                 {alloc && contents && !(h->sh_flags & SHF_EXECINSTR), "DATA"}};
    const char *separator = "                  ";

    for (size_t i = 0; i < COUNT(flags); i++)
        if (flags[i].on) {
            printf("%s%s", separator, flags[i].name);
            separator = ", ";
        }
    putchar('\n');
}

void dump_headers(const struct dump *d)
{
    printf("\nSections:\nIdx Name          Size      VMA               LMA               File off  "
           "Algn\n");
    for (size_t i = 1; i < d->nsections; i++) {
        const GElf_Shdr *h = &d->sections[i].header;

        printf("%3zu %-13s %08" PRIx64 "  %016" PRIx64 "  %016" PRIx64 "  %08" PRIx64 "  2**%u\n",
               i, d->sections[i].name, h->sh_size, h->sh_addr, h->sh_addr, h->sh_offset,
               log2_of(h->sh_addralign));
        put_flags(h);
    }
}

/* What binutils writes of the visibility, with a blank behind it. */
static const char *visibility(const struct dump_symbol *s)
{
    static const char *const names[] = {
        [STV_INTERNAL] = ".internal ", [STV_HIDDEN] = ".hidden ", [STV_PROTECTED] = ".protected "};
    const char *name = names[GELF_ST_VISIBILITY(s->sym.st_other)];

    return name ? name : "";
}

/* The seven letters of binutils: binding, weak, ..., debugging, type. */
static void put_symbol(const struct dump *d, const struct dump_symbol *s)
{
    unsigned bind = GELF_ST_BIND(s->sym.st_info), type = GELF_ST_TYPE(s->sym.st_info);
    bool undefined = s->sym.st_shndx == SHN_UNDEF || s->sym.st_shndx == SHN_COMMON;

    printf("%016" PRIx64 " %c%c   %c%c %s\t%016" PRIx64 " %s%s\n", s->sym.st_value,
           bind == STB_LOCAL                  ? 'l'
           : bind == STB_GLOBAL && !undefined ? 'g'
                                              : ' ',
           bind == STB_WEAK ? 'w' : ' ', type == STT_SECTION || type == STT_FILE ? 'd' : ' ',
           type == STT_FUNC     ? 'F'
           : type == STT_FILE   ? 'f'
           : type == STT_OBJECT ? 'O'
                                : ' ',
           dump_section_name(d, s->sym.st_shndx), s->sym.st_size, visibility(s), s->name);
}

void dump_symbols(const struct dump *d)
{
    printf("\nSYMBOL TABLE:\n");
    if (d->nsymbols == 0)
        printf("no symbols\n");
    for (size_t i = 0; i < d->nsymbols; i++)
        if (!dump_is_mapping(&d->symbols[i]))
            put_symbol(d, &d->symbols[i]);
}

const char *dump_reloc_name(uint32_t type, char *buffer, size_t n)
{
#define NAME(r) [r] = #r
    static const char *const names[] = {
        NAME(R_RISCV_NONE),         NAME(R_RISCV_32),         NAME(R_RISCV_64),
        NAME(R_RISCV_RELATIVE),     NAME(R_RISCV_COPY),       NAME(R_RISCV_JUMP_SLOT),
        NAME(R_RISCV_BRANCH),       NAME(R_RISCV_JAL),        NAME(R_RISCV_CALL),
        NAME(R_RISCV_CALL_PLT),     NAME(R_RISCV_GOT_HI20),   NAME(R_RISCV_TLS_GOT_HI20),
        NAME(R_RISCV_TLS_GD_HI20),  NAME(R_RISCV_PCREL_HI20), NAME(R_RISCV_PCREL_LO12_I),
        NAME(R_RISCV_PCREL_LO12_S), NAME(R_RISCV_HI20),       NAME(R_RISCV_LO12_I),
        NAME(R_RISCV_LO12_S),       NAME(R_RISCV_TPREL_HI20), NAME(R_RISCV_TPREL_LO12_I),
        NAME(R_RISCV_TPREL_LO12_S), NAME(R_RISCV_TPREL_ADD),  NAME(R_RISCV_ADD8),
        NAME(R_RISCV_ADD16),        NAME(R_RISCV_ADD32),      NAME(R_RISCV_ADD64),
        NAME(R_RISCV_SUB8),         NAME(R_RISCV_SUB16),      NAME(R_RISCV_SUB32),
        NAME(R_RISCV_SUB64),        NAME(R_RISCV_ALIGN),      NAME(R_RISCV_RVC_BRANCH),
        NAME(R_RISCV_RVC_JUMP),     NAME(R_RISCV_RVC_LUI),    NAME(R_RISCV_RELAX),
        NAME(R_RISCV_SUB6),         NAME(R_RISCV_SET6),       NAME(R_RISCV_SET8),
        NAME(R_RISCV_SET16),        NAME(R_RISCV_SET32),      NAME(R_RISCV_32_PCREL),
    };
#undef NAME

    if (type < COUNT(names) && names[type])
        return names[type];
    snprintf(buffer, n, "R_RISCV_%u", type);
    return buffer;
}

bool dump_rela(const struct dump *d, const struct dump_section *s, size_t i, GElf_Rela *out)
{
    Elf64_Rela raw;

    (void)d;
    if (i >= s->size / sizeof raw)
        return false;
    memcpy(&raw, s->data + i * sizeof raw, sizeof raw);
    *out = (GElf_Rela){raw.r_offset, raw.r_info, raw.r_addend};
    return true;
}

void dump_reloc_value(const struct dump *d, const GElf_Rela *r)
{
    size_t index = GELF_R_SYM(r->r_info);
    int64_t addend = r->r_addend;
    const char *name = index == 0             ? "*ABS*"
                       : index <= d->nsymbols ? d->symbols[index - 1].name
                                              : "<corrupt>";

    printf("%s", name);
    if (addend)
        printf("%c0x%" PRIx64, addend < 0 ? '-' : '+',
               addend < 0 ? 0 - (uint64_t)addend : (uint64_t)addend);
}

void dump_relocs(const struct dump *d)
{
    for (size_t i = 1; i < d->nsections; i++) {
        const struct dump_section *s = &d->sections[i];
        GElf_Rela r;
        char name[32];

        if (s->header.sh_type != SHT_RELA || !s->data)
            continue;
        printf("\nRELOCATION RECORDS FOR [%s]:\nOFFSET           TYPE              VALUE\n",
               dump_section_name(d, s->header.sh_info));
        for (size_t k = 0; dump_rela(d, s, k, &r); k++) {
            printf("%016" PRIx64 " %-17s  ", r.r_offset,
                   dump_reloc_name((uint32_t)GELF_R_TYPE(r.r_info), name, sizeof name));
            dump_reloc_value(d, &r);
            putchar('\n');
        }
    }
}
