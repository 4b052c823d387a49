/* Disassembly of sections. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "dump.h"
#include "isa.h"
#include "names.h"

enum { SHORTEST_GAP = 16 }; /* that many zero bytes become "..." */

struct walk {
    const struct dump *d;
    const struct dump_section *section;
    size_t index;
    const struct dump_section *relas; /* its relocations, or NULL */
    size_t next_rela, nrelas;
    size_t next_symbol, next_mapping;
    bool is_data;              /* says the last mapping symbol */
    uint64_t upper[REGISTERS]; /* what auipc and lui left in a register */
    bool has_upper[REGISTERS];
};

/* The symbol of the section that is nearest at or below an address. */
static const struct dump_symbol *nearest(const struct dump *d, size_t index, uint64_t address)
{
    size_t low = 0, high = d->nby_place;

    while (low < high) {
        size_t middle = (low + high) / 2;
        const GElf_Sym *s = &d->by_place[middle]->sym;

        if (s->st_shndx < index || (s->st_shndx == index && s->st_value <= address))
            low = middle + 1;
        else
            high = middle;
    }
    if (low == 0 || d->by_place[low - 1]->sym.st_shndx != index)
        return NULL;
    for (low--; low > 0; low--) { /* of equals the first is the best */
        const GElf_Sym *a = &d->by_place[low]->sym, *b = &d->by_place[low - 1]->sym;

        if (a->st_shndx != b->st_shndx || a->st_value != b->st_value)
            break;
    }
    return d->by_place[low];
}

/* In an executable, an address can lie in any section. */
static size_t section_at(const struct dump *d, size_t here, uint64_t address)
{
    const struct dump_section *s = &d->sections[here];

    if (d->header.e_type == ET_REL || address - s->header.sh_addr < s->header.sh_size)
        return here;
    for (size_t i = 1; i < d->nsections; i++) {
        s = &d->sections[i];
        if ((s->header.sh_flags & SHF_ALLOC) && address - s->header.sh_addr < s->header.sh_size)
            return i;
    }
    return here;
}

/* before <symbol+offset>, or nothing if there is no symbol. */
static void put_place(const struct dump *d, size_t index, uint64_t address, const char *before)
{
    const struct dump_symbol *s = nearest(d, section_at(d, index, address), address);

    if (!s)
        return;
    if (s->sym.st_value == address)
        printf("%s <%s>", before, s->name);
    else
        printf("%s <%s+0x%" PRIx64 ">", before, s->name, address - s->sym.st_value);
}

/* "address <name>:" in front of each place that has a name; is there one? */
static bool put_label(struct walk *w, uint64_t address)
{
    const struct dump *d = w->d;
    const struct dump_symbol *label = NULL;

    while (w->next_symbol < d->nby_place) {
        const struct dump_symbol *s = d->by_place[w->next_symbol];

        if (s->sym.st_shndx > w->index ||
            (s->sym.st_shndx == w->index && s->sym.st_value > address))
            break;
        if (s->sym.st_shndx == w->index && s->sym.st_value == address && !label)
            label = s;
        w->next_symbol++;
    }
    if (label)
        printf("\n%016" PRIx64 " <%s>:\n", address, label->name);
    return label != NULL;
}

/* Relocations stand in ascending order in what assemblers write; others are printed late. */
static void put_relocs(struct walk *w, uint64_t end)
{
    GElf_Rela r;
    char name[32];

    for (; w->next_rela < w->nrelas; w->next_rela++) {
        if (!dump_rela(w->d, w->relas, w->next_rela, &r) || r.r_offset >= end)
            return;
        printf("\t\t\t%" PRIx64 ": %s\t", r.r_offset,
               dump_reloc_name((uint32_t)GELF_R_TYPE(r.r_info), name, sizeof name));
        dump_reloc_value(w->d, &r);
        putchar('\n');
    }
}

static const struct dump_section *relas_of(const struct dump *d, size_t index)
{
    for (size_t i = 1; i < d->nsections; i++)
        if (d->sections[i].header.sh_type == SHT_RELA && d->sections[i].header.sh_info == index &&
            d->sections[i].data)
            return &d->sections[i];
    return NULL;
}

/* Goes on to what the mapping symbols say of an address. */
static void follow_mapping(struct walk *w, uint64_t address)
{
    const struct dump *d = w->d;

    for (; w->next_mapping < d->nmapping; w->next_mapping++) {
        const struct dump_symbol *s = d->mapping[w->next_mapping];

        if (s->sym.st_shndx > w->index ||
            (s->sym.st_shndx == w->index && s->sym.st_value > address))
            return;
        if (s->sym.st_shndx == w->index)
            w->is_data = s->name[1] == 'd';
    }
}

/* Where the next symbol of either kind stands, at most `end`: nothing reaches across it, so that
 * every label is shown and what is behind it begins where it does. Offsets in the section. */
