"""VMLD, VMST, VMLDP and VMSTP: every width, through every stage, and everything that can fail.

Manual: the pages of these instructions, rules PR-12, WK-8, VM-17, WC-3.
"""

from dataclasses import dataclass

import pytest

from xvisa.asm import CSR, EXC, EXIT, INSN, MASK, TRAP, field, ins, vmexit
from xvisa.nested import (A, BARE, D, LOAD, R, SV39, SV48, STORE, U, V, W, X, Fault, HostFault, Tables, View,
                          host_stage, translate)
from xvisa.script import FREE, RAM

VMCS, TABLES = FREE, FREE + 0x100000
DATA = 0x83000000
ALL = V | R | W | X | A | D
VALUE = 0x8192a3b4c5d6e7f8
CANARY = 0xc0de00000000000c             # x12 before
NAMES = [n for n in INSN if n.startswith(("vmld", "vmst"))]
WIDTH = {"b": 1, "h": 2, "w": 4, "d": 8}


def width(name):
    return WIDTH[name.split(".")[1][0]]


def is_store(name):
    return name.startswith("vmst")


def physical(name):
    return name.startswith(("vmldp", "vmstp"))


def word(name):
    return ins(name, rs1=10, **({"rs2": 11} if is_store(name) else {"rd": 12}))


def byte_of(hpa):
    return (hpa * 37 + 11 | 0x80) & 0xff          # negative, so that extension shows


def memory():
    return {at: int.from_bytes(bytes(byte_of(at + j) for j in range(8)), "little")
            for at in range(DATA, DATA + 32, 8)}


@dataclass(frozen=True)
class Case:
    name: str
    gmode: int = SV39
    hmode: int = SV39
    offset: int = 8
    gflags: int = ALL
    hflags: int = ALL | U
    ring: int = 0
    sum: bool = False
    mxr: bool = False
    target: int = DATA                # host physical page
    pooled: bool = True


class Setup:
    def __init__(self, c):
        t = self.tables = Tables(TABLES)
        self.va = {BARE: DATA, SV39: 0x40_0000 << 9, SV48: 1 << 45}[c.gmode]
        self.gpa = DATA if c.hmode == BARE else 0x30_0000_0000
        if c.gmode == BARE:
            self.va = self.gpa
        self.hptbr = t.root(c.hmode, host=True) | 77 << 44
        self.gptbr = t.root(c.gmode) | 99 << 44 if c.gmode else 0
        if c.hmode:
            t.map(self.hptbr, RAM, RAM, 2, ALL | U, host=True)
            t.map(self.hptbr, self.gpa, c.target, 0, c.hflags, host=True)
        if c.gmode:
            t.map(self.gptbr, self.va, self.gpa, 0, c.gflags)
        self.memory = t.memory()

    def address(self, c):
        return (self.gpa if physical(c.name) else self.va) + c.offset


def arrange(s, c):
    w = Setup(c)
    s.fill(TABLES, 0x10000)
    s.memory(w.memory)
    s.memory(memory())
    s.step(ins("tlbflushv"))
    s.vmcs(VMCS, vmtrapcfg=TRAP["PREEMPT"], gptbr=w.gptbr, hptbr=w.hptbr, ring=c.ring,
           sstatus=c.sum << 18 | c.mxr << 19)
    s.step(ins("vmenter", rs1=10), x10=VMCS)
    if not c.pooled:
        s.step(ins("vmclear", rs1=10), x10=VMCS)
    before = s.info()
    a = s.step(word(c.name), x10=w.address(c), x11=VALUE)
    return a, before, s.info(), s.fields("count_tlbmiss", "owner", "count_exit"), s.peek(DATA, 4)


def expected(c):
    """(trap, tval, host physical address)."""
    w = Setup(c)
    store, at = is_store(c.name), w.address(c)
    kind = "STORE" if store else "LOAD"
    if at % width(c.name):
        return EXC[f"{kind}_MISALIGNED"] + 1, at, None
    view = View(w.memory, w.gptbr, w.hptbr, c.ring, c.sum, c.mxr)
    access = STORE if store else LOAD
    try:
        if physical(c.name):
            hpa = host_stage(view, at, access)[0]
            if not RAM <= hpa < RAM + 0x8000000:
                raise HostFault(at, denied=True)
        else:
            hpa = translate(view, at, access).hpa
        return 0, None, hpa
    except Fault:
        return EXC[f"{kind}_PAGE"] + 1, at, None
    except HostFault as f:
        return EXC[f"{kind}_GUEST_PAGE"] + 1, f.gpa, None


