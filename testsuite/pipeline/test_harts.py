"""Several harts: who has the bus, and whose cache has a line."""

import pytest

from pipeline.model import LAT, REFILL
from pipeline.programs import DATA, FINISH

FIRST = 1 + REFILL + 1  # X of a hart's first instruction, the bus being free from cycle 1 on


@pytest.mark.parametrize("harts", [2, 4])
def test_first_fetch(pipeline, harts):
    """All ask in cycle 1: the lower id first."""
    run = pipeline(f".globl _start\n_start: nop\nnop\n{FINISH}", "--harts", str(harts))
    starts = {r["hart"]: r["cycle"] for r in run.all("_start")}
    assert starts == {n: FIRST + n * REFILL for n in range(harts)}


def coherence(first, second):
    """Hart 0 does `first` and goes on for ever; hart 1 waits, then does `second`."""
    return f"""
    .globl _start
_start:
    la    s0, data
    li    a5, 40
    bnez  a0, 1f
{first}
    j     .
1:  div   a4, a4, a5
    addi  a5, a5, -1
    bnez  a5, 1b
    j     body
    .p2align 6
body:
    nop
    nop
{second}
    nop
c:  nop
    j     finish
{FINISH}{DATA}"""


CASES = {
    # what hart 0 did, what hart 1 does at a, cycles beyond a hit
    "unshared": ("nop", "a: ld a1, 0(s0)", REFILL),
    "clean": ("ld a1, 0(s0)", "a: ld a1, 0(s0)", REFILL),
    "dirty": ("sd a1, 0(s0)", "a: ld a1, 0(s0)", LAT.writeback + REFILL),
    "store-clean": ("ld a1, 0(s0)", "a: sd a1, 0(s0)", REFILL),
    "store-dirty": ("sd a1, 0(s0)", "a: sd a1, 0(s0)", LAT.writeback + REFILL),
    "amo-dirty": ("sd a1, 0(s0)", "a: amoadd.d a1, a2, (s0)", LAT.writeback + REFILL + LAT.amo - LAT.load),
    "taken-already": ("sd a1, 0(s0)", "ld a1, 0(s0)\nnop\na: ld a1, 8(s0)", 0),
    "shared-store": ("sd a1, 0(s0)", "ld a1, 0(s0)\nnop\na: sd a1, 8(s0)", 0),
}


@pytest.mark.parametrize("case", CASES)
def test_line_of_another_hart(pipeline, case):
    first, second, more = CASES[case]
    run = pipeline(coherence(first, second), "--harts", "2")
    assert run.between("a", "c") == 1 + LAT.load + more


def test_store_takes_the_line(pipeline):
    """Hart 0 has the line, hart 1 stores to it, and hart 0 has to fetch it again."""
    text = coherence("""
    ld    a1, 0(s0)
    li    a5, 80
2:  div   a4, a4, a5
    addi  a5, a5, -1
    bnez  a5, 2b
    nop
x:  ld    a1, 0(s0)
    nop
z:  nop""", """
    sd    a1, 0(s0)
    li    a5, 80
3:  div   a4, a4, a5
    addi  a5, a5, -1
    bnez  a5, 3b""")
    run = pipeline(text, "--harts", "2")
    assert run.between("x", "z") == 1 + LAT.load + LAT.writeback + REFILL
