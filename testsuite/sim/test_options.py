"""Options of visa-sim together: which imply, need or exclude each other, in every order.

One list has a value for every option that --help names; all pairs come from it.
"""

import itertools
import json
import re

import pytest

from harness import guest, tools

USAGE = 120
PROGRAM = """
_start: li a0, 0x100000
    li a1, 0x5555
    sw a1, (a0)
1:  j 1b
begin_signature: .word 1
end_signature:
"""

# Every option with a value that a short run of a program with one hart takes.
OPTIONS = {
    "--ram": ["--ram", "4M"], "--harts": ["--harts", "2"], "--model": ["--model", "functional"],
    "--time": ["--time", "cycles"], "--switch-at": ["--switch-at", "1"], "--sample": ["--sample", "10:2:3"],
    "--pool": ["--pool", "4"], "--pmp-granule": ["--pmp-granule", "4"], "--svadu": ["--svadu", "on"],
    "--symbols": ["--symbols", "x.elf@1"], "--tlb-l1": ["--tlb-l1", "8"], "--tlb-l2": ["--tlb-l2", "64"],
    "--tlb-l2-ways": ["--tlb-l2-ways", "2"], "--walk-cache": ["--walk-cache", "4"],
    "--ticks-per-time": ["--ticks-per-time", "10"], "--quantum": ["--quantum", "100"], "--config": ["--config", "c.cfg"],
    "--set": ["--set", "latency.memory=20"], "--print-config": ["--print-config"], "--raw": ["--raw", "0x80000000"],
    "--load": ["--load", "flat@0x80010000"], "--bootargs": ["--bootargs", "x"], "--dump-dtb": ["--dump-dtb", "o.dtb"],
    "--uart-in": ["--uart-in", "flat"], "--uart-out": ["--uart-out", "o.txt"], "--max-insns": ["--max-insns", "2"], "--timeout": ["--timeout", "50"],
    "--stuck": ["--stuck", "stop"], "--trace": ["--trace"], "--trace-events": ["--trace-events"], "--trace-exits": ["--trace-exits"],
    "--trace-from": ["--trace-from", "1"], "--trace-to": ["--trace-to", "2"], "--trace-vm": ["--trace-vm", "1"],
    "--trace-format": ["--trace-format", "json"], "--explain-exit": ["--explain-exit", "1"],
    "--walk": ["--walk", "0x80000000"], "--check-stale": ["--check-stale"], "--kanata": ["--kanata", "o.kanata"],
    "--o3pipeview": ["--o3pipeview", "o.o3"], "--vcd": ["--vcd", "o.vcd"], "--perfetto": ["--perfetto", "o.perfetto"],
    "--from": ["--from", "0"], "--to": ["--to", "9"], "--last": ["--last", "100000"], "--stats": ["--stats", "o.json"],
    "--report": ["--report", "o.html"], "--signature": ["--signature", "o.sig"], "--signature-granularity": ["--signature-granularity", "8"],
    "--summary": ["--summary"], "--registers": ["--registers"], "--quiet": ["--quiet"], "--version": ["--version"],
    "--help": ["--help"],
}

NEED_PIPELINE = {"--time", "--switch-at", "--sample", "--kanata", "--o3pipeview", "--vcd"}
TRACE = {"--trace", "--trace-events", "--trace-exits", "--trace-from", "--trace-to", "--trace-vm", "--trace-format"}
VIEWS = {"--kanata", "--o3pipeview", "--vcd", "--perfetto"}
BOUNDS = {"--from", "--to", "--last"}
COMPANIONS = {"--signature-granularity": "--signature"}
# Pairs that are refused, and what the message says; both options are in it.
EXCLUDE = {
    **{("--model", o): "needs the pipeline model: not with --model functional" for o in NEED_PIPELINE},
    ("--sample", "--switch-at"): "exclude each other",
    ("--sample", "--harts"): "not with several harts",
    ("--sample", "--time"): "not with --time cycles",
    ("--trace-events", "--trace-exits"): "exclude each other",
}
# What means something without an image, beside --dump-dtb.
NO_RUN = {"--ram", "--harts", "--model", "--time", "--pool", "--tlb-l1", "--tlb-l2", "--tlb-l2-ways", "--walk-cache",
          "--ticks-per-time", "--quantum", "--config", "--set", "--bootargs", "--quiet", "--pmp-granule", "--svadu"}
