"""What each instruction's page says that it raises, clause by clause, and in that order.

The pages are man/arch/insn/: each clause under *Raises* has its entry in CLAUSES here, by page and number, with
what makes it true and what then happens. Where two clauses of a page are true at once the first one counts.
"""

import itertools
import re

import pytest

from harness.tools import SRC
from xvisa.asm import CONST, CSR, EXC, EXIT, INSN, MASK, MSR, TRAP, csr_ins, field, ins, qual, vmexit
from xvisa.nested import SV39
from xvisa.script import FREE, M, PAGE, RAM, RAM_END, S, U

CODE, HANDLER, DESC, DATA = FREE, FREE + 0x1000, FREE + 0x2000, FREE + 0x3000
VMCS, SPARE, EMPTY, BITMAP = FREE + 0x10000, FREE + 0x11000, FREE + 0x14000, FREE + 0x20000
NOWHERE = 0x6000_0000               # neither RAM nor a device
RINGS = {"Ring -1": M, "Ring 0": S, "Ring 3": U}
GPA = 0x4000_0000                   # of a range that exits


def pages():
    """page: (instructions, clauses). A page covers instructions by name, or an extension."""
    found = {}
    for path in sorted((SRC / "man" / "arch" / "insn").glob("*.rst")):
        text = path.read_text()
        raises = re.search(r"\*\*Raises\*\*\n\n(.*)", text, re.S)
        if raises:
            covers = re.search(r"^\.\. covers: (.*)$", text, re.M)[1].split()
            insns = [i for c in covers for i in INSN if c in (i, INSN[i].ext)]
            found[path.stem] = insns, re.findall(r"^\d+\. (.*(?:\n   .*)*)", raises[1], re.M)
    return found


PAGES = pages()


class When:
    """What makes a clause true, of the instruction's own state, and what then happens. The instruction is
    ins(rs1=x10, rs2=x11, rd=x12)."""

    def __init__(self, what, only=None, ring=M, v=0, cfg=0, current=True, x10=None, x11=None, **fields):
        self.what, self.only = what, only
        self.ring, self.v, self.cfg, self.current = ring, v, cfg, current
        self.x = {k: n for k, n in (("x10", x10), ("x11", x11)) if n is not None}
        self.fields = fields

    def applies(self, insn):
        return self.only is None or re.fullmatch(self.only, insn)

    def host(self):
        return (self.ring, self.v) == (M, 0)

    def with_(self, other):
        """Both at once, or None: this one's clause comes first."""
        if other.v != self.v and not other.host() or other.host() and self.v == 0 and not self.host():
            return None
        if (self.x.keys() & other.x.keys()) or (self.fields.keys() & other.fields.keys()):
            return None
        if self.v or other.v or self.only and other.only and self.only != other.only:
            return None
        return When(self.what, self.only or other.only, self.ring, 0, 0, self.current and other.current,
                    **{**self.x, **other.x}, **{**self.fields, **other.fields})


def exception(name, tval="word"):
    return ("exception", name, tval)


ILLEGAL = exception("ILLEGAL")
VIRT = ("exit", "VIRT")


def above(*legal):
    """The instruction outside the rings where it is legal: with V=0, and in a guest (GI-2, GI-3)."""
    for name, ring in RINGS.items():
        if name not in legal:
            yield When(ILLEGAL, ring=ring)
    if "Ring 0 with V=1" not in legal and "Ring 0" not in legal:
        yield When(VIRT, ring=S, v=1)
    if "Ring 3 with V=1" not in legal:
        yield When(("exit", "PRIVILEGED"), ring=U, v=1, cfg=TRAP["PRIV"])
        yield When(("guest", "ILLEGAL"), ring=U, v=1)


NOT_RING_H = list(above("Ring -1"))
NO_VM = [When(ILLEGAL, current=False)]
BAD_BASE = [When(ILLEGAL, **{f: m << 60}) for f in ("gptbr", "hptbr") for m in (1, 7, 10, 15)]
ROOT = SV39 << 60 | EMPTY >> 12
EXITING = dict(iov_base0=GPA, iov_size0=PAGE, iov_flags0=3)


