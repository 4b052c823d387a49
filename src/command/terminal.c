/* The console of the command line (terminal.h). */
#define _POSIX_C_SOURCE 200809L

#include "terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "machine/machine.h"

enum { ESCAPE = 1, /* Ctrl-A */ QUIT = 'x' };

/* How often a terminal is looked at: every so many ticks of `time`, for a system call
 * at each poll of a guest's driver would cost more than the guest. */
enum { LOOK_EVERY = 1000 };

/* How long input is waited for before it is asked whether the run is to end, in milliseconds. */
enum { WAIT = 50 };

struct terminal {
    struct machine *machine;
    struct termios saved;
    int fd; /* input, -1 none */
    FILE *out;
    bool tty, file, ours, ended, escaped;
    uint64_t next_look;
    uint8_t typed[256]; /* at the terminal, and not yet taken by the guest */
    unsigned head, n;
    int trouble; /* errno of a read that failed, or of a write */
    int lost;
};

/* For signals' handlers: the terminal that is in raw mode. */
static struct terminal *volatile raw;

/* What nobody can read need not be computed: the run ends. */
static void put(void *user, uint8_t c)
{
    struct terminal *t = user;

    if (putc(c, t->out) != EOF)
        return;
    t->lost = errno;
    if (t->machine)
        machine_stop(t->machine);
}

static bool readable(const struct terminal *t, int ms)
{
    struct pollfd p = {.fd = t->fd, .events = POLLIN};

    return t->fd >= 0 && !t->ended && poll(&p, 1, ms) > 0;
}

/* One byte of input; false at its end, or if the run is to end while it is waited for. Somebody
 * else may have made the file non-blocking: then it is waited for all the same. */
static bool take(struct terminal *t, uint8_t *c)
{
    ssize_t n;

    do {
        while (!t->file && !readable(t, WAIT))
            if (t->machine && machine_stopping(t->machine))
                return false;
        n = read(t->fd, c, 1);
    } while (n < 0 && (errno == EAGAIN || errno == EINTR));
    if (n < 0 && !(t->tty && errno == EIO)) /* a terminal whose other end is gone */
        t->trouble = errno;
    t->ended = n <= 0;
    return n == 1;
}

static void type(struct terminal *t, uint8_t c)
{
    bool escaped = t->escaped;

    t->escaped = !escaped && c == ESCAPE;
    if (escaped && c == QUIT && t->machine)
        machine_stop(t->machine);
    if (t->escaped || (escaped && c != ESCAPE) || t->n == sizeof t->typed)
        return;
    t->typed[(t->head + t->n++) % sizeof t->typed] = c;
}

/* Takes what was typed, whether or not the guest wants it: it may be Ctrl-A x. */
static void look(struct terminal *t)
{
    uint8_t c;

    while (t->tty && readable(t, 0) && take(t, &c))
        type(t, c);
}

static void flush(void *user)
{
    struct terminal *t = user;

    if (fflush(t->out))
        t->lost = errno;
    look(t);
}

static int get_typed(struct terminal *t)
{
    uint64_t now = t->machine ? machine_time(t->machine) : 0;
    uint8_t c;

    if (t->n == 0 && now >= t->next_look) {
        t->next_look = now + LOOK_EVERY;
        flush(t);
    }
    if (t->n == 0)
        return -1;
    c = t->typed[t->head];
    t->head = (t->head + 1) % sizeof t->typed;
    t->n--;
    return c;
}

static int get(void *user)
{
    struct terminal *t = user;
    uint8_t c;

    if (t->tty)
        return get_typed(t);
    if (t->fd < 0 || t->ended)
        return -1;
    return take(t, &c) ? c : -1;
}

static void raw_mode(struct terminal *t)
{
    struct termios mode = t->saved;

    mode.c_iflag &= (tcflag_t) ~(IGNBRK | BRKINT | PARMRK | ISTRIP | INLCR | IGNCR | ICRNL | IXON);
    mode.c_lflag &= (tcflag_t) ~(ECHO | ECHONL | ICANON | ISIG | IEXTEN);
    mode.c_cc[VMIN] = 1;
    mode.c_cc[VTIME] = 0;
    raw = t;
    tcsetattr(t->fd, TCSANOW, &mode);
}

/* Also where a shell has taken the terminal back meanwhile: that would stop us otherwise. */
void terminal_restore(void)
{
    struct terminal *t = raw;
    sigset_t block, before;

    if (!t)
        return;
    sigemptyset(&block);
    sigaddset(&block, SIGTTOU);
    sigprocmask(SIG_BLOCK, &block, &before);
    tcsetattr(t->fd, TCSANOW, &t->saved);
    sigprocmask(SIG_SETMASK, &before, NULL);
    raw = NULL;
}

/* Another process group has the terminal: to change it, or to read, would stop us. */
static bool in_background(int fd)
{
    pid_t front = tcgetpgrp(fd);

    return front >= 0 && front != getpgrp();
}

static bool open_input(struct terminal *t, const char *path, char *err, size_t n)
{
    struct stat st;
    int why = 0;

    t->fd = open(path, O_RDONLY | O_CLOEXEC);
    t->ours = true;
    if (t->fd < 0)
        why = errno;
    else if (fstat(t->fd, &st) == 0 && S_ISDIR(st.st_mode))
        why = EISDIR;
    if (why)
        snprintf(err, n, "cannot be opened for input: %s", strerror(why));
    return !why;
}

struct terminal *terminal_open(const char *input, FILE *output, char *err, size_t n)
{
    struct terminal *t = calloc(1, sizeof *t);
    struct stat st;

    if (!t) {
        snprintf(err, n, "out of memory");
        return NULL;
    }
    t->fd = -1;
    t->out = output;
    if (input && strcmp(input, "-") != 0) {
        if (!open_input(t, input, err, n)) {
            terminal_close(t);
            return NULL;
        }
    } else if (input || isatty(STDIN_FILENO)) {
        t->fd = STDIN_FILENO;
    }
    t->file = t->fd >= 0 && fstat(t->fd, &st) == 0 && S_ISREG(st.st_mode);
    t->tty = t->fd >= 0 && isatty(t->fd) && tcgetattr(t->fd, &t->saved) == 0;
    t->ended = t->tty && in_background(t->fd);
    if (t->tty && !t->ended)
        raw_mode(t);
    return t;
}

void terminal_close(struct terminal *t)
{
    if (!t)
        return;
    if (raw == t)
        terminal_restore();
    if (t->ours && t->fd >= 0)
        close(t->fd);
    free(t);
}

struct console terminal_console(struct terminal *t)
{
    return (struct console){put, get, flush, t};
}

void terminal_controls(struct terminal *t, struct machine *m)
{
    t->machine = m;
}

const char *terminal_trouble(const struct terminal *t)
{
    return t->trouble ? strerror(t->trouble) : NULL;
}

const char *terminal_lost(struct terminal *t)
{
    flush(t);
    return t->lost ? strerror(t->lost) : NULL;
}

bool terminal_live(const struct terminal *t)
{
    return t->tty && !t->ended;
}

bool terminal_wait(struct terminal *t, int ms)
{
    flush(t);
    t->next_look = 0;
    return t->n > 0 || readable(t, ms);
}
