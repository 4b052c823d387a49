/* What RISC-V's architecture tests ask of a model (their TestFormatSpec), for V-ISA's board. */
#ifndef VISA_MODEL_TEST_H
#define VISA_MODEL_TEST_H

#define VISA_FINISHER 0x100000
#define VISA_PASS 0x5555
#define VISA_CLINT 0x2000000

/* The machine begins at the image's entry, in Ring -1 (M-mode), with everything as after reset. */
#define RVMODEL_BOOT

/* Ends the run, and visa-sim writes the signature. */
#define RVMODEL_HALT                                                                               \
    li t0, VISA_FINISHER;                                                                          \
    li t1, VISA_PASS;                                                                              \
    sw t1, 0(t0);                                                                                  \
    1 : j 1b;

#define RVMODEL_DATA_BEGIN                                                                         \
    .balign 16;                                                                                    \
    .globl begin_signature;                                                                        \
    begin_signature:

#define RVMODEL_DATA_END                                                                           \
    .balign 16;                                                                                    \
    .globl end_signature;                                                                          \
    end_signature:

/* The signature says all: nothing is printed on the way. */
#define RVMODEL_IO_INIT
#define RVMODEL_IO_WRITE_STR(_R, _STR)
#define RVMODEL_IO_CHECK()
#define RVMODEL_IO_ASSERT_GPR_EQ(_S, _R, _I)
#define RVMODEL_IO_ASSERT_SFPR_EQ(_F, _R, _I)
#define RVMODEL_IO_ASSERT_DFPR_EQ(_D, _R, _I)

/* Hart 0's software interrupt is msip, its timer's mtimecmp lies 0x4000 behind. */
#define RVMODEL_SET_MSW_INT                                                                        \
    li t0, VISA_CLINT;                                                                             \
    li t1, 1;                                                                                      \
    sw t1, 0(t0);

#define RVMODEL_CLEAR_MSW_INT                                                                      \
    li t0, VISA_CLINT;                                                                             \
    sw x0, 0(t0);

#define RVMODEL_SET_MTIMER_INT                                                                     \
    li t0, VISA_CLINT + 0x4000;                                                                    \
    sd x0, 0(t0);

#define RVMODEL_CLEAR_MTIMER_INT                                                                   \
    li t0, VISA_CLINT + 0x4000;                                                                    \
    li t1, -1;                                                                                     \
    sd t1, 0(t0);

#define RVMODEL_SET_MEXT_INT
#define RVMODEL_CLEAR_MEXT_INT

#endif
