/* Decodes instructions for test_encoding.py: hexadecimal words on standard input,
 * one line each on standard output:
 *
 *   row length base rd rs1 rs2 imm csr aq rl
 *
 * base: the row that it executes as, which is the row itself but for RVC. */
#include "isa.h"

#include <inttypes.h>
#include <stdio.h>

int main(void)
{
    uint32_t bits;

    while (scanf("%" SCNx32, &bits) == 1) {
        struct isa_decoded d;

        (void)isa_decode(bits, &d);
        printf("%s %u %s %u %u %u %" PRId64 " %u %d %d\n", isa_insns[d.row].name, d.length,
               isa_insns[d.op].name, d.rd, d.rs1, d.rs2, d.imm, d.csr, d.aq, d.rl);
    }
    return 0;
}
