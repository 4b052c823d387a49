/* Fuzzing of the state space: random VMCS pages, filters, two page tables, MMIO ranges,
 * VIC states and guest code, run by a fixed hypervisor loop.
 *
 *   fuzz-state [--seed N] [--rounds N]
 *
 * After every round: an entry ran or failed with a field that is wrong; memory outside
 * the VM's map is as it was; no secret of another context is in the VM's memory or
 * state. At the end the coverage of cause x ring is printed, and must be complete. */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "state/hart.h"
#include "isa.h"
#include "machine/machine.h"

enum { RAM = 8 << 20, EXITS_PER_ROUND = 64, GUEST_CODE = 4096 };

/* Where things are, as offsets into RAM. */
enum {
    AT_HOST = 0,       /* the hypervisor's loop */
    AT_VMCS = 0x10000, /* the context under test, and the one with secrets behind it */
    AT_SECRET = 0x11000,
    AT_IOBITMAP = 0x12000,
    AT_HPT = 0x20000,   /* host table: 16 KiB root, then two levels */
    AT_GUEST = 4 << 20, /* the VM's memory */
    GUEST_BYTES = 2 << 20,
};

static const uint64_t secret = 0x5ec4e75ec4e75ec5ull;
static const uint8_t canary = 0xa5;

struct fuzz {
    struct machine *m;
    uint64_t state, seed;
    uint64_t exits[32][2]; /* by cause, ring 0 and 3 */
    uint64_t entries, failures[512];
    uint64_t left;                       /* exits this round may still make */
    uint64_t last_pc, last_cause, stuck; /* a guest that gets nowhere ends its round */
    bool open;                           /* the VM was given more memory than its own */
};

static uint64_t rnd(struct fuzz *f)
{
    uint64_t z = f->state += 0x9e3779b97f4a7c15ull; /* splitmix64 */

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ z >> 27) * 0x94d049bb133111ebull;
    return z ^ z >> 31;
}

static uint64_t below(struct fuzz *f, uint64_t n)
{
    return rnd(f) % n;
}

static bool chance(struct fuzz *f, unsigned percent)
{
    return below(f, 100) < percent;
}

static void die(const struct fuzz *f, const char *what, uint64_t value)
{
    fprintf(stderr, "fuzz-state: seed %" PRIu64 ": %s (0x%" PRIx64 ")\n", f->seed, what, value);
    exit(1);
}

static void put(struct fuzz *f, uint64_t offset, uint64_t value)
{
    if (!machine_write(f->m, RAM_BASE + offset, &value, 8))
        die(f, "offset outside RAM", offset);
}

static uint64_t get(struct fuzz *f, uint64_t offset)
{
    uint64_t value = 0;

    if (!machine_read(f->m, RAM_BASE + offset, &value, 8))
        die(f, "offset outside RAM", offset);
    return value;
}

static uint32_t encode(const char *name, unsigned rd, unsigned rs1, unsigned rs2, int64_t imm)
{
    const struct isa_insn *row = isa_find(name);
    const int64_t value[] = {
        [ISA_FIELD_RD] = rd, [ISA_FIELD_RS1] = rs1, [ISA_FIELD_RS2] = rs2, [ISA_FIELD_IMM] = imm};
    uint32_t bits = row->match;

    for (unsigned i = 0; i < row->nfields; i++)
        if (row->fields[i].kind <= ISA_FIELD_IMM)
            bits = isa_insert(&row->fields[i], bits, value[row->fields[i].kind]);
    return bits;
}

/* VMENTER a0; then for ever: VMRESUME or VMRESUME.ADV, as a word of a table says. */
static void write_host(struct fuzz *f)
{
    const uint32_t code[] = {
        encode("vmload", 0, 12, 0, 0), encode("vmenter", 0, 10, 0, 0),
        encode("lbu", 5, 11, 0, 0),    encode("addi", 11, 11, 0, 1),
        encode("beq", 0, 5, 0, 12),    encode("vmresume", 0, 0, 0, 0),
        encode("jal", 0, 0, 0, -16),   encode("vmresume.adv", 0, 0, 0, 0),
        encode("jal", 0, 0, 0, -24),
    };

    (void)machine_write(f->m, RAM_BASE + AT_HOST, code, sizeof code);
    for (unsigned i = 0; i < 4096; i += 8)
        put(f, AT_HOST + 4096 + i, rnd(f) & 0x0101010101010101ull);
}

