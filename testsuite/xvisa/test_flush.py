"""Each flush by itself: what must go is gone, what must stay is stale.

Manual: chapter "Translation", section "Flushes". Eight translations are cached (in eight ways, as five of
them are in one set), then every table entry is pointed at another page, then one flush happens. Who still
sees the old page was not flushed. The table FLUSHES is the manual's, written out.
"""

import pytest

from xvisa.asm import CSR, EXIT, TRAP, field, ins, vmexit
from xvisa.nested import A, D, G, R, SV39, U, V, W, X, Tables
from xvisa.script import FREE, M, PAGE, S, U as RING3

CODE, TABLES = FREE, FREE + 0x100000
VMCS1, VMCS2 = FREE + 0x10000, FREE + 0x11000
OLD, NEW = 0x83000000, 0x83200000           # superpages, so that one of 2 MiB can be cached too
OLD_VALUE, NEW_VALUE = 0x0ddba11, 0x5eed
ALL = V | R | W | X | A | D | U
VA, VB, VC = 0x1000, 0x2000, 0x4060_0000
INSIDE = 0x12340                            # of VC's page: no multiple of 4 KiB behind its start

# name: (V, VMID, ASID, virtual address, global, level)
ENTRIES = {
    "e1": (1, 1, 1, VA, 0, 0),
    "e2": (1, 1, 1, VB, 1, 0),
    "e3": (1, 1, 2, VA, 0, 0),
    "e4": (1, 1, 1, VC, 0, 1),
    "e5": (1, 2, 1, VA, 0, 0),
    "h1": (0, 0, 1, VA, 0, 0),
    "h2": (0, 0, 1, VB, 1, 0),
    "h3": (0, 0, 2, VA, 0, 0),
}
GUEST1, GUEST2, HOST = {"e1", "e2", "e3", "e4"}, {"e5"}, {"h1", "h2", "h3"}

# What goes: instruction, x10, x11 (None: register x0), by where it executes.
FLUSHES = []


def flush(where, insn, a, b, gone):
    FLUSHES.append((where, insn, a, b, frozenset(gone)))


flush("ring-1", "addi", 0, None, set())
flush("ring-1", "tlbflushv", None, None, GUEST1 | GUEST2 | HOST)
flush("ring-1", "tlbflushv.vm", 1, None, GUEST1)
flush("ring-1", "tlbflushv.vm", 2, None, GUEST2)
flush("ring-1", "tlbflushv.vm", 0, None, set())
flush("ring-1", "tlbflushv.vm", 0x4001, None, GUEST1)               # 14 bits of VMID
for _where, _mine in (("ring-1", None), ("host", HOST), ("guest1", GUEST1), ("guest2", GUEST2)):
    # In Ring -1 TLBFLUSHV means the current VM, which is the first, and sfence.vma the host.
    for _insn in ("tlbflushv", "sfence.vma"):
        _of = _mine or (GUEST1 if _insn == "tlbflushv" else HOST)
        _addr = "tlbflushv.addr" if _insn == "tlbflushv" else "sfence.vma"
        if _where != "ring-1" or _insn == "sfence.vma":
            flush(_where, _insn, None, None, _of)
        if _insn == "tlbflushv":
            flush(_where, "tlbflushv.asid", 1, None, _of & {"e1", "e4", "e5", "h1"})
            flush(_where, "tlbflushv.asid", 2, None, _of & {"e3", "h3"})
            flush(_where, "tlbflushv.asid", 0x10001, None, _of & {"e1", "e4", "e5", "h1"})
            flush(_where, "tlbflushv.addr", None, None, set())      # x0 is the address 0
        else:
            flush(_where, "sfence.vma", None, 1, _of & {"e1", "e4", "e5", "h1"})
            flush(_where, "sfence.vma", None, 0, set())             # a register that holds 0: ASID 0
        flush(_where, _addr, VA, None, _of & {"e1", "e3", "e5", "h1", "h3"})
        flush(_where, _addr, VA + 0xfff, None, _of & {"e1", "e3", "e5", "h1", "h3"})
        flush(_where, _addr, VA + 0x1000, None, _of & {"e2", "h2"})
        flush(_where, _addr, VA, 1, _of & {"e1", "e5", "h1"})
        flush(_where, _addr, VA, 2, _of & {"e3", "h3"})
        flush(_where, _addr, VA, 0x10002, _of & {"e3", "h3"})
        flush(_where, _addr, VA, 3, set())
        flush(_where, _addr, VB, None, _of & {"e2", "h2"})
        flush(_where, _addr, VB, 1, set())                          # global entries stay
        flush(_where, _addr, VC + INSIDE, None, _of & {"e4"})
        flush(_where, _addr, VC + INSIDE, 1, _of & {"e4"})
        flush(_where, _addr, VC + 0x20_0000, None, set())

