/* Ports, MSRs, and what a VM may do with them; MMIO ranges. Manual: chapter "I/O". */
#include "cpu.h"
#include "devices/bus.h"
#include "state/machine_state.h"
#include "mmu/mmu.h"

/* Is every port of the access open to the live guest? */
static bool ports_open(const struct hart *h, uint16_t port, unsigned width)
{
    uint64_t bitmap = h->live->f[ISA_VMCS_IOBITMAP];

    for (unsigned i = 0; i < width; i++) {
        uint16_t p = (uint16_t)(port + i);
        uint8_t byte;

        if (!bitmap || !machine_read(h->machine, bitmap + p / 8, &byte, 1) || !(byte >> p % 8 & 1))
            return false;
    }
    return true;
}

/* *through: the access reaches the device. */
static visa_result check_port(struct hart *h, uint16_t port, unsigned width, bool write,
                              unsigned reg, uint64_t value, bool *through)
{
    *through = true;
    if (!h->v || ports_open(h, port, width))
        return VISA_OK;
    *through = false;
    if (!trapcfg(h, ISA_TRAP_IO))
        return VISA_OK;
    return raise_exit(h, ISA_EXIT_IO,
                      QUAL(IO, REG, reg) | QUAL(IO, WRITE, write) |
                          QUAL(IO, WIDTH, __builtin_ctz(width)) | QUAL(IO, PORT, port),
                      0, 0, value);
}

/* What is read. */
static uint64_t through_port(struct hart *h, bool write, uint64_t port, unsigned width,
                             uint64_t value)
{
    const struct driver *d = &h->machine->driver;

    if (d->port)
        (void)d->port(d->user, h->id, write, port, width, &value);
    else if (write)
        bus_out(h->machine->bus, (uint16_t)port, width, value);
    else
        value = bus_in(h->machine->bus, (uint16_t)port, width);
    return value;
}

static visa_result port_in(struct hart *h, uint32_t bits, uint64_t port, unsigned width)
{
    uint64_t value = (1ull << 8 * width) - 1;
    bool through;

    if (check_port(h, (uint16_t)port, width, false, INSN_RD(bits), 0, &through) != VISA_OK)
        return VISA_TRAP;
    if (through) {
        value &= through_port(h, false, port, width, 0);
        note(h, TIMING_DEVICE, port, width, false);
        h->attention = true;
    }
    set_rd(h, bits, value);
    return VISA_OK;
}

static visa_result port_out(struct hart *h, uint32_t bits, uint64_t port, unsigned width)
{
    uint64_t value = h->x[INSN_RS2(bits)] & ((1ull << 8 * width) - 1);
    bool through;

    if (check_port(h, (uint16_t)port, width, true, INSN_RS2(bits), value, &through) != VISA_OK)
        return VISA_TRAP;
    if (through) {
        (void)through_port(h, true, port, width, value);
        note(h, TIMING_DEVICE, port, width, true);
        h->attention = true;
    }
    return VISA_OK;
}

/* The port of an immediate form. */
static uint64_t port_imm(const struct hart *h, uint32_t bits)
{
    return (uint64_t)isa_extract(isa_field(&isa_insns[h->insn_op], ISA_FIELD_IMM), bits);
}

#define PORT(name, move, port, width)                                                              \
    visa_result exec_##name(struct hart *h, uint32_t bits)                                         \
    {                                                                                              \
        return move(h, bits, port, width);                                                         \
    }
PORT(in_b, port_in, h->x[INSN_RS1(bits)], 1)
PORT(in_h, port_in, h->x[INSN_RS1(bits)], 2)
PORT(in_w, port_in, h->x[INSN_RS1(bits)], 4)
PORT(out_b, port_out, h->x[INSN_RS1(bits)], 1)
PORT(out_h, port_out, h->x[INSN_RS1(bits)], 2)
PORT(out_w, port_out, h->x[INSN_RS1(bits)], 4)
PORT(ini_b, port_in, port_imm(h, bits), 1)
PORT(ini_h, port_in, port_imm(h, bits), 2)
PORT(ini_w, port_in, port_imm(h, bits), 4)
PORT(outi_b, port_out, port_imm(h, bits), 1)
PORT(outi_h, port_out, port_imm(h, bits), 2)
PORT(outi_w, port_out, port_imm(h, bits), 4)

static visa_result msr_exit(struct hart *h, unsigned reg, bool write, uint32_t msr, uint64_t value)
{
    return raise_exit(h, ISA_EXIT_MSR,
                      QUAL(MSR, REG, reg) | QUAL(MSR, WRITE, write) | QUAL(MSR, MSR, msr), 0, 0,
                      value);
}

static visa_result no_such_msr(struct hart *h, uint64_t value)
{
    return raise_illegal(h, QUAL(PRIVILEGED, CLASS, ILLEGAL_MSR), value);
}

