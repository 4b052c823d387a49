/* The part of a run that is traced, between two places: outside of it nobody listens, so that the
 * run keeps its speed. */
#ifndef VISA_WINDOW_H
#define VISA_WINDOW_H

#include "trace.h"
#include "where.h"

struct window {
    struct machine *machine;
    struct trace *trace; /* is told whether it is open, and its first and last instruction */
    struct where from, to;
    bool opened; /* so far */
};

/* from, to: places of visa-sim(1), NULL for none. False with the reason in err if there is no such
 * place. */
bool window_begin(struct window *w, struct machine *m, struct trace *t, const struct image *im,
                  const char *from, const char *to, char *err, size_t n);

/* The run stopped with STOP_BREAK: has the window opened or closed? */
bool window_turn(struct window *w);

#endif
