"""bench/versus.py: what it counts must fit together, and the guest must come to what a model
of its workloads in Python comes to. No number here was copied from a run."""

import json
import os
import re
import sys
import zlib
from xml.etree import ElementTree

import pytest
from harness import tools

sys.path.insert(0, str(tools.SRC / "bench"))
import bars  # noqa: E402
import versus  # noqa: E402

ROUNDS = 11
ALL = [versus.BASE, *versus.WORKLOADS]
M64 = (1 << 64) - 1
UART = range(0x10000000, 0x10000008)
SYSTEM = 0x73


@pytest.fixture(scope="module")
def where(tmp_path_factory):
    tools.tool("riscv64-unknown-elf-gcc")
    tools.tool("visa-sim")
    path = tmp_path_factory.mktemp("versus")
    versus.build(path, ROUNDS, versus.WORKLOADS)
    return path


@pytest.fixture(scope="module")
def runs(where):
    """{workload: {hypervisor: counts}}, nothing subtracted."""
    return {w: {h: versus.simulate(where, "functional", h, w) for h in versus.HYPERVISORS} for w in ALL}


@pytest.fixture(scope="module")
def results(where):
    return versus.measure(where, "functional", versus.WORKLOADS)


# The workloads once more: what process 0 or 1 comes to ------------------------------------

def xorshift_sum(rounds):
    heap, state, total = {}, 1, 0
    for i in range(rounds * 1000):
        state ^= state << 13 & M64
        state ^= state >> 7
        state ^= state << 17 & M64
        page = state % 600
        heap[page] = heap.get(page, 0) + i & M64
        total = total + heap[page] & M64
    return total


def kernel_sum(process, rounds):
    heap, total = {}, process
    for i in range(rounds):
        heap[i % 8] = total + i & M64
        total = total + heap.get(i % 4, 0) & M64
        if i % 8 == 7:
            heap = {}
    return total


def crc(process, rounds):
    """zlib's CRC starts from and ends with the complement of the register. Its first value
    is that of the process, and each byte the low one of a counter."""
    data = bytes(i & 0xff for i in range(rounds * 1000))
    return zlib.crc32(data, process) ^ 0xffffffff


MODEL = {
    "nothing": lambda p, n: p + 1,
    "cpu": crc,
    "tlb": lambda p, n: 0 if p else xorshift_sum(n),
    "io": lambda p, n: 0 if p else n,
    "kernel": kernel_sum,
    "system": lambda p, n: 0 if p else n,
    "calls": lambda p, n: 0 if p else n,
}


@pytest.mark.parametrize("workload", ALL)
@pytest.mark.parametrize("hypervisor", versus.HYPERVISORS)
def test_result_is_the_models(runs, hypervisor, workload):
    expected = MODEL[workload](0, ROUNDS) ^ MODEL[workload](1, ROUNDS) << 1 & M64
    assert int(runs[workload][hypervisor]["result"], 16) == expected


@pytest.mark.parametrize("workload", ALL)
def test_software_is_plain_riscv(where, runs, workload):
    """QEMU, which knows no Xvisa, runs it to the same line: result, emulated, filled."""
    said = tools.execute([tools.tool("qemu-system-riscv64"), "-machine", "virt", "-nographic", "-bios", "none",
                          "-kernel", where / "versus-software.elf",
                          "-device", f"loader,file={where / f'guest-{workload}.elf'}"]).ok().stdout
    run = runs[workload]["software"]
    assert f"result {run['result']} emulated {run['emulated']} filled {run['filled']}\n" in said
    assert run["guest"] == 0  # no VM was entered


# Exits ------------------------------------------------------------------------------------

CALLS = {w: ROUNDS if w == "calls" else 0 for w in ALL}  # of the firmware; one more ends the guest
UART_ACCESSES = {w: 2 * ROUNDS if w == "io" else 0 for w in ALL}  # is it free? the character


@pytest.mark.parametrize("workload", ALL)
def test_exits_of_native_are_calls(runs, workload):
    assert runs[workload]["native"]["exits"] == CALLS[workload] + 1


@pytest.mark.parametrize("workload", ALL)
def test_exits_of_nested_are_calls_and_the_uart(runs, workload):
    """One more makes the VM current before its first instruction."""
    run = runs[workload]["nested"]
    assert run["exits"] == CALLS[workload] + UART_ACCESSES[workload] + 1 + 1
    assert run["emulated"] == UART_ACCESSES[workload]


@pytest.mark.parametrize("workload", ALL)
def test_traps_of_software_are_accounted_for(runs, workload):
    """Each is emulated, or the guest's own (a system call or page fault of a process, as many
    as under native), or fills a shadow, or calls the firmware."""
    run = runs[workload]["software"]
    assert run["exits"] == (run["emulated"] + runs[workload]["native"]["traps"] + run["filled"] +
                            CALLS[workload] + 1)


@pytest.mark.parametrize("workload", ["io", "kernel", "system", "calls"])
def test_emulated_is_what_the_kernel_does(where, runs, workload):
    """The trace of the guest under native has as many privileged instructions (CSRs, sret,
    sfence.vma: all of opcode SYSTEM that retire in Ring 0) and accesses of the UART."""
    trace = tools.simulate(where / "versus-native.elf", "--trace=/dev/stderr", "--trace-format", "json",
                           "--load", where / f"guest-{workload}.elf").ok().stderr
    guest = [r for r in tools.trace_records(trace) if r.get("v") and r.get("retired")]
    privileged = [r for r in guest if r["ring"] == 0 and int(r["insn"], 16) & 0x7f == SYSTEM]
    uart = [r for r in guest if "mem" in r and int(r["mem"]["gpa"], 16) in UART]
    assert len(guest) == runs[workload]["native"]["guest"]
    assert len(uart) == UART_ACCESSES[workload]
    assert runs[workload]["software"]["emulated"] == len(privileged) + len(uart)


# Instructions and walks -------------------------------------------------------------------

@pytest.mark.parametrize("workload", ALL)
def test_guest_executes_the_same(runs, workload):
    """But for what the hypervisor steps over."""
    of = runs[workload]
    assert of["native"]["guest"] == of["nested"]["guest"] + of["nested"]["emulated"]


@pytest.mark.parametrize("workload", versus.WORKLOADS)
def test_hypervisor_without_exits_does_nothing(results, workload):
    for hypervisor in ("native", "nested"):
        run = results[workload][hypervisor]
        assert (run["hypervisor"] == 0) == (run["exits"] == 0), hypervisor


def test_calls_cost_the_same_each(results):
    for hypervisor in ("native", "nested"):
        assert results["calls"][hypervisor]["hypervisor"] % ROUNDS == 0


@pytest.mark.parametrize("workload", ALL)
def test_walks_are_as_long_as_the_tables_are_deep(runs, workload):
    """Sv39: one to three entries. Over Sv39x4 each of these, and the page, is looked up in up
    to three more."""
    for hypervisor, most in (("native", 3), ("nested", 3 * (1 + 3) + 3), ("software", 3)):
        run = runs[workload][hypervisor]
        assert run["tlb_misses"] <= run["walk_reads"] <= most * run["tlb_misses"], hypervisor


def test_hardware_walks_once_under_native_and_software(results):
    """Random pages, far more than the TLB holds: the nested walk reads more."""
    tlb = results["tlb"]
    assert tlb["nested"]["walk_reads"] > tlb["native"]["walk_reads"] > 2 * tlb["native"]["tlb_misses"]
    assert tlb["nested"]["exits"] == 0 < tlb["software"]["exits"]


def test_what_differs_is_told():
    run = {"result": "5", "guest": 10, "emulated": 0, "instructions": 10, "cycles": 10}
    runs = {h: dict(run) for h in versus.HYPERVISORS}
    assert versus.compare(runs)["software"] == {**run, "hypervisor": 0, "ratio": 1}
    runs["software"]["result"] = "4"
    with pytest.raises(SystemExit, match="comes to 5 under native, and to 4 under software"):
        versus.compare(runs)


# The command ------------------------------------------------------------------------------

def run_versus(*args, **env):
    tools.tool("riscv64-unknown-elf-gcc")
    env = {**os.environ, "VISA_SIM": str(tools.tool("visa-sim")), "VISA_BUILD": str(tools.BUILD), **env}
    return tools.execute([sys.executable, tools.SRC / "bench" / "versus.py", *args], env=env)


def test_command(tmp_path, results):
    """The table, the JSON and the picture say what was counted."""
    told, plot = tmp_path / "v.json", tmp_path / "v.svg"
    printed = run_versus("--rounds", str(ROUNDS), "--only", "io", "--only", "calls", "--model", "functional",
                         "--json", told, "--plot", plot).ok().stdout
    told = json.loads(told.read_text())
    assert told == {"rounds": ROUNDS, "model": "functional",
                    "workloads": {w: results[w] for w in ("io", "calls")}}
    for hypervisor, row in zip(versus.HYPERVISORS, printed.splitlines()[2:5]):
        counted = results["io"][hypervisor]
        numbers = [int(n) for n in re.findall(r" (\d+)(?= )", row)]
        assert numbers == [counted[k] for k in ("exits", "hypervisor", "walk_reads", "tlb_misses", "cycles")]
    titles = [e.text for e in ElementTree.parse(plot).iter("{http://www.w3.org/2000/svg}title")]
    assert len(titles) == 4 * 2 * len(versus.HYPERVISORS)
    assert f"io, nested: {results['io']['nested']['exits']}" in titles


def test_pipeline_counts_cycles(where):
    """They are at least one an instruction; what is architectural is the functional model's."""
    if versus.default_model() != "pipeline":
        pytest.skip("visa-sim was built without SystemC")
    for hypervisor in versus.HYPERVISORS:
        timed, plain = (versus.simulate(where, m, hypervisor, "kernel") for m in ("pipeline", "functional"))
        assert timed["cycles"] > timed["instructions"]
        assert {**timed, "cycles": 0} == {**plain, "cycles": 0}


@pytest.mark.parametrize("args, message", [
    (["--only", "nonsense"], "invalid choice: 'nonsense'"),
    (["--rounds", "0"], "--rounds: expected 1 or more"),
])
def test_errors(args, message):
    result = run_versus(*args)
    assert result.code != 0
    assert message in result.stderr


def test_simulator_that_fails(tmp_path):
    assert "is not there" in run_versus(VISA_SIM=str(tmp_path / "none")).stderr
    liar = tmp_path / "liar"
    liar.write_text("#!/bin/sh\necho no luck\nexit 9\n")
    liar.chmod(0o755)
    result = run_versus("--rounds", "1", VISA_SIM=str(liar))
    assert result.code != 0
    assert "exit code 9" in result.stderr and "no luck" in result.stderr


# The picture ------------------------------------------------------------------------------

def heights(values, log):
    panel = bars.Panel("t", {f"g{i}": {"s": v} for i, v in enumerate(values)}, log)
    drawn = "\n".join(bars.draw_panel(panel, 0, {"s": "#000"}))
    return [float(h) for h in re.findall(r'<rect .*? height="([\d.]+)"', drawn)]


def test_bars_are_in_proportion():
    a, b, c = heights([1, 2, 4], log=False)
    assert b == pytest.approx(2 * a, abs=0.2) and c == pytest.approx(4 * a, abs=0.2)
    a, b, c = heights([10, 100, 10000], log=True)
    assert b == pytest.approx(2 * a, abs=0.2) and c == pytest.approx(4 * a, abs=0.2)


@pytest.mark.parametrize("log", [False, True])
def test_bars_of_nothing(log):
    """Zero has no bar, and the little that there is has one that can be seen."""
    assert heights([0, 0], log) == [0, 0]
    zero, little, _ = heights([0, 1, 1000000], log)
    assert zero == 0 < little


@pytest.mark.parametrize("value, expected", [(0, "0"), (1.234, "1.23"), (640, "640"), (12345, "12.3k"),
                                             (4.5e6, "4.5M"), (2e9, "2G")])
def test_short(value, expected):
    assert bars.short(value) == expected
