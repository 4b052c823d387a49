/* Instructions in the order of cycles (impl.h). Within a hart every stage is gone through in
 * program order, so there is one next instruction for each. */
#include <inttypes.h>
#include <stdlib.h>

#include "impl.h"
#include "observe/trace.h"

static uint64_t entered(const struct pipeline_insn *i, enum view_stage stage)
{
    switch (stage) {
    case VIEW_F: return i->fetch;
    case VIEW_D: return i->decode;
    case VIEW_X: return i->execute;
    case VIEW_M: return i->memory;
    case VIEW_W: return i->write;
    default: return i->write + 1;
    }
}

bool view_walk_begin(struct view_walk *w, const struct view_insns *v)
{
    w->insns = v;
    w->next = calloc(v->nharts, sizeof *w->next);
    return w->next != NULL;
}

void view_walk_end(struct view_walk *w)
{
    free(w->next);
}

bool view_walk_peek(const struct view_walk *w, struct view_step *s)
{
    bool found = false;

    for (unsigned hart = 0; hart < w->insns->nharts; hart++) {
        for (int stage = VIEW_GONE; stage >= VIEW_F; stage--) {
            size_t at = w->next[hart][stage];
            const struct pipeline_insn *i;
            uint64_t cycle;

            if (at == w->insns->harts[hart].n)
                continue;
            i = view_insn(w->insns, hart, at);
            cycle = entered(i, (enum view_stage)stage);
            if (found && cycle >= s->cycle)
                continue;
            *s = (struct view_step){cycle, hart, (enum view_stage)stage, at, i};
            found = true;
        }
    }
    return found;
}

void view_walk_take(struct view_walk *w, const struct view_step *s)
{
    w->next[s->hart][s->stage]++;
}

const char *view_label(const struct view_insns *v, const struct pipeline_insn *i, char *text,
                       size_t n)
{
    const struct retire r = {.insn = i->insn, .pc = i->pc};
    const struct place at = {i->v, i->vmid, i->pc, i->pa};
    char place[NAME_ROOM], words[128] = "(not fetched)";

    image_name_text(v->image, &at, place, sizeof place);
    if (i->length)
        trace_disassemble(&r, words, sizeof words);
    snprintf(text, n, "%08" PRIx64 " %s%s%s%s", i->pc, place[0] ? "<" : "", place,
             place[0] ? "> " : "", words);
    return text;
}

const char *view_world(bool v, uint64_t vmid, int ring, char *text, size_t n)
{
    if (v)
        snprintf(text, n, "Ring %d of VM %" PRIu64, ring, vmid);
    else
        snprintf(text, n, "Ring %d", ring);
    return text;
}