static uint64_t random_insn(struct fuzz *f)
{
    static const uint16_t often[] = {ISA_OP_VMEXIT, ISA_OP_EBREAK, ISA_OP_ECALL, ISA_OP_LD,
                                     ISA_OP_SD,     ISA_OP_WFI,    ISA_OP_SRET,  ISA_OP_CSRRW};
    const struct isa_insn *row;
    uint32_t bits;

    if (chance(f, 3))
        return rnd(f);
    do
        row = &isa_insns[chance(f, 25) ? often[below(f, 8)] : 1 + below(f, ISA_OPS - 1)];
    while (row->length == 2 && chance(f, 80));
    bits = ((uint32_t)rnd(f) & ~row->mask) | row->match;
    if (strcmp(row->ext, "zicsr") == 0 && chance(f, 80)) { /* a CSR that exists, often CR3 */
        unsigned csr = chance(f, 20) ? ISA_CSR_SATP : isa_csrs[below(f, isa_csr_count)].number;

        bits = (bits & 0xfffff) | csr << 20;
    }
    return bits;
}

static void write_guest(struct fuzz *f)
{
    for (unsigned i = 0; i < GUEST_BYTES; i += 4096)
        put(f, AT_GUEST + i, rnd(f));
    for (unsigned i = 0; i < GUEST_CODE; i += 4) {
        uint32_t bits = (uint32_t)random_insn(f);

        (void)machine_write(f->m, RAM_BASE + AT_GUEST + i, &bits, 4);
    }
}

static uint64_t leaf_flags(struct fuzz *f, bool host)
{
    uint64_t flags = host ? 0xdf : chance(f, 50) ? 0xcf : 0xdf;

    return chance(f, 15) ? flags ^ 1ull << below(f, 8) : flags;
}

/* GPAs from RAM_BASE + AT_GUEST on: its own pages in order, with holes and wrong rights. */
static void write_host_table(struct fuzz *f)
{
    uint64_t gpa = RAM_BASE + AT_GUEST, ppn = (RAM_BASE + AT_GUEST) >> 12;
    uint64_t l1 = (RAM_BASE + AT_HPT + 0x4000) >> 12, l0 = (RAM_BASE + AT_HPT + 0x5000) >> 12;

    put(f, AT_HPT + (gpa >> 30) * 8, l1 << 10 | 1);
    put(f, AT_HPT + 0x4000 + (gpa >> 21 & 511) * 8,
        chance(f, 50) ? ppn << 10 | leaf_flags(f, true) : l0 << 10 | 1);
    for (unsigned i = 0; i < 512; i++)
        put(f, AT_HPT + 0x5000 + i * 8, (ppn + i) << 10 | leaf_flags(f, true));
}

/* The guest's own table, in its last pages: identity for its memory, and noise. */
static uint64_t write_guest_table(struct fuzz *f)
{
    uint64_t gpa = RAM_BASE + AT_GUEST, root = AT_GUEST + GUEST_BYTES - 0x3000;
    uint64_t l1 = (RAM_BASE + root + 0x1000) >> 12, l0 = (RAM_BASE + root + 0x2000) >> 12;

    put(f, root + (gpa >> 30 & 511) * 8, l1 << 10 | 1);
    put(f, root + 0x1000 + (gpa >> 21 & 511) * 8,
        chance(f, 50) ? (gpa >> 12) << 10 | leaf_flags(f, false) : l0 << 10 | 1);
    for (unsigned i = 0; i < 512; i++)
        put(f, root + 0x2000 + i * 8, ((gpa >> 12) + i) << 10 | leaf_flags(f, false));
    return 8ull << 60 | (RAM_BASE + root) >> 12;
}

static void set(struct fuzz *f, unsigned field, uint64_t value)
{
    put(f, AT_VMCS + 8ull * field, value);
}

