/* The hypervisor's entry, in Ring -1: a stack, then main(). What that returns
 * is the exit code of the run. */
    .section .text.start, "ax"
    .globl _start
_start:
    bnez a0, sleep          # a0: the hart's number. Hart 0 alone goes on
    la sp, stack_top        # program.ld
    la t0, trapped
    csrw mtvec, t0
    call main

    .globl finish
finish:                     # void finish(int code)
    slli a0, a0, 16
    li t0, 0x3333           # the finisher's words: 0x5555 is exit code 0,
    or t0, t0, a0           # 0x3333 another one, in the upper half
    bnez a0, 1f
    li t0, 0x5555
1:  li t1, 0x100000
    sw t0, 0(t1)
sleep:
    wfi
    j sleep

    .balign 4
trapped:                    # a trap of the hypervisor itself: its own mistake
    li a0, 3
    j finish
