"""Sentences of the manual that no enumeration reaches: one test for each.

The rules are named in the tests; every expected value is worked out from their words.
"""

import itertools

import pytest

from xvisa.asm import CONST, CSR, EXC, EXIT, IRQ, MASK, MSR, TRAP, csr_ins, field, ins, qual, vmexit
from xvisa.nested import A, D, G, R, SV39, U, V, W, X, Tables
from xvisa.script import FREE, RAM, RAM_END, M, S
from xvisa.script import U as USER

CODE, HANDLER, CELL, VMCS, OTHER, TABLES = (FREE + i * 0x10000 for i in (0, 1, 2, 3, 4, 16))
ALL = V | R | W | X | A | D
UXL = 2 << 32
SIE, SPIE, SPP, MPRV = 1 << 1, 1 << 5, 1 << 8, 1 << 17
NOP = ins("addi")
CAUSE = EXC["ILLEGAL"] + 1


def hypercall(e, number):
    assert (e.cause, e.qual) == (EXIT["HYPERCALL"], number)


# --- Rings and state -------------------------------------------------------------------


def test_traps_and_returns_do_not_change_v(single):
    """ST-2: ecall from Ring 3 and sret stay in the guest; VMEXIT, illegal with V=0, tells which world it is."""
    s = single
    s.code(CODE, [ins("ecall"), vmexit(4)])
    s.code(HANDLER, [csr_ins("csrrw", CSR["sepc"], 0, 5), ins("sret")])
    s.vmcs(VMCS, pc=CODE, ring=3, stvec=HANDLER, x5=CODE + 4)
    e = s.enter(VMCS, "ring", "scause")
    host = [s.step(vmexit(4), ring) for ring in (M, S, USER)]
    s.go()
    hypercall(e, 4)
    assert (e.ring, e.scause) == (3, EXC["ECALL_U"])
    assert [a.trap for a in host] == [CAUSE] * 3


def test_x0_is_no_storage(single):
    """ST-4, VM-7: field 32 reads 0 and stays 0, an entry ignores it, and a spill writes 0."""
    s, at = single, VMCS + 8 * field("x0")
    s.code(CODE, [ins("addi", rd=5), ins("addi", imm=7), ins("add", rd=6), vmexit(1)])
    s.vmcs(VMCS, pc=CODE, x0=MASK, x5=3, x6=3)
    e = s.enter(VMCS, "x0", "x5", "x6")
    s.vmwrite(field("x0"), 99)
    pooled = s.vmread(field("x0"))
    s.step(ins("vmclear", rs1=10), x10=VMCS)
    spilled = s.peek(at)
    s.poke(at, 77)
    image = s.vmread(field("x0"))
    s.vmwrite(field("x0"), 55)
    again = s.vmread(field("x0"))
    s.go()
    assert (e.x0, e.x5, e.x6) == (0, 0, 0)
    assert [a.x12 for a in (pooled, image, again)] == [0, 0, 0] and spilled.w0 == 0


def test_constant_bits_of_sstatus(single):
    """ST-9: UXL = 2, FS = XS = SD = 0 in both banks, whatever is written."""
    s = single
    s.code(CODE, [csr_ins("csrrw", CSR["sstatus"], 0, 5), csr_ins("csrrs", CSR["sstatus"], 6, 0), vmexit(1)])
    s.vmcs(VMCS, pc=CODE, x5=MASK & ~SIE, sstatus=MASK)
    e = s.enter(VMCS, "x6", "sstatus")
    s.csr(CSR["sstatus"], MASK & ~SIE)
    host = s.csr_read(CSR["sstatus"])
    s.csr(CSR["sstatus"], 0)
    s.go()
    constant = MASK & ~(SIE | SPIE | SPP | 1 << 18 | 1 << 19)
    assert [v & constant for v in (e.x6, e.sstatus, host.x12)] == [UXL] * 3


def test_own_hart_loads_what_it_lost(single):
    """ST-14, EN-3: an image whose owner is this hart is loaded, though it is not in the pool."""
    s = single
    s.code(CODE, [vmexit(6)])
    s.vmcs(VMCS, pc=CODE, owner=1)
    e = s.enter(VMCS, "owner")
    s.go()
    hypercall(e, 6)
    assert e.owner == 1


def test_page_of_zeros(single):
    """VM-5, TM-5: a page with a revision is a VM: Ring 0 at address 0, bare, ports masked, no filter; its timer
    is pending and interrupts nobody."""
    s, t = single, Tables(TABLES)
    s.vmcs(VMCS)
    first = s.enter(VMCS, "ring")
    hptbr = t.root(SV39, host=True)
    t.map(hptbr, 0, CODE, 0, ALL | U, host=True)
    s.memory(t.memory())
    s.code(CODE, [ins("in.w", rd=5), csr_ins("csrrs", CSR["sip"], 6, 0),
                  csr_ins("csrrs", CSR["satp"], 7, 0), vmexit(8)])
    s.vmcs(OTHER, hptbr=hptbr)
    second = s.enter(OTHER, "x5", "x6", "x7", "ring", "count_exit")
    s.go()
    assert (first.cause, first.qual) == (EXIT["HOSTFAULT"], qual("HOSTFAULT", access=0, denied=1))
    assert (first.addr, first.gpa, first.ring) == (0, 0, 0)
    hypercall(second, 8)
    assert (second.x5, second.x6, second.x7) == (0xffffffff, 1 << IRQ["STI"], 0)
    assert (second.ring, second.count_exit) == (0, 1)


def test_pmp_is_not_asked_for_structures(single):
    """VM-20, IO-5: a locked entry that forbids Ring -1 the pages of a VMCS, a bitmap and a descriptor; Xvisa uses them."""
    s, bitmap, desc = single, FREE + 0x60000, FREE + 0x62000
    s.code(CODE, [ins("outi.b", rs2=5, imm=0x80), ins("ini.b", rd=6, imm=0x80), vmexit(1)])
    s.vmcs(bitmap - 0x1000, pc=CODE, iobitmap=bitmap, x5=0x5a)
    s.fill(bitmap, CONST["IOBITMAP_BYTES"])
    s.poke(bitmap + 0x10, 1)                             # port 0x80
    s.poke(desc, 0x1000, 8, 0x2000, 1)
    base = bitmap - 0x1000                              # four pages, NAPOT 16 KiB
    assert base % 0x1000 == 0 and desc == base + 0x3000
    s.csr(CSR["pmpaddr0"], base >> 2)                    # TOR: from here
    s.csr(CSR["pmpaddr1"], base + 0x4000 >> 2)
    s.csr(CSR["pmpaddr2"], MASK >> 10)
    s.csr(CSR["pmpcfg0"], 0x1f << 16 | 0x88 << 8)        # all else open; locked, TOR, no rights
    own = s.step(ins("ld", rd=12, rs1=10), x10=base)
    e = s.enter(base, "x6")
    mapped = s.step(ins("iovmap", rd=12, rs1=10, rs2=11), x10=0, x11=desc)
    size = s.fields("iov_size0")
    s.step(ins("vmclear", rs1=10), x10=base)
    again = s.enter(base, "x6")
    s.go()
    assert own.trap == EXC["LOAD_ACCESS"] + 1
    hypercall(e, 1)
    assert e.x6 == 0x5a and (mapped.trap, mapped.x12, size.iov_size0) == (0, 0, 8)
    hypercall(again, 1)


