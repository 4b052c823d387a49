/* What loads, stores, AMOs, LR and SC get at some addresses. ../test_widths.py writes both lists, in
 * a file that includes this one, and knows what is right. */
__asm__(".option push\n.option norvc\n.balign 8\n"
        "instructions:\n" INSTRUCTIONS ".option pop\n");
extern const char
    instructions[]; /* 8 bytes each: the instruction, with a0 as address and rd; ret */

/* Cause of the trap; '.' none, '?' one that tells another address or changed the register. Of an SC
 * that does not trap, '1' if that is what it writes. */
static char outcome(u64 address, u64 number)
{
    u64 before = traps, got = ((u64(*)(u64))(instructions + 8 * number))(address);

    if (traps == before)
        return number < FIRST_SC ? '.' : got == 1 ? '1' : '?';
    if (traps != before + 1 || trap_tval != address || got != address)
        return '?';
    return "0123456789abcdef"[trap_cause & 15];
}

int main(u64 hart, u64 tree)
{
    static char outcomes[sizeof addresses / 8][HOW_MANY + 1];

    (void)hart;
    (void)tree;
#ifdef BAR
    REG32(0x30008010) = BAR; /* the doorbell's place, and it answers */
    REG16(0x30008004) = 2;
#endif
    for (u64 i = 0; i < sizeof addresses / 8; i++)
        for (u64 n = 0; n < HOW_MANY; n++)
            outcomes[i][n] = outcome(addresses[i], n);
    for (u64 i = 0; i < sizeof addresses / 8; i++) {
        print(outcomes[i]);
        put('\n');
    }
    return 0;
}
