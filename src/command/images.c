/* The files of visa-sim's command line (images.h). */
#include "images.h"

#include "platform/loader.h"
#include "machine/machine.h"
#include "options.h"
#include "run_identity.h"

bool images_load(struct image *im, struct machine *m, const struct options *o, char *err, size_t n)
{
    bool ok;

    im->identify = run_identity_wanted(o);
    ok = o->raw ? image_load_raw(im, m, o->image, o->raw_addr, err, n)
                : image_load_elf(im, m, o->image, err, n);
    for (unsigned i = 0; ok && i < o->nsymbols; i++) {
        const struct symbols_option *g = &o->symbols[i];

        ok = image_add_guest(im, g->path, g->one_vm ? &g->vmid : NULL, err, n);
    }
    for (unsigned i = 0; ok && i < o->nloads; i++) {
        const struct load_option *l = &o->loads[i];

        ok = l->raw ? image_load_raw(im, m, l->path, l->addr, err, n)
                    : image_load_elf(im, m, l->path, err, n);
    }
    return ok;
}
