"""What a guest can make grow has a bound, and what is not kept is counted."""

import json
import re

import pytest

from harness import tools
from sim.test_report import stat

KEPT = 8192
PLACES = 20000
HOT = 3  # of every so many exits one is at the same place

# The hypervisor lets its guest exit at PLACES places, one after the other, and at `hot` in between.
PROGRAM = f"""
        .globl  _start, hot
_start: la      s0, vmcs
        li      t0, REVISION
        sd      t0, VMCS_REVISION * 8 (s0)
        li      s5, VMCS_PC
        la      s1, places
        la      s2, hot
        li      s3, {PLACES}
        sd      s2, VMCS_PC * 8 (s0)
        VMENTER R8
next:   VMWRITE s5, s1
        VMRESUME
        VMWRITE s5, s2
        VMRESUME
        addi    s1, s1, 4
        addi    s3, s3, -1
        bnez    s3, next
        li      a0, 0x5555
        li      t0, 0x100000
        sw      a0, 0(t0)
1:      j       1b
hot:    VMEXIT  1
        .balign 4
places: .rept   {PLACES}
        VMEXIT  2
        .endr
        .bss
        .balign 4096
vmcs:   .zero   4096
"""
HANDLING_HOT, HANDLING_COLD = 5, 2  # VMWRITE, VMRESUME; addi, addi, bnez before


@pytest.mark.parametrize("harts", [1, 2])
def test_places_of_exits(harts, assemble, run, tmp_path):
    text = PROGRAM if harts == 1 else PROGRAM.replace("_start:", "_start: bnez a0, 2f\n", 1).replace(
        "hot:  ", "2:      wfi\n        j 2b\nhot:  ", 1)
    s = run(assemble(text), "--harts", harts).ok().stats
    sites, other = s["exit_sites"], s["other_sites"]
    assert s["exits"] == 2 * PLACES + 1
    assert KEPT / 2 <= len(sites) <= KEPT
    assert len(sites) + other["places"] == PLACES + 1  # no place exits again once it is not kept
    assert sum(site["count"] for site in sites) + other["count"] == s["exits"]
    assert (sites[0]["symbol"], sites[0]["count"]) == ("hot", PLACES + 1)
    assert {site["count"] for site in sites[1:]} == {1}
    assert other["count"] == other["places"] == other["handling"]["count"]
    assert other["handling"]["instret"]["sum"] == HANDLING_COLD * other["count"]
    handled = sum(site["handling"]["instret"]["sum"] for site in sites) + other["handling"]["instret"]["sum"]
    assert handled == HANDLING_COLD * PLACES + HANDLING_COLD + HANDLING_HOT * (PLACES - 1)
    (tmp_path / "s").write_text(json.dumps(s))
    assert f"of {other['count']} exits at other places" in stat(tmp_path / "s")


def test_few_places_are_all_kept(assemble, run):
    text = PROGRAM.replace(str(PLACES), str(KEPT - 1))
    s = run(assemble(text)).ok().stats
    assert len(s["exit_sites"]) == KEPT and "other_sites" not in s


# So many VMs, each with a VMCS of its own, one after the other: each runs one instruction before each of two exits.
KEPT_VMS = 1024
VMS = """
        .globl  _start, guest
_start: la      s0, vmcs
        li      s2, {vms}
        li      s4, 4096
1:      li      t0, REVISION
        sd      t0, VMCS_REVISION * 8 (s0)
        la      t1, guest
        sd      t1, VMCS_PC * 8 (s0)
        VMENTER R8
        li      t2, VMCS_PC
        addi    t1, t1, 8
        VMWRITE t2, t1
        VMRESUME
        add     s0, s0, s4
        addi    s2, s2, -1
        bnez    s2, 1b
        li      a0, 0x5555
        li      t0, 0x100000
        sw      a0, 0(t0)
2:      j       2b
guest:  nop
        VMEXIT  1
        nop
        VMEXIT  2
        .bss
        .balign 4096
vmcs:   .zero   4096 * {vms}
"""


@pytest.mark.parametrize("model", ["functional", pytest.param("pipeline", marks=pytest.mark.slow)])
def test_vms(model, assemble, run, tmp_path):
    if model == "pipeline":
        tools.need_pipeline()
    n = KEPT_VMS + 100
    s = run(assemble(VMS.format(vms=n)), "--model", model).ok().stats
    vms = s["vms"]
    assert len(vms) == KEPT_VMS + 1 == len(s["time"]["vms"]) == len(s["timeline"]["vms"])
    assert [vm["exits"] for vm in vms] == [2] * KEPT_VMS + [2 * 100]
    assert [vm["entries"] for vm in vms] == [2] * KEPT_VMS + [2 * 100]
    assert [vm["instret"] for vm in vms] == [2] * KEPT_VMS + [2 * 100]
    first = int(vms[0]["vmcs"], 16)
    assert [vm["vmcs"] for vm in vms] == [hex(first + 4096 * i) for i in range(KEPT_VMS)] + ["others"]
    assert [vm["vmcs"] for vm in s["time"]["vms"]] == [vm["vmcs"] for vm in vms]
    others = [site for site in s["exit_sites"] if site["vmcs"] == "others"]
    assert [(site["count"], site["returned"]) for site in others] == [(100, 0), (100, 0)]
    assert len(s["exit_sites"]) == 2 * (KEPT_VMS + 1)
    assert sum(vm["cycles"] for vm in s["time"]["vms"]) + s["time"]["host"] == s["time"]["total"]
    if model == "pipeline":
        rows = {row["vmcs"]: row["instret"] for row in s["pipeline"]["rows"]}
        assert len(rows) == KEPT_VMS + 2 and rows["others"] == 2 * 100
        assert sum(rows.values()) == s["instret"]
    else:
        assert s["time"]["vms"][-1]["cycles"] == sum(s["timeline"]["vms"][-1]) == 2 * 100
        assert sum(sum(row) for row in s["timeline"]["vms"]) + sum(s["timeline"]["host"]) == s["cycles"]
    (tmp_path / "s").write_text(json.dumps(s))
    for by in "site", "cause", "vm":
        assert "others" in stat(tmp_path / "s", "-b", by)
    html = stat(tmp_path / "s", "-H")
    assert "other VMs" in html


