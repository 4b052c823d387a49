; An L1 for examples/nesting, whose guest loads from the memory of L0: passes if it is refused
; as memory that is not there, and fails if it can be read.

        .equ    FINISHER, 0x100000
        .equ    PASS,     0x5555
        .equ    FAIL,     0x13333
        .equ    LEAF,     0xdf          ; D A U X W R V
        .equ    DENIED,   1 << 3        ; of VMQUAL for HOSTFAULT
        .equ    GPA,      0x44000000    ; is 0x84000000, where L0 begins

        .text
        .globl  _start
_start:
        la      s0, vmcs
        li      t0, REVISION
        sd      t0, VMCS_REVISION * 8 (s0)
        la      t0, guest
        sd      t0, VMCS_PC * 8 (s0)
        la      t0, root
        srli    t0, t0, 12
        li      t1, 8 << 60             ; Sv39x4
        or      t0, t0, t1
        sd      t0, VMCS_HPTBR * 8 (s0)
        VMENTER R8
        VMCAUSE R5
        li      t1, EXIT_HOSTFAULT
        bne     t0, t1, fail
        VMGPA   R5
        li      t1, GPA
        bne     t0, t1, fail
        VMQUAL  R5
        andi    t0, t0, DENIED
        beqz    t0, fail
        li      a0, PASS
        j       power_off
fail:   li      a0, FAIL
power_off:
        li      t0, FINISHER
        sw      a0, 0(t0)
1:      j       1b

guest:
        li      a0, GPA
        ld      a0, 0(a0)
        VMEXIT  0

        .data
        .balign 16384
root:   .dword  0                       ; 1 GiB each: nothing,
        .dword  0x80000000 >> 2 | LEAF  ; at 0x40000000 what is at 0x80000000,
        .dword  0x80000000 >> 2 | LEAF  ; and that itself
        .zero   16384 - 24

        .bss
        .balign 4096
vmcs:   .zero   4096
