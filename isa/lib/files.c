/* Files of a command (files.h). */
#define _POSIX_C_SOURCE 200809L

#include "files.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Names of files that are not whole, for handlers of signals; a process has few. */
enum { PENDING = 32, LINKS = 40 };
static char *volatile pending[PENDING];

static bool stdout_told; /* that it could not be written was said */

/* The wrong way round, so that use is an error as it is of a closed descriptor. */
void files_reserve(void)
{
    static const int contrary[] = {O_WRONLY, O_RDONLY, O_RDONLY};

    for (int fd = 0; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0)
            (void)!open("/dev/null", contrary[fd]);
    signal(SIGXFSZ, SIG_IGN); /* a write over the limit fails, and is told */
}

/* --- Which files are the same ------------------------------------------------------------- */

/* Follows links to what may not exist yet. The result is to be freed, NULL: out of memory. */
static char *behind_links(const char *path)
{
    char link[PATH_MAX], *at = strdup(path);

    for (int i = 0; at && i < LINKS; i++) {
        ssize_t n = readlink(at, link, sizeof link - 1);
        const char *slash = strrchr(at, '/');
        size_t directory = n > 0 && *link != '/' && slash ? (size_t)(slash - at) + 1 : 0;
        char *next;

        if (n <= 0)
            break;
        next = malloc(directory + (size_t)n + 1);
        if (next) {
            memcpy(next, at, directory);
            memcpy(next + directory, link, (size_t)n);
            next[directory + (size_t)n] = '\0';
        }
        free(at);
        at = next;
    }
    return at;
}

/* Device and inode of the directory that a name is in, and its last part. */
static const char *place(const char *path, struct stat *directory)
{
    const char *slash = strrchr(path, '/');
    char *name = slash == path ? strdup("/")
                               : strndup(slash ? path : ".", slash ? (size_t)(slash - path) : 1);
    bool ok = name && stat(name, directory) == 0;

    free(name);
    return !ok ? NULL : slash ? slash + 1 : path;
}

static bool same_place(const char *a, const char *b)
{
    char *real_a = behind_links(a), *real_b = behind_links(b);
    struct stat in_a, in_b;
    const char *last_a = real_a ? place(real_a, &in_a) : NULL;
    const char *last_b = real_b ? place(real_b, &in_b) : NULL;
    bool same = last_a && last_b && in_a.st_dev == in_b.st_dev && in_a.st_ino == in_b.st_ino &&
                strcmp(last_a, last_b) == 0;

    free(real_a);
    free(real_b);
    return same;
}

static bool one_file(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino && !S_ISCHR(a->st_mode);
}

bool files_same(const char *a, const char *b)
{
    struct stat is_a, is_b;
    bool there_a = stat(a, &is_a) == 0, there_b = stat(b, &is_b) == 0;

    if (there_a && there_b)
        return one_file(&is_a, &is_b);
    return !there_a && !there_b && same_place(a, b);
}

bool files_same_as_stdout(const char *path)
{
    struct stat is, standard;

    return stat(path, &is) == 0 && fstat(STDOUT_FILENO, &standard) == 0 && one_file(&is, &standard);
}

const char *files_shown(const char *name, struct shown_name *room)
{
    static const char cut[] = "...";
    size_t n = strlen(name), most = sizeof room->text - sizeof cut;

    if (n < sizeof room->text)
        return name;
    snprintf(room->text, sizeof room->text, "%s%s", cut, name + n - most);
    return room->text;
}

bool files_printed(const char *program)
{
    const char *why = NULL;

    errno = 0;
    if (fflush(stdout) || ferror(stdout))
        why = errno ? strerror(errno) : "an earlier write failed";
    if (why && !stdout_told)
        fprintf(stderr, "%s: standard output could not be written completely: %s\n", program, why);
    return !why && !fflush(stderr) && !ferror(stderr);
}

/* --- New files ---------------------------------------------------------------------------- */