def test_as_many_vms_as_are_kept(assemble, run):
    s = run(assemble(VMS.format(vms=KEPT_VMS))).ok().stats
    assert len(s["vms"]) == KEPT_VMS and "others" not in {vm["vmcs"] for vm in s["vms"]}


def test_stories(assemble, run):
    """No VM but the first is entered again, so 1024 exits wait at a time: those that came before end early."""
    n = 1024 + 5
    text = VMS.format(vms=n).replace("        VMRESUME\n", "")
    err = run(assemble(text), "--explain-exit", "1-").ok().stderr
    early = re.findall(r"what comes is not followed", err)
    assert len(early) == 5
    assert len(re.findall(r"the VM was not entered again", err)) == 1024
    assert [int(i) for i in re.findall(r"^exit (\d+):", err, re.M)] == list(range(1, n + 1))


SENDS = """
        .globl  _start
_start: la      s0, vmcs
        li      s2, {vms}
        li      s4, 4096
        li      t0, REVISION
1:      sd      t0, VMCS_REVISION * 8 (s0)
        li      t1, {vectors}
        mv      s5, s0
2:      VINT_SEND s5
        addi    s5, s5, 1
        addi    t1, t1, -1
        bnez    t1, 2b
        add     s0, s0, s4
        addi    s2, s2, -1
        bnez    s2, 1b
        li      a0, 0x5555
        li      t0, 0x100000
        sw      a0, 0(t0)
3:      j       3b
        .bss
        .balign 4096
vmcs:   .zero   4096 * {vms}
"""
FOLLOWED = 4096


def test_arrows(assemble, run, tmp_path):
    vms, vectors = 50, 100
    out = tmp_path / "p"
    r = run(assemble(SENDS.format(vms=vms, vectors=vectors)), "--perfetto", out).ok()
    assert r.stats["vint_sent"] == r.stats["vint_pending"] == vms * vectors
    assert f"--perfetto: {vms * vectors - FOLLOWED} virtual interrupts have no arrow" in r.stderr
    assert out.read_text().count("never taken") == FOLLOWED


def test_lanes(assemble, run, tmp_path):
    out = tmp_path / "p"
    run(assemble(VMS.format(vms=KEPT_VMS + 3)), "--perfetto", out).ok()
    events = json.loads(out.read_text())["traceEvents"]
    names = [e["args"]["name"] for e in events if e.get("name") == "thread_name"]
    assert len(names) == 1 + KEPT_VMS + 1 and names[-1] == "other VMs"
    assert sum(e["ph"] == "X" and e["tid"] == KEPT_VMS + 1 for e in events) == 2 * 3


def test_vmids_of_one_vm(assemble, run):
    """A hypervisor gives its VM a new VMID at each entry: it stays one row of each ring."""
    tools.need_pipeline()
    text = PROGRAM.replace(str(PLACES), "300").replace("next:   VMWRITE s5, s1\n", """next:   VMWRITE s5, s1
        slli    t1, s3, 44
        li      t2, VMCS_HPTBR
        VMWRITE t2, t1
""")
    s = run(assemble(text), "--model", "pipeline").ok().stats
    rows = [row for row in s["pipeline"]["rows"] if row["vmcs"] != "0x0"]
    assert len(rows) == 1 == len(s["vms"])
    assert rows[0]["vmid"] == s["vms"][0]["vmid"] == 1
    assert s["exits"] == 601


@pytest.mark.slow
def test_samples(assemble, run):
    tools.need_pipeline()
    text = """
        .globl _start
_start: li      t0, 140000
1:      addi    t0, t0, -1
        bnez    t0, 1b
        li      a0, 0x5555
        li      t0, 0x100000
        sw      a0, 0(t0)
2:      j       2b
"""
    s = run(assemble(text), "--sample", "4:0:1").ok().stats
    sampling = s["sampling"]
    assert len(sampling["samples"]) == 65536
    n = 65536 + sampling["more_samples"]
    assert n == s["instret"] // 4
    assert sampling["cpi"]["low"] < sampling["cpi"]["mean"] < sampling["cpi"]["high"]
