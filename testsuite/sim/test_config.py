"""Configuration files, --set and --print-config: names, kinds, ranges, and what follows them."""

import re
import subprocess

import pytest

import tables
from harness import guest
from harness.tools import SRC, execute, tool

ISA = tables.load(SRC / "isa")
USAGE = 120

# The settings of the numbers that isa/const.isa calls configurable.
CONFIGURABLE = {
    "POOL": ["pool.contexts"],
    "TLB_L1": ["tlb.l1"],
    "TLB_L2": ["tlb.l2"],
    "TLB_L2_WAYS": ["tlb.l2_ways"],
    "WALK_CACHE": ["tlb.walk_cache"],
    "PMP_GRANULE": ["pmp.granule"],
    "CACHE_BYTES": ["icache.bytes", "dcache.bytes"],
    "CACHE_WAYS": ["icache.ways", "dcache.ways"],
    "BTB": ["predictor.entries"],
    "TICKS_PER_TIME": ["time.ticks"],
}
# Another value than the default for every setting; all of them together are possible.
OTHER = {
    "machine.ram": "64M", "machine.harts": "3", "machine.quantum": "77", "pool.contexts": "5",
    "tlb.l1": "3", "tlb.l2": "24", "tlb.l2_ways": "3", "tlb.walk_cache": "0", "pmp.granule": "64", "walk.svadu": "on",
    "icache.bytes": "3K", "icache.ways": "3", "dcache.bytes": "64", "dcache.ways": "1",
    "predictor.kind": "static", "predictor.entries": "1", "time.source": "instret", "time.ticks": "7",
    "pipeline.quantum": "9", **{f"latency.{l.name}": str(l.cycles + 3) for l in ISA.latencies},
}
HAS_FILES = "libconfig" not in execute([tool("visa-sim"), "--config", "/none", "x"]).stderr
files = pytest.mark.skipif(not HAS_FILES, reason="built without libconfig: install the Debian package libconfig-dev")


def visa(*args):
    return execute([tool("visa-sim"), *args])


def printed(*args):
    """Settings by name, as --print-config has them."""
    values, group = {}, None
    for line in visa(*args, "--print-config").ok().stdout.splitlines():
        head = re.fullmatch(r"(\w+): {", line)
        row = re.fullmatch(r'    (\w+) = "?(\w+)"?; +// .+', line)
        if head:
            group = head[1]
        elif row:
            values[f"{group}.{row[1]}"] = row[2]
        else:
            assert line in ("", "};") or line.startswith("#"), line
    return values


def size(text):
    return int(text.rstrip("KMG")) << {"K": 10, "M": 20, "G": 30}.get(text[-1], 0)


@pytest.fixture
def config(tmp_path):
    """config(text) -> a file of that text, called core.cfg."""
    def write(text):
        path = tmp_path / "core.cfg"
        path.write_text(text)
        return path
    return write


def sets(values):
    return [a for name, value in values.items() for a in ("--set", f"{name}={value}")]


def refused(result, *words):
    """Status 120 and one line on standard error; nothing has run."""
    assert result.code == USAGE and result.stdout == "", str(result)
    assert result.stderr.startswith("visa-sim: ") and result.stderr.count("\n") == 1, str(result)
    for word in words:
        assert word in result.stderr, str(result)


# What there is ------------------------------------------------------------------------------

def test_defaults_are_the_tables():
    """Every number that the tables call configurable, and every latency, is a setting of that value."""
    values = printed()
    assert set(CONFIGURABLE) == {c.name for c in ISA.consts if c.configurable == "yes"}
    for const in ISA.consts:
        for name in CONFIGURABLE.get(const.name, []):
            assert size(values[name]) == const.value, name
    assert {n: int(v) for n, v in values.items() if n.startswith("latency.")} == {
        f"latency.{l.name}": l.cycles for l in ISA.latencies}


def test_every_setting_can_be_changed():
    before = printed()
    assert set(before) == set(OTHER)
    assert all(before[n] != v for n, v in OTHER.items())
    assert printed(*sets(OTHER)) == OTHER


@pytest.mark.parametrize("name", OTHER)
def test_one_setting_changes_nothing_else(name):
    """Also through the pieces of the same table that lie side by side in memory."""
    value = {"icache.bytes": "8K", "dcache.bytes": "8K", "icache.ways": "2", "tlb.l2_ways": "2", "tlb.l2": "64"}.get(
        name, OTHER[name])
    assert printed("--set", f"{name}={value}") == {**printed(), name: value}


