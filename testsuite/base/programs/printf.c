/* picolibc, unmodified: printf, malloc, string functions, on a UART for stdout. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "platform.h"

static int put(char c, FILE *f)
{
    char text[2] = {c, 0};

    (void)f;
    put_text(text);
    return (unsigned char)c;
}

static FILE out = FDEV_SETUP_STREAM(put, NULL, NULL, _FDEV_SETUP_WRITE);
FILE *const stdout = &out;

static int descending(const void *a, const void *b)
{
    return *(const int *)b - *(const int *)a;
}

int main(void)
{
    extern char __tls[];
    int numbers[] = {5, 1, 4, 2, 3};
    char *text;

    __asm__ volatile("mv tp, %0" ::"r"(__tls));
    text = malloc(100);
    check(text);
    snprintf(text, 100, "%s-%05d-%x-%lld", "abc", 42, 0xbeef, -1234567890123ll);
    check(!strcmp(text, "abc-00042-beef--1234567890123"));
    qsort(numbers, 5, sizeof *numbers, descending);
    printf("hello, world: %s %d%d%d%d%d %lu\n", text, numbers[0], numbers[1], numbers[2],
           numbers[3], numbers[4], strtoul("123456789", NULL, 10));
    free(text);
    return 0;
}
