/* A guest of two exits. */
    .text
    .globl guest_main
guest_main:
    .insn i 0x0b, 1, x0, 0(x0) /* vmexit 0 */
    .insn i 0x0b, 1, x0, 1(x0) /* vmexit 1 */
