/* The guest: a driver of the 16550 as one finds it anywhere, and two devices at ports. */
#include <stdint.h>

#include "devices.h"
#include "platform.h"
#include "visa.h"

static volatile uint8_t *const uart = (volatile uint8_t *)UART;

static void uart_open(void)
{
    uart[IER] = 0;
    uart[LCR] = LCR_DLAB;
    uart[DLL] = 1;
    uart[DLM] = 0;
    uart[LCR] = LCR_8N1;
    uart[FCR] = FCR_ENABLE;
    uart[MCR] = MCR_DTR_RTS;
}

static void uart_put(char c)
{
    while (!(uart[LSR] & LSR_EMPTY))
        ;
    uart[THR] = (uint8_t)c;
}

static char uart_get(void)
{
    while (!(uart[LSR] & LSR_DATA))
        ;
    return (char)uart[RBR];
}

static char upper(char c)
{
    return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
}

static void converse(void)
{
    char c;

    for (const char *s = GREETING; *s; s++)
        uart_put(*s);
    do {
        c = uart_get();
        uart_put(upper(c));
    } while (c != '\n');
}

/* True if the device can multiply. */
static unsigned long multiply(void)
{
    for (unsigned long i = 1; i <= PRODUCTS; i++) {
        visa_out_w(PORT_FACTOR_A, 1000 * i);
        visa_out_w(PORT_FACTOR_B, i);
        if (visa_in_w(PORT_PRODUCT) != 1000 * i * i)
            return 0;
    }
    return 1;
}

/* An open port: the real device, and no exit. */
static unsigned long latch(void)
{
    for (unsigned long i = 0; i < LATCHED; i++) {
        visa_out_b(PORT_LATCH, i);
        if (visa_in_b(PORT_LATCH) != i)
            return 0;
    }
    return 1;
}

void guest_main(void)
{
    register unsigned long good __asm__("a0");
    unsigned long all;

    uart_open();
    uart[SCR] = 0xa5;
    all = *(volatile int8_t *)&uart[SCR] == (int8_t)0xa5; /* a load that extends the sign */
    converse();
    all &= multiply();
    all &= latch();
    good = all;
    __asm__ volatile("" ::"r"(good));
    visa_vmexit(0);
    __builtin_unreachable();
}
