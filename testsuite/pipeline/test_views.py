"""Views of a run: Konata's log, gem5's lines, waveforms, Perfetto. Each format is read by a parser
of its own here, and what it says compared with the retire trace, with the statistics, with the
manual's rules and with the other views."""

import json
import re

import pytest

from harness import guest, tools
from pipeline.programs import program

STAGES = "FDXMW"
SCOPES = ["fetch", "decode", "execute", "memory", "write"]
BETWEEN = {"TIMER", "EXTERNAL", "PREEMPT", "INTWINDOW"}  # exits in place of an instruction

LOOP = program("""
    li a0, 40
a:  addi a0, a0, -1
    ld a1, 0(s0)
    add a2, a1, a1
    div a3, a2, a0
    andi a4, a0, 1
    bnez a4, b
    nop
b:  bnez a0, a
    ebreak
""", after="""
    .p2align 2
handler:
    csrr a0, mepc
    addi a0, a0, 4
    csrw mepc, a0
    mret
""")

HARTS = """
    .globl _start
_start:
    la   s0, data
    slli a1, a0, 3
    add  s0, s0, a1
    li   a2, 30
1:  ld   a3, 0(s0)
    add  a3, a3, a2
    sd   a3, 0(s0)
    amoadd.d a4, a2, (s0)
    addi a2, a2, -1
    bnez a2, 1b
    beqz a0, finish
2:  wfi
    j    2b
finish:
    li   t0, 0x100000
    li   t1, 0x5555
    sw   t1, 0(t0)
    .data
    .p2align 6
data:
    .zero 64
"""


# --- Parsers --------------------------------------------------------------------------

class Insn:
    """What a log says of an instruction."""

    def __init__(self, number, hart, cycle):
        self.number, self.hart, self.begun = number, hart, cycle
        self.label, self.details, self.stages, self.end, self.trapped = "", "", {}, None, False
        self.waits_for, self.ended = [], []  # ended: the stages that it has left

    def cycles(self):
        """{category: cycles} of the details."""
        found = re.search(r"\\ncycles:((?: \w+ \d+)*)", self.details)
        words = found[1].split()
        return dict(zip(words[::2], map(int, words[1::2])))

    def detail(self, pattern):
        found = re.search(pattern, self.details)
        return int(found[1]) if found else 0

    def where(self):
        return [self.stages[s] for s in STAGES] + [self.end]

    def key(self):
        return self.hart, self.label, self.where(), self.trapped


def kanata(text):
    """The instructions of a log, by hart, in its order. Nothing but what the format knows may stand
    in it, and nothing of an instruction before it began or behind its end."""
    lines = text.split("\n")
    assert lines.pop() == "" and lines.pop(0) == "Kanata\t0004"
    while lines[0].startswith("# "):  # what ran
        lines.pop(0)
    first = lines.pop(0).split("\t")
    assert first[0] == "C="
    cycle, insns, retired = int(first[1]), [], 0
    for line in lines:
        name, *args = line.split("\t")
        if name == "C":
            assert int(args[0]) > 0
            cycle += int(args[0])
            continue
        if name == "I":
            assert int(args[0]) == len(insns) and len(args) == 3
            insns.append(Insn(int(args[1]), int(args[2]), cycle))
            continue
        i = insns[int(args[0])]
        assert i.end is None, f"behind its end: {line}"
        if name == "L":
            assert len(args) == 3 and args[1] in "01"
            if args[1] == "0":
                i.label += args[2]
            else:
                i.details += args[2]
        elif name == "S":
            assert args[1] == "0" and args[2] == STAGES[len(i.stages)] and len(i.ended) == len(i.stages), line
            i.stages[args[2]] = cycle
        elif name == "E":  # viewers want it: then the next one begins, or it retires
            i.ended.append((args[2], cycle))
            assert args[1] == "0" and args[2] == STAGES[len(i.stages) - 1] and len(i.ended) == len(i.stages), line
        elif name == "W":
            assert args[2] == "0"
            i.waits_for.append(insns[int(args[1])])
        else:
            assert name == "R" and args[2] in "01" and int(args[1]) == retired, line
            i.end, i.trapped = cycle, args[2] == "1"
            retired += not i.trapped
    harts = {}
    for i in insns:
        assert i.end is not None and len(i.stages) == 5 and i.begun == i.stages["F"]
        assert i.ended == list(zip(STAGES, i.where()[1:]))
        harts.setdefault(i.hart, []).append(i)
    return harts


