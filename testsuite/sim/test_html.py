"""The HTML report: its structure, what its pictures show, and how Chromium lays it out.

Numbers that are not in the statistics themselves are counted by hand, as in test_report."""

import html as markup
import itertools
import json
import math
import re
import subprocess
import xml.etree.ElementTree as ET
from html.parser import HTMLParser

import pytest
from harness import tools
from sim.test_report import A_RUNS, B_RUNS, ROUNDS, TURNS, many, stat

SECTIONS = ["summary", "time", "timeline", "cycles", "exits", "sites", "latency", "walks", "tables"]
VOID = {"meta", "link"}
CATEGORIES = ["retired", "frontend", "mispredict", "icache", "dcache", "tlb", "walk_guest", "walk_host", "hazard",
              "execute", "world", "pool", "trap", "flush", "device", "wait"]


@pytest.fixture
def turns(assemble, run):
    return run(assemble(TURNS)).stats


def with_pipeline(stats):
    """The same, with cycles of a pipeline: of category i, Ring -1 has 100 + i, of harts 0 and 1
    each, and VM 1 has 10 * i."""
    rows = [{"hart": hart, "vmcs": "0x0", "vmid": 0, "ring": -1, "instret": 50,
             "cycles": {c: 100 + i for i, c in enumerate(CATEGORIES)}} for hart in (0, 1)]
    rows.append({"hart": 0, "vmcs": stats["vms"][0]["vmcs"], "vmid": 1, "ring": 0, "instret": 400,
                 "cycles": {c: 10 * i for i, c in enumerate(CATEGORIES)}})
    return {**stats, "model": "pipeline",
            "pipeline": {"cycles": 2000, "cpi": 9.0, "counts": {"icache_misses": 77, "jumps": 88}, "rows": rows}}


HOST_CYCLES = 2 * sum(100 + i for i in range(len(CATEGORIES)))
VM_CYCLES = sum(10 * i for i in range(len(CATEGORIES)))


def html(stats):
    return stat("--html", "-", "-", text=json.dumps(stats))


class Balanced(HTMLParser):
    """Every element that begins ends, in order; ids, in order."""

    def __init__(self, text):
        super().__init__()
        self.open, self.ids, self.tags = [], [], []
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self.ids += [v for k, v in attrs if k == "id"]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def tree(text):
    """It is XML as well, but for the void elements of its head and its script."""
    text = re.sub(r"<script>.*?</script>", "", text.removeprefix("<!DOCTYPE html>"), flags=re.S)
    return ET.fromstring(re.sub(r"<(meta|link)([^>]*)>", r"<\1\2/>", text))


def section(root, name):
    (found,) = [s for s in root.iter("section") if s.get("id") == name]
    return found


def boxes(element, *classes):
    """Those that have a title: not the patterns on them."""
    return [r for r in element.iter("rect") if r.get("class") in classes and r.find("title") is not None]


def percent(rect, of="width"):
    assert rect.get(of).endswith("%")
    return float(rect.get(of)[:-1])


def widths(element, *classes):
    return [percent(r) for r in boxes(element, *classes)]


def patterns(element):
    """Of each box with a title its pattern's class, None without."""
    rects = list(element.iter("rect"))
    after = {id(r): n for r, n in zip(rects, rects[1:] + [None])}
    found = []
    for r in rects:
        if r.find("title") is not None:
            n = after[id(r)]
            same = n is not None and n.find("title") is None and all(n.get(k) == r.get(k) for k in ("x", "y", "width", "height"))
            found.append(n.get("class") if same else None)
    return found


def tip(rect):
    return rect.find("title").text


def table(root, caption):
    """Rows of the table whose caption begins so, as dicts of texts; numbers without commas."""
    (found,) = [t for t in root.iter("table") if t.find("caption").text.startswith(caption)]
    titles = [th.text for th in found.find("thead").iter("th")]
    rows = []
    for tr in found.find("tbody"):
        cells = [(c.text or "").replace(",", "") for c in tr]
        assert len(cells) == len(titles)
        rows.append(dict(zip(titles, cells)))
    return rows


def test_structure(turns):
    text = html(with_pipeline(turns))
    parsed = Balanced(text)
    assert text.startswith("<!DOCTYPE html>\n<html lang=\"en\">")
    assert len(set(parsed.ids)) == len(parsed.ids)
    assert [i for i in parsed.ids if not re.match(r"h-|c\d$", i)] == SECTIONS
    links = {a["href"][1:] for tag, a in parsed.tags if tag == "a"}
    assert links == set(SECTIONS) - {"summary"}
    root = tree(text)
    for name in SECTIONS:
        s = section(root, name)
        assert s.get("aria-label") or s.find("h2").get("id") == s.get("aria-labelledby")
    for svg in root.iter("svg"):
        assert svg.get("aria-hidden") or (svg.get("role") == "img" and len(svg.get("aria-label")) > 20)
    for figure in root.iter("figure"):
        assert len(figure.get("aria-label")) > 20
    for t in root.iter("table"):
        assert t.find("caption").text
        assert all(th.get("scope") for th in t.iter("th"))


