"""VMQUAL of every instruction that loads or stores, by every exit that it can make.

Manual: rules XI-5, XI-6 and the layout of VMQUAL; what an instruction is and does stands in the rows of isa/,
whose formulas are read here. Registers and offsets are random. The other instructions that exit are in
test_privilege.py, likewise from their rows.
"""

import re

import pytest

from xvisa.asm import EXC, EXIT, INSN, ISA, MASK, TRAP, qual, unqual
from xvisa.nested import A, D, R, SV39, U, V, W, X, Tables
from xvisa.script import FREE, RAM

CODE, TABLES, VMCS = FREE, FREE + 0x100000, FREE + 0x10000
DATA = 0x83000000
HOLE = 1 << 36                          # nothing is mapped there; an MMIO range that exits begins there
AWAY = HOLE + 0x1000_0000               # and nothing at all here
ALL = V | R | W | X | A | D
LOAD, STORE = 1, 2
TRIES = 3
EXITS = ["HOSTFAULT", "IO", "PAGEFAULT"]


def base_of(row):
    """The instruction that executes: a compressed one is another (rv64c.isa)."""
    return INSN[row.expands[0]] if row.expands else row


def accesses():
    return [i.name for i in ISA.insns if base_of(i).klass in ("load", "store", "mem")]


class What:
    """What the row's formula says."""

    def __init__(self, name):
        base = base_of(INSN[name])
        self.bits = int(re.search(r"mem(\d+)\[", base.formula)[1])
        self.loads = re.match(r"rd = (?:(sext|zext)\()?mem", base.formula)
        self.signed = bool(self.loads and self.loads[1] == "sext")
        self.atomic = base.klass == "mem"
        self.conditional = base.name.startswith("sc.")


class Try:
    """One instruction with random operands, and what it says with them."""

    def __init__(self, name, dice):
        row, d = INSN[name], dice
        self.row, self.what = row, What(name)
        used, values = set(), {}
        for key in ("rs1", "rs2", "rd"):
            f = row.fields.get(key)
            if f is None:
                continue
            choice = [n for n in (range(8, 16) if f.prime else range(32)) if n not in f.exclude]
            if key == "rs1":
                choice = [n for n in choice if n]
            values[key] = d.choice([n for n in choice if n not in used or n == 0 and key != "rs1"])
            used.add(values[key])
        word = row.match
        self.offset = 0
        for key, f in row.fields.items():
            if key in ("aq", "rl"):
                value = d.randrange(2)
            elif key == "imm":
                bits, low = f.width(), min(v for _, _, v in f.pieces)
                value = self.offset = d.randrange(1 << bits) >> low << low
                if f.signed:
                    self.offset -= (value >> bits - 1) << bits
            else:
                value = values[key] - 8 if f.prime else values[key]
            for at, width, lo in f.pieces:
                word |= (value >> lo & (1 << width) - 1) << at
        self.word = word
        take = {**{k: k for k in values}, **(row.expands[1] if row.expands else {})}

        def register(key):
            at = take.get(key)
            return values.get(at, at) if isinstance(at, str) else at
        self.base = register("rs1")
        self.reg = register("rd" if self.what.loads else "rs2")
        self.value = d.getrandbits(64)

    def registers(self, address):
        regs = {f"x{self.reg}": self.value} if self.reg and not self.what.loads else {}
        regs[f"x{self.base}"] = address - self.offset & MASK
        return regs

    def stored(self, address):
        """The value in rs2; where that is the base register, the address."""
        if self.what.loads:
            return 0
        have = {0: 0, self.base: address - self.offset & MASK}.get(self.reg, self.value)
        return have & (1 << self.what.bits) - 1


def arrange(s, t, cause, lr):
    """Enters the guest, whose first instruction exits; an SC has its reservation first."""
    t.tables = Tables(TABLES)
    hptbr = gptbr = 0
    address = (HOLE if cause == "IO" else AWAY) + 0x800
    if cause == "HOSTFAULT":
        hptbr = t.tables.root(SV39, host=True) | 7 << 44
        t.tables.map(hptbr, RAM, RAM, 2, ALL | U, host=True)
        # read-only, so that an LR succeeds
        t.tables.map(hptbr, AWAY, DATA, 0, V | A | U | (R if t.what.conditional else X), host=True)
    elif cause == "PAGEFAULT":
        gptbr = t.tables.root(SV39) | 1 << 44
        t.tables.map(gptbr, RAM, RAM, 2, ALL)
        t.tables.map(gptbr, AWAY, DATA, 0, V | A | (R if t.what.conditional else X))
    s.memory(t.tables.memory())
    s.step(INSN["tlbflushv"].match)
    words = [t.word]
    if t.what.conditional:
        words = [INSN[lr].match | t.base << 15, t.word]
    s.code(CODE, words)
    s.vmcs(VMCS, pc=CODE, hptbr=hptbr, gptbr=gptbr, vmtrapcfg=TRAP["PF"], iov_base2=HOLE,
           iov_size2=0x1000, iov_flags2=3, **t.registers(address))
    t.address = address
    return t, s.enter(VMCS)


CASES = {f"{name}-{cause}": (name, cause) for name in accesses() for cause in EXITS
         if not (cause == "IO" and What(name).conditional)}     # LR has exited already: no reservation


@pytest.mark.parametrize("key", CASES)
def test_access(key, batch, dice):
    def put(s, k):
        name, cause = CASES[k]
        return [arrange(s, Try(name, dice(f"qual {k} {n}")), cause, "lr." + name[-1]) for n in range(TRIES)]
    for t, e in batch("qual", CASES, put)[key]:
        name, cause = CASES[key]
        w = t.what
        access = LOAD if w.loads else STORE
        told = dict(width=(w.bits // 8).bit_length() - 1, signed=int(w.signed), atomic=int(w.atomic), reg=t.reg)
        want = {"HOSTFAULT": lambda: qual(cause, access=access, **told),
                "IO": lambda: qual(cause, mmio=1, port=2, write=int(access == STORE), **told),
                "PAGEFAULT": lambda: qual(cause, access=access,
                                          exception=EXC["LOAD_PAGE" if access == LOAD else "STORE_PAGE"])}[cause]()
        assert e.cause == EXIT[cause], t.word
        assert e.qual == want, (hex(t.word), unqual(cause, e.qual), unqual(cause, want))
        assert (e.addr, e.gpa) == (t.address, 0 if cause == "PAGEFAULT" else t.address)
        assert (e.insn, e.len) == (t.word, t.row.length)
        assert e.val == t.stored(t.address)


def test_all_are_there():
    """RV64IAC has 11 loads and stores, 22 atomic instructions and 8 compressed accesses; five loads extend a sign."""
    names = accesses()
    assert len(names) == 11 + 22 + 8
    assert {n for n in names if What(n).signed} == {"lb", "lh", "lw", "lr.w", "c.lw", "c.lwsp"}
