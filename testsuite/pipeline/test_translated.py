"""Random programs in a guest with both stages of translation: every instruction's first cycle
in X against the second model, and the reads of every walk against second models of the walk,
the TLBs and the walk cache (testsuite/xvisa)."""

import pytest

from pipeline import model
from pipeline.generate import program
from xvisa import nested
from xvisa.asm import CONST
from xvisa.nested import FETCH, LOAD, STORE, SV39, A, D, R, Tables, U, V, View, W, X
from xvisa.tlb import Side

PAGE = 4096
CODE, PAGES = 0x80000000, 64
TABLES, HOST_TABLES = 0x84000000, 0x84100000
UART, FINISHER = 0x10000000, 0x100000
VMID, ASID = 5, 9


class Level1:
    """TL-10: FIFO in front of L2, of which it holds a part."""

    def __init__(self, entries, side):
        self.slots, self.next, self.side = [None] * entries, 0, side

    def translate(self, view, va, access):
        """(host physical address, what Insn says of a translation)."""
        view.reads.clear()
        find = (True, VMID, True, ASID, va)
        before = self.side.find(*find)
        if before and before in self.slots:
            return before.hpa + va % (1 << 12 + 9 * before.level), None
        try:
            self.side.access(view, va, access)
        except nested.HostFault as f:
            assert f.denied  # no RAM: a device
        entry = self.side.find(*find)
        self.slots[self.next] = entry
        self.next = (self.next + 1) % len(self.slots)
        return entry.hpa + va % (1 << 12 + 9 * entry.level), [a for _, a in view.reads]


class World:
    """The guest's tables, and what its TLBs hold. Every address is mapped to itself."""

    def __init__(self, l1, l2, ways, walk_cache):
        guest, host = Tables(TABLES), Tables(HOST_TABLES)
        gptbr = guest.root(SV39) | ASID << 44
        hptbr = host.root(SV39, host=True) | VMID << 44
        rights = V | R | W | X | A | D
        for page in [UART, FINISHER, *range(CODE, CODE + PAGES * PAGE, PAGE)]:
            guest.map(gptbr, page, page, 0, rights)
            host.map(hptbr, page, page, 0, rights | U, host=True)
        for page in range(TABLES, guest.at, PAGE):
            host.map(hptbr, page, page, 0, rights | U, host=True)
        self.words = guest.memory() | host.memory()
        self.view = View(self.words, gptbr, hptbr)
        self.sides = Side(l2, ways, walk_cache), Side(l2, ways, walk_cache)
        self.fetches, self.data = (Level1(l1, s) for s in self.sides)
        self.misses = 0

    def image(self):
        out = bytearray(HOST_TABLES + 0x100000 - TABLES)
        for address, word in self.words.items():
            out[address - TABLES:address - TABLES + 8] = word.to_bytes(8, "little")
        return out

    def count(self, level1, va, access):
        pa, translation = level1.translate(self.view, va, access)
        self.misses += bool(translation)
        return pa, translation

    def insn(self, r):
        """A record's instruction with its translations."""
        i = model.from_record(r)
        i.pa, first = self.count(self.fetches, i.pc, FETCH)
        second = None
        if i.pc % PAGE == PAGE - 2 and r["length"] == 4:
            i.pa2, second = self.count(self.fetches, i.pc + 2, FETCH)
        i.fetches = first, second
        if "mem" in r:
            va, size = int(r["mem"]["gva"], 16), r["mem"]["size"]
            write = r["mem"]["kind"] != "load"
            low = min(size, PAGE - va % PAGE)
            parts = [(va, low)] + ([(va + low, size - low)] if low < size else [])
            found = [self.count(self.data, at, STORE if write else LOAD) for at, _ in parts]
            i.data = tuple(t for _, t in found)
            i.accesses = tuple((pa, n, write) for (pa, _), (_, n) in zip(found, parts))
            i.device = i.accesses[0][0] < model.RAM
        return i

    def flush(self, name):
        if name.startswith(("sfence.vma", "tlbflushv")):
            for side in self.sides:
                side.flush(True, VMID)


def compare(run, world):
    m, last = model.Model(), None
    for n, r in enumerate(run.records):
        event = r.get("event", {}).get("kind")
        if event == "interrupt":
            m.interrupt()
            continue
        i = world.insn(r) if r["v"] else model.from_record(r)
        if r["disasm"].startswith("vmload") and not r["v"]:
            i.moved = ("refill",)
        stages = m.step(i)
        assert stages.X == r["cycle"], f"record {n}, {r['pc']} {r['disasm']}: {stages}, before it {last}, {i}"
        if r["v"] and r["retired"]:
            world.flush(r["disasm"])
        last = stages
    model.check_statistics(run.stats, m)
    assert run.stats["tlbmiss"] == world.misses


SIZES = {"reference": tuple(CONST[n] for n in ("TLB_L1", "TLB_L2", "TLB_L2_WAYS", "WALK_CACHE")),
         "small": (4, 16, 4, 2), "tiny": (2, 4, 1, 1)}


@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize("number", range(3))
def test_translated_program(pipeline, rng, fresh, sizes, number):
    world, tables = World(*SIZES[sizes]), fresh(".tables")
    tables.write_bytes(world.image())
    names = "--tlb-l1", "--tlb-l2", "--tlb-l2-ways", "--walk-cache"
    text = program(rng, blocks=90, laps=2, guest=True, period=number * 11, gptbr=world.view.gptbr,
                   hptbr=world.view.hptbr)
    run = pipeline(text, "--load", f"{tables}@{TABLES:#x}",
                   *(str(a) for pair in zip(names, SIZES[sizes]) for a in pair))
    compare(run, world)
