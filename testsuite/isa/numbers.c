/* Prints the facts that C has, for test_package.py: one line each, a name and numbers.
 *
 *   name value                                                   as visa.h calls it
 *   OP_NAME number mask match cycles spent flushes in-memory rings op    instructions
 *   LAT_NAME cycles
 *   field of the VMCS: number, words; field of VMQUAL: cause, lowest bit, bits */
#include "isa.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>

static void name(const char *prefix, const char *s)
{
    fputs(prefix, stdout);
    for (; *s; s++)
        putchar(*s == '.' ? '_' : toupper((unsigned char)*s));
}

int main(void)
{
    for (unsigned i = 0; i < isa_symbol_count; i++)
        printf("%s %" PRIu64 "\n", isa_symbols[i].name, isa_symbols[i].value);
    for (unsigned i = 0; i < ISA_LATS; i++) {
        name("LAT_", isa_latencies[i].name);
        printf(" %" PRIu32 "\n", isa_latencies[i].cycles);
    }
    for (unsigned i = 1; i < ISA_OPS; i++) {
        const struct isa_insn *r = &isa_insns[i];

        name("OP_", r->name);
        printf(" %u %" PRIu32 " %" PRIu32 " %" PRIu32 " %u %u %u %u %u\n", i, r->mask, r->match,
               isa_latencies[r->latency].cycles, isa_latencies[r->latency].spent, r->flushes,
               r->result_in_memory, r->rings, r->op);
    }
    for (unsigned i = 0; i < isa_vmcs_field_count; i++)
        printf("vmcs.%s %u %u\n", isa_vmcs_fields[i].name, isa_vmcs_fields[i].first,
               isa_vmcs_fields[i].n);
    for (unsigned i = 0; i < isa_qual_count; i++)
        printf("qual.%u.%s %u %u\n", isa_quals[i].cause, isa_quals[i].name, isa_quals[i].lo,
               isa_quals[i].width);
    return 0;
}
