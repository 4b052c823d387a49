"""The search of the HTML manual: the index, by itself and against the chapters' text; and what a reader
sees, in Chromium."""

import json
import os
import re
import sys
from html import unescape

import pytest

import manual_search
import tables
from harness.tools import SRC, execute
from sim.test_html import browse

ISA = tables.load(SRC / "isa")
CHAPTERS = sorted((SRC / "man" / "arch").glob("[0-9]*.rst"))
UNDERLINED = re.compile(r"^(\S.*)\n([=-])\2+$", re.M)


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    path = tmp_path_factory.mktemp("search") / "visa-arch.html"
    execute([sys.executable, SRC / "isa" / "manual.py", "html", "-o", path],
            env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}).ok()
    return path


@pytest.fixture(scope="module")
def index(page):
    return json.loads(re.search(r'id="index">(.*?)</script>', page.read_text(), re.S)[1])


def found(index, *words):
    """Anchors of the units that have all of the words."""
    sets = [set(index["words"].get(w, ())) for w in words]
    return {index["units"][n][0] for n in set.intersection(*sets)}


# The index -----------------------------------------------------------------------------

PAGE = """<section id="ch-x"><h2><span class="secno">1 </span>One head</h2><p>first <b>text</b><br />after</p>
<section id="ch-x-y"><h3>Part</h3><div id="rule-AB-1"><p>AB-1</p><p>a walk-cache of VMCS.pc</p></div><p>behind</p></section>
<dl><dt id="term-x-pool">pool</dt><dd><p>what it is</p></dd></dl>
<table><tr><td><div id="csr-satp"><p>satp</p></div></td><td>page-table base</td></tr></table></section>"""


def test_a_page():
    index = manual_search.index([PAGE])
    assert index["units"] == [["ch-x", "1 One head", "chapter", 0], ["ch-x-y", "Part", "section", 0],
                              ["rule-AB-1", "AB-1", "rule", 1], ["term-x-pool", "pool", "term", 0],
                              ["csr-satp", "satp", "CSR", 0]]
    has = {n: {w for w, units in index["words"].items() if n in units} for n in range(5)}
    assert has == {0: {"1", "one", "head", "first", "text", "after"}, 1: {"part", "behind"},
                   2: {"ab-1", "ab", "1", "a", "walk-cache", "walk", "cache", "of", "vmcs.pc", "vmcs", "pc"},
                   3: {"pool", "what", "it", "is"}, 4: {"satp", "page-table", "page", "table", "base"}}


def test_every_unit_is_an_anchor_and_has_a_name(index, page):
    anchors = set(re.findall(r'\bid="([^"]+)"', page.read_text()))
    assert all(anchor in anchors and label and kind for anchor, label, kind, _ in index["units"])
    assert len({u[0] for u in index["units"]}) == len(index["units"]) > 1000


@pytest.mark.parametrize("words, anchor", [
    (["mtimecmp"], "rule-PL-3"), (["walk", "cache"], "ch-translation-walk-cache"), (["world", "switch"], "ch-arch"),
    (["world", "switches"], "ch-world"), (["world", "bank", "switch"], "ch-arch"), (["decoded"], "ch-arch"),
    (["hypervisor"], "term-arch-host-guest"), (["satp"], "csr-satp"), (["x86", "cr3"], "csr-satp"),
    (["sv39x4"], "rule-WK-2"), (["lr", "sc", "reservation"], "rule-BA-6")])
def test_words_are_found_where_they_stand(index, words, anchor):
    assert anchor in found(index, *words)


def test_every_heading_is_found(index):
    by_label = {re.sub(r"^[\d.]+ ", "", u[1]): n for n, u in enumerate(index["units"]) if u[2] in ("chapter", "section")}
    headings = [h for p in CHAPTERS for h, _ in UNDERLINED.findall(p.read_text())]
    assert len(headings) > 80
    for heading in headings:
        assert all(by_label[heading] in index["words"][w] for w in manual_search.words(heading)), heading


