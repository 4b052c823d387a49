/* Observers, breaks and drivers of a machine: what events.h, driver.h and follow.h promise. */
#include <string.h>

#include "cpu/cpu.h"
#include "devices/bus.h"
#include "machine/follow.h"
#include "machine/machine.h"
#include "platform/board.h"
#include "unit.h"

#define PAGE (RAM_BASE + 0x1000ull)
#define DATA (RAM_BASE + 0x2000ull)
enum { ZERO, X1, X2, X3, X4, X5, X6, LOAD = 0x03, OP_IMM = 0x13, STORE = 0x23, SYSTEM = 0x73 };

/* Encodings of the RISC-V manual. */
static uint32_t type_i(unsigned opcode, unsigned funct3, unsigned rd, unsigned rs1, unsigned imm)
{
    return (imm & 0xfff) << 20 | rs1 << 15 | funct3 << 12 | rd << 7 | opcode;
}

static uint32_t addi(unsigned rd, unsigned rs1, unsigned imm)
{
    return type_i(OP_IMM, 0, rd, rs1, imm);
}

static uint32_t ld(unsigned rd, unsigned rs1, unsigned imm)
{
    return type_i(LOAD, 3, rd, rs1, imm);
}

static uint32_t sd(unsigned rs2, unsigned rs1, unsigned imm)
{
    return (imm >> 5 & 0x7f) << 25 | rs2 << 20 | rs1 << 15 | 3 << 12 | (imm & 31) << 7 | STORE;
}

static uint32_t csrrw(unsigned rd, unsigned csr, unsigned rs1)
{
    return type_i(SYSTEM, 1, rd, rs1, csr);
}

static uint32_t csrr(unsigned rd, unsigned csr)
{
    return type_i(SYSTEM, 2, rd, ZERO, csr);
}

/* A hart that is about to execute these words at PAGE, x1 = DATA and x2 = PAGE. */
static struct machine *make(const uint32_t *words, size_t bytes)
{
    struct machine_config c;
    char err[256];
    struct machine *m;
    struct hart *h;

    machine_defaults(&c);
    m = machine_new(&c, err, sizeof err);
    machine_reset(m, PAGE, 0);
    (void)machine_write(m, PAGE, words, bytes);
    h = machine_hart(m, 0);
    h->x[X1] = DATA;
    h->x[X2] = PAGE;
    return m;
}

static uint64_t x(struct machine *m, unsigned n)
{
    return machine_register(m, 0, n);
}

struct seen {
    unsigned n;
    struct retire last;
    uint64_t first_instret;
};

static void see(void *user, const struct retire *r)
{
    struct seen *s = user;

    if (!s->n++)
        s->first_instret = r->instret;
    s->last = *r;
}

/* Two observers with gaps between their parts: each is told of its own, by the same numbers. */
void observers_have_their_own_parts(void)
{
    uint32_t nops[64];
    struct seen early = {0}, late = {0}, events = {0};
    struct observer a = {&early, .retire = see, .part = {.from = 2, .to = 4}};
    struct observer b = {&late, .retire = see, .part = {.from = 10, .to = 12}};
    struct observer c = {&events, .retire = see, .part = {.to = UINT64_MAX, .events = true}};
    struct machine *m;

    for (unsigned i = 0; i < 64; i++)
        nops[i] = addi(ZERO, ZERO, 0);
    m = make(nops, sizeof nops);
    machine_observe(m, &a);
    machine_observe(m, &b);
    machine_observe(m, &c);
    check_equal(machine_run(m, 20), STOP_LIMIT);
    check_equal(early.n, 3);
    check_equal(early.first_instret, 2);
    check_equal(early.last.seq, 4);
    check_equal(late.n, 3);
    check_equal(late.last.pc, PAGE + 12 * 4);
    check_equal(late.last.seq, 12);
    check_equal(events.n, 0);
    machine_free(m);
}

struct leaver {
    struct machine *machine;
    struct observer observer;
    unsigned n;
};

static void leave(void *user, const struct retire *r)
{
    struct leaver *l = user;

    (void)r;
    if (++l->n == 3)
        machine_unobserve(l->machine, &l->observer);
}

/* One that goes while it is told, and one behind it that stays. */
void observers_come_and_go(void)
{
    uint32_t nops[64];
    struct leaver l = {0};
    struct seen s = {0};
    struct observer stays = {&s, .retire = see, .part = WHOLE_RUN};
    struct machine *m;

    for (unsigned i = 0; i < 64; i++)
        nops[i] = addi(ZERO, ZERO, 0);
    l.machine = m = make(nops, sizeof nops);
    l.observer = (struct observer){&l, .retire = leave, .part = WHOLE_RUN};
    machine_observe(m, &l.observer);
    machine_observe(m, &stays);
    (void)machine_run(m, 10);
    check_equal(l.n, 3);
    check_equal(s.n, 10);
    machine_unobserve(m, &stays);
    machine_unobserve(m, &stays);
    (void)machine_run(m, 10);
    check_equal(s.n, 10);
    machine_free(m);
}

struct accesses {
    unsigned n;
    struct memory_access all[16];
};

static void accessed(void *user, const struct memory_access *a)
{
    struct accesses *all = user;

    all->all[all->n++ % 16] = *a;
}

void accesses_of_watched_bytes_are_told(void)
{
    const uint32_t code[] = {
        ld(X3, X1, 0),     sd(X3, X1, 0), /* both pages are fast from here on, */
        ld(X3, X1, 8),     sd(X3, X1, 8), /* unless a byte of them is watched: these touch 15 */
        ld(X3, X1, 16),    sd(X3, X1, 16),
        sd(X3, X1, 0xffc),            /* -4: over the end of the page before */
        0x00c0b1af,                   /* amoadd.d x3, x12, (x1): bytes 0 to 7 */
        addi(X1, X1, 8),   0x00c0b1af /* and 8 to 15 */
    };
    struct accesses writes = {0}, reads = {0};
    struct observer w = {&writes, .store = accessed, .first = DATA + 15, .last = DATA + 15};
    struct observer r = {&reads, .load = accessed, .first = DATA + 15, .last = DATA + 15};
    struct observer part = {&writes, .store = accessed, .first = DATA - 1, .last = DATA};
    struct machine *m = make(code, sizeof code);

    (void)machine_run(m, 2);
    machine_observe(m, &w);
    machine_observe(m, &r);
    (void)machine_run(m, 4);
    check_equal(writes.n, 1);
    check_equal(writes.all[0].pa, DATA + 8);
    check_equal(writes.all[0].size, 8);
    check_equal(writes.all[0].write, 1);
    check_equal(reads.n, 1);
    check_equal(reads.all[0].pa, DATA + 8);
    check_equal(reads.all[0].write, 0);
    machine_unobserve(m, &w);
    machine_observe(m, &part);
    (void)machine_run(m, 1); /* a part on either page */
    check_equal(writes.n, 3);
    check_equal(writes.all[1].pa, DATA - 4);
    check_equal(writes.all[1].size, 4);
    check_equal(writes.all[2].pa, DATA);
    check_equal(writes.all[2].size, 4);
    (void)machine_run(m, 3);
    check_equal(writes.n, 4); /* the first amoadd.d */
    check_equal(reads.n, 2);  /* the second */
    machine_free(m);
}

void records_tell_csrs_and_both_pages(void)
{
    const uint32_t code[] = {csrrw(ZERO, ISA_CSR_MEPC, X1), csrr(X3, ISA_CSR_MEPC),
                             sd(X1, X1, 0xffc), ld(X3, X1, 8)};
    struct seen s = {0};
    struct observer o = {&s, .retire = see, .part = WHOLE_RUN};
    struct machine *m = make(code, sizeof code);

    machine_hart(m, 0)->x[X1] = DATA | 1; /* bit 0 of mepc is 0 */
    machine_observe(m, &o);
    (void)machine_run(m, 1);
    check_equal(s.last.csr_written, 1);
    check_equal(s.last.csr, ISA_CSR_MEPC);
    check_equal(s.last.csr_value, DATA);
    (void)machine_run(m, 1);
    check_equal(s.last.csr_written, 0);
    check_equal(s.last.rd, X3);
    check_equal(s.last.rd_value, DATA);
    machine_hart(m, 0)->x[X1] = DATA;
    (void)machine_run(m, 1);
    check_equal(s.last.mem_hpa, DATA - 4);
    check_equal(s.last.mem_hpa2, DATA);
    (void)machine_run(m, 1);
    check_equal(s.last.mem_hpa, DATA + 8);
    check_equal(s.last.mem_hpa2, 0);
    machine_free(m);
}

