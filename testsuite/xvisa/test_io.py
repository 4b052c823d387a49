"""MMIO ranges to the byte, and port bitmaps to the bit.

Manual: chapter "I/O", rules MM-1 to MM-11, TL-11, IO-1 to IO-6.
"""

from dataclasses import dataclass

import pytest

from xvisa.asm import EXC, EXIT, MASK, TRAP, field, ins, qual, vmexit
from xvisa.nested import A, D, R, SV39, U, V, W, X, Tables
from xvisa.script import FREE, RAM, RAM_END

CODE, HANDLER, DESC, BITMAP = FREE, FREE + 0x1000, FREE + 0x2000, FREE + 0x10000
VMCS, OTHER, TABLES = FREE + 0x20000, FREE + 0x21000, FREE + 0x100000
DATA, TARGET = 0x83000000, 0x83100000
ALL = V | R | W | X | A | D
VALUE = 0xf1e2d3c4b5a69788
VALID, EXITS = 1, 2
ILLEGAL = EXC["ILLEGAL"] + 1


def describe(s, n, base, size, target, flags, at=DESC):
    """IOVMAP of range n: the answer of the instruction, x12."""
    s.poke(DESC, base, size, target, flags)
    return s.step(ins("iovmap", rd=12, rs1=10, rs2=11), x10=n, x11=at)


def current(s, vmcs=VMCS, **fields):
    """Makes a VM current that executes nothing."""
    s.vmcs(vmcs, **{"vmtrapcfg": TRAP["PREEMPT"], **fields})
    s.step(ins("vmenter", rs1=10), x10=vmcs)


RANGE = ("iov_base", "iov_size", "iov_target", "iov_flags")


def read_range(s, n):
    return s.fields(*(f"{k}{n}" for k in RANGE))


# --- IOVMAP and IOVUNMAP ---------------------------------------------------------------

B, SIZE = 0x5000_1003, 0x25        # the range that is there already: number 2
END = B + SIZE
# number, base, size, flags: the answer (MM-3)
MAPS = {
    "below": (3, B - 8, 8, 1, 0), "below+1": (3, B - 8, 9, 1, 3), "below-1": (3, B - 8, 7, 1, 0),
    "first-byte": (3, B, 1, 1, 3), "last-byte": (3, END - 1, 1, 1, 3), "behind": (3, END, 1, 1, 0),
    "behind-1": (3, END - 1, 5, 1, 3), "behind+1": (3, END + 1, 5, 1, 0), "same": (3, B, SIZE, 1, 3),
    "around": (3, B - 1, SIZE + 2, 1, 3), "inside": (7, B + 3, 2, 3, 3), "over-the-start": (0, B - 5, SIZE + 5, 1, 3),
    "replaces": (2, B, SIZE, 3, 0), "replaces-larger": (2, B - 0x100, 0x1000, 1, 0),
    "number-0": (0, 0, 1, 1, 0), "number-7": (7, 0, 1, 1, 0), "number-8": (8, 0, 1, 1, 1), "number-9": (9, 0, 1, 1, 1),
    "number-2^32": (1 << 32, 0, 1, 1, 1), "number-max": (MASK, 0, 1, 1, 1),
    "size-0": (3, 0x1000, 0, 1, 2), "size-0-at-0": (3, 0, 0, 1, 2), "size-max": (3, B + 0x1000, MASK, 1, 2),
    "to-the-end": (3, MASK - 7, 8, 1, 0), "past-the-end": (3, MASK - 7, 9, 1, 2), "last": (3, MASK, 1, 1, 0),
    "wraps-by-one": (3, MASK, 2, 1, 2),
    "flags-0": (3, 0x1000, 1, 0, 4), "flags-exit-only": (3, 0x1000, 1, 2, 4), "flags-4": (3, 0x1000, 1, 5, 4),
    "flags-63": (3, 0x1000, 1, 1 | 1 << 63, 4), "flags-all": (3, 0x1000, 1, MASK, 4),
    "everything-wrong": (8, B, 0, 0, 1), "flags-and-size": (3, B, 0, 0, 4), "flags-and-overlap": (3, B, 1, 8, 4),
    "size-and-overlap": (3, B, MASK, 1, 2),
}


