/* World switches: a guest that does nothing but exit, a hypervisor that resumes it. */
#include <stdint.h>
#include "visa.h"

enum { ROUNDS = 5000000 };

static uint64_t vmcs[512] __attribute__((aligned(4096)));

__attribute__((naked)) static void guest(void)
{
    visa_vmexit(0);
    __asm__ volatile("j guest");
}

int main(void)
{
    vmcs[VISA_VMCS_REVISION] = VISA_REVISION;
    vmcs[VISA_VMCS_PC] = (uintptr_t)guest;
    visa_vmenter((uintptr_t)vmcs);
    vmcs[VISA_VMCS_PC] = 0; /* stale: the context lives in the pool */
    for (unsigned i = 0; i < ROUNDS; i++) {
        if (visa_vmcause() != VISA_EXIT_HYPERCALL)
            return 1;
        visa_vmresume_adv();
        /* guest: `j guest`, vmexit */
    }
    return 0;
}
