/* Lookup, decoding and encoding over the tables of isa/ (see isa.h). */
#include "isa.h"

#include <string.h>

int64_t isa_extract(const struct isa_field *f, uint32_t bits)
{
    uint64_t value = 0;
    unsigned top = 0;

    for (unsigned i = 0; i < f->npieces; i++) {
        const struct isa_piece *p = &f->pieces[i];
        uint64_t part = bits >> p->at & ((1ull << p->width) - 1);

        value |= part << p->lo;
        if (p->lo + p->width > (int)top)
            top = p->lo + p->width;
    }
    if (f->flags & ISA_PRIME)
        value += 8;
    if (f->flags & ISA_SIGNED)
        return (int64_t)(value << (64 - top)) >> (64 - top);
    return (int64_t)value;
}

uint32_t isa_insert(const struct isa_field *f, uint32_t bits, int64_t value)
{
    uint64_t v = (uint64_t)value - (f->flags & ISA_PRIME ? 8 : 0);

    for (unsigned i = 0; i < f->npieces; i++) {
        const struct isa_piece *p = &f->pieces[i];
        uint32_t mask = (uint32_t)((1ull << p->width) - 1);

        bits = (bits & ~(mask << p->at)) | ((uint32_t)(v >> p->lo) & mask) << p->at;
    }
    return bits;
}

bool isa_fits(const struct isa_field *f, int64_t value)
{
    if (value == 0 && (f->flags & ISA_NONZERO))
        return false;
    if (value >= 0 && value < 32 && (f->exclude >> value & 1))
        return false;
    return isa_extract(f, isa_insert(f, 0, value)) == value;
}

const struct isa_field *isa_field(const struct isa_insn *row, enum isa_field_kind kind)
{
    for (unsigned i = 0; i < row->nfields; i++)
        if (row->fields[i].kind == kind)
            return &row->fields[i];
    return NULL;
}

static bool row_matches(const struct isa_insn *row, uint32_t bits)
{
    if ((bits & row->mask) != row->match)
        return false;
    for (unsigned i = 0; i < row->nfields; i++) {
        const struct isa_field *f = &row->fields[i];

        if ((f->exclude || (f->flags & ISA_NONZERO)) && !isa_fits(f, isa_extract(f, bits)))
            return false;
    }
    return true;
}

static int64_t operand(const struct isa_insn *row, uint32_t bits, enum isa_field_kind kind)
{
    const struct isa_field *f = isa_field(row, kind);

    return f ? isa_extract(f, bits) : 0;
}

static int64_t expanded(const struct isa_insn *row, uint32_t bits, unsigned slot)
{
    const struct isa_source *s = &row->expand[slot];

    return s->field == ISA_FIELD_NONE ? s->value : operand(row, bits, s->field);
}

static void take_operands(const struct isa_insn *row, uint32_t bits, struct isa_decoded *out)
{
    if (row->base != ISA_OP_ILLEGAL) {
        out->op = row->base;
        out->rd = (uint8_t)expanded(row, bits, 0);
        out->rs1 = (uint8_t)expanded(row, bits, 1);
        out->rs2 = (uint8_t)expanded(row, bits, 2);
        out->imm = expanded(row, bits, 3);
        return;
    }
    out->op = out->row;
    out->rd = (uint8_t)operand(row, bits, ISA_FIELD_RD);
    out->rs1 = (uint8_t)operand(row, bits, ISA_FIELD_RS1);
    out->rs2 = (uint8_t)operand(row, bits, ISA_FIELD_RS2);
    out->rs3 = (uint8_t)operand(row, bits, ISA_FIELD_RS3);
    out->rm = (uint8_t)operand(row, bits, ISA_FIELD_RM);
    out->imm = operand(row, bits, ISA_FIELD_IMM);
    out->csr = (uint16_t)operand(row, bits, ISA_FIELD_CSR);
    out->aq = operand(row, bits, ISA_FIELD_AQ) != 0;
    out->rl = operand(row, bits, ISA_FIELD_RL) != 0;
}

/* Major opcode of a 32-bit, quadrant and funct3 of a 16-bit instruction. */
static unsigned bucket(uint32_t bits)
{
    return (bits & 3) == 3 ? bits >> 2 & 31 : 32 + (bits & 3) * 8 + (bits >> 13 & 7);
}

bool isa_decode(uint32_t bits, struct isa_decoded *out)
{
    unsigned length = isa_length(bits);

    memset(out, 0, sizeof *out);
    out->length = (uint8_t)length;
    if (length == 2)
        bits &= 0xffff;
    for (unsigned i = isa_bucket_start[bucket(bits)]; i < isa_bucket_start[bucket(bits) + 1]; i++) {
        const struct isa_insn *row = &isa_insns[isa_bucket_rows[i]];

        if (row_matches(row, bits)) {
            out->row = (enum isa_op)isa_bucket_rows[i];
            take_operands(row, bits, out);
            return true;
        }
    }
    return false;
}

const struct isa_insn *isa_find(const char *name)
{
    for (unsigned i = 1; i < ISA_OPS; i++)
        if (strcmp(isa_insns[i].name, name) == 0)
            return &isa_insns[i];
    return NULL;
}

const struct isa_csr *isa_csr_by_number(unsigned number)
{
    for (unsigned i = 0; i < isa_csr_count; i++)
        if (isa_csrs[i].number == number)
            return &isa_csrs[i];
    return NULL;
}

const struct isa_csr *isa_csr_by_name(const char *name)
{
    for (unsigned i = 0; i < isa_csr_count; i++)
        if (strcmp(isa_csrs[i].name, name) == 0)
            return &isa_csrs[i];
    return NULL;
}

const struct isa_vmcs_field *isa_vmcs_field_at(unsigned number)
{
    for (unsigned i = 0; i < isa_vmcs_field_count; i++)
        if (number >= isa_vmcs_fields[i].first &&
            number - isa_vmcs_fields[i].first < isa_vmcs_fields[i].n)
            return &isa_vmcs_fields[i];
    return NULL;
}