class Wave:
    """A value change dump: {signal's path: [(time, value), ...]}; values are numbers, None is z."""

    def __init__(self, text):
        head, body = text.split("$enddefinitions $end\n")
        self.changes, self.widths, self.paths, scopes = {}, {}, {}, []
        assert "$timescale 1 ns $end" in head
        for words in re.findall(r"\$(\w+)\s+(.*?)\s*\$end", head, re.S):
            if words[0] == "scope":
                scopes.append(words[1].split()[1])
            elif words[0] == "upscope":
                scopes.pop()
            elif words[0] == "var":
                kind, width, code, name, *bits = words[1].split()
                assert kind == "wire" and code not in self.paths
                assert bits == ([f"[{int(width) - 1}:0]"] if int(width) > 1 else [])
                path = ".".join(scopes + [name])
                assert path not in self.changes
                self.paths[code], self.widths[path], self.changes[path] = path, int(width), []
        assert not scopes
        self.read(body)

    def read(self, body):
        time = None
        for line in body.splitlines():
            if line[0] == "#":
                assert time is None or int(line[1:]) > time
                time = int(line[1:])
                self.start = time if not any(self.changes.values()) else self.start
            elif line[0] == "$":
                assert line in ("$dumpvars", "$end")
            elif line[0] == "b":
                value, code = line[1:].split(" ")
                assert len(value) <= self.widths[self.paths[code]]
                self.change(time, code, None if "z" in value else int(value, 2))
            else:
                assert self.widths[self.paths[line[1:]]] == 1
                self.change(time, line[1:], None if line[0] == "z" else int(line[0]))
        self.end = time
        assert all(c and c[0][0] == self.start for c in self.changes.values()), "all have a first value"

    def change(self, time, code, value):
        changes = self.changes[self.paths[code]]
        assert not changes or changes[-1][1] != value or time == self.start, "that is no change"
        changes.append((time, value))

    def values(self, path):
        """{cycle: value} from the first cycle to the one before the last time."""
        changes = self.changes[path] + [(self.end, None)]
        return {c: v for (a, v), (b, _) in zip(changes, changes[1:]) for c in range(a, b)}


def o3pipeview(text):
    """[(number, pc, text, {stage: tick})]"""
    found, lines = [], tools.trace_lines(text)
    assert len(lines) % 7 == 0
    for n in range(0, len(lines), 7):
        _, first, tick, pc, upc, number, words = lines[n].split(":", 6)
        assert first == "fetch" and upc == "0"
        ticks = {"fetch": int(tick)}
        for name, line in zip(["decode", "rename", "dispatch", "issue", "complete"], lines[n + 1:n + 6]):
            start, stage, tick = line.split(":")
            assert (start, stage) == ("O3PipeView", name)
            ticks[name] = int(tick)
        found_retire = re.fullmatch(r"O3PipeView:retire:(\d+):store:0", lines[n + 6])
        ticks["retire"] = int(found_retire[1])
        found.append((int(number), int(pc, 16), words, ticks))
    return found


# --- Runs -------------------------------------------------------------------------------

