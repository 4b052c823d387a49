"""Tables that must be refused: one broken line per kind of error.

Each case replaces text in one line of one table and says what gen.py answers about
that line, `file:line: error: answer`; `*` in an answer stands for any text.
"""

import ast
import re
import shutil
import sys
from fnmatch import fnmatchcase

import pytest

from harness.tools import SRC, execute

ISA = SRC / "isa"

# table, text to replace (first line that has it), replacement, answer
CASES = {
    "number": ("latency.isa", "mul        | 3 ", "mul        | three ",
               "cycles is 'three', expected a number"),
    "bits": ("rv64i.isa", "imm[31:12] rd 0110111", "imm[31:] rd 0110111",
             "cannot read the bits '31:'"),
    "bits-upwards": ("rv64i.isa", "imm[31:12] rd 0110111", "imm[12:31] rd 0110111",
                     "bits '12:31' run upwards, expected high:low"),
    "unknown-field": ("rv64i.isa", "imm[31:12] rd 0110111", "imm[31:12] rx 0110111",
                      "unknown field 'rx' in the encoding"),
    "exclusion": ("rv64c.isa", "rd!0 imm[4:0]", "rd!zero imm[4:0]",
                  "'rd!zero': expected register numbers behind the '!'"),
    "too-few-bits": ("rv64i.isa", "imm[31:12] rd 0110111", "imm[31:13] rd 0110111",
                     "the encoding has 31 bits, expected 32 (or 16 for RVC)"),
    "register-twice": ("rv64i.isa", "0000000 rs2 rs1 000 rd 0110011", "0000000 rs1 rs1 000 rd 0110011",
                       "'rs1' stands twice in the encoding"),
    "low-bits": ("rv64i.isa", "imm[31:12] rd 0110111", "imm[31:12] rd 0110110",
                 "the two lowest bits must be 11 for 32-bit and other for 16-bit encodings"),
    "immediate-twice": ("rv64i.isa", "imm[12|10:5] rs2 rs1 000", "imm[12|9:4] rs2 rs1 000",
                        "bit 4 of the immediate stands twice"),
    "immediate-hole": ("rv64i.isa", "imm[31:12] rd 0110111", "imm[31:13|11] rd 0110111",
                       "bit 12 of the immediate is missing"),
    "unknown-operand": ("rv64i.isa", "| rd, imm20        | upper", "| rd, big          | upper",
                        "unknown operand 'big'"),
    "no-base": ("rv64c.isa", "= addi rd, x2, uimm", "= adda rd, x2, uimm",
                "'= adda rd, x2, uimm' does not name a base instruction"),
    "base-operands": ("rv64c.isa", "= addi rd, x2, uimm", "= addi rd, uimm",
                      "addi takes 3 operands, got 2"),
    "base-form": ("rv64c.isa", "= lw rd, uimm(rs1)", "= lw rd, uimm",
                  "'uimm': expected the form imm(rs1)"),
    "base-field": ("rv64c.isa", "= addi rd, x2, uimm", "= addi rd, sp, uimm",
                   "'sp' is neither a field of c.addi4spn nor a register"),
    "insn-columns": ("rv64m.isa", "| alu_rr | mul | rd = low64", "| alu_rr | rd = low64",
                     "4 columns, expected 5"),
    "insn-twice": ("rv64m.isa", "mulh ", "mul ", "'mul' is already defined"),
    "class": ("rv64m.isa", "| alu_rr | mul | rd = low64", "| alu_rx | mul | rd = low64",
              "unknown class 'alu_rx', expected one of *"),
    "latency": ("rv64m.isa", "| alu_rr | mul | rd = low64", "| alu_rr | mull | rd = low64",
                "'mull' is no row of latency.isa"),
    "latency-of-event": ("rv64m.isa", "| alu_rr | mul | rd = low64", "| alu_rr | bus | rd = low64",
                         "'bus' is an event and no class of instructions"),
    "latency-word": ("rv64m.isa", "| alu_rr | mul | rd = low64", "| alu_rr | mul flush | rd = low64",
                     "unknown word 'flush' behind the latency, expected flushes, flushes? or result-M"),
    "latency-spent": ("latency.isa", "mul        | 3  | execute ", "mul        | 3  | executed ",
                      "spent is 'executed', expected one of -, execute, serial, behind, memory"),
    "ring": ("xvisa.isa", "| world flushes    | -1    | 1  |", "| world flushes    | -2    | 1  |",
             "unknown ring '-2', expected one of *"),
    "op-twice": ("xvisa.isa", "| world flushes    | -1    | 2  |", "| world flushes    | -1    | 1  |",
                 "op 1 is already taken"),
    "op-number": ("xvisa.isa", "| world flushes    | -1    | 1  |", "| world flushes    | -1    | a  |",
                  "op is 'a', expected a number"),
    "field-no-operand": ("xvisa.isa", "| rd, rs1:field ", "| rd ",
                         "field 'rs1' of the encoding is no operand"),
    "operand-no-field": ("xvisa.isa", "| rd, rs1:field ", "| rd, rs1:field, rs2 ",
                         "operand 'rs2' is not in the encoding"),
    "operand-no-name": ("xvisa.isa", "| rd, rs1:field ", "| rd, rs1 ", "rs1 has no name, expected rs1:NAME"),
    "operand-of-no-source": ("xvisa.isa", "| rd, rs1:field ", "| rd:value, rs1:field ", "unknown operand 'rd:value'"),
    "operand-mark": ("xvisa.isa", "| rd, rs1:field ", "| rd, rs1:field+ ", "unknown operand 'rs1:field+'"),
    "register-place": ("rv64m.isa", "0000001 rs2 rs1 000 rd 0110011", "0000001 rs1 rs2 000 rd 0110011",
                       "rs1 is not in bits 19:15"),
    "overlap": ("rv64m.isa", "0000001 rs2 rs1 000 rd 0110011", "0000000 rs2 rs1 000 rd 0110011",
                "'mul' and 'add' (rv64i.isa:*) overlap"),
    "columns": ("cause.isa", "| IO      | insn  |", "| IO |",
                "4 columns, expected 5: code, name, filter, pc, summary"),
    "latency-twice": ("latency.isa", "mul        | 3 ", "alu        | 3 ",
                      "latency 'alu' is already defined at latency.isa:*"),
    "extension-version": ("extension.isa", "sstc     | 1.0", "sstc     | one", "version is 'one', expected such as 2.1"),
    "extension-where": ("extension.isa", "| tree          | timer", "| trees         | timer",
                        "unknown word 'trees', expected misa, tree or elf, and an option behind them"),
    "extension-letter": ("extension.isa", "sstc     | 1.0 | tree ", "sstc     | 1.0 | misa ", "'sstc' is no letter of misa"),
    "extension-twice": ("extension.isa", "sstc ", "zicsr ", "extension 'zicsr' is already defined at extension.isa:*"),
    "csr-number": ("csr.isa", "0xc00 | cycle ", "c-0-0 | cycle ", "number expected"),
    "csr-twice": ("csr.isa", "0xc01 | time ", "0xc00 | time ",
                  "CSR number '3072' is already defined at csr.isa:*"),
    "csr-kind": ("csr.isa", "| state                     | scratch", "| plain                     | scratch",
                 "unknown kind 'plain'"),
    "csr-state": ("csr.isa", "| func                      | timer of Ring 0", "| state | timer of Ring 0",
                  "no row of state.isa has 'stimecmp*' in its column csr"),
    "state-range": ("state.isa", "| x[#] ", "| x[0] ",
                    "name is 'x#0-31' and field 'x[0]', expected such as x or x#0-31, and # in the field"),
    "state-reset": ("state.isa", "| ring            | 2 ", "| ring            | 1 ",
                    "a register of 1 bits with the reset value 0x3"),
    "state-vmcs": ("state.isa", "| gptbr ", "| gptbar ", "'gptbar' is no row of vmcs.isa"),
    "state-csr": ("state.isa", "| mepc* ", "| mepx* ", "'mepx' is no row of csr.isa"),
    "state-gdb": ("state.isa", "| pc         | -              | 32 ", "| pc         | -              | csr ",
                  "no CSR, so gdb has no number for it"),
    "state-gdb-twice": ("state.isa", "| pc         | -              | 32 ", "| pc         | -              | 31 ",
                        "gdb's number '31' is already defined at state.isa:*"),
    "csr-range": ("csr.isa", "0xfc1 | vmpool ", "0x1fc1 | vmpool ", "number 0x1fc1 is above 0xfff"),
    "msr-number": ("msr.isa", "0x00000010 | tsc ", "tsc | tsc ", "number is 'tsc', expected a number"),
    "vmcs-access": ("vmcs.isa", "| revision   | ro |", "| revision   | wo |",
                    "access is 'wo', expected ro or rw"),
    "vmcs-outside": ("vmcs.isa", "216 | 8  | iov_flags", "505 | 8  | iov_flags",
                     "field 512 is outside the page (0 to 511)"),
    "vmcs-twice": ("vmcs.isa", "1   | 1  | owner", "0   | 1  | owner", "field 0 is already 'revision'"),
    "trapcfg-cause": ("trapcfg.isa", "| PRIV    | PRIVILEGED |", "| PRIV    | PRIVILEGE |",
                      "'PRIVILEGE' is no row of cause.isa"),
    "cause-filter": ("cause.isa", "| CRWRITE        | CR3 ", "| CRWRITE        | CR4 ",
                     "'CR4' is no row of trapcfg.isa"),
    "qual-cause": ("vmqual.isa", "INTWINDOW  | 0 ", "INTWIN  | 0 ", "'INTWIN' is no row of cause.isa"),
    "qual-overlap": ("vmqual.isa", "PRIVILEGED | 9:5 ", "PRIVILEGED | 9:4 ",
                     "bit 4 of PRIVILEGED is already 'rd'"),
    "qual-bits": ("vmqual.isa", "PRIVILEGED | 9:5 ", "PRIVILEGED | 9|5 ",
                  "bits '9|5': expected one range"),
    "pseudo-form": ("pseudo.isa", "hlt                         = wfi", "hlt                           wfi",
                    "expected: name operands = instruction ; instruction ..."),
    "pseudo-insn": ("pseudo.isa", "= wfi", "= wait", "'wait' is no instruction"),
    "pseudo-operand": ("pseudo.isa", "= addi $rd, $rs1, 0", "= addi $rd, $rs2, 0",
                       "'$rs2' is no operand of mv"),
}


