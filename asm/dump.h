/* visa-objdump from the inside: an ELF file taken apart, and what is printed of it. */
#ifndef ASM_DUMP_H
#define ASM_DUMP_H

#include <gelf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "disasm.h"
#include "util.h"

struct dump_section {
    const char *name;
    GElf_Shdr header;
    const uint8_t *data; /* NULL if it has no bytes in the file */
    size_t size;         /* of data */
};

struct dump_symbol {
    const char *name;
    GElf_Sym sym;
};

struct dump {
    const char *program, *path;
    struct arena arena;
    int fd;
    Elf *elf;
    GElf_Ehdr header;
    struct dump_section *sections; /* [0] is the empty one */
    size_t nsections;
    struct dump_symbol *symbols; /* as in the file, [0] left out */
    size_t nsymbols;
    struct dump_symbol **by_place; /* those with a place and a name, by section and address */
    size_t nby_place;
    struct dump_symbol **mapping; /* $d and $x, in the same order */
    size_t nmapping;
    struct disasm_opts opts;
    bool relocs, zeroes;
};

/* False after a message. */
bool dump_open(struct dump *d, const char *path);
void dump_close(struct dump *d);

void dump_code(const struct dump *d, bool all);
void dump_headers(const struct dump *d);
void dump_symbols(const struct dump *d);
void dump_relocs(const struct dump *d);

/* Name of a section by index, also of the special ones. */
const char *dump_section_name(const struct dump *d, size_t index);
bool dump_is_code(const struct dump_section *s);
/* Is it $d, $x or one of their kin, which tell data from code? */
bool dump_is_mapping(const struct dump_symbol *s);
/* R_RISCV_... or a number, in buffer if need be. */
const char *dump_reloc_name(uint32_t type, char *buffer, size_t n);
/* Relocation number i of a SHT_RELA section, and the text of its symbol and addend. */
bool dump_rela(const struct dump *d, const struct dump_section *s, size_t i, GElf_Rela *out);
void dump_reloc_value(const struct dump *d, const GElf_Rela *r);

#endif
