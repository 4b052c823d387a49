"""Virtual interrupts and refused entries: in counts, traces and timelines. What a program does is
counted by hand beside it."""

import json

import pytest

from harness import tools
from sim.test_report import stat

# Vectors 5 and 7 of VM 1 are enabled; VM 2 is never entered.
PROGRAM = """
        .globl  _start
_start: la      s0, vmcs_a
        la      s1, vmcs_b
        li      t0, REVISION
        sd      t0, VMCS_REVISION * 8 (s0)
        sd      t0, VMCS_REVISION * 8 (s1)
        li      t0, 1 << 44
        sd      t0, VMCS_HPTBR * 8 (s0)
        la      t0, guest
        sd      t0, VMCS_PC * 8 (s0)
        la      t0, handler
        sd      t0, VMCS_STVEC * 8 (s0)
        li      t0, 1 << 9
        sd      t0, VMCS_SIE * 8 (s0)
        li      t0, 2
        sd      t0, VMCS_SSTATUS * 8 (s0)
        li      t0, (1 << 5) | (1 << 7)
        sd      t0, VMCS_VIC_ENABLE * 8 (s0)
        li      t0, (1 << (4 * 5)) | (1 << (4 * 7))
        sd      t0, VMCS_VIC_PRIORITY * 8 (s0)
        addi    t0, s0, 5
        vint_send t0            # to its image in memory
        vint_send t0            # again: one interrupt comes of both
        addi    t0, s1, 9
        vint_send t0            # nobody will take it
        VMENTER R8
        li      a0, 0x5555
        li      t0, 0x100000
        sw      a0, 0(t0)
1:      j       1b
        .balign 4
guest:  nop                     # interrupted by 5
        li      t0, 7
        vint_send t0            # interrupts at once
        csrci   sstatus, 2
        vint_send t0            # is polled instead
        vint_ack a0
        vint_ack.eoi
        vint_ack a0             # none: -1
        vint_ack.eoi            # of nothing
        li      t0, 200
        vint_send t0            # not enabled
        VMEXIT  1
        .balign 4
handler:
        vint_ack a1
        vint_ack.eoi
        sret
        .bss
        .balign 4096
vmcs_a: .zero   4096
vmcs_b: .zero   4096
"""
A = {"sent": 5, "taken": 2, "acknowledged": 3, "ended": 3, "pending": 1}
B = {"sent": 1, "taken": 0, "acknowledged": 0, "ended": 0, "pending": 1}
EVENTS = [("sent", 5), ("sent", 5), ("sent", 9), "entry", ("interrupt", 5), ("acknowledged", 5), ("ended", 5),
          ("sent", 7), ("interrupt", 7), ("acknowledged", 7), ("ended", 7),
          ("sent", 7), ("acknowledged", 7), ("ended", 7), ("sent", 200), "exit"]
MODELS = ["functional", "pipeline"]


@pytest.fixture(params=MODELS)
def model(request):
    if request.param == "pipeline":
        tools.need_pipeline()
    return request.param


def counts(row):
    return {k.removeprefix("vint_"): v for k, v in row.items() if k.startswith("vint_")}


def test_counts(model, assemble, run):
    s = run(assemble(PROGRAM), "--model", model).ok().stats
    assert [counts(vm) for vm in s["vms"]] == [A, B]
    assert counts(s) == {k: A[k] + B[k] for k in A}
    assert (s["entries"], s["exits"]) == (1, 1)
    assert [vm["entries"] for vm in s["vms"]] == [1, 0]
    assert len(s["timeline"]["vms"]) == 2 and not any(s["timeline"]["vms"][1])


def test_vm_that_is_entered_late(assemble, run):
    """It was sent an interrupt before any other was entered; VMs are in the order of entries."""
    text = PROGRAM.replace("        VMENTER R8\n", """
        li      t0, 3 << 44
        sd      t0, VMCS_HPTBR * 8 (s1)
        la      t0, other
        sd      t0, VMCS_PC * 8 (s1)
        VMENTER R8
        VMENTER R9
""").replace("        vint_send t0            # to its", "        addi t1, s1, 1\n        vint_send t1\n        vint_send t0 #") \
        .replace("        .balign 4\nguest:", "other:  VMEXIT 2\n        .balign 4\nguest:")
    s = run(assemble(text)).ok().stats
    assert [vm["vmid"] for vm in s["vms"]] == [1, 3]
    assert [counts(vm) for vm in s["vms"]] == [A, {**B, "sent": 2, "pending": 2}]
    assert [vm["exits"] for vm in s["vms"]] == [1, 1]


def shown(r):
    e = r["event"]
    if e["kind"] in ("entry", "exit"):
        return e["kind"]
    return (e["name"] if e["kind"] == "vint" else e["kind"]), e["vector"]


