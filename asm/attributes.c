/* The section .riscv.attributes: architecture and stack alignment, as the psABI encodes them. */
#include "as.h"

#include <string.h>

enum { TAG_FILE = 1, TAG_STACK_ALIGN = 4, TAG_ARCH = 5 };

static size_t uleb(uint8_t *out, unsigned value)
{
    size_t n = 0;

    do {
        out[n] = (uint8_t)((value & 0x7f) | (value > 0x7f ? 0x80 : 0));
        n++;
        value >>= 7;
    } while (value);
    return n;
}

void attributes_default(struct as *as)
{
    char *arch = as->attributes.arch;
    size_t room = sizeof as->attributes.arch, n = (size_t)snprintf(arch, room, "rv64");

    for (unsigned i = 0; i < isa_extension_count; i++) {
        const struct isa_extension *e = &isa_extensions[i];

        if (e->where & ISA_IN_ELF)
            n += (size_t)snprintf(arch + n, room - n, "%s%s%up%u", n > strlen("rv64") ? "_" : "",
                                  e->name, e->major, e->minor);
    }
    as->attributes.stack_align = 16;
}

static void word(uint8_t *out, size_t value)
{
    for (unsigned i = 0; i < 4; i++)
        out[i] = (uint8_t)(value >> 8 * i);
}

size_t attributes_bytes(const struct as *as, uint8_t *out, size_t room)
{
    static const char vendor[] = "riscv";
    size_t arch = strlen(as->attributes.arch) + 1, n, file;

    if (room < arch + 64)
        return 0;
    out[0] = 'A';
    n = 5;
    memcpy(out + n, vendor, sizeof vendor);
    n += sizeof vendor;
    file = n;
    out[n++] = TAG_FILE;
    n += 4;
    out[n++] = TAG_STACK_ALIGN;
    n += uleb(out + n, as->attributes.stack_align);
    out[n++] = TAG_ARCH;
    memcpy(out + n, as->attributes.arch, arch);
    n += arch;
    word(out + file + 1, n - file); /* the file's part counts its tag and length */
    word(out + 1, n - 1);           /* the vendor's part counts its length, not the 'A' */
    return n;
}
