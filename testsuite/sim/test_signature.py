"""--signature: the bytes between two symbols, as the architecture tests compare them.

The form is that of Spike's +signature (fesvr/htif.cc): each line is `granularity` bytes as one
number, lower-case, the last byte first; what the last line has too much is 00.
"""

import struct

import pytest

from harness import tools
from sim.elf import PASS, Segment, elf

IMAGE, USAGE, OUTPUT, LIMIT = 121, 120, 119, 122
PROGRAM = """
_start:
    la a0, begin_signature
    li a1, 0x1122334455667788
    sd a1, 0(a0)
    li a1, 0xabcdef01
    sw a1, 8(a0)
    li a0, 0x100000
    li a1, {finisher}
    sw a1, (a0)
1:  j 1b
    .data
    .balign 16
    .byte 0xee
    .balign 16
begin_signature:
    .space 12
    .byte {tail}
end_signature:
    .byte 0xee
"""


def program(size=16, finisher=0x5555):
    """Its signature has `size` bytes: 12 that it writes, the others as they were loaded."""
    return PROGRAM.format(tail=", ".join(str(0xd0 + i) for i in range(size - 12)), finisher=finisher)


def expected(size, granularity):
    data = struct.pack("<QI", 0x1122334455667788, 0xABCDEF01) + bytes(0xD0 + i for i in range(size - 12))
    data += bytes(-size % granularity)
    return "".join(data[i:i + granularity][::-1].hex() + "\n" for i in range(0, len(data), granularity))


@pytest.fixture
def sim(tmp_path):
    return lambda *args: tools.execute([tools.tool("visa-sim"), *args], cwd=tmp_path)


@pytest.mark.parametrize("size", [13, 16, 28, 29])
@pytest.mark.parametrize("granularity", [None, 1, 2, 4, 8, 16, 32, 4096])
def test_form(size, granularity, sim, assemble, tmp_path):
    sim(*(["--signature-granularity", granularity] if granularity else []), "--signature", "s", assemble(program(size))).ok()
    assert (tmp_path / "s").read_text() == expected(size, granularity or 4)


def test_by_hand(sim, assemble, tmp_path):
    sim("--signature", "s", assemble(program(16))).ok()
    assert (tmp_path / "s").read_text() == "55667788\n11223344\nabcdef01\nd3d2d1d0\n"


def test_both_models(sim, assemble, tmp_path):
    tools.need_pipeline()
    elf = assemble(program())
    sim("--model", "pipeline", "--signature", "s", elf).ok()
    assert (tmp_path / "s").read_text() == expected(16, 4)


def test_however_it_ends(sim, assemble, tmp_path):
    """What is there then: a failure, or a limit before the stores."""
    assert sim("--signature", "s", assemble(program(16, 7 << 16 | 0x3333))).code == 7
    assert (tmp_path / "s").read_text() == expected(16, 4)
    assert sim("--signature", "s", "-n", 1, assemble(program(16))).code == LIMIT
    assert (tmp_path / "s").read_text() == "00000000\n" * 3 + "d3d2d1d0\n"


def test_linked_elsewhere(sim, tmp_path):
    """Symbols are virtual addresses; the bytes are where the file was loaded (visa-image(5))."""
    code = PASS + bytes(4)
    image = elf(Segment(code + struct.pack("<I", 0x01020304), paddr=0x80000000, vaddr=0x40000000), entry=0x40000000,
                symbols=[("begin_signature", 0x40000000 + len(code)), ("end_signature", 0x40000004 + len(code))])
    (tmp_path / "x.elf").write_bytes(image)
    sim("--signature", "s", "x.elf").ok()
    assert (tmp_path / "s").read_text() == "01020304\n"


@pytest.mark.parametrize("text, words", [
    ("x: .word 0\n", "no symbol begin_signature"), ("begin_signature: .word 0\n", "no symbol end_signature"),
    ("end_signature: .word 0\n", "no symbol begin_signature"),
    ("end_signature: .word 0\nbegin_signature:\n.word 0\n", "end_signature, 0x80000014, is not behind begin_signature, 0x80000018"),
    ("begin_signature:\nend_signature: .word 0\n", "is not behind"),
])
def test_refused(text, words, sim, assemble, tmp_path):
    """Before anything runs, and the old file stays."""
    (tmp_path / "s").write_text("old")
    elf = assemble("_start: li a0, 0x100000\n li a1, 0x5555\n sw a1, (a0)\n1: j 1b\n" + text)
    result = sim("--signature", "s", elf)
    assert result.code == IMAGE and result.stderr.startswith("visa-sim: --signature: "), str(result)
    assert words in result.stderr and (tmp_path / "s").read_text() == "old"


@pytest.mark.parametrize("begin, end", [(0x80000000, 0x90000000), (0x10, 0x20), (0x80000000, 2**64 - 1)])
def test_not_in_memory(begin, end, sim, tmp_path):
    (tmp_path / "x.elf").write_bytes(elf(Segment(), symbols=[("begin_signature", begin), ("end_signature", end)]))
    result = sim("--signature", "s", "x.elf")
    assert result.code == IMAGE and f"{begin:#x} to {end:#x} is not in RAM" in result.stderr


@pytest.mark.parametrize("n", ["0", "4097", "-4", "x", "18446744073709551616"])
def test_granularity_out_of_range(n, sim, assemble):
    result = sim("--signature", "s", "--signature-granularity", n, assemble(program()))
    assert result.code == USAGE and "--signature-granularity" in result.stderr


def test_cannot_be_written(sim, assemble):
    elf = assemble(program())
    assert "cannot be written" in sim("--signature", "/none/s", elf).stderr
    result = sim("--signature", "/dev/full", elf)
    assert result.code == OUTPUT and "could not be written completely" in result.stderr
