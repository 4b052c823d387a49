/* What platform.h promises. */
#include "platform.h"

static volatile uint8_t *const uart = (volatile uint8_t *)0x10000000;
volatile struct trapped trapped;

void put_text(const char *text)
{
    for (; *text; text++) {
        while (!(uart[5] & 0x20))
            ;
        uart[0] = (uint8_t)*text;
    }
}

void put_number(u64 value)
{
    char text[19] = "0x";
    unsigned n = 2, shift = 60;

    while (shift && !(value >> shift))
        shift -= 4;
    for (int s = (int)shift; s >= 0; s -= 4)
        text[n++] = "0123456789abcdef"[value >> s & 15];
    text[n] = 0;
    put_text(text);
}

/* The test finisher: 0x5555 passes, 0x3333 fails with a code. */
void finish(int code)
{
    *(volatile uint32_t *)0x100000 = code ? (uint32_t)code << 16 | 0x3333 : 0x5555;
    for (;;)
        ;
}

void fail(const char *file, int line, const char *text, u64 got)
{
    put_text(file);
    put_text(":");
    put_number((u64)line);
    put_text(": expected ");
    put_text(text);
    put_text(", got ");
    put_number(got);
    put_text("\n");
    finish(1);
}

void open_pmp(void)
{
    csr_write(pmpaddr0, ~0ull);
    csr_write(pmpcfg0, 0x1f);
}

__attribute__((weak)) void m_trap(struct frame *f)
{
    put_text("unexpected trap, mcause ");
    put_number(csr_read(mcause));
    put_text(" mepc ");
    put_number(f->epc);
    put_text(" mtval ");
    put_number(csr_read(mtval));
    put_text("\n");
    finish(2);
}

__attribute__((weak)) void s_trap(struct frame *f)
{
    (void)f;
    finish(3);
}

__attribute__((weak)) void other_hart(u64 hart)
{
    (void)hart;
}

enum { LEAVE = 0x4c564541 };

void leave(u64 value)
{
    register u64 a0 __asm__("a0") = value;
    register u64 a7 __asm__("a7") = LEAVE;

    for (;;)
        __asm__ volatile("ecall" ::"r"(a0), "r"(a7) : "memory");
}

bool was_leave(struct frame *f)
{
    extern char drop_return[];
    u64 cause = csr_read(mcause);

    if ((cause != CAUSE_ECALL_U && cause != CAUSE_ECALL_S) || f->a[7] != LEAVE)
        return false;
    f->epc = (u64)drop_return;
    f->status |= STATUS_MPP;
    return true;
}

void note_trap(struct frame *f, u64 cause, u64 tval)
{
    uint16_t low;

    trapped.count++;
    trapped.cause = cause;
    trapped.tval = tval;
    trapped.epc = f->epc;
    low = *(volatile uint16_t *)f->epc;
    f->epc += (low & 3) == 3 ? 4 : 2;
}

u64 leaf(const volatile void *page, u64 flags)
{
    return (u64)page >> 12 << 10 | flags;
}

u64 branch(const volatile table *t)
{
    return (u64)t >> 12 << 10 | PTE_V;
}

u64 satp_value(u64 mode, const volatile table *root, u64 asid)
{
    return mode | asid << 44 | (u64)root >> 12;
}

void map_identity(volatile table *root, u64 flags)
{
    (*root)[0] = leaf(NULL, PTE_RW); /* devices, for put_text and finish */
    (*root)[2] = leaf((void *)0x80000000ull, flags);
}
