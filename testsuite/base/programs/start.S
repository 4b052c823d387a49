/* Reset: every hart gets 16 KiB of stack and 16 KiB for its traps; hart 0 clears .bss and
 * calls main, the others wait for a software interrupt and call other_hart(id). What main
 * returns is the exit code. */
        .option norelax
        .equ STACK, 0x4000
        .section .text.start, "ax"
        .globl _start
_start:
        csrr t0, mhartid
        la sp, stacks
        addi t1, t0, 1
        li t2, 2 * STACK
        mul t1, t1, t2
        add sp, sp, t1
        csrw mscratch, sp
        li t2, STACK
        sub sp, sp, t2
        la t1, m_entry
        csrw mtvec, t1
        bnez t0, others
        la t1, boot_arguments
        la t2, __bss_start
        la t3, __bss_end
1:      bgeu t2, t3, 2f
        sd zero, 0(t2)
        addi t2, t2, 8
        j 1b
2:      sd a0, 0(t1)
        sd a1, 8(t1)
        call main
        tail finish
others:
        csrwi mie, 8
1:      wfi
        csrr t1, mip
        andi t1, t1, 8
        beqz t1, 1b
        li t1, 0x2000000
        slli t2, t0, 2
        add t1, t1, t2
        sw zero, 0(t1)
        csrwi mie, 0
        mv a0, t0
        call other_hart
3:      wfi
        j 3b

/* A trap: x1..x31, epc and status on the trap stack, then \handler(frame) in C. */
        .macro entry mode, handler
        .balign 4
        .globl \mode\()_entry
\mode\()_entry:
        csrrw sp, \mode\()scratch, sp
        addi sp, sp, -272
        .irp n,1,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
        sd x\n, 8*\n(sp)
        .endr
        csrr t0, \mode\()scratch
        sd t0, 16(sp)
        addi t1, sp, 272
        csrw \mode\()scratch, t1
        csrr t0, \mode\()epc
        sd t0, 0(sp)
        csrr t0, \mode\()status
        sd t0, 256(sp)
        mv a0, sp
        call \handler
        ld t0, 0(sp)
        csrw \mode\()epc, t0
        ld t0, 256(sp)
        csrw \mode\()status, t0
        .irp n,1,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
        ld x\n, 8*\n(sp)
        .endr
        ld sp, 16(sp)
        \mode\()ret
        .endm

        .text
        entry m, m_trap
        entry s, s_trap

/* uint64_t drop(ring, function, argument, stack): calls the function in a lower ring. Its
 * `leave(value)` comes back here through an ecall (ground.c). */
        .globl drop, drop_return
drop:
        addi sp, sp, -128
        .irp n,1,3,4,8,9
        sd x\n, 8*\n(sp)
        .endr
        sd s2, 16(sp)
        sd s3, 40(sp)
        sd s4, 48(sp)
        sd s5, 56(sp)
        sd s6, 80(sp)
        sd s7, 88(sp)
        sd s8, 96(sp)
        sd s9, 104(sp)
        sd s10, 112(sp)
        sd s11, 120(sp)
        la t0, drop_sp
        sd sp, 0(t0)
        li t0, 3 << 11
        csrc mstatus, t0
        slli a0, a0, 11
        csrs mstatus, a0
        csrw mepc, a1
        mv a0, a2
        mv sp, a3
        mret
drop_return:
        la t0, drop_sp
        ld sp, 0(t0)
        .irp n,1,3,4,8,9
        ld x\n, 8*\n(sp)
        .endr
        ld s2, 16(sp)
        ld s3, 40(sp)
        ld s4, 48(sp)
        ld s5, 56(sp)
        ld s6, 80(sp)
        ld s7, 88(sp)
        ld s8, 96(sp)
        ld s9, 104(sp)
        ld s10, 112(sp)
        ld s11, 120(sp)
        addi sp, sp, 128
        ret
        .bss
        .balign 8
drop_sp:
        .dword 0
        .globl boot_arguments
boot_arguments:
        .dword 0, 0
