/* Text on the UART, and checks. */
#ifndef CONSOLE_H
#define CONSOLE_H

#include <stdbool.h>
#include <stdint.h>

void put_char(char c);

/* As printf, with %s, %c, %lu, %lx and %%. */
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Says what was counted and what it had to be; ends the run if they differ. */
void expect(const char *what, uint64_t counted, uint64_t expected);

/* Something happened that the program does not know: says so and ends the run. */
_Noreturn void unexpected(const char *what, uint64_t value);

_Noreturn void finish(uint64_t code);

#endif
