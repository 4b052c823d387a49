/* Refusals: what an entry does not accept, and how it says so.
 *
 * An entry that fails enters no guest, counts no exit and traps nowhere: execution goes on
 * behind it, VMCAUSE is ENTRYFAIL, VMQUAL the number of the first field that is wrong, and
 * VMADDR its value. A hypervisor that looks at VMCAUSE after every entry needs no more.
 *
 *   make -C examples run-refusals */
#include "console.h"
#include "vm.h"

void guest_main(void);

static vmcs vm, nothing;

static const struct wrong {
    const char *what;
    uint64_t field, value;
} wrong[] = {
    {"VMTRAPCFG: a reserved bit", VISA_VMCS_VMTRAPCFG, VISA_TRAP_TLBMISS},
    {"VMCTL: a reserved bit", VISA_VMCS_VMCTL, 2},
    {"HPTBR: no such mode", VISA_VMCS_HPTBR, 3ull << 60},
    {"HPTBR: a root that is not aligned to 16 KiB", VISA_VMCS_HPTBR, (uint64_t)MODE_SV39 << 60 | 1},
    {"IOBITMAP: not aligned", VISA_VMCS_IOBITMAP, RAM + PAGE},
    {"pc: odd", VISA_VMCS_PC, RAM + 1},
    {"ring: not 0 or 3", VISA_VMCS_RING, 1},
    {"GPTBR: no such mode", VISA_VMCS_GPTBR, 1ull << 60},
    {"VIC threshold: too high", VISA_VMCS_VIC_THRESHOLD, VISA_VIC_PRIORITIES},
    {"VIC depth: too deep", VISA_VMCS_VIC_DEPTH, VISA_VIC_NEST + 1},
};
enum { WRONGS = sizeof wrong / sizeof wrong[0] };

static void refused(const char *what, uint64_t field, uint64_t value)
{
    expect_exit(VISA_EXIT_ENTRYFAIL);
    expect(what, VISA_QUAL(visa_vmqual(), ENTRYFAIL, FIELD), field);
    if (visa_vmaddr() != value)
        unexpected("value of the field", visa_vmaddr());
}

/* Neither makes a context current. */
static void wrong_pointers(void)
{
    visa_vmresume();
    refused("VMRESUME without a current VM", VISA_VMCS_NONE, 0);
    visa_vmenter((uintptr_t)&vm + 8);
    refused("VMENTER of what is no page", VISA_VMCS_NONE, (uintptr_t)&vm + 8);
    visa_vmenter((uintptr_t)&nothing);
    refused("VMENTER of zeros: revision", VISA_VMCS_REVISION, 0);
    vm.field[VISA_VMCS_OWNER] = 2;
    visa_vmenter((uintptr_t)&vm);
    refused("VMENTER of another hart's context: owner", VISA_VMCS_OWNER, 2);
    vm.field[VISA_VMCS_OWNER] = 0;
    visa_vmresume();
    refused("still no current VM", VISA_VMCS_NONE, 0);
}

static uint64_t exchange(uint64_t field, uint64_t value)
{
    uint64_t old = visa_vmread(field);

    visa_vmwrite(field, value);
    return old;
}

static void wrong_fields(void)
{
    for (unsigned i = 0; i < WRONGS; i++) {
        uint64_t old = exchange(wrong[i].field, wrong[i].value);

        visa_vmresume();
        refused(wrong[i].what, wrong[i].field, wrong[i].value);
        visa_vmwrite(wrong[i].field, old);
    }
}

static void two_wrong_fields(void)
{
    uint64_t pc = exchange(VISA_VMCS_PC, RAM + 1), ring = exchange(VISA_VMCS_RING, 2);

    visa_vmresume();
    refused("two fields: the one of the lower number", VISA_VMCS_PC, RAM + 1);
    visa_vmwrite(VISA_VMCS_PC, pc);
    visa_vmwrite(VISA_VMCS_RING, ring);
}

/* VMRESUME.ADV that fails has not stepped over anything. */
static void wrong_step(void)
{
    uint64_t pc = visa_vmread(VISA_VMCS_PC), old = exchange(VISA_VMCS_RING, 2);

    visa_vmresume_adv();
    refused("VMRESUME.ADV", VISA_VMCS_RING, 2);
    visa_vmwrite(VISA_VMCS_RING, old);
    if (visa_vmread(VISA_VMCS_PC) != pc)
        unexpected("pc of the guest", visa_vmread(VISA_VMCS_PC));
    expect("instructions stepped over", visa_vmread(VISA_VMCS_COUNT_EMU), 0);
}

int main(void)
{
    vm_init(&vm, base_host(host_table_of_image(), 1), guest_main, guest_stack_top);
    wrong_pointers();
    visa_vmenter((uintptr_t)&vm);
    expect_exit(VISA_EXIT_HYPERCALL);
    wrong_fields();
    two_wrong_fields();
    wrong_step();
    visa_vmresume_adv();
    expect_exit(VISA_EXIT_HYPERCALL);
    expect("after all of which the guest goes on, to its exit", visa_vmqual(), 1);
    expect("instructions stepped over", visa_vmread(VISA_VMCS_COUNT_EMU), 1);
    expect("exits", visa_vmread(VISA_VMCS_COUNT_EXIT), 2);
    return 0;
}
