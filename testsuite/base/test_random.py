"""Random streams of instructions: visa-sim and QEMU must come to the same registers, the
same memory and the same traps."""

import pytest

from base import bare, cases, streams

STREAMS, ITEMS = 25, 160
LOAD_ACCESS, STORE_ACCESS, LOAD_PAGE, STORE_PAGE = 5, 7, 13, 15


def comparable(trap):
    """An AMO that faults is a store for the manual and a load for QEMU 7.2."""
    level, cause, epc, tval = trap
    if tval == streams.HOLE:
        cause = {LOAD_ACCESS: STORE_ACCESS, LOAD_PAGE: STORE_PAGE}.get(cause, cause)
    return level, cause, epc, tval


def listing(case, trap):
    return f"ring {case.ring}, ended {trap}; the stream:\n{case.asm}"


def disagreement(case, visa, qemu):
    """Text that says where the two went apart, or None."""
    for n, (v, q) in enumerate(zip(visa.traps, qemu.traps)):
        if comparable(v) != comparable(q):
            return f"trap {n}: visa-sim {v}, QEMU {q}"
    if len(visa.traps) != len(qemu.traps):
        return f"visa-sim took {len(visa.traps)} traps, QEMU {len(qemu.traps)}"
    for what, v, q in (("register x", visa.x, qemu.x), ("memory ", visa.mem, qemu.mem)):
        for n in sorted(set(v) | set(q)):
            if v.get(n) != q.get(n):
                return f"{what}{n:#x}: visa-sim {cases.show(v.get(n))}, QEMU {cases.show(q.get(n))}"
    if (visa.level, visa.cause, visa.epc) != (qemu.level, qemu.cause, qemu.epc):
        return f"end: visa-sim {visa}, QEMU {qemu}"
    return None


@pytest.mark.parametrize("number", range(12))
def test_streams(number, isa, rng, tmp_path):
    program = bare.Program()
    program.tables = cases.identity_tables()
    for _ in range(STREAMS):
        program.add(streams.make(isa, rng, ITEMS))
    elf = program.build(tmp_path, "streams")
    qemu = bare.outcomes(elf, "qemu", program.cases)
    visa = bare.outcomes(elf, "visa", program.cases)
    for case, v, q in zip(program.cases, visa, qemu):
        wrong = disagreement(case, v, q)
        assert not wrong, f"{wrong}\n{listing(case, v.traps[-1:])}"
