/* Images: ELF executables and flat files, put into a machine's RAM, with their symbols.
 *
 * An image may be put together from several files; the first ELF file or flat file
 * with an entry says where to start. Whatever is wrong with a file is told by name,
 * place and what was expected, and nothing of that file counts. */
#ifndef VISA_LOADER_H
#define VISA_LOADER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "symbols.h"

#ifdef __cplusplus
extern "C" {
#endif

struct machine;

/* Bytes that a file's segment occupies, and the addresses it was linked for. */
struct image_range {
    uint64_t addr, size; /* physical; of a file of guests' symbols: as linked */
    uint64_t linked;     /* address of the first byte as symbols have it */
};

struct image_file {
    char *path;
    uint64_t size;   /* bytes of the file */
    char sha256[65]; /* of them, in hexadecimal; empty unless the image is to be identified */
    struct image_range *ranges;
    size_t nranges;
    struct symbols symbols;
    bool one_vm; /* of guests' symbols: they are of this VM alone */
    uint16_t vmid;
};

struct image {
    bool identify; /* note what the files were: set before anything is loaded */
    uint64_t entry;
    struct image_file *files;  /* what was loaded */
    struct image_file *guests; /* what names addresses inside of VMs */
    size_t nfiles, nguests;
};

/* Loads an ELF64 little-endian RISC-V executable at its physical addresses. */
bool image_load_elf(struct image *im, struct machine *m, const char *path, char *err, size_t n);

/* Loads a flat file at addr, which becomes the entry if this is the first file. */
bool image_load_raw(struct image *im, struct machine *m, const char *path, uint64_t addr, char *err,
                    size_t n);

/* Takes the symbols of an ELF file, executable or position-independent, for the virtual
 * addresses of the guests of one VM (vmid), or of every VM that has no such file of its own. */
bool image_add_guest(struct image *im, const char *path, const uint16_t *vmid, char *err, size_t n);

void image_free(struct image *im);

/* First byte behind everything that was loaded; 0 if nothing was. */
uint64_t image_end(const struct image *im);

#ifdef __cplusplus
}
#endif

#endif
