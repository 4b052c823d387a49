/* A C program's ground: .data as linked, .bss zero, the stack, and the boot arguments. */
#include "platform.h"

static u64 initialised[4] = {1, 0x123456789abcdef0, 3, 0xfffffffffffffffe};
static u64 zero[1000];
static const char text[] = "constant";
static u64 *const pointer = &initialised[1];

static u64 depth(u64 n)
{
    volatile u64 local[8];

    for (unsigned i = 0; i < 8; i++)
        local[i] = n * i;
    return n ? depth(n - 1) + local[7] / 7 : 0;
}

int main(void)
{
    check_equal(initialised[0], 1);
    check_equal(*pointer, 0x123456789abcdef0);
    check_equal(initialised[3], 0xfffffffffffffffe);
    for (unsigned i = 0; i < 1000; i++)
        check_equal(zero[i], 0);
    check(text[0] == 'c' && text[8] == 0);
    check_equal(depth(60), 60 * 61 / 2);
    check_equal(boot_arguments[0], 0);
    check_equal(*(uint32_t *)boot_arguments[1], 0xedfe0dd0); /* a flat device tree, big-endian */
    return 0;
}