def test_manual_page_names_every_setting():
    page = (SRC / "man" / "visa-config.5.rst").read_text()
    groups = re.split(r"^([a-z, ]+)\n-+\n", page.split("\nSettings\n")[1], flags=re.M)[1:]
    named = {f"{g}.{n}" for heads, text in zip(groups[::2], groups[1::2]) for g in heads.split(", ")
             for row in re.findall(r"^([a-z0-9_, ]+)\n    \S", text, re.M) for n in row.split(", ")}
    assert named == {n for n in OTHER if not n.startswith("latency.")}


@pytest.mark.parametrize("name, option", [
    ("machine.ram", "--ram"), ("machine.harts", "--harts"), ("machine.quantum", "--quantum"), ("pool.contexts", "--pool"),
    ("tlb.l1", "--tlb-l1"), ("tlb.walk_cache", "--walk-cache"),
    ("pmp.granule", "--pmp-granule"), ("walk.svadu", "--svadu"), ("time.source", "--time"),
    ("time.ticks", "--ticks-per-time")])
def test_options_are_shorthands(name, option):
    assert printed(option, OTHER[name])[name] == OTHER[name]
    assert printed("--tlb-l2", "64", "--tlb-l2-ways", "2") == printed("--set", "tlb.l2=64", "--set", "tlb.l2_ways=2")


# Files --------------------------------------------------------------------------------------

@files
def test_round_trip(config):
    """What is printed is a complete file: it says again whatever was set."""
    text = visa(*sets(OTHER), "--print-config").ok().stdout
    path = config(text)
    assert visa("--config", path, "--print-config").ok().stdout == text
    assert printed("--config", path) == OTHER


@files
def test_syntax(config):
    path = config('# comment\nmachine: { ram = "64M"; }; /* and */ tlb = { l1 = 0x8, l2 = 64; } // 99999999999 @\n'
                  'icache: { bytes = 8192; };\npredictor: { kind = "no" "\\x6ee"; };\n'
                  'time: { ticks = 0x7L; };\n')
    assert printed("-c", path) == {**printed(), "machine.ram": "64M", "tlb.l1": "8", "tlb.l2": "64",
                                   "icache.bytes": "8K", "predictor.kind": "none", "time.ticks": "7"}


@files
def test_order(config, tmp_path):
    """Files first, in their order, wherever they are named; then the options in theirs."""
    path = config("tlb: { l1 = 2; walk_cache = 2; };\npool: { contexts = 2; };\n")
    more = tmp_path / "more.cfg"
    more.write_text("tlb: { l1 = 5; };\n")
    got = printed("--set", "tlb.walk_cache=3", "-c", path, "--pool", "4", "-c", more, "--set", "pool.contexts=6")
    assert (got["tlb.l1"], got["tlb.walk_cache"], got["pool.contexts"]) == ("5", "3", "6")


