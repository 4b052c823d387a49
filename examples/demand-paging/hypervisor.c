/* Memory on demand: the guest's pages come to be when it first touches them.
 *
 * The host's page table begins with the guest's image alone. An access to anything else
 * exits with HOSTFAULT; VMGPA is the address, and VMQUAL says that it is no walk of the
 * guest's own tables and no refusal of the platform's. The hypervisor maps a page of zeros
 * and resumes at the same instruction. Nothing is flushed: a translation that failed is
 * not in the TLB.
 *
 *   make -C examples run-demand-paging */
#include "console.h"
#include "demand.h"
#include "vm.h"

void guest_main(void);

static vmcs vm;

int main(void)
{
    table host = host_table_of_image();
    uint64_t exits = 0, stores = 0;
    const uint64_t last = (USED - 1) * STRIDE;

    vm_init(&vm, base_host(host, 1), guest_main, guest_stack_top);
    for (visa_vmenter((uintptr_t)&vm); visa_vmcause() == VISA_EXIT_HOSTFAULT; visa_vmresume()) {
        uint64_t qual = visa_vmqual(), gpa = visa_vmgpa();

        if (VISA_QUAL(qual, HOSTFAULT, DENIED) || VISA_QUAL(qual, HOSTFAULT, WALK) ||
            gpa < MEMORY || gpa >= MEMORY + (PAGES + FRESH) * (uint64_t)PAGE)
            unexpected("address of the guest", gpa);
        map(host, gpa & ~(PAGE - 1ul), (uintptr_t)pages_new(1), PTE_RW | PTE_U);
        stores += VISA_QUAL(qual, HOSTFAULT, ACCESS) == 2;
        exits++;
    }
    expect_exit(VISA_EXIT_HYPERCALL);
    expect("the guest's sum", guest_reg(REG_A0), USED * last / 2);
    expect("pages given, for a store", stores, USED);
    expect("pages given, for a load", exits - stores, FRESH);
    expect("all exits", visa_vmread(VISA_VMCS_COUNT_EXIT), USED + FRESH + 1);
    return 0;
}
