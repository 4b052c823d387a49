#include "vm.h"

#define UART 0x10000000ul
#define SV39X4 (8ul << 60)
#define VMID(n) ((uint64_t)(n) << 44)

enum { TABLE = 0x01 /* V */, LEAF = 0xdf /* D A U X W R V */ };

static uint64_t entry(uint64_t address, unsigned flags)
{
    return address / PAGE << 10 | flags;
}

void vm_init(struct vm *vm, uint64_t vmid, uint64_t memory)
{
    const uint64_t root = (uintptr_t)vm->root / PAGE;

    vm->root[0] = entry((uintptr_t)vm->middle, TABLE);
    vm->middle[0] = entry((uintptr_t)vm->last, TABLE);
    for (unsigned i = 0; i < GUEST_BYTES / PAGE; i++)
        vm->last[GUEST_BASE / PAGE + i] = entry(memory + i * PAGE, LEAF);
    vm->vmcs[VISA_VMCS_REVISION] = VISA_REVISION;
    vm->vmcs[VISA_VMCS_HPTBR] = SV39X4 | VMID(vmid) | root;
    vm->vmcs[VISA_VMCS_PC] = GUEST_BASE;
}

void put(char c)
{
    *(volatile char *)UART = c;
}

void say(const char *text)
{
    while (*text)
        put(*text++);
}