def access(kind, physical):
    """VMLD, VMST and their forms for guest physical addresses."""
    clauses = {
        1: NOT_RING_H, 2: NO_VM + BAD_BASE,
        3: [When(exception(f"{kind}_MISALIGNED", "x10"), only=rf".*\.{w}u?", x10=DATA + 1) for w in "hwd"],
    }
    guest_page = exception(f"{kind}_GUEST_PAGE", "x10")
    if not physical:
        clauses[4] = [When(exception(f"{kind}_PAGE", "x10"), gptbr=ROOT)]
    clauses[len(clauses) + 1] = [When(guest_page, hptbr=ROOT), When(guest_page, x10=NOWHERE),
                                 When(guest_page, x10=GPA, **EXITING)]
    if not physical:        # the entry that the guest stage asks for first
        entry = EMPTY + 8 * (DATA >> 30)
        clauses[5].append(When(exception(f"{kind}_GUEST_PAGE", entry), gptbr=ROOT, hptbr=ROOT))
    return clauses


def failure(number, value):
    return ("failure", number, value)


POINTER = CONST["VMCS_NONE"]
BAD_POINTERS = [When(failure(POINTER, "x10"), x10=p) for p in (VMCS + 8, RAM_END, NOWHERE, 0, 1 << 63)]
BAD_HEAD = [When(failure(field("revision"), 1), x10=SPARE, spare=(0, 1)),
            When(failure(field("owner"), 7), x10=SPARE, spare=(1, 7))]

CLAUSES = {
    "in": {1: list(above("Ring -1", "Ring 0")),
           2: [When(("exit", "IO"), ring=S, v=1, cfg=TRAP["IO"])]},
    "iovmap": {1: NOT_RING_H, 2: NO_VM,
               3: [When(exception("LOAD_MISALIGNED", "x11"), only="iovmap", x11=DESC + n) for n in (1, 4, 7)],
               4: [When(exception("LOAD_ACCESS", "x11"), only="iovmap", x11=a) for a in (RAM_END - 24, RAM - 8, 0)]},
    "iovmask": {1: NOT_RING_H, 2: NO_VM + [When(ILLEGAL, iobitmap=0)],
                3: [When(exception("STORE_MISALIGNED", a), iobitmap=a)
                    for a in (BITMAP + 1, BITMAP + 8, BITMAP + PAGE, RAM_END - PAGE, 1 << 63 | 8)],
                4: [When(exception("STORE_ACCESS", a), iobitmap=a) for a in (RAM_END, RAM - 0x2000, 0x2000, 1 << 63)]},
    "ldgptbr": {1: NOT_RING_H, 2: NO_VM},
    "out": {1: list(above("Ring -1", "Ring 0")),
            2: [When(("exit", "IO"), ring=S, v=1, cfg=TRAP["IO"])]},
    "rdmsr": {1: list(above("Ring -1", "Ring 0")),
              2: [When(("exit", "MSR"), ring=S, v=1, cfg=TRAP["MSR"], x10=n) for n in (MSR["tls"], 0x1234)],
              3: [When(what, ring=ring, v=v, cfg=cfg, x10=n, only=only)
                  for only, n in (("rdmsr", 0x1234), ("wrmsr", 0x1234), ("wrmsr", MSR["model"]))
                  for what, ring, v, cfg in ((ILLEGAL, M, 0, 0), (ILLEGAL, S, 0, 0), (("guest", "ILLEGAL"), S, 1, 0),
                                             (("exit", "PRIVILEGED"), S, 1, TRAP["PRIV"]))]},
    "tlbflushv": {1: [When(w.what, ring=w.ring, v=w.v, cfg=w.cfg) for w in above("Ring -1", "Ring 0")] +
                     [When(ILLEGAL, only="tlbflushv.vm", ring=S), When(VIRT, only="tlbflushv.vm", ring=S, v=1)],
                  2: [When(("exit", "TLBFLUSH"), only=r"tlbflushv(\.asid|\.addr)?", ring=S, v=1, cfg=TRAP["TLB"])],
                  3: [When(ILLEGAL, only=r"tlbflushv\.a.*", current=False)]},
    "vint_ack": {1: list(above("Ring 0 with V=1"))},
    "vint_send": {1: list(above("Ring -1", "Ring 0 with V=1")) ,
                  2: [When(VIRT, ring=S, v=1, x10=a) for a in (SPARE, PAGE, 1 << 63)],
                  3: [When(ILLEGAL, current=False, x10=5)],
                  4: [When(exception("STORE_ACCESS", a), x10=a | 5) for a in (RAM_END, PAGE, 1 << 63)],
                  5: [When(ILLEGAL, x10=SPARE | 5, spare=(0, 0))]},
    "vint_stat": {1: list(above("Ring -1", "Ring 0 with V=1")), 2: NO_VM},
    "vmcause": {1: NOT_RING_H},
    "vmenter": {1: NOT_RING_H, 2: BAD_POINTERS + BAD_HEAD +
                [When(failure(field("ring"), 1), x10=VMCS, ring_field=1)]},
    "vmexit": {1: [When(ILLEGAL, ring=ring) for ring in RINGS.values()]},
    "vmld": access("LOAD", False), "vmldp": access("LOAD", True),
    "vmload": {1: NOT_RING_H, 2: BAD_POINTERS + BAD_HEAD},
    "vmread": {1: NOT_RING_H,
               2: NO_VM + [When(ILLEGAL, x10=n) for n in (8, 31, 114, 135, 224, 511, 512, 1 << 32 | 2, MASK)] +
               [When(ILLEGAL, only="vmwrite", x10=n) for n in (0, 1, 128, 134, 139, 192, 223)]},
    "vmresume": {1: NOT_RING_H, 2: [When(failure(POINTER, 0), current=False),
                                    When(failure(field("ring"), 1), ring_field=1)]},
    "vmsave": {1: NOT_RING_H,
               2: [When(exception("STORE_MISALIGNED", "x10"), x10=a) for a in (VMCS + 8, RAM_END + 1, 1)],
               3: [When(exception("STORE_ACCESS", "x10"), x10=a) for a in (RAM_END, 0, 1 << 63)]},
    "vmst": access("STORE", False), "vmstp": access("STORE", True),
    "zicsr": {1: [When(ILLEGAL, ring=ring) for ring in (S, U)] +
              [When(("exit", "PRIVILEGED"), ring=U, v=1, cfg=TRAP["PRIV"]), When(("guest", "ILLEGAL"), ring=U, v=1),
               When(("guest", "ILLEGAL"), ring=S, v=1)]},
}

