; A guest that asks for two things: VMEXIT 1 prints the character in its a0,
; VMEXIT 0 ends it.
        .equ    UART,     0x10000000
        .equ    FINISHER, 0x100000
        .equ    PASS,     0x5555
        .equ    FAIL,     0x13333       ; exit code 1

; ------------------------------------------------ the hypervisor, Ring -1
        .text
        .globl  _start
_start: la      s0, vmcs                ; describe the guest:
        li      t0, REVISION            ; this page is a VMCS,
        sd      t0, VMCS_REVISION * 8 (s0)
        la      t0, guest               ; and its guest starts there
        sd      t0, VMCS_PC * 8 (s0)

        VMENTER s0                      ; run it. Its exit comes back here:
handle: VMCAUSE t0                      ; why?
        li      t1, EXIT_HYPERCALL
        bne     t0, t1, fail
        VMQUAL  t0                      ; which VMEXIT?
        beqz    t0, end
        li      t0, VMCS_X + 10         ; the number of a field: x10, a0
        VMREAD  a0, t0
        li      t1, UART
        sb      a0, 0(t1)
        VMRESUME.ADV                    ; on, behind the VMEXIT. The next exit
        j       handle                  ; comes back to this line

end:    li      a0, PASS
        j       off
fail:   li      a0, FAIL
off:    li      t0, FINISHER
        sw      a0, 0(t0)
stay:   j       stay

; ------------------------------------------------ the guest, Ring 0
guest:  la      s1, text
1:      lbu     a0, 0(s1)
        beqz    a0, 2f
        VMEXIT  1
        addi    s1, s1, 1
        j       1b
2:      VMEXIT  0

        .section .rodata
text:   .asciz  "Hello from a guest.\n"

        .bss
        .balign 4096
vmcs:   .zero   VMCS_BYTES
