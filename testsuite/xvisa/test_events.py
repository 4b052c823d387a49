"""Interrupts of the host, timers, the preemption timer, and the order of everything.

Manual: chapters "Traps and the order of events", "Time and timers", "Counters".
"""

import itertools

import pytest

from xvisa.asm import CSR, EXC, EXIT, IRQ, MASK, MSR, TRAP, csr_ins, field, ins, qual, vmexit
from xvisa.nested import A, D, R, SV39, U, V, W, X, Tables
from xvisa.script import FREE, M, RAM

CODE, HANDLER, LOG, TABLES = FREE, FREE + 0x1000, FREE + 0x2000, FREE + 0x100000
VMCS, OTHER = FREE + 0x20000, FREE + 0x21000
MSIP, MTIMECMP = 0x0200_0000, 0x0200_4000
ALL = V | R | W | X | A | D
SIE, STCE = 2, 1 << 63
NOP, SPIN = ins("addi"), ins("jal", imm=0)


def quiet(s):
    """No interrupt of the host pending, enabled or delegated."""
    for name in ("mie", "mideleg", "mip", "menvcfg"):
        s.csr(CSR[name], 0)
    s.poke32(MSIP, 0)
    s.poke(MTIMECMP, MASK)


def raise_irqs(s, pending):
    if "MSI" in pending:
        s.poke32(MSIP, 1)
    if "MTI" in pending:
        s.poke(MTIMECMP, 0)
    s.csr(CSR["mip"], sum(1 << IRQ[n] for n in pending if n in ("SSI", "STI", "SEI")))


ORDER = ["MSI", "MTI", "SEI", "SSI", "STI"]             # TR-12, but for MEI (below)
SUBSETS = [frozenset(c) for n in range(6) for c in itertools.combinations(ORDER, n)]
DELEGATED = [frozenset(), frozenset({"SEI", "SSI", "STI"}), frozenset({"SSI"}), frozenset({"SEI", "STI"})]


def names(irqs):
    return "+".join(sorted(irqs)) or "none"


HOST_IRQS = {f"{names(p)}-delegated-{names(d)}-{'all' if e else 'mie0'}": (p, d, e)
             for p in SUBSETS for d in DELEGATED for e in (True, False)}


@pytest.mark.parametrize("key", HOST_IRQS)
def test_host_interrupt(key, batch):
    """Enabled, not delegated: exits before the first instruction, whatever the guest and mstatus.MIE say."""
    def put(s, k):
        pending, delegated, enabled = HOST_IRQS[k]
        quiet(s)
        raise_irqs(s, pending)
        s.csr(CSR["mideleg"], sum(1 << IRQ[n] for n in delegated))
        s.csr(CSR["mie"], 0xaaa if enabled else 0)
        s.code(CODE, [NOP, vmexit(1)])
        s.vmcs(VMCS, pc=CODE, vmtrapcfg=TRAP["INTWIN"] | TRAP["PREEMPT"], preempt=5, stimecmp=MASK)
        e = s.enter(VMCS, "pc", "count_exit", "count_instret")
        mip = s.csr_read(CSR["mip"])
        quiet(s)
        return e, mip
    e, mip = batch("host-irqs", HOST_IRQS, put)[key]
    pending, delegated, enabled = HOST_IRQS[key]
    due = [n for n in ORDER if n in pending - delegated] if enabled else []
    if due:
        timer = due[0] in ("MTI", "STI")
        cause = "TIMER" if timer else "EXTERNAL"
        assert (e.cause, e.qual, e.pc) == (EXIT[cause], qual(cause, irq=IRQ[due[0]]), CODE)
        assert (e.insn, e.len, e.addr, e.gpa, e.val, e.count_instret) == (0, 0, 0, 0, 0, 0)
        assert mip.x12 >> IRQ[due[0]] & 1               # EX-6: it is still pending
    else:
        assert (e.cause, e.qual) == (EXIT["HYPERCALL"], 1)
    assert e.count_exit == 1


