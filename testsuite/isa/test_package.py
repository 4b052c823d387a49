"""visa_pkg.sv, the package for RTL: tools read it, and what it says is what C has.

A module that prints every fact of the package runs under Verilator beside testsuite/isa/numbers.c.
Immediates are held to the GNU assembler.
"""

import random
import re

import pytest

import tables
from harness.tools import BUILD, SRC, execute, tool
from isa.encodings import draw, gas_words, written

ISA = tables.load(SRC / "isa")
PACKAGE = BUILD / "isa" / "visa_pkg.sv"
TEXT = PACKAGE.read_text()
REPEAT = 8
CAUSES = {c.name.lower(): c.code for c in ISA.causes}
XVISA_TEXT = {"vmexit": "vmexit {imm}", **{f"ini.{w}": f"ini.{w} x1, {{imm}}" for w in "bhw"},
              **{f"outi.{w}": f"outi.{w} {{imm}}, x1" for w in "bhw"}}


def enums():
    """{type: names of its values}."""
    return {name: re.findall(r"^ +(\w+) = ", body, re.M)
            for body, name in re.findall(r"typedef enum [^{]*\{([^}]*)\} (\w+);", TEXT)}


def structs():
    """{type: names of its members}."""
    return {name: re.findall(r"^ +logic (?:\[\d+:0\] )?(\w+);", body, re.M)
            for body, name in re.findall(r"typedef struct packed \{([^}]*)\} (\w+);", TEXT)}


def constants():
    return re.findall(r"^  localparam .*?(\w+) = ", TEXT, re.M)


def member_lines():
    """Statements that print where each member lies: of the VMCS, whose word n is n, and of the state its
    lowest bit and its bits; of the others the word with ones in the member alone."""
    for kind, members in structs().items():
        for m in members:
            if kind == "vmcs_t":
                yield f'$display("{kind}.{m} %0d %0d", 64 * 64\'(vmcs_t_v.{m}), $bits(vmcs_t_v.{m}));'
            elif kind == "state_t":
                yield f"{kind}_v = '0; {kind}_v.{m} = '1; for (n = 0; !{kind}_v[n]; n++);"
                yield f'$display("{kind}.{m} %0d %0d", n, $bits({kind}_v.{m}));'
            else:
                yield f"{kind}_v = '0; {kind}_v.{m} = '1;"
                yield f'$display("{kind}.{m} %0d", {kind}_v);'


def place(numbers):
    """[lowest bit, bits] of what one of those lines printed."""
    if len(numbers) == 2:
        return numbers
    ones, = numbers
    return [(ones & -ones).bit_length() - 1, ones.bit_count()]


def immediate_cases(path, seed):
    """(op, word as an assembler makes it, the value that its text has)."""
    rng = random.Random(f"{seed} package")
    cases = [(i, *draw(i, rng)) for i in ISA.insns if "imm" in i.fields for _ in range(REPEAT)]
    base = [(i, v) for i, _, v in cases if i.ext != "xvisa"]
    lines = [f".option {'rvc' if i.length == 2 else 'norvc'}\n{written(i, v)}" for i, v in base]
    words = gas_words(path, lines, [i.length for i, _ in base])
    xvisa = [(i, v) for i, _, v in cases if i.ext == "xvisa"]
    source, image = path / "x.s", path / "x.bin"
    source.write_text("".join(XVISA_TEXT[i.name].format(**v) + "\n" for i, v in xvisa))
    execute([tool("visa-as"), "-o", path / "x.elf", source]).ok()
    execute([tool("riscv64-unknown-elf-objcopy"), "-O", "binary", "-j", ".text", path / "x.elf", image]).ok()
    data = image.read_bytes()
    words += [int.from_bytes(data[at:at + 4], "little") for at in range(0, len(data), 4)]
    assert len(words) == len(cases)
    return [(i, w, v["imm"]) for (i, v), w in zip(base + xvisa, words)]


def top(cases):
    """A module that prints all of it; cases.hex has an instruction a line, its op and its word."""
    names = [n for values in enums().values() for n in values] + constants()
    last = len(enums()["op_e"]) - 1
    return "\n".join([
        "module top;", *(f"  visa_pkg::{k} {k}_v;" for k in structs()),
        "  logic [63:0] n;", f"  logic [63:0] cases [0:{len(cases) - 1}];", "  visa_pkg::op_e op;", "  initial begin",
        *(f'    $display("{n} %0d", visa_pkg::{n});' for n in names),
        "    for (n = 0; n < 512; n++) vmcs_t_v[64 * n +: 64] = n;", *(f"    {line}" for line in member_lines()),
        f"    for (n = 0; n <= {last}; n++) begin",
        "      op = visa_pkg::op_e'(n);",
        '      $display("op.%0d %0d %0d %0d %0d %0d %0d", n, visa_pkg::op_cycles(op), visa_pkg::op_spent(op), '
        'visa_pkg::op_flushes(op), visa_pkg::op_result_in_memory(op), visa_pkg::op_rings(op), visa_pkg::op_number(op));',
        "    end",
        '    $readmemh("cases.hex", cases);',
        f"    for (n = 0; n < {len(cases)}; n++) begin",
        "      op = visa_pkg::op_e'(cases[n][63:32]);",
        '      $display("imm %0d", $signed(visa_pkg::op_immediate(op, cases[n][31:0])));',
        "    end", "    $finish;", "  end", "endmodule", ""])


