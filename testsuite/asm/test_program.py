"""The executable: segments, addresses, entry, symbols, attributes; and the command line."""

import os
import re
import resource
import stat
import subprocess

import pytest

from harness.tools import execute, tool

LAYOUT = """
        .globl  _start
        .text
        nop
_start: la      a0, constant
        la      a1, variable
        la      a2, zeros
        .type   function, @function
function:
        ret
        .size   function, . - function
        .rodata
        .align  3
constant:
        .dword  5
        .type   constant, @object
        .size   constant, 8
        .data
variable:
        .word   6, variable
        .bss
        .align  6
zeros:  .space  0x12345
        .weak   maybe
maybe:
"""
PAGE = 4096


def test_segments(va):
    """A segment for each class, on pages, in the file where a loader can map it."""
    elf = va(LAYOUT).elf
    assert elf.type == 2 and elf.machine == 243 and elf.flags == 1
    assert [(s.type, s.flags) for s in elf.segments] == [(1, 5), (1, 4), (1, 6), (1, 6)]  # R X, R, RW, RW
    text, rodata, data, bss = elf.segments
    assert text.vaddr == 0x80000000
    for s in elf.segments:
        assert s.vaddr % PAGE == 0 and s.align == PAGE and s.paddr == s.vaddr
        assert s.offset % PAGE == s.vaddr % PAGE
    ends = [s.vaddr + s.memsz for s in elf.segments]
    assert all(end <= s.vaddr for end, s in zip(ends, elf.segments[1:]))
    assert (bss.filesz, bss.memsz) == (0, 0x12345) and text.filesz == text.memsz
    for s, name in zip(elf.segments, (".text", ".rodata", ".data")):
        assert elf.bytes[s.offset:s.offset + s.filesz] == elf.data(name)


def test_symbols(va):
    elf = va(LAYOUT).elf
    s = elf.symbols
    assert (s["_start"].bind, s["_start"].type, s["_start"].value) == (1, 0, 0x80000004)
    assert (s["function"].bind, s["function"].type, s["function"].size) == (0, 2, 4)
    assert (s["constant"].type, s["constant"].size, s["constant"].section) == (1, 8, ".rodata")
    assert s["maybe"].bind == 2
    binds = [x.bind for x in elf.symbol_list]
    table = next(x for x in elf.list if x.name == ".symtab")
    assert binds == sorted(binds, key=bool) and table.info == binds.count(0)  # locals come first


def test_readelf_agrees(va):
    out = execute([tool("riscv64-unknown-elf-readelf"), "-lSsW", va(LAYOUT).path]).ok()
    assert out.stderr == ""
    assert "Entry point 0x80000004" in out.stdout
    assert re.search(r"LOAD +0x\w+ 0x0000000080000000 0x0000000080000000 0x(\w+) 0x\1 R E 0x1000", out.stdout)
    assert re.search(r"\.rodata +PROGBITS +0000000080001000", out.stdout)


def test_entry(va):
    assert va("nop\n.globl _start\n_start: nop\n").elf.entry == 0x80000004
    assert va("nop\nhere: nop\n").elf.entry == 0x80000000
    assert va("nop\nhere: nop\n", "--entry", "here").elf.entry == 0x80000004
    r = va("nop\nhere: nop\n", "--entry", "heer")
    assert r.code == 1 and r.messages == "visa-as: error: the entry 'heer' is not defined; did you mean 'here'?\n"


def test_base(va):
    elf = va("x: .dword x\n", "--base", "0x40000000").elf
    assert elf.segments[0].vaddr == 0x40000000 == elf.entry
    assert elf.data(".text") == (0x40000000).to_bytes(8, "little")


def test_start_comes_first(va):
    """.text.start and .text.init precede all other code, whatever the order in the source."""
    elf = va('.text\nret\n.section .text.start, "ax"\nebreak\n').elf
    assert elf.sections[".text.start"].addr == 0x80000000 < elf.sections[".text"].addr


