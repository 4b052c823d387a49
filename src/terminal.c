/* The console of the command line (terminal.h). */
#define _POSIX_C_SOURCE 200809L

#include "terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "machine.h"

enum { ESCAPE = 1, /* Ctrl-A */ QUIT = 'x' };

/* How often a terminal is looked at: every so many ticks of `time`, for a system call
 * at each poll of a guest's driver would cost more than the guest. */
enum { LOOK_EVERY = 1000 };

struct terminal {
    struct machine *machine;
    struct termios saved;
    int fd; /* input, -1 none */
    FILE *out;
    bool tty, ours, ended, escaped;
    uint64_t next_look;
    uint8_t typed[256]; /* at the terminal, and not yet taken by the guest */
    unsigned head, n;
};

static void put(void *user, uint8_t c)
{
    struct terminal *t = user;

    putc(c, t->out);
}

static bool readable(const struct terminal *t, int ms)
{
    struct pollfd p = {.fd = t->fd, .events = POLLIN};

    return t->fd >= 0 && !t->ended && poll(&p, 1, ms) > 0;
}

/* One byte of input; false at its end. A signal ends it too: whoever sends one wants
 * the run to end, not to be waited for at a pipe. */
static bool take(struct terminal *t, uint8_t *c)
{
    if (read(t->fd, c, 1) == 1)
        return true;
    t->ended = true;
    return false;
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

    fflush(t->out);
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
    struct termios raw = t->saved;

    raw.c_iflag &= (tcflag_t) ~(IGNBRK | BRKINT | PARMRK | ISTRIP | INLCR | IGNCR | ICRNL | IXON);
    raw.c_lflag &= (tcflag_t) ~(ECHO | ECHONL | ICANON | ISIG | IEXTEN);
    raw.c_cc[VMIN] = 1;
    raw.c_cc[VTIME] = 0;
    tcsetattr(t->fd, TCSANOW, &raw);
}

struct terminal *terminal_open(const char *input, FILE *output, char *err, size_t n)
{
    struct terminal *t = calloc(1, sizeof *t);

    if (!t) {
        snprintf(err, n, "out of memory");
        return NULL;
    }
    t->fd = -1;
    t->out = output;
    if (input && strcmp(input, "-") != 0) {
        t->fd = open(input, O_RDONLY | O_CLOEXEC);
        t->ours = true;
        if (t->fd < 0) {
            snprintf(err, n, "%s: cannot be opened for input: %s", input, strerror(errno));
            free(t);
            return NULL;
        }
    } else if (input || isatty(STDIN_FILENO)) {
        t->fd = STDIN_FILENO;
    }
    t->tty = t->fd >= 0 && isatty(t->fd) && tcgetattr(t->fd, &t->saved) == 0;
    if (t->tty)
        raw_mode(t);
    return t;
}

void terminal_close(struct terminal *t)
{
    if (!t)
        return;
    if (t->tty)
        tcsetattr(t->fd, TCSADRAIN, &t->saved);
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