void breaks_are_any_number(void)
{
    uint32_t nops[64];
    struct machine_break b[12];
    struct machine *m;

    for (unsigned i = 0; i < 64; i++)
        nops[i] = addi(ZERO, ZERO, 0);
    m = make(nops, sizeof nops);
    for (unsigned i = 0; i < 12; i++) {
        b[i] = (struct machine_break){.kind = BREAK_PHYSICAL, .addr = PAGE + 4 * (i + 1)};
        machine_break_set(m, &b[i]);
    }
    for (unsigned i = 0; i < 12; i++) {
        check_equal(machine_run(m, 0), STOP_BREAK);
        check_equal(machine_stats(m)->instret, i + 1);
        for (unsigned k = 0; k < 12; k++)
            check_equal(b[k].hit, k == i);
        machine_break_clear(m, &b[i]);
    }
    check_equal(machine_run(m, 5), STOP_LIMIT);
    machine_free(m);
}

void a_follower_has_the_others_time(void)
{
    const uint32_t code[] = {csrr(X3, ISA_CSR_CYCLE), csrr(X4, ISA_CSR_TIME),
                             csrr(X5, ISA_CSR_INSTRET), csrr(X6, ISA_CSR_CYCLE)};
    struct machine *m = make(code, sizeof code);
    struct follower f = {.ticks = 1234};
    uint64_t per = machine_config(m)->ticks_per_time;

    follow(m, &f);
    (void)machine_step(m, 0);
    f.ticks = 777 * per;
    (void)machine_step(m, 0);
    f.ticks += 1;
    (void)machine_step(m, 0);
    check_equal(x(m, X3), 1234);
    check_equal(x(m, X4), 777);
    check_equal(x(m, X5), 2);
    machine_drive(m, NULL); /* on by its own clock */
    (void)machine_step(m, 0);
    check_equal(x(m, X6), 777 * per + 2);
    machine_free(m);
}

/* A timer interrupt is pending all the time; the other model takes it before the third instruction. */
void a_follower_takes_interrupts_when_told(void)
{
    const uint32_t code[] = {addi(X3, X3, 1), addi(X3, X3, 1), addi(X3, X3, 1)};
    struct machine *m = make(code, sizeof code);
    struct hart *h = machine_hart(m, 0);
    struct follower f = {0};

    h->mstatus = MSTATUS_MIE;
    h->mie = 1 << ISA_IRQ_MTI;
    h->mtvec = RAM_BASE;
    follow(m, &f);
    machine_set_irq(m, 0, ISA_IRQ_MTI, true);
    (void)machine_step(m, 0);
    (void)machine_run(m, 1); /* in a run, too */
    check_equal(x(m, X3), 2);
    check_equal(h->pc, PAGE + 8);
    f.interrupted = true;
    (void)machine_step(m, 0);
    check_equal(x(m, X3), 2);
    check_equal(h->pc, RAM_BASE);
    check_equal(h->mcause, 1ull << 63 | ISA_IRQ_MTI);
    check_equal(h->mepc, PAGE + 8);
    machine_free(m);
}

void a_follower_has_the_others_devices(void)
{
    const uint64_t device = 0x10000000;
    const uint32_t ini_h = 0x1234 << 15 | 5 << 12 | X4 << 7 | 0x5b; /* ini.h x4, 0x1234 */
    const uint32_t code[] = {ld(X3, X1, 0), sd(X2, X1, 8), ini_h, sd(X2, X1, 16)};
    struct machine *m = make(code, sizeof code);
    struct follower f = {.accessed = true};

    machine_hart(m, 0)->x[X1] = device;
    follow(m, &f);
    f.access = (struct device_access){.pa = device, .width = 8, .value = 0x1122334455667788};
    (void)machine_step(m, 0);
    check_equal(x(m, X3), 0x1122334455667788);
    f.access = (struct device_access){.write = true, .pa = device + 8, .width = 8, .value = PAGE};
    (void)machine_step(m, 0);
    f.access = (struct device_access){.port = true, .pa = 0x1234, .width = 2, .value = 77};
    (void)machine_step(m, 0);
    check_equal(x(m, X4), 77);
    check_equal(f.differs, 0);
    f.access =
        (struct device_access){.write = true, .pa = device + 16, .width = 8, .value = PAGE + 1};
    (void)machine_step(m, 0);
    check_equal(f.differs, 1); /* this one stores another value */
    check_equal(f.wanted.pa, device + 16);
    check_equal(f.wanted.value, PAGE);
    check_equal(machine_register(m, 0, (unsigned)machine_register_find("mcause")),
                ISA_EXC_STORE_ACCESS);
    machine_free(m);
}

