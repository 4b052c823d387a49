"""World switches: banks are kept apart, nothing leaks, nothing is lost.

Manual: chapters "World switches", "Rings and state", rules VM-4 to VM-9, EX-1 to EX-7.
"""

import pytest

from xvisa.asm import CSR, EXIT, INSN, ISA, MASK, MSR, csr_ins, ins, qual, vmexit
from xvisa.rules import RW_BITS, UXL
from xvisa.script import FREE

CODE, SEEN, VMCS = (FREE + i * 0x10000 for i in range(3))
BANK = ["sstatus", "stvec", "sscratch", "sepc", "scause", "stval", "satp", "scounteren", "senvcfg",
        "stimecmp"]
# Fields of the bank by CSR; sie and sip of the host are mie and mip.
FIELD = {**{n: n for n in BANK}, "satp": "gptbr", "sie": "sie", "sip": "sip"}
ALL = tuple(range(1, 32))


def random_bank(dice):
    bank = {n: dice.getrandbits(64) for n in BANK}
    bank["satp"] = dice.getrandbits(60)                 # bare
    bank["sstatus"] &= ~2                               # SIE
    return bank


def random_x(dice):
    return {f"x{n}": dice.getrandbits(64) for n in ALL}


def test_host_registers_survive(single, dice):
    """x1 to x31 of the host are as they were, whatever the guest did with its own (EX-5)."""
    s, d = single, dice("host registers")
    s.code(CODE, [ins("addi", rd=n, rs1=n, imm=n) for n in ALL] + [vmexit(3)])
    s.vmcs(VMCS, pc=CODE, **random_x(d))
    host = random_x(d)
    host["x10"] = VMCS
    a = s.step(ins("vmenter", rs1=10), out=ALL, **host)
    s.go()
    assert a.trap == 0
    assert {n: a[n] for n in host} == host


def test_guest_registers_are_its_own(single, dice):
    """The guest starts with x of its VMCS, and the exit gives back what it left (EN-9, EX-4)."""
    s, d = single, dice("guest registers")
    x = random_x(d)
    x["x31"] = SEEN
    s.code(CODE, [ins("sd", rs1=31, rs2=n, imm=8 * n) for n in ALL] +
           [ins("addi", rd=n, rs1=n, imm=-n) for n in ALL] + [vmexit(3)])
    s.vmcs(VMCS, pc=CODE, **x)
    e = s.enter(VMCS, "pc", *x)
    seen = s.peek(SEEN, 32)
    s.go()
    assert [seen[f"w{n}"] for n in ALL] == [x[f"x{n}"] for n in ALL]
    assert {n: e[n] for n in x} == {n: x[n] - int(n[1:]) & MASK for n in x}
    assert e.pc == CODE + 4 * 62


def legal(name, value):
    """What the register holds after an entry (VM-8)."""
    bits = MASK if name == "satp" else RW_BITS[name]
    return value & bits | (UXL if name == "sstatus" else 0)


@pytest.mark.parametrize("name", BANK + ["sie", "sip", "viselect"])
def test_bank_enters_and_leaves(name, batch, dice):
    """A field with random bits: the guest reads its legal form, the exit writes it back (VM-8, VM-9)."""
    def arrange(s, n):
        value = dice(f"bank {n}").getrandbits(60 if n == "satp" else 64)
        if n == "sstatus":
            value &= ~2
        s.code(CODE, [csr_ins("csrrs", CSR[n], 12, 0), vmexit(1)])
        s.vmcs(VMCS, pc=CODE, **{"stimecmp": MASK, FIELD.get(n, n): value})
        return value, s.enter(VMCS, "x12", FIELD.get(n, n))
    value, e = batch("bank", BANK + ["sie", "sip", "viselect"], arrange)[name]
    want = legal(name, value)
    assert e.cause == EXIT["HYPERCALL"]
    assert (e.x12, e[FIELD.get(name, name)]) == (want, want)


def test_banks_of_two_guests_and_host(single, dice):
    """Each of three worlds writes its whole bank; none sees another's (ST-5 to ST-7)."""
    s, d = single, dice("banks")
    other = VMCS + 0x1000
    banks = [random_bank(d) for _ in range(3)]
    words = [d.getrandbits(64) for _ in range(6)]        # tls, tsc_aux of each
    write = [csr_ins("csrrw", CSR[n], 0, 1 + i) for i, n in enumerate(BANK) if n != "sstatus"]
    write += [ins("wrmsr", rs1=20, rs2=22), ins("wrmsr", rs1=21, rs2=23), vmexit(1)]
    s.code(CODE, write)
    s.csr(CSR["mcounteren"], 7)
    for n in BANK:
        s.csr(CSR[n], banks[2][n])
    s.step(ins("wrmsr", rs1=10, rs2=11), x10=MSR["tls"], x11=words[4])
    s.step(ins("wrmsr", rs1=10, rs2=11), x10=MSR["tsc_aux"], x11=words[5])
    for i, at in enumerate((VMCS, other)):
        regs = {f"x{1 + j}": banks[i][n] for j, n in enumerate(BANK)}
        s.vmcs(at, pc=CODE, sstatus=banks[i]["sstatus"], x20=MSR["tls"], x21=MSR["tsc_aux"],
               x22=words[2 * i], x23=words[2 * i + 1], **regs)
    fields = [FIELD[n] for n in BANK] + ["tls", "tsc_aux"]
    s.enter(VMCS)
    s.enter(other)
    host = [s.csr_read(CSR[n]) for n in BANK]
    msrs = [s.step(ins("rdmsr", rd=12, rs1=10), x10=MSR[n]) for n in ("tls", "tsc_aux")]
    second = s.fields(*fields)
    # VMENTER makes the first current again; it stands on its VMEXIT and exits at once.
    first = s.enter(VMCS, *fields)
    s.go()
    for i, got in enumerate((first, second)):
        assert {n: got[FIELD[n]] for n in BANK} == {n: legal(n, banks[i][n]) for n in BANK}, i
        assert (got.tls, got.tsc_aux) == (words[2 * i], words[2 * i + 1])
    assert {n: a.x12 for n, a in zip(BANK, host)} == {n: legal(n, banks[2][n]) for n in BANK}
    assert [a.x12 for a in msrs] == words[4:]


