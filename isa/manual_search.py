"""The index that the HTML manual's search asks: made from the page, so that what is read is found.

A unit is the least thing with an anchor: a section, a rule, a row of a table, an entry of the
reference, a term. Text belongs to the innermost unit round it. The index is

  {"units": [[anchor, label, kind, unit of the section it stands in], ...],
   "words": {word: [numbers of units], ...}}

and find() in page.html is its one reader.
"""

import re
from html.parser import HTMLParser

import manual_rst

VOID = {"meta", "link", "br", "hr", "img", "input", "col", "wbr"}
HEADINGS = {"h2", "h3", "h4", "h5"}
WORD = re.compile(r"[a-z0-9_]+(?:[.-][a-z0-9_]+)*")
KINDS = {**{role: word.split(" (")[0] for role, word in manual_rst.ROLE_WORDS.items()},
         "rule": "rule", "pseudo": "pseudo-instruction", "vmcs": manual_rst.ROLE_WORDS["field"]}


def words(text):
    """Words of a text; of a compound (walk-cache, VMCS.pc) its parts as well."""
    found = set()
    for word in WORD.findall(text.lower()):
        found |= {word, *re.split("[.-]", word)} - {""}
    return found


class Unit:
    def __init__(self, anchor, kind, label, section):
        self.anchor, self.kind, self.label, self.section = anchor, kind, label, section
        self.text = []


class Units(HTMLParser):
    """Reads the page's articles."""

    def __init__(self, page):
        super().__init__()
        self.units = []
        self.open = []      # (tag, unit that begins here or None)
        self.heading = None
        self.row = None     # the unit that has the row, in a table
        self.term = None    # the unit of a term, up to the end of what it means
        self.feed(page)
        self.close()

    def section(self):
        return next((u for _, u in reversed(self.open) if u and u.kind in ("chapter", "section")), None)

    def begin(self, tag, anchor):
        prefix, _, name = anchor.partition("-")
        if tag == "section":
            kind, label = ("section" if self.section() else "chapter"), ""
        elif prefix == "term":
            kind, label = "term", ""
        elif prefix == "insn":
            return None  # a second anchor of an instruction
        elif prefix in KINDS:
            kind, label = KINDS[prefix], name
        else:
            kind, label = "instruction", anchor
        unit = Unit(anchor, kind, label, self.section())
        self.units.append(unit)
        return unit

    def handle_starttag(self, tag, attributes):
        anchor = dict(attributes).get("id")
        unit = self.begin(tag, anchor) if anchor else None
        if tag in HEADINGS:
            self.heading = self.section()
        if tag == "tr":
            self.row = None
        if unit and any(t == "tr" for t, _ in self.open):
            self.row = self.row or unit
        if unit and tag == "dt":
            self.term = unit
        if tag not in VOID:
            self.open.append((tag, unit))

    def handle_startendtag(self, tag, attributes):
        pass  # neither text nor an anchor

    def handle_endtag(self, tag):
        if tag in HEADINGS:
            self.heading = None
        if tag == "tr":
            self.row = None
        if tag == "dd":
            self.term = None
        while self.open and self.open.pop()[0] != tag:
            pass

    def handle_data(self, data):
        unit = self.row or self.term or next((u for _, u in reversed(self.open) if u), None)
        if not unit:
            return
        unit.text.append(data)
        if self.heading is unit or any(tag == "dt" for tag, _ in self.open):
            unit.label += data


def index(bodies):
    """The index of the articles' HTML, in a form that json writes."""
    units = Units("\n".join(bodies)).units
    number = {id(u): n for n, u in enumerate(units)}
    postings = {}
    for n, unit in enumerate(units):
        unit.label = " ".join(unit.label.split())
        for word in words(" ".join(unit.text) + " " + unit.label):
            postings.setdefault(word, []).append(n)
    return {"units": [[u.anchor, u.label, u.kind, number[id(u.section)] if u.section else n] for n, u in enumerate(units)],
            "words": dict(sorted(postings.items()))}
