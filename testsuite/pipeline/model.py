"""The pipeline of the manual's chapter "The pipeline" a second time, from the manual alone.

Model.step() takes one instruction, as what it is and what it did, to the cycles in which it
enters each stage. Rules are named as in the manual. One hart.
"""

from collections import Counter
from dataclasses import dataclass, field
from types import SimpleNamespace

from xvisa.asm import CONST, ISA, VMCS

LAT = SimpleNamespace(**{l.name: l.cycles for l in ISA.latencies})
LINE = CONST["LINE_BYTES"]
RAM = 0x80000000
WORDS_OF_CONTEXT = CONST["VMCS_BYTES"] // 8
FIELDS_OF_CONTEXT = sum(f.n for f in VMCS.values())
REFILL = LAT.bus + LAT.memory  # PI-16

PARALLEL = {"alu", "mul", "div", "load", "store", "amo", "branch", "jump"}  # PI-9: not serial
IN_MEMORY = {"load", "store", "amo"}
FLUSHING = {"fence.i", "sfence.vma", "wfi", "mret", "sret", "csrrw", "csrrwi", "wrmsr", "ldgptbr",
            "ldhptbr", "vmload", "vmsave", "vmclear", "vmenter", "vmresume", "vmresume.adv",
            "tlbflushv", "tlbflushv.vm", "tlbflushv.asid", "tlbflushv.addr"}  # PI-10
COST_ORDER = ["device", "dcache", "walk", "tlb", "icache"]  # PI-39
FLUSHING_IF = {"csrrs": "rs1", "csrrc": "rs1", "csrrsi": "imm", "csrrci": "imm"}


# --- Decoding ---------------------------------------------------------------------

def value(f, word):
    """An operand's field, unsigned."""
    v = 0
    for lo, width, value_lo in f.pieces:
        v |= (word >> lo & (1 << width) - 1) << value_lo
    return v + 8 if f.prime else v


def signed(f, word):
    v, width = value(f, word), f.width()
    return v - (1 << width) if f.signed and v >> width - 1 else v


def fits(row, word):
    return word & row.mask == row.match and all(
        value(f, word) not in f.exclude and not (f.nonzero and value(f, word) == 0)
        for f in row.fields.values())


@dataclass
class Decoded:
    """An instruction, compressed ones as what they execute as."""
    name: str
    latency: str
    length: int
    values: dict  # rd, rs1, rs2, imm

    @property
    def reads(self):
        return {self.values.get(r, 0) for r in ("rs1", "rs2")} - {0}


def decode(word):
    """None if the encoding is undefined."""
    length = 4 if word & 3 == 3 else 2
    word &= (1 << 8 * length) - 1
    row = next((r for r in ISA.insns if r.length == length and fits(r, word)), None)
    if not row:
        return None
    own = {n: signed(f, word) for n, f in row.fields.items()}
    if not row.expands:
        return Decoded(row.name, row.latency, length, own)
    base, slots = row.expands
    return Decoded(base, row.latency, length,
                   {slot: own[v] if isinstance(v, str) else v for slot, v in slots.items()})


def result_in_memory(d):
    """PI-7, of an instruction that has an rd."""
    return d.latency in IN_MEMORY or d.latency == "vmls" or d.name.startswith("in")


# --- Structures -------------------------------------------------------------------

class Cache:
    """PI-16, PI-17: tags, dirty bits, FIFO per set."""

    def __init__(self, bytes_=CONST["CACHE_BYTES"], ways=CONST["CACHE_WAYS"]):
        self.sets, self.ways = bytes_ // ways // LINE, ways
        self.lines = [[None] * ways for _ in range(self.sets)]
        self.next = [0] * self.sets
        self.misses = self.writebacks = 0

    def access(self, pa, write=False):
        """Cycles that the access of a line takes beyond a hit."""
        line, index = pa // LINE, pa // LINE % self.sets
        here, cycles = self.lines[index], LAT.bus + LAT.memory
        found = next((e for e in here if e and e[0] == line), None)
        if found:
            found[1] |= write
            return 0
        self.misses += 1
        if None in here:
            way = here.index(None)
        else:
            way = self.next[index]
            self.next[index] = (way + 1) % self.ways
            if here[way][1]:
                self.writebacks += 1
                cycles += LAT.writeback
        here[way] = [line, write]
        return cycles

    def empty(self):
        self.lines = [[None] * self.ways for _ in range(self.sets)]


class Btb:
    """PI-12, PI-15. learn() takes the cycle from which on fetch sees it."""

    def __init__(self, entries=CONST["BTB"]):
        self.entries = [None] * entries
        self.underway = []

    def find(self, key):
        e = self.entries[key[0] >> 1 & len(self.entries) - 1]
        return e if e and e["key"] == key else None

    def look(self, key, cycle):
        while self.underway and self.underway[0][0] <= cycle:
            self.apply(*self.underway.pop(0)[1:])
        return self.find(key)

    def learn(self, cycle, key, taken, target):
        self.underway.append((cycle, key, taken, target))

    def apply(self, key, taken, target):
        e = self.find(key)
        if taken:
            counter = min(e["counter"] + 1, 3) if e else 2
            self.entries[key[0] >> 1 & len(self.entries) - 1] = {"key": key, "target": target, "counter": counter}
        elif e:
            e["counter"] = max(e["counter"] - 1, 0)

    def empty(self):
        self.entries = [None] * len(self.entries)
        self.underway = []