IDS = {f"{where}-{insn}-{'x0' if a is None else hex(a)}-{'x0' if b is None else hex(b)}": (where, insn, a, b, gone)
       for where, insn, a, b, gone in FLUSHES}


class Setup:
    """Tables of the eight entries. HPTBR is bare, so the guests' tables are all there is."""

    def __init__(self):
        t = self.tables = Tables(TABLES)
        self.roots = {k: t.root(SV39) for k in ((1, 1), (1, 2), (2, 1), (0, 1), (0, 2))}
        self.leaves = {}
        for name, (v, vmid, asid, va, g, level) in ENTRIES.items():
            root = self.roots[vmid if v else 0, asid]
            self.leaves[name] = t.map(root, va, OLD, level, ALL | (G if g else 0))[0]

    def base(self, name):
        v, vmid, asid, *_ = ENTRIES[name]
        return self.roots[vmid if v else 0, asid] | asid << 44


SETUP = Setup()
LOADED, RAN = 1, 2


def look(s, name, side):
    """What an entry gives now: an answer whose value is judged by old_or_new()."""
    v, vmid, _, va, _, _ = ENTRIES[name]
    if v:
        s.step(ins("vmenter", rs1=10), x10=VMCS1 if vmid == 1 else VMCS2)     # current; nothing runs
        s.step(ins("ldgptbr", rs1=10), x10=SETUP.base(name))
        if side == "data":
            return s.step(ins("vmld.d", rs1=10, rd=12), x10=va)
        s.vmwrite(field("pc"), va + 8)
        s.vmwrite(field("vmtrapcfg"), 0)
        e = s.resume()
        s.vmwrite(field("vmtrapcfg"), TRAP["PREEMPT"])
        return e
    s.csr(CSR["satp"], SETUP.base(name))
    if side == "data":                          # Ring 3 with V=0, by MPRV
        s.step(ins("csrrs", csr=CSR["mstatus"], rs1=10), x10=1 << 17)
        a = s.step(ins("ld", rs1=10, rd=12), x10=va)
        s.step(ins("csrrc", csr=CSR["mstatus"], rs1=10), x10=1 << 17)
    else:
        a = s.run(va + 16, RING3, out=())
    s.csr(CSR["satp"], 0)
    return a


def old_or_new(name, side, a):
    if side == "data":
        assert a.trap == 0
        return {OLD_VALUE: "old", NEW_VALUE: "new"}[a.x12]
    if ENTRIES[name][0]:
        assert a.cause == EXIT["HYPERCALL"]
        return {LOADED: "old", RAN: "new"}[a.qual]
    return {3: "old", 8: "new"}[a.cause]        # ebreak in the old page, ecall in the new one


def page(s, at, value, number, last):
    """Both sides' signs, at the start of a superpage: a value, and code at 8 and 16."""
    s.poke(at, value, vmexit(number), last)


def execute(s, where, insn, a, b):
    has = {"tlbflushv": "", "tlbflushv.vm": "a", "tlbflushv.asid": "a", "addi": ""}.get(insn, "ab")
    operands = {}
    if "a" in has and a is not None:
        operands["rs1"] = 10
    if "b" in has and b is not None:
        operands["rs2"] = 11
    word = ins(insn, **operands)
    if where in ("ring-1", "host"):
        s.step(ins("vmenter", rs1=10), x10=VMCS1)
        return s.step(word, M if where == "ring-1" else S, x10=a or 0, x11=b or 0)
    vmcs = VMCS1 if where == "guest1" else VMCS2
    s.code(CODE, [word, vmexit(3)])
    s.step(ins("vmenter", rs1=10), x10=vmcs)
    for name, value in (("gptbr", 0), ("pc", CODE), ("vmtrapcfg", 0), ("x10", a or 0), ("x11", b or 0)):
        s.vmwrite(field(name), value)
    e = s.resume()
    s.vmwrite(field("vmtrapcfg"), TRAP["PREEMPT"])
    return e