def test_alignment_beyond_pages(va):
    elf = va("nop\n.data\n.byte 1\n.balign 0x4000\nroot: .dword 1\n.bss\n.balign 0x200000\nbig: .space 1\n").elf
    assert elf.symbols["root"].value % 0x4000 == 0 and elf.symbols["big"].value % 0x200000 == 0


def test_attributes(va):
    """File attributes: format 'A', vendor riscv, stack alignment 16, the architecture."""
    data = va("nop\n").elf.data(".riscv.attributes")
    arch = b"rv64i2p1_m2p0_a2p1_c2p0_zicsr2p0_zifencei2p0_xvisa1p0\0"
    part = b"\4\x10\5" + arch
    part = b"\1" + (len(part) + 5).to_bytes(4, "little") + part
    part = b"riscv\0" + part
    assert data == b"A" + (len(part) + 4).to_bytes(4, "little") + part


def test_attribute_directive(va):
    data = va('.attribute arch, "rv64i2p1"\n.attribute stack_align, 300\nnop\n').elf.data(".riscv.attributes")
    assert b"\4\xac\2\5rv64i2p1\0" in data


def test_mixed_sections(va):
    """Constants without contents between constants with, code that is written: one segment a kind."""
    kinds = [("a", "progbits"), ("a", "nobits"), ("ax", "progbits"), ("awx", "progbits"), ("aw", "nobits"),
             ("aw", "progbits"), ("ax", "nobits"), ("awx", "nobits")]
    elf = va("".join(f'.section .s{i}, "{flags}", @{kind}\n.space {i + 1}\n'
                     for i, (flags, kind) in enumerate(kinds * 5))).elf
    assert len(elf.segments) == 8
    for s in elf.list[1:]:
        if s.flags & 2:
            inside = [p for p in elf.segments if p.vaddr <= s.addr and s.addr + s.size <= p.vaddr + p.memsz]
            assert len(inside) == 1
            assert inside[0].flags == 4 | (s.flags & 1) << 1 | s.flags >> 2 & 1
            assert (inside[0].filesz == 0) == (s.type == 8)
            if s.type != 8:
                assert s.offset - inside[0].offset == s.addr - inside[0].vaddr


def test_not_loaded_sections(va):
    elf = va('.text\nnop\n.section .debug_x\n.word 7\n.ident "maker 1"\n.ident "maker 2"\n').elf
    assert elf.sections[".debug_x"].addr == 0 and elf.data(".debug_x") == b"\7\0\0\0"
    assert elf.data(".comment") == b"\0maker 1\0maker 2\0"
    assert len(elf.segments) == 1


def test_file_symbols(va):
    assert [s.name for s in va('.file "x.c"\nnop\n').elf.symbol_list if s.type == 4] == ["x.c"]


def test_empty_program(va):
    """What visa-sim could not load is no program; an object may be empty."""
    for text in ("", "x = 3\n", ".bss\n", ".section .mine\n.word 1\n", ".globl x\n"):
        r = va(text, "-W")
        assert r.code == 1 and r.lines()[-1].startswith("visa-as: error: the program is empty"), text
        assert va(text, "-c").elf.segments == []
    assert len(va(".bss\n.space 1\n").elf.segments) == 1


@pytest.mark.parametrize("value", ["5", "0x80000001", "0x80001000", "-2"])
def test_entry_outside_the_program(va, value):
    r = va(f"nop\n_start = {value}\n")
    assert r.errors()[0].startswith("t.s:2:1: error: the entry '_start' is ") and r.code == 1


def test_same_input_same_output(va):
    first = va(LAYOUT).path.read_bytes()
    assert va(LAYOUT).path.read_bytes() == first


# --- Command line ---------------------------------------------------------------------


