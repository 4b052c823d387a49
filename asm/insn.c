/* .insn: instructions that no row of isa/ names, by their format and fields or by their bits. The
 * formats are those of the GNU assembler. */
#include "as.h"

#include <string.h>

#include "names.h"

/* Where a field of a format stands. A number goes there as it is, a register by its own number,
 * or less 8 in three bits. */
static const struct slot {
    const char *name;
    enum {
        S_OPCODE,
        S_QUADRANT,
        S_FUNCTION,
        S_ANY_REG,
        S_SHORT_REG,
        S_IMM,
        S_UPPER,
        S_MEM,
        S_TARGET
    } kind;
    uint8_t at, width;
} slots[] = {
    {"op", S_OPCODE, 0, 7},         {"c", S_QUADRANT, 0, 2},        {"funct3", S_FUNCTION, 12, 3},
    {"funct7", S_FUNCTION, 25, 7},  {"funct2", S_FUNCTION, 25, 2},  {"cfunct2", S_FUNCTION, 5, 2},
    {"cfunct3", S_FUNCTION, 13, 3}, {"cfunct4", S_FUNCTION, 12, 4}, {"cfunct6", S_FUNCTION, 10, 6},
    {"rd", S_ANY_REG, 7, 5},        {"rs1", S_ANY_REG, 15, 5},      {"rs2", S_ANY_REG, 20, 5},
    {"rs3", S_ANY_REG, 27, 5},      {"crs2", S_ANY_REG, 2, 5},      {"rd'", S_SHORT_REG, 2, 3},
    {"rs2'", S_SHORT_REG, 2, 3},    {"rs1'", S_SHORT_REG, 7, 3},    {"imm", S_IMM, 0, 0},
    {"imm20", S_UPPER, 0, 0},       {"imm(rs1)", S_MEM, 15, 5},     {"imm(rs1')", S_MEM, 7, 3},
    {"symbol", S_TARGET, 0, 0},
};

/* Bits of an unsigned immediate that no instruction has in this order. */
#define UIMM(width, ...)                                                                           \
    {                                                                                              \
        .kind = ISA_FIELD_IMM, .npieces = (width), .pieces = { __VA_ARGS__ }                       \
    }

/* The immediate is that of the instruction `like`, or the field `imm`. */
static const struct format {
    const char *name, *operands;
    uint8_t length;
    enum isa_op like;
    struct isa_field imm;
} formats[] = {
    {"r", "op, funct3, funct7, rd, rs1, rs2", 4, ISA_OP_ADD, {0}},
    {"r", "op, funct3, funct2, rd, rs1, rs2, rs3", 4, ISA_OP_ADD, {0}},
    {"r4", "op, funct3, funct2, rd, rs1, rs2, rs3", 4, ISA_OP_ADD, {0}},
    {"i", "op, funct3, rd, rs1, imm", 4, ISA_OP_ADDI, {0}},
    {"i", "op, funct3, rd, imm(rs1)", 4, ISA_OP_ADDI, {0}},
    {"s", "op, funct3, rs2, imm(rs1)", 4, ISA_OP_SD, {0}},
    {"sb", "op, funct3, rs1, rs2, symbol", 4, ISA_OP_BEQ, {0}},
    {"b", "op, funct3, rs1, rs2, symbol", 4, ISA_OP_BEQ, {0}},
    {"u", "op, rd, imm20", 4, ISA_OP_LUI, {0}},
    {"uj", "op, rd, symbol", 4, ISA_OP_JAL, {0}},
    {"j", "op, rd, symbol", 4, ISA_OP_JAL, {0}},
    {"cr", "c, cfunct4, rd, crs2", 2, ISA_OP_C_ADD, {0}},
    {"ci", "c, cfunct3, rd, imm", 2, ISA_OP_C_ADDI, {0}},
    {"ciw", "c, cfunct3, rd', imm", 2, ISA_OP_C_ADDI4SPN, UIMM(1, {5, 8, 0})},
    {"css", "c, cfunct3, crs2, imm", 2, ISA_OP_C_SDSP, UIMM(1, {7, 6, 0})},
    {"cl", "c, cfunct3, rd', imm(rs1')", 2, ISA_OP_C_LD, UIMM(2, {5, 2, 0}, {10, 3, 2})},
    {"cs", "c, cfunct3, rs2', imm(rs1')", 2, ISA_OP_C_SD, UIMM(2, {5, 2, 0}, {10, 3, 2})},
    {"ca", "c, cfunct6, cfunct2, rs1', rs2'", 2, ISA_OP_C_SUB, {0}},
    {"cb", "c, cfunct3, rs1', symbol", 2, ISA_OP_C_BEQZ, {0}},
    {"cj", "c, cfunct3, symbol", 2, ISA_OP_C_J, {0}},
};

