"""The trap filter: every combination of its instruction bits over one guest.

The guest does each operation a few times, in an order of its own for each combination.
A model of a dozen lines says which exits there are, what is counted and what retires.
Manual: chapters "What a guest's instruction does" and "Counters".
"""

from dataclasses import dataclass

import pytest

from xvisa.asm import CSR, EXIT, IRQ, MSR, TRAP, csr_ins, ins, vmexit
from xvisa.script import FREE

CODE, HANDLER, TABLE, VMCS = (FREE + i * 0x10000 for i in range(4))
LAST = 0x7ff
NOWHERE = 0x4000_0000       # a virtual address that the guest's table lacks
SATP = 8 << 60 | TABLE >> 12
BITS = ["IO", "PRIV", "MSR", "CR3", "PF", "BRK", "HALT", "TLB"]


@dataclass(frozen=True)
class Event:
    name: str
    word: int
    bit: str
    cause: str
    faults: bool = False    # the guest's own exception if it does not exit


EVENTS = [
    Event("in", ins("in.b", rd=12, rs1=10), "IO", "IO"),
    Event("out", ins("outi.w", rs2=11, imm=0x4242), "IO", "IO"),
    Event("csr", csr_ins("csrrs", CSR["sscratch"], 12, 11), "PRIV", "PRIVILEGED"),
    Event("illegal", csr_ins("csrrs", CSR["mstatus"], 12, 0), "PRIV", "PRIVILEGED", True),
    Event("rdmsr", ins("rdmsr", rd=12, rs1=13), "MSR", "MSR"),
    Event("wrmsr", ins("wrmsr", rs1=13, rs2=11), "MSR", "MSR"),
    Event("cr3", csr_ins("csrrw", CSR["satp"], 0, 14), "CR3", "CRWRITE"),
    Event("load", ins("ld", rd=12, rs1=15), "PF", "PAGEFAULT", True),
    Event("store", ins("sd", rs1=15, rs2=12), "PF", "PAGEFAULT", True),
    Event("ebreak", ins("ebreak"), "BRK", "BREAKPOINT", True),
    Event("wfi", ins("wfi"), "HALT", "HALT"),
    Event("sfence", ins("sfence.vma"), "TLB", "TLBFLUSH"),
    Event("tlbflushv", ins("tlbflushv.addr", rs1=15), "TLB", "TLBFLUSH"),
    Event("free", ins("add", rd=12, rs1=12, rs2=11), None, None),
    Event("ack", ins("vint_stat", rd=12), None, None),
    Event("time", csr_ins("csrrs", CSR["time"], 12, 0), None, None),
]
# Before an event, x31 is where the handler goes on; the handler counts in x20.
BEFORE = [ins("auipc", rd=31), ins("addi", rd=31, rs1=31, imm=12)]
HANDLE = [ins("addi", rd=20, rs1=20, imm=1), ins("jalr", rs1=31)]


def program(combination, dice):
    events = [e for e in EVENTS for _ in range(dice.randrange(1, 4))]
    dice.shuffle(events)
    return events


def exits(cfg, e):
    return e.bit is not None and bool(cfg & TRAP[e.bit])


def arrange(dice):
    def put(s, cfg):
        events = program(cfg, dice(f"filter {cfg}"))
        code = [w for e in events for w in (*BEFORE, e.word)]
        s.code(CODE, code + [csr_ins("csrrs", CSR["vmcount_exit"], 21, 0),
                             csr_ins("csrrs", CSR["vmcount_emu"], 22, 0), vmexit(LAST)])
        s.code(HANDLER, HANDLE)
        s.fill(TABLE, 4096)
        s.poke(TABLE + 8 * (CODE >> 30), (CODE >> 30 << 28) | 0xcf)     # 1 GiB, R W X A D
        s.vmcs(VMCS, pc=CODE, stvec=HANDLER, gptbr=SATP, vmtrapcfg=cfg, vmctl=1, stimecmp=0,
               sie=1 << IRQ["STI"], x10=0x1234, x11=0x55, x13=MSR["tls"], x14=SATP, x15=NOWHERE)
        before = s.csr_read(CSR["vmcount_exit"]), s.csr_read(CSR["vmcount_emu"])
        s.step(ins("vmenter", rs1=10), x10=VMCS)
        first = s.info()
        rest = s.loop(LAST) if any(exits(cfg, e) for e in events) else None
        after = s.csr_read(CSR["vmcount_exit"]), s.csr_read(CSR["vmcount_emu"])
        f = s.fields("count_exit", "count_emu", "count_instret", "x20", "x21", "x22", "tls", "sscratch")
        return events, before, first, rest, after, f
    return put


@pytest.mark.parametrize("cfg", range(1 << len(BITS)),
                         ids=lambda cfg: "+".join(b for b in BITS if cfg & TRAP[b]) or "none")
def test_combination(cfg, batch, dice):
    """Bit clear: nothing exits and nothing is counted; bit set: every such event exits once (TF-1, TF-2)."""
    events, before, first, rest, after, f = batch("filter", range(1 << len(BITS)), arrange(dice))[cfg]
    want = [EXIT[e.cause] for e in events if exits(cfg, e)] + [EXIT["HYPERCALL"]]
    emulated = len(want) - 1
    # The first exit came from VMENTER, the others from the loop.
    assert [first.cause] + [c for c, _ in rest.exits] == want if rest else [first.cause] == want
    faults = sum(e.faults and not exits(cfg, e) for e in events)
    retired = sum(2 + (0 if exits(cfg, e) else 2 if e.faults else 1) for e in events) + 2
    assert f.count_exit == len(want) and f.count_emu == emulated
    assert after[0].x12 - before[0].x12 == len(want) and after[1].x12 - before[1].x12 == emulated
    assert (f.x21, f.x22) == (emulated, emulated)       # what the guest saw before its last exit
    assert f.x20 == faults
    assert f.count_instret == retired
    assert f.tls == (0 if cfg & TRAP["MSR"] else 0x55)
    assert f.sscratch == (0 if cfg & TRAP["PRIV"] else 0x55)


def test_no_exit_at_all(single):
    """An empty filter: nothing of it exits until the guest itself does."""
    s = single
    body = [w for e in EVENTS for w in (*BEFORE, e.word)]
    s.code(CODE, body + [vmexit(LAST)])
    s.code(HANDLER, HANDLE)
    s.fill(TABLE, 4096)
    s.poke(TABLE + 8 * (CODE >> 30), (CODE >> 30 << 28) | 0xcf)
    s.vmcs(VMCS, pc=CODE, stvec=HANDLER, gptbr=SATP, stimecmp=0, sie=1 << IRQ["STI"], x10=0x1234, x11=0x55,
           x13=MSR["tls"], x14=SATP, x15=NOWHERE)
    e = s.enter(VMCS, "count_exit", "count_emu", "count_instret", "x20", "pc", "scause")
    s.go()
    faults = sum(e.faults for e in EVENTS)
    assert (e.cause, e.qual) == (EXIT["HYPERCALL"], LAST)
    assert (e.count_exit, e.count_emu, e.x20) == (1, 0, faults)
    assert e.count_instret == sum(4 if e.faults else 3 for e in EVENTS)
    assert e.pc == CODE + 4 * len(body)
