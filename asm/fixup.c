/* What instructions and data could not know when they were read: filled in now, or left to
 * the linker as relocations. */
#include "as.h"

#include <elf.h>
#include <string.h>

static uint64_t load(const uint8_t *at, unsigned size)
{
    uint64_t value = 0;

    for (unsigned i = 0; i < size; i++)
        value |= (uint64_t)at[i] << 8 * i;
    return value;
}

static void store(uint8_t *at, unsigned size, uint64_t value)
{
    for (unsigned i = 0; i < size; i++)
        at[i] = (uint8_t)(value >> 8 * i);
}

static void set_imm(uint8_t *at, const struct isa_insn *row, int64_t value)
{
    uint32_t bits = (uint32_t)load(at, row->length);

    store(at, row->length, isa_insert(isa_field(row, ISA_FIELD_IMM), bits, value));
}

/* Upper part of a 32-bit offset, so that adding the signed lower 12 bits gives it back. */
static int64_t upper(int64_t n)
{
    return (int64_t)(int32_t)(uint32_t)(((uint64_t)n + 0x800) & ~0xfffull);
}

static int64_t lower(int64_t n)
{
    return (int64_t)((uint64_t)n << 52) >> 52;
}

static bool in_upper_range(int64_t n)
{
    return n >= INT32_MIN - (int64_t)0x800 && n <= INT32_MAX - (int64_t)0x800;
}

/* --- Relocations ---------------------------------------------------------------------- */

static void add_reloc(struct section *s, uint64_t at, uint32_t type, struct symbol *symbol,
                      int64_t addend)
{
    /* A place without a name is told by its section. */
    if (symbol && !*symbol->name && !symbol->section_symbol) {
        addend += symbol->value;
        symbol = symbol->section->symbol;
    }
    if (symbol)
        symbol->wanted = true;
    s->relocs = grow(s->relocs, &s->reloc_cap, s->nrelocs + 1, sizeof *s->relocs);
    s->relocs[s->nrelocs++] = (struct reloc){at, type, symbol, addend};
}

static bool is_store(const struct isa_insn *row)
{
    return row->klass == ISA_CLASS_STORE;
}

static uint32_t label_reloc(const struct isa_insn *row)
{
    if (row->klass == ISA_CLASS_JUMP)
        return row->length == 4 ? R_RISCV_JAL : R_RISCV_RVC_JUMP;
    return row->length == 4 ? R_RISCV_BRANCH : R_RISCV_RVC_BRANCH;
}

static void data_relocs(struct as *as, struct section *s, const struct fixup *f, struct value v)
{
    static const uint32_t add[] = {0, R_RISCV_ADD8, R_RISCV_ADD16, 0, R_RISCV_ADD32, 0, 0,
                                   0, R_RISCV_ADD64};
    static const uint32_t sub[] = {0, R_RISCV_SUB8, R_RISCV_SUB16, 0, R_RISCV_SUB32, 0, 0,
                                   0, R_RISCV_SUB64};

    if (v.minus) {
        if (v.plus)
            add_reloc(s, f->at, add[f->size], v.plus, v.n);
        else
            store(s->data + f->at, f->size, (uint64_t)v.n);
        add_reloc(s, f->at, sub[f->size], v.minus, 0);
    } else if (f->size == 8 || f->size == 4) {
        add_reloc(s, f->at, f->size == 8 ? R_RISCV_64 : R_RISCV_32, v.plus, v.n);
    } else {
        error_at(as, f->loc, "an address does not fit into %u byte%s", f->size,
                 f->size == 1 ? "" : "s");
    }
}