# Operands with which the instruction does nothing wrong in Ring -1; vint_send: to the current VM.
OPERANDS = {"iovmap": (0, DESC), "iovunmap": (0, 0), "vmread": (2, 0), "vmwrite": (6, 0), "vmenter": (VMCS, 0),
            "vmload": (VMCS, 0), "vmsave": (VMCS, 0), "vmclear": (VMCS, 0), "rdmsr": (MSR["tls"], 0),
            "wrmsr": (MSR["tls"], 0), "vint_send": (5, 0)}


def word_of(insn):
    if INSN[insn].ext == "zicsr":                   # a CSR of Ring -1
        return csr_ins(insn, CSR["mstatus"], 12, 10)
    return ins(insn, **{k: v for k, v in (("rs1", 10), ("rs2", 11), ("rd", 12)) if k in INSN[insn].fields})


def put_guest(s, insn, w, regs):
    s.code(CODE, [word_of(insn), vmexit(1)])
    s.code(HANDLER, [csr_ins("csrrs", CSR["scause"], 13, 0), vmexit(2)])
    s.vmcs(VMCS, pc=CODE, ring=3 if w.ring == U else 0, vmtrapcfg=w.cfg, stvec=HANDLER, **regs, **w.fields)
    return s.enter(VMCS, "x13")


def arrange(s, case):
    """Host: the answer of the instruction and the exit information behind it. Guest: that of the entry."""
    insn, w = case
    x10, x11 = OPERANDS.get(insn, (DATA, 0))
    regs = {**dict(x10=x10, x11=x11), **w.x}
    if w.v:
        return put_guest(s, insn, w, regs)
    fields = {"iobitmap": BITMAP, **w.fields}
    revision_ok, owner = fields.pop("spare", (1, 0))
    ring = fields.pop("ring_field", 0)
    s.fill(EMPTY, PAGE * 4)
    s.poke(DESC, 0x9000_0000, 0x1000, 0x9000_0000, 1)
    s.vmcs(SPARE)
    s.poke(SPARE, CONST["REVISION"] if revision_ok else 1, owner)
    if w.current:
        s.vmcs(VMCS, vmtrapcfg=TRAP["PREEMPT"], **{k: v for k, v in fields.items() if k.startswith("iov_")})
        s.enter(VMCS)
        for name, value in {**fields, "ring": ring}.items():
            if not name.startswith("iov_"):
                s.vmwrite(field(name), value)
    a = s.step(word_of(insn), w.ring, **regs)
    return a, s.info()


