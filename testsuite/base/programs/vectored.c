/* Vectored mtvec: exceptions go to its base, interrupt n to base + 4 n. */
#include "platform.h"

static volatile u64 went_to, cause;

#define VECTOR(n)                                                                                  \
    static __attribute__((interrupt, aligned(4), used)) void vector##n(void)                       \
    {                                                                                              \
        went_to = n + 100;                                                                         \
        cause = csr_read(mcause);                                                                  \
        if (n) {                                                                                   \
            MSIP(0) = 0;                                                                           \
            csr_clear(mip, MIP_SSI);                                                               \
            MTIMECMP(0) = ~0ull;                                                                   \
        } else {                                                                                   \
            csr_write(mepc, csr_read(mepc) + 4);                                                   \
        }                                                                                          \
    }
VECTOR(0)
VECTOR(1)
VECTOR(3)
VECTOR(7)

__asm__(".balign 256\n.option push\n.option norvc\nvectors:\n"
        "j vector0\nj vector1\nj vectors\nj vector3\nj vectors\nj vectors\nj vectors\nj "
        "vector7\n.option pop\n");
extern char vectors[];

static void wait_for(u64 n)
{
    for (u64 i = 0; i < 1000000 && !went_to; i++)
        ;
    check_equal(went_to, n + 100);
    check_equal(cause, n ? INTERRUPT | n : CAUSE_ECALL_M);
    went_to = 0;
}

int main(void)
{
    MTIMECMP(0) = ~0ull;
    csr_write(mtvec, (u64)vectors | 1);
    check_equal(csr_read(mtvec), (u64)vectors | 1);
    __asm__ volatile(".option push\n.option norvc\necall\n.option pop" ::: "memory");
    wait_for(0);
    csr_set(mstatus, STATUS_MIE);
    csr_write(mie, MIP_MSI | MIP_MTI | MIP_SSI);
    MSIP(0) = 1;
    wait_for(3);
    MTIMECMP(0) = 0;
    wait_for(7);
    csr_set(mip, MIP_SSI);
    wait_for(1);
    return 0;
}
