/* The part of a run that is traced (window.h). */
#include "window.h"

#include <inttypes.h>
#include <stdio.h>

static bool parse(struct where *w, const struct image *im, const char *option, const char *text,
                  char *err, size_t n)
{
    char why[256];

    if (!text || where_parse(w, im, text, why, sizeof why))
        return true;
    snprintf(err, n, "%s: %s", option, why);
    return false;
}

/* Instructions of a hart are counted where it is traced: no run stops for them. */
static bool is_break(const struct where *w)
{
    return w->kind == WHERE_BREAK;
}

bool window_begin(struct window *w, struct machine *m, struct trace *t, const struct image *im,
                  const char *from, const char *to, char *err, size_t n)
{
    *w = (struct window){m, t, {.count = t->from}, {.count = t->to}, false};
    if (!parse(&w->from, im, "--trace-from", from, err, n) ||
        !parse(&w->to, im, "--trace-to", to, err, n))
        return false;
    if (!is_break(&w->from) && !is_break(&w->to) && w->from.count > w->to.count) {
        snprintf(err, n, "--trace-from %" PRIu64 " is behind --trace-to %" PRIu64, w->from.count,
                 w->to.count);
        return false;
    }
    t->closed = is_break(&w->from);
    w->opened = !t->closed;
    t->from = w->from.count;
    t->to = is_break(&w->to) ? UINT64_MAX : w->to.count;
    if (t->closed)
        where_break(&w->from, m);
    else if (is_break(&w->to))
        where_break(&w->to, m);
    return true;
}

bool window_turn(struct window *w)
{
    bool from = w->from.what.hit;

    if (!from && !w->to.what.hit)
        return false;
    machine_break_clear(w->machine, from ? &w->from.what : &w->to.what);
    w->trace->closed = !from;
    w->opened = true;
    if (from && is_break(&w->to))
        where_break(&w->to, w->machine);
    return true;
}