@pytest.mark.parametrize("pooled", [True, False], ids=["pooled", "image"])
@pytest.mark.parametrize("key", MAPS)
def test_iovmap(key, pooled, batch):
    """The answer, and that only with 0 anything changes."""
    def put(s, k):
        n, base, size, flags, _ = MAPS[k]
        current(s)
        first = describe(s, 2, B, SIZE, 0x7000, 1)
        if not pooled:
            s.step(ins("vmclear", rs1=10), x10=VMCS)
        a = describe(s, n, base, size, 0x9000_0000, flags)
        owner = s.peek(VMCS + 8 * field("owner"))
        return first, a, [read_range(s, i) for i in range(8)], owner
    first, a, ranges, owner = batch(f"iovmap-{pooled}", MAPS, put)[key]
    n, base, size, flags, answer = MAPS[key]
    assert (first.trap, first.x12, a.trap, a.x12) == (0, 0, 0, answer)
    want = {i: (0, 0, 0, 0) for i in range(8)}
    want[2] = (B, SIZE, 0x7000, 1)
    if answer == 0:
        want[n] = (base, size, 0x9000_0000, flags)
    assert {i: tuple(r[f"{k}{i}"] for k in RANGE) for i, r in enumerate(ranges)} == want
    assert owner.w0 == (1 if pooled else 0)             # VM-17: used in memory, not loaded


@pytest.mark.parametrize("n", [0, 2, 7, 8, 9, 1 << 32 | 2, MASK])
def test_iovunmap(n, single):
    """MM-4: one range becomes zero; a number that is none does nothing."""
    s = single
    current(s)
    for i in range(8):
        describe(s, i, 0x1000 * i, 0x1000, 0x5000, 3)
    a = s.step(ins("iovunmap", rs1=10), x10=n)
    ranges = [read_range(s, i) for i in range(8)]
    s.go()
    assert a.trap == 0
    for i, r in enumerate(ranges):
        assert tuple(r[f"{k}{i}"] for k in RANGE) == ((0, 0, 0, 0) if i == n else (0x1000 * i, 0x1000, 0x5000, 3))


@pytest.mark.parametrize("at, exception", [(DESC + i, "LOAD_MISALIGNED") for i in range(1, 8)] +
                         [(RAM_END - 24, "LOAD_ACCESS"), (RAM_END - 8, "LOAD_ACCESS"), (RAM - 8, "LOAD_ACCESS"),
                          (0, "LOAD_ACCESS"), (MASK - 7, "LOAD_ACCESS"), (RAM_END - 32, None),
                          (RAM_END + 1, "LOAD_MISALIGNED")])
def test_descriptor(at, exception, single):
    """MM-2."""
    s = single
    current(s)
    if exception is None:
        s.poke(at, 0x1000, 1, 0, 1)
    a = describe(s, 0, 0, 0, 0, 0, at=at)
    s.go()
    if exception:
        assert (a.trap, a.tval) == (EXC[exception] + 1, at)
    else:
        assert (a.trap, a.x12) == (0, 0)


# --- Accesses at the edges of a range --------------------------------------------------


@dataclass(frozen=True)
class Case:
    stage: str               # bare: both stages; host: HPTBR maps the page; hole: HPTBR has nothing there
    flags: int
    insn: str
    offset: int              # of the access from the range's first byte


START, LENGTH = DATA + 0x103, 0x1d                      # odd on purpose


def byte_of(hpa):
    return (hpa * 7 + (hpa >> 8)) & 0xff


def memory_words(base, n):
    return {at: int.from_bytes(bytes(byte_of(at + j) for j in range(8)), "little")
            for at in range(base, base + 8 * n, 8)}


def value_at(hpa, width):
    return int.from_bytes(bytes(byte_of(hpa + i) for i in range(width)), "little")


LOADS = {"lb": 1, "lbu": 1, "lh": 2, "lw": 4, "lwu": 4, "ld": 8}
STORES = {"sb": 1, "sh": 2, "sw": 4, "sd": 8}
GPA_OF = {"bare": 0, "host": 1 << 40, "hole": 1 << 40}


