"""A flush by address drops every translation made from the leaf that holds the address.

Manual: rules TL-2, TL-3 and FL-3; RISC-V privileged manual, SFENCE.VMA: with rs1 it orders all uses of the
leaf entry for that address, however many entries of a TLB were made from it. All pairs of page sizes of
both stages are gone through, with a bare stage, an MMIO range over one page, G and ASIDs: some addresses are
looked at, then every leaf becomes invalid, then comes the flush. An address that is still translated was
not flushed. Nothing here asks how the two stages' pages were combined: the rule does not either.
"""

import itertools

import pytest

from xvisa.asm import CSR, EXIT, TRAP, field, ins, vmexit
from xvisa.nested import A, D, G, R, SV48, U, V, W, X, Tables
from xvisa.script import FREE, M, PAGE, RAM, RAM_END

ALL = V | R | W | X | A | D | U
TABLES, VMCS = FREE + 0x100000, FREE + 0x10000
BEHIND = 0x100_0000_0000                # guest physical: tables and the flush's code, in small host pages
CODE = FREE + 0x20000
SIZE = {0: 12, 1: 21, 2: 30, 3: 39, None: 64}
NAMES = {0: "4K", 1: "2M", 2: "1G", 3: "512G", None: "bare"}
AT = 0x8300_0000
PROBES = [AT + o for o in (0, 1 << 12, 1 << 14, 1 << 21, (1 << 21) + (1 << 12), 1 << 30, 1 << 39)]
FLUSHED = [AT, AT + 0x1008, AT + 0x2000, AT + 0x20_3ff8, AT - 8, AT + (1 << 30) + 0x5000, AT + (1 << 39)]
VMID, ASID = 5, 3
MPRV = 1 << 17

# Who executes what; the ASID operand (None: register x0).
FLUSHES = [(where, insn, asid) for where, insn in (("guest", "sfence.vma"), ("guest", "tlbflushv.addr"),
                                                   ("ring-1", "tlbflushv.addr"))
           for asid in (None, ASID, ASID + 1)]
NATIVE = [("ring-1", "sfence.vma", asid) for asid in (None, ASID, ASID + 1)]


def in_ram(pa, level):
    """The address with these low bits in RAM, or None: where a page of this level can have it."""
    if not RAM <= pa < RAM_END:
        pa = pa % (1 << SIZE[level]) | AT >> SIZE[level] << SIZE[level]
    return pa if RAM <= pa < RAM_END else None


