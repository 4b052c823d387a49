/* Fuzzing of visa-as: any text either becomes a file that visa-objdump takes without a
 * word, or an error with a place and no file.
 *
 * A first line that begins with "#!" is the command line; slashes in it become
 * underscores, so that no file is written outside the directory of the run. */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

int visa_as_main(int argc, char **argv);
int visa_objdump_main(int argc, char **argv);

enum { WORDS = 16 };

static const char source[] = "in.s", output[] = "out.bin";

/* The words of the first line into argv, behind the program's name; returns their number. */
static int command_line(const uint8_t *data, size_t size, char *line, size_t room, char **argv)
{
    size_t n = 0;

    if (size < 2 || memcmp(data, "#!", 2) != 0)
        return 0;
    for (data += 2, size -= 2; n < size && n < room - 1 && data[n] && data[n] != '\n'; n++)
        line[n] = data[n] == '/' ? '_' : (char)data[n];
    line[n] = 0;
    return fuzz_words(line, argv, WORDS);
}

/* Whatever was written is a file that the disassembler understands. */
static void check_output(void)
{
    char *argv[] = {(char *)"visa-objdump", (char *)"-Drth", (char *)output, NULL};
    struct fuzz_run r;
    FILE *f = fopen(output, "rb");

    if (!f)
        return; /* -o or --help gave it another name */
    fclose(f);
    r = fuzz_main(visa_objdump_main, 3, argv);
    if (r.status != 0 || r.err_size)
        fuzz_die("visa-objdump refuses what visa-as wrote", r.err);
    fuzz_run_free(&r);
}

static void judge(const struct fuzz_run *r)
{
    unsigned files;

    if (r->status == 0)
        check_output();
    remove(source);
    files = fuzz_clean();
    if (r->status == 0) {
        fuzz_accept();
        return;
    }
    if (r->status != 1 && r->status != 2)
        fuzz_die("a status that the manual does not name", r->err);
    if (files)
        fuzz_die("a file is left after an error", r->err);
    if (r->status == 1 && !strstr(r->err, "error: "))
        fuzz_die("failed without an error", r->err);
    fuzz_refuse(r->status == 1 ? strstr(r->err, "error: ") : r->err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char line[512], *argv[WORDS + 5] = {(char *)"visa-as", (char *)"-o", (char *)output};
    int argc = 3;
    struct fuzz_run r;

    fuzz_directory();
    fuzz_write_file(source, data, size);
    argc += command_line(data, size, line, sizeof line, argv + argc);
    argv[argc++] = (char *)source;
    argv[argc] = NULL;
    r = fuzz_main(visa_as_main, argc, argv);
    judge(&r);
    fuzz_run_free(&r);
    return 0;
}