@pytest.mark.parametrize("insn", ["vmsave", "vmclear"])
def test_images_are_written_as_by_stores(insn, single):
    """VM-15, BA-7: code in an image is fetched as saved after fence.i; the hart's own reservation stays."""
    s, at = single, VMCS + 8 * field("x12")
    two = lambda n: ins("addi", rd=12, imm=n) | ins("ebreak") << 32
    s.vmcs(VMCS, pc=CODE, x12=two(5))
    s.step(ins("vmload", rs1=10), x10=VMCS)
    before = s.run(at)
    s.code(CODE, [vmexit(1)])
    s.enter(VMCS)
    s.vmwrite(field("x12"), two(9))
    stale = s.run(at)
    s.code(HANDLER, [ins("lr.d", rd=5, rs1=11), ins(insn, rs1=10), ins("fence.i"), ins("sc.d", rd=12, rs1=11),
                     ins("ebreak")])
    kept = s.run(HANDLER, x10=VMCS, x11=VMCS + 8 * 300)
    s.step(ins(insn, rs1=10), x10=VMCS)
    after = s.run(at)
    s.go()
    assert (before.x12, stale.x12, after.x12) == (5, 5, 9)
    assert (kept.cause, kept.x12) == (EXC["BREAKPOINT"], 0)


# --- Who retires -----------------------------------------------------------------------


@pytest.mark.parametrize("insn, guest, want", [
    ("vmenter", [NOP, NOP, vmexit(1)], 1 + 2), ("vmenter", [vmexit(1)], 1), ("failed", [], 1),
    ("vmresume", [NOP, vmexit(1)], 1 + 1), ("vmresume.adv", [NOP, vmexit(1)], 1 + 1), ("failed-resume", [], 1)])
def test_what_an_entry_retires(insn, guest, want, single):
    """EN-9, EN-12, EX-1, CN-5, CN-8: the entering instruction retires, failed or not, for the host; the one that exits
    does not."""
    s = single
    s.code(CODE, guest or [NOP])
    s.vmcs(VMCS, pc=CODE)
    if insn.startswith("vmresume"):
        s.code(OTHER + 0x1000, [vmexit(7)])
        s.vmwrite(0, 0)                                  # no current VM: illegal, and harmless
        s.vmcs(VMCS, pc=OTHER + 0x1000)
        s.enter(VMCS)
        s.vmwrite(field("pc"), CODE - (4 if insn.endswith("adv") else 0))
    word = {"failed": ins("vmenter", rs1=11), "failed-resume": ins("vmresume")}.get(insn)
    word = word or ins(insn, **({"rs1": 10} if insn == "vmenter" else {}))
    s.code(HANDLER, [csr_ins("csrrs", CSR["minstret"], 12, 0), word, csr_ins("csrrs", CSR["minstret"], 13, 0),
                     ins("ebreak")])
    r = s.run(HANDLER, out=(12, 13), x10=VMCS, x11=VMCS + 8)
    info = s.info()
    own = s.fields("count_instret") if guest else None
    s.go()
    assert r.cause == EXC["BREAKPOINT"]
    assert info.cause == EXIT["HYPERCALL" if guest else "ENTRYFAIL"]
    assert r.x13 - r.x12 == 1 + want                     # the first csrr as well
    if guest:
        assert own.count_instret == want - 1


def test_guest_counts_its_own(single):
    """CN-4, CN-7: VMCOUNT_TLBMISS that a guest reads includes the fetch of the instruction that reads it."""
    s, t = single, Tables(TABLES)
    hptbr = t.root(SV39, host=True)
    for page in (0, 0x1000):
        t.map(hptbr, page, CODE + page, 0, ALL | U, host=True)
    s.memory(t.memory())
    read = csr_ins("csrrs", CSR["vmcount_tlbmiss"], 5, 0)
    s.code(CODE + 0xff8, [read, csr_ins("csrrs", CSR["vmcount_tlbmiss"], 6, 0),
                          csr_ins("csrrs", CSR["vmcount_tlbmiss"], 7, 0), csr_ins("csrrs", CSR["vmcount_exit"], 8, 0),
                          vmexit(1)])
    s.vmcs(VMCS, pc=0xff8, hptbr=hptbr, vmctl=1)
    e = s.enter(VMCS, "x5", "x6", "x7", "x8", "count_tlbmiss")
    s.go()
    assert (e.x5, e.x6, e.x7, e.x8, e.count_tlbmiss) == (1, 1, 2, 0, 2)


