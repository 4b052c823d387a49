/* Fuzzing of visa-sim's command line: any words are refused with a message, or give a
 * machine that runs (as far as its memory is small enough to be made here). */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "machine/machine.h"
#include "command/options.h"

enum { WORDS = 24, LINE = 1024, MOST_RAM = 16 << 20, MOST_ENTRIES = 4096 };

/* A machine that is small enough is made and runs; a bad size is told. */
static void make_machine(const struct options *o)
{
    const struct machine_config *c = &o->config;
    char err[256] = "";
    struct machine *m;

    if (c->ram_bytes > MOST_RAM || (uint64_t)c->tlb_l2 * c->harts > MOST_ENTRIES) {
        fuzz_accept();
        return;
    }
    m = machine_new(c, err, sizeof err);
    if (!m) {
        fuzz_refuse(err);
        return;
    }
    (void)machine_run(m, 100);
    machine_free(m);
    fuzz_accept();
}

static void check(const struct options *o, int argc)
{
    if (o->argc < 0 || o->argc >= argc || (o->argc && o->image != o->argv[0]))
        fuzz_die("the image is not the first word behind the options", "");
    if (o->nloads > MAX_LOADS)
        fuzz_die("more files than there is room for", "");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char line[LINE] = "", err[128] = "", *argv[WORDS + 2] = {(char *)"visa-sim"};
    struct options o;
    int argc;

    size = size < LINE - 1 ? size : LINE - 1;
    memcpy(line, data, size);
    for (size_t i = 0; i < size; i++)
        line[i] = line[i] == '\n' || !line[i] ? ' ' : line[i];
    argc = 1 + fuzz_words(line, argv + 1, WORDS);
    optind = 0;
    opterr = 1;
    if (options_parse(&o, argc, argv, err, sizeof err)) {
        check(&o, argc);
        make_machine(&o);
    } else {
        fuzz_refuse(err);
    }
    options_free(&o);
    return 0;
}
