/* Copy-on-write within a guest: two processes, page faults, and no exits.
 *
 * The guest is an operating system with processes in Ring 3, page tables of its own and
 * fork(). With VMTRAPCFG empty its page faults (b4 clear), its writes of CR3 (b3), its
 * flushes (b7) and its system calls are its own affair; the hypervisor sees one exit, the
 * last. The tables of both are combined by the CPU, so it need not see any.
 *
 *   make -C examples run-copy-on-write */
#include "check.h"
#include "vm.h"

void guest_main(void);

static vmcs vm;

int main(void)
{
    vm_init(&vm, base_host(host_table_of_image(), 1), guest_main, guest_stack_top);
    visa_vmenter((uintptr_t)&vm);
    expect_exit(VISA_EXIT_HYPERCALL);
    check_result(guest_reg(REG_A0));
    expect("exits", visa_vmread(VISA_VMCS_COUNT_EXIT), 1);
    return 0;
}
