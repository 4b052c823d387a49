"""Places: where --trace-from and --trace-to begin and end a trace, by number, symbol or marker."""

import os

import pytest
from harness import tools
from sim.elf import Segment, elf
from sim.test_names import COPIED, PC

# main does work(3), work(2), work(1) and ends; marker 7 is before the last call.
PROGRAM = """
        .globl  _start
_start: li      s0, 3
main:   mv      a0, s0
        addi    s0, s0, -1
        bnez    s0, 1f
        slti    x0, x0, 7
1:      jal     work
        bnez    s0, main
        li      a0, 0x5555
        li      t0, 0x100000
stop:   sw      a0, 0(t0)
        j       stop
work:   addi    a0, a0, -1
        bnez    a0, work
back:   ret
"""


@pytest.fixture
def program(assemble):
    return assemble(PROGRAM)


def trace(elf, *args):
    result = tools.execute([tools.tool("visa-sim"), "--trace", *args, elf]).ok()
    return [l for l in tools.trace_lines(result.stderr) if not l.startswith("visa-sim")], result.stderr


def name(line):
    return line[line.index("<") + 1:line.index(">")]


MODELS = [[], ["--model", "pipeline"]]


@pytest.mark.parametrize("model", MODELS, ids=["functional", "pipeline"])
@pytest.mark.parametrize("start, end, first, behind", [
    ("work", None, "work", None), ("back", None, "back", None), ("work", "back", "work", "back"),
    ("work+4", None, "work+0x4", None), ("main+4", "main", "main+0x4", "main"), ("marker", None, "main+0xc", None),
    ("marker:7", "work", "main+0xc", "work"), (None, "main", "_start", "main"),
    (None, "marker:7", "_start", "main+0xc"),
    ("work", "stop", "work", "stop")])
def test_between_symbols(start, end, first, behind, model, program):
    """The trace is the part of the whole one from the first `first` on, before the next `behind`."""
    if model:
        tools.need_pipeline()
    everything, _ = trace(program, *model)
    names = [name(l) for l in everything]
    begin = names.index(first)
    stop = names.index(behind, begin) if behind else None
    args = [a for o, v in (("--trace-from", start), ("--trace-to", end)) if v for a in (o, v)]
    assert trace(program, *model, *args)[0] == everything[begin:stop]


def test_numbers_and_symbols(program):
    everything, _ = trace(program)
    names = [name(l) for l in everything]
    assert trace(program, "--trace-from", 5, "--trace-to", "back")[0] == everything[5:names.index("back")]
    assert trace(program, "--trace-from", "back", "--trace-to", 15)[0] == everything[names.index("back"):16]


def test_place_that_never_comes(program):
    lines, text = trace(program, "--trace-from", "marker:8")
    assert lines == [] and "--trace-from marker:8: the run ended before" in text


@pytest.mark.parametrize("option", ["--trace-from", "--trace-to"])
@pytest.mark.parametrize("value, words", [
    ("nowhere", "no symbol 'nowhere'"), ("wrk", "no symbol 'wrk': did you mean 'work'?"), ("", "no symbol ''"),
    ("12x", "12x"), ("marker:x", "x"), ("work@16384", "16384 is not a VMID"), ("work+", "no symbol 'work+'")])
def test_no_place(option, value, words, program):
    result = tools.execute([tools.tool("visa-sim"), "--trace", option, value, program])
    assert result.code == 120 and f"{option}: " in result.stderr and words in result.stderr


@pytest.mark.parametrize("events, count", [("--trace-exits", 1), ("--trace-events", 1)])
def test_events_from_a_symbol(events, count, assemble):
    """The guest's VMEXIT is behind the place, its entry is before."""
    lines, _ = trace(assemble(COPIED.replace("NUMBER", "3")), events, "--trace-from", f"{PC:#x}@3")
    assert len(lines) == count and "| exit 0x07 HYPERCALL" in lines[0]


@pytest.mark.parametrize("model", MODELS, ids=["functional", "pipeline"])
@pytest.mark.parametrize("names, place, found", [
    ("kernel", "kernel", True), ("kernel", "kernel@3", True), ("kernel@3", "kernel", True),
    ("kernel@3", "kernel@3", True),
    ("kernel@4", "kernel", False), ("kernel", "kernel@4", False), ("kernel@4", "kernel@4", False)])
def test_symbols_of_a_guest(names, place, found, model, assemble, fresh):
    """The guest executes at PC, where the hypervisor copied it: no file was loaded there. The
    hypervisor's own instructions at the same offset in their pages do not stop the run."""
    if model:
        tools.need_pipeline()
    path = fresh(".elf")
    path.write_bytes(elf(Segment(bytes(64), vaddr=PC), entry=PC, symbols=[("kernel", PC + 4)]))
    at = names[len("kernel"):]
    lines, text = trace(assemble(COPIED.replace("NUMBER", "3")), "--symbols", f"{path}{at}",
                        "--trace-from", place, *model)
    assert bool(lines) == found and ("the run ended before" in text) != found
    if found:
        assert f"V vm=3 {PC + 4:#x}->" in lines[0] and "<kernel>" in lines[0]


# Every instruction of this loop's page has the place's offset somewhere: the same count, the same end.
@pytest.mark.parametrize("model", MODELS, ids=["functional", "pipeline"])
@pytest.mark.parametrize("offset", range(0, 40, 2))
def test_a_place_that_is_not_reached_changes_nothing(offset, model, program, run):
    """By virtual address in a VM that never runs, at the offset of each instruction."""
    if model:
        tools.need_pipeline()
    plain = run(program, *model).stats
    assert run(program, *model, "--trace=/dev/null", "--trace-from", f"{0x80000000 + offset:#x}@1").stats == plain


@pytest.mark.parametrize("place", ["stop", "0x80000004@1"])
def test_switch_at_takes_the_same_places(place, program):
    tools.need_pipeline()
    result = tools.execute([tools.tool("visa-sim"), "--switch-at", place, "--summary", program]).ok()
    assert ("instructions before the pipeline model" in result.stderr) == (place == "stop")


def test_switch_and_trace_at_one_place(program):
    tools.need_pipeline()
    lines, _ = trace(program, "--switch-at", "back", "--trace-from", "back")
    assert name(lines[0]) == "back"


@pytest.mark.slow
def test_run_before_the_place_is_not_traced(assemble):
    """A trace costs 50 times what a run costs; this loop of 30 million is done in a fraction of a second."""
    elf = assemble("_start: li t1, 10000000\n1: addi t1, t1, -1\n nop\n bnez t1, 1b\nend: li a0, 0x5555\n"
                   " li t0, 0x100000\n sw a0, 0(t0)\n2: j 2b\n")
    took = []
    for args in (["-q"], ["--trace", "--trace-from", "end"]):
        before = sum(os.times()[2:4])  # of children
        tools.execute([tools.tool("visa-sim"), *args, elf]).ok()
        took.append(sum(os.times()[2:4]) - before)
    assert took[1] < 10 * took[0] + .5
