/* Echoes input in upper case up to a full stop: polled, or by interrupts through the PLIC. */
#include "board.h"

static volatile int done;

static int echo(void)
{
    u8 c = UART_REG(RBR);

    put((char)(c >= 'a' && c <= 'z' ? c - 32 : c));
    return c == '.';
}

#ifdef INTERRUPTS
static void external(u64 code)
{
    u32 source = PLIC_CLAIM(0);

    CHECK_EQUAL(code, 11);
    CHECK_EQUAL(source, UART_IRQ);
    if (UART_REG(LSR) & 1)
        CHECK_EQUAL(UART_REG(IIR) & 0x06, 0x04); /* data, or the time-out of its FIFO */
    while (!done && UART_REG(LSR) & 1)
        done = echo();
    if (done)
        UART_REG(IER) = 0;
    PLIC_CLAIM(0) = source;
}
#endif

int main(u64 hart, u64 tree)
{
    (void)hart;
    (void)tree;
#ifdef INTERRUPTS
    on_interrupt = external;
#ifndef NO_FIFO /* QEMU may have received something by now, and lose it here */
    UART_REG(FCR) = 0x07 | INTERRUPTS; /* and the FIFO's trigger level */
#endif
    UART_REG(MCR) = 0x0b;
    PLIC_PRIORITY(UART_IRQ) = 1;
    PLIC_ENABLE(0, 0) = 1 << UART_IRQ;
    UART_REG(IER) = 1; /* last: QEMU 7.2 looks at what is enabled when a line changes */
    write_csr(mie, MIP_MEIP);
    SLEEP_UNTIL(done);
#else
    while (!done)
        if (UART_REG(LSR) & 1)
            done = echo();
#endif
    return 0;
}