def check(c, got):
    a, before, after, f, words = got
    trap, tval, hpa = expected(c)
    n = width(c.name)
    assert (a.trap, a.tval) == (trap, a.tval if tval is None else tval), c
    data = bytearray(b"".join(memory()[DATA + 8 * i].to_bytes(8, "little") for i in range(4)))
    if trap == 0 and is_store(c.name):
        data[hpa - DATA:hpa - DATA + n] = (VALUE & (1 << 8 * n) - 1).to_bytes(8, "little")[:n]
    assert b"".join(words[f"w{i}"].to_bytes(8, "little") for i in range(4)) == bytes(data), c
    if trap == 0 and not is_store(c.name):
        value = int.from_bytes(data[hpa - DATA:hpa - DATA + n], "little")
        if not c.name.endswith("u") and value >> 8 * n - 1:
            value |= MASK ^ (1 << 8 * n) - 1
        assert a.x12 == value, c
    else:
        assert a.x12 == CANARY, c
    assert before.values == after.values, "no exit registers are written"
    misaligned = trap - 1 in (EXC["LOAD_MISALIGNED"], EXC["STORE_MISALIGNED"])
    walked = not physical(c.name) and not misaligned and (c.gmode or c.hmode)
    assert f.count_tlbmiss == (1 if walked else 0), c
    assert (f.owner, f.count_exit) == (1 if c.pooled else 0, 1), c


def groups(cases):
    table = {}
    for key, c in cases:
        table.setdefault(key, []).append(c)
    return table


def cases():
    for name in NAMES:
        for g in (BARE, SV39, SV48):
            for h in (BARE, SV39, SV48):
                for pooled in (True, False):
                    key = f"{name}-{g}-{h}-{'pooled' if pooled else 'image'}"
                    for offset in range(0, 16):
                        yield key, Case(name, g, h, offset, pooled=pooled)
        for bit in range(8):
            for ring in (0, 3):
                for s in (False, True):
                    for m in (False, True):
                        flags = (ALL | U if ring == 3 else ALL) ^ 1 << bit
                        yield f"{name}-guest-flags", Case(name, gflags=flags, ring=ring, sum=s, mxr=m)
                yield f"{name}-host-flags", Case(name, hflags=(ALL | U) ^ 1 << bit, ring=ring,
                                                 gflags=ALL | U if ring == 3 else ALL)
                yield f"{name}-host-flags", Case(name, BARE, hflags=(ALL | U) ^ 1 << bit, ring=ring)
        for target in (0x8800_0000, 0x7fff_f000, 1 << 40, 1 << 55):
            yield f"{name}-no-memory", Case(name, target=target)
            yield f"{name}-no-memory", Case(name, BARE, SV48, target=target)


GROUPS = groups(cases())


@pytest.mark.parametrize("key", GROUPS)
def test_access(key, batch):
    got = batch("access", list(dict.fromkeys(c for g in GROUPS.values() for c in g)), arrange)
    for c in GROUPS[key]:
        check(c, got[c])


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("exits", [False, True])
def test_in_a_range(name, exits, batch):
    """PR-12, MM-6: a range that forwards is followed; one that exits is LOAD_GUEST_PAGE."""
    def put(s, case):
        n, e = case
        s.poke(DATA, VALUE)
        s.vmcs(VMCS, vmtrapcfg=TRAP["PREEMPT"], iov_base0=0x4000_0000, iov_size0=8, iov_target0=DATA,
               iov_flags0=3 if e else 1)
        s.step(ins("vmenter", rs1=10), x10=VMCS)
        return s.step(word(n), x10=0x4000_0000, x11=0x5a), s.peek(DATA)
    a, after = batch("access-range", [(n, e) for n in NAMES for e in (False, True)], put)[name, exits]
    if exits:
        code = EXC["STORE_GUEST_PAGE" if is_store(name) else "LOAD_GUEST_PAGE"]
        assert (a.trap, a.tval, after.w0) == (code + 1, 0x4000_0000, VALUE)
        return
    n = width(name)
    low = VALUE & (1 << 8 * n) - 1
    if is_store(name):
        assert (a.trap, after.w0) == (0, VALUE & ~((1 << 8 * n) - 1) & MASK | 0x5a)
    else:
        assert a.x12 == (low | (0 if name.endswith("u") or not low >> 8 * n - 1 else MASK ^ (1 << 8 * n) - 1))


@pytest.mark.parametrize("name", ["vmld.d", "vmst.w", "vmldp.b", "vmstp.h"])
@pytest.mark.parametrize("base", ["gptbr", "hptbr"])
@pytest.mark.parametrize("mode", range(16))
def test_mode_that_an_entry_refuses(name, base, mode, batch):
    """WK-8."""
    def put(s, case):
        n, b, m = case
        s.vmcs(VMCS, vmtrapcfg=TRAP["PREEMPT"])
        s.step(ins("vmenter", rs1=10), x10=VMCS)
        s.vmwrite(field(b), m << 60)
        return s.step(word(n), x10=DATA, x11=0)
    everything = [(n, b, m) for n in ("vmld.d", "vmst.w", "vmldp.b", "vmstp.h") for b in ("gptbr", "hptbr")
                  for m in range(16)]
    a = batch("access-modes", everything, put)[name, base, mode]
    if mode in (0, 8, 9):
        assert a.trap != EXC["ILLEGAL"] + 1
    else:
        assert (a.trap, a.tval) == (EXC["ILLEGAL"] + 1, word(name))


@pytest.mark.parametrize("low", [0, 1, 2, 3])
def test_root_is_taken_as_aligned(low, single):
    """WK-8: bits 1:0 of HPTBR's ppn."""
    s, c = single, Case("vmldp.d", offset=0)
    w = Setup(c)
    s.memory(w.memory)
    s.memory(memory())
    s.vmcs(VMCS, vmtrapcfg=TRAP["PREEMPT"], gptbr=w.gptbr, hptbr=w.hptbr)
    s.step(ins("vmenter", rs1=10), x10=VMCS)
    s.vmwrite(field("hptbr"), w.hptbr + low)
    a = s.step(word("vmldp.d"), x10=w.gpa)
    s.go()
    assert (a.trap, a.x12) == (0, memory()[DATA])


@pytest.mark.parametrize("name", ["vmld.d", "vmst.d", "vmldp.d", "vmstp.d"])
def test_image_is_left_in_memory(name, single):
    """VM-17: a current context that is not pooled is used where it is; nobody is evicted for it."""
    s = single
    others = [VMCS + 0x1000 * i for i in range(1, 9)]
    s.vmcs(VMCS, vmtrapcfg=TRAP["PREEMPT"])
    s.step(ins("vmenter", rs1=10), x10=VMCS)
    for vm in others:
        s.vmcs(vm)
        s.step(ins("vmload", rs1=10), x10=vm)            # the eighth pushes the current one out
    a = s.step(word(name), x10=DATA, x11=5)
    owners = [s.peek(vm + 8) for vm in [VMCS, *others]]
    s.go()
    assert a.trap == 0
    assert [o.w0 for o in owners] == [0] + [1] * 8


# --- PMP -------------------------------------------------------------------------------

PMP_RWX = {"none": 0, "r": 1, "rw": 3, "x": 4, "rwx": 7}