@files
@pytest.mark.parametrize("text, message", [
    ("\n\ntlb: { l3 = 8; };", "3: no setting 'tlb.l3': did you mean 'tlb.l1'?"),
    ("latency: {\n mispredcit = 8;\n};", "2: no setting 'latency.mispredcit': did you mean 'latency.mispredict'?"),
    ("tbl: { l2 = 8; };", "1: no setting 'tbl.l2': did you mean 'tlb.l2'?"),
    ("contexts = 8;", "1: no setting 'contexts': did you mean 'pool.contexts'?"),
    ("quite_another: { thing = 8; };", "1: no setting 'quite_another.thing' (see --print-config)"),
    ("quite_another: { };", "1: no setting 'quite_another'"),
    ("tlb: { l1: { x = 1; }; };", "1: tlb.l1: expected a number: 1 to 512"),
    ("\ntlb = 8;", "2: 'tlb' is a group: expected tlb: { ... }"),
    ("tlb = [1, 2];", "1: 'tlb' is a group"),
    ("tlb: { l1 = \"8\"; };", "1: tlb.l1: expected a number: 1 to 512"),
    ("tlb: { l1 = 8.0; };", "1: tlb.l1: expected a number: 1 to 512"),
    ("tlb: { l1 = true; };", "1: tlb.l1: expected a number: 1 to 512"),
    ("tlb: { l1 = [8]; };", "1: tlb.l1: expected a number: 1 to 512"),
    ("tlb: { l1 = 0; };", "1: tlb.l1 must be 1 to 512, not 0"),
    ("tlb: {\nl1 = 513;\n};", "2: tlb.l1 must be 1 to 512, not 513"),
    ("tlb: { l1 = -1; };", "1: tlb.l1 must be 1 to 512, not -1"),
    ("tlb: { l1 = 0x100000001L; };", "1: tlb.l1 must be 1 to 512, not 4294967297"),
    ("tlb: { l1 = 4294967300; };", "1: a number of more than 31 bits"),
    ("\n\ntime: { ticks = 0x100000064; };", "3: a number of more than 31 bits: a size can be a text in quotes, as \"8G\""),
    ("time: { ticks = -4294967196; };", "1: a number of more than 31 bits"),
    ("\n@include \"other.cfg\"\n", "2: no @include here: every file has a --config of its own"),
    ("/* a\n comment */ tlb: { l1 = 8; } @include \"x\"", "2: no @include here"),
    ("# \" a quote\ntlb: { l0 = 8; };", "2: no setting 'tlb.l0'"),
    ("machine: { ram = \"128X\"; };", "1: '128X' is not a size"),
    ("machine: { ram = \"128G\"; };", "1: machine.ram must be 1M to 64G, not 137438953472"),
    ("machine: { ram = 1.5; };", "1: machine.ram: expected a number, or a size in quotes: 1M to 64G"),
    ("predictor: { kind = \"oracle\"; };", "1: predictor.kind must be none, static or btb, not 'oracle'"),
    ("predictor: { kind = 2; };", "1: predictor.kind: expected a text in quotes: none, static or btb"),
    ("time: { source = \"Cycles\"; };", "1: time.source must be instret or cycles, not 'Cycles'"),
    ("tlb: { l1 = 8; l1 = 9; };", "1: duplicate setting name"),
    ("tlb: { l1 = 8 \n l2 9 };", "2: syntax error"),
    ("tlb: {", "syntax error"),
])
def test_wrong_file(text, message, config):
    """The place, and what was expected; with an image, too, nothing runs."""
    path = config(text)
    refused(visa("--config", path, "--print-config"), f"{path}:", message)
    refused(visa("--config", path, "/none/image"), message)


@files
def test_unreadable(tmp_path):
    binary = tmp_path / "binary"
    binary.write_bytes(b"tlb: { \0 };")
    long = tmp_path / "long"
    long.write_bytes(b"#" * (2 << 20))
    refused(visa("--config", tmp_path / "none", "x"), "none: cannot be read: No such file")
    refused(visa("--config", tmp_path, "x"), "cannot be read: Is a directory")
    refused(visa("--config", binary, "x"), "it is not a text")
    refused(visa("--config", long, "x"), "it is too long")
    refused(visa("--config"), "--config: missing FILE")


# The command line ---------------------------------------------------------------------------

@pytest.mark.parametrize("value, message", [
    ("tlb.l3=8", "--set: no setting 'tlb.l3': did you mean 'tlb.l1'?"),
    ("latency.mem=8", "--set: no setting 'latency.mem'"),
    ("tlb.l1", "--set: 'tlb.l1' is not NAME=VALUE"),
    ("tlb.l1=", "--set: '' is not a number"),
    ("tlb.l1=x", "--set: 'x' is not a number"),
    ("tlb.l1= 8", "--set: ' 8' is not a number"),
    ("tlb.l1=513", "--set: tlb.l1 must be 1 to 512, not 513"),
    ("tlb.l1=4294967297", "--set: tlb.l1 must be 1 to 512"),
    ("latency.div=0", "--set: latency.div must be 1 to 100000, not 0"),
    ("dcache.bytes=32M", "--set: dcache.bytes must be 64 to 16M"),
    ("predictor.kind=BTB", "--set: predictor.kind must be none, static or btb, not 'BTB'"),
    ("x" * 300 + "=1", "--set: no setting 'xxx"),
    ("=1", "--set: no setting ''"),
])
def test_wrong_set(value, message):
    refused(visa("--set", value, "--print-config"), message)


