"""Instructions as words, and the numbers of isa/ by name."""

import re
import sys

from harness.tools import SRC

sys.path.insert(0, str(SRC / "isa"))
import tables  # noqa: E402

ISA = tables.load(SRC / "isa")
INSN = {i.name: i for i in ISA.insns}
CSR = {c.name: c.number for c in ISA.csrs}
MSR = {m.name: m.number for m in ISA.msrs}
CONST = {c.name: c.value for c in ISA.consts}
EXIT = {c.name: c.code for c in ISA.causes}
TRAP = {b.name: 1 << b.bit for b in ISA.trapcfg}
EXC = {e.name: e.code for e in ISA.exceptions if e.kind == "exception"}
IRQ = {e.name: e.code for e in ISA.exceptions if e.kind == "interrupt"}
VMCS = {f.name: f for f in ISA.vmcs}

MASK = (1 << 64) - 1


def ins(name, **operands):
    """The word of a 32-bit instruction; operands that are not given are 0."""
    row = INSN[name]
    assert row.length == 4
    word = row.match
    for key, value in operands.items():
        for lo, width, value_lo in row.fields[key].pieces:
            word |= (value >> value_lo & (1 << width) - 1) << lo
    return word


def csr_ins(name, csr, rd=0, source=0):
    """A CSR instruction: source is rs1, or the immediate of the forms with i."""
    return ins(name, csr=csr, rd=rd, **{"imm" if name.endswith("i") else "rs1": source})


def vmexit(number):
    return ins("vmexit", imm=number)


def li(rd, value):
    """Words that load any 64-bit value."""
    value &= MASK
    value -= (value >> 63) << 64
    low = (value & 0xfff) - ((value & 0x800) << 1)
    if -0x800 <= value < 0x800:
        return [ins("addi", rd=rd, imm=value)]
    if -0x80000000 <= value < 0x80000000:
        words = [ins("lui", rd=rd, imm=(value - low) & 0xffffffff)]
        return words + ([ins("addiw", rd=rd, rs1=rd, imm=low)] if low else [])
    rest, shift = (value - low) >> 12, 12
    while rest & 1 == 0:
        rest, shift = rest >> 1, shift + 1
    words = li(rd, rest) + [ins("slli", rd=rd, rs1=rd, imm=shift)]
    return words + ([ins("addi", rd=rd, rs1=rd, imm=low)] if low else [])


def field(name):
    """Number of a VMCS field; an element of an array is its name and index, `x12`."""
    if name in VMCS:
        return VMCS[name].first
    m = re.fullmatch(r"(.*?)(\d+)", name)
    row = VMCS[m[1]]
    assert int(m[2]) < row.n
    return row.first + int(m[2])


def qual(cause, **values):
    """VMQUAL of a cause with these fields (vmqual.isa), the others 0."""
    word = 0
    for name, value in values.items():
        row = next(q for q in ISA.vmqual if q.cause == cause and q.name == name)
        assert 0 <= value < 1 << row.hi - row.lo + 1, (cause, name, value)
        word |= value << row.lo
    return word


def unqual(cause, word):
    """VMQUAL taken apart, for messages."""
    return {q.name: word >> q.lo & (1 << q.hi - q.lo + 1) - 1 for q in ISA.vmqual if q.cause == cause}
