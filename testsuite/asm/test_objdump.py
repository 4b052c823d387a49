"""What visa-objdump shows, beside the instructions' text (test_rows, test_binutils)."""

import re

import pytest

from harness.tools import execute, tool

PROGRAM = """
        .globl  _start
_start: beqz    a0, 1f
        call    far
1:      c.j     _start
        .half   0xffff, 0xffff
        lw      a1, word
        .type   far, @function
far:    vmcause
        sd      a1, word, t0
        .data
word:   .word   5, 0xffffffff
        .space  40
        .byte   1
"""


def rows(text):
    return [line.split("\t") for line in text.splitlines()]


def test_addresses_labels_and_targets(va, objdump):
    out = objdump("-d", va(PROGRAM).path)
    assert "\nDisassembly of section .text:\n\n0000000080000000 <_start>:\n" in out
    assert "80000000:\t00050663          \tbeq\ta0,zero,0x8000000c\t# <_start+0xc>\n" in out
    assert "8000000c:\tbfd5                \tc.j\t0x80000000\t# <_start>\n" in out
    assert "8000000e:\tffffffff          \t.word\t0xffffffff\n" in out
    assert "\n000000008000001a <far>:\n8000001a:\t1000050b          \tvmcause\ta0\n" in out


def test_addresses_made_by_two_instructions(va, objdump):
    out = objdump("-d", va(PROGRAM).path)
    assert re.search(r"lw\ta1,-?\d+\(a1\)\t# 0x80001000 <word>", out)
    assert re.search(r"sd\ta1,-?\d+\(t0\)\t# 0x80001000 <word>", out)
    assert re.search(r"jalr\tra,-?\d+\(ra\)\t# 0x8000001a <far>", out)


def test_all_sections_and_zeros(va, objdump):
    path = va(PROGRAM).path
    assert ".data" not in objdump("-d", path)
    out = objdump("-D", path)
    assert "Disassembly of section .data:\n\n0000000080001000 <word>:\n" in out
    assert "80001004:\tffffffff          \t.word\t0xffffffff\n\t...\n80001030:\t01                  \t.byte\t0x01\n" in out
    assert "..." not in objdump("-Dz", path) and objdump("-Dz", path).count(".half\t0x0000") >= 20


def test_numeric(va, objdump):
    assert "\tbeq\tx10,x0," in objdump("-d", "-M", "numeric", va(PROGRAM).path)
    assert "\tbeq\tx10,x0," in objdump("-d", "-M", "no-aliases,numeric", va(PROGRAM).path)


def table(text):
    """The words of each line that begins with an address, sorted; GNU objdump hides .L names."""
    return sorted(line.split() for line in text.splitlines()
                  if re.match("[0-9a-f]{16} ", line) and " .L" not in line)


def test_symbols_as_binutils(va, objdump):
    """The same table as GNU objdump's, but for blanks and the order."""
    for path in (va(PROGRAM).path, va(PROGRAM + "call ext\n.weak w\nw:\n.comm c, 8\n", "-c", output="o.o").path):
        theirs = execute([tool("riscv64-unknown-elf-objdump"), "-t", path]).ok().stdout
        assert table(objdump("-t", path)) == table(theirs) and len(table(theirs)) >= 5


def test_headers_as_binutils(va, objdump):
    """Every section that GNU objdump lists, with its size, address, offset and alignment."""
    path = va(PROGRAM).path
    theirs = execute([tool("riscv64-unknown-elf-objdump"), "-h", path]).ok().stdout
    ours = {f[1]: f[2:] for f in map(str.split, objdump("-h", path).splitlines()) if f and f[0].isdigit()}
    for f in map(str.split, theirs.splitlines()):
        if f and f[0].isdigit():
            assert ours[f[1]] == f[2:]


def test_relocations_as_binutils(va, objdump):
    path = va(PROGRAM + ".dword ext + 3, ext - 5, word - _start\n", "-c", output="o.o").path
    theirs = execute([tool("riscv64-unknown-elf-objdump"), "-r", path]).ok().stdout

    def relocations(text):
        found = re.findall(r"^([0-9a-f]{16}) (R_RISCV_\w+) +(\S+)", text, re.M)
        return sorted((at, kind, re.sub(r"0x0*", "0x", value)) for at, kind, value in found)

    assert relocations(objdump("-r", path)) == relocations(theirs) and len(relocations(theirs)) >= 9


def test_relocations_beside_instructions(va, objdump):
    out = objdump("-dr", va(PROGRAM, "-c", output="o.o").path)
    assert "auipc\tra,0x0\n\t\t\t4: R_RISCV_CALL_PLT\tfar\n" in out


def test_files_of_gcc(cc, objdump, tmp_path):
    """A linked program of gcc: every instruction has a name."""
    elf = cc('void _start(void) { for (volatile long i = 1; i < 9; i = i * 3 / 2) { } }\n')
    lines = [r for r in rows(objdump("-d", elf)) if len(r) > 2]
    assert len(lines) > 5 and not any(r[2].startswith(".") for r in lines)


def test_two_files(va, visa_objdump, tmp_path):
    """A file that cannot be read does not keep the next from being shown."""
    r = execute([visa_objdump, "-d", tmp_path / "none", va(PROGRAM).path])
    assert r.code == 1 and "none: No such file or directory" in r.stderr and "vmcause" in r.stdout


