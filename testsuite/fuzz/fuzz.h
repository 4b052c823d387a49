/* What the fuzzers of input share (support.c). Each of image.c, asm.c, dump.c, options.c and
 * config.c exports LLVMFuzzerTestOneInput, for libFuzzer or for the driver of the test suite
 * (driver.c), and calls fuzz_accept or fuzz_refuse once for every input. */
#ifndef FUZZ_FUZZ_H
#define FUZZ_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

void fuzz_accept(void);
/* With the message that the user gets, of which numbers and quoted words do not count. */
void fuzz_refuse(const char *message);

struct fuzz_counts {
    uint64_t accepted, refused;
    unsigned reasons; /* different messages */
};
struct fuzz_counts fuzz_counts(void);

/* A finding: says so and aborts. */
_Noreturn void fuzz_die(const char *what, const char *detail);

/* A directory of our own, which is the current one from the first call on. */
const char *fuzz_directory(void);
void fuzz_write_file(const char *name, const uint8_t *data, size_t size);
/* Removes every file of it; returns how many there were. */
unsigned fuzz_clean(void);

/* Runs a command's main() with what it prints caught; getopt starts anew. */
struct fuzz_run {
    int status;
    char *out, *err;
    size_t out_size, err_size;
};
struct fuzz_run fuzz_main(int (*program)(int, char **), int argc, char **argv);
void fuzz_run_free(struct fuzz_run *r);

/* Words of a line that are separated by blanks, as argv; at most `most`. Writes into line. */
int fuzz_words(char *line, char **argv, int most);

#endif