ANSWERS = {"--help", "--version", "--print-config"}  # instead of a run


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A directory with what the options name."""
    where = tmp_path_factory.mktemp("options")
    guest.assemble(PROGRAM, where / "x.elf")
    (where / "flat").write_bytes(b"flat")
    (where / "c.cfg").write_text("pool: { contexts = 6; };\n")
    return where


@pytest.fixture(scope="module", autouse=True)
def pipeline():
    tools.need_pipeline()


@pytest.fixture
def visa(place):
    return lambda *args: tools.execute([tools.tool("visa-sim"), *args], cwd=place)


def refused(result, *words):
    assert result.code == USAGE and result.stdout == "", str(result)
    assert result.stderr.count("\n") == 1, str(result)
    for word in words:
        assert word in result.stderr, f"no '{word}':\n{result}"


def test_all_options_are_here(visa):
    assert set(re.findall(r"--[a-z][a-z0-9-]*", visa("--help").ok().stdout)) == set(OPTIONS)


@pytest.mark.parametrize("pair", EXCLUDE)
@pytest.mark.parametrize("order", [1, -1])
def test_excluded(pair, order, visa):
    one, other = pair[::order]
    refused(visa(*OPTIONS[one], *OPTIONS[other], "x.elf"), EXCLUDE[pair],
            *(pair if "--harts" not in pair else pair[:1]))


def test_which_need_the_pipeline(visa, place):
    """Those and no others, whatever else is there; and each says so in the manual page."""
    for option in set(OPTIONS) - ANSWERS - BOUNDS - set(COMPANIONS) - {"--raw", "--model"}:
        visa(*OPTIONS[option], "--stats", "o.json", "x.elf")
        model = json.loads((place / "o.json").read_text())["model"]
        assert model == ("pipeline" if option in NEED_PIPELINE else "functional"), option
    page = (tools.SRC / "man" / "visa-sim.1.rst").read_text()
    for option in NEED_PIPELINE - {"--kanata", "--o3pipeview", "--vcd"}:
        text = re.search(rf"^{option} .*?(?=^\S)", page, re.M | re.S)[0]
        assert re.search(r"[Ii]mplies\s+\*\*--model\s+pipeline\*\*", text), option
    assert re.search(r"The\s+first\s+three\s+imply\s+\*\*--model\s+pipeline\*\*", page)


@pytest.mark.parametrize("option", sorted(NEED_PIPELINE))
def test_pipeline_in_both_orders(option, visa, place):
    for args in itertools.permutations([["--model", "pipeline"], OPTIONS[option]]):
        visa(*sum(args, []), "--stats", "o.json", "x.elf").ok()
        assert json.loads((place / "o.json").read_text())["model"] == "pipeline"
    refused(visa("--model", "pipeline", *OPTIONS[option], "--model", "functional", "x.elf"), option)  # the last counts


def test_instructions_are_time_of_both_models(visa, place):
    for args in itertools.permutations([["--model", "functional"], ["--time", "instret"]]):
        visa(*sum(args, []), "--stats", "o.json", "x.elf").ok()
        assert json.loads((place / "o.json").read_text())["model"] == "functional"
    visa("--time", "instret", "--sample", "10:2:3", "x.elf").ok()


@pytest.mark.parametrize("option", sorted(BOUNDS))
def test_bounds_need_a_view(option, visa):
    """Also where the value is the default one."""
    refused(visa(*OPTIONS[option], "x.elf"), option, *VIEWS)
    for view in VIEWS:
        for args in itertools.permutations([OPTIONS[option], OPTIONS[view]]):
            visa(*sum(args, []), "x.elf").ok()


@pytest.mark.parametrize("option, about", COMPANIONS.items())
def test_companions(option, about, visa):
    refused(visa(*OPTIONS[option], "x.elf"), option, about)
    for args in itertools.permutations([OPTIONS[option], OPTIONS[about]]):
        visa(*sum(args, []), "x.elf").ok()


@pytest.mark.parametrize("first, last", [("--from", "--to"), ("--trace-from", "--trace-to")])
def test_bounds_the_wrong_way_round(first, last, visa):
    for args in itertools.permutations([[first, "8"], [last, "7"]]):
        refused(visa(*sum(args, []), *OPTIONS["--perfetto"], "x.elf"), f"{first} 8 is behind {last} 7")


@pytest.mark.parametrize("option", sorted(TRACE))
def test_trace_is_implied(option, visa, place):
    """By every option that says something about it, and it goes to the file, wherever that is named."""
    for args in itertools.permutations([OPTIONS[option], ["--trace=o.trace"]]):
        (place / "o.trace").unlink(missing_ok=True)
        visa(*sum(args, []), "x.elf").ok()
        assert (place / "o.trace").exists()
    traced = tools.trace_lines(visa(*OPTIONS[option], "x.elf").ok().stderr)
    assert bool(traced) == (option not in {"--trace-events", "--trace-exits", "--trace-vm"})  # there are none


def test_trace_takes_the_file(visa):
    """Where an option takes no value, the message says which one does."""
    for option in ["--trace-events", "--trace-exits"]:
        refused(visa(f"{option}=t", "x.elf"), f"{option} takes no value: see --trace[=FILE]")
    assert visa("--quiet=t", "x.elf").stderr == "visa-sim: --quiet takes no value\n"


def test_exits_count_from_one(visa):
    for zero in ["0", "0x0", "00"]:
        refused(visa("--explain-exit", zero, "x.elf"), "--explain-exit", "the first exit is number 1")


@pytest.mark.parametrize("option", sorted(set(OPTIONS) - ANSWERS))
def test_without_an_image(option, visa):
    """--dump-dtb needs none; what only a run could do is refused, not forgotten."""
    for args in itertools.permutations([OPTIONS[option], ["--dump-dtb", "o.dtb"]]):
        result = visa(*sum(args, []))
        if option in NO_RUN | {"--dump-dtb"}:
            assert (result.code, result.stdout, result.stderr) == (0, "", ""), str(result)
        else:
            refused(result, f"{option}: no image")


@pytest.mark.slow
def test_order_never_counts(visa, place):
    """Of every two options: the same answer and the same files either way round."""
    def outcome(args):
        for old in place.glob("o.*"):
            old.unlink()
        r = visa(*args, "x.elf")
        return r.code, r.stdout, r.stderr, {f.name: f.read_bytes() for f in place.glob("o.*")}

    for one, other in itertools.combinations(OPTIONS, 2):
        a, b = outcome(OPTIONS[one] + OPTIONS[other]), outcome(OPTIONS[other] + OPTIONS[one])
        assert a == b, (one, other)
        if (one, other) in EXCLUDE or (other, one) in EXCLUDE:
            assert a[0] == USAGE, (one, other)


def test_names_of_files_are_not_empty(visa, place):
    """Each option that --help gives a FILE; nothing is run."""
    help_ = tools.execute([tools.tool("visa-sim"), "--help"]).ok().stdout
    options = re.findall(r"(--[\w-]+)(?: |\[=)FILE", help_)
    assert len(options) == 14
    for option in options:
        result = visa(f"{option}=", "x.elf")
        assert result.code == USAGE and result.stdout == "", option
        assert f"{option}: expected the name of a file" in result.stderr or option == "--config", result.stderr
