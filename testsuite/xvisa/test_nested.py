"""Translation through both stages: every pair of page sizes, every permission, every fault.

Manual: chapter "Translation"; the expected outcome of each access comes from nested.py. The
guest accesses one address through tables of its own and of the host; code, handler and
tables lie elsewhere, so that nothing but this address is in question.
"""

import itertools
from dataclasses import dataclass, replace

import pytest

from xvisa.asm import CSR, EXIT, INSN, MASK, TRAP, ins, qual, unqual, vmexit
from xvisa.nested import (A, BARE, D, FETCH, G, LEVELS, LOAD, MODES, R, SIZES, STORE, SV39, SV48, Tables, U, V, View, W,
                          X, outcome)
from xvisa.script import FREE, RAM, Script

CODE, HANDLER = FREE, FREE + 0x1000
VMCS = FREE + 0x2000
TABLES = FREE + 0x100000
DATA = 0x83000000
ALL = V | R | W | X | A | D
VALUE = 0x1122334455667788
OFFSETS = (0, 8, 0xff8, 0x1000, 0x123450)
DONE, FETCHED, EXCEPTION = 1, 0x400, 2
C_EBREAK = 0x9002
KINDS = {"fetch": FETCH, "load": LOAD, "store": STORE}
ACCESS_INSN = {LOAD: ins("ld", rd=12, rs1=10), STORE: ins("sd", rs1=10, rs2=11), FETCH: vmexit(0x7fe)}


def word_at(hpa):
    """What memory holds at an aligned address of the data: two VMEXITs, numbered by the address."""
    w = vmexit(FETCHED | hpa >> 3 & 0x3ff)
    return w | w << 32


class World:
    """Tables of both stages for a pair of modes and of page levels.

    fine: the guest's tables are in host pages of 4 KiB, so that a walk reads all that it can."""

    def __init__(self, gmode, hmode, glevel, hlevel, fine=False):
        t = self.tables = Tables(TABLES)
        self.high = 1 << 35 if hmode else 0     # GPA of code minus HPA
        self.tables_high = self.high << fine if hmode else 0
        self.gb = 1 << 40 if hmode else 0
        self.vb = {BARE: self.gb, SV39: 1 << 36, SV48: 1 << 41}[gmode]
        self.hptbr = t.root(hmode, host=True) | 5 << 44 if hmode else 0
        groot = t.root(gmode)
        self.gptbr = groot + (self.tables_high >> 12) | 7 << 44 if gmode else 0
        self.code = {0: self.high, 3: self.high}
        self.gpath, self.hpath = [], []
        if hmode:
            t.map(self.hptbr, self.high + RAM, RAM, 2, ALL | U, host=True)
            span = 1 << 12 + 9 * hlevel
            self.hpath = t.map(self.hptbr, (self.gb + DATA) // span * span, DATA // span * span, hlevel, ALL | U,
                               host=True)
        if gmode:
            self.code = {0: (1 << 30) - RAM, 3: (2 << 30) - RAM}
            entries = []
            for ring, flags in ((0, ALL), (3, ALL | U)):
                entries += t.map(groot, self.code[ring] + RAM, self.high + RAM, 2, flags, to_gpa=self.to_gpa)
            span = 1 << 12 + 9 * glevel
            self.gpath = t.map(groot, (self.vb + DATA) // span * span, (self.gb + DATA) // span * span, glevel, ALL,
                               to_gpa=self.to_gpa)
            for page in {e & ~0xfff for e in entries + self.gpath} if fine and hmode else ():
                t.map(self.hptbr, self.to_gpa(page), page, 0, ALL | U, host=True)

    def to_gpa(self, table):
        return table + self.tables_high


