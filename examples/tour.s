; A tour of V-ISA: a hypervisor in Ring -1 runs the same guest twice.
;
;   first   with VMTRAPCFG full: every event exits, and is handled here;
;   second  with VMTRAPCFG empty: the guest does it all itself, at full speed.
;
; The guest turns on its page tables (MOV CR3), talks to ports (IN, OUT), reads a
; privileged register and an MSR, faults on a page and waits for its timer.
;
;   visa-as tour.s -o tour.elf && visa-sim tour.elf

        .equ    UART,     0x10000000
        .equ    FINISHER, 0x100000
        .equ    MTIMECMP, 0x2004000
        .equ    PASS,     0x5555
        .equ    FILTER_ALL, TRAP_IO | TRAP_PRIV | TRAP_MSR | TRAP_CR3 | TRAP_PF
        .equ    LEAF,     0xcf          ; a page-table leaf: D A X W R V
        .equ    LEAF_U,   0xdf          ; and U, as the host's leaves need
        .equ    BASE_PPN, 0x80000000 >> 12

        .text
        .globl  _start
_start:
        la      sp, stack_top
        la      t0, host_trap           ; Ring -1's own traps: none are expected
        csrw    mtvec, t0

        la      s0, vmcs                ; s0 = the VMCS, all through
        call    make_vm
        la      a0, text_full
        call    print
        li      a0, FILTER_ALL
        call    run_guest

        la      a0, text_empty
        call    print
        li      a0, 0
        call    run_guest

        la      a0, text_counters
        call    print
        VMCOUNT_EXIT    R10
        call    print_decimal
        la      a0, text_emu
        call    print
        VMCOUNT_EMU     R10
        call    print_decimal
        la      a0, text_tlbmiss
        call    print
        VMCOUNT_TLBMISS R10
        call    print_decimal
        la      a0, text_newline
        call    print
        li      a0, PASS
        j       power_off

; The VM: guest physical memory is the host's from 0x80000000, one page of 1 GiB.
make_vm:
        li      t0, REVISION
        sd      t0, VMCS_REVISION * 8 (s0)
        la      t0, hpt
        li      t1, BASE_PPN << 10 | LEAF_U
        sd      t1, 2 * 8(t0)
        srli    t0, t0, 12
        li      t1, 8 << 60             ; Sv39x4, VMID 0
        or      t0, t0, t1
        sd      t0, VMCS_HPTBR * 8 (s0)
        ret

; run_guest(a0 = filter): from the guest's first instruction to its VMEXIT 1.
run_guest:
        addi    sp, sp, -16
        sd      ra, 8(sp)
        mv      s1, a0
        VMCLEAR s0                      ; out of the pool, so that memory is the truth
        sd      s1, VMCS_VMTRAPCFG * 8 (s0)
        la      t0, guest
        sd      t0, VMCS_PC * 8 (s0)
        sd      zero, VMCS_RING * 8 (s0)
        sd      zero, VMCS_GPTBR * 8 (s0)
        sd      zero, VMCS_SSTATUS * 8 (s0)
        sd      zero, VMCS_SIE * 8 (s0)
        li      t0, -1
        sd      t0, VMCS_STIMECMP * 8 (s0)
        la      t0, gpt                 ; the guest's root table: identity, and a hole
        li      t1, BASE_PPN << 10 | LEAF
        sd      t1, 2 * 8(t0)
        sd      zero, 1 * 8(t0)
        TLBFLUSHV
        VMENTER R8                      ; R8 = s0 = pointer to the VMCS
next_exit:
        call    report
        VMCAUSE R5
        li      t1, EXIT_HYPERCALL
        beq     t0, t1, guest_done
        li      t1, EXIT_CRWRITE
        beq     t0, t1, on_crwrite
        li      t1, EXIT_IO
        beq     t0, t1, on_io
        li      t1, EXIT_PRIVILEGED
        beq     t0, t1, on_privileged
        li      t1, EXIT_MSR
        beq     t0, t1, on_msr
        li      t1, EXIT_PAGEFAULT
        beq     t0, t1, on_pagefault
        li      t1, EXIT_TIMER
        beq     t0, t1, on_timer
        li      a0, 0x13333             ; anything else is a failure of the tour
        j       power_off
guest_done:
        ld      ra, 8(sp)
        addi    sp, sp, 16
        ret

step:   VMRESUME.ADV                    ; past the instruction that was emulated
        j       next_exit