def test_guest_sees_the_counters_of_the_hart(single):
    """CN-9: cycle and instret without offset; the MSR tsc is cycle, here the instructions before it (CN-8)."""
    s = single
    s.code(CODE, [csr_ins("csrrs", CSR["instret"], 5, 0), csr_ins("csrrs", CSR["cycle"], 6, 0),
                  ins("rdmsr", rd=7, rs1=10), vmexit(1)])
    s.vmcs(VMCS, pc=CODE, x10=MSR["tsc"], timeoffset=1 << 40)
    s.code(HANDLER, [csr_ins("csrrs", CSR["minstret"], 12, 0), csr_ins("csrrs", CSR["mcycle"], 13, 0),
                     ins("vmenter", rs1=10), ins("ebreak")])
    r = s.run(HANDLER, out=(12, 13), x10=VMCS)
    f = s.fields("x5", "x6", "x7")
    s.go()
    assert (f.x5 - r.x12, f.x6 - r.x13, f.x7 - r.x13) == (3, 3, 4)


# --- Guests ----------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["csrrs", "csrrc"])
@pytest.mark.parametrize("source, writes", [(0, False), (9, True)])
def test_register_number_decides_what_writes(name, source, writes, single):
    """GI-6, XI-4: csrrs of satp with a register that holds 0 is a write; with x0 it is none."""
    s, old = single, 0x12345
    s.code(CODE, [csr_ins(name, CSR["satp"], 5, source), vmexit(1)])
    s.vmcs(VMCS, pc=CODE, gptbr=old, vmtrapcfg=TRAP["CR3"])
    e = s.enter(VMCS, "x5")
    s.go()
    if writes:
        assert (e.cause, e.val) == (EXIT["CRWRITE"], old)
    else:
        hypercall(e, 1)
        assert e.x5 == old


WRITES = {"csrrw": lambda x: x, "csrrs": lambda x: x, "csrrc": lambda x: x}


@pytest.mark.parametrize("name", WRITES)
@pytest.mark.parametrize("csr", [CSR["mscratch"], CSR["cycle"], 0x5ff, CSR["mstatus"]], ids=hex)
def test_value_of_an_illegal_write(name, csr, single):
    """XI-4: a CSR that the guest does not have has no old value, so VMVAL is the source; of a read it is 0."""
    s, x = single, 0x8765_4321_0fed_cba9
    s.code(CODE, [csr_ins(name, csr, 5, 6), csr_ins(name + "i", csr, 5, 21), csr_ins("csrrs", csr, 5, 0)])
    s.vmcs(VMCS, pc=CODE, vmtrapcfg=TRAP["PRIV"], x6=x)
    e = [s.enter(VMCS), s.resume(adv=True)]
    readable = csr == CSR["cycle"]
    last = None if readable else s.resume(adv=True)
    s.go()
    assert [a.cause for a in e] == [EXIT["PRIVILEGED"]] * 2
    assert [a.val for a in e] == [x, 21]
    assert readable or (last.cause, last.val) == (EXIT["PRIVILEGED"], 0)


SRETS = list(itertools.product((0, SPP), (0, SPIE), (0, SIE)))


