#include "vm.h"

#include "console.h"

void vm_init(vmcs *vm, uint64_t hptbr, void (*pc)(void), void *sp)
{
    vm->field[VISA_VMCS_REVISION] = VISA_REVISION;
    vm->field[VISA_VMCS_HPTBR] = hptbr;
    vm->field[VISA_VMCS_PC] = (uintptr_t)pc;
    vm->field[VISA_VMCS_X + REG_SP] = (uintptr_t)sp;
}

table host_table_of_image(void)
{
    table root = table_new_host();
    uint64_t first = (uintptr_t)guest_image;

    map_range(root, first, first, (uintptr_t)guest_image_end - first, PTE_RWX | PTE_U);
    return root;
}

void vm_make_current(vmcs *vm)
{
    uint64_t filter = vm->field[VISA_VMCS_VMTRAPCFG], preempt = vm->field[VISA_VMCS_PREEMPT];

    vm->field[VISA_VMCS_VMTRAPCFG] = VISA_TRAP_PREEMPT;
    vm->field[VISA_VMCS_PREEMPT] = 0;
    visa_vmenter((uintptr_t)vm);
    expect_exit(VISA_EXIT_PREEMPT);
    visa_vmwrite(VISA_VMCS_VMTRAPCFG, filter);
    visa_vmwrite(VISA_VMCS_PREEMPT, preempt);
}

void expect_exit(uint64_t cause)
{
    uint64_t got = visa_vmcause();

    if (got == cause)
        return;
    say("exit 0x%lx at pc 0x%lx, qualification 0x%lx, address 0x%lx\n", got,
        visa_vmread(VISA_VMCS_PC), visa_vmqual(), visa_vmaddr());
    unexpected("exit", got);
}
