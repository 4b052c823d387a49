"""A manual that must be refused: one fault each, told as file:line: error: what."""

import os
import shutil
import sys

import pytest

from harness.tools import SRC, execute

# file, text to replace (its first occurrence), replacement, end of the answer
CASES = {
    "unknown-csr": ("man/arch/02-state.rst", ":csr:`stvec`", ":csr:`stvek`", "'stvek' is no CSR of isa/"),
    "unknown-cause": ("man/arch/05-guest.rst", ":exit:`HYPERCALL`", ":exit:`HYPER`", "'HYPER' is no exit cause of isa/"),
    "unknown-bit": ("man/arch/05-guest.rst", ":trap:`BRK`", ":trap:`BREAK`", "'BREAK' is no VMTRAPCFG bit of isa/"),
    "unknown-field": ("man/arch/03-vmcs.rst", ":field:`owner`", ":field:`holder`", "'holder' is no VMCS field of isa/"),
    "unknown-instruction": ("man/arch/10-vic.rst", ":insn:`vint_ack`", ":insn:`vint_acc`",
                            "'vint_acc' is no instruction of isa/"),
    "unknown-in-fragment": ("man/arch/insn/vmexit.rst", ":exit:`HYPERCALL`", ":exit:`HYPER`",
                            "'HYPER' is no exit cause of isa/"),
    "unknown-rule": ("man/arch/04-world.rst", ":rule:`VM-11`", ":rule:`VM-99`", "there is no rule 'VM-99'"),
    "unknown-chapter": ("man/arch/04-world.rst", ":chapter:`exits`", ":chapter:`exit`", "there is no chapter 'exit'"),
    "rule-twice": ("man/arch/04-world.rst", ".. rule:: EN-2", ".. rule:: EN-1", "rule EN-1 is already defined at "),
    "rule-name": ("man/arch/04-world.rst", ".. rule:: EN-2", ".. rule:: two", "'two' is no rule name, expected "),
    "no-page": ("man/arch/04-world.rst", ".. page: visa-world", ".. paje: visa-world", "expected `.. page: visa-NAME`"),
    "no-summary": ("man/arch/04-world.rst", ".. summary:", ".. sum:", "expected `.. summary: text`"),
    "no-covers": ("man/arch/insn/vmexit.rst", ".. covers: vmexit", ".. about: vmexit",
                  "expected `.. covers: instruction ...`"),
    "covers-unknown": ("man/arch/insn/vmexit.rst", ".. covers: vmexit", ".. covers: vmexit vmexitt",
                       "'vmexitt' is no instruction of xvisa.isa"),
    "covered-twice": ("man/arch/insn/vmload.rst", ".. covers: vmload", ".. covers: vmload vmexit",
                      "'vmexit' is already covered by man/arch/insn/vmexit.rst"),
    "markup": ("man/arch/04-world.rst", "*Pointer.*", "*Pointer.", "Inline emphasis start-string without end-string."),
    "cycle-cells": ("man/arch/18-pipeline.rst", ".. cycles:: A mult",
                    ".. cycles:: A\n\n   cycle | 0\n\n   mult | F D\n\n.. cycles:: A mult",
                    "'mult' has 2 cells, expected 1"),
    "listing": ("man/arch/19-first.rst", ".. listing:: first/start.S", ".. listing:: first/end.S", "there is no examples/first/end.S"),
    "listing-part": ("man/arch/19-first.rst", ":from: static uint64_t entry", ":from: static uint64_t exit",
                     "no line of examples/first/vm.c has 'static uint64_t exit'"),
    "listing-end": ("man/arch/19-first.rst", ":to: void put", ":to: void get", "no line of examples/first/vm.c has 'void get'"),
    "table-fault": ("isa/cause.isa", "| HALT ", "| HOLD ", "'HALT' is no row of cause.isa"),
}


@pytest.fixture
def tree(tmp_path):
    shutil.copytree(SRC / "isa", tmp_path / "isa", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(SRC / "man" / "arch", tmp_path / "man" / "arch")
    shutil.copytree(SRC / "examples" / "first", tmp_path / "examples" / "first")
    return tmp_path


def make(tree, kind="html"):
    return execute([sys.executable, tree / "isa" / "manual.py", kind, "-o", tree / "out"],
                   env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"})


def error_of(result):
    assert result.code == 1 and "Traceback" not in result.stderr
    return result.stderr.splitlines()[0]


def test_unbroken_copy_is_accepted(tree):
    assert make(tree).code == 0


@pytest.mark.parametrize("case", CASES)
def test_fault_is_told_with_its_line(tree, case):
    name, old, new, answer = CASES[case]
    text = (tree / name).read_text()
    assert old in text
    line = text[:text.index(old)].count("\n") + 1
    (tree / name).write_text(text.replace(old, new, 1))
    error = error_of(make(tree))
    place, what = error.split(": error: ", 1)
    if case == "table-fault":  # found where the name is used
        assert place.startswith("trapcfg.isa:") and what == answer
        return
    file, number = place.rsplit(":", 1)
    assert file == name and what.startswith(answer)
    # docutils names the first line of the paragraph
    start = max(text[:text.index(old)].rfind("\n\n"), 0)
    assert text[:start].count("\n") + 1 <= int(number) <= line + 1


def test_missing_fragment_is_told_at_its_row(tree):
    (tree / "man" / "arch" / "insn" / "vmexit.rst").unlink()
    rows = (tree / "isa" / "xvisa.isa").read_text().splitlines()
    line = next(n for n, r in enumerate(rows, 1) if r.startswith("vmexit "))
    assert error_of(make(tree)) == \
        f"xvisa.isa:{line}: error: 'vmexit' has no fragment in man/arch/insn/ that covers it"


def test_new_row_needs_a_fragment(tree):
    table = tree / "isa" / "xvisa.isa"
    rows = table.read_text().splitlines()
    rows.append("vmnew 0000000 00000 rs1 111 00000 0001011 | rs1:vmcs | sys | world | -1 | 99 | something new")
    table.write_text("\n".join(rows) + "\n")
    assert error_of(make(tree)).startswith(f"xvisa.isa:{len(rows)}: error: 'vmnew' has no fragment")


def test_no_chapters(tree):
    for path in (tree / "man" / "arch").glob("[0-9]*.rst"):
        path.unlink()
    assert error_of(make(tree)) == "man/arch:1: error: no chapters (NN-name.rst) here"


@pytest.mark.parametrize("name, text, answer", [
    ("page.rst", "", "page.rst:1: error: the file name is 'page.rst', expected NAME.SECTION.rst"),
    ("x.1.rst", "y\n=\n\nz\n-\n\ntext\n", "x.1.rst:1: error: the title is 'y', expected 'x'"),
    ("x.1.rst", "x\n=\n\ntext\n", "x.1.rst:1: error: no subtitle that says what x is"),
])
def test_faulty_page(tmp_path, name, text, answer):
    path = tmp_path / name
    path.write_text(text)
    result = execute([sys.executable, SRC / "isa" / "manual.py", "page", path],
                     env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"})
    assert error_of(result).endswith(answer) and not result.stdout
