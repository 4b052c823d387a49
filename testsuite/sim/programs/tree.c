/* Prints where the device tree is, and its first word. */
#include "board.h"

int main(u64 hart, u64 tree)
{
    CHECK_EQUAL(hart, 0);
    print_number(tree);
    put(' ');
    print_number(REG32(tree));
    put('\n');
    return 0;
}
