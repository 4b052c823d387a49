/* CSRs: who may touch which, and the ones that are more than storage. The list is
 * isa/csr.isa; the switch over it is generated. Manual: chapter "Registers". */
#include "cpu.h"
#include "state/machine_state.h"
#include "mmu/mmu.h"
#include "vic/vic.h"

static visa_result illegal_csr(struct hart *h, uint64_t qual, uint64_t val)
{
    return raise_illegal(h, qual | QUAL(PRIVILEGED, CLASS, ILLEGAL_CSR), val);
}

/* Counters: a plain "no" that csr_access turns into the right trap. */
#define NO_SUCH_CSR VISA_TRAP

static visa_result csr_read_cycle(struct hart *h, uint64_t *v)
{
    *v = hart_ticks(h) + h->mcycle_offset;
    return VISA_OK;
}

static visa_result csr_read_time(struct hart *h, uint64_t *v)
{
    *v = hart_time(h) + (h->v ? h->live->f[ISA_VMCS_TIMEOFFSET] : 0);
    return VISA_OK;
}

static visa_result csr_read_instret(struct hart *h, uint64_t *v)
{
    *v = h->instret + h->minstret_offset;
    return VISA_OK;
}

static visa_result csr_read_hpmcounter(struct hart *h, unsigned n, uint64_t *v)
{
    (void)h, (void)n;
    *v = 0;
    return VISA_OK;
}

static visa_result read_vm_counter(struct hart *h, unsigned field, uint64_t total, uint64_t *v)
{
    if (h->v ? !(h->live->f[ISA_VMCS_VMCTL] & VMCTL_COUNTERS) : h->ring != RING_H)
        return NO_SUCH_CSR;
    *v = h->v ? h->live->f[field] : total;
    return VISA_OK;
}

static visa_result csr_read_vmcount_exit(struct hart *h, uint64_t *v)
{
    return read_vm_counter(h, ISA_VMCS_COUNT_EXIT, h->count_exit, v);
}

static visa_result csr_read_vmcount_emu(struct hart *h, uint64_t *v)
{
    return read_vm_counter(h, ISA_VMCS_COUNT_EMU, h->count_emu, v);
}

static visa_result csr_read_vmcount_tlbmiss(struct hart *h, uint64_t *v)
{
    return read_vm_counter(h, ISA_VMCS_COUNT_TLBMISS, h->count_tlbmiss, v);
}

static visa_result csr_read_sstatus(struct hart *h, uint64_t *v)
{
    *v = h->s.status | STATUS_UXL;
    return VISA_OK;
}

static visa_result csr_write_sstatus(struct hart *h, uint64_t value)
{
    h->s.status = value & STATE_WRITABLE_SSTATUS;
    h->attention = true;
    mmu_update(h);
    return VISA_OK;
}

static uint64_t mpp_legal(uint64_t status, uint64_t old)
{
    return (status >> MSTATUS_MPP_SHIFT & 3) == 2 ? (status & ~MSTATUS_MPP) | (old & MSTATUS_MPP)
                                                  : status;
}

static visa_result csr_read_mstatus(struct hart *h, uint64_t *v)
{
    *v = h->mstatus | h->s.status | STATUS_UXL | STATUS_SXL;
    return VISA_OK;
}

static visa_result csr_write_mstatus(struct hart *h, uint64_t value)
{
    h->mstatus = mpp_legal(value, h->mstatus) & STATE_WRITABLE_MSTATUS;
    return csr_write_sstatus(h, value);
}

static visa_result csr_read_misa(struct hart *h, uint64_t *v)
{
    (void)h;
    *v = 2ull << 62; /* XLEN is 64 */
    for (unsigned i = 0; i < isa_extension_count; i++)
        if (isa_extensions[i].where & ISA_IN_MISA)
            *v |= 1ull << (isa_extensions[i].name[0] - 'a');
    return VISA_OK;
}