def edges(width):
    """Offsets around both ends of the range: all bytes outside, some in, all in."""
    return sorted({*range(-width - 1, 2), *range(LENGTH - width - 1, LENGTH + 2)})


CASES = {f"{stage}-{'exits' if flags & EXITS else 'forwards'}-{insn}":
         [Case(stage, flags, insn, o) for o in edges(width)]
         for stage in ("bare", "host", "hole") for flags in (VALID, VALID | EXITS)
         for insn, width in {**LOADS, **STORES}.items()}


def arrange(s, c):
    t = Tables(TABLES)
    gpa = GPA_OF[c.stage]
    hptbr = 0
    if c.stage != "bare":
        hptbr = t.root(SV39, host=True) | 3 << 44
        t.map(hptbr, RAM, RAM, 2, ALL | U, host=True)
        if c.stage == "host":
            t.map(hptbr, gpa + DATA, DATA, 0, ALL | U, host=True)
    s.fill(TABLES, 0x8000)
    s.memory(t.memory())
    s.memory(memory_words(DATA + 0xf0, 8))
    s.memory(memory_words(TARGET, 8))
    s.step(ins("tlbflushv"))
    store = c.insn in STORES
    word = ins(c.insn, rs1=10, **({"rs2": 11} if store else {"rd": 12}))
    s.code(CODE, [word, vmexit(1)])
    s.vmcs(VMCS, pc=CODE, hptbr=hptbr, x10=gpa + START + c.offset, x11=VALUE, x12=0xabc, stvec=HANDLER,
           iov_base4=gpa + START, iov_size4=LENGTH, iov_target4=TARGET + 5, iov_flags4=c.flags)
    s.code(HANDLER, [vmexit(2)])
    return s.enter(VMCS, "x12", "pc", "count_tlbmiss"), s.peek(DATA + 0xf0, 8), s.peek(TARGET, 8)


def changed(base, words, hpa, width):
    """Memory after a store of VALUE at hpa (None: no store)."""
    have = b"".join(words[f"w{i}"].to_bytes(8, "little") for i in range(8))
    want = bytearray(byte_of(base + i) for i in range(64))
    if hpa is not None and base <= hpa < base + 64:
        want[hpa - base:hpa - base + width] = (VALUE & (1 << 8 * width) - 1).to_bytes(8, "little")[:width]
    return have == bytes(want)


def check(c, e, data, target):
    width = {**LOADS, **STORES}[c.insn]
    store = c.insn in STORES
    inside = 0 <= c.offset and c.offset + width <= LENGTH
    gpa = GPA_OF[c.stage] + START + c.offset
    signed = c.insn in ("lb", "lh", "lw")
    value = VALUE & (1 << 8 * width) - 1 if store else 0
    told = dict(reg=11 if store else 12, width={1: 0, 2: 1, 4: 2, 8: 3}[width], signed=int(signed))
    where = None
    if inside and c.flags & EXITS:
        assert (e.cause, e.qual) == (EXIT["IO"], qual("IO", mmio=1, port=4, write=int(store), **told)), c
        assert (e.addr, e.gpa, e.val, e.pc, e.x12) == (gpa, gpa, value, CODE, 0xabc), c
    elif not inside and c.stage == "hole":
        assert (e.cause, e.qual) == (EXIT["HOSTFAULT"], qual("HOSTFAULT", access=2 if store else 1, **told)), c
        assert (e.addr, e.gpa, e.val) == (gpa, gpa, value), c
    else:
        where = TARGET + 5 + c.offset if inside else START + c.offset
        assert (e.cause, e.qual) == (EXIT["HYPERCALL"], 1), c
        if not store:
            want = value_at(where, width)
            if signed and want >> 8 * width - 1:
                want |= MASK ^ (1 << 8 * width) - 1
            assert e.x12 == want, c
    moved = where if store else None
    assert changed(DATA + 0xf0, data, moved, width) and changed(TARGET, target, moved, width), c


@pytest.mark.parametrize("key", CASES)
def test_edges(key, batch):
    """All bytes in the range: as it says. Some or none: by the host stage (MM-6, MM-7)."""
    got = batch("iov-edges", [c for g in CASES.values() for c in g], arrange)
    for c in CASES[key]:
        check(c, *got[c])