int files_temporary(const char *target, char **name)
{
    static const char form[] = ".visa-XXXXXX"; /* short, whatever the target's name is */
    const char *slash = strrchr(target, '/');
    size_t directory = slash ? (size_t)(slash - target) + 1 : 0;
    int fd;

    *name = malloc(directory + sizeof form);
    if (!*name)
        return -1;
    memcpy(*name, target, directory);
    memcpy(*name + directory, form, sizeof form);
    fd = mkstemp(*name);
    for (int i = 0; fd >= 0 && i < PENDING; i++)
        if (!pending[i]) {
            pending[i] = *name;
            return fd;
        }
    if (fd >= 0)
        return fd;
    free(*name);
    *name = NULL;
    return -1;
}

void files_settled(const char *name)
{
    for (int i = 0; i < PENDING; i++)
        if (pending[i] == name)
            pending[i] = NULL;
}

void files_abandon(void)
{
    for (int i = 0; i < PENDING; i++)
        if (pending[i])
            unlink(pending[i]);
}

static void abandon(int number)
{
    files_abandon();
    raise(number); /* its handler is the default one again */
}

void files_abandon_on_signals(void)
{
    static const int ends[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGPIPE, SIGXCPU};
    struct sigaction now, action = {.sa_handler = abandon, .sa_flags = (int)SA_RESETHAND};

    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++)
        if (sigaction(ends[i], NULL, &now) == 0 && now.sa_handler == SIG_DFL)
            sigaction(ends[i], &action, NULL);
}

/* As fopen would have made it, or as the one that it replaces. */
static mode_t mode_of(const char *target)
{
    struct stat st;
    mode_t mask;

    if (stat(target, &st) == 0)
        return st.st_mode & 07777;
    mask = umask(0);
    umask(mask);
    return 0666 & ~mask;
}

static FILE *open_temporary(struct output *o)
{
    int fd;

    if (!(o->target = behind_links(o->path)))
        return NULL;
    fd = files_temporary(o->target, &o->temporary);
    if (fd >= 0 && fchmod(fd, mode_of(o->target)) == 0)
        return fdopen(fd, "w");
    if (fd >= 0)
        close(fd);
    else if (access(o->target, W_OK) == 0) /* the file may be written, the directory not */
        return fopen(o->target, "w");
    return NULL;
}

static void forget(struct output *o)
{
    if (o->temporary)
        files_settled(o->temporary);
    free(o->temporary);
    free(o->target);
    *o = (struct output){.path = o->path};
}

bool output_open(struct output *o, const char *path, char *err, size_t n)
{
    struct stat st;

    *o = (struct output){.path = path};
    if (strcmp(path, "-") == 0)
        o->out = stdout;
    else if (stat(path, &st) == 0 && !S_ISREG(st.st_mode))
        o->out = fopen(path, "w");
    else if (stat(path, &st) == 0 && access(path, W_OK))
        o->out = NULL; /* to replace it would need the directory only */
    else
        o->out = open_temporary(o);
    if (o->out)
        return true;
    snprintf(err, n, "cannot be written: %s", strerror(errno));
    if (o->temporary)
        unlink(o->temporary);
    forget(o);
    return false;
}

bool output_close(struct output *o, bool whole, char *err, size_t n)
{
    bool failed, standard = o->out == stdout;
    const char *why = "out of memory";

    if (ferror(o->out) && !o->lost)
        o->lost = errno; /* each write after the first that failed has set this anew */
    errno = o->lost;
    failed = fflush(o->out) || ferror(o->out);
    failed |= !standard && fclose(o->out);
    o->out = NULL;
    if (failed)
        why = errno ? strerror(errno) : "an earlier write failed";
    else if (whole && o->temporary && rename(o->temporary, o->target))
        why = strerror(errno);
    else if (whole)
        why = NULL;
    if (why && o->temporary)
        unlink(o->temporary);
    if (why)
        snprintf(err, n, "could not be written completely: %s", why);
    stdout_told |= standard && why;
    forget(o);
    return !why;
}

void output_drop(struct output *o)
{
    if (!o->out)
        return;
    if (o->out != stdout)
        fclose(o->out);
    if (o->temporary)
        unlink(o->temporary);
    o->out = NULL;
    forget(o);
}
