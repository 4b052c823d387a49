/* Code that writes code: after fence.i the new instructions execute, also in a loop that has
 * been executed often, over a page's end, and in Ring 0. */
#include "platform.h"

static volatile uint32_t code[2048] __attribute__((aligned(4096)));
static u64 stack[512] __attribute__((aligned(16)));

void m_trap(struct frame *f)
{
    check(was_leave(f));
}

static void fence_i(void)
{
    __asm__ volatile("fence.i" ::: "memory");
}

static uint32_t addi(unsigned rd, unsigned rs1, unsigned imm)
{
    return imm << 20 | rs1 << 15 | rd << 7 | 0x13;
}

enum { RET = 0x8067, A0 = 10 };

static u64 run(volatile uint32_t *at, u64 n)
{
    return ((u64(*)(u64))at)(n);
}

static void rewrite(u64 ring)
{
    (void)ring;
    for (unsigned at = 0; at < 2046; at += 341) {
        code[at + 1] = RET;
        for (unsigned n = 1; n < 20; n++) {
            code[at] = addi(A0, A0, n);
            fence_i();
            for (unsigned i = 0; i < 50; i++)
                check_equal(run(code + at, 1000), 1000 + n);
        }
    }
    /* a 32-bit instruction over the end of a page, one half written after the other */
    volatile uint16_t *half = (volatile uint16_t *)code + 2047;
    for (unsigned n = 1; n < 10; n++) {
        half[0] = (uint16_t)addi(A0, A0, n);
        half[1] = (uint16_t)(addi(A0, A0, n) >> 16);
        half[2] = RET & 0xffff;
        half[3] = RET >> 16;
        fence_i();
        check_equal(run((volatile uint32_t *)half, 5), 5 + n);
        half[1] = (uint16_t)(addi(A0, A0, n + 7) >> 16);
        fence_i();
        check_equal(run((volatile uint32_t *)half, 5), 12 + n);
    }
}

static void lower(u64 n)
{
    rewrite(n);
    leave(1);
}

int main(void)
{
    open_pmp();
    rewrite(3);
    check_equal(drop(RING_0, lower, 0, stack + 512), 1);
    check_equal(drop(RING_3, lower, 0, stack + 512), 1);
    return 0;
}
