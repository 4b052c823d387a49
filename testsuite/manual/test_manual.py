"""The architecture manual: complete, without dead links, without invented names.

What must be there comes from the tables; that a diagram is right is checked by putting
its bits together again.
"""

import os
import re
import sys
from html.parser import HTMLParser

import pytest

import tables
from harness.tools import SRC, execute, tool

ISA = tables.load(SRC / "isa")
MANUAL = SRC / "isa" / "manual.py"
CHAPTERS = sorted((SRC / "man" / "arch").glob("**/*.rst"))
WRITTEN = sorted((SRC / "man").glob("*.[0-9].rst"))


def make(*args, **env):
    return execute([sys.executable, MANUAL, *args], env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1", **env})


class Page(HTMLParser):
    """Anchors, links and bit diagrams of an HTML page."""

    def __init__(self, text):
        super().__init__()
        self.ids, self.links, self.outside = [], [], []
        self.diagrams, self.names = {}, []
        self.cell = None
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        a = dict(attributes)
        if "id" in a:
            self.ids.append(a["id"])
        if tag == "a" and "href" in a:
            (self.links if a["href"].startswith("#") else self.outside).append(a["href"])
        self.outside += [a[k] for k in ("src", "data", "poster") if k in a]
        self.outside += [a["href"]] if tag == "link" else []
        if a.get("id", "").startswith("insn-") and ISA_IDENTS.get(a["id"][5:]):
            self.diagram = self.diagrams.setdefault(a["id"][5:], [])
        if tag == "span" and a.get("class") in ("fixed", "reg", "imm") and "flex:" in a.get("style", ""):
            self.cell = (a["class"], int(a["style"].split("flex:")[1]))
        if tag == "b" and self.cell:
            self.names = []

    def handle_data(self, data):
        self.names.append(data)

    def handle_endtag(self, tag):
        if tag == "b" and self.cell:
            self.diagram.append((*self.cell, "".join(self.names)))
            self.cell = None


ISA_IDENTS = {i.ident: i for i in ISA.insns}


@pytest.fixture(scope="module")
def html(tmp_path_factory):
    path = tmp_path_factory.mktemp("manual") / "visa-arch.html"
    result = make("html", "-o", path)
    assert result.code == 0, result.stderr
    return path.read_text()


@pytest.fixture(scope="module")
def page(html):
    return Page(html)


@pytest.fixture(scope="module")
def man_pages(tmp_path_factory):
    directory = tmp_path_factory.mktemp("man")
    result = make("man", "-o", directory)
    assert result.code == 0, result.stderr
    return directory


def expected_anchors():
    yield from (("insn", i.name) for i in ISA.insns)
    yield from (("insn", f"insn-{i.ident}") for i in ISA.insns)
    yield from (("csr", f"csr-{c.name}") for c in ISA.csrs)
    yield from (("msr", f"msr-{m.name}") for m in ISA.msrs)
    yield from (("cause", f"exit-{c.name}") for c in ISA.causes)
    yield from (("trapcfg", f"trap-{b.name}") for b in ISA.trapcfg)
    yield from (("vmqual", f"qual-{q.cause}-{q.name}") for q in ISA.vmqual)
    yield from (("vmcs", f"vmcs-{f.name}") for f in ISA.vmcs)
    yield from (("const", f"const-{c.name}") for c in ISA.consts)
    yield from (("latency", f"lat-{l.name}") for l in ISA.latencies)
    yield from (("exception", f"{'exc' if e.kind == 'exception' else 'irq'}-{e.name}") for e in ISA.exceptions)
    yield from (("pseudo", f"pseudo-{p.name}") for p in ISA.pseudos)


@pytest.mark.parametrize("kind", sorted({k for k, _ in expected_anchors()}))
def test_every_row_has_its_anchor(page, kind):
    missing = [a for k, a in expected_anchors() if k == kind and a not in page.ids]
    assert not missing


def test_every_spelling_of_a_pseudo_instruction_is_there(page):
    assert sum(i.startswith("pseudo-") for i in page.ids) == len(ISA.pseudos)


def test_anchors_are_unique(page):
    assert len(page.ids) == len(set(page.ids))


def test_links_lead_somewhere(page):
    assert page.links and not set(page.links) - {f"#{i}" for i in page.ids}


def test_the_page_is_self_contained(html, page):
    assert not page.outside
    assert not re.search(r"@import|url\(|https?://", html)


@pytest.mark.parametrize("insn", ISA.insns, ids=lambda i: i.name)
def test_bit_diagram_is_the_encoding(page, insn):
    mask = match = 0
    at = insn.length * 8
    for kind, width, text in page.diagrams[insn.ident]:
        at -= width
        if kind == "fixed":
            assert len(text) == width
            mask |= ((1 << width) - 1) << at
            match |= int(text, 2) << at
    assert at == 0 and (mask, match) == (insn.mask, insn.match)


@pytest.mark.parametrize("insn", [i for i in ISA.insns if i.ext == "xvisa"], ids=lambda i: i.name)
def test_xvisa_instruction_says_what_it_does_and_raises(html, insn):
    start = html.index(f'id="insn-{insn.ident}"')
    section = html[start:html.index("</section>", start)]
    assert ">Operation<" in section and ">Raises<" in section


def row_of(html, anchor):
    start = html.index(f'id="{anchor}"')
    return re.sub(r"<[^>]+>", " ", html[start:html.index("</tr>", start)])


@pytest.mark.parametrize("field", ISA.vmcs, ids=lambda f: f.name)
def test_vmcs_row_tells_number_and_byte(html, field):
    row = row_of(html, f"vmcs-{field.name}").split()
    assert str(field.first) in row and f"{8 * field.first:#05x}" in row and field.access in row


@pytest.mark.parametrize("cause", ISA.causes, ids=lambda c: c.name)
def test_cause_row_tells_code(html, cause):
    assert f"0x{cause.code:02x}" in row_of(html, f"exit-{cause.name}").split()


@pytest.mark.parametrize("bit", ISA.trapcfg, ids=lambda b: b.name)
def test_filter_row_tells_bit(html, bit):
    assert str(bit.bit) in row_of(html, f"trap-{bit.name}").split()


# Names in the hand-written text ----------------------------------------------------

NAMED = {"VMCS": {f.name for f in ISA.vmcs}, "VMTRAPCFG": {b.name for b in ISA.trapcfg},
         "VMQUAL": {q.name for q in ISA.vmqual}}
PREFIXED = {"EXIT": {c.name for c in ISA.causes}, "TRAP": {b.name for b in ISA.trapcfg},
            "VMCS": {f.name.upper() for f in ISA.vmcs} | {"BYTES", "NONE"},
            "CSR": {c.name.upper() for c in ISA.csrs}}
# In literal markup but no name of a table: what the text itself explains.
OTHER = set("""isa/ virt sext zext s u w rd .aq .rl .adv .eoi .asid .addr in out in.b in.w out.b out.w pc tohost fromhost
    monospace ro mem8[a] mem64[a] VMSWITCH VMQUERY VMPROT TW TSR TVM 0x vmld vmldp""".split())
FIELDS_OF_CSRS = {"mstatus": "MIE MPIE MPP MPRV TVM TW TSR SIE FS", "sstatus": "FS SUM MXR SIE", "menvcfg": "STCE ADUE"}


def literals(path):
    for number, line in enumerate(path.read_text().splitlines(), 1):
        for text in re.findall(r"(?<!`)``([^`]+)``", line):
            yield number, text


def known(text):
    """Is the literal a name that exists, or no name at all?"""
    word = text.split()[0] if text.split() else ""
    if text in OTHER or word in OTHER or any(i.name == word for i in ISA.insns):
        return True
    csr, _, rest = word.partition(".")
    if csr in NAMED:
        return True  # test_names_with_a_prefix_exist looks at these
    if any(c.name == csr for c in ISA.csrs):
        return not rest or rest in FIELDS_OF_CSRS.get(csr, "").split()
    if any(p.name == word for p in ISA.pseudos):
        return True
    return not re.fullmatch(r"[A-Za-z_.]{2,}", word)


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda p: p.stem)
def test_names_in_literals_exist(path):
    unknown = [f"{path.name}:{n}: {t}" for n, t in literals(path) if not known(t)]
    assert not unknown