def test_functional_run_has_no_cycles_by_category(turns):
    root = tree(html(turns))
    assert [s.get("id") for s in root.iter("section")] == [s for s in SECTIONS if s != "cycles"]
    assert "cycles by category" not in " ".join(root.itertext()).lower()


def test_needs_nothing_beside_itself(turns, fresh):
    text = html(with_pipeline(turns))
    assert not re.search(r"https?:|src=|url\((?!#c\d\))|@import|<script[^>]|<iframe|\son\w+=\"", text)
    assert not re.search(r"fetch|XMLHttp|WebSocket|import|eval|innerHTML|Storage|Date|random", text)
    assert text.count("<script>") == text.count("</script>") == 1
    (policy,) = re.findall(r'"Content-Security-Policy" content="([^"]*)"', text)
    assert policy.startswith("default-src 'none';") and "http" not in policy
    assert re.findall(r'<link[^>]*>', text) == ['<link rel="icon" href="data:,">']
    assert text == html(with_pipeline(turns))
    assert "prefers-color-scheme: dark" in text


def test_time_is_to_scale(turns):
    part = section(tree(html(turns)), "time")
    total = turns["cycles"]
    for who, cycles, name in (("vm v0", turns["time"]["host"], "Ring -1"), ("vm v1", ROUNDS * A_RUNS, "VM 1"),
                              ("vm v2", ROUNDS * B_RUNS, "VM 2")):
        (bar,) = boxes(part, who)
        assert percent(bar) == pytest.approx(100 * cycles / total, abs=0.001)
        assert tip(bar) == f"{name}: {100 * cycles / total:.1f} %, {cycles:,} cycles"


def owners(elf, run):
    """Who had each cycle, None for Ring -1, and the cycles of exits: from the trace, as a cycle of
    this program is an instruction."""
    who, exits = [], []
    for r in tools.trace_records(run(elf, "--trace", "--trace-format", "json").stderr):
        if r.get("event", {}).get("kind") == "exit":
            exits.append(int(r["instret"]))
        if r["retired"]:
            who.append(r["vmid"] if r["v"] else None)
    return who, exits


