/* A trap handler for guests: saves the registers, calls guest_trap(struct registers *) in
 * Ring 0, restores what that left there. A guest sets stvec to guest_vector, and sscratch
 * to 0 while its kernel runs; on the way to Ring 3 the handler itself keeps the kernel's
 * stack pointer there. */
#include "platform.h"

#define SAVED 36 * 8 /* x0 to x31 (x0: unused), pc, status; kept a multiple of 16 */
#define AT_PC 32 * 8
#define AT_STATUS 33 * 8

    .text
    .globl guest_vector
    .balign 4
guest_vector:
    csrrw sp, sscratch, sp
    bnez sp, 1f
    csrrw sp, sscratch, sp /* from the kernel: it has a stack */
    addi sp, sp, -SAVED
    sd t0, 5 * 8(sp)
    addi t0, sp, SAVED
    j 2f
1:  addi sp, sp, -SAVED /* from Ring 3 */
    sd t0, 5 * 8(sp)
    csrrw t0, sscratch, zero
2:  sd t0, 2 * 8(sp)
    sd x1, 1 * 8(sp)
    .irp r, 3, 4, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, \
            27, 28, 29, 30, 31
    sd x\r, \r * 8(sp)
    .endr
    csrr t0, sepc
    csrr t1, sstatus
    sd t0, AT_PC(sp)
    sd t1, AT_STATUS(sp)
    mv a0, sp
    call guest_trap
    mv a0, sp

/* void guest_return(struct registers *): to where they say; never comes back. The space
 * behind them is the kernel's stack of the next trap from Ring 3. */
    .globl guest_return
guest_return:
    mv sp, a0
    ld t0, AT_PC(sp)
    ld t1, AT_STATUS(sp)
    csrw sepc, t0
    csrw sstatus, t1
    andi t1, t1, SSTATUS_SPP
    bnez t1, 3f
    addi t0, sp, SAVED
    csrw sscratch, t0
3:  .irp r, 1, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, \
            25, 26, 27, 28, 29, 30, 31
    ld x\r, \r * 8(sp)
    .endr
    ld x2, 2 * 8(sp)
    sret
