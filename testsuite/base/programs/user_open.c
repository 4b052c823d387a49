/* A machine whose PMP entries are all off lets Ring 3 and Ring 0 at all of memory, as software
 * written for machines without PMP expects (V-ISA's own rule); one entry on ends that. */
#include "platform.h"

static u64 stack[512] __attribute__((aligned(16)));
static volatile u64 word = 1;

void m_trap(struct frame *f)
{
    if (was_leave(f))
        return;
    note_trap(f, csr_read(mcause), csr_read(mtval));
    if (trapped.cause == 1) { /* the code itself cannot be fetched: out of it */
        extern char drop_return[];

        f->epc = (u64)drop_return;
        f->status |= STATUS_MPP;
        f->a[0] = 1234;
    }
}

static void lower(u64 n)
{
    word += n;
    leave(word);
}

int main(void)
{
    check_equal(drop(RING_3, lower, 10, stack + 512), 11);
    check_equal(drop(RING_0, lower, 10, stack + 512), 21);
    check_equal(trapped.count, 0);

    /* one page for nobody: now everything else is closed as well */
    csr_write(pmpaddr3, 0x80700000ull >> 2 | 0x1ff);
    csr_write(pmpcfg0, 0x18ull << 24);
    drop(RING_3, lower, 10, stack + 512);
    check_equal(trapped.count, 1);
    check_equal(trapped.cause, 1);
    check_equal(trapped.tval, lower);
    check_equal(word, 21);
    csr_write(pmpcfg0, 0);
    check_equal(drop(RING_0, lower, 1, stack + 512), 22);
    return 0;
}
