"""Where exits come from and what they cost: visa-stat's tables, CSV, comparison and picture.

The programs here are counted by hand: what each instruction sequence costs stands beside it."""

import csv
import io
import json
import subprocess
import xml.etree.ElementTree as ET

import pytest
from harness import tools

ROUNDS = 10
# Guests: so many nops, then VMEXIT
A_RUNS, B_RUNS = 3, 20
# Ring -1, the entering instruction included
A_HANDLING = 2  # VMWRITE, VMENTER
B_HANDLING = 4  # VMWRITE, addi, bnez, VMENTER

# Two VMs in turn, each from its first instruction every time.
TURNS = f"""
        .globl  _start
_start: la      s0, vmcs_a
        la      s1, vmcs_b
        li      t0, REVISION
        sd      t0, VMCS_REVISION * 8 (s0)
        sd      t0, VMCS_REVISION * 8 (s1)
        li      t0, 1 << 44
        sd      t0, VMCS_HPTBR * 8 (s0)
        li      t0, 2 << 44
        sd      t0, VMCS_HPTBR * 8 (s1)
        la      s2, guest_a
        la      s3, guest_b
        sd      s2, VMCS_PC * 8 (s0)
        sd      s3, VMCS_PC * 8 (s1)
        li      s4, {ROUNDS}
        li      s5, VMCS_PC
        .option norvc
turn:   VMENTER R8
        VMWRITE s5, s2
        VMENTER R9
        VMWRITE s5, s3
        addi    s4, s4, -1
        bnez    s4, turn
        li      a0, 0x5555
        li      t0, 0x100000
        sw      a0, 0(t0)
1:      j       1b
guest_a: {"nop;" * A_RUNS}
a_exit: VMEXIT  1
guest_b: {"nop;" * B_RUNS}
b_exit: VMEXIT  2
        .bss
        .balign 4096
vmcs_a: .zero   4096
vmcs_b: .zero   4096
""".replace("nop;", "nop\n")

# Hart 0 enters the VM, gives it up and tells hart 1, which enters it too and ends the run.
MOVED = """
        .globl  _start
_start: la      s0, vmcs
        la      s1, flag
        bnez    a0, other
        li      t0, REVISION
        sd      t0, VMCS_REVISION * 8 (s0)
        la      t0, guest
        sd      t0, VMCS_PC * 8 (s0)
        VMENTER R8
        VMCLEAR R8
        li      t0, 1
        sw      t0, 0(s1)
1:      j       1b
other:  lw      t0, 0(s1)
        beqz    t0, other
        VMENTER R8
        li      a0, 0x5555
        li      t0, 0x100000
        sw      a0, 0(t0)
1:      j       1b
guest:  VMEXIT  1
        .bss
        .balign 4096
vmcs:   .zero   4096
flag:   .zero   8
"""


def stat(*args, text=None, code=0):
    run = subprocess.run([tools.tool("visa-stat"), *map(str, args)], input=text, capture_output=True, text=True,
                         timeout=60)
    assert run.returncode == code, run.stderr
    assert bool(run.stderr) == bool(code)
    return run.stdout if code == 0 else run.stderr


def rows(*args, text=None):
    return list(csv.DictReader(io.StringIO(stat("--csv", *args, text=text))))


@pytest.fixture
def turns(assemble, run):
    return run(assemble(TURNS)).stats


@pytest.fixture
def turns_file(turns, fresh):
    path = fresh(".json")
    path.write_text(json.dumps(turns))
    return path


def cost(value, n):
    return {"min": value, "mean": value, "max": value, "sum": n * value}


def test_costs(turns):
    """Handling ends where any guest is entered; a VM is away until it is entered itself."""
    a, b = sorted(turns["exit_sites"], key=lambda s: s["vmid"])
    away = (A_HANDLING + B_RUNS + B_HANDLING, B_HANDLING + A_RUNS + A_HANDLING)
    for site, symbol, handling, handled, gone in ((a, "a_exit", A_HANDLING, ROUNDS, away[0]),
                                                  (b, "b_exit", B_HANDLING, ROUNDS - 1, away[1])):
        assert (site["symbol"], site["cause"], site["count"]) == (symbol, "HYPERCALL", ROUNDS)
        assert (site["returned"], site["moved"], site["emulated"]) == (ROUNDS - 1, 0, 0)
        assert site["handling"] == {"count": handled, "instret": cost(handling, handled),
                                    "cycles": cost(handling, handled)}
        assert site["instret"] == cost(gone, ROUNDS - 1)
        log2 = site["cycles"].pop("log2")
        assert site["cycles"] == cost(gone, ROUNDS - 1)
        assert log2 == [0] * gone.bit_length() + [ROUNDS - 1]