@dataclass(frozen=True)
class Case:
    gmode: int = SV39
    hmode: int = SV39
    glevel: int = 0
    hlevel: int = 0
    access: int = LOAD
    gflags: int = ALL
    hflags: int = ALL | U
    ring: int = 0
    sum: bool = False
    mxr: bool = False
    pf: bool = False
    offset: int = 8
    va: int = None               # instead of the ordinary one
    patch: tuple = ()            # (stage, depth from the leaf, and-mask, or-mask) of entries
    roots: tuple = (0, 0)        # added to the ppn of GPTBR and HPTBR


WORLDS = {}


def world(c):
    key = c.gmode, c.hmode, c.glevel, c.hlevel
    if key not in WORLDS:
        WORLDS[key] = World(*key)
    return WORLDS[key]


def memory(c):
    """All table words of the case; those it sets differently from the world's."""
    w = world(c)
    words = w.tables.memory()
    changed = {a: words[a] for a in w.gpath + w.hpath}
    if w.gpath:
        changed[w.gpath[0]] = words[w.gpath[0]] & ~0x3ff | c.gflags
    if w.hpath:
        changed[w.hpath[0]] = words[w.hpath[0]] & ~0x3ff | c.hflags
    for stage, depth, and_mask, or_mask in c.patch:
        entry = (w.gpath if stage == "guest" else w.hpath)[depth]
        changed[entry] = changed[entry] & and_mask | or_mask
    return {**words, **changed}, changed


def address(c):
    return world(c).vb + DATA + c.offset if c.va is None else c.va


def expected(c):
    w = world(c)
    view = View(memory(c)[0], w.gptbr + c.roots[0], w.hptbr + c.roots[1], c.ring, c.sum, c.mxr)
    reg = {LOAD: 12, STORE: 11, FETCH: 0}[c.access]
    return outcome(view, address(c), c.access, reg=reg, val=VALUE, filter_pf=c.pf)


def arrange():
    last = []

    def put(s, c):
        w = world(c)
        if last != [w]:
            last[:] = [w]
            s.fill(TABLES, w.tables.at - TABLES)
            s.memory(w.tables.memory())
            s.code(CODE, [0] * 4)
            s.code(HANDLER, [vmexit(EXCEPTION)])
            s.memory({DATA + o + d: word_at(DATA + o + d) for o in OFFSETS for d in (0, 8)})
        s.memory(memory(c)[1])
        s.code(CODE, [ACCESS_INSN[c.access], vmexit(DONE)])
        s.step(ins("tlbflushv"))
        code = CODE + w.code[c.ring]
        s.vmcs(VMCS, pc=address(c) if c.access == FETCH else code, ring=c.ring, gptbr=w.gptbr + c.roots[0],
               hptbr=w.hptbr + c.roots[1], stvec=HANDLER + w.code[0], x10=address(c), x11=VALUE, x12=0xabc,
               vmtrapcfg=TRAP["PF"] if c.pf else 0, sstatus=c.sum << 18 | c.mxr << 19)
        e = s.enter(VMCS, "pc", "x12", "scause", "sepc", "stval", "ring")
        stored = None
        if c.access == STORE:
            stored = s.peek(DATA + c.offset)
            s.poke(DATA + c.offset, word_at(DATA + c.offset))
        return e, stored
    return put


def check(c, got):
    e, stored = got
    want, w = expected(c), world(c)
    pc = address(c) if c.access == FETCH else CODE + w.code[c.ring]
    if want[0] == "ok":
        hpa = want[1].hpa
        if c.access == FETCH:
            told = dict(cause=EXIT["HYPERCALL"], qual=FETCHED | hpa >> 3 & 0x3ff, pc=pc)
        else:
            told = dict(cause=EXIT["HYPERCALL"], qual=DONE, pc=pc + 4, x12=word_at(hpa) if c.access == LOAD else 0xabc)
        if c.access == STORE:
            assert stored.w0 == VALUE
    elif want[0] == "exit":
        _, cause, q, addr, gpa, val = want
        insn = 0 if c.access == FETCH else ACCESS_INSN[c.access]
        told = dict(cause=cause, qual=q, addr=addr, gpa=gpa, val=val, insn=insn, len=4 if insn else 0, pc=pc,
                    x12=0xabc, ring=c.ring)
    else:
        told = dict(cause=EXIT["HYPERCALL"], qual=EXCEPTION, scause=want[1], stval=want[2], sepc=pc, ring=0)
    if c.access == STORE and want[0] != "ok":
        assert stored.w0 == word_at(DATA + c.offset), f"{c}: a store that failed was done"
    wrong = {k: (hex(v), hex(e[k])) for k, v in told.items() if e[k] != v}
    names = {v: k for k, v in EXIT.items()}
    assert not wrong, f"{c}: expected {want}; (expected, got) {wrong} {unqual(names[e['cause']], e['qual'])}"


