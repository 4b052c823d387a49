"""What each ring may not execute, and where exceptions go (RISC-V privileged manual,
chapters 3 and 4; without a guest, V=0)."""

from types import SimpleNamespace

import pytest
import tables

from base import bare, cases, model
from base.bare import M, S, U
from harness import tools

ISA = tables.load(tools.SRC / "isa")
MSTATUS, MEDELEG, MCOUNTEREN, SCOUNTEREN, MENVCFG = 0x300, 0x302, 0x306, 0x106, 0x30A
STVEC, RAM = 0x105, 0x80000000
TVM, TW, TSR = 1 << 20, 1 << 21, 1 << 22
SPP = 1 << 8
RINGS = {"m": M, "s": S, "u": U}
TABLE_RINGS = {"-1": "m", "0": "s", "3": "u"}   # a `v` behind the number demands a guest


# --- Instructions that belong to another ring ----------------------------------------

def refused_rows():
    """(ring, instruction) for every instruction that the ring may not execute without a guest."""
    out = [("u", "sret"), ("u", "mret"), ("u", "wfi"), ("u", "sfence.vma"), ("s", "mret")]
    for row in ISA.insns:
        if row.ext == "xvisa":
            legal = {TABLE_RINGS[r] for r in row.rings if r in TABLE_RINGS}
            out += [(ring, row.name) for ring in "msu" if ring not in legal]
    return out


REFUSED = refused_rows()


def random_word(insn, rng):
    fields = {name: (8 + rng.randrange(8)) if f.prime else rng.randrange(1 << f.width())
              for name, f in insn.fields.items()}
    return cases.encode(insn, SimpleNamespace(**fields))


def fill_refused(maker):
    for ring, name in REFUSED:
        insn = ISA.insn(name)
        for mode in ("bare", "sv39")[:1 if ring == "m" else 2]:
            for _ in range(3):
                word = random_word(insn, maker.rng)
                maker.faults(f"{ring}-{name}", [f".word {word:#x}"], (RINGS[ring], mode),
                             model.ILLEGAL, word, regs={n: maker.value() for n in range(1, 32)})


@pytest.mark.parametrize("key", [f"{ring}-{name}" for ring, name in REFUSED])
def test_illegal_in_ring(key, batches, check):
    """ST-1."""
    check(batches("refused", fill_refused, "visa")[key])


def test_illegal_in_ring_witness(batches, check):
    for triples in batches("refused", fill_refused, "qemu").values():
        check(triples)


# --- mstatus.TVM, TW and TSR -----------------------------------------------------------

TRAPPED = {"tvm-sfence": (TVM, "sfence.vma x0, x0", 0x12000073),
           "tvm-satp-read": (TVM, "csrr x5, satp", 0x180022F3),
           "tvm-satp-write": (TVM, "csrw satp, x0", 0x18001073),
           "tw-wfi": (TW, "wfi", 0x10500073),
           "tsr-sret": (TSR, "sret", 0x10200073)}


def fill_trapped(maker):
    for key, (bit, text, word) in TRAPPED.items():
        for mode in ("bare", "sv39"):
            status = (TVM | TW | TSR) & ~bit
            maker.faults(key, [text], (S, mode), model.ILLEGAL, word, csrs=[(MSTATUS, bit | S << 11)])
            if text in ("sfence.vma x0, x0", "csrw satp, x0"):   # the other two bits do not matter
                maker.passes(key, [text], S, csrs=[(MSTATUS, status | S << 11)])
        if text not in ("wfi", "sret"):      # Ring -1 is not trapped
            changed = {5: 0} if "csrr" in text else {}
            maker.passes(key, [text], M, changed, csrs=[(MSTATUS, bit | M << 11)])


@pytest.mark.parametrize("machine", ["visa", "qemu"])
@pytest.mark.parametrize("key", TRAPPED)
def test_trapped_by_mstatus(key, machine, batches, check):
    """BA-15, TM-9."""
    check(batches("trapped", fill_trapped, machine)[key])