def test_every_rules_words_are_found_at_it(index):
    number = {u[0]: n for n, u in enumerate(index["units"])}
    rules = [m for p in CHAPTERS for m in re.findall(r"^\.\. rule:: (\S+)\n\n((?:   .*\n|\n)+)", p.read_text(), re.M)]
    assert len(rules) > 200
    for name, text in rules:
        plain = re.sub(r":\w+:`[^`]*`|``[^`]*``|\.\. [\w-]+::.*|:[\w-]+:|[*\\]", " ", text)
        missing = [w for w in re.findall(r"(?<![\w.-])[a-z]{4,}(?![\w-])", plain) if number[f"rule-{name}"] not in index["words"].get(w, ())]
        assert not missing, name


def test_every_row_of_the_tables_is_a_unit(index):
    units = {u[0]: u for u in index["units"]}
    for kind, prefix, rows in (("CSR", "csr", ISA.csrs), ("VMCS field", "vmcs", ISA.vmcs), ("constant", "const", ISA.consts),
                               ("exit cause", "exit", ISA.causes), ("VMTRAPCFG bit", "trap", ISA.trapcfg)):
        for row in rows:
            assert units[f"{prefix}-{row.name}"][1:3] == [row.name, kind]
    assert all(units[i.name][1:3] == [i.name, "instruction"] for i in ISA.insns)


# In a browser --------------------------------------------------------------------------

SEARCH = """
<script>
addEventListener("load", () => {
  const box = document.getElementById("find"), found = document.getElementById("found"), nav = found.closest("nav");
  const answers = %s.map(query => {
    box.value = query;
    box.dispatchEvent(new Event("input"));
    return { said: found.querySelector("p").textContent, hidden: found.hidden, contents: !document.getElementById("contents").hidden,
      links: [...found.querySelectorAll("a")].map(a => [a.hash.slice(1), a.querySelector("b").textContent,
        a.querySelector("q").textContent, [...a.querySelectorAll("mark")].map(m => m.textContent)]),
      wide: nav.scrollWidth > nav.clientWidth };
  });
  document.title = JSON.stringify(answers);
});
</script>
"""
QUERIES = ["world switch", "walk cache", "mtimecmp", "MTIMECMP", "satp", "vmenter", "IO-4", "bank  switch", "nosuchword", "satp nosuchword",
           "satp doorbell", "the", "(", ""]


@pytest.mark.slow
def test_in_chromium(page, tmp_path):
    path = tmp_path / "page.html"
    path.write_text(page.read_text().replace("</head>", SEARCH % json.dumps(QUERIES) + "</head>"))
    dom, complaints = browse(path, "--window-size=1200,900", "--dump-dom")
    assert complaints == []
    answers = dict(zip(QUERIES, json.loads(unescape(re.search(r"<title>(.*?)</title>", dom)[1]))))
    first = {query: a["links"][0] for query, a in answers.items() if a["links"]}

    assert first["world switch"][:2] == ["ch-world", "4 World switches"]
    assert "ch-arch" in [link[0] for link in answers["world switch"]["links"]]
    assert first["walk cache"][0] == "ch-translation-walk-cache"
    assert {link[0] for link in answers["mtimecmp"]["links"]} >= {"rule-PL-1", "rule-PL-3"}
    assert all("mtimecmp" in link[3] and "mtimecmp" in link[2] for link in answers["mtimecmp"]["links"])
    assert answers["MTIMECMP"] == answers["mtimecmp"]
    assert first["satp"][:2] == ["csr-satp", "satp"] and first["vmenter"][0] == "ch-insn-vmenter"
    assert first["IO-4"][0] == "rule-IO-4"
    assert first["bank  switch"][0] == "ch-arch" and "bank" in first["bank  switch"][3]  # the only place with both, as written

    n = len(answers["walk cache"]["links"])
    assert answers["walk cache"]["said"] == f"{n} places:"
    assert re.fullmatch(r"\d{3,} places, the best 60:", answers["the"]["said"]) and len(answers["the"]["links"]) == 60
    for query, said in (("nosuchword", "Nothing here has “nosuchword”."), ("satp nosuchword", "Nothing here has “nosuchword”."),
                        ("satp doorbell", "No one place has all of these words: try fewer."), ("(", "Nothing here has “(”.")):
        assert answers[query]["said"] == said and not answers[query]["links"]
    assert answers[""]["hidden"] and answers[""]["contents"]
    assert not any(a["wide"] or a["contents"] for q, a in answers.items() if q)