def test_time(turns):
    """Every cycle is a VM's or Ring -1's."""
    time = turns["time"]
    assert [v["cycles"] for v in time["vms"]] == [ROUNDS * A_RUNS, ROUNDS * B_RUNS]
    assert time["total"] == turns["cycles"] == time["host"] + ROUNDS * (A_RUNS + B_RUNS)
    assert time["host_percent"] == pytest.approx(100 * time["host"] / time["total"])
    assert sum(v["percent"] for v in time["vms"]) + time["host_percent"] == pytest.approx(100)


def test_moved_to_another_hart(assemble, run, fresh):
    """Between two harts' counters there is no distance: such a return has no cost."""
    result = run(assemble(MOVED), "--harts", 2)
    assert result.code == 0
    (site,) = result.stats["exit_sites"]
    assert (site["count"], site["moved"], site["returned"], site["handling"]["count"]) == (2, 1, 0, 0)
    assert site["cycles"] == {**cost(0, 0), "log2": []}
    time = result.stats["time"]
    assert time["total"] == time["host"] == result.stats["instret"]  # nobody slept; the guest retired nothing
    assert time["total"] > result.stats["cycles"]                    # of two harts


def test_table_of_vms(turns_file, turns):
    """Share of time as number and as a bar of 20 characters."""
    lines = {l[:8].strip(): l for l in stat(turns_file).splitlines()[4:7]}
    shares = {"Ring -1": turns["time"]["host"], "VM 1": ROUNDS * A_RUNS, "VM 2": ROUNDS * B_RUNS}
    assert list(lines) == list(shares)
    for who, cycles in shares.items():
        percent = 100 * cycles / turns["cycles"]
        assert f" {cycles} " in lines[who] and f" {percent:.1f} %" in lines[who]
        assert lines[who].count("#") == int(percent * 20 / 100 + 0.5)


def rows_at(text, symbol, lines=1):
    """The words of a site's lines of numbers, then of the line behind them, its place."""
    all_lines = text.splitlines()
    at = next(i for i, l in enumerate(all_lines) if l.endswith(symbol))
    return *(l.split() for l in all_lines[at - lines:at]), all_lines[at].split()


def test_table_of_sites(turns_file, turns):
    text = stat(turns_file)
    line, place = rows_at(text, "b_exit")
    handled = (ROUNDS - 1) * B_HANDLING
    percent = f"{100 * handled / turns['time']['host']:.1f}"
    gone = B_HANDLING + A_RUNS + A_HANDLING
    assert line[:4] == [str(ROUNDS), "0", "2", "HYPERCALL"]
    assert line[4:] == [percent, "%", f"{B_HANDLING}.0", str(gone), f"{gone}.0", str(gone)]
    assert place == [next(s["pc"] for s in turns["exit_sites"] if s["symbol"] == "b_exit"), "b_exit"]
    rest = turns["time"]["host"] - handled - ROUNDS * A_HANDLING
    assert f"{100 * rest / turns['time']['host']:.1f} % of Ring -1 is before" in text


SAMPLE = "40:5:5"  # of 100 and some instructions: the pipeline model runs a part


def test_exits_of_a_run_in_parts(assemble, run, fresh):
    """Exits are of the whole run, of which samples are a part. Where time is of instructions, theirs
    are the shares of a run without samples."""
    tools.need_pipeline()
    elf, page = assemble(TURNS), fresh(".html")
    whole = run(elf).stats
    part = run(elf, "--sample", SAMPLE, "--summary", "--report", page).ok()
    assert part.stats["time"]["host"] != whole["time"]["host"] and part.stats["sampling"]["samples"]
    text = json.dumps(part.stats)
    share = f"{100 * (ROUNDS - 1) * B_HANDLING / whole['time']['host']:.1f}"
    rest = 100 * (whole["time"]["host"] - (ROUNDS - 1) * B_HANDLING - ROUNDS * A_HANDLING) / whole["time"]["host"]
    for table in (part.stderr, stat("-", text=text)):
        assert rows_at(table, "b_exit", 2)[0][4:6] == [share, "%"], table
        assert f"\n{rest:.1f} % of Ring -1 is before" in table
    assert f"{share} %" in texts(plot(part.stats))
    page = page.read_text()
    assert page == stat("--html", "-", "-", text=text) and page.count(f">{share} %<") == 2


def test_exits_of_a_run_in_parts_without_a_timeline(timed):
    """The whole run's cycles are not known: no share."""
    timed["switched_at"] = 20
    del timed["timeline"]
    text = json.dumps(timed)
    table = stat("-", text=text)
    assert rows_at(table, "b_exit", 2)[0][4] == "-" and "of Ring -1 is before" not in table
    assert "-" in texts(plot(timed))
    assert '<td class="n">-</td>' in stat("--html", "-", "-", text=text)


