/* Ring 3 by mret, with memory opened by a PMP entry: what it may and may not do. */
#include "platform.h"

static u64 stack[512] __attribute__((aligned(16)));
static volatile u64 calls, sum;

void m_trap(struct frame *f)
{
    u64 cause = csr_read(mcause);

    if (was_leave(f))
        return;
    check_equal(f->status & STATUS_MPP, 0);
    if (cause == CAUSE_ECALL_U) {
        calls++;
        sum += f->a[0];
        f->a[0] = calls;
        f->epc += 4;
        return;
    }
    note_trap(f, cause, csr_read(mtval));
}

static u64 call(u64 n)
{
    register u64 a0 __asm__("a0") = n;
    register u64 a7 __asm__("a7") = 1;

    __asm__ volatile("ecall" : "+r"(a0) : "r"(a7) : "memory");
    return a0;
}

static void user(u64 argument)
{
    u64 value;

    check_equal(argument, 99);
    for (u64 i = 1; i <= 10; i++)
        check_equal(call(i), i);
    __asm__ volatile("csrr %0, mstatus" : "=r"(value)::"memory");
    check_equal(trapped.cause, CAUSE_ILLEGAL);
    __asm__ volatile("csrr %0, sscratch" : "=r"(value)::"memory");
    __asm__ volatile("mret" ::: "memory");
    __asm__ volatile("sret" ::: "memory");
    __asm__ volatile("wfi" ::: "memory");
    __asm__ volatile("sfence.vma" ::: "memory");
    check_equal(trapped.count, 6);
    leave(5);
}

int main(void)
{
    open_pmp();
    check_equal(drop(RING_3, user, 99, stack + 512), 5);
    check_equal(calls, 10);
    check_equal(sum, 55);
    check_equal(trapped.count, 6);
    return 0;
}