@pytest.mark.parametrize("rights", PMP_RWX)
@pytest.mark.parametrize("stage", [BARE, SV39])
@pytest.mark.parametrize("what", ["data", "table"])
def test_pmp(rights, stage, what, batch):
    """PR-5, PR-9, PR-10: the PMP is asked at the host physical address, for entries of tables too."""
    def put(s, case):
        r, st, w = case
        s.csr(CSR["pmpcfg0"], 0)
        c = Case("vmld.d", st, st, offset=0)
        u = Setup(c)
        s.fill(TABLES, 0x10000)
        s.memory(u.memory)
        s.memory(memory())
        s.step(ins("tlbflushv"))
        s.vmcs(VMCS, vmtrapcfg=TRAP["PREEMPT"], gptbr=u.gptbr, hptbr=u.hptbr)
        s.step(ins("vmenter", rs1=10), x10=VMCS)
        page = DATA if w == "data" else TABLES
        s.csr(CSR["pmpaddr0"], page >> 2 | (0x1ff if w == "data" else 0x3fff))     # NAPOT: a page, or 128 KiB
        s.csr(CSR["pmpaddr1"], MASK >> 10)
        s.csr(CSR["pmpcfg0"], 0x1f00 | 0x18 | PMP_RWX[r])
        load = s.step(word("vmld.d"), x10=u.va)
        store = s.step(word("vmst.d"), x10=u.va, x11=memory()[DATA])
        s.csr(CSR["pmpcfg0"], 0)
        return u, load, store
    everything = [(r, st, w) for r in PMP_RWX for st in (BARE, SV39) for w in ("data", "table")]
    u, load, store = batch("pmp", everything, put)[rights, stage, what]
    bits = PMP_RWX[rights]
    if what == "data":
        fine, gpa = (bool(bits & 1), bool(bits & 2)), u.gpa
    elif stage == BARE:
        fine, gpa = (True, True), None
    else:
        fine, gpa = (bool(bits & 1),) * 2, None          # reading an entry is a load
    assert (load.trap, store.trap) == (0 if fine[0] else EXC["LOAD_GUEST_PAGE"] + 1,
                                       0 if fine[1] else EXC["STORE_GUEST_PAGE"] + 1)
    for a, good in zip((load, store), fine):
        if not good and gpa is not None:
            assert a.tval == gpa


# --- Whose tables ----------------------------------------------------------------------

CODE = FREE + 0x10000
GUEST_PAGE, HOST_PAGE, OTHER_PAGE = FREE + 0x200000, FREE + 0x201000, FREE + 0x202000


@pytest.mark.parametrize("stale", ["", "guest", "host"])
def test_tables_of_whom(stale, single):
    """One address in the tables of the guest, and in those of satp: VMLD and the guest itself go by GPTBR, an access
    with MPRV by satp (WK-1); --check-stale compares with the same tables, and accuses only what is stale."""
    s, t, at = single, Tables(FREE + 0x300000), 0x4000_0000
    gptbr, satp = t.root(SV39) | 1 << 44, t.root(SV39) | 2 << 44
    leaf = {"guest": t.map(gptbr, at, GUEST_PAGE, 0, ALL)[0], "host": t.map(satp, at, HOST_PAGE, 0, ALL | U)[0]}
    t.map(gptbr, CODE, CODE, 0, ALL)
    s.memory(t.memory())
    for n, page in enumerate((GUEST_PAGE, HOST_PAGE, OTHER_PAGE)):
        s.poke(page, n)
    s.code(CODE, [ins("ld", rd=12, rs1=10), ins("ld", rd=13, rs1=10), vmexit(1)])
    s.vmcs(VMCS, pc=CODE, gptbr=gptbr, hptbr=1 << 44, x10=at)
    ran = s.enter(VMCS, "x12", "x13")
    s.csr(CSR["satp"], satp)            # what the entry has put aside is another value

    def look():
        guest = s.step(ins("vmld.d", rs1=10, rd=12), x10=at)
        s.step(ins("csrrs", csr=CSR["mstatus"], rs1=10), x10=1 << 17)
        host = s.step(ins("ld", rs1=10, rd=12), x10=at)     # as Ring 3: mret left MPP 0
        s.step(ins("csrrc", csr=CSR["mstatus"], rs1=10), x10=1 << 17)
        return guest, host
    seen = [look(), look()]
    if stale:
        s.poke(leaf[stale], OTHER_PAGE >> 12 << 10 | ALL | (U if stale == "host" else 0))
        seen.append(look())
    s.csr(CSR["satp"], 0)
    told = s.go("--check-stale").stderr
    assert (ran.cause, ran.x12, ran.x13) == (EXIT["HYPERCALL"], 0, 0)
    assert [(g.x12, h.x12) for g, h in seen] == [(0, 1)] * len(seen)
    assert told.count("stale translation") == bool(stale)
    assert (f"now say {OTHER_PAGE:#x}" in told) == bool(stale)