static visa_result csr_write_misa(struct hart *h, uint64_t value)
{
    (void)h, (void)value; /* WARL: every bit is fixed */
    return VISA_OK;
}

enum { SSI = 1 << ISA_IRQ_SSI, STI = 1 << ISA_IRQ_STI, SEI = 1 << ISA_IRQ_SEI };

/* Which interrupts Ring 0 sees: a guest all of its own, the host's those delegated. */
static uint64_t ring0_irqs(const struct hart *h)
{
    return h->v ? SSI | STI | SEI : h->mideleg;
}

static visa_result csr_read_sie(struct hart *h, uint64_t *v)
{
    *v = h->v ? h->s.sie : h->mie & h->mideleg;
    return VISA_OK;
}

static visa_result csr_write_sie(struct hart *h, uint64_t value)
{
    h->attention = true;
    if (h->v)
        h->s.sie = value & STATE_WRITABLE_SIE;
    else
        h->mie = (h->mie & ~h->mideleg) | (value & h->mideleg);
    return VISA_OK;
}

static visa_result csr_read_sip(struct hart *h, uint64_t *v)
{
    *v = (h->v ? hart_guest_sip(h) : hart_mip(h)) & ring0_irqs(h);
    return VISA_OK;
}

static visa_result csr_write_sip(struct hart *h, uint64_t value)
{
    if (ring0_irqs(h) & SSI)
        h->s.sip = value & SSI;
    h->attention = true;
    return VISA_OK;
}

static visa_result csr_read_mip(struct hart *h, uint64_t *v)
{
    *v = hart_mip(h);
    return VISA_OK;
}

static visa_result csr_write_mip(struct hart *h, uint64_t value)
{
    uint64_t writable = h->menvcfg & MENVCFG_STCE ? SEI : SEI | STI;

    h->s.sip = value & SSI;
    h->mip_set = (h->mip_set & ~writable) | (value & writable);
    h->attention = true;
    return VISA_OK;
}

/* What software wrote, without lines and timer: what an instruction that sets or clears bits of mip
 * starts from, as it must not latch these. */
static uint64_t mip_written(const struct hart *h)
{
    return h->mip_set | h->s.sip;
}

static visa_result csr_read_stimecmp(struct hart *h, uint64_t *v)
{
    bool open = (h->menvcfg & MENVCFG_STCE) && (h->mcounteren >> 1 & 1); /* as `time` */

    if (!h->v && h->ring == RING_0 && !open)
        return NO_SUCH_CSR;
    *v = h->s.stimecmp;
    return VISA_OK;
}

static visa_result csr_write_stimecmp(struct hart *h, uint64_t value)
{
    h->s.stimecmp = value;
    h->attention = true;
    return VISA_OK;
}

static visa_result csr_read_satp(struct hart *h, uint64_t *v)
{
    *v = h->s.satp;
    return VISA_OK;
}

static visa_result csr_write_satp(struct hart *h, uint64_t value)
{
    if (base_mode_known(value)) /* else it stays as it was, all of it */
        h->s.satp = value;
    mmu_update(h);
    return VISA_OK;
}

static visa_result csr_read_menvcfg(struct hart *h, uint64_t *v)
{
    *v = h->menvcfg;
    return VISA_OK;
}

static visa_result csr_write_menvcfg(struct hart *h, uint64_t value)
{
    h->menvcfg = value & STATE_WRITABLE_MENVCFG & ~(h->machine->config.svadu ? 0 : MENVCFG_ADUE);
    return VISA_OK;
}

static visa_result csr_read_mhartid(struct hart *h, uint64_t *v)
{
    *v = h->id;
    return VISA_OK;
}

static visa_result csr_read_mcycle(struct hart *h, uint64_t *v)
{
    return csr_read_cycle(h, v);
}

