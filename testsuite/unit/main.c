/* Runs the unit test that is named; without a name lists them. */
#include "unit.h"

#include <string.h>

unsigned failures;

static const struct {
    const char *name;
    void (*run)(void);
} tests[] = {
#define TEST(name) {#name, name},
    UNIT_TESTS(TEST)};

int main(int argc, char **argv)
{
    for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++) {
        if (argc == 1)
            puts(tests[i].name);
        if (argc == 2 && strcmp(argv[1], tests[i].name) == 0) {
            tests[i].run();
            return failures != 0;
        }
    }
    return argc == 1 ? 0 : 2;
}
