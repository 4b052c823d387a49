"""Physical memory protection with random entries of 4 KiB and more (RISC-V privileged
manual, section 3.7; V-ISA's granularity is 4 KiB), against a model in this file."""

import pytest

from base import bare, cases
from base.bare import M, MASK, S, U
from harness import tools

PMPCFG0, PMPADDR0, SATP = 0x3A0, 0x3B0, 0x180
R, W, X, TOR, NA4, NAPOT, LOCK = 1, 2, 4, 1 << 3, 2 << 3, 3 << 3, 1 << 7
ZONE, ZONE_PAGES = 0x81800000, 16
FETCH, LOAD, STORE = 0, 1, 2
NEED = {FETCH: X, LOAD: R, STORE: W}
CAUSE = {FETCH: 1, LOAD: 5, STORE: 7}
ENTRIES = 8
C_EBREAK = 0x9002


def napot(base, size):
    return base >> 2 | (size >> 3) - 1


def entry_range(n, cfg, addr, granule=4096):
    """[first, end) of entry n; the granularity hides the low bits."""
    kind = cfg[n] & NAPOT
    if kind == TOR:
        low = addr[n - 1] << 2 & -granule if n else 0
        return low, addr[n] << 2 & -granule
    if kind == NA4:
        return addr[n] << 2, (addr[n] << 2) + 4
    if kind == NAPOT:
        a = ones = addr[n] | max(granule // 8 - 1, 0)
        size = 8
        while a & 1:
            a >>= 1
            size *= 2
        base = ones << 2 & ~(size - 1)
        return base, base + size
    return 0, 0


def allowed(cfg, addr, pa, size, access, ring, granule=4096):
    for n in range(ENTRIES):
        first, end = entry_range(n, cfg, addr, granule)
        if first >= end or pa + size <= first or pa >= end:
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


# --- Smaller granules ------------------------------------------------------------------------

GRANULES = [4, 8, 16, 256, 2048]
EBREAK, C_NOP = 0x00100073, 0x0001


def random_fine(rng, granule):
    """Entries over some hundred bytes, with low bits that the granule hides or not; the last one is for the code."""
    cfg, addr = [], []
    for _ in range(ENTRIES - 1):
        perm = rng.choice((0, R, R | W, X, R | X, R | W | X))
        kind = rng.choice((0, TOR, TOR, NAPOT, NAPOT) + ((NA4, NA4) if granule == 4 else ()))
        a = ZONE + rng.randrange(4 * granule + 64) >> 2
        if kind == NAPOT:
            size = granule << rng.choice((1, 1, 2, 3)) if granule == 4 else granule << rng.choice((0, 0, 1, 2))
            a = napot(a << 2 & -size, size)
        cfg.append(perm | kind)
        addr.append(a)
    return cfg + [NAPOT | X | rng.choice((0, R, R | W))], addr + [MASK >> 10]


def denied_at(cfg, addr, at, size, access, ring, granule):
    """The address that is told, or None: of a load or store its own, of an instruction that of its 16-bit parcel."""
    if access != FETCH:
        return None if allowed(cfg, addr, at, size, access, ring, granule) else at
    return next((at + i for i in range(0, size, 2) if not allowed(cfg, addr, at + i, 2, FETCH, ring, granule)), None)


def words_of(at, data):
    """Pokes that put bytes at an address, among zeros."""
    first = at & ~7
    data = bytes(at - first) + data
    data += bytes(-len(data) % 8)
    return [(first + i, int.from_bytes(data[i:i + 8], "little")) for i in range(0, len(data), 8)]


def probe_fine(maker, granule):
    rng = maker.rng
    cfg, addr = random_fine(rng, granule)
    ring = rng.choice((M, S, U, U, S))
    va = ZONE + rng.randrange(4 * granule + 64)
    name = rng.choice([*NAMES, "fetch", "fetch4", "run", "run"])
    if name in NAMES and name != "fetch":
        access, size = NAMES[name]
        text = f"{name} x5, (x6)" if access == LOAD else f"{name} x0, (x6)"
        words = sorted({va & ~7, va + size - 1 & ~7})
        case = bare.Case(name, text, 4, ring, {6: va, 5: 1}, settings(cfg, addr),
                         [(w, MASK) for w in words], [(w, 1) for w in words])
        maker.program.add(case)
        denied = denied_at(cfg, addr, va, size, access, ring, granule)
        code = denied_at(cfg, addr, case.address, 4, FETCH, ring, granule)
        if code is not None:
            access, denied = FETCH, code
        want = expected(name, case, access, denied, va, size, case.address + 4)
    else:
        va &= ~1
        data = {"fetch": C_EBREAK.to_bytes(2, "little"), "fetch4": EBREAK.to_bytes(4, "little"),
                "run": C_NOP.to_bytes(2, "little") * 40 + C_EBREAK.to_bytes(2, "little")}[name]
        case = bare.Case(name, "", 0, ring, csrs=settings(cfg, addr), address=va, pokes=words_of(va, data))
        maker.program.add(case)
        step = 4 if name == "fetch4" else 2
        at, denied = next((a, d) for a in range(va, va + len(data), step)
                          if (d := denied_at(cfg, addr, a, step, FETCH, ring, granule)) is not None
                          or a + step == va + len(data))
        want = cases.ended(at) if denied is None else cases.Expected(CAUSE[FETCH], at, denied, {}, {}, {})
    maker.made.append((name, case, want))


def one_page(maker, granule):
    """What was allowed in a page says nothing about the rest of it: loads, stores and code that jumps there and back."""
    half = ZONE + 2048
    cfg = [NAPOT | R | W | X] + [TOR, 0, 0, 0, 0, 0] + [NAPOT | R | W | X]
    addr = [napot(ZONE, 2048), ZONE + 4096 >> 2] + [0] * 5 + [MASK >> 10]       # the upper half: nothing
    for ring in (S, U):
        for text, cause in (("ld x5, 8(x6)\nld x5, 8(x7)", 5), ("sd x0, 8(x6)\nsd x0, 8(x7)", 7)):
            maker.code("page", text.split("\n") * 3, ring,
                       lambda at, cause=cause: cases.Expected(cause, at + 4, half + 8, {5: 0} if cause == 5 else {},
                                                              {}, {}),
                       regs={6: ZONE, 7: half, 5: 1}, csrs=settings(cfg, addr), pokes=[(ZONE + 8, 0)])
        code = b"".join(w.to_bytes(4, "little") for w in (0x00138393, 0x00000013, 0x7F80006F))  # addi x7; nop; j +2040
        case = bare.Case("page", "", 0, ring, {7: 0}, settings(cfg, addr), words_of(ZONE, code), address=ZONE)
        maker.program.add(case)
        maker.made.append(("page", case, cases.Expected(1, half, half, {7: 1}, {}, {})))


BORDER = ZONE + 4096
# Entries (what it may, first, end), and where an access of 8 bytes that begins at an address is refused, in Ring 0
# and 3 and in Ring -1.
STRADDLES = {
    "a-page-each": ([(R | W, ZONE, BORDER), (R | W, BORDER, BORDER + 4096)], BORDER - 3, None, None),
    "one-for-both": ([(R | W, ZONE, BORDER + 4096)], BORDER - 3, None, None),
    "not-the-upper": ([(R | W, ZONE, BORDER)], BORDER - 3, BORDER, None),
    "not-the-lower": ([(R | W, BORDER, BORDER + 4096)], BORDER - 3, BORDER - 3, None),
    "the-lower-is-asked-first": ([(0, BORDER - 4, BORDER), (0, BORDER, BORDER + 4)], BORDER - 3, BORDER - 3, BORDER),
    "holds-the-parts": ([(R | W, BORDER - 4, BORDER + 8)], BORDER - 3, None, None),
    "half-of-the-upper-part": ([(R | W, BORDER - 4, BORDER + 4)], BORDER - 3, BORDER, BORDER),
    "half-of-the-lower-part": ([(R | W, BORDER - 4, BORDER + 4)], BORDER - 5, BORDER - 5, BORDER - 5),
    "halves-in-a-page": ([(R | W, ZONE, ZONE + 2048), (R | W, ZONE + 2048, BORDER)], ZONE + 2045, ZONE + 2045, ZONE + 2045),
    "one-in-a-page": ([(R | W, ZONE, BORDER)], ZONE + 2045, None, None),
}


def fill_straddles(maker):
    for key, (entries, va, refused, refused_to_m) in STRADDLES.items():
        bounds = [(first >> 2, TOR | perm, end >> 2) for perm, first, end in entries]
        unused = [0] * (ENTRIES - 1 - 2 * len(bounds))
        cfg = [c for _, tor, _ in bounds for c in (0, tor)] + unused + [NAPOT | X]        # for the code, and no data
        addr = [a for first, _, end in bounds for a in (first, end)] + unused + [MASK >> 10]
        words = sorted({va & ~7, va + 7 & ~7})
        for ring in (M, S, U):
            for name in ("ld", "sd"):
                text = "ld x5, (x6)" if name == "ld" else "sd x0, (x6)"
                case = bare.Case(key, text, 4, ring, {6: va, 5: 1}, settings(cfg, addr),
                                 [(w, MASK) for w in words], [(w, 1) for w in words])
                maker.program.add(case)
                denied = refused_to_m if ring == M else refused
                maker.made.append((key, case, expected(name, case, NAMES[name][0], denied, va, 8, case.address + 4)))


@pytest.mark.parametrize("machine", ["pmp-4", "pmp-4-cycles"])
@pytest.mark.parametrize("key", STRADDLES)
def test_straddling(key, machine, batches, check):
    """BA-10, EV-5: across a page every part by itself, inside a page the whole access."""
    if machine == "pmp-4-cycles":
        tools.need_pipeline()
    check(batches("pmp-straddles", fill_straddles, machine)[key])


def fill_fine(granule):
    def fill(maker):
        for _ in range(400):
            probe_fine(maker, granule)
        if granule <= 2048:
            one_page(maker, granule)
    return fill


FINE = [*NAMES, "fetch4", "run", "page"]


@pytest.mark.parametrize("key", FINE)
@pytest.mark.parametrize("granule", GRANULES)
def test_granule(granule, key, batches, check):
    """BA-9 to BA-11 with --pmp-granule."""
    check(batches(f"pmp-fine-{granule}", fill_fine(granule), f"pmp-{granule}")[key])


@pytest.mark.parametrize("key", NAMES)
def test_granule_witness(key, batches, check):
    """QEMU's granule is 4 bytes. It cuts a misaligned access, as RISC-V allows, and asks once for code that it
    translates as a whole."""
    check(batches("pmp-fine-4", fill_fine(4), "qemu")[key],
          lambda case, want: key != "fetch" and bool(case.regs[6] % NAMES[key][1]))


def fill_fine_readback(granule):
    def fill(maker):
        for _ in range(8):
            a = maker.rng.getrandbits(54)
            for kind in (0, TOR, NAPOT) + ((NA4,) if granule == 4 else ()):
                low = max(granule // 8 - 1, 0)
                want = a | low if kind == NAPOT else a if kind == NA4 else a & -(granule // 4)
                maker.passes("pmpaddr", ["csrw pmpaddr5, x6", "csrr x5, pmpaddr5"], M, {5: want},
                             regs={6: a, 5: want ^ 1}, csrs=[(PMPCFG0, 0x1F | kind << 40)])
        want = NA4 | R if granule == 4 else TOR
        maker.passes("pmpcfg", ["csrw pmpcfg2, x6", "csrw pmpcfg2, x7", "csrr x5, pmpcfg2", "csrw pmpcfg2, x0"], M,
                     {5: want}, regs={6: TOR, 7: NA4 | R, 5: 0})
    return fill


@pytest.mark.parametrize("key", ["pmpaddr", "pmpcfg"])
@pytest.mark.parametrize("granule", GRANULES)
def test_granule_readback(granule, key, batches, check):
    """BA-9: bits that the granule hides, and NA4."""
    check(batches(f"pmp-fine-readback-{granule}", fill_fine_readback(granule), f"pmp-{granule}")[key])


def test_granule_in_cycles(batches):
    """The pipeline model decides alike: the same program says the same in its own time."""
    tools.need_pipeline()
    made = batches("pmp-fine-4", fill_fine(4), "pmp-4")
    told = batches("pmp-fine-4", fill_fine(4), "pmp-4-cycles")
    assert {k: [str(o) for *_, o in v] for k, v in told.items()} == {k: [str(o) for *_, o in v] for k, v in made.items()}
