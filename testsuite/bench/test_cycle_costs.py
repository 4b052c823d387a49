"""bench/cycles.py: it runs, and what it says of the machine is what the manual's chapter "The
pipeline" says. No speed is looked at."""

import json
import os
import re
import sys

import pytest
from harness import tools

sys.path.insert(0, str(tools.SRC / "bench"))
import cycles as bench  # noqa: E402

pytestmark = pytest.mark.slow  # one run serves all

COMMAND = [sys.executable, tools.SRC / "bench" / "cycles.py"]
LAT = {l.name: l.cycles for l in bench.ISA.latencies}
CONST = {c.name: c.value for c in bench.ISA.consts}
FILL = 2            # PI-2: F, D, then X
CSR = 2             # X of a csrr behind another, which is what nothing costs (PI-9: W')
WORDS = CONST["VMCS_BYTES"] // 8
FIELDS = sum(f.n for f in bench.ISA.vmcs)
# The first instruction is serial and in X CSR cycles behind the csrr, which is taken off again.
ENTER = LAT["world"] + FILL                      # PI-27
EXIT = 1 + LAT["exit"] + FILL                    # M, PI-28
WALK = LAT["load"] + LAT["tlb_l2"]               # PI-20
# PI-9: what follows a serial instruction, and is one, waits until that has left M.
CYCLES = {
    "enter": ENTER, "resume": ENTER, "exit": EXIT,
    # of the host: addi, bnez one behind it, VMRESUME in W of that
    "hypercall": EXIT + 1 + 2 + ENTER,
    "save-none": LAT["pool"] + LAT["flush"] + FILL,
    "save": LAT["pool"] + LAT["flush"] + FILL + FIELDS * LAT["spill"],
    "enter-refill": ENTER + WORDS * LAT["refill"],
    "enter-swap": ENTER + WORDS * LAT["refill"] + FIELDS * LAT["spill"],
    "send": LAT["vic"] + 1 + LAT["trap"] + FILL,  # PI-31: W', trap
    "ack": LAT["vic"] + 1,
    "load": LAT["load"], "load-native": LAT["load"], "load-nested": LAT["load"],
    "l2-native": WALK, "l2-nested": WALK,
    "walk-native": WALK + 3 * LAT["walk_read"],
    "walk-nested": WALK + 6 * LAT["walk_read"],
    "walk-nested-cold": WALK + 15 * LAT["walk_read"],
}


@pytest.fixture(scope="module")
def printed(tmp_path_factory):
    """What it prints, and its results as JSON."""
    tools.need_pipeline()
    tools.tool("riscv64-unknown-elf-gcc")
    where = tmp_path_factory.mktemp("bench") / "results.json"
    env = {**os.environ, "VISA_SIM": str(tools.tool("visa-sim")), "VISA_AS": str(tools.tool("visa-as")),
           "VISA_BUILD": str(tools.BUILD)}
    only = [a for n in ["memory", "hypercall", *bench.COSTS] for a in ("--only", n)]
    out = tools.execute([*COMMAND, "--quick", "--runs", "1", *only, "--json", where], env=env).ok().stdout
    return out, json.loads(where.read_text())


@pytest.fixture(scope="module")
def costs(printed):
    return printed[1]["costs"]


@pytest.mark.parametrize("name", bench.COSTS)
def test_cycles(name, costs):
    assert costs[name]["cycles"] == CYCLES[name]


def test_table_and_json_have_every_row(printed):
    out, results = printed
    assert list(results["costs"]) == list(bench.COSTS) == list(CYCLES)
    for name, cost in results["costs"].items():
        assert re.search(rf"^{name} +{cost['cycles']} ", out, re.M), name
    for name in ("memory", "hypercall"):
        assert re.search(rf"^{name} ", out, re.M)
        r = results["programs"][name]
        assert r["cycles"] > r["instructions"] > 0
        assert {n: len(t) for n, t in r["seconds"].items()} == {"functional": 1, "pipeline": 1}


def test_switches_take_few_cycles(costs):
    """The figures that V-ISA is for: single digits, and a null hypercall below 30."""
    assert all(costs[n]["cycles"] < 10 for n in ("enter", "resume", "exit", "send", "ack"))
    assert costs["hypercall"]["cycles"] < 30


def test_contexts_in_memory_cost_their_bytes(costs):
    """Beyond the same with a pooled one, what is moved in words of 8 bytes."""
    for name, pooled in (("enter-refill", "enter"), ("enter-swap", "enter"), ("save", "save-none")):
        assert costs[name]["bytes"] > 0 and costs[pooled]["bytes"] == 0
        assert costs[name]["cycles"] - costs[pooled]["cycles"] == costs[name]["bytes"] / 8
    assert costs["enter-refill"]["bytes"] == CONST["VMCS_BYTES"]
    assert costs["enter-swap"]["bytes"] == CONST["VMCS_BYTES"] + 8 * FIELDS


def test_injection_exits_nothing(costs):
    assert costs["send"]["exits"] == costs["ack"]["exits"] == 0
    assert costs["hypercall"]["exits"] == costs["enter"]["exits"] == 1


def test_nested_translation_costs_its_reads_alone(costs):
    """A hit of the combined TLBs is as fast as without a host table."""
    assert costs["load"]["cycles"] == costs["load-native"]["cycles"] == costs["load-nested"]["cycles"]
    assert costs["l2-native"]["cycles"] == costs["l2-nested"]["cycles"]
    assert [costs[n]["entries"] for n in ("load-nested", "l2-nested", "walk-native", "walk-nested",
                                          "walk-nested-cold")] == [0, 0, 3, 6, 15]


def test_registers_of_a_bank():
    """x1 to x31, pc, ring, and the guest CSRs and MSRs that the VMCS lists behind them."""
    names = {f.name for f in bench.ISA.vmcs}
    csrs = {"sstatus", "stvec", "stval", "gptbr", "scounteren", "sie", "sip", "sscratch", "sepc", "scause",
            "stimecmp", "senvcfg", "viselect", "tls", "tsc_aux"}
    assert csrs <= names
    assert bench.registers_of_a_bank() == 31 + 2 + len(csrs)


@pytest.mark.parametrize("args, message", [
    (["--only", "nonsense"], "invalid choice: 'nonsense'"),
    (["--runs", "0"], "--runs: expected 1 or more"),
])
def test_errors(args, message):
    result = tools.execute([*COMMAND, *args], env={**os.environ, "VISA_BUILD": str(tools.BUILD)})
    assert result.code != 0 and message in result.stderr


def test_missing_programs_are_told(tmp_path):
    env = {k: v for k, v in os.environ.items() if k not in ("VISA_SIM", "VISA_AS")}
    result = tools.execute(COMMAND, env={**env, "VISA_BUILD": str(tmp_path)})
    assert result.code != 0 and f"{tmp_path / 'visa-sim'} is not there" in result.stderr
