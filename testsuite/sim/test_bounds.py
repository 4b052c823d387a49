"""What a guest can make grow has a bound, and what is not kept is counted."""

import json

import pytest

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
