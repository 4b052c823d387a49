"""Encodings that no row of isa/ has are illegal instructions, and tell their bits in mtval."""

import pytest

from base import model
from base.bare import M, S, U

CUSTOM = {0x0B, 0x2B, 0x5B, 0x7B}


def matches(insn, bits):
    """Is it this row's instruction? Excluded registers and zero immediates are not."""
    if bits & insn.mask != insn.match:
        return False
    for f in insn.fields.values():
        value = 0
        for at, width, low in f.pieces:
            value |= (bits >> at & (1 << width) - 1) << low
        if f.nonzero and not value or not f.prime and value in f.exclude:
            return False
    return True


def undefined(isa, bits, length):
    return not any(i.length == length and matches(i, bits) for i in isa.insns)


def near_misses(isa, rng):
    """Defined instructions with one fixed bit turned: the most likely to be mistaken."""
    for insn in isa.insns:
        for bit in range(8 * insn.length):
            if insn.mask >> bit & 1:
                yield (insn.match | rng.getrandbits(32) & ~insn.mask & (1 << 8 * insn.length) - 1) ^ 1 << bit


def short_words(isa, rng):
    """A sample of the undefined 16-bit encodings."""
    words = [w for w in range(1 << 16) if w & 3 != 3 and undefined(isa, w, 2)]
    return rng.sample(words, 600) + [0]


def long_words(isa, rng):
    words = [w for w in near_misses(isa, rng) if w & 3 == 3 and undefined(isa, w, 4)]
    words += [w for w in (rng.getrandbits(30) << 2 | 3 for _ in range(1200)) if undefined(isa, w, 4)]
    return words + [0xFFFFFFFF, 0x0000707F]


@pytest.fixture
def encodings(isa, batches):
    def fill(maker):
        for bits in short_words(isa, maker.rng):
            put(maker, "short", f".half {bits:#x}", bits, 2)
        for bits in long_words(isa, maker.rng):
            put(maker, "custom" if bits & 0x7F in CUSTOM else "long", f".word {bits:#x}", bits, 4)
    return lambda machine: batches("encoding", fill, machine)


def put(maker, key, text, bits, size):
    maker.faults(key, [text], maker.rng.choice((M, S, U)), model.ILLEGAL, bits, size=size, at=0,
                 regs={n: maker.value() for n in range(1, 32)})


@pytest.mark.parametrize("key", ["short", "long", "custom"])
def test_undefined(key, encodings, check):
    """BA-18."""
    check(encodings("visa")[key])


def test_undefined_witness(encodings, check):
    """QEMU without F, D, H and the bit-manipulation extensions refuses the same ones."""
    table = encodings("qemu")
    for key in ("short", "long", "custom"):
        check(table[key])


