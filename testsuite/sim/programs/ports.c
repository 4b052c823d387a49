/* The port space: what is there, what is not, and wide accesses across both. */
#include "board.h"
#include "visa.h"

int main(u64 hart, u64 tree)
{
    (void)hart;
    (void)tree;
    /* nothing there */
    CHECK_EQUAL(visa_in_b(0x1234), 0xff);
    CHECK_EQUAL(visa_in_h(0x1234), 0xffff);
    CHECK_EQUAL(visa_in_w(0x1234), 0xffffffff);
    visa_out_w(0x1234, 0x12345678);
    /* the POST latch, alone and as the low byte of a wider port */
    visa_out_b(0x80, 0xa5);
    CHECK_EQUAL(visa_in_b(0x80), 0xa5);
    CHECK_EQUAL(visa_in_h(0x80), 0xffa5);
    CHECK_EQUAL(visa_in_h(0x7f), 0xa5ff);
    visa_out_w(0x7e, 0x00c30000);
    CHECK_EQUAL(visa_in_w(0x80), 0xffffffc3);
    /* only 16 bits of a port's number count, and the last port is followed by the first */
    CHECK_EQUAL(visa_in_b(0x10080), 0xc3);
    CHECK_EQUAL(visa_in_w(0xffff), 0xffffffff);
    /* the UART is the one in memory */
    UART_REG(SCR) = 0x3c;
    CHECK_EQUAL(visa_in_b(0x3ff), 0x3c);
    visa_out_b(0x3ff, 0xc3);
    CHECK_EQUAL(UART_REG(SCR), 0xc3);
    CHECK_EQUAL(visa_in_b(0x3fd) & 0x60, 0x60);
    visa_out_b(0x3f8, 'u');
    /* as registers of a byte: wider accesses are one to each, and go on behind the last one */
    CHECK_EQUAL(visa_in_h(0x3fe), 0xc300 | (UART_REG(MSR) & 0xf0));
    visa_out_w(0x3fc, 0x5a000000 | UART_REG(MCR));
    CHECK_EQUAL(visa_in_w(0x3ff), 0xffffff5a);
    /* the debug console */
    CHECK_EQUAL(visa_in_b(0xe9), 0xe9);
    for (const char *s = "port\n"; *s; s++)
        visa_out_b(0xe9, (u64)*s);
    /* power: nothing but the one word, in one width */
    visa_out_h(0x604, 0x1000);
    visa_out_b(0x604, 0x00);
    visa_out_b(0x605, 0x20);
    visa_out_h(0x604, 0x2000);
    return 3;
}