static void write_ranges(struct fuzz *f)
{
    for (unsigned i = 0; i < ISA_IOV_RANGES && chance(f, 40); i++) {
        set(f, ISA_VMCS_IOV_BASE + i, RAM_BASE + AT_GUEST + 0x8000 + 0x1000 * i + below(f, 64));
        set(f, ISA_VMCS_IOV_SIZE + i, 1 + below(f, 0x800));
        set(f, ISA_VMCS_IOV_TARGET + i, RAM_BASE + AT_GUEST + below(f, GUEST_BYTES - 0x1000));
        set(f, ISA_VMCS_IOV_FLAGS + i, below(f, 4));
    }
}

static void write_registers(struct fuzz *f)
{
    for (unsigned i = 1; i < 32; i++) {
        uint64_t value = RAM_BASE + AT_GUEST +
                         (chance(f, 30) ? 0x8000 + below(f, 0x8000) : below(f, GUEST_BYTES));

        set(f, ISA_VMCS_X + i,
            chance(f, 70)   ? value & ~7ull
            : chance(f, 50) ? below(f, 4096)
                            : rnd(f));
    }
    set(f, ISA_VMCS_PC, RAM_BASE + AT_GUEST + (below(f, GUEST_CODE) & ~3ull));
    set(f, ISA_VMCS_STVEC, RAM_BASE + AT_GUEST + (below(f, GUEST_CODE) & ~3ull));
    set(f, ISA_VMCS_SSTATUS, rnd(f));
    set(f, ISA_VMCS_SIE, rnd(f));
    set(f, ISA_VMCS_SEPC, RAM_BASE + AT_GUEST + (below(f, GUEST_CODE) & ~3ull));
    set(f, ISA_VMCS_STIMECMP, chance(f, 50) ? ~0ull : below(f, 100));
    set(f, ISA_VMCS_RING, chance(f, 70) ? 0 : 3);
}

/* Any bits that VMTRAPCFG has, the reserved one excepted. */
static uint64_t random_filter(struct fuzz *f)
{
    uint64_t known = 0;

    for (unsigned i = 0; i < ISA_NAMES; i++)
        known |= isa_trap_names[i] ? 1ull << i : 0;
    known &= ~(uint64_t)ISA_TRAP_TLBMISS;
    if (chance(f, 80)) /* these two exit all the time */
        known &= ~(uint64_t)(ISA_TRAP_INTWIN | ISA_TRAP_PREEMPT);
    return rnd(f) & known;
}

/* Bare at the host's stage, or with an MMIO range that leads out of the VM's memory. */
static bool is_open(struct fuzz *f)
{
    uint64_t own = RAM_BASE + AT_GUEST;

    if (get(f, AT_VMCS + 8 * ISA_VMCS_HPTBR) >> 60 == 0)
        return true;
    for (unsigned i = 0; i < ISA_IOV_RANGES; i++) {
        uint64_t size = get(f, AT_VMCS + 8 * (ISA_VMCS_IOV_SIZE + i));
        uint64_t offset = get(f, AT_VMCS + 8 * (ISA_VMCS_IOV_TARGET + i)) - own;

        if (size && (offset > GUEST_BYTES || size > GUEST_BYTES - offset))
            return true;
    }
    return false;
}

static void write_vmcs(struct fuzz *f)
{
    uint64_t gptbr = write_guest_table(f);

    for (unsigned i = 0; i < 512; i++)
        set(f, i, 0);
    set(f, ISA_VMCS_REVISION, ISA_REVISION);
    set(f, ISA_VMCS_VMTRAPCFG, random_filter(f));
    set(f, ISA_VMCS_VMCTL, below(f, 2));
    set(f, ISA_VMCS_HPTBR,
        chance(f, 15)
            ? 0
            : 8ull << 60 | below(f, 1 << ISA_VMID_BITS) << 44 | (RAM_BASE + AT_HPT) >> 12);
    set(f, ISA_VMCS_IOBITMAP, chance(f, 50) ? 0 : RAM_BASE + AT_IOBITMAP);
    set(f, ISA_VMCS_PREEMPT, below(f, chance(f, 50) ? 4 : 200));
    set(f, ISA_VMCS_GPTBR, chance(f, 30) ? 0 : gptbr);
    write_registers(f);
    for (unsigned i = 0; i < 4; i++) {
        set(f, ISA_VMCS_VIC_PENDING + i, chance(f, 20) ? rnd(f) : 0);
        set(f, ISA_VMCS_VIC_ENABLE + i, rnd(f));
    }
    for (unsigned i = 0; i < 16; i++)
        set(f, ISA_VMCS_VIC_PRIORITY + i, rnd(f));
    set(f, ISA_VMCS_VIC_THRESHOLD, below(f, ISA_VIC_PRIORITIES));
    write_ranges(f);
    if (chance(f, 10)) /* and something that may be wrong */
        set(f, (unsigned)below(f, 224), rnd(f));
    f->open = is_open(f);
}

