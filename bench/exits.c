/* World switches: a guest that does nothing but exit, and a hypervisor that does for each
 * exit what it must and no more. EXIT says which:
 *
 *   HYPERCALL   the null hypercall
 *   CR3         a write of CR3: the hypervisor loads the guest's new table base
 *   IO          OUT and IN of a masked port: the hypervisor is the device, a latch
 *
 * ROUNDS exits of it are made. The guest counts in a0 and computes in a1; both must be
 * right at the end, and so must the machine's own counts. */
#include "bench.h"
#include "visa.h"

#define HYPERCALL 1
#define CR3 2
#define IO 3

enum { A0 = 10, PORT = 0x1234 };

static uint64_t vmcs[512] __attribute__((aligned(4096)));
static uint8_t port_bitmap[VISA_IOBITMAP_BYTES] __attribute__((aligned(VISA_IOBITMAP_BYTES)));

/* For each kind: LOOP, the guest's round without its counting; EXITS of a round; handle(),
 * false if the exit is not what it should be; LAST, a1 after n rounds. */
#if EXIT == HYPERCALL
#define LOOP "1: .insn i 0x0b, 1, x0, 0(x0)\n addi a1, a1, 5\n" /* vmexit 0 */
#define LAST(n) (5 * (n))
enum { EXITS = 1 };

static inline bool handle(void)
{
    return visa_vmcause() == VISA_EXIT_HYPERCALL;
}

#elif EXIT == CR3
#define LOOP "1: csrw satp, a1\n addi a1, a1, 1\n"
#define LAST(n) (n)
enum { EXITS = 1 };

static inline bool handle(void)
{
    bool expected = visa_vmcause() == VISA_EXIT_CRWRITE;

    visa_ldgptbr(visa_vmval());
    return expected;
}

#elif EXIT == IO
/* out.b (a2), a1; in.b a1, (a2); a1 += 3: the latch has eight bits */
#define LOOP                                                                                       \
    "1: .insn r 0x5b, 0, 0x40, x0, a2, a1\n"                                                       \
    ".insn r 0x5b, 0, 0, a1, a2, x0\n addi a1, a1, 3\n"
#define LAST(n) ((3 * ((n)-1) & 0xff) + 3)
enum { EXITS = 2 };

static uint8_t latch;

static inline bool handle(void)
{
    unsigned long qual;

    if (visa_vmcause() != VISA_EXIT_IO)
        return false;
    qual = visa_vmqual();
    if (VISA_QUAL(qual, IO, PORT) != PORT)
        return false;
    if (VISA_QUAL(qual, IO, WRITE))
        latch = (uint8_t)visa_vmval();
    else
        visa_vmwrite(VISA_VMCS_X + VISA_QUAL(qual, IO, REG), latch);
    return true;
}
#endif

__attribute__((naked)) static void guest(void)
{
    __asm__ volatile(LOOP "addi a0, a0, 1\n j 1b");
}

int main(void)
{
    const uint64_t rounds = ROUNDS;

    vmcs[VISA_VMCS_REVISION] = VISA_REVISION;
    vmcs[VISA_VMCS_PC] = (uintptr_t)guest;
    vmcs[VISA_VMCS_VMTRAPCFG] = VISA_TRAP_CR3 | VISA_TRAP_IO;
    vmcs[VISA_VMCS_IOBITMAP] = (uintptr_t)port_bitmap;
    vmcs[VISA_VMCS_X + A0 + 2] = PORT;
    visa_vmenter((uintptr_t)vmcs);
    for (uint64_t i = 0; i < rounds * EXITS; i++) {
        if (!handle())
            return 2;
        visa_vmresume_adv();
    }
    if (visa_vmread(VISA_VMCS_X + A0) != rounds ||
        visa_vmread(VISA_VMCS_X + A0 + 1) != LAST(rounds))
        return 1;
    return visa_vmread(VISA_VMCS_COUNT_EXIT) != rounds * EXITS + 1;
}
