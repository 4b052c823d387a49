/* What a receiver that software does not empty says; QEMU forgets the first byte instead of
 * the last. */
#include "board.h"

int main(u64 hart, u64 tree)
{
    (void)hart;
    (void)tree;
    UART_REG(MCR) = 0x10;
    UART_REG(FCR) = 0x07;
    for (u8 i = 0; i < 17; i++)
        UART_REG(THR) = i;
    CHECK_EQUAL(UART_REG(LSR) & 0x03, 0x03);
    CHECK_EQUAL(UART_REG(LSR) & 0x03, 0x01); /* told once */
    for (u8 i = 0; i < 16; i++)
        CHECK_EQUAL(UART_REG(RBR), i);
    CHECK_EQUAL(UART_REG(LSR) & 0x01, 0);
    return 0;
}
