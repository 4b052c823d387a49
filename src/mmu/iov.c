/* MMIO ranges of a VM (mmu.h). Manual: chapter "I/O". */
#include "mmu.h"

/* The range that holds all of [gpa, gpa+size), or -1. */
static int find_range(const struct context *c, uint64_t gpa, uint64_t size)
{
    for (unsigned i = 0; i < ISA_IOV_RANGES; i++) {
        uint64_t offset = gpa - c->f[ISA_VMCS_IOV_BASE + i], bytes = c->f[ISA_VMCS_IOV_SIZE + i];

        if (iov_valid(c, i) && offset < bytes && size <= bytes - offset)
            return (int)i;
    }
    return -1;
}

bool iov_overlaps(const struct context *c, uint64_t gpa, uint64_t size)
{
    for (unsigned i = 0; i < ISA_IOV_RANGES; i++) {
        uint64_t base = c->f[ISA_VMCS_IOV_BASE + i], bytes = c->f[ISA_VMCS_IOV_SIZE + i];

        if (iov_valid(c, i) && base <= gpa + (size - 1) && gpa <= base + (bytes - 1))
            return true;
    }
    return false;
}

struct iov_answer iov_resolve(const struct context *c, uint64_t gpa, unsigned size,
                              enum access access)
{
    struct iov_answer a = {IOV_NONE, -1, 0};

    if (!c || !iov_overlaps(c, gpa & ~0xfffull, 4096))
        return a;
    a.kind = IOV_NO_FETCH;
    if (access == ACCESS_FETCH)
        return a;
    a.range = find_range(c, gpa, size);
    if (a.range < 0)
        a.kind = IOV_NEAR;
    else if (c->f[ISA_VMCS_IOV_FLAGS + a.range] & IOV_EXIT)
        a.kind = IOV_EXITS;
    else
        a = (struct iov_answer){IOV_FORWARDS, a.range,
                                c->f[ISA_VMCS_IOV_TARGET + a.range] +
                                    (gpa - c->f[ISA_VMCS_IOV_BASE + a.range])};
    return a;
}
