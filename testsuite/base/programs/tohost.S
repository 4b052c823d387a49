/* The end that riscv-tests use: tohost = 1 passes, an odd value v fails with code v >> 1.
 * CODE is the code. */
#ifndef CODE
#define CODE 0
#endif
        .section .text.start, "ax"
        .globl _start
_start:
        li gp, CODE
        slli gp, gp, 1
        ori gp, gp, 1
write_tohost:
        la t0, tohost
        sw gp, 0(t0)
        sw zero, 4(t0)
        j write_tohost

        .section .tohost, "aw"
        .balign 64
        .globl tohost
tohost: .dword 0
        .size tohost, 8
        .balign 64
        .globl fromhost
fromhost:
        .size fromhost, 8
        .dword 0
