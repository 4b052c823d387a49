/* Where harts are, and what is said of one that is stuck (stuck.h). */
#define _POSIX_C_SOURCE 200809L

#include "stuck.h"

#include <inttypes.h>
#include <stdlib.h>

#include "state/hart.h"
#include "explain.h"
#include "names.h"

void stuck_place(FILE *out, const struct image *im, struct machine *m, unsigned hart)
{
    const struct hart *h = machine_hart(m, hart);
    const char *ring = h->ring == RING_H ? "Ring -1" : h->ring == RING_0 ? "Ring 0" : "Ring 3";
    const struct place at = {h->v, (uint16_t)h->vmid, h->pc, machine_pc_address(m, hart)};
    char place[NAME_ROOM];

    image_name_text(im, &at, place, sizeof place);
    fprintf(out, "  hart %u: pc 0x%" PRIx64 "%s%s%s", hart, h->pc, place[0] ? " <" : "", place,
            place[0] ? ">" : "");
    fprintf(out, ", %s", ring);
    if (h->v)
        fprintf(out, " of VM %" PRIu64, h->vmid);
    fprintf(out, ", %" PRIu64 " instructions retired%s\n", h->instret,
            h->waiting ? ", waits (wfi)" : "");
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
