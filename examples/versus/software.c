/* A hypervisor without V-ISA: the same guest by trap and emulate, on plain RISC-V.
 *
 * The guest's kernel is deprived of Ring 0: it and its processes run in Ring 3. Every
 * privileged instruction of the kernel traps, and is decoded and emulated here on a copy
 * of Ring 0's registers; every system call and page fault of a process comes here first
 * and is handed on. Page tables are shadowed (lib/shadow.h), one shadow for the kernel and
 * one for the processes of each address space. It is the work that V-ISA takes over, and
 * none of its instructions is V-ISA's: QEMU runs it too.
 *
 * It is not made to look slow: shadows survive a switch of processes, each with an ASID of
 * its own, and only what the guest flushes is dropped. It has no interrupts to hand on.
 *
 *   make -C examples run-versus-software WORKLOAD=kernel */
#include <stddef.h>

#include "guest.h" /* csr_read and csr_write */
#include "hypervisor.h"
#include "ring0.h"
#include "shadow.h"
#include "visa.h"

enum { RING_3 = 0, RING_0 = 1 };
enum { OPCODE_LOAD = 0x03, OPCODE_STORE = 0x23, OPCODE_SYSTEM = 0x73 };
enum { INSN_SRET = 0x10200073, INSN_WFI = 0x10500073, FUNCT7_SFENCE = 0x09 };
enum { PMP_ALL = 0x1f }; /* NAPOT, R, W, X: no bounds but the shadows */
#define STATUS_MASK (SSTATUS_SIE | SSTATUS_SPIE | SSTATUS_SPP | SSTATUS_SUM | SSTATUS_MXR)

/* The layout of the first part is trap.S's. */
static struct guest_state {
    uint64_t x[32], pc, host_sp;
    unsigned ring; /* that it believes to be in */
    uint64_t sstatus, stvec, sscratch, sepc, scause, stval, satp, sie, scounteren;
    unsigned shadow;
} guest;

static struct shadows shadows;
static uint64_t emulated;

void run_guest(struct guest_state *g);
uint64_t fetch_half(uint64_t va);

uint64_t gpa_to_hpa(uint64_t gpa)
{
    return gpa - GUEST_RAM < GUEST_RAM_BYTES ? gpa : 0;
}

/* The table that belongs to what the guest is doing now. */
static void use_shadow(void)
{
    enum view view = guest.ring == RING_0 ? VIEW_KERNEL : VIEW_USER;
    bool fresh;

    guest.shadow = shadow_of(&shadows, guest.satp, view, &fresh);
    if (fresh)
        sfence_all();
    csr_write(satp, base_guest(shadows.of[guest.shadow].root, guest.shadow + 1));
}

/* The guest's own trap, in its Ring 0. */
static void deliver(uint64_t cause, uint64_t value)
{
    guest.sstatus = status_in_trap(guest.sstatus, guest.ring == RING_0);
    guest.scause = cause;
    guest.stval = value;
    guest.sepc = guest.pc;
    guest.pc = guest.stvec & ~3ull;
    guest.ring = RING_0;
    use_shadow();
}

static void emulate_sret(void)
{
    guest.ring = guest.sstatus & SSTATUS_SPP ? RING_0 : RING_3;
    guest.sstatus &= ~(uint64_t)(SSTATUS_SPP | SSTATUS_SIE);
    guest.sstatus |= guest.sstatus & SSTATUS_SPIE ? SSTATUS_SIE : 0;
    guest.sstatus |= SSTATUS_SPIE;
    guest.pc = guest.sepc;
    use_shadow();
}

static void emulate_sfence(uint32_t insn)
{
    unsigned rs1 = insn >> 15 & 31, rs2 = insn >> 20 & 31;
    int64_t asid = rs2 ? (int64_t)(guest.x[rs2] & 0xffff) : -1;

    if (!rs1)
        shadow_flush(&shadows, asid);
    if (rs1 && shadow_flush_page(&shadows, guest.x[rs1], asid))
        sfence_page(guest.x[rs1]);
    else
        sfence_all();
}

static uint64_t *csr_storage(unsigned number)
{
    switch (number) {
    case VISA_CSR_SSTATUS: return &guest.sstatus;
    case VISA_CSR_SIE: return &guest.sie;
    case VISA_CSR_STVEC: return &guest.stvec;
    case VISA_CSR_SCOUNTEREN: return &guest.scounteren;
    case VISA_CSR_SSCRATCH: return &guest.sscratch;
    case VISA_CSR_SEPC: return &guest.sepc;
    case VISA_CSR_SCAUSE: return &guest.scause;
    case VISA_CSR_STVAL: return &guest.stval;
    case VISA_CSR_SATP: return &guest.satp;
    default: return NULL;
    }
}

