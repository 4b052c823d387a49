/* The machine around the hart, as far as the examples use it: the memory map of QEMU's
 * virt machine (visa-platform(7)), and bits of RISC-V. For C and assembly. */
#ifndef PLATFORM_H
#define PLATFORM_H

#define RAM 0x80000000
#define UART 0x10000000
#define FINISHER 0x100000
#define FINISH_PASS 0x5555
#define FINISH_FAIL 0x3333 /* the exit code in the upper half */

/* Exit codes of the examples. */
#define EXIT_CHECK_FAILED 1
#define EXIT_UNEXPECTED 2
#define EXIT_TRAP_IN_HOST 3

#define PAGE 4096
#define PAGE_BITS 12
#define LARGE_PAGE 0x200000

/* Page-table entries. */
#define PTE_V 0x01
#define PTE_R 0x02
#define PTE_W 0x04
#define PTE_X 0x08
#define PTE_U 0x10
#define PTE_G 0x20
#define PTE_A 0x40
#define PTE_D 0x80
#define PTE_RWX (PTE_D | PTE_A | PTE_X | PTE_W | PTE_R | PTE_V)
#define PTE_RW (PTE_D | PTE_A | PTE_W | PTE_R | PTE_V)
#define PTE_RX (PTE_A | PTE_X | PTE_R | PTE_V)
#define PTE_TO_PA(pte) ((pte) >> 10 << PAGE_BITS)
#define PA_TO_PTE(pa) ((pa) >> PAGE_BITS << 10)

#define MODE_SV39 8

#define SSTATUS_SIE 0x2
#define SSTATUS_SPIE 0x20
#define SSTATUS_SPP 0x100
#define SSTATUS_SUM 0x40000
#define SSTATUS_MXR 0x80000
#define MSTATUS_MPP 0x1800

#endif
