"""Traces of a part of the run: the records are those of the whole trace, and the rest of the run costs
what it costs without."""

import os
import subprocess

import pytest

from harness import tools
from sim import programs
from sim.test_vints import PROGRAM as VINTS

MODELS = [[], ["--model", "pipeline"]]
both_models = pytest.mark.parametrize("model", MODELS, ids=["functional", "pipeline"])

# Two harts that add to one word; hart 0 interrupts hart 1 each time round its loop, and hart 1 counts
# the interrupts. Turns of 64 instructions end inside of loops.
HARTS = """
        .globl  _start
_start: la      s0, word
        li      s1, 40
        li      s2, 0x2000000
        la      t0, handler
        csrw    mtvec, t0
        csrsi   mie, 8
        csrsi   mstatus, 8
        csrr    s3, mhartid
1:      amoadd.w t1, s1, (s0)
        sd      t1, 8(s0)
        ld      t2, 8(s0)
        xor     t1, t1, t2
        bnez    s3, 2f
        li      t0, 1
        sw      t0, 4(s2)
2:      addi    s1, s1, -1
        bnez    s1, 1b
        bnez    s3, 3f
        li      s4, 300
4:      addi    s4, s4, -1
        bnez    s4, 4b
        li      a0, 0x5555
        li      t0, 0x100000
        sw      a0, 0(t0)
3:      wfi
        j       3b
        .balign 4
handler: sw     x0, 4(s2)
        addi    s5, s5, 1
        mret
        .bss
        .balign 16
word:   .zero   16
"""

# Two VMs in turn, each 10 times: entered, where it stands at its exit, then resumed behind that. A guest
# counts in its own word of memory. An entry is refused in each round.
VMS = """
        .globl  _start
_start: la      s0, vmcs_a
        la      s1, vmcs_b
        li      s2, 20
        mv      t1, s0
        li      t2, 1
1:      li      t0, REVISION
        sd      t0, VMCS_REVISION * 8 (t1)
        slli    t0, t2, 44
        sd      t0, VMCS_HPTBR * 8 (t1)
        la      t0, guest
        sd      t0, VMCS_PC * 8 (t1)
        la      t0, words
        slli    t3, t2, 3
        add     t0, t0, t3
        sd      t0, (VMCS_X + 10) * 8 (t1)
        mv      t1, s1
        addi    t2, t2, 1
        li      t0, 3
        bne     t2, t0, 1b
2:      VMENTER R8
        VMRESUME.ADV
        la      t0, words
        VMENTER R5
        mv      t0, s0
        mv      s0, s1
        mv      s1, t0
        addi    s2, s2, -1
        bnez    s2, 2b
        li      a0, 0x5555
        li      t0, 0x100000
        sw      a0, 0(t0)
3:      j       3b
guest:  ld      a1, 0(a0)
        addi    a1, a1, 1
        sd      a1, 0(a0)
        VMEXIT  1
        j       guest
        .bss
        .balign 4096
words:  .zero   4096
vmcs_a: .zero   4096
vmcs_b: .zero   4096
"""


@pytest.fixture(params=["harts", "vms", "vints", "vm.c", "faults.c"])
def image(request, assemble, tmp_path):
    """An image and its options."""
    source = {"harts": HARTS, "vms": VMS, "vints": VINTS}.get(request.param)
    options = ["--harts", "2", "--quantum", "64"] if request.param == "harts" else []
    return [*options, assemble(source) if source else programs.build(tmp_path, request.param, "-DVM_NUMBER=3")]


def records(image, *args):
    result = tools.execute([tools.tool("visa-sim"), "--uart-out", os.devnull, "-q", "--trace=-", "--trace-format", "json",
                            *args, *image]).ok()
    return tools.trace_records(result.stdout)


def whole(image, model):
    if model:
        tools.need_pipeline()
    everything = records(image, *model)
    assert len(everything) > 30
    return everything