class Views:
    """A run and all of its views."""

    def __init__(self, elf, where, *args, model="pipeline"):
        files = {n: where / n for n in ["kanata", "o3pipeview", "vcd", "perfetto"]}
        if model == "functional":
            files = {"perfetto": files["perfetto"]}
        trace = where / "trace"
        before = {f.name for f in where.iterdir()}
        self.result = tools.simulate(elf, "--model", model, *[f"--{n}={f}" for n, f in files.items()],
                                     f"--trace={trace}", "--trace-format", "json", *args, stats=where / "stats")
        self.result.ok()
        self.stats = self.result.stats
        self.text = {n: f.read_text() for n, f in files.items()}
        self.records = tools.trace_records(trace.read_text())
        self.kanata = kanata(self.text["kanata"]) if "kanata" in self.text else {}
        assert {f.name for f in where.iterdir()} - before == {*files, "trace", "stats"}

    def category(self, name):
        return sum(r["cycles"][name] for r in self.stats["pipeline"]["rows"])


TOUR = (tools.SRC / "examples" / "tour.s").read_text()
PROGRAMS = {"loop": (LOOP,), "tour": (TOUR,), "harts": (HARTS, "--harts", "3")}


@pytest.fixture(scope="module", params=PROGRAMS)
def views(request, pipelined, tmp_path_factory):
    text, *args = PROGRAMS[request.param]
    where = tmp_path_factory.mktemp(request.param)
    elf = guest.assemble(text, where / "elf")
    (where / "views").mkdir()
    v = Views(elf, where / "views", *args)
    v.elf, v.args = elf, args
    return v


@pytest.fixture
def again(views, tmp_path):
    """again(*args): the same run with other options."""
    def run(*args):
        where = tmp_path / f"again{len(list(tmp_path.iterdir()))}"
        where.mkdir()
        return Views(views.elf, where, *views.args, *args)
    return run


# --- Konata -----------------------------------------------------------------------------

def test_every_instruction(views):
    """The same instructions as in the trace, each in X in its record's cycle."""
    for hart, insns in views.kanata.items():
        records = [r for r in views.records if r["hart"] == hart and
                   ("insn" in r or (r["event"]["kind"] != "interrupt" and r["event"]["name"] not in BETWEEN))]
        assert [i.number for i in insns] == list(range(len(records)))
        for i, r in zip(insns, records):
            words = f"<{r['symbol']}> " if "symbol" in r else ""
            assert i.label == f"{int(r['pc'], 16):08x} {words}{r.get('disasm', '(not fetched)')}"
            assert i.stages["X"] == r["cycle"]
            assert i.trapped == (not r["retired"])
            world = f"Ring {r['ring']}" + (f" of VM {r['vmid']}, VMCS {r['vmcs']}" if r["v"] else "")
            assert i.details.startswith(f"hart {hart}, {world}\\n")
    assert {r["hart"] for r in views.records} == set(views.kanata)


def test_stages_in_order(views):
    """One instruction in a stage, in program order, at least a cycle in each."""
    for insns in views.kanata.values():
        for i in insns:
            assert all(a < b for a, b in zip(i.where(), i.where()[1:]))
            assert i.end == i.stages["W"] + 1
        for a, b in zip(insns, insns[1:]):
            assert all(comes >= leaves for comes, leaves in zip(b.where(), a.where()[1:]))


def test_arrows(views):
    """To an instruction that entered X later than decode and the one before it let it."""
    arrows = 0
    for insns in views.kanata.values():
        for a, b in zip(insns, insns[1:]):
            late = b.stages["X"] > max(b.stages["D"] + 1, a.stages["M"])
            assert b.waits_for == ([a] if late else []), b.label
            arrows += late
    assert arrows


