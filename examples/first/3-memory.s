; A guest with memory of its own: one page at guest physical address 0x1000,
; where its code is. What it touches beyond that exits, and gets a page.
        .equ    UART,     0x10000000
        .equ    FINISHER, 0x100000
        .equ    PASS,     0x5555
        .equ    FAIL,     0x13333
        .equ    TABLE,    0x01          ; an entry that points to a table: V
        .equ    LEAF,     0xdf          ; one that maps a page: D A U X W R V

; ------------------------------------------------ the hypervisor, Ring -1
        .text
        .globl  _start
_start: la      sp, stack_top
        la      t0, middle              ; root[0] -> middle[0] -> last: 2 MiB
        la      t1, root                ; from guest physical address 0 on
        call    point
        la      t0, last
        la      t1, middle
        call    point

        la      a0, guest               ; last[1]: the guest's page at 0x1000
        li      a1, 0x1000
        call    map

        la      s0, vmcs
        li      t0, REVISION
        sd      t0, VMCS_REVISION * 8 (s0)
        li      t0, 0x1000              ; a guest physical address now
        sd      t0, VMCS_PC * 8 (s0)
        la      t0, root
        srli    t0, t0, 12
        li      t1, 8 << 60 | 1 << 44   ; Sv39x4, and the VM's number (VMID)
        or      t0, t0, t1
        sd      t0, VMCS_HPTBR * 8 (s0)
        VMENTER s0

handle: VMCAUSE t0
        li      t1, EXIT_HYPERCALL
        beq     t0, t1, end
        li      t1, EXIT_HOSTFAULT
        bne     t0, t1, fail
        la      a0, text_fault
        call    print
        VMGPA   a0                      ; where, already decoded
        call    print_hex
        la      a0, spare               ; there is one page to give away
        VMGPA   a1
        call    map
        VMRESUME                        ; the same instruction again
        j       handle

end:    la      a0, text_end
        call    print
        li      t0, VMCS_X + 10
        VMREAD  a0, t0
        call    print_hex
        li      a0, PASS
        j       off
fail:   li      a0, FAIL
off:    li      t0, FINISHER
        sw      a0, 0(t0)
stay:   j       stay

; The first entry of the table at t1 points to the table at t0.
point:  srli    t0, t0, 12
        slli    t0, t0, 10
        ori     t0, t0, TABLE
        sd      t0, 0(t1)
        ret

; Guest physical page a1 is the page at a0.
map:    srli    a0, a0, 12
        slli    a0, a0, 10
        ori     a0, a0, LEAF
        srli    a1, a1, 12
        slli    a1, a1, 3
        la      t0, last
        add     t0, t0, a1
        sd      a0, 0(t0)
        ret

; Prints the text at a0.
print:  li      t1, UART
1:      lbu     t0, 0(a0)
        beqz    t0, 2f
        sb      t0, 0(t1)
        addi    a0, a0, 1
        j       1b
2:      ret

; Prints a0 as four hexadecimal digits, and a line's end.
print_hex:
        la      t2, digits
        li      t1, UART
        li      t3, 12
1:      srl     t0, a0, t3
        andi    t0, t0, 15
        add     t0, t0, t2
        lbu     t0, 0(t0)
        sb      t0, 0(t1)
        addi    t3, t3, -4
        bgez    t3, 1b
        li      t0, '\n'
        sb      t0, 0(t1)
        ret

; ------------------------------------------------ the guest, Ring 0
        .balign 4096
guest:  li      t0, 0x2000              ; not its own, yet
        li      t1, 0x1234
        sd      t1, 0(t0)
        ld      a0, 0(t0)
        VMEXIT  0
        .balign 4096                    ; nothing else is on its page

        .section .rodata
text_fault:     .asciz  "no memory at guest physical address 0x"
text_end:       .asciz  "the guest read 0x"
digits:         .ascii  "0123456789abcdef"

        .bss
        .balign 16384
root:   .zero   16384                   ; the root of a host table is 16 KiB
middle: .zero   4096
last:   .zero   4096
spare:  .zero   4096
vmcs:   .zero   VMCS_BYTES
        .zero   4096
stack_top:
