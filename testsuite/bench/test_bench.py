"""bench/run.py at its smallest: everything builds, runs and is right. No speed is looked at."""

import collections
import json
import os
import re
import shutil
import sys

import pytest
from harness import tools

sys.path.insert(0, str(tools.SRC / "bench"))
import run as bench_run  # noqa: E402

COMMAND = [sys.executable, tools.SRC / "bench" / "run.py"]


def run_bench(*args):
    tools.tool("riscv64-unknown-elf-gcc")
    env = {**os.environ, "VISA_SIM": str(tools.tool("visa-sim")), "VISA_BUILD": str(tools.BUILD)}
    return tools.execute([*COMMAND, *args], env=env, timeout=600)


@pytest.fixture
def bench(tmp_path):
    return bench_run.Bench(tmp_path, {"visa-sim": [tools.tool("visa-sim")]})


@pytest.mark.slow
def test_all_programs(tmp_path):
    results = tmp_path / "results.json"
    printed = run_bench("--quick", "--runs", "1", "--json", results).ok().stdout
    told = json.loads(results.read_text())
    expected = {"visa-sim"}
    if shutil.which("qemu-system-riscv64"):
        expected |= {"qemu", "qemu-icount"}
    assert set(told["startup"]) == expected
    assert list(told["programs"]) == list(bench_run.PROGRAMS)
    for name, result in told["programs"].items():
        program = bench_run.PROGRAMS[name]
        can_run = {"visa-sim"} if program.xvisa else expected
        assert name in printed
        assert set(result["seconds"]) == set(result["mips"]) == can_run, name
        assert set(result["ratio"]) == can_run - {"visa-sim"}, name
        assert all(len(runs) == 1 for runs in result["seconds"].values()), name
        assert result["instructions"] > result["rounds"], name
        assert ("exits_per_second" in result) == program.exits, name


def test_only_against_itself(tmp_path):
    results = tmp_path / "results.json"
    run_bench("--quick", "--runs", "2", "--no-qemu", "--only", "hypercall", "--json", results,
              "--against", tools.tool("visa-sim")).ok()
    told = json.loads(results.read_text())
    assert list(told["programs"]) == ["hypercall"]
    assert {n: len(t) for n, t in told["programs"]["hypercall"]["seconds"].items()} == {
        "visa-sim": 2, "against": 2}


@pytest.mark.parametrize("name, exits_per_round", [("hypercall", 1), ("cr3", 1), ("io", 2)])
def test_exits_are_those_of_the_rounds(bench, name, exits_per_round):
    """The hypervisor leaves at the first exit of the round that it does not want."""
    elf = bench.build(name, bench_run.PROGRAMS[name], 7)
    assert bench.counts(elf)["exits"] == 7 * exits_per_round + 1


@pytest.mark.parametrize("name", [n for n, p in bench_run.PROGRAMS.items() if not p.exits])
def test_wrong_checksum_fails(bench, name):
    program = bench_run.PROGRAMS[name]
    right = bench.expected(program, 2)
    assert tools.simulate(bench.build(name, program, 2, right)).code == 0
    assert tools.simulate(bench.build(name, program, 2, right ^ 1)).code == 1


def test_place_is_what_it_says(bench):
    """More pages than the TLB holds miss it in Ring 0 and in a guest, and nowhere else."""
    misses = {}
    for name in ["pages", "pages-sv39", "pages-nested"]:
        counts = bench.counts(bench.build(name, bench_run.PROGRAMS[name], 1))
        misses[name] = counts["tlbmiss_host"], counts["tlbmiss"]
    assert misses["pages"] == (0, 0)
    assert misses["pages-sv39"][0] > 1000 and misses["pages-sv39"][1] == 0
    assert misses["pages-nested"][0] == 0 and misses["pages-nested"][1] > 1000


@pytest.mark.parametrize("args, message", [
    (["--only", "nonsense"], "invalid choice: 'nonsense'"),
    (["--runs", "0"], "--runs: expected 1 or more"),
    (["--against", "/nowhere"], "/nowhere is not there"),
])
def test_errors(args, message):
    result = run_bench(*args)
    assert result.code != 0
    assert message in result.stderr


def test_failing_run_is_told(tmp_path):
    """A simulator that fails ends the run, with its output and its exit code."""
    liar = tmp_path / "liar"
    liar.write_text("#!/bin/sh\necho no luck\nexit 9\n")
    liar.chmod(0o755)
    result = run_bench("--quick", "--no-qemu", "--only", "hypercall", "--against", liar)
    assert result.code != 0
    assert "exit code 9" in result.stderr and "no luck" in result.stderr


@pytest.mark.parametrize("name", ["integer", "mix", "memory-sv39", "io"])
def test_a_run_can_end_anywhere(bench, rng, name):
    """Instructions that the interpreter does in one go can still be parted: a run of N
    instructions ends where the trace, made one instruction at a time, goes on."""
    elf = bench.build(name, bench_run.PROGRAMS[name], 1)
    last = min(bench.counts(elf)["instret"] - 1, 30000)
    trace = tools.simulate(elf, "--trace=-", "--max-insns", str(last)).stdout
    goes_on = collections.defaultdict(set)   # an exit and what follows it have one number
    for words in map(str.split, tools.trace_lines(trace)):
        address = next(w for w in words if w.startswith("0x"))
        goes_on[int(words[0])].add(int(address.split("->")[0], 16))
    for n in [*range(1, 20), *rng.sample(range(20, last), 40)]:
        told = tools.simulate(elf, "--max-insns", str(n)).stderr
        assert int(re.search(r"pc (0x[0-9a-f]+)", told)[1], 16) in goes_on[n], told
        assert f" {n} instructions retired" in told
