"""Several harts: VMs that wander between pools, and harts that want the same one.

Manual: rules EN-3, VM-6, VM-11 to VM-19, VI-12, FL-8, CN-1. Every hart has the model Pool,
which says what a load spills, so where a context is live and who is refused; each VM has a
model of its computation.
"""

from dataclasses import dataclass, field

import pytest

from xvisa.asm import CONST, CSR, EXIT, MASK, csr_ins, field as number, ins, vmexit
from xvisa.nested import A, D, R, SV39, U, V, W, X, Tables
from xvisa.script import FREE, RAM, SCRIPT

CODE, TABLES, CELLS = FREE, FREE + 0x100000, FREE + 0x40000
VMS = [FREE + 0x20000 + 0x1000 * i for i in range(16)]
TURNS = 3                   # of a guest's loop, in a slice
ALL = V | R | W | X | A | D

# VMEXIT stands at the head, so VMENTER exits at once and VMRESUME.ADV does a slice.
HEAD = [vmexit(1), ins("addi", rd=12, imm=TURNS)]
LOOP = [ins("mul", rd=5, rs1=5, rs2=7), ins("add", rd=5, rs1=5, rs2=8), csr_ins("csrrs", CSR["sscratch"], 9, 0),
        ins("xor", rd=9, rs1=9, rs2=5), csr_ins("csrrw", CSR["sscratch"], 0, 9), ins("sd", rs1=10, rs2=5),
        ins("addi", rd=12, rs1=12, imm=-1)]
GUEST = HEAD + LOOP + [ins("bne", rs1=12, imm=-4 * len(LOOP)), ins("jal", imm=-4 * (len(HEAD) + len(LOOP) + 1))]
RETIRED = 1 + TURNS * (len(LOOP) + 1) + 1


@dataclass
class Vm:
    """What a VM has computed."""
    state: int
    factor: int
    addend: int
    digest: int = 0
    slices: int = 0
    entries: int = 0
    pending: list = field(default_factory=lambda: [0] * 4)

    def slice(self):
        for _ in range(TURNS):
            self.state = (self.state * self.factor + self.addend) & MASK
            self.digest ^= self.state
        self.slices += 1


@dataclass
class Hart:
    """A pool, and what the hart counted."""
    size: int
    pool: list = field(default_factory=list)    # by age
    exits: int = 0
    emulated: int = 0

    def load(self, vm):
        if vm not in self.pool:
            if len(self.pool) == self.size:
                self.pool.pop(0)
            self.pool.append(vm)


def on(s, hart, word, x10=0, x11=0):
    return s.step(word, x10=x10, x11=x11) if hart == 0 else s.hart(hart, word, x10, x11)


def told(s, hart):
    """Cause, VMQUAL and VMADDR of a hart."""
    return [on(s, hart, ins(n, rd=12)) for n in ("vmcause", "vmqual", "vmaddr")]