def test_external_interrupt_of_a_device(single):
    """The UART's interrupt through the PLIC to Ring -1: MEI before everything else."""
    s = single
    s.poke32(0x0c00_0000 + 4 * 10, 1)                   # priority of source 10
    s.poke32(0x0c00_2000, 1 << 10)                      # enabled for Ring -1 of hart 0
    s.poke32(0x0c20_0000, 0)
    s.step(ins("sb", rs1=10, rs2=11), x10=0x1000_0001, x11=2)   # the transmitter is empty
    raise_irqs(s, {"MSI", "MTI", "SEI", "SSI", "STI"})
    s.csr(CSR["mie"], 0xaaa)
    s.code(CODE, [vmexit(1)])
    s.vmcs(VMCS, pc=CODE)
    e = s.enter(VMCS)
    s.step(ins("sb", rs1=10), x10=0x1000_0001)
    quiet(s)
    s.go()
    assert (e.cause, e.qual) == (EXIT["EXTERNAL"], qual("EXTERNAL", irq=IRQ["MEI"]))


# --- The order of simultaneous events --------------------------------------------------

EVENTS = ["host", "preempt", "window", "guest", "fetch", "class", "access"]
TOGETHER = {"+".join(c) or "none": frozenset(c) for n in range(8) for c in itertools.combinations(EVENTS, n)}


@pytest.mark.parametrize("key", TOGETHER)
def test_order(key, batch):
    """EV-1: of every set of events the first happens, and nothing behind it."""
    def put(s, k):
        events = TOGETHER[k]
        quiet(s)
        if "host" in events:
            raise_irqs(s, {"MTI"})
            s.csr(CSR["mie"], 0xaaa)
        t = Tables(TABLES)
        root = t.root(SV39)
        t.map(root, RAM, RAM, 2, ALL)
        s.fill(TABLES, 0x4000)
        s.memory(t.memory())
        word = csr_ins("csrrs", CSR["mstatus"], 12, 0) if "class" in events else \
            ins("ld", rd=12, rs1=10) if "access" in events else NOP
        s.code(CODE, [word, vmexit(1)])
        s.code(HANDLER, [vmexit(2)])
        cfg = sum(TRAP[b] for b, n in (("PREEMPT", "preempt"), ("INTWIN", "window"), ("PRIV", "class")) if n in events)
        s.vmcs(VMCS, pc=0x5_0000_0000 if "fetch" in events else CODE, vmtrapcfg=cfg | TRAP["PF"], gptbr=root,
               stvec=HANDLER, sstatus=SIE, sie=0x200, x10=0x6_0000_0000, vic_enable0=2, vic_priority0=0x10,
               vic_pending0=2 if "guest" in events else 0)
        e = s.enter(VMCS, "count_instret")
        quiet(s)
        return e
    e = batch("order", TOGETHER, put)[key]
    first = next((n for n in EVENTS if n in TOGETHER[key]), None)
    want = {"host": (EXIT["TIMER"], qual("TIMER", irq=IRQ["MTI"])), "preempt": (EXIT["PREEMPT"], 0),
            "window": (EXIT["INTWINDOW"], qual("INTWINDOW", pending=int("guest" in TOGETHER[key]))),
            "guest": (EXIT["HYPERCALL"], 2),
            "fetch": (EXIT["PAGEFAULT"], qual("PAGEFAULT", access=0, exception=EXC["INSN_PAGE"])),
            "class": (EXIT["PRIVILEGED"], qual("PRIVILEGED", rd=12, csr=CSR["mstatus"], **{"class": 1})),
            "access": (EXIT["PAGEFAULT"], qual("PAGEFAULT", access=1, exception=EXC["LOAD_PAGE"])),
            None: (EXIT["HYPERCALL"], 1)}[first]
    assert (e.cause, e.qual) == want
    assert e.count_instret == (1 if first is None else 0)


# --- Preemption ------------------------------------------------------------------------


