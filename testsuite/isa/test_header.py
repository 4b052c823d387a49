"""visa.h, the header for guests in C: it compiles, and encodes what the tables say."""

import re
import shutil

import pytest

import tables
from harness.guest import MARCH
from harness.tools import BUILD, SRC, execute, tool

ISA = tables.load(SRC / "isa")
XVISA = [i for i in ISA.insns if i.ext == "xvisa"]
CUSTOM = {0x0b, 0x2b, 0x5b, 0x7b}
A0, A1 = 10, 11

COMPILERS = {
    "gcc": ["riscv64-unknown-elf-gcc", f"-march={MARCH}", "-mabi=lp64"],
    "clang": ["clang", "--target=riscv64-unknown-elf", "-march=rv64imac", "-mabi=lp64"],
}
FOUND = ["gcc"] + [c for c in ["clang"] if shutil.which(c)]


def functions():
    """{ident: number of arguments} of the header's functions."""
    text = (BUILD / "isa" / "visa.h").read_text()
    found = re.findall(r"^static inline (?:unsigned long|void) visa_(\w+)\((.*)\)$", text, re.M)
    return {ident: 0 if args == "void" else args.count(",") + 1 for ident, args in found}


def compile_words(compiler, source, path):
    """{function: the words of custom opcodes in it}."""
    c, o = path / "t.c", path / "t.o"
    c.write_text('#include "visa.h"\n' + source)
    name, *flags = COMPILERS[compiler]
    execute([tool(name), *flags, "-O2", "-Wall", "-Wextra", "-Werror", "-ffreestanding",
             f"-I{BUILD / 'isa'}", "-c", "-o", o, c]).ok()
    out = execute([tool("riscv64-unknown-elf-objdump"), "-d", o]).ok().stdout
    words = {}
    for line in out.splitlines():
        if m := re.match(r"[0-9a-f]+ <(\w+)>:", line):
            here = words.setdefault(m[1], [])
        elif (m := re.match(r" *[0-9a-f]+:\t([0-9a-f]{8}) ", line)) and int(m[1], 16) & 0x7f in CUSTOM:
            here.append(int(m[1], 16))
    return words


def caller(ident, arguments):
    params = ", ".join(f"unsigned long {p}" for p in "ab"[:arguments]) or "void"
    returns = "rd" in ISA.insn(next(i.name for i in XVISA if i.ident == ident)).fields
    call = f"visa_{ident}({', '.join('ab'[:arguments])});"
    return (f"{'unsigned long' if returns else 'void'} f_{ident}({params}) "
            f"{{ {'return ' if returns else ''}{call} }}\n")


@pytest.fixture(scope="module", params=FOUND)
def words(request, tmp_path_factory):
    source = "".join(caller(*f) for f in functions().items())
    return compile_words(request.param, source, tmp_path_factory.mktemp("header"))


@pytest.mark.parametrize("insn", [i for i in XVISA if "imm" not in i.fields], ids=lambda i: i.name)
def test_function_encodes_its_row(words, insn):
    """Arguments arrive in a0, a1 and the result leaves in a0: the fields must say so."""
    assert f"f_{insn.ident}" in words, f"visa.h has no function visa_{insn.ident}"
    word, = words[f"f_{insn.ident}"]
    assert word & insn.mask == insn.match
    sources = [f for f in ("rs1", "rs2") if f in insn.fields]
    wanted = dict(zip(sources, (A0, A1)), **({"rd": A0} if "rd" in insn.fields else {}))
    for field, register in wanted.items():
        (at, width, _), = insn.fields[field].pieces
        assert word >> at & ((1 << width) - 1) == register, f"{field} of {word:#x}"


def test_numbers_of_instructions():
    """As a hypervisor finds them in VMQUAL."""
    text = (BUILD / "isa" / "visa.h").read_text()
    told = {name: int(n) for name, n in re.findall(r"^#define VISA_OP_(\w+) +(\d+)$", text, re.M)}
    assert told == {i.ident.upper(): i.op for i in XVISA}


def test_only_port_immediates_have_no_function():
    missing = {i.name for i in XVISA if i.ident not in functions()}
    assert missing == {"vmexit"} | {f"{d}.{w}" for d in ("ini", "outi") for w in "bhw"}


@pytest.mark.parametrize("compiler", FOUND)
def test_vmexit_takes_every_number(compiler, tmp_path):
    numbers = (0, 1, 0x7ff, 0x800, 0xfff)
    found = compile_words(compiler, "".join(f"void f{n}(void) {{ visa_vmexit({n}); }}\n"
                                            for n in numbers), tmp_path)
    row = ISA.insn("vmexit")
    for n in numbers:
        word, = found[f"f{n}"]
        assert word & row.mask == row.match and word >> 20 == n


def test_header_serves_assembly(tmp_path):
    """Numbers alone: a .S file can include it."""
    source = tmp_path / "t.S"
    source.write_text('#include "visa.h"\n csrr a0, VISA_CSR_VMPOOL\n li a1, VISA_EXIT_HYPERCALL\n')
    name, *flags = COMPILERS["gcc"]
    execute([tool(name), *flags, f"-I{BUILD / 'isa'}", "-c", "-o", tmp_path / "t.o", source]).ok()