@pytest.mark.parametrize("spp, spie, sie", SRETS)
def test_sret_in_a_guest(spp, spie, sie, batch):
    """TR-6: ring by SPP, SIE = SPIE, SPIE = 1, SPP = 0, pc = sepc; mstatus.MPRV is not touched."""
    def put(s, c):
        s.code(CODE, [ins("sret")])
        s.code(HANDLER + 0x100, [vmexit(3)])
        s.vmcs(VMCS, pc=CODE, sstatus=sum(c), sepc=HANDLER + 0x100)
        s.code(HANDLER, [csr_ins("csrrs", CSR["mstatus"], 0, 11), ins("vmenter", rs1=10),
                         csr_ins("csrrs", CSR["mstatus"], 12, 0), csr_ins("csrrc", CSR["mstatus"], 0, 11),
                         ins("ebreak")])
        r = s.run(HANDLER, x10=VMCS, x11=MPRV)
        return r, s.info(), s.fields("pc", "ring", "sstatus")
    r, e, f = batch("sret", SRETS, put)[spp, spie, sie]
    hypercall(e, 3)
    assert (f.pc, f.ring) == (HANDLER + 0x100, 0 if spp else 3)
    assert f.sstatus == UXL | SPIE | (SIE if spie else 0)
    assert r.x12 & MPRV


@pytest.mark.parametrize("between, kept", [("none", True), ("trap", False), ("sret", True)])
def test_reservation_over_a_trap_in_a_guest(between, kept, single):
    """TR-4, BA-7: delivering a trap loses it, sret does not."""
    s = single
    s.code(CODE, [ins("lr.d", rd=5, rs1=10), {"none": NOP, "trap": ins("ebreak"), "sret": ins("sret")}[between],
                  ins("sc.d", rd=12, rs1=10), vmexit(1)])
    s.code(HANDLER, [csr_ins("csrrw", CSR["sepc"], 0, 6), csr_ins("csrrw", CSR["sstatus"], 0, 7), ins("sret")])
    s.vmcs(VMCS, pc=CODE, stvec=HANDLER, x6=CODE + 8, x7=SPP, x10=CELL, sepc=CODE + 8, sstatus=SPP)
    e = s.enter(VMCS, "x12")
    s.go()
    hypercall(e, 1)
    assert e.x12 == (0 if kept else 1)


def test_medeleg_plays_no_role(single):
    """TR-2: exceptions and interrupts of a guest are its Ring 0's, whatever medeleg and mideleg say."""
    answers = {}
    for value in (0, MASK):
        single.csr(CSR["medeleg"], value)
        single.csr(CSR["mideleg"], value)
        single.code(CODE, [ins("ebreak")])
        single.code(HANDLER, [vmexit(2)])
        for name, fields in (("exception", {}), ("interrupt", dict(sie=2, sip=2, sstatus=SIE))):
            single.vmcs(VMCS, pc=CODE, stvec=HANDLER, **fields)
            answers[value, name] = single.enter(VMCS, "scause")
    single.csr(CSR["medeleg"], 0)
    single.csr(CSR["mideleg"], 0)
    single.go()
    for (_, name), e in answers.items():
        hypercall(e, 2)
        assert e.scause == (EXC["BREAKPOINT"] if name == "exception" else 1 << 63 | IRQ["SSI"])


def test_order_of_events_without_a_guest(single):
    """EV-2, TR-10: an interrupt of Ring -1, then one of Ring 0, then the fetch."""
    s, nowhere = single, 0x1000
    s.csr(CSR["mideleg"], 2)
    s.csr(CSR["mie"], 2 | 8)
    s.csr(CSR["stvec"], HANDLER)
    s.code(HANDLER, [ins("ebreak")])
    s.csr(CSR["mip"], 2)
    s.poke32(0x2000000, 1)
    s.csr(CSR["sstatus"], SIE)
    both = s.run(nowhere, S)
    s.poke32(0x2000000, 0)
    s.csr(CSR["sstatus"], SIE)
    own = s.run(nowhere, S)
    scause, sepc = s.csr_read(CSR["scause"]), s.csr_read(CSR["sepc"])
    s.csr(CSR["mip"], 0)
    fetch = s.run(nowhere, S)
    s.go()
    assert (both.cause, both.epc) == (1 << 63 | IRQ["MSI"], nowhere)
    assert (own.cause, own.epc) == (EXC["BREAKPOINT"], HANDLER)     # it came to Ring 0's handler first
    assert (scause.x12, sepc.x12) == (1 << 63 | IRQ["SSI"], nowhere)
    assert (fetch.cause, fetch.epc, fetch.tval) == (EXC["INSN_ACCESS"], nowhere, nowhere)


