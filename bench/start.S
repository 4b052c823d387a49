/* Entry of the measured programs, and the ways between the rings. */
#define FINISHER 0x100000
#define FINISH_PASS 0x5555
#define FINISH_FAIL 0x3333 /* the code in the upper half */
#define MSTATUS_MPP 0x1800
#define MSTATUS_MPP_RING0 0x800
#define MCAUSE_ECALL_RING0 9
#define PMP_ALL 0x1f /* NAPOT, readable, writable, executable */

    .section .text.start, "ax"
    .globl _start
_start:
    la sp, stack_top
    call main
/* void finish(code): ends the run. */
    .globl finish
finish:
    li t0, FINISHER
    li t1, FINISH_PASS
    beqz a0, 1f
    slli a0, a0, 16
    li t1, FINISH_FAIL
    or t1, t1, a0
1:  sw t1, 0(t0)
    j 1b

/* uint64_t in_ring0(satp, work): what work() gives in Ring 0. */
    .globl in_ring0
in_ring0:
    addi sp, sp, -16
    sd ra, 8(sp)
    csrw satp, a0
    sfence.vma
    li t0, -1
    csrw pmpaddr0, t0
    li t0, PMP_ALL
    csrw pmpcfg0, t0
    la t0, back
    csrw mtvec, t0
    la t0, 1f
    csrw mepc, t0
    li t0, MSTATUS_MPP
    csrc mstatus, t0
    li t0, MSTATUS_MPP_RING0
    csrs mstatus, t0
    mret
1:  jalr a1
    ecall
    .align 2
back:
    csrr t0, mcause
    li t1, MCAUSE_ECALL_RING0
    li t2, 2
    bne t0, t1, 2f
    ld ra, 8(sp)
    addi sp, sp, 16
    ret
2:  mv a0, t2 /* not the way back: a fault */
    j finish
