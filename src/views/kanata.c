/* Logs for Konata, in its format "Kanata 0004"; and gem5's O3PipeView lines, which it and gem5's
 * own viewer read. */
#include <inttypes.h>
#include <string.h>

#include "observe/identity.h"
#include "impl.h"

static const char stage_names[VIEW_STAGES] = "FDXMW";

struct kanata {
    FILE *out;
    const struct view_insns *insns;
    struct keep ids; /* of size_t: first the harts' offsets into the rest, then by instruction */
    size_t next_id, retired;
    uint64_t cycle;
};

static bool number_harts(struct kanata *k)
{
    size_t total = k->insns->nharts, *slot;

    k->ids.size = sizeof(size_t);
    for (unsigned h = 0; h < k->insns->nharts; h++) {
        if (!(slot = keep_add(&k->ids)))
            return false;
        *slot = total;
        total += k->insns->harts[h].n;
    }
    while (k->ids.n < total)
        if (!keep_add(&k->ids))
            return false;
    return true;
}

static size_t *id_of(struct kanata *k, unsigned hart, size_t index)
{
    size_t *ids = keep_at(&k->ids, 0);

    return &ids[ids[hart] + index];
}

/* What the mouse shows: where it ran, and what it cost. */
static void print_details(FILE *out, size_t id, const struct pipeline_insn *i)
{
    char world[64];

    fprintf(out, "L\t%zu\t1\thart %" PRIu32 ", %s", id, i->hart,
            view_world(i->v, i->vmid, i->ring, world, sizeof world));
    if (i->v)
        fprintf(out, ", VMCS 0x%" PRIx64, i->vmcs);
    if (i->length)
        fprintf(out, "\\nbits %0*" PRIx32, 2 * i->length, i->insn);
    fputs("\\ncycles:", out);
    for (unsigned c = 0; c < PIPELINE_CATEGORIES; c++)
        if (i->cycles[c])
            fprintf(out, " %s %" PRIu64, pipeline_category_names[c], i->cycles[c]);
    if (i->icache_misses)
        fprintf(out, "\\ninstruction cache misses: %u", i->icache_misses);
    if (i->dcache_misses)
        fprintf(out, "\\ndata cache misses: %u", i->dcache_misses);
    fprintf(out, "%s%s\n", i->mispredicted ? "\\nmispredicted" : "",
            i->trapped ? "\\ntrapped: it did not retire" : "");
}

static void print_begin(struct kanata *k, const struct view_step *s)
{
    size_t id = k->next_id++;
    char label[512];

    *id_of(k, s->hart, s->index) = id;
    fprintf(k->out, "I\t%zu\t%" PRIu64 "\t%u\n", id, s->insn->number, s->hart);
    fprintf(k->out, "L\t%zu\t0\t%s\n", id, view_label(k->insns, s->insn, label, sizeof label));
    print_details(k->out, id, s->insn);
}

static void print_step(struct kanata *k, const struct view_step *s)
{
    size_t id;

    if (s->cycle > k->cycle)
        fprintf(k->out, "C\t%" PRIu64 "\n", s->cycle - k->cycle);
    k->cycle = s->cycle;
    if (s->stage == VIEW_F)
        print_begin(k, s);
    id = *id_of(k, s->hart, s->index);
    if (s->stage != VIEW_F)
        fprintf(k->out, "E\t%zu\t0\t%c\n", id, stage_names[s->stage - 1]);
    if (s->stage == VIEW_GONE) {
        fprintf(k->out, "R\t%zu\t%zu\t%d\n", id, k->retired, s->insn->trapped);
        k->retired += !s->insn->trapped;
        return;
    }
    fprintf(k->out, "S\t%zu\t0\t%c\n", id, stage_names[s->stage]);
    if (s->stage == VIEW_X && s->insn->waited && s->index > 0)
        fprintf(k->out, "W\t%zu\t%zu\t0\n", id, *id_of(k, s->hart, s->index - 1));
}

bool kanata_write(FILE *out, const struct view_insns *v)
{
    struct kanata k = {.out = out, .insns = v};
    struct view_walk walk;
    struct view_step s;
    bool ok = number_harts(&k);

    if (ok && (ok = view_walk_begin(&walk, v))) {
        k.cycle = view_walk_peek(&walk, &s) ? s.cycle : v->from;
        fputs("Kanata\t0004\n", out);
        /* Konata skips lines that it does not know */
        ok = identity_head(out, v->run, v->shown, "# ");
        fprintf(out, "C=\t%" PRIu64 "\n", k.cycle);
        while (view_walk_peek(&walk, &s)) {
            print_step(&k, &s);
            view_walk_take(&walk, &s);
        }
        view_walk_end(&walk);
    }
    free(k.ids.items);
    return ok;
}

/* gem5 has more stages, and counts in ticks; tick 0 is that of what never happened. */
static uint64_t tick(uint64_t cycle)
{
    return (cycle + 1) * 1000;
}

static void o3pipeview_insn(FILE *out, const struct view_insns *v, uint64_t number,
                            const struct pipeline_insn *i)
{
    char label[512];
    const char *words = strchr(view_label(v, i, label, sizeof label), ' ');

    fprintf(out, "O3PipeView:fetch:%" PRIu64 ":0x%08" PRIx64 ":0:%" PRIu64 ":", tick(i->fetch),
            i->pc, number);
    if (v->nharts > 1)
        fprintf(out, "hart %" PRIu32 " ", i->hart);
    fprintf(out, "%s\n", words + 1);
    fprintf(out, "O3PipeView:decode:%" PRIu64 "\n", tick(i->decode));
    fprintf(out, "O3PipeView:rename:%" PRIu64 "\n", tick(i->decode));
    fprintf(out, "O3PipeView:dispatch:%" PRIu64 "\n", tick(i->execute));
    fprintf(out, "O3PipeView:issue:%" PRIu64 "\n", tick(i->execute));
    fprintf(out, "O3PipeView:complete:%" PRIu64 "\n", tick(i->memory));
    fprintf(out, "O3PipeView:retire:%" PRIu64 ":store:0\n", i->trapped ? 0 : tick(i->write));
}

bool o3pipeview_write(FILE *out, const struct view_insns *v)
{
    struct view_walk walk;
    struct view_step s;
    uint64_t number = 0;
    bool ok;

    if (!view_walk_begin(&walk, v))
        return false;
    ok =
        identity_head(out, v->run, v->shown, "# "); /* readers take the lines of O3PipeView alone */
    while (view_walk_peek(&walk, &s)) {
        if (s.stage == VIEW_F)
            o3pipeview_insn(out, v, ++number, s.insn);
        view_walk_take(&walk, &s);
    }
    view_walk_end(&walk);
    return ok;
}
