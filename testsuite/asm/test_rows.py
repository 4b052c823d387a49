"""Every row of isa/: text -> bits -> text -> bits."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import tables
from asm.rows import as_code, disassembled, instructions, layout, written
from harness.tools import SRC

ISA = tables.load(SRC / "isa")
ROWS = {i.name: i for i in ISA.insns}
CHECKS = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large]


def back_to_text(objdump, path):
    return disassembled(objdump("-d", "-z", path))


@pytest.mark.slow
@settings(max_examples=25, deadline=None, suppress_health_check=CHECKS)
@given(drawn=st.lists(instructions(ISA.insns), min_size=20, max_size=40))
def test_round_trip(va, objdump, drawn):
    text, code = layout(drawn)
    first = va(text)
    assert first.text() == code, text
    again = "\n".join(back_to_text(objdump, first.path)) + "\n"
    assert va(again, name="again.s").text() == code, again


@pytest.mark.parametrize("name", ROWS)
def test_each_row(va, objdump, name):
    """The same for one row at a time, so that none is left out; its name comes back."""
    @settings(max_examples=1, deadline=None, suppress_health_check=CHECKS, database=None)
    @given(drawn=st.lists(instructions([ROWS[name]]), min_size=16, max_size=16))
    def check(drawn):
        text, code = layout(drawn)
        first = va(text)
        assert first.text() == code, text
        lines = back_to_text(objdump, first.path)
        assert len(lines) == len(drawn)
        for (insn, values, _), line in zip(drawn, lines):
            got = line.split()[0]
            assert got == written(insn, values, 0).split()[0] or (name, got) == ("c.addi", "c.nop") \
                or (name, got) == ("fence", "fence.tso"), line
        assert va("\n".join(lines) + "\n", name="again.s").text() == code

    check()


def test_any_bits_come_back(va, objdump, rng):
    """Whatever the bits are, the text for them assembles to them."""
    words = [rng.getrandbits(32) for _ in range(2000)] + [rng.getrandbits(32) | 3 for _ in range(6000)]
    near = [i.match | rng.getrandbits(32) & ~i.mask for i in ISA.insns if i.length == 4 for _ in range(20)]
    near += [w ^ 1 << rng.randrange(2, 32) for w in near]
    first = va(".text\n" + "".join(f".word {w:#x}\n" for w in words + near))
    again = va("\n".join(back_to_text(objdump, as_code(first.path))) + "\n", name="again.s")
    assert again.text() == first.text()


def test_every_half_word_comes_back(va, objdump):
    """All 16-bit patterns, each with zeros behind it."""
    data = ".text\n" + "".join(f".half {h:#x}, 0\n" for h in range(1 << 16) if h & 3 == 3) + \
        "".join(f".half {h:#x}\n" for h in range(1 << 16) if h & 3 != 3)
    first = va(data)
    again = va("\n".join(back_to_text(objdump, as_code(first.path))) + "\n", name="again.s")
    assert again.text() == first.text()


@pytest.mark.parametrize("pseudo", ISA.pseudos, ids=lambda p: f"{p.name} {p.operands}".strip())
def test_pseudo_instructions(va, pseudo):
    """A pseudo-instruction is the text behind its `=`."""
    if pseudo.special:
        return
    values = {"$rd": "x8" if pseudo.name.startswith("c.") else "x5", "$rs1": "x6", "$rs2": "x7", "$uimm": "17", "$imm": "-9", "$label": "here",
              "$csr": "mtvec", "$cr": "CR3"}

    def filled(text):
        for name in sorted(values, key=len, reverse=True):
            text = text.replace(name, values[name])
        return text

    short = f"nop\nhere: nop\n{pseudo.name} {filled(pseudo.operands)}\n"
    long = "nop\nhere: nop\n" + filled(pseudo.expansion).replace(";", "\n").replace("CR3", "satp") + "\n"
    assert va(short).text() == va(long).text()
    assert len(va(short).text()) > 8
