"""Sv39 and Sv48 with random page tables: fetches, loads, stores and AMOs from every ring,
against the walk of testsuite/base/walk.py; QEMU says whether that walk is right."""

import struct

import pytest

from base import cases, model, walk
from base.bare import M, MASK, S, S_HANDLER, TABLES, U, Case
from base.walk import A, D, FETCH, G, LOAD, R, STORE, V, W, X

MSTATUS, MEDELEG, STVEC, SATP = 0x300, 0x302, 0x105, 0x180
SUM, MXR, MPRV = 1 << 18, 1 << 19, 1 << 17
PTE_U = walk.U
PAGES, PAGES_BYTES = TABLES, 1 << 21         # what is mapped: every 8 bytes are distinct
WORLDS, PROBES = 8, 70
MISALIGNED = {LOAD: 4, STORE: 6}
HOLE = 0x80000                               # an address where nothing is
HANDLER_VA = cases.ALIAS + S_HANDLER - walk.RAM
C_EBREAK = 0x9002


def stamp(address):
    """What stands at an 8-byte word of PAGES: `lui x5, n` and two c.ebreak."""
    return (address >> 3 & 0xFFFFF) << 12 | 5 << 7 | 0x37 | C_EBREAK << 32 | C_EBREAK << 48


def plain_path():
    return V


class World:
    """Page tables with random entries, and the addresses that are worth a probe."""

    def __init__(self, rng, ring, first_page):
        self.rng, self.ring = rng, ring
        self.levels = rng.choice((3, 4))
        self.entries, self.next_page = {}, first_page
        self.root = self.new_page()
        self.satp = (5 + self.levels) << 60 | self.rng.getrandbits(16) << 44 | self.root
        self.addresses = []
        self.map(0x80000000, 2, walk.RAM, V | R | W | X | A | D | (PTE_U if ring == U else 0))
        self.map(cases.ALIAS, 2, walk.RAM, V | R | W | X | A | D)
        for _ in range(24):
            self.map_random()

    def new_page(self):
        self.next_page += 1
        return self.next_page - 1

    def map(self, va, level, pa, flags, path_flags=plain_path):
        """A leaf for va, and the tables above it where there are none yet."""
        table = self.root
        for n in reversed(range(level + 1, self.levels)):
            at = (table << 12) + 8 * (va >> (12 + 9 * n) & 511)
            pte = self.entries.get(at)
            if pte is None:
                lost = path_flags != plain_path and self.rng.random() < 0.03
                pte = (HOLE >> 12 if lost else self.new_page()) << 10 | path_flags()
                self.entries[at] = pte
            if pte & (R | X | W):
                return False            # a larger page is there
            table = pte >> 10 & (1 << 44) - 1
            if table == HOLE >> 12:
                return True             # the walk ends there
        at = (table << 12) + 8 * (va >> (12 + 9 * level) & 511)
        if at in self.entries:
            return False
        self.entries[at] = (pa >> 12) << 10 | flags
        return True

    def map_random(self):
        rng = self.rng
        level = rng.choice((0, 0, 0, 1, 1, 2, self.levels - 1))
        va = rng.getrandbits(12 + 9 * self.levels - 1)
        if rng.random() < 0.3:
            va |= -1 << 12 + 9 * self.levels - 1
        offset = PAGES + 4096 * rng.randrange(PAGES_BYTES >> 12)
        size = 1 << 12 + 9 * level
        va = (va & -size | offset & (size - 1)) & MASK
        if va >> 30 & 511 in (2, cases.ALIAS >> 30) and va >> 39 & 511 == 0:
            return
        pa = offset & -size
        if rng.random() < 0.06:         # misaligned superpage, or for a page some other page
            pa ^= 1 << rng.randrange(12, max(13, 12 + 9 * level))
        if rng.random() < 0.04:
            pa = HOLE & -size
        if self.map(va, level, pa, self.leaf_flags(), self.path_flags):
            self.addresses.append(va)
            if level == 0 and va >> 12 & 511 != 511:
                second = PAGES + 4096 * rng.randrange(PAGES_BYTES >> 12)
                self.map(va + 4096, 0, second, self.leaf_flags())

    def leaf_flags(self):
        rng = self.rng
        flags = V | A | D | rng.choice((R, R | W, R | X, X, W, W | X, *[R | W | X] * 8))
        flags |= (PTE_U if self.ring == U else 0) if rng.random() < 0.75 else rng.getrandbits(1) * PTE_U
        flags |= rng.choice((0, G)) | rng.getrandbits(2) << 8
        if rng.random() < 0.15:
            flags &= ~rng.choice((V, A, D, A | D))
        if rng.random() < 0.05:
            flags |= 1 << rng.randrange(54, 64)
        return flags

    def path_flags(self):
        rng = self.rng
        flags = V | rng.choice((0, 0, 0, G)) | rng.getrandbits(2) << 8
        if rng.random() < 0.04:
            flags |= rng.choice((A, D, PTE_U, 1 << rng.randrange(54, 64)))
        if rng.random() < 0.03:
            flags &= ~V
        return flags


