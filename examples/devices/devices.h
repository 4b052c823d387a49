/* What the guest and its hypervisor agree on: the devices of the virtual machine. */
#ifndef DEVICES_H
#define DEVICES_H

/* The 16550's registers. */
enum {
    THR = 0,
    RBR = 0,
    DLL = 0,
    IER = 1,
    DLM = 1,
    IIR = 2,
    FCR = 2,
    LCR = 3,
    MCR = 4,
    LSR = 5,
    MSR = 6,
    SCR = 7,
    UART_REGISTERS = 8
};
enum {
    LCR_8N1 = 0x03,
    LCR_DLAB = 0x80,
    FCR_ENABLE = 0x01,
    MCR_DTR_RTS = 0x03,
    LSR_DATA = 0x01,
    LSR_EMPTY = 0x60,
    IIR_NONE = 0x01
};

/* A device at masked ports: write two factors, read their product. */
enum { PORT_FACTOR_A = 0x300, PORT_FACTOR_B = 0x304, PORT_PRODUCT = 0x308 };

/* The platform's latch of one byte, a port that is opened to the guest. */
enum { PORT_LATCH = 0x80 };

enum { PRODUCTS = 5, LATCHED = 100 };

#define GREETING "Who are you?\n"
#define INPUT "guest of v-isa\n"

#endif