@both_models
def test_window_of_numbers(model, image):
    """Wherever it opens, in a straight line or at a branch, and wherever it closes."""
    everything = whole(image, model)
    last = max(r["instret"] for r in everything)
    for start in sorted({*range(1, 12), *range(12, last, max(1, last // 12)), last, last + 1}):
        end = start + last // 5
        part = records(image, *model, "--trace-from", str(start), "--trace-to", str(end))
        assert part == [r for r in everything if start <= r["instret"] <= end], start


@both_models
def test_events(model, image):
    everything = whole(image, model)
    for start in (0, 20, max(r["instret"] for r in everything) // 2):
        part = records(image, *model, "--trace-events", "--trace-from", str(start))
        assert part == [r for r in everything if "event" in r and r["instret"] >= start], start
    assert any("event" in r for r in everything)


@both_models
def test_one_vm(model, image):
    everything = whole(image, model)
    for vm in {r["vmid"] for r in everything if r["v"]} | {9}:
        wanted = [r for r in everything if (r["v"] and r["vmid"] == vm) or
                  (r.get("event", {}).get("kind") == "entry" and r["event"]["vmid"] == vm)]
        assert records(image, *model, "--trace-vm", str(vm)) == wanted, vm
        assert (records(image, *model, "--trace-vm", str(vm), "--trace-events") ==
                [r for r in wanted if "event" in r]), vm
        assert bool(wanted) == (vm != 9)


@both_models
def test_exits_of_a_part(model, image):
    """Of --trace-exits, whose records differ from those of the whole trace, the same part."""
    if model:
        tools.need_pipeline()
    everything = records(image, *model, "--trace-exits")
    for start in (0, 10, 40, 90):
        part = records(image, *model, "--trace-exits", "--trace-from", str(start), "--trace-to", str(start + 60))
        assert part == [r for r in everything if start <= r["instret"] <= start + 60], start
    for vm in (1, 2):
        assert (records(image, *model, "--trace-exits", "--trace-vm", str(vm)) ==
                [r for r in everything if not r["v"] or r["vmid"] == vm and r["event"]["kind"] != "entryfail"
                 if r["v"]]), vm


# What it costs ------------------------------------------------------------------------------------

COMPUTES = """
_start: la      t2, word
        li      t1, ROUNDS
1:      ld      t3, 0(t2)
        addi    t3, t3, 1
        sd      t3, 0(t2)
        addi    t1, t1, -1
        bnez    t1, 1b
        li      a0, 0x5555
        li      t0, 0x100000
        sw      a0, 0(t0)
2:      j       2b
        .bss
word:   .zero   8
"""
EXITS = VMS.replace("li      s2, 20", "li      s2, ROUNDS")
NEVER = "99999999999"
COMPUTING = [["--trace-from", NEVER], ["--trace-to", "99"], ["--trace-events"], ["--trace-exits"], ["--trace-vm", "9"],
             ["--explain-exit", "1"]]
EXITING = [["--trace-from", NEVER], ["--trace-to", "99"], ["--trace-events", "--trace-from", NEVER],
           ["--trace-exits", "--trace-from", NEVER], ["--trace-exits", "--trace-from", "marker:7"],
           ["--trace-vm", "9"], ["--trace-exits", "--trace-vm", "9"]]


def seconds(*args):
    """Of the processor, by one run."""
    p = subprocess.Popen([tools.tool("visa-sim"), "-q", *args], stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(p.pid, 0)
    p.returncode = os.waitstatus_to_exitcode(status)
    assert p.returncode == 0
    return usage.ru_utime + usage.ru_stime


def ratio(options, plain, runs=7):
    """Best of several to best of several, in turn, until it is good enough."""
    best = [float("inf")] * 2
    for _ in range(runs):
        for i, args in enumerate((plain, [*options, *plain])):
            best[i] = min(best[i], seconds(*args))
        if best[1] < 1.25 * best[0]:
            break
    return best[1] / best[0]


@pytest.mark.slow
@both_models
@pytest.mark.parametrize("source, rounds, options", [
    *((COMPUTES, (40_000_000, 400_000), o) for o in COMPUTING), *((EXITS, (800_000, 30_000), o) for o in EXITING)],
    ids=[*("computes " + " ".join(o) for o in COMPUTING), *("exits " + " ".join(o) for o in EXITING)])
def test_nothing_recorded_costs_nothing(source, rounds, options, model, assemble):
    """What had a record for every instruction cost 50 times as much; exits cost 1.6 times."""
    if model:
        tools.need_pipeline()
    plain = [*model, assemble(source.replace("ROUNDS", str(rounds[bool(model)])))]
    trace = [] if "--explain-exit" in options else [f"--trace={os.devnull}"]
    assert ratio([*trace, *options], plain) < 1.5