def test_cycles_add_up(views):
    """An instruction has the cycles since the one before; all have those of the statistics."""
    names = views.stats["pipeline"]["rows"][0]["cycles"]
    for insns in views.kanata.values():
        ends = [0] + [i.end for i in insns]
        assert [sum(i.cycles().values()) for i in insns] == [b - a for a, b in zip(ends, ends[1:])]
    every = [i for insns in views.kanata.values() for i in insns]
    assert {n: sum(i.cycles().get(n, 0) for i in every) for n in names} == {n: views.category(n) for n in names}
    counts = views.stats["pipeline"]["counts"]
    assert sum(i.detail(r"instruction cache misses: (\d+)") for i in every) == counts["icache_misses"] > 0
    assert sum(i.detail(r"data cache misses: (\d+)") for i in every) == counts["dcache_misses"]
    assert sum("\\nmispredicted" in i.details for i in every) == counts["mispredicts"] > 0


# --- gem5 -------------------------------------------------------------------------------

def test_o3pipeview(views):
    """The same as Konata's log, in ticks: 1000 for a cycle, and cycle 0 is not 0, which is never."""
    every = sorted((i for insns in views.kanata.values() for i in insns), key=lambda i: (i.stages["F"], i.hart))
    lines = o3pipeview(views.text["o3pipeview"])
    assert [n for n, *_ in lines] == list(range(1, len(every) + 1))
    for i, (_, pc, words, ticks) in zip(every, lines):
        hart = f"hart {i.hart} " if len(views.kanata) > 1 else ""
        assert (pc, words) == (int(i.label.split()[0], 16), hart + i.label.split(" ", 1)[1])
        s = {k: 1000 * (v + 1) for k, v in i.stages.items()}
        assert ticks == {"fetch": s["F"], "decode": s["D"], "rename": s["D"], "dispatch": s["X"], "issue": s["X"],
                         "complete": s["M"], "retire": 0 if i.trapped else s["W"]}


# --- Waveforms --------------------------------------------------------------------------

def drawn(insns, wave):
    """What the stages' signals are by Konata's log: {(scope, signal): {cycle: value}}."""
    cycles = range(wave.start, wave.end)
    want = {(s, n): dict.fromkeys(cycles, None if n in ("pc", "number") else 0)
            for s in SCOPES for n in ("valid", "pc", "number")}
    for i in insns:
        for scope, a, b in zip(SCOPES, i.where(), i.where()[1:]):
            for c in range(max(a, wave.start), min(b, wave.end)):
                want[scope, "valid"][c] = 1
                want[scope, "pc"][c] = int(i.label.split()[0], 16)
                want[scope, "number"][c] = i.number
    return want


def check_stages(wave, harts):
    for hart, insns in harts.items():
        for (scope, name), values in drawn(insns, wave).items():
            assert wave.values(f"visa.hart{hart}.{scope}.{name}") == values, (hart, scope, name)


def test_waveform_stages(views):
    wave = Wave(views.text["vcd"])
    assert wave.start == 0
    assert wave.end == max(i.end for insns in views.kanata.values() for i in insns)
    check_stages(wave, views.kanata)


SPECIAL = {"fetch.icache_miss": ("F", lambda i: i.detail(r"instruction cache misses: (\d+)") > 0),
           "decode.waits": ("D", lambda i: bool(i.waits_for)),
           "execute.mispredicted": ("X", lambda i: "\\nmispredicted" in i.details),
           "memory.dcache_miss": ("M", lambda i: i.detail(r"data cache misses: (\d+)") > 0),
           "write.trapped": ("W", lambda i: i.trapped)}


@pytest.mark.parametrize("name", SPECIAL)
def test_waveform_special(views, name):
    """High while an instruction is in the stage of which it is true."""
    wave, (stage, true) = Wave(views.text["vcd"]), SPECIAL[name]
    for hart, insns in views.kanata.items():
        values = wave.values(f"visa.hart{hart}.{name}")
        n = STAGES.index(stage)
        want = {c for i in insns if true(i) for c in range(i.where()[n], i.where()[n + 1])}
        assert {c for c, v in values.items() if v} == want


def test_waveform_cycles(views):
    """Every cycle up to a hart's last is in one category, as often as the statistics say, and the ring
    and VM are those of the instruction it belongs to."""
    wave = Wave(views.text["vcd"])
    names = views.stats["pipeline"]["rows"][0]["cycles"]
    total = dict.fromkeys(names, 0)
    for hart, insns in views.kanata.items():
        high = {n: {c for c, v in wave.values(f"visa.hart{hart}.cycle.{n}").items() if v} for n in names}
        assert sorted(c for s in high.values() for c in s) == list(range(insns[-1].end))
        ring, v, vmid = (wave.values(f"visa.hart{hart}.{n}") for n in ("ring", "v", "vmid"))
        for a, b in zip([0] + [i.end for i in insns], insns):
            world = re.match(r"hart \d+, Ring (-?\d)(?: of VM (\d+))?", b.details)
            for c in range(a, b.end):
                assert ring[c] == int(world[1]) % 256 and v[c] == (world[2] is not None)
                assert vmid[c] == (int(world[2]) if world[2] else None)
            for n in names:
                assert sum(c in high[n] for c in range(a, b.end)) == b.cycles().get(n, 0)
        assert all(s[c] is None for s in (ring, v, vmid) for c in range(insns[-1].end, wave.end))
        for n in names:
            total[n] += len(high[n])
    assert total == {n: views.category(n) for n in names}


# --- Bounds -----------------------------------------------------------------------------

def keys(harts):
    return {h: [i.key() for i in insns] for h, insns in harts.items()}