def test_csv_of_vms(turns_file, turns):
    a, b, host = rows("--by", "vm", turns_file)
    for vm, runs, vmid in ((a, A_RUNS, "1"), (b, B_RUNS, "2")):
        assert (vm["vmid"], vm["exits"], vm["entries"]) == (vmid, str(ROUNDS), str(ROUNDS))
        assert int(vm["cycles"]) == int(vm["instret"]) == ROUNDS * runs
    assert (host["vmid"], host["vmcs"], host["cycles"]) == ("", "", str(turns["time"]["host"]))
    assert sum(float(r["percent"]) for r in (a, b, host)) == pytest.approx(100, abs=0.002)


def test_timed_models_add_cycles(turns):
    """The fields of a timed model are the same; its table shows instructions and cycles."""
    for site in turns["exit_sites"]:
        for key in ("min", "mean", "max", "sum"):
            site["cycles"][key] *= 7
    plain = stat("-", text=json.dumps(turns))
    timed = stat("-", text=json.dumps({**turns, "model": "pipeline"}))
    away = A_HANDLING + B_RUNS + B_HANDLING
    assert str(7 * away) not in plain.split()
    instructions, cycles, _ = rows_at(timed, "a_exit", lines=2)
    assert instructions[-4:] == [str(away), f"{away}.0", str(away), "insns"]
    assert cycles[-4:] == [str(7 * away), f"{7 * away}.0", str(7 * away), "cycles"]


def test_csv_of_written_entries(turns):
    """Those of the VMs, and what is left for Ring -1."""
    turns["vms"][0].update(walk_writes_guest=3, walk_writes_host=5)
    turns["vms"][1].update(walk_writes_guest=0, walk_writes_host=7)
    turns.update(walk_writes_guest=3 + 2, walk_writes_host=5 + 7)
    table = rows("--by", "vm", "-", text=json.dumps(turns))
    assert [(v["walk_writes_guest"], v["walk_writes_host"]) for v in table] == [("3", "5"), ("0", "7"), ("2", "0")]


def test_names_are_quoted_in_csv(turns):
    turns["exit_sites"][0]["symbol"] = 'f(int, "x")'
    assert rows("-", text=json.dumps(turns))[0]["symbol"] == 'f(int, "x")'


def test_names_of_any_bytes(assemble, run):
    elf = assemble(TURNS)
    data = elf.read_bytes()
    assert data.count(b"\0a_exit\0") == 1
    elf.write_bytes(data.replace(b"\0a_exit\0", b"\0a_e\xffit\0"))
    assert r"a_e\xffit" in {s["symbol"] for s in run(elf).stats["exit_sites"]}
    assert r"a_e\xffit" in run(elf, "--summary").stderr


# Width --------------------------------------------------------------------------------------

WIDTH = 100


def widened(value, key=""):
    """Every count as large as statistics may have it, every name long and of any character."""
    if isinstance(value, dict):
        return {k: widened(v, k) for k, v in value.items()}
    if isinstance(value, list):
        return [widened(v, key) for v in value]
    if key == "symbol":
        return "a_very_long_name_" * 20 + "\u00e4\u4e16\n\x7f"
    if key == "pc" or key == "vmcs":
        return value[:2] + "f" * 8 + value[2:]
    return value if key in ("vmid", "ring", "interval", "harts") or not isinstance(value, int) else value + (1 << 44)


def check_width(text):
    assert max(map(len, text.splitlines())) <= WIDTH, max(text.splitlines(), key=len)
    assert all(c.isprintable() for line in text.split("\n") for c in line)


@pytest.mark.parametrize("model", ["functional", "pipeline"])
@pytest.mark.parametrize("by", ["site", "cause", "vm", "ring"])
def test_tables_are_not_wide(by, model, timed):
    """Whatever the numbers and names of a run: also two VMs of one VMID."""
    wide = widened({k: v for k, v in timed.items() if k != "run"})
    for vm in wide["vms"] + wide["exit_sites"]:
        vm["vmid"] = 16383
    for cycles in wide["pipeline"]["rows"]:
        cycles["cycles"] = {c: 1 << 44 for c in cycles["cycles"]}
    wide["refused_by_field"] = {f"iov_size[{i}]": 1 << 44 for i in range(16)}
    wide["model"] = model
    if model == "functional":
        wide.pop("pipeline")
    if (by, model) == ("ring", "functional"):
        return
    text = stat("--by", by, "-", text=json.dumps(wide))
    check_width(text)
    assert "17.6T" in text and (by != "site" or "a_very_long_name_a_very" in text)


def test_comparison_is_not_wide(turns, fresh):
    paths = [fresh(".json"), fresh(".json")]
    for path, run in zip(paths, (turns, widened({k: v for k, v in turns.items() if k != "run"}))):
        path.write_text(json.dumps(run))
    check_width(stat(*paths))
    check_width(stat(*reversed(paths)))


@pytest.mark.parametrize("model", ["functional", "pipeline"])
def test_summary_is_not_wide(model, assemble, run):
    if model == "pipeline":
        tools.need_pipeline()
    text = TURNS.replace("b_exit", "b_" + "long_" * 50 + "exit").replace("2 << 44", "1 << 44")
    result = run(assemble(text), "--summary", "--model", model).ok()
    check_width(result.stderr)
    assert "b_long_long_" in result.stderr


# JSON and histogram ------------------------------------------------------------------------


def as_json(*args, text=None):
    return json.loads(stat("--json", *args, text=text))


def test_json_by_site_is_the_statistics(turns, turns_file):
    report = as_json(turns_file)
    by_place = {(s["vmcs"], s["cause"], s["pc"]): s for s in turns["exit_sites"]}
    assert {(s["vmcs"], s["cause"], s["pc"]): s for s in report["rows"]} == by_place
    for vm, mine in zip(turns["vms"], report["vms"]):
        assert {k: mine[k] for k in mine if k not in ("cycles", "percent")} == {
            k: v for k, v in vm.items() if k != "exits_by_cause"}
    assert [vm["cycles"] for vm in report["vms"]] == [ROUNDS * A_RUNS, ROUNDS * B_RUNS]
    assert report["host"]["cycles"] == turns["time"]["host"]


def test_json_sums_up(turns):
    """Two places of a VM become one row: counts and sums add up, the least and the most are of both."""
    a, b = sorted(turns["exit_sites"], key=lambda s: s["vmid"])
    b.update(vmcs=a["vmcs"], vmid=a["vmid"])
    (row,) = as_json("--by", "vm", "-", text=json.dumps(turns))["rows"]
    assert not {"cause", "pc", "symbol"} & set(row)
    low, high = B_HANDLING + A_RUNS + A_HANDLING, A_HANDLING + B_RUNS + B_HANDLING
    assert (row["count"], row["returned"]) == (2 * ROUNDS, 2 * (ROUNDS - 1))
    cycles = row["cycles"]
    assert (cycles["min"], cycles["max"], cycles["sum"]) == (low, high, (ROUNDS - 1) * (low + high))
    assert cycles["mean"] == pytest.approx((low + high) / 2)
    assert cycles["log2"] == [0] * 4 + [ROUNDS - 1] * 2  # 8 to 15, 16 to 31
    assert row["handling"]["instret"]["sum"] == ROUNDS * A_HANDLING + (ROUNDS - 1) * B_HANDLING


def test_json_shows_the_top(turns_file):
    assert len(as_json("--top", 1, turns_file)["rows"]) == 1


def test_histogram(turns):
    turns["exit_sites"][0]["cycles"]["log2"] = [0, 0, 0, 6, 0, 3]
    turns["exit_sites"] = turns["exit_sites"][:1]
    lines = stat("--histogram", "-", text=json.dumps(turns)).splitlines()
    assert lines[0].endswith(f"HYPERCALL {turns['exit_sites'][0]['symbol']}: exits 10, returned 9, cycles away")
    cells = [l.split() for l in lines[1:]]
    assert [(c[0], c[2], c[3], c[4]) for c in cells] == [
        ("4", "7", "6", "66.7"), ("8", "15", "0", "0.0"), ("16", "31", "3", "33.3")]
    assert [l.count("#") for l in lines[1:]] == [13, 0, 7]  # of 20


# The pipeline model ------------------------------------------------------------------------

PIPELINE = {"cycles": 90, "cpi": 4.5, "counts": {"icache_misses": 12}, "rows": []}
CATEGORIES = ["retired", "frontend", "mispredict", "icache", "dcache", "tlb", "walk_guest", "walk_host", "hazard",
              "execute", "world", "pool", "trap", "flush", "device", "wait"]


def pipeline_row(hart, vmcs, vmid, ring, instret, **cycles):
    return {"hart": hart, "vmcs": vmcs, "vmid": vmid, "ring": ring, "instret": instret,
            "cycles": {c: cycles.get(c, 0) for c in CATEGORIES}}


@pytest.fixture
def timed(turns):
    rows = [pipeline_row(0, "0x0", 0, -1, 10, retired=10, world=30, device=10),
            pipeline_row(0, "0x80008000", 7, 3, 6, retired=6, dcache=14),
            pipeline_row(1, "0x0", 0, -1, 4, retired=4, device=16)]
    return {**turns, "model": "pipeline", "pipeline": {**PIPELINE, "rows": rows}}


def test_rings_in_words(timed):
    text = stat("--by", "ring", "-", text=json.dumps(timed))
    lines = text.splitlines()
    rows_of_rings = {l.split("  ")[0]: l + lines[i + 1] for i, l in enumerate(lines) if "retired" in lines[min(i + 1, len(lines) - 1)]}
    host = rows_of_rings["Ring -1"]
    assert host.split()[2:] == ["70", "77.8", "%", "14", "5.00", "world", "42.9", "%,", "device", "37.1", "%,",
                                "retired", "20.0", "%"]
    vm = rows_of_rings["VM 7 Ring 3"]
    assert vm.split()[4:] == ["0x80008000", "20", "22.2", "%", "6", "3.33", "dcache", "70.0", "%,", "retired", "30.0",
                              "%"]
    assert next(l for l in text.splitlines() if l.startswith("all ")).split()[1:5] == ["90", "100.0", "%", "20"]
    assert ["icache_misses", "12"] in [l.split() for l in text.splitlines()]


@pytest.mark.parametrize("more, words", [
    ({"switched_at": 20}, "its cycles are those from instruction 20 on"), ({"sampling": {}}, "those of samples")])
def test_says_what_cycles_are_of(more, words, timed):
    for by in ("site", "ring"):
        assert words in stat("--by", by, "-", text=json.dumps({**timed, **more})).splitlines()[0]
    assert "its cycles" not in stat("--by", "ring", "-", text=json.dumps(timed))


def test_rings_as_csv_and_json(timed):
    text = json.dumps(timed)
    host, vm = rows("--by", "ring", "-", text=text)
    assert (host["vmid"], host["vmcs"], host["ring"], host["cycles"], host["device"]) == ("", "", "-1", "70", "26")
    assert (vm["vmid"], vm["vmcs"], vm["ring"], vm["instret"], vm["dcache"]) == ("7", "0x80008000", "3", "6", "14")
    for row in (host, vm):
        assert sum(int(row[c]) for c in CATEGORIES) == int(row["cycles"])
    one, two = as_json("--by", "ring", "-", text=text)["rows"]
    assert (one["ring"], one["cycles"]["world"], two["vmid"], two["cycles"]["retired"]) == (-1, 30, 7, 6)


def test_no_rings_of_a_functional_run(turns_file):
    assert "functional" in stat("--by", "ring", turns_file, code=1)


@pytest.fixture
def both(assemble, run):
    elf = assemble(TURNS)
    tools.need_pipeline()
    return run(elf).stats, run(elf, "--model", "pipeline").stats


def test_pipeline_accounts_for_every_cycle(both):
    """What is counted is the same; each cycle of the hart is in one row; instructions retire one a
    cycle; shares of time are those of the rows."""
    plain, timed = both
    assert timed["model"] == "pipeline"
    for key in ("instret", "exits", "entries", "emu", "tlbmiss", "exits_by_cause", "vms"):
        assert timed[key] == plain[key], key
    p = timed["pipeline"]
    assert set(p) == {"cycles", "cpi", "counts", "rows"}
    total = sum(sum(r["cycles"].values()) for r in p["rows"])
    assert total == p["cycles"] == timed["cycles"] == timed["time"]["total"] > plain["cycles"]
    assert p["cpi"] == pytest.approx(total / plain["instret"])
    for r in p["rows"]:
        assert list(r["cycles"]) == CATEGORIES
        assert r["cycles"]["retired"] == r["instret"]
    by_vmcs = {r["vmcs"]: sum(r["cycles"].values()) for r in p["rows"]}
    assert {v["vmcs"]: v["cycles"] for v in timed["time"]["vms"]} | {"0x0": timed["time"]["host"]} == by_vmcs
    instret = {v["vmcs"]: v["instret"] for v in plain["vms"]}
    assert {r["vmcs"]: r["instret"] for r in p["rows"] if r["vmcs"] != "0x0"} == instret
    for mine, theirs in zip(timed["exit_sites"], plain["exit_sites"]):
        assert mine["instret"] == theirs["instret"]
        assert mine["cycles"]["min"] > theirs["cycles"]["min"]


def test_sleep_to_the_end_is_accounted_for(assemble, both, run):
    """Hart 1 sleeps soon, and hart 0 ends the run later: both have as many cycles."""
    timed = run(assemble("""
            .globl _start
    _start: bnez    a0, 2f
            li      t0, 400
    1:      addi    t0, t0, -1
            bnez    t0, 1b
            li      a0, 0x5555
            li      t1, 0x100000
            sw      a0, 0(t1)
    2:      wfi
            j       2b
    """), "--harts", 2, "--model", "pipeline").stats
    busy, asleep = [sum(r["cycles"].values()) for r in timed["pipeline"]["rows"]]
    assert timed["pipeline"]["rows"][1]["cycles"]["wait"] > 400
    assert asleep <= busy < asleep + 100  # the store that ends it, which hart 1 does not wait for
    assert timed["time"]["total"] == busy + asleep


def test_loading_a_context_belongs_to_the_entry(both):
    """Both VMs are loaded into the pool once, for as long each; B's loading is between A's first exit
    and B's entry, which the other times are as many instructions."""
    _, timed = both
    (host,) = [r for r in timed["pipeline"]["rows"] if r["ring"] == -1]
    loading = host["cycles"]["pool"] / 2
    assert timed["pool_refills"] == 2 and loading > 0
    (a,) = [s for s in timed["exit_sites"] if s["vmid"] == 1]
    assert a["handling"]["instret"]["min"] == a["handling"]["instret"]["max"] == A_HANDLING
    assert a["handling"]["cycles"]["max"] > loading > a["handling"]["cycles"]["min"]
    handled = sum(s["handling"]["cycles"]["sum"] for s in timed["exit_sites"])
    assert handled < timed["time"]["host"]


# Comparison ------------------------------------------------------------------------------


def changed(turns, fresh):
    """Another run, in which B was emulated more dearly and A is gone, at other addresses."""
    other = json.loads(json.dumps(turns))
    (b,) = [s for s in other["exit_sites"] if s["vmid"] == 2]
    b["pc"], b["vmcs"] = "0x1234", "0x5000"
    b["handling"]["cycles"]["sum"] += 72
    other["exit_sites"] = [b]
    path = fresh(".json")
    path.write_text(json.dumps(other))
    return path


def test_compare(turns, turns_file, fresh):
    other = changed(turns, fresh)
    b, a = rows(turns_file, other)  # the greatest change first
    before = (ROUNDS - 1) * B_HANDLING
    assert (b["place"], b["exits_before"], b["exits_after"]) == ("b_exit", str(ROUNDS), str(ROUNDS))
    assert (b["handling_cycles_before"], b["handling_cycles_after"]) == (str(before), str(before + 72))
    assert (a["place"], a["exits_before"], a["exits_after"]) == ("a_exit", str(ROUNDS), "0")
    text = stat(turns_file, other)
    line = " ".join(rows_at(text, "b_exit")[0])
    assert f" {before} {before + 72} " in line and f"{100 * 72 / before:+.1f} %" in line
    assert "-100.0" in rows_at(text, "a_exit")[0]
    backwards = stat(other, turns_file)
    assert "new" in rows_at(backwards, "a_exit")[0]


def test_compare_with_itself(turns_file):
    assert rows(turns_file, turns_file) == []
    text = stat(turns_file, turns_file)
    assert "2 are the same" in text and "%" not in text


def test_compare_where_cycles_went(timed, turns_file, fresh):
    paths = [fresh(".json"), fresh(".json")]
    for path, cycles in zip(paths, (14, 21)):
        timed["pipeline"]["rows"][1]["cycles"]["dcache"] = cycles
        path.write_text(json.dumps(timed))
    lines = [l.split() for l in stat(*paths).splitlines() if l.startswith("cycles: ")]
    assert lines == [["cycles:", "retired", "20", "20", "="], ["cycles:", "dcache", "14", "21", "+50.0", "%"],
                     ["cycles:", "world", "30", "30", "="], ["cycles:", "device", "26", "26", "="]]
    assert "cycles: " not in stat(turns_file, paths[0])  # a functional run has none


def test_compare_by_vm(turns, turns_file, fresh):
    assert [(r["vmid"], r["cause"], r["place"]) for r in rows("--by", "vm", turns_file, changed(turns, fresh))] == [
        ("2", "", ""), ("1", "", "")]


# The picture -----------------------------------------------------------------------------

SVG = "{http://www.w3.org/2000/svg}"


def plot(stats):
    return ET.fromstring(stat("--plot", "-", "-", text=json.dumps(stats)))


def texts(svg):
    return [t.text for t in svg.iter(f"{SVG}text")]


def rects(svg, fill):
    return [{k: float(r.get(k)) for k in ("x", "y", "width", "height")}
            for r in svg.iter(f"{SVG}rect") if r.get("fill") == fill]


