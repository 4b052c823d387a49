/* In the manner of riscv-tests' environment p: TESTNUM in gp, a trap vector that knows the
 * environment call, Ring 3 for the test's body, and the end through tohost. */
#define TESTNUM gp
        .section .text.start, "ax"
        .globl _start
_start: j reset
        .balign 4
trap_vector:
        csrr t5, mcause
        li t6, 8
        beq t5, t6, write_tohost
        li t6, 9
        beq t5, t6, write_tohost
        li t6, 11
        beq t5, t6, write_tohost
        ori TESTNUM, TESTNUM, 1337
write_tohost:
        la t5, tohost
        sw TESTNUM, 0(t5)
        sw zero, 4(t5)
        j write_tohost
reset:
        li TESTNUM, 0
        csrr a0, mhartid
1:      bnez a0, 1b
        la t0, 1f                 /* machines without a PMP trap here */
        csrw mtvec, t0
        li t0, -1
        csrw pmpaddr0, t0
        li t0, 0x1f
        csrw pmpcfg0, t0
        .balign 4
1:      la t0, 1f
        csrw mtvec, t0
        csrwi mideleg, 0
        csrwi medeleg, 0
        .balign 4
1:      la t0, trap_vector
        csrw mtvec, t0
        csrwi mstatus, 0
        la t0, body
        csrw mepc, t0
        csrr a0, mhartid
        mret

        .macro test number
test_\number:
        li TESTNUM, \number
        .endm
        .macro expect reg, want
        li x7, \want
        bne \reg, x7, failed
        .endm

body:
        test 2
        lui x14, 0xffff8
        expect x14, 0xffffffffffff8000
        test 3
        li x1, 0x7fffffffffffffff
        mulhu x14, x1, x1
        srli x14, x14, 57
        expect x14, 0x1f
        test 4
        li x1, 5
        div x14, x1, x0
        expect x14, -1
        test 5
        rem x14, x1, x0
        expect x14, 5
        test 6
        la x10, words
        lw x14, 4(x10)
        expect x14, 0xffffffffdeadbeef
        test 7
        lwu x14, 4(x10)
        expect x14, 0x00000000deadbeef
        test 8
        amoadd.w x14, x10, (x10)
        expect x14, 3
        bne x0, TESTNUM, passed
failed:
        fence
1:      beqz TESTNUM, 1b
        sll TESTNUM, TESTNUM, 1
        or TESTNUM, TESTNUM, 1
        ecall
passed:
        fence
        li TESTNUM, 1
        ecall

        .data
        .balign 8
words:  .word 3, 0xdeadbeef
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
