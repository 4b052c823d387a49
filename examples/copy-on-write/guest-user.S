/* The process, in Ring 3, at USER - PAGE. */
#include "cow.h"
#include "platform.h"

    .text
    .balign PAGE
    .globl user_code
user_code:
    li s0, USER
    li s1, PAGE
    li s2, SHARED_PAGES
    mv t0, s0
    li t1, 0
1:  addi t1, t1, 1 /* fill its memory */
    sd t1, 0(t0)
    add t0, t0, s1
    bne t1, s2, 1b

    li a7, SYS_FORK
    ecall
    beqz a0, 3f

    li t1, WRITTEN /* the child */
    li t2, VALUE
    mv t0, s0
2:  sd t1, 0(t0)
    sd t2, 0(t0)
    add t0, t0, s1
    addi t1, t1, -1
    bnez t1, 2b

3:  li a0, 0 /* both: the sum of what they see */
    mv t1, s2
4:  ld t2, 0(s0)
    add a0, a0, t2
    add s0, s0, s1
    addi t1, t1, -1
    bnez t1, 4b
    li a7, SYS_EXIT
    ecall
    .balign PAGE