/* The write takes effect as if after the instruction's own count. */
static visa_result csr_write_mcycle(struct hart *h, uint64_t value)
{
    h->mcycle_offset = value - hart_ticks(h) - 1;
    return VISA_OK;
}

static visa_result csr_read_minstret(struct hart *h, uint64_t *v)
{
    return csr_read_instret(h, v);
}

static visa_result csr_write_minstret(struct hart *h, uint64_t value)
{
    h->minstret_offset = value - h->instret - 1;
    return VISA_OK;
}

/* PMP: locked entries stay; NA4 (2) can be selected if the granule is no more. */
static visa_result read_pmpcfg(struct hart *h, unsigned first, uint64_t *v)
{
    *v = 0;
    for (unsigned i = 0; i < 8; i++)
        *v |= (uint64_t)h->pmpcfg[first + i] << 8 * i;
    return VISA_OK;
}

static visa_result write_pmpcfg(struct hart *h, unsigned first, uint64_t value)
{
    for (unsigned i = 0; i < 8; i++) {
        uint8_t cfg = (uint8_t)(value >> 8 * i) & 0x9f;

        if (h->pmpcfg[first + i] & 0x80)
            continue;
        if ((cfg & 0x18) == 0x10 && h->machine->config.pmp_granule > 4)
            continue;
        if ((cfg & 3) == 2) /* W without R */
            continue;
        h->pmpcfg[first + i] = cfg;
    }
    pmp_update(h);
    return VISA_OK;
}

static visa_result csr_read_pmpcfg0(struct hart *h, uint64_t *v)
{
    return read_pmpcfg(h, 0, v);
}
static visa_result csr_read_pmpcfg2(struct hart *h, uint64_t *v)
{
    return read_pmpcfg(h, 8, v);
}
static visa_result csr_write_pmpcfg0(struct hart *h, uint64_t v)
{
    return write_pmpcfg(h, 0, v);
}
static visa_result csr_write_pmpcfg2(struct hart *h, uint64_t v)
{
    return write_pmpcfg(h, 8, v);
}

static visa_result csr_read_pmpaddr(struct hart *h, unsigned n, uint64_t *v)
{
    uint64_t granule = h->machine->config.pmp_granule;

    /* The low bits read as ones for NAPOT and as zeros otherwise. */
    *v = h->pmpcfg[n] & 0x10 ? h->pmpaddr[n] | pmp_napot_ones(granule)
                             : h->pmpaddr[n] & -(granule / 4);
    return VISA_OK;
}

static visa_result csr_write_pmpaddr(struct hart *h, unsigned n, uint64_t value)
{
    bool next_locked = n + 1 < ISA_PMP_ENTRIES && (h->pmpcfg[n + 1] & 0x98) == 0x88;

    if (!(h->pmpcfg[n] & 0x80) && !next_locked)
        h->pmpaddr[n] = value & ((1ull << 54) - 1);
    pmp_update(h);
    return VISA_OK;
}

/* The current context's fields as CSRs; without one they read zero. */
static visa_result read_current(struct hart *h, unsigned field, uint64_t *v)
{
    *v = 0;
    (void)current_field(h, field, false, v);
    return VISA_OK;
}

static visa_result write_current(struct hart *h, unsigned field, uint64_t value)
{
    return current_field(h, field, true, &value) ? VISA_OK : NO_SUCH_CSR;
}

#define CURRENT_FIELD(name, field)                                                                 \
    static visa_result csr_read_##name(struct hart *h, uint64_t *v)                                \
    {                                                                                              \
        return read_current(h, field, v);                                                          \
    }                                                                                              \
    static visa_result csr_write_##name(struct hart *h, uint64_t value)                            \
    {                                                                                              \
        return write_current(h, field, value);                                                     \
    }
CURRENT_FIELD(vmtrapcfg, ISA_VMCS_VMTRAPCFG)
CURRENT_FIELD(gptbr, ISA_VMCS_GPTBR)
CURRENT_FIELD(hptbr, ISA_VMCS_HPTBR)

