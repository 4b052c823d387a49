"""The manual's cycle diagrams, against the second model and the table of latencies."""

import re

import pytest

from harness.tools import SRC
from pipeline.model import REFILL, Insn, Model
from xvisa.asm import csr_ins, ins, vmexit

CHAPTER = SRC / "man" / "arch" / "18-pipeline.rst"
A0, A1, A2, A3, SP = 10, 11, 12, 13, 2
RAM, HANDLER, GUEST, HOST = 0x80000000, 0x80000100, 0x80000200, 0x80000310
DATA = RAM + 0x1000
MTVEC = 0x305


def addi(rd, rs1, imm=1):
    return ins("addi", rd=rd, rs1=rs1, imm=imm)


def line(*words, **special):
    """Instructions one behind the other, the one of a number with special properties."""
    return [Insn(RAM + 4 * n, w, RAM + 4 * n + 4, **special.get(f"at{n}", {})) for n, w in enumerate(words)]


BNE = ins("bne", rs1=A0, imm=-4)
HYPERCALL = [
    Insn(GUEST, vmexit(0), HOST + 4, ends="exit", world=(True, 0)),
    Insn(HOST + 4, ins("jal", imm=-4), HOST),
    Insn(HOST, ins("vmresume.adv"), GUEST + 4, entered=True),
    Insn(GUEST + 4, ins("jal", imm=-4), GUEST, world=(True, 0)),
    Insn(GUEST, vmexit(0), HOST + 4, ends="exit", world=(True, 0)),
]

# Diagram: its instructions, and whether caches and predictor have seen them before.
DIAGRAMS = {
    "Every result": (line(addi(A0, A0), ins("add", rd=A1, rs1=A0, rs2=A0),
                          ins("sd", rs1=SP, rs2=A1), at2=dict(accesses=((DATA, 8, True),))), "data"),
    "A load's result": (line(ins("ld", rd=A0, rs1=SP), ins("add", rd=A1, rs1=A0, rs2=A0), addi(A2, A0),
                             at0=dict(accesses=((DATA, 8, False),))), "data"),
    "A multiplication": (line(ins("mul", rd=A0, rs1=A1, rs2=A2), ins("add", rd=A3, rs1=A0, rs2=A1)), ""),
    "A load misses": (line(ins("ld", rd=A0, rs1=SP), addi(A1, A1), addi(A2, A2),
                           at0=dict(accesses=((DATA, 8, False),))), ""),
    "A loop's branch": ([Insn(RAM, addi(A0, A0, -1), RAM + 4), Insn(RAM + 4, BNE, RAM),
                         Insn(RAM, addi(A0, A0, -1), RAM + 4), Insn(RAM + 4, BNE, RAM),
                         Insn(RAM, addi(A0, A0, -1), RAM + 4)], ""),
    "A misprediction": ([Insn(RAM, ins("beq", rs1=A0, imm=8), RAM + 8), Insn(RAM + 8, addi(A1, A1), RAM + 12)], ""),
    "A CSR is written": (line(addi(A0, A0, 8), csr_ins("csrrw", MTVEC, source=A0), addi(A1, A1)), ""),
    "An instruction misses": (line(addi(A0, A0), addi(A1, A1)), "cold"),
    "An environment call": ([Insn(RAM, ins("ecall"), HANDLER, ends="trap"),
                             Insn(HANDLER, ins("mret"), RAM + 4), Insn(RAM + 4, addi(A0, A0, 4), RAM + 8)], ""),
    "From a VMEXIT": (HYPERCALL, "btb"),
}


def diagrams():
    """{title: (cycles, [(instruction, cells)])} of the chapter."""
    found = {}
    for title, body in re.findall(r"^\.\. cycles:: (.+)\n\n((?:   .+\n)+)", CHAPTER.read_text(), re.M):
        rows = [(l.rpartition("|")[0].strip(), l.rpartition("|")[2].split()) for l in body.splitlines()]
        found[title] = (rows[0][1], rows[1:])
    return found


def drawn(cycles, stages):
    """The cells that an instruction has in these cycles."""
    def cell(cycle):
        for n, letter in enumerate("FDXMW"):
            first = getattr(stages, letter)
            last = getattr(stages, "FDXMW"[n + 1]) - 1 if letter != "W" else first
            if first <= cycle <= last:
                return letter if cycle == first else letter.lower()
        return "."
    return [".." if c == ".." else cell(int(c)) for c in cycles]


def prepared(insns, seen):
    m = Model()
    m.icache.access = lambda pa, write=False: REFILL if "cold" in seen and pa != RAM else 0
    if "data" in seen:
        m.dcache.access(DATA)
    if "btb" in seen:
        for i in (i for i in insns if not i.ends and not i.entered):
            m.btb.apply((i.pc, *i.world), True, i.next)
    return m


@pytest.mark.parametrize("title", DIAGRAMS)
def test_diagram(title):
    cycles, rows = next(d for t, d in diagrams().items() if t.startswith(title))
    insns, seen = DIAGRAMS[title]
    m = prepared(insns, seen)
    assert len(rows) == len(insns)
    for i, (text, cells) in zip(insns, rows):
        stages = m.step(i)
        assert drawn(cycles, stages) == cells, text
        for first in (getattr(stages, letter) for letter in "FDXMW"):
            assert str(first) in cycles or first > int(cycles[-1]), f"{text}: cycle {first} is left out"


def test_all_diagrams_are_checked():
    for title in diagrams():
        assert any(title.startswith(t) for t in DIAGRAMS), title
