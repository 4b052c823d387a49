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

#define LOOP_HYPERCALL "1: .insn i 0x0b, 1, x0, 0(x0)\n" /* vmexit 0 */
#define LOOP_CR3 "1: csrw satp, a1\n addi a1, a1, 1\n"
/* out.b (a2), a1; in.b a1, (a2); a1 = a1 + 3 */
#define LOOP_IO "1: .insn r 0x5b, 0, 0x40, x0, a2, a1\n .insn r 0x5b, 0, 0, a1, a2, x0\n addi a1, a1, 3\n"
#define JOIN(a, b) a##b
#define LOOP(name) JOIN(LOOP_, name)

enum { A0 = 10, PORT = 0x1234 };

static uint64_t vmcs[512] __attribute__((aligned(4096)));
static uint8_t port_bitmap[VISA_IOBITMAP_BYTES] __attribute__((aligned(VISA_IOBITMAP_BYTES)));

__attribute__((naked)) static void guest(void)
{
    __asm__ volatile(LOOP(EXIT) "addi a0, a0, 1\n j 1b");
}

/* Each returns whether the exit was what it should be. */
static inline bool handle_hypercall(void)
{
    return visa_vmcause() == VISA_EXIT_HYPERCALL;
}

static inline bool handle_cr3(void)
{
    bool expected = visa_vmcause() == VISA_EXIT_CRWRITE;

    visa_ldgptbr(visa_vmval());
    return expected;
}

static inline bool handle_io(uint8_t *latch)
{
    unsigned long qual;

    if (visa_vmcause() != VISA_EXIT_IO)
        return false;
    qual = visa_vmqual();
    if (VISA_QUAL(qual, IO, PORT) != PORT)
        return false;
    if (VISA_QUAL(qual, IO, WRITE))
        *latch = (uint8_t)visa_vmval();
    else
        visa_vmwrite(VISA_VMCS_X + VISA_QUAL(qual, IO, REG), *latch);
    return true;
}

#define HANDLE_HYPERCALL(latch) ((void)(latch), handle_hypercall())
#define HANDLE_CR3(latch) ((void)(latch), handle_cr3())
#define HANDLE_IO(latch) handle_io(latch)
#define HANDLE(name) JOIN(HANDLE_, name)
#define EXITS_EACH_HYPERCALL 1
#define EXITS_EACH_CR3 1
#define EXITS_EACH_IO 2
#define EXITS_EACH(name) JOIN(EXITS_EACH_, name)

/* a1 after the rounds, as the guest's own arithmetic has it: the last exit is the one
 * that begins round ROUNDS. */
#define LAST_HYPERCALL 0
#define LAST_CR3 (uint64_t)(ROUNDS)
#define LAST_IO (3 * (uint64_t)(ROUNDS) - 3 & 0xff) + 3
#define LAST(name) JOIN(LAST_, name)

int main(void)
{
    uint8_t latch = 0;

    vmcs[VISA_VMCS_REVISION] = VISA_REVISION;
    vmcs[VISA_VMCS_PC] = (uintptr_t)guest;
    vmcs[VISA_VMCS_VMTRAPCFG] = VISA_TRAP_CR3 | VISA_TRAP_IO;
    vmcs[VISA_VMCS_IOBITMAP] = (uintptr_t)port_bitmap;
    vmcs[VISA_VMCS_X + A0 + 2] = PORT;
    visa_vmenter((uintptr_t)vmcs);
    for (uint64_t i = 0; i < (uint64_t)ROUNDS * EXITS_EACH(EXIT); i++) {
        if (!HANDLE(EXIT)(&latch))
            return 2;
        visa_vmresume_adv();
    }
    if (visa_vmread(VISA_VMCS_X + A0) != ROUNDS || visa_vmread(VISA_VMCS_X + A0 + 1) != LAST(EXIT))
        return 1;
    return visa_vmread(VISA_VMCS_COUNT_EXIT) != (uint64_t)ROUNDS * EXITS_EACH(EXIT) + 1;
}
