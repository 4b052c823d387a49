/* Runs a fuzzer (fuzz.h) for a bounded number of rounds over mutated seeds.
 *
 *   fuzz-TARGET [--seed N] [--rounds N] SEEDFILE...
 *   fuzz-TARGET --replay FILE...
 *
 * Round i of seed N is round 0 of seed N+i: a finding is told with the seed that shows it
 * with --rounds 1, and the input is left in the file fuzz-finding. A run in which nothing
 * was accepted, or nothing refused, has tested nothing and fails. */
#define _POSIX_C_SOURCE 200809L

#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fuzz.h"

enum { MOST_BYTES = 1 << 18, SECONDS_PER_ROUND = 20, MUTATIONS = 8 };

struct input {
    uint8_t *bytes;
    size_t size;
};

static struct {
    struct input *seeds;
    size_t nseeds;
    uint8_t bytes[MOST_BYTES]; /* of this round */
    size_t size;
    uint64_t state, seed;
    int finding; /* where the input of a finding goes */
} driver;

/* The round that ended the program: called by the sanitizers and by signals. */
static void tell_round(void)
{
    char text[80];
    int n =
        snprintf(text, sizeof text, "\nreplay with: --seed %" PRIu64 " --rounds 1\n", driver.seed);
    ssize_t ok = write(STDERR_FILENO, text, (size_t)n);

    if (driver.finding >= 0)
        ok = write(driver.finding, driver.bytes, driver.size);
    (void)ok;
}

static void on_signal(int number)
{
    static const char hangs[] = "fuzz: hangs\n";

    if (number == SIGALRM && write(STDERR_FILENO, hangs, sizeof hangs - 1) < 0)
        _exit(2);
    tell_round();
    _exit(1);
}

/* Of the sanitizers, if the program is linked with them. */
void __sanitizer_set_death_callback(void (*)(void)) __attribute__((weak));

static void watch(void)
{
    struct sigaction action = {.sa_handler = on_signal};

    sigaction(SIGALRM, &action, NULL);
    sigaction(SIGABRT, &action, NULL);
    if (__sanitizer_set_death_callback)
        __sanitizer_set_death_callback(tell_round);
}

static void usage(const char *what, const char *which)
{
    fprintf(stderr, "fuzz: %s %s\n", what, which);
    exit(2);
}

/* Mutation ---------------------------------------------------------------------------- */

static uint64_t below(uint64_t n)
{
    uint64_t z = driver.state += 0x9e3779b97f4a7c15ull; /* splitmix64 */

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ z >> 27) * 0x94d049bb133111ebull;
    return (z ^ z >> 31) % n;
}

/* Headers and what begins a file are worth more than its middle. */
static size_t place(void)
{
    size_t n = driver.size + 1;

    return below(below(3) ? n : n < 128 ? n : 128);
}

static void insert(size_t at, const uint8_t *bytes, size_t n)
{
    if (n > MOST_BYTES - driver.size)
        return;
    memmove(driver.bytes + at + n, driver.bytes + at, driver.size - at);
    memmove(driver.bytes + at, bytes, n);
    driver.size += n;
}

static void overwrite(size_t at, const uint8_t *bytes, size_t n)
{
    if (n <= driver.size - at)
        memcpy(driver.bytes + at, bytes, n);
}

static void number(size_t at)
{
    static const uint64_t often[] = {0,    1,          2,          7,          8,
                                     0xff, 0xffff,     0x7fffffff, 0x80000000, 0xffffffff,
                                     4096, 1ull << 63, UINT64_MAX, 0x80000ffe};
    uint64_t value = often[below(sizeof often / sizeof often[0])] + below(3) - 1;
    size_t bytes = (size_t)1 << below(4);

    overwrite(below(2) ? at : at & ~(bytes - 1), (const uint8_t *)&value, bytes);
}

static void digits(size_t at)
{
    char text[24];
    int n = snprintf(text, sizeof text, below(2) ? "%" PRIu64 : "0x%" PRIx64,
                     below(4) ? below(300) : (uint64_t)1 << below(64));

    insert(at, (const uint8_t *)text, (size_t)n);
}

/* A piece of any seed. */
static void splice(size_t at)
{
    const struct input *from = &driver.seeds[below(driver.nseeds)];
    size_t start = below(from->size + 1), n = below(1 + below(200));

    insert(at, from->bytes + start, n < from->size - start ? n : from->size - start);
}

