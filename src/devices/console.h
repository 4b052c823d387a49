/* Where a guest's characters go, and where they come from.
 *
 * The UART, port 0xe9 and HTIF all talk to one console; terminal.c gives the one of
 * the command line, a test or another program may bring its own. */
#ifndef VISA_CONSOLE_H
#define VISA_CONSOLE_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct console {
    void (*put)(void *user, uint8_t c);
    /* Takes the next byte, -1 if there is none now. NULL: there never is one. */
    int (*get)(void *user);
    /* The guest may be about to wait: show what was put. May be NULL. */
    void (*flush)(void *user);
    void *user;
};

static inline void console_put(const struct console *c, uint8_t byte)
{
    if (c->put)
        c->put(c->user, byte);
}

static inline int console_get(const struct console *c)
{
    return c->get ? c->get(c->user) : -1;
}

static inline void console_flush(const struct console *c)
{
    if (c->flush)
        c->flush(c->user);
}

#ifdef __cplusplus
}
#endif

#endif
