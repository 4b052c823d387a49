/* The instruction set as data: rows of isa/, found by bits or by name.
 *
 * Shared by the golden model, the assembler and the disassembler. Nothing here
 * knows what an instruction does (src/cpu/) or how it is spelled (asm/). */
#ifndef VISA_ISA_H
#define VISA_ISA_H

#include <stdbool.h>
#include <stdint.h>

#include "isa_gen.h"

#ifdef __cplusplus
extern "C" {
#endif

enum isa_field_kind {
    ISA_FIELD_NONE,
    ISA_FIELD_RD,
    ISA_FIELD_RS1,
    ISA_FIELD_RS2,
    ISA_FIELD_IMM,
    ISA_FIELD_CSR,
    ISA_FIELD_AQ,
    ISA_FIELD_RL,
    ISA_FIELD_RS3,
    ISA_FIELD_RM,
};

/* Operands in the encoding. Of 32 bits, rd is in 11:7, the rounding mode rm in 14:12, rs1 in 19:15, rs2
 * in 24:20, rs3 in 31:27. */
enum {
    ISA_HAS_RD = 1,
    ISA_HAS_RS1 = 2,
    ISA_HAS_RS2 = 4,
    ISA_HAS_IMM = 8,
    ISA_HAS_RS3 = 16,
    ISA_HAS_RM = 32,
};
enum { ISA_RM_DYN = 7 }; /* the rounding mode of fcsr */
enum { ISA_PRIME = 1, ISA_SIGNED = 2, ISA_NONZERO = 4 };
enum { ISA_RING_H = 1, ISA_RING_0 = 2, ISA_RING_3 = 4, ISA_RING_0V = 8, ISA_RING_3V = 16 };
/* Whether what is fetched behind an instruction may depend on it (PI-10): always, or if its rs1 is not
 * x0 or the immediate in that place not 0. In the order of tables.py's FLUSHES. */
enum { ISA_FLUSHES_NEVER, ISA_FLUSHES, ISA_FLUSHES_IF_SOURCE };
/* Where a class of instructions spends its latency (latency.isa). In the order of tables.py's SPENT. */
enum { ISA_SPENT_EVENT, ISA_SPENT_EXECUTE, ISA_SPENT_SERIAL, ISA_SPENT_BEHIND, ISA_SPENT_MEMORY };
enum { ISA_NAMES = 64, ISA_BUCKETS = 64 };

/* Bits [at+width-1 : at] of the instruction are bits [lo+width-1 : lo] of the value. */
struct isa_piece {
    uint8_t at, width, lo;
};

struct isa_field {
    uint8_t kind;     /* enum isa_field_kind */
    uint8_t flags;    /* ISA_PRIME: a 3-bit register, x8 + value */
    uint32_t exclude; /* bit n: register n belongs to another row */
    uint8_t npieces;
    struct isa_piece pieces[8];
};

/* What an RVC row puts into an operand of its base instruction. */
struct isa_source {
    uint8_t field; /* a field of the short form, or ISA_FIELD_NONE */
    int32_t value; /* the constant if there is none */
};

struct isa_insn {
    const char *name, *ext, *operands, *formula;
    uint32_t mask, match;
    uint8_t length;        /* bytes: 2 or 4 */
    uint8_t klass;         /* enum isa_class */
    uint8_t latency;       /* enum isa_latency */
    uint8_t rings;         /* ISA_RING_*, Xvisa only */
    uint8_t op;            /* number in VMQUAL, Xvisa only */
    uint8_t has;           /* ISA_HAS_* */
    uint8_t floats;        /* those of them that number f registers */
    bool extends;          /* a load whose value is sign-extended */
    uint8_t flushes;       /* ISA_FLUSHES* */
    bool result_in_memory; /* rd is ready when the instruction leaves M (PI-7) */
    uint8_t nfields;
    struct isa_field fields[6];
    enum isa_op base;            /* RVC: executes as this, else ISA_OP_ILLEGAL */
    struct isa_source expand[4]; /* RVC: rd, rs1, rs2, imm */
};

/* Where an extension is named, and by which machines. */
enum { ISA_IN_MISA = 1, ISA_IN_TREE = 2, ISA_IN_ELF = 4 };
enum { ISA_ALWAYS, ISA_WITHOUT_SVADU, ISA_WITH_SVADU };
struct isa_extension {
    const char *name;
    uint8_t major, minor; /* version; 0.0: has none */
    uint8_t where;        /* ISA_IN_* */
    uint8_t when;
};

struct isa_csr {
    uint16_t number;
    int8_t cr; /* CR0..CR15, -1 if it has no such name */
    const char *name, *summary;
};

struct isa_pseudo {
    const char *name, *operands, *expansion; /* empty expansion: done in asm/ */
};

struct isa_vmcs_field {
    uint16_t first, n;
    uint8_t writable;
    const char *name, *check, *summary;
};

struct isa_qual {
    uint8_t cause, lo, width;
    const char *name;
};

/* A name of visa.h without its VISA_, for assembly. */
struct isa_symbol {
    const char *name;
    uint64_t value;
};

struct isa_latency_row {
    const char *name;
    uint32_t cycles;
    uint8_t spent;       /* ISA_SPENT_* */
    const char *account; /* category of its cycles (PI-39), "-" of an event */
    const char *summary;
};

extern const struct isa_insn isa_insns[ISA_OPS];
extern const struct isa_csr isa_csrs[];
extern const unsigned isa_csr_count;
extern const struct isa_pseudo isa_pseudos[];
extern const unsigned isa_pseudo_count;
extern const struct isa_vmcs_field isa_vmcs_fields[];
extern const unsigned isa_vmcs_field_count;
extern const struct isa_qual isa_quals[];
extern const unsigned isa_qual_count;
/* Rows of bucket n: isa_bucket_rows from isa_bucket_start[n] to isa_bucket_start[n + 1]. */
extern const uint16_t isa_bucket_start[ISA_BUCKETS + 1];
extern const uint16_t isa_bucket_rows[];
extern const struct isa_symbol isa_symbols[]; /* sorted by name */
extern const unsigned isa_symbol_count;
extern const struct isa_latency_row isa_latencies[ISA_LATS];
extern const struct isa_extension isa_extensions[];
extern const unsigned isa_extension_count;
extern const char *const isa_exit_names[ISA_NAMES];
extern const char *const isa_trap_names[ISA_NAMES];
extern const char *const isa_exc_names[ISA_NAMES];
extern const char *const isa_irq_names[ISA_NAMES];
extern const signed char isa_exit_filter[ISA_NAMES];

/* An instruction with its operands taken apart. An RVC instruction has the
 * operands of its base instruction: op is what executes, row what was written. */
struct isa_decoded {
    enum isa_op op;
    enum isa_op row;
    uint8_t length; /* bytes; of an illegal instruction 2 or 4 by its low bits */
    uint8_t rd, rs1, rs2, rs3;
    uint8_t rm;
    uint16_t csr;
    bool aq, rl;
    int64_t imm; /* sign- or zero-extended as the row says */
};

/* Length in bytes of the instruction that begins with these 16 bits. */
static inline unsigned isa_length(uint32_t bits)
{
    return (bits & 3) == 3 ? 4 : 2;
}

/* Decodes the instruction in the low bits; false, with op ISA_OP_ILLEGAL, if no row matches. */
bool isa_decode(uint32_t bits, struct isa_decoded *out);

/* The value of a field in an instruction, and the instruction with that field set. */
int64_t isa_extract(const struct isa_field *f, uint32_t bits);
uint32_t isa_insert(const struct isa_field *f, uint32_t bits, int64_t value);

/* NULL if the row has no such field. */
const struct isa_field *isa_field(const struct isa_insn *row, enum isa_field_kind kind);

/* Can the field hold the value exactly? Checks range, low zero bits, excluded values. */
bool isa_fits(const struct isa_field *f, int64_t value);

/* By name or number; NULL if there is none. Names are lower case. */
const struct isa_insn *isa_find(const char *name);
const struct isa_csr *isa_csr_by_number(unsigned number);
const struct isa_csr *isa_csr_by_name(const char *name);
const struct isa_vmcs_field *isa_vmcs_field_at(unsigned number);

#ifdef __cplusplus
}
#endif

#endif
