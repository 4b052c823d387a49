/* Hart 1 runs a function; hart 0 stores another one in its place; behind a fence.i hart 1 runs
 * that. The exit code is what hart 1 got from the two, 1 and 2, less 3. */
    .section .text.start, "ax"
    .globl _start
_start:
    la s0, flag
    bnez a0, other
0:  lw t0, 0(s0)
    beqz t0, 0b
    la t1, replaced
    lw t2, 0(t1)
    la t1, code
    sw t2, 0(t1)
    fence
    sw zero, 0(s0)
0:  lw t0, 4(s0)
    beqz t0, 0b
    addi t0, t0, -3
    slli t0, t0, 16
    li t1, 0x3333
    bnez t0, 1f
    li t1, 0x5555
1:  or t0, t0, t1
    li t1, 0x100000
    sw t0, 0(t1)
2:  j 2b

other:
    call code
    mv s1, a0
    li t0, 1
    sw t0, 0(s0)
0:  lw t0, 0(s0)
    bnez t0, 0b
    fence.i
    call code
    add s1, s1, a0
    fence
    sw s1, 4(s0)
2:  j 2b

    .option norvc
code:
    li a0, 1
    ret
replaced:
    li a0, 2

    .data
    .balign 8
flag:
    .word 0, 0
