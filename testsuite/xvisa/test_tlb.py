"""TLBs, walk caches and flushes, to the unit.

Manual: chapter "Translation", from "Combined TLB" on. Random streams of accesses, of changes of
tables without a flush, and of every flush instruction go to the simulator and to the model in
tlb.py; values, faults and VMCOUNT_TLBMISS must be the same after each of them.
"""

import itertools

import pytest

from xvisa.asm import CSR, EXC, EXIT, TRAP, field, ins, li, vmexit
from xvisa.nested import (A, BARE, D, G, LOAD, R, SV39, SV48, STORE, U, V, W, X, Fault, HostFault, Tables, View,
                          translate)
from xvisa.script import FREE, PAGE, RAM, Script
from xvisa.tlb import Side

VMS = [FREE + PAGE * i for i in range(3)]
TABLES = FREE + 0x100000
DATA = 0x83000000                   # physical pages that are mapped here and there
PAGES = 32
ALL = V | R | W | X | A | D
MPRV = 1 << 17
CONFIGS = {"128-4": (128, 4, 8), "8-2": (8, 2, 2), "4-4": (4, 4, 0), "16-1": (16, 1, 1)}


def arguments(entries, ways, walk_cache):
    return "--tlb-l1", min(4, entries), "--tlb-l2", entries, "--tlb-l2-ways", ways, "--walk-cache", walk_cache


def sides(script, config):
    """The model's TLBs of fetches and data: one machine runs many streams, and no flush resets a pointer."""
    if not hasattr(script, "sides"):
        script.sides = Side(*config), Side(*config)
    return script.sides


def content(hpa):
    return hpa ^ 0x5a5a_0000_0000_0001


class Vm:
    """One VM with tables for a handful of pages of every size."""

    def __init__(self, n, dice, tables):
        self.vmcs = VMS[n]
        self.vmid = (1, 2, 1)[n]
        self.gmode, self.hmode = dice.choice([(SV39, SV39), (SV48, SV48), (SV39, SV48), (BARE, SV39), (SV48, BARE)])
        self.ring, self.sum, self.mxr, self.asid = 0, False, False, 1
        self.count = 0
        t = tables
        self.hptbr = t.root(self.hmode, host=True) | self.vmid << 44 if self.hmode else self.vmid << 44
        self.groot = t.root(self.gmode)
        self.gleaves, self.hleaves, self.addresses = [], [], []
        if self.hmode:
            # Tables and everything else where they are, in pages of 2 MiB; the data again in small ones.
            for at in range(RAM, RAM + 0x8000000, 1 << 21):
                t.map(self.hptbr, at, at, 1, ALL | U, host=True)
            for i in range(PAGES):
                page = DATA + i * PAGE
                self.hleaves.append(t.map(self.hptbr, 0x1_0000_0000 + i * PAGE, page, 0, ALL | U, host=True)[0])
        low = 0x1_0000_0000 if self.hmode else DATA
        if self.gmode:
            for i in range(PAGES):
                self.gleaves.append(t.map(self.groot, 0x4000_0000 + i * PAGE, low + i * PAGE, 0, self.flags(dice))[0])
            for i in range(4):
                self.gleaves.append(t.map(self.groot, 0x8000_0000 + (i << 21), 0x8300_0000, 1, self.flags(dice))[0])
            self.gleaves.append(t.map(self.groot, 0xc000_0000, 0x8000_0000, 2, self.flags(dice))[0])
            # A superpage that small pages of the host splinter.
            self.gleaves.append(t.map(self.groot, 0x9000_0000, low, 1, self.flags(dice))[0])
            self.addresses = [0x4000_0000 + i * PAGE for i in range(PAGES)]
            self.addresses += [0x8000_0000 + (i << 21) + j * PAGE for i in range(4) for j in range(0, PAGES, 5)]
            self.addresses += [0x9000_0000 + j * PAGE for j in range(0, PAGES, 4)]
            self.addresses += [0xc300_0000 + j * PAGE for j in range(0, PAGES, 7)] + [1 << 38 | DATA]
        else:
            self.addresses = [low + i * PAGE for i in range(PAGES)] + [DATA + i * PAGE for i in range(0, PAGES, 9)]

    @staticmethod
    def flags(dice):
        return ALL | dice.choice([0, 0, G]) | dice.choice([0, U])

    @property
    def gptbr(self):
        return self.groot | self.asid << 44 if self.gmode else 0

    def view(self, memory):
        return View(memory, self.gptbr, self.hptbr, self.ring, self.sum, self.mxr)


