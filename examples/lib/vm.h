/* A virtual machine, from the hypervisor's side. */
#ifndef VM_H
#define VM_H

#include <stdbool.h>
#include <stdint.h>

#include "pages.h"
#include "visa.h"

enum { VMCS_FIELDS = VISA_VMCS_BYTES / 8, REG_A0 = 10, REG_SP = 2 };

/* The control structure is one page of memory until an entry takes it into the pool; then
 * it is VMREAD and VMWRITE that reach its fields, or VMCLEAR first. */
typedef struct {
    uint64_t field[VMCS_FIELDS];
} vmcs __attribute__((aligned(VISA_VMCS_BYTES)));

extern uint8_t guest_image[], guest_image_end[], guest_stack_top[];

/* A VM that will start in Ring 0 at pc, with nothing in its filter. */
void vm_init(vmcs *vm, uint64_t hptbr, void (*pc)(void), void *sp);

/* A host table in which the guest of this image has its own pages and nothing else,
 * at the addresses where they are. */
table host_table_of_image(void);

/* Makes a VM the current one, for VMWRITE, IOVMAP and IOVMASK, without running any of its
 * instructions: a preemption timer of 0 runs out at once. Costs one exit. */
void vm_make_current(vmcs *vm);

/* Ends the run unless the last exit was this one. */
void expect_exit(uint64_t cause);

/* Registers of the current VM. */
static inline uint64_t guest_reg(unsigned n)
{
    return visa_vmread(VISA_VMCS_X + n);
}

static inline void set_guest_reg(unsigned n, uint64_t value)
{
    visa_vmwrite(VISA_VMCS_X + n, value);
}

/* What a load instruction leaves in its register: the low 2^log2 bytes, extended. */
static inline uint64_t extended(uint64_t value, unsigned log2, bool is_signed)
{
    unsigned unused = 64 - (8u << log2);

    return is_signed ? (uint64_t)((int64_t)(value << unused) >> unused) : value << unused >> unused;
}

#endif