again:  VMRESUME                        ; at the instruction that exited
        j       next_exit

; A write of CR3: the hypervisor agrees.
on_crwrite:
        VMVAL   R6
        LDGPTBR R6
        j       step

; A port: the hypervisor plays a device that answers 42 and swallows the rest.
on_io:
        VMQUAL  R5
        srli    t1, t0, QUAL_IO_WRITE_LO
        andi    t1, t1, 1
        bnez    t1, step
        andi    t1, t0, 31              ; the destination register ...
        addi    t1, t1, VMCS_X          ; ... is a field
        li      t2, 42
        VMWRITE t1, t2
        j       step

; RDMSR: every MSR of this VM reads 7.
on_msr:
        VMQUAL  R5
        andi    t1, t0, 31
        addi    t1, t1, VMCS_X
        li      t2, 7
        VMWRITE t1, t2
        j       step

; A privileged instruction: a Ring 0 CSR, or sret. VMQUAL has it taken apart.
on_privileged:
        VMQUAL  R5
        srli    t1, t0, QUAL_PRIVILEGED_CLASS_LO
        andi    t1, t1, 7
        li      t2, 2
        beq     t1, t2, emulate_sret
        srli    t1, t0, QUAL_PRIVILEGED_CSR_LO
        la      t2, csr_fields
1:      lhu     t3, 0(t2)               ; CSR number, its VMCS field
        lhu     t4, 2(t2)
        beq     t3, t1, 2f
        addi    t2, t2, 4
        bnez    t3, 1b
        li      a0, 0x23333
        j       power_off
2:      VMREAD  t5, t4                  ; rd = old value
        andi    t6, t0, 31
        beqz    t6, 3f
        addi    t6, t6, VMCS_X
        VMWRITE t6, t5
3:      srli    t6, t0, QUAL_PRIVILEGED_OP_LO
        andi    t6, t6, 3
        beqz    t6, step                ; it only reads
        VMVAL   R6
        VMWRITE t4, R6
        li      t5, VMCS_STIMECMP
        bne     t4, t5, step
        li      t5, MTIMECMP            ; the guest's timer runs on the host's
        sd      R6, 0(t5)
        li      t5, -1
        li      t4, VMCS_STIMECMP       ; and is not due before that one is
        VMWRITE t4, t5
        li      t5, 1 << 7              ; mie.MTIE
        csrs    mie, t5
        j       step

