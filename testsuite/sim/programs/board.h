/* What the programs of this directory share: the platform as QEMU's virt has it, traps,
 * and checks that say where they failed. The program's part is main(). */
#ifndef BOARD_H
#define BOARD_H

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long u64;

#define REG8(a) (*(volatile u8 *)(a))
#define REG16(a) (*(volatile u16 *)(a))
#define REG32(a) (*(volatile u32 *)(a))
#define REG64(a) (*(volatile u64 *)(a))

#define FINISHER 0x100000ul
#define CLINT 0x2000000ul
#define MSIP(hart) REG32(CLINT + 4 * (hart))
#define MTIMECMP(hart) REG64(CLINT + 0x4000 + 8 * (hart))
#define MTIME REG64(CLINT + 0xbff8)
#define PLIC 0xc000000ul
#define PLIC_PRIORITY(source) REG32(PLIC + 4 * (source))
#define PLIC_PENDING(source) (REG32(PLIC + 0x1000 + 4 * ((source) / 32)) >> (source) % 32 & 1)
#define PLIC_ENABLE(context, word) REG32(PLIC + 0x2000 + 0x80 * (context) + 4 * (word))
#define PLIC_THRESHOLD(context) REG32(PLIC + 0x200000 + 0x1000 * (context))
#define PLIC_CLAIM(context) REG32(PLIC + 0x200004 + 0x1000 * (context))
#define UART 0x10000000ul
#define UART_REG(n) REG8(UART + (n))
enum {
    RBR = 0,
    THR = 0,
    DLL = 0,
    IER = 1,
    DLM = 1,
    IIR = 2,
    FCR = 2,
    LCR = 3,
    MCR = 4,
    LSR = 5,
    MSR = 6,
    SCR = 7,
    UART_IRQ = 10
};

#define read_csr(name)                                                                             \
    ({                                                                                             \
        u64 v_;                                                                                    \
        __asm__ volatile("csrr %0, " #name : "=r"(v_) : : "memory");                               \
        v_;                                                                                        \
    })
#define write_csr(name, v) __asm__ volatile("csrw " #name ", %0" : : "r"((u64)(v)) : "memory")
#define set_csr(name, v) __asm__ volatile("csrs " #name ", %0" : : "r"((u64)(v)) : "memory")
#define clear_csr(name, v) __asm__ volatile("csrc " #name ", %0" : : "r"((u64)(v)) : "memory")
#define wfi() __asm__ volatile("wfi" : : : "memory")

/* Sleeps until the condition holds that an interrupt makes true: decided with interrupts
 * off, for one between decision and wfi would not wake it. */
#define SLEEP_UNTIL(condition)                                                                     \
    do {                                                                                           \
        clear_csr(mstatus, MIE);                                                                   \
        while (!(condition)) {                                                                     \
            wfi();                                                                                 \
            set_csr(mstatus, MIE);                                                                 \
            clear_csr(mstatus, MIE);                                                               \
        }                                                                                          \
    } while (0)

enum {
    MIP_SSIP = 1 << 1,
    MIP_MSIP = 1 << 3,
    MIP_MTIP = 1 << 7,
    MIP_SEIP = 1 << 9,
    MIP_MEIP = 1 << 11
};
#define MIE (1 << 3)

/* The last trap, and how many there were. An exception's instruction is skipped. */
extern volatile u64 trap_cause, trap_tval, traps;
/* Called for an interrupt, so that it can be turned off at its source. */
extern void (*on_interrupt)(u64 code);

void put(char c);
void print(const char *s);
void print_number(u64 n);
void finish(u64 code) __attribute__((noreturn));
void check_failed(int line, const char *what, u64 got, u64 wanted) __attribute__((noreturn));

#define CHECK_EQUAL(got, wanted)                                                                   \
    do {                                                                                           \
        u64 got_ = (u64)(got), wanted_ = (u64)(wanted);                                            \
        if (got_ != wanted_)                                                                       \
            check_failed(__LINE__, #got, got_, wanted_);                                           \
    } while (0)

int main(u64 hart, u64 tree);

#endif
