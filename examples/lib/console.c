#include "console.h"

#include <stdarg.h>

#include "platform.h"

void put_char(char c)
{
    *(volatile uint8_t *)UART = (uint8_t)c;
}

static void put_text(const char *s)
{
    while (*s)
        put_char(*s++);
}

static void put_number(uint64_t n, unsigned base)
{
    char digits[20];
    unsigned i = 0;

    do
        digits[i++] = "0123456789abcdef"[n % base];
    while (n /= base);
    while (i)
        put_char(digits[--i]);
}

void say(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    for (; *format; format++) {
        if (*format != '%') {
            put_char(*format);
            continue;
        }
        switch (*++format) {
        case 'l':
            format++; /* %lu, %lx */
            put_number(va_arg(args, uint64_t), *format == 'x' ? 16 : 10);
            break;
        case 's': put_text(va_arg(args, const char *)); break;
        case 'c': put_char((char)va_arg(args, int)); break;
        default: put_char(*format);
        }
    }
    va_end(args);
}

void expect(const char *what, uint64_t counted, uint64_t expected)
{
    say("%s: %lu", what, counted);
    if (counted != expected) {
        say(", but expected %lu\n", expected);
        finish(EXIT_CHECK_FAILED);
    }
    say("\n");
}

_Noreturn void unexpected(const char *what, uint64_t value)
{
    say("unexpected %s: 0x%lx\n", what, value);
    finish(EXIT_UNEXPECTED);
}