def arrange(side):
    def put(s, key):
        where, insn, a, b, _ = IDS[key]
        s.memory(SETUP.tables.memory())
        page(s, OLD, OLD_VALUE, LOADED, ins("ebreak"))
        page(s, NEW, NEW_VALUE, RAN, ins("ecall"))
        s.step(ins("tlbflushv"))
        for vmcs, vmid in ((VMCS1, 1), (VMCS2, 2)):
            s.vmcs(vmcs, hptbr=vmid << 44, vmtrapcfg=TRAP["PREEMPT"], ring=3)
        before = {n: look(s, n, side) for n in ENTRIES}
        for vmcs in (VMCS1, VMCS2):             # flushes are Ring 0's
            s.step(ins("vmenter", rs1=10), x10=vmcs)
            s.vmwrite(field("ring"), 0)
        for n, leaf in SETUP.leaves.items():
            s.poke(leaf, NEW >> 12 << 10 | SETUP.tables.words[leaf] & 0x3ff)
        done = execute(s, where, insn, a, b)
        for vmcs in (VMCS1, VMCS2):
            s.step(ins("vmenter", rs1=10), x10=vmcs)
            s.vmwrite(field("ring"), 3)
        after = {n: look(s, n, side) for n in ENTRIES}
        return before, done, after
    return put


@pytest.mark.parametrize("side", ["data", "fetch"])
@pytest.mark.parametrize("key", IDS)
def test_flush(key, side, batch):
    before, done, after = batch(f"flush-{side}", IDS, arrange(side), "--tlb-l2-ways", 8)[key]
    where, *_, gone = IDS[key]
    if where.startswith("guest"):
        assert (done.cause, done.qual) == (EXIT["HYPERCALL"], 3)
    else:
        assert done.trap == 0
    assert {n: old_or_new(n, side, a) for n, a in before.items()} == dict.fromkeys(ENTRIES, "old")
    got = {n: old_or_new(n, side, a) for n, a in after.items()}
    assert got == {n: "new" if n in gone else "old" for n in ENTRIES}


def test_every_entry_goes_and_stays_somewhere():
    """The table above is of use for each entry, in each place."""
    for n in ENTRIES:
        assert {n in gone for *_, gone in FLUSHES} == {True, False}


# --- Walk cache ------------------------------------------------------------------------

WALK_FLUSHES = {
    "tlbflushv": (ins("tlbflushv"), 0, True),
    "tlbflushv.vm": (ins("tlbflushv.vm", rs1=10), 1, True),
    "tlbflushv.vm-other": (ins("tlbflushv.vm", rs1=10), 2, False),
    "tlbflushv.asid": (ins("tlbflushv.asid", rs1=10), 1, False),
    "tlbflushv.addr": (ins("tlbflushv.addr", rs1=10), VA, False),
    "sfence.vma": (ins("sfence.vma"), 0, False),
}


@pytest.mark.parametrize("key", WALK_FLUSHES)
def test_walk_cache(key, single):
    """The host moves a guest's table: only TLBFLUSHV and TLBFLUSHV.VM make walks notice (FL-5)."""
    s, t = single, Tables(TABLES)
    high = 0x40_0000_0000                       # guest physical addresses of the tables
    hptbr, root = t.root(SV39, host=True) | 1 << 44, t.root(SV39)
    t.map(hptbr, 0x8000_0000, 0x8000_0000, 2, ALL, host=True)
    leaves = [t.map(root, va, OLD, 0, ALL, to_gpa=lambda p: p + high) for va in (VA, VB)]
    pages = {e & ~0xfff for path in leaves for e in path}
    host = {p: t.map(hptbr, p + high, p, 0, ALL, host=True)[0] for p in pages}
    words = t.memory()
    last, copy = leaves[0][0] & ~0xfff, t.page()
    s.memory(words)
    # A second table, where both addresses lie in the new page.
    s.fill(copy, PAGE)
    for path in leaves:
        s.poke(copy | path[0] & 0xfff, NEW >> 12 << 10 | ALL)
    page(s, OLD, OLD_VALUE, LOADED, 0)
    page(s, NEW, NEW_VALUE, RAN, 0)
    s.vmcs(VMCS1, vmtrapcfg=TRAP["PREEMPT"], ring=3, hptbr=hptbr, gptbr=(root + (high >> 12)) | 1 << 44)
    s.enter(VMCS1)
    first = s.step(ins("vmld.d", rs1=10, rd=12), x10=VA)
    s.poke(host[last], copy >> 12 << 10 | ALL)
    word, x10, noticed = WALK_FLUSHES[key]
    s.step(word, x10=x10)
    second = s.step(ins("vmld.d", rs1=10, rd=12), x10=VB)      # never looked at before: a walk
    s.go()
    assert (first.trap, first.x12) == (0, OLD_VALUE)
    assert (second.trap, second.x12) == (0, NEW_VALUE if noticed else OLD_VALUE)