/* A context that never runs, but is in the pool beside the other one. */
static void write_secret(struct fuzz *f)
{
    for (unsigned i = 0; i < 512; i++)
        put(f, AT_SECRET + 8 * i, secret);
    put(f, AT_SECRET + 8 * ISA_VMCS_REVISION, ISA_REVISION);
    put(f, AT_SECRET + 8 * ISA_VMCS_OWNER, 0);
}

static void on_world(void *user, const struct world_event *e)
{
    struct fuzz *f = user;

    if (e->entry) {
        f->entries++;
        return;
    }
    if (e->cause == 0 || e->cause >= 32 || !isa_exit_names[e->cause])
        die(f, "an exit without a cause of the manual", e->cause);
    if (e->ring != 0 && e->ring != 3)
        die(f, "an exit from no ring of a guest", (uint64_t)e->ring);
    f->exits[e->cause][e->ring == 3]++;
    f->stuck = e->pc == f->last_pc && e->cause == f->last_cause ? f->stuck + 1 : 0;
    f->last_pc = e->pc;
    f->last_cause = e->cause;
    if (--f->left == 0 || f->stuck > 8)
        machine_exit(f->m, 0);
}

static void note_failure(struct fuzz *f)
{
    const struct exit_info *e = &machine_hart(f->m, 0)->exit;

    if (e->cause != ISA_EXIT_ENTRYFAIL || e->qual == ISA_VMCS_NONE)
        return; /* the latter: VMRESUME after a VMENTER that was refused */
    if (e->qual >= 512 || !isa_vmcs_field_at((unsigned)e->qual))
        die(f, "an entry failure that names no field", e->qual);
    f->failures[e->qual]++;
}

/* Outside of the VM's memory, its VMCS and the port bitmap nothing may have changed. */
static void check_memory(struct fuzz *f, const uint8_t *before)
{
    const uint8_t *ram = machine_ram(f->m, RAM_BASE, RAM);

    for (uint64_t i = 0; i < RAM; i += 4096) {
        bool own = i == AT_VMCS || i == AT_SECRET || (i >= AT_GUEST && i < AT_GUEST + GUEST_BYTES);

        if (!own && memcmp(ram + i, before + i, 4096) != 0)
            die(f, "memory outside the VM changed at", RAM_BASE + i);
    }
    for (uint64_t i = AT_GUEST; i < AT_GUEST + GUEST_BYTES; i += 8)
        if (get(f, i) == secret)
            die(f, "a secret of another context is in the VM's memory at", RAM_BASE + i);
}

/* The loop's arguments, and now and then an interrupt of the host. */
static void prepare_hart(struct fuzz *f)
{
    static const unsigned irqs[] = {ISA_IRQ_MSI, ISA_IRQ_MTI, ISA_IRQ_MEI};
    struct hart *h = machine_hart(f->m, 0);

    h->x[10] = RAM_BASE + AT_VMCS;
    h->x[11] = RAM_BASE + AT_HOST + 4096;
    h->x[12] = RAM_BASE + AT_SECRET;
    for (unsigned i = 0; i < 3; i++)
        machine_set_irq(f->m, 0, irqs[i], chance(f, 1));
    h->mie = rnd(f) & (1 << ISA_IRQ_MSI | 1 << ISA_IRQ_MTI | 1 << ISA_IRQ_MEI);
}