class Wandering:
    """A random schedule; what each step has to answer stands beside it in `wants`."""

    def __init__(self, s, dice, harts, pool):
        self.s, self.d = s, dice
        self.harts = [Hart(pool) for _ in range(harts)]
        self.vms = [Vm(dice.getrandbits(64), dice.getrandbits(64) | 1, dice.getrandbits(64)) for _ in VMS]
        self.wants = []
        self.refusals = self.moves = self.spills = 0
        s.code(CODE, GUEST)
        for i, v in enumerate(self.vms):
            s.vmcs(VMS[i], pc=CODE, x5=v.state, x7=v.factor, x8=v.addend, x10=CELLS + 8 * i)

    def want(self, answers, values):
        self.wants.append((answers, values))

    def home(self, i):
        """The hart in whose pool VM i is, or None."""
        return next((n for n, h in enumerate(self.harts) if i in h.pool), None)

    def refuse(self, hart, i):
        """A context that is live elsewhere cannot be entered or loaded (EN-3, VM-19)."""
        on(self.s, hart, ins(self.d.choice(["vmenter", "vmload"]), rs1=10), VMS[i])
        self.want(told(self.s, hart), [EXIT["ENTRYFAIL"], number("owner"), self.home(i) + 1])
        self.refusals += 1

    def bring(self, hart, i):
        home = self.home(i)
        if home not in (None, hart):
            if self.d.random() < 0.4:
                self.refuse(hart, i)
            if self.d.random() < 0.3:                   # saving does not give it away (VM-14)
                on(self.s, home, ins("vmsave", rs1=10), VMS[i])
                self.refuse(hart, i)
            on(self.s, home, ins("vmclear", rs1=10), VMS[i])
            self.harts[home].pool.remove(i)
            self.moves += 1
        h = self.harts[hart]
        self.spills += i not in h.pool and len(h.pool) == h.size
        h.load(i)
        if self.d.random() < 0.3:
            on(self.s, hart, ins("vmload", rs1=10), VMS[i])
        on(self.s, hart, ins("vmenter", rs1=10), VMS[i])
        self.want(told(self.s, hart), [EXIT["HYPERCALL"], 1, 0])
        h.exits += 1
        self.vms[i].entries += 1

    def send(self):
        i, v, hart = self.d.randrange(16), self.d.randrange(256), self.d.randrange(len(self.harts))
        self.want([on(self.s, hart, ins("vint_send", rs1=10), VMS[i] | v)], None)
        self.vms[i].pending[v // 64] |= 1 << v % 64

    def round(self):
        """Each hart runs a slice of another VM, all at once."""
        chosen = self.d.sample(range(16), len(self.harts))
        for hart, i in enumerate(chosen):
            self.bring(hart, i)
        self.send()
        resume = ins("vmresume.adv")
        for hart in range(1, len(self.harts)):
            self.s.begin(hart, resume)
        self.s.step(resume)
        for hart in range(1, len(self.harts)):
            self.s.join(hart)
        for hart, i in enumerate(chosen):
            self.want(told(self.s, hart), [EXIT["HYPERCALL"], 1, 0])
            self.harts[hart].exits += 1
            self.harts[hart].emulated += 1
            self.vms[i].slice()

    def finish(self):
        s = self.s
        owners = [s.peek(vm + 8 * number("owner")) for vm in VMS]
        self.want(owners, [0 if self.home(i) is None else self.home(i) + 1 for i in range(16)])
        for n, h in enumerate(self.harts):
            self.want([on(s, n, csr_ins("csrrs", CSR[c], 12, 0)) for c in ("vmcount_exit", "vmcount_emu")],
                      [h.exits, h.emulated])
            for i in h.pool:
                on(s, n, ins("vmclear", rs1=10), VMS[i])
        for i, v in enumerate(self.vms):
            want = {"x5": v.state, "sscratch": v.digest, "owner": 0, "count_exit": v.entries + v.slices,
                    "count_emu": v.slices, "count_instret": v.slices * RETIRED, "pc": CODE,
                    **{f"vic_pending{k}": w for k, w in enumerate(v.pending)}}
            self.want([s.peek(VMS[i] + 8 * number(n)) for n in want], list(want.values()))
            self.want([s.peek(CELLS + 8 * i)], [v.state if v.slices else None])
        return self


def value(answer):
    return answer["w0"] if "w0" in answer.names else answer["x12"]


@pytest.mark.parametrize("harts, pool", [(2, 8), (4, 8), (4, 2)])
def test_vms_wander_between_harts(harts, pool, single, dice):
    """16 VMs: what each computed, its counters and interrupts came along (VM-6, VM-11
    to VM-14, VM-19, CN-1, VI-12); who asks for a context that is live elsewhere is refused (EN-3)."""
    s = single
    w = Wandering(s, dice(f"wandering {harts} {pool}"), harts, pool)
    for _ in range(200 // harts):
        w.round()
    w.finish()
    s.go("--harts", harts, "--pool", pool)
    for step, (answers, values) in enumerate(w.wants):
        if values is None:
            assert answers[0].trap == 0, step
            continue
        got = [value(a) for a in answers]
        assert got == [g if v is None else v for g, v in zip(got, values)], f"step {step} of {len(w.wants)}"
    assert w.refusals and w.moves > 10 and (w.spills or harts * pool > len(VMS))


@pytest.mark.parametrize("harts", [2, 3, 4])
def test_one_hart_gets_it(harts, single):
    """All harts enter one VM at once: one runs it, to its end, and the others are told whose it is (EN-3)."""
    s = single
    s.code(CODE, [ins("addi", rd=5, rs1=5, imm=-1), ins("bne", rs1=5, imm=-4), vmexit(9)])
    s.vmcs(VMS[0], pc=CODE, x5=2000)
    for n in range(1, harts):
        s.begin(n, ins("vmenter", rs1=10), VMS[0])
    s.step(ins("vmenter", rs1=10), x10=VMS[0])
    for n in range(1, harts):
        s.join(n)
    answers = [told(s, n) for n in range(harts)]
    owner = s.peek(VMS[0] + 8 * number("owner"))
    s.go("--harts", harts)
    got = [tuple(a.x12 for a in row) for row in answers]
    winner = owner.w0 - 1
    assert got[winner] == (EXIT["HYPERCALL"], 9, 0)
    assert {g for n, g in enumerate(got) if n != winner} == {(EXIT["ENTRYFAIL"], number("owner"), winner + 1)}


def test_entering_what_runs_elsewhere(single):
    """A context that is current on another hart, its guest running: refused, and the guest does not notice."""
    s = single
    s.code(CODE, [ins("ld", rd=6, rs1=10), ins("beq", rs1=6, imm=-4), vmexit(3)])   # until told to stop
    s.poke(CELLS, 0)
    s.vmcs(VMS[0], pc=CODE, x10=CELLS)
    s.begin(1, ins("vmenter", rs1=10), VMS[0])
    # The mailbox does not say when the other hart has taken it up; owner does.
    wait, at = FREE + 0x50000, VMS[0] + 8 * number("owner")
    s.code(wait, [ins("ld", rd=12, rs1=10), ins("beq", rs1=12, imm=-4), ins("ebreak")])
    s.run(wait, x10=at)
    refused = s.enter(VMS[0])
    load = s.step(ins("vmload", rs1=10), x10=VMS[0])
    loaded = s.info()
    s.step(ins("vmclear", rs1=10), x10=VMS[0])          # not in this pool: nothing happens (EN-15)
    owner = s.peek(at)
    current = s.csr_read(CSR["vmcs"])
    s.poke(CELLS, 1)
    s.join(1)
    end = told(s, 1)
    s.go("--harts", 2)
    fail = (EXIT["ENTRYFAIL"], number("owner"), 2)
    assert (refused.cause, refused.qual, refused.addr) == fail
    assert load.trap == 0 and (loaded.cause, loaded.qual, loaded.addr) == fail
    assert (owner.w0, current.x12) == (2, 0)
    assert [a.x12 for a in end] == [EXIT["HYPERCALL"], 3, 0]


def test_flushes_stay_on_their_hart(single):
    """FL-8: the other hart goes on using its translation until it flushes by itself."""
    s, t, page, load = single, Tables(TABLES), 0x1_0000_0000, ins("vmld.d", rs1=10, rd=12)
    hptbr = t.root(SV39, host=True) | 5 << 44
    t.map(hptbr, page, CELLS, 0, ALL | U, host=True)
    s.memory(t.memory())
    leaf = next(a for a, w in t.memory().items() if w >> 10 == CELLS >> 12 and w & R)
    s.poke(CELLS, 0x111)
    s.poke(CELLS + 0x1000, 0x222)
    s.code(CODE, [vmexit(1)])
    answers = []
    for hart in (0, 1):
        s.vmcs(VMS[hart], pc=0, hptbr=hptbr)
        on(s, hart, ins("vmenter", rs1=10), VMS[hart])  # a host fault at once: it is current then
        answers.append(on(s, hart, load, page))
    s.poke(leaf, CELLS + 0x1000 >> 2 | ALL | U)
    answers += [on(s, hart, load, page) for hart in (0, 1)]
    on(s, 0, ins("tlbflushv"))
    answers += [on(s, hart, load, page) for hart in (0, 1)]
    on(s, 1, ins("tlbflushv.vm", rs1=10), 5)
    answers.append(on(s, 1, load, page))
    s.go("--harts", 2)
    assert [a.x12 for a in answers] == [0x111, 0x111, 0x111, 0x111, 0x222, 0x111, 0x222]


def test_memory_is_for_16_vms():
    assert VMS[-1] + CONST["VMCS_BYTES"] <= CELLS and TABLES < SCRIPT and CODE >= RAM