def test_exit_is_no_trap(single):
    """mstatus, mepc, mcause and mtval do not change by an exit (EX-6)."""
    s = single
    names = ("mstatus", "mepc", "mcause", "mtval", "mscratch", "mie", "mideleg", "medeleg")
    hyper = FREE + 0x40000
    values = {"mepc": 0x12344, "mcause": 0x55, "mtval": 0x66}
    # A stretch of Ring -1 code that enters a guest between writing and reading them.
    code = [csr_ins("csrrw", CSR[n], 0, 11 + i) for i, n in enumerate(values)]
    code += [ins("vmenter", rs1=10)]
    code += [csr_ins("csrrs", CSR[n], 20 + i, 0) for i, n in enumerate(names)] + [ins("ebreak")]
    s.code(hyper, code)
    s.code(CODE, [ins("ecall")])
    s.vmcs(VMCS, pc=CODE)
    regs = {f"x{11 + i}": v for i, v in enumerate(values.values())}
    before = s.csr_read(CSR["mstatus"])
    r = s.run(hyper, out=tuple(range(20, 28)), x10=VMCS, **regs)
    info = s.info()
    s.go()
    assert r.cause == 3 and r.epc == hyper + 4 * (len(code) - 1)
    assert (info.cause, info.qual) == (EXIT["HYPERCALL"], qual("HYPERCALL", ecall=1))
    assert [r[f"x{20 + names.index(n)}"] for n in values] == list(values.values())
    # The runner's own entry by mret sets MPIE and leaves MPP 0; nothing else differs.
    changeable = 0x1880
    assert r.x20 & ~changeable == before.x12 & ~changeable


def test_untouched_memory_on_exit(single, dice):
    """Entry and exit write no memory but the field owner (EX-4, VM-6)."""
    s, d = single, dice("memory")
    s.code(CODE, [ins("addi", rd=5, rs1=5, imm=1), vmexit(1)])
    s.vmcs(VMCS, pc=CODE, **random_x(d))
    before = s.peek(VMCS, 512)
    s.enter(VMCS)
    after = s.peek(VMCS, 512)
    s.go()
    changed = {n: after[n] for n in before.names if before[n] != after[n]}
    assert changed == {"w1": 1}


@pytest.mark.parametrize("worlds", [False, True])
def test_reservations_end_with_the_world(worlds, single):
    """EN-9, EX-6: LR before an exit and SC after it fail, for the guest and for the host."""
    s, hyper, word = single, FREE + 0x40000, FREE + 0x50000
    stay = ins("addi") if not worlds else vmexit(1)
    s.code(CODE, [ins("lr.d", rd=5, rs1=10), stay, ins("sc.d", rd=12, rs1=10), vmexit(2)])
    s.vmcs(VMCS, pc=CODE, x10=word, x12=7)
    e = s.enter(VMCS, "x12")
    if worlds:
        e = s.resume("x12", adv=True)
    between = ins("vmresume") if worlds else ins("addi")        # it stands on a VMEXIT and exits again
    s.code(hyper, [ins("lr.d", rd=5, rs1=10), between, ins("sc.d", rd=12, rs1=10), ins("ebreak")])
    run = s.run(hyper, x10=word + 64)
    s.go()
    assert e.qual == 2
    assert (e.x12, run.x12) == (int(worlds), int(worlds))


INFO = {"vmcause": "cause", "vmqual": "qual", "vmaddr": "addr", "vmgpa": "gpa", "vminsn": "insn",
        "vmlen": "len", "vmval": "val"}


def test_exit_registers_and_fields_agree(single):
    """The seven exit registers and the context's exit fields tell the same (EX-2, ST-11, XI-1)."""
    s = single
    word = ins("wrmsr", rs1=10, rs2=11)
    s.code(CODE, [word])
    s.vmcs(VMCS, pc=CODE, vmtrapcfg=4, x10=MSR["tls"], x11=0x1234567)
    e = s.enter(VMCS, *(f"exit_{v}" for v in INFO.values()))
    single_steps = [s.step(ins(n, rd=12)) for n in INFO]
    failed = s.enter(VMCS + 8)                           # an entry failure changes the registers alone
    f = s.fields(*(f"exit_{v}" for v in INFO.values()))
    s.go()
    want = dict(cause=EXIT["MSR"], qual=qual("MSR", reg=11, write=1, msr=MSR["tls"]), addr=0, gpa=0, insn=word,
                len=4, val=0x1234567)
    assert {k: e[k] for k in want} == want
    assert {k: e[f"exit_{k}"] for k in want} == want
    assert [a.x12 for a in single_steps] == [want[v] for v in INFO.values()]
    assert failed.cause == EXIT["ENTRYFAIL"]
    assert {k: f[f"exit_{k}"] for k in want} == want


def test_mnemonics_are_complete():
    """The instructions that read exit registers are those of the table."""
    assert [i.name for i in ISA.insns if i.formula.startswith("rd = cause of")] == ["vmcause"]
    assert set(INFO) <= set(INSN)