def test_event_trace(model, assemble, run):
    elf = assemble(PROGRAM)
    args = ["--model", model, *(["--time", "instret"] if model == "pipeline" else []), "--trace-events"]
    records = tools.trace_records(run(elf, *args, "--trace-format", "json").ok().stderr)
    assert [shown(r) for r in records] == EVENTS
    lines = tools.trace_lines(run(elf, *args).ok().stderr)
    vmcs = records[0]["event"]["vmcs"]
    assert lines[0].split(" | ")[1].split(" -> ")[0] == f"virtual interrupt sent: vector=5 VMCS={vmcs}"
    assert " | interrupt 9 SEI vector=5 -> 0x" in lines[4]
    assert " acknowledged: vector=5 " in lines[5] and " ended: vector=5 " in lines[6]


def test_counting_and_listening_agree(assemble, run):
    elf = assemble(PROGRAM)
    plain, traced = run(elf).ok().stats, run(elf, "--trace=/dev/null").ok().stats
    assert plain == traced


def test_tables(assemble, run, tmp_path):
    result = run(assemble(PROGRAM), "--summary", "--report", tmp_path / "r.html").ok()
    lines = result.stderr.splitlines()
    at = next(i for i, l in enumerate(lines) if l.split()[:2] == ["sent", "taken"])
    rows = {tuple(l.split()[:2]): l.split()[2:] for l in lines[at + 1:at + 3]}
    assert rows == {("VM", "1"): [str(n) for n in A.values()], ("VM", "0"): [str(n) for n in B.values()]}
    for what, n in zip(("sent", "taken", "acknowledged", "ended", "never taken"), (A[k] + B[k] for k in A)):
        assert f"virtual interrupts {what}".ljust(40) + f" {n:16d}" in lines
    (tmp_path / "s").write_text(json.dumps(result.stats))
    assert lines[at] in stat(tmp_path / "s")
    assert [counts(vm) for vm in json.loads(stat("-j", tmp_path / "s"))["vms"]] == [A, B]
    page = (tmp_path / "r.html").read_text()
    assert "virtual interrupts acknowledged" in page and "<th scope=\"col\" class=\"n\">never taken</th>" in page


def test_perfetto(model, assemble, run, tmp_path):
    run(assemble(PROGRAM), "--model", model, "--perfetto", tmp_path / "p").ok()
    events = json.loads((tmp_path / "p").read_text())["traceEvents"]
    marks = sorted(e["name"] for e in events if e["ph"] == "i")
    assert marks == sorted([
        "VINT_SEND vector 5", "SEI vector 5", "VINT_ACK.EOI vector 5", "VINT_SEND vector 7", "SEI vector 7",
        "VINT_ACK.EOI vector 7", "VINT_SEND vector 7", "VINT_ACK vector 7", "VINT_ACK.EOI vector 7",
        "VINT_SEND vector 9, never taken", "VINT_SEND vector 200, never taken"])


def test_summary_without_any(assemble, run):
    text = "\n".join(l for l in PROGRAM.splitlines() if "vint_" not in l)
    assert "virtual interrupts" not in run(assemble(text), "--summary").ok().stderr


# Refused entries ----------------------------------------------------------------------------

REFUSED = """
        .globl  _start
_start: la      s0, vmcs
        li      t0, REVISION
        sd      t0, VMCS_REVISION * 8 (s0)
        li      t0, 1
        sd      t0, VMCS_RING * 8 (s0)
        VMENTER R8              # ring
        VMRESUME                # ring
        addi    s1, s0, 8
        VMENTER R9              # no page begins there
        la      s1, wrong
        VMLOAD  R9              # revision
        li      a0, 0x5555
        li      t0, 0x100000
        sw      a0, 0(t0)
1:      j       1b
        .bss
        .balign 4096
vmcs:   .zero   4096
wrong:  .zero   4096
"""
FIELDS = ["ring", "ring", "pointer", "revision"]


def test_refused_entries(model, assemble, run, tmp_path):
    elf = assemble(REFUSED)
    result = run(elf, "--model", model, "--summary", "--report", tmp_path / "r.html").ok()
    assert result.stats["entry_failures"] == 4
    assert result.stats["refused_by_field"] == {"ring": 2, "revision": 1, "pointer": 1}
    assert "VM entries refused, by field: revision 1, ring 2, pointer 1\n" in result.stderr
    page = (tmp_path / "r.html").read_text()
    assert "VM entries refused, by the field" in page and ">pointer</th>" in page


def test_refused_entries_in_traces(model, assemble, run):
    """In the trace of exits as in that of all events: at the instruction, with field and value."""
    elf = assemble(REFUSED)
    args = ["--model", model, *(["--time", "instret"] if model == "pipeline" else [])]
    traces = [tools.trace_lines(run(elf, *args, t).ok().stderr) for t in ("--trace-events", "--trace-exits")]
    for lines in traces:
        assert [l.split("field=")[1].split()[0] for l in lines] == FIELDS
        assert all("| entry refused:" in l and " R-1 " in l for l in lines)
    assert [l.split(" -> ")[0] for l in traces[0]] == [l.split(" -> ")[0] for l in traces[1]]
    assert traces[0][0].split(": ")[1].split(" | ")[0].endswith("vmenter s0")
