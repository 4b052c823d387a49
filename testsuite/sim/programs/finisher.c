/* Writes WORD to the finisher in the given width; comes to 9 if that ends nothing. With ENDS it
 * waits for the end: QEMU 10 runs on for a while, and the last word would count. */
#include "board.h"

int main(u64 hart, u64 tree)
{
    (void)hart;
    (void)tree;
    (void)REG32(FINISHER);
    REG32(FINISHER + 4) = 0x5555; /* not its register */
    REG32(FINISHER) = 0x1234;     /* not a command */
    WIDTH(FINISHER) = WORD;
#ifdef ENDS
    for (;;)
        ;
#endif
    return 9;
}