@pytest.mark.parametrize("filtered", [0, TRAP["HALT"]])
def test_wfi_retires_when_it_executes(filtered, single):
    """GI-9, BA-17: and does not when it exits."""
    s = single
    s.code(CODE, [ins("wfi"), vmexit(1)])
    s.vmcs(VMCS, pc=CODE, sie=1 << IRQ["STI"], vmtrapcfg=filtered)
    e = s.enter(VMCS, "count_instret", "pc")
    s.go()
    assert e.cause == EXIT["HALT" if filtered else "HYPERCALL"]
    assert (e.count_instret, e.pc) == ((0, CODE) if filtered else (1, CODE + 4))


# --- Translation -----------------------------------------------------------------------


def space(s, flags=ALL, hptbr_or=0, asid=0, page=CELL):
    """A guest's page at 0x40000000 in 4 KiB pages of both stages; (gptbr, hptbr, leaves)."""
    t = Tables(TABLES)
    hptbr, root = t.root(SV39, host=True) | hptbr_or, t.root(SV39) | asid << 44
    t.map(hptbr, RAM, RAM, 2, ALL | U, host=True)
    t.map(hptbr, 0x1_0000_0000, page, 0, ALL | U, host=True)
    path = t.map(root, 0x4000_0000, 0x1_0000_0000, 0, flags)
    s.fill(TABLES, 0x10000)
    s.memory(t.memory())
    return root, hptbr, path


def load(s, at=0x4000_0000):
    return s.step(ins("vmld.d", rs1=10, rd=12), x10=at)


def current(s, **fields):
    """Makes a VM current without a retired instruction of its."""
    s.vmcs(VMCS, vmtrapcfg=TRAP["PREEMPT"], **fields)
    return s.enter(VMCS)


def misses(s):
    return s.fields("count_tlbmiss")