def test_include_paths(va, tmp_path):
    (tmp_path / "inc").mkdir()
    (tmp_path / "inc" / "a.inc").write_text(".word 1\n.incbin \"b.bin\", 1, 2\n")
    (tmp_path / "inc" / "b.bin").write_bytes(b"\x01\x02\x03\x04")
    text = '.data\n.include "a.inc"\n'
    assert va(text).code == 1
    assert va(text, "-I", "inc").elf.data(".data") == b"\1\0\0\0\2\3"
    assert va(text, "-Iinc").code == 0
    (tmp_path / "inc" / "main.s").write_text(text)
    assert va("nop\n", also=[tmp_path / "inc" / "main.s"]).elf.data(".data") == b"\1\0\0\0\2\3"


def test_define(va):
    text = ".data\n.ifdef DEBUG\n.byte DEBUG\n.endif\n.byte N\n"
    assert va(text, "-D", "DEBUG", "-DN=0x10").elf.data(".data") == b"\x01\x10"
    assert va(text, "-DN=-1").elf.data(".data") == b"\xff"
    assert va(".data\n.dword N\n", f"-DN={2**64 - 1}").elf.data(".data") == b"\xff" * 8
    for wrong in ("1x=3", "N=", "N=x", "=4", "N= 4", "N=+4", "N=--4", "N=4k", f"N={2**64}",
                  "N=99999999999999999999999", "N=-99999999999999999999999"):
        r = va(text, "-D", wrong)
        assert r.code == 2 and f"-D {wrong}: expected NAME or NAME=NUMBER" in r.messages


def test_listing(va, tmp_path):
    va(".macro two\nnop\nret\n.endm\n; first\n_start: two\n.data\n.word 1, _start, 3 ; data\n.bss\n.space 5\n",
       "-l", "out.lst")
    lines = [line.split() for line in (tmp_path / "out.lst").read_text().splitlines()]
    assert ["0000000080000000", "13000000", "2+", "nop"] in lines
    assert ["0000000080000004", "67800000", "3+", "ret"] in lines
    assert ["0000000080001000", "0100000000000080", "8", ".word", "1,", "_start,", "3", ";", "data"] in lines
    assert ["0000000080001008", "03000000"] in lines
    assert ["5", ";", "first"] in lines and ["6", "_start:", "two"] in lines
    assert ["0000000080002000", "10", ".space", "5"] in lines
    va(".data\n.ascii \"" + "".join(chr(97 + i) for i in range(20)) + "\"\n.fill 100, 1, 7\n", "--listing", "other.lst")
    lines = [line.split() for line in (tmp_path / "other.lst").read_text().splitlines()]
    at = next(i for i, line in enumerate(lines) if ".ascii" in line)
    assert [line[:2] for line in lines[at:at + 3]] == [
        ["0000000080000000", "6162636465666768"], ["0000000080000008", "696a6b6c6d6e6f70"],
        ["0000000080000010", "71727374"]]
    assert lines[at + 3][:2] == ["0000000080000014", "07" * 8]
    assert lines[at + 10] == ["0000000080000014".replace("14", "4c"), "07" * 8]
    assert lines[at + 11] == ["...", "100", "bytes", "in", "all"]


def test_output_names(visa_as, tmp_path):
    (tmp_path / "prog.s").write_text("nop\n")
    execute([visa_as, "prog.s"], cwd=tmp_path).ok()
    execute([visa_as, "-c", "prog.s"], cwd=tmp_path).ok()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.out", "prog.o", "prog.s"]
    mask = os.umask(0)
    os.umask(mask)
    assert stat.S_IMODE((tmp_path / "a.out").stat().st_mode) == 0o777 & ~mask
    assert stat.S_IMODE((tmp_path / "prog.o").stat().st_mode) == 0o666 & ~mask


def test_standard_input(visa_as, tmp_path):
    execute([visa_as, "-o", "x.elf", "-"], cwd=tmp_path, stdin="nop\n").ok()
    r = execute([visa_as, "-o", "x.elf", "-"], cwd=tmp_path, stdin="foo\n")
    assert r.code == 1 and r.stderr.startswith("<stdin>:1:1: error: ")