class Stream:
    """Operations on the script and on the model at once; log: what to compare, and with what."""

    def __init__(self, script, dice, config):
        s = self.s = script
        self.dice, self.log = dice, []
        _, self.side = sides(script, config)
        t = Tables(TABLES)
        self.vms = [Vm(n, dice, t) for n in range(3)]
        self.satp = t.root(SV39)
        self.host_leaves = [t.map(self.satp, 0x4000_0000 + i * PAGE, DATA + i * PAGE, 0,
                                  ALL | U | dice.choice([0, G]))[0] for i in range(8)]
        self.memory = t.memory()
        self.total = 0
        self.host_asid = 1
        s.fill(TABLES, t.at - TABLES)
        s.memory(self.memory)
        s.memory({DATA + i * PAGE: content(DATA + i * PAGE) for i in range(PAGES)})
        s.step(ins("tlbflushv"))
        self.side.flush_all()
        for vm in self.vms:
            s.vmcs(vm.vmcs, vmtrapcfg=TRAP["PREEMPT"], gptbr=vm.gptbr, hptbr=vm.hptbr)
        self.base = s.csr_read(CSR["vmcount_tlbmiss"])
        self.select(0)

    def select(self, n):
        """Makes a VM current: the preemption timer lets it execute nothing."""
        self.vm = self.vms[n]
        self.s.step(ins("vmenter", rs1=10), x10=self.vm.vmcs)

    def account(self, name, want, got):
        self.log.append((name, want, got, (self.total, self.vm.count),
                         (self.s.csr_read(CSR["vmcount_tlbmiss"]), self.s.vmread(field("count_tlbmiss")))))

    def load(self):
        va = self.dice.choice(self.vm.addresses)
        store = self.dice.random() < 0.3
        try:
            place = self.side.access(self.vm.view(self.memory), va, STORE if store else LOAD)
            want = (0, None if store else content(place.hpa))
        except Fault:
            want = (EXC["STORE_PAGE" if store else "LOAD_PAGE"] + 1, va)
        except HostFault as f:
            want = (EXC["STORE_GUEST_PAGE" if store else "LOAD_GUEST_PAGE"] + 1, f.gpa)
        self.total += self.side.misses
        self.vm.count += self.side.misses
        if store:   # the same value again: memory does not change
            value = content(place.hpa) if want[0] == 0 else 0
            got = self.s.step(ins("vmst.d", rs1=10, rs2=11), x10=va, x11=value)
        else:
            got = self.s.step(ins("vmld.d", rs1=10, rd=12), x10=va)
        self.account(f"{'vmst' if store else 'vmld'} {va:#x} in {self.vm.vmid}", want, got)

    def host_load(self):
        """A load of Ring 3 with V=0, by MPRV: mret leaves MPP 0."""
        va = 0x4000_0000 + self.dice.randrange(8) * PAGE
        self.s.csr(CSR["satp"], self.satp | self.host_asid << 44)
        self.s.step(ins("csrrs", csr=CSR["mstatus"], rs1=10), x10=MPRV)
        got = self.s.step(ins("ld", rs1=10, rd=12), x10=va)
        self.s.step(ins("csrrc", csr=CSR["mstatus"], rs1=10), x10=MPRV)
        view = View(self.memory, self.satp | self.host_asid << 44, 0, 3)
        try:
            want = (0, content(self.side.access(view, va, LOAD, v=False).hpa))
        except Fault:
            want = (EXC["LOAD_PAGE"] + 1, va)
        self.account(f"ld {va:#x} with V=0", want, got)

    def change(self):
        """A table entry changes, and nobody flushes."""
        vm, d = self.vm, self.dice
        kind = d.choice(["guest", "host", "native"])
        leaves = {"guest": vm.gleaves[:PAGES], "host": vm.hleaves, "native": self.host_leaves}[kind]
        if not leaves:
            return
        entry = d.choice(leaves)
        old = self.memory[entry]
        if d.random() < 0.5:
            new = old ^ d.choice([R, W, X, A, D, V] + ([G, U] if kind != "host" else [U]))
        else:                                    # to the page of another entry
            new = self.memory[d.choice(leaves)] & ~0x3ff | old & 0x3ff
        self.memory[entry] = new
        self.s.poke(entry, new)

    def switch(self):
        vm, d = self.vm, self.dice
        what = d.choice(["vm", "vm", "asid", "ring", "sum", "mxr", "host asid"])
        if what == "vm":
            self.select(d.randrange(3))
        elif what == "asid" and vm.gmode:
            vm.asid = d.choice([1, 2, 0xffff])
            self.s.step(ins("ldgptbr", rs1=10), x10=vm.gptbr)
        elif what == "ring":
            vm.ring = 3 - vm.ring
            self.s.vmwrite(field("ring"), vm.ring)
        elif what == "host asid":
            self.host_asid = d.choice([1, 2])
        else:
            setattr(vm, what, not getattr(vm, what))
            self.s.vmwrite(field("sstatus"), vm.sum << 18 | vm.mxr << 19)

    def flush(self):
        vm, d, side = self.vm, self.dice, self.side
        what = d.choice(["tlbflushv", "vm", "vm", "asid", "asid", "addr", "addr", "addr0", "sfence", "sfence-addr",
                         "sfence-asid", "sfence-both"])
        asid = d.choice([1, 2, 0xffff, 0x10001, 0])
        va = d.choice(vm.addresses) + d.randrange(PAGE)
        native = 0x4000_0000 + d.randrange(8) * PAGE
        if what == "tlbflushv":
            side.flush_all()
            self.s.step(ins("tlbflushv"))
        elif what == "vm":
            vmid = d.choice([1, 2, 3, 0x4001])
            side.flush_vm(vmid)
            self.s.step(ins("tlbflushv.vm", rs1=10), x10=vmid)
        elif what == "asid":
            side.flush(True, vm.vmid, asid=asid)
            self.s.step(ins("tlbflushv.asid", rs1=10), x10=asid)
        elif what == "addr":
            side.flush(True, vm.vmid, asid=asid, va=va)
            self.s.step(ins("tlbflushv.addr", rs1=10, rs2=11), x10=va, x11=asid)
        elif what == "addr0":
            side.flush(True, vm.vmid, va=va)
            self.s.step(ins("tlbflushv.addr", rs1=10), x10=va)
        else:                                    # sfence.vma of Ring -1: the host's own
            by_va, by_asid = what in ("sfence-addr", "sfence-both"), what in ("sfence-asid", "sfence-both")
            side.flush(False, 0, asid=asid if by_asid else None, va=native if by_va else None)
            self.s.step(ins("sfence.vma", rs1=10 if by_va else 0, rs2=11 if by_asid else 0), x10=native, x11=asid)

    def nothing(self):
        """VMLDP is neither counted nor cached (WC-3)."""
        gpa = 0x1_0000_0000 + self.dice.randrange(PAGES) * PAGE if self.vm.hmode else DATA
        self.s.step(ins("vmldp.d", rs1=10, rd=12), x10=gpa)

    def go_on(self, operations):
        d = self.dice
        for _ in range(operations):
            d.choices([self.load, self.host_load, self.change, self.switch, self.flush, self.nothing],
                      [60, 10, 12, 8, 7, 3])[0]()