/* The major opcodes by the manual's names. */
static const struct {
    const char *name;
    uint8_t value;
} opcodes[] = {
    {"load", 0x03},     {"load_fp", 0x07},  {"custom_0", 0x0b},  {"misc_mem", 0x0f},
    {"op_imm", 0x13},   {"auipc", 0x17},    {"op_imm_32", 0x1b}, {"store", 0x23},
    {"store_fp", 0x27}, {"custom_1", 0x2b}, {"amo", 0x2f},       {"op", 0x33},
    {"lui", 0x37},      {"op_32", 0x3b},    {"madd", 0x43},      {"msub", 0x47},
    {"nmsub", 0x4b},    {"nmadd", 0x4f},    {"op_fp", 0x53},     {"op_v", 0x57},
    {"custom_2", 0x5b}, {"branch", 0x63},   {"jalr", 0x67},      {"jal", 0x6f},
    {"system", 0x73},   {"custom_3", 0x7b}, {"c0", 0},           {"c1", 1},
    {"c2", 2},
};

static const struct slot *find_slot(const char *operands, unsigned i)
{
    char name[32];

    if (!pattern_slot(operands, i, name, sizeof name))
        return NULL;
    for (unsigned k = 0; k < COUNT(slots); k++)
        if (strcmp(slots[k].name, name) == 0)
            return &slots[k];
    return NULL;
}

static unsigned count_slots(const struct format *f)
{
    unsigned n = 0;

    while (find_slot(f->operands, n))
        n++;
    return n;
}

static bool shaped(const struct slot *slot, const struct operand *op)
{
    switch (slot->kind) {
    case S_ANY_REG:
    case S_SHORT_REG: return op->kind == O_REG || op->kind == O_FREG;
    case S_MEM: return op->kind == O_MEM;
    case S_IMM:
    case S_UPPER: return op->kind == O_EXPR;
    default: return op->kind == O_EXPR && op->modifier == M_NONE;
    }
}

/* The format of that name that fits the operands best; *bad is the first operand that does not
 * fit, n if all do or their number is wrong. */
static const struct format *find_format(const struct token *name, const struct operand *ops,
                                        unsigned n, unsigned *bad)
{
    const struct format *found = NULL;
    unsigned most = 0;

    *bad = n;
    for (unsigned i = 0; i < COUNT(formats); i++) {
        const struct format *f = &formats[i];
        unsigned k = 0;

        if (!token_is(name, f->name))
            continue;
        found = found ? found : f;
        while (k < n && count_slots(f) == n && shaped(find_slot(f->operands, k), &ops[k]))
            k++;
        if (k > most) {
            found = f;
            most = *bad = k;
        }
    }
    return found;
}

/* The number of a field that is known here; the opcodes have names. */
static bool put_number(struct as *as, const struct slot *slot, const struct operand *op,
                       uint32_t *bits)
{
    int64_t n = -1, most = ((int64_t)1 << slot->width) - 1;

    for (unsigned i = 0; op->name && slot->kind != S_FUNCTION && i < COUNT(opcodes); i++)
        if (same_word(op->name, op->name_len, opcodes[i].name))
            n = opcodes[i].value;
    if (n < 0 && !constant_now(as, operand_expr(as, op), slot->name, &n))
        return false;
    if (slot->kind == S_OPCODE && (n < 0 || n > most || (n & 3) != 3)) {
        error_at(as, op->loc, "opcode %#llx, expected 7 bits of which the lowest two are 1",
                 (unsigned long long)n);
        return false;
    }
    if (slot->kind == S_QUADRANT && (n < 0 || n > 2)) {
        error_at(as, op->loc, "opcode %#llx, expected 0, 1 or 2 (C0, C1 or C2)",
                 (unsigned long long)n);
        return false;
    }
    if (n < 0 || n > most) {
        error_at(as, op->loc, "%s is %lld, expected 0 to %lld", slot->name + (*slot->name == 'c'),
                 (long long)n, (long long)most);
        return false;
    }
    *bits |= (uint32_t)n << slot->at;
    return true;
}

static bool put_reg(struct as *as, const struct slot *slot, const struct operand *op, int reg,
                    uint32_t *bits)
{
    int first = slot->width == 3 ? 8 : 0;

    if (reg < first || reg >= first + (1 << slot->width)) {
        error_at(as, op->loc, "expected one of the registers 8 to 15 (s0, s1, a0 to a5) here");
        return false;
    }
    *bits |= (uint32_t)(reg - first) << slot->at;
    return true;
}

static bool put_field(struct as *as, const struct isa_insn *row, const struct slot *slot,
                      const struct operand *op, uint32_t *bits)
{
    switch (slot->kind) {
    case S_ANY_REG:
    case S_SHORT_REG: return put_reg(as, slot, op, op->reg, bits);
    case S_MEM:
        return put_reg(as, slot, op, op->reg, bits) &&
               (!op->expr || put_immediate(as, row, 0, op, bits));
    case S_IMM: return put_immediate(as, row, 0, op, bits);
    case S_UPPER: return put_immediate(as, row, 12, op, bits);
    case S_TARGET: return put_label(as, row, op);
    default: return put_number(as, slot, op, bits);
    }
}

