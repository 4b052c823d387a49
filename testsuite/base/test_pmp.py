"""Physical memory protection with random entries of 4 KiB and more (RISC-V privileged
manual, section 3.7; V-ISA's granularity is 4 KiB), against a model in this file."""

import pytest

from base import bare, cases
from base.bare import M, MASK, S, U

PMPCFG0, PMPADDR0, SATP = 0x3A0, 0x3B0, 0x180
R, W, X, TOR, NAPOT, LOCK = 1, 2, 4, 1 << 3, 3 << 3, 1 << 7
ZONE, ZONE_PAGES = 0x81800000, 16
FETCH, LOAD, STORE = 0, 1, 2
NEED = {FETCH: X, LOAD: R, STORE: W}
CAUSE = {FETCH: 1, LOAD: 5, STORE: 7}
ENTRIES = 8
C_EBREAK = 0x9002


def napot(base, size):
    return base >> 2 | (size >> 3) - 1


def entry_range(n, cfg, addr):
    """[first, end) of entry n; the granularity hides the low bits."""
    kind = cfg[n] & NAPOT
    if kind == TOR:
        low = addr[n - 1] >> 10 << 12 if n else 0
        return low, addr[n] >> 10 << 12
    if kind == NAPOT:
        a = addr[n] | 0x1FF
        size = 8
        while a & 1:
            a >>= 1
            size *= 2
        base = (addr[n] | 0x1FF) << 2 & ~(size - 1)
        return base, base + size
    return 0, 0


def allowed(cfg, addr, pa, size, access, ring):
    for n in range(ENTRIES):
        first, end = entry_range(n, cfg, addr)
        if pa + size <= first or pa >= end:
            continue
        if pa < first or pa + size > end:
            return False
        return ring == M and not cfg[n] & LOCK or bool(cfg[n] & NEED[access])
    return ring == M


def random_entries(rng):
    """Entries over the zone, some below others; the last one opens everything, at least to fetch."""
    cfg, addr = [], []
    for _ in range(ENTRIES - 1):
        perm = rng.choice((0, R, R | W, X, R | X, R | W | X))
        after_napot = cfg and cfg[-1] & NAPOT == NAPOT     # its low bits would be in the range
        kind = rng.choice((0, NAPOT) if after_napot else (0, TOR, NAPOT, NAPOT))
        page = rng.randrange(ZONE_PAGES)
        if kind == NAPOT:
            size = 4096 << rng.choice((0, 0, 1, 2, 3))
            a = napot((ZONE + 4096 * page) & -size, size)
        else:
            a = ZONE + 4096 * page >> 2
        cfg.append(perm | kind)
        addr.append(a)
    return cfg + [NAPOT | X | rng.choice((0, R, R | W))], addr + [MASK >> 10]


def settings(cfg, addr):
    return [(PMPADDR0 + n, a) for n, a in enumerate(addr)] + \
           [(PMPCFG0, sum(c << 8 * n for n, c in enumerate(cfg)))]


NAMES = {"lb": (LOAD, 1), "lh": (LOAD, 2), "lwu": (LOAD, 4), "ld": (LOAD, 8),
         "sb": (STORE, 1), "sh": (STORE, 2), "sw": (STORE, 4), "sd": (STORE, 8), "fetch": (FETCH, 2)}


def first_denied(cfg, addr, va, size, access, ring):
    """Address of the first part (an access is cut at the page's end) that is not allowed."""
    cut = min(size, 4096 - va % 4096)
    for at, n in ((va, cut), (va + cut, size - cut)):
        if n and not allowed(cfg, addr, at, n, access, ring):
            return at
    return None


def probe(maker):
    rng = maker.rng
    cfg, addr = random_entries(rng)
    name = rng.choice(list(NAMES))
    access, size = NAMES[name]
    ring = rng.choice((M, S, U, U, S))
    va = ZONE + 4096 * rng.randrange(ZONE_PAGES) + rng.choice((0, 8, 4088, 4093, 4095, 2050))
    if access == FETCH:
        va &= ~1
    denied = first_denied(cfg, addr, va, size, access, ring)
    words = sorted({va & ~7, va + size - 1 & ~7})
    if access == FETCH:
        case = bare.Case(name, "", 0, ring, csrs=settings(cfg, addr), address=va,
                         pokes=[(w, C_EBREAK * 0x0001000100010001) for w in words])
        end = va
    else:
        text = f"{name} x5, (x6)" if access == LOAD else f"{name} x0, (x6)"
        case = bare.Case(name, text, 4, ring, {6: va, 5: 1}, settings(cfg, addr),
                         [(w, MASK) for w in words], [(w, 1) for w in words])
        end = None
    maker.program.add(case)
    if access != FETCH:
        end = case.address + 4
        code = first_denied(cfg, addr, case.address, 4, FETCH, ring)
        if code is not None:
            access, denied = FETCH, code
    case.cut = (va % 4096) + size > 4096
    maker.made.append(("probe", case, expected(name, case, access, denied, va, size, end)))