static void one_round(struct fuzz *f, uint8_t *before)
{
    uint8_t *ram = machine_ram(f->m, RAM_BASE, RAM);

    f->state = f->seed;
    memset(ram, canary, RAM);
    memset(ram + AT_HPT, 0, 0x10000);
    memset(ram + AT_GUEST, 0, GUEST_BYTES);
    write_host(f);
    write_guest(f);
    write_host_table(f);
    write_vmcs(f);
    write_secret(f);
    memcpy(before, ram, RAM);
    machine_reset(f->m, RAM_BASE + AT_HOST, 0);
    prepare_hart(f);
    f->left = EXITS_PER_ROUND;
    (void)machine_run(f->m, 20000);
    note_failure(f);
    if (!f->open)
        check_memory(f, before);
}

/* Rings from which a cause can come (manual, chapter "Exit causes"); bit 0 Ring 0, bit 1
 * Ring 3. Causes that are missing here cannot be exits. */
static const uint8_t possible[32] = {
    [ISA_EXIT_PRIVILEGED] = 3, [ISA_EXIT_IO] = 3,       [ISA_EXIT_CRWRITE] = 1,
    [ISA_EXIT_PAGEFAULT] = 3,  [ISA_EXIT_TIMER] = 3,    [ISA_EXIT_EXTERNAL] = 3,
    [ISA_EXIT_HYPERCALL] = 3,  [ISA_EXIT_MSR] = 1,      [ISA_EXIT_HOSTFAULT] = 3,
    [ISA_EXIT_HALT] = 1,       [ISA_EXIT_VIRT] = 1,     [ISA_EXIT_BREAKPOINT] = 3,
    [ISA_EXIT_INTWINDOW] = 3,  [ISA_EXIT_TLBFLUSH] = 1, [ISA_EXIT_PREEMPT] = 3,
    [ISA_EXIT_SHUTDOWN] = 1,
};

/* Prints what was reached; true if that is everything, and nothing else. */
static bool report(const struct fuzz *f)
{
    unsigned missing = 0, impossible = 0;

    printf("%-12s %10s %10s\n", "cause", "Ring 0", "Ring 3");
    for (unsigned c = 0; c < 32; c++) {
        if (!isa_exit_names[c])
            continue;
        printf("%-12s %10" PRIu64 " %10" PRIu64 "\n", isa_exit_names[c], f->exits[c][0],
               f->exits[c][1]);
        for (unsigned ring = 0; ring < 2; ring++) {
            missing += (possible[c] >> ring & 1) && f->exits[c][ring] == 0;
            impossible += !(possible[c] >> ring & 1) && f->exits[c][ring] != 0;
        }
    }
    printf("entries %" PRIu64 "; refused for:", f->entries);
    for (unsigned i = 0; i < 512; i++)
        if (f->failures[i])
            printf(" %s", isa_vmcs_field_at(i)->name);
    printf("\nmissing %u, impossible %u\n", missing, impossible);
    return missing == 0 && impossible == 0;
}

static uint64_t number(const char *text)
{
    char *end;
    uint64_t n = strtoull(text, &end, 0);

    if (*end || end == text) {
        fprintf(stderr, "fuzz-state: '%s' is no number\n", text);
        exit(2);
    }
    return n;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"seed", required_argument, 0, 's'}, {"rounds", required_argument, 0, 'n'}, {0, 0, 0, 0}};
    static uint8_t before[RAM];
    struct fuzz f = {0};
    struct observer watcher = {.user = &f, .world = on_world, .part = WHOLE_RUN};
    struct machine_config c;
    uint64_t first = 1, rounds = 6000;
    char err[200];

    for (int o; (o = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (o == 's')
            first = number(optarg);
        else if (o == 'n')
            rounds = number(optarg);
        else
            return 2;
    }
    machine_defaults(&c);
    c.ram_bytes = RAM;
    f.m = machine_new(&c, err, sizeof err);
    if (!f.m) {
        fprintf(stderr, "fuzz-state: %s\n", err);
        return 1;
    }
    machine_observe(f.m, &watcher);
    printf("seed %" PRIu64 ", %" PRIu64 " rounds\n", first, rounds);
    for (uint64_t i = 0; i < rounds; i++) {
        f.seed = first + i;
        one_round(&f, before);
    }
    machine_free(f.m);
    return report(&f) ? 0 : 1;
}