# --- Delegation ------------------------------------------------------------------------

# name: exception code, code, registers, tval (None: the pc)
HOLE = 0x80000
RAISED = {
    "illegal": (2, ".word 0xffffffff", {}, 0xFFFFFFFF),
    "breakpoint": (3, "ebreak", {}, None),
    "load-misaligned": (4, "lr.w x5, (x6)", {6: 0x80000003}, 0x80000003),
    "load-access": (5, "ld x5, 8(x6)", {6: HOLE}, HOLE + 8),
    "store-access": (7, "sw x5, 8(x6)", {6: HOLE}, HOLE + 8),
    "ecall": (None, "ecall", {}, 0),
    "load-page": (13, "lh x5, 8(x6)", {6: HOLE}, HOLE + 8),
    "store-page": (15, "sb x5, 8(x6)", {6: HOLE}, HOLE + 8),
}


def fill_delegation(maker):
    """Each exception from each ring, with only its own medeleg bit set, and with all others."""
    for name, (code, text, regs, tval) in RAISED.items():
        for ring, number in RINGS.items():
            cause = code if code is not None else {"u": 8, "s": 9, "m": 11}[ring]
            for delegated in (0, 1):
                deleg = 1 << cause if delegated else 0xB3FF & ~(1 << cause)
                to_s = delegated and ring != "m"
                if name == "ecall" and ring == "s" and to_s:
                    continue     # its handler's own ecall would go there too
                if ring == "m" and "page" in name:
                    continue
                kind = (number, "sv39" if "page" in name else "bare")
                csr = {MSTATUS: (SPP, SPP if ring == "s" else 0)} if to_s else \
                      {MSTATUS: (3 << 11, number << 11)}
                handler = [(STVEC, cases.ALIAS + bare.S_HANDLER - RAM)] if "page" in name else []
                maker.code(f"{name}-{ring}", [text], kind,
                           telling(cause, tval, csr, "s" if to_s else "m"), regs=regs, reads=[MSTATUS],
                           csrs=[(MEDELEG, deleg & ~(1 << 9)), *handler])


def telling(cause, tval, csr, level):
    return lambda at: cases.Expected(cause, at, at if tval is None else tval, {}, {}, csr, level)


def delegation_keys():
    return [f"{name}-{ring}" for name in RAISED for ring in RINGS
            if not (ring == "m" and "page" in name)]


@pytest.mark.parametrize("machine", ["visa", "qemu"])
@pytest.mark.parametrize("key", delegation_keys())
def test_delegation(key, machine, batches, check):
    """TR-1."""
    check(batches("delegation", fill_delegation, machine)[key])


# --- Counters: mcounteren and scounteren ---------------------------------------------

COUNTERS = {"cycle": 0, "time": 1, "instret": 2}


def fill_counters(maker):
    for name, bit in COUNTERS.items():
        word = 0x02F3 | 0x2000 | ISA_NUMBER[name] << 20
        for m in (0, 1):
            for s in (0, 1):
                enables = [(MCOUNTEREN, 7 & ~(1 << bit) | m << bit), (SCOUNTEREN, 7 & ~(1 << bit) | s << bit)]
                for ring in "su":
                    key, legal = f"{name}-{ring}", m and (s or ring == "s")
                    lines = [f"csrr x5, {name}", "addi x5, x0, 7"]
                    if legal:
                        maker.passes(key, lines, RINGS[ring], {5: 7}, csrs=enables)
                    else:
                        maker.faults(key, lines, RINGS[ring], model.ILLEGAL, word, at=0, csrs=enables)


ISA_NUMBER = {c.name: c.number for c in ISA.csrs}


@pytest.mark.parametrize("machine", ["visa", "qemu"])
@pytest.mark.parametrize("key", [f"{name}-{ring}" for name in COUNTERS for ring in "su"])
def test_counter_enables(key, machine, batches, check):
    """CN-10."""
    check(batches("counters", fill_counters, machine)[key])