def judge(name, groups, key, batch):
    cases = sorted((c for g in groups.values() for c in g), key=lambda c: (c.gmode, c.hmode, c.glevel, c.hlevel))
    got = batch(name, cases, arrange())
    for c in groups[key]:
        check(c, got[c])


# --- Sizes -----------------------------------------------------------------------------


def sizes():
    for (gname, gmode), (hname, hmode) in itertools.product(MODES.items(), MODES.items()):
        for gl in range(LEVELS.get(gmode, 1)):
            for hl in range(LEVELS.get(hmode, 1)):
                for kind, access in KINDS.items():
                    name = f"{gname}-{SIZES[gl] if gmode else 'all'}-on-{hname}-{SIZES[hl] if hmode else 'all'}-{kind}"
                    yield name, [Case(gmode, hmode, gl, hl, access, offset=o) for o in OFFSETS[:3]]


SIZE_CASES = dict(sizes())


@pytest.mark.parametrize("key", SIZE_CASES)
def test_sizes(key, batch):
    judge("nested-sizes", SIZE_CASES, key, batch)


@pytest.mark.parametrize("key", SIZE_CASES)
def test_sizes_expect_success(key):
    """The enumeration above is of accesses that work."""
    assert all(expected(c)[0] == "ok" for c in SIZE_CASES[key])


# --- Permissions -----------------------------------------------------------------------


def flag_names(flags):
    return "".join(n for n, bit in zip("VRWXUGAD", (V, R, W, X, U, G, A, D)) if flags & bit) or "none"


GUEST_FLAGS = {flag_names(f): [Case(access=a, gflags=f, ring=r, sum=s, mxr=m, pf=bool(f ^ a ^ r & 1))
                               for a in KINDS.values() for r in (0, 3) for s in (False, True) for m in (False, True)]
               for f in range(256)}


@pytest.mark.parametrize("flags", GUEST_FLAGS)
def test_guest_permissions(flags, batch):
    """All 256 low bytes of the guest's leaf, by ring, SUM, MXR and access (GI-11, PR-1)."""
    judge("nested-guest-flags", GUEST_FLAGS, flags, batch)


HOST_FLAGS = {flag_names(f): [Case(access=a, hflags=f, ring=r, mxr=m, gflags=ALL | (U if r == 3 else 0) & ~0)
                              for a in KINDS.values() for r in (0, 3) for m in (False, True)]
              for f in range(256)}


@pytest.mark.parametrize("flags", HOST_FLAGS)
def test_host_permissions(flags, batch):
    """All 256 low bytes of the host's leaf; MXR and the ring do not matter (GI-12, PR-2)."""
    judge("nested-host-flags", HOST_FLAGS, flags, batch)


BOTH = {f"{flag_names(g)}-{flag_names(h)}-{r}": [Case(access=a, gflags=g, hflags=h, ring=r, mxr=m, pf=True)
                                                 for a in KINDS.values() for m in (False, True)]
        for g, h, r in itertools.product(
            [V | A | D | x | u for x in (R, R | W, X, R | X, R | W | X) for u in (0, U)],
            [V | A | D | U | x for x in (R, R | W, X, R | X, R | W | X)], (0, 3))}


