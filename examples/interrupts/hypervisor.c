/* Interrupts that exit nothing: two harts, one VM.
 *
 * Hart 0 enters a guest and is not seen again until that is done. Hart 1, in Ring -1, is
 * the devices' side: VINT_SEND with the address of the VMCS makes vectors pending in a VM
 * that is running elsewhere. The guest acknowledges (VINT_ACK), opens itself to vectors of
 * a higher priority, holds them back for a while by its threshold (CR8), and ends them
 * (VINT_ACK.EOI). 210 interrupts, one exit: the last one.
 *
 *   make -C examples run-interrupts        (visa-sim --harts 2) */
#include "interrupts.h"

#include "console.h"
#include "vm.h"

void guest_main(void);

static vmcs vm;
static const struct vector vectors[VECTORS] = VECTOR_LIST;

/* Hart 1: in each round the slow one, and the others when that is being served. */
void other_hart(void)
{
    while (!shared.ready)
        ;
    for (uint64_t round = 1; round <= ROUNDS; round++) {
        visa_vint_send((uintptr_t)&vm | SLOW);
        while (shared.serving != round)
            ;
        for (unsigned i = 1; i < VECTORS; i++)
            visa_vint_send((uintptr_t)&vm | vectors[i].number);
        shared.sent = round;
        while (shared.ended != round * VECTORS)
            ;
    }
}

int main(void)
{
    static const uint8_t order[VECTORS] = {64, 200, 5, SLOW}; /* by priority, then by number */

    vm_init(&vm, base_host(host_table_of_image(), 1), guest_main, guest_stack_top);
    visa_vmenter((uintptr_t)&vm);

    expect_exit(VISA_EXIT_HYPERCALL);
    expect("interrupts from the other hart", guest_reg(REG_A0), ROUNDS * VECTORS);
    for (unsigned i = 0; i < VECTORS; i++)
        expect("  vector", shared.order[i], order[i]);
    expect("taken within a handler", shared.nested, ROUNDS * (VECTORS - 1));
    expect("still in service", visa_vmread(VISA_VMCS_VIC_DEPTH), 0);
    expect("exits", visa_vmread(VISA_VMCS_COUNT_EXIT), 1);
    return 0;
}
