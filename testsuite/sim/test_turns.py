"""Both models in turn: --switch-at, which times the end of a run, and --sample, which times parts of it."""

import json
import math
import re

import pytest

from harness import guest, tools

USAGE, LIMIT = 120, 122
END = """
    li   a0, 0x100000
    li   a1, 0x5555
    sw   a1, (a0)
1:  j    1b
"""
END_INSNS = 4  # up to the store: li a1 is lui and addiw

# 1 + 2 * 1000 instructions, a marker, 1 + 2 * 500 in a function that is called once before, END.
STEPS = """
_start:
    li   t0, 1000
1:  addi t0, t0, -1
    bnez t0, 1b
first:
    slti x0, x0, 7
    li   t1, 500
2:  addi t1, t1, -1
    bnez t1, 2b
second:
    slti x0, x0, 8
last:""" + END
AT = {"first": 2001, "second": 2001 + 1 + 1001, "last": 2001 + 1 + 1001 + 1}
TOTAL = AT["last"] + END_INSNS


@pytest.fixture(scope="module", autouse=True)
def pipeline_model():
    tools.need_pipeline()


@pytest.fixture(scope="module")
def steps(tmp_path_factory):
    return guest.assemble(STEPS, tmp_path_factory.mktemp("turns") / "steps.elf")


def timed(stats):
    """Instructions that went through the pipeline."""
    return sum(r["instret"] for r in stats["pipeline"]["rows"])


# --switch-at ----------------------------------------------------------------------------------

@pytest.mark.parametrize("where, at", [
    ("0", 0), ("1", 1), ("1000", 1000), ("0x7d1", 2001), (str(TOTAL - 1), TOTAL - 1),
    ("first", AT["first"]), ("second", AT["second"]), ("last", AT["last"]), ("_start", 0),
    ("marker", AT["first"]), ("marker:7", AT["first"]), ("marker:8", AT["second"]),
])
def test_where(where, at, steps, run):
    """Instructions before it are the functional model's, that and the others the pipeline's (BA-16)."""
    result = run(steps, "--switch-at", where, "--summary").ok()
    stats = result.stats
    assert re.search(rf"^instructions before the pipeline model +{at}$", result.stderr, re.M), result.stderr
    assert stats["instret"] == TOTAL
    assert stats["switched_at"] == at
    assert timed(stats) == TOTAL - at
    assert sum(sum(r["cycles"].values()) for r in stats["pipeline"]["rows"]) == stats["pipeline"]["cycles"]
    assert TOTAL - at <= stats["pipeline"]["cycles"] < 3 * (TOTAL - at) + 100


@pytest.mark.parametrize("where", ["1234", "first", "marker:8"])
def test_nothing_is_lost_or_done_twice(where, steps, fresh):
    """Where time counts instructions, the trace is the functional model's, record for record."""
    traces = []
    for args in ([], ["--switch-at", where, "--time", "instret"]):
        trace = fresh(".trace")
        tools.simulate(steps, f"--trace={trace}", *args).ok()
        traces.append(tools.trace_lines(trace.read_text()))
    assert traces[0] == traces[1] and len(traces[0]) == TOTAL


def test_time_goes_on(steps, fresh):
    """Cycles before are instructions; from there each record is later than the one before."""
    trace = fresh(".trace")
    tools.simulate(steps, f"--trace={trace}", "--trace-format", "json", "--switch-at", "second").ok()
    cycles = [r["cycle"] for r in tools.trace_records(trace.read_text())]
    assert cycles[:AT["second"]] == list(range(AT["second"]))
    assert all(a < b for a, b in zip(cycles, cycles[1:]))


@pytest.mark.parametrize("where, message", [
    ("secnod", "no symbol 'secnod': did you mean 'second'?"),
    ("nothing_like_it", "no symbol 'nothing_like_it'"),
    ("12x", "'12x' is not a number"),
    ("marker:", "'' is not a number"),
    ("marker:x", "'x' is not a number"),
    ("", "no symbol ''"),
])
def test_no_such_place(where, message, steps):
    result = tools.simulate(steps, "--switch-at", where)
    assert result.code == USAGE and result.stdout == "", str(result)
    assert f"visa-sim: --switch-at: {message}" in result.stderr, str(result)