ATOMICS = [n + w for n in ("lr", "amoadd", "amoswap", "amomaxu") for w in (".w", ".d")]


@pytest.mark.parametrize("insn", ATOMICS)
@pytest.mark.parametrize("flags", [VALID, VALID | EXITS])
def test_atomics(insn, flags, batch):
    """An AMO or LR in a range: IO with atomic, or done where the range forwards to."""
    def put(s, case):
        name, f = case
        s.poke(TARGET, 100)
        has = {"rd": 12, "rs1": 10} if name.startswith("lr") else {"rd": 12, "rs1": 10, "rs2": 11}
        s.code(CODE, [ins(name, **has), vmexit(1)])
        s.vmcs(VMCS, pc=CODE, x10=0x4000_0000, x11=VALUE, x12=0xabc, iov_base0=0x4000_0000, iov_size0=8,
               iov_target0=TARGET, iov_flags0=f)
        return s.enter(VMCS, "x12"), s.peek(TARGET)
    cases = [(n, f) for n in ATOMICS for f in (VALID, VALID | EXITS)]
    e, after = batch("iov-atomics", cases, put)[insn, flags]
    lr, bits = insn.startswith("lr"), 32 if insn.endswith("w") else 64
    operand = VALUE & (1 << bits) - 1
    if flags & EXITS:
        told = qual("IO", mmio=1, atomic=1, write=int(not lr), width=2 if bits == 32 else 3, reg=12 if lr else 11,
                    signed=int(insn == "lr.w"))
        assert (e.cause, e.qual, e.gpa) == (EXIT["IO"], told, 0x4000_0000)
        assert (e.val, e.x12, after.w0) == (0 if lr else operand, 0xabc, 100)
        return
    result = {"lr": 100, "amoadd": 100 + operand, "amoswap": operand, "amomaxu": max(100, operand)}[insn[:-2]]
    assert (e.cause, e.x12, after.w0) == (EXIT["HYPERCALL"], 100, result & (1 << bits) - 1)


@pytest.mark.parametrize("flags", [VALID, VALID | EXITS])
@pytest.mark.parametrize("filtered", [0, TRAP["IO"]], ids=["clear", "set"])
def test_the_filter_has_no_say(flags, filtered, single):
    """MM-6: VMTRAPCFG.IO, either way. MM-11: the range stands in the image before the first entry."""
    s = single
    s.poke(TARGET, 0x77)
    s.code(CODE, [ins("ld", rd=12, rs1=10), vmexit(1)])
    s.vmcs(VMCS, pc=CODE, x10=DATA, vmtrapcfg=filtered, iov_base7=DATA, iov_size7=8, iov_target7=TARGET, iov_flags7=flags)
    e = s.enter(VMCS, "x12")
    s.go()
    if flags & EXITS:
        assert (e.cause, e.qual) == (EXIT["IO"], qual("IO", mmio=1, width=3, reg=12, port=7))
    else:
        assert (e.cause, e.x12) == (EXIT["HYPERCALL"], 0x77)


def test_vmwrite_leaves_ranges_alone(single):
    """MM-11: they change by IOVMAP and IOVUNMAP alone."""
    s = single
    current(s, iov_base0=DATA, iov_size0=8, iov_target0=TARGET, iov_flags0=VALID)
    answers = [s.step(ins("vmwrite", rs1=10, rs2=11), x10=field(f"{name}0"), x11=1) for name in RANGE]
    kept = read_range(s, 0)
    s.go()
    assert [a.trap for a in answers] == [EXC["ILLEGAL"] + 1] * 4
    assert tuple(kept[f"{name}0"] for name in RANGE) == (DATA, 8, TARGET, VALID)