def compare(log, base):
    for n, (name, want, got, counts, answers) in enumerate(log):
        trap, value = want
        have = (got.trap, got.x12 if got.trap == 0 else got.tval)
        if trap == 0 and value is None:
            have = (got.trap, None)
        assert have == want, f"operation {n}, {name}: expected {want}, got {have}"
        told = (answers[0].x12 - base.x12, answers[1].x12)
        assert told == counts, f"operation {n}, {name}: misses (total, of the VM): expected {counts}, got {told}"


STREAMS = range(12)


@pytest.mark.parametrize("n", STREAMS)
@pytest.mark.parametrize("config", CONFIGS)
def test_streams_of_the_hypervisor(config, n, batch, dice):
    """VMLD and VMST of three VMs (two with one VMID), V=0 accesses, and every flush of Ring -1."""
    def arrange(s, number):
        stream = Stream(s, dice(f"tlb {config} {number}"), CONFIGS[config])
        stream.go_on(200)
        return stream
    stream = batch(f"tlb-{config}", STREAMS, arrange, *arguments(*CONFIGS[config]))[n]
    compare(stream.log, stream.base)


def test_streams_meet_everything(dice):
    """The streams are of use: they have hits, misses and both kinds of fault."""
    seen = dict.fromkeys(["hit", "miss", "page", "host"], 0)
    for n in range(2 * len(STREAMS)):
        stream = Stream(Script(), dice(f"meet {n}"), CONFIGS["128-4"])
        total = 0
        for name, want, _, counts, _ in (stream.go_on(200), stream.log)[1]:
            if name.startswith("vm"):
                seen["hit" if counts[0] == total else "miss"] += 1
                seen["page"] += want[0] in (EXC["LOAD_PAGE"] + 1, EXC["STORE_PAGE"] + 1)
                seen["host"] += want[0] in (EXC["LOAD_GUEST_PAGE"] + 1, EXC["STORE_GUEST_PAGE"] + 1)
            total = counts[0]
    assert all(v > 4 for v in seen.values()), seen


