/* Timer and software interrupts of Ring -1. */
#include "board.h"

static volatile u64 seen;

static void interrupt(u64 code)
{
    seen |= 1ul << code;
    if (code == 7)
        MTIMECMP(0) = ~0ul;
    if (code == 3)
        MSIP(0) = 0;
}

static void timer(void)
{
    u64 start = MTIME;

    MTIMECMP(0) = start + 1000;
    write_csr(mie, MIP_MTIP);
    SLEEP_UNTIL(seen);
    CHECK_EQUAL(seen, 1 << 7);
    CHECK_EQUAL(MTIME >= start + 1000, 1);
    CHECK_EQUAL(read_csr(mip) & MIP_MTIP, 0);
    MTIMECMP(0) = 0;
    CHECK_EQUAL(read_csr(mip) & MIP_MTIP, MIP_MTIP);
    MTIMECMP(0) = ~0ul;
    CHECK_EQUAL(read_csr(mip) & MIP_MTIP, 0);
}

static void halves(void)
{
    MTIMECMP(0) = 0x1122334455667788;
    CHECK_EQUAL(REG32(CLINT + 0x4000), 0x55667788);
    CHECK_EQUAL(REG32(CLINT + 0x4004), 0x11223344);
    REG32(CLINT + 0x4000) = 0xfffffff0;
    CHECK_EQUAL(MTIMECMP(0), 0x11223344fffffff0);
    REG32(CLINT + 0x4004) = 0x7fffffff;
    CHECK_EQUAL(MTIMECMP(0), 0x7ffffffffffffff0);
    CHECK_EQUAL(REG32(CLINT + 0xbffc), MTIME >> 32);
}

static void software(void)
{
    seen = 0;
    CHECK_EQUAL(MSIP(0), 0);
    MSIP(0) = 0xffffffff; /* one bit exists */
    CHECK_EQUAL(MSIP(0), 1);
    CHECK_EQUAL(read_csr(mip) & MIP_MSIP, MIP_MSIP);
    write_csr(mie, MIP_MSIP);
    set_csr(mstatus, MIE);
    CHECK_EQUAL(seen, 1 << 3);
    CHECK_EQUAL(MSIP(0), 0);
    clear_csr(mstatus, MIE);
    CHECK_EQUAL(read_csr(mip) & MIP_MSIP, 0);
}

/* mtime can be set; a timer that then lies behind rings at once. */
static void set_time(void)
{
    MTIMECMP(0) = 1ul << 40;
    CHECK_EQUAL(read_csr(mip) & MIP_MTIP, 0);
    MTIME = 1ul << 40;
    CHECK_EQUAL(MTIME >> 40, 1);
    CHECK_EQUAL(read_csr(mip) & MIP_MTIP, MIP_MTIP);
    MTIMECMP(0) = ~0ul;
}

/* After reset no timer rings: mtimecmp is all ones. */
static void at_reset(void)
{
#ifdef OWN
    CHECK_EQUAL(MTIMECMP(0), ~0ul);
    CHECK_EQUAL(read_csr(mip) & MIP_MTIP, 0);
#endif
}

/* mtime is time and what was written to mtime; time goes on from where it was. */
static void time_does_not_follow(void)
{
#ifdef OWN
    u64 before = read_csr(time);

    MTIME = 1ul << 50;
    CHECK_EQUAL(read_csr(time) - before < 10000, 1);
    u64 offset = MTIME - read_csr(time);
    CHECK_EQUAL(offset - ((1ul << 50) - before) + 10000 < 20000, 1);
    for (int i = 0; i < 5000; i++)
        __asm__ volatile("");
    CHECK_EQUAL(MTIME - read_csr(time) - offset + 100 < 200, 1);
    CHECK_EQUAL(read_csr(time) > before, 1);
    REG32(CLINT + 0xbffc) = 5; /* a half: the other goes on */
    CHECK_EQUAL(MTIME >> 32, 5);
    MTIME = 0;
    CHECK_EQUAL(MTIME < 10000, 1);
#endif
}

/* Compared without sign, at the upper end too. */
static void all_ones(void)
{
    MTIMECMP(0) = ~0ul;
    MTIME = ~0ul - 100000;
    CHECK_EQUAL(read_csr(mip) & MIP_MTIP, 0);
    MTIMECMP(0) = ~0ul - 100000;
    CHECK_EQUAL(read_csr(mip) & MIP_MTIP, MIP_MTIP);
    MTIMECMP(0) = ~0ul;
    CHECK_EQUAL(read_csr(mip) & MIP_MTIP, 0);
    MTIME = 0;
}

#ifdef OWN
static void wait_while_timer(u64 level)
{
    while ((read_csr(mip) & MIP_MTIP) == level)
        ;
}
#endif

/* A level that nobody touches: it falls when mtime goes round, and rises again behind it. */
static void wraps(void)
{
#ifdef OWN
    seen = 0;
    MTIMECMP(0) = -2ul;
    MTIME = -3ul;
    CHECK_EQUAL(read_csr(mip) & MIP_MTIP, 0);
    wait_while_timer(0);
    CHECK_EQUAL(MTIME, -2ul);
    wait_while_timer(MIP_MTIP);
    CHECK_EQUAL(MTIME, 0);
    write_csr(mie, MIP_MTIP);
    set_csr(mstatus, MIE);
    CHECK_EQUAL(seen, 0);
    clear_csr(mstatus, MIE);
    write_csr(mie, 0);
    MTIMECMP(0) = 40;
    MTIME = -9ul;
    CHECK_EQUAL(read_csr(mip) & MIP_MTIP, MIP_MTIP);
    wait_while_timer(MIP_MTIP);
    CHECK_EQUAL(MTIME, 0);
    write_csr(mie, MIP_MTIP);
    SLEEP_UNTIL(seen);
    CHECK_EQUAL(MTIME >= 40 && MTIME < 60, 1);
    write_csr(mie, 0);
    MTIMECMP(0) = 0; /* never above mtime */
    MTIME = -9ul;
    while (MTIME >> 63)
        CHECK_EQUAL(read_csr(mip) & MIP_MTIP, MIP_MTIP);
    CHECK_EQUAL(read_csr(mip) & MIP_MTIP, MIP_MTIP);
    MTIMECMP(0) = ~0ul;
#endif
}

int main(u64 hart, u64 tree)
{
    (void)hart;
    (void)tree;
    on_interrupt = interrupt;
    at_reset();
    timer();
    halves();
    software();
    set_time();
    all_ones();
    time_does_not_follow();
    wraps();
    return 0;
}
