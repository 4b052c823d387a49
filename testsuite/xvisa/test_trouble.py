"""Guests in trouble: whatever they do, something defined happens.

Manual: rules TR-7, TF-3, PR-9, EN-8; cause SHUTDOWN.
"""

import pytest

from xvisa.asm import CSR, EXC, EXIT, IRQ, ISA, MASK, TRAP, VMCS as FIELDS, csr_ins, ins, qual, vmexit
from xvisa.nested import A, D, R, SV39, U, V, W, X, Tables
from xvisa.script import FREE, RAM, RAM_END, SCRIPT

CODE, HANDLER, TABLES = FREE, FREE + 0x1000, FREE + 0x100000
VMCS = FREE + 0x20000
ALL = V | R | W | X | A | D
NOP = ins("addi")

# --- SHUTDOWN --------------------------------------------------------------------------

FIRST = {       # what is delivered first: instruction, ring, scause, stval
    "illegal": (csr_ins("csrrs", CSR["mstatus"], 12, 0), 0, EXC["ILLEGAL"], csr_ins("csrrs", CSR["mstatus"], 12, 0)),
    "ebreak": (ins("ebreak"), 0, EXC["BREAKPOINT"], CODE),
    "ecall": (ins("ecall"), 3, EXC["ECALL_U"], 0),
    "load": (ins("ld", rd=12, rs1=10), 0, EXC["LOAD_PAGE"], 0x6_0000_0000),
    "misaligned": (ins("lr.d", rd=12, rs1=11), 0, EXC["LOAD_MISALIGNED"], 0x6_0000_0001),
    "interrupt": (NOP, 3, 1 << 63 | IRQ["SSI"], 0),
}
SECOND = {      # why the handler cannot be fetched: flags of its page, and of the host's
    "invalid": (0, ALL | U), "no-x": (V | R | W | A | D, ALL | U), "user": (ALL | U, ALL | U),
    "no-a": (V | R | X, ALL | U),
    "host": (ALL, 0), "host-no-x": (ALL, V | R | W | A | D | U), "fine": (ALL, ALL | U),
}
STVEC = 0x7_0000_0000


@pytest.mark.parametrize("second", SECOND)
@pytest.mark.parametrize("first", FIRST)
@pytest.mark.parametrize("pf", [0, TRAP["PF"]])
@pytest.mark.parametrize("vectored", [0, 1])
def test_handler_that_cannot_be_fetched(first, second, pf, vectored, batch):
    """TR-7; with PF set PAGEFAULT instead; a host fault is HOSTFAULT, always."""
    def put(s, c):
        f, sec, cfg, vec = c
        word, ring, _, _ = FIRST[f]
        t = Tables(TABLES)
        hptbr, root = t.root(SV39, host=True), t.root(SV39)
        t.map(hptbr, RAM, RAM, 2, ALL | U, host=True)
        t.map(hptbr, 0x1_0000_0000, HANDLER, 0, SECOND[sec][1], host=True)
        t.map(root, RAM, RAM, 2, ALL | (U if ring == 3 else 0))
        t.map(root, STVEC, 0x1_0000_0000, 0, SECOND[sec][0])
        s.fill(TABLES, 0x20000)
        s.memory(t.memory())
        s.step(ins("tlbflushv"))
        s.code(CODE, [word, vmexit(1)])
        s.code(HANDLER, [vmexit(2), vmexit(3)])
        s.vmcs(VMCS, pc=CODE, ring=ring, hptbr=hptbr, gptbr=root, stvec=STVEC | vec, vmtrapcfg=cfg, x10=0x6_0000_0000,
               x11=0x6_0000_0001, sie=1 << IRQ["SSI"], sip=(1 << IRQ["SSI"]) if f == "interrupt" else 0)
        return s.enter(VMCS, "pc", "ring", "scause", "sepc", "stval")
    cases = [(f, x, p, v) for f in FIRST for x in SECOND for p in (0, TRAP["PF"]) for v in (0, 1)]
    e = batch("shutdown", cases, put)[first, second, pf, vectored]
    _, ring, scause, stval = FIRST[first]
    if pf and first == "load":                          # it never becomes an exception
        assert (e.cause, e.addr, e.pc) == (EXIT["PAGEFAULT"], stval, CODE)
        return
    at = STVEC + (4 * IRQ["SSI"] if vectored and first == "interrupt" else 0)
    assert (e.scause, e.stval, e.sepc, e.ring) == (scause, stval, CODE, 0)      # as the first delivery left it
    if second == "fine":
        assert (e.cause, e.qual) == (EXIT["HYPERCALL"], 3 if at != STVEC else 2)
        return
    assert (e.pc, e.addr) == (at, at)
    assert (e.insn, e.len, e.val) == (0, 0, 0)
    if second.startswith("host"):
        assert (e.cause, e.qual, e.gpa) == (EXIT["HOSTFAULT"], qual("HOSTFAULT", access=0), 0x1_0000_0000 + at - STVEC)
    elif pf:
        assert (e.cause, e.qual) == (EXIT["PAGEFAULT"], qual("PAGEFAULT", access=0, exception=EXC["INSN_PAGE"]))
    else:
        assert (e.cause, e.qual, e.gpa) == (EXIT["SHUTDOWN"], qual("SHUTDOWN", exception=EXC["INSN_PAGE"]), 0)