@pytest.mark.parametrize("key", BOTH)
def test_both_permissions(key, batch):
    judge("nested-both-flags", BOTH, key, batch)


# --- Entries that are wrong ------------------------------------------------------------

DEEP = [("39", SV39, 2), ("48", SV48, 3)]


def wrong_entries():
    for name, mode, top in DEEP:
        for stage in ("guest", "host"):
            for depth in range(top + 1):
                kind = "leaf" if depth == 0 else f"table{depth}"
                for bit in range(54, 64):
                    yield f"{name}-{stage}-{kind}-reserved{bit}", mode, (stage, depth, MASK, 1 << bit)
                for bit in (8, 9):
                    yield f"{name}-{stage}-{kind}-ignored{bit}", mode, (stage, depth, MASK, 1 << bit)
                yield f"{name}-{stage}-{kind}-invalid", mode, (stage, depth, ~V & MASK, 0)
                yield f"{name}-{stage}-{kind}-W-without-R", mode, (stage, depth, ~(R | X) & MASK, W)
                yield f"{name}-{stage}-{kind}-nothing", mode, (stage, depth, 0, 0)
                if depth:
                    for bit, flag in ((A, "A"), (D, "D"), (U, "U"), (G, "G")):
                        yield f"{name}-{stage}-{kind}-{flag}", mode, (stage, depth, MASK, bit)
                    for low in range(9 * depth):    # a leaf here has 9 * depth bits of ppn that must be 0
                        yield (f"{name}-{stage}-{kind}-misaligned{low}", mode,
                               (stage, depth, 0, ALL | (U if stage == "host" else 0) | (DATA >> 12 + 9 * depth
                                << 9 * depth | 1 << low) << 10))
                    yield f"{name}-{stage}-{kind}-no-memory", mode, (stage, depth, 0x3ff, (1 << 43) << 10)
                else:
                    yield f"{name}-{stage}-{kind}-pointer", mode, (stage, 0, ~(R | W | X | A | D | U) & MASK, 0)
                    yield f"{name}-{stage}-{kind}-no-memory", mode, (stage, 0, 0x3ff, (1 << 35) << 10)


WRONG = {name: [Case(mode, mode, access=a, pf=a == LOAD, patch=(patch,)) for a in KINDS.values()]
         for name, mode, patch in wrong_entries()}


@pytest.mark.parametrize("key", WRONG)
def test_entry(key, batch):
    """Reserved bits, misaligned superpages, entries in no memory, at every level of both stages."""
    judge("nested-entries", WRONG, key, batch)


# --- Addresses -------------------------------------------------------------------------


def addresses():
    for name, mode, _ in DEEP:
        width = 12 + 9 * LEVELS[mode]
        base = Case(mode, mode)
        good = address(base)
        for bit in range(width - 1, 64):        # one bit above the width differs from the sign
            yield f"{name}-gva-bit{bit}", replace(base, va=good ^ 1 << bit)
        yield f"{name}-gva-negative", replace(base, va=good | MASK << width - 1 & MASK)
        yield f"{name}-gva-sign", replace(base, va=good | 1 << width - 1)
        # Guest physical addresses at the host stage's limit: through a guest leaf, and without guest paging.
        for hname, hmode, _ in DEEP:
            wide = 12 + 9 * LEVELS[hmode] + 2
            for bit in range(wide - 2, 56):
                c = Case(mode, hmode, patch=(("guest", 0, MASK, 1 << bit - 12 << 10),))
                yield f"{name}-on-{hname}-gpa-bit{bit}", c
            for bit in range(wide - 2, 64):
                c = Case(BARE, hmode)
                yield f"{name}-bare-on-{hname}-gpa-bit{bit}", replace(c, va=address(c) ^ 1 << bit)
        # The guest's root at such an address: the entry itself cannot be found.
        for bit in range(29, 44):
            yield f"{name}-root-bit{bit}", replace(base, roots=(1 << bit, 0))
        for bit in range(22, 44):
            yield f"{name}-host-root-bit{bit}", replace(base, roots=(0, 1 << bit))


