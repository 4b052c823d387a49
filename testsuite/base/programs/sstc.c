/* stimecmp gives Ring 0 its own timer, delivered to it through mideleg (Sstc). */
#include "platform.h"

static volatile u64 ticks, software;
static u64 stack[512] __attribute__((aligned(16))), trap_stack[512] __attribute__((aligned(16)));

void m_trap(struct frame *f)
{
    check(was_leave(f));
}

void s_trap(struct frame *f)
{
    u64 cause = csr_read(scause);

    (void)f;
    if (cause == (INTERRUPT | 5)) {
        ticks++;
        csr_write(stimecmp, csr_read(time) + 30);
        if (ticks == 5)
            csr_write(stimecmp, ~0ull);
    } else {
        check_equal(cause, INTERRUPT | 1);
        software++;
        csr_clear(sip, MIP_SSI);
    }
}

static void kernel(u64 argument)
{
    u64 start = csr_read(time);

    (void)argument;
    csr_write(stvec, s_entry);
    csr_write(sscratch, trap_stack + 512);
    check(!(csr_read(sip) & MIP_STI));
    csr_write(stimecmp, start + 50);
    csr_write(sie, MIP_STI | MIP_SSI);
    csr_set(sstatus, STATUS_SIE);
    while (ticks < 5)
        ;
    check(csr_read(time) >= start + 50 + 4 * 30);
    csr_set(sip, MIP_SSI);
    for (unsigned i = 0; i < 1000 && !software; i++)
        ;
    check_equal(software, 1);

    /* a timer in the past is pending at once, and one in the future no longer */
    csr_clear(sstatus, STATUS_SIE);
    csr_write(stimecmp, 0);
    check(csr_read(sip) & MIP_STI);
    csr_write(stimecmp, ~0ull);
    check(!(csr_read(sip) & MIP_STI));
    leave(7);
}

int main(void)
{
    open_pmp();
    csr_write(menvcfg, 1ull << 63);
    csr_write(mcounteren, 7);
    csr_write(stimecmp, ~0ull);
    csr_write(mideleg, MIP_SSI | MIP_STI | MIP_SEI);
    check_equal(drop(RING_0, kernel, 0, stack + 512), 7);
    check_equal(ticks, 5);
    return 0;
}
