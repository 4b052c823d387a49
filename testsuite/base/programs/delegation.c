/* A small operating system: Ring 0 with an application in Ring 3 on its own pages, whose calls,
 * faults and illegal instructions come to Ring 0 and never to Ring -1. */
#include "platform.h"

static volatile table root, middle, low;
static u64 kernel_stack[512] __attribute__((aligned(16))),
    trap_stack[512] __attribute__((aligned(16)));
static volatile u64 user_data[512] __attribute__((aligned(4096)));
static volatile u64 calls, faults, illegal;
extern char app[], app_end[];
#define CODE 0x40000000ull
#define DATA 0x40001000ull

/* The application: counts to 5 by calls, touches a missing page, executes mret, ends by call 0. */
__asm__(".balign 4096\napp:\n"
        "li s0, 5\n"
        "1: li a7, 1\n mv a0, s0\n ecall\n"
        "addi s0, s0, -1\n bnez s0, 1b\n"
        "li s1, 0x40001000\n ld s2, 0(s1)\n addi s2, s2, 1\n sd s2, 0(s1)\n"
        "li s3, 0x40002000\n sd s2, 8(s3)\n ld s4, 8(s3)\n"
        "mret\n"
        "li a7, 0\n mv a0, s4\n ecall\n"
        ".balign 4096\napp_end:\n");

void m_trap(struct frame *f)
{
    check(was_leave(f)); /* nothing else comes here */
}

static volatile u64 result;
static void back(u64 value);

void s_trap(struct frame *f)
{
    u64 cause = csr_read(scause);

    check_equal(csr_read(sstatus) & STATUS_SPP, 0);
    if (cause == CAUSE_ECALL_U && f->a[7] == 1) {
        calls += f->a[0];
        f->epc += 4;
    } else if (cause == CAUSE_ECALL_U) {
        result = f->a[0];
        f->epc = (u64)back;
        f->a[0] = result;
        f->sp = (u64)(kernel_stack + 256);
        f->status |= STATUS_SPP;
    } else if (cause == CAUSE_STORE_PAGE) {
        faults++;
        check_equal(csr_read(stval), 0x40002008);
        low[2] = leaf(user_data, PTE_RW | PTE_U);
        sfence();
    } else {
        check_equal(cause, CAUSE_ILLEGAL);
        check_equal(csr_read(stval), 0x30200073);
        illegal++;
        f->epc += 4;
    }
}

static void back(u64 value)
{
    csr_write(satp, 0);
    sfence();
    leave(value);
}

static void kernel(u64 argument)
{
    (void)argument;
    csr_write(stvec, s_entry);
    csr_write(sscratch, trap_stack + 512);
    csr_write(satp, satp_value(SATP_SV39, &root, 0));
    sfence();
    csr_write(sepc, CODE);
    csr_clear(sstatus, STATUS_SPP);
    __asm__ volatile("sret");
}

int main(void)
{
    open_pmp();
    map_identity(&root, PTE_RWX);
    root[1] = branch(&middle);
    middle[0] = branch(&low);
    low[0] = leaf(app, PTE_V | PTE_R | PTE_X | PTE_U | PTE_A);
    low[1] = leaf(user_data, PTE_RW | PTE_U);
    user_data[0] = 41;
    csr_write(medeleg, 0xb1ff);
    csr_write(mideleg, MIP_SSI | MIP_STI | MIP_SEI);
    check_equal(drop(RING_0, kernel, 0, kernel_stack + 512), 42);
    check_equal(calls, 5 + 4 + 3 + 2 + 1);
    check_equal(faults, 1);
    check_equal(illegal, 1);
    check_equal(user_data[0], 42);
    check_equal(user_data[1], 42);
    return 0;
}