@pytest.mark.parametrize("how", ["preempt", "failure"])
def test_current_without_an_instruction(how, single):
    """VM-21: then IOVMAP, VMWRITE of what made the entry end, and the guest begins at its pc."""
    s = single
    s.code(CODE, [ins("ld", rd=12, rs1=10), vmexit(1)])
    s.vmcs(VMCS, pc=CODE, x10=DATA, **({"vmtrapcfg": TRAP["PREEMPT"]} if how == "preempt" else {"ring": 1}))
    none = describe(s, 0, DATA, 8, 0, VALID | EXITS)    # no VM is current yet
    first = s.enter(VMCS)
    before = s.fields("count_exit", "count_instret")
    mapped = describe(s, 0, DATA, 8, 0, VALID | EXITS)
    s.step(ins("vmwrite", rs1=10, rs2=11), x10=field("vmtrapcfg" if how == "preempt" else "ring"), x11=0)
    e = s.enter(0, insn="vmresume")
    s.go()
    assert none.trap == EXC["ILLEGAL"] + 1
    assert first.cause == EXIT["PREEMPT" if how == "preempt" else "ENTRYFAIL"]
    assert (before.count_exit, before.count_instret) == (int(how == "preempt"), 0)
    assert (mapped.trap, mapped.x12) == (0, 0)
    assert (e.cause, e.qual, e.addr) == (EXIT["IO"], qual("IO", mmio=1, width=3, reg=12), DATA)


@pytest.mark.parametrize("where", ["before", "first", "last", "behind"])
def test_fetch(where, single):
    """MM-9: a fetch from a 4 KiB page that overlaps a range exits, also outside the range itself."""
    s = single
    base, size = {"before": (CODE - 0x10, 0x10), "first": (CODE - 0xf, 0x10), "last": (CODE + 0xfff, 1),
                  "behind": (CODE + 0x1000, 8)}[where]
    s.code(CODE + 0x80, [vmexit(1)])
    s.vmcs(VMCS, pc=CODE + 0x80, iov_base1=base, iov_size1=size, iov_flags1=VALID)
    e = s.enter(VMCS)
    s.go()
    if where in ("before", "behind"):
        assert (e.cause, e.qual) == (EXIT["HYPERCALL"], 1)
    else:
        assert (e.cause, e.qual) == (EXIT["HOSTFAULT"], qual("HOSTFAULT", access=0, denied=1))
        assert (e.addr, e.gpa, e.insn, e.len, e.val) == (CODE + 0x80, CODE + 0x80, 0, 0, 0)


@pytest.mark.parametrize("flags, part", [(VALID | EXITS, "lower"), (VALID | EXITS, "upper"), (VALID, "lower"),
                                         (VALID, "upper"), (VALID | EXITS, "some")])
@pytest.mark.parametrize("insn", ["lw", "ld", "sw", "sd"])
def test_crossing_a_page(insn, flags, part, batch):
    """MM-8: each part is judged for itself; one in a range that exits makes the access misaligned."""
    def put(s, case):
        n, f, p = case
        at = DATA + 0xffe
        base, size = {"lower": (at, 2), "upper": (DATA + 0x1000, 8), "some": (at + 1, 1)}[p]
        s.memory(memory_words(DATA + 0xfe0, 8))
        s.memory(memory_words(TARGET, 2))
        s.code(CODE, [ins(n, rs1=10, **({"rs2": 11} if n[0] == "s" else {"rd": 12})), vmexit(1)])
        s.code(HANDLER, [vmexit(2)])
        s.vmcs(VMCS, pc=CODE, x10=at, x11=VALUE, x12=0xabc, stvec=HANDLER, iov_base0=base, iov_size0=size,
               iov_target0=TARGET, iov_flags0=f)
        return s.enter(VMCS, "x12", "scause", "stval"), s.peek(DATA + 0xfe0, 8), s.peek(TARGET, 2)
    cases = [(n, f, p) for n in ("lw", "ld", "sw", "sd")
             for f, p in ((3, "lower"), (3, "upper"), (1, "lower"), (1, "upper"), (3, "some"))]
    e, data, target = batch("iov-cross", cases, put)[insn, flags, part]
    at, width = DATA + 0xffe, {"w": 4, "d": 8}[insn[1]]
    if flags & EXITS and part != "some":
        code = EXC["STORE_MISALIGNED" if insn[0] == "s" else "LOAD_MISALIGNED"]
        assert (e.cause, e.qual, e.scause, e.stval, e.x12) == (EXIT["HYPERCALL"], 2, code, at, 0xabc)
        assert changed(DATA + 0xfe0, data, None, 0)
        return
    assert (e.cause, e.qual) == (EXIT["HYPERCALL"], 1)
    lower = TARGET if part == "lower" else at
    upper = TARGET if part == "upper" else DATA + 0x1000
    places = [lower, lower + 1] + [upper + i for i in range(width - 2)]
    if insn[0] == "l":
        want = int.from_bytes(bytes(byte_of(p) for p in places), "little")
        if insn == "lw" and want >> 31:
            want |= MASK ^ 0xffffffff
        assert e.x12 == want
    else:
        have = {base + 8 * i + j: byte for base, words, n in ((DATA + 0xfe0, data, 8), (TARGET, target, 2))
                for i in range(n) for j, byte in enumerate(words[f"w{i}"].to_bytes(8, "little"))}
        value = VALUE.to_bytes(8, "little")[:width]
        assert {p: have[p] for p in have} == {**{p: byte_of(p) for p in have}, **dict(zip(places, value))}