@pytest.mark.parametrize("rounds", [1, 3, 60, 300])
def test_timeline(rounds, assemble, run):
    """Against the trace: intervals are the shortest power of two of which 512 are enough."""
    elf = assemble(TURNS.replace(f"li      s4, {ROUNDS}", f"li      s4, {rounds}"))
    stats = run(elf).stats
    who, exits = owners(elf, run)
    assert len(who) == stats["instret"] == stats["cycles"]
    interval = 1
    while 512 * interval < len(who):
        interval *= 2
    timeline = stats["timeline"]
    n = -(-len(who) // interval)
    parts = [who[i * interval:(i + 1) * interval] for i in range(n)]
    assert timeline["interval"] == interval
    assert timeline["host"] == [p.count(None) for p in parts]
    assert timeline["vms"] == [[p.count(vmid) for p in parts] for vmid in (1, 2)]
    assert timeline["exits"] == [sum(i * interval <= e < (i + 1) * interval for e in exits) for i in range(n)]
    assert sum(timeline["exits"]) == 2 * rounds


def test_timeline_of_two_harts(assemble, run):
    """One hart in Ring -1 all the time, the other one too: there is nothing but Ring -1."""
    elf = assemble("""
            .globl _start
    _start: bnez    a0, 1f
            li      t0, 400
    2:      addi    t0, t0, -1
            bnez    t0, 2b
            li      a0, 0x5555
            li      t1, 0x100000
            sw      a0, 0(t1)
    1:      j       1b
    """)
    stats = run(elf, "--harts", 2, "--quantum", 64).stats
    assert stats["timeline"]["vms"] == []
    assert sum(stats["timeline"]["host"]) == stats["time"]["total"] == stats["instret"]
    assert max(stats["timeline"]["host"]) == 2 * stats["timeline"]["interval"]  # of both


def test_timeline_is_drawn(turns):
    part = section(tree(html(turns)), "timeline")
    timeline = turns["timeline"]
    hits = boxes(part, "hit")
    assert len(hits) == len(timeline["host"])
    for i, hit in enumerate(hits):
        step = timeline["interval"]
        assert tip(hit).startswith(f"cycles {i * step:,} to {(i + 1) * step - 1:,}: Ring -1 ")
        assert tip(hit).endswith(f"; {timeline['exits'][i]} exits")
        assert (hit.get("x"), hit.get("width")) == (str(i), "1")  # in intervals
    rows = {"vm v0": timeline["host"], "vm v1": timeline["vms"][0], "vm v2": timeline["vms"][1], "any": timeline["exits"]}
    paths = {p.get("class"): p for p in part.iter("path")}
    assert list(paths) == list(rows)
    scale = [150 / sum(column) for column in zip(*list(rows.values())[:3])]
    below = [158.0] * len(scale)
    for name, path in paths.items():
        assert path.get("data-n") == ",".join(map(str, rows[name]))
        drawn = {int(x): (float(y), float(h)) for x, y, h in re.findall(r"M(\d+) ([\d.]+)h1v-([\d.]+)h-1z", path.get("d"))}
        assert sorted(drawn) == [i for i, n in enumerate(rows[name]) if n]
        for i, (y, h) in drawn.items():
            if name == "any":
                assert (y, h) == (244, pytest.approx(60 * rows[name][i] / max(rows[name]), abs=0.01))
            else:
                assert (y, h) == (pytest.approx(below[i], abs=0.01), pytest.approx(rows[name][i] * scale[i], abs=0.01))
                below[i] -= h
    (svg,) = [e for e in part.iter("svg") if e.get("class") == "time"]
    end = float(svg.get("viewBox").split()[2])
    assert end * timeline["interval"] == pytest.approx(turns["cycles"], abs=0.01)  # one hart: its last column is cut


def test_statistics_without_a_timeline(turns):
    del turns["timeline"]
    part = section(tree(html(turns)), "timeline")
    assert part.find("figure") is None and "no timeline" in " ".join(part.itertext())


def test_cycles_are_to_scale(turns):
    """Rows of one ring of several harts are one; a bar is all of a ring's cycles."""
    root = tree(html(with_pipeline(turns)))
    part = section(root, "cycles")
    bars = {}
    for rect in part.find("figure").iter("rect"):
        assert (rect.get("x"), rect.get("y")) != (None, None)
        name, category = re.fullmatch(r"(.+): (\w+) [\d.]+ %, [\d,]+ cycles", tip(rect)).groups()
        bars[name, category] = rect
    for i, category in enumerate(CATEGORIES):
        host = bars["Ring -1", category]
        assert percent(host) == pytest.approx(100 * 2 * (100 + i) / HOST_CYCLES, abs=0.001)
        assert host.get("class") == f"part p{i} v0"
        if i:
            vm = bars["VM 1 Ring 0", category]
            assert percent(vm) == pytest.approx(100 * 10 * i / VM_CYCLES, abs=0.001)
            assert vm.get("class") == f"part p{i} v1"
            assert tip(vm).endswith(f" {10 * i:,} cycles")
    assert ("VM 1 Ring 0", "retired") not in bars  # none
    legend = " ".join(t.strip() for t in part.find("ul").itertext())
    share = 100 * (2 * 101 + 10) / (HOST_CYCLES + VM_CYCLES)
    assert f"frontend {share:.1f} %" in legend
    host, vm, total = table(root, "Cycles by category")
    assert (host["Ring"], host["cycles"], host["wait"]) == ("Ring -1", str(HOST_CYCLES), "230")
    assert (vm["Ring"], vm["instructions"], vm["cycles"]) == ("VM 1 Ring 0", "400", str(VM_CYCLES))
    assert (total["cycles"], total["instructions"]) == (str(HOST_CYCLES + VM_CYCLES), "500")
    assert total["CPI"] == f"{(HOST_CYCLES + VM_CYCLES) / 500:.1f}"
    assert {r["What"]: r["count"] for r in table(root, "Events")} == {"icache_misses": "77", "jumps": "88"}


def tiles(root):
    return {d.find("dt").text: d.find("dd").text for d in section(root, "summary").iter("div")}


def test_summary(turns):
    plain = tiles(tree(html(turns)))
    assert plain["instructions"] == f"{turns['instret']:,}" and plain["VM exits"] == f"{2 * ROUNDS}"
    assert plain["of the time in Ring -1"] == f"{100 * turns['time']['host'] / turns['cycles']:.1f} %"
    assert "cycles per instruction" not in plain
    timed = tiles(tree(html(with_pipeline(turns))))
    assert timed["cycles per instruction"] == f"{(HOST_CYCLES + VM_CYCLES) / 500:.2f}"


def test_part_of_a_run(turns):
    whole = with_pipeline(turns)
    assert "are all of it" not in html(whole)
    assert "its cycles are those from instruction 70 on. Exits" in html({**whole, "switched_at": 70})
    sampled = {**whole, "sampling": {"cycles": {"mean": 12340.0, "low": 11106.0, "high": 13574.0}}}
    assert tiles(tree(html(sampled)))["cycles of the run, estimated"] == "12,340 \u00b1 10.0 %"
    sampled["sampling"]["cycles"].update(mean=7.5, low=None, high=None)
    assert tiles(tree(html(sampled)))["cycles of the run, estimated"] == "8"


def test_exits_are_to_scale(turns):
    """Both VMs exit ROUNDS times by one cause: two bars of one length, half an axis of 4 * 5."""
    assert ROUNDS == 10
    part = section(tree(html(turns)), "exits")
    for i in (1, 2):
        assert widths(part, f"vm v{i}") == [pytest.approx(100 * 10 / 20, abs=0.001)]
        assert [tip(r) for r in boxes(part, f"vm v{i}")] == [f"VM {i} HYPERCALL: 10 exits"]
    assert patterns(part) == [None, None]


def test_causes_are_patterns(turns):
    """Of one VM with three causes, the most frequent is plain; places and the legend agree."""
    site = turns["exit_sites"][0]
    counts = {"IO": 5, "HALT": 9, "MSR": 7}
    turns["vms"] = turns["vms"][:1]
    turns["timeline"]["vms"] = turns["timeline"]["vms"][:1]
    turns["time"]["vms"] = turns["time"]["vms"][:1]
    turns["exit_sites"] = [{**site, "vmcs": turns["vms"][0]["vmcs"], "vmid": 1, "cause": c, "count": n}
                           for c, n in counts.items()]
    root = tree(html(turns))
    own = {"HALT": None, "MSR": "c1", "IO": "c2"}
    part = section(root, "exits")
    assert dict(zip([tip(r).split()[2][:-1] for r in boxes(part, "vm v1")], patterns(part))) == own
    assert [n.get("id") for n in root.iter("pattern")] == [f"c{i}" for i in range(1, 9)]
    (legend,) = part.iter("ul")
    assert {"".join(li.itertext()): [r.get("class") for r in li.iter("rect")][1:] for li in legend} == {
        cause: [c] if c else [] for cause, c in own.items()}
    sites = section(root, "sites")
    assert dict(zip([tip(r).split()[2] for r in boxes(sites, "vm v1")], patterns(sites))) == own


def test_latency(turns):
    """ROUNDS - 1 returns of each VM: of 26 cycles (16 to 31) and of 9 (8 to 15)."""
    part = section(tree(html(turns)), "latency")
    (one,), (two,) = boxes(part, "vm v1"), boxes(part, "vm v2")
    assert tip(one) == "16 to 31 cycles: 9 exits of VM 1, HYPERCALL"
    assert tip(two) == "8 to 15 cycles: 9 exits of VM 2, HYPERCALL"
    assert [float(r.get("height")) for r in (one, two)] == [pytest.approx(190 * 9 / 20, abs=0.01)] * 2  # of 4 * 5
    assert percent(two, "x") < percent(one, "x") and percent(one) == percent(two)


def test_walks(turns):
    turns["vms"][0].update(tlbmiss=4, walk_reads_guest=6, walk_reads_host=10)
    turns["vms"][1].update(tlbmiss=0, walk_reads_guest=0, walk_reads_host=0)
    turns.update(tlbmiss_host=0, walk_reads_guest=6, walk_reads_host=10)
    part = section(tree(html(turns)), "walks")
    assert widths(part, "vm v1") == [pytest.approx(100 * 1.5 / 4, abs=0.001)]  # guest's, of four steps of 1
    assert widths(part, "pale vm v1") == [pytest.approx(100 * 2.5 / 4, abs=0.001)]
    assert any("4.0, 4 misses" in t for t in part.itertext())
    turns["vms"][0].update(tlbmiss=0)
    assert "missed nothing" in " ".join(section(tree(html(turns)), "walks").itertext())


def test_tables_have_every_number(turns):
    root = tree(html(turns))
    by_title = {r["What"]: int(r["count"]) for r in table(root, "Totals")}
    assert sorted(by_title.values()) == sorted(v for k, v in turns.items() if isinstance(v, int) and k != "harts")
    assert by_title["instructions retired"] == turns["instret"]
    vms = table(root, "VMs")
    assert [v["VM"] for v in vms] == ["Ring -1", "VM 1", "VM 2"]
    for row, vm in zip(vms[1:], turns["vms"]):
        assert (row["VMCS"], row["exits"], row["instructions"]) == (vm["vmcs"], str(vm["exits"]), str(vm["instret"]))
    for row, s in zip(table(root, "Exits"), turns["exit_sites"]):
        assert (row["Cause"], row["Guest pc"], row["Symbol"]) == (s["cause"], s["pc"], s["symbol"])
        assert (row["exits"], row["away: min"], row["max"]) == (
            str(s["count"]), f"{s['instret']['min']}.0", f"{s['instret']['max']}.0")


def test_run_without_vms(assemble, run):
    stats = run(assemble("""
            .globl _start
    _start: li      a0, 0x5555
            li      t1, 0x100000
            sw      a0, 0(t1)
    1:      j       1b
    """)).stats
    root = tree(html(stats))
    for name in ("exits", "sites", "latency", "walks"):
        assert section(root, name).find("figure") is None
    assert "Ring -1 100.0 %" in " ".join(section(root, "time").itertext())


def test_hostile_names_stay_text(turns):
    for site in turns["exit_sites"]:
        site["symbol"] = "<script>alert(1)</script>&\"'\x01"
    text = html(turns)
    assert text.count("<script") == 1
    assert any(r["Symbol"].startswith("<script>alert") for r in table(tree(text), "Exits"))


def test_many_vms(turns):
    stats = many(turns, 72)
    root = tree(html(stats))
    assert len(table(root, "VMs")) == 73
    assert "and 8 more VMs" in " ".join(section(root, "exits").itertext())
    assert "and 664 more" in " ".join(section(root, "tables").itertext())  # 72 VMs of 12 places, 200 shown


def oklab(colour):
    """CSS Color 4's matrices, from sRGB."""
    r, g, b = (v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4
               for v in (int(colour[i:i + 2], 16) / 255 for i in (1, 3, 5)))
    l, m, s = (v ** (1 / 3) for v in (0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b,
                                      0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b,
                                      0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b))
    return (0.2104542553 * l + 0.7936177850 * m - 0.0040720468 * s,
            1.9779984951 * l - 2.4285922050 * m + 0.4505937099 * s,
            0.0259040371 * l + 0.7827717662 * m - 0.8086757660 * s)


def test_one_colour_has_one_meaning(turns):
    """64 VMs, Ring -1, causes of any VM, categories: 0.02 in Oklab is what an eye can tell. VMs
    that follow each other differ much more, and so do a VM and what is none."""
    text = html(with_pipeline(many(turns, 64)))
    vms = [c for i, c in sorted((int(i), c) for i, c in re.findall(r"\.v(\d+)\{--c:(#\w{6})\}", text))]
    categories = re.findall(r"\.p\d+\{fill:(#\w{6})\}", text)
    grey = re.findall(r"--(?:dark|host|any): ?(#\w{6})", text)
    assert (len(vms), len(categories), len(grey)) == (64, len(CATEGORIES), 4)  # of light and dark
    vms, categories, grey = ([oklab(c) for c in part] for part in (vms, categories, grey))
    assert min(math.dist(a, b) for a, b in itertools.combinations(vms, 2)) > 0.02
    assert min(math.dist(a, b) for a, b in itertools.pairwise(vms)) > 0.1
    assert min(math.dist(a, b) for a, b in itertools.combinations(vms[:12], 2)) > 0.1
    assert min(math.dist(a, b) for a in vms for b in categories + grey) > 0.05
    assert min(math.dist(a, b) for a, b in itertools.combinations(categories, 2)) > 0.04
    assert min(math.dist(a, b) for a in categories for b in grey) > 0.04


def test_every_vm_has_its_name_beside_its_colour(turns):
    root = tree(html(many(turns, 64)))
    legend = [e for e in section(root, "time").iter("li")]
    assert [e.get("class") for e in legend] == [f"vm v{i}" for i in range(65)]
    assert ["".join(e.itertext()).rsplit(" ", 2)[0] for e in legend] == ["Ring -1"] + [f"VM {i}" for i in range(1, 65)]
    for row in (e for e in section(root, "exits").iter("div") if e.get("class") == "row"):
        who = row.find("span")
        assert {r.get("class") for r in boxes(row, who.get("class").removeprefix("who "))} == {f"vm v{who.text[3:]}"}


def test_visa_sim_writes_the_same(assemble, fresh):
    elf, report, stats = assemble(TURNS), fresh(".html"), fresh(".json")
    tools.execute([tools.tool("visa-sim"), "--report", report, "--stats", stats, elf]).ok()
    assert report.read_text() == stat("--html", "-", stats)


def test_unwritable(turns, tmp_path):
    path = tmp_path / "x.json"
    path.write_text(json.dumps(turns))
    assert "no/such" in stat("--html", tmp_path / "no" / "such" / "x.html", path, code=1)


@pytest.mark.parametrize("damage, where", [
    (lambda s: s["timeline"].update(interval=0), "timeline"),
    (lambda s: s["timeline"].update(host=[1] * 513), "timeline"),
    (lambda s: s["timeline"].update(vms=[]), "timeline"),
    (lambda s: s["timeline"]["exits"].pop(), "timeline"),
    (lambda s: s["pipeline"].pop("rows"), "pipeline: expected rows"),
    (lambda s: s["pipeline"]["rows"][1]["cycles"].pop("wait"), "pipeline: rows[1]: cycles: no number for wait"),
    (lambda s: s["pipeline"]["rows"][2].pop("ring"), "pipeline: rows[2]: ")])
def test_damaged_statistics(damage, where, turns):
    stats = with_pipeline(turns)
    damage(stats)
    assert where in stat("--html", "-", "-", text=json.dumps(stats), code=1)


# In a browser ------------------------------------------------------------------------------

# Runs in the page, and leaves what it found as the window's title.
FOUND = """
<script>
addEventListener("load", async () => {
  const all = what => [...document.querySelectorAll(what)], one = what => document.querySelector(what);
  const found = %s;
  top.document.title = JSON.stringify(found);
});
</script>"""

# What is wrong with how the page looks.
LOOK = r"""(() => {
  const wrong = [], page = document.documentElement;
  if (page.scrollWidth > innerWidth) wrong.push(`the page is ${page.scrollWidth} wide in ${innerWidth}`);
  for (const figure of all("figure"))
    if (figure.scrollWidth > figure.clientWidth) wrong.push(`a picture is ${figure.scrollWidth} wide`);
  for (const svg of all(".over, .axes > svg, .bar")) {
    const all = svg.getBoundingClientRect(), texts = [...svg.querySelectorAll("text")].filter(t => t.getClientRects().length);
    const place = texts.map(t => t.getBoundingClientRect());
    if (all.width < 45 || all.height < 10) wrong.push("a picture has no size");
    place.forEach((a, i) => {
      const name = texts[i].textContent;
      if (a.left < all.left - 1 || a.right > all.right + 1 || a.top < all.top - 1 || a.bottom > all.bottom + 1)
        wrong.push(`'${name}' leaves its picture`);
      if (a.height < 11) wrong.push(`'${name}' is small`);
      place.slice(0, i).forEach((b, k) => {
        if (a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 2 && b.top < a.bottom - 2)
          wrong.push(`'${name}' is on '${texts[k].textContent}'`);
      });
    });
  }
  const light = c => { const [r, g, b] = c.match(/[\d.]+/g).map(v => (v /= 255) <= 0.03928 ? v / 12.92
    : ((v + 0.055) / 1.055) ** 2.4); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  const contrast = (a, b) => { const x = light(a), y = light(b);
    return (Math.max(x, y) + 0.05) / (Math.min(x, y) + 0.05); };
  const page_colour = getComputedStyle(document.body).backgroundColor;
  for (const t of all("figure text"))
    if (contrast(getComputedStyle(t).fill, page_colour) < 4.5) wrong.push(`'${t.textContent}' is faint`);
  for (const e of all("h1,h2,p,a,td,th,dt,dd,li,caption,.who,.val,.ticks span,output,label"))
    if (contrast(getComputedStyle(e).color, page_colour) < 4.5) wrong.push(`'${e.textContent}' is faint`);
  for (const r of all(".legend rect:not([class^=c])"))
    if (contrast(getComputedStyle(r).fill, page_colour) < 2.2) wrong.push(`colour ${r.getAttribute("class")} is faint`);
  return {wrong: wrong.slice(0, 10), dark: light(page_colour) < 0.2, width: innerWidth};
})()"""


def browse(path, *args):
    """The page's DOM as Chromium has it, and what it complained of."""
    p = subprocess.run([tools.tool("chromium"), "--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr",
                        "--user-data-dir=" + str(path.parent / "profile"), *args, f"file://{path}"],
                       capture_output=True, text=True, timeout=120)
    assert p.returncode == 0, p.stderr
    return p.stdout, [line for line in p.stderr.splitlines() if "CONSOLE" in line]


def look(text, tmp_path, width, found, *args):
    """What an expression of the page sees, in a window of this width: Chromium's own are at
    least 500 pixels wide, a frame is not."""
    text = text.replace("</body>", FOUND % found + "</body>")
    frame = (f'<!DOCTYPE html><meta charset="utf-8"><meta name="color-scheme" content="light dark"><title></title>'
             f'<iframe style="border:0;width:{width}px;height:900px" srcdoc="{markup.escape(text)}"></iframe>')
    path = tmp_path / "report.html"
    path.write_text(frame)
    dom, complaints = browse(path, "--window-size=1600,1000", *args, "--virtual-time-budget=5000", "--dump-dom")
    assert complaints == []
    return json.loads(markup.unescape(re.search(r"<title>(.*?)</title>", dom, re.S).group(1)))


@pytest.mark.slow
@pytest.mark.parametrize("width, scheme", [(400, "light"), (400, "dark"), (800, "dark"), (1400, "light")])
@pytest.mark.parametrize("kind", ["functional", "pipeline", "many"])
def test_in_chromium(kind, scheme, width, turns, tmp_path):
    stats = {"functional": lambda: turns, "pipeline": lambda: with_pipeline(turns),
             "many": lambda: with_pipeline(many(turns, 40))}[kind]()
    seen = look(html(stats), tmp_path, width, LOOK, f"--blink-settings=preferredColorScheme={0 if scheme == 'dark' else 1}")
    assert seen == {"wrong": [], "dark": scheme == "dark", "width": width}


# Events as a pointer and keys would make them.
HANDS = r"""
  const tip = () => one(".tip").hidden ? "" : one(".tip").textContent;
  const point = (kind, e, x, y, more = {}) => {
    const r = e.getBoundingClientRect();
    e.dispatchEvent(new PointerEvent(kind, {bubbles: true, pointerId: 1, button: 0, clientX: r.left + x * r.width,
                                            clientY: r.top + (y < 1 ? y * r.height : y), ...more}));
  };
  const key = (e, name) => e.dispatchEvent(new KeyboardEvent("keydown", {key: name, bubbles: true, cancelable: true}));
  const time = one(".time"), ticks = () => all("#timeline .ticks text").map(t => t.textContent);
  time.setPointerCapture = () => {};
  const seen = () => time.getAttribute("viewBox").split(" ").map(Number);
  const drag = (from, to, more) => {
    point("pointerdown", time, from, 50, more);
    point("pointermove", time, to, 50, more);
    point("pointerup", time, to, 50, more);
  };
  const button = text => all("button").find(b => b.textContent === text);
"""


def hands(turns, tmp_path, what):
    return look(html(with_pipeline(turns)), tmp_path, 800, "await (async () => {" + HANDS + what + "})()")


@pytest.mark.slow
def test_pointer_shows_values(turns, tmp_path):
    """Under the pointer is what the part's title says; in the timeline, what the statistics say of
    the VM in that interval: that of the most cycles of VM 2 (it is on top)."""
    seen = hands(turns, tmp_path, """
      const found = {left: all("figure title").length};
      for (const name of ["time", "cycles", "exits", "sites", "latency"]) {
        point("pointermove", one(`#${name} figure rect`), 0.5, 0.5);
        found[name] = tip();
      }
      const n = one("#timeline .v2").dataset.n.split(",").map(Number), at = n.indexOf(Math.max(...n));
      point("pointermove", time, (at + 0.5) / seen()[2], 9);
      found.at = at;
      found.timeline = tip();
      point("pointermove", time, (at + 0.5) / seen()[2], 230);
      found.below = tip();
      point("pointermove", one("h1"), 0.5, 0.5);
      found.away = tip();
      return found;
    """)
    at, timeline = seen.pop("at"), turns["timeline"]
    column = [timeline["host"][at], *(vm[at] for vm in timeline["vms"])]
    begin, end = at * timeline["interval"], (at + 1) * timeline["interval"] - 1
    assert seen.pop("timeline") == (f"VM 2: {column[2]:,} cycles, {100 * column[2] / sum(column):.1f} %\n"
                                    f"in cycles {begin:,} to {end:,}, exits: {timeline['exits'][at]}")
    assert seen.pop("below").startswith(f"cycles {begin:,} to {end:,}: Ring -1 ")
    host = turns["time"]["host"]
    cost = sorted(turns["exit_sites"], key=lambda s: -s["handling"]["cycles"]["sum"])[0]
    assert seen.pop("sites").endswith(f" {cost['handling']['cycles']['sum']:,} cycles in all")
    assert seen == {"left": 0, "time": f"Ring -1: {100 * host / turns['cycles']:.1f} %, {host:,} cycles",
                    "cycles": f"all rings: retired {100 * 200 / (HOST_CYCLES + VM_CYCLES):.1f} %, 200 cycles",
                    "exits": "VM 1 HYPERCALL: 10 exits", "latency": "8 to 15 cycles: 9 exits of VM 2, HYPERCALL",
                    "away": ""}


@pytest.mark.slow
def test_picking_a_vm_dims_the_others(turns, tmp_path):
    """By its legend, by a bar, by the list, by the timeline, by keys; again, or Escape, ends it."""
    seen = hands(turns, tmp_path, """
      const strong = () => {
        const marks = all("main .vm, main .part"), of = kind => marks.filter(e => getComputedStyle(e).opacity === kind);
        const names = marks => [...new Set(marks.map(e => (/\\bv\\d+/.exec(e.getAttribute("class")) || ["none"])[0]))].sort();
        return [names(of("1")), one("select").value, all("[aria-pressed=true]").map(e => e.textContent)];
      };
      const found = [strong()], chip = one("#time li.v2"), list = one("select");
      const note = () => found.push(strong());
      chip.click(); note();
      one("#exits rect.v1").dispatchEvent(new MouseEvent("click", {bubbles: true})); note();
      key(document.body, "Escape"); note();
      list.value = "v0"; list.dispatchEvent(new Event("change")); note();
      list.value = ""; list.dispatchEvent(new Event("change")); note();
      key(chip, "Enter"); note();
      key(chip, " "); note();
      const n = one("#timeline .v1").dataset.n.split(",").map(Number), at = n.indexOf(Math.max(...n));
      const whole = n.map((_, i) => [0, 1, 2].reduce((sum, v) => sum + Number(one(`#timeline .v${v}`).dataset.n.split(",")[i]), 0));
      const host = Number(one("#timeline .v0").dataset.n.split(",")[at]);
      const y = 158 - 150 * (host + n[at] / 2) / whole[at], x = (at + 0.5) / seen()[2];
      point("pointerdown", time, x, y); point("pointerup", time, x, y); note();
      found.push(one(".told").textContent);
      return found;
    """)
    every, none = ["none", "v0", "v1", "v2"], [["none", "v0", "v1", "v2"], "", []]
    share = [f"{100 * ROUNDS * runs / turns['cycles']:.1f} %" for runs in (A_RUNS, B_RUNS)]
    host = f"{100 * turns['time']['host'] / turns['cycles']:.1f} %"
    one, two = [["v1"], "v1", [f"VM 1 {share[0]}"]], [["v2"], "v2", [f"VM 2 {share[1]}"]]
    assert every == none[0]
    assert seen == [none, two, one, none, [["v0"], "v0", [f"Ring -1 {host}"]], none, two, none, one,
                    f"{share[0]} of all cycles, {ROUNDS} exits"]


@pytest.mark.slow
def test_timeline_zooms(turns, tmp_path):
    """Buttons, keys, wheel and pointer change what is seen, and the axis with it."""
    seen = hands(turns, tmp_path, """
      const figure = time.closest("figure"), found = {whole: seen(), ticks: ticks(), told: one("output").value};
      const note = name => found[name] = seen();
      button("Zoom in").click(); note("half");
      found.closer = ticks(); found.closer_told = one("output").value;
      button("Earlier").click(); note("earlier");
      button("Later").click(); note("later");
      button("Zoom out").click(); note("out");
      drag(0.25, 0.5); note("dragged");
      drag(0.5, 0.25, {shiftKey: true}); note("moved");
      button("Whole run").click(); note("again");
      key(figure, "+"); note("plus"); key(figure, "-"); note("minus");
      figure.blur();
      const wheel = () => { const r = time.getBoundingClientRect();
        return time.dispatchEvent(new WheelEvent("wheel", {deltaY: -1, cancelable: true, clientX: r.left, clientY: r.top})); };
      found.page_scrolls = wheel(); note("unmoved");
      figure.focus();
      found.kept = !wheel(); note("wheeled");
      key(figure, "0"); note("zero");
      for (let i = 0; i < 20; i++) key(figure, "+");
      note("deepest"); found.at_end = button("Zoom in").disabled;
      return found;
    """)
    interval, end = turns["timeline"]["interval"], turns["cycles"] / turns["timeline"]["interval"]

    def span(name):
        return [seen[name][0], seen[name][0] + seen[name][2]]

    for name in ("whole", "out", "again", "minus", "unmoved", "zero"):
        assert span(name) == pytest.approx([0, end]), name
    assert span("half") == span("plus") == pytest.approx([end / 4, 3 * end / 4])
    assert span("earlier") == pytest.approx([0, end / 2]) and span("later") == pytest.approx([end / 4, 3 * end / 4])
    assert span("dragged") == pytest.approx([end / 4, end / 2], rel=0.01)
    assert span("moved") == pytest.approx([end * 5 / 16, end * 9 / 16], rel=0.01)
    assert span("wheeled") == pytest.approx([0, 0.8 * end])
    assert seen["deepest"][2] == pytest.approx(2) and seen["at_end"]
    assert (seen["page_scrolls"], seen["kept"]) == (True, True)
    assert seen["told"] == f"cycles 0 to {turns['cycles']}"
    assert seen["closer_told"] == f"cycles {end / 4 * interval + 0.5:.0f} to {3 * end / 4 * interval + 0.5:.0f}"
    assert [int(t) for t in seen["ticks"]] == list(range(0, turns["cycles"] + 1, int(seen["ticks"][1])))
    assert seen["ticks"] != seen["closer"]
    assert all(end / 4 * interval <= int(t) <= 3 * end / 4 * interval for t in seen["closer"])


@pytest.mark.slow
def test_keys_reach_every_part(turns, tmp_path):
    """A picture is one stop of the Tab key; arrows tell part after part of it."""
    seen = hands(turns, tmp_path, """
      const found = {stops: all("figure").every(f => f.tabIndex === 0)};
      const parts = all("#cycles figure [data-tip]").map(e => e.dataset.tip), figure = one("#cycles figure");
      figure.focus();
      found.walked = parts.map(() => (key(figure, "ArrowRight"), tip()));
      found.parts = parts;
      key(figure, "Home"); found.home = tip() === parts[0];
      key(figure, "Enter"); found.picked = one("select").value;
      key(figure, "End"); key(figure, "Enter"); found.then = one("select").value;
      figure.blur(); found.left = tip();
      return found;
    """)
    assert len(seen["parts"]) == len(CATEGORIES) + len(CATEGORIES) + len(CATEGORIES) - 1
    assert seen["walked"] == seen["parts"]
    assert (seen["stops"], seen["home"], seen["picked"], seen["then"], seen["left"]) == (True, True, "", "v1", "")


@pytest.mark.slow
def test_nothing_to_draw(turns, tmp_path, assemble, run):
    """Without a VM, or without a timeline, the script has less to do, and complains of nothing."""
    del turns["timeline"]
    assert look(html(turns), tmp_path, 400, LOOK, "--blink-settings=preferredColorScheme=1")["wrong"] == []
    stats = run(assemble("""
            .globl _start
    _start: li      a0, 0x5555
            li      t1, 0x100000
            sw      a0, 0(t1)
    1:      j       1b
    """)).stats
    assert look(html(stats), tmp_path, 400, LOOK, "--blink-settings=preferredColorScheme=1")["wrong"] == []
