"""The base's encodings against binutils, which knows nothing of our tables.

Three ways: what the GNU assembler makes of each row with random operands; what our
decoder (testsuite/isa/decode.c over libisa) makes of the same words; and whether GNU
objdump names the same instruction as our decoder, for every 16-bit and for many
random 32-bit patterns.
"""

import random
import re

import pytest

import tables
from harness.guest import MARCH
from harness.tools import BUILD, SRC, execute, tool
from isa.encodings import draw, gas_words, written

ISA = tables.load(SRC / "isa")
BASE = [i for i in ISA.insns if i.ext != "xvisa"]
REPEAT = 8     # operand sets for each row
RANDOM = 20000  # 32-bit patterns

# Names that objdump has whatever the architecture string says, and V-ISA has not: returns
# of the debug mode and of abandoned drafts, the fence before sfence.vma.
ABSENT = {"dret", "uret", "hret", "sfence.vm"}
C_ADDI16SP_0 = 0x6101  # reserved by the manual (nzimm = 0), which objdump does not look at
FENCE_FIELDS = {0: ("fence", 0xf00f8f80), 1: ("fence.i", 0xffff8f80)}  # bits to ignore, by funct3


def decode(words):
    """What libisa's decoder says: one dict for each word."""
    names = ("row", "length", "base", "rd", "rs1", "rs2", "imm", "csr", "aq", "rl")
    program = BUILD / "isa-decode"
    assert program.exists(), f"{program} is not there: make check builds it"
    out = execute([program], stdin="\n".join(f"{w:x}" for w in words)).ok().stdout.splitlines()
    assert len(out) == len(words)
    rows = (dict(zip(names, line.split())) for line in out)
    return [{k: v if k in ("row", "base") else int(v) for k, v in r.items()} for r in rows]


def objdump_names(path, words):
    """What GNU objdump calls each word: mnemonic, or None where it knows none."""
    source, elf = path / "r.s", path / "r.o"
    source.write_text("".join(f".insn {4 if w & 3 == 3 else 2}, {w:#x}\n" for w in words))
    execute([tool("riscv64-unknown-elf-as"), f"-march={MARCH}", "-mno-relax", "-o", elf, source]).ok()
    out = execute([tool("riscv64-unknown-elf-objdump"), "-d", "-M", "no-aliases", elf]).ok().stdout
    names = re.findall(r"^ *[0-9a-f]+:\t[0-9a-f]+ +\t(\S+)", out, re.M)
    assert len(names) == len(words)
    return [None if n.startswith(".") or n in ABSENT | {"c.unimp"} else n for n in names]


def our_name(word, name):
    """The row that should match, given objdump's name for the word."""
    fence, ignored = FENCE_FIELDS.get(word >> 12 & 7, (None, 0))
    if word & 0x7f == 0x0f and fence:
        return fence  # the manual: reserved fields of a fence are ignored
    if name is None or word == C_ADDI16SP_0:
        return "illegal"
    if word == 1:
        return "c.nop"  # objdump: c.addi zero,0
    if name in ("c.slli64", "c.srli64", "c.srai64"):
        return name[:-2]  # RV128's name for a shift by zero, a hint in RV64
    return re.sub(r"\.(aq|rl|aqrl)$", "", name)


@pytest.fixture(scope="module")
def drawn(seed, tmp_path_factory):
    """For each row: REPEAT times (gas text, our word, values, gas's word, our decoding)."""
    rng = random.Random(f"{seed} encoding")
    cases = [(i, *draw(i, rng)) for i in BASE for _ in range(REPEAT)]
    lines = [f".option {'rvc' if i.length == 2 else 'norvc'}\n{written(i, v)}" for i, _, v in cases]
    words = gas_words(tmp_path_factory.mktemp("gas"), lines, [i.length for i, _, _ in cases])
    rows = {}
    for (i, word, v), line, gas, ours in zip(cases, lines, words, decode([w for _, w, _ in cases])):
        rows.setdefault(i.name, []).append((line.split("\n")[1], word, v, gas, ours))
    return rows


