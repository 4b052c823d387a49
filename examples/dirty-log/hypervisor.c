/* Dirty logging, as live migration needs it: which pages did the guest write?
 *
 * The hypervisor takes W from the host's leaves and flushes the VM's translations. The
 * first store to a page then exits with HOSTFAULT; the page is marked, gets W back and the
 * guest goes on: further stores to it, and all loads, cost nothing. A permission that is
 * given needs no flush, one that is taken does. After each round the marked pages alone
 * are copied, and at the end the copy must be the guest's memory.
 *
 *   make -C examples run-dirty-log */
#include "console.h"
#include "dirty.h"
#include "vm.h"

enum { VMID = 1 };

void guest_main(void);

static vmcs vm;
static bool dirty[PAGES];
static uint64_t copy[PAGES][WORDS];

static void protect(table host)
{
    for (unsigned p = 0; p < PAGES; p++) {
        dirty[p] = false;
        *leaf_of(host, (uintptr_t)memory[p]) &= ~(uint64_t)PTE_W;
    }
    visa_tlbflushv_vm(VMID);
}

/* A store to a page that has no W: log it. */
static void mark(table host)
{
    uint64_t p = (visa_vmgpa() - (uintptr_t)memory) / PAGE;

    if (VISA_QUAL(visa_vmqual(), HOSTFAULT, ACCESS) != 2 || p >= PAGES || dirty[p])
        unexpected("host fault at", visa_vmgpa());
    dirty[p] = true;
    *leaf_of(host, (uintptr_t)memory[p]) |= PTE_W;
}

static uint64_t copy_dirty(void)
{
    uint64_t n = 0;

    for (unsigned p = 0; p < PAGES; p++) {
        for (unsigned i = 0; dirty[p] && i < WORDS; i++)
            copy[p][i] = memory[p][i];
        n += dirty[p];
    }
    return n;
}

int main(void)
{
    table host = host_table_of_image();
    uint64_t copied = 0, expected = 0;

    vm_init(&vm, base_host(host, VMID), guest_main, guest_stack_top);
    protect(host);
    visa_vmenter((uintptr_t)&vm);
    for (unsigned round = 0; round < ROUNDS; round++) {
        const uint64_t pages = (PAGES + stride(round) - 1) / stride(round);

        for (; visa_vmcause() == VISA_EXIT_HOSTFAULT; visa_vmresume())
            mark(host);
        expect_exit(VISA_EXIT_HYPERCALL);
        for (unsigned p = 0; p < PAGES; p++)
            if (dirty[p] != (p % stride(round) == 0))
                unexpected("content of the log for page", p);
        expect("pages written in this round", copy_dirty(), pages);
        copied += pages;
        expected += pages + 1;
        protect(host);
        visa_vmresume_adv();
    }
    expect_exit(VISA_EXIT_HYPERCALL);
    for (unsigned i = 0; i < PAGES * WORDS; i++)
        if (copy[i / WORDS][i % WORDS] != memory[i / WORDS][i % WORDS])
            unexpected("difference in the copy, word", i);
    say("the copy is right, of %lu pages instead of %lu\n", copied, (uint64_t)ROUNDS * PAGES);
    expect("exits", visa_vmread(VISA_VMCS_COUNT_EXIT), expected + 1);
    return 0;
}