def test_page_table_entries_are_not_looked_for_in_ranges(single):
    """MM-10."""
    s, t = single, Tables(TABLES)
    root = t.root(SV39)
    t.map(root, RAM, RAM, 2, ALL)
    s.memory(t.memory())
    s.code(CODE, [ins("ld", rd=12, rs1=10), vmexit(1)])
    s.poke(DATA, 0x77)
    s.vmcs(VMCS, pc=CODE, gptbr=root, x10=DATA, iov_base0=TABLES, iov_size0=0x10000, iov_flags0=VALID | EXITS)
    e = s.enter(VMCS, "x12")
    s.go()
    assert (e.cause, e.x12) == (EXIT["HYPERCALL"], 0x77)


def test_nothing_is_flushed(single):
    """MM-5: a page that was cached stays so until TLBFLUSHV.VM, by IOVMAP and by IOVUNMAP."""
    s, t = single, Tables(TABLES)
    hptbr = t.root(SV39, host=True) | 3 << 44
    t.map(hptbr, RAM, RAM, 2, ALL | U, host=True)
    s.memory(t.memory())
    s.poke(DATA, 0x77)
    current(s, hptbr=hptbr)
    load = ins("vmld.d", rs1=10, rd=12)
    answers = [s.step(load, x10=DATA)]
    describe(s, 0, DATA, 8, 0, VALID | EXITS)
    answers.append(s.step(load, x10=DATA))
    s.step(ins("tlbflushv.vm", rs1=10), x10=3)
    answers.append(s.step(load, x10=DATA))
    s.step(ins("iovunmap", rs1=10), x10=0)
    answers.append(s.step(load, x10=DATA))      # was not cached: nothing is stale
    f = s.fields("count_tlbmiss")
    s.go()
    assert [a.trap for a in answers] == [0, 0, EXC["LOAD_GUEST_PAGE"] + 1, 0]
    assert answers[2].tval == DATA
    assert f.count_tlbmiss == 3


@pytest.mark.parametrize("order", ["load first", "range first"])
def test_ranges_belong_to_the_vm(order, single):
    """Two VMs with one VMID and no translation: the range of one is not the other's, and it comes at once."""
    s = single
    s.poke(DATA, 0x77)
    s.code(CODE, [ins("ld", rd=12, rs1=10), vmexit(1)] * 3)
    s.vmcs(VMCS, pc=CODE, x10=DATA)
    s.vmcs(OTHER, pc=CODE, x10=DATA, iov_base0=DATA, iov_size0=8, iov_flags0=VALID | EXITS)
    if order == "range first":
        s.enter(OTHER)
    a, b = s.enter(VMCS, "x12"), s.enter(OTHER)
    s.enter(VMCS)
    describe(s, 1, DATA, 1, 0, VALID | EXITS)           # a byte of it is not all of the access
    c = s.enter(0, insn="vmresume.adv")
    describe(s, 1, DATA, 8, 0, VALID | EXITS)
    d = s.enter(0, insn="vmresume.adv")
    s.go()
    assert (a.cause, a.x12) == (EXIT["HYPERCALL"], 0x77)
    assert (b.cause, b.qual) == (EXIT["IO"], qual("IO", mmio=1, width=3, reg=12))
    assert (c.cause, d.cause, d.qual) == (EXIT["HYPERCALL"], EXIT["IO"], qual("IO", mmio=1, width=3, reg=12, port=1))