static visa_result csr_read_vmpool(struct hart *h, uint64_t *v)
{
    *v = h->machine->config.pool;
    return VISA_OK;
}

static visa_result csr_read_vithresh(struct hart *h, uint64_t *v)
{
    *v = h->live->f[ISA_VMCS_VIC_THRESHOLD];
    return VISA_OK;
}

static visa_result csr_write_vithresh(struct hart *h, uint64_t value)
{
    h->live->f[ISA_VMCS_VIC_THRESHOLD] = value % ISA_VIC_PRIORITIES;
    h->attention = true;
    return VISA_OK;
}

static visa_result csr_read_vireg(struct hart *h, uint64_t *v)
{
    uint64_t *reg = vic_register(h->live, h->s.viselect);

    *v = reg ? *reg : 0;
    return VISA_OK;
}

static visa_result csr_write_vireg(struct hart *h, uint64_t value)
{
    uint64_t *reg = vic_register(h->live, h->s.viselect);

    if (reg)
        *reg = value;
    h->attention = true;
    return VISA_OK;
}

static visa_result csr_read_viserv(struct hart *h, uint64_t *v)
{
    *v = (uint64_t)(int64_t)vic_serving(h->live);
    return VISA_OK;
}

static visa_result csr_read(struct hart *h, unsigned number, uint64_t *value)
{
    switch (number) {
#define CSR_READ
#include "csr_gen.h"
#undef CSR_READ
    }
    return NO_SUCH_CSR;
}

static visa_result csr_write(struct hart *h, unsigned number, uint64_t value)
{
    switch (number) {
#define CSR_WRITE
#include "csr_gen.h"
#undef CSR_WRITE
    }
    return NO_SUCH_CSR;
}

static bool is_counter(unsigned n)
{
    return n >= ISA_CSR_CYCLE && n <= ISA_CSR_HPMCOUNTER31;
}

static bool is_vic(unsigned n)
{
    return n == ISA_CSR_VITHRESH || n == ISA_CSR_VISELECT || n == ISA_CSR_VIREG ||
           n == ISA_CSR_VISERV;
}

bool csr_peek(struct hart *h, unsigned n, uint64_t *value)
{
    return (h->v || !is_vic(n)) && csr_read(h, n, value) == VISA_OK;
}

bool csr_poke(struct hart *h, unsigned n, uint64_t value)
{
    h->attention = true;
    return n >> 10 != 3 && (h->v || !is_vic(n)) && csr_write(h, n, value) == VISA_OK;
}

/* Xvisa's CSRs of Ring -1, which a guest hypervisor may touch: existing or not. */
static bool is_xvisa_host(unsigned n)
{
    return (n >= 0x7c0 && n <= 0x7ff) || (n >= 0xbc0 && n <= 0xbff) || (n >= 0xfc0 && n <= 0xfff);
}

static bool counter_open(const struct hart *h, unsigned n)
{
    unsigned bit = n - ISA_CSR_CYCLE;

    if (!h->v && h->ring != RING_H && !(h->mcounteren >> bit & 1))
        return false;
    return h->ring != RING_3 || (h->s.scounteren >> bit & 1);
}

/* May the access be made at all, before the filter looks at it? */
static bool allowed(const struct hart *h, unsigned n, bool write)
{
    if ((n >> 8 & 3) > h->ring || (write && n >> 10 == 3))
        return false;
    if (is_counter(n) && !counter_open(h, n))
        return false;
    if (is_vic(n))
        return h->v;
    return n != ISA_CSR_SATP || h->v || h->ring != RING_0 || !(h->mstatus & MSTATUS_TVM);
}

/* What the write would leave in the CSR, from its old value. */
static uint64_t new_value(unsigned op, uint64_t old, uint64_t operand)
{
    return op == 1 ? operand : op == 2 ? old | operand : old & ~operand;
}

