/* A hypervisor that uses V-ISA: nested page tables (2 MiB pages), and a UART that it plays.
 *
 * The guest has the memory that the host's table gives it and no other. The filter names
 * what would reach the machine: ports, MSRs and waiting. Page tables, page faults, system
 * calls and switches of processes are the guest's own affair. So what exits is the device,
 * by IOVMAP, and calls of the firmware.
 *
 *   make -C examples run-versus-nested WORKLOAD=kernel */
#include "hypervisor.h"
#include "vm.h"

enum { FILTER = VISA_TRAP_IO | VISA_TRAP_MSR | VISA_TRAP_HALT };

static vmcs vm;

static void emulate_uart(void)
{
    uint64_t qual = visa_vmqual(), offset = visa_vmgpa() - UART;

    if (VISA_QUAL(qual, IO, WRITE))
        uart_write(offset, visa_vmval());
    else
        set_guest_reg(VISA_QUAL(qual, IO, REG), uart_read(offset));
}

/* False at the guest's end. */
static bool handle_call(void)
{
    if (guest_reg(17) != CALL_ADD)
        return false;
    set_guest_reg(REG_A0, guest_reg(REG_A0) + 1);
    return true;
}

int main(void)
{
    static const uint64_t range[] = {UART, UART_BYTES, 0, 3 /* VALID, EXIT */};
    table host = table_new_host();
    uint64_t emulated = 0;

    for (uint64_t pa = GUEST_RAM; pa < GUEST_RAM + GUEST_RAM_BYTES; pa += LARGE_PAGE)
        map_large(host, pa, pa, PTE_RWX | PTE_U);
    vm_init(&vm, base_host(host, 1), (void (*)(void))GUEST_RAM, 0);
    vm.field[VISA_VMCS_VMTRAPCFG] = FILTER;
    vm_make_current(&vm);
    if (visa_iovmap(0, (uintptr_t)range) != 0)
        unexpected("refusal of IOVMAP, range", 0);
    for (visa_vmresume();; visa_vmresume_adv()) {
        if (visa_vmcause() == VISA_EXIT_IO) {
            emulate_uart();
            emulated++;
            continue;
        }
        expect_exit(VISA_EXIT_HYPERCALL);
        if (!handle_call())
            break;
    }
    report(guest_reg(REG_A0), emulated, 0);
    return guest_reg(17) != CALL_END;
}
