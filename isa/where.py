#!/usr/bin/env python3
"""Where an instruction lives in the tree: from its row to its page of the manual.

    where.py INSN ...

Prints file:line for the encoding, the semantics, the assembler, the timing, the RTL,
the tests and the manual. Exit status 1 if a place is missing that should exist; RTL
is expected once the tree has a directory rtl/.
"""

import argparse
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import tables

ROOT = Path(__file__).resolve().parent.parent
KINDS = ["encoding", "semantics", "assembler", "timing", "rtl", "test", "manual"]


@dataclass
class Place:
    path: str  # relative to the tree, or to the build for what is generated
    line: int
    text: str

    def __str__(self):
        return f"{self.path}:{self.line}: {self.text}"


class Tree:
    """The files of the tree, read once."""

    def __init__(self, root=ROOT):
        self.root = Path(root)
        self.isa = tables.load(self.root / "isa")
        self.cache = {}
        self.listed = None

    def lines(self, path):
        if path not in self.cache:
            self.cache[path] = path.read_text(errors="replace").splitlines() if path.is_file() else []
        return self.cache[path]

    def place(self, path, number):
        return Place(str(path.relative_to(self.root)), number, self.lines(path)[number - 1].strip())

    def grep(self, patterns, pattern, word=""):
        """Places in the files that the globs name where a line has the word and the pattern."""
        found = re.compile(pattern)
        for path in sorted({p for g in patterns for p in self.root.glob(g)}):
            for number, text in enumerate(self.lines(path), 1):
                if word in text and found.search(text):
                    yield self.place(path, number)


    def enumerated(self):
        """Tests whose parameters are drawn from the tables: pytest lists them."""
        if self.listed is None:
            command = [sys.executable, "-B", "-m", "pytest", "-p", "no:cacheprovider", "-q",
                       "--collect-only", str(self.root / "testsuite" / "xvisa")]
            out = subprocess.run(command, capture_output=True, text=True).stdout
            self.listed = []
            for file, test in re.findall(r"^(\S+\.py)::(\w+\[.*\])$", out, re.M):
                path = self.root / "testsuite" / file
                pattern = f"^def {test.partition('[')[0]}\\("
                self.listed += [Place(p.path, p.line, test)
                                for p in self.grep([str(path.relative_to(self.root))], pattern)]
        return self.listed


def row_place(tree, row):
    return tree.place(tree.root / "isa" / row.file, row.line)


def semantics(tree, insn):
    """exec_NAME, a capitalised macro that makes it, or a row of semantics.h, `#define VALUE_NAME` or the like."""
    base = insn.expands[0].replace(".", "_") if insn.expands else insn.ident
    pattern = rf"^(?!\s).*\bexec_{base}\(|^\s*[A-Z][A-Z0-9_]+\(\s*{base}\s*[,)]|^#define [A-Z]+_{base}\b"
    return list(tree.grep(["src/cpu/*.[ch]", "src/mmu/*.[ch]", "src/vic/*.[ch]"], pattern))


def assembler(tree, insn):
    """No code of its own: one file fills the fields of any row, one reads them."""
    found = [*tree.grep(["asm/encode.c"], r"\bisa_insert\("), *tree.grep(["isa/lib/disasm.c"], r"\bisa_decode\(")]
    return list({p.path: p for p in reversed(found)}.values())[::-1]


def timing(tree, insn):
    row = next(l.row for l in tree.isa.latencies if l.name == insn.latency)
    return [row_place(tree, row)]


def rtl(tree, insn):
    return list(tree.grep(["rtl/**/*.sv"], rf"\b(MATCH_)?{insn.ident.upper()}\b"))


def spelled(name):
    """The instruction in a test: quoted, as a parameter, or as a line of assembly."""
    word = re.escape(name)
    operand = r"(x\d|[astf]\d|r\d|zero\b|ra\b|sp\b|gp\b|tp\b|cr\d|[{%$(.\d-]|\w+ *(,|$))"
    return (rf"""(["'`]){word}(\1|[ \\])|[\[,( "']{word}[,\])]|"""
            rf"""^\s*(\w+:)?\s*{word}((\.(aq|rl|aqrl))?\s+(?i:{operand})|\s*(#.*|//.*|\\n.*|")?$)""")


def tests(tree, insn):
    """Tests of what it does that name it; how it is encoded and spelled is tested for every
    row alike. A short form does nothing of its own: that it decodes to its base instruction,
    as binutils confirms, is its test."""
    if insn.expands:
        return list(tree.grep(["testsuite/isa/test_encoding.py"], r"^def test_(row|expansion)_"))
    globs = [f"testsuite/**/*.{e}" for e in ("py", "s", "S", "c")]
    alike = ("testsuite/isa/", "testsuite/asm/", "testsuite/manual/")
    found = [p for p in tree.grep(globs, spelled(insn.name), insn.name) if not p.path.startswith(alike)]
    if not found:
        drawn = [p for p in tree.enumerated() if insn.name in re.split(r"[\[\]-]", p.text)]
        found = list({p.line: p for p in reversed(drawn)}.values())[::-1]
    return found


def manual(tree, insn):
    """Its fragment of the manual, or that of its extension (first line: `.. covers: NAME ...`)."""
    name = insn.name if insn.ext == "xvisa" else insn.ext
    covers = rf"^\.\. covers:(.*\s)?{re.escape(name)}(\s|$)"
    return [Place(p.path, p.line, f"visa-arch.html#{insn.name}")
            for p in tree.grep(["man/arch/insn/*.rst"], covers)]


FIND = {"encoding": lambda tree, insn: [row_place(tree, insn.row)], "semantics": semantics,
        "assembler": assembler, "timing": timing, "rtl": rtl, "test": tests, "manual": manual}


def find(tree, insn):
    """{kind: places} for one row."""
    return {kind: FIND[kind](tree, insn) for kind in KINDS}


def missing(tree, places):
    """The kinds that should have a place and have none."""
    return [k for k in KINDS if not places[k] and (k != "rtl" or (tree.root / "rtl").is_dir())]


def rows(tree, name):
    """The rows that a spelling stands for: itself, or what a pseudo-instruction expands to."""
    if insn := tree.isa.insn(name):
        return [insn]
    found = []
    for p in (p for p in tree.isa.pseudos if p.name == name):
        print(f"pseudo     {row_place(tree, p.row)}")
        found += [tree.isa.insn(part.split()[0]) for part in p.expansion.split(";") if part.strip()]
    return list({i.name: i for i in found}.values())


def show(tree, insn, most=6):
    """Prints the places of one row; returns what is missing."""
    places = find(tree, insn)
    print(f"{insn.name}: {insn.formula}")
    for kind in KINDS:
        if kind == "rtl" and not (tree.root / "rtl").is_dir():
            print("rtl        comes with the RTL model")
            continue
        for n, place in enumerate(places[kind][:most]):
            print(f"{kind if n == 0 else '':<10} {place}")
        if len(places[kind]) > most:
            print(f"{'':<10} and {len(places[kind]) - most} more")
        if not places[kind]:
            print(f"{kind:<10} MISSING")
    return missing(tree, places)


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("insn", nargs="+", help="name of an instruction, as the assembler spells it")
    args = ap.parse_args()
    tree, lacking = Tree(), False
    for name in args.insn:
        name = name.lower()
        found = rows(tree, name)
        if not found and not any(p.name == name for p in tree.isa.pseudos):
            sys.exit(f"where.py: '{name}' is no instruction of isa/*.isa")
        for insn in found:
            lacking |= bool(show(tree, insn))
    sys.exit(1 if lacking else 0)


if __name__ == "__main__":
    main()