# Levels of pages around a range (TL-11): offset of the access, misses that two accesses count.
UNCACHED = {"in the range's page": (0x100010, 2), "in the page, not in the range": (0x100800, 2),
            "next page": (0x101000, 1), "page before": (0xff000, 1), "next superpage": (0x200000, 1)}


@pytest.mark.parametrize("key", UNCACHED)
def test_pages_of_a_range_are_not_cached(key, batch):
    def put(s, k):
        t = Tables(TABLES)
        hptbr = t.root(SV39, host=True) | 3 << 44
        t.map(hptbr, 0x40_0000_0000, RAM, 2, ALL | U, host=True)
        s.memory(t.memory())
        current(s, hptbr=hptbr)
        s.step(ins("tlbflushv"))
        data = 0x40_0300_0000                            # a superpage of 2 MiB that the range is in
        describe(s, 0, data + 0x100010, 8, DATA, VALID)
        at = data + UNCACHED[k][0]
        base = s.fields("count_tlbmiss")
        a = [s.step(ins("vmld.d", rs1=10, rd=12), x10=at) for _ in range(2)]
        middle = s.fields("count_tlbmiss")
        # The page around it of 4 KiB is cached, and that of 2 MiB only if no range is in it.
        s.step(ins("vmld.d", rs1=10, rd=12), x10=at ^ 0x8000)
        return base, middle, s.fields("count_tlbmiss"), a
    base, middle, last, a = batch("iov-uncached", UNCACHED, put)[key]
    offset, misses = UNCACHED[key]
    assert [x.trap for x in a] == [0, 0]
    assert middle.count_tlbmiss - base.count_tlbmiss == misses
    assert last.count_tlbmiss - middle.count_tlbmiss == (0 if offset == 0x200000 else 1)


def test_device_behind_a_range(single):
    """A range that forwards to mtimecmp of the CLINT: the guest reads and writes it without an exit."""
    s = single
    mtimecmp = 0x0200_4000
    s.poke(mtimecmp, 0x1234_5678_9abc_def0)
    s.code(CODE, [ins("ld", rd=12, rs1=10), ins("sd", rs1=10, rs2=11), vmexit(1)])
    s.vmcs(VMCS, pc=CODE, x10=0x4000_0000, x11=MASK >> 1, iov_base0=0x4000_0000, iov_size0=8, iov_target0=mtimecmp,
           iov_flags0=VALID)
    e = s.enter(VMCS, "x12", "count_exit")
    after = s.peek(mtimecmp)
    s.go()
    assert (e.cause, e.x12, e.count_exit, after.w0) == (EXIT["HYPERCALL"], 0x1234_5678_9abc_def0, 1, MASK >> 1)


def test_range_to_nowhere(single):
    """PR-9: forwarded to where nothing is."""
    s = single
    s.code(CODE, [ins("sw", rs1=10, rs2=11)])
    s.vmcs(VMCS, pc=CODE, x10=0x4000_0004, x11=VALUE, iov_base0=0x4000_0000, iov_size0=8, iov_target0=1 << 45,
           iov_flags0=VALID)
    e = s.enter(VMCS)
    s.go()
    assert (e.cause, e.qual) == (EXIT["HOSTFAULT"], qual("HOSTFAULT", access=2, denied=1, width=2, reg=11))
    assert (e.addr, e.gpa, e.val) == (0x4000_0004, 0x4000_0004, VALUE & 0xffffffff)