static void csr_changed(unsigned number, uint64_t *csr, uint64_t value)
{
    if (number == VISA_CSR_SSTATUS) {
        bool had_sum = *csr & SSTATUS_SUM;

        *csr = value & STATUS_MASK;
        if (had_sum && !(*csr & SSTATUS_SUM)) { /* the kernel's shadows may hold users' pages */
            shadow_flush(&shadows, -1);
            sfence_all();
        }
        csr_clear(mstatus, SSTATUS_MXR);
        csr_set(mstatus, *csr & SSTATUS_MXR);
    } else if (number == VISA_CSR_SATP) {
        if (value >> 60 != 0 && value >> 60 != MODE_SV39)
            return;
        *csr = value;
        use_shadow();
    } else {
        *csr = value;
    }
}

/* False: no CSR that this guest has. */
static bool emulate_csr(uint32_t insn)
{
    unsigned number = insn >> 20, rd = insn >> 7 & 31, rs1 = insn >> 15 & 31, op = insn >> 12 & 3;
    uint64_t *csr = csr_storage(number), operand = insn >> 14 & 1 ? rs1 : guest.x[rs1], old;

    if (!csr || op == 0)
        return false;
    old = *csr;
    if (op == 1)
        csr_changed(number, csr, operand);
    else if (rs1)
        csr_changed(number, csr, op == 2 ? old | operand : old & ~operand);
    if (rd)
        guest.x[rd] = old;
    return true;
}

static void privileged(uint32_t insn)
{
    if (guest.ring != RING_0 || (insn & 0x7f) != OPCODE_SYSTEM) {
        deliver(VISA_EXC_ILLEGAL, insn);
    } else if (insn == INSN_SRET) {
        emulate_sret();
        emulated++;
    } else {
        if (insn >> 25 == FUNCT7_SFENCE && (insn & 0x7000) == 0) {
            emulate_sfence(insn);
        } else if (insn != INSN_WFI && !emulate_csr(insn)) {
            deliver(VISA_EXC_ILLEGAL, insn);
            return;
        }
        guest.pc += 4;
        emulated++;
    }
}

static int64_t sign_extend(uint64_t value, unsigned bits)
{
    return (int64_t)(value << (64 - bits)) >> (64 - bits);
}

/* An access to the device: its instruction must be fetched and decoded. */
static void emulate_access(uint64_t gpa)
{
    uint32_t insn = (uint32_t)(fetch_half(guest.pc) | fetch_half(guest.pc + 2) << 16);
    unsigned rd = insn >> 7 & 31, rs2 = insn >> 20 & 31, bits = 8u << (insn >> 12 & 3);
    uint64_t value;

    if (gpa - UART >= UART_BYTES)
        unexpected("address of the guest", gpa);
    if ((insn & 0x7f) == OPCODE_STORE) {
        uart_write(gpa - UART, bits < 64 ? guest.x[rs2] & ((1ull << bits) - 1) : guest.x[rs2]);
    } else if ((insn & 0x7f) == OPCODE_LOAD) {
        value = uart_read(gpa - UART);
        if (rd)
            guest.x[rd] = insn >> 14 & 1 ? value : (uint64_t)sign_extend(value, bits);
    } else {
        unexpected("instruction that accesses the UART", insn);
    }
    guest.pc += 4;
    emulated++;
}

static void page_fault(uint64_t cause, uint64_t va)
{
    const struct attempt a = {.va = va,
                              .access = cause == VISA_EXC_INSN_PAGE   ? ACCESS_FETCH
                                        : cause == VISA_EXC_LOAD_PAGE ? ACCESS_LOAD
                                                                      : ACCESS_STORE,
                              .user = guest.ring == RING_3,
                              .sstatus = guest.sstatus};
    uint64_t gpa;

    switch (shadow_fault(&shadows, guest.shadow, &a, &gpa)) {
    case SHADOW_FILLED: break;
    case SHADOW_GUEST: deliver(cause, va); break;
    case SHADOW_NO_MEMORY: emulate_access(gpa); break;
    }
}

/* An ecall. False at the guest's end. */
static bool call(void)
{
    if (guest.ring == RING_3) {
        deliver(VISA_EXC_ECALL_U, 0);
        return true;
    }
    if (guest.x[A7] != CALL_ADD)
        return false;
    guest.x[A0]++;
    guest.pc += 4;
    return true;
}

static bool handle_trap(void)
{
    uint64_t cause = csr_read(mcause), value = csr_read(mtval);

    switch (cause) {
    case VISA_EXC_ILLEGAL: privileged((uint32_t)value); return true;
    case VISA_EXC_ECALL_U: return call();
    case VISA_EXC_INSN_PAGE:
    case VISA_EXC_LOAD_PAGE:
    case VISA_EXC_STORE_PAGE: page_fault(cause, value); return true;
    case VISA_EXC_BREAKPOINT: deliver(cause, value); return true;
    default: unexpected("trap of the guest, cause", cause);
    }
}

int main(void)
{
    guest.pc = GUEST_RAM;
    guest.ring = RING_0;
    use_shadow();
    csr_write(pmpaddr0, ~0ull);
    csr_write(pmpcfg0, PMP_ALL);
    csr_clear(mstatus, MSTATUS_MPP); /* run_guest goes to Ring 3 */
    do
        run_guest(&guest);
    while (handle_trap());
    report(guest.x[A0], emulated, shadows.fills);
    return guest.x[A7] != CALL_END;
}
