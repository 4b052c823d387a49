/* What the pipeline has to know of an instruction, made once for each operation of the
 * interpreter (cpu/interp.h) from the tables of isa/. */
#ifndef VISA_SYSTEMC_OP_H
#define VISA_SYSTEMC_OP_H

#include <cstdint>

#include "isa.h"

extern "C" {
#include "cpu/dpage.h"
}

namespace visa
{

enum op_kind : uint8_t { OP_PLAIN, OP_LOAD, OP_STORE, OP_AMO, OP_BRANCH, OP_JAL, OP_JALR, OP_SYS };

/* Registers that it reads, by where the decoded instruction has them. */
enum op_reads : uint8_t { READS_NONE, READS_B, READS_AB, READS_BC };

struct op {
    uint8_t row; /* enum isa_latency */
    op_kind kind;
    op_reads reads;
    uint8_t length;
    bool serial;         /* enters execute when nothing older is left in the pipeline */
    bool flushes;        /* fetch begins anew behind it */
    bool flushes_if_rs1; /* ... if rs1, or the immediate in its place, is not 0 */
    bool fence_i;
    bool late; /* a sys instruction whose result comes out of memory */
    bool near; /* its offset counts slots of two bytes */
};

/* The table, by enum interp_op of one instruction. */
const op *op_table();

/* Where a branch or jal of operation o goes. */
inline uint64_t op_target(const op &o, const dinsn &d, uint64_t pc)
{
    return pc + (uint64_t)((int64_t)d.c * (o.near ? 2 : 1));
}

inline bool op_uses(const op &o, const dinsn &d, unsigned rd)
{
    switch (o.reads) {
    case READS_NONE: return false;
    case READS_B: return d.b == rd;
    case READS_AB: return d.a == rd || d.b == rd;
    case READS_BC: return d.b == rd || (unsigned)d.c == rd;
    }
    return false;
}

} // namespace visa
#endif
