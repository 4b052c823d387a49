/* What the fuzzers of input share (fuzz.h). */
#define _GNU_SOURCE

#include <dirent.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fuzz.h"

enum { REASONS = 1 << 12 };

static struct fuzz_counts counts;
static uint64_t reasons[REASONS]; /* hashes; a full table only counts too few */
static char directory[256];

struct fuzz_counts fuzz_counts(void)
{
    return counts;
}

void fuzz_accept(void)
{
    counts.accepted++;
}

/* FNV-1a over the plain words of the first line: the sentence, not what it is about. */
static uint64_t sentence(const char *message)
{
    uint64_t hash = 0xcbf29ce484222325ull;
    size_t end = strcspn(message, "\n"), n;

    for (size_t at = 0; at < end; at += n + 1) {
        const char *word = message + at;
        size_t plain = strspn(word, "abcdefghijklmnopqrstuvwxyz");

        n = strcspn(word, " \n");
        plain += word[plain] == ',' || word[plain] == ':' || word[plain] == ';';
        for (size_t i = 0; plain == n && i < n; i++)
            hash = (hash ^ (uint8_t)word[i]) * 0x100000001b3ull;
    }
    return hash | 1;
}

void fuzz_refuse(const char *message)
{
    uint64_t hash = sentence(message);

    counts.refused++;
    if (!*message)
        fuzz_die("refused without a message", "");
    for (unsigned i = 0; i < 64; i++) {
        uint64_t *slot = &reasons[(hash + i) % REASONS];

        if (*slot == hash)
            return;
        if (*slot == 0) {
            *slot = hash;
            counts.reasons++;
            return;
        }
    }
}

_Noreturn void fuzz_die(const char *what, const char *detail)
{
    fprintf(stderr, "fuzz: %s\n%s\n", what, detail);
    fflush(stderr);
    abort();
}

/* Files ------------------------------------------------------------------------------- */

static void remove_directory(void)
{
    fuzz_clean();
    if (chdir("/") == 0)
        rmdir(directory);
}

const char *fuzz_directory(void)
{
    const char *tmp = getenv("TMPDIR");

    if (directory[0])
        return directory;
    snprintf(directory, sizeof directory, "%s/visa-fuzz.XXXXXX", tmp ? tmp : "/tmp");
    if (!mkdtemp(directory) || chdir(directory) != 0)
        fuzz_die("no temporary directory", directory);
    atexit(remove_directory);
    if (!freopen("/dev/null", "r", stdin))
        fuzz_die("standard input cannot be /dev/null", "");
    return directory;
}

void fuzz_write_file(const char *name, const uint8_t *data, size_t size)
{
    FILE *f = fopen(name, "wb");

    if (!f || fwrite(data, 1, size, f) != size || fclose(f) != 0)
        fuzz_die("a temporary file cannot be written", name);
}

unsigned fuzz_clean(void)
{
    DIR *dir = opendir(fuzz_directory());
    unsigned n = 0;

    if (!dir)
        fuzz_die("the temporary directory is gone", directory);
    for (struct dirent *e; (e = readdir(dir));)
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
            n += unlinkat(dirfd(dir), e->d_name, 0) == 0;
    closedir(dir);
    return n;
}

/* Commands ---------------------------------------------------------------------------- */

struct fuzz_run fuzz_main(int (*program)(int, char **), int argc, char **argv)
{
    struct fuzz_run r = {0};
    FILE *out = stdout, *err = stderr;

    /* glibc's streams are variables; the sanitizers write to the descriptor itself. */
    stdout = open_memstream(&r.out, &r.out_size);
    stderr = open_memstream(&r.err, &r.err_size);
    if (!stdout || !stderr)
        abort();
    optind = 0;
    r.status = program(argc, argv);
    fclose(stdout);
    fclose(stderr);
    stdout = out;
    stderr = err;
    return r;
}

void fuzz_run_free(struct fuzz_run *r)
{
    free(r->out);
    free(r->err);
}

int fuzz_words(char *line, char **argv, int most)
{
    int n = 0;
    char *rest = NULL;

    for (char *word = strtok_r(line, " \t", &rest); word && n < most;
         word = strtok_r(NULL, " \t", &rest))
        argv[n++] = word;
    return n;
}
