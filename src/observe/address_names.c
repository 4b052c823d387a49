/* Names of addresses (names.h). */
#include "address_names.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "text.h"

/* What separates: in lines of a trace and O3PipeView's, in CSV and in strings of JSON. */
#define SEPARATORS " <>|:,\"\\"

/* The range of a file that has an address, as linked or physical; NULL if none does. */
static const struct image_range *range_of(const struct image_file *f, bool linked, uint64_t addr)
{
    for (size_t i = 0; i < f->nranges; i++) {
        const struct image_range *r = &f->ranges[i];

        if (addr - (linked ? r->linked : r->addr) < r->size)
            return r;
    }
    return NULL;
}

/* The symbol in the same segment that addr lies behind. */
static const struct symbol *named_by(const struct image_file *f, bool linked, uint64_t addr,
                                     uint64_t *offset)
{
    const struct image_range *r = range_of(f, linked, addr);
    const struct symbol *s;

    if (!r)
        return NULL;
    addr = linked ? addr : addr - r->addr + r->linked;
    s = symbols_at(&f->symbols, addr);
    if (!s || s->addr < r->linked)
        return NULL;
    *offset = addr - s->addr;
    return s;
}

static const struct symbol *first_named(const struct image_file *files, size_t n, bool linked,
                                        uint64_t addr, uint64_t *offset)
{
    const struct symbol *s = NULL;

    for (size_t i = 0; i < n && !s; i++)
        s = named_by(&files[i], linked, addr, offset);
    return s;
}

bool image_names_vm(const struct image *im, const struct image_file *guest, uint16_t vmid)
{
    if (guest->one_vm)
        return guest->vmid == vmid;
    for (size_t i = 0; i < im->nguests; i++)
        if (im->guests[i].one_vm && im->guests[i].vmid == vmid)
            return false;
    return true;
}

const struct symbol *image_name(const struct image *im, const struct place *p, uint64_t *offset)
{
    const struct symbol *s = NULL;

    for (size_t i = 0; p->v && i < im->nguests && !s; i++)
        if (image_names_vm(im, &im->guests[i], p->vmid))
            s = named_by(&im->guests[i], true, p->pc, offset);
    if (!s && p->hpa)
        s = first_named(im->files, im->nfiles, false, p->hpa, offset);
    if (!s && !(p->v && p->hpa))
        s = first_named(im->files, im->nfiles, true, p->pc, offset);
    return s;
}

const char *image_name_text(const struct image *im, const struct place *p, char *text, size_t n)
{
    enum { OFFSET = 24 };
    uint64_t offset = 0;
    const struct symbol *s = im ? image_name(im, p, &offset) : NULL;
    size_t used;

    text[0] = 0;
    if (!s || n <= OFFSET)
        return text;
    used = text_escape(text, n - OFFSET, s->name, SEPARATORS);
    if (offset)
        snprintf(text + used, n - used, "+0x%" PRIx64, offset);
    return text;
}

static bool find_loaded(const struct image *im, const char *name, struct image_found *f)
{
    f->symbol = image_symbol(im, name, &f->pa);
    return f->symbol;
}

static bool find_guest(const struct image *im, const char *name, const uint16_t *vmid,
                       struct image_found *f)
{
    for (size_t i = 0; i < im->nguests; i++) {
        f->guest = &im->guests[i];
        f->symbol = !vmid || image_names_vm(im, f->guest, *vmid)
                        ? symbols_find(&f->guest->symbols, name)
                        : NULL;
        if (f->symbol)
            return true;
    }
    f->guest = NULL;
    return false;
}

bool image_find(const struct image *im, const char *name, const uint16_t *vmid,
                struct image_found *f)
{
    *f = (struct image_found){0};
    return vmid ? find_guest(im, name, vmid, f) || find_loaded(im, name, f)
                : find_loaded(im, name, f) || find_guest(im, name, vmid, f);
}

const struct symbol *image_symbol(const struct image *im, const char *name, uint64_t *pa)
{
    *pa = 0;
    for (size_t i = 0; i < im->nfiles; i++) {
        const struct symbol *s = symbols_find(&im->files[i].symbols, name);
        const struct image_range *r = s ? range_of(&im->files[i], true, s->addr) : NULL;

        if (r)
            *pa = s->addr - r->linked + r->addr;
        if (s)
            return s;
    }
    return NULL;
}
