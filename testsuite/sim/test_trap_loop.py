"""A trap loop says where it began: the first trap, of which the handlers' own faults came."""

import re

import pytest

from harness import tools

TRAP_LOOP = 125
NOWHERE = 0x18000000  # nothing is there

# mtvec is NOWHERE; what traps first stands at `begin`
PROGRAM = f"""
        .globl  _start, begin
_start: li      s0, {NOWHERE}
        csrw    mtvec, s0
"""
# ... from Ring 0, whose own handler, to which it is delegated, cannot be fetched either
RING_0 = """
        csrw    stvec, s0
        li      t0, 1 << 5
        csrw    medeleg, t0
        li      t0, 1 << 11
        csrs    mstatus, t0
        la      t0, ring0
        csrw    mepc, t0
        li      t0, -1
        csrw    pmpaddr0, t0
        li      t0, 0x1f
        csrw    pmpcfg0, t0
        mret
ring0:
"""

# a software interrupt, sent through the CLINT: it is due at `begin`
INTERRUPT = """
        li      t0, 8
        csrw    mie, t0
        csrsi   mstatus, 8
        li      t1, 0x2000000
        li      t2, 1
        sw      t2, 0(t1)
"""


def begin_of(elf):
    text = tools.execute([tools.tool("riscv64-unknown-elf-nm"), elf]).ok().stdout
    return next(int(line.split()[0], 16) for line in text.splitlines() if line.endswith(" begin"))


@pytest.fixture(params=["functional", "pipeline"])
def model(request):
    if request.param == "pipeline":
        tools.need_pipeline()
    return request.param


@pytest.mark.parametrize("before, trapping, first", [
    ("", "ld a0, 8(s0)", f"exception 5 LOAD_ACCESS, tval 0x{NOWHERE + 8:x}"),
    ("", "ecall", "exception 11 ECALL_M, tval 0x0"),
    ("", ".word 0x0000007f", "exception 2 ILLEGAL, tval 0x7f"),
    (INTERRUPT, "nop", "interrupt 3 MSI"),
    (RING_0, "ld a0, 8(s0)", f"exception 5 LOAD_ACCESS, tval 0x{NOWHERE + 8:x}"),
])
def test_first_trap(before, trapping, first, model, assemble):
    elf = assemble(PROGRAM + before + f"\nbegin:\n        {trapping}\n1: j 1b\n")
    result = tools.execute([tools.tool("visa-sim"), "--model", model, "-n", "1000", elf])
    assert result.code == TRAP_LOOP, str(result)
    ring = 0 if before == RING_0 else -1
    message = result.stderr.splitlines()[0]
    assert re.search(r"trap loop: the trap handler of Ring -1 at 0x18000000 faults at its first instruction "
                     r"\(exception 1 INSN_ACCESS, tval 0x18000000\); first was ", message), message
    assert message.endswith(f"first was {first} at pc 0x{begin_of(elf):x} in Ring {ring}")


# Ring 0's handler cannot be fetched, nor delivered elsewhere; a timer of Ring -1 could still end it
STUCK = """
        li      t1, 0x2004000
        li      t2, -1
        sd      t2, 0(t1)
        li      t0, 0x80
        csrw    mie, t0
""" + RING_0.replace("1 << 5", "(1 << 5) | (1 << 1)")
LIMIT = 122


def test_limit_does_not_count_vain_traps_as_instructions(model, assemble):
    """They count against the limit; the message says how many of which there were."""
    elf = assemble(PROGRAM + STUCK + "begin:  ld a0, 8(s0)\n")
    result = tools.execute([tools.tool("visa-sim"), "--model", model, "-n", "5000", elf])
    assert result.code == LIMIT, str(result)
    first, place = result.stderr.splitlines()
    retired, vain = map(int, re.search(r"stopped after (\d+) instructions and (\d+) traps", first).groups())
    assert retired < 100 and retired + vain == 5000
    assert f", {retired} instructions retired" in place