class Elsewhere(Exception):
    """A probe would touch memory that is not the test's: it is not made."""


class Probe:
    """Accesses a world in one way; the case and what the walk says comes of it."""

    def __init__(self, world, rng):
        self.world, self.rng = world, rng
        self.ring = rng.choice((world.ring, world.ring, M))
        self.sum, self.mxr = rng.getrandbits(1), rng.getrandbits(1)
        self.seen_as = rng.choice((S, U)) if self.ring == M else self.ring
        self.view = walk.View(world.satp, self.seen_as, self.sum, self.mxr, world.entries)
        self.va = rng.choice(world.addresses)
        self.deleg = rng.choice((0, 0xB109, rng.getrandbits(16) & 0xB1F9))
        if rng.random() < 0.05:
            self.va ^= 1 << rng.randrange(12, 64)

    def status(self):
        bits = SUM * self.sum | MXR * self.mxr
        return bits | (MPRV | self.seen_as << 11 if self.ring == M else self.ring << 11)

    def csrs(self):
        early = 0 if self.ring == M else self.status()
        return [(MSTATUS, early | self.ring << 11), (SATP, self.world.satp), (STVEC, HANDLER_VA),
                (MEDELEG, self.deleg & ~(1 << 9))]

    def level(self, cause):
        return "s" if self.ring != M and self.deleg >> cause & 1 and cause != 9 else "m"

    def bytes_of(self, va, size, access):
        """Physical addresses of the bytes accessed, lower page first; Fault carries its address."""
        out, outside, page = [], None, None
        for i in range(size):
            a = (va + i) & MASK
            if page is None or not a & 0xFFF:
                try:
                    page = walk.translate(self.view, a, access) & ~0xFFF
                except walk.Fault as f:
                    f.va, f.done = a, list(out)
                    if f.pa is None or access == FETCH:
                        self.avoid(f)
                        raise
                    outside, page = outside or f, f.pa & ~0xFFF   # data: both pages translate first
            out.append(page | a & 0xFFF)
        if outside:
            outside.done = [p for p in out if p & ~0xFFF != HOLE]
            self.avoid(outside)
            raise outside
        if not all(PAGES <= p < PAGES + PAGES_BYTES for p in out):
            raise Elsewhere
        return out

    def avoid(self, fault):
        """Only HOLE is certain to have nothing."""
        if fault.pa is not None and fault.pa & ~0xFFF != HOLE:
            raise Elsewhere from fault
        if not all(PAGES <= p < PAGES + PAGES_BYTES for p in fault.done):
            raise Elsewhere from fault

    def try_bytes(self, va, size, access):
        """(Fault or None, physical addresses of the bytes before it)."""
        try:
            return None, self.bytes_of(va, size, access)
        except walk.Fault as f:
            return f, f.done