static void cut(size_t at)
{
    size_t n = below(1 + below(64)), rest = driver.size - at;

    n = n < rest ? n : rest;
    memmove(driver.bytes + at, driver.bytes + at + n, rest - n);
    driver.size -= n;
}

static void mutate(void)
{
    size_t at = place();
    uint8_t byte = (uint8_t)below(256);

    switch (below(10)) {
    case 0:
    case 1: overwrite(at, &byte, 1); break;
    case 2:
        if (at < driver.size)
            driver.bytes[at] ^= (uint8_t)(1u << below(8));
        break;
    case 3:
    case 4: number(at); break;
    case 5: digits(at); break;
    case 6: cut(at); break;
    case 7: splice(at); break;
    case 8:
        insert(at, driver.bytes + at, below(1 + (driver.size - at < 64 ? driver.size - at : 64)));
        break;
    default:
        if (below(8) == 0)
            driver.size = at;
    }
}

/* Running ----------------------------------------------------------------------------- */

static void one(void)
{
    alarm(SECONDS_PER_ROUND);
    LLVMFuzzerTestOneInput(driver.bytes, driver.size);
    alarm(0);
}

static void load(const char *path)
{
    FILE *f = fopen(path, "rb");

    if (!f)
        usage("cannot open", path);
    driver.size = fread(driver.bytes, 1, MOST_BYTES, f);
    if (ferror(f) || fgetc(f) != EOF)
        usage("cannot be read, or is too large:", path);
    fclose(f);
}

static void add_seed(const char *path)
{
    struct input *s;

    load(path);
    driver.seeds = realloc(driver.seeds, (driver.nseeds + 1) * sizeof *driver.seeds);
    if (!driver.seeds || !(driver.seeds[driver.nseeds].bytes = malloc(driver.size + 1)))
        usage("out of memory for", path);
    s = &driver.seeds[driver.nseeds++];
    s->size = driver.size;
    memcpy(s->bytes, driver.bytes, driver.size);
}

static void fuzz(uint64_t first, uint64_t rounds)
{
    for (uint64_t i = 0; i < rounds; i++) {
        driver.seed = driver.state = first + i;
        const struct input *seed = &driver.seeds[below(driver.nseeds)];

        driver.size = seed->size;
        memcpy(driver.bytes, seed->bytes, seed->size);
        for (uint64_t n = below(MUTATIONS); n > 0; n--)
            mutate();
        one();
    }
}

static uint64_t read_number(const char *text)
{
    char *end;
    uint64_t n = strtoull(text, &end, 0);

    if (*end || end == text)
        usage("not a number:", text);
    return n;
}

#ifdef FUZZ_LIBFUZZER /* which has a main() of its own */
#define main driver_main
#endif

int main(int argc, char **argv)
{
    static const struct option options[] = {{"seed", required_argument, 0, 's'},
                                            {"rounds", required_argument, 0, 'n'},
                                            {"replay", no_argument, 0, 'r'},
                                            {0, 0, 0, 0}};
    uint64_t first = 1, rounds = 1000;
    bool replay = false;
    struct fuzz_counts c;
    int o, files;

    while ((o = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (o == '?')
            return 2;
        replay |= o == 'r';
        first = o == 's' ? read_number(optarg) : first;
        rounds = o == 'n' ? read_number(optarg) : rounds;
    }
    if (optind == argc)
        usage("no seed file: expected", "[--seed N] [--rounds N] SEEDFILE...");
    files = optind; /* the targets use getopt as well */
    driver.finding = -1;
    for (int i = files; i < argc; i++)
        add_seed(argv[i]);
    driver.finding = replay ? -1 : open("fuzz-finding", O_WRONLY | O_CREAT | O_TRUNC, 0666);
    watch();
    for (size_t i = 0; replay && i < driver.nseeds; i++) {
        driver.size = driver.seeds[i].size;
        memcpy(driver.bytes, driver.seeds[i].bytes, driver.size);
        one();
    }
    if (!replay)
        fuzz(first, rounds);
    c = fuzz_counts();
    printf("seed %" PRIu64 ", %" PRIu64 " inputs: accepted %" PRIu64 ", refused %" PRIu64
           " for %u reasons\n",
           first, c.accepted + c.refused, c.accepted, c.refused, c.reasons);
    for (size_t i = 0; i < driver.nseeds; i++)
        free(driver.seeds[i].bytes);
    free(driver.seeds);
    return replay || (c.accepted && c.refused) ? 0 : 1;
}
