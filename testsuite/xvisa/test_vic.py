"""The virtual interrupt controller against a reference in Python, and interrupts in guests.

Manual: chapter "The virtual interrupt controller".
"""

from dataclasses import dataclass, field

import pytest

from xvisa.asm import CONST, CSR, EXC, EXIT, INSN, IRQ, MASK, TRAP, csr_ins, field as number, ins, li, qual, vmexit
from xvisa.script import FREE, M, RAM_END, S, U

CODE, HANDLER, LOG = FREE, FREE + 0x40000, FREE + 0x80000
VMCS, OTHER = FREE + 0x100000, FREE + 0x101000
SEI = 1 << IRQ["SEI"]
SIE = 2
VECTORS, NEST = CONST["VIC_VECTORS"], CONST["VIC_NEST"]
NONE = MASK
LAST = 0x7ff


@dataclass
class Vic:
    """VI-1 to VI-7."""
    pending: set = field(default_factory=set)
    enabled: set = field(default_factory=set)
    priority: list = field(default_factory=lambda: [0] * VECTORS)
    threshold: int = 0
    stack: list = field(default_factory=list)

    def best(self):
        ready = [v for v in self.pending & self.enabled if self.priority[v] > self.threshold]
        return min(ready, key=lambda v: (-self.priority[v], v)) if ready else None

    def stat(self):
        return NONE if self.best() is None else self.best()

    def ack(self):
        v = self.best()
        if v is None or len(self.stack) == NEST:
            return NONE
        self.pending.discard(v)
        self.stack.append((v, self.threshold))
        self.threshold = self.priority[v]
        return v

    def eoi(self):
        if self.stack:
            _, self.threshold = self.stack.pop()

    def serving(self):
        return self.stack[-1][0] if self.stack else NONE

    def register(self, n):
        if n < 8:
            bits, base = (self.pending, n * 64) if n < 4 else (self.enabled, (n - 4) * 64)
            return sum(1 << v - base for v in bits if base <= v < base + 64)
        if n < 24:
            return sum(self.priority[(n - 8) * 16 + i] << 4 * i for i in range(16))
        return 0

    def write(self, n, value):
        if n < 8:
            bits, base = (self.pending, n * 64) if n < 4 else (self.enabled, (n - 4) * 64)
            bits -= set(range(base, base + 64))
            bits |= {base + i for i in range(64) if value >> i & 1}
        elif n < 24:
            for i in range(16):
                self.priority[(n - 8) * 16 + i] = value >> 4 * i & 15

    def fields(self):
        """The VMCS fields of this state, but for the entries above the stack."""
        return {**{f"vic_pending{i}": self.register(i) for i in range(4)},
                **{f"vic_enable{i}": self.register(4 + i) for i in range(4)},
                **{f"vic_priority{i}": self.register(8 + i) for i in range(16)},
                "vic_threshold": self.threshold, "vic_depth": len(self.stack)}


FIELDS = list(Vic().fields()) + [f"vic_stack{i}" for i in range(4)]