STCE = 1 << 63


def fill_stimecmp(maker):
    word = 0x14D022F3
    for stce in (0, STCE):
        for time in (0, 2):
            lines = ["csrr x5, stimecmp", "addi x5, x0, 7"]
            csrs = [(MENVCFG, stce), (MCOUNTEREN, time)]
            if stce and time:
                maker.passes("s", lines, S, {5: 7}, csrs=csrs)
            else:
                maker.faults("s", lines, S, model.ILLEGAL, word, at=0, csrs=csrs)
            maker.faults("u", lines, U, model.ILLEGAL, word, at=0, csrs=csrs)
            maker.passes("m", lines, M, {5: 7}, csrs=csrs)


@pytest.mark.parametrize("ring", list(RINGS))
def test_stimecmp_enable(ring, batches, check):
    """TM-3."""
    check(batches("stimecmp", fill_stimecmp, "visa")[ring])


def test_stimecmp_enable_witness(batches, check):
    """QEMU 7.2 looks at menvcfg.STCE and mcounteren.TM for S-mode as the manual says."""
    for ring in "su":
        check(batches("stimecmp", fill_stimecmp, "qemu")[ring])


MIP, STIMECMP, SSI, STI, SEI = 0x344, 0x14D, 1 << 1, 1 << 5, 1 << 9
# value of a register for an operand, by its number; x6 to x9 are operands, x10 and up take what is read
MIP_OPERANDS = {6: SSI, 7: STI, 8: SEI, 9: SSI | STI | SEI, 0: 0}


def mip_sequence(maker, due, stays):
    """CSR instructions on mip, at random, and switches of menvcfg.STCE between them."""
    rng, lines, x = maker.rng, [], {}
    written, stce = rng.choice((0, STI)) | rng.choice((0, SSI)) | rng.choice((0, SEI)), STCE
    start = written
    for _ in range(8):
        if not stays and rng.random() < 0.4:
            stce ^= STCE
            lines.append(f"csrw menvcfg, {'x31' if stce else 'x0'}")
        op, source = rng.choice(("csrrw", "csrrs", "csrrc")), rng.choice(list(MIP_OPERANDS))
        value, shown = MIP_OPERANDS[source], written & ~STI | due * STI if stce else written
        rd = 10 + len(x)
        lines += [f"{op} x{rd}, mip, x{source}", f"and x{rd}, x{rd}, x9"]
        x[rd] = shown
        value = {"csrrw": value, "csrrs": written | value, "csrrc": written & ~value}[op]
        written = value & ~STI | written & STI if stce else value
    maker.passes("stays" if stays else "switched", lines, M, x,
                 regs={**{n: v for n, v in MIP_OPERANDS.items() if n}, 31: STCE},
                 csrs=[(MIP, start), (MENVCFG, STCE), (STIMECMP, 0 if due else bare.MASK)])


def fill_stip(maker):
    # the bit set by an instruction that has nothing to do with it: the trap that TM-3 is about
    maker.passes("trap", ["csrsi mip, 2", "csrw menvcfg, x0", "csrr x5, mip", "and x5, x5, x6"], M, {5: 0},
                 regs={6: STI, 5: 1}, csrs=[(MENVCFG, STCE), (STIMECMP, 0)])
    for i in range(120):
        mip_sequence(maker, i & 1, i % 3 == 0)


@pytest.mark.parametrize("machine", ["visa", "visa-cycles"])
@pytest.mark.parametrize("key", ["trap", "stays", "switched"])
def test_stip_is_read_only_with_stce(key, machine, batches, check):
    """TM-3, BA-13: and its written bit is there again without."""
    if machine == "visa-cycles":
        tools.need_pipeline()
    check(batches("stip", fill_stip, machine)[key])


def test_stip_witness(batches, check):
    """QEMU 7.2 has one bit for STIP that is written and that of the timer."""
    check(batches("stip", fill_stip, "qemu")["stays"])


