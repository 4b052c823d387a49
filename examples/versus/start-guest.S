/* Entry of the guest, in Ring 0. */
    .section .text.start, "ax"
    .globl guest_start
guest_start:
    la sp, boot_stack_top
    j kernel_main

    .bss
    .balign 16
    .zero 8192
boot_stack_top:
