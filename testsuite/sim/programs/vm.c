/* A hypervisor and a guest whose every count is known: see test_stats.py and test_trace.py.
 *
 * The guest's addresses: virtual 0 is guest physical 0x40000000 is host physical
 * 0x80000000, by one 1 GiB page in each table. */
#include "board.h"
#include "visa.h"

#define GPA 0x40000000ul
#define RAM 0x80000000ul
#define GIB_SHIFT 30
#define LEAF 0xdful       /* V R W X U A D */
#define LEAF_GUEST 0xcful /* V R W X A D: Ring 0's */
#define PTE(pa, bits) ((pa) >> 12 << 10 | (bits))

__attribute__((aligned(4096))) u64 vmcs[512], guest_table[512];
__attribute__((aligned(16384))) u64 host_table[2048];
__attribute__((aligned(4096))) volatile u64 data[512] = {0x1122334455667788};

__attribute__((naked, aligned(4096), used)) void guest(void)
{
    __asm__ volatile(".option push\n"
                     ".option norvc\n"
                     "guest_load:   ld a0, (a1)\n"
                     "guest_store:  sw a0, 8(a1)\n"
                     "guest_amo:    amoadd.w a2, a0, (a1)\n"
                     "guest_out:    .insn r 0x5b, 0, 0x40, x0, a3, a0\n" /* out.b a3, a0 */
                     "guest_call:   .insn i 0x0b, 1, x0, 0x123(x0)\n"    /* vmexit 0x123 */
                     "guest_ecall:  ecall\n"
                     "guest_satp:   csrr a4, satp\n"
                     "              csrw satp, a4\n"
                     "guest_fault:  ld a5, (a6)\n"
                     "guest_host:   ld a5, (a7)\n"
                     "guest_msr:    .insn r 0x5b, 3, 0x00, a5, t0, x0\n" /* rdmsr a5, t0 */
                     "guest_break:  ebreak\n"
                     "guest_wfi:    wfi\n"
                     ".option pop\n");
}

/* How far something is from the start of RAM. Not folded into the symbol by the compiler,
 * for such an offset has no relocation. */
static u64 offset(const volatile void *p)
{
    u64 at = (u64)p;

    __asm__("" : "+r"(at));
    return at - RAM;
}

static u64 field_x(unsigned n)
{
    return VISA_VMCS_X + n;
}

static void prepare(void)
{
    host_table[GPA >> GIB_SHIFT] = PTE(RAM, LEAF);
    guest_table[0] = PTE(GPA, LEAF_GUEST);
    guest_table[1] = PTE(0x100000000ul, LEAF_GUEST); /* nothing there on the host's side */
    vmcs[VISA_VMCS_REVISION] = VISA_REVISION;
    vmcs[VISA_VMCS_VMTRAPCFG] = VISA_TRAP_IO | VISA_TRAP_CR3 | VISA_TRAP_PF | VISA_TRAP_MSR |
                                VISA_TRAP_BRK | VISA_TRAP_HALT;
    vmcs[VISA_VMCS_HPTBR] = 8ul << 60 | (u64)VM_NUMBER << 44 | (u64)host_table >> 12;
    vmcs[VISA_VMCS_GPTBR] = 8ul << 60 | (offset(guest_table) + GPA) >> 12;
    vmcs[VISA_VMCS_PC] = offset((void *)guest);
    vmcs[field_x(11)] = offset(data);
    vmcs[field_x(13)] = 0x3f8;
    vmcs[field_x(16)] = 0x80000000;       /* in no page */
    vmcs[field_x(17)] = 1ul << GIB_SHIFT; /* in the second */
    vmcs[field_x(5)] = VISA_MSR_TLS;
}

static const u8 expected[] = {
    VISA_EXIT_IO,      VISA_EXIT_HYPERCALL,  VISA_EXIT_HYPERCALL,
    VISA_EXIT_CRWRITE, VISA_EXIT_PAGEFAULT,  VISA_EXIT_HOSTFAULT,
    VISA_EXIT_MSR,     VISA_EXIT_BREAKPOINT, VISA_EXIT_HALT,
};

int main(u64 hart, u64 tree)
{
    (void)hart;
    (void)tree;
    prepare();
    vmcs[VISA_VMCS_RING] = 1;
    visa_vmenter((u64)vmcs); /* refused: ring */
    CHECK_EQUAL(visa_vmcause(), VISA_EXIT_ENTRYFAIL);
    visa_vmwrite(VISA_VMCS_RING, 0);
    visa_vmresume();
    for (unsigned i = 0; i < sizeof expected; i++) {
        CHECK_EQUAL(visa_vmcause(), expected[i]);
        if (i + 1 < sizeof expected)
            visa_vmresume_adv();
    }
    return 0;
}