visa_result exec_rdmsr(struct hart *h, uint32_t bits)
{
    uint32_t msr = (uint32_t)h->x[INSN_RS1(bits)];

    if (trapcfg(h, ISA_TRAP_MSR))
        return msr_exit(h, INSN_RD(bits), false, msr, 0);
    switch (msr) {
    case ISA_MSR_TSC: set_rd(h, bits, hart_ticks(h) + h->mcycle_offset); return VISA_OK;
    case ISA_MSR_MODEL: set_rd(h, bits, 1); return VISA_OK;
    case ISA_MSR_TLS: set_rd(h, bits, h->s.tls); return VISA_OK;
    case ISA_MSR_TSC_AUX: set_rd(h, bits, h->s.tsc_aux); return VISA_OK;
    default: return no_such_msr(h, 0);
    }
}

visa_result exec_wrmsr(struct hart *h, uint32_t bits)
{
    uint32_t msr = (uint32_t)h->x[INSN_RS1(bits)];
    uint64_t value = h->x[INSN_RS2(bits)];

    if (trapcfg(h, ISA_TRAP_MSR))
        return msr_exit(h, INSN_RS2(bits), true, msr, value);
    switch (msr) {
    case ISA_MSR_TLS: h->s.tls = value; return VISA_OK;
    case ISA_MSR_TSC_AUX: h->s.tsc_aux = value; return VISA_OK;
    default: /* unknown, or read-only */ return no_such_msr(h, value);
    }
}

static visa_result illegal_operand(struct hart *h)
{
    return raise_illegal(h, QUAL(PRIVILEGED, CLASS, ILLEGAL_OTHER), 0);
}

enum iovmap_result { IOVMAP_OK, IOVMAP_ID, IOVMAP_SIZE, IOVMAP_OVERLAP, IOVMAP_FLAGS };

static enum iovmap_result map_range(struct context *c, uint64_t id, const uint64_t d[4])
{
    uint64_t base = d[0], size = d[1];

    if (id >= ISA_IOV_RANGES)
        return IOVMAP_ID;
    if ((d[3] & ~(uint64_t)(IOV_VALID | IOV_EXIT)) || !(d[3] & IOV_VALID))
        return IOVMAP_FLAGS;
    if (size == 0 || base + (size - 1) < base)
        return IOVMAP_SIZE;
    for (unsigned i = 0; i < ISA_IOV_RANGES; i++) {
        uint64_t b = c->f[ISA_VMCS_IOV_BASE + i], s = c->f[ISA_VMCS_IOV_SIZE + i];

        if (i != id && iov_valid(c, i) && base <= b + (s - 1) && b <= base + (size - 1))
            return IOVMAP_OVERLAP;
    }
    c->f[ISA_VMCS_IOV_BASE + id] = base;
    c->f[ISA_VMCS_IOV_SIZE + id] = size;
    c->f[ISA_VMCS_IOV_TARGET + id] = d[2];
    c->f[ISA_VMCS_IOV_FLAGS + id] = d[3];
    return IOVMAP_OK;
}

visa_result exec_iovmap(struct hart *h, uint32_t bits)
{
    uint64_t at = h->x[INSN_RS2(bits)], d[4];
    struct context *c = current_context(h);

    if (!c)
        return illegal_operand(h);
    if (at & 7)
        return raise_exception(h, ISA_EXC_LOAD_MISALIGNED, at);
    if (!machine_read(h->machine, at, d, sizeof d))
        return raise_exception(h, ISA_EXC_LOAD_ACCESS, at);
    set_rd(h, bits, map_range(c, h->x[INSN_RS1(bits)], d));
    current_done(h, c);
    mmu_fast_flush(h); /* no TLB stands behind accesses that are bare at both stages */
    return VISA_OK;
}

visa_result exec_iovunmap(struct hart *h, uint32_t bits)
{
    uint64_t id = h->x[INSN_RS1(bits)];
    struct context *c = current_context(h);

    if (!c)
        return illegal_operand(h);
    if (id >= ISA_IOV_RANGES)
        return VISA_OK;
    c->f[ISA_VMCS_IOV_BASE + id] = 0;
    c->f[ISA_VMCS_IOV_SIZE + id] = 0;
    c->f[ISA_VMCS_IOV_TARGET + id] = 0;
    c->f[ISA_VMCS_IOV_FLAGS + id] = 0;
    current_done(h, c);
    mmu_fast_flush(h);
    return VISA_OK;
}

visa_result exec_iovmask(struct hart *h, uint32_t bits)
{
    uint64_t ports = h->x[INSN_RS1(bits)], bitmap = 0;
    bool mask = h->x[INSN_RS2(bits)] & 1;

    if (!current_field(h, ISA_VMCS_IOBITMAP, false, &bitmap) || bitmap == 0)
        return illegal_operand(h);
    if (bitmap & (ISA_IOBITMAP_BYTES - 1))
        return raise_exception(h, ISA_EXC_STORE_MISALIGNED, bitmap);
    if (!in_ram(h->machine, bitmap, ISA_IOBITMAP_BYTES))
        return raise_exception(h, ISA_EXC_STORE_ACCESS, bitmap);
    for (uint64_t p = ports & 0xffff; p <= (ports >> 16 & 0xffff); p++) {
        uint8_t byte;

        (void)machine_read(h->machine, bitmap + p / 8, &byte, 1);
        byte = (uint8_t)(mask ? byte & ~(1u << p % 8) : byte | 1u << p % 8);
        (void)machine_write(h->machine, bitmap + p / 8, &byte, 1);
    }
    return VISA_OK;
}
