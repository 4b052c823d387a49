/* One VM. Its console is a port that it may not use: each byte exits. */
#include "vm.h"

static struct vm vm;

int main(void)
{
    unsigned bytes = 0;

    vm_init(&vm, 1, GUEST_IMAGE);
    vm.vmcs[VISA_VMCS_VMTRAPCFG] = VISA_TRAP_IO;
    visa_vmenter((uintptr_t)vm.vmcs);
    while (visa_vmcause() == VISA_EXIT_IO) {
        put((char)visa_vmval()); /* what the guest wrote */
        bytes++;
        visa_vmresume_adv();
    }
    if (visa_vmcause() != VISA_EXIT_HYPERCALL)
        return 1;
    if (visa_vmread(VISA_VMCS_COUNT_EXIT) != bytes + 1)
        return 2;
    say("The guest has ended.\n");
    return 0;
}
