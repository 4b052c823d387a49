/* Register names (see names.h). The names of CSRs come from isa/csr.isa. */
#include "names.h"

#include <string.h>

#include "util.h"

static const char *const abi[REGISTERS] = {
    "zero", "ra", "sp", "gp", "tp",  "t0",  "t1", "t2", "s0", "s1", "a0",
    "a1",   "a2", "a3", "a4", "a5",  "a6",  "a7", "s2", "s3", "s4", "s5",
    "s6",   "s7", "s8", "s9", "s10", "s11", "t3", "t4", "t5", "t6",
};

static const char *const numbered[REGISTERS] = {
    "x0",  "x1",  "x2",  "x3",  "x4",  "x5",  "x6",  "x7",  "x8",  "x9",  "x10",
    "x11", "x12", "x13", "x14", "x15", "x16", "x17", "x18", "x19", "x20", "x21",
    "x22", "x23", "x24", "x25", "x26", "x27", "x28", "x29", "x30", "x31",
};

static const char *const fabi[REGISTERS] = {
    "ft0", "ft1", "ft2", "ft3", "ft4",  "ft5",  "ft6", "ft7", "fs0",  "fs1",  "fa0",
    "fa1", "fa2", "fa3", "fa4", "fa5",  "fa6",  "fa7", "fs2", "fs3",  "fs4",  "fs5",
    "fs6", "fs7", "fs8", "fs9", "fs10", "fs11", "ft8", "ft9", "ft10", "ft11",
};

static const char *const fnumbered[REGISTERS] = {
    "f0",  "f1",  "f2",  "f3",  "f4",  "f5",  "f6",  "f7",  "f8",  "f9",  "f10",
    "f11", "f12", "f13", "f14", "f15", "f16", "f17", "f18", "f19", "f20", "f21",
    "f22", "f23", "f24", "f25", "f26", "f27", "f28", "f29", "f30", "f31",
};

/* The number behind one of the letters, without leading zeros and below limit; or -1. */
static int numbered_name(const char *s, size_t n, size_t skip, const char *letters, int limit)
{
    int value = 0;

    if (n <= skip || n > skip + 2 || !strchr(letters, s[skip - 1]))
        return -1;
    if (s[skip] == '0' && n > skip + 1)
        return -1;
    for (size_t i = skip; i < n; i++) {
        if (s[i] < '0' || s[i] > '9')
            return -1;
        value = value * 10 + s[i] - '0';
    }
    return value < limit ? value : -1;
}

static int find(const char *const *names, const char *s, size_t n)
{
    for (int i = 0; i < REGISTERS; i++)
        if (same_word(s, n, names[i]))
            return i;
    return -1;
}

int reg_number(const char *s, size_t n)
{
    int r;

    if (n < 2 || n > 4)
        return -1;
    r = numbered_name(s, n, 1, "xXrR", REGISTERS);
    if (r < 0)
        r = same_word(s, n, "fp") ? 8 : find(abi, s, n);
    return r;
}

int freg_number(const char *s, size_t n)
{
    int r;

    if (n < 2 || n > 4)
        return -1;
    r = numbered_name(s, n, 1, "fF", REGISTERS);
    return r < 0 ? find(fabi, s, n) : r;
}

int cr_number(const char *s, size_t n)
{
    int cr;

    if (n < 3 || (s[0] != 'c' && s[0] != 'C'))
        return -1;
    cr = numbered_name(s, n, 2, "rR", REGISTERS);
    for (unsigned i = 0; cr >= 0 && i < isa_csr_count; i++)
        if (isa_csrs[i].cr == cr)
            return isa_csrs[i].number;
    return -1;
}

int csr_number(const char *s, size_t n)
{
    for (unsigned i = 0; i < isa_csr_count; i++)
        if (same_word(s, n, isa_csrs[i].name))
            return isa_csrs[i].number;
    return cr_number(s, n);
}

const char *reg_name(unsigned r, bool numeric)
{
    return (numeric ? numbered : abi)[r];
}

const char *freg_name(unsigned r, bool numeric)
{
    return (numeric ? fnumbered : fabi)[r];
}
