"""Every privileged operation in a guest, in both rings and under every kind of filter.

Manual: chapter "What a guest's instruction does". The operation stands at CODE with a
VMEXIT behind it, another at the guest's handler and another where sret goes; so the
exit tells whether it executed, was the guest's exception, or exited itself.
"""

from dataclasses import dataclass

import pytest

from xvisa.asm import CONST, CSR, EXC, EXIT, INSN, ISA, MASK, MSR, TRAP, csr_ins, field, ins, qual, unqual, vmexit
from xvisa.rules import CSR_BY_NUMBER, Guest, RW_BITS, UXL, VIC_CSRS, outcome, windows
from xvisa.script import FREE

CODE, HANDLER, RETURN, VMCS, BITMAP = (FREE + i * 0x10000 for i in range(5))
ON, EXCEPTION, RETURNED = 0x111, 0x222, 0x333       # numbers of the VMEXITs
WITHOUT = TRAP["INTWIN"] | TRAP["TLBMISS"] | TRAP["PREEMPT"]  # not about instructions
EVERY = sum(TRAP.values()) & ~WITHOUT

X10, X11 = 0xdead0123, 0x8877665544332211            # rs1 and rs2 of the operations
STATE = dict(sstatus=1 << 18, stvec=HANDLER, sscratch=0x1111222233334444, sepc=RETURN,
             scause=0x5a5a, stval=0x123456789abcdef0, sie=0x200, sip=2, stimecmp=MASK, scounteren=0,
             senvcfg=1, viselect=9, tls=0x7777, tsc_aux=0x8888, vic_threshold=5, vic_priority1=0xfeed)
# What the guest's CSRs read in that state (rules ST-5, ST-8, VI-9).
READS = {**{CSR[k]: v for k, v in STATE.items() if k in CSR}, CSR["sstatus"]: STATE["sstatus"] | UXL,
         CSR["satp"]: 0x1234, CSR["vithresh"]: 5, CSR["vireg"]: 0xfeed, CSR["viserv"]: MASK}
# Where a CSR's value stands in the VMCS after the exit.
FIELD = {**{n: c.name for n, c in CSR_BY_NUMBER.items() if c.name in RW_BITS}, CSR["satp"]: "gptbr",
         CSR["vithresh"]: "vic_threshold", CSR["vireg"]: "vic_priority1"}


@dataclass(frozen=True)
class Case:
    name: str                # instruction, None if undefined
    word: int
    ring: int
    cfg: int
    extra: tuple = ()        # VMCS fields that differ from STATE
    x: tuple = ((10, X10), (11, X11))
    ports: tuple = None      # (first, last) that are open; None: no bitmap

    def fields(self):
        fields = dict(STATE, pc=CODE, ring=self.ring, vmtrapcfg=self.cfg, gptbr=0x1234)
        fields.update({f"x{n}": v for n, v in self.x})
        fields.update(x12=0xabcd)
        if self.ports is not None:
            fields["iobitmap"] = BITMAP
        fields.update(self.extra)
        return fields

    def guest(self):
        f = self.fields()
        reads = dict(READS)
        reads.update({n: f[name] for n, name in FIELD.items() if name in dict(self.extra)})
        reads["tls"], reads["tsc_aux"] = f["tls"], f["tsc_aux"]
        first, last = self.ports or (1, 0)
        return Guest(self.ring, self.cfg, f["scounteren"], bool(f.get("vmctl", 0)), reads,
                     frozenset(range(first, last + 1)), dict(self.x))