# --- The pipeline -----------------------------------------------------------------

@dataclass
class Insn:
    """What happened. A translation is None if L1 has it (or there is none to do), else the
    host physical addresses of the entries that were read, [] if L2 has it."""
    pc: int
    word: int                 # None: the fetch failed
    next: int                 # pc of what is executed behind it
    pa: int = None            # host physical; pc if not given
    pa2: int = None           # of its second parcel; pa + 2 if not given
    world: tuple = (False, 0)  # V, VMID
    ring: int = -1
    accesses: tuple = ()      # (host physical address, bytes, is it a store)
    device: bool = False
    ends: str = ""            # "trap" or "exit": it did not retire
    entered: bool = False     # it entered a guest
    moved: tuple = ()         # contexts: "spill", "refill"
    fetches: tuple = (None, None)  # translations of its two parts
    data: tuple = ()          # translations of its pages
    woken: int = None         # wfi that waited: the cycle in which it was woken


@dataclass
class Stages:
    F: int = 0
    D: int = 0
    X: int = 0
    M: int = 0
    W: int = 0


@dataclass
class Model:
    icache: Cache = field(default_factory=Cache)
    dcache: Cache = field(default_factory=Cache)
    btb: Btb = field(default_factory=Btb)
    kind: str = "btb"     # of predictor: none, static, btb
    before: Stages = field(default_factory=Stages)
    redirect: int = 0
    ready: dict = field(default_factory=dict)
    mispredicts: int = 0
    why: str = "frontend"                            # of redirect
    costs: list = field(default_factory=list)        # of the instruction: (category, cycles)
    rows: dict = field(default_factory=dict)         # (V, VMID, ring): Counter by category

    def takes(self, category, cycles):
        self.costs.append((category, cycles))
        return cycles

    def translation(self, entries):
        """PI-20."""
        if entries is None:
            return 0
        walk = sum(LAT.walk_read + self.dcache.access(pa) for pa in entries)
        return self.takes("tlb", LAT.tlb_l2) + self.takes("walk", walk)

    def fetch(self, i, start, length):
        """PI-3, PI-4."""
        pa = i.pc if i.pa is None else i.pa
        parts = [pa]
        if length == 4 and pa % LINE == LINE - 2:
            parts.append(pa + 2 if i.pa2 is None else i.pa2)
        c = start
        for part, entries in zip(parts, i.fetches):
            c += 1
            miss = self.translation(entries)
            if i.word is not None or part != parts[-1]:
                miss += self.takes("icache", self.icache.access(part))
            if miss:
                c = max(c, self.before.W) + miss
        return c

    def enter(self, i, d):
        """F, D and X (PI-2)."""
        length = d.length if d else 2 if i.word is None or i.word & 3 != 3 else 4
        s = Stages(F=max(self.before.D, self.redirect))
        s.D = max(self.fetch(i, s.F, length), self.before.X)
        reads = d.reads if d else set()
        s.X = max([s.D + 1, self.before.M] + [self.ready.get(r, 0) for r in reads])
        if d and d.latency not in PARALLEL:
            s.X = max(s.X, self.before.W)
        return s

    def alone(self, d):
        """PI-5."""
        if not d:
            return LAT.alu
        return 1 if d.latency in IN_MEMORY or d.latency == "exit" else getattr(LAT, d.latency)

    def occupancy(self, d, i):
        """With PI-29."""
        moves = {"spill": LAT.spill * FIELDS_OF_CONTEXT, "refill": LAT.refill * WORDS_OF_CONTEXT}
        return self.alone(d) + sum(moves[m] for m in i.moved)

    def stay(self, d, i):
        """PI-6, PI-24, PI-30: cycles in M."""
        cycles = getattr(LAT, d.latency) if d and d.latency in IN_MEMORY and not i.ends else 1
        cycles += sum(self.translation(t) for t in i.data)
        if i.device:
            return cycles + self.takes("device", LAT.bus + LAT.device)
        lines = []
        for pa, size, write in i.accesses:
            lines.append((pa, write))
            if pa // LINE != (pa + size - 1) // LINE:
                lines.append((pa + size - 1, write))
        return cycles + self.takes("dcache", max(len(lines) - 1, 0) + sum(self.dcache.access(*l) for l in lines))

    def step(self, i):
        d = decode(i.word) if i.word is not None else None
        self.costs = []
        s = self.enter(i, d)
        fetched, self.costs = self.costs, []
        occupancy = self.occupancy(d, i)
        s.M = max(s.X + occupancy, self.before.W)
        s.W = s.M + self.stay(d, i)
        self.account(i, d, s, occupancy, fetched)
        self.redirect, self.why = self.behind(i, d, s, occupancy)
        if d and d.values.get("rd"):
            self.ready[d.values["rd"]] = s.W if result_in_memory(d) else s.X + occupancy
        self.before = s
        return s

    def account(self, i, d, s, occupancy, fetched):
        """PI-39. The two stages' walks are one category, `walk`."""
        row = self.rows.setdefault((*i.world, i.ring), Counter())
        left = s.W - self.before.W if self.before.W else s.W + 1
        latency = d.latency if d else "alu"
        moves = occupancy - self.alone(d)
        stays = getattr(LAT, latency) - 1 if latency in IN_MEMORY and not i.ends else 0
        hazard = s.X - max(s.D + 1, self.before.M)
        order = sorted(self.costs, key=lambda c: COST_ORDER.index(c[0])) + [
            ("execute", stays), (latency if latency in ("world", "pool", "trap", "flush") else "execute",
                                 self.alone(d) - 1), ("pool", moves), ("hazard", hazard)]
        order += sorted(fetched, key=lambda c: COST_ORDER.index(c[0])) + [(self.why, left)]
        for category, cycles in [({"exit": "world"}.get(i.ends, i.ends) or "retired", 1)] + order:
            row[category] += min(cycles, left)
            left -= min(cycles, left)

    def behind(self, i, d, s, occupancy):
        """R of the next instruction, and why: PI-11, PI-13 to PI-15, PI-27, PI-28, PI-30, PI-32."""
        if i.ends:
            return s.W - 1 + getattr(LAT, i.ends), "world" if i.ends == "exit" else "trap"
        if i.entered:
            return s.X + occupancy, "world"
        if i.woken is not None:
            return max(s.W - 1, i.woken) + LAT.flush, "wait"
        redirect = self.predict(i, d, s, occupancy)
        if d.name == "fence.i":
            self.icache.empty()
            self.btb.empty()
        if d.name in FLUSHING or d.values.get(FLUSHING_IF.get(d.name), 0):
            return s.W - 1 + LAT.flush, "flush"
        return redirect

    def predict(self, i, d, s, occupancy):
        key = (i.pc, *i.world)
        behind, redirect, why = i.pc + d.length, 0, "frontend"
        jumps = d.latency in ("jump", "branch")
        entry = self.btb.look(key, s.D - 1) if self.kind == "btb" else None
        predicted = entry["target"] if entry and entry["counter"] >= 2 else behind
        if not jumps and predicted != behind:
            predicted, redirect = behind, s.D + LAT.redirect
        backwards = d.name == "jal" or d.latency == "branch" and d.values["imm"] < 0
        if not entry and self.kind != "none" and backwards:
            predicted, redirect = i.pc + d.values["imm"], s.D + LAT.redirect
        if jumps:
            self.btb.learn(s.X + occupancy, key, i.next != behind, i.next)
            if i.next != predicted:
                self.mispredicts += 1
                redirect, why = max(redirect, s.X + occupancy - 1 + LAT.mispredict), "mispredict"
        return redirect, why

    def interrupt(self, ends="trap", woken=0):
        """PI-31, PI-32: an interrupt, or an exit, behind the last instruction."""
        self.redirect = max(self.before.W, self.redirect, woken) + getattr(LAT, ends)
        self.why = "world" if ends == "exit" else "trap"