class Run:
    """Guest code that works on the VIC and logs what it reads; the hypervisor joins in between."""

    def __init__(self, script, dice):
        self.s, self.d, self.vic = script, dice, Vic()
        self.words, self.log, self.stops = [], [], []
        self.viselect = 0

    def put(self, *words):
        self.words += words

    def note(self, value):
        self.put(ins("sd", rs1=30, rs2=12), ins("addi", rd=30, rs1=30, imm=8))
        self.log.append(value)

    def write_register(self):
        n = self.d.choice([*range(24)] * 4 + [24, 25, 63, 64, 1 << 32, MASK])
        value = self.d.getrandbits(64) & self.d.getrandbits(64)
        if 4 <= n < 8:
            value |= self.d.getrandbits(64)
        self.put(*li(10, n), csr_ins("csrrw", CSR["viselect"], 0, 10), *li(10, value),
                 csr_ins("csrrw", CSR["vireg"], 0, 10))
        self.viselect = n
        if n < 24:
            self.vic.write(n, value)

    def read_register(self):
        self.put(csr_ins("csrrs", CSR["vireg"], 12, 0))
        self.note(self.vic.register(self.viselect) if self.viselect < 24 else 0)

    def read_select(self):
        self.put(csr_ins("csrrs", CSR["viselect"], 12, 0))
        self.note(self.viselect)

    def threshold(self):
        value = self.d.choice([0, 0, 0, 1, 3, 7, 15, 16, 0x12])
        self.put(*li(10, value), csr_ins("csrrw", CSR["vithresh"], 12, 10))
        self.note(self.vic.threshold)
        self.vic.threshold = value & 15

    def send(self):
        v = self.d.randrange(VECTORS)
        self.put(*li(10, v | self.d.choice([0, 0xf00])), ins("vint_send", rs1=10))
        self.vic.pending.add(v)

    def ack(self):
        self.put(ins("vint_ack", rd=12))
        self.note(self.vic.ack())

    def eoi(self):
        self.put(ins("vint_ack.eoi"))
        self.vic.eoi()

    def stat(self):
        self.put(ins("vint_stat", rd=12))
        self.note(self.vic.stat())

    def serving(self):
        self.put(csr_ins("csrrs", CSR["viserv"], 12, 0))
        self.note(self.vic.serving())

    def pending(self):
        self.put(csr_ins("csrrs", CSR["sip"], 12, 0))
        self.note(SEI if self.vic.best() is not None else 0)

    def host(self):
        """An exit: the hypervisor sends, looks at the best candidate, or writes a field."""
        self.put(vmexit(7))
        kind = self.d.choice(["send", "send-by-address", "field", "stat", "state"])
        v = self.d.randrange(VECTORS)
        want = None
        if kind.startswith("send"):
            self.vic.pending.add(v)
        elif kind == "field":
            self.vic.threshold = v & 15
        elif kind == "stat":
            want = self.vic.stat()
        else:
            want = self.vic.fields(), list(self.vic.stack)
        self.stops.append((kind, v, want))

    def go(self, operations):
        choices = [self.write_register, self.read_register, self.read_select, self.threshold, self.send, self.ack,
                   self.eoi, self.stat, self.serving, self.pending, self.host]
        for _ in range(operations):
            self.d.choices(choices, [14, 5, 1, 5, 12, 18, 8, 8, 5, 8, 4])[0]()
        self.put(vmexit(LAST))
        s, answers = self.s, []
        s.code(CODE, self.words)
        s.vmcs(VMCS, pc=CODE, x30=LOG, stimecmp=MASK)
        s.step(ins("vmenter", rs1=10), x10=VMCS)
        for kind, v, _ in self.stops:
            if kind == "send":
                answers.append(s.step(ins("vint_send", rs1=10), x10=v))
            elif kind == "send-by-address":
                answers.append(s.step(ins("vint_send", rs1=10), x10=VMCS | v))
            elif kind == "field":
                answers.append(s.vmwrite(number("vic_threshold"), v & 15))
            elif kind == "stat":
                answers.append(s.step(ins("vint_stat", rd=12)))
            else:
                answers.append(s.fields(*FIELDS))
            s.step(ins("vmresume.adv"))
        return self, answers, s.info(), s.fields("count_exit", *FIELDS), s.peek(LOG, max(1, len(self.log)))


RUNS = range(24)


@pytest.mark.parametrize("n", RUNS)
def test_against_the_reference(n, batch, dice):
    """Arbitration, nesting, threshold, end of interrupt, registers, SEIP; nothing of it exits (VI-10)."""
    r, answers, info, f, log = batch("vic", RUNS, lambda s, k: Run(s, dice(f"vic {k}")).go(250))[n]
    assert [log[f"w{i}"] for i in range(len(r.log))] == r.log
    assert (info.cause, info.qual) == (EXIT["HYPERCALL"], LAST)
    assert f.count_exit == len(r.stops) + 1
    for (kind, _, want), got in zip(r.stops, answers):
        if kind == "stat":
            assert (got.trap, got.x12) == (0, want)
        elif kind == "state":
            check_state(*want, got)
        else:
            assert got.trap == 0
    check_state(r.vic.fields(), r.vic.stack, f)


