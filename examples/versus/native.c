/* Hardly a hypervisor: the guest has the machine to itself.
 *
 * HPTBR is bare and VMTRAPCFG empty, so the guest's physical memory, page faults, page
 * tables and UART are the real ones, and what it costs is what it would cost without
 * virtualization. Its calls of the firmware are all that exits.
 *
 *   make -C examples run-versus-native WORKLOAD=kernel */
#include "hypervisor.h"
#include "vm.h"

static vmcs vm;

int main(void)
{
    vm_init(&vm, 0, (void (*)(void))GUEST_RAM, 0);
    for (visa_vmenter((uintptr_t)&vm);; visa_vmresume_adv()) {
        expect_exit(VISA_EXIT_HYPERCALL);
        if (guest_reg(17) != CALL_ADD)
            break;
        set_guest_reg(REG_A0, guest_reg(REG_A0) + 1);
    }
    report(guest_reg(REG_A0), 0, 0);
    return guest_reg(17) != CALL_END;
}