@pytest.mark.parametrize("path", CHAPTERS + WRITTEN, ids=lambda p: p.stem)
def test_names_with_a_prefix_exist(path):
    wrong = []
    for number, line in enumerate(path.read_text().splitlines(), 1):
        for table, name in re.findall(r"\b(VMCS|VMTRAPCFG|VMQUAL)\.([A-Za-z_]\w*)", line):
            wrong += [] if name in NAMED[table] else [f"{path.name}:{number}: {table}.{name}"]
        for table, name in re.findall(r"\b(EXIT|TRAP|VMCS|CSR)_([A-Z][A-Z0-9_]*)", line):
            wrong += [] if name in PREFIXED[table] else [f"{path.name}:{number}: {table}_{name}"]
    assert not wrong


def test_a_wrong_name_would_be_found():
    assert not known("mstatus.MPRX") and not known("vmenterr x1") and not known("sstat")
    assert known("mstatus.MPRV") and known("csrrs x1, satp, x2") and known("0x1234")


# Man pages --------------------------------------------------------------------------

def rendered(path, width):
    """(lines, complaints) of a page on a terminal of this width, grotty's too."""
    result = execute([tool("groff"), "-t", "-man", "-K", "utf8", "-T", "utf8", "-P-cbou", "-ww", f"-rLL={width}n", path])
    return result.stdout.splitlines(), result.stderr