# --- In the guest ----------------------------------------------------------------------

CODE, HANDLER, LOG = 0x82000000, 0x82100000, 0x82200000
VMCS = VMS[0]
INFRA = 1 << 37                     # guest virtual: all of physical memory, for code, log and tables
LAST = 0x7ff


class Guest:
    """Straight-line code that loads, stores, jumps, changes its tables and flushes, with the model beside it."""

    def __init__(self, script, dice, config):
        self.s, self.d = script, dice
        self.code, self.data = sides(script, config)
        for side in self.code, self.data:
            side.flush_all()
        t = self.tables = Tables(TABLES)
        self.modes = dice.choice([(SV39, SV39), (SV48, SV48), (SV48, SV39), (SV39, BARE)])
        gmode, hmode = self.modes
        self.hptbr = t.root(hmode, host=True) | 9 << 44 if hmode else 9 << 44
        self.root, self.asid = t.root(gmode), 3
        self.leaves, self.hleaves, self.pages = [], [], []
        if hmode:
            t.map(self.hptbr, RAM, RAM, 2, ALL | U, host=True)
            self.hleaves = [t.map(self.hptbr, 0x1_0000_0000 + i * PAGE, DATA + i * PAGE, 0, ALL | U, host=True)[0]
                            for i in range(PAGES)]
        t.map(self.root, INFRA, RAM, 2, ALL)
        low = 0x1_0000_0000 if hmode else DATA
        for i in range(PAGES):
            self.leaves.append(t.map(self.root, i * 0x3000, low + i * PAGE, 0, ALL | dice.choice([0, G]))[0])
            self.pages.append(i * 0x3000)
        t.map(self.root, 0x4020_0000, DATA, 1, ALL)
        t.map(self.root, 0x4040_0000, low, 1, ALL)      # splintered, unless the host stage is bare
        self.pages += [at + i * 7 * PAGE for at in (0x4020_0000, 0x4040_0000) for i in range(4)]
        self.memory = t.memory()
        self.words, self.log, self.misses, self.exits = [], [], 0, []

    def view(self):
        return View(self.memory, self.gptbr(), self.hptbr)

    def gptbr(self):
        return self.root | self.asid << 44

    @property
    def pc(self):
        return INFRA - RAM + CODE + 4 * len(self.words)

    def put(self, *words):
        """Instructions that are only fetched."""
        for w in words:
            self.fetch(self.pc)
            self.words.append(w)

    def fetch(self, pc):
        place = self.code.access(self.view(), pc, 0)
        self.misses += self.code.misses
        return place

    def touch(self, va, access):
        """A data access: the outcome, with its miss counted."""
        try:
            return self.data.access(self.view(), va, access)
        finally:
            self.misses += self.data.misses

    def constant(self, rd, value):
        self.put(*li(rd, value))

    def note(self, want):
        """x12 and the guest's count of misses go into the log, through the infrastructure's translation."""
        at = INFRA - RAM + LOG + 8 * len(self.log)
        self.put(ins("csrrs", csr=CSR["vmcount_tlbmiss"], rd=13))
        self.log += [want, self.misses]
        self.constant(30, at)
        for i, rs2 in enumerate((12, 13)):
            self.put(ins("sd", rs1=30, rs2=rs2, imm=8 * i))
            self.touch(at + 8 * i, STORE)

    def load(self):
        va = self.d.choice(self.pages)
        self.faulting(ins("ld", rd=12, rs1=10), va, LOAD)

    def store(self):
        va = self.d.choice(self.pages) + 8
        self.faulting(ins("sd", rs1=10, rs2=0), va, STORE)

    def faulting(self, word, va, access):
        """The handler puts scause into x12 and goes on at x31; a host fault exits and is stepped over."""
        self.constant(10, va)
        self.constant(12, 0)
        here = self.pc
        self.constant(31, here + 64)
        while self.pc < here + 60:
            self.put(ins("addi"))
        self.put(word)
        want = 0
        try:
            place = self.touch(va, access)
            want = content(place.hpa) if access == LOAD else 0
        except Fault:
            want = EXC["LOAD_PAGE" if access == LOAD else "STORE_PAGE"]
            for i in range(2):
                self.fetch(INFRA - RAM + HANDLER + 4 * i)
        except HostFault:
            self.exits.append(EXIT["HOSTFAULT"])
        self.note(want)

    def jump(self):
        """Calls the first instruction of a data page, a `ret`; only pages that can be fetched."""
        va = self.d.choice(self.pages) + 16
        try:
            keep = self.code.find(True, 9, True, self.asid, va)
            if keep is None:
                translate(self.view(), va, 0)
            elif not keep.guest & X or not keep.guest & A or keep.host is not None and not keep.host & X:
                return
        except (Fault, HostFault):
            return
        self.constant(10, va)
        self.put(ins("jalr", rd=1, rs1=10))
        self.fetch(va)

    def change(self):
        """The guest stores into its own tables, and into the host's, without a flush."""
        leaves = self.d.choice([self.leaves, self.hleaves or self.leaves])
        entry = self.d.choice(leaves)
        new = self.memory[entry] ^ self.d.choice([R | W, W, A, D, V, X])
        if self.d.random() < 0.5:
            new = self.memory[self.d.choice(leaves)] & ~0x3ff | self.memory[entry] & 0x3ff
        self.constant(10, INFRA - RAM + entry)
        self.constant(11, new)
        self.put(ins("sd", rs1=10, rs2=11))
        self.touch(INFRA - RAM + entry, STORE)
        self.memory[entry] = new

    def flush(self):
        d, vmid = self.d, 9
        asid, va = d.choice([3, 4, 5]), d.choice(self.pages) + d.randrange(PAGE)
        kind = d.choice(["sfence.vma", "sfence.vma", "tlbflushv", "tlbflushv.asid", "tlbflushv.addr"])
        by_va = kind == "tlbflushv.addr" or kind == "sfence.vma" and d.random() < 0.7
        by_asid = kind == "tlbflushv.asid" or kind in ("sfence.vma", "tlbflushv.addr") and d.random() < 0.6
        self.constant(10, va if kind != "tlbflushv.asid" else asid)
        self.constant(11, asid)
        operands = {}
        if kind == "tlbflushv.asid":
            operands = dict(rs1=10)
        elif kind != "tlbflushv":
            operands = dict(rs1=10 if by_va else 0, rs2=11 if by_asid else 0)
        self.put(ins(kind, **operands))
        for side in (self.code, self.data):
            side.flush(True, vmid, asid=asid if by_asid else None, va=va if by_va else None)

    def switch(self):
        asid = self.d.choice([3, 4, 5])
        self.constant(10, self.root | asid << 44)
        self.put(ins("csrrw", csr=CSR["satp"], rs1=10))
        self.asid = asid

    def run(self, operations):
        s, t = self.s, self.tables
        s.fill(TABLES, t.at - TABLES)
        s.memory(self.memory)
        s.memory({DATA + i * PAGE + o: w for i in range(PAGES) for o, w in
                  ((0, content(DATA + i * PAGE)), (8, 0), (16, ins("jalr", rs1=1)))})
        s.step(ins("tlbflushv"))
        gptbr = self.gptbr()
        for _ in range(operations):
            self.d.choices([self.load, self.store, self.jump, self.change, self.flush, self.switch],
                           [40, 15, 20, 12, 8, 5])[0]()
        self.put(ins("csrrs", csr=CSR["vmcount_tlbmiss"], rd=20))
        seen = self.misses
        self.put(vmexit(LAST))
        s.code(CODE, self.words)
        s.code(HANDLER, [ins("csrrs", csr=CSR["scause"], rd=12), ins("jalr", rs1=31)])
        s.vmcs(VMCS, pc=INFRA - RAM + CODE, gptbr=gptbr, hptbr=self.hptbr, stvec=INFRA - RAM + HANDLER, vmctl=1)
        s.enter(VMCS)
        first = s.info()
        rest = s.loop(LAST) if self.exits else None
        log = s.peek(LOG, max(1, len(self.log)))
        return self, first, rest, s.fields("count_tlbmiss", "x20", "count_exit"), log, seen


