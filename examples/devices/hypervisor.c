/* Devices that the hypervisor plays: a 16550 UART in memory and a multiplier at ports.
 *
 * IOVMAP gives the guest a range of addresses that exits, and needs no page-table entry;
 * IOVMASK says which ports do. An exit arrives decoded (VMQUAL: which device, direction,
 * width, register; VMVAL: the value), so nothing here reads an instruction of the guest.
 * A port that is open goes to the real device: two hundred accesses more, and no exit.
 *
 *   make -C examples run-devices */
#include "console.h"
#include "devices.h"
#include "vm.h"

enum { RANGE_UART = 3, FILTER = VISA_TRAP_IO };

void guest_main(void);

static vmcs vm;
static uint8_t port_bitmap[VISA_IOBITMAP_BYTES] __attribute__((aligned(VISA_IOBITMAP_BYTES)));

/* The UART: its registers, and what the line brings. */
static struct {
    uint8_t reg[UART_REGISTERS], divisor[2];
    const char *input;
    uint64_t sent;
} uart = {.input = INPUT};

static uint64_t factor[2];

static uint8_t uart_read(unsigned r)
{
    if (r <= DLM && (uart.reg[LCR] & LCR_DLAB))
        return uart.divisor[r];
    switch (r) {
    case RBR: return *uart.input ? (uint8_t)*uart.input++ : 0;
    case IIR: return IIR_NONE;
    case LSR: return LSR_EMPTY | (*uart.input ? LSR_DATA : 0);
    default: return uart.reg[r];
    }
}

static void uart_write(unsigned r, uint8_t value)
{
    if (r <= DLM && (uart.reg[LCR] & LCR_DLAB)) {
        uart.divisor[r] = value;
    } else if (r == THR) {
        put_char((char)value);
        uart.sent++;
    } else {
        uart.reg[r] = value;
    }
}

static void access_uart(uint64_t qual)
{
    unsigned r = (unsigned)(visa_vmgpa() - UART);

    if (VISA_QUAL(qual, IO, PORT) != RANGE_UART || VISA_QUAL(qual, IO, WIDTH) != 0)
        unexpected("access to memory, VMQUAL", qual);
    if (VISA_QUAL(qual, IO, WRITE))
        uart_write(r, (uint8_t)visa_vmval());
    else
        set_guest_reg(VISA_QUAL(qual, IO, REG),
                      extended(uart_read(r), 0, VISA_QUAL(qual, IO, SIGNED)));
}

static void access_port(uint64_t qual)
{
    switch (VISA_QUAL(qual, IO, PORT)) {
    case PORT_FACTOR_A: factor[0] = visa_vmval(); break;
    case PORT_FACTOR_B: factor[1] = visa_vmval(); break;
    case PORT_PRODUCT: set_guest_reg(VISA_QUAL(qual, IO, REG), factor[0] * factor[1]); break;
    default: unexpected("port, VMQUAL", qual);
    }
}

/* The VM's devices. Its bitmap is zero, so every port is masked until it is opened. */
static void plug_in(void)
{
    static const uint64_t range[] = {UART, UART_REGISTERS, 0, 3 /* VALID, EXIT */};

    if (visa_iovmap(RANGE_UART, (uintptr_t)range) != 0)
        unexpected("refusal of IOVMAP, range", RANGE_UART);
    visa_iovmask(PORT_LATCH << 16 | PORT_LATCH, 0); /* from port ... to port, open */
}

int main(void)
{
    const uint64_t chars = sizeof GREETING - 1 + sizeof INPUT - 1;
    uint64_t exits = 0;

    vm_init(&vm, base_host(host_table_of_image(), 1), guest_main, guest_stack_top);
    vm.field[VISA_VMCS_VMTRAPCFG] = FILTER;
    vm.field[VISA_VMCS_IOBITMAP] = (uintptr_t)port_bitmap;
    vm_make_current(&vm);
    plug_in();

    for (visa_vmresume(); visa_vmcause() == VISA_EXIT_IO; visa_vmresume_adv()) {
        uint64_t qual = visa_vmqual();

        if (VISA_QUAL(qual, IO, MMIO))
            access_uart(qual);
        else
            access_port(qual);
        exits++;
    }
    expect_exit(VISA_EXIT_HYPERCALL);
    expect("guest content", guest_reg(REG_A0), 1);
    expect("characters sent", uart.sent, chars);
    /* 7 to open, 2 for the scratch register, 2 for each character in or out, 3 a product */
    expect("exits for devices", exits, 7 + 2 + 2 * (chars + sizeof INPUT - 1) + 3 * PRODUCTS);
    expect("of these emulated", visa_vmread(VISA_VMCS_COUNT_EMU), exits);
    expect("all exits", visa_vmread(VISA_VMCS_COUNT_EXIT), exits + 2);
    return 0;
}