ADDRESSES = {}
for _name, _case in addresses():
    ADDRESSES[_name] = [replace(_case, access=a, pf=p) for a in ([FETCH] if any(_case.roots) else KINDS.values())
                        for p in (False, True)]


@pytest.mark.parametrize("key", ADDRESSES)
def test_address(key, batch):
    """Non-canonical addresses, and guest physical addresses that are too wide."""
    if expected(ADDRESSES[key][0])[0] == "exception" and "root" in key:
        pytest.fail("a root that is not there is no page fault")
    judge("nested-addresses", ADDRESSES, key, batch)


# --- A walk through random tables ------------------------------------------------------


def random_case(dice):
    mode = dice.choice([SV39, SV48])
    hmode = dice.choice([SV39, SV48])
    gl, hl = dice.randrange(LEVELS[mode]), dice.randrange(LEVELS[hmode])
    patch = []
    for stage, n in (("guest", LEVELS[mode] - gl), ("host", LEVELS[hmode] - hl)):
        if dice.random() < 0.25:
            depth = dice.randrange(n)
            bit = dice.choice([*range(10), *range(30, 64)])     # of ppn only bits that lead out of RAM
            patch.append((stage, depth, MASK & ~(1 << dice.randrange(10)), 1 << bit))
    gflags = (ALL | dice.choice([0, U, G])) & ~(dice.choice([0, 0, A, D, W, X, R | W]))
    hflags = (ALL | U) & ~(dice.choice([0, 0, 0, A, D, W, X, U, R | W]))
    return Case(mode, hmode, gl, hl, dice.choice(list(KINDS.values())), gflags, hflags, dice.choice([0, 3]),
                dice.random() < 0.3, dice.random() < 0.3, dice.random() < 0.5, dice.choice(OFFSETS[:3]),
                patch=tuple(patch))


RANDOM = 64


@pytest.mark.parametrize("n", range(RANDOM))
def test_random_walk(n, batch, dice):
    d = dice("nested random")
    groups = {i: list(dict.fromkeys(random_case(d) for _ in range(20))) for i in range(RANDOM)}
    judge("nested-random", groups, n, batch)


# --- Counting --------------------------------------------------------------------------


@pytest.mark.parametrize("hname", MODES)
@pytest.mark.parametrize("gname", MODES)
def test_entries_read(gname, hname, workshop):
    """Sv39 on Sv39x4 reads 15 entries, Sv48 on Sv48x4 24; with the walk cache fewer of the host's."""
    gmode, hmode, reads = MODES[gname], MODES[hname], {}
    for accesses in (0, 1):
        s = Script()
        c = Case(gmode, hmode)
        w = World(gmode, hmode, 0, 0, fine=True)
        s.memory(w.tables.memory())
        s.code(CODE, [ins("addi"), vmexit(1), ins("ld", rd=12, rs1=10), vmexit(2)])
        s.vmcs(VMCS, pc=CODE + w.code[0], gptbr=w.gptbr, hptbr=w.hptbr, x10=address(c))
        s.enter(VMCS)
        if accesses:                             # the same page of code: only the load's walk is new
            s.enter(0, insn="vmresume.adv")
        f = s.fields("count_tlbmiss")
        r = s.execute(workshop / f"reads-{gname}-{hname}-{accesses}.elf", "--walk-cache", 0)
        reads[accesses] = r.stats["walk_reads_guest"], r.stats["walk_reads_host"], f.count_tlbmiss
    levels, hlevels = LEVELS.get(gmode, 0), LEVELS.get(hmode, 0)
    guest, host, misses = (b - a for a, b in zip(reads[0], reads[1]))
    assert (guest, host) == (levels, levels * hlevels + hlevels)
    assert misses == (1 if levels or hlevels else 0)
    if gmode == hmode and gmode:
        assert guest + host == {SV39: 15, SV48: 24}[gmode]
    view = View(w.tables.memory(), w.gptbr, w.hptbr)
    outcome(view, address(c), LOAD)
    assert len(view.reads) == guest + host       # the model agrees


