"""Where memory ends: nothing there, devices, and misaligned accesses to them (manual, BA-2 to
BA-5, EV-3 and EV-5), and what a reservation is (BA-6 to BA-8)."""

import pytest

from base import bare, cases
from base.bare import EDGE, M, S, U

HOLE, CLINT_MSIP, RAM = 0x80000, 0x2000000, 0x80000000
INSN_ACCESS, LOAD_MISALIGNED, LOAD_ACCESS, STORE_MISALIGNED, STORE_ACCESS = 1, 4, 5, 6, 7
LOADS = {"lb": 1, "lbu": 1, "lh": 2, "lhu": 2, "lw": 4, "lwu": 4, "ld": 8}
STORES = {"sb": 1, "sh": 2, "sw": 4, "sd": 8}
RINGS = [M, S, U]


def fill_outside(maker):
    for ring in RINGS:
        for name, size in {**LOADS, **STORES}.items():
            load = name in LOADS
            text = f"{name} x7, (x6)"
            maker.faults("hole", [text], ring, LOAD_ACCESS if load else STORE_ACCESS, HOLE, regs={6: HOLE})
            cause = LOAD_MISALIGNED if load else STORE_MISALIGNED
            for at in (HOLE + 1, HOLE + 0xFFF, CLINT_MSIP + 1, RAM - 1) if size > 1 else ():
                maker.faults("misaligned", [text], ring, cause, at, regs={6: at})
        for name in ("amoadd.w", "amoswap.d", "amomaxu.w"):
            for at in (HOLE, CLINT_MSIP):
                maker.faults("atomic", [f"{name} x7, x8, (x6)"], ring, STORE_ACCESS, at, regs={6: at})
        for name in ("lr.w", "lr.d"):
            for at in (HOLE, CLINT_MSIP):
                maker.faults("atomic", [f"{name} x7, (x6)"], ring, LOAD_ACCESS, at, regs={6: at})
        maker.passes("sc", ["sc.d x7, x8, (x6)"], ring, {7: 1}, regs={6: HOLE})
        for at in (HOLE, CLINT_MSIP, RAM - 2):
            case = bare.Case("fetch", "", 0, ring, address=at)
            maker.program.add(case)
            maker.made.append(("fetch", case, cases.Expected(INSN_ACCESS, at, at, {}, {}, {})))


KEYS = ["hole", "misaligned", "atomic", "sc", "fetch"]


@pytest.mark.parametrize("key", KEYS)
def test_outside_ram(key, batches, check):
    """PL-2."""
    check(batches("outside", fill_outside, "visa")[key])


def test_outside_ram_witness(batches, check):
    table = batches("outside", fill_outside, "qemu")
    for key in ("hole", "sc"):
        check(table[key])


# --- Reservations: sequences of lr, something, sc --------------------------------------------

CELL = EDGE + 0x100      # at the start of a 64-byte line

# name: (instructions between or around, does the last sc succeed); x6 = CELL, x7 = CELL + 32,
# x8 = CELL + 64. x5 is what the last sc gives.
SEQUENCES = {
    "pair": (["lr.d x10, (x6)", "sc.d x5, x11, (x6)"], True),
    "no-lr": (["sc.d x5, x11, (x6)"], False),
    "used-up": (["lr.d x10, (x6)", "sc.d x12, x11, (x6)", "sc.d x5, x11, (x6)"], False),
    "failed-sc": (["lr.d x10, (x6)", "sc.d x12, x11, (x8)", "sc.d x5, x11, (x6)"], False),
    "other-width": (["lr.d x10, (x6)", "sc.w x5, x11, (x6)"], True),
    "other-address": (["lr.d x10, (x6)", "sc.d x5, x11, (x7)"], False),
    "own-store": (["lr.d x10, (x6)", "sd x13, 8(x6)", "sc.d x5, x11, (x6)"], True),
    "own-store-same": (["lr.d x10, (x6)", "sd x13, 0(x6)", "sc.d x5, x11, (x6)"], True),
    "own-amo": (["lr.d x10, (x6)", "amoadd.d x14, x13, (x6)", "sc.d x5, x11, (x6)"], True),
    "replaced": (["lr.d x10, (x6)", "lr.d x10, (x8)", "sc.d x5, x11, (x6)"], False),
    "misaligned-lr-before": (["lr.w x10, (x6)", "addi x15, x6, 0", "sc.w x5, x11, (x15)"], True),
    "mret": (["csrw mepc, x16", "csrw mstatus, x17", "lr.d x10, (x6)", "mret", "sc.d x5, x11, (x6)"], True),
}


def fill_reservations(maker):
    for name, (lines, succeeds) in SEQUENCES.items():
        for mode in ((M, "bare"),) if name == "mret" else ((M, "bare"), (S, "sv39"), (U, "bare")):
            regs = {6: CELL, 7: CELL + 32, 8: CELL + 64, 5: 9, 11: 0x1111, 13: 0x2222, 17: 3 << 11}
            case_of(maker, name, lines, succeeds, mode, regs)


def case_of(maker, name, lines, succeeds, mode, regs):
    ring, csrs = cases.context(mode)
    case = bare.Case(name, "\n".join(lines), 4 * len(lines), ring, dict(regs), csrs,
                     [(CELL + 8 * i, 0) for i in range(10)], reads=[])
    maker.program.add(case)
    end = case.address + case.size
    case.regs[16] = end - 4
    x = {5: 0 if succeeds else 1}
    for line in lines[:-1]:
        op, _, operands = line.partition(" ")
        if op.startswith("lr") or op.startswith("amo"):
            x[int(operands.split(",")[0][1:])] = 0
        elif op.startswith("sc"):
            x[12] = int("x8" in operands)
        elif op == "addi":
            x[15] = CELL
    if name == "own-amo":
        x[14] = 0
    maker.made.append((name, case, cases.ended(end, x)))


@pytest.mark.parametrize("name", SEQUENCES)
def test_reservation(name, batches, check):
    check(batches("reservations", fill_reservations, "visa")[name])


def test_reservation_witness(batches, check):
    """QEMU 7.2 compares the value and the exact address, and mret ends a reservation."""
    table = batches("reservations", fill_reservations, "qemu")
    for name in SEQUENCES:
        if name not in ("own-store-same", "own-amo", "mret", "other-width"):
            check(table[name])