def words_around(addresses):
    return sorted({a & ~7 for a in addresses if PAGES <= a < PAGES + PAGES_BYTES})


def signed_load(name, value, size):
    return value if name.endswith("u") else model.signed(value, 8 * size) & MASK


LOADS = {"lb": 1, "lbu": 1, "lh": 2, "lhu": 2, "lw": 4, "lwu": 4, "ld": 8}
STORES = {"sb": 1, "sh": 2, "sw": 4, "sd": 8}
STORED = 0x0123456789ABCDEF


def data_offset(rng):
    return rng.choice((0, 8, 4088, 4092, 4093, 4095, 4090, rng.randrange(4096)))


def data_probe(maker, probe):
    rng = probe.rng
    name, size = rng.choice(list(LOADS.items()) + list(STORES.items()))
    access = STORE if name in STORES else LOAD
    run_data(maker, probe, f"{name} x7, (x5)" if access == LOAD else f"{name} x8, (x5)", name, size, access,
             (probe.va + data_offset(rng)) & MASK)


def atomic_probe(maker, probe):
    name, size = probe.rng.choice((("amoadd.w", 4), ("amoadd.d", 8), ("lr.w", 4), ("lr.d", 8)))
    access = LOAD if name.startswith("lr") else STORE
    text = f"{name} x7, (x5)" if access == LOAD else f"{name} x7, x8, (x5)"
    offset = data_offset(probe.rng) & -size
    run_data(maker, probe, text, name, size, access, (probe.va + offset) & MASK)


def run_data(maker, probe, text, name, size, access, va):
    lines = (["csrw mstatus, x6"] if probe.ring == M else []) + [text]
    regs = {5: va, 6: probe.status(), 8: STORED}
    case = Case(name, "\n".join(lines), 4 * len(lines), probe.ring, regs, probe.csrs())
    fault, places = probe.try_bytes(va, size, access)
    maker.program.add(case)
    epc = case.address + 4 * len(lines) - 4
    words = words_around(places)
    watch(case, words)
    case.reason = fault and fault.reason
    if fault:
        cause, tval = fault.cause, fault.va
        if fault.reason == "access" and va % size:      # BA-4
            cause, tval = MISALIGNED[access], va
        want = cases.Expected(cause, epc, tval, {}, {}, {}, probe.level(cause))
    else:
        want = cases.ended(epc + 4, *effects(name, size, places, words),
                           level=probe.level(model.BREAKPOINT))
    maker.made.append(("data" if "." not in name else "atomic", case, want))


def effects(name, size, places, words):
    """(registers, memory) that change."""
    memory = {w + i: stamp(w) >> 8 * i & 0xFF for w in words for i in range(8)}
    value = sum(memory[p] << 8 * i for i, p in enumerate(places))
    if name in STORES or name.startswith("amo"):
        new = STORED if name in STORES else value + STORED
        memory.update({p: new >> 8 * i & 0xFF for i, p in enumerate(places)})
    after = {w: sum(memory[w + i] << 8 * i for i in range(8)) for w in words}
    x = {} if name in STORES else {7: signed_load(name, value, size)}
    return x, {w: v for w, v in after.items() if v != stamp(w)}


def watch(case, words):
    case.pokes = [(w, stamp(w)) for w in words]
    case.peeks = [(w, 1) for w in words]


