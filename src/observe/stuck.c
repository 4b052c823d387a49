/* Where harts are, and what is said of one that is stuck (stuck.h). */
#define _POSIX_C_SOURCE 200809L

#include "stuck.h"

#include <inttypes.h>
#include <stdlib.h>

#include "explain.h"
#include "names.h"

void stuck_place(FILE *out, const struct image *im, struct machine *m, unsigned hart)
{
    struct hart_at at;
    struct place where;
    char name[NAME_ROOM];

    machine_hart_at(m, hart, &at);
    where = (struct place){at.v, at.vmid, at.pc, at.pc_hpa};
    image_name_text(im, &where, name, sizeof name);
    fprintf(out, "  hart %u: pc 0x%" PRIx64 "%s%s%s", hart, at.pc, name[0] ? " <" : "", name,
            name[0] ? ">" : "");
    fprintf(out, ", Ring %d", at.ring);
    if (at.v)
        fprintf(out, " of VM %u", at.vmid);
    fprintf(out, ", %" PRIu64 " instructions retired%s\n", at.instret,
            at.waiting ? ", waits (wfi)" : "");
}

void stuck_note(struct stuck *s, const struct image *im, struct machine *m, unsigned hart)
{
    size_t length;
    FILE *out;

    stuck_free(s);
    out = open_memstream(&s->text, &length);
    if (!out)
        return;
    stuck_place(out, im, m, hart);
    explain_trap(out, m, hart);
    if (fclose(out))
        stuck_free(s);
}

void stuck_tell(const struct stuck *s, FILE *out)
{
    if (s->text)
        fputs(s->text, out);
}

void stuck_free(struct stuck *s)
{
    free(s->text);
    s->text = NULL;
}
