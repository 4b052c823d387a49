/* Instructions as text, for visa-objdump and for traces. No allocation, no state. */
#ifndef ASM_DISASM_H
#define ASM_DISASM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct disasm_opts {
    bool numeric; /* x0..x31 instead of the ABI's names */
};

enum { DISASM_TEXT = 96 }; /* no text is longer, its zero byte included */

/* Writes the instruction in the low bits as visa-as reads it: `name<tab>operands`, the row's
 * own name and no pseudo-instruction, targets as 0x addresses. What no row can express is
 * `.word 0x...` or `.half 0x...`. opts may be NULL. Returns the instruction's bytes: 2 or 4. */
size_t visa_disasm(uint32_t bits, uint64_t pc, const struct disasm_opts *opts, char *out, size_t n);

/* The target of a jump or branch with a pc-relative target; false for everything else. */
bool visa_disasm_target(uint32_t bits, uint64_t pc, uint64_t *target);

#endif
