"""Every rule of the architecture manual is cited, by its name, by a test that would notice if it were false.

A citation is the rule's name in a file of the test suite, or a span of them: "BA-2 to BA-5".
"""

import re

import pytest

from harness.tools import SRC

CHAPTERS = [p for p in sorted((SRC / "man" / "arch").glob("*.rst")) if "02" <= p.name[:2] <= "17"]
RULES = [(m, p.name) for p in CHAPTERS for m in re.findall(r"^\.\. rule:: (\S+)$", p.read_text(), re.M)]
NAME = r"\b([A-Z]{2})-(\d+)\b"
SPAN = re.compile(rf"{NAME} to {NAME}")
SOURCES = {".py", ".c", ".S", ".s", ".h"}


def citations(text):
    """Names of rules in a text, spans filled in."""
    text = re.sub(r"\s+(\*|#|//)?\s*", " ", text)
    names = {f"{a}-{n}" for a, n in re.findall(NAME, text)}
    for a, first, b, last in SPAN.findall(text):
        if a == b:
            names |= {f"{a}-{n}" for n in range(int(first), int(last) + 1)}
    return names


@pytest.fixture(scope="module")
def cited():
    """Names by the file that cites them; the manual's own tests cite nothing."""
    files = [p for p in (SRC / "testsuite").rglob("*") if p.suffix in SOURCES and p.parent.name != "manual"]
    return {p: citations(p.read_text()) for p in files}


@pytest.mark.parametrize("rule, chapter", RULES)
def test_rule_is_cited(rule, chapter, cited):
    assert any(rule in names for names in cited.values()), f"{chapter}: no test cites {rule}"


def test_citations_exist(cited):
    """A name that a test cites is a rule of the manual, of whatever chapter."""
    rules = {m for p in (SRC / "man" / "arch").glob("*.rst") for m in re.findall(r"^\.\. rule:: (\S+)$", p.read_text(), re.M)}
    kinds = {r[:2] for r in rules}
    dead = {(p.name, n) for p, names in cited.items() for n in names if n[:2] in kinds and n not in rules}
    assert not dead


def test_spans():
    assert citations("BA-2 to BA-4, TR-1\n   * to TR-3") == {"BA-2", "BA-3", "BA-4", "TR-1", "TR-2", "TR-3"}


def test_there_are_rules():
    assert len(RULES) > 200 and len({r for r, _ in RULES}) == len(RULES)
