/* What the programs share: CSRs, the board, checks, traps and page tables (ground.c). */
#ifndef PLATFORM_H
#define PLATFORM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint64_t u64;

#define csr_read(name)                                                                             \
    ({                                                                                             \
        u64 v_;                                                                                    \
        __asm__ volatile("csrr %0, " #name : "=r"(v_)::"memory");                                  \
        v_;                                                                                        \
    })
#define csr_write(name, value) __asm__ volatile("csrw " #name ", %0" ::"r"((u64)(value)) : "memory")
#define csr_set(name, value) __asm__ volatile("csrs " #name ", %0" ::"r"((u64)(value)) : "memory")
#define csr_clear(name, value) __asm__ volatile("csrc " #name ", %0" ::"r"((u64)(value)) : "memory")

enum { RING_3 = 0, RING_0 = 1, RING_H = 3 };
enum { MIP_SSI = 1 << 1, MIP_MSI = 1 << 3, MIP_STI = 1 << 5, MIP_MTI = 1 << 7, MIP_SEI = 1 << 9 };
enum {
    STATUS_SIE = 1 << 1,
    STATUS_MIE = 1 << 3,
    STATUS_SPIE = 1 << 5,
    STATUS_MPIE = 1 << 7,
    STATUS_SPP = 1 << 8,
    STATUS_MPP = 3 << 11,
    STATUS_SUM = 1 << 18,
    STATUS_MXR = 1 << 19
};
enum {
    CAUSE_INSN_ACCESS = 1,
    CAUSE_ILLEGAL = 2,
    CAUSE_BREAKPOINT = 3,
    CAUSE_LOAD_ACCESS = 5,
    CAUSE_STORE_ACCESS = 7,
    CAUSE_ECALL_U = 8,
    CAUSE_ECALL_S = 9,
    CAUSE_ECALL_M = 11,
    CAUSE_INSN_PAGE = 12,
    CAUSE_LOAD_PAGE = 13,
    CAUSE_STORE_PAGE = 15
};
#define INTERRUPT (1ull << 63)

#define MSIP(hart) (*(volatile uint32_t *)(0x2000000ull + 4 * (hart)))
#define MTIMECMP(hart) (*(volatile u64 *)(0x2004000ull + 8 * (hart)))
#define MTIME (*(volatile u64 *)0x200bff8ull)

/* A trap's frame: epc is where it goes on. */
struct frame {
    u64 epc, ra, sp, gp, tp, t0, t1, t2, s0, s1, a[8], s[10], t[4], status;
};

extern u64 boot_arguments[2]; /* a0 and a1 at reset */

void put_text(const char *text);
void put_number(u64 value);
_Noreturn void finish(int code);
_Noreturn void fail(const char *file, int line, const char *text, u64 got);

/* Ends the program with exit code 1 and a message unless the condition holds. */
#define check(condition) ((condition) ? (void)0 : fail(__FILE__, __LINE__, #condition, 0))
#define check_equal(got, want)                                                                     \
    do {                                                                                           \
        u64 got_ = (u64)(got);                                                                     \
        if (got_ != (u64)(want))                                                                   \
            fail(__FILE__, __LINE__, #got " is " #want, got_);                                     \
    } while (0)

/* Opens all memory to Ring 0 and 3 through PMP entry 0, as other machines demand. */
void open_pmp(void);

/* What traps come to. A program that expects some defines its own. */
void m_trap(struct frame *f);
void s_trap(struct frame *f);
void m_entry(void);
void s_entry(void);
void other_hart(u64 hart);

/* Calls a function in a lower ring, with a stack of its own; it ends by leave(value). */
u64 drop(unsigned ring, void (*function)(u64), u64 argument, void *stack_end);
_Noreturn void leave(u64 value);
/* In m_trap: true if it was leave(), which has been seen to. */
bool was_leave(struct frame *f);

/* An access that may trap. The handler skips it and sets `trapped`. */
struct trapped {
    u64 count, cause, tval, epc;
};
extern volatile struct trapped trapped;
/* In m_trap or s_trap: notes an exception and goes on behind the instruction. */
void note_trap(struct frame *f, u64 cause, u64 tval);

/* Page tables, Sv39. */
enum {
    PTE_V = 1,
    PTE_R = 2,
    PTE_W = 4,
    PTE_X = 8,
    PTE_U = 16,
    PTE_G = 32,
    PTE_A = 64,
    PTE_D = 128,
    PTE_RW = PTE_V | PTE_R | PTE_W | PTE_A | PTE_D,
    PTE_RWX = PTE_RW | PTE_X
};
typedef u64 table[512] __attribute__((aligned(4096)));
u64 leaf(const volatile void *page, u64 flags);
u64 branch(const volatile table *t);
#define SATP_SV39 (8ull << 60)
#define SATP_SV48 (9ull << 60)
u64 satp_value(u64 mode, const volatile table *root, u64 asid);
static inline void sfence(void)
{
    __asm__ volatile("sfence.vma" ::: "memory");
}
/* root[2] maps the gigabyte at 2 GiB onto itself, root[0] that of the devices. */
void map_identity(volatile table *root, u64 flags);

#define load(type, address) (*(volatile type *)(u64)(address))

#endif
