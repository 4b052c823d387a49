/* The signature of an architecture test: what it left between two symbols of its image, as text
 * that other machines' signatures are compared with. Manual: visa-sim(1), --signature. */
#ifndef VISA_SIGNATURE_H
#define VISA_SIGNATURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct image;
struct machine;

enum { SIGNATURE_BYTES = 4, SIGNATURE_MOST = 4096 }; /* of a line: the default, and at most */

struct signature {
    uint64_t pa, size;
};

/* Where it is. False with the reason in err if the image does not say, or it is not in RAM. */
bool signature_find(struct signature *s, const struct image *im, struct machine *m, char *err,
                    size_t n);

/* Lines of `bytes` bytes as one hexadecimal number, so the last byte comes first; what the last
 * line has too much is 0. */
void signature_write(FILE *out, const struct signature *s, struct machine *m, unsigned bytes);

#endif