; sret: pc = sepc, ring = SPP, SIE = SPIE. (The tour's guest stays in Ring 0.)
emulate_sret:
        li      t0, VMCS_SEPC
        VMREAD  t1, t0
        li      t0, VMCS_PC
        VMWRITE t0, t1
        li      t0, VMCS_SSTATUS
        VMREAD  t1, t0
        ori     t1, t1, 1 << 1
        VMWRITE t0, t1
        j       again

; A fault of the guest's own page table: fill its hole, and let it try again.
on_pagefault:
        la      t0, gpt
        li      t1, BASE_PPN << 10 | LEAF
        sd      t1, 1 * 8(t0)
        j       again

; The host's timer: from now on the guest's is due.
on_timer:
        li      t0, 1 << 7
        csrc    mie, t0
        li      t0, VMCS_STIMECMP
        VMWRITE t0, zero
        j       again

; One line for the exit that just happened.
report:
        addi    sp, sp, -16
        sd      ra, 8(sp)
        la      a0, text_exit
        call    print
        VMCAUSE R10
        slli    a0, a0, 3
        la      t0, cause_names
        add     t0, t0, a0
        ld      a0, 0(t0)
        call    print
        la      a0, text_pc
        call    print
        li      t0, VMCS_PC
        VMREAD  a0, t0
        call    print_hex
        la      a0, text_qual
        call    print
        VMQUAL  R10
        call    print_hex
        la      a0, text_addr
        call    print
        VMADDR  R10
        call    print_hex
        la      a0, text_newline
        call    print
        ld      ra, 8(sp)
        addi    sp, sp, 16
        ret

print:  li      t0, UART
1:      lbu     t1, 0(a0)
        beqz    t1, 2f
        sb      t1, 0(t0)
        addi    a0, a0, 1
        j       1b
2:      ret

print_hex:
        li      t0, UART
        li      t1, 60
        la      t3, digits
1:      srl     t2, a0, t1
        bnez    t2, 2f                  ; no leading zeros
        addi    t1, t1, -4
        bgtz    t1, 1b
2:      srl     t2, a0, t1
        andi    t2, t2, 15
        add     t2, t2, t3
        lbu     t2, 0(t2)
        sb      t2, 0(t0)
        addi    t1, t1, -4
        bgez    t1, 2b
        ret

print_decimal:
        la      t0, number_end
        li      t1, 10
1:      remu    t2, a0, t1
        divu    a0, a0, t1
        addi    t2, t2, '0'
        addi    t0, t0, -1
        sb      t2, 0(t0)
        bnez    a0, 1b
        mv      a0, t0
        j       print

host_trap:
        li      a0, 0x33333
power_off:
        li      t0, FINISHER
        sw      a0, 0(t0)
1:      j       1b

; ------------------------------------------------------------------ the guest, Ring 0
        .balign 4096
guest:
        la      R1, guest_handler
        MOV     CR1, R1                 ; its trap vector
        la      R1, gpt
        srli    R1, R1, 12
        li      R7, 8 << 60             ; Sv39
        or      R1, R1, R7
        MOV     CR3, R1                 ; page tables on

        li      R11, 0x55
        OUT.B   0x378, R11              ; a port that no device is behind, masked
        IN.B    R12, 0x379

        MOV     R13, CR0                ; a privileged register

        li      R14, MSR_TSC_AUX
        RDMSR   R15, R14

        li      R16, 0x40000000         ; the hole in its page table
        ld      R17, 0(R16)

        li      R18, 0                  ; ticks seen
        rdtime  R19
        addi    R19, R19, 20
        MOV     CR11, R19               ; its timer
        li      R20, 1 << 5
        MOV     CR5, R20                ; sie.STIE
        li      R20, 1 << 1
        csrs    sstatus, R20            ; interrupts on
1:      beqz    R18, 1b

        VMEXIT  1                       ; done: the one exit that it asks for

; The guest's own handler: a page fault fills the hole, a timer interrupt counts.
        .balign 4
guest_handler:
        MOV     R21, CR10               ; scause
        bltz    R21, 1f
        la      R22, gpt
        li      R23, BASE_PPN << 10 | LEAF
        sd      R23, 8(R22)
        sret
1:      li      R18, 1
        li      R22, -1
        MOV     CR11, R22               ; no more
        sret

; ------------------------------------------------------------------------------ data
        .section .rodata
csr_fields:
        .half   0x100, VMCS_SSTATUS, 0x104, VMCS_SIE, 0x105, VMCS_STVEC
        .half   0x141, VMCS_SEPC, 0x142, VMCS_SCAUSE, 0x143, VMCS_STVAL
        .half   0x14d, VMCS_STIMECMP, 0, 0
digits: .ascii  "0123456789abcdef"
text_full:      .asciz  "VMTRAPCFG full: every event exits\n"
text_empty:     .asciz  "VMTRAPCFG empty: the same guest, on its own\n"
text_exit:      .asciz  "  exit "
text_pc:        .asciz  " pc="
text_qual:      .asciz  " qual="
text_addr:      .asciz  " addr="
text_newline:   .asciz  "\n"
text_counters:  .asciz  "VMCOUNT_EXIT "
text_emu:       .asciz  ", VMCOUNT_EMU "
text_tlbmiss:   .asciz  ", VMCOUNT_TLBMISS "
name_none:      .asciz  "?           not expected                  "
name_priv:      .asciz  "PRIVILEGED  CSR or sret: emulated         "
name_io:        .asciz  "IO          IN, OUT: a device of ours     "
name_cr:        .asciz  "CRWRITE     MOV CR3: agreed               "
name_pf:        .asciz  "PAGEFAULT   hole in its table: filled     "
name_timer:     .asciz  "TIMER       host timer: guest's is due    "
name_hyper:     .asciz  "HYPERCALL   VMEXIT 1: it is done          "
name_msr:       .asciz  "MSR         RDMSR: answered with 7        "
        .balign 8
cause_names:    ; by cause, 0x00 to 0x0f
        .dword  name_none, name_priv, name_io, name_cr, name_pf, name_timer, name_none
        .dword  name_hyper, name_msr, name_none, name_none, name_none, name_none
        .dword  name_none, name_none, name_none

        .data
number:         .zero   24
number_end:     .byte   0

        .bss
        .balign 16384
hpt:    .zero   16384
vmcs:   .zero   4096
gpt:    .zero   4096
        .zero   4096
stack_top:
