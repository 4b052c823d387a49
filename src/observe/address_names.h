/* Names of addresses, and addresses of names: one routine for whoever shows a pc. */
#ifndef VISA_NAMES_H
#define VISA_NAMES_H

#include "platform/loader.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A symbol of a loaded file by name, and its physical address, 0 if that is in no segment.
 * NULL if there is none. */
const struct symbol *image_symbol(const struct image *im, const char *name, uint64_t *pa);

enum { NAME_ROOM = 256 }; /* for the text of a name */

/* An instruction's address: all that its name depends on. */
struct place {
    bool v;           /* in a guest, of the VM ... */
    uint16_t vmid;    /* ... with this VMID */
    uint64_t pc, hpa; /* host physical; 0: not known */
};

/* The symbol that a place lies behind, in its segment, and how far; NULL if it has none.
 *
 * In a guest: a symbol of the files for its VM, by pc; else one of what was loaded, by hpa if
 * that is known. Elsewhere: one of what was loaded, by hpa or else by pc. */
const struct symbol *image_name(const struct image *im, const struct place *p, uint64_t *offset);

/* "name+0x10" with everything that is not to be shown, and what separates in the formats of
 * traces and views, as \xNN; "" where no symbol is known. im may be NULL. */
const char *image_name_text(const struct image *im, const struct place *p, char *text, size_t n);

/* A symbol by name, with its physical address or, if it is one of a guest, its file. */
struct image_found {
    const struct symbol *symbol;
    const struct image_file *guest; /* NULL: it was loaded, at ... */
    uint64_t pa;                    /* ... this address; 0: it is in no segment */
};

/* What was loaded comes first; for a VM (vmid is not NULL) what names its addresses. */
bool image_find(const struct image *im, const char *name, const uint16_t *vmid,
                struct image_found *f);
/* Does a file of guests' symbols name addresses of this VM? */
bool image_names_vm(const struct image *im, const struct image_file *guest, uint16_t vmid);

#ifdef __cplusplus
}
#endif

#endif
