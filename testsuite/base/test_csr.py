"""Control and status registers: who may read and write each number, and what a write leaves."""

import pytest
import tables

from base import model
from base.bare import M, MASK, S, U
from harness import tools

ISA = tables.load(tools.SRC / "isa")
RINGS = {"m": M, "s": S, "u": U}
MCOUNTEREN, SCOUNTEREN, MENVCFG = 0x306, 0x106, 0x30A
OPEN = [(MCOUNTEREN, 7), (SCOUNTEREN, 7), (MENVCFG, 1 << 63)]

# The CSRs of V-ISA's own, which follow rules of their own (testsuite of Xvisa).
XVISA = {c.number for c in ISA.csrs if c.number in range(0x5C0, 0x600) or c.number in range(0x7C0, 0x800)
         or c.number in range(0xCC0, 0xD00) or c.number in range(0xDC0, 0xE00)
         or c.number in range(0xFC0, 0x1000)}
BASE = [c for c in ISA.csrs if c.number not in XVISA]


def word(op, rd, number, source):
    return number << 20 | source << 15 | op << 12 | rd << 7 | 0x73


def allowed(number, ring, write):
    """By the number (privileged manual, section 2.1), and by mcounteren, whose bits above 2 are 0."""
    if 0xC03 <= number <= 0xC1F and ring != "m":
        return False
    level = {"m": 3, "s": 1, "u": 0}[ring]
    return level >= (number >> 8 & 3) and not (write and number >> 10 == 3)


def fill_access(maker):
    """Every CSR, from every ring, read and written."""
    for csr in BASE:
        for ring, number in RINGS.items():
            for write in (False, True):
                access_case(maker, csr, ring, number, write)


def fill_unknown(maker):
    """Numbers that no CSR has. QEMU has more than V-ISA, and cannot be asked."""
    known = {c.number for c in ISA.csrs}
    unknown = [n for n in range(4096) if n not in known]
    for n in maker.rng.sample(unknown, 300):
        for ring in RINGS.values():
            for insn in (word(2, 5, n, 0), word(1, 5, n, 6), word(6, 0, n, 1)):
                maker.faults("unknown", [f".word {insn:#x}"], ring, model.ILLEGAL, insn)


def access_case(maker, csr, ring, number, write):
    key, n = f"{ring}-{csr.name}", csr.number
    if write and n >> 10 == 3:      # any attempt
        choices = [(1, 5, n, 6), (2, 5, n, 6), (3, 0, n, 6), (5, 0, n, 1), (6, 5, n, 9), (7, 0, n, 31)]
    elif write:                     # a write that changes nothing
        choices = [(2, 5, n, 7), (3, 5, n, 7)]
    else:
        choices = [(2, 5, n, 0), (3, 5, n, 0), (6, 5, n, 0), (7, 5, n, 0)]
    insn = word(*maker.rng.choice(choices))
    lines, regs = [f".word {insn:#x}", "addi x5, x0, 1"], {5: 1, 6: 1, 7: 0}
    if allowed(n, ring, write):
        maker.passes(key, lines, number, {}, regs=regs, csrs=OPEN)
    else:
        maker.faults(key, lines, number, model.ILLEGAL, insn, at=0, regs=regs, csrs=OPEN)
    if write and n >> 10 == 3:      # the register number counts, not what is in it
        zero = word(2, 0, n, 7)
        maker.faults("zero-to-read-only", [f".word {zero:#x}"], number, model.ILLEGAL, zero, regs=regs,
                     csrs=OPEN)


@pytest.mark.parametrize("key", [f"{ring}-{c.name}" for c in BASE for ring in RINGS] +
                         ["zero-to-read-only"])
def test_access(key, batches, check):
    """BA-14."""
    check(batches("csr_access", fill_access, "visa")[key])


def test_no_such_csr(batches, check):
    check(batches("csr_unknown", fill_unknown, "visa")["unknown"])


