"""Two models, one machine. With the functional model's time (--time instret) the pipeline model
has the same retire records and statistics, byte for byte; with a time of its own, programs that
do not look at the clock say the same. What it does depends on nothing else: neither on how often
it runs, nor on how far harts run ahead of SystemC's kernel."""

import itertools
import json
import os
import shlex
import sys

import pytest

from base import test_programs as base
from harness import guest, tools
from pipeline import agree
from sim import programs as sim

pytestmark = pytest.mark.usefixtures("pipelined")

EXAMPLES = {name: [f"{name}.elf"] for name in [
    "tour", "hello-exit", "copy-on-write", "demand-paging", "devices", "dirty-log", "scheduler", "shadow-paging"]} | {
    "interrupts": ["--harts", "2", "interrupts.elf"],
    "nesting": ["--load", "demand-paging.elf", "nesting.elf"],
    "versus-native": ["--load", "guest-kernel.elf", "versus-native.elf"],
    "versus-nested": ["--load", "guest-kernel.elf", "versus-nested.elf"],
    "versus-software": ["--load", "guest-kernel.elf", "versus-software.elf"]}
DEVICES = {"uart": [], "clint": [], "plic": [], "faults": [], "pci": [], "ports": [], "vm": ["-DVM_NUMBER=5"]}
HARTS = {"harts": (base.build, "harts.c"), "ipi": (sim.build, "ipi.c")}


@pytest.fixture(scope="session")
def examples(tmp_path_factory):
    where = tmp_path_factory.mktemp("examples")
    tools.tool("riscv64-unknown-elf-gcc")
    tools.execute(["make", "-s", "--no-print-directory", "-C", tools.SRC / "examples", f"O={where}", f"BUILD={tools.BUILD}", "ROUNDS=2",
                   f"VISA_AS={tools.tool('visa-as')}", f"VISA_SIM={tools.tool('visa-sim')}"],
                  env=tools.clean_environment()).ok()
    return lambda name: [where / a if a.endswith(".elf") else a for a in EXAMPLES[name]]


def agrees(args):
    for traced in (True, False):
        told, (code, *_) = agree.differences(tools.tool("visa-sim"), args, traced)
        assert not told, f"visa-sim {shlex.join(map(str, args))}: models differ in " + "\n".join(told)
        assert code == 0


# The functional model's time ---------------------------------------------------------------

@pytest.mark.parametrize("name", EXAMPLES)
def test_example_agrees(name, examples):
    agrees(examples(name))


@pytest.mark.parametrize("name", base.EVERYWHERE + base.OWN)
def test_base_program_agrees(name, tmp_path):
    agrees([base.build(tmp_path, f"{name}.c")])


@pytest.mark.parametrize("name", DEVICES)
def test_device_program_agrees(name, tmp_path):
    agrees([sim.build(tmp_path, f"{name}.c", *DEVICES[name])])


@pytest.mark.parametrize("harts", [2, 4])
@pytest.mark.parametrize("name", HARTS)
def test_harts_agree(name, harts, tmp_path):
    build, source = HARTS[name]
    agrees(["--harts", harts, build(tmp_path, source, f"-DHARTS={harts}")])


@pytest.mark.slow
@pytest.mark.parametrize("tests, least", [("xvisa/test_world.py", 5), ("xvisa/test_entry.py", 3),
                                          ("xvisa/test_pool.py", 3), ("xvisa/test_vic.py", 3),
                                          ("xvisa/test_nested.py", 3), ("xvisa/test_tlb.py", 1),
                                          ("base/test_translation.py", 1), ("base/test_interrupts.py", 1)])
def test_whole_tests_agree(tests, least, tmp_path, seed):
    """These tests as they are, with a visa-sim that runs both models and says where they differ."""
    both, log = tmp_path / "visa-sim", tmp_path / "log"
    both.write_text(f"#!/bin/sh\nexec '{sys.executable}' '{agree.__file__}' \"$@\"\n")
    both.chmod(0o755)
    env = {**os.environ, "VISA_SIM": str(both), "VISA_SIM_BOTH": str(tools.tool("visa-sim")),
           "VISA_AGREED": str(log), "PYTHONDONTWRITEBYTECODE": "1"}
    for name in ("PYTEST_CURRENT_TEST", "PYTEST_XDIST_WORKER", "PYTEST_ADDOPTS"):
        env.pop(name, None)
    result = tools.execute([sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q", "-x", "-m", "not slow",
                            "-k", "not witness", f"--seed={seed}", f"--basetemp={tmp_path / 'inner'}",
                            tools.SRC / "testsuite" / tests], env=env, timeout=600)
    assert result.code == 0, str(result)
    assert len([l for l in log.read_text().splitlines() if l.startswith("0 ")]) >= least


def test_comparison_can_fail(tmp_path):
    """A program that reads its cycles, on a pipeline that has its own."""
    elf = guest.assemble(".globl _start\n_start: csrr a0, mcycle\nli t0, 0x100000\nli t1, 0x5555\n"
                         "sw t1, 0(t0)\n1: j 1b\n", tmp_path / "t.elf")
    assert agree.differences(tools.tool("visa-sim"), [elf])[0] == []
    told, _ = agree.differences(tools.tool("visa-sim"), [elf], more=["--time", "cycles"])
    assert any(t.startswith("trace:") for t in told)


# Its own time --------------------------------------------------------------------------------

class Timed:
    """Runs with the pipeline's own time: everything that they say, as bytes."""

    def __init__(self, where):
        self.where, self.number = where, itertools.count()

    def run(self, *args, traced=True):
        files = [self.where / f"{next(self.number)}.{kind}" for kind in ("stats", "trace")]
        trace = [f"--trace={files[1]}", "--trace-format", "json", "--trace-to", agree.TRACED] if traced else []
        result = tools.execute([tools.tool("visa-sim"), "--model", "pipeline", "--stats", files[0], *trace, *args])
        return result, [f.read_bytes() for f in files if f.exists()]


@pytest.fixture
def timed(tmp_path):
    return Timed(tmp_path)


# Their output tells of time, or where a timer's interrupt came.
TELL_TIME = {"tour", "interrupts", "scheduler", "versus-native", "versus-nested", "versus-software"}


@pytest.mark.parametrize("name", EXAMPLES)
def test_example_says_the_same_in_its_own_time(name, examples, timed):
    args = examples(name)
    here, _ = timed.run(*args, traced=False)
    there = tools.execute([tools.tool("visa-sim"), *args]).ok()
    assert here.ok().code == there.code
    if name not in TELL_TIME:
        assert here.stdout == there.stdout


@pytest.mark.parametrize("name", [n for n in base.EVERYWHERE + base.OWN if n != "retired"])
def test_base_program_in_its_own_time(name, tmp_path, timed):
    """All but the one whose time has to be instructions."""
    timed.run(base.build(tmp_path, f"{name}.c"), traced=False)[0].ok()


@pytest.mark.parametrize("name", DEVICES)
def test_device_program_in_its_own_time(name, tmp_path, timed):
    timed.run(sim.build(tmp_path, f"{name}.c", *DEVICES[name]), traced=False)[0].ok()


@pytest.mark.slow
@pytest.mark.parametrize("harts", [2, 4])
@pytest.mark.parametrize("name", HARTS)
def test_harts_in_their_own_time(name, harts, tmp_path, timed):
    """Counters by lr and sc, interrupts from hart to hart: right, and the same twice."""
    build, source = HARTS[name]
    args = ["--harts", harts, build(tmp_path, source, f"-DHARTS={harts}")]
    result, said = timed.run(*args)
    result.ok()
    assert timed.run(*args)[1] == said