static size_t next_place(const struct walk *w, size_t end)
{
    const struct dump *d = w->d;
    const struct dump_symbol *next[] = {
        w->next_symbol < d->nby_place ? d->by_place[w->next_symbol] : NULL,
        w->next_mapping < d->nmapping ? d->mapping[w->next_mapping] : NULL};

    for (size_t i = 0; i < COUNT(next); i++)
        if (next[i] && next[i]->sym.st_shndx == w->index &&
            next[i]->sym.st_value - w->section->header.sh_addr < end)
            end = next[i]->sym.st_value - w->section->header.sh_addr;
    return end;
}

/* Zero bytes from `at` that are worth leaving out, up to `end`. */
static size_t gap(const struct walk *w, size_t at, size_t end)
{
    size_t n = 0;

    if (w->d->zeroes)
        return 0;
    while (at + n < end && w->section->data[at + n] == 0)
        n++;
    return n >= SHORTEST_GAP ? n - n % 4 : 0;
}

/* Follows auipc and lui, and shows the address that the instruction after them makes. */
static void put_address(struct walk *w, uint64_t pc, uint32_t bits)
{
    struct isa_decoded d;
    const struct isa_insn *row;
    bool high, uses;

    if (!isa_decode(bits, &d))
        return;
    row = &isa_insns[d.op];
    high = d.op == ISA_OP_AUIPC || d.op == ISA_OP_LUI;
    uses = row->klass == ISA_CLASS_LOAD || row->klass == ISA_CLASS_STORE || d.op == ISA_OP_ADDI ||
           d.op == ISA_OP_ADDIW || d.op == ISA_OP_JALR;
    if (uses && w->has_upper[d.rs1]) {
        uint64_t address = w->upper[d.rs1] + (uint64_t)d.imm;

        printf("\t# 0x%" PRIx64, address);
        put_place(w->d, w->index, address, "");
    }
    if (row->klass == ISA_CLASS_BRANCH || row->klass == ISA_CLASS_STORE)
        return;
    w->has_upper[d.rd] = high && d.rd != REG_ZERO;
    w->upper[d.rd] = (uint64_t)d.imm + (d.op == ISA_OP_AUIPC ? pc : 0);
}

/* A word of data, or what is left of one; returns its bytes. */
static size_t put_data(uint64_t pc, const uint8_t *at, size_t left)
{
    static const char *const names[] = {[1] = ".byte", [2] = ".half", [4] = ".word"};
    int n = left >= 4 ? 4 : left >= 2 ? 2 : 1;
    uint32_t bits = 0;

    for (int i = n - 1; i >= 0; i--)
        bits = bits << 8 | at[i];
    printf("%8" PRIx64 ":\t%0*x%*s\t%s\t0x%0*x\n", pc, 2 * n, bits, 18 - 2 * n + 2 * (n != 4), "",
           names[n], 2 * n, bits);
    return (size_t)n;
}

/* One instruction, or what is left of one; returns its bytes. */
static size_t put_instruction(struct walk *w, uint64_t pc, const uint8_t *at, size_t left)
{
    char text[DISASM_TEXT];
    uint32_t bits = at[0];
    uint64_t target;
    size_t n;

    if (left < isa_length(bits))
        return put_data(pc, at, left);
    bits |= (uint32_t)at[1] << 8;
    if (isa_length(bits) == 4)
        bits |= (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
    n = visa_disasm(bits, pc, &w->d->opts, text, sizeof text);
    printf(n == 4 ? "%8" PRIx64 ":\t%08x          \t%s" : "%8" PRIx64 ":\t%04x                \t%s",
           pc, bits, text);
    if (visa_disasm_target(bits, pc, &target))
        put_place(w->d, w->index, target, "\t#");
    if (w->d->header.e_type != ET_REL)
        put_address(w, pc, bits);
    putchar('\n');
    return n;
}

static void dump_section_code(const struct dump *d, size_t index)
{
    const struct dump_section *s = &d->sections[index];
    struct walk w = {.d = d, .section = s, .index = index};
    size_t at = 0;

    if (d->relocs && (w.relas = relas_of(d, index)))
        w.nrelas = w.relas->size / sizeof(Elf64_Rela);
    printf("\n\nDisassembly of section %s:\n", s->name);
    while (at < s->size) {
        uint64_t pc = s->header.sh_addr + at;
        size_t n, end;

        if (put_label(&w, pc))
            memset(w.has_upper, 0, sizeof w.has_upper); /* others may come here */
        follow_mapping(&w, pc);
        end = next_place(&w, s->size);
        n = gap(&w, at, end);
        if (n > 0)
            printf("\t...\n");
        else if (w.is_data)
            n = put_data(pc, s->data + at, end - at);
        else
            n = put_instruction(&w, pc, s->data + at, end - at);
        at += n;
        put_relocs(&w, at);
    }
}

void dump_code(const struct dump *d, bool all)
{
    for (size_t i = 1; i < d->nsections; i++) {
        const struct dump_section *s = &d->sections[i];

        if (s->data && s->size > 0 && (all ? s->header.sh_type == SHT_PROGBITS : dump_is_code(s)))
            dump_section_code(d, i);
    }
}