@pytest.fixture(scope="module")
def printed(seed, tmp_path_factory):
    """{name: its numbers} of package and C, and the immediates: (row, word, expected, of the package)."""
    path = tmp_path_factory.mktemp("package")
    cases = immediate_cases(path, seed)
    (path / "top.sv").write_text(top(cases))
    execute([tool("verilator"), "--binary", "--Mdir", path / "obj", "--top-module", "top", "-Wno-WIDTH", "-Wno-WIDTHCONCAT",
             "-CFLAGS", "-O0", PACKAGE, path / "top.sv"], timeout=100).ok()
    numbers = {i.name: n for n, i in enumerate(ISA.insns, 1)}
    (path / "cases.hex").write_text("".join(f"{numbers[i.name]:08x}{w:08x}\n" for i, w, _ in cases))
    lines = execute([path / "obj" / "Vtop"], cwd=path).ok().stdout.splitlines()
    rows = [line.split() for line in lines if not line.startswith(("-", "imm "))]
    rtl = {name: [int(n) for n in numbers] for name, *numbers in rows}
    assert len(rtl) == len(rows)
    imms = [int(line.split()[1]) for line in lines if line.startswith("imm ")]
    c = {name: [int(n) for n in numbers]
         for name, *numbers in (line.split() for line in execute([BUILD / "isa-numbers"]).ok().stdout.splitlines())}
    return rtl, c, [(i, w, want, got) for (i, w, want), got in zip(cases, imms, strict=True)]


def test_linter_is_silent():
    result = execute([tool("verilator"), "--lint-only", "-Wall", PACKAGE]).ok()
    said = (result.stdout + result.stderr).splitlines()
    assert [line for line in said if not line.startswith("- V")] == []  # later versions say what they did


def test_synthesis_reads_it(tmp_path):
    """yosys has a subset of its own: a module that uses types, constants and functions goes through."""
    (tmp_path / "m.sv").write_text("""
module m(input logic [31:0] insn, input visa_pkg::op_e op, output logic [63:0] imm, output visa_pkg::rings_t rings,
         output logic [8:0] field);
  visa_pkg::qual_io_t q;
  assign imm = visa_pkg::op_immediate(op, insn);
  assign rings = visa_pkg::op_rings(op);
  assign q = insn;
  assign field = q.mmio ? visa_pkg::VMCS_HPTBR : visa_pkg::VMCS_X;
endmodule
""")
    result = execute([tool("yosys"), "-q", "-p",
                      f"read_verilog -sv {PACKAGE} {tmp_path / 'm.sv'}; synth -top m; check -assert"]).ok()
    assert "Warning" not in result.stdout + result.stderr


def test_numbers_are_those_of_c(printed):
    rtl, c, _ = printed
    ops = {i.ident.upper() for i in ISA.insns}
    names = {n for n in c if not re.match(r"OP_|vmcs\.|qual\.", n)}
    mine = {n for n in rtl if "." not in n and not n.startswith(("OP_", "SPENT_", "FLUSHES_", "RESET_", "WRITABLE_"))} - \
        {f"{what}_{op}" for what in ("MASK", "MATCH") for op in ops}
    assert mine == names
    assert {n: rtl[n] for n in names} == {n: c[n] for n in names}


def test_instructions_are_those_of_c(printed):
    rtl, c, _ = printed
    for i in ISA.insns:
        name = i.ident.upper()
        number, = rtl[f"OP_{name}"]
        assert [number, *rtl[f"MASK_{name}"], *rtl[f"MATCH_{name}"], *rtl[f"op.{number}"]] == c[f"OP_{name}"], i.name
    assert rtl["OP_ILLEGAL"] == [0] and rtl["op.0"] == [1, 1, 0, 0, 0, 0]  # as alu: PI-9
    assert {n for n in rtl if n.startswith("OP_")} == {n for n in c if n.startswith("OP_")} | {"OP_ILLEGAL"}


def test_state_resets_and_writes_as_in_c(printed):
    """test_registers.py sees both in the golden model, by the same names."""
    rtl, _, _ = printed
    for s in ISA.state:
        if not s.name.startswith("host_"):
            ones = (1 << s.bits) - 1
            name = s.group.upper()
            assert [rtl[f"RESET_{name}"], rtl[f"WRITABLE_{name}"]] == [[s.reset & ones], [s.writable & ones]], s.name


def test_structures_lie_as_in_memory(printed):
    """Field n of the VMCS at bit 64 n, a field of VMQUAL and VMTRAPCFG at its bit; what is between is reserved."""
    rtl, c, _ = printed
    want = {f"trapcfg_t.{b.name.lower()}": [c[f"TRAP_{b.name}"][0].bit_length() - 1, 1] for b in ISA.trapcfg}
    want |= {f"vmcs_t.{n.split('.')[1]}": [64 * v[0], 64 * v[1]] for n, v in c.items() if n.startswith("vmcs.")}
    codes = {v: k for k, v in CAUSES.items()}
    for n, v in c.items():
        if n.startswith("qual."):
            _, cause, name = n.split(".")
            want[f"qual_{codes[int(cause)]}_t.{name}"] = v
    at = 0
    for s in ISA.state:  # one behind the other
        first, bits = want.get(f"state_t.{s.group}", [at, 0])
        want[f"state_t.{s.group}"] = [first, bits + s.bits]
        at += s.bits
    got = {n: place(v) for n, v in rtl.items() if "_t." in n}
    assert {n.rstrip("_"): v for n, v in got.items() if "reserved" not in n and not n.startswith("rings_t")} == want
    for kind, members in structs().items():
        bits = sum(got[f"{kind}.{m}"][1] for m in members)
        assert bits == {"vmcs_t": 4096 * 8, "rings_t": 5, "state_t": at}.get(kind, 64), kind


def test_immediates_are_those_of_the_assembler(printed):
    for insn, word, want, got in printed[2]:
        assert got == want, f"{insn.name} {word:#x}"
