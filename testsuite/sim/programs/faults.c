/* Accesses that no device answers: access faults, with the address in mtval. */
#include "board.h"

enum { LOAD_MISALIGNED = 4, LOAD_ACCESS = 5, STORE_MISALIGNED = 6, STORE_ACCESS = 7 };

/* Not in C: gcc takes an access apart that it sees is misaligned. */
#define LOAD_WORD(a)                                                                               \
    __asm__ volatile(".option push; .option norvc; lw zero, (%0); .option pop" : : "r"(a))
#define STORE_WORD(a)                                                                              \
    __asm__ volatile(".option push; .option norvc; sw zero, (%0); .option pop" : : "r"(a))

#define EXPECT(access, cause, address)                                                             \
    do {                                                                                           \
        u64 before_ = traps;                                                                       \
        access;                                                                                    \
        CHECK_EQUAL(traps, before_ + 1);                                                           \
        CHECK_EQUAL(trap_cause, cause);                                                            \
        CHECK_EQUAL(trap_tval, address);                                                           \
    } while (0)

int main(u64 hart, u64 tree)
{
    (void)hart;
    (void)tree;
    EXPECT((void)REG64(0x18000000), LOAD_ACCESS, 0x18000000);
    EXPECT(REG8(0x18000001) = 1, STORE_ACCESS, 0x18000001);
    EXPECT((void)REG8(8), LOAD_ACCESS, 8);
    EXPECT((void)REG8(PLIC), LOAD_ACCESS, PLIC); /* words only */
    EXPECT(REG16(PLIC + 4) = 1, STORE_ACCESS, PLIC + 4);
    EXPECT((void)REG64(1ul << 60), LOAD_ACCESS, 1ul << 60);
#ifdef OWN /* QEMU takes these apart into bytes, or has a device there */
    EXPECT(LOAD_WORD(CLINT + 2), LOAD_MISALIGNED, CLINT + 2);
    EXPECT(STORE_WORD(CLINT + 0x4001), STORE_MISALIGNED, CLINT + 0x4001);
    EXPECT((void)REG8(CLINT), LOAD_ACCESS, CLINT);
    EXPECT((void)REG8(FINISHER), LOAD_ACCESS, FINISHER);
    EXPECT((void)REG32(UART + 0x100), LOAD_ACCESS, UART + 0x100);
    EXPECT((void)REG32(FINISHER + 0x1000), LOAD_ACCESS, FINISHER + 0x1000);
    EXPECT((void)REG32(FINISHER - 4), LOAD_ACCESS, FINISHER - 4);
#endif
    return 0;
}
