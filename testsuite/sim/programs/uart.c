/* The 16550's registers, as its data sheet has them. */
#include "board.h"

enum { DR = 0x01, OE = 0x02, THRE = 0x20, TEMT = 0x40 };

static void registers(void)
{
    CHECK_EQUAL(UART_REG(LSR) & (THRE | TEMT | DR), THRE | TEMT);
    CHECK_EQUAL(UART_REG(IIR), 0x01);
    for (u64 v = 0; v < 256; v += 17) {
        UART_REG(SCR) = (u8)v;
        CHECK_EQUAL(UART_REG(SCR), v);
    }
    UART_REG(IER) = 0;
    UART_REG(LCR) = 0x83;
    CHECK_EQUAL(UART_REG(LCR), 0x83);
    UART_REG(DLL) = 0x34;
    UART_REG(DLM) = 0x12;
    CHECK_EQUAL(UART_REG(DLL), 0x34);
    CHECK_EQUAL(UART_REG(DLM), 0x12);
    UART_REG(DLL) = 1; /* the fastest: a witness keeps time */
    UART_REG(DLM) = 0;
    UART_REG(LCR) = 0x03;
    CHECK_EQUAL(UART_REG(IER), 0);
    UART_REG(IER) = 0xff;
    CHECK_EQUAL(UART_REG(IER), 0x0f);
    UART_REG(IER) = 0;
}

static void await(u8 bit)
{
    for (int n = 0; n < 10000000; n++)
        if (UART_REG(LSR) & bit)
            return;
    CHECK_EQUAL(UART_REG(LSR) & bit, bit);
}

static void loopback(void)
{
    UART_REG(FCR) = 0;
    UART_REG(MCR) = 0x10;
    CHECK_EQUAL(UART_REG(MSR) & 0xf0, 0x00);
    UART_REG(MCR) = 0x1a; /* RTS gives CTS, OUT2 gives DCD */
    CHECK_EQUAL(UART_REG(MSR) & 0xf0, 0x90);
    UART_REG(MCR) = 0x15; /* DTR gives DSR, OUT1 gives RI */
    CHECK_EQUAL(UART_REG(MSR) & 0xf0, 0x60);
    UART_REG(THR) = 0x5a;
    await(DR);
    CHECK_EQUAL(UART_REG(RBR), 0x5a);
    CHECK_EQUAL(UART_REG(LSR) & DR, 0);
}

static void fifo(void)
{
    UART_REG(FCR) = 0x07;
    CHECK_EQUAL(UART_REG(IIR) & 0xc0, 0xc0);
    for (u8 i = 0; i < 16; i++) {
        await(THRE);
        UART_REG(THR) = (u8)(0x30 + i);
    }
    await(TEMT);
    for (u8 i = 0; i < 16; i++) {
        await(DR);
        CHECK_EQUAL(UART_REG(RBR), 0x30 + i);
    }
    CHECK_EQUAL(UART_REG(LSR) & DR, 0);
    UART_REG(THR) = 1;
    await(DR);
    UART_REG(FCR) = 0x03;
    CHECK_EQUAL(UART_REG(LSR) & DR, 0);
    UART_REG(FCR) = 0;
    CHECK_EQUAL(UART_REG(IIR) & 0xc0, 0);
}

static void interrupts(void)
{
    (void)UART_REG(MSR);
    (void)UART_REG(LSR);
    UART_REG(IER) = 0x02;
    CHECK_EQUAL(UART_REG(IIR) & 0x0f, 0x02); /* transmitter empty, until it is told */
    CHECK_EQUAL(UART_REG(IIR) & 0x0f, 0x01);
    UART_REG(IER) = 0x03;
    UART_REG(THR) = 0x77; /* looped back */
    await(DR);
    CHECK_EQUAL(UART_REG(IIR) & 0x0f, 0x04); /* received data goes before */
    CHECK_EQUAL(UART_REG(RBR), 0x77);
    CHECK_EQUAL(UART_REG(IIR) & 0x0f, 0x02);
#ifdef OWN /* QEMU's loopback changes no modem line */
    UART_REG(IER) = 0x08;
    UART_REG(MCR) = 0x10;
    CHECK_EQUAL(UART_REG(IIR) & 0x0f, 0x00); /* modem status: DSR and RI went down */
    CHECK_EQUAL(UART_REG(MSR), 0x06);
    CHECK_EQUAL(UART_REG(IIR) & 0x0f, 0x01);
    UART_REG(MCR) = 0x17; /* RI counts on its way down alone */
    CHECK_EQUAL(UART_REG(MSR), 0x73);
#endif
    UART_REG(IER) = 0;
}

int main(u64 hart, u64 tree)
{
    (void)hart;
    (void)tree;
    registers();
    loopback();
    fifo();
    interrupts();
    UART_REG(MCR) = 0;
    print("done\n");
    return 0;
}