def check_state(fields, stack, got):
    """The state in the VMCS, the stack by VI-4."""
    assert {k: got[k] for k in fields} == fields
    words = [got[f"vic_stack{i}"] for i in range(4)]
    assert [(words[i // 4] >> 16 * (i % 4) & 0xff, words[i // 4] >> 16 * (i % 4) + 8 & 0xff)
            for i in range(len(stack))] == stack


def test_runs_nest_deeply(dice):
    """The runs above fill the stack now and then."""
    class Nowhere:
        def __getattr__(self, name):
            return lambda *a, **k: None
    deepest = 0
    for n in RUNS:
        r = Run(Nowhere(), dice(f"vic {n}"))
        plain = r.vic.ack
        depths = []

        def ack():
            v = plain()
            depths.append(len(r.vic.stack))
            return v
        r.vic.ack = ack
        r.go(250)
        deepest = max(deepest, *depths)
    assert deepest >= 3


def test_a_full_stack(single):
    """15 nested interrupts; the 16th waits though it is a candidate, and VINT_STAT shows it (VI-5, VI-7)."""
    s, vic = single, Vic()
    code, log = [], []

    def note(value):
        code.extend([ins("sd", rs1=30, rs2=12), ins("addi", rd=30, rs1=30, imm=8)])
        log.append(value)
    order = list(range(20, 36))
    for i, v in enumerate(order):                       # priorities 0..15: the first never interrupts
        vic.priority[v] = i
        vic.enabled.add(v)
    vic.priority[200] = 15                              # the 16th level does not exist: depth is what ends it
    vic.enabled.add(200)
    for v in order:
        vic.pending.add(v)
        code += li(10, v) + [ins("vint_send", rs1=10), ins("vint_ack", rd=12)]
        note(vic.ack())
    vic.threshold = 0                                   # the guest may lower it in between
    code += [csr_ins("csrrwi", CSR["vithresh"], 0, 0)]
    vic.pending.add(200)
    code += li(10, 200) + [ins("vint_send", rs1=10), ins("vint_ack", rd=12)]
    note(vic.ack())
    code += [ins("vint_stat", rd=12)]
    note(vic.stat())
    for _ in range(17):
        code += [ins("vint_ack.eoi"), csr_ins("csrrs", CSR["viserv"], 12, 0)]
        vic.eoi()
        note(vic.serving())
        code += [csr_ins("csrrs", CSR["vithresh"], 12, 0)]
        note(vic.threshold)
    s.code(CODE, code + [vmexit(LAST)])
    fields = {k: v for k, v in Vic(set(), vic.enabled, vic.priority).fields().items() if v}
    s.vmcs(VMCS, pc=CODE, x30=LOG, **fields)
    e = s.enter(VMCS, "count_exit")
    got = s.peek(LOG, len(log))
    s.go()
    assert (e.cause, e.qual) == (EXIT["HYPERCALL"], LAST)
    assert [got[f"w{i}"] for i in range(len(log))] == log
    assert log[:16] == [NONE] + order[1:] and log[16:18] == [NONE, 200]


# --- Delivery --------------------------------------------------------------------------


def handler():
    """Acknowledges, logs, opens interrupts, sends the partner of the vector, ends, returns."""
    save = [csr_ins("csrrw", CSR["sscratch"], 0, 12), ins("addi", rd=28, rs1=28, imm=-32),
            csr_ins("csrrs", CSR["sepc"], 12, 0), ins("sd", rs1=28, rs2=12), csr_ins("csrrs", CSR["sstatus"], 12, 0),
            ins("sd", rs1=28, rs2=12, imm=8), ins("sd", rs1=28, rs2=10, imm=16)]
    work = [ins("vint_ack", rd=12), ins("sd", rs1=30, rs2=12), ins("addi", rd=30, rs1=30, imm=8)]
    nest = [ins("slli", rd=10, rs1=12, imm=3), ins("add", rd=10, rs1=10, rs2=29), ins("ld", rd=10, rs1=10),
            ins("blt", rs1=10, rs2=0, imm=8), ins("vint_send", rs1=10), csr_ins("csrrsi", CSR["sstatus"], 0, SIE),
            ins("addi"), csr_ins("csrrci", CSR["sstatus"], 0, SIE)]
    restore = [ins("vint_ack.eoi"), ins("ld", rd=10, rs1=28, imm=16), ins("ld", rd=12, rs1=28, imm=8),
               csr_ins("csrrw", CSR["sstatus"], 0, 12), ins("ld", rd=12, rs1=28), csr_ins("csrrw", CSR["sepc"], 0, 12),
               ins("addi", rd=28, rs1=28, imm=32), ins("sret")]
    return save + work + nest + restore


PARTNERS, STACK = FREE + 0xc0000, FREE + 0xe0000


def delivered(vic, partner):
    """Vectors in the order in which their handlers begin, with interrupts open inside."""
    order = []

    def serve():
        while vic.best() is not None:
            v = vic.ack()
            order.append(v)
            if partner.get(v) is not None:
                vic.pending.add(partner[v])
            serve()
            vic.eoi()
    serve()
    return order


DELIVERIES = range(16)


@pytest.mark.parametrize("ring", [0, 3])
@pytest.mark.parametrize("n", DELIVERIES)
def test_delivery(n, ring, batch, dice):
    """A pending vector is the guest's external interrupt; delivering, nesting and ending exit nothing."""
    def arrange(s, case):
        k, r = case
        d = dice(f"delivery {k} {r}")
        vic = Vic()
        some = d.sample(range(VECTORS), 24)
        vic.enabled = set(some[:20])
        vic.pending = set(some[4:])
        for v in some:
            vic.priority[v] = d.randrange(16)
        # A partner has a higher number as well as a higher priority, so that this ends.
        partner = {v: d.choice([w for w in some[:20] if w > v and vic.priority[w] > vic.priority[v]] or [None])
                   for v in some[::2]}
        s.code(CODE, [csr_ins("csrrsi", CSR["sstatus"], 0, SIE) if r == 0 else ins("addi"),
                      *[ins("addi", rd=5, rs1=5, imm=1)] * 4, vmexit(LAST)])
        s.code(HANDLER, handler())
        s.fill(PARTNERS, 8 * VECTORS, MASK)
        s.memory({PARTNERS + 8 * v: p for v, p in partner.items() if p is not None})
        s.vmcs(VMCS, pc=CODE, ring=r, stvec=HANDLER, sie=SEI, x28=STACK, x29=PARTNERS, x30=LOG, **vic.fields())
        s.fill(LOG, 8 * 256, 0xeeee)
        e = s.enter(VMCS, "count_exit", "x5", "x30", "ring", *FIELDS)
        order = delivered(vic, partner)
        return order, e, s.peek(LOG, 256), vic
    cases = [(k, r) for k in DELIVERIES for r in (0, 3)]
    order, e, log, vic = batch("delivery", cases, arrange)[n, ring]
    assert (e.cause, e.qual, e.count_exit, e.x5, e.ring) == (EXIT["HYPERCALL"], LAST, 1, 4, ring)
    assert [log[f"w{i}"] for i in range(len(order))] == order
    assert e.x30 == LOG + 8 * len(order)
    check_state(vic.fields(), vic.stack, e)


@pytest.mark.parametrize("sie", [0, SEI])
@pytest.mark.parametrize("status", [0, SIE])
@pytest.mark.parametrize("ring", [0, 3])
@pytest.mark.parametrize("vectored", [0, 1])
def test_when_it_is_delivered(sie, status, ring, vectored, batch):
    """TR-3, TR-11: enabled in sie, and Ring 3 or SIE; cause 9, sepc the next instruction, by stvec's mode."""
    def arrange(s, c):
        e_sie, e_status, e_ring, e_vectored = c
        s.code(CODE, [ins("addi"), vmexit(1)])
        s.code(HANDLER, [vmexit(2), ins("addi")] + [ins("addi")] * 7 + [vmexit(3)])
        s.vmcs(VMCS, pc=CODE, ring=e_ring, sstatus=e_status, sie=e_sie, stvec=HANDLER | e_vectored, vic_pending0=2,
               vic_enable0=2, vic_priority0=0x10)
        return s.enter(VMCS, "pc", "ring", "scause", "sepc", "stval", "sstatus")
    cases = [(a, b, c, d) for a in (0, SEI) for b in (0, SIE) for c in (0, 3) for d in (0, 1)]
    e = batch("when", cases, arrange)[sie, status, ring, vectored]
    if sie and (ring == 3 or status):
        told = dict(qual=3 if vectored else 2, pc=HANDLER + 36 * vectored, ring=0, scause=1 << 63 | 9, sepc=CODE,
                    stval=0)
        assert e.sstatus & 0x122 == (0x100 if ring == 0 else 0) | (0x20 if status else 0)
    else:
        told = dict(qual=1, pc=CODE + 4, ring=ring)
    assert {k: e[k] for k in told} == told and e.cause == EXIT["HYPERCALL"]


@pytest.mark.parametrize("pending", [False, True])
@pytest.mark.parametrize("ring, status", [(0, 0), (0, SIE), (3, 0), (3, SIE)])
@pytest.mark.parametrize("cfg", [0, TRAP["INTWIN"]])
def test_interrupt_window(pending, ring, status, cfg, batch):
    """INTWIN exits as soon as Ring 3 or SIE lets interrupts in, before one is delivered (EV-1, XI-9)."""
    def arrange(s, c):
        p, r, st, f = c
        s.code(CODE, [ins("addi"), csr_ins("csrrsi", CSR["sstatus"], 0, SIE) if r == 0 else ins("addi"),
                      ins("addi"), vmexit(1)])
        s.code(HANDLER, [vmexit(2)])
        s.vmcs(VMCS, pc=CODE, ring=r, sstatus=st, sie=SEI, stvec=HANDLER, vmtrapcfg=f, vic_pending0=2 if p else 0,
               vic_enable0=2, vic_priority0=0x10)
        return s.enter(VMCS, "pc", "scause", "count_instret")
    cases = [(p, r, st, f) for p in (False, True) for r, st in ((0, 0), (0, SIE), (3, 0), (3, SIE))
             for f in (0, TRAP["INTWIN"])]
    e = batch("window", cases, arrange)[pending, ring, status, cfg]
    opened = CODE if ring == 3 or status else CODE + 8
    if cfg:
        assert (e.cause, e.qual, e.pc) == (EXIT["INTWINDOW"], qual("INTWINDOW", pending=int(pending)), opened)
        assert (e.insn, e.len, e.addr, e.gpa, e.val) == (0, 0, 0, 0, 0)
        assert e.count_instret == (opened - CODE) // 4
    else:
        assert (e.cause, e.qual) == (EXIT["HYPERCALL"], 2 if pending else 1)


# --- Sending ---------------------------------------------------------------------------


@pytest.mark.parametrize("target", ["self-0", "self-address", "pooled", "image"])
@pytest.mark.parametrize("v", [0, 1, 63, 64, 127, 128, 200, 255])
def test_send_from_the_hypervisor(target, v, batch):
    """VI-11, VI-12."""
    def arrange(s, c):
        t, n = c
        s.code(CODE, [vmexit(1)])
        s.vmcs(VMCS, pc=CODE)
        s.vmcs(OTHER, pc=CODE)
        if t == "pooled":
            s.step(ins("vmload", rs1=10), x10=OTHER)
        s.enter(VMCS)
        at = {"self-0": 0, "self-address": VMCS, "pooled": OTHER, "image": OTHER}[t]
        a = s.step(ins("vint_send", rs1=10), x10=at | n | 0xf00)
        image = s.peek(OTHER + 8 * number("vic_pending"), 4)
        mine = s.fields(*(f"vic_pending{i}" for i in range(4)))
        s.enter(OTHER)
        return a, image, mine, s.fields(*(f"vic_pending{i}" for i in range(4)))
    cases = [(t, n) for t in ("self-0", "self-address", "pooled", "image") for n in (0, 1, 63, 64, 127, 128, 200, 255)]
    a, image, mine, other = batch("sending", cases, arrange)[target, v]
    bit = {i: 1 << v % 64 if i == v // 64 else 0 for i in range(4)}
    nothing = dict.fromkeys(range(4), 0)
    assert a.trap == 0
    assert {i: mine[f"vic_pending{i}"] for i in range(4)} == (bit if target.startswith("self") else nothing)
    assert {i: other[f"vic_pending{i}"] for i in range(4)} == (nothing if target.startswith("self") else bit)
    assert {i: image[f"w{i}"] for i in range(4)} == (bit if target == "image" else nothing)


@pytest.mark.parametrize("pointer, trap", [(RAM_END, "STORE_ACCESS"), (0x1000, "STORE_ACCESS"),
                                           (0x10000000, "STORE_ACCESS"), (MASK - 0xfff, "STORE_ACCESS"),
                                           (FREE + 0x200000, "ILLEGAL")])
def test_send_to_nobody(pointer, trap, single):
    s = single
    s.fill(FREE + 0x200000, 4096)
    word = ins("vint_send", rs1=10)
    a = s.step(word, x10=pointer | 5)
    s.go()
    assert (a.trap, a.tval) == (EXC[trap] + 1, pointer if trap == "STORE_ACCESS" else word)


@pytest.mark.parametrize("name", ["vint_send", "vint_ack", "vint_ack.eoi", "vint_stat"])
@pytest.mark.parametrize("ring", [M, S, U])
def test_with_v0(name, ring, single):
    """VI-8, VI-13: with V=0 the hypervisor sends and looks; nobody else does anything."""
    s = single
    s.code(CODE, [vmexit(1)])
    s.vmcs(VMCS, pc=CODE)
    s.enter(VMCS)
    word = ins(name, **{k: 10 if k == "rs1" else 12 for k in INSN[name].fields})
    a = s.step(word, ring, x10=3)
    s.go()
    legal = ring == M and name in ("vint_send", "vint_stat")
    assert (a.trap, a.tval) == ((0, a.tval) if legal else (EXC["ILLEGAL"] + 1, word))


@pytest.mark.parametrize("name", ["vithresh", "viselect", "vireg", "viserv"])
@pytest.mark.parametrize("ring", [M, S, U])
def test_csrs_with_v0(name, ring, single):
    """VI-9: in every ring illegal with V=0, also while a VM is current."""
    s = single
    s.code(CODE, [vmexit(1)])
    s.vmcs(VMCS, pc=CODE)
    s.enter(VMCS)
    word = csr_ins("csrrs", CSR[name], 12, 0)
    a = s.step(word, ring)
    s.go()
    assert (a.trap, a.tval) == (EXC["ILLEGAL"] + 1, word)


def test_send_to_a_guest_that_runs_on_another_hart(single):
    """VI-12: the running guest takes the interrupt, with no exit before its handler's."""
    s = single
    s.code(CODE, [ins("addi", rd=5, rs1=5, imm=1), ins("jal", imm=-4)])
    s.code(HANDLER, [ins("vint_ack", rd=12), vmexit(5)])
    s.vmcs(VMCS, pc=CODE, sstatus=SIE, sie=SEI, stvec=HANDLER, vic_enable3=1 << 63, vic_priority15=0xf << 60)
    s.begin(1, ins("vmenter", rs1=10), VMCS)
    a = s.step(ins("vint_send", rs1=10), x10=VMCS | 255)
    done = s.join(1)
    cause = s.hart(1, ins("vmcause", rd=12))
    told = s.hart(1, ins("vmqual", rd=12))
    x12 = s.hart(1, ins("vmread", rs1=10, rd=12), number("x12"))
    exits = s.hart(1, ins("vmread", rs1=10, rd=12), number("count_exit"))
    s.go("--harts", 2)
    assert (a.trap, done.trap) == (0, 0)
    assert (cause.x12, told.x12, x12.x12, exits.x12) == (EXIT["HYPERCALL"], 5, 255, 1)
