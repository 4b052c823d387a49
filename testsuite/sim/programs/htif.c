/* HTIF as programs of riscv-tests, pk's and OpenSBI use it. */
#include "board.h"

volatile u64 tohost __attribute__((section(".data.host"), aligned(64)));
volatile u64 fromhost __attribute__((section(".data.host"), aligned(64)));

#define COMMAND(device, command, payload) ((u64)(device) << 56 | (u64)(command) << 48 | (payload))

static volatile u64 block[8] __attribute__((aligned(64)));

static long call(u64 number, u64 a, u64 b, u64 c)
{
    block[0] = number;
    block[1] = a;
    block[2] = b;
    block[3] = c;
    tohost = (u64)block;
    while (fromhost == 0)
        ;
    fromhost = 0;
    return (long)block[0];
}

static void say(const char *s)
{
    for (; *s; s++) {
        tohost = COMMAND(1, 1, (u8)*s);
        while (tohost)
            ;
    }
}

static int get(void)
{
    u64 answer;

    tohost = COMMAND(1, 0, 0);
    while (!(answer = fromhost))
        ;
    fromhost = 0;
    CHECK_EQUAL(answer >> 8, 1ul << 48 | 1); /* device 1, a character is there */
    return answer & 0xff;
}

static void arguments(void)
{
    static u64 room[128];

    CHECK_EQUAL(call(2011, (u64)room, sizeof room, 0), 0);
    for (u64 i = 0; i < room[0]; i++) {
        say((const char *)room[1 + i]);
        say(i + 1 < room[0] ? " " : "\n");
    }
    CHECK_EQUAL(room[room[0] + 1], 0);
    CHECK_EQUAL(room[room[0] + 2], 0);
    CHECK_EQUAL(call(2011, (u64)room, 31, 0), -12);
}

int main(u64 hart, u64 tree)
{
    static char text[8];

    (void)hart;
    (void)tree;
    say("console\n");
    CHECK_EQUAL(call(64, 1, (u64) "written\n", 8), 8);
    CHECK_EQUAL(call(64, 7, (u64) "written\n", 8), -9);
    CHECK_EQUAL(call(64, 1, 0x1000, 8), -14);
    CHECK_EQUAL(call(64, 1, (u64)text, ~0ul), -14);
    CHECK_EQUAL(call(9999, 0, 0, 0), -38);
    CHECK_EQUAL(get(), 'x');
    CHECK_EQUAL(get(), 'y');
    CHECK_EQUAL(call(63, 0, (u64)text, sizeof text), 3);
    CHECK_EQUAL(text[0] << 16 | text[1] << 8 | text[2], 0x7a2e0a); /* "z.\n" */
    arguments();
#ifdef SYS_EXIT
    call(93, SYS_EXIT, 0, 0);
#endif
    tohost = EXIT << 1 | 1;
    for (;;)
        ;
}
