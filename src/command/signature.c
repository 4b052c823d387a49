/* The signature of an architecture test (signature.h). */
#include "signature.h"

#include <inttypes.h>

#include "machine/machine.h"
#include "observe/address_names.h"

bool signature_find(struct signature *s, const struct image *im, struct machine *m, char *err,
                    size_t n)
{
    uint64_t past;
    const struct symbol *begin = image_symbol(im, "begin_signature", &s->pa);
    const struct symbol *end = image_symbol(im, "end_signature", &past);

    if (!begin || !end) {
        snprintf(err, n, "the image has no symbol %s", begin ? "end_signature" : "begin_signature");
        return false;
    }
    s->size = end->addr - begin->addr;
    if (end->addr <= begin->addr)
        snprintf(err, n, "end_signature, 0x%" PRIx64 ", is not behind begin_signature, 0x%" PRIx64,
                 end->addr, begin->addr);
    else if (!s->pa || !machine_ram(m, s->pa, s->size))
        snprintf(err, n, "0x%" PRIx64 " to 0x%" PRIx64 " is not in RAM with the image", begin->addr,
                 end->addr);
    else
        return true;
    return false;
}

void signature_write(FILE *out, const struct signature *s, struct machine *m, unsigned bytes)
{
    const uint8_t *ram = machine_ram(m, s->pa, s->size);

    for (uint64_t line = 0; line < s->size; line += bytes) {
        for (uint64_t at = line + bytes; at-- > line;)
            fprintf(out, "%02x", at < s->size ? ram[at] : 0);
        fputc('\n', out);
    }
}
