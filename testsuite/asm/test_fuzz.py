"""Garbage: whatever the input, an answer in time, no crash, and no file after an error."""

import pytest

from asm.test_directives import SAME
from asm.test_errors import ERRORS, WARNINGS
from harness.tools import SRC, execute

SEEDS = [*SAME.values(), *(e[0] for e in ERRORS.values()), *(w[0] for w in WARNINGS.values())]
TOKENS = """ , : ( ) + - * / % << >> | & ^ ~ ! = == < > && || @ \\ ' " # ; // /* */ . $ 0 1 0x 0b1 1f 1b 0x80000000
    -1 9223372036854775807 18446744073709551615 a0 x31 R1 F3 CR3 sp x y loop _start mstatus %hi( %lo( %pcrel_hi(
    %pcrel_lo( rw iorw VMCS_HPTBR .text .data .bss .section .word .byte .ascii .align .org .fill .space .rept .endr
    .macro .endm .irp .if .else .elseif .endif .ifdef .equ .set .globl .size .type .include .incbin .comm .end
    .purgem .exitm .pushsection .popsection .previous .attribute .subsection .insn .altmacro .noaltmacro LOCAL .octa
    .string32 .hidden .float f@plt \"x y\" % &x <1> r4 OP_IMM C1 \\x \\@ \\() li la call tail lw sd addi beq jal
    vmenter in.b out c.addi c.lwsp amoadd.w.aqrl fence""".split()
TIMEOUT = 20
CRASHES = ("Sanitizer", "runtime error", "Assertion")


def words(rng):
    """Lines of tokens that belong to the language, in no order."""
    return "".join(" ".join(rng.choice(TOKENS) for _ in range(rng.randrange(9))) + "\n"
                   for _ in range(rng.randrange(1, 30))).encode()


def mutated(rng):
    """Pieces of good and bad programs, cut, doubled and spoilt."""
    text = bytearray("".join(rng.choice(SEEDS) for _ in range(rng.randrange(1, 4))).encode())
    for _ in range(rng.randrange(1, 12)):
        at = rng.randrange(len(text) + 1)
        kind = rng.randrange(6)
        if kind == 0:
            text[at:at] = rng.choice(TOKENS).encode()
        elif kind == 1 and at < len(text):
            text[at] = rng.randrange(256)
        elif kind == 2:
            del text[at:at + rng.randrange(8)]
        elif kind == 3:
            text[at:at] = bytes(text[at:at + rng.randrange(200)])
        elif kind == 4:
            text[at:at] = b"\n"
        else:
            text[at:at] = str(rng.choice([0, 1, -1, 2**31, 2**63, 2**64 - 1, rng.getrandbits(64)])).encode()
        if not text:
            break
    return bytes(text)


def noise(rng):
    return bytes(rng.getrandbits(8) for _ in range(rng.randrange(2000)))


def check(r, output):
    assert r.code in (0, 1), str(r)
    assert not any(word in r.stderr for word in CRASHES), str(r)
    assert output.exists() == (r.code == 0), str(r)
    assert (r.code == 0) == (": error: " not in r.stderr), str(r)


@pytest.mark.parametrize("make", [words, mutated, noise], ids=lambda f: f.__name__)
def test_assembler(visa_as, tmp_path, rng, make):
    source, output = tmp_path / "f.s", tmp_path / "f.elf"
    for _ in range(80):
        output.unlink(missing_ok=True)
        source.write_bytes(make(rng))
        args = rng.choice([[], ["-c"], ["--base", "0xfffffffffffff000"], ["-l", "f.lst"]])
        check(execute([visa_as, *args, "-o", output, source], cwd=tmp_path, timeout=TIMEOUT), output)