class World:
    """Tables that map every probe by a guest leaf of level gl, to a host leaf of level hl; None: bare.
    With V=0 gl is satp's and hl is None."""

    def __init__(self, gl, hl, g=0):
        self.gl, self.hl = gl, hl
        t = self.tables = Tables(TABLES)
        self.hptbr = (t.root(SV48, host=True) if hl is not None else 0) | VMID << 44
        self.shift = BEHIND if hl is not None else 0
        self.gptbr, self.leaves = 0, set()
        if gl is not None:
            self.gptbr = (t.root(SV48) + (self.shift >> 12)) | ASID << 44
        self.gpa = {}                   # of the probes that have a place in RAM
        for va in PROBES:
            gpa = va if hl is not None else in_ram(va, gl)
            pa = gpa if hl is None else in_ram(gpa, hl)
            if pa is None:
                continue
            self.gpa[va] = gpa
            if gl is not None:
                span = 1 << SIZE[gl]
                self.leaves.add(t.map(self.gptbr - (self.shift >> 12), va // span * span, gpa // span * span, gl,
                                      ALL | g, to_gpa=lambda p: p + self.shift)[0])
            if hl is not None:
                span = 1 << SIZE[hl]
                leaf = t.map(self.hptbr, gpa // span * span, pa // span * span, hl, ALL, host=True)[0]
                if gl is None:
                    self.leaves.add(leaf)
        if hl is not None:
            for page in [CODE, *range(TABLES, TABLES + 0x40000, PAGE)]:
                t.map(self.hptbr, BEHIND + page, page, 0, ALL, host=True)
        assert t.at <= TABLES + 0x40000

    def gone(self, va, flushed):
        """The rule: the leaf is the guest's; where that stage is bare, the host's."""
        bits = SIZE[self.gl if self.gl is not None else self.hl]
        return va >> bits == flushed >> bits


class Case:
    def __init__(self, s, world, side, how, flushed, g, mmio):
        self.world, self.how, self.flushed, self.g = world, how, flushed, g
        self.side, self.s = side, s
        where, insn, asid = how
        words = world.tables.memory()
        s.memory(words)
        self.native = insn == "sfence.vma" and where == "ring-1"
        s.step(ins("tlbflushv"))
        if self.native:
            s.csr(CSR["satp"], world.gptbr)
        else:
            s.vmcs(VMCS, hptbr=world.hptbr, gptbr=world.gptbr, vmtrapcfg=TRAP["PREEMPT"], ring=3, **mmio)
            s.step(ins("vmenter", rs1=10), x10=VMCS)
        self.before = {va: self.look(va) for va in world.gpa}
        for leaf in world.leaves:
            s.poke(leaf, 0)
        self.flush(ins(insn, rs1=10, **({} if asid is None else {"rs2": 11})), where, asid or 0)
        self.after = {va: self.look(va) for va in world.gpa}
        if self.native:
            s.csr(CSR["satp"], 0)

    def look(self, va):
        s = self.s
        if self.native:                 # Ring 3 with V=0
            if self.side == "fetch":
                return s.run(va, 0, out=())
            s.step(ins("csrrs", csr=CSR["mstatus"], rs1=10), x10=MPRV)
            a = s.step(ins("ld", rs1=10, rd=12), x10=va)
            s.step(ins("csrrc", csr=CSR["mstatus"], rs1=10), x10=MPRV)
            return a
        if self.side == "data":
            return s.step(ins("vmld.d", rs1=10, rd=12), x10=va)
        s.vmwrite(field("pc"), va)
        return self.resume()

    def resume(self):
        self.s.vmwrite(field("vmtrapcfg"), TRAP["PF"])
        e = self.s.resume()
        self.s.vmwrite(field("vmtrapcfg"), TRAP["PREEMPT"])
        return e

    def flush(self, word, where, asid):
        s = self.s
        if where == "ring-1":
            s.step(word, M, x10=self.flushed, x11=asid)
            return
        s.code(CODE, [word, vmexit(3)])
        for name, value in (("gptbr", 0), ("ring", 0), ("pc", self.world.shift + CODE), ("x10", self.flushed),
                            ("x11", asid)):
            s.vmwrite(field(name), value)
        self.done = self.resume()
        s.vmwrite(field("ring"), 3)
        s.vmwrite(field("gptbr"), self.world.gptbr)

    def translated(self, a):
        if self.side == "data":
            return a.trap == 0
        return a.cause == (8 if self.native else EXIT["HYPERCALL"])     # ecall, VMEXIT

    def check(self):
        where, insn, asid = self.how
        if where == "guest":
            assert (self.done.cause, self.done.qual) == (EXIT["HYPERCALL"], 3)
        assert all(self.translated(a) for a in self.before.values())
        # with the guest stage bare an entry has ASID 0 and no G
        mine = asid is None or asid == ASID and not self.g and self.world.gl is not None
        want = {hex(va): not (mine and self.world.gone(va, self.flushed)) for va in self.world.gpa}
        assert {hex(va): self.translated(a) for va, a in self.after.items()} == want, \
            f"flushed {self.flushed:#x} by {self.how}, G {bool(self.g)}"


def mmio_range(world, va):
    """Fields of a VMCS whose range 0 is the page of a virtual address, behind all probes of it."""
    return {"iov_base0": world.gpa[va] + 0x7000, "iov_size0": 8, "iov_target0": RAM, "iov_flags0": 1}


def fill(s, world, word):
    for level in range(4):
        for va in world.gpa:
            at = in_ram(va, level)
            if at is not None:
                s.code(at & ~7, [word, word])


def cases(s, gl, hl, side, how, mmio=False):
    got = []
    for flush, flushed, g in itertools.product(how, FLUSHED, (0, G) if gl is not None else (0,)):
        world = World(gl, hl, g)
        got.append(Case(s, world, side, flush, flushed, g, mmio_range(world, AT) if mmio else {}))
    return got


PAIRS = [p for p in itertools.product([None, 0, 1, 2, 3], repeat=2) if p != (None, None)]


def pair_id(p):
    return f"{NAMES[p[0]]}-on-{NAMES[p[1]]}"


@pytest.mark.parametrize("mmio", [False, True], ids=["ram", "mmio"])
@pytest.mark.parametrize("side", ["data", "fetch"])
@pytest.mark.parametrize("pair", PAIRS, ids=pair_id)
def test_flush_takes_all_of_a_leaf(pair, side, mmio, single):
    fill(single, World(*pair), vmexit(1))
    got = cases(single, *pair, side, FLUSHES, mmio)
    single.go("--tlb-l2-ways", 16)
    for case in got:
        case.check()


@pytest.mark.parametrize("side", ["data", "fetch"])
@pytest.mark.parametrize("level", range(4), ids=NAMES.get)
def test_native_flush_takes_all_of_a_leaf(level, side, single):
    fill(single, World(level, None), ins("ecall"))
    got = cases(single, level, None, side, NATIVE)
    single.go("--tlb-l2-ways", 16)
    for case in got:
        case.check()


def test_sizes_splinter():
    """The cases are of use: with small host pages, a flush of one piece of a 2 MiB leaf takes others."""
    world = World(1, 0)
    assert len(world.leaves) == 4 and len(world.gpa) == len(PROBES)
    assert [world.gone(va, AT) for va in PROBES] == [True, True, True, False, False, False, False]


@pytest.mark.parametrize("mmio", [False, True], ids=["ram", "mmio"])
@pytest.mark.parametrize("hl", [0, 1])
def test_check_stale_accuses_nobody(hl, mmio, single):
    """A kernel that moves a huge page and flushes it by one address has done all that it must."""
    s, world = single, World(1, hl)
    s.memory(world.tables.memory())
    fields = mmio_range(world, AT) if mmio else {}
    s.vmcs(VMCS, hptbr=world.hptbr, gptbr=world.gptbr, vmtrapcfg=TRAP["PREEMPT"], ring=3, **fields)
    s.step(ins("vmenter", rs1=10), x10=VMCS)
    probes = [va for va in PROBES if va >> 21 == AT >> 21]
    s.poke(AT, 1, *[0] * 511, 2)
    s.poke(AT + (1 << 21), 3, *[0] * 511, 4)
    before = [s.step(ins("vmld.d", rs1=10, rd=12), x10=va) for va in probes[:2]]
    leaf = next(e for e in world.leaves if world.tables.words[e] >> 10 << 12 == AT)
    s.poke(leaf, (AT + (1 << 21)) >> 12 << 10 | ALL)
    s.step(ins("tlbflushv.addr", rs1=10), x10=AT)
    after = [s.step(ins("vmld.d", rs1=10, rd=12), x10=va) for va in probes[:2]]
    result = s.go("--check-stale")
    assert [a.x12 for a in before] == [1, 2]
    assert [a.x12 for a in after] == [3, 4]
    assert "stale" not in result.stderr