RAISING = {"illegal": csr_ins("csrrs", CSR["mstatus"], 12, 0), "ebreak": ins("ebreak"), "undefined": 0xffffffff,
           "misaligned": ins("lr.w", rs1=11)}


@pytest.mark.parametrize("word", RAISING.values(), ids=RAISING)
def test_handler_whose_first_instruction_raises(word, single):
    """It would be delivered to itself for ever with nothing retired: SHUTDOWN too (its row in cause.isa)."""
    s = single
    s.code(CODE, [ins("ebreak")])
    s.code(HANDLER, [word])
    s.vmcs(VMCS, pc=CODE, stvec=HANDLER, x11=CODE + 1)
    e = s.enter(VMCS, "pc", "sepc", "scause", "count_instret")
    s.go()
    assert (e.cause, e.pc, e.sepc, e.scause) == (EXIT["SHUTDOWN"], HANDLER, CODE, EXC["BREAKPOINT"])
    assert (e.insn, e.len, e.count_instret) == (0, 0, 0)


def test_exception_in_the_first_instruction_of_an_interrupt_handler(single):
    """The vector of an interrupt is not that of exceptions: this one can be delivered."""
    s = single
    s.code(CODE, [NOP])
    s.code(HANDLER, [vmexit(2), ins("ebreak"), vmexit(3)])
    s.vmcs(VMCS, pc=CODE, stvec=HANDLER | 1, sstatus=2, sie=2, sip=2)
    e = s.enter(VMCS, "sepc", "scause")
    s.go()
    assert (e.cause, e.qual, e.sepc, e.scause) == (EXIT["HYPERCALL"], 2, HANDLER + 4, EXC["BREAKPOINT"])


def test_shutdown_can_be_resumed(single):
    """After SHUTDOWN the hypervisor may repair the guest: here, its stvec's page."""
    s, t = single, Tables(TABLES)
    root = t.root(SV39)
    t.map(root, RAM, RAM, 2, ALL)
    leaf = t.map(root, STVEC, HANDLER, 0, 0)[0]
    s.memory(t.memory())
    s.code(CODE, [ins("ebreak")])
    s.code(HANDLER, [vmexit(2)])
    s.vmcs(VMCS, pc=CODE, gptbr=root, stvec=STVEC)
    first = s.enter(VMCS)
    s.poke(leaf, HANDLER >> 12 << 10 | ALL)
    second = s.resume("scause", "count_emu", adv=True)
    s.go()
    assert first.cause == EXIT["SHUTDOWN"]
    assert (second.cause, second.qual, second.scause, second.count_emu) == (EXIT["HYPERCALL"], 2, EXC["BREAKPOINT"], 0)


