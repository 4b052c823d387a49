/* Views: what is kept of a run (views.h). */
#include <stdlib.h>

#include "impl.h"

struct views {
    struct view_insns insns;
    struct perfetto *perfetto;
    bool incomplete; /* memory ran out */
};

static bool make_room(struct views *v, const struct view_options *o, struct machine *m,
                      const struct image *im)
{
    unsigned harts = machine_config(m)->harts;

    v->insns = (struct view_insns){.image = im,
                                   .nharts = harts,
                                   .from = o->from,
                                   .to = o->to,
                                   .run = o->run,
                                   .shown = o->shown};
    v->insns.harts = calloc(harts, sizeof *v->insns.harts);
    if (!v->insns.harts)
        return false;
    for (unsigned h = 0; h < harts; h++)
        v->insns.harts[h] = (struct keep){.size = sizeof(struct pipeline_insn), .most = o->last};
    return !o->perfetto || (v->perfetto = perfetto_new(o, m, im));
}

struct views *views_new(const struct view_options *o, struct machine *m, const struct image *im)
{
    struct views *v = calloc(1, sizeof *v);

    if (v && make_room(v, o, m, im))
        return v;
    views_free(v);
    return NULL;
}

void views_free(struct views *v)
{
    if (!v)
        return;
    for (unsigned h = 0; v->insns.harts && h < v->insns.nharts; h++)
        free(v->insns.harts[h].items);
    free(v->insns.harts);
    perfetto_free(v->perfetto);
    free(v);
}

void views_insn(void *views, const struct pipeline_insn *i)
{
    struct views *v = views;
    struct pipeline_insn *kept;

    if (i->fetch > v->insns.to || i->write < v->insns.from)
        return;
    kept = keep_add(&v->insns.harts[i->hart]);
    if (kept)
        *kept = *i;
    else
        v->incomplete = true;
}

void views_record(void *views, const struct retire *r)
{
    perfetto_record(((struct views *)views)->perfetto, r);
}

bool views_write(struct views *v, enum view which, FILE *out)
{
    if (v->incomplete)
        return false;
    switch (which) {
    case VIEW_KANATA: return kanata_write(out, &v->insns);
    case VIEW_O3PIPEVIEW: return o3pipeview_write(out, &v->insns);
    case VIEW_VCD: return vcd_write(out, &v->insns);
    default: return perfetto_write(out, v->perfetto);
    }
}

uint64_t views_left_out(const struct views *v)
{
    uint64_t n = v->perfetto ? perfetto_left_out(v->perfetto) : 0;

    for (unsigned h = 0; h < v->insns.nharts; h++)
        n += v->insns.harts[h].left_out;
    return n;
}

uint64_t views_unfollowed(const struct views *v)
{
    return v->perfetto ? perfetto_unfollowed(v->perfetto) : 0;
}