def test_access_witness(batches, check):
    """QEMU 7.2 looks at the value written: setting no bits is no write for it."""
    for key, triples in batches("csr_access", fill_access, "qemu").items():
        if key != "zero-to-read-only":
            check(triples)


# --- What a write leaves -----------------------------------------------------------------

VALUES = [0, MASK, 0x5555555555555555, 0xAAAAAAAAAAAAAAAA]
MSTATUS_BITS = 0x7E19AA       # TSR TW TVM MXR SUM MPRV MPP SPP MPIE SPIE MIE SIE
MSTATUS_FIXED = 0xA00000000   # SXL and UXL are 2
SSTATUS_BITS = 0xC0122        # MXR SUM SPP SPIE SIE


def mstatus_after(v):
    """MPP = 2 is not taken (BA-12): 0 stood there, as the runner came by mret."""
    if v >> 11 & 3 == 2:
        v &= ~(3 << 11)
    return v & MSTATUS_BITS | MSTATUS_FIXED


# name: value after a write of v over zero. Those not here are `plain MASK` or `const` rows.
AFTER = {
    "mstatus": mstatus_after,
    "sstatus": lambda v: v & SSTATUS_BITS | 2 << 32,
    "misa": lambda v: 2 << 62 | sum(1 << ord(c) - ord("A") for c in "ACIMSUX"),
    "sie": lambda v: v & 0x222,       # with all of mideleg set
    "stvec": lambda v: v & ~2,
    "mcycle": None, "minstret": None, "mtvec": None, "satp": None,
}


def rule(csr):
    words = csr.kind.split()
    if csr.name in AFTER:
        return AFTER[csr.name]
    if words[0] == "plain":
        mask = ~int(words[2][1:], 0) & MASK if words[2].startswith("~") else int(words[2], 0)
        return lambda v: v & mask
    if words[0] == "const" and csr.number >> 10 != 3:
        return lambda v: int(words[1], 0)
    return None


WRITTEN = [c for c in BASE if rule(c) and c.number not in (0x340, 0x341)]


def fill_written(maker):
    for csr in WRITTEN:
        for v in VALUES + [maker.rng.getrandbits(64) for _ in range(6)]:
            want = rule(csr)(v)
            if want is not None:
                setup = [(0x303, 0x222)] if csr.name == "sie" else []
                # interrupts stay off: MIE and SIE are set only while nothing is enabled
                lines = [f".word {word(1, 0, csr.number, 6):#x}", f".word {word(2, 5, csr.number, 0):#x}",
                         f".word {word(1, 0, csr.number, 0):#x}"]
                maker.passes(csr.name, lines, M, {5: want}, regs={6: v, 5: want ^ 1}, csrs=setup)


@pytest.mark.parametrize("name", [c.name for c in WRITTEN])
def test_write(name, batches, check):
    check(batches("csr_written", fill_written, "visa")[name])


# Elsewhere QEMU 7.2 differs: it has counters, events and delegations of its own, and its xepc
# keep bit 0 until they are used, its sstatus the VS field, its UXL what is written.
SAME_ON_QEMU = ["sscratch", "scause", "stval", "mcause", "mtval", "sie",
                "stimecmp"]


def test_write_witness(batches, check):
    table = batches("csr_written", fill_written, "qemu")
    for name in SAME_ON_QEMU:
        if name in table:
            check(table[name])


# --- WARL choices that need more than a mask ----------------------------------------------