# --- Jumps and accesses to nowhere -----------------------------------------------------

NOWHERE = [0, 2, 0x1000, 0x10000000, 0x100000, RAM - 2, RAM_END, RAM_END + 0x1000, 1 << 40, 1 << 55, 1 << 56,
           1 << 63, MASK - 1, MASK - 0xfff]


@pytest.mark.parametrize("at", NOWHERE, ids=hex)
def test_jump_to_nowhere(at, batch):
    """No translation: a host fault of the fetch, with the address; devices cannot be fetched from."""
    def put(s, a):
        s.code(CODE, [ins("jalr", rs1=10)])
        s.vmcs(VMCS, pc=CODE, x10=a)
        return s.enter(VMCS, "pc")
    e = batch("jump", NOWHERE, put)[at]
    assert (e.cause, e.qual) == (EXIT["HOSTFAULT"], qual("HOSTFAULT", access=0, denied=1))
    assert (e.addr, e.gpa, e.pc, e.insn, e.len) == (at, at, at, 0, 0)


HOLES = [0, 0x1000, RAM - 8, RAM_END, 1 << 40, 1 << 56, 1 << 63, MASK - 7]


@pytest.mark.parametrize("at", HOLES, ids=hex)
@pytest.mark.parametrize("insn", ["ld", "sd", "amoadd.d", "lr.d"])
def test_access_to_nowhere(insn, at, batch):
    def put(s, c):
        n, a = c
        has = {"ld": dict(rd=12), "sd": dict(rs2=11), "amoadd.d": dict(rd=12, rs2=11), "lr.d": dict(rd=12)}[n]
        s.code(CODE, [ins(n, rs1=10, **has)])
        s.vmcs(VMCS, pc=CODE, x10=a, x11=0x1234)
        return s.enter(VMCS)
    e = batch("holes", [(n, a) for n in ("ld", "sd", "amoadd.d", "lr.d") for a in HOLES], put)[insn, at]
    store, atomic = insn in ("sd", "amoadd.d"), insn in ("amoadd.d", "lr.d")
    told = qual("HOSTFAULT", access=2 if store else 1, denied=1, width=3, reg=11 if store else 12, atomic=int(atomic))
    assert (e.cause, e.qual, e.addr, e.gpa) == (EXIT["HOSTFAULT"], told, at, at)
    assert e.val == (0x1234 if store else 0)


@pytest.mark.parametrize("insn, code", [("lr.w", "LOAD"), ("sc.w", "STORE"), ("amoadd.w", "STORE"),
                                        ("amoswap.d", "STORE")])
@pytest.mark.parametrize("cfg", [0, MASK & sum(1 << b for b in range(8))])
def test_misaligned_atomics(insn, code, cfg, single):
    """GI-13: to the guest's Ring 0, whatever the filter holds, and before anything is translated."""
    s = single
    s.code(CODE, [ins(insn, rs1=10, rd=12)])
    s.code(HANDLER, [vmexit(2)])
    s.vmcs(VMCS, pc=CODE, stvec=HANDLER, vmtrapcfg=cfg, x10=0x5001)
    e = s.enter(VMCS, "scause", "stval")
    s.go()
    assert (e.cause, e.qual, e.scause, e.stval) == (EXIT["HYPERCALL"], 2, EXC[f"{code}_MISALIGNED"], 0x5001)


# --- Wild VMCS pages and wild code -----------------------------------------------------

WILD = range(400)
PLAIN = ["ebreak", "ecall", "wfi", "sret", "sfence.vma", "vint_stat"]
OPCODES = [0x73, 0x0b, 0x5b, 0x2b, 0x03, 0x23, 0x13]     # SYSTEM, custom, loads, stores, arithmetic
CAUSES = {c.code for c in ISA.causes}