def fetch_probe(maker, probe):
    """`lui x5, n` at the address, whole or over the page's end."""
    if probe.ring == M:
        probe.ring = probe.seen_as = probe.view.ring = probe.world.ring
    crossing = probe.rng.random() < 0.35
    va = (probe.va | 0xFFE if crossing else probe.va + 8 * probe.rng.randrange(512)) & MASK
    case = Case("fetch", "", 0, probe.ring, {5: 0}, probe.csrs(), address=va)
    fault, places = probe.try_bytes(va, 4, FETCH)
    maker.program.add(case)
    case.reason, number = fault and fault.reason, 0xABCDE
    if fault:
        case.pokes = fetch_pokes(places, number) if crossing and places else []
        want = cases.Expected(fault.cause, va, fault.va, {}, {}, {}, probe.level(fault.cause))
    else:
        if crossing:
            case.pokes = fetch_pokes(places, number)
        else:                           # an earlier store may have been here
            number = places[0] >> 3 & 0xFFFFF
            case.pokes = [(places[0] & ~7, stamp(places[0] & ~7))]
        value = model.signed(number << 12, 32) & MASK
        want = cases.ended((va + 4) & MASK, {5: value} if value else {},
                           level=probe.level(model.BREAKPOINT))
    case.undo = [(a, stamp(a)) for a, _ in case.pokes if crossing]
    maker.made.append(("fetch", case, want))
    if case.undo:                       # the next case finds the memory as it was
        after = Case("undo", "nop", 4, M, pokes=case.undo)
        maker.program.add(after)
        maker.made.append(("undo", after, cases.ended(after.address + 4)))


def fetch_pokes(places, number):
    """A 32-bit lui whose halves are in two pages, and a c.ebreak behind it."""
    insn = number << 12 | 5 << 7 | 0x37
    last = places[0] & ~7
    out = [(last, stamp(last) & (1 << 48) - 1 | (insn & 0xFFFF) << 48)]
    if len(places) == 4:
        out.append((places[2] & ~7, insn >> 16 | C_EBREAK << 16 | C_EBREAK << 32 | C_EBREAK << 48))
    return out


def fill(maker):
    rng = maker.rng
    first = (PAGES + PAGES_BYTES) >> 12
    page, memory = first, {}
    for n in range(WORLDS):
        world = World(rng, (S, U)[n % 2], page)
        memory.update(world.entries)
        page = world.next_page
        for _ in range(PROBES):
            kind = rng.choice((data_probe, data_probe, data_probe, fetch_probe, atomic_probe))
            try:
                kind(maker, Probe(world, rng))
            except Elsewhere:
                pass
    stamps = struct.pack(f"<{PAGES_BYTES // 8}Q", *(stamp(a) for a in range(PAGES, PAGES + PAGES_BYTES, 8)))
    tables = struct.pack(f"<{(page - first) * 512}Q",
                         *(memory.get(a, 0) for a in range(first << 12, page << 12, 8)))
    maker.program.tables = stamps + tables


ROUNDS = range(4)


@pytest.mark.parametrize("key", ["data", "atomic", "fetch"])
@pytest.mark.parametrize("number", ROUNDS)
def test_translation(number, key, batches, check):
    check(batches(f"translation_{number}", fill, "visa")[key])


def not_qemu(case, want):
    """QEMU 7.2 sets A and D itself, tells an entry in no memory as a page fault, the faults
    of an AMO as those of a load, and cuts a misaligned access to no memory in pieces."""
    misaligned = want.cause in MISALIGNED.values()
    return case.reason in ("update", "table") or misaligned or case.name.startswith("amo") and case.reason


@pytest.mark.parametrize("number", ROUNDS)
def test_translation_witness(number, batches, check):
    table = batches(f"translation_{number}", fill, "qemu")
    for key in ("data", "atomic", "fetch"):
        check(table[key], not_qemu)


def test_probes_are_varied(batches):
    """Every outcome that the walk knows is among the probes, and most probes succeed or fault."""
    seen = {}
    for number in ROUNDS:
        for key, triples in batches(f"translation_{number}", fill, "qemu").items():
            for case, want, _ in triples:
                name = (key, getattr(case, "reason", None))
                seen[name] = seen.get(name, 0) + 1
    for key in ("data", "atomic", "fetch"):
        for reason in (None, "page"):
            assert seen.get((key, reason), 0) >= 5, seen
    assert {"table", "access", "update"} <= {reason for _, reason in seen}, seen