def test_usage(visa_objdump, va):
    assert "say what to show" in execute([visa_objdump, va("nop\n").path]).stderr
    assert "no input file" in execute([visa_objdump, "-d"]).stderr
    assert "expected numeric or no-aliases" in execute([visa_objdump, "-d", "-M", "fancy", "x"]).stderr
    host = execute([visa_objdump, "-d", visa_objdump])
    assert host.code == 1 and "expected a 64-bit little-endian RISC-V ELF file" in host.stderr


# --- Data in code ---------------------------------------------------------------------

MIXED = """
f:      addi    a0, a0, 1
        .word   0x00000513, 2
        .half   3
        .byte   4
        .byte   5
        c.nop
        .half   0xffff
g:      addi    a1, a1, 2
        .ascii  "abcde"
        .zero   3
        .balign 8
h:      addi    a2, a2, 3
        .half   1
.Lx:    .byte   6
"""


def lines_of(listing):
    """(address, bits, kind) for each line of an objdump: the kind is data's width, or 'code'."""
    widths = {".word": 4, ".4byte": 4, ".short": 2, ".half": 2, ".2byte": 2, ".byte": 1}
    out = []
    for row in rows(listing):
        if len(row) > 2 and row[0].strip().endswith(":"):
            out.append((int(row[0].strip(" :"), 16), row[1].strip(), widths.get(row[2].strip(), "code")))
    return out


def gnu_dump(path):
    return execute([tool("riscv64-unknown-elf-objdump"), "-d", "-z", path]).ok().stdout


def test_data_of_our_objects_in_gnu_objdump(va):
    """$d and $x: what stood in the source as data is data for GNU objdump."""
    for args in (["-c"], []):
        lines = lines_of(gnu_dump(va(MIXED, *args).path))
        kinds = [kind for _, _, kind in lines]
        assert kinds == ["code", 4, 4, 4, "code", 2, "code", 4, 4, "code", 2, 1]
        assert [bits for _, bits, kind in lines if kind != "code"] == \
            ["00000513", "00000002", "05040003", "ffff", "64636261", "00000065", "0001", "06"]


def test_data_in_both_objdumps(va, objdump, gas_elf, tmp_path):
    """Ours of GNU's object and GNU's of ours: the same addresses, bits and widths."""
    gas_elf(".option rvc\n" + MIXED)
    for path in (tmp_path / "gnu.o", va(MIXED, "-c").path, va(MIXED).path):
        assert lines_of(objdump("-d", "-z", path)) == lines_of(gnu_dump(path)) and len(lines_of(gnu_dump(path))) > 10


def test_mapping_symbols(va):
    """One for each change, in sections with code alone."""
    elf = va(MIXED + ".data\n.word 1\n", "-c").elf
    marks = [(s.value, s.name) for s in elf.symbol_list if s.name in ("$d", "$x")]
    assert marks == [(0, "$x"), (4, "$d"), (16, "$x"), (18, "$d"), (20, "$x"), (24, "$d"), (32, "$x"), (36, "$d")]
    assert all((s.section, s.bind, s.type) == (".text", 0, 0) for s in elf.symbol_list if s.name[:1] == "$")


def test_mapping_symbols_are_not_shown(va, objdump):
    path = va(MIXED, "-c").path
    assert "$" not in objdump("-t", path) and "$" not in objdump("-d", path)


def test_names_that_only_look_like_mapping_symbols(va, objdump):
    out = objdump("-d", "-t", va("$e: nop\n.globl $d\n$d: nop\n$xy: nop\n").path)
    for name in ("$e", "$d", "$xy"):
        assert f" <{name}>:" in out and f"0000 {name}\n" in out


def test_labels_behind_odd_halves(va, objdump, gas_elf, tmp_path):
    """Half an instruction in front of a label hides neither the label nor what is behind it."""
    text = "a: .insn 2, 0x4501\n.half 0xffff\nb: lui a0, 1\n.half 0x0513\nc: lui a1, 2\n.byte 0x13\nd: .byte 1\n"
    path = va(text).path
    plain = path.with_name("plain.elf")  # without a word about what is data
    plain.write_bytes(path.read_bytes().replace(b"\0$d\0", b"\0$x\0"))
    for file in (path, plain):
        out = objdump("-d", file)
        assert out.count("<a>:") == out.count("<b>:") == out.count("<c>:") == out.count("<d>:") == 1
        assert "<b>:\n80000004:\t00001537          \tlui\ta0,0x1\n" in out
        assert "<c>:\n8000000a:\t000025b7          \tlui\ta1,0x2\n" in out
        assert "80000002:\tffff                \t.half\t0xffff\n" in out
        assert "8000000e:\t13                  \t.byte\t0x13\n" in out


def test_visibility_as_binutils(va, objdump):
    path = va(".globl f\n.hidden f\nf: nop\n.protected g\ng: nop\n.internal h\n.globl h\nh: nop\n", "-c").path
    theirs = execute([tool("riscv64-unknown-elf-objdump"), "-t", path]).ok().stdout
    assert table(objdump("-t", path)) == table(theirs) and ".hidden f" in objdump("-t", path)


@pytest.mark.parametrize("option", ["-d", "-D", "-r", "-t", "-h"])
def test_file_that_is_cut_off(va, visa_objdump, tmp_path, option):
    """The section table is at the end of the file."""
    data = va(PROGRAM).path.read_bytes()
    table = int.from_bytes(data[40:48], "little")
    for size in (64, table - 1, table, table + 63, len(data) - 1):
        (tmp_path / "cut.elf").write_bytes(data[:size])
        r = execute([visa_objdump, option, "cut.elf"], cwd=tmp_path)
        assert r.code == 1, size
        assert f"lies outside the file, which has {size} bytes" in r.stderr