def warnings_of(path):
    return rendered(path, 78)[1]


def misfits(path, width):
    """What a page gets wrong at this width: complaints, frames of tables, lines that do not fit. Text as it
    is (drawings, commands) cannot be wrapped and has 78 columns, what man gives a terminal of 80."""
    lines, wrong = rendered(path, width)
    wrong = wrong.splitlines() + [line for line in lines if re.search("[\u2500-\u257f]", line)]
    wide = [line for line in lines if len(line) > width]
    kept = set(rendered(path, 400)[0]) if wide and width < 78 else set()
    return wrong + [line for line in wide if line not in kept]


def test_man_pages_are_the_listed_ones(man_pages):
    listed = make("list").stdout.split()
    assert sorted(listed) == sorted(p.name for p in man_pages.iterdir())
    assert {"visa-arch.7", "visa-insn.7", "visa-vmcs.7", "visa-exits.7", "visa-translation.7"} <= set(listed)


def test_groff_has_nothing_to_say(man_pages):
    said = {p.name: w for p in sorted(man_pages.iterdir()) if (w := warnings_of(p))}
    assert not said


WIDTHS = [60, 72, 78, 80, 100, 132]


@pytest.mark.slow
@pytest.mark.parametrize("width", WIDTHS)
def test_pages_fit(width, man_pages):
    wrong = {p.name: w for p in sorted(man_pages.iterdir()) if (w := misfits(p, width))}
    assert not wrong


def test_what_does_not_fit_would_be_found(tmp_path):
    page = tmp_path / "bad.7"
    page.write_text(".TH BAD 7\n.SH NAME\n.nf\n" + "x" * 79 + "\n.fi\n")
    assert [line.strip() for line in misfits(page, 78)] == ["x" * 79]
    page.write_text(".TH BAD 7\n.SH NAME\n.TS\nbox;\nl.\nx\n.TE\n")
    assert misfits(page, 80)


def test_groff_would_complain(tmp_path):
    bad = tmp_path / "bad.7"
    bad.write_text(".TH BAD 7\n.SH NAME\n.nosuchrequest\n")
    assert "nosuchrequest" in warnings_of(bad)


def test_every_instruction_is_in_a_man_page(man_pages):
    text = (man_pages / "visa-insn.7").read_text() + (man_pages / "visa-base.7").read_text()
    text = re.sub(r"\\f[BIP]|\\[&%]", "", text).replace("\\-", "-")
    missing = [i.name for i in ISA.insns if not re.search(rf"\b{re.escape(i.name)}\b", text)]
    assert not missing


@pytest.mark.parametrize("path", WRITTEN, ids=lambda p: p.stem)
def test_written_page_converts(path, tmp_path):
    out = tmp_path / path.stem
    result = make("page", path, "-o", out)
    assert result.code == 0, result.stderr
    name, section = path.stem.split(".")
    assert f'\n.TH "{name.upper()}" "{section}" "" "" "V-ISA"\n.SH NAME\n{name} \\- ' in out.read_text()
    assert not {width: w for width in WIDTHS if (w := misfits(out, width))}


def test_output_depends_on_the_sources_alone(html, tmp_path):
    again = tmp_path / "again.html"
    assert make("html", "-o", again, PYTHONHASHSEED="1", LC_ALL="C", TZ="Asia/Tokyo").code == 0
    assert again.read_text() == html