# --- Cross-page, atomic and compressed accesses ----------------------------------------

EDGE = 0x1000 - 3
CROSS = {f"{kind}-{which}-{how}": (access, which, how)
         for kind, access in (("load", LOAD), ("store", STORE)) for which in ("lower", "upper", "both", "none")
         for how in ("guest", "host")}


@pytest.mark.parametrize("key", CROSS)
def test_crossing_a_page(key, batch):
    """The lower page first; the address told is the first byte that failed; nothing is half done (EV-5, TR-5)."""
    def put(s, k):
        access, which, how = CROSS[k]
        w = World(SV39, SV39, 0, 0)
        t = w.tables
        ok = {"lower": which in ("upper", "none"), "upper": which in ("lower", "none")}
        for page, name in ((0, "lower"), (1, "upper")):
            t.map(w.hptbr, w.gb + DATA + page * 0x1000, DATA + page * 0x3000, 0,
                  ALL | U if ok[name] or how == "guest" else 0, host=True)
            t.map(table_host(w), w.vb + DATA + page * 0x1000, w.gb + DATA + page * 0x1000, 0,
                  ALL if ok[name] or how == "host" else 0, to_gpa=w.to_gpa)
        s.fill(TABLES, t.at - TABLES)
        s.memory(t.memory())
        s.code(CODE, [ACCESS_INSN[access], vmexit(DONE)])
        s.code(HANDLER, [vmexit(EXCEPTION)])
        s.poke(DATA + 0xff8, 0x0807060504030201)
        s.poke(DATA + 0x3000, 0x1817161514131211)
        s.step(ins("tlbflushv"))
        s.vmcs(VMCS, pc=CODE + w.code[0], gptbr=w.gptbr, hptbr=w.hptbr, stvec=HANDLER + w.code[0],
               x10=w.vb + DATA + EDGE, x11=VALUE, x12=0xabc)
        return w, s.enter(VMCS, "x12", "scause", "stval", "sepc"), s.peek(DATA + 0xff8), s.peek(DATA + 0x3000)
    access, which, how = CROSS[key]
    w, e, low, high = batch("nested-cross", CROSS, put)[key]
    start = w.vb + DATA + EDGE
    memory_before = (0x0807060504030201, 0x1817161514131211)
    if which == "none":
        assert (e.cause, e.qual) == (EXIT["HYPERCALL"], DONE)
        if access == LOAD:
            assert e.x12 == 0x1514131211080706
        else:
            value = VALUE.to_bytes(8, "little")
            assert low.w0.to_bytes(8, "little")[5:] == value[:3]
            assert high.w0.to_bytes(8, "little")[:5] == value[3:]
            assert low.w0 & (1 << 40) - 1 == memory_before[0] & (1 << 40) - 1
        return
    assert (low.w0, high.w0) == memory_before
    failed = start if which in ("lower", "both") else w.vb + DATA + 0x1000
    if how == "guest":
        assert (e.cause, e.qual, e.stval) == (EXIT["HYPERCALL"], EXCEPTION, failed)
        assert e.scause == {LOAD: 13, STORE: 15}[access]
        return
    told = qual("HOSTFAULT", access=access, width=3, reg={LOAD: 12, STORE: 11}[access])
    assert (e.cause, e.qual, e.addr, e.gpa) == (EXIT["HOSTFAULT"], told, failed, failed - w.vb + w.gb)
    assert e.val == (VALUE if access == STORE else 0)


EDGES = ["short", "long", "long-guest", "long-host", "long-lower"]


