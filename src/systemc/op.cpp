/* The pipeline's view of the instructions (op.h). */
#include "op.h"

#include <cstring>
#include <vector>

extern "C" {
#include "cpu/interp.h"
}

namespace visa
{

static bool serial(unsigned row)
{
    switch (row) {
    case ISA_LAT_ALU:
    case ISA_LAT_MUL:
    case ISA_LAT_DIV:
    case ISA_LAT_LOAD:
    case ISA_LAT_STORE:
    case ISA_LAT_AMO:
    case ISA_LAT_BRANCH:
    case ISA_LAT_JUMP: return false;
    default: return true;
    }
}

static void behind(op &o, unsigned insn)
{
    switch (insn) {
    case ISA_OP_FENCE_I:
    case ISA_OP_SFENCE_VMA:
    case ISA_OP_WFI:
    case ISA_OP_MRET:
    case ISA_OP_SRET:
    case ISA_OP_TLBFLUSHV:
    case ISA_OP_TLBFLUSHV_VM:
    case ISA_OP_TLBFLUSHV_ASID:
    case ISA_OP_TLBFLUSHV_ADDR:
    case ISA_OP_LDGPTBR:
    case ISA_OP_LDHPTBR:
    case ISA_OP_VMLOAD:
    case ISA_OP_VMSAVE:
    case ISA_OP_VMCLEAR:
    case ISA_OP_VMENTER: /* refused: world switches go their own way */
    case ISA_OP_VMRESUME:
    case ISA_OP_VMRESUME_ADV:
    case ISA_OP_CSRRW:
    case ISA_OP_CSRRWI:
    case ISA_OP_WRMSR: o.flushes = true; break;
    case ISA_OP_CSRRS:
    case ISA_OP_CSRRC:
    case ISA_OP_CSRRSI:
    case ISA_OP_CSRRCI: o.flushes_if_rs1 = true; break;
    default: break;
    }
    o.fence_i = insn == ISA_OP_FENCE_I;
}

static void sort_of(op &o, unsigned klass)
{
    o.kind = OP_PLAIN;
    o.reads = READS_NONE;
    switch (klass) {
    case ISA_CLASS_ALU_RI: o.reads = READS_B; break;
    case ISA_CLASS_ALU_RR: o.reads = READS_BC; break;
    case ISA_CLASS_LOAD: o.kind = OP_LOAD, o.reads = READS_B; break;
    case ISA_CLASS_STORE: o.kind = OP_STORE, o.reads = READS_AB; break;
    case ISA_CLASS_MEM: o.kind = OP_AMO, o.reads = READS_BC; break;
    case ISA_CLASS_BRANCH: o.kind = OP_BRANCH, o.reads = READS_AB; break;
    case ISA_CLASS_JUMP: o.kind = OP_JAL; break;
    case ISA_CLASS_JUMPR: o.kind = OP_JALR, o.reads = READS_B; break;
    case ISA_CLASS_SYS: o.kind = OP_SYS; break;
    default: break;
    }
}

/* IN, INI, VMLD and VMLDP. */
static bool late(const char *name)
{
    return strncmp(name, "in.", 3) == 0 || strncmp(name, "ini.", 4) == 0 ||
           strncmp(name, "vmld", 4) == 0;
}

static op of(unsigned insn, bool near, unsigned length)
{
    op o = {};

    o.row = isa_insns[insn].latency;
    o.length = (uint8_t)length;
    o.near = near;
    o.late = o.row != ISA_LAT_LOAD && late(isa_insns[insn].name);
    o.serial = serial(o.row);
    sort_of(o, isa_insns[insn].klass);
    behind(o, insn);
    return o;
}

static std::vector<op> make()
{
    static const struct {
        unsigned op, insn;
    } near[] = {
#define NEAR_INSN(name) {OP4_near_##name, OP4_##name / 2},
        INTERP_NEAR(NEAR_INSN)};
    std::vector<op> ops(INTERP_OPS);

    for (unsigned insn = 0; insn < ISA_OPS; insn++)
        for (unsigned two = 0; two < 2; two++)
            ops[2 * insn + two] = of(insn, false, two ? 2 : 4);
    for (const auto &n : near)
        for (unsigned two = 0; two < 2; two++)
            ops[n.op + two] = of(n.insn, true, two ? 2 : 4);
    ops[INTERP_ILLEGAL].row = ISA_LAT_ALU;
    return ops;
}

const op *op_table()
{
    static const std::vector<op> ops = make();

    return ops.data();
}

} // namespace visa
