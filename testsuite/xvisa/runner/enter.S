/* Start, and the way into Ring -1, 0 or 3 and back.
 *
 * enter(frame) loads x1..x31 from the frame and goes to mepc by mret. Whatever trap
 * comes next in Ring -1 stores x1..x31 in the frame and returns from enter(). A trap
 * of the runner itself, outside enter(), is told and ends the run. */
        .section .text.start, "ax"
        .globl _start
_start:
        csrr a0, mhartid
        beqz a0, 1f
        tail park
1:      la sp, stack_top
        la t0, trap
        csrw mtvec, t0
        csrw mscratch, zero
        call main
2:      j 2b

        .text
        .globl enter
enter:
        addi sp, sp, -112
        .set at, 0
        .irp r, ra, gp, tp, s0, s1, s2, s3, s4, s5, s6, s7, s8, s9, s10
        sd \r, at(sp)
        .set at, at + 8
        .endr
        sd s11, 256(a0)
        sd sp, 264(a0)
        csrw mscratch, a0
        mv x31, a0
        .irp n,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30
        ld x\n, 8*\n(x31)
        .endr
        ld x31, 8*31(x31)
        mret

        .balign 4
trap:
        csrrw x31, mscratch, x31
        beqz x31, stray
        .irp n,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30
        sd x\n, 8*\n(x31)
        .endr
        csrrw a0, mscratch, zero
        sd a0, 8*31(x31)
        ld s11, 256(x31)
        ld sp, 264(x31)
        .set at, 0
        .irp r, ra, gp, tp, s0, s1, s2, s3, s4, s5, s6, s7, s8, s9, s10
        ld \r, at(sp)
        .set at, at + 8
        .endr
        addi sp, sp, 112
        ret

stray:
        la sp, stack_top
        csrr a0, mcause
        csrr a1, mepc
        csrr a2, mtval
        tail stray_trap

/* The other harts: each runs what hart 0 leaves for it in its mailbox (run.c). */
        .globl park
park:
        la sp, stack_top
        slli t0, a0, 12
        sub sp, sp, t0
        la t0, trap
        csrw mtvec, t0
        csrw mscratch, zero
        call serve
3:      j 3b