@pytest.mark.parametrize("key", EDGES)
@pytest.mark.parametrize("pf", [False, True])
def test_fetch_over_the_end_of_a_page(key, pf, batch):
    """EV-4, TR-5: the upper page is asked for only if the lower half says 32 bits; it is told by its start."""
    def put(s, case):
        k, filter_pf = case
        w = World(SV39, SV39, 0, 0)
        t = w.tables
        for n, name in ((0, "lower"), (1, "upper")):
            bad = name == "upper" if k != "long-lower" else name == "lower"
            t.map(w.hptbr, w.gb + DATA + n * 0x1000, DATA + n * 0x2000, 0,
                  0 if bad and k in ("long-host", "short") else ALL | U, host=True)
            t.map(table_host(w), w.vb + DATA + n * 0x1000, w.gb + DATA + n * 0x1000, 0,
                  0 if bad and k in ("long-guest", "long-lower") else ALL, to_gpa=w.to_gpa)
        s.fill(TABLES, t.at - TABLES)
        s.memory(t.memory())
        s.code(HANDLER, [vmexit(EXCEPTION)])
        word = vmexit(5) if k != "short" else C_EBREAK
        s.poke(DATA + 0xff8, (word & 0xffff) << 48)
        s.poke(DATA + 0x2000, word >> 16)
        s.step(ins("tlbflushv"))
        s.vmcs(VMCS, pc=w.vb + DATA + 0xffe, gptbr=w.gptbr, hptbr=w.hptbr, stvec=HANDLER + w.code[0],
               vmtrapcfg=(TRAP["PF"] if filter_pf else 0) | TRAP["BRK"])
        return w, s.enter(VMCS, "pc", "sepc", "stval", "scause", "count_tlbmiss")
    w, e = batch("nested-fetch-edge", [(k, p) for k in EDGES for p in (False, True)], put)[key, pf]
    pc = w.vb + DATA + 0xffe
    if key == "short":
        assert (e.cause, e.insn, e.len, e.pc, e.count_tlbmiss) == (EXIT["BREAKPOINT"], 0x9002, 2, pc, 1)
        return
    if key == "long":
        assert (e.cause, e.qual, e.insn, e.len, e.pc, e.count_tlbmiss) == \
            (EXIT["HYPERCALL"], 5, vmexit(5), 4, pc, 2)
        return
    failed = pc if key == "long-lower" else pc + 2
    assert e.pc == (pc if key == "long-host" or pf else HANDLER + w.code[0])
    if key == "long-host":
        assert (e.cause, e.qual) == (EXIT["HOSTFAULT"], qual("HOSTFAULT", access=FETCH))
        assert (e.addr, e.gpa) == (failed, failed - w.vb + w.gb)
    elif pf:
        assert (e.cause, e.qual, e.addr) == (EXIT["PAGEFAULT"], qual("PAGEFAULT", access=FETCH, exception=12), failed)
    else:
        assert (e.cause, e.qual, e.scause, e.stval, e.sepc) == (EXIT["HYPERCALL"], EXCEPTION, 12, failed, pc)
    if key == "long-host" or pf:
        assert (e.insn, e.len) == (0, 0)


def table_host(w):
    """GPTBR with the host address of the guest's root, for Tables.map."""
    return w.gptbr - (w.tables_high >> 12)


FORMS = {name: (ins(name, **{k: v for k, v in (("rd", 12), ("rs1", 10), ("rs2", 11))
                             if k in INSN[name].fields}), size)
         for name, size in [("lb", 0), ("lh", 1), ("lw", 2), ("ld", 3), ("lbu", 0), ("lhu", 1), ("lwu", 2), ("sb", 0),
                            ("sh", 1), ("sw", 2), ("sd", 3), ("lr.w", 2), ("lr.d", 3), ("sc.w", 2), ("sc.d", 3)] +
         [(f"amo{op}.{w}", size) for op in ("swap", "add", "xor", "and", "or", "min", "max", "minu", "maxu")
          for w, size in (("w", 2), ("d", 3))]}
