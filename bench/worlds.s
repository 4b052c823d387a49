; What the switches between worlds cost, one kind to a program (-D KIND=number), in cycles by
; the counter `cycle`. Each kind is done ROUNDS times; the cycles of the last one, in which caches
; and predictor know the way, are printed, less those of two readings of the counter with
; nothing in between.
;
;   ENTER RESUME   VMENTER, VMRESUME of a pooled context, up to the guest's first instruction
;   EXIT           VMEXIT, up to the host's next instruction
;   HYPERCALL      VMEXIT, a host that does nothing but VMRESUME.ADV and count, the guest again
;   NOTHING SAVE   VMSAVE of a context that is not pooled, and of one that is
;   REFILL         VMENTER of a context that is not pooled, there being room
;   SWAP           the same with a full pool: the oldest context is written first
;   SEND           VINT_SEND by the guest to itself, up to its handler's first instruction
;   ACK            VINT_ACK in that handler

        .equ    ENTER, 1
        .equ    RESUME, 2
        .equ    EXIT, 3
        .equ    HYPERCALL, 4
        .equ    NOTHING, 5
        .equ    SAVE, 6
        .equ    REFILL, 7
        .equ    SWAP, 8
        .equ    SEND, 9
        .equ    ACK, 10

        .equ    UART, 0x10000000
        .equ    FINISHER, 0x100000
        .equ    PASS, 0x5555
        .equ    FAIL, 0x13333
        .equ    PAGE, 4096
        .equ    A2, 12                  ; the guest's register for its result
        .equ    VECTOR, 5
        .equ    SIE, 2                  ; of sstatus
        .equ    SEIE, 0x200             ; of sie
        .equ    ENABLE0, 4              ; words of the VIC: enabled vectors, priorities
        .equ    PRIORITY0, 8

        .text
        .globl  _start
_start: la      s0, contexts
        mv      t0, s0
        li      t1, POOL + 1
        li      t2, REVISION
        la      t3, guest
1:      sd      t2, VMCS_REVISION * 8 (t0)
        sd      t3, VMCS_PC * 8 (t0)
        li      t4, PAGE
        add     t0, t0, t4
        addi    t1, t1, -1
        bnez    t1, 1b
        call    empty                   ; s4: the counter read twice, nothing in between
        call    empty
        mv      s4, a0
        VMENTER s0                      ; pooled from here on
        li      s1, ROUNDS
        j       rounds

        .balign 64
empty:  csrr    s2, mcycle
        csrr    s3, mcycle
        sub     a0, s3, s2
        ret

.if KIND == ENTER || KIND == RESUME || KIND == EXIT || KIND == REFILL
rounds: li      t0, VMCS_PC
        la      t1, guest
        VMWRITE t0, t1
.if KIND == REFILL
        VMCLEAR s0
.endif
        j       1f
        .balign 64
1:      csrr    s2, mcycle
.if KIND == RESUME
        VMRESUME
.else
        VMENTER s0
.endif
        csrr    s3, mcycle
        li      t0, VMCS_X + A2
        VMREAD  t1, t0
.if KIND == EXIT
        sub     s3, s3, t1
.else
        sub     s3, t1, s2
.endif
        sub     s3, s3, s4
        addi    s1, s1, -1
        bnez    s1, rounds
        j       tell
        .balign 64
guest:  csrr    a2, cycle
        VMEXIT  0
.endif

.if KIND == HYPERCALL
        .balign 64
rounds: VMRESUME.ADV
        addi    s1, s1, -1
        bnez    s1, rounds
        li      t0, VMCS_X + A2
        VMREAD  s3, t0
        sub     s3, s3, s4
        j       tell
        .balign 64
guest:  csrr    a0, cycle
        VMEXIT  0
        csrr    a1, cycle
        sub     a2, a1, a0
        j       guest
.endif

.if KIND == NOTHING || KIND == SAVE
rounds: mv      s5, s0
.if KIND == NOTHING
        VMCLEAR s0
.endif
        j       1f
        .balign 64
1:      csrr    s2, mcycle
        VMSAVE  s5
        csrr    s3, mcycle
        sub     s3, s3, s2
        sub     s3, s3, s4
        addi    s1, s1, -1
        bnez    s1, rounds
        j       tell
guest:  VMEXIT  0
.endif

.if KIND == SWAP
rounds: mv      s5, s0                  ; each context in turn: it is the one that was just lost
        li      s6, POOL + 1
        j       1f
        .balign 64
1:      csrr    s2, mcycle
        VMENTER s5
        li      t0, VMCS_X + A2
        VMREAD  s3, t0
        sub     s3, s3, s2
        sub     s3, s3, s4
        li      t0, VMCS_PC
        la      t1, guest
        VMWRITE t0, t1
        li      t0, PAGE
        add     s5, s5, t0
        addi    s6, s6, -1
        bnez    s6, 1b
        addi    s1, s1, -1
        bnez    s1, rounds
        j       tell
        .balign 64
guest:  csrr    a2, cycle
        VMEXIT  0
.endif

.if KIND == SEND || KIND == ACK
rounds: li      t0, VMCS_X + 11         ; the guest's a1: its rounds
        VMWRITE t0, s1
        VMRESUME.ADV
        li      t0, VMCS_X + A2
        VMREAD  s3, t0
        sub     s3, s3, s4
        VMCOUNT_EXIT t0                 ; the one before the rounds, and the one behind them
        li      t1, 2
        bne     t0, t1, fail
        j       tell
        .balign 4
guest:  VMEXIT  0
        la      t0, taken
        csrw    stvec, t0
        li      t0, SEIE
        csrw    sie, t0
        li      t0, ENABLE0
        csrw    viselect, t0
        li      t0, 1 << VECTOR
        csrw    vireg, t0
        li      t0, PRIORITY0
        csrw    viselect, t0
        li      t0, 1 << (4 * VECTOR)
        csrw    vireg, t0
        li      a3, VECTOR
        j       1f
        .balign 64
1:      csrsi   sstatus, SIE
        csrr    a0, cycle
        VINT_SEND a3
2:      j       2b
        .balign 64
taken:
.if KIND == SEND
        csrr    a2, cycle
        VINT_ACK a4
        VINT_ACK.EOI
        sub     a2, a2, a0
.else
        csrr    a2, cycle
        VINT_ACK a4
        csrr    a5, cycle
        VINT_ACK.EOI
        sub     a2, a5, a2
.endif
        bne     a4, a3, 3f              ; another vector: not acknowledged
        addi    a1, a1, -1
        bnez    a1, 1b
        VMEXIT  0
3:      li      a2, -1
        VMEXIT  0
.endif

tell:   li      t0, UART
        la      t2, digits_end
        li      t3, 10
        sb      t3, 0(t2)
        mv      t4, t2
1:      remu    t1, s3, t3
        addi    t1, t1, '0'
        addi    t4, t4, -1
        sb      t1, 0(t4)
        divu    s3, s3, t3
        bnez    s3, 1b
2:      lbu     t1, 0(t4)
        sb      t1, 0(t0)
        addi    t4, t4, 1
        bleu    t4, t2, 2b
        li      t1, PASS
        j       finish
fail:   li      t1, FAIL
finish: li      t0, FINISHER
        sw      t1, 0(t0)
1:      j       1b

        .data
digits: .zero   24
digits_end:
        .zero   8
        .bss
        .balign PAGE
contexts: .zero (POOL + 1) * PAGE
