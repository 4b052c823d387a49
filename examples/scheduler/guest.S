/* A guest that computes: a0 = 0 + 1 + ... + (a0 - 1), in 3 * a0 + 3 instructions, one of
 * which is a wait for nothing in particular. */
    .text
    .globl guest_main
guest_main:
    li a1, 0
    wfi
1:  addi a0, a0, -1
    add a1, a1, a0
    bnez a0, 1b
    mv a0, a1
    .insn i 0x0b, 1, x0, 0(x0) /* vmexit 0: exits, and does not retire */