/* A fixup that the linker settles. */
static void relocate(struct as *as, struct section *s, const struct fixup *f, struct value v)
{
    uint32_t type;

    if (v.minus && f->kind != F_DATA) {
        error_at(as, f->loc,
                 "the difference of places in two sections cannot stand in an instruction");
        return;
    }
    switch ((enum fixup_kind)f->kind) {
    case F_DATA: data_relocs(as, s, f, v); return;
    case F_LABEL: type = label_reloc(f->row); break;
    case F_CALL: type = R_RISCV_CALL_PLT; break;
    case F_PCREL_HI: type = R_RISCV_PCREL_HI20; break;
    case F_PCREL_LO: type = is_store(f->row) ? R_RISCV_PCREL_LO12_S : R_RISCV_PCREL_LO12_I; break;
    case F_HI: type = R_RISCV_HI20; break;
    case F_LO: type = is_store(f->row) ? R_RISCV_LO12_S : R_RISCV_LO12_I; break;
    default:
        error_at(as, f->loc, "'%s' is an address: %s takes a number, or %%lo(...)",
                 v.plus && *v.plus->name ? v.plus->name : ".", f->row->name);
        return;
    }
    add_reloc(s, f->at, type, v.plus, v.n);
}

/* --- Values ------------------------------------------------------------------------------ */

static void put_data(struct as *as, struct section *s, const struct fixup *f, int64_t n)
{
    unsigned bits = f->size * 8;

    if (f->size < 8 && (n < -((int64_t)1 << (bits - 1)) || n >= (int64_t)1 << bits))
        error_at(as, f->loc, "%#llx does not fit into %u byte%s", (unsigned long long)n, f->size,
                 f->size == 1 ? "" : "s");
    else
        store(s->data + f->at, f->size, (uint64_t)n);
}

static void put_imm(struct as *as, struct section *s, const struct fixup *f, int64_t n)
{
    int64_t value = n;

    if (shifted_immediate(isa_field(f->row, ISA_FIELD_IMM), f->shift, &value))
        set_imm(s->data + f->at, f->row, value);
    else
        immediate_range(as, f->row, f->shift, n, f->loc);
}

static void put_target(struct as *as, struct section *s, const struct fixup *f, int64_t distance)
{
    const struct isa_field *field = isa_field(f->row, ISA_FIELD_IMM);
    int64_t least, most, step;

    if (isa_fits(field, distance)) {
        set_imm(s->data + f->at, f->row, distance);
        return;
    }
    field_range(field, &least, &most, &step);
    if (distance % step)
        error_at(as, f->loc, "the target is %lld bytes away: it must be an even distance",
                 (long long)distance);
    else
        error_at(as, f->loc, "the target is %lld bytes away: %s reaches %lld to %lld%s",
                 (long long)distance, f->row->name, (long long)least, (long long)most,
                 f->row->klass == ISA_CLASS_JUMP ? "; 'tail' or 'call' reach further"
                                                 : "; branch around a jump instead");
}

static void out_of_reach(struct as *as, const struct fixup *f, int64_t distance, const char *from)
{
    error_at(as, f->loc, "%s%#llx bytes%s: only 2 GiB either way can be reached",
             distance < 0 ? "-" : "",
             (unsigned long long)(distance < 0 ? 0 - (uint64_t)distance : (uint64_t)distance),
             from);
}

static void put_pair(struct as *as, struct section *s, const struct fixup *f, int64_t distance)
{
    if (!in_upper_range(distance)) {
        out_of_reach(as, f, distance, " away");
        return;
    }
    set_imm(s->data + f->at, &isa_insns[ISA_OP_AUIPC], upper(distance));
    set_imm(s->data + f->at + 4, &isa_insns[ISA_OP_JALR], lower(distance));
}

/* A number may have any 32 bits: lui and addiw make it, or the same bits with the sign of RV64.
 * An address must be what lui and a load or addi make. */
static void put_upper(struct as *as, struct section *s, const struct fixup *f, int64_t n)
{
    bool number = f->kind == F_HI && is_number(as, f->expr);

    if (in_upper_range(n) || (number && n >= INT32_MIN && n <= UINT32_MAX))
        set_imm(s->data + f->at, f->row, upper(n));
    else if (number)
        error_at(as, f->loc, "%%hi of %#llx: the number has more than 32 bits, use li",
                 (unsigned long long)n);
    else if (f->kind == F_HI)
        error_at(as, f->loc, "%#llx cannot be made by lui, which reaches 2 GiB around 0: use la",
                 (unsigned long long)n);
    else
        out_of_reach(as, f, n, " away");
}

