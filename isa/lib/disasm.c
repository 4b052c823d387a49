/* Disassembly by the rows of isa/: the operand column of a row is its format. */
#include "disasm.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "isa.h"
#include "names.h"

struct out {
    char *s;
    size_t n, room;
};

static void put(struct out *o, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void put(struct out *o, const char *format, ...)
{
    va_list args;
    int k;

    va_start(args, format);
    k = vsnprintf(o->n < o->room ? o->s + o->n : NULL, o->n < o->room ? o->room - o->n : 0, format,
                  args);
    va_end(args);
    if (k > 0)
        o->n += (size_t)k;
}

/* The value of a field, 0 if the row has none. */
static int64_t value(const struct isa_insn *row, enum isa_field_kind kind, uint32_t bits)
{
    const struct isa_field *f = isa_field(row, kind);

    return f ? isa_extract(f, bits) : 0;
}

/* Addresses count from pc, bit patterns are hexadecimal, amounts are decimal. */
static void put_uimm(struct out *o, const struct isa_insn *row, int64_t n)
{
    bool amount =
        isa_field(row, ISA_FIELD_CSR) || isa_field(row, ISA_FIELD_IMM)->flags & ISA_NONZERO;

    put(o, amount ? "%lld" : "0x%llx", (long long)n);
}

static void put_csr(struct out *o, unsigned number)
{
    const struct isa_csr *csr = isa_csr_by_number(number);

    if (csr)
        put(o, "%s", csr->name);
    else
        put(o, "0x%x", number);
}

static void put_fence(struct out *o, unsigned sets)
{
    static const char letters[] = "iorw";

    for (int shift = 4; shift >= 0; shift -= 4) {
        unsigned set = sets >> shift & 15;

        for (unsigned i = 0; i < 4; i++)
            if (set & 8u >> i)
                put(o, "%c", letters[i]);
        put(o, "%s%s", set ? "" : "0", shift ? "," : "");
    }
}

/* One word of the operand column; the punctuation between words is copied. */
static void put_word(struct out *o, const struct isa_insn *row, uint32_t bits, uint64_t pc,
                     bool numeric, const char *word, size_t n)
{
    static const struct {
        const char *word;
        enum isa_field_kind kind;
        const char *(*name)(unsigned r, bool numeric);
    } regs[] = {{"rd", ISA_FIELD_RD, reg_name},    {"rs1", ISA_FIELD_RS1, reg_name},
                {"rs2", ISA_FIELD_RS2, reg_name},  {"fd", ISA_FIELD_RD, freg_name},
                {"fs1", ISA_FIELD_RS1, freg_name}, {"fs2", ISA_FIELD_RS2, freg_name},
                {"fs3", ISA_FIELD_RS3, freg_name}};
    static const char *const rounding[] = {"rne", "rtz", "rdn", "rup", "rmm", "5", "6", "dyn"};
    int64_t imm = value(row, ISA_FIELD_IMM, bits);

    for (unsigned i = 0; i < sizeof regs / sizeof regs[0]; i++)
        if (strlen(regs[i].word) == n && memcmp(word, regs[i].word, n) == 0) {
            put(o, "%s", regs[i].name((unsigned)value(row, regs[i].kind, bits), numeric));
            return;
        }
    if (n == 2 && memcmp(word, "rm", n) == 0)
        put(o, "%s", rounding[value(row, ISA_FIELD_RM, bits)]);
    else if (n == 2 && memcmp(word, "sp", n) == 0)
        put(o, "%s", reg_name(REG_SP, numeric));
    else if (n == 3 && memcmp(word, "csr", n) == 0)
        put_csr(o, (unsigned)value(row, ISA_FIELD_CSR, bits));
    else if (n == 5 && memcmp(word, "label", n) == 0)
        put(o, "0x%llx", (unsigned long long)(pc + (uint64_t)imm));
    else if (n == 5 && memcmp(word, "imm20", n) == 0)
        put(o, "0x%llx", (unsigned long long)(imm >> 12 & 0xfffff));
    else if (n == 5 && memcmp(word, "fence", n) == 0)
        put_fence(o, (unsigned)imm);
    else if (n == 4 && word[n] != '(')
        put_uimm(o, row, imm);
    else
        put(o, "%lld", (long long)imm);
}

static void put_operands(struct out *o, const struct isa_insn *row, uint32_t bits, uint64_t pc,
                         bool numeric)
{
    const char *s = row->operands;

    if (*s)
        put(o, "\t");
    while (*s) {
        size_t n = strcspn(s, "(), ?");

        if (n > 0)
            put_word(o, row, bits, pc, numeric, s, n);
        s += n;
        if (strcmp(s, ", rm?") == 0 && value(row, ISA_FIELD_RM, bits) == ISA_RM_DYN)
            return; /* that is what it means if it is not there */
        if (*s && *s != ' ' && *s != '?')
            put(o, "%c", *s);
        s += *s != '\0';
    }
}

enum { FENCE_SETS = 0xff }; /* what operands of fence say of its immediate */

/* Fields that the assembler has no operand for must hold what it writes. */
static bool expressible(const struct isa_insn *row, uint32_t bits)
{
    int64_t imm = value(row, ISA_FIELD_IMM, bits), rm = value(row, ISA_FIELD_RM, bits);

    if (rm == 5 || rm == 6) /* reserved */
        return false;
    if (row != &isa_insns[ISA_OP_FENCE] && row != &isa_insns[ISA_OP_FENCE_I])
        return true;
    if (value(row, ISA_FIELD_RD, bits) || value(row, ISA_FIELD_RS1, bits))
        return false;
    return row == &isa_insns[ISA_OP_FENCE] ? imm <= FENCE_SETS || imm == FENCE_TSO : imm == 0;
}

size_t visa_disasm(uint32_t bits, uint64_t pc, const struct disasm_opts *opts, char *out, size_t n)
{
    static const char *const ordering[] = {"", ".aq", ".rl", ".aqrl"};
    struct out o = {out, 0, n};
    struct isa_decoded d;
    const struct isa_insn *row;

    if (n > 0)
        *out = '\0';
    if (isa_length(bits) == 2)
        bits &= 0xffff;
    if (!isa_decode(bits, &d) || !expressible(&isa_insns[d.row], bits)) {
        put(&o, isa_length(bits) == 4 ? ".word\t0x%08x" : ".half\t0x%04x", bits);
        return isa_length(bits);
    }
    row = &isa_insns[d.row];
    if (d.row == ISA_OP_FENCE && d.imm == FENCE_TSO) {
        put(&o, "fence.tso");
        return d.length;
    }
    put(&o, "%s%s", row->name, ordering[d.aq | d.rl << 1]);
    put_operands(&o, row, bits, pc, opts && opts->numeric);
    return d.length;
}

bool visa_disasm_target(uint32_t bits, uint64_t pc, uint64_t *target)
{
    struct isa_decoded d;
    const struct isa_insn *row;

    if (!isa_decode(bits, &d))
        return false;
    row = &isa_insns[d.row];
    if (!strstr(row->operands, "label"))
        return false;
    *target = pc + (uint64_t)d.imm;
    return true;
}
