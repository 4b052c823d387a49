/* A guest's kernel, in Ring 0. Nothing here is V-ISA's: it is RISC-V. */
#ifndef GUEST_H
#define GUEST_H

#include <stdint.h>

#include "platform.h"

/* Of what a trap interrupted: trap-guest.S. */
struct registers {
    uint64_t x[32], pc, status, unused[2];
};

enum { A0 = 10, A7 = 17 };
#define SCAUSE_INTERRUPT (1ull << 63)

/* A kernel's stack; what guest_return is given is at its top. */
struct kernel_stack {
    uint8_t space[4096];
    struct registers top;
} __attribute__((aligned(16)));

void guest_vector(void);
_Noreturn void guest_return(struct registers *to);

/* A loop: the compiler would call memcpy, and a guest has none. */
static inline void copy_words(void *to, const void *from, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        ((uint64_t *)to)[i] = ((const uint64_t *)from)[i];
}

static inline void copy_registers(struct registers *to, const struct registers *from)
{
    copy_words(to, from, sizeof *to / 8);
}

/* The guest's own, called by guest_vector. */
void guest_trap(struct registers *r);

#define csr_read(name)                                                                             \
    ({                                                                                             \
        uint64_t value_;                                                                           \
        __asm__ volatile("csrr %0, " #name : "=r"(value_)::"memory");                              \
        value_;                                                                                    \
    })
#define csr_write(name, value) __asm__ volatile("csrw " #name ", %0" ::"r"(value) : "memory")
#define csr_set(name, value) __asm__ volatile("csrs " #name ", %0" ::"r"(value) : "memory")
#define csr_clear(name, value) __asm__ volatile("csrc " #name ", %0" ::"r"(value) : "memory")

/* A call of what is below: the kernel, or its firmware. Number in a7, argument in a0. */
static inline uint64_t ecall(uint64_t number, uint64_t argument)
{
    register uint64_t a0 __asm__("a0") = argument;
    register uint64_t a7 __asm__("a7") = number;

    __asm__ volatile("ecall" : "+r"(a0) : "r"(a7) : "memory");
    return a0;
}

static inline void sfence_page(uint64_t va)
{
    __asm__ volatile("sfence.vma %0" ::"r"(va) : "memory");
}

static inline void sfence_all(void)
{
    __asm__ volatile("sfence.vma" ::: "memory");
}

/* Leaves the VM for good, with a value for the hypervisor in a0. */
#define guest_end(value)                                                                           \
    do {                                                                                           \
        register uint64_t a0_ __asm__("a0") = (value);                                             \
        __asm__ volatile("1: .insn i 0x0b, 1, x0, 0(x0)\n j 1b" ::"r"(a0_) : "memory");            \
        __builtin_unreachable();                                                                   \
    } while (0)

#endif