BOMBS = {
    "rept of rept": ".rept 100000\n.rept 100000\n.rept 100000\n.set x, 1\n.endr\n.endr\n.endr\n",
    "doubling macro": ".macro m a\n.byte 1\nm \\a\\a\n.endm\nm xxxxxxxx\n",
    "two calls": ".macro m\nm\nm\n.endm\nm\n",
    "irp of irp": ".macro m\n.irp x, " + ",".join("1" * 200) + "\n.irp y, " + ",".join("1" * 200) +
                  "\n.irp z, " + ",".join("1" * 200) + "\n.set s, \\x\\y\\z\n.endr\n.endr\n.endr\n.endm\nm\nm\nm\n",
    "bytes": ".rept 1000\n.space 0xfffff\n.endr\n",
    "bss": ".bss\n.space 0x7fffffffffffffff\n.space 0x7fffffffffffffff\n",
    "align": ".byte 1\n.align 30\n",
    "org": ".org 0x7fffffffffffffff\n",
    "fill": ".fill 0x7fffffffffffffff, 8, 1\n",
    "labels": "".join(f"l{i}:\n" for i in range(50000)) + "".join(f".byte l{i} - l0\n" for i in range(50000)),
    "errors in a repetition": ".rept 1000000\nfoo\n.endr\n",
    "sections": "".join(f'.section .s{i}, "a"\n.byte 1\n' for i in range(2000)),
    "too many sections": "".join(f".section .s{i}\n" for i in range(70000)),
    "operands": "add " + "a0, " * 5000 + "a0\n",
    "open ifs": ".if 1\n" * 1000,
    "open macros": ".macro m\n" * 1000,
    "one line": ".byte " + "1, " * 200000 + "1\n",
    "quotes": ".ascii " + '"a" ' * 50000 + "\n",
}


@pytest.mark.slow
@pytest.mark.parametrize("name", BOMBS)
def test_bombs(visa_as, tmp_path, name):
    source, output = tmp_path / "f.s", tmp_path / "f.elf"
    source.write_text(BOMBS[name])
    check(execute([visa_as, "-o", output, source], cwd=tmp_path, timeout=TIMEOUT), output)


def spoilt(rng, data):
    data = bytearray(data)
    for _ in range(rng.randrange(1, 20)):
        kind = rng.randrange(3)
        # Headers and tables are worth more than contents.
        at = rng.choice([rng.randrange(64), rng.randrange(len(data)), len(data) - 1 - rng.randrange(min(len(data), 700))])
        if kind == 0:
            data[at] = rng.randrange(256)
        elif kind == 1:
            data[at:at + 8] = rng.choice([0, 1, 2**31, 2**64 - 1, rng.getrandbits(16)]).to_bytes(8, "little")
        elif rng.randrange(8) == 0:
            data = data[:rng.randrange(1, len(data))]
        if len(data) < 64:
            break
    return bytes(data)


def test_objdump_of_spoilt_files(va, visa_objdump, tmp_path, rng):
    program = (SRC / "examples" / "tour.s").read_text() if (SRC / "examples" / "tour.s").exists() else SAME["sections"]
    good = [va(program).path.read_bytes(), va("call f\n.data\nx: .dword x, g\n", "-c", output="o.o").path.read_bytes()]
    bad = tmp_path / "bad.elf"
    for _ in range(150):
        bad.write_bytes(spoilt(rng, rng.choice(good)))
        r = execute([visa_objdump, *rng.choice([["-d"], ["-D"], ["-dr"], ["-t"], ["-h"], ["-r"], ["-Dzthr"]]), bad],
                    timeout=TIMEOUT)
        assert r.code in (0, 1), str(r)
        assert not any(word in r.stderr for word in CRASHES), str(r)
        assert r.code == 0 or r.stderr


@pytest.mark.parametrize("data", [b"", b"\x7fELF", b"\x7fELF\x02\x01\x01" + bytes(57), b"MZ" + bytes(100), b"\n" * 64])
def test_objdump_of_no_elf_file(visa_objdump, tmp_path, data):
    path = tmp_path / "x"
    path.write_bytes(data)
    r = execute([visa_objdump, "-d", path])
    assert r.code == 1 and r.stderr.startswith("visa-objdump: ") and "x: " in r.stderr
