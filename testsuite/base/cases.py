"""Cases for every instruction of the base: corner values and random ones, in every ring,
with and without translation, and what the model says must come out of each."""

import struct
from dataclasses import dataclass
from types import SimpleNamespace

from base import bare, model
from base.bare import EDGE, M, MASK, RING_NAMES, S, TABLES, U, Case

CORNERS = [0, 1, 2, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0x100000000, 0x7FFFFFFFFFFFFFFF,
           1 << 63, MASK, MASK - 1, 0xFFFFFFFF80000000, 0xFFFFFFFF7FFFFFFF, 0x5555555555555555,
           0xAAAAAAAAAAAAAAAA, 63, 64, 31, 32, 0x8000000080000000]

SSCRATCH, SEPC, MSTATUS, MEPC, MIDELEG, MIE, MIP, SATP = (0x140, 0x141, 0x300, 0x341, 0x303, 0x304,
                                                          0x344, 0x180)
EDGE_SHARE = 0.2    # of the cases of an instruction go over a page's end as well
ALIAS = 4 << 30     # RAM again
PTE_RWX, PTE_U, PTE_AD = 0xF, 0x10, 0xC0
SV39, SV48 = 8 << 60, 9 << 60


# --- The rings and translations that cases run in ---------------------------------

def identity_tables():
    """Pages at TABLES: for S and for U an Sv39 root with a 1 GiB leaf at 2 GiB, and an
    Sv48 root above a level-2 table whose entry is a table of 2 MiB leaves. At ALIAS, S-mode
    has the same memory in both."""
    base = TABLES >> 12
    pages = []
    for i, user in enumerate((0, PTE_U)):
        first = base + 4 * i
        leaf = PTE_RWX | PTE_AD | user
        alias = 0x80000 << 10 | PTE_RWX | PTE_AD
        pages += [table({2: 0x80000 << 10 | leaf, ALIAS >> 30: alias}), table({0: first + 2 << 10 | 1}),
                  table({2: first + 3 << 10 | 1, ALIAS >> 30: alias}),
                  table({n: (0x80000 + 512 * n) << 10 | leaf for n in range(512)})]
    return b"".join(pages)


def table(entries):
    return b"".join(struct.pack("<Q", entries.get(n, 0)) for n in range(512))


def context(kind):
    """(ring, CSR writes) of a place to run in."""
    ring, mode = kind
    root = (TABLES >> 12) + (4 if ring == U else 0)
    satp = {"bare": 0, "sv39": SV39 | root, "sv48": SV48 | root + 1}[mode]
    return ring, [(SATP, satp)] if satp else []


CONTEXTS = [(M, "bare"), (S, "bare"), (U, "bare"), (S, "sv39"), (U, "sv39"), (S, "sv48"), (U, "sv48")]


# --- Operands -------------------------------------------------------------------

