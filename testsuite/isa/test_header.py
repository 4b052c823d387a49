"""visa.h, the header for guests in C: it compiles, and encodes what the tables say."""

import itertools
import re
import shutil

import pytest

import tables
from harness.guest import MARCH
from harness.tools import BUILD, SRC, execute, tool

ISA = tables.load(SRC / "isa")
XVISA = [i for i in ISA.insns if i.ext == "xvisa"]
CUSTOM = {0x0b, 0x2b, 0x5b, 0x7b}
# Where x0 as an operand means all (FL-3; RISC-V privileged manual, SFENCE.VMA), and what it is called then.
ALL = {"tlbflushv.addr": {"rs2": "asid"}, "sfence.vma": {"rs1": "addr", "rs2": "asid"}}
A0, A1 = 10, 11

COMPILERS = {
    "gcc": ["riscv64-unknown-elf-gcc", f"-march={MARCH}", "-mabi=lp64"],
    "clang": ["clang", "--target=riscv64-unknown-elf", "-march=rv64imac", "-mabi=lp64"],
}
FOUND = ["gcc"] + [c for c in ["clang"] if shutil.which(c)]


def functions():
    """{function without visa_: names of its arguments}."""
    text = (BUILD / "isa" / "visa.h").read_text()
    found = re.findall(r"^static inline (?:unsigned long|void) visa_(\w+)\((.*)\)$", text, re.M)
    return {f: [a.split()[-1] for a in args.split(",") if a != "void"] for f, args in found}


def expected():
    """{function: (row, its arguments as fields)}: one for each choice of what can be left out."""
    found = {}
    for i in ISA.insns:
        if (i.ext != "xvisa" or "imm" in i.fields) and i.name not in ALL:
            continue
        sources, every = [f for f in ("rs1", "rs2") if f in i.fields], ALL.get(i.name, {})
        for out in itertools.chain.from_iterable(itertools.combinations(every, n) for n in range(len(every) + 1)):
            given = [f for f in sources if f not in out]
            name = "_".join([i.ident] + [every[f] for f in given if f in every])
            found[name] = i, given
    return found


EXPECTED = expected()


def is_ours(word):
    return word & 0x7f in CUSTOM or any(word & i.mask == i.match for i, _ in EXPECTED.values())


def compile_words(compiler, source, path, optimize="-O2"):
    """{function: the words of our instructions in it}."""
    c, o = path / "t.c", path / "t.o"
    c.write_text('#include "visa.h"\n' + source)
    name, *flags = COMPILERS[compiler]
    execute([tool(name), *flags, optimize, "-Wall", "-Wextra", "-Werror", "-ffreestanding",
             f"-I{BUILD / 'isa'}", "-c", "-o", o, c]).ok()
    out = execute([tool("riscv64-unknown-elf-objdump"), "-d", o]).ok().stdout
    words = {}
    for line in out.splitlines():
        if m := re.match(r"[0-9a-f]+ <(\w+)>:", line):
            here = words.setdefault(m[1], [])
        elif (m := re.match(r" *[0-9a-f]+:\t([0-9a-f]{8}) ", line)) and is_ours(int(m[1], 16)):
            here.append(int(m[1], 16))
    return words


def caller(name, row, arguments):
    params = ", ".join(f"unsigned long {p}" for p in arguments) or "void"
    returns = "rd" in row.fields
    call = f"visa_{name}({', '.join(arguments)});"
    return (f"{'unsigned long' if returns else 'void'} f_{name}({params}) "
            f"{{ {'return ' if returns else ''}{call} }}\n")


@pytest.fixture(scope="module", params=FOUND)
def words(request, tmp_path_factory):
    source = "".join(caller(n, *f) for n, f in EXPECTED.items())
    return compile_words(request.param, source, tmp_path_factory.mktemp("header"))


@pytest.mark.parametrize("name", EXPECTED)
def test_function_encodes_its_row(words, name):
    """Arguments arrive in a0, a1 and the result leaves in a0: the fields must say so. What is left out is x0."""
    insn, given = EXPECTED[name]
    word, = words[f"f_{name}"]
    assert word & insn.mask == insn.match
    wanted = {**dict.fromkeys((f for f in ("rs1", "rs2") if f in insn.fields), 0), **dict(zip(given, (A0, A1))),
              **({"rd": A0} if "rd" in insn.fields else {})}
    for field, register in wanted.items():
        (at, width, _), = insn.fields[field].pieces
        assert word >> at & ((1 << width) - 1) == register, f"{field} of {word:#x}"


@pytest.mark.parametrize("compiler", FOUND)
@pytest.mark.parametrize("optimize", ["-O0", "-O2"])
def test_value_zero_is_not_register_x0(compiler, optimize, tmp_path):
    """ASID 0 and address 0 are a value, whatever a compiler likes to do with a constant 0."""
    names = [n for n, (i, given) in EXPECTED.items() if i.name in ALL and any(f in ALL[i.name] for f in given)]
    source = "".join(f"void f_{n}(void) {{ visa_{n}({', '.join('0' * len(EXPECTED[n][1]))}); }}\n" for n in names)
    found = compile_words(compiler, source, tmp_path, optimize)
    for n in names:
        insn, given = EXPECTED[n]
        word, = [w for f in ("f_", "visa_") for w in found.get(f + n, [])]     # inlined, or not
        for f in ("rs1", "rs2"):
            if f in ALL[insn.name]:
                (at, _, _), = insn.fields[f].pieces
                assert bool(word >> at & 31) == (f in given), (n, f, hex(word))


def test_arguments_have_the_names_of_the_manual():
    """No argument is called by the field that it is in."""
    assert set(functions()) == set(EXPECTED)
    for name, arguments in functions().items():
        row, given = EXPECTED[name]
        assert arguments == [row.names[f] for f in given]
        assert not {"rs1", "rs2", "rd", "a", "b"} & set(arguments)


def test_marks_of_the_tables():
    """A row says "x0: all" where its operands say so, and only there."""
    assert {i.name: {f: i.names[f] for f in i.all} for i in ISA.insns if i.all} == ALL
    assert {i.name for i in ISA.insns if "x0: " in i.formula} == set(ALL)


def test_numbers_of_instructions():
    """As a hypervisor finds them in VMQUAL."""
    text = (BUILD / "isa" / "visa.h").read_text()
    told = {name: int(n) for name, n in re.findall(r"^#define VISA_OP_(\w+) +(\d+)$", text, re.M)}
    assert told == {i.ident.upper(): i.op for i in XVISA}


def test_only_port_immediates_have_no_function():
    missing = {i.name for i in XVISA if not any(n.startswith(i.ident) for n in functions())}
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