def test_output_that_is_no_file(visa_as, tmp_path):
    """A device stays a device; a directory that is missing is an error."""
    (tmp_path / "t.s").write_text("nop\n")
    execute([visa_as, "-o", "/dev/null", "t.s"], cwd=tmp_path).ok()
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)
    r = execute([visa_as, "-o", "none/t.elf", "t.s"], cwd=tmp_path)
    assert r.code == 1 and "cannot write 'none/t.elf': No such file or directory" in r.stderr
    r = execute([visa_as, "-o", ".", "t.s"], cwd=tmp_path)
    assert r.code == 1 and "Is a directory" in r.stderr


@pytest.mark.parametrize("program", ["visa-as", "visa-objdump"])
def test_help_and_version(program):
    out = execute([tool(program), "--help"]).ok().stdout
    assert out.startswith(f"usage: {program} ") and "--version" in out
    assert re.fullmatch(rf"{program} \d+\.\d+\.\d+\n", execute([tool(program), "--version"]).ok().stdout)


@pytest.mark.parametrize("args, words", [
    ([], "no input file"), (["--bogus", "x.s"], "unrecognized option"), (["none.s"], "cannot open 'none.s'"),
    (["--base", "fish", "x.s"], "expected an address"), (["--base", "0x80000001", "x.s"], "expected a multiple of 0x1000")])
def test_wrong_usage(visa_as, tmp_path, args, words):
    r = execute([visa_as, *args], cwd=tmp_path)
    assert r.code in (1, 2) and words in r.stderr and not list(tmp_path.iterdir())


@pytest.mark.parametrize("args, words", [
    (["-o", ""], "-o: expected something behind it"), (["-l", ""], "--listing: expected something behind it"),
    (["-D", ""], "-D: expected something behind it"), (["-I", ""], "-I: expected something behind it"),
    (["--entry", ""], "--entry: expected something behind it"), (["-o", "t.s"], "'t.s' would be written over by -o"),
    (["-l", "t.s"], "'t.s' would be written over by --listing"),
    (["-c", "--base", "0x90000000"], "--base is of an executable"), (["-c", "--entry", "a"], "--entry is of an executable")])
def test_usage_that_cannot_be_meant(visa_as, tmp_path, args, words):
    (tmp_path / "t.s").write_text("a: nop\n")
    r = execute([visa_as, *args, "t.s"], cwd=tmp_path)
    assert r.code == 2 and words in r.stderr
    assert [f.name for f in tmp_path.iterdir()] == ["t.s"] and (tmp_path / "t.s").read_text() == "a: nop\n"


@pytest.mark.parametrize("args", [["-o", "t.elf", "-l", "/dev/full"], ["-o", "/dev/full", "-l", "t.lst"],
                                  ["-o", "t.elf", "-l", "none/t.lst"]])
def test_two_outputs_or_none(visa_as, tmp_path, args):
    """The older files stay if one of the new ones cannot be written."""
    (tmp_path / "t.s").write_text("a: nop\n")
    older = {"t.elf": "older elf", "t.lst": "older listing"}
    for name, text in older.items():
        (tmp_path / name).write_text(text)
    r = execute([visa_as, *args, "t.s"], cwd=tmp_path)
    assert r.code == 1 and "cannot write" in r.stderr
    assert {n: (tmp_path / n).read_text() for n in older} == older
    assert len(list(tmp_path.iterdir())) == 3


def test_limit_of_file_size(visa_as, tmp_path):
    """SIGXFSZ would kill: the write fails instead, and is told."""
    (tmp_path / "t.s").write_text("a: nop\n")
    p = subprocess.run([visa_as, "-o", "t.elf", "t.s"], cwd=tmp_path, capture_output=True, text=True,
                       preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100)))
    assert p.returncode == 1 and "cannot write 't.elf'" in p.stderr
    assert [f.name for f in tmp_path.iterdir()] == ["t.s"]
