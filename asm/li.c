/* A constant in a register, in few instructions.
 *
 * A value of 32 bits is lui and addiw. A longer one is what is left after its lowest 12
 * bits are taken off, built first and then shifted and added to. A positive one may be
 * shorter if it is built shifted left against the sign, filled with ones or zeros below,
 * and brought back by srli. */
#include "as.h"

static int64_t sign_extend(uint64_t value, unsigned bits)
{
    return (int64_t)(value << (64 - bits)) >> (64 - bits);
}

static unsigned direct(int64_t value, struct li_step *steps)
{
    unsigned n = 0, shift;
    int64_t low = sign_extend((uint64_t)value & 0xfff, 12);
    uint64_t rest;

    if (value == (int32_t)value) {
        int64_t high = (int32_t)(uint32_t)((uint64_t)value - (uint64_t)low);

        if (high)
            steps[n++] = (struct li_step){ISA_OP_LUI, high};
        if (low || !high)
            steps[n++] = (struct li_step){high ? ISA_OP_ADDIW : ISA_OP_ADDI, low};
        return n;
    }
    rest = (uint64_t)value - (uint64_t)low;
    shift = 12;
    while (!(rest >> shift & 1))
        shift++;
    n = direct(sign_extend(rest >> shift, 64 - shift), steps);
    steps[n++] = (struct li_step){ISA_OP_SLLI, shift};
    if (low)
        steps[n++] = (struct li_step){ISA_OP_ADDI, low};
    return n;
}

unsigned li_steps(int64_t value, struct li_step steps[LI_STEPS])
{
    struct li_step other[LI_STEPS];
    unsigned n = direct(value, steps), zeros = 0;

    if (value <= 0 || n < 3)
        return n;
    while (!((uint64_t)value >> (63 - zeros) & 1))
        zeros++;
    for (int ones = 1; ones >= 0; ones--) {
        uint64_t filled = (uint64_t)value << zeros | (ones ? (1ull << zeros) - 1 : 0);
        unsigned m = direct((int64_t)filled, other);

        if (m + 1 >= n)
            continue;
        other[m++] = (struct li_step){ISA_OP_SRLI, zeros};
        for (unsigned i = 0; i < m; i++)
            steps[i] = other[i];
        n = m;
    }
    return n;
}
