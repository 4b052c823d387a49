/* Memory that runs out, for tests: preloaded into a command, it lets one request fail, or all from
 * one on.
 *
 *   FAILING_AT     number of the request that fails, from 1; 0 or none: all succeed
 *   FAILING_ON     if set, all behind it fail too
 *   FAILING_COUNT  file that gets, at the end, how many there were
 *   FAILING_PEAK   file that gets, at the end, how many KiB the process had at most
 *   FAILING_SPARE  libraries whose requests are neither counted nor refused: words of their names
 *
 * Counted are requests of the program and of every library that it uses, but only from main on:
 * before it the dynamic loader and the constructors of C++ ask, and what these do without memory is
 * to end by abort(), which no program can change. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);

static volatile bool counting;
static unsigned long requests, fails_at;
static bool fails_on;
static char spare[256], count_file[4096], peak_file[4096];

/* Does the address belong to a library that is spared? */
static bool is_spared(const void *caller)
{
    Dl_info info;
    bool found = false;

    if (!spare[0])
        return false;
    counting = false; /* the loader may ask for memory itself */
    if (dladdr(caller, &info) && info.dli_fname)
        found = strstr(info.dli_fname, spare);
    counting = true;
    return found;
}

static bool refused(const void *caller)
{
    if (!counting || is_spared(caller))
        return false;
    requests++;
    if (fails_at == 0 || requests < fails_at || (requests > fails_at && !fails_on))
        return false;
    errno = ENOMEM;
    return true;
}

#define CALLER __builtin_return_address(0)

void *malloc(size_t n)
{
    return refused(CALLER) ? NULL : __libc_malloc(n);
}

void *calloc(size_t n, size_t size)
{
    return refused(CALLER) ? NULL : __libc_calloc(n, size);
}

void *realloc(void *p, size_t n)
{
    return refused(CALLER) ? NULL : __libc_realloc(p, n);
}

void *reallocarray(void *p, size_t n, size_t size)
{
    size_t bytes;

    if (__builtin_mul_overflow(n, size, &bytes)) {
        errno = ENOMEM;
        return NULL;
    }
    return refused(CALLER) ? NULL : __libc_realloc(p, bytes);
}

/* Of libraries that are spared, too, which the caller of malloc does not show. */
char *strdup(const char *s)
{
    size_t n = strlen(s) + 1;
    char *copy = refused(CALLER) ? NULL : __libc_malloc(n);

    return copy ? memcpy(copy, s, n) : NULL;
}

char *__strdup(const char *s) __attribute__((alias("strdup")));

void *memalign(size_t align, size_t n)
{
    return refused(CALLER) ? NULL : __libc_memalign(align, n);
}

void *aligned_alloc(size_t align, size_t n)
{
    return refused(CALLER) ? NULL : __libc_memalign(align, n);
}

int posix_memalign(void **p, size_t align, size_t n)
{
    void *got = refused(CALLER) ? NULL : __libc_memalign(align, n);

    if (!got)
        return ENOMEM;
    *p = got;
    return 0;
}

static void write_number(const char *path, unsigned long number)
{
    int fd = path[0] ? open(path, O_WRONLY | O_CREAT | O_TRUNC, 0666) : -1;
    char text[32];
    int n = snprintf(text, sizeof text, "%lu\n", number);

    if (fd < 0)
        return;
    (void)!write(fd, text, (size_t)n);
    close(fd);
}

/* Not getrusage's: that has the peak of the process that forked this one. */
static unsigned long peak(void)
{
    char text[4096] = "", *line;
    int fd = open("/proc/self/status", O_RDONLY);

    (void)!read(fd, text, sizeof text - 1);
    close(fd);
    line = strstr(text, "VmHWM:");
    return line ? strtoul(line + 6, NULL, 10) : 0;
}

/* Also of programs that end by exit(); not of those that a signal ends. */
__attribute__((destructor)) static void tell(void)
{
    counting = false;
    write_number(count_file, requests);
    write_number(peak_file, peak_file[0] ? peak() : 0);
}

static int (*real_main)(int, char **, char **);

static int counted_main(int argc, char **argv, char **env)
{
    counting = true;
    return real_main(argc, argv, env);
}

typedef int start_fn(int (*)(int, char **, char **), int, char **, void (*)(void), void (*)(void),
                     void (*)(void), void *);

int __libc_start_main(int (*main)(int, char **, char **), int argc, char **argv, void (*init)(void),
                      void (*fini)(void), void (*rtld_fini)(void), void *end)
{
    start_fn *start = (start_fn *)dlsym(RTLD_NEXT, "__libc_start_main");
    const char *at = getenv("FAILING_AT"), *not = getenv("FAILING_SPARE"),
               *count = getenv("FAILING_COUNT"), *most = getenv("FAILING_PEAK");

    fails_at = at ? strtoul(at, NULL, 10) : 0;
    fails_on = getenv("FAILING_ON");
    snprintf(spare, sizeof spare, "%s", not ? not : "");
    snprintf(count_file, sizeof count_file, "%s", count ? count : "");
    snprintf(peak_file, sizeof peak_file, "%s", most ? most : "");
    real_main = main;
    return start(counted_main, argc, argv, init, fini, rtld_fini, end);
}