def test_from_to(views, again):
    """Whole instructions that are in the pipeline in one of the cycles; waves of just these cycles."""
    middle = views.kanata[0][len(views.kanata[0]) // 2].stages["X"]
    part = again("--from", str(middle), "--to", str(middle + 90))
    want = {h: [i.key() for i in insns if i.stages["F"] <= middle + 90 and i.stages["W"] >= middle]
            for h, insns in views.kanata.items()}
    assert keys(part.kanata) == {h: insns for h, insns in want.items() if insns}
    wave, whole = Wave(part.text["vcd"]), Wave(views.text["vcd"])
    assert (wave.start, wave.end) == (middle, middle + 91)
    for path in wave.changes:
        assert wave.values(path) == {c: v for c, v in whole.values(path).items() if middle <= c <= middle + 90}, path


def test_last(views, again):
    part = again("--last", "7")
    assert keys(part.kanata) == {h: insns[-7:] for h, insns in keys(views.kanata).items()}
    check_stages(Wave(part.text["vcd"]), part.kanata)
    assert part.result.stderr == ""


def test_behind_the_end(views, again):
    """Nothing there: the files are, and are sound."""
    part = again("--from", "100000000")
    assert part.kanata == {} and tools.trace_lines(part.text["o3pipeview"]) == []
    assert all(len(c) == 1 for c in Wave(part.text["vcd"]).changes.values())
    assert [e for e in json.loads(part.text["perfetto"])["traceEvents"] if e["ph"] != "M"] == []


def bodies(text):
    """Views without what they say of the run itself."""
    return (tools.trace_lines(text["kanata"]), tools.trace_lines(text["o3pipeview"]),
            text["vcd"].split("$timescale")[1], json.loads(text["perfetto"])["traceEvents"])


def test_same_again(views, again):
    """Byte for byte; and however far the harts run ahead, but for the head, which says how far."""
    assert again().text == views.text
    assert bodies(again("--set", "pipeline.quantum=100").text) == bodies(views.text)


def test_default_bound(pipelined, assemble, tmp_path):
    """Without --last there is a bound, and it is told."""
    elf = assemble(program("li a0, 60000\na: addi a0, a0, -1\nbnez a0, a"))
    result = tools.simulate(elf, "--o3pipeview", tmp_path / "o3").ok()
    assert len(o3pipeview((tmp_path / "o3").read_text())) == 100000
    assert "the last 100000 are shown" in result.stderr
    everything = tools.simulate(elf, "--o3pipeview", tmp_path / "o3", "--last", "0").ok()
    assert len(o3pipeview((tmp_path / "o3").read_text())) > 120000 and everything.stderr == ""


def test_stopped_run(pipelined, assemble, tmp_path):
    """A run that is cut has views of what was."""
    result = tools.simulate(assemble(LOOP), "--kanata", tmp_path / "k", "--max-insns", "50")
    assert result.code == 122
    assert len(kanata((tmp_path / "k").read_text())[0]) == 50


# --- Perfetto ---------------------------------------------------------------------------

class Timeline:
    """A trace in Chrome's format: slices by lane, and arrows."""

    KEYS = {"X": {"ts", "dur", "name", "cat", "args"}, "M": {"name", "args"}, "C": {"ts", "name", "args"},
            "i": {"ts", "s", "cat", "name"}, "s": {"ts", "id", "cat", "name"}, "f": {"ts", "id", "cat", "name", "bp"}}

    def __init__(self, text):
        document = json.loads(text)
        assert set(document) == {"displayTimeUnit", "otherData", "traceEvents"}
        self.lanes, self.names, self.arrows, self.counts, self.marks = {}, {}, {}, {}, []
        for e in document["traceEvents"]:
            lane = e["pid"], e.get("tid")
            assert set(e) == self.KEYS[e["ph"]] | {"ph", "pid"} | ({"tid"} if e["ph"] != "C" else set())
            assert all(isinstance(e[k], int) and e[k] >= 0 for k in ("ts", "dur") if k in e)
            if e["ph"] == "X":
                self.lanes.setdefault(lane, []).append(e)
            elif e["ph"] == "M" and e["name"] == "thread_name":
                self.names[lane] = e["args"]["name"]
            elif e["ph"] == "C":
                self.counts.setdefault(e["pid"], []).append((e["ts"], e["args"]["exits"]))
            elif e["ph"] == "i":
                self.marks.append((lane, e["ts"], e["name"]))
            elif e["ph"] in "sf":
                begun = self.arrows.setdefault(e["id"], {})
                assert e["ph"] not in begun
                begun[e["ph"]] = e

    def check(self):
        """Slices of a lane follow each other; those of a hart have no gap. Arrows have two ends, and
        each of these is at a slice and a mark."""
        for slices in self.lanes.values():
            assert all(a["ts"] + a["dur"] <= b["ts"] for a, b in zip(slices, slices[1:]))
        for hart in {h for h, _ in self.lanes}:
            slices = sorted((s for (h, _), lane in self.lanes.items() if h == hart for s in lane),
                            key=lambda s: (s["ts"], s["ts"] + s["dur"]))
            assert all(a["ts"] + a["dur"] == b["ts"] for a, b in zip(slices, slices[1:]))
        for ends in self.arrows.values():
            assert set(ends) == {"s", "f"}
            for e in ends.values():
                lane = e["pid"], e["tid"]
                assert any(s["ts"] <= e["ts"] <= s["ts"] + s["dur"] for s in self.lanes[lane])
                assert [m for m in self.marks if m[:2] == (lane, e["ts"]) and m[2].endswith(e["name"])]
        assert set(self.lanes) <= set(self.names)
        return self


def check_exits(view):
    """Every exit of the trace ends a slice of the VM's, in its cycle, and says why and where."""
    timeline = Timeline(view.text["perfetto"]).check()
    exits = [r for r in view.records if r.get("event", {}).get("kind") == "exit"]
    ended = [(lane, s) for lane, slices in timeline.lanes.items() for s in slices if s["args"]["ends"].startswith("exit ")]
    ended.sort(key=lambda x: (x[1]["ts"] + x[1]["dur"], x[0]))
    assert len(ended) == len(exits) == view.stats["exits"]
    for (lane, s), r in zip(ended, sorted(exits, key=lambda r: (r["cycle"], r["hart"]))):
        assert s["ts"] + s["dur"] == r["cycle"] and lane[0] == r["hart"]
        assert timeline.names[lane] == f"VM {r['vmid']} (VMCS {r['vmcs']})"
        assert (s["name"], s["cat"]) == (f"VM {r['vmid']} Ring {r['ring']}", "guest")
        assert s["args"]["ends"] == f"exit {r['event']['name']}" and s["args"]["pc"] == r["pc"]
        assert s["args"].get("symbol") == r.get("symbol") and s["args"]["VMQUAL"] == r["event"]["qual"]
        assert set(r["event"]["fields"]) <= set(s["args"])
    entered = {(r["hart"], r["cycle"] + 1) for r in view.records if r.get("event", {}).get("kind") == "entry"}
    assert {(lane[0], s["ts"] + s["dur"]) for lane, slices in timeline.lanes.items() for s in slices
            if s["args"]["ends"].startswith("entry ")} == entered
    assert {h: [n for _, n in c] for h, c in timeline.counts.items()} == \
        {h: list(range(1, 1 + sum(r["hart"] == h for r in exits))) for h in {r["hart"] for r in exits}}
    retired = sum(s["args"]["instructions"] for slices in timeline.lanes.values() for s in slices)
    assert retired == sum(r["retired"] for r in view.records)
    return timeline


def test_timeline(views):
    check_exits(views)


def test_timeline_functional(assemble, tmp_path):
    timeline = check_exits(Views(assemble(TOUR), tmp_path, model="functional"))
    assert {n for n in timeline.names.values()} == {"Ring -1", "VM 0 (VMCS 0x80008000)"}


@pytest.fixture(scope="module")
def interrupts(tmp_path_factory):
    """examples/interrupts: 200 interrupts from another hart, 10 from the guest to itself."""
    where = tmp_path_factory.mktemp("interrupts")
    tools.tool("riscv64-unknown-elf-gcc")
    tools.execute(["make", "-s", "--no-print-directory", "-C", tools.SRC / "examples", where / "interrupts.elf", f"O={where}",
                   f"BUILD={tools.BUILD}", f"VISA_AS={tools.tool('visa-as')}"]).ok()
    return where / "interrupts.elf"


@pytest.mark.parametrize("model", ["functional", "pipeline"])
def test_interrupts(request, interrupts, tmp_path, model):
    """An arrow for each, from the instruction that sent it to the cycle in which it was taken."""
    if model == "pipeline":
        request.getfixturevalue("pipelined")
    v = Views(interrupts, tmp_path, "--harts", "2", "--last", "0", model=model)
    timeline = check_exits(v)
    at = {(r["hart"], r["cycle"]): r for r in v.records if r.get("disasm", "").startswith("vint_send")}
    taken = {(r["hart"], r["cycle"]) for r in v.records if r.get("event", {}).get("kind") == "interrupt"}
    begins = [a["s"] for a in timeline.arrows.values()]
    assert len(begins) == len(at) == 210 and {(b["pid"], b["ts"]) for b in begins} == set(at)
    assert {(a["f"]["pid"], a["f"]["ts"]) for a in timeline.arrows.values()} == taken and len(taken) == 210
    assert sum(a["s"]["pid"] != a["f"]["pid"] for a in timeline.arrows.values()) == 200
    assert sum(n.startswith("SEI") for *_, n in timeline.marks) == 210
    if model == "pipeline":
        assert all(a["s"]["ts"] < a["f"]["ts"] for a in timeline.arrows.values())


def test_rings(pipelined, assemble, tmp_path):
    """Outside of VMs, one lane: a slice for each stay in a ring."""
    v = Views(assemble("""
    .globl _start
_start:
    la   t0, handler
    csrw mtvec, t0
    li   t0, -1
    csrw pmpaddr0, t0
    li   t0, 31
    csrw pmpcfg0, t0
    la   t0, user
    csrw mepc, t0
    li   t0, 0x1800
    csrc mstatus, t0
    mret
user:
    nop
    ecall
    .p2align 2
handler:
    li   t0, 0x100000
    li   t1, 0x5555
    sw   t1, 0(t0)
"""), tmp_path, model="functional")
    slices = Timeline(v.text["perfetto"]).check().lanes[0, 0]
    assert [(s["name"], s["args"]["ends"]) for s in slices] == \
        [("Ring -1", "mret"), ("Ring 3", "exception ECALL_U"), ("Ring -1", "end of the run")]
    assert [s["args"].get("symbol") for s in slices][:2] == ["_start+" + hex(len_before(v, "mret")), "user+0x4"]


def len_before(v, name):
    """Bytes from the start to the instruction."""
    pcs = [int(r["pc"], 16) for r in v.records]
    return next(int(r["pc"], 16) for r in v.records if r["disasm"] == name) - pcs[0]


def test_trace_of_exits(pipelined, assemble, tmp_path):
    """Traces beside a view are what they are without it."""
    elf = assemble(TOUR)
    for args in (["--trace-exits"], ["--trace-events"], ["--trace"]):
        alone = tools.simulate(elf, *args).ok()
        assert tools.simulate(elf, *args, "--perfetto", tmp_path / "p").ok().stderr == alone.stderr


# --- Errors -----------------------------------------------------------------------------

@pytest.mark.parametrize("args,words", [
    (["--kanata", "k", "--model", "functional"], "--kanata needs the pipeline model"),
    (["--vcd", "k", "--model", "functional"], "--vcd needs the pipeline model"),
    (["--kanata", "k", "--from", "5", "--to", "4"], "--from 5 is behind --to 4"),
    (["--from", "5"], "none of these is there"), (["--to", "5"], "none of these"), (["--last", "5"], "none of these"),
    (["--kanata", "k", "--last", "many"], "--last"),
])
def test_wrong_options(pipelined, assemble, tmp_path, args, words):
    result = tools.execute([tools.tool("visa-sim"), *args, assemble(LOOP)], cwd=tmp_path)
    assert result.code == 120 and words in result.stderr
    assert not list(tmp_path.glob("k*"))


@pytest.mark.parametrize("kind", ["kanata", "o3pipeview", "vcd", "perfetto"])
def test_unwritable(pipelined, assemble, tmp_path, kind):
    elf = assemble(LOOP)
    result = tools.simulate(elf, f"--{kind}", tmp_path / "none" / "k")
    assert result.code == 119 and "cannot be written" in result.stderr
    result = tools.simulate(elf, f"--{kind}", "/dev/full")
    assert result.code == 119 and "No space left on device" in result.stderr


def test_old_file_stays(pipelined, assemble, tmp_path):
    """Until the new one is whole: an image that is not there, another file that cannot be written."""
    old = tmp_path / "k"
    old.write_text("old")
    for args in ([tmp_path / "none.elf"], ["--vcd", tmp_path / "none" / "v", assemble(LOOP)]):
        result = tools.execute([tools.tool("visa-sim"), "--kanata", old, *args])
        assert result.code in (119, 121)
        assert old.read_text() == "old" and not list(tmp_path.glob("*.part"))


def test_no_room(pipelined, assemble, tmp_path):
    """Files may have 4 KiB: what is there stays there, and nothing else does."""
    old, elf = tmp_path / "k", assemble(LOOP)
    old.write_text("old")
    result = tools.execute(["sh", "-c", "trap '' XFSZ; ulimit -f 8; exec \"$@\"", "sh", tools.tool("visa-sim"),
                            "--kanata", old, elf])
    assert result.code == 119 and "File too large" in result.stderr
    assert old.read_text() == "old" and not list(tmp_path.glob("*.part"))


def test_standard_output(pipelined, assemble):
    assert kanata(tools.simulate(assemble(LOOP), "--kanata", "-").ok().stdout)[0]