/* The F_PCREL_HI at an offset; fixups of a section stand in ascending order. */
static const struct fixup *find_high(const struct section *s, uint64_t at)
{
    size_t low = 0, high = s->nfixups;

    while (low < high) {
        size_t middle = (low + high) / 2;

        if (s->fixups[middle].at < at)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < s->nfixups && s->fixups[low].at == at; low++)
        if (s->fixups[low].kind == F_PCREL_HI)
            return &s->fixups[low];
    return NULL;
}

/* %pcrel_lo names the auipc; the target is what stands there. */
static void put_pcrel_lower(struct as *as, struct section *s, const struct fixup *f)
{
    const struct expr *e = f->expr;
    struct symbol *label = !e->op && e->symbol ? symbol_real(e->symbol) : NULL;
    const struct fixup *high;
    struct value v;

    if (label && label->kind == S_UNDEFINED) {
        undefined_symbol(as, label, f->loc);
        return;
    }
    if (label)
        symbol_settle(label);
    high =
        label && label->kind == S_LABEL ? find_high(label->section, (uint64_t)label->value) : NULL;
    if (!high) {
        error_at(as, f->loc, "%%pcrel_lo needs the label of an auipc with %%pcrel_hi");
        return;
    }
    if (as->opt.object) {
        relocate(as, s, f, (struct value){0, label, NULL});
        return;
    }
    if (eval(as, high->expr, LAST, &v) && !v.plus && !v.minus)
        set_imm(s->data + f->at, f->row,
                lower((int64_t)((uint64_t)v.n - label->section->addr - (uint64_t)label->value)));
}

/* --- All of it --------------------------------------------------------------------------- */

static bool is_relative(const struct fixup *f)
{
    return f->kind == F_LABEL || f->kind == F_CALL || f->kind == F_PCREL_HI;
}

static void put_value(struct as *as, struct section *s, const struct fixup *f, int64_t n)
{
    switch ((enum fixup_kind)f->kind) {
    case F_DATA: put_data(as, s, f, n); break;
    case F_IMM: put_imm(as, s, f, n); break;
    case F_LABEL: put_target(as, s, f, n); break;
    case F_CALL: put_pair(as, s, f, n); break;
    case F_PCREL_HI:
    case F_HI: put_upper(as, s, f, n); break;
    case F_LO: set_imm(s->data + f->at, f->row, lower(n)); break;
    case F_PCREL_LO: break;
    }
}

/* Is the distance to the target known already, though addresses are not? */
static bool settles_here(const struct section *s, const struct fixup *f, const struct value *v)
{
    return f->kind == F_LABEL && v->plus && !v->minus && v->plus->kind == S_LABEL &&
           v->plus->section == s && !v->plus->weak;
}

static void settle_one(struct as *as, struct section *s, const struct fixup *f)
{
    struct value v;
    uint64_t pc = s->addr + f->at;

    if (f->kind == F_PCREL_LO) {
        put_pcrel_lower(as, s, f);
        return;
    }
    if (!eval(as, f->expr, LAST, &v))
        return;
    if (!as->opt.object && (v.plus || v.minus)) {
        struct symbol *unknown = v.plus ? v.plus : v.minus;

        undefined_symbol(as, unknown, symbol_loc(f->expr, unknown, f->loc));
        return;
    }
    if (settles_here(s, f, &v))
        put_target(as, s, f, v.plus->value + v.n - (int64_t)f->at);
    else if (v.plus || v.minus || (as->opt.object && is_relative(f)))
        relocate(as, s, f, v);
    else
        put_value(as, s, f, is_relative(f) ? (int64_t)((uint64_t)v.n - pc) : v.n);
}

void settle(struct as *as)
{
    for (struct section *s = as->sections; s && !as->stop; s = s->next)
        for (size_t i = 0; s->data && i < s->nfixups && !as->stop; i++)
            settle_one(as, s, &s->fixups[i]);
}
