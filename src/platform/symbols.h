/* Names of addresses: the symbol tables of an ELF file.
 *
 * A name is any bytes but 0, as long as the file likes: whoever shows it escapes and cuts it
 * (names.h). What is kept of a file is bounded by its size. */
#ifndef VISA_SYMBOLS_H
#define VISA_SYMBOLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct symbol {
    uint64_t addr, size;
    const char *name;
    uint32_t number; /* in its file */
    uint8_t rank;    /* which of several at one address names it best: the highest */
};

struct symbols {
    struct symbol *all; /* by address */
    size_t n;
    char **strings; /* the tables that the names lie in */
    size_t nstrings;
};

/* The symbols of an ELF file of so many bytes; false with the reason in err (of size n).
 * Free them in any case. */
struct Elf;
bool symbols_read(struct symbols *s, struct Elf *elf, size_t bytes, char *err, size_t n);
void symbols_free(struct symbols *s);

/* The last one that is not behind addr; by name. NULL if there is none. */
const struct symbol *symbols_at(const struct symbols *s, uint64_t addr);
const struct symbol *symbols_find(const struct symbols *s, const char *name);

#ifdef __cplusplus
}
#endif

#endif
