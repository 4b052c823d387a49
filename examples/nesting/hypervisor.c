/* Nesting: L0, a hypervisor whose guest L1 is a hypervisor too, with a guest L2 of its own.
 *
 * L1 is the executable of another example, as it is. It believes to be in Ring -1, but runs
 * in Ring 0 of a VM, where each Xvisa instruction exits with VIRT and is carried out here.
 * When L1 enters a VM of its, L0 enters it instead, with L1's control structure; only its
 * HPTBR is another: a shadow (lib/shadow.h) of L1's host table, combined with what memory
 * L1 has. So L2 runs at full speed, and its exits come to L0, which tells L1 of those that
 * are its business. The state pool of the machine that L1 sees is always empty: a context is
 * in L1's memory whenever L1 runs, and L0 reads and writes it there.
 *
 * L1's VMs may not have port bitmaps, MMIO ranges, or host tables of Sv48x4, and L1 may not
 * use what loads and stores as the guest or sends interrupts.
 *
 *   make -C examples run-nesting L1=demand-paging (or scheduler, dirty-log, ...) */
#include "console.h"
#include "shadow.h"
#include "vm.h"

enum { VMID_L1 = 1, VMID_SHADOWS = 2, MODE_SV48 = 9, EXIT_REGISTERS = 7 };

extern uint8_t _start[]; /* of L0, and the end of L1's memory */

static vmcs l1;
static vmcs *l2;                      /* what L1 believes to be its current VM */
static uint64_t seen[EXIT_REGISTERS]; /* VMCAUSE to VMVAL, as L1 reads them */
static struct shadows shadows;
static uint64_t carried_out, csr_writes, told, hidden;

uint64_t gpa_to_hpa(uint64_t gpa)
{
    return gpa >= RAM && gpa < (uintptr_t)_start ? gpa : 0;
}

/* The HPTBR to run L2 with. What the hardware refuses is left as it is, for it to refuse. */
static uint64_t shadow_base(uint64_t hptbr, unsigned *number)
{
    unsigned mode = hptbr >> 60;
    bool fresh;

    if (mode == MODE_SV48)
        unexpected("mode of L1's HPTBR", mode);
    if ((mode && mode != MODE_SV39) || (hptbr >> 58 & 3) || (mode && (hptbr & 3)))
        return hptbr;
    *number = shadow_of(&shadows, hptbr, VIEW_HOST, &fresh);
    if (fresh)
        visa_tlbflushv_vm(VMID_SHADOWS + *number);
    return base_host(shadows.of[*number].root, VMID_SHADOWS + *number);
}

/* What would reach L0's machine past the shadow. A misaligned bitmap the hardware refuses. */
static void refuse_devices(const vmcs *vm)
{
    if (vm->field[VISA_VMCS_IOBITMAP] && vm->field[VISA_VMCS_IOBITMAP] % VISA_IOBITMAP_BYTES == 0)
        unexpected("port bitmap of L1's VM", vm->field[VISA_VMCS_IOBITMAP]);
    for (unsigned i = 0; i < VISA_IOV_RANGES; i++)
        if (vm->field[VISA_VMCS_IOV_FLAGS + i])
            unexpected("MMIO range of L1's VM", i);
}

static void record_exit(void)
{
    const uint64_t now[EXIT_REGISTERS] = {visa_vmcause(), visa_vmqual(), visa_vmaddr(),
                                          visa_vmgpa(),   visa_vminsn(), visa_vmlen(),
                                          visa_vmval()};

    for (unsigned i = 0; i < EXIT_REGISTERS; i++)
        seen[i] = now[i];
}

static void fail_entry(uint64_t field, uint64_t value)
{
    for (unsigned i = 0; i < EXIT_REGISTERS; i++)
        seen[i] = 0;
    seen[0] = VISA_EXIT_ENTRYFAIL;
    seen[1] = field;
    seen[2] = value;
}

/* A host fault of L2. True: L1's table allows the access, and only the shadow lacked it. */
static bool fill_shadow(vmcs *vm, unsigned number)
{
    uint64_t *qual = &vm->field[VISA_VMCS_EXIT_QUAL], gpa;
    bool walk = VISA_QUAL(*qual, HOSTFAULT, WALK);
    const struct attempt a = {.va = vm->field[VISA_VMCS_EXIT_GPA],
                              .access = walk ? ACCESS_LOAD : VISA_QUAL(*qual, HOSTFAULT, ACCESS)};

    switch (shadow_fault(&shadows, number, &a, &gpa)) {
    case SHADOW_FILLED:
        vm->field[VISA_VMCS_COUNT_EXIT]--; /* L1 will not know of it */
        hidden++;
        return true;
    case SHADOW_NO_MEMORY:
        *qual |= 1ul << VISA_QUAL_HOSTFAULT_DENIED_LO;
        seen[1] = *qual;
        break;
    case SHADOW_GUEST: break;
    }
    return false;
}

/* L1's VMENTER of vm: until an exit of L2 that is L1's business. */
static void run_l2(vmcs *vm)
{
    const uint64_t hptbr = vm->field[VISA_VMCS_HPTBR];
    unsigned number = 0;

    refuse_devices(vm);
    do {
        vm->field[VISA_VMCS_HPTBR] = shadow_base(hptbr, &number);
        visa_vmenter((uintptr_t)vm);
        record_exit();
        visa_vmclear((uintptr_t)vm);
        vm->field[VISA_VMCS_HPTBR] = hptbr;
    } while (seen[0] == VISA_EXIT_HOSTFAULT && fill_shadow(vm, number));
}

static bool refused_by_pool(void)
{
    return seen[1] == VISA_VMCS_REVISION || seen[1] == VISA_VMCS_OWNER;
}

/* VMENTER, VMRESUME and VMRESUME.ADV of L1. */
static void enter(uint64_t pointer, bool advance)
{
    vmcs *vm = (vmcs *)gpa_to_hpa(pointer);
    uint64_t length;

    if (!vm || pointer % VISA_VMCS_BYTES) {
        fail_entry(VISA_VMCS_NONE, pointer);
        return;
    }
    length = advance ? vm->field[VISA_VMCS_EXIT_LEN] : 0;
    vm->field[VISA_VMCS_PC] += length;
    vm->field[VISA_VMCS_COUNT_EMU] += length != 0;
    run_l2(vm);
    if (seen[0] != VISA_EXIT_ENTRYFAIL) {
        l2 = vm;
        told++;
        return;
    }
    vm->field[VISA_VMCS_PC] -= length;
    vm->field[VISA_VMCS_COUNT_EMU] -= length != 0;
    if (!refused_by_pool())
        l2 = vm;
}

static uint64_t *field_of_l2(uint64_t number)
{
    if (!l2 || number >= VMCS_FIELDS)
        unexpected("access of L1 to field", number);
    return &l2->field[number];
}

static void flush(int64_t vmid)
{
    shadow_flush(&shadows, vmid);
    visa_tlbflushv();
}

/* An Xvisa instruction of L1. */
static void carry_out(void)
{
    const uint64_t qual = visa_vmqual(), op = VISA_QUAL(qual, VIRT, OP);
    const uint64_t rd = VISA_QUAL(qual, VIRT, RD), a = guest_reg(VISA_QUAL(qual, VIRT, RS1)),
                   b = guest_reg(VISA_QUAL(qual, VIRT, RS2));

    carried_out++;
    visa_vmwrite(VISA_VMCS_PC, visa_vmread(VISA_VMCS_PC) + visa_vmlen());
    switch (op) {
    case VISA_OP_VMENTER: enter(a, false); break;
    case VISA_OP_VMRESUME: enter((uintptr_t)l2, false); break;
    case VISA_OP_VMRESUME_ADV: enter((uintptr_t)l2, true); break;
    case VISA_OP_VMSAVE: break; /* the context is in memory */
    case VISA_OP_VMCLEAR: break;
    case VISA_OP_VMREAD: set_guest_reg(rd, *field_of_l2(a)); break;
    case VISA_OP_VMWRITE: *field_of_l2(a) = b; break;
    case VISA_OP_LDGPTBR: *field_of_l2(VISA_VMCS_GPTBR) = a; break;
    case VISA_OP_LDHPTBR: *field_of_l2(VISA_VMCS_HPTBR) = a; break;
    case VISA_OP_TLBFLUSHV: flush(-1); break;
    case VISA_OP_TLBFLUSHV_VM: flush((int64_t)a); break;
    default:
        if (op < VISA_OP_VMCAUSE || op > VISA_OP_VMVAL)
            unexpected("instruction of L1", visa_vminsn());
        set_guest_reg(rd, seen[op - VISA_OP_VMCAUSE]);
    }
}

/* L1 sets its trap vector. Its traps would come to its Ring 0, so the vector is that one's. */
static void write_mtvec(void)
{
    if (VISA_QUAL(visa_vmqual(), PRIVILEGED, CSR) != VISA_CSR_MTVEC)
        unexpected("privileged instruction of L1", visa_vminsn());
    visa_vmwrite(VISA_VMCS_STVEC, visa_vmval());
    visa_vmwrite(VISA_VMCS_PC, visa_vmread(VISA_VMCS_PC) + visa_vmlen());
    csr_writes++;
}

/* Runs L1 until it ends its machine; its exit code. */
static uint64_t run_l1(void)
{
    for (visa_vmenter((uintptr_t)&l1);; visa_vmenter((uintptr_t)&l1)) {
        switch (visa_vmcause()) {
        case VISA_EXIT_VIRT: carry_out(); continue;
        case VISA_EXIT_PRIVILEGED: write_mtvec(); continue;
        default: expect_exit(VISA_EXIT_HOSTFAULT);
        }
        if (visa_vmgpa() != FINISHER)
            unexpected("address of L1", visa_vmgpa());
        return visa_vmval() == FINISH_PASS ? 0 : visa_vmval() >> 16;
    }
}

/* L1's machine: memory, the real UART, and a finisher that is L0's to see. */
static table host_table_of_l1(void)
{
    table host = table_new_host();

    for (uint64_t pa = RAM; pa < (uintptr_t)_start; pa += LARGE_PAGE)
        map_large(host, pa, pa, PTE_RWX | PTE_U);
    map(host, UART, UART, PTE_RW | PTE_U);
    return host;
}

int main(void)
{
    uint64_t code;

    vm_init(&l1, base_host(host_table_of_l1(), VMID_L1), (void (*)(void))RAM, 0);
    l1.field[VISA_VMCS_VMTRAPCFG] = VISA_TRAP_PRIV;
    code = run_l1();
    say("L0: L1 has ended; of the exits of its VMs it was told of %lu, and not of %lu\n", told,
        hidden);
    expect("L1's exit code", code, 0);
    expect("L1's exits: Xvisa, a CSR, the end", visa_vmread(VISA_VMCS_COUNT_EXIT),
           carried_out + csr_writes + 1);
    if (!told)
        unexpected("L1 without a VM, exits", told);
    return 0;
}
