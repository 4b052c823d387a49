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

#ifdef __cplusplus
extern "C" {
#endif

struct machine;

struct symbol {
    uint64_t addr, size;
    char *name;
    uint8_t rank; /* which of several at one address names it best: the highest */
};

/* Bytes of RAM that a file occupies, and the addresses it was linked for. */
struct image_range {
    uint64_t addr, size; /* physical */
    uint64_t linked;     /* address of the first byte as symbols have it */
    char *file;
};

/* A file that was loaded, so that results can say which it was. */
struct image_file {
    char *path;
    uint64_t size;
    char sha256[65]; /* in hexadecimal */
};

struct image {
    bool identify; /* keep `files`: set it before anything is loaded */
    struct image_file *files;
    size_t nfiles;
    uint64_t entry;
    struct image_range *ranges;
    size_t nranges;
    struct symbol *symbols; /* by address */
    size_t nsymbols;
};

/* Loads an ELF64 little-endian RISC-V executable at its physical addresses. */
bool image_load_elf(struct image *im, struct machine *m, const char *path, char *err, size_t n);

/* Loads a flat file at addr, which becomes the entry if this is the first file. */
bool image_load_raw(struct image *im, struct machine *m, const char *path, uint64_t addr, char *err,
                    size_t n);

void image_free(struct image *im);

/* First byte behind everything that was loaded; 0 if nothing was. */
uint64_t image_end(const struct image *im);

/* The symbol that addr lies behind, and how far; NULL if addr is in no file. */
const struct symbol *image_symbol_at(const struct image *im, uint64_t addr, uint64_t *offset);

/* By name; NULL if there is none. */
const struct symbol *image_symbol(const struct image *im, const char *name);

/* Physical address of an address as symbols have it; false if it is in no file. */
bool image_physical(const struct image *im, uint64_t linked, uint64_t *pa);

#ifdef __cplusplus
}
#endif

#endif
