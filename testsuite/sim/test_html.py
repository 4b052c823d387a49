"""The HTML report: its structure, what its pictures show, and how Chromium lays it out.

Numbers that are not in the statistics themselves are counted by hand, as in test_report."""

import json
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
    """It is XML as well, but for the two void elements of its head."""
    return ET.fromstring(re.sub(r"<(meta|link)([^>]*)>", r"<\1\2/>", text.removeprefix("<!DOCTYPE html>")))


def section(root, name):
    (found,) = [s for s in root.iter("section") if s.get("id") == name]
    return found


def boxes(element, *classes):
    return [r for r in element.iter("rect") if r.get("class") in classes and r.get("x")]


def widths(element, *classes):
    return [float(r.get("width")) for r in boxes(element, *classes)]


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
    assert [i for i in parsed.ids if not i.startswith("h-")] == SECTIONS
    links = {a["href"][1:] for tag, a in parsed.tags if tag == "a"}
    assert links == set(SECTIONS) - {"summary"}
    root = tree(text)
    for name in SECTIONS:
        s = section(root, name)
        assert s.get("aria-label") or s.find("h2").get("id") == s.get("aria-labelledby")
    for svg in root.iter("svg"):
        assert svg.get("aria-hidden") or (svg.get("role") == "img" and len(svg.get("aria-label")) > 20)
    for t in root.iter("table"):
        assert t.find("caption").text
        assert all(th.get("scope") for th in t.iter("th"))


def test_functional_run_has_no_cycles_by_category(turns):
    root = tree(html(turns))
    assert [s.get("id") for s in root.iter("section")] == [s for s in SECTIONS if s != "cycles"]
    assert "cycles by category" not in " ".join(root.itertext()).lower()


def test_needs_nothing_beside_itself(turns, fresh):
    text = html(with_pipeline(turns))
    assert not re.search(r"https?:|src=|url\(|@import|<script|<iframe|\son\w+=\"", text)
    assert re.findall(r'<link[^>]*>', text) == ['<link rel="icon" href="data:,">']
    assert text == html(with_pipeline(turns))
    assert "prefers-color-scheme:dark" in text


def test_time_is_to_scale(turns):
    part = section(tree(html(turns)), "time")
    total = turns["cycles"]
    for who, cycles, name in (("v0", turns["time"]["host"], "Ring -1"), ("v1", ROUNDS * A_RUNS, "VM 1"),
                              ("v2", ROUNDS * B_RUNS, "VM 2")):
        (bar,) = boxes(part, who)
        assert float(bar.get("width")) == pytest.approx(960 * cycles / total, abs=0.01)
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


@pytest.mark.parametrize("rounds", [1, 3, 40, 300])
def test_timeline(rounds, assemble, run):
    """Against the trace: intervals are the shortest power of two of which 128 are enough."""
    elf = assemble(TURNS.replace(f"li      s4, {ROUNDS}", f"li      s4, {rounds}"))
    stats = run(elf).stats
    who, exits = owners(elf, run)
    assert len(who) == stats["instret"] == stats["cycles"]
    interval = 1
    while 128 * interval < len(who):
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
        x = hit.get("x")
        column = {c: float(r.get("height")) for c in ("v0", "v1", "v2") for r in boxes(part, c) if r.get("x") == x}
        row = [timeline["host"][i], *(vm[i] for vm in timeline["vms"])]
        for c, cycles in zip(("v0", "v1", "v2"), row):
            assert column.get(c, 0) == pytest.approx(150 * cycles / sum(row), abs=0.02)


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
        name, category = re.fullmatch(r"(.+): (\w+) [\d.]+ %, [\d,]+ cycles", tip(rect)).groups()
        bars[name, category] = rect
    whole = 960 - 150 - 190
    for i, category in enumerate(CATEGORIES):
        host = bars["Ring -1", category]
        assert float(host.get("width")) == pytest.approx(whole * 2 * (100 + i) / HOST_CYCLES, abs=0.01)
        assert host.get("class") == f"p{i}"
        if i:
            vm = bars["VM 1 Ring 0", category]
            assert float(vm.get("width")) == pytest.approx(whole * 10 * i / VM_CYCLES, abs=0.01)
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
    assert widths(part, "c0") == [pytest.approx((960 - 150 - 190) * 10 / 20, abs=0.01)] * 2
    assert [tip(r) for r in boxes(part, "c0")] == [f"VM {i} HYPERCALL: 10 exits" for i in (1, 2)]


def test_latency(turns):
    """ROUNDS - 1 returns of each VM: of 26 cycles (16 to 31) and of 9 (8 to 15)."""
    part = section(tree(html(turns)), "latency")
    assert {tip(r) for r in boxes(part, "c0")} == {"16 to 31 cycles: 9 exits of VM 1, HYPERCALL",
                                                   "8 to 15 cycles: 9 exits of VM 2, HYPERCALL"}
    heights = [float(r.get("height")) for r in boxes(part, "c0")]
    assert heights == [pytest.approx(190 * 9 / 20, abs=0.01)] * 2  # of an axis of 4 * 5


def test_walks(turns):
    turns["vms"][0].update(tlbmiss=4, walk_reads_guest=6, walk_reads_host=10)
    turns["vms"][1].update(tlbmiss=0, walk_reads_guest=0, walk_reads_host=0)
    turns.update(tlbmiss_host=0, walk_reads_guest=6, walk_reads_host=10)
    part = section(tree(html(turns)), "walks")
    whole = 960 - 150 - 190
    assert widths(part, "v1") == [pytest.approx(whole * 1.5 / 4, abs=0.01)]  # of four steps of 1
    assert widths(part, "v2") == [pytest.approx(whole * 2.5 / 4, abs=0.01)]
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
    assert "<script" not in text
    assert any(r["Symbol"].startswith("<script>alert") for r in table(tree(text), "Exits"))


def test_many_vms(turns):
    stats = many(turns, 40)
    root = tree(html(stats))
    assert len(table(root, "VMs")) == 41
    assert "and 8 more VMs" in " ".join(section(root, "exits").itertext())
    assert "and 280 more" in " ".join(section(root, "tables").itertext())  # 40 VMs of 12 places, 200 shown


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
    (lambda s: s["timeline"].update(host=[1] * 129), "timeline"),
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

# Runs in the page and leaves in its title what is wrong with how it looks.
LOOK = """
<script>
addEventListener("load", () => {
  const wrong = [];
  if (document.documentElement.scrollWidth > innerWidth) wrong.push("the page is wider than its window");
  for (const svg of document.querySelectorAll("figure > svg")) {
    const all = svg.getBoundingClientRect(), texts = [...svg.querySelectorAll("text")];
    const place = texts.map(t => t.getBoundingClientRect());
    if (all.width < 100 || all.height < 10) wrong.push("a picture has no size");
    place.forEach((a, i) => {
      const name = texts[i].textContent;
      if (a.left < all.left - 1 || a.right > all.right + 1 || a.top < all.top - 1 || a.bottom > all.bottom + 1)
        wrong.push(`'${name}' leaves its picture`);
      place.slice(0, i).forEach((b, k) => {
        if (a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 2 && b.top < a.bottom - 2)
          wrong.push(`'${name}' is on '${texts[k].textContent}'`);
      });
    });
  }
  const light = c => { const [r, g, b] = c.match(/[\\d.]+/g).map(v => (v /= 255) <= 0.03928 ? v / 12.92
    : ((v + 0.055) / 1.055) ** 2.4); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  const contrast = (a, b) => { const x = light(a), y = light(b);
    return (Math.max(x, y) + 0.05) / (Math.min(x, y) + 0.05); };
  const page = getComputedStyle(document.body).backgroundColor;
  for (const t of document.querySelectorAll("figure text:not(.on):not(.onh)"))
    if (contrast(getComputedStyle(t).fill, page) < 4.5) wrong.push(`'${t.textContent}' is faint`);
  for (const e of document.querySelectorAll("h1,h2,p,a,td,th,dt,dd,li,caption"))
    if (contrast(getComputedStyle(e).color, page) < 4.5) wrong.push(`'${e.textContent}' is faint`);
  for (const r of document.querySelectorAll(".legend rect"))
    if (contrast(getComputedStyle(r).fill, page) < 2.2) wrong.push(`colour ${r.getAttribute("class")} is faint`);
  document.title = JSON.stringify({wrong: wrong.slice(0, 10), dark: light(page) < 0.2});
});
</script>"""


def browse(path, *args):
    """The page's DOM as Chromium has it, and what it complained of."""
    p = subprocess.run([tools.tool("chromium"), "--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr",
                        "--user-data-dir=" + str(path.parent / "profile"), *args, f"file://{path}"],
                       capture_output=True, text=True, timeout=120)
    assert p.returncode == 0, p.stderr
    return p.stdout, [line for line in p.stderr.splitlines() if "CONSOLE" in line]


@pytest.mark.parametrize("width", [420, 1200])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("kind", ["functional", "pipeline", "many"])
def test_in_chromium(kind, scheme, width, turns, tmp_path):
    stats = {"functional": lambda: turns, "pipeline": lambda: with_pipeline(turns),
             "many": lambda: with_pipeline(many(turns, 40))}[kind]()
    path = tmp_path / "report.html"
    path.write_text(html(stats).replace("</head>", LOOK + "</head>"))
    dom, complaints = browse(path, f"--blink-settings=preferredColorScheme={0 if scheme == 'dark' else 1}",
                             f"--window-size={width},900", "--dump-dom")
    assert complaints == []
    for name in SECTIONS:
        if name != "cycles" or kind != "functional":
            assert f'<section id="{name}"' in dom
    seen = json.loads(re.search(r"<title>(.*?)</title>", dom).group(1))
    assert seen == {"wrong": [], "dark": scheme == "dark"}