def broken(tmp_path, table, old, new):
    """A copy of isa/ with one line changed; returns the directory and that line's number."""
    copy = tmp_path / "isa"
    copy.mkdir()
    for f in ISA.glob("*.isa"):
        shutil.copy(f, copy)
    lines = (copy / table).read_text().splitlines()
    number = next((n for n, text in enumerate(lines) if old in text and not text.startswith("#")), None)
    assert number is not None, f"{table} has no line with '{old}': the case must follow the table"
    lines[number] = lines[number].replace(old, new, 1)
    (copy / table).write_text("\n".join(lines) + "\n")
    return copy, number + 1


def generate(tables, kind="isa_gen.h"):
    return execute([sys.executable, ISA / "gen.py", kind, "--isa", tables])


@pytest.mark.parametrize("case", CASES)
def test_refused(tmp_path, case):
    table, old, new, answer = CASES[case]
    tables, line = broken(tmp_path, table, old, new)
    result = generate(tables)
    assert result.code != 0, result
    assert fnmatchcase(result.stderr, f"{table}:{line}: error: {answer}\n".replace("[", "[[]")), result
    assert result.stdout == ""


def test_control_register_without_csr(tmp_path):
    tables, _ = broken(tmp_path, "csr.isa", "| CR15 |", "| -    |")
    result = generate(tables)
    assert result.code != 0 and "csr.isa:1: error: CR15 names no CSR" in result.stderr, result


def test_unbroken_tables_are_accepted(tmp_path):
    tables, _ = broken(tmp_path, "rv64i.isa", "lui ", "lui ")
    for kind in ("isa_gen.h", "isa_gen.c", "csr_gen.h", "state_gen.h", "visa.h", "visa_pkg.sv"):
        result = generate(tables, kind).ok()
        assert result.stdout == execute([sys.executable, ISA / "gen.py", kind]).ok().stdout


def messages():
    """Every text that tables.py can fail with, as a pattern: {...} matches anything."""
    for node in ast.walk(ast.parse((ISA / "tables.py").read_text())):
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "fail":
            text, = node.args
            parts = text.values if isinstance(text, ast.JoinedStr) else [text]
            yield node.lineno, "".join(re.escape(p.value) if isinstance(p, ast.Constant) else ".*"
                                       for p in parts)


@pytest.mark.parametrize("line, pattern", messages(), ids=lambda v: str(v))
def test_every_error_has_a_case(line, pattern):
    assert any(re.fullmatch(pattern, answer) for _, _, _, answer in CASES.values()), \
        f"isa/tables.py:{line}: no case in test_errors.py gets this error"