/* Registers of the manual's chapter "The platform" that keep what is written, and what they are at reset. */
void devices_are_reset_with_the_machine(void)
{
    static const struct {
        uint64_t pa, written, fresh;
        unsigned width;
    } registers[] = {
        {BOARD_CLINT, 1, 0, 4},                             /* msip of hart 0 */
        {BOARD_CLINT + 0x4000, 0x123456789, UINT64_MAX, 8}, /* mtimecmp */
        {BOARD_PLIC + 4 * 7, 5, 0, 4},                      /* priority of source 7 */
        {BOARD_PLIC + 0x2000, 0x80, 0, 4},                  /* enabled for Ring -1 */
        {BOARD_UART + 7, 0x5a, 0, 1},                       /* SCR */
        {BOARD_UART + 3, 0x1b, 0, 1},                       /* LCR */
        {BOARD_PCI_ECAM + (1 << 15) + 0x3c, 0x11, 0, 1},    /* the doorbell's interrupt line */
    };
    enum { REGISTERS = sizeof registers / sizeof registers[0], POST = 0x80 };
    const uint32_t code[] = {0x00000013};
    struct console console = {0};
    struct machine *m = make(code, sizeof code);
    struct board *board = board_new(m, &console);
    struct bus *bus = machine_bus(m);
    uint64_t value;

    for (unsigned i = 0; i < REGISTERS; i++) {
        check_equal(bus_write(bus, registers[i].pa, registers[i].width, registers[i].written), 1);
        check_equal(bus_read(bus, registers[i].pa, registers[i].width, &value), 1);
        check_equal(value, registers[i].written);
    }
    bus_out(bus, POST, 1, 0x77);
    check_equal(bus_in(bus, POST, 1), 0x77);
    machine_reset(m, PAGE, 0);
    for (unsigned i = 0; i < REGISTERS; i++) {
        (void)bus_read(bus, registers[i].pa, registers[i].width, &value);
        check_equal(value, registers[i].fresh);
    }
    check_equal(bus_in(bus, POST, 1), 0);
    board_free(board);
    machine_free(m);
}

static unsigned number(const char *name)
{
    int n = machine_register_find(name);

    check_equal(n >= 0, 1);
    return (unsigned)n;
}

/* What sticks is what the manual's chapter "Registers" says. */
void registers_are_written_by_name(void)
{
    static const struct {
        const char *name;
        uint64_t written, kept;
        bool can;
    } rows[] = {
        {"x7", 0x1234, 0x1234, true},
        {"x0", 0x1234, 0, true},
        {"pc", PAGE + 9, PAGE + 8, true},
        {"mepc", 0x1001, 0x1000, true},
        {"mcounteren", UINT64_MAX, 7, true},
        {"satp", 5ull << 60, 0, true}, /* no such mode: as it was */
        {"vmcs", 1, 0, false},         /* read-only */
        {"viselect", 1, 0, false},     /* there with V=1 alone */
        {"ring", 1, 3, false},
    };
    const uint32_t code[] = {addi(ZERO, ZERO, 0)};
    struct machine *m = make(code, sizeof code);

    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        unsigned n = number(rows[i].name);

        check_equal(machine_set_register(m, 0, n, rows[i].written), rows[i].can);
        check_equal(machine_register(m, 0, n), rows[i].kept);
    }
    check_equal(machine_register_find("x32"), (uint64_t)-1);
    machine_free(m);
}
