/* Runs the cases of a program one by one and prints, on the UART, what each did.
 *
 * The format of a case in memory and of a printed line is told in ../bare.py. */
#include <stdint.h>

typedef uint64_t u64;

struct frame {
    u64 x[32];
    u64 s11, sp, mstatus;
};

void enter(struct frame *f);
extern char csr_writers[], csr_readers[], s_handler[];
extern const u64 cases[];

enum {
    MSTATUS = 0x300,
    MEDELEG,
    MIDELEG,
    MIE,
    MCOUNTEREN = 0x306,
    MENVCFG = 0x30a,
    MIP = 0x344,
    SCOUNTEREN = 0x106,
    SENVCFG = 0x10a,
    STVEC = 0x105,
    SATP = 0x180,
    MEPC = 0x341,
    PMPCFG0 = 0x3a0,
    PMPCFG2 = 0x3a2,
    PMPADDR0 = 0x3b0,
    MPP = 11,
    MAX_TRAPS = 2000,
    VECTORS = 64,
    WATCHED = 64
};

static volatile uint8_t *const uart = (volatile uint8_t *)0x10000000;

static void put(char c)
{
    while (!(uart[5] & 0x20))
        ;
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
}

static void put_pair(const char *before, u64 key, u64 value)
{
    put_text(before);
    put_hex(key);
    put('=');
    put_hex(value);
}

static void csr_write(u64 number, u64 value)
{
    ((void (*)(u64))(csr_writers + 8 * number))(value);
}

static u64 csr_read(u64 number)
{
    return ((u64(*)(void))(csr_readers + 8 * number))();
}

static void reset_csrs(u64 ring)
{
    /* mip behind menvcfg, whose STCE makes mip.STIP read-only */
    static const uint16_t zero[] = {MEDELEG,    MIDELEG, MIE,   MENVCFG, MIP,   MCOUNTEREN,
                                    SCOUNTEREN, SENVCFG, SATP,  PMPCFG2, 0x140, 0x141,
                                    0x142,      0x143,   0x342, 0x343};

    csr_write(MSTATUS, ring << MPP);
    for (unsigned i = 0; i < sizeof zero / sizeof *zero; i++)
        csr_write(zero[i], 0);
    csr_write(STVEC, (u64)s_handler);
    csr_write(PMPADDR0, ~0ull);
    csr_write(PMPCFG0, 0x1f); /* everything is open to every ring */
}

/* Who took it (capitals: a stream goes on) and, of S-mode, how far behind stvec's base; then
 * its cause, epc and tval. */
static void put_trap(const char *who)
{
    u64 cause = csr_read(0x342), epc = csr_read(MEPC), vector = epc - (csr_read(STVEC) & ~3ull);
    int s = cause == 9 && vector < VECTORS;

    put(who[s]);
    if (s && vector)
        put_hex(vector);
    put(' ');
    put_hex(s ? csr_read(0x142) : cause);
    put(' ');
    put_hex(s ? csr_read(0x141) : epc);
    put(' ');
    put_hex(s ? csr_read(0x143) : csr_read(0x343));
}

/* Executes up to `end`: other traps are told and their instruction is skipped. */
static void run_stream(struct frame *f, u64 end)
{
    for (unsigned n = 0; n < MAX_TRAPS; n++) {
        u64 epc;

        enter(f);
        epc = csr_read(MEPC);
        if (epc == end)
            return;
        put_trap("MS");
        put('\n');
        epc += (*(uint16_t *)epc & 3) == 3 ? 4 : 2;
        csr_write(MSTATUS, f->mstatus); /* with MPP as the trap left it */
        csr_write(MEPC, epc);
    }
    put_text("too many traps\n");
}

struct state {
    struct frame f;
    u64 before[32];
    u64 memory[WATCHED];
};

static struct state state;

/* RAM by bytes: a PMP entry of 4 bytes in a word would refuse it to M-mode too. Devices' registers
 * are words. */
static int by_bytes(u64 address)
{
    return address >= 0x80000000;
}

static u64 peek(u64 address)
{
    const volatile unsigned char *at = (const volatile unsigned char *)address;
    u64 value = 0;

    if (!by_bytes(address))
        return *(const volatile u64 *)address;
    for (unsigned i = 0; i < 8; i++)
        value |= (u64)at[i] << 8 * i;
    return value;
}

static void poke(u64 address, u64 value)
{
    volatile unsigned char *at = (volatile unsigned char *)address;

    if (!by_bytes(address)) {
        *(volatile u64 *)address = value;
        return;
    }
    for (unsigned i = 0; i < 8; i++)
        at[i] = (unsigned char)(value >> 8 * i);
}

static void put_changes(const struct state *s, const u64 *peeks, unsigned npeek)
{
    unsigned m = 0;

    for (unsigned i = 1; i < 32; i++) {
        if (s->f.x[i] != s->before[i])
            put_pair(" x", i, s->f.x[i]);
    }
    for (; npeek; npeek--, peeks += 2) {
        for (unsigned i = 0; i < peeks[1]; i++, m++) {
            u64 value = peek(peeks[0] + 8 * i);

            if (value != s->memory[m])
                put_pair(" @", peeks[0] + 8 * i, value);
        }
    }
}

static void read_peeks(u64 *to, const u64 *peeks, unsigned npeek)
{
    for (; npeek; npeek--, peeks += 2) {
        for (unsigned i = 0; i < peeks[1]; i++)
            *to++ = peek(peeks[0] + 8 * i);
    }
}

/* Runs the case at c and returns the one behind it. */
static const u64 *run_case(const u64 *c)
{
    u64 code = c[0], ring = c[1], end = c[2], counts = c[3];
    unsigned ncsr = counts & 255, nreg = counts >> 8 & 255, npoke = counts >> 16 & 255;
    unsigned npeek = counts >> 24 & 255, nread = counts >> 32 & 255;
    struct state *s = &state;
    const u64 *csrs = c + 4, *p = csrs + 2 * ncsr;

    for (unsigned i = 1; i < 32; i++)
        s->f.x[i] = 0xc0de000000000000 + i * 0x0101010101;
    for (; nreg; nreg--, p += 2)
        s->f.x[p[0]] = p[1];
    for (unsigned i = 1; i < 32; i++)
        s->before[i] = s->f.x[i];
    for (; npoke; npoke--, p += 2)
        poke(p[0], p[1]);
    read_peeks(s->memory, p, npeek);
    reset_csrs(ring);
    for (; ncsr; ncsr--, csrs += 2)
        csr_write(csrs[0], csrs[1]);
    csr_write(MEPC, code);
    __asm__ volatile("fence.i\n sfence.vma" ::: "memory");
    if (end)
        run_stream(&s->f, end);
    else
        enter(&s->f);
    put_trap("ms");
    put_changes(s, p, npeek);
    for (p += 2 * npeek; nread; nread--, p++)
        put_pair(" c", *p, *p == MSTATUS ? s->f.mstatus : csr_read(*p));
    put('\n');
    return p;
}

void main(void)
{
    const u64 *c = cases;

    *(volatile u64 *)0x2004000 = ~0ull; /* mtimecmp: no timer */
    while (*c != ~0ull)
        c = run_case(c);
    put_text("end\n");
    *(volatile uint32_t *)0x100000 = 0x5555;
    for (;;)
        ;
}