SHORT = {"c.lw": (0x4110, 2), "c.ld": (0x6110, 3), "c.sw": (0xc10c, 2), "c.sd": (0xe10c, 3)}


@pytest.mark.parametrize("name", FORMS)
def test_form_of_access(name, batch):
    """XI-5, XI-6: width, signed, atomic, reg and VMVAL of every load, store and AMO that faults in the host."""
    def put(s, n):
        c = Case()
        w = world(c)
        s.memory(w.tables.memory())
        s.memory({w.hpath[0]: w.tables.memory()[w.hpath[0]] & ~W if n.startswith("sc") else 0})
        lr = ins("lr.d" if n.endswith("d") else "lr.w", rd=13, rs1=10)  # an SC is tried with a reservation
        code = [lr, FORMS[n][0], vmexit(DONE)] if n.startswith("sc") else [FORMS[n][0], vmexit(DONE)]
        s.code(CODE, code)
        s.step(ins("tlbflushv"))
        s.vmcs(VMCS, pc=CODE + w.code[0], gptbr=w.gptbr, hptbr=w.hptbr, x10=address(c), x11=VALUE | 1 << 63, x12=0xabc)
        return s.enter(VMCS, "x12")
    e = batch("nested-forms", FORMS, put)[name]
    size = FORMS[name][1]
    atomic = name[:2] in ("lr", "sc", "am")
    store = name[0] == "s" or name.startswith("amo")
    told = qual("HOSTFAULT", access=STORE if store else LOAD, width=size, reg=11 if store else 12, atomic=int(atomic),
                signed=int(name in ("lb", "lh", "lw", "lr.w")))
    w = world(Case())
    assert e.cause == EXIT["HOSTFAULT"]
    assert (e.qual, e.addr) == (told, address(Case())), unqual("HOSTFAULT", e.qual)
    assert e.gpa == w.gb + DATA + 8 and e.x12 == 0xabc
    assert e.val == ((VALUE | 1 << 63) & (1 << (8 << size)) - 1 if store else 0)


@pytest.mark.parametrize("name", SHORT)
def test_compressed_form(name, single):
    """The same of a compressed access: 16 bits of VMINSN, VMLEN 2, registers of the long form (XI-2)."""
    s, c = single, Case()
    w = world(c)
    s.memory(w.tables.memory())
    s.memory({w.hpath[0]: 0})
    word, size = SHORT[name]                     # x12, 0(x10) and x11, 0(x10)
    s.code(CODE, [word | 1 << 16])
    s.vmcs(VMCS, pc=CODE + w.code[0], gptbr=w.gptbr, hptbr=w.hptbr, x10=address(c), x11=VALUE, x12=0xabc)
    e = s.enter(VMCS, "pc")
    s.go()
    store = name[2] == "s"
    told = qual("HOSTFAULT", access=STORE if store else LOAD, width=size, reg=11 if store else 12,
                signed=int(name == "c.lw"))
    assert (e.cause, e.qual, e.insn, e.len) == (EXIT["HOSTFAULT"], told, word, 2)
    assert e.val == (VALUE & (1 << (8 << size)) - 1 if store else 0)


def test_satp_of_the_guest_is_gptbr(single):
    """A guest that writes satp changes field gptbr, and VMWRITE of gptbr its satp."""
    s, c = single, Case(SV39, BARE)
    w = world(c)
    s.memory(w.tables.memory())
    s.code(CODE, [ins("csrrw", csr=CSR["satp"], rs1=10, rd=12), ins("sfence.vma"), vmexit(1)])
    s.vmcs(VMCS, pc=CODE, x10=w.gptbr, gptbr=123)
    # Bare at first: the code goes on at the same address, which the tables below do not map.
    e = s.enter(VMCS, "x12", "gptbr", "pc")
    s.go()
    assert (e.gptbr, e.x12) == (w.gptbr, 123)
    assert e.cause == EXIT["SHUTDOWN"]           # neither the code nor a handler can be fetched any more
