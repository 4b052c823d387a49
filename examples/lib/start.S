/* Entry of the hypervisors, in Ring -1. Hart 0 runs main(); every other hart runs
 * other_hart(), or sleeps where the program has none. What main() returns is the run's
 * exit code. */
#include "platform.h"

    .section .text.start, "ax"
    .globl _start
_start:
    la t0, trap_in_host
    csrw mtvec, t0
    bnez a0, 1f
    la sp, host_stack_top
    call main
/* void finish(code): ends the run. */
    .globl finish
finish:
    li t0, FINISHER
    li t1, FINISH_PASS
    beqz a0, 3f
    slli a0, a0, 16
    li t1, FINISH_FAIL
    or t1, t1, a0
3:  sw t1, 0(t0)
    j 3b

1:  la sp, other_stack_top
    la t0, other_hart
    beqz t0, 2f
    call other_hart
2:  wfi
    j 2b
    .weak other_hart

/* Ring -1 expects no traps of its own: an exit is none. A program that does sets mtvec. */
    .balign 4
    .globl trap_in_host
trap_in_host:
    li a0, EXIT_TRAP_IN_HOST
    j finish

    .bss
    .balign 16
    .zero 16384
host_stack_top:
    .zero 4096
other_stack_top:
