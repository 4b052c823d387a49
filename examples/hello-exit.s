; The smallest hypervisor: one guest, one exit.
;
; The guest puts the address of a text into a register and executes VMEXIT 42. The
; hypervisor finds out why it is back (VMCAUSE), which number the guest gave (VMQUAL),
; reads the guest's register (VMREAD) and prints the text.
;
; The VMCS needs no more than its revision and the guest's pc: with HPTBR zero the guest's
; physical memory is the host's, and with VMTRAPCFG zero only VMEXIT leaves it.
;
;   visa-as -o hello-exit.elf hello-exit.s && visa-sim hello-exit.elf

        .equ    UART,     0x10000000
        .equ    FINISHER, 0x100000
        .equ    PASS,     0x5555
        .equ    FAIL,     0x13333       ; exit code 1
        .equ    NUMBER,   42

        .text
        .globl  _start
_start:
        la      s0, vmcs                ; the control structure of the guest:
        li      t0, REVISION
        sd      t0, VMCS_REVISION * 8 (s0)
        la      t0, guest
        sd      t0, VMCS_PC * 8 (s0)

        VMENTER R8                      ; R8 = s0. The exit comes back to the next line

        VMCAUSE R5
        li      t1, EXIT_HYPERCALL
        bne     t0, t1, fail
        VMQUAL  R5
        li      t1, NUMBER
        bne     t0, t1, fail
        VMCOUNT_EXIT R5                 ; there was this one exit
        li      t1, 1
        bne     t0, t1, fail

        li      t0, VMCS_X + 10         ; the guest's a0
        VMREAD  a0, t0
        li      t1, UART
1:      lbu     t0, 0(a0)
        beqz    t0, 2f
        sb      t0, 0(t1)
        addi    a0, a0, 1
        j       1b
2:      li      a0, PASS
        j       power_off
fail:   li      a0, FAIL
power_off:
        li      t0, FINISHER
        sw      a0, 0(t0)
1:      j       1b

; ------------------------------------------------------------------ the guest, Ring 0
guest:
        la      a0, text
        VMEXIT  NUMBER

        .section .rodata
text:   .asciz  "Hello from the guest.\n"

        .bss
        .balign 4096
vmcs:   .zero   4096