def test_walks_never_write(single):
    """WK-6: nothing of the tables changes by loads and stores, those that fault for A and D included."""
    s, answers = single, []
    for flags in (ALL, ALL & ~A, ALL & ~D):
        root, hptbr, _ = space(s, flags)
        before = s.peek(TABLES, 0x9000 // 8)
        current(s, gptbr=root, hptbr=hptbr)
        load(s)
        s.step(ins("vmst.d", rs1=10, rs2=11), x10=0x4000_0000)
        answers.append((before, s.peek(TABLES, 0x9000 // 8)))
        s.step(ins("tlbflushv"))
    s.go()
    for before, after in answers:
        assert before.values == after.values


@pytest.mark.parametrize("where", ["leaf", "table", "none"])
def test_g_of_a_leaf_alone_counts(where, single):
    """WK-7, FL-3: a flush of the ASID spares what a leaf calls global; G of an entry above is ignored."""
    s = single
    root, hptbr, path = space(s, ALL | (G if where == "leaf" else 0), asid=7)
    if where == "table":
        for entry in path[1:]:
            a = s.peek(entry)
            s.step(ins("amoor.d", rs1=10, rs2=11), x10=entry, x11=G)
            assert a is not None
    current(s, gptbr=root, hptbr=hptbr)
    s.poke(CELL, 0x11)
    first = load(s)
    s.step(ins("tlbflushv.asid", rs1=10), x10=7)
    second, count = load(s), misses(s)
    s.go()
    assert (first.x12, second.x12) == (0x11, 0x11)
    assert count.count_tlbmiss == (1 if where == "leaf" else 2)


@pytest.mark.parametrize("bit", [44, 57, "asid-0", "asid-15"])
def test_all_bits_of_the_tags_exist(bit, single):
    """WK-2, TL-2, TL-4: translations of two VMIDs, or two ASIDs, that differ in one bit are two."""
    s = single
    s.poke(CELL, 0x11)
    root, hptbr, _ = space(s)
    current(s, gptbr=root, hptbr=hptbr)
    load(s)
    if isinstance(bit, int):
        s.vmwrite(field("hptbr"), hptbr | 1 << bit)
    else:
        s.vmwrite(field("gptbr"), root | 1 << 44 + int(bit[5:]))
    load(s)
    two = misses(s)
    s.vmwrite(field("gptbr"), root)
    s.vmwrite(field("hptbr"), hptbr)
    load(s)
    still = misses(s)
    s.go()
    assert (two.count_tlbmiss, still.count_tlbmiss) == (2, 2)


OPERANDS = {"vm": ("tlbflushv.vm", CONST["VMID_BITS"], 3), "asid": ("tlbflushv.asid", CONST["ASID_BITS"], 5)}


@pytest.mark.parametrize("what", OPERANDS)
def test_high_bits_of_an_operand_are_ignored(what, single):
    """FL-4: of an ASID and a VMID the low bits are used, of an address the page."""
    s = single
    insn, bits, value = OPERANDS[what]
    root, hptbr, _ = space(s, hptbr_or=3 << 44, asid=5)
    current(s, gptbr=root, hptbr=hptbr)
    counts = []
    for operand in (value, value | 1 << bits, value | 1 << 63, value ^ 1, value ^ 1 << bits - 1):
        load(s)
        before = misses(s)
        s.step(ins(insn, rs1=10), x10=operand)
        load(s)
        counts.append((before, misses(s)))
    load(s)
    address = misses(s)
    s.step(ins("tlbflushv.addr", rs1=10), x10=0x4000_0abc)
    load(s)
    flushed = misses(s)
    s.go()
    gone = [b.count_tlbmiss - a.count_tlbmiss for a, b in counts]
    assert gone == [1, 1, 1, 0, 0]
    assert flushed.count_tlbmiss - address.count_tlbmiss == 1


def test_pmp_is_asked_after_the_fill(single):
    """TL-8, FL-1: an access that the PMP forbids has filled; once the PMP allows it, it hits without a flush."""
    s = single
    s.poke(CELL, 0x11)
    root, hptbr, _ = space(s)
    current(s, gptbr=root, hptbr=hptbr)
    s.csr(CSR["pmpaddr0"], CELL >> 2 | 0x1ff)
    s.csr(CSR["pmpaddr1"], MASK >> 10)
    s.csr(CSR["pmpcfg0"], 0x1f18)
    denied = load(s)
    s.csr(CSR["pmpcfg0"], 0x1f1f)
    allowed = load(s)
    s.csr(CSR["pmpcfg0"], 0x1f18)
    again, count = load(s), misses(s)
    s.csr(CSR["pmpcfg0"], 0)
    s.go()
    assert [a.trap for a in (denied, allowed, again)] == [EXC["LOAD_GUEST_PAGE"] + 1, 0, EXC["LOAD_GUEST_PAGE"] + 1]
    assert allowed.x12 == 0x11 and count.count_tlbmiss == 1


@pytest.mark.parametrize("flags, exits", [(0, True), (V | R | A, True), (ALL | U, False)])
@pytest.mark.parametrize("held", [False, True])
def test_sc_without_a_reservation_translates_nothing(held, flags, exits, single):
    """PR-6, BA-8: it gives 1, walks nothing and cannot fault; with one, it asks as a store."""
    s, t = single, Tables(TABLES)
    hptbr = t.root(SV39, host=True)
    page, other = 0x1_0000_0000, 0x1_0000_1000
    t.map(hptbr, RAM, RAM, 2, ALL | U, host=True)
    leaf = t.map(hptbr, page, CELL, 0, ALL | U, host=True)[0]
    t.map(hptbr, other, CELL, 0, ALL | U, host=True)
    s.memory(t.memory())
    s.code(CODE, [ins("lr.d", rd=5, rs1=11), csr_ins("csrrs", CSR["vmcount_tlbmiss"], 6, 0),
                  ins("sd", rs1=13, rs2=14), ins("tlbflushv"), ins("sc.d", rd=12, rs1=10),
                  csr_ins("csrrs", CSR["vmcount_tlbmiss"], 7, 0), vmexit(1)])
    s.vmcs(VMCS, pc=CODE, hptbr=hptbr, vmctl=1, x10=page, x11=page if held else other, x12=7, x13=leaf,
           x14=CELL >> 2 | flags if flags else 0)
    e = s.enter(VMCS, "x6", "x7", "x12")
    s.go()
    if held and exits:
        assert (e.cause, e.addr, e.gpa) == (EXIT["HOSTFAULT"], page, page)
        assert e.qual == qual("HOSTFAULT", access=2, atomic=1, width=3)
        return
    hypercall(e, 1)
    assert e.x12 == (0 if held else 1)
    # Between the counters' reads: the store's page, the fetch of sc after the flush, and sc's own if it walks.
    assert e.x7 - e.x6 == 2 + held


# --- The base -----------------------------------------------------------------------


@pytest.mark.parametrize("insn, msr, legal", [
    ("rdmsr", "tls", True), ("wrmsr", "tls", True), ("rdmsr", "tsc", True), ("wrmsr", "tsc", False),
    ("rdmsr", 0x12345, False), ("wrmsr", 0x12345, False)])
@pytest.mark.parametrize("ring", [M, S])
def test_msrs_without_a_guest(insn, msr, legal, ring, single):
    """BA-19: bits 31:0 are the number; with V=0 one that does not exist, or a write of a read-only one, is illegal."""
    word = ins(insn, rs1=10, **({"rd": 12} if insn == "rdmsr" else {"rs2": 11}))
    a = single.step(word, ring, x10=0xabcd << 32 | MSR.get(msr, msr), x11=5)
    single.go()
    assert a.trap == (0 if legal else CAUSE)


@pytest.mark.parametrize("word", [ins("slti", imm=3), ins("addi", rs1=5, imm=9), ins("lui", imm=0x5000),
                                  *(ins("fence") | n << 15 | m << 20 for n in (0, 31) for m in (0x000, 0x833, 0xfff))],
                         ids=hex)
def test_hints_do_nothing(word, single):
    """BA-16: neither code points that RISC-V calls hints nor fence with any fields change a register or trap."""
    out = tuple(n for n in range(1, 32))
    before = single.step(NOP, out=out)
    after = single.step(word, out=out)
    single.go()
    assert after.trap == 0 and before.values == after.values


# --- VINT_SEND -------------------------------------------------------------------------


def test_send_to_a_current_vm_out_of_the_pool(single):
    """VI-11, VI-12: bits 63:12 zero mean the current VM, which VMCLEAR has left current: its image is changed, and
    nothing is loaded; VINT_STAT and VMREAD look there too (VM-17)."""
    s, send = single, ins("vint_send", rs1=10)
    none = s.step(send, x10=77)
    s.code(CODE, [vmexit(1)])
    s.vmcs(VMCS, pc=CODE, vic_enable1=1 << 13, vic_priority4=MASK)
    s.enter(VMCS)
    s.step(ins("vmclear", rs1=10), x10=VMCS)
    sent = s.step(send, x10=77)
    image = s.peek(VMCS + 8 * field("vic_pending1"))
    stat, f = s.step(ins("vint_stat", rd=12)), s.fields("vic_pending1", "owner")
    s.poke(VMCS + 8 * field("revision"), 0)
    bad = s.step(send, x10=78)
    s.go()
    assert (none.trap, sent.trap, bad.trap) == (CAUSE, 0, CAUSE)
    assert (image.w0, stat.x12, f.vic_pending1, f.owner) == (1 << 13, 77, 1 << 13, 0)


def test_memory_is_free():
    assert RAM < CODE and TABLES + 0x10000 < RAM_END
