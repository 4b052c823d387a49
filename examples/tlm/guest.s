; What a guest sees of the DRAM (dram.h) and of the device that copies (copier.h), measured
; with mcycle. Each line of output is a name and cycles. Everything is done twice: what is
; measured is in the instruction cache then.
;
; The code is in one row of bank 0, what is measured in rows of other banks: a row has 2048
; bytes, and goes on in the next of 4 banks.

        .equ    UART,     0x10000000
        .equ    FINISHER, 0x100000
        .equ    PASS,     0x5555
        .equ    FAIL,     0x13333       ; exit code 1

        .equ    COPIER,   0x20000000
        .equ    SOURCE,   0
        .equ    TARGET,   8
        .equ    BYTES,    16
        .equ    CONTROL,  24
        .equ    FINISHED, 32

        .equ    ROW,      2048
        .equ    LINE,     64
        .equ    COPIED,   4 * LINE
        .equ    MIE_MEI,  0x800
        .equ    MSTATUS_MIE, 8

        .text
        .globl  _start
_start: la      t0, interrupted
        csrw    mtvec, t0
        li      t0, MIE_MEI
        csrw    mie, t0
        la      s11, rows

; Loads. Bank 1 first, then bank 2 for the device.
        la      s0, warm                ; a line that no row of bank 1 or 2 has
        call    load
        li      t0, ROW
        add     s0, s11, t0             ; nothing is open in bank 1
        call    load
        mv      s1, a0
        addi    s0, s0, LINE            ; the row is open now
        call    load
        mv      s2, a0
        call    load                    ; the line is in the cache
        mv      s3, a0
        li      t0, 4 * ROW
        add     s0, s0, t0              ; another row of bank 1
        call    load
        mv      s4, a0
        la      a0, text_closed
        mv      a1, s1
        call    say
        la      a0, text_open
        mv      a1, s2
        call    say
        la      a0, text_cached
        mv      a1, s3
        call    say
        la      a0, text_other
        mv      a1, s4
        call    say

; Copies from bank 2 to bank 3: waiting in a loop, and asleep.
        la      s10, spin
        call    copy
        call    copy
        la      s9, text_spin
        call    tell
        la      s10, sleep
        call    copy
        call    copy
        la      s9, text_sleep
        call    tell

        la      s0, pattern
        li      t0, 3 * ROW
        add     s1, s11, t0
        li      s2, COPIED
1:      ld      t0, 0(s0)
        ld      t1, 0(s1)
        bne     t0, t1, fail
        addi    s0, s0, 8
        addi    s1, s1, 8
        addi    s2, s2, -8
        bnez    s2, 1b
        li      t1, PASS
        j       finish
fail:   li      t1, FAIL
finish: li      t0, FINISHER
        sw      t1, 0(t0)
1:      j       1b

; a0: cycles from one instruction to the next but one, where that between loads from s0
        .balign 64
load:   csrr    a0, mcycle
        ld      a1, 0(s0)
        csrr    a1, mcycle
        sub     a0, a1, a0
        ret

; Starts the device and waits at s10. s1: when it was told; s2: when it says that it was
; through; s3: when the interrupt's handler began.
        .balign 64
copy:   li      t0, COPIER
        la      t1, pattern
        sd      t1, SOURCE (t0)
        li      t1, 3 * ROW
        add     t1, s11, t1
        sd      t1, TARGET (t0)
        li      t1, COPIED
        sd      t1, BYTES (t0)
        csrsi   mstatus, MSTATUS_MIE
        li      t1, 1
        jr      s10
        .balign 64
spin:   csrr    s1, mcycle
        sd      t1, CONTROL (t0)
1:      j       1b
        .balign 64
sleep:  csrr    s1, mcycle
        sd      t1, CONTROL (t0)
1:      wfi
        j       1b
        .balign 64
interrupted:
        csrr    s3, mcycle
        sd      zero, CONTROL (t0)
        ld      s2, FINISHED (t0)
        ret                             ; of copy: the interrupt stays disabled

; "NAME start S, finished F, handler H", each in cycles of the run
tell:   mv      s8, ra
        mv      a0, s9
        mv      a1, s1
        call    say
        la      a0, text_finished
        mv      a1, s2
        call    say
        la      a0, text_handler
        mv      a1, s3
        call    say
        mv      ra, s8
        ret

; The text at a0, the number a1, and a line's end
say:    li      t0, UART
1:      lbu     t1, 0(a0)
        beqz    t1, 2f
        sb      t1, 0(t0)
        addi    a0, a0, 1
        j       1b
2:      la      t2, digits_end
        li      t3, 10
        sb      t3, 0(t2)
        mv      t4, t2
3:      remu    t1, a1, t3
        addi    t1, t1, '0'
        addi    t4, t4, -1
        sb      t1, 0(t4)
        divu    a1, a1, t3
        bnez    a1, 3b
4:      lbu     t1, 0(t4)
        sb      t1, 0(t0)
        addi    t4, t4, 1
        bleu    t4, t2, 4b
        ret

        .section .rodata
text_closed:   .asciz "load, no row open: "
text_open:     .asciz "load, row open: "
text_cached:   .asciz "load, line in the cache: "
text_other:    .asciz "load, another row open: "
text_spin:     .asciz "copy, busy: "
text_sleep:    .asciz "copy, asleep: "
text_finished: .asciz "  finished: "
text_handler:  .asciz "  handler: "

        .data
        .balign 8
digits: .zero   24
digits_end:
        .zero   8
        .balign 64
warm:   .zero   64

        .balign 4 * ROW
rows:   .zero   2 * ROW
pattern:                                ; in bank 2
        .dword  0x0123456789abcdef, 0x1122334455667788, 0x5a5a5a5a5a5a5a5a, 1
        .zero   COPIED - 32
        .zero   6 * ROW
