/* A virtual machine with 64 KiB of memory, and a hypervisor's own output. */
#ifndef VM_H
#define VM_H

#include <stdint.h>

#include "visa.h"

enum {
    PAGE = 4096,
    ENTRIES = PAGE / 8,       /* of a page table; fields of a VMCS */
    GUEST_BASE = 0x10000,     /* guest physical: where its memory begins, */
    GUEST_BYTES = 16 * PAGE,  /* and how much there is */
    GUEST_IMAGE = 0x81000000, /* host physical: where guest.elf is put */
};

/* The VMCS, and the host table that says which memory is the VM's. */
struct vm {
    uint64_t root[4 * ENTRIES]; /* the root of a host table is 16 KiB */
    uint64_t middle[ENTRIES], last[ENTRIES];
    uint64_t vmcs[ENTRIES];
} __attribute__((aligned(4 * PAGE)));

/* A VM whose memory is at this host physical address. Its guest starts at
 * GUEST_BASE. */
void vm_init(struct vm *vm, uint64_t vmid, uint64_t memory);

/* What the hypervisor prints. */
void put(char c);
void say(const char *text);

_Noreturn void finish(int code);

#endif
