/* The guest, in Ring 0: it counts to three on a port, with work between. */
#include "visa.h"

enum { CONSOLE = 0xe9 };

static void say(const char *text)
{
    while (*text)
        visa_out_b(CONSOLE, (unsigned char)*text++);
}

static void work(void)
{
    for (volatile unsigned i = 0; i < 1000; i++)
        ;
}

int main(void)
{
    static const char *const lines[] = {"one\n", "two\n", "three\n"};

    for (unsigned i = 0; i < 3; i++) {
        work();
        say(lines[i]);
    }
    visa_vmexit(0);
    return 0;
}