/* A row as of isa/ for what fixups and messages need of one. */
static const struct isa_insn *row_of(struct as *as, const struct format *f)
{
    struct isa_insn *row = arena_alloc(&as->arena, sizeof *row);

    *row = isa_insns[f->like];
    row->name = arena_format(&as->arena, ".insn %s", f->name);
    row->mask = row->match = 0;
    row->length = f->length;
    if (f->imm.npieces) {
        row->fields[0] = f->imm;
        row->nfields = 1;
    }
    return row;
}

static void by_format(struct as *as, const struct token *name, struct loc loc)
{
    struct operand ops[OPERANDS];
    const struct format *f;
    const struct isa_insn *row;
    unsigned n, bad = 0;
    uint32_t bits = 0;
    size_t fixups = as->section->nfixups;
    bool ok = true;

    if (!parse_operands(as, ops, &n))
        return;
    f = find_format(name, ops, n, &bad);
    if (bad < n || n != count_slots(f)) {
        error_at(as, bad < n ? ops[bad].loc : loc, "the form is '.insn %s %s'", f->name,
                 f->operands);
        return;
    }
    row = row_of(as, f);
    for (unsigned i = 0; ok && i < n; i++)
        ok = put_field(as, row, find_slot(f->operands, i), &ops[i], &bits);
    if (ok)
        before_code(as, loc);
    if (!ok || !emit_code(as, bits, f->length, loc))
        as->section->nfixups = fixups;
}

/* Bytes of an instruction by its lowest bits, in RISC-V's encoding of lengths; 0: reserved. */
static unsigned encoded_length(const uint8_t *bytes)
{
    unsigned more = bytes[1] >> 4 & 7;

    if ((bytes[0] & 3) != 3)
        return 2;
    if ((bytes[0] & 0x1f) != 0x1f)
        return 4;
    if ((bytes[0] & 0x3f) == 0x1f)
        return 6;
    if ((bytes[0] & 0x7f) == 0x3f)
        return 8;
    return more < 7 ? 10 + 2 * more : 0;
}

enum { LONGEST = 22 }; /* bytes of an instruction */

/* A number of any length; false after an error. */
static bool raw_bits(struct as *as, uint8_t *bytes)
{
    struct loc loc = token_loc(as, as->t);
    int64_t n;

    memset(bytes, 0, LONGEST);
    if (as->t->kind == T_BIG) {
        if (wide_number(as->t++, false, bytes, LONGEST))
            return true;
        error_at(as, loc, "no instruction has more than %d bytes", LONGEST);
        return false;
    }
    if (!parse_constant(as, "the instruction's bits", &n))
        return false;
    for (unsigned i = 0; i < 8; i++)
        bytes[i] = (uint8_t)((uint64_t)n >> 8 * i);
    return true;
}

/* `.insn VALUE` and `.insn LENGTH, VALUE`. */
static void by_bits(struct as *as, struct loc loc)
{
    uint8_t bytes[LONGEST];
    struct loc at = token_loc(as, as->t);
    unsigned length;
    int64_t given = 0;
    bool ok = raw_bits(as, bytes);

    if (ok && take_op(as, ',')) {
        for (int i = 7; i >= 0; i--)
            given = (int64_t)((uint64_t)given << 8 | bytes[i]);
        at = token_loc(as, as->t);
        ok = raw_bits(as, bytes);
        if (ok && given == 0)
            given = -1;
    }
    if (!ok || !end_of_statement(as))
        return;
    length = encoded_length(bytes);
    if (length == 0 || (given && given != length)) {
        error_at(as, at,
                 length ? "the lowest bits say that this instruction has %u bytes"
                        : "the lowest bits say that this is no instruction",
                 length);
        return;
    }
    for (unsigned i = length; i < LONGEST; i++)
        if (bytes[i]) {
            error_at(as, at,
                     "the lowest bits say that this instruction has %u bytes, but the "
                     "number has more",
                     length);
            return;
        }
    before_code(as, loc);
    for (unsigned i = 0; i < length; i += 2)
        if (!emit_code(as, bytes[i] | (uint64_t)bytes[i + 1] << 8, 2, loc))
            return;
}

static void unknown_format(struct as *as, const struct token *t)
{
    char names[128] = "";

    for (unsigned i = 0; i < COUNT(formats); i++)
        if (i == 0 || strcmp(formats[i].name, formats[i - 1].name) != 0)
            snprintf(names + strlen(names), sizeof names - strlen(names), " %s", formats[i].name);
    error_at(as, token_loc(as, t), "unknown format '%.*s', expected one of%s",
             (int)(t->n < 40 ? t->n : 40), t->s, names);
}

void insn_directive(struct as *as, int arg, struct loc loc)
{
    const struct token *t = as->t;

    (void)arg;
    for (unsigned i = 0; i < COUNT(formats); i++)
        if (token_is(t, formats[i].name)) {
            as->t++;
            by_format(as, t, loc);
            return;
        }
    if (t->kind == T_NAME && t[1].kind != T_END && t[1].kind != T_OP)
        unknown_format(as, t);
    else
        by_bits(as, loc);
}