@pytest.mark.parametrize("name", [i.name for i in BASE])
def test_row_encodes_as_gas_does(drawn, name):
    for text, word, _, gas, _ in drawn[name]:
        assert word == gas, f"{text}: table {word:#x}, GNU assembler {gas:#x}"


@pytest.mark.parametrize("name", [i.name for i in BASE])
def test_row_decodes(drawn, name):
    insn = ISA.insn(name)
    for text, word, values, _, ours in drawn[name]:
        assert (ours["row"], ours["length"]) == (name, insn.length), f"{text} ({word:#x}): {ours}"
        if insn.expands:
            assert ours["base"] == insn.expands[0]
        else:
            got = {f: ours[f] for f in insn.fields}
            assert got == values, f"{text} ({word:#x})"


# A compressed jump has one operand, the label, which gas does not shorten by itself.
EXPANDING = [i.name for i in BASE if i.expands and i.name != "c.j"]


def shortenable(base, v):
    """The base instruction as gas shortens it: of jalr, only the manual's pseudos for it."""
    if base.name == "jalr" and v["imm"] == 0 and v["rd"] < 2:
        return f"{['jr', 'jalr'][v['rd']]} x{v['rs1']}"
    return written(base, v)


@pytest.mark.parametrize("name", EXPANDING)
def test_expansion_compresses_back(drawn, name, tmp_path):
    """What an RVC row executes as is what gas shortens to that very word."""
    base = ISA.insn(ISA.insn(name).expands[0])
    cases = [(word, shortenable(base, ours)) for _, word, _, _, ours in drawn[name]
             if name != "c.addi16sp" or not -32 <= ours["imm"] < 32]  # there gas takes c.addi
    words = gas_words(tmp_path, [".option rvc"] + [t for _, t in cases], [2] * len(cases))
    for (word, text), gas in zip(cases, words):
        assert word == gas, f"{word:#x} executes as {text}, which GNU assembler makes {gas:#x}"


def disagreements(path, words):
    for word, name, ours in zip(words, objdump_names(path, words), decode(words)):
        if ours["row"] != our_name(word, name):
            yield f"{word:#x}: we say {ours['row']}, objdump {name}"


def test_every_16_bit_pattern_against_objdump(tmp_path):
    words = [w for w in range(1 << 16) if w & 3 != 3]
    assert list(disagreements(tmp_path, words)) == []


def random_word(rng, opcodes, rows):
    """A random pattern of one of the base's opcodes; a row; or a row but for one bit."""
    kind = rng.randrange(3)
    if kind == 0:
        return rng.getrandbits(32) & ~0x7f | rng.choice(opcodes)
    row = rng.choice(rows)
    word = row.match | rng.getrandbits(32) & ~row.mask
    return word ^ 1 << rng.randrange(2, 32) if kind == 2 else word


def test_random_32_bit_patterns_against_objdump(rng, tmp_path):
    rows = [i for i in BASE if i.length == 4]
    opcodes = sorted({i.match & 0x7f for i in rows})
    custom = {i.match & 0x7f for i in ISA.insns if i.ext == "xvisa"} | {0x7b}
    words = [random_word(rng, opcodes, rows) for _ in range(RANDOM)]
    words = [w for w in words if w & 0x7f not in custom and w & 0x1f != 0x1f]  # 0x1f: longer ones
    assert len(words) > RANDOM * 0.9
    assert list(disagreements(tmp_path, words)) == []


STANDARD = [c for c in ISA.csrs if not any(lo <= c.number <= hi for lo, hi in (
    (0x5c0, 0x5ff), (0xdc0, 0xdff), (0x7c0, 0x7ff), (0xcc0, 0xcff), (0xfc0, 0xfff)))]


def test_csr_numbers_against_gas(tmp_path):
    words = gas_words(tmp_path, [f"csrrs x0, {c.name}, x0" for c in STANDARD], [4] * len(STANDARD))
    for csr, word in zip(STANDARD, words):
        assert csr.number == word >> 20, csr.name
