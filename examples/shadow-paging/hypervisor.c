/* Shadow paging: the guest of copy-on-write, of which the CPU translates each address once.
 *
 * The filter lets writes of CR3 (VMTRAPCFG b3), page faults (b4) and flushes (b7) exit, and
 * HPTBR is bare. GPTBR holds a table of the hypervisor's, the shadow, which combines the
 * guest's table with where the guest's memory is; entries come to be when the guest faults
 * (lib/shadow.h). A fault that the guest's own table gives is handed on to its Ring 0. A
 * miss of the TLB reads three entries instead of up to fifteen, but what costs nothing
 * under nested paging exits here: the same guest exits there once.
 *
 * This guest does not read satp. For one that does, b1 must be set too.
 *
 *   make -C examples run-shadow-paging */
#include "../copy-on-write/check.h"
#include "ring0.h"
#include "shadow.h"
#include "vm.h"

enum { VMID = 1, RING_0 = 0, RING_3 = 3 };
enum { FILTER = VISA_TRAP_CR3 | VISA_TRAP_PF | VISA_TRAP_TLB };

void guest_main(void);

static vmcs vm;
static struct shadows shadows;
static uint64_t satp; /* as the guest believes it to be */
static unsigned shadow;
static uint64_t switches, flushes, handed_on;

uint64_t gpa_to_hpa(uint64_t gpa)
{
    uint64_t first = (uintptr_t)guest_image;

    return gpa - first < (uintptr_t)guest_image_end - first ? gpa : 0;
}

/* The GPTBR for the guest's satp. */
static uint64_t shadow_base(void)
{
    bool fresh;

    shadow = shadow_of(&shadows, satp, VIEW_RINGS, &fresh);
    if (fresh)
        visa_tlbflushv_vm(VMID);
    return base_guest(shadows.of[shadow].root, shadow + 1);
}

static void write_cr3(void)
{
    set_guest_reg(VISA_QUAL(visa_vmqual(), CRWRITE, RD), satp);
    satp = visa_vmval();
    visa_ldgptbr(shadow_base());
    switches++;
}

static void flush(void)
{
    uint64_t qual = visa_vmqual();
    int64_t asid = VISA_QUAL(qual, TLBFLUSH, RS2) ? (int64_t)visa_vmval() : -1;

    if (VISA_QUAL(qual, TLBFLUSH, OP) != 0)
        unexpected("kind of flush", VISA_QUAL(qual, TLBFLUSH, OP));
    if (VISA_QUAL(qual, TLBFLUSH, RS1))
        shadow_flush_page(&shadows, visa_vmaddr(), asid);
    else
        shadow_flush(&shadows, asid);
    visa_tlbflushv_vm(VMID);
    flushes++;
}

/* The guest's own page fault: as the CPU would deliver it were b4 clear. */
static void deliver(uint64_t cause, uint64_t value)
{
    bool from_ring0 = visa_vmread(VISA_VMCS_RING) == RING_0;

    visa_vmwrite(VISA_VMCS_SSTATUS, status_in_trap(visa_vmread(VISA_VMCS_SSTATUS), from_ring0));
    visa_vmwrite(VISA_VMCS_SCAUSE, cause);
    visa_vmwrite(VISA_VMCS_STVAL, value);
    visa_vmwrite(VISA_VMCS_SEPC, visa_vmread(VISA_VMCS_PC));
    visa_vmwrite(VISA_VMCS_PC, visa_vmread(VISA_VMCS_STVEC) & ~3ull);
    visa_vmwrite(VISA_VMCS_RING, RING_0);
    handed_on++;
}

static void page_fault(void)
{
    uint64_t qual = visa_vmqual(), gpa;
    const struct attempt a = {.va = visa_vmaddr(),
                              .access = VISA_QUAL(qual, PAGEFAULT, ACCESS),
                              .user = visa_vmread(VISA_VMCS_RING) == RING_3,
                              .sstatus = visa_vmread(VISA_VMCS_SSTATUS)};

    switch (shadow_fault(&shadows, shadow, &a, &gpa)) {
    case SHADOW_FILLED: break;
    case SHADOW_GUEST: deliver(VISA_QUAL(qual, PAGEFAULT, EXCEPTION), a.va); break;
    case SHADOW_NO_MEMORY: unexpected("address of the guest", gpa);
    }
}

/* False at an exit that has nothing to do with shadows. */
static bool handle(void)
{
    switch (visa_vmcause()) {
    case VISA_EXIT_PAGEFAULT:
        page_fault();
        visa_vmresume();
        return true;
    case VISA_EXIT_CRWRITE: write_cr3(); break;
    case VISA_EXIT_TLBFLUSH: flush(); break;
    default: return false;
    }
    visa_vmresume_adv();
    return true;
}

int main(void)
{
    vm_init(&vm, (uint64_t)VMID << 44 /* bare */, guest_main, guest_stack_top);
    vm.field[VISA_VMCS_VMTRAPCFG] = FILTER;
    vm.field[VISA_VMCS_GPTBR] = shadow_base();
    visa_vmenter((uintptr_t)&vm);
    while (handle())
        ;
    expect_exit(VISA_EXIT_HYPERCALL);
    check_result(guest_reg(REG_A0));
    expect("writes of CR3: start, fork, end of the child", switches, 3);
    expect("flushes: fork, each copy", flushes, 1 + WRITTEN);
    expect("page faults handed on: one a copy", handed_on, WRITTEN);
    say("page faults that filled a shadow: %lu\n", shadows.fills);
    expect("all exits", visa_vmread(VISA_VMCS_COUNT_EXIT),
           shadows.fills + switches + flushes + handed_on + 1);
    return 0;
}