def fill_warl(maker):
    satp, mip, mideleg = 0x180, 0x344, 0x303
    sv39 = 8 << 60 | 0x1234 << 44 | 0x80123
    for mode in range(16):
        for old in (0, sv39):
            v = mode << 60 | 0xFEDC << 44 | 0x80456
            want = v if mode in (8, 9) else old
            if mode == 0:
                continue        # a bare satp with other fields set: not told
            maker.passes("satp-mode", ["csrw satp, x6", "csrr x5, satp", "csrw satp, x0"], M, {5: want},
                         regs={6: v, 5: want ^ 1}, csrs=[(satp, old)])
    for deleg in (0, 2):
        # SSIP is written through sip where mideleg has it; STIP and SEIP never
        maker.passes("sip", ["csrw sip, x6", "csrr x5, mip", "andi x5, x5, 0x222", "csrw mip, x0"], M,
                     {5: deleg}, regs={6: MASK, 5: 1}, csrs=[(mideleg, deleg | 0x220), (mip, 0)])
        maker.passes("sip-read", ["csrw mip, x6", "csrr x5, sip", "csrw mip, x0"], M, {5: deleg},
                     regs={6: 2, 5: 1}, csrs=[(mideleg, deleg)])
    maker.passes("mip", ["csrw mip, x6", "csrr x5, mip", "andi x5, x5, 0x222", "csrw mip, x0"], M, {5: 0x222},
                 regs={6: MASK, 5: 1}, csrs=[(mip, 0)])
    for v in (0x80000005, 0x80000001, 0x80000000):
        maker.passes("mepc", ["csrw mepc, x6", "csrr x5, mepc"], M, {5: v & ~1}, regs={6: v, 5: 1})
    for old in (0, 1, 3):       # a write of 2 leaves it as it was
        maker.passes("mpp", ["csrw mstatus, x7", "csrw mstatus, x6", "csrr x5, mstatus", "srli x5, x5, 11",
                             "andi x5, x5, 3"], M, {5: old}, regs={7: old << 11, 6: 2 << 11, 5: 7})
    for v in (0x80000000, 0x80000101, 0x80000203):
        maker.passes("mtvec", ["csrr x7, mtvec", "csrw mtvec, x6", "csrr x5, mtvec", "csrw mtvec, x7",
                               "addi x7, x0, 1"], M, {5: v & ~2}, regs={6: v, 5: 1, 7: 1})
    for csr in ("minstret", "mcycle"):      # what the next instruction reads (CN-8)
        for v in (0, 12345, MASK, 1 << 63):
            maker.passes(csr, [f"csrw {csr}, x6", f"csrr x5, {csr}"], M, {5: v}, regs={6: v, 5: v ^ 1})
            maker.passes(csr, [f"csrw {csr}, x6", "nop", "nop", f"csrr x5, {csr}"], M, {5: v + 2 & MASK},
                         regs={6: v, 5: v ^ 1})
    # sstatus is a view of mstatus; sie of mie under mideleg
    maker.passes("sstatus-view", ["csrw mstatus, x6", "csrr x5, sstatus", "csrw mstatus, x0"], M,
                 {5: SSTATUS_BITS | 2 << 32}, regs={6: MSTATUS_BITS, 5: 1})
    maker.passes("sie-view", ["csrw mie, x6", "csrr x5, sie", "csrw mie, x0"], M, {5: 0x20},
                 regs={6: 0xAAA, 5: 1}, csrs=[(mideleg, 0x20)])
    maker.passes("mhartid", ["csrr x5, mhartid"], M, {5: 0}, regs={5: 1})


WARL = ["satp-mode", "sip", "sip-read", "mip", "mepc", "mpp", "sstatus-view", "sie-view", "mhartid",
        "mtvec", "minstret", "mcycle"]


@pytest.mark.parametrize("key", WARL)
def test_warl(key, batches, check):
    check(batches("csr_warl", fill_warl, "visa")[key])


def test_warl_witness(batches, check):
    """QEMU 7.2 knows a mode that V-ISA does not have (Sv57), keeps MPP = 2 and bit 0 of mepc, and
    counts the host's time."""
    table = batches("csr_warl", fill_warl, "qemu")
    for key in WARL:
        if key not in ("mpp", "mepc", "mtvec", "minstret", "mcycle"):
            check(table[key], lambda case, want: key == "satp-mode" and case.regs[6] >> 60 == 10)