@pytest.mark.parametrize("n", STREAMS)
@pytest.mark.parametrize("config", CONFIGS)
def test_streams_of_the_guest(config, n, batch, dice):
    """Loads, stores, jumps, changes of tables, sfence.vma and TLBFLUSHV of Ring 0 in a guest."""
    def arrange(s, number):
        return Guest(s, dice(f"guest tlb {config} {number}"), CONFIGS[config]).run(150)
    g, first, rest, f, log, seen = batch(f"guest-tlb-{config}", STREAMS, arrange, *arguments(*CONFIGS[config]))[n]
    causes = [first.cause] + [c for c, _ in rest.exits] if rest else [first.cause]
    words = [log[f"w{i}"] for i in range(len(g.log))]
    for i in range(0, len(g.log), 2):
        assert words[i:i + 2] == g.log[i:i + 2], f"operation {i // 2}: (expected, misses)"
    assert causes == g.exits + [EXIT["HYPERCALL"]]
    assert (f.x20, f.count_tlbmiss, f.count_exit) == (seen, g.misses, len(causes))


# --- One thing at a time ---------------------------------------------------------------


@pytest.mark.parametrize("gl, hl", itertools.product(range(3), range(3)))
def test_combined_page_is_the_smaller(gl, hl, single):
    """An access to the next 4 KiB, 2 MiB page misses unless both stages' pages hold it (TL-3)."""
    s, t = single, Tables(TABLES)
    hptbr, root = t.root(SV39, host=True) | 1 << 44, t.root(SV39)
    for at in range(TABLES, TABLES + 0x100000, 1 << 12):    # the tables, in pages of their own
        t.map(hptbr, 0x40_0000_0000 + at, at, 0, ALL | U, host=True)
    level = min(gl, hl)
    steps = {0: [0, 8, PAGE], 1: [0, PAGE, 1 << 20, 1 << 21], 2: [0, PAGE, 1 << 21, 1 << 26]}[level]
    va = 0x1_8300_0000
    for step in steps:
        span = 1 << 12 + 9 * gl
        t.map(root, (va + step) // span * span, (0x2_8300_0000 + step) // span * span, gl, ALL,
              to_gpa=lambda p: p + 0x40_0000_0000)
        span = 1 << 12 + 9 * hl
        t.map(hptbr, (0x2_8300_0000 + step) // span * span, (DATA + step) // span * span, hl, ALL | U, host=True)
    s.memory(t.memory())
    s.vmcs(VMCS, vmtrapcfg=TRAP["PREEMPT"], gptbr=root + (0x40_0000_0000 >> 12), hptbr=hptbr)
    s.enter(VMCS)
    counts = []
    for step in steps:
        s.step(ins("vmld.d", rs1=10, rd=12), x10=va + step)
        counts.append(s.fields("count_tlbmiss"))
    s.go()
    size = 1 << 12 + 9 * level
    want = [len({(va + x) // size for x in steps[:n + 1]}) for n in range(len(steps))]
    assert [c.count_tlbmiss for c in counts] == want


def test_nothing_is_counted_without_translation(single):
    """TL-5: both stages bare."""
    s = single
    s.code(CODE, [ins("ld", rd=12, rs1=10), vmexit(1)])
    s.vmcs(VMCS, pc=CODE, x10=DATA)
    e = s.enter(VMCS, "count_tlbmiss")
    s.step(ins("vmld.d", rs1=10, rd=12), x10=DATA)
    f, total = s.fields("count_tlbmiss"), s.csr_read(CSR["vmcount_tlbmiss"])
    s.go()
    assert (e.count_tlbmiss, f.count_tlbmiss, total.x12) == (0, 0, 0)