def wild_fields(dice):
    """Fields at random, mostly of values that an entry lets through."""
    fields = {}
    for row in FIELDS.values():
        for i in range(row.n):
            name = row.name + (str(i) if row.n > 1 else "")
            if row.name in ("revision", "owner") or dice.random() < 0.3:
                continue
            fields[name] = dice.getrandbits(dice.choice([4, 12, 32, 64]))
    # PREEMPT ends loops, HALT what would wait for ever.
    good = dict(vmtrapcfg=dice.getrandbits(8) | TRAP["PREEMPT"] | TRAP["HALT"], vmctl=dice.getrandbits(1), iobitmap=0,
                preempt=200, hptbr=dice.choice([0, 8 << 60 | TABLES >> 12]) | dice.getrandbits(14) << 44,
                ring=dice.choice([0, 3]),
                gptbr=dice.choice([0, 8, 9]) << 60 | dice.choice([0, dice.getrandbits(44), TABLES >> 12]),
                pc=dice.choice([CODE, CODE + 2, dice.getrandbits(64) & ~1]), vic_threshold=dice.randrange(16),
                vic_depth=dice.randrange(16))
    good.update({f"iov_flags{i}": 0 for i in range(8)})
    for name, value in good.items():
        if name in ("vmtrapcfg", "preempt") or dice.random() < 0.97:
            fields[name] = value
    return fields


@pytest.mark.parametrize("n", range(0, len(WILD), 20))
def test_wild_vmcs(n, batch, dice):
    """Random pages and random code: each entry comes back, with a cause of the table and a consistent story."""
    def put(s, k):
        d = dice(f"wild {k}")
        s.fill(TABLES, 0x4000)
        t = Tables(TABLES)
        root = t.root(SV39, host=True)
        t.map(root, RAM, RAM, 2, ALL | U, host=True)
        s.memory(t.memory())
        s.step(ins("tlbflushv"))
        words = [d.choice([d.getrandbits(32), ins(d.choice(PLAIN)), d.getrandbits(25) << 7 | d.choice(OPCODES)])
                 for _ in range(32)]
        # The guest can write all of memory through bare tables: its stores must not reach the runner.
        words = [NOP if w & 0x7f in (0x23, 0x2f) or w & 3 != 3 else w for w in words]
        s.code(CODE, words + [ins("jal", imm=-128)])
        s.csr(CSR["pmpaddr0"], RAM >> 2 | (FREE - RAM >> 3) - 1)        # NAPOT: the runner
        s.csr(CSR["pmpaddr1"], SCRIPT >> 2)
        s.csr(CSR["pmpaddr2"], RAM_END >> 2)                            # TOR: the script
        s.csr(CSR["pmpaddr3"], MASK >> 10)
        s.csr(CSR["pmpcfg0"], 0x1f080018)
        s.vmcs(VMCS, **wild_fields(d))
        e = s.enter(VMCS, "count_exit", "count_instret", "exit_cause", "preempt")
        s.csr(CSR["pmpcfg0"], 0)
        return e
    got = batch("wild", WILD, put)
    for k in range(n, n + 20):
        e = got[k]
        assert e.trap == 0 and e.cause in CAUSES - {EXIT["TLBMISS"]}, k
        if e.cause == EXIT["ENTRYFAIL"]:
            assert e.qual < 512 and (e.insn, e.len, e.gpa, e.val) == (0, 0, 0, 0), k
            continue
        assert e.exit_cause == e.cause and e.len in (0, 2, 4), k
        assert e.len == 0 or e.insn >> 8 * e.len == 0, k
        assert e.qual & ~known_bits(e.cause) == 0, k


def known_bits(cause):
    name = next(c.name for c in ISA.causes if c.code == cause)
    return sum((1 << q.hi - q.lo + 1) - 1 << q.lo for q in ISA.vmqual if q.cause == name)


def test_wild_pages_are_entered_mostly(dice):
    """The pages above are not all refused."""
    def refused(f):
        return f.get("vmtrapcfg", 0) & ~0x5ff or f.get("ring", 0) not in (0, 3) or \
            f.get("gptbr", 0) >> 60 not in (0, 8, 9)
    assert sum(not refused(wild_fields(dice(f"wild {k}"))) for k in WILD) > len(WILD) // 2

