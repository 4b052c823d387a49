/* The PLIC, with the UART's transmitter as its source: it interrupts when told to. */
#include "board.h"

static u64 lines(void)
{
    return read_csr(mip) & (MIP_MEIP | MIP_SEIP);
}

/* QEMU 7.2 looks at what is enabled when something else is written. */
static void enable(u32 context, u32 sources)
{
    PLIC_ENABLE(context, 0) = sources;
    PLIC_PRIORITY(UART_IRQ) = 7;
}

static void raise(void)
{
    UART_REG(IER) = 0x02;
}

static void lower(void)
{
    UART_REG(IER) = 0;
}

static void registers(void)
{
    PLIC_PRIORITY(UART_IRQ) = 7;
    CHECK_EQUAL(PLIC_PRIORITY(UART_IRQ), 7);
    PLIC_THRESHOLD(0) = 5;
    CHECK_EQUAL(PLIC_THRESHOLD(0), 5);
    PLIC_THRESHOLD(0) = 0;
    PLIC_ENABLE(1, 2) = 0xf0f0f0f0;
    CHECK_EQUAL(PLIC_ENABLE(1, 2), 0xf0f0f0f0);
    CHECK_EQUAL(PLIC_ENABLE(0, 2), 0);
    PLIC_ENABLE(1, 2) = 0;
    CHECK_EQUAL(PLIC_CLAIM(0), 0);
}

/* Which of the two contexts of this hart an interrupt reaches. */
static void contexts(void)
{
    enable(0, 1 << UART_IRQ);
    CHECK_EQUAL(lines(), 0);
    raise();
    CHECK_EQUAL(PLIC_PENDING(UART_IRQ), 1);
    CHECK_EQUAL(lines(), MIP_MEIP);
    enable(1, 1 << UART_IRQ);
    CHECK_EQUAL(lines(), MIP_MEIP | MIP_SEIP);
    enable(0, 0);
    CHECK_EQUAL(lines(), MIP_SEIP);
}

static void thresholds(void)
{
    PLIC_THRESHOLD(1) = 7;
    CHECK_EQUAL(lines(), 0);
    PLIC_THRESHOLD(1) = 6;
    CHECK_EQUAL(lines(), MIP_SEIP);
    PLIC_PRIORITY(UART_IRQ) = 0; /* never */
    PLIC_THRESHOLD(1) = 0;
    CHECK_EQUAL(lines(), 0);
    CHECK_EQUAL(PLIC_CLAIM(1), 0);
    PLIC_PRIORITY(UART_IRQ) = 1;
    CHECK_EQUAL(lines(), MIP_SEIP);
}

/* SEIP is the line or the bit that software wrote, and writes of mip do not mix the two. */
static void written(void)
{
    set_csr(mip, MIP_SSIP);
    PLIC_THRESHOLD(1) = 7;
    CHECK_EQUAL(lines(), 0); /* not latched by a write of another bit */
    PLIC_THRESHOLD(1) = 0;
    set_csr(mip, MIP_SEIP);
    clear_csr(mip, MIP_SSIP);
    PLIC_THRESHOLD(1) = 7;
    CHECK_EQUAL(lines(), MIP_SEIP);
    PLIC_THRESHOLD(1) = 0;
    clear_csr(mip, MIP_SEIP);
    CHECK_EQUAL(lines(), MIP_SEIP); /* the line */
    PLIC_THRESHOLD(1) = 7;
    CHECK_EQUAL(lines(), 0);
    PLIC_THRESHOLD(1) = 0;
}

static void claims(void)
{
    CHECK_EQUAL(PLIC_CLAIM(1), UART_IRQ);
    CHECK_EQUAL(lines(), 0);
    CHECK_EQUAL(PLIC_PENDING(UART_IRQ), 0);
    CHECK_EQUAL(PLIC_CLAIM(1), 0);
    lower();
    PLIC_CLAIM(1) = UART_IRQ;
    CHECK_EQUAL(lines(), 0);
    raise();
    CHECK_EQUAL(PLIC_CLAIM(1), UART_IRQ);
#ifdef LEVELS /* QEMU 7.2 takes a line for an edge */
    PLIC_CLAIM(1) = UART_IRQ;
    CHECK_EQUAL(lines(), MIP_SEIP); /* the line is still up */
    lower();
    CHECK_EQUAL(lines(), 0);
    CHECK_EQUAL(PLIC_CLAIM(1), 0);
    raise();
    CHECK_EQUAL(PLIC_CLAIM(1), UART_IRQ);
    lower();
    PLIC_ENABLE(1, 0) = 0; /* a completion that the context may not make */
    PLIC_CLAIM(1) = UART_IRQ;
    PLIC_ENABLE(1, 0) = 1 << UART_IRQ;
    raise();
    CHECK_EQUAL(PLIC_PENDING(UART_IRQ), 0);
    PLIC_CLAIM(1) = UART_IRQ;
    CHECK_EQUAL(PLIC_PENDING(UART_IRQ), 1);
#endif
}

int main(u64 hart, u64 tree)
{
    (void)hart;
    (void)tree;
    registers();
    contexts();
    thresholds();
    written();
    claims();
    return 0;
}