@pytest.mark.parametrize("n", [0, 1, 2, 3, 7, 8, 9, 50, 1000, 4097])
def test_preemption_is_exact(n, batch):
    """TF-4: a guest that is entered with n retires at most n instructions."""
    def put(s, count):
        s.code(CODE, [ins("addi", rd=5, rs1=5, imm=1), ins("jal", imm=-4)])
        s.vmcs(VMCS, pc=CODE, vmtrapcfg=TRAP["PREEMPT"], preempt=count)
        first = s.enter(VMCS, "x5", "pc", "preempt", "count_instret")
        s.vmwrite(field("preempt"), 5)
        return first, s.resume("x5", "pc", "preempt", "count_instret")
    first, second = batch("preempt", [0, 1, 2, 3, 7, 8, 9, 50, 1000, 4097], put)[n]
    for e, retired in ((first, n), (second, n + 5)):
        assert (e.cause, e.qual, e.insn, e.len) == (EXIT["PREEMPT"], 0, 0, 0)
        assert (e.count_instret, e.preempt) == (retired, 0)
        assert (e.x5, e.pc) == ((retired + 1) // 2, CODE + 4 * (retired % 2))


@pytest.mark.parametrize("cfg", [0, TRAP["PREEMPT"]])
def test_preemption_counts_what_retires(cfg, batch):
    """An instruction that exits or traps does not count; with the bit clear nothing does."""
    def put(s, c):
        s.code(CODE, [NOP, NOP, ins("ebreak"), vmexit(1)])
        s.code(HANDLER, [csr_ins("csrrs", CSR["sepc"], 5, 0), ins("addi", rd=5, rs1=5, imm=4),
                         csr_ins("csrrw", CSR["sepc"], 0, 5), ins("sret")])
        s.vmcs(VMCS, pc=CODE, stvec=HANDLER, vmtrapcfg=c, preempt=100)
        return s.enter(VMCS, "preempt", "count_instret"), s.resume("preempt", "count_instret", adv=False)
    first, second = batch("preempt-retired", [0, TRAP["PREEMPT"]], put)[cfg]
    assert first.cause == second.cause == EXIT["HYPERCALL"]
    assert first.count_instret == second.count_instret == 6
    assert first.preempt == second.preempt == (94 if cfg else 100)


def test_preemption_beats_a_loop_of_faults(single):
    """A handler that retires an instruction and faults again is ended by the timer."""
    s = single
    s.code(CODE, [ins("ebreak")])
    s.code(HANDLER, [NOP, ins("ebreak")])
    s.vmcs(VMCS, pc=CODE, stvec=HANDLER, vmtrapcfg=TRAP["PREEMPT"], preempt=1000)
    e = s.enter(VMCS, "count_instret", "scause", "sepc")
    s.go()
    assert (e.cause, e.count_instret, e.scause, e.sepc) == (EXIT["PREEMPT"], 1000, EXC["BREAKPOINT"], HANDLER + 4)


# --- Time ------------------------------------------------------------------------------

OFFSETS = [0, 1, 1000, 1 << 40, 1 << 63, MASK, MASK - 5]


@pytest.mark.parametrize("offset", OFFSETS, ids=hex)
def test_guest_time(offset, batch):
    """TM-4: time + timeoffset, modulo 2^64, between the host's readings before and after."""
    def put(s, o):
        s.code(CODE, [csr_ins("csrrs", CSR["time"], 12, 0), csr_ins("csrrs", CSR["cycle"], 13, 0),
                      csr_ins("csrrs", CSR["instret"], 14, 0), ins("rdmsr", rd=15, rs1=10), vmexit(1)])
        s.vmcs(VMCS, pc=CODE, timeoffset=o, x10=MSR["tsc"])
        counters = ("time", "cycle", "instret")
        before = [s.csr_read(CSR[n]) for n in counters]
        e = s.enter(VMCS, "x12", "x13", "x14", "x15")
        return before, e, [s.csr_read(CSR[n]) for n in counters]
    before, e, after = batch("guest-time", OFFSETS, put)[offset]
    assert before[0].x12 <= e.x12 - offset & MASK <= after[0].x12
    assert before[1].x12 < e.x13 < after[1].x12
    assert before[2].x12 < e.x14 < after[2].x12
    assert e.x15 == e.x13 + 2                           # two instructions later; the MSR is the same counter


DISTANCES = [-5, -1, 0, 1, 3, 10]


@pytest.mark.parametrize("distance", DISTANCES)
@pytest.mark.parametrize("offset", [0, 1 << 63, MASK - 30], ids=hex)
def test_guest_timer_is_pending(distance, offset, batch):
    """TM-4: STIP is 1 exactly while the guest's time is at least stimecmp, unsigned."""
    def put(s, c):
        d, o = c
        s.csr(CSR["menvcfg"], 0)
        s.csr(CSR["mcounteren"], 0)                     # the host's settings play no role
        # time, sip, time: forty times, with ten instructions between.
        body = [csr_ins("csrrs", CSR["time"], 12, 0), csr_ins("csrrs", CSR["sip"], 13, 0),
                csr_ins("csrrs", CSR["time"], 14, 0), ins("sd", rs1=30, rs2=12), ins("sd", rs1=30, rs2=13, imm=8),
                ins("sd", rs1=30, rs2=14, imm=16), ins("addi", rd=30, rs1=30, imm=24), *[NOP] * 20]
        start = [csr_ins("csrrs", CSR["time"], 12, 0), ins("addi", rd=12, rs1=12, imm=d),
                 csr_ins("csrrw", CSR["stimecmp"], 0, 12)]
        s.code(CODE, start + body * 40 + [vmexit(1)])
        s.vmcs(VMCS, pc=CODE, timeoffset=o, x30=LOG, stimecmp=MASK)
        return s.enter(VMCS, "stimecmp"), s.peek(LOG, 120)
    cases = [(d, o) for d in DISTANCES for o in (0, 1 << 63, MASK - 30)]
    e, log = batch("guest-stip", cases, put)[distance, offset]
    seen = set()
    for i in range(0, 120, 3):
        before, sip, after = (log[f"w{i + j}"] for j in range(3))
        if (before >= e.stimecmp) == (after >= e.stimecmp):
            assert sip == (1 << IRQ["STI"] if before >= e.stimecmp else 0), (hex(before), hex(e.stimecmp))
            seen.add(sip)
    if distance == 3 and offset == 0:
        assert len(seen) == 2                           # it came while the guest looked


def test_guest_timer_falls_where_time_goes_round(single):
    """TM-4: nothing is written, and STIP is 0 behind the wrap; it wakes nobody, and rises at stimecmp again."""
    s = single
    here = [csr_ins("csrrs", CSR["time"], 12, 0), ins("blt", rs1=12, rs2=0, imm=-4)]     # until time is not below 0
    s.code(CODE, [ins("wfi"), csr_ins("csrrs", CSR["time"], 5, 0), csr_ins("csrrs", CSR["sip"], 6, 0),
                  csr_ins("csrrw", CSR["stimecmp"], 0, 11), csr_ins("csrrs", CSR["sip"], 7, 0),
                  *here, csr_ins("csrrs", CSR["sip"], 8, 0), csr_ins("csrrsi", CSR["sstatus"], 0, SIE), NOP,
                  csr_ins("csrrci", CSR["sstatus"], 0, SIE), ins("wfi"), csr_ins("csrrs", CSR["time"], 13, 0),
                  csr_ins("csrrs", CSR["sip"], 14, 0), vmexit(1)])
    s.code(HANDLER, [vmexit(2)])
    s.vmcs(VMCS, pc=CODE, stvec=HANDLER, sie=1 << IRQ["STI"], timeoffset=-1 << 40 & MASK, stimecmp=-8 & MASK, x11=40)
    e = s.enter(VMCS, "x5", "x6", "x7", "x8", "x12", "x13", "x14")
    s.go()
    stip = 1 << IRQ["STI"]
    assert (e.cause, e.qual) == (EXIT["HYPERCALL"], 1)
    assert e.x5 in (-8 & MASK, -7 & MASK) and (e.x6, e.x7) == (stip, stip)
    assert (e.x12, e.x8) == (0, 0)
    assert e.x13 in (40, 41) and e.x14 == stip


def test_guest_timer_interrupts(single):
    """The guest's own timer is delivered with no exit, while it runs and while it waits in wfi."""
    s = single
    set_timer = [csr_ins("csrrs", CSR["time"], 12, 0), ins("addi", rd=12, rs1=12, imm=20),
                 csr_ins("csrrw", CSR["stimecmp"], 0, 12)]
    s.code(CODE, set_timer + [ins("wfi"), ins("addi", rd=6, rs1=6, imm=1)] +
           set_timer + [SPIN])
    s.code(HANDLER, [ins("addi", rd=7, rs1=7, imm=1), csr_ins("csrrs", CSR["time"], 13, 0),
                     ins("sub", rd=8, rs1=13, rs2=12), csr_ins("csrrs", CSR["scause"], 14, 0),
                     csr_ins("csrrs", CSR["sepc"], 15, 0),
                     csr_ins("csrrw", CSR["stimecmp"], 0, 9), ins("addi", rd=16, imm=2),
                     ins("beq", rs1=7, rs2=16, imm=8), ins("sret"), vmexit(3)])
    s.vmcs(VMCS, pc=CODE, stvec=HANDLER, sstatus=SIE, sie=1 << IRQ["STI"], stimecmp=MASK, x9=MASK)
    e = s.enter(VMCS, "x6", "x7", "x8", "x14", "x15", "count_exit")
    s.go()
    assert (e.cause, e.qual, e.count_exit) == (EXIT["HYPERCALL"], 3, 1)
    assert (e.x6, e.x7, e.x14) == (1, 2, 1 << 63 | IRQ["STI"])
    assert e.x8 in (0, 1)                               # at once: within a tick of `time`
    assert e.x15 == CODE + 4 * 8


@pytest.mark.parametrize("how", ["mtimecmp", "stimecmp"])
@pytest.mark.parametrize("what", ["spin", "wfi"])
@pytest.mark.parametrize("ring", [0, 3])
def test_host_timer_while_the_guest_runs(how, what, ring, batch):
    """TM-6, TM-8: the guest exits when the host's timer is due; after a wfi with pc behind it."""
    def put(s, c):
        h, w, r = c
        quiet(s)
        if h == "stimecmp":
            s.csr(CSR["menvcfg"], STCE)
        code = [NOP, ins("wfi") if w == "wfi" else SPIN, SPIN]
        s.code(CODE, code)
        s.vmcs(VMCS, pc=CODE, ring=r, stimecmp=MASK)
        s.step(ins("csrrw", csr=CSR["stimecmp"], rs1=10), x10=MASK)
        s.csr(CSR["mie"], 1 << IRQ["MTI"] | 1 << IRQ["STI"])
        # A stretch of Ring -1: timer = time + 50, then enter.
        hyper = FREE + 0x4000
        arm = [ins("sd", rs1=11, rs2=12)] if h == "mtimecmp" else [csr_ins("csrrw", CSR["stimecmp"], 0, 12)]
        s.code(hyper, [csr_ins("csrrs", CSR["time"], 12, 0), ins("addi", rd=12, rs1=12, imm=50), *arm,
                       ins("vmenter", rs1=10), csr_ins("csrrs", CSR["time"], 13, 0), ins("ebreak")])
        run = s.run(hyper, M, out=(12, 13), x10=VMCS, x11=MTIMECMP)
        info, f = s.info(), s.fields("pc", "count_exit")
        quiet(s)
        return run, info, f
    cases = [(h, w, r) for h in ("mtimecmp", "stimecmp") for w in ("spin", "wfi") for r in (0, 3)]
    run, info, f = batch("host-timer", cases, put)[how, what, ring]
    if what == "wfi" and ring == 3:                     # illegal there: to a handler at address 0, which is not there
        assert info.cause == EXIT["HOSTFAULT"]
        return
    irq = IRQ["MTI" if how == "mtimecmp" else "STI"]
    assert (info.cause, info.qual) == (EXIT["TIMER"], qual("TIMER", irq=irq))
    assert run.x13 - run.x12 in (0, 1)
    assert f.pc == (CODE + 8 if what == "wfi" else CODE + 4)
    assert f.count_exit == 1


def test_interrupt_is_taken_after_the_exit(single):
    """EX-6: with mstatus.MIE set, the interrupt that made the guest exit is a trap before the next instruction."""
    s, hyper = single, FREE + 0x4000
    quiet(s)
    s.code(CODE, [SPIN])
    s.vmcs(VMCS, pc=CODE)
    s.csr(CSR["mie"], 1 << IRQ["MTI"])
    s.code(hyper, [csr_ins("csrrs", CSR["time"], 12, 0), ins("addi", rd=12, rs1=12, imm=50), ins("sd", rs1=11, rs2=12),
                   csr_ins("csrrsi", CSR["mstatus"], 0, 8), ins("vmenter", rs1=10), ins("addi", rd=13, imm=1),
                   ins("ebreak")])
    run = s.run(hyper, M, out=(13,), x10=VMCS, x11=MTIMECMP, x13=0)
    info = s.info()
    quiet(s)
    s.go()
    assert (info.cause, run.cause, run.epc, run.x13) == (EXIT["TIMER"], 1 << 63 | IRQ["MTI"], hyper + 20, 0)


def test_wfi_wakes_and_goes_on(single):
    """TM-7: an interrupt that is pending and enabled in sie ends wfi, with SIE clear too; the preemption timer
    stands still while it waits (TM-10)."""
    s = single
    s.code(CODE, [csr_ins("csrrs", CSR["time"], 12, 0), ins("addi", rd=12, rs1=12, imm=100),
                  csr_ins("csrrw", CSR["stimecmp"], 0, 12), ins("wfi"), csr_ins("csrrs", CSR["time"], 13, 0),
                  vmexit(1)])
    s.vmcs(VMCS, pc=CODE, sie=1 << IRQ["STI"], stimecmp=MASK, vmtrapcfg=TRAP["PREEMPT"], preempt=20)
    e = s.enter(VMCS, "x12", "x13", "preempt", "count_instret")
    s.go()
    assert (e.cause, e.qual) == (EXIT["HYPERCALL"], 1)
    assert e.x13 - e.x12 in (0, 1)
    assert (e.count_instret, e.preempt) == (5, 15)


# --- Counters --------------------------------------------------------------------------


def test_counters_are_per_vm(single, dice):
    """CN-1 to CN-6: two VMs in turn, with and without advance; the totals are the sums."""
    s, d = single, dice("counters")
    totals = ("vmcount_exit", "vmcount_emu", "vmcount_tlbmiss")
    before = [s.csr_read(CSR[n]) for n in totals]
    exits, emu, retired = {VMCS: 0, OTHER: 0}, {VMCS: 0, OTHER: 0}, {VMCS: 0, OTHER: 0}
    s.code(CODE, [NOP, vmexit(1)] * 64)
    for vm in exits:
        s.vmcs(vm, pc=CODE)
    answers = []
    at = dict.fromkeys(exits, CODE)
    for _ in range(60):
        vm = d.choice(list(exits))
        s.step(ins("vmload", rs1=10), x10=vm)
        adv = d.random() < 0.5
        # VMENTER makes it current; it stands on a VMEXIT (or at its start) and exits again at once.
        retired[vm] += (at[vm] - CODE) // 4 % 2 == 0
        at[vm] += 4 if (at[vm] - CODE) // 4 % 2 == 0 else 0
        s.step(ins("vmenter", rs1=10), x10=vm)
        exits[vm] += 1
        e = s.resume("count_exit", "count_emu", "count_instret", "pc", adv=adv)
        exits[vm] += 1
        if adv:
            emu[vm] += 1
            retired[vm] += 1
            at[vm] += 8
        answers.append((vm, exits[vm], emu[vm], retired[vm], at[vm], e))
        if at[vm] > CODE + 4 * 120:
            break
    s.step(ins("vmenter", rs1=10), x10=VMCS + 8)        # an entry failure is no exit
    after = [s.csr_read(CSR[n]) for n in totals]
    s.go()
    for vm, x, m, r, pc, e in answers:
        assert (e.count_exit, e.count_emu, e.count_instret, e.pc) == (x, m, r, pc)
    assert [b.x12 - a.x12 for a, b in zip(before, after)] == [sum(exits.values()), sum(emu.values()), 0]


def test_statistics_agree(single):
    """What visa-sim reports as statistics is what the CSRs count."""
    s, t = single, Tables(TABLES)
    root = t.root(SV39)
    t.map(root, RAM, RAM, 2, ALL | U)
    s.memory(t.memory())
    s.code(CODE, [ins("ebreak"), vmexit(1)])
    s.vmcs(VMCS, pc=CODE, ring=3, gptbr=root, vmtrapcfg=TRAP["BRK"])
    s.enter(VMCS)
    s.resume(adv=True)
    after = [s.csr_read(CSR[n]) for n in ("vmcount_exit", "vmcount_emu", "vmcount_tlbmiss")]
    r = s.go()
    assert [a.x12 for a in after] == [2, 1, 1]
    assert [r.stats[k] for k in ("exits", "emu", "tlbmiss")] == [2, 1, 1]


def test_msr_words(single):
    """The MSRs tls and tsc_aux: one pair for the host and one for each VM (ST-6)."""
    s = single
    s.code(CODE, [ins("rdmsr", rd=12, rs1=10), ins("wrmsr", rs1=10, rs2=11), ins("rdmsr", rd=13, rs1=10),
                  ins("rdmsr", rd=14, rs1=15), vmexit(1)])
    s.step(ins("wrmsr", rs1=10, rs2=11), x10=MSR["tls"], x11=1)
    for vm, value in ((VMCS, 2), (OTHER, 3)):
        s.vmcs(vm, pc=CODE, tls=10 * value, tsc_aux=100 * value, x10=MSR["tls"], x11=value, x15=MSR["tsc_aux"])
    e = [s.enter(vm, "x12", "x13", "x14", "tls", "tsc_aux") for vm in (VMCS, OTHER)]
    host = s.step(ins("rdmsr", rd=12, rs1=10), x10=MSR["tls"])
    s.go()
    assert [(a.x12, a.x13, a.x14, a.tls, a.tsc_aux) for a in e] == [(20, 2, 200, 2, 200), (30, 3, 300, 3, 300)]
    assert host.x12 == 1


@pytest.mark.parametrize("ring", [0, 3])
def test_host_settings_play_no_role(ring, single):
    """GI-7: TVM, TW, TSR, mcounteren, menvcfg and medeleg of the host do not reach a guest."""
    s = single
    s.csr(CSR["mcounteren"], 0)
    s.csr(CSR["menvcfg"], 0)
    s.csr(CSR["medeleg"], MASK)
    s.step(ins("csrrs", csr=CSR["mstatus"], rs1=10), x10=7 << 20)
    if ring == 0:
        code = [csr_ins("csrrs", CSR["satp"], 12, 0), csr_ins("csrrw", CSR["satp"], 0, 0), ins("sfence.vma"),
                ins("tlbflushv"), ins("wfi"), csr_ins("csrrs", CSR["time"], 12, 0),
                csr_ins("csrrw", CSR["stimecmp"], 0, 5), csr_ins("csrrw", CSR["sepc"], 0, 6), ins("sret")]
    else:
        code = [csr_ins("csrrs", CSR["time"], 12, 0), csr_ins("csrrs", CSR["cycle"], 12, 0), ins("ebreak")]
    s.code(CODE, code)
    s.code(HANDLER, [vmexit(2)])
    s.vmcs(VMCS, pc=CODE, ring=ring, stvec=HANDLER, sie=1 << IRQ["STI"] if ring == 0 else 0, scounteren=7, x5=MASK,
           x6=HANDLER)
    e = s.enter(VMCS, "scause", "count_instret", "ring")
    s.step(ins("csrrc", csr=CSR["mstatus"], rs1=10), x10=7 << 20)
    s.csr(CSR["medeleg"], 0)
    s.go()
    assert (e.cause, e.qual) == (EXIT["HYPERCALL"], 2)
    if ring == 0:
        assert (e.count_instret, e.ring) == (len(code), 3)
    else:
        assert (e.scause, e.count_instret) == (EXC["BREAKPOINT"], 2)


@pytest.mark.parametrize("insn", ["sfence.vma", "tlbflushv", "tlbflushv.asid", "tlbflushv.addr"])
@pytest.mark.parametrize("tvm", [0, 1])
def test_tvm(insn, tvm, single):
    """FL-7: mstatus.TVM makes flushes illegal in Ring 0 with V=0."""
    s, word = single, ins(insn)
    s.step(ins("csrrs", csr=CSR["mstatus"], rs1=10), x10=tvm << 20)
    a = s.step(word, 1)
    b = s.step(ins("tlbflushv"), 3)
    s.go()
    assert (a.trap, b.trap) == (EXC["ILLEGAL"] + 1 if tvm else 0, 0)
