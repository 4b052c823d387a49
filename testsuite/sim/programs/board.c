#include "board.h"

__asm__(
    ".section .text.start, \"ax\"\n"
    ".globl _start\n"
    "_start: .option norelax\n"
    "    la sp, stack_top\n"
    "    slli t0, a0, 12\n" /* 4 KiB of it for each hart */
    "    sub sp, sp, t0\n"
    "    la t0, trap_entry\n"
    "    csrw mtvec, t0\n"
    "    call main\n"
    "    call finish\n"
    ".balign 4\n"
    "trap_entry:\n"
    "    addi sp, sp, -128\n"
    "    sd ra, 0(sp); sd t0, 8(sp); sd t1, 16(sp); sd t2, 24(sp); sd t3, 32(sp); sd t4, 40(sp)\n"
    "    sd t5, 48(sp); sd t6, 56(sp); sd a0, 64(sp); sd a1, 72(sp); sd a2, 80(sp); sd a3, 88(sp)\n"
    "    sd a4, 96(sp); sd a5, 104(sp); sd a6, 112(sp); sd a7, 120(sp)\n"
    "    call trap\n"
    "    ld ra, 0(sp); ld t0, 8(sp); ld t1, 16(sp); ld t2, 24(sp); ld t3, 32(sp); ld t4, 40(sp)\n"
    "    ld t5, 48(sp); ld t6, 56(sp); ld a0, 64(sp); ld a1, 72(sp); ld a2, 80(sp); ld a3, 88(sp)\n"
    "    ld a4, 96(sp); ld a5, 104(sp); ld a6, 112(sp); ld a7, 120(sp)\n"
    "    addi sp, sp, 128\n"
    "    mret\n"
    ".text\n");

volatile u64 trap_cause, trap_tval, traps;
void (*on_interrupt)(u64 code);

__attribute__((used)) static void trap(void)
{
    u64 cause = read_csr(mcause), pc = read_csr(mepc);

    trap_cause = cause;
    trap_tval = read_csr(mtval);
    traps++;
    if (!(cause >> 63)) {
        write_csr(mepc, pc + ((REG16(pc) & 3) == 3 ? 4 : 2));
    } else if (on_interrupt) {
        on_interrupt(cause & 0xff);
    } else {
        print("unexpected interrupt ");
        print_number(cause & 0xff);
        finish(2);
    }
}

void put(char c)
{
    while (!(UART_REG(LSR) & 0x20))
        ;
    UART_REG(THR) = (u8)c;
}

void print(const char *s)
{
    while (*s)
        put(*s++);
}

void print_number(u64 n)
{
    print("0x");
    for (int shift = 60; shift >= 0; shift -= 4)
        if (n >> shift || shift == 0)
            put("0123456789abcdef"[n >> shift & 15]);
}

void finish(u64 code)
{
    REG32(FINISHER) = code ? 0x3333 | (u32)code << 16 : 0x5555;
    for (;;)
        ;
}

void check_failed(int line, const char *what, u64 got, u64 wanted)
{
    UART_REG(MCR) = 0;
    UART_REG(LCR) = 3;
    print("line ");
    print_number((u64)line);
    print(": ");
    print(what);
    print(" is ");
    print_number(got);
    print(", expected ");
    print_number(wanted);
    put('\n');
    finish(1);
}
