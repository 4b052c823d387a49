/* Several harts: woken by software interrupts, they add under AMOs, under a lock of lr and sc, and
 * under one of amoswap, and tell each other by interrupts that they are done. */
#include "platform.h"

#ifndef HARTS
#define HARTS 4
#endif

enum { ROUNDS = 2000 };
static volatile u64 sum_amo, sum_lr, sum_lock, done;
static volatile uint32_t sum_word, lock_swap;
static volatile u64 started[HARTS];

static void add_lr_sc(volatile u64 *at, u64 n)
{
    u64 old, failed;

    do {
        __asm__ volatile("lr.d.aq %0, (%2)\n add %0, %0, %3\n sc.d.rl %1, %0, (%2)"
                         : "=&r"(old), "=&r"(failed)
                         : "r"(at), "r"(n)
                         : "memory");
    } while (failed);
}

static void acquire(void)
{
    uint32_t held;

    do {
        __asm__ volatile("amoswap.w.aq %0, %1, (%2)"
                         : "=r"(held)
                         : "r"(1), "r"(&lock_swap)
                         : "memory");
    } while (held);
}

static void release(void)
{
    __asm__ volatile("amoswap.w.rl zero, zero, (%0)" ::"r"(&lock_swap) : "memory");
}

static void work(u64 hart)
{
    started[hart] = hart + 1;
    for (u64 i = 0; i < ROUNDS; i++) {
        __asm__ volatile("amoadd.d zero, %0, (%1)" ::"r"(hart + 1), "r"(&sum_amo) : "memory");
        __asm__ volatile("amoadd.w zero, %0, (%1)" ::"r"(1), "r"(&sum_word) : "memory");
        add_lr_sc(&sum_lr, hart + 1);
        acquire();
        sum_lock = sum_lock + hart + 1;
        release();
    }
    __asm__ volatile("amoadd.d.rl zero, %0, (%1)" ::"r"(1ull), "r"(&done) : "memory");
    MSIP(0) = 1;
}

void other_hart(u64 hart)
{
    work(hart);
}

int main(void)
{
    u64 all = (u64)ROUNDS * HARTS * (HARTS + 1) / 2;

    csr_write(mie, MIP_MSI);
    for (u64 hart = 1; hart < HARTS; hart++)
        MSIP(hart) = 1;
    work(0);
    while (done < HARTS) {
        __asm__ volatile("wfi" ::: "memory");
        MSIP(0) = 0;
    }
    for (u64 hart = 0; hart < HARTS; hart++)
        check_equal(started[hart], hart + 1);
    check_equal(sum_amo, all);
    check_equal(sum_word, ROUNDS * HARTS);
    check_equal(sum_lr, all);
    check_equal(sum_lock, all);
    return 0;
}
