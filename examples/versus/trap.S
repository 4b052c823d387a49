/* The way between the software-only hypervisor, in Ring -1, and its guest, in Ring 3. */
#include "platform.h"

#define AT_PC 32 * 8
#define AT_HOST_SP 33 * 8

/* void run_guest(struct guest_state *): until the guest traps. */
    .text
    .globl run_guest
run_guest:
    addi sp, sp, -14 * 8
    sd ra, 0(sp)
    .irp r, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11
    sd s\r, 8 + 8 * \r(sp)
    .endr
    sd sp, AT_HOST_SP(a0)
    csrw mscratch, a0
    la t0, guest_trapped
    csrw mtvec, t0
    ld t0, AT_PC(a0)
    csrw mepc, t0
    .irp r, 1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, \
            26, 27, 28, 29, 30, 31
    ld x\r, \r * 8(a0)
    .endr
    ld x10, 10 * 8(a0)
    mret

    .balign 4
guest_trapped:
    csrrw a0, mscratch, a0
    .irp r, 1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, \
            26, 27, 28, 29, 30, 31
    sd x\r, \r * 8(a0)
    .endr
    csrr t0, mscratch
    sd t0, 10 * 8(a0)
    csrr t0, mepc
    sd t0, AT_PC(a0)
    la t0, trap_in_host
    csrw mtvec, t0
    ld sp, AT_HOST_SP(a0)
    ld ra, 0(sp)
    .irp r, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11
    ld s\r, 8 + 8 * \r(sp)
    .endr
    addi sp, sp, 14 * 8
    ret

/* uint64_t fetch_half(uint64_t va): 16 bits of the guest's code, through its table. */
    .globl fetch_half
fetch_half:
    li t0, 0xa0000 /* MPRV, and MXR */
    csrrs t1, mstatus, t0
    lhu a0, 0(a0)
    csrw mstatus, t1
    ret