@pytest.mark.parametrize("where", ["marker:9", str(TOTAL), "1000000"])
def test_never_reached(where, steps, run):
    """The run is that of the functional model, and it is said."""
    result = run(steps, "--switch-at", where).ok()
    assert f"--switch-at {where}: the run ended before" in result.stderr
    assert "switched_at" not in result.stats and timed(result.stats) == 0
    assert result.stats["instret"] == TOTAL


@pytest.mark.parametrize("limit", [AT["first"] - 1, AT["first"], AT["first"] + 1, AT["first"] + 10])
def test_limit(limit, steps, run):
    """--max-insns counts the instructions of both."""
    result = run(steps, "--switch-at", "first", "--max-insns", limit)
    assert result.code == LIMIT, str(result)
    assert result.stats["instret"] == limit
    assert timed(result.stats) == max(0, limit - AT["first"])


# Where in a page it stands and what is beside it, and how many instructions are before it.
PLACES = {
    "behind a compressed one": ("c.nop\n{}\n", 1),
    "over the page's end": ("j 2f\n .space 4090\n2: {}\n", 1),
    "last of a page": ("j 2f\n .space 4088\n2: {}\n", 1),
    "first of a page": ("j 2f\n .space 4092\n2: {}\n", 1),
    "run into from a page": (".space 4088\n nop\n nop\n {}\n", 4088 // 2 + 2),
    "second of a pair": ("addi a3, a3, 1\n {}\n", 1),
    "in a loop, decoded before": ("li t0, 5\n1: addi t0, t0, -1\n bgtz t0, 1b\n {}\n bgez t0, 1b\n", 1 + 2 * 5),
    "behind a jump": ("la a3, 2f\n jr a3\n nop\n2: {}\n", 3),
}


@pytest.mark.parametrize("kind", PLACES)
@pytest.mark.parametrize("insn, where", [("here: addi a2, a2, 1", "here"), ("here: c.addi a2, 1", "here"),
                                         ("slti x0, x0, 2047", "marker:2047")])
def test_places(kind, insn, where, run, assemble):
    text, before = PLACES[kind]
    text = text.replace(".space 4088\n nop", ".rept 2044\n c.nop\n.endr\n nop").format(insn)
    stats = run(assemble(f"_start: {text}{END}"), "--switch-at", where).ok().stats
    assert stats["switched_at"] == before
    assert timed(stats) == stats["instret"] - before


@pytest.mark.parametrize("text", ["slti a0, x0, 3", "slti x0, a0, 3", "sltiu x0, x0, 3", "addi x0, x0, 3", "slti x0, x0, 4"])
def test_no_marker(text, run, assemble):
    """What only looks like marker 3."""
    assert "switched_at" not in run(assemble(f"_start: {text}\n{END}"), "--switch-at", "marker:3").ok().stats


def test_marker_written_at_run_time(run, assemble):
    """Code that a program makes is code."""
    elf = assemble(f"""
_start:
    la   t0, slot
    lw   t1, model
    jal  ra, slot
    sw   t1, (t0)
    fence.i
    jal  ra, slot
{END}
slot:
    nop
    ret
    .data
model:
    slti x0, x0, 5
""")
    assert run(elf, "--switch-at", "marker").ok().stats["switched_at"] == 2 + 2 + 3 + 2 + 1


def test_marker_in_c(cc, run):
    """visa_marker of the guest header, in a loop that begins before it."""
    elf = cc("""
#include "visa.h"
__asm__(".section .text.start, \\"ax\\"\\n.globl _start\\n_start: li sp, 0x80080000\\n j main\\n.text");
int main(void)
{
    for (volatile int i = 0; i < 100; i++)
        if (i == 50)
            visa_marker(77);
    *(volatile unsigned *)0x100000 = 0x5555;
    for (;;)
        ;
}
""")
    stats = run(elf, "--ram", "1M", "--switch-at", "marker:77").ok().stats
    assert 50 * 4 < stats["switched_at"] < stats["instret"] - 50 * 4
    assert "switched_at" not in run(elf, "--switch-at", "marker:76").ok().stats


SMP = f"""
_start:
    csrr a0, mhartid
    li   t0, 3000
1:  addi t0, t0, -1
    bnez t0, 1b
    beqz a0, wait
    slti x0, x0, 1
    la   t1, done
    li   t2, 1
    sw   t2, (t1)
2:  j    2b
wait:
    la   t1, done
3:  lw   t2, (t1)
    beqz t2, 3b
{END}
    .data
done: .word 0
"""


def test_several_harts(run, assemble):
    """One of two comes there; both go on in the pipeline."""
    stats = run(assemble(SMP), "--harts", "2", "--switch-at", "marker").ok().stats
    assert stats["switched_at"] > 2 * 2000
    assert timed(stats) == stats["instret"] - stats["switched_at"]
    assert {r["hart"] for r in stats["pipeline"]["rows"]} == {0, 1}


# Ring 0 under Sv39, whose root maps 8 more gigabytes of addresses on RAM: touched, and again.
PAGES = 8
SV39 = f"""
_start:
    la   t0, root
    srli t0, t0, 12
    li   t1, 8
    slli t1, t1, 60
    or   t0, t0, t1
    csrw satp, t0
    li   t0, -1
    csrw pmpaddr0, t0
    li   t0, 31
    csrw pmpcfg0, t0
    la   t0, guest
    csrw mepc, t0
    li   t0, 0x800
    csrs mstatus, t0
    mret
guest:
    li   s0, 2
again:
    li   t0, 4 << 30
    li   t1, {PAGES}
    li   t2, 1 << 30
1:  lw   t3, (t0)
    add  t0, t0, t2
    addi t1, t1, -1
    bnez t1, 1b
    slti x0, x0, 1
    addi s0, s0, -1
    bnez s0, again
{END}
    .data
    .balign 4096
root:
    .dword 0x00000000 >> 2 | 0xc7, 0, 0x80000000 >> 2 | 0xcf, 0
    .rept {PAGES}
    .dword 0x80000000 >> 2 | 0xcf
    .endr
    .space 4096 - 8 * {4 + PAGES}
"""


def test_l2_stays(run, assemble):
    """L2 TLBs have what the functional model left there: nothing is walked again, L1 is empty."""
    elf, tlb = assemble(SV39), ["--set", "tlb.l2=16", "--set", "tlb.l2_ways=16", "--set", "tlb.l1=16"]
    whole = run(elf, *tlb, "--switch-at", "0").ok().stats
    end = run(elf, *tlb, "--switch-at", "marker").ok().stats

    def walked(stats):
        return sum(r["cycles"]["walk_guest"] + r["cycles"]["walk_host"] for r in stats["pipeline"]["rows"])
    assert whole["tlbmiss_host"] == end["tlbmiss_host"] == PAGES + 2  # and fetch, and the finisher
    assert whole["pipeline"]["counts"]["l1_data_misses"] == PAGES + 1
    assert end["pipeline"]["counts"]["l1_data_misses"] == PAGES + 1
    assert walked(whole) > 3 * walked(end) > 0  # of the finisher's page alone


# --sample -------------------------------------------------------------------------------------

# 64-bit xorshift decides on a branch, a division and a load: some 12 instructions a round,
# with a steady mean and nothing that repeats.
MIXED = """
_start:
    li   s0, {seed}
    li   s1, {rounds}
    la   s2, table
    li   s3, 0x1ff8
1:  slli t0, s0, 13
    xor  s0, s0, t0
    srli t0, s0, 7
    xor  s0, s0, t0
    slli t0, s0, 17
    xor  s0, s0, t0
    and  t1, s0, s3
    add  t1, t1, s2
    ld   t2, (t1)
    andi t3, s0, 1
    beqz t3, 2f
    addi t2, t2, 1
2:  andi t3, s0, 6
    bnez t3, 3f
    divu t2, t2, s1
3:  addi s1, s1, -1
    bnez s1, 1b
""" + END + """
    .data
    .balign 4096
table: .space 8192
"""


@pytest.fixture(scope="module")
def mixed(tmp_path_factory):
    directory = tmp_path_factory.mktemp("mixed")
    return lambda seed, rounds=15000: guest.assemble(MIXED.format(seed=seed, rounds=rounds),
                                                     directory / f"{seed}-{rounds}.elf")


def density(x, freedom):
    """Of Student's t."""
    log = math.lgamma((freedom + 1) / 2) - math.lgamma(freedom / 2) - math.log(freedom * math.pi) / 2
    return math.exp(log - (freedom + 1) / 2 * math.log1p(x * x / freedom))


def share(t, freedom, steps=2000):
    """Between -t and t, by Simpson's rule."""
    h = t / steps
    inner = sum((4 if i % 2 else 2) * density(i * h, freedom) for i in range(1, steps))
    return 2 * h / 3 * (density(0, freedom) + inner + density(t, freedom))


@pytest.mark.parametrize("period, warmup, length", [
    (100000, 1000, 500), (66000, 0, 66), (31000, 500, 500), (9000, 2000, 7000), (1000, 100, 100), (50, 5, 10)])
def test_arithmetic(period, warmup, length, mixed, run):
    """The interval from the samples that are listed: mean -+ t s / sqrt(n), where t leaves out 5 %."""
    stats = run(mixed(1), "--sample", f"{period}:{warmup}:{length}").ok().stats
    got, total = stats["sampling"], stats["instret"]
    samples = got["samples"]
    assert (got["period"], got["warmup"], got["length"], got["confidence"]) == (period, warmup, length, 0.95)
    assert [s["from"] for s in samples] == [(i + 1) * period - length for i in range(total // period)]
    assert {s["instret"] for s in samples} == {length}
    assert len(samples) >= 2

    n = len(samples)
    each = [s["cycles"] / s["instret"] for s in samples]
    mean = math.fsum(each) / n
    spread = math.sqrt(math.fsum((x - mean) ** 2 for x in each) / (n - 1))
    assert spread > 0
    assert got["cpi"]["mean"] == pytest.approx(mean, rel=1e-9)
    t = (got["cpi"]["high"] - mean) * math.sqrt(n) / spread
    assert share(t, n - 1) == pytest.approx(0.95, abs=1e-6)
    assert mean - got["cpi"]["low"] == pytest.approx(got["cpi"]["high"] - mean, rel=1e-6)
    for key in ("mean", "low", "high"):
        assert got["cycles"][key] == pytest.approx(got["cpi"][key] * total, rel=1e-9)


def test_interval_has_the_truth(mixed, run):
    """Of 10 programs, the whole run's CPI lies outside the 95 % interval of 3 or more once in 87 times."""
    outside, widths = 0, []
    for seed in range(1, 11):
        elf = mixed(seed)
        truth = run(elf, "--model", "pipeline").ok().stats["pipeline"]["cpi"]
        got = run(elf, "--sample", "2000:300:200").ok().stats["sampling"]["cpi"]
        outside += not got["low"] <= truth <= got["high"]
        widths.append((got["high"] - got["low"]) / truth)
    print(f"{outside} outside, widths {widths}")
    assert outside < 3
    assert max(widths) < 0.2


def test_samples_are_the_run(mixed, run):
    """Samples that lie side by side add up to the run: measuring changes nothing."""
    elf, length, n = mixed(2, 1000), 50, 150
    whole = run(elf, "--model", "pipeline", "--time", "instret", "--max-insns", n * length)
    parts = run(elf, "--sample", f"{length}:0:{length}", "--max-insns", n * length)
    assert whole.code == parts.code == LIMIT
    samples = parts.stats["sampling"]["samples"]
    assert len(samples) == n
    assert sum(s["cycles"] for s in samples) == whole.stats["pipeline"]["cycles"] == parts.stats["pipeline"]["cycles"]


def test_only_samples_are_timed(mixed, run):
    stats = run(mixed(3), "--sample", "10000:200:100").ok().stats
    rest = stats["instret"] % 10000
    assert timed(stats) == stats["instret"] // 10000 * 300 + max(0, rest - 9700)


def test_time_is_of_instructions(mixed, fresh):
    """A program cannot see that it is sampled: its trace is the functional model's."""
    traces = []
    for args in ([], ["--sample", "700:50:50"]):
        trace = fresh(".trace")
        tools.simulate(mixed(4, 200), f"--trace={trace}", *args).ok()
        traces.append(tools.trace_lines(trace.read_text()))
    assert traces[0] == traces[1]


def test_deterministic(mixed, fresh):
    files = [fresh(".json") for _ in range(2)]
    for f in files:
        tools.simulate(mixed(5), "--sample", "3000:100:100", stats=f).ok()
    assert files[0].read_bytes() == files[1].read_bytes()


@pytest.mark.parametrize("plan, n", [("1000000000:0:1", 0), ("9223372036854775807:0:5", 0), ("100000:10:10", 1)])
def test_too_few(plan, n, mixed, run):
    """No sample, no mean; one, no interval."""
    result = run(mixed(6, 10000), "--sample", plan, "--summary").ok()
    got = result.stats["sampling"]
    assert len(got["samples"]) == n
    if n == 0:
        assert got["cpi"] is None and got["cycles"] is None
    else:
        s, = got["samples"]
        assert got["cpi"] == {"mean": s["cycles"] / s["instret"], "low": None, "high": None}
    assert re.search(rf"^samples of the pipeline model +{n}$", result.stderr, re.M), result.stderr
    assert "confidence" not in result.stderr


def test_summary(mixed, run):
    result = run(mixed(7), "--sample", "1000:100:100", "--summary").ok()
    cpi, cycles = result.stats["sampling"]["cpi"], result.stats["sampling"]["cycles"]
    assert re.search(rf"^cycles per instruction, mean +{cpi['mean']:.4f}\n"
                     rf"  95 % confidence interval +{cpi['low']:.4f} to {cpi['high']:.4f}\n"
                     rf"cycles of the whole run, estimated +{cycles['mean']:.0f}\n"
                     rf"  95 % confidence interval +{cycles['low']:.0f} to {cycles['high']:.0f}\n",
                     result.stderr, re.M), result.stderr


@pytest.mark.parametrize("args, message", [
    (["--sample", "10"], "--sample: expected three numbers, PERIOD:WARMUP:LENGTH"),
    (["--sample", "10:2"], "--sample: expected three numbers"),
    (["--sample", "10:2:3:4"], "--sample: expected three numbers"),
    (["--sample", "10:2:x"], "--sample: 'x' is not a number"),
    (["--sample", "10:2:"], "--sample: '' is not a number"),
    (["--sample", "10:2:0"], "--sample: LENGTH must be at least 1"),
    (["--sample", "0:0:0"], "--sample: LENGTH must be at least 1"),
    (["--sample", "10:8:3"], "WARMUP and LENGTH must fit into PERIOD"),
    (["--sample", "10:18446744073709551615:3"], "WARMUP and LENGTH must fit into PERIOD"),
    (["--sample", "9223372036854775808:0:1"], "PERIOD must be less than 2^63"),
    (["--sample", "10:3:3", "--harts", "2"], "--sample measures the whole run of one hart: not with several harts"),
    (["--sample", "10:3:3", "--switch-at", "5"], "--sample and --switch-at exclude each other"),
])
def test_refused(args, message, steps):
    result = tools.simulate(steps, *args)
    assert result.code == USAGE and result.stdout == "" and result.stderr.count("\n") == 1, str(result)
    assert message in result.stderr
