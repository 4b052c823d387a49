/* Executes a script: words of 64 bits at SCRIPT, as ../script.py writes them, and prints
 * on the UART what each operation answers, as hexadecimal words.
 *
 * The low byte of an operation's first word says which it is, the next 24 bits are n,
 * the high 32 bits are m; its operands follow. */
#include <stdint.h>

#include "visa.h"

typedef uint64_t u64;

enum op {
    END,
    CASE,
    POKE,
    FILL,
    PEEK,
    STEP,
    RUN,
    ENTER,
    INFO,
    FIELDS,
    VMCS,
    LOOP,
    POKE32,
    PEEK32,
    HART,
    JOIN
};

struct frame {
    u64 x[32];
    u64 s11, sp;
};

/* One instruction and an ebreak behind it, for each hart. */
struct slot {
    uint32_t code[1024];
} __attribute__((aligned(4096)));

struct mailbox {
    volatile u64 word, a, b, request, answered, cause, value;
};

enum { HARTS = 4, BREAKPOINT = 3, ENVIRONMENT_CALL = 8 };

void enter(struct frame *f);

static struct slot slots[HARTS];
static struct mailbox mailboxes[HARTS];
static struct frame frames[HARTS];
static volatile uint8_t *const uart = (volatile uint8_t *)0x10000000;

static void put(char c)
{
    uart[0] = (uint8_t)c;
}

static void put_text(const char *s)
{
    while (*s)
        put(*s++);
}

static void put_hex(u64 v)
{
    int n = 60;

    while (n && !(v >> n))
        n -= 4;
    for (; n >= 0; n -= 4)
        put("0123456789abcdef"[v >> n & 15]);
    put(' ');
}

static void finish(uint32_t code)
{
    *(volatile uint32_t *)0x100000 = code;
    for (;;)
        ;
}

void stray_trap(u64 cause, u64 epc, u64 tval)
{
    put_text("\nstray trap: cause epc tval ");
    put_hex(cause);
    put_hex(epc);
    put_hex(tval);
    put('\n');
    finish(1 << 16 | 0x3333);
}

