"""Rows with f registers, rs3 and a rounding mode, which no table has yet: what tables, decoder and
disassembler make of them, against GNU as and objdump."""

import itertools
import os
import re
import shutil
import sys

import pytest
from harness.tools import SRC, execute, tool

ROWS = """\
flw      imm[11:0] rs1 010 rd 0000111          | fd, imm(rs1)            | load   | load | fd = mem32[rs1 + imm]
fsw      imm[11:5] rs2 rs1 010 imm[4:0] 0100111 | fs2, imm(rs1)          | store  | store | mem32[rs1 + imm] = fs2
fmadd.s  rs3 00 rs2 rs1 rm rd 1000011          | fd, fs1, fs2, fs3, rm?  | alu_rr | mul  | fd = fs1 * fs2 + fs3
fadd.s   0000000 rs2 rs1 rm rd 1010011         | fd, fs1, fs2, rm?       | alu_rr | mul  | fd = fs1 + fs2
fsqrt.s  0101100 00000 rs1 rm rd 1010011       | fd, fs1, rm?            | alu_rr | mul  | fd = root of fs1
fcvt.w.s 1100000 00000 rs1 rm rd 1010011       | rd, fs1, rm?            | alu_rr | mul  | rd = fs1
feq.s    1010000 rs2 rs1 010 rd 1010011        | rd, fs1, fs2            | alu_rr | mul  | rd = fs1 == fs2
"""
# What each field numbers: f registers, and of feq.s, fcvt.w.s rd and of the addresses rs1 an x register.
FLOATS = {"flw": {"rd"}, "fsw": {"rs2"}, "fmadd.s": {"rd", "rs1", "rs2", "rs3"}, "fadd.s": {"rd", "rs1", "rs2"},
          "fsqrt.s": {"rd", "rs1"}, "fcvt.w.s": {"rs1"}, "feq.s": {"rs1", "rs2"}}
MODES = ["", ", rne", ", rtz", ", rdn", ", rup", ", rmm"]
MAIN = """
#include <stdio.h>
#include <stdlib.h>
#include "disasm.h"
#include "isa.h"
int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        unsigned bits = (unsigned)strtoul(argv[i], NULL, 16);
        struct isa_decoded d;
        char text[100];
        bool known = isa_decode(bits, &d);
        visa_disasm(bits, 0, NULL, text, sizeof text);
        printf("%s;%u %u %u %u %u %d\\n", text, d.rd, d.rs1, d.rs2, d.rs3, d.rm,
               known ? isa_insns[d.row].floats : 0);
    }
}
"""


@pytest.fixture(scope="module")
def isa(tmp_path_factory):
    """Tables with these rows, and a program that decodes the words that it is given."""
    path = tmp_path_factory.mktemp("floats")
    shutil.copytree(SRC / "isa", path / "isa", ignore=shutil.ignore_patterns("lib", "__pycache__"))
    with (path / "isa" / "rv64m.isa").open("a") as table:
        table.write(ROWS)
    for kind in ("isa_gen.h", "isa_gen.c"):
        execute([sys.executable, path / "isa" / "gen.py", kind, "-o", path / kind]).ok()
    (path / "main.c").write_text(MAIN)
    lib = SRC / "isa" / "lib"
    sources = [path / "main.c", path / "isa_gen.c", *(lib / f"{n}.c" for n in ("isa", "disasm", "names", "util", "files"))]
    execute([*os.environ.get("CC", "cc").split(), "-std=gnu17", "-I", path, "-I", lib, "-o", path / "decode", *sources]).ok()
    return path


def test_against_gnu(isa, rng):
    lines, fields = [], []
    for name, mode in itertools.product(("fmadd.s", "fadd.s", "fsqrt.s", "fcvt.w.s"), MODES):
        n = {"fmadd.s": 4, "fadd.s": 3}.get(name, 2)
        regs = [rng.randrange(32) for _ in range(n)]
        spelled = [f"{'x' if name == 'fcvt.w.s' and not i else 'f'}{r}" for i, r in enumerate(regs)]
        lines.append(f"{name} {', '.join(spelled)}{mode}")
        fields.append(regs + [0] * (4 - n) + [MODES.index(mode) - 1 if mode else 7])
    for _ in range(8):
        a, b, imm = rng.randrange(32), rng.randrange(32), rng.randrange(-2048, 2048)
        lines += [f"flw f{a}, {imm}(x{b})", f"fsw f{a}, {imm}(x{b})", f"feq.s x{a}, f{b}, f{a}"]
        fields += [[a, b, 0, 0, 0], [0, b, a, 0, 0], [a, b, a, 0, 0]]
    (isa / "w.s").write_text("\n".join(lines) + "\n")
    execute([tool("riscv64-unknown-elf-as"), "-march=rv64if", "-o", isa / "w.o", isa / "w.s"]).ok()
    dump = execute([tool("riscv64-unknown-elf-objdump"), "-d", "-M", "no-aliases", isa / "w.o"]).ok().stdout
    gnu = re.findall(r"^ +[0-9a-f]+:\t([0-9a-f]{8}) +\t(.*)$", dump, re.M)
    assert len(gnu) == len(lines)
    ours = execute([isa / "decode", *(word for word, _ in gnu)]).ok().stdout.splitlines()
    bits = {"rd": 1, "rs1": 2, "rs2": 4, "rs3": 16}
    for line, (_, theirs), ours_, want in zip(lines, gnu, ours, fields, strict=True):
        text, numbers = ours_.split(";")
        assert re.sub(r"[\s,]+", " ", text) == re.sub(r"[\s,]+", " ", theirs.split(" #")[0]), line
        *regs, floats = map(int, numbers.split())
        assert regs == want, line
        assert floats == sum(bits[f] for f in FLOATS[line.split()[0]]), line


def test_reserved_rounding_modes(isa):
    """Modes 5 and 6 are no instruction that an assembler writes: fadd.s f1, f2, f3."""
    word = 3 << 20 | 2 << 15 | 1 << 7 | 0x53
    out = execute([isa / "decode", *(f"{word | rm << 12:x}" for rm in range(8))]).ok().stdout.splitlines()
    assert [line.split("\t")[0] for line in out] == ["fadd.s"] * 5 + [".word"] * 2 + ["fadd.s"]


@pytest.mark.parametrize("old, new, answer", [
    ("rs3 00 rs2 rs1 rm rd", "rs2 00 rs3 rs1 rm rd", "rs2 is not in bits 24:20"),
    ("0000000 rs2 rs1 rm rd 1010011 ", "0000000 rs2 rm rs1 rd 1010011 ", "rm is not in bits 14:12"),
    ("rd, fs1, fs2     ", "rd, fs1, fs3     ", "field 'rs2' of the encoding is no operand"),
])
def test_refused(isa, tmp_path, old, new, answer):
    shutil.copytree(isa / "isa", tmp_path / "isa")
    table = tmp_path / "isa" / "rv64m.isa"
    text = table.read_text()
    assert old in text
    table.write_text(text.replace(old, new))
    result = execute([sys.executable, SRC / "isa" / "gen.py", "isa_gen.h", "--isa", tmp_path / "isa"])
    assert result.code and re.fullmatch(rf"rv64m\.isa:\d+: error: {re.escape(answer)}\n", result.stderr), result
