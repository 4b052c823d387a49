/* Two VMs of one image, in turns of SLICE instructions. Each has memory of
 * its own at the same guest physical addresses, and a console. */
#include <stdbool.h>

#include "vm.h"

enum { VMS = 2, SLICE = 1000, LINE = 80 };

static struct guest {
    struct vm vm;
    char line[LINE];
    unsigned length;
    bool ended;
} guests[VMS];

/* The second VM's. The first one's is where the image was put. */
static uint64_t memory[GUEST_BYTES / 8] __attribute__((aligned(PAGE)));

static void say_of(unsigned i, const char *text)
{
    say("VM ");
    put((char)('1' + i));
    say(": ");
    say(text);
}

/* A byte that guest i wrote. It is printed when the line is complete. */
static void console(unsigned i, char c)
{
    struct guest *g = &guests[i];

    g->line[g->length++] = c;
    if (c != '\n' && g->length < LINE - 1)
        return;
    g->line[g->length] = '\0';
    g->length = 0;
    say_of(i, g->line);
}

/* One slice of guest i. */
static void run(unsigned i)
{
    visa_vmenter((uintptr_t)guests[i].vm.vmcs);
    for (; visa_vmcause() == VISA_EXIT_IO; visa_vmresume_adv())
        console(i, (char)visa_vmval());
    switch (visa_vmcause()) {
    case VISA_EXIT_PREEMPT: visa_vmwrite(VISA_VMCS_PREEMPT, SLICE); break;
    case VISA_EXIT_HYPERCALL:
        guests[i].ended = true;
        say_of(i, "has ended\n");
        break;
    default: say_of(i, "unexpected exit\n"); finish(1);
    }
}

int main(void)
{
    const uint64_t *image = (const uint64_t *)GUEST_IMAGE;

    for (unsigned i = 0; i < GUEST_BYTES / 8; i++)
        memory[i] = image[i];
    vm_init(&guests[0].vm, 1, GUEST_IMAGE);
    vm_init(&guests[1].vm, 2, (uintptr_t)memory);
    for (unsigned i = 0; i < VMS; i++) {
        uint64_t *vmcs = guests[i].vm.vmcs;

        vmcs[VISA_VMCS_VMTRAPCFG] = VISA_TRAP_IO | VISA_TRAP_PREEMPT;
        vmcs[VISA_VMCS_PREEMPT] = SLICE;
    }
    while (!guests[0].ended || !guests[1].ended)
        for (unsigned i = 0; i < VMS; i++)
            if (!guests[i].ended)
                run(i);
    return 0;
}
