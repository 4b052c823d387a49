"""Every instruction is found, by its name, in each part of the tree."""

import pytest

import tables
import where
from harness.tools import SRC

ISA = tables.load(SRC / "isa")


@pytest.fixture(scope="module")
def tree():
    return where.Tree(SRC)


@pytest.mark.parametrize("name", [i.name for i in ISA.insns])
def test_instruction_has_every_place(tree, name):
    insn = tree.isa.insn(name)
    missing = where.missing(tree, where.find(tree, insn))
    assert not missing, f"{name} ({insn.row.file}:{insn.row.line}) has no {', '.join(missing)}"


def test_places_are_where_they_say(tree):
    """The line that a place names has the instruction in it."""
    places = where.find(tree, tree.isa.insn("vmenter"))
    for place in places["encoding"] + places["semantics"] + places["test"]:
        line = (SRC / place.path).read_text().splitlines()[place.line - 1]
        assert "vmenter" in line and place.text == line.strip()


@pytest.mark.parametrize("text", ['"and"', "    and a0, a1, a2", "l: and x1, x2, 3", "  and {rd}, t0, t1",
                                  '("and", 1, 2)', "and t0, t0, t1\\n"])
def test_spelled_in_a_test(text):
    assert where.re.search(where.spelled("and"), text)


@pytest.mark.parametrize("text", ["and the rest of a sentence", "# and more", "x = a and b",
                                  "  andi a0, a1, 2"])
def test_not_spelled_in_a_test(text):
    assert not where.re.search(where.spelled("and"), text)


def test_what_is_missing_is_told(tree):
    places = where.find(tree, tree.isa.insn("vmenter"))
    assert "semantics" in where.missing(tree, dict(places, semantics=[]))