@pytest.mark.parametrize("name, width, device", [("sw", 2, 0x1000_0000), ("sb", 0, 0x0200_0000), ("sd", 3, 0x0c00_0000)])
def test_wrong_width_behind_a_range(name, width, device, single):
    """PL-2, PL-15, PR-9: a width that the device does not take."""
    s = single
    s.code(CODE, [ins(name, rs1=10, rs2=11)])
    s.vmcs(VMCS, pc=CODE, x10=0x4000_0000, x11=VALUE, iov_base0=0x4000_0000, iov_size0=8, iov_target0=device,
           iov_flags0=VALID)
    e = s.enter(VMCS)
    s.go()
    assert (e.cause, e.qual) == (EXIT["HOSTFAULT"], qual("HOSTFAULT", access=2, denied=1, width=width, reg=11))
    assert (e.addr, e.gpa) == (0x4000_0000, 0x4000_0000)


# --- Port bitmaps ----------------------------------------------------------------------

SPANS = [(0, 0), (0, 7), (0, 8), (7, 8), (63, 64), (64, 127), (1, 0), (65535, 65535), (65528, 65535), (65527, 65534),
         (0, 65535), (65535, 0), (0x3f8, 0x3ff), (1000, 3001), (32767, 32768)]


@pytest.mark.parametrize("mask", [0, 1, 0xfffe, 0xffff])
@pytest.mark.parametrize("span", SPANS, ids=lambda s: f"{s[0]}-{s[1]}")
def test_iovmask(span, mask, batch):
    """Bits first to last, both included; the other bits of the registers are ignored."""
    def put(s, case):
        (first, last), m = case
        current(s, iobitmap=BITMAP)
        s.fill(BITMAP - 8, 8192 + 16, 0xa5a5_5a5a_1234_8765)
        a = s.step(ins("iovmask", rs1=10, rs2=11), x10=0xdead_beef_0000_0000 | last << 16 | first, x11=m)
        return a, s.peek(BITMAP - 8, 1026)
    cases = [(p, m) for p in SPANS for m in (0, 1, 0xfffe, 0xffff)]
    a, words = batch("iovmask", cases, put)[span, mask]
    first, last = span
    bits = int.from_bytes(0xa5a5_5a5a_1234_8765.to_bytes(8, "little") * 1024, "little")
    span_bits = ((1 << last - first + 1) - 1) << first if first <= last else 0
    bits = bits & ~span_bits if mask & 1 else bits | span_bits
    assert a.trap == 0
    have = b"".join(words[f"w{i}"].to_bytes(8, "little") for i in range(1, 1025))
    assert int.from_bytes(have, "little") == bits
    assert words.w0 == words.w1025 == 0xa5a5_5a5a_1234_8765


POST = 0x80                                             # a latch of one byte


def test_open_port_reaches_the_device(single):
    """The guest writes and reads the POST latch once it is open; the bitmap counts as it is now (IO-5)."""
    s = single
    code = [ins("outi.b", rs2=11, imm=POST), ins("ini.b", rd=12, imm=POST), vmexit(1)]
    s.code(CODE, code)
    s.fill(BITMAP, 8192)
    s.vmcs(VMCS, pc=CODE, x11=0x4c, iobitmap=BITMAP)
    a = s.enter(VMCS, "x12")
    masked = s.step(ins("ini.b", rd=12, imm=POST))
    s.poke(BITMAP + POST // 64 * 8, 1 << POST % 64)
    s.vmwrite(field("pc"), CODE)
    b = s.resume("x12", "count_exit")
    opened = s.step(ins("ini.b", rd=12, imm=POST))
    s.go()
    assert (a.x12, masked.x12) == (0xff, 0)
    assert (b.x12, opened.x12, b.count_exit) == (0x4c, 0x4c, 2)


def test_ports_with_v0(single):
    """IO-2: Ring 0 and Ring -1 of the host use ports directly, bitmap or not."""
    s = single
    current(s)
    got = []
    for ring, value in ((3, 0x11), (1, 0x22)):
        s.step(ins("outi.b", rs2=11, imm=POST), ring, x11=value)
        s.step(ins("out.b", rs1=10, rs2=11), ring, x10=0xffff_0000 | POST, x11=value + 1)
        a = s.step(ins("in.b", rs1=10, rd=12), ring, x10=POST)
        got.append((value + 1, a))
    nothing = s.step(ins("in.w", rs1=10, rd=12), x10=0x5000)
    s.go()
    assert [a.x12 for _, a in got] == [v for v, _ in got]
    assert nothing.x12 == 0xffffffff