@pytest.mark.parametrize("values, message", [
    ({"tlb.l2": 96}, "tlb.l2 must be tlb.l2_ways times a power of two"),
    ({"tlb.l2_ways": 3}, "tlb.l2 must be tlb.l2_ways times"),
    ({"tlb.l1": 256}, "tlb.l1 must not be more than tlb.l2"),
    ({"pmp.granule": 12}, "pmp.granule must be a power of two"),
    ({"machine.ram": 1048577}, "machine.ram must be a multiple of 4K"),
    ({"machine.harts": 2, "machine.quantum": 63}, "machine.quantum must be at least 64"),
    ({"icache.bytes": "12K"}, "icache.bytes must be icache.ways lines times a power of two"),
    ({"dcache.bytes": 1000}, "dcache.bytes must be dcache.ways lines times"),
    ({"dcache.ways": 3}, "dcache.bytes must be dcache.ways lines times"),
    ({"predictor.entries": 33}, "predictor.entries must be a power of two"),
])
def test_impossible_together(values, message):
    """Also where the model that would need them is not to run."""
    refused(visa(*sets(values), "--print-config"), message)


def test_output_is_checked():
    with open("/dev/full", "w") as full:
        p = subprocess.run([tool("visa-sim"), "--print-config"], stdout=full, stderr=subprocess.PIPE, text=True)
    assert p.returncode == 119 and "standard output could not be written" in p.stderr


# What follows from settings -----------------------------------------------------------------

# Four contexts in turn, twice: with a pool of n < 4 contexts every one of eight loads refills.
CONTEXTS = """
_start:
    la   sp, space
    li   s0, 2
again:
    mv   s1, sp
    li   s2, 4
1:  vmload s1
    li   t0, 4096
    add  s1, s1, t0
    addi s2, s2, -1
    bnez s2, 1b
    addi s0, s0, -1
    bnez s0, again
    li   t0, 0x100000
    li   t1, 0x5555
    sw   t1, (t0)
1:  j    1b
    .data
    .balign 4096
space:
    .rept 4
    .dword {revision}
    .space 4088
    .endr
"""


@pytest.fixture
def contexts(fresh):
    revision = next(c.value for c in ISA.consts if c.name == "REVISION")
    return guest.assemble(CONTEXTS.format(revision=f"{revision:#x}"), fresh(".elf"))


@pytest.mark.parametrize("model", ["functional", "pipeline"])
@pytest.mark.parametrize("pool, refills", [(2, 8), (4, 4), (8, 4)])
def test_counters_follow(model, pool, refills, contexts, run):
    result = run(contexts, "--model", model, "--set", f"pool.contexts={pool}")
    if "without SystemC" in result.stderr:
        pytest.skip("built without SystemC")
    assert result.ok().stats["pool_refills"] == refills
    assert result.stats["pool_spills"] == max(0, refills - pool)


def cycles(run, elf, *args):
    result = run(elf, "--model", "pipeline", *args)
    if "without SystemC" in result.stderr:
        pytest.skip("built without SystemC")
    return result.ok().stats["cycles"]


def test_latency_follows(contexts, run):
    """One VMLOAD more cycles each: eight of them, nothing else changed."""
    by = next(l.cycles for l in ISA.latencies if l.name == "pool")
    assert cycles(run, contexts, "--set", f"latency.pool={by + 5}") - cycles(run, contexts) == 8 * 5


@files
def test_both_models_count_the_same(assemble, run):
    """The sizes are architectural: misses, walks, spills and refills of a tour of V-ISA on a tiny core."""
    elf = assemble((SRC / "examples" / "tour.s").read_text())
    config = ["--config", SRC / "examples" / "small-core.cfg", "--time", "instret",
              *sets({"tlb.l1": 1, "tlb.l2": 2, "tlb.walk_cache": 0, "pool.contexts": 1})]
    functional, pipeline = run(elf, *config).ok(), run(elf, *config, "--model", "pipeline")
    if "without SystemC" in pipeline.stderr:
        pytest.skip("built without SystemC")
    keys = [k for k, v in functional.stats.items() if isinstance(v, int) and k != "cycles"]
    assert {k: pipeline.ok().stats[k] for k in keys} == {k: functional.stats[k] for k in keys}
    assert pipeline.stdout == functional.stdout
    assert functional.stats["walk_reads_host"] > run(elf).ok().stats["walk_reads_host"]  # no walk cache


@files
def test_example(contexts, run):
    """The example is a slower core, with the pool that it says: four contexts do not fit into two."""
    path = SRC / "examples" / "small-core.cfg"
    assert printed("--config", path)["predictor.kind"] == "static"
    result = run(contexts, "--config", path).ok()
    assert (result.stats["pool_refills"], result.stats["pool_spills"]) == (8, 6)
    assert cycles(run, contexts, "--config", path) > cycles(run, contexts)
