/* The guest's entry, in Ring 0. */
    .section .text.start, "ax"
    .globl _start
_start:
    la sp, stack_top        # program.ld
    call main
1:  j 1b