def field_values(f, rng):
    """Values of an immediate: the ends, every single bit, and some at random."""
    low, width = min(p[2] for p in f.pieces), f.width()
    top = 1 << width
    values = {0, top - (1 << low), top // 2, top // 2 - (1 << low), 1 << low}
    values |= {1 << bit for bit in range(low, width)}
    values |= {rng.randrange(low and top >> low or top) << low for _ in range(12)}
    values = {model.signed(v, width) if f.signed else v for v in values}
    return sorted(v for v in values if v or not f.nonzero)


def registers(f):
    return [r for r in (range(8, 16) if f.prime else range(32)) if r not in f.exclude]


def pick_registers(insn, rng, exclude=()):
    """Random registers, in one of four cases two of them the same, in one of ten x0."""
    out = {}
    for name in ("rd", "rs1", "rs2"):
        f = insn.fields.get(name)
        if not f:
            continue
        pool = [r for r in registers(f) if r not in exclude]
        same = [r for r in out.values() if r in pool]
        if same and rng.random() < 0.25:
            out[name] = rng.choice(same)
        elif 0 in pool and rng.random() < 0.1:
            out[name] = 0
        else:
            out[name] = rng.choice([r for r in pool if r and r not in same] or pool)
    return out


def encode(insn, o):
    """The instruction's bits, by the tables of isa/: for hints that gas does not write."""
    bits = insn.match
    for name, f in insn.fields.items():
        value = getattr(o, name, 0)
        for at, width, low in f.pieces:
            bits |= (value - (8 if f.prime else 0) >> low & (1 << width) - 1) << at
    return bits


def is_hint(insn, o):
    if insn.length != 2:
        return False
    zero_shift = insn.name in ("c.slli", "c.srli", "c.srai") and o.imm == 0
    return o.rd == 0 and "rd" in insn.fields or zero_shift or insn.name == "c.addi" and o.imm == 0


def assembly(insn, o):
    """One line for the GNU assembler; `.word` only where the manual has a hint."""
    if is_hint(insn, o):
        return f".half {encode(insn, o):#x}"
    slots = {"rd": f"x{o.rd}", "rs1": f"x{o.rs1}", "rs2": f"x{o.rs2}", "imm": o.imm, "uimm": o.imm,
             "imm20": o.imm >> 12 & 0xFFFFF, "label": f".{o.imm:+d}", "csr": o.csr, "sp": "x2",
             "imm(rs1)": f"{o.imm}(x{o.rs1})", "uimm(rs1)": f"{o.imm}(x{o.rs1})",
             "uimm(sp)": f"{o.imm}(x2)", "(rs1)": f"(x{o.rs1})"}
    text = f"{insn.name}{o.suffix} " + ", ".join(str(slots[p]) for p in insn.operands)
    return f".option rvc\n{text}\n.option norvc" if insn.length == 2 else text


def operands(insn, **values):
    return SimpleNamespace(**{"rd": 0, "rs1": 0, "rs2": 0, "imm": 0, "csr": 0, "suffix": "",
                              "length": insn.length, **values})


# --- Cases ------------------------------------------------------------------------

@dataclass
class Expected:
    cause: int
    epc: int
    tval: int
    x: dict
    mem: dict
    csr: dict        # number -> (mask, value)
    level: str = None  # who takes the trap: m or s; None: not looked at
    vector: int = 0    # of a trap to S-mode: offset from stvec's base


def ended(at, x=None, mem=None, csr=None, level=None):
    """What is expected of a case that comes to the c.ebreak at an address."""
    return Expected(model.BREAKPOINT, at, at, x or {}, mem or {}, csr or {}, level)


def run_model(insn, o, case):
    """What the model makes of a case of one instruction."""
    words = dict(case.pokes)
    memory = {a + i: w >> 8 * i & 0xFF for a, w in words.items() for i in range(8)}
    before = [case.regs.get(n, bare.canary(n)) & MASK for n in range(32)]
    s = model.State(before, case.address, RING_NAMES[case.ring], memory, dict(case.csrs))
    try:
        model.step(s, insn.name, o)
        cause, tval = model.BREAKPOINT, s.pc
    except model.Trap as t:
        cause, tval = t.cause, t.tval
    x = {n: s[n] for n in range(1, 32) if s[n] != before[n]}
    mem = {a: s.load(a, 8) for a, w in words.items() if s.load(a, 8) != w}
    csr = {n: (MASK, s.csr[n]) for n in case.reads}
    return Expected(cause, s.pc, tval, x, mem, csr)


class Maker:
    """Adds cases to a program; .made is a list of (key, Case, Expected). The key of a case of
    one instruction is the instruction's name."""

    def __init__(self, program, rng):
        self.program, self.rng = program, rng
        self.made, self.names = [], set()
        self.at_edge = False    # put code over a page's end, and only some of the cases
        program.tables = identity_tables()

    def case(self, insn, o, regs=None, kind=None, landings=(), prepare=None, **more):
        """kind: context; prepare(case): sets what depends on the code's address."""
        if self.at_edge and insn.name in self.names and self.rng.random() > EDGE_SHARE:
            return
        self.names.add(insn.name)
        ring, csrs = context(kind or self.rng.choice(CONTEXTS))
        more["csrs"] = csrs + more.get("csrs", [])
        case = Case(insn.name, assembly(insn, o), insn.length, ring, regs or {},
                    landings=landings, **more)
        self.add(case)
        if prepare:
            prepare(case)
        self.made.append((insn.name, case, run_model(insn, o, case)))

    def add(self, case):
        if self.at_edge:
            case.offset = 4096 - max(2, case.size - 2)    # half of the last instruction
        self.program.add(case)

    def values(self, o, value1, value2):
        regs = {o.rs1: value1}
        regs[o.rs2] = value2
        regs.pop(0, None)
        return regs

    def value(self):
        if self.rng.random() < 0.4:
            return self.rng.choice(CORNERS)
        return self.rng.getrandbits(64) >> self.rng.choice([0, 0, 0, 16, 32, 33, 48])

    def imms(self, insn):
        f = insn.fields.get("imm")
        return field_values(f, self.rng) if f else [0]

    # One method for each way of making cases; WAYS names it by the row's class.

    def arithmetic(self, insn):
        pairs = [(a, b) for a in CORNERS for b in CORNERS]
        pairs = pairs if insn.ext == "rv64m" else self.rng.sample(pairs, 40)
        pairs += [(self.value(), self.value()) for _ in range(20)]
        imms = self.imms(insn)
        for i, (a, b) in enumerate(pairs):
            imm = imms[i % len(imms)]
            o = operands(insn, **pick_registers(insn, self.rng), imm=imm)
            regs = self.values(o, a, b)
            if "rs1" not in insn.fields and o.rd:  # rd op= rs2
                regs.setdefault(o.rd, a)
            if insn.name in ("c.addi4spn", "c.addi16sp"):
                regs[2] = a
            self.case(insn, o, regs)

    def upper(self, insn):
        for imm in self.imms(insn):
            self.case(insn, operands(insn, **pick_registers(insn, self.rng), imm=imm))

    def jump(self, insn):
        for imm in self.imms(insn):
            if not 0 <= imm < insn.length:
                self.case(insn, operands(insn, **pick_registers(insn, self.rng), imm=imm),
                          landings=(imm,))

    def jump_register(self, insn):
        for imm in self.imms(insn) + [0] * 6:
            o = operands(insn, **pick_registers(insn, self.rng, exclude=(0,)), imm=imm)
            offset = self.rng.choice([-400, -6, 6, 20, 500])
            odd = self.rng.getrandbits(1)

            def aim(case, o=o, offset=offset, odd=odd, imm=imm):
                case.regs = {o.rs1: (case.address + offset + odd - imm) & MASK}
            self.case(insn, o, landings=(offset,), prepare=aim)

    def branch(self, insn):
        imms = [i for i in self.imms(insn) if not 0 <= i < insn.length]
        for imm in imms + self.rng.choices(imms, k=30):
            o = operands(insn, **pick_registers(insn, self.rng), imm=imm)
            a = self.value()
            b = self.rng.choice([a, self.value(), a ^ 1, (a + 1) & MASK, a ^ 1 << 63])
            if insn.length == 2 and self.rng.getrandbits(1):
                a = 0
            self.case(insn, o, self.values(o, a, b), landings=(imm,))

    def memory(self, insn):
        """Loads and stores on both sides of a page's end and across it."""
        base = "rs1" if "rs1" in insn.fields else None
        imms = self.imms(insn)
        for imm in imms + self.rng.choices(imms, k=24):
            o = operands(insn, **pick_registers(insn, self.rng, exclude=(0,)), imm=imm)
            if "rd" in insn.fields and 0 in registers(insn.fields["rd"]) and self.rng.random() < 0.1:
                o.rd = 0
            address = EDGE + self.rng.randint(-16, 16)
            self.memory_case(insn, o, address, o.rs1 if base else 2)

    def memory_case(self, insn, o, address, base):
        regs = self.values(o, bare.canary(o.rs1), self.value())
        regs[base] = (address - o.imm) & MASK
        words = range((address & ~7) - 8, (address & ~7) + 24, 8)
        self.case(insn, o, regs, pokes=[(a, self.memory_word(a)) for a in words],
                  peeks=[(words[0], len(words))])

    def memory_word(self, address):
        return self.rng.choice([bare.memory_canary(address), self.value()])

    def atomic(self, insn):
        size = 4 if insn.name.endswith(".w") else 8
        for i in range(40):
            o = operands(insn, **pick_registers(insn, self.rng, exclude=(0,)),
                         suffix=self.rng.choice(["", ".aq", ".rl", ".aqrl"]))
            o.rd = 0 if i == 0 else o.rd
            address = EDGE + size * self.rng.randint(-4, 4)
            if i % 8 == 1:
                address += self.rng.randrange(1, size)
            self.memory_case(insn, o, address, o.rs1)

    def csr(self, insn):
        for i in range(30):
            o = operands(insn, **pick_registers(insn, self.rng), csr=SSCRATCH,
                         imm=self.rng.choice([0, 1, 16, 31, self.rng.randrange(32)]))
            kind = self.rng.choice([c for c in CONTEXTS if c[0] != U])
            self.case(insn, o, self.values(o, self.value(), 0), kind=kind,
                      csrs=[(SSCRATCH, self.value())], reads=[SSCRATCH])

    def plain(self, insn):
        """fence, ecall, ebreak: no operands, once in every context."""
        for kind in CONTEXTS:
            self.case(insn, operands(insn), kind=kind)

    def sfence(self, insn):
        for kind in CONTEXTS:
            for _ in range(4):
                o = operands(insn, **pick_registers(insn, self.rng))
                self.case(insn, o, self.values(o, self.value(), self.value()), kind=kind)

    def wait(self, insn):
        """With a software interrupt pending for S-mode but not enabled there, wfi goes on."""
        for kind in CONTEXTS:
            pending = [] if kind[0] == U else [(MIDELEG, 2), (MIE, 2), (MIP, 2)]
            self.case(insn, operands(insn), kind=kind, csrs=pending)

    def code(self, key, lines, kind, expected, regs=None, size=None, **more):
        """A case of several 4-byte instructions; expected, and regs if it is one, are functions
        of its address. kind: a context, or a ring."""
        ring, csrs = context(kind if isinstance(kind, tuple) else (kind, "bare"))
        more["csrs"] = csrs + more.get("csrs", [])
        case = Case(key, "\n".join(lines), size or 4 * len(lines), ring, **more)
        self.add(case)
        case.regs = regs(case.address) if callable(regs) else regs or {}
        self.made.append((key, case, expected(case.address)))

    def passes(self, key, lines, kind, changes=None, csr=None, **more):
        """Code that is to come to its end with these registers changed."""
        self.code(key, lines, kind, lambda at: ended(at + 4 * len(lines), changes, csr=csr), **more)

    def faults(self, key, lines, kind, cause, tval, at=None, csr=None, level=None, **more):
        """Code whose last instruction (or the one at offset `at`) is to raise an exception."""
        offset = 4 * len(lines) - 4 if at is None else at
        self.code(key, lines, kind, lambda a: Expected(cause, a + offset, tval, {}, {}, csr or {},
                                                       level), **more)

    def fence(self, insn):
        self.plain_words(insn, ["fence", "fence rw, rw", "fence w, o", "fence.tso"])

    def plain_words(self, insn, spellings):
        """The spellings, and encodings whose unused fields are set: the manual ignores them."""
        for spelling in spellings:
            self.passes(insn.name, [spelling], self.rng.choice(CONTEXTS))
        for _ in range(10):
            o = SimpleNamespace(rd=self.rng.randrange(32), rs1=self.rng.randrange(32),
                                imm=self.rng.randrange(4096))
            self.passes(insn.name, [f".word {encode(insn, o):#x}"], self.rng.choice(CONTEXTS))

    def fence_i(self, insn):
        """A store over the instruction behind fence.i is what is executed then."""
        for kind in CONTEXTS:
            number = self.rng.randrange(1, 2048)
            self.passes(insn.name, ["sw x6, 8(x5)", "fence.i", "addi x7, x0, 0"], kind, {7: number},
                        regs=lambda at, n=number: {5: at, 6: n << 20 | 7 << 7 | 0x13})
        self.plain_words(insn, [])

    def trap_return(self, insn):
        """From a ring to every ring below, with all values of the interrupt-enable stack."""
        register = "mepc" if insn.name == "mret" else "sepc"
        for _ in range(24):
            kind = self.rng.choice(CONTEXTS[:3])
            status = self.rng.getrandbits(64) & 0x19AA & ~0xA | self.rng.choice([0, 2, 8, 10])
            if status >> 11 & 3 == 2:
                status |= 1 << 11
            self.return_case(insn, kind, register, status)

    def return_case(self, insn, kind, register, status):
        ring = kind[0]
        legal = ring == M or ring == S and insn.name == "sret"
        landing = self.rng.choice([-40, 60, 130])
        old = status
        if ring == S:    # the runner's mret has come here with MPIE in MIE, MPP = U
            old &= 0x122
        if not legal:
            self.case(insn, operands(insn), kind=kind)
            return
        after, to = returned(old, insn.name)
        lines = [f"csrw {register}, x5", f"csrw {'mstatus' if ring == M else 'sstatus'}, x6", insn.name]
        mask = 0x19AA if ring == M else 0x1922

        def want(at):
            if ring == M:
                final = after & ~0x1888 | to << 11 | (after & 8) << 4
            else:
                final = after & 0x122 | to << 11
            return ended(at + landing, csr={MSTATUS: (mask, final)})
        self.code(insn.name, lines, kind, want, lambda at: {5: at + landing, 6: old},
                  landings=(landing,), reads=[MSTATUS])

    WAYS = {"alu_rr": arithmetic, "alu_ri": arithmetic, "upper": upper, "pcrel": upper, "jump": jump,
            "jumpr": jump_register, "branch": branch, "load": memory, "store": memory, "mem": atomic}
    SPECIAL = {"fence": fence, "fence.i": fence_i, "ecall": plain, "ebreak": plain, "c.ebreak": plain,
               "sret": trap_return, "mret": trap_return, "wfi": wait, "sfence.vma": sfence}

    def make(self, insn):
        if insn.ext == "zicsr":
            self.csr(insn)
        else:
            (self.SPECIAL.get(insn.name) or self.WAYS[insn.klass])(self, insn)


def returned(status, name):
    """mstatus behind sret or mret, and the ring it goes to."""
    sie, spie, spp, mie, mpie, mpp = 1 << 1, 1 << 5, 1 << 8, 1 << 3, 1 << 7, 3 << 11
    if name == "mret":
        to = status >> 11 & 3
        out = status & ~(mie | mpie | mpp) | mpie | (mie if status & mpie else 0)
    else:
        to = status >> 8 & 1
        out = status & ~(sie | spie | spp) | spie | (sie if status & spie else 0)
    return out, to


def differences(want, got):
    """Lines that say where an outcome is not what was expected."""
    out = []
    if want.level and want.level != got.level:
        out.append(f"taken by {want.level}-mode expected, got {got.level}")
    for what, w, g in (("cause", want.cause, got.cause), ("epc", want.epc, got.epc),
                       ("tval", want.tval, got.tval), ("vector", want.vector, got.vector)):
        if w != g:
            out.append(f"{what}: expected {w:#x}, got {g:#x}")
    for what, w, g in (("x", want.x, got.x), ("memory ", want.mem, got.mem)):
        for n in sorted(set(w) | set(g)):
            if w.get(n) != g.get(n):
                name = f"{what}{n:#x}" if what != "x" else f"x{n}"
                out.append(f"{name}: expected {show(w.get(n))}, got {show(g.get(n))}")
    for n, (mask, value) in want.csr.items():
        if got.csr[n] & mask != value & mask:
            out.append(f"csr {n:#x}: expected {value & mask:#x}, got {got.csr[n] & mask:#x} "
                       f"(bits {mask:#x})")
    return out


def show(value):
    return "unchanged" if value is None else f"{value:#x}"