#define CSR_WRITE(name, value)                                                                     \
    __asm__ volatile("csrw " #name ", %0" : : "r"((u64)(value)) : "memory")

static u64 mcause(void)
{
    u64 v;

    __asm__ volatile("csrr %0, mcause" : "=r"(v));
    return v;
}

static u64 mepc(void)
{
    u64 v;

    __asm__ volatile("csrr %0, mepc" : "=r"(v));
    return v;
}

static u64 mtval(void)
{
    u64 v;

    __asm__ volatile("csrr %0, mtval" : "=r"(v));
    return v;
}

/* Runs from pc in a ring (RISC-V's number) until the next trap to Ring -1. */
static void run_at(struct frame *f, u64 ring, u64 pc)
{
    __asm__ volatile("csrc mstatus, %0\n csrs mstatus, %1\n csrw mepc, %2\n fence.i"
                     :
                     : "r"(0x1880ull), "r"(ring << 11), "r"(pc)
                     : "memory");
    enter(f);
}

/* Executes one instruction: 0 if it went on behind it, else cause + 1 of the trap. */
static u64 step(unsigned hart, u64 ring, u64 word)
{
    uint32_t *code = slots[hart].code;
    u64 cause;

    code[0] = (uint32_t)word;
    code[1] = 0x00100073; /* ebreak */
    run_at(&frames[hart], ring, (u64)code);
    cause = mcause();
    return cause == BREAKPOINT && mepc() == (u64)(code + 1) ? 0 : cause + 1;
}

static void clear(struct frame *f)
{
    for (unsigned i = 0; i < 32; i++)
        f->x[i] = 0xc0de000000000000 + i;
}

static const u64 *load_frame(struct frame *f, const u64 *p, unsigned n)
{
    clear(f);
    for (; n; n--, p += 2)
        f->x[p[0]] = p[1];
    return p;
}

static void put_registers(const struct frame *f, u64 mask)
{
    for (unsigned i = 1; i < 32; i++)
        if (mask >> i & 1)
            put_hex(f->x[i]);
}

static void put_info(void)
{
    put_hex(visa_vmcause());
    put_hex(visa_vmqual());
    put_hex(visa_vmaddr());
    put_hex(visa_vmgpa());
    put_hex(visa_vminsn());
    put_hex(visa_vmlen());
    put_hex(visa_vmval());
}

static const u64 *put_fields(const u64 *p, unsigned n)
{
    for (; n; n--)
        put_hex(visa_vmread(*p++));
    return p;
}

static const u64 *op_poke(const u64 *p, unsigned n)
{
    volatile u64 *at = (volatile u64 *)*p++;

    for (; n; n--)
        *at++ = *p++;
    return p;
}

static const u64 *op_fill(const u64 *p, unsigned n)
{
    volatile u64 *at = (volatile u64 *)*p++;

    for (; n; n--)
        *at++ = *p;
    return p + 1;
}

static const u64 *op_peek(const u64 *p, unsigned n)
{
    const volatile u64 *at = (const volatile u64 *)*p++;

    for (; n; n--)
        put_hex(*at++);
    return p;
}

/* m: ring; word, mask of registers to print, n registers. */
static const u64 *op_step(const u64 *p, unsigned n, u64 m)
{
    const u64 *q = load_frame(&frames[0], p + 2, n);

    put_hex(step(0, m, p[0]));
    put_hex(mtval());
    put_registers(&frames[0], p[1]);
    return q;
}

/* m: ring; pc, mask of registers to print, n registers. */
static const u64 *op_run(const u64 *p, unsigned n, u64 m)
{
    const u64 *q = load_frame(&frames[0], p + 2, n);

    run_at(&frames[0], m, p[0]);
    put_hex(mcause());
    put_hex(mepc());
    put_hex(mtval());
    put_registers(&frames[0], p[1]);
    return q;
}

static u64 enter_guest(u64 word, u64 vmcs)
{
    clear(&frames[0]);
    frames[0].x[10] = vmcs;
    return step(0, 3, word);
}

/* The instruction that enters, x10 for it, n fields to read after it. */
static const u64 *op_enter(const u64 *p, unsigned n)
{
    put_hex(enter_guest(p[0], p[1]));
    put_info();
    return put_fields(p + 2, n);
}

/* Enters again and again until the guest says so by VMEXIT m, at most n times; then
 * prints how often, and cause and VMQUAL of each exit. */
static const u64 *op_loop(const u64 *p, unsigned n, u64 m)
{
    static u64 log[2][4096];
    unsigned count = 0;

    while (count < n && count < 4096) {
        enter_guest(p[0], p[1]);
        log[0][count] = visa_vmcause();
        log[1][count++] = visa_vmqual();
        if (log[0][count - 1] == VISA_EXIT_HYPERCALL && log[1][count - 1] == m)
            break;
        if (log[0][count - 1] == VISA_EXIT_ENTRYFAIL)
            break;
    }
    put_hex(count);
    for (unsigned i = 0; i < count; i++) {
        put_hex(log[0][i]);
        put_hex(log[1][i]);
    }
    return p + 2;
}

/* A fresh VMCS at an address: dropped from the pool, zero, then n fields. */
static const u64 *op_vmcs(const u64 *p, unsigned n)
{
    volatile u64 *vmcs = (volatile u64 *)*p++;

    visa_vmclear((u64)vmcs);
    for (unsigned i = 0; i < 512; i++)
        vmcs[i] = 0;
    vmcs[VISA_VMCS_REVISION] = VISA_REVISION;
    for (; n; n--, p += 2)
        vmcs[p[0]] = p[1];
    return p;
}

/* One instruction in Ring -1 of hart n with x10 and x11. */
static const u64 *op_hart(const u64 *p, unsigned n)
{
    struct mailbox *box = &mailboxes[n % HARTS];

    box->word = p[0];
    box->a = p[1];
    box->b = p[2];
    box->request = box->request + 1;
    return p + 3;
}

/* Waits for what hart n does; prints trap and x12. */
static const u64 *op_join(const u64 *p, unsigned n)
{
    struct mailbox *box = &mailboxes[n % HARTS];

    while (box->answered != box->request)
        ;
    put_hex(box->cause);
    put_hex(box->value);
    return p;
}

void serve(u64 hart)
{
    struct mailbox *box = &mailboxes[hart];
    struct frame *f = &frames[hart];

    for (;;) {
        while (box->answered == box->request)
            ;
        clear(f);
        f->x[10] = box->a;
        f->x[11] = box->b;
        box->cause = step((unsigned)hart, 3, box->word);
        box->value = f->x[12];
        box->answered = box->request;
    }
}

static const u64 *operation(const u64 *p)
{
    unsigned n = *p >> 8 & 0xffffff;
    u64 m = *p >> 32;

    switch ((enum op)(*p++ & 0xff)) {
    case CASE: put('\n'); return p;
    case POKE: return op_poke(p, n);
    case FILL: return op_fill(p, n);
    case PEEK: return op_peek(p, n);
    case STEP: return op_step(p, n, m);
    case RUN: return op_run(p, n, m);
    case ENTER: return op_enter(p, n);
    case INFO: put_info(); return p;
    case FIELDS: return put_fields(p, n);
    case VMCS: return op_vmcs(p, n);
    case LOOP: return op_loop(p, n, m);
    case POKE32: *(volatile uint32_t *)p[0] = (uint32_t)p[1]; return p + 2;
    case PEEK32: put_hex(*(volatile uint32_t *)p[0]); return p + 1;
    case HART: return op_hart(p, n);
    case JOIN: return op_join(p, n);
    case END: break;
    }
    return 0;
}

void main(void)
{
    const u64 *p = (const u64 *)SCRIPT;

    while (p)
        p = operation(p);
    put_text("\nend\n");
    finish(0x5555);
}