# --- What flushes nothing --------------------------------------------------------------

NOTHING = {
    "vmenter": lambda s: s.step(ins("vmenter", rs1=10), x10=VMCS1),
    "vmresume": lambda s: s.step(ins("vmresume")),
    "ldhptbr": lambda s: s.step(ins("ldhptbr", rs1=10), x10=1 << 44),
    "ldgptbr": lambda s: s.step(ins("ldgptbr", rs1=10), x10=SETUP.base("e1")),
    "vmclear": lambda s: (s.step(ins("vmclear", rs1=10), x10=VMCS1), s.step(ins("vmload", rs1=10), x10=VMCS1)),
    "satp": lambda s: s.csr(CSR["satp"], 0),
    "fence.i": lambda s: s.step(ins("fence.i")),
    "pmp": lambda s: s.csr(CSR["pmpaddr0"], 0),
    "sstatus": lambda s: s.vmwrite(field("sstatus"), 1 << 18),
}


@pytest.mark.parametrize("key", NOTHING)
def test_flushes_nothing(key, batch):
    """EX-7 and the introduction of "Flushes"."""
    def put(s, k):
        s.memory(SETUP.tables.memory())
        page(s, OLD, OLD_VALUE, LOADED, 0)
        page(s, NEW, NEW_VALUE, RAN, 0)
        s.step(ins("tlbflushv"))
        s.vmcs(VMCS1, hptbr=1 << 44, vmtrapcfg=TRAP["PREEMPT"], ring=3)
        a = look(s, "e1", "data")
        s.poke(SETUP.leaves["e1"], NEW >> 12 << 10 | ALL)
        NOTHING[k](s)
        return a, look(s, "e1", "data")
    a, b = batch("flush-nothing", NOTHING, put)[key]
    assert (old_or_new("e1", "data", a), old_or_new("e1", "data", b)) == ("old", "old")


def test_added_right_needs_no_flush_and_removed_right_does(single):
    """TL-7."""
    s = single
    leaf = SETUP.leaves["e1"]
    s.memory(SETUP.tables.memory())
    page(s, OLD, OLD_VALUE, LOADED, 0)
    s.vmcs(VMCS1, hptbr=1 << 44, vmtrapcfg=TRAP["PREEMPT"], ring=3)
    s.poke(leaf, OLD >> 12 << 10 | V | R | A | U)
    a = look(s, "e1", "data")
    store = ins("vmst.d", rs1=10, rs2=11)
    refused = s.step(store, x10=VA + 0x100, x11=1)      # drops the entry and walks: W is not there
    s.poke(leaf, OLD >> 12 << 10 | ALL)
    allowed = s.step(store, x10=VA + 0x100, x11=1)
    s.poke(leaf, OLD >> 12 << 10 | V | R | A | U)
    stale = s.step(store, x10=VA + 0x100, x11=1)
    s.step(ins("tlbflushv.addr", rs1=10), x10=VA)
    gone = s.step(store, x10=VA + 0x100, x11=1)
    counts = s.fields("count_tlbmiss")
    s.go()
    assert old_or_new("e1", "data", a) == "old"
    assert [x.trap for x in (refused, allowed, stale, gone)] == [16, 0, 0, 16]
    assert counts.count_tlbmiss == 4                    # first load, refused, allowed, gone