def check_statistics(stats, m):
    """A run's statistics against those of the model that went the same way."""
    figures = stats["pipeline"]
    assert stats["cycles"] == figures["cycles"] == m.before.W + 1
    rows = {}
    for row in figures["rows"]:
        cycles = Counter(row["cycles"])
        cycles["walk"] = cycles.pop("walk_host") + cycles.pop("walk_guest")
        assert cycles["retired"] == row["instret"]
        rows[row["vmcs"] != "0x0", row["vmid"], row["ring"]] = +cycles
    assert rows == {key: +row for key, row in m.rows.items()}
    counts = figures["counts"]
    assert (counts["icache_misses"], counts["dcache_misses"], counts["writebacks"], counts["mispredicts"]) == (
        m.icache.misses, m.dcache.misses, m.dcache.writebacks, m.mispredicts)


def from_record(r):
    """An instruction of Ring -1, or of a guest whose stages are both bare and whose ports are
    masked, from its retire record."""
    def number(key):
        return int(r[key], 16)

    event, mem = r.get("event", {}).get("kind", ""), r.get("mem")
    word = number("insn") if "insn" in r else None
    d = decode(word) if word is not None else None
    accesses, device = (), False
    if mem:
        pa = int(mem["hpa"], 16)
        device = pa < RAM
        accesses = () if device else ((pa, mem["size"], mem["kind"] != "load"),)
    if d and d.latency == "io" and d.name.startswith(("in", "out")):
        device = r["retired"] and not r["v"]
    return Insn(number("pc"), word, number("next_pc"), pa=number("pc_hpa") or None,
                world=(r["v"], r["vmid"] if r["v"] else 0), ring=r["ring"], accesses=accesses, device=device,
                ends="" if r["retired"] else "exit" if event == "exit" else "trap", entered=event == "entry")