def check(insn, w, got):
    kind, name, *rest = w.what
    if w.v:
        if kind == "guest":
            assert (got.cause, got.qual, got.x13) == (EXIT["HYPERCALL"], 2, EXC[name])
        else:
            assert got.cause == EXIT[name]
        return
    a, info = got
    x10, x11 = OPERANDS.get(insn, (DATA, 0))
    named = {"word": word_of(insn), "x10": w.x.get("x10", x10), "x11": w.x.get("x11", x11)}
    value = named.get(rest[0], rest[0])
    if kind == "failure":
        assert (a.trap, info.cause, info.qual, info.addr) == \
            (0, EXIT["ENTRYFAIL"], qual("ENTRYFAIL", field=name), value)
    else:
        assert (a.trap, a.tval) == (EXC[name] + 1, value)


def both(page, a, b):
    """Something of clause a, something of clause b, and what is told then."""
    for x, y in itertools.product(CLAUSES[page][a], CLAUSES[page][b]):
        w = x.with_(y)
        nested = w and w.fields.get("gptbr") == w.fields.get("hptbr") == ROOT
        if w and not nested:        # then the later clause is met first, as its text says
            yield w


def cases(current):
    found = {}
    for page, clauses in CLAUSES.items():
        whens = {f"{page}-{n}": list(w) for n, w in clauses.items()}
        whens |= {f"{page}-{a}-before-{b}": list(both(page, a, b)) for a, b in itertools.combinations(clauses, 2)}
        for key, (insn, (i, w)) in ((k, c) for k, ws in whens.items()
                                    for c in itertools.product(PAGES[page][0], enumerate(ws))):
            if w.applies(insn) and w.current == current and not (w.x.keys() - {"x10", "x11"}):
                found.setdefault(key, {})[f"{insn} {i}"] = insn, w
    return found


CURRENT, NONE = cases(True), cases(False)


@pytest.mark.parametrize("key", CURRENT)
def test_clause(key, batch):
    """Each clause, and each before a later one, for every instruction of the page."""
    flat = [(k, n) for k, c in CURRENT.items() for n in c]
    got = batch("raises", flat, lambda s, at: arrange(s, CURRENT[at[0]][at[1]]))
    for name, (insn, w) in CURRENT[key].items():
        check(insn, w, got[key, name])


@pytest.mark.parametrize("key", NONE)
def test_clause_without_vm(key, batch):
    """The same where no VM is current: none was entered in this script."""
    flat = [(k, n) for k, c in NONE.items() for n in c]
    got = batch("raises-none", flat, lambda s, at: arrange(s, NONE[at[0]][at[1]]))
    for name, (insn, w) in NONE[key].items():
        check(insn, w, got[key, name])


def test_bitmap_half_in_ram(single):
    """iovmask, clause 4: all of the bitmap; here RAM ends in its middle, and nothing of it is written."""
    s, at = single, RAM_END
    s.fill(at, PAGE, 0)
    s.vmcs(VMCS, vmtrapcfg=TRAP["PREEMPT"])
    s.enter(VMCS)
    s.vmwrite(field("iobitmap"), at)
    a = s.step(ins("iovmask", rs1=10, rs2=11), x10=0x30 << 16, x11=0)
    low = s.peek(at)
    s.go("--ram", f"{(RAM_END - RAM + PAGE) >> 10}K")
    assert (a.trap, a.tval, low.w0) == (EXC["STORE_ACCESS"] + 1, at, 0)


def test_every_clause_has_its_entry():
    assert {(p, n + 1) for p, (_, clauses) in PAGES.items() for n in range(len(clauses))} == \
        {(p, n) for p, clauses in CLAUSES.items() for n in clauses}
    tested = {k for k in {**CURRENT, **NONE} if "before" not in k}
    assert tested == {f"{p}-{n}" for p, clauses in CLAUSES.items() for n in clauses}