/* A guest's privileged CSR access that its filter bit makes an exit. */
static visa_result filter(struct hart *h, unsigned n, bool write, unsigned op, uint64_t qual,
                          uint64_t value)
{
    if (n == ISA_CSR_SATP && write) {
        if (!trapcfg(h, ISA_TRAP_CR3))
            return VISA_OK;
        qual = QUAL(CRWRITE, RD, INSN_RD(h->insn)) | QUAL(CRWRITE, RS1, INSN_RS1(h->insn)) |
               QUAL(CRWRITE, OP, op) | QUAL(CRWRITE, IMMEDIATE, h->insn >> 14) |
               QUAL(CRWRITE, CR, isa_csr_by_number(n)->cr) | QUAL(CRWRITE, CSR, n);
        return raise_exit(h, ISA_EXIT_CRWRITE, qual, 0, 0, value);
    }
    if ((n >> 8 & 3) == RING_0 && !is_vic(n) && trapcfg(h, ISA_TRAP_PRIV))
        return illegal_csr(h, qual, write ? value : 0);
    return VISA_OK;
}

static void record_csr(struct hart *h, unsigned n)
{
    h->rec->csr_written = true;
    h->rec->csr = (uint16_t)n;
    (void)csr_peek(h, n, &h->rec->csr_value);
}

/* op: 1 write, 2 set, 3 clear. csrrw with rd = x0 does not read. */
visa_result csr_access(struct hart *h, uint32_t bits, bool write, unsigned op, uint64_t operand)
{
    unsigned n = bits >> 20;
    uint64_t old = 0, value;
    uint64_t qual = QUAL(PRIVILEGED, CSR, n) | QUAL(PRIVILEGED, OP, write ? op : 0) |
                    QUAL(PRIVILEGED, IMMEDIATE, bits >> 14);
    bool read = op != 1 || INSN_RD(bits);

    if (h->v && h->ring == RING_0 && is_xvisa_host(n))
        return raise_exit(h, ISA_EXIT_VIRT,
                          QUAL(VIRT, RD, INSN_RD(bits)) | QUAL(VIRT, RS1, INSN_RS1(bits)) |
                              QUAL(VIRT, CSR, n),
                          0, 0, 0);
    if (!allowed(h, n, write) || csr_read(h, n, &old) != VISA_OK)
        return illegal_csr(h, qual, write ? operand : 0);
    value = new_value(op, n == ISA_CSR_MIP ? mip_written(h) : old, operand);
    if (filter(h, n, write, op, qual, value) != VISA_OK)
        return VISA_TRAP;
    if (write && csr_write(h, n, value) != VISA_OK)
        return illegal_csr(h, qual, value);
    if (write && h->rec)
        record_csr(h, n);
    if (read)
        set_rd(h, bits, old);
    if (n == ISA_CSR_MIE || n == ISA_CSR_MIDELEG || n == ISA_CSR_MENVCFG)
        h->attention = true;
    return VISA_OK;
}

#define CSR_INSN(name, op, writes, operand)                                                        \
    visa_result exec_##name(struct hart *h, uint32_t bits)                                         \
    {                                                                                              \
        return csr_access(h, bits, writes, op, operand);                                           \
    }
CSR_INSN(csrrw, 1, true, h->x[INSN_RS1(bits)])
CSR_INSN(csrrs, 2, INSN_RS1(bits) != 0, h->x[INSN_RS1(bits)])
CSR_INSN(csrrc, 3, INSN_RS1(bits) != 0, h->x[INSN_RS1(bits)])
CSR_INSN(csrrwi, 1, true, INSN_RS1(bits))
CSR_INSN(csrrsi, 2, INSN_RS1(bits) != 0, INSN_RS1(bits))
CSR_INSN(csrrci, 3, INSN_RS1(bits) != 0, INSN_RS1(bits))