def many(turns, n):
    """n VMs like the first, each with all causes that have a name here."""
    vm, site = turns["vms"][0], turns["exit_sites"][0]
    causes = ["IO", "MSR", "HALT", "TIMER", "CRWRITE", "PREEMPT", "HYPERCALL", "PAGEFAULT", "HOSTFAULT", "TLBFLUSH",
              "PRIVILEGED", "BREAKPOINT"]
    new = {**turns, "vms": [], "exit_sites": [], "time": {"vms": [], "host": n, "total": 3 * n}}
    for i in range(n):
        vmcs = f"0x{0x80000000 + 0x1000 * i:x}"
        new["vms"].append({**vm, "vmcs": vmcs, "vmid": i + 1, "exits": 5 * len(causes)})
        new["time"]["vms"].append({"vmcs": vmcs, "vmid": i + 1, "cycles": 2})
        new["exit_sites"] += [{**site, "vmcs": vmcs, "vmid": i + 1, "cause": c, "count": 5} for c in causes]
    new.pop("timeline", None)
    new["exits"] = sum(s["count"] for s in new["exit_sites"])
    return new


def test_plot_shows_the_numbers(turns):
    svg = plot(turns)
    words = texts(svg)
    assert f"functional model, 1 hart, {turns['cycles']} cycles, {2 * ROUNDS} exits" in words
    assert words.count(str(ROUNDS)) >= 2               # exits of each VM
    for i, runs in enumerate((A_RUNS, B_RUNS)):
        assert f"{100 * ROUNDS * runs / turns['cycles']:.1f} %" in words
    assert "VM 1 HYPERCALL a_exit" in words
    # the histogram: nine in 8 to 15, nine in 16 to 31
    assert (4 <= (B_HANDLING + A_RUNS + A_HANDLING).bit_length() < (A_HANDLING + B_RUNS + B_HANDLING).bit_length())
    assert words.count(str(ROUNDS - 1)) == 2
    assert {"8", "16", "32"} <= set(words)


def test_plot_of_time_is_to_scale(turns):
    svg = plot(turns)
    bars = [r for r in svg.iter(f"{SVG}rect") if r.get("height") == "36.0" and r.get("fill") not in ("#eee", "#fff")]
    cycles = (turns["time"]["host"], ROUNDS * A_RUNS, ROUNDS * B_RUNS)
    for bar, n in zip(bars, cycles, strict=True):
        assert float(bar.get("width")) == pytest.approx(880 * n / turns["cycles"], abs=0.1)


def test_plot_has_a_colour_for_each_vm_and_a_pattern_for_each_cause(turns):
    """A VM's colour is its own in all of the picture, under every cause's pattern."""
    svg = plot(many(turns, 3))
    fills = [r.get("fill") for r in svg.iter(f"{SVG}rect")]
    colours = [r.get("fill") for r in svg.iter(f"{SVG}rect") if r.get("height") == "36.0"]
    colours = [c for c in colours if c not in ("#eee", "#fff")][1:]
    assert len(set(colours)) == 3
    for colour in colours:
        assert len(rects(svg, colour)) >= 1 + 12  # time, and every cause
    patterns = {f"url(#{p.get('id')})" for p in svg.iter(f"{SVG}pattern")}
    assert len(patterns) == 8 and patterns == {f for f in fills if f and f.startswith("url")}


def test_plot_refers_to_nothing_and_repeats(turns, turns_file, fresh):
    paths = [fresh(".svg") for _ in range(2)]
    for path in paths:
        assert stat("--plot", path, turns_file) == ""
    assert paths[0].read_bytes() == paths[1].read_bytes()
    text = paths[0].read_text()
    assert text.count("http") == 1 and 'xmlns="http://www.w3.org/2000/svg"' in text
    assert not any(word in text.replace("url(#c", "") for word in ("href", "url(", "@import", "<script"))


@pytest.mark.parametrize("n", [1, 2, 16, 40])
def test_nothing_overlaps(n, turns):
    """Text by its size, and bars, stay inside the picture and apart from each other."""
    svg = plot(many(turns, n))
    width, height = float(svg.get("width")), float(svg.get("height"))
    boxes = []
    for t in svg.iter(f"{SVG}text"):
        style, size = t.get("class") or "", 20 if t.get("class") == "title" else 15 if t.get("class") == "h" else 12
        w = len(t.text) * size * 0.58
        x = float(t.get("x")) - (w if "end" in style else w / 2 if "mid" in style else 0)
        boxes.append((x, float(t.get("y")) - size, x + w, float(t.get("y")), t.text))
    for x0, y0, x1, y1, text in boxes:
        assert 0 <= x0 and x1 <= width and 0 <= y0 and y1 <= height, text
    for i, a in enumerate(boxes):
        for b in boxes[:i]:
            assert a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1], (a[4], b[4])
    for r in svg.iter(f"{SVG}rect"):
        if r.get("x"):
            assert float(r.get("x")) + float(r.get("width")) <= width
            assert float(r.get("y")) + float(r.get("height")) <= height


