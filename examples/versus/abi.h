/* The virtual machine that the three hypervisors of this directory give to one and the
 * same guest image, and the system calls of that guest's kernel. For C and assembly. */
#ifndef ABI_H
#define ABI_H

#define GUEST_RAM 0x81000000 /* guest physical, which is host physical too */
#define GUEST_RAM_BYTES 0x1000000
#define KERNEL_BYTES 0x800000 /* then come the processes' code and data */

/* ecall from Ring 0: number in a7, argument in a0. */
#define CALL_END 0   /* the guest's result; does not come back */
#define CALL_ADD 1   /* a0 + 1 */
#define CALL_PANIC 2 /* the kernel is at its wits' end; does not come back */

/* ecall from Ring 3, to the guest's kernel. */
#define SYS_EXIT 0  /* the process's result */
#define SYS_WRITE 1 /* the character to the UART */
#define SYS_YIELD 2 /* the other process goes on */
#define SYS_UNMAP 3 /* all pages that page faults have given */
#define SYS_CALL 4  /* so many CALL_ADD */
#define SYS_NULL 5

/* Where a page fault of a process gives it a new page. */
#define HEAP 0x40000000
#define HEAP_PAGES 600

#endif
