/* The empty virtio-mmio slots: prints what every register reads that is not 0, at every width, before
 * and after writes of all ones, and which offsets behind the registers fault. */
#include "board.h"

enum { SLOTS = 8, STRIDE = 0x1000, REGISTERS = 0x200, LOAD_ACCESS = 5, STORE_ACCESS = 7 };
#define SLOT(n) (0x10001000ul + (n)*STRIDE)

static u64 load(u64 a, unsigned width)
{
    switch (width) {
    case 1: return REG8(a);
    case 2: return REG16(a);
    case 4: return REG32(a);
    default: return REG64(a);
    }
}

static void store(u64 a, unsigned width)
{
    switch (width) {
    case 1: REG8(a) = ~0; break;
    case 2: REG16(a) = ~0; break;
    case 4: REG32(a) = ~0; break;
    default: REG64(a) = ~0ul; break;
    }
}

static void tell(u64 a, unsigned width, u64 value)
{
    print_number(a);
    put(' ');
    print_number(width);
    put(' ');
    print_number(value);
    put('\n');
}

static void look(unsigned slot)
{
    for (unsigned width = 1; width <= 8; width *= 2)
        for (u64 a = SLOT(slot); a < SLOT(slot) + REGISTERS; a += width) {
            u64 before = traps, value = load(a, width);

            CHECK_EQUAL(traps, before);
            if (value)
                tell(a, width, value);
        }
}

static void scribble(unsigned slot)
{
    for (unsigned width = 1; width <= 8; width *= 2)
        for (u64 a = SLOT(slot); a < SLOT(slot) + REGISTERS; a += width)
            store(a, width);
}

static void behind(unsigned slot)
{
    u64 a = SLOT(slot) + REGISTERS, before = traps;

    (void)REG32(a);
    CHECK_EQUAL(trap_cause, LOAD_ACCESS);
    CHECK_EQUAL(trap_tval, a);
    REG32(a) = 1;
    CHECK_EQUAL(trap_cause, STORE_ACCESS);
    (void)REG32(SLOT(slot) + STRIDE - 4);
    CHECK_EQUAL(traps, before + 3);
}

int main(u64 hart, u64 tree)
{
    (void)hart;
    (void)tree;
    for (unsigned slot = 0; slot < SLOTS; slot++) {
        CHECK_EQUAL(REG32(SLOT(slot)), 0x74726976);
        CHECK_EQUAL(REG32(SLOT(slot) + 4), 1);
        CHECK_EQUAL(REG32(SLOT(slot) + 8), 0);
        CHECK_EQUAL(REG32(SLOT(slot) + 12), 0x554d4551);
        look(slot);
        scribble(slot);
        look(slot);
        behind(slot);
    }
    CHECK_EQUAL(traps, 3 * SLOTS);
    for (unsigned source = 1; source <= SLOTS; source++)
        CHECK_EQUAL(PLIC_PENDING(source), 0);
    return 0;
}
