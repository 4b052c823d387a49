/* Start, the way into a case and the way back.
 *
 * enter(frame) loads x1..x31 from the frame and goes to mepc by mret. Whatever trap
 * comes next in M-mode stores x1..x31 in the frame and returns from enter(). */
        .section .text.start, "ax"
        .globl _start
_start:
        csrr a0, mhartid
1:      bnez a0, 1b
        la sp, stack_top
        la t0, __bss_begin
        la t1, __bss_end
2:      bgeu t0, t1, 3f
        sd zero, 0(t0)
        addi t0, t0, 8
        j 2b
3:      la t0, trap
        csrw mtvec, t0
        call main
4:      j 4b

        .text
        .globl enter
enter:
        addi sp, sp, -112
        sd ra, 0(sp)
        sd gp, 8(sp)
        sd tp, 16(sp)
        sd s0, 24(sp)
        sd s1, 32(sp)
        sd s2, 40(sp)
        sd s3, 48(sp)
        sd s4, 56(sp)
        sd s5, 64(sp)
        sd s6, 72(sp)
        sd s7, 80(sp)
        sd s8, 88(sp)
        sd s9, 96(sp)
        sd s10, 104(sp)
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
        .irp n,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30
        sd x\n, 8*\n(x31)
        .endr
        csrr a0, mscratch
        sd a0, 8*31(x31)
        csrr a0, mstatus
        sd a0, 272(x31)
        li a0, 1 << 17          /* MPRV off: the runner's own loads are M-mode's */
        csrc mstatus, a0
        ld s11, 256(x31)
        ld sp, 264(x31)
        ld ra, 0(sp)
        ld gp, 8(sp)
        ld tp, 16(sp)
        ld s0, 24(sp)
        ld s1, 32(sp)
        ld s2, 40(sp)
        ld s3, 48(sp)
        ld s4, 56(sp)
        ld s5, 64(sp)
        ld s6, 72(sp)
        ld s7, 80(sp)
        ld s8, 88(sp)
        ld s9, 96(sp)
        ld s10, 104(sp)
        addi sp, sp, 112
        ret

/* csr_writers + 8 n: csrrw x0, n, a0; ret.  csr_readers + 8 n: csrrs a0, n, x0; ret. */
        .globl csr_writers, csr_readers
        .balign 8
csr_writers:
        .set n, 0
        .rept 4096
        .word n << 20 | 0x00051073, 0x00008067
        .set n, n + 1
        .endr
csr_readers:
        .set n, 0
        .rept 4096
        .word n << 20 | 0x00002573, 0x00008067
        .set n, n + 1
        .endr

/* Where the cases' traps to S-mode go: M-mode tells them by ecall from this address. */
        .section .shandler, "ax"
        .globl s_handler
        .balign 4096
s_handler:
        .rept 16
        ecall
        .endr
        .balign 4096, 0
