/* Runs work() in the place that PLACE names and compares its checksum with EXPECTED:
 *
 *   BARE    in Ring -1, physical addresses
 *   SV39    in Ring 0, Sv39 with pages of 4 KiB
 *   GUEST   in Ring 0 of a guest, Sv39 over Sv39x4, both with pages of 4 KiB
 *
 * The run's exit code is 0, 1 for a wrong checksum, 2 or more if the way there failed. With
 * REPORT there is nothing to compare: the value is printed in decimal. */
#include "bench.h"

#define BARE 1
#define SV39 2
#define GUEST 3

#if PLACE == GUEST
#include "visa.h"
#endif

_Noreturn void finish(uint64_t code);
uint64_t in_ring0(uint64_t satp, uint64_t (*fn)(void));
extern uint8_t _start[], stack_top[];

#if PLACE != BARE
enum { PTE_V = 1, PTE_U = 0x10, PTE_LEAF = 0xcf /* D A X W R V */, LEAVES = 4 };
#define MODE_SV39 (8ul << 60)

/* The first LEAVES * 2 MiB of RAM by pages of 4 KiB, each at its own address. The root
 * has room for Sv39x4, where it is four pages long. */
struct tables {
    uint64_t root[2048], middle[512], leaf[LEAVES][512];
};

static struct tables ring0_tables __attribute__((aligned(16384)));

static uint64_t map(struct tables *t, unsigned leaf_flags)
{
    uint64_t ram = (uintptr_t)_start;

    if ((uintptr_t)stack_top > ram + LEAVES * sizeof t->leaf[0] * 512)
        finish(3);
    t->root[ram >> 30] = (uintptr_t)t->middle >> 12 << 10 | PTE_V;
    for (unsigned i = 0; i < LEAVES; i++)
        t->middle[i] = (uintptr_t)t->leaf[i] >> 12 << 10 | PTE_V;
    for (uint64_t i = 0; i < LEAVES * 512; i++)
        t->leaf[i / 512][i % 512] = ((ram >> 12) + i) << 10 | leaf_flags;
    return MODE_SV39 | (uintptr_t)t->root >> 12;
}
#endif

#if PLACE == GUEST
static struct tables host_tables __attribute__((aligned(16384)));
static uint64_t vmcs[512] __attribute__((aligned(4096)));
static uint64_t guest_stack[512] __attribute__((aligned(16)));

static void guest(void)
{
    register uint64_t sum __asm__("a0") = work();

    __asm__ volatile("" ::"r"(sum));
    visa_vmexit(0);
}

static uint64_t in_guest(void)
{
    vmcs[VISA_VMCS_REVISION] = VISA_REVISION;
    vmcs[VISA_VMCS_HPTBR] = map(&host_tables, PTE_LEAF | PTE_U) | 1ul << 44 /* VMID */;
    vmcs[VISA_VMCS_GPTBR] = map(&ring0_tables, PTE_LEAF);
    vmcs[VISA_VMCS_PC] = (uintptr_t)guest;
    vmcs[VISA_VMCS_X + 2] = (uintptr_t)(guest_stack + 512);
    visa_vmenter((uintptr_t)vmcs);
    if (visa_vmcause() != VISA_EXIT_HYPERCALL)
        finish(4);
    return visa_vmread(VISA_VMCS_X + 10);
}
#endif

static uint64_t result(void)
{
#if PLACE == BARE
    return work();
#elif PLACE == SV39
    return in_ring0(map(&ring0_tables, PTE_LEAF), work);
#else
    return in_guest();
#endif
}

#ifdef REPORT
#define UART ((volatile uint8_t *)0x10000000)

static void tell(uint64_t n)
{
    if (n >= 10)
        tell(n / 10);
    *UART = '0' + n % 10;
}

int main(void)
{
    __asm__ volatile("csrw mcounteren, %0" ::"r"(1)); /* cycle, in Ring 0 */
    tell(result());
    *UART = '\n';
    return 0;
}
#else
int main(void)
{
    return result() != EXPECTED;
}
#endif