def open_ports(s, first, last):
    """Sets the bits first to last of the bitmap: whole words by one operation, the others by a word each."""
    words = {}
    while first <= last:
        whole = (last + 1) // 64 - first // 64
        if first % 64 == 0 and whole > 0:
            s.fill(BITMAP + first // 8, 8 * whole, MASK)
            first += 64 * whole
        else:
            at = BITMAP + first // 64 * 8
            words[at] = words.get(at, 0) | 1 << first % 64
            first += 1
    s.memory(words)


def arrange(s, c):
    if c.ports is not None:
        s.fill(BITMAP, CONST["IOBITMAP_BYTES"])
        open_ports(s, *c.ports)
    s.vmcs(VMCS, **c.fields())
    s.code(CODE, [c.word, vmexit(ON)] if c.word & 3 == 3 else [vmexit(ON) << 16 & 0xffffffff | c.word,
                                                               vmexit(ON) >> 16])
    s.code(HANDLER, [vmexit(EXCEPTION)])
    s.code(RETURN, [vmexit(RETURNED)])
    wanted = ["pc", "ring", "scause", "sepc", "stval", "x12", "count_exit", "gptbr", "sstatus"]
    wanted += [FIELD[n] for n, _ in outcome(c.guest(), c.name, c.word).csr if FIELD[n] not in wanted]
    return s.enter(VMCS, *wanted)


def expected(c):
    """The values that the answer must have."""
    want = outcome(c.guest(), c.name, c.word)
    long = 4 if c.word & 3 == 3 else 2
    told = dict(trap=0, count_exit=1)
    if want.kind == "exit":
        # A vmexit is no different from the ones that report.
        return dict(told, cause=want.cause, qual=want.qual, addr=want.addr, gpa=0, insn=c.word, len=long,
                    val=want.val, pc=CODE, ring=c.ring, x12=0xabcd)
    told.update(cause=EXIT["HYPERCALL"], addr=0, gpa=0, len=4, val=0)
    if want.kind == "exception":
        tval = {EXC["ILLEGAL"]: c.word, EXC["BREAKPOINT"]: CODE}.get(want.cause, 0)
        return dict(told, qual=qual("HYPERCALL", number=EXCEPTION), pc=HANDLER, ring=0, scause=want.cause,
                    sepc=CODE, stval=tval, x12=0xabcd)
    if c.name == "sret":
        return dict(told, qual=qual("HYPERCALL", number=RETURNED), pc=RETURN, ring=3)
    told.update(qual=qual("HYPERCALL", number=ON), pc=CODE + long, ring=c.ring)
    if want.rd is not None and c.word >> 7 & 31 == 12:
        told["x12"] = want.rd
    for n, value in want.csr:
        told[FIELD[n]] = value
    return told


def check(got, c):
    want = expected(c)
    wrong = {k: (hex(v), hex(got[k])) for k, v in want.items() if got[k] != v}
    names = {v: k for k, v in EXIT.items()}
    cause = names.get(got["cause"])
    assert not wrong, f"{c.name} {c.word:#x} ring {c.ring} cfg {c.cfg:#x}: (expected, got) {wrong}; " \
                      f"{cause} {unqual(cause, got['qual']) if cause else ''}"


def groups(cases, key):
    table = {}
    for c in cases:
        table.setdefault(key(c), []).append(c)
    return table


# --- CSRs ------------------------------------------------------------------------------


def csr_filters(n):
    own = TRAP["CR3"] if n == CSR["satp"] else TRAP["PRIV"]
    return (0, own, EVERY & ~own, EVERY)


# Every form: read, write, set, clear, from a register and an immediate; with nothing to
# read, and with nothing to write.
FORMS = [("csrrw", 12, 11), ("csrrs", 12, 11), ("csrrc", 12, 11), ("csrrs", 12, 0), ("csrrc", 12, 0),
         ("csrrw", 0, 11), ("csrrw", 12, 0), ("csrrs", 0, 11), ("csrrwi", 12, 21), ("csrrsi", 12, 21),
         ("csrrci", 12, 21), ("csrrsi", 12, 0), ("csrrci", 12, 0), ("csrrwi", 0, 0)]


def csr_source(n):
    """rs1 of a write: for satp a bare mode, so that the next fetch succeeds; no interrupt is let in."""
    if n == CSR["satp"]:
        return 0x0abc_1234_5678_9abc
    if n == CSR["sstatus"]:
        return 0x8000_0000_000c_6122 & ~2
    return X11 if n != CSR["sip"] else X11 & ~2


def csr_cases():
    for n in CSR_BY_NUMBER:
        for ring in (0, 3):
            for cfg in csr_filters(n):
                for name, rd, src in FORMS:
                    yield Case(name, csr_ins(name, n, rd, src), ring, cfg,
                               x=((10, X10), (11, csr_source(n))))


CSR_CASES = groups(csr_cases(), lambda c: f"{CSR_BY_NUMBER[c.word >> 20].name}-ring{c.ring}-{c.cfg:#x}")


@pytest.mark.parametrize("key", CSR_CASES)
def test_csr(key, batch):
    got = batch("csr", [c for g in CSR_CASES.values() for c in g], arrange)
    for c in CSR_CASES[key]:
        check(got[c], c)


def absent_cases():
    for n in range(4096):
        if n in CSR_BY_NUMBER:
            continue
        for ring in (0, 3):
            for cfg in (0, TRAP["PRIV"], EVERY & ~TRAP["PRIV"]):
                for name, rd, src in (("csrrs", 12, 0), ("csrrw", 12, 11), ("csrrci", 0, 7)):
                    yield Case(name, csr_ins(name, n, rd, src), ring, cfg)


ABSENT = groups(absent_cases(), lambda c: f"{c.word >> 28:x}xx-ring{c.ring}-{c.cfg:#x}")


@pytest.mark.slow
@pytest.mark.parametrize("key", ABSENT)
def test_absent_csr(key, batch):
    """CSRs that do not exist are illegal; in Xvisa's windows Ring 0 exits with VIRT (RS-2)."""
    got = batch("absent", [c for g in ABSENT.values() for c in g], arrange)
    for c in ABSENT[key]:
        check(got[c], c)


def test_windows_are_all_seen():
    """The enumeration above has each number of Xvisa's windows (GI-4)."""
    seen = {c.word >> 20 for g in list(ABSENT.values()) + list(CSR_CASES.values()) for c in g}
    assert len(seen) == 4096 and sum(map(windows, seen)) == 3 * 64
    assert VIC_CSRS <= seen


COUNTER_CASES = {f"{c.name}-ring{ring}-scounteren{sc:x}-vmctl{vmctl}-{cfg:x}":
                 Case("csrrs", csr_ins("csrrs", c.number, 12, 0), ring, cfg,
                      extra=(("scounteren", sc), ("vmctl", vmctl)))
                 for c in ISA.csrs if c.number >> 8 == 0xc for ring in (0, 3)
                 for sc in (0, 1, 2, 4, 7) for vmctl in (0, 1) for cfg in (0, EVERY)
                 if c.number < 0xc06 or c.number == 0xc1f or c.number >= 0xcc0}


@pytest.mark.parametrize("key", COUNTER_CASES)
def test_counter(key, batch):
    """Counters are gated by scounteren in Ring 3, VMCOUNT_* by VMCTL.COUNTERS (GI-10)."""
    got = batch("counters", COUNTER_CASES.values(), arrange)
    c = COUNTER_CASES[key]
    check(got[c], c)


@pytest.mark.parametrize("mode", [m for m in range(16) if m not in (0, 8, 9)])
def test_satp_of_an_unknown_mode(mode, batch):
    """GI-8: the whole write has no effect; with CR3 set it exits, with the value that it would have written."""
    def put(s, m):
        s.code(CODE, [csr_ins("csrrw", CSR["satp"], 12, 11), vmexit(ON)])
        s.vmcs(VMCS, pc=CODE, gptbr=0x123, x11=m << 60 | 0x456)
        executed = s.enter(VMCS, "gptbr", "x12")
        s.vmwrite(field("pc"), CODE)
        s.vmwrite(field("vmtrapcfg"), TRAP["CR3"])
        return executed, s.resume("gptbr")
    executed, exited = batch("satp-mode", [m for m in range(16) if m not in (0, 8, 9)], put)[mode]
    assert (executed.qual, executed.gptbr, executed.x12) == (ON, 0x123, 0x123)
    assert (exited.cause, exited.val, exited.gptbr) == (EXIT["CRWRITE"], mode << 60 | 0x456, 0x123)


# --- Instructions ----------------------------------------------------------------------

OWN = {"in": "IO", "out": "IO", "rdmsr": "MSR", "wrmsr": "MSR", "sfence.vma": "TLB", "tlbflushv": "TLB",
       "wfi": "HALT", "ebreak": "BRK"}


def own_bit(name):
    for start, bit in OWN.items():
        if name.startswith(start):
            return TRAP[bit]
    return TRAP["PRIV"]


def operands(row, rd, rs1, rs2, imm):
    values = {"rd": rd, "rs1": rs1, "rs2": rs2, "imm": imm, "aq": 0, "rl": 0}
    return {k: values[k] for k in row.fields}


def sample_registers(row):
    """Field values: the ordinary ones, and each field with all ones and with zero."""
    yield operands(row, 12, 10, 11, 0x5a5)
    for k in row.fields:
        yield {**operands(row, 12, 10, 11, 0x5a5), k: 31 if k != "imm" else (1 << row.fields[k].width()) - 1}
        yield {**operands(row, 12, 10, 11, 0x5a5), k: 0}


SYSTEM = [i.name for i in ISA.insns if i.ext in ("xvisa", "priv")] + ["ecall", "ebreak"]


def system_cases():
    for name in SYSTEM:
        row = INSN[name]
        extra = ()
        x = ((10, X10), (11, X11), (31, 0x3131_0000_3131))
        if name == "wfi":       # something enabled is pending, so that it does not wait
            extra = (("stimecmp", 0), ("sie", 0x20), ("sstatus", 0))
        if name == "vint_send":
            x = ((10, 0x123), (11, X11), (31, 0xff))
        for ring in (0, 3):
            for cfg in (0, own_bit(name), EVERY & ~own_bit(name), EVERY):
                for ops in sample_registers(row):
                    if name == "vmexit" and ops["imm"] in (ON, EXCEPTION, RETURNED):
                        continue
                    if name == "wfi" and ring == 3 and cfg & TRAP["PRIV"] == 0:
                        # Interrupts are open in Ring 3: this one must not be the timer's.
                        yield Case(name, ins(name, **ops), ring, cfg, x=x)
                        continue
                    extra_here = () if name == "wfi" and ring == 3 else extra
                    yield Case(name, ins(name, **ops), ring, cfg, extra_here, x)


SYSTEM_CASES = groups(system_cases(), lambda c: f"{c.name}-ring{c.ring}-{c.cfg:#x}")


@pytest.mark.parametrize("key", SYSTEM_CASES)
def test_instruction(key, batch):
    got = batch("system", [c for g in SYSTEM_CASES.values() for c in g], arrange)
    for c in SYSTEM_CASES[key]:
        check(got[c], c)


def undefined_words():
    """Encodings that no row matches: the reserved ones of the custom opcodes, and others."""
    words = [0x0000, 0xffffffff, 0x0000007b, 0x1234507b, 0xfe00707b, 0x9c41, 0x8002, 0x6081 & ~0x1f << 2]
    for opcode in (0x0b, 0x2b, 0x5b):
        for funct3 in range(8):
            for funct7 in (0, 1, 4, 8, 0x0b, 0x3f, 0x40, 0x41, 0x7f):
                words.append(funct7 << 25 | 10 << 15 | funct3 << 12 | 12 << 7 | opcode)
                words.append(funct7 << 25 | 31 << 20 | 10 << 15 | funct3 << 12 | opcode)
    for funct7 in (0x08, 0x09, 0x18, 0x0b, 0x0d, 0x11, 0x31, 0x7f):  # SYSTEM, funct3 0 and 4
        words += [funct7 << 25 | 3 << 20 | 0x73, funct7 << 25 | 10 << 15 | 0x4073]
    return [w for w in words if not any(matches(row, w) for row in ISA.insns)]


def matches(row, word):
    if row.length != (4 if word & 3 == 3 else 2) or word & row.mask != row.match:
        return False
    for f in row.fields.values():
        value = sum((word >> lo & (1 << width) - 1) << value_lo for lo, width, value_lo in f.pieces)
        if f.nonzero and value == 0 or value in f.exclude:
            return False
    return True


UNDEFINED = {f"{w:#x}-ring{ring}-{cfg:#x}": Case(None, w, ring, cfg)
             for w in dict.fromkeys(undefined_words()) for ring in (0, 3)
             for cfg in (0, TRAP["PRIV"], EVERY & ~TRAP["PRIV"])}


@pytest.mark.parametrize("key", UNDEFINED)
def test_undefined(key, batch):
    """Undefined encodings are illegal and never VIRT (RS-1)."""
    got = batch("undefined", UNDEFINED.values(), arrange)
    check(got[UNDEFINED[key]], UNDEFINED[key])


# --- Ports -----------------------------------------------------------------------------

def port_cases():
    for name in (n for n in INSN if n.startswith(("in.", "ini.", "out.", "outi."))):
        row, width = INSN[name], {"b": 1, "h": 2, "w": 4}[name[-1]]
        for port in (0x4000, 0x4001, 0x5a5a, 0xfffc, 0xfffd, 0xfffe, 0xffff):
            last = port + width - 1
            opened = {"none": None, "empty": (1, 0), "all": (0, 0xffff), "exact": (port, min(last, 0xffff)),
                      "short": (port, last - 1), "late": (port + 1, min(last, 0xffff)), "other": (0, port - 1)}
            for which, ports in opened.items():
                for cfg in (0, TRAP["IO"], EVERY & ~TRAP["IO"]):
                    ops = operands(row, 12, 10, 11, port)
                    yield which, Case(name, ins(name, **ops), 0, cfg,
                                      x=((10, 0xfff7_0000_0000 | port), (11, X11)), ports=ports)


PORTS = {}
for _which, _case in port_cases():
    PORTS.setdefault(f"{_case.name}-{_which}-{_case.cfg:#x}", []).append(_case)


@pytest.mark.parametrize("key", PORTS)
def test_port(key, batch):
    """Masked ports exit or read ones, open ones reach the device; an access wraps at 65536."""
    got = batch("ports", [c for g in PORTS.values() for c in g], arrange)
    for c in PORTS[key]:
        check(got[c], c)
        want = outcome(c.guest(), c.name, c.word)
        if want.kind == "run" and c.name.startswith("in"):  # masked, or open with nothing there: ones
            assert got[c]["x12"] == (1 << 8 * {"b": 1, "h": 2, "w": 4}[c.name[-1]]) - 1


# --- MSRs ------------------------------------------------------------------------------

MSR_NUMBERS = sorted(set(MSR.values()) | {0, 1, 0xf, 0x11, 0x8a, 0x8c, 0xC00000FF, 0xC0000101, 0xC0000102,
                                          0xC0000104, 0xC0000080, 0x7fffffff, 0x80000000, 0xffffffff})
MSR_CASES = {f"{name}-{n:#x}-ring{ring}-{cfg:#x}":
             Case(name, ins(name, rs1=10, **({"rd": 12} if name == "rdmsr" else {"rs2": 11})), ring, cfg,
                  x=((10, 0x5555_0000_0000_0000 | n), (11, X11)))
             for name in ("rdmsr", "wrmsr") for n in MSR_NUMBERS for ring in (0, 3)
             for cfg in (0, TRAP["MSR"], EVERY & ~TRAP["MSR"], EVERY)}


@pytest.mark.parametrize("key", MSR_CASES)
def test_msr(key, batch):
    got = batch("msr", MSR_CASES.values(), arrange)
    check(got[MSR_CASES[key]], MSR_CASES[key])


# --- V=0 -------------------------------------------------------------------------------

RINGS = {"-1": 3, "0": 1, "3": 0}     # as the runner counts
HOST_VMCS = FREE + 0x50000


HOST = {f"{name}-ring{ring}": (name, ring) for name in INSN if INSN[name].ext == "xvisa" for ring in RINGS}


def arrange_host(s, case):
    """Operands that make the instruction go on where it is legal."""
    name, ring = case
    row = INSN[name]
    code = CODE
    s.code(code, [vmexit(ON)])
    s.vmcs(HOST_VMCS, pc=code, iobitmap=BITMAP)
    s.enter(HOST_VMCS)
    s.poke(BITMAP - 64, 0x9000_0000, 0x1000, 0x9000_0000, 1)
    x10, x11 = HOST_VMCS, 0
    if name == "iovmap":
        x10, x11 = 0, BITMAP - 64
    elif name in ("vmread", "vmwrite", "iovunmap"):
        x10 = 2
    elif name.startswith(("vmld", "vmst")):
        x10 = CODE + 64
    elif name in ("ldgptbr", "ldhptbr"):
        x10 = 0
    elif name in ("rdmsr", "wrmsr"):
        x10 = MSR["tls"]
    word = ins(name, **operands(row, 12, 10, 11, 0x4000))
    return s.step(word, RINGS[ring], x10=x10, x11=x11), word


@pytest.mark.parametrize("key", HOST)
def test_host(key, batch):
    """With V=0 an instruction is legal in its rings, and illegal elsewhere (ST-3)."""
    got, word = batch("host", HOST.values(), arrange_host)[HOST[key]]
    name, ring = HOST[key]
    if ring in INSN[name].rings:     # with V=0 `0v` and `3v` are no
        assert got["trap"] == 0
    else:
        assert (got["trap"], got["tval"]) == (EXC["ILLEGAL"] + 1, word)