def test_plot_names_all_causes_or_others(turns):
    words = texts(plot(many(turns, 3)))
    assert "others" in words
    assert "others" not in texts(plot(turns))


def test_plot_of_a_run_without_vms(assemble, run):
    stats = run(assemble(TURNS.replace("turn:   VMENTER R8", "turn:   j out").replace(
        "        li      a0, 0x5555", "out:    li      a0, 0x5555"))).stats
    assert stats["vms"] == [] == stats["exit_sites"]
    assert "Ring -1 100.0 %" in texts(plot(stats))


def test_hostile_names_stay_text(turns):
    for site in turns["exit_sites"]:
        site["symbol"] = "<b>&\"'\x01"
    assert any("<b>&" in t for t in texts(plot(turns)))


@pytest.mark.parametrize("args", [("--plot", "x.svg", "a", "b"), ("--plot", "x.svg", "--csv", "a"), ("a", "b", "c"),
                                  ("--json", "--csv", "a"), ("--html", "x", "--plot", "y", "a"), ("--json", "a", "b"),
                                  ("--by", "ring", "a", "b"), ("--by", "ring", "--histogram", "a"),
                                  ("-", "-"), ("--top", "99999999999999999999", "a")])
def test_wrong_command_lines(args):
    assert "visa-stat" in stat(*args, code=2)


def test_unreadable_file(tmp_path, turns_file):
    """The name and the system's reason; line and column only where there is a line."""
    assert stat("nofile", code=1) == "visa-stat: nofile: No such file or directory\n"
    assert stat(tmp_path, code=1) == f"visa-stat: {tmp_path}: Is a directory\n"
    assert stat(turns_file, tmp_path, code=1) == f"visa-stat: {tmp_path}: Is a directory\n"
    (tmp_path / "x").write_text('{"model": 1,\n oops}')
    assert stat(tmp_path / "x", code=1).startswith(f"visa-stat: {tmp_path / 'x'}:2:")


def test_unwritable_picture(turns_file, tmp_path):
    assert "no/such" in stat("--plot", tmp_path / "no" / "such" / "x.svg", turns_file, code=1)


@pytest.mark.parametrize("break_it, where", [
    (lambda s: s["exit_sites"][1].pop("handling"), "exit_sites[1]: "),
    (lambda s: s["exit_sites"][0]["cycles"].update(log2=[1] * 66), "exit_sites[0]: log2"),
    (lambda s: s["exit_sites"][0]["cycles"].update(log2=["x"]), "exit_sites[0]: log2"),
    (lambda s: s["vms"][1].update(tlbmiss="many"), "vms[1]: "),
    (lambda s: s["time"].pop("total"), "total"),
    (lambda s: s["vms"][0].update(exits=-1), "negative"),
    (lambda s: s.update(cycles=2**62), "too large"),
    (lambda s: [v.update(instret=2**59 + 2**58) for v in s["vms"]], "too large")])
def test_damaged_statistics(break_it, where, turns):
    break_it(turns)
    assert where in stat("-", text=json.dumps(turns), code=1)


def places(value, path=()):
    """Paths of everything in a JSON value."""
    yield path
    for key in (value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()):
        yield from places(value[key], (*path, key))


STRANGE = [0, -1, 2**63 - 1, -2**63, 2**59, "x", "", None, [], {}, 1e308, True, "A" * 300, [0] * 200, "\x01<&\"'%s"]


@pytest.mark.parametrize("form", [(), ("--by", "ring"), ("--csv", "--by", "vm"), ("--json",), ("--histogram",),
                                  ("--plot", "-"), ("--html", "-")])
def test_any_damage_ends_in_words(form, timed, rng):
    """Some values are replaced or lost: there is an answer or a message, and no crash."""
    text = json.dumps(timed)
    for _ in range(25):
        damaged = json.loads(text)
        for _ in range(rng.randint(1, 4)):
            *way, last = rng.choice(list(places(damaged))[1:])
            inside = damaged
            for key in way:
                inside = inside[key]
            if rng.random() < 0.3 and isinstance(inside, dict):
                del inside[last]
            else:
                inside[last] = json.loads(json.dumps(rng.choice(STRANGE)))
        run = subprocess.run([tools.tool("visa-stat"), *form, "-"], input=json.dumps(damaged), capture_output=True,
                             text=True, timeout=60)
        assert run.returncode in (0, 1) and bool(run.stderr) == bool(run.returncode), json.dumps(damaged)
