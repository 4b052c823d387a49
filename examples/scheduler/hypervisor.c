/* Four VMs on one hart, each with its slice: a preemptive scheduler, round robin.
 *
 * The preemption timer (VMTRAPCFG b10 and the field preempt) counts the guest's own
 * instructions, so a slice is exact and a run repeats. A guest that waits (wfi, b6) gives
 * its slice away. All four contexts stay in the CPU's state pool: to switch is to enter
 * another one, and nothing is saved or loaded.
 *
 *   make -C examples run-scheduler */
#include "console.h"
#include "vm.h"

enum { VMS = 4, SLICE = 1000, SETUP = 3 /* instructions beside the loop */, LOOP = 3 };

void guest_main(void);

static const uint64_t turns[VMS] = {5000, 3000, 12345, 333}; /* of each guest's loop */

static struct {
    vmcs vm;
    uint64_t result;
    bool done;
} guests[VMS];

static void start(unsigned i, table host)
{
    vm_init(&guests[i].vm, base_host(host, i + 1), guest_main, guest_stack_top);
    guests[i].vm.field[VISA_VMCS_VMTRAPCFG] = VISA_TRAP_PREEMPT | VISA_TRAP_HALT;
    guests[i].vm.field[VISA_VMCS_X + REG_A0] = turns[i];
    guests[i].vm.field[VISA_VMCS_PREEMPT] = SLICE;
}

/* One slice. The exit before it says how the guest is to go on. */
static void run(unsigned i)
{
    visa_vmenter((uintptr_t)&guests[i].vm);
    switch (visa_vmcause()) {
    case VISA_EXIT_PREEMPT: break;
    case VISA_EXIT_HALT: /* over the wfi, in its next slice */
        visa_vmwrite(VISA_VMCS_PC, visa_vmread(VISA_VMCS_PC) + visa_vmlen());
        break;
    case VISA_EXIT_HYPERCALL:
        guests[i].result = guest_reg(REG_A0);
        guests[i].done = true;
        break;
    default: expect_exit(VISA_EXIT_HYPERCALL);
    }
    visa_vmwrite(VISA_VMCS_PREEMPT, SLICE);
}

/* Instructions that guest i retires: wfi exits and does not. Its first slice ends there,
 * after one instruction; then come full ones, and a last one that its VMEXIT ends. */
static uint64_t check(unsigned i)
{
    const uint64_t n = turns[i], retired = LOOP * n + SETUP - 1;
    const uint64_t exits = 1 + (retired - 1) / SLICE + 1;

    visa_vmclear((uintptr_t)&guests[i].vm); /* so that its page holds what was counted */
    say("VM %lu\n", (uint64_t)i + 1);
    expect("  result", guests[i].result, n * (n - 1) / 2);
    expect("  instructions", guests[i].vm.field[VISA_VMCS_COUNT_INSTRET], retired);
    expect("  exits", guests[i].vm.field[VISA_VMCS_COUNT_EXIT], exits);
    return exits;
}

int main(void)
{
    table host = host_table_of_image();
    uint64_t running = VMS, slices = 0, exits = 0;

    for (unsigned i = 0; i < VMS; i++)
        start(i, host);
    while (running)
        for (unsigned i = 0; i < VMS; i++) {
            if (guests[i].done)
                continue;
            run(i);
            slices++;
            running -= guests[i].done;
        }
    for (unsigned i = 0; i < VMS; i++)
        exits += check(i);
    expect("slices", slices, exits);
    return 0;
}
