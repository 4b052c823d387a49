"""Which pending interrupt is taken, by whom, and at which vector: all combinations of mip, mie,
mideleg, the rings and their enables, at random (manual, TR-9 to TR-13; no guest)."""

import pytest

from base import bare, cases
from base.bare import M, S, S_HANDLER, U

MSTATUS, MEDELEG, MIDELEG, MIE, MIP, STVEC, MENVCFG, STIMECMP = (0x300, 0x302, 0x303, 0x304, 0x344,
                                                                0x105, 0x30A, 0x14D)
SIE, SPIE, MPIE, SPP = 1 << 1, 1 << 5, 1 << 7, 1 << 8
INTERRUPT = 1 << 63
SSI, STI, MTI, SEI = 1, 5, 7, 9
ORDER = [11, 3, MTI, SEI, SSI, STI]
MTIMECMP = 0x2004000
STCE = 1 << 63


def pending_ways(rng):
    """(pending bits, CSR writes, memory writes) that make them so."""
    bits = rng.choice((0, 1 << SSI, 1 << STI, 1 << SEI)) | rng.getrandbits(10) & 0x222
    timer = rng.random() < 0.3
    csrs, pokes = [(MIP, bits)], [(MTIMECMP, 0 if timer else bare.MASK)]
    if rng.random() < 0.3:              # Sstc: STIP follows stimecmp, whatever mip has
        due = rng.getrandbits(1)
        bits = bits & ~(1 << STI) | due << STI
        csrs += [(STIMECMP, 0 if due else bare.MASK), (MENVCFG, STCE)]
    return bits | timer << MTI, csrs, pokes


def taken(pending, enabled, delegated, ring, mie, sie):
    """(level, code) of the interrupt taken, or None."""
    for level, mask, opened in (("m", ~delegated, ring != M or mie),
                                ("s", delegated, ring == U or ring == S and sie)):
        ready = pending & enabled & mask
        if ready and opened:
            return level, next(n for n in ORDER if ready >> n & 1)
    return None


def fill(maker):
    for _ in range(500):
        probe(maker, maker.rng)


def probe(maker, rng):
    pending, csrs, pokes = pending_ways(rng)
    enabled = rng.choice((0xAAA, rng.getrandbits(12) & 0xAAA))
    delegated = rng.choice((0, 0x222, rng.getrandbits(10) & 0x222))
    ring, mie, sie = rng.choice((M, S, U)), rng.getrandbits(1), rng.getrandbits(1)
    vectored = rng.getrandbits(1)
    status = ring << 11 | MPIE * mie | SIE * sie        # mret moves MPIE into MIE
    csrs = [(MIDELEG, delegated), (MIE, enabled), (STVEC, S_HANDLER | vectored), (MSTATUS, status), *csrs]
    case = bare.Case("interrupt", "nop", 4, ring, csrs=csrs, pokes=pokes, reads=[MSTATUS])
    maker.program.add(case)
    what = taken(pending, enabled, delegated, ring, mie, sie)
    if what is None:
        want = cases.ended(case.address + 4, level="m")
    else:
        level, code = what
        vector = 4 * code if vectored and level == "s" else 0
        want = cases.Expected(INTERRUPT | code, case.address, 0, {}, {}, state_after(level, ring, sie, mie),
                              level, vector)
    case.choice = bin(pending & enabled).count("1") > 1
    maker.made.append(("interrupt" if what else "none", case, want))


def state_after(level, ring, sie, mie):
    """mstatus as the delivery leaves it (of S-mode's: its own bits)."""
    if level == "m":
        return {MSTATUS: (3 << 11 | MPIE | SIE, ring << 11 | MPIE * mie | SIE * sie)}
    return {MSTATUS: (SPP | SPIE | SIE, SPP * (ring == S) | SPIE * sie)}


@pytest.mark.parametrize("key", ["interrupt", "none"])
def test_interrupts(key, batches, check):
    check(batches("interrupts", fill, "visa")[key])


def test_interrupts_witness(batches, check):
    """Of several interrupts QEMU 7.2 takes the one with the lowest number, the manual another."""
    table = batches("interrupts", fill, "qemu")
    for key in ("interrupt", "none"):
        check(table[key], lambda case, want: case.choice)