def expected(name, case, access, denied, va, size, end):
    if denied is not None:
        return cases.Expected(CAUSE[access], case.address, denied, {}, {}, {})
    x, mem = {}, {}
    if access == LOAD:
        x = {5: MASK if name in ("lb", "lh", "ld") else (1 << 8 * size) - 1}
    if access == STORE:
        for w in (w for w, _ in case.pokes):
            kept = sum(0xFF << 8 * i for i in range(8) if not va <= w + i < va + size)
            mem[w] = kept
    return cases.ended(end, x, mem)


def walk_cases(maker):
    """A page-table entry that the PMP does not let the walk read: an access fault."""
    table = bare.TABLES >> 12
    for perm in (0, X, R, R | W | X):
        cfg = [NAPOT | perm] + [0] * 6 + [NAPOT | R | W | X]
        addr = [napot(bare.TABLES, 4096)] + [0] * 6 + [MASK >> 10]
        csrs = [(SATP, 8 << 60 | table)] + settings(cfg, addr)
        if perm & R:
            maker.passes("walk", ["addi x5, x0, 1"], S, {5: 1}, csrs=csrs)
        else:
            maker.code("walk", ["addi x5, x0, 1"], S,
                       lambda at: cases.Expected(CAUSE[FETCH], at, at, {}, {}, {}), csrs=csrs)


def fill(maker):
    for _ in range(400):
        probe(maker)
    walk_cases(maker)


@pytest.mark.parametrize("key", ["probe", "walk"])
def test_pmp(key, batches, check):
    """BA-10, BA-11."""
    check(batches("pmp", fill, "visa")[key])


def test_pmp_witness(batches, check):
    """QEMU 7.2 checks an access over a page's end as one."""
    table = batches("pmp", fill, "qemu")
    for key in ("probe", "walk"):
        check(table[key], lambda case, want: key == "probe" and case.cut)


# --- Reading back: what the granularity of 4 KiB makes of an address ------------------------

def fill_readback(maker):
    for _ in range(12):
        a = maker.rng.getrandbits(54)
        for kind in (0, TOR, NAPOT):
            want = a | 0x1FF if kind == NAPOT else a & ~0x3FF
            maker.passes("pmpaddr", ["csrw pmpaddr5, x6", "csrr x5, pmpaddr5"], M, {5: want},
                         regs={6: a, 5: want ^ 1}, csrs=[(PMPCFG0, 0x1F | kind << 40)])
    for value in (MASK, 1 << 54, 3 << 60):
        maker.passes("pmpaddr-width", ["csrw pmpaddr9, x6", "csrr x5, pmpaddr9", "csrw pmpaddr9, x0",
                                       "srli x5, x5, 54"], M, {5: 0}, regs={6: value, 5: 9})
    maker.passes("pmpaddr-kept", ["csrw pmpaddr9, x6", "csrw pmpcfg2, x7", "csrr x5, pmpaddr9",
                                  "csrw pmpcfg2, x0"], M, {5: 0x12345 | 0x1FF},
                 regs={6: 0x12345, 7: NAPOT << 8, 5: 9})
    config_cases(maker)


def config_cases(maker):
    """A byte with A = NA4, or W without R, is not written; the others of the same write are."""
    good = [0, R, R | W | TOR, NAPOT | R | X, NAPOT | R | W | X, X]
    bad = [2 << 3, 2 << 3 | R, W, W | X | TOR, NAPOT | W]
    for _ in range(40):
        old = [maker.rng.choice(good) for _ in range(8)]
        new = [maker.rng.choice(good + bad) | maker.rng.choice((0, 0x60)) for _ in range(8)]
        want = [o if n & ~0x60 in bad else n & ~0x60 for o, n in zip(old, new)]
        pack = [sum(b << 8 * i for i, b in enumerate(v)) for v in (old, new, want)]
        maker.passes("pmpcfg", ["csrw pmpcfg2, x6", "csrw pmpcfg2, x7", "csrr x5, pmpcfg2",
                                "csrw pmpcfg2, x0"], M, {5: pack[2]},
                     regs={6: pack[0], 7: pack[1], 5: pack[2] ^ 1 << 63})


@pytest.mark.parametrize("key", ["pmpaddr", "pmpaddr-width", "pmpaddr-kept", "pmpcfg"])
def test_readback(key, batches, check):
    """BA-9."""
    check(batches("pmp_readback", fill_readback, "visa")[key])