VMS = """
        .equ    FINISHER, 0x100000
        .equ    PASS, 0x5555
        .equ    FAIL, 0x13333
        .equ    ROUNDS, 50
        .globl  _start
_start: csrr    s0, mhartid
        la      s1, vmcs                ; each hart has a page of its own
        slli    t0, s0, 12
        add     s1, s1, t0
        li      t0, REVISION
        sd      t0, VMCS_REVISION * 8 (s1)
        la      t0, guest
        sd      t0, VMCS_PC * 8 (s1)
        VMENTER s1
        VMCAUSE t0
        li      t1, EXIT_HYPERCALL
        bne     t0, t1, fail
        la      t0, done
        li      t1, 1
        amoadd.w zero, t1, (t0)
        bnez    s0, 2f
        li      t1, {harts}
1:      lw      t2, 0(t0)
        bne     t1, t2, 1b
        la      t0, counter
        ld      t1, 0(t0)
        li      t2, {harts} * ROUNDS
        li      t3, PASS
        beq     t1, t2, finish
fail:   li      t3, FAIL
finish: li      t0, FINISHER
        sw      t3, 0(t0)
2:      wfi
        j       2b
        .balign 4
guest:  la      a0, counter
        li      a1, ROUNDS
1:      lr.d    a2, (a0)
        addi    a2, a2, 1
        sc.d    a3, a2, (a0)
        bnez    a3, 1b
        addi    a1, a1, -1
        bnez    a1, 1b
        VMEXIT  0
        .data
        .balign 64
counter: .dword 0
        .balign 64
done:   .dword  0
        .balign 4096
vmcs:   .zero   {harts} * 4096
"""


@pytest.mark.parametrize("harts", [1, 2, 4])
def test_vms_on_harts(harts, tmp_path, timed):
    """A VM on each hart; all count in one word, and no count is lost."""
    elf = guest.assemble(VMS.format(harts=harts), tmp_path / "vms.elf")
    result, said = timed.run("--harts", harts, elf)
    result.ok()
    assert timed.run("--harts", harts, elf)[1] == said
    agrees(["--harts", harts, elf])


def apart_from_settings(said):
    """Statistics and trace of Timed, without what they say of the run itself."""
    stats, trace = said
    return {k: v for k, v in json.loads(stats).items() if k != "run"}, trace.split(b"\n", 1)[1]


@pytest.mark.parametrize("quantum", [1, 2, 10, 1000])
@pytest.mark.parametrize("name", ["tour", pytest.param("interrupts", marks=pytest.mark.slow)])
def test_quantum_changes_nothing(name, quantum, examples, timed):
    args = examples(name)
    result, said = timed.run("--set", f"pipeline.quantum={quantum}", *args)
    free, said_free = timed.run(*args)
    assert result.ok().stdout == free.ok().stdout
    assert apart_from_settings(said) == apart_from_settings(said_free)


@pytest.mark.parametrize("name", ["tour", "copy-on-write", "nesting"])
def test_listening_changes_nothing(name, examples, timed):
    """The same statistics with a trace, instruction by instruction, and without."""
    assert timed.run(*examples(name))[1][0] == timed.run(*examples(name), traced=False)[1][0]


# Cycles are accounted for ----------------------------------------------------------------------

@pytest.mark.parametrize("name", EXAMPLES)
def test_every_cycle_is_somebodys(name, examples, tmp_path, run):
    stats = run(examples(name)[-1], "--model", "pipeline", *examples(name)[:-1]).ok().stats
    rows = stats["pipeline"]["rows"]
    harts = {r["hart"]: 0 for r in rows}
    for r in rows:
        harts[r["hart"]] += sum(r["cycles"].values())
        assert r["cycles"]["retired"] == r["instret"]
    assert max(harts.values()) == stats["pipeline"]["cycles"] == stats["cycles"]
    assert sum(r["instret"] for r in rows) == stats["instret"]
    in_vms = {v["vmcs"]: v["instret"] for v in stats["vms"]}
    for vmcs, instret in in_vms.items():
        assert sum(r["instret"] for r in rows if r["vmcs"] == vmcs) == instret
    if len(harts) == 1:
        assert sum(v["cycles"] for v in stats["time"]["vms"]) + stats["time"]["host"] == harts[0]
