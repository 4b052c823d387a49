"""Entries that fail: every field that can be wrong, and which one is told.

Manual: chapter "World switches", rules EN-1 to EN-15.
"""

import itertools

import pytest

from xvisa.asm import CONST, CSR, EXC, EXIT, INSN, MASK, TRAP, field, ins, qual, vmexit
from xvisa.script import FREE, RAM, RAM_END

CODE, DESC = FREE, FREE + 0x8000
A, B = FREE + 0x10000, FREE + 0x11000
ILLEGAL = EXC["ILLEGAL"] + 1
GOOD = FREE + 0x100000      # aligned to 16 KiB and 8 KiB
KNOWN = sum(v for k, v in TRAP.items() if k != "TLBMISS")
READY = dict(pc=CODE)

# Field: values that an entry refuses, values that it accepts (EN-8), in the order of the checks.
CHECKS = {
    "vmtrapcfg": ([1 << b for b in range(64) if not KNOWN >> b & 1] + [MASK], [0]),
    "vmctl": ([1 << b for b in range(1, 64)] + [MASK], [0, 1]),
    "hptbr": ([m << 60 | GOOD >> 12 for m in range(16) if m not in (0, 8, 9)] +
              [m << 60 | 1 << b | GOOD >> 12 for m in (0, 8, 9) for b in (58, 59)] +
              [m << 60 | GOOD >> 12 | low for m in (8, 9) for low in (1, 2, 3)],
              [GOOD >> 12 | low for low in range(4)] + [0x3fff << 44]),
    "iobitmap": ([GOOD + x for x in (1, 8, 0x1000)] + [RAM - 0x2000, RAM_END, RAM_END - 0x1000, 1 << 63, 0x2000],
                 [0, GOOD, RAM_END - 0x2000]),
    "pc": ([CODE + 1, MASK, 1], [CODE, CODE + 2]),
    "ring": ([1, 2, 4, 1 << 32, 3 | 1 << 63, MASK], [0, 3]),
    "gptbr": ([m << 60 for m in range(16) if m not in (0, 8, 9)], [(1 << 60) - 1]),
    "vic_threshold": ([16, 17, 1 << 32, MASK], [0, 15]),
    "vic_depth": ([16, 1 << 63], [0, 15]),
}
ORDER = list(CHECKS)


def ranges(*rows):
    """Fields of MMIO ranges: (index, base, size, flags)."""
    return {f"iov_{k}{i}": v for i, *values in rows for k, v in zip(("base", "size", "flags"), values)}


SINGLE = {f"{name}-{v:#x}": ({name: v}, name, v) for name, (bad, _) in CHECKS.items() for v in bad}
SINGLE.update({f"accepts-{name}-{v:#x}": ({name: v}, None, None)
               for name, (_, good) in CHECKS.items() for v in good})
SINGLE.update({
    "iov-size-0": (ranges((3, 0x1000, 0, 1)), "iov_size3", 0),
    "iov-wraps": (ranges((7, MASK - 0xf, 0x11, 1)), "iov_size7", 0x11),
    "iov-to-the-end": (ranges((7, MASK - 0xf, 0x10, 1)), None, None),
    "iov-all": (ranges((0, 0, MASK, 1)), None, None),
    "iov-overlap": (ranges((2, 0x1000, 0x100, 1), (5, 0x10ff, 1, 3)), "iov_size5", 1),
    "iov-adjacent": (ranges((2, 0x1000, 0x100, 1), (5, 0x1100, 1, 3)), None, None),
    "iov-inside": (ranges((6, 0x1000, 0x100, 1), (1, 0x1010, 1, 3)), "iov_size6", 0x100),
    "iov-same": (ranges((0, 0x1000, 8, 1), (7, 0x1000, 8, 1)), "iov_size7", 8),
    "iov-invalid-may-overlap": (ranges((2, 0x1000, 0x100, 1), (5, 0x1000, 1, 0)), None, None),
    "iov-invalid-may-be-anything": (ranges((4, MASK, MASK, 0)), None, None),
    "iov-flags-2": (ranges((4, 0x1000, 1, 5)), "iov_flags4", 5),
    "iov-flags-63-invalid": (ranges((0, 0, 0, 1 << 63)), "iov_flags0", 1 << 63),
    "iov-size-before-flags": (ranges((0, 0x1000, 1, 5), (7, 0x1000, 0, 1)), "iov_size7", 0),
})


def arrange(s, case):
    s.vmcs(A, **READY)
    if isinstance(case, str):
        fields = SINGLE[case][0]
    else:
        fields = pair_fields(case)
    s.vmcs(B, **{**READY, **fields})
    s.code(CODE, [vmexit(1), vmexit(2)])
    s.enter(A)
    before = s.csr_read(CSR["vmcount_exit"])
    e = s.enter(B, "count_exit", "exit_cause", "owner")
    after, current = s.csr_read(CSR["vmcount_exit"]), s.csr_read(CSR["vmcs"])
    return e, after, before, current


def refused(e, name, value):
    assert e.trap == 0
    assert (e.cause, e.qual, e.addr) == (EXIT["ENTRYFAIL"], qual("ENTRYFAIL", field=field(name)), value)
    assert (e.gpa, e.insn, e.len, e.val) == (0, 0, 0, 0)


@pytest.mark.parametrize("key", SINGLE)
def test_field(key, batch):
    """One field wrong: told with its value; the context is pooled and current, nothing counted (EN-5, EN-12,
    RS-3, TF-5)."""
    e, after, before, current = batch("entry", SINGLE, arrange)[key]
    _, name, value = SINGLE[key]
    if name is None:
        assert e.cause != EXIT["ENTRYFAIL"]
        assert after.x12 - before.x12 == e.count_exit == 1
        return
    refused(e, name, value)
    assert (e.count_exit, e.exit_cause, e.owner) == (0, 0, 1)
    assert after.x12 == before.x12
    assert current.x12 == B


def test_bitmap_half_in_ram(single):
    """EN-8, item 4: all of the bitmap; here RAM ends in its middle."""
    s, at = single, RAM_END
    s.vmcs(A, iobitmap=at, **READY)
    e = s.enter(A)
    s.go("--ram", f"{(RAM_END - RAM + 0x1000) >> 10}K")
    refused(e, "iobitmap", at)


WRONG = ORDER + ["iov_size0", "iov_flags0"]


def pair_fields(names):
    fields = {n: CHECKS[n][0][0] for n in names if n in CHECKS}
    if "iov_size0" in names:
        fields.update(iov_base0=1, iov_size0=0, iov_flags0=1)
    if "iov_flags0" in names:
        fields["iov_flags0"] = 9 if "iov_size0" in names else 8
    return fields


SETS = {"+".join(p): p for n in (2, len(WRONG) - 1, len(WRONG)) for p in itertools.combinations(WRONG, n)}


@pytest.mark.parametrize("key", SETS)
def test_order(key, batch):
    """Several fields wrong: the lowest number is told (EN-7)."""
    e, *_ = batch("entry-order", list(SETS.values()), arrange)[SETS[key]]
    first = SETS[key][0]
    refused(e, first, pair_fields(SETS[key])[first])


# --- Two fields wrong at once, in all pairs

def overlaps(fields, i, j):
    a, b = ({k: fields.get(f"iov_{k}{n}", 0) for k in ("base", "size", "flags")} for n in (i, j))
    return b["flags"] & 1 and a["base"] < b["base"] + b["size"] and b["base"] < a["base"] + a["size"]


def first_wrong(fields):
    """EN-7 and EN-8, written out: (name, value) of the field that is told, or None."""
    for name, (bad, _) in CHECKS.items():
        if fields.get(name, 0) in bad:
            return name, fields[name]
    for i in range(CONST["IOV_RANGES"]):
        base, size, flags = (fields.get(f"iov_{k}{i}", 0) for k in ("base", "size", "flags"))
        if flags & 1 and (size == 0 or base + size > 1 << 64 or any(overlaps(fields, i, j) for j in range(i))):
            return f"iov_size{i}", size
    for i in range(CONST["IOV_RANGES"]):
        if fields.get(f"iov_flags{i}", 0) >> 2:
            return f"iov_flags{i}", fields[f"iov_flags{i}"]
    return None


def single_faults():
    """Every field that can be wrong, in every way that a range can be: name, fields."""
    every = range(CONST["IOV_RANGES"])
    yield from ((name, {name: bad[0]}) for name, (bad, _) in CHECKS.items())
    yield from ((f"empty{i}", ranges((i, 0x1000 * i, 0, 1))) for i in every)
    yield from ((f"wraps{i}", ranges((i, MASK - 0xf - i, 0x20, 1))) for i in every)
    yield from ((f"overlap{i}{j}", ranges((i, 0x10000 * i, 0x20, 1), (j, 0x10000 * i + 0x10, 0x20, 3)))
                for i in every for j in every if i < j)
    yield from ((f"flags{i}", ranges((i, 0x1000 * i, 8, 4 << i))) for i in every)


def both(a, b):
    """The fields of two faults; None if they are of the same range. Flags are no reason: they add up."""
    if any(a[k] != b[k] for k in a.keys() & b.keys() if not k.startswith("iov_flags")):
        return None
    return {**a, **b, **{k: a[k] | b[k] for k in a.keys() & b.keys() if k.startswith("iov_flags")}}


TWO = {f"{m}+{n}": pair for (m, a), (n, b) in itertools.combinations(single_faults(), 2)
       if (pair := both(a, b))}


def test_all_pairs_of_faults(batch):
    """EN-7: of two fields that are wrong the first is told, whatever a later one holds; the ranges of higher numbers
    do not count (EN-8, item 10)."""
    def put(s, name):
        s.vmcs(B, **{**READY, **TWO[name]})
        return s.enter(B)
    got = batch("entry-two", TWO, put)
    assert len(TWO) > 1000
    for name, e in got.items():
        told, value = first_wrong({**READY, **TWO[name]})
        assert (name, e.cause, e.qual, e.addr) == \
            (name, EXIT["ENTRYFAIL"], qual("ENTRYFAIL", field=field(told)), value)


POINTERS = ([B + (1 << b) for b in range(12)] +
            [0, 8, RAM - 0x1000, RAM_END, 0x10000000, 0x100000, 1 << 63, MASK, MASK - 0xfff, 1 << 56 | B])


@pytest.mark.parametrize("name", ["vmenter", "vmload"])
@pytest.mark.parametrize("pointer", POINTERS, ids=hex)
def test_pointer(name, pointer, batch):
    """A pointer that is no page of RAM: VMCS_NONE and the pointer; the current VM stays (EN-1, EN-14)."""
    def put(s, case):
        insn, p = case
        s.code(CODE, [vmexit(1)])
        s.vmcs(A, **READY)
        s.enter(A)
        a = s.step(ins(insn, rs1=10), x10=p)
        return a, s.info(), s.csr_read(CSR["vmcs"])
    cases = [(n, p) for n in ("vmenter", "vmload") for p in POINTERS]
    a, e, current = batch("pointers", cases, put)[name, pointer]
    assert a.trap == 0 and current.x12 == A
    assert (e.cause, e.qual, e.addr) == (EXIT["ENTRYFAIL"], CONST["VMCS_NONE"], pointer)
    assert (e.gpa, e.insn, e.len, e.val) == (0, 0, 0, 0)


HEADS = {f"{name}-{value:#x}": (name, value, ok) for name, value, ok in
         [("revision", CONST["REVISION"] ^ 1 << b, False) for b in range(0, 64, 7)] +
         [("revision", 0, False), ("revision", MASK, False), ("revision", CONST["REVISION"], True),
          ("owner", 0, True), ("owner", 1, True), ("owner", 2, False), ("owner", 64, False), ("owner", MASK, False),
          ("owner", 1 << 32, False)]}


@pytest.mark.parametrize("insn", ["vmenter", "vmload"])
@pytest.mark.parametrize("key", HEADS)
def test_head(insn, key, batch):
    """Revision and owner are looked at in memory, before anything is loaded (EN-3, EN-13)."""
    def put(s, case):
        how, k = case
        name, value, _ = HEADS[k]
        s.code(CODE, [vmexit(1)])
        s.vmcs(A, **READY)
        s.vmcs(B, **{**READY, name: value})
        s.enter(A)
        s.step(ins(how, rs1=10), x10=B)
        return s.info(), s.peek(B + 8 * field("owner")), s.csr_read(CSR["vmcs"])
    cases = [(h, k) for h in ("vmenter", "vmload") for k in HEADS]
    e, owner, current = batch("heads", cases, put)[insn, key]
    name, value, ok = HEADS[key]
    if ok:
        assert owner.w0 == 1
        assert e.cause == (EXIT["HYPERCALL"] if insn == "vmenter" else 0)
        assert current.x12 == (B if insn == "vmenter" else A)
        return
    refused_at = (EXIT["ENTRYFAIL"], field(name), value)
    assert (e.cause, e.qual, e.addr) == refused_at
    assert owner.w0 == (value if name == "owner" else 0)
    assert current.x12 == A


def test_revision_before_owner(single):
    s = single
    s.vmcs(A, revision=7, owner=9, vmtrapcfg=MASK)
    e = s.enter(A)
    s.go()
    refused(e, "revision", 7)


def test_a_refused_head_evicts_nobody(single):
    """EN-13: nothing is spilled for a VMCS that is refused."""
    s = single
    vms = [A + 0x1000 * i for i in range(9)]
    for vm in vms:
        s.vmcs(vm, **READY)
    for vm in vms[:8]:
        s.step(ins("vmload", rs1=10), x10=vm)
    s.poke(vms[8], 0)
    s.step(ins("vmenter", rs1=10), x10=vms[8])
    s.step(ins("vmenter", rs1=10), x10=vms[8] + 8)
    owners = [s.peek(vm + 8) for vm in vms]
    s.go()
    assert [a.w0 for a in owners] == [1] * 8 + [0]


@pytest.mark.parametrize("insn", ["vmresume", "vmresume.adv"])
def test_resume_without_vm(insn, single):
    e = single.enter(0, insn=insn)
    single.go()
    assert (e.trap, e.cause, e.qual, e.addr) == (0, EXIT["ENTRYFAIL"], CONST["VMCS_NONE"], 0)


NEED_CURRENT = ["vmread", "vmwrite", "ldgptbr", "ldhptbr", "iovmap", "iovunmap", "iovmask", "vint_send", "vint_stat",
                "tlbflushv.asid", "tlbflushv.addr"] + [n for n in INSN if n.startswith(("vmld", "vmst"))]


@pytest.mark.parametrize("insn", NEED_CURRENT)
def test_without_vm_illegal(insn, batch):
    """VM-18, FL-6: with no current VM these are illegal; exit registers read zero (ST-13)."""
    def put(s, name):
        row = INSN[name]
        word = ins(name, **{k: {"rd": 12, "rs1": 10, "rs2": 11}[k] for k in row.fields})
        return s.step(word, x10=2 if name != "vint_send" else 5, x11=DESC), word
    a, word = batch("no-current", NEED_CURRENT, put)[insn]
    assert (a.trap, a.tval) == (ILLEGAL, word)


def test_csrs_without_vm(single):
    """ST-12, ST-10: they read 0, and a write is illegal."""
    s = single
    reads = [s.csr_read(CSR[n]) for n in ("vmtrapcfg", "gptbr", "hptbr", "vmcs")]
    writes = [s.csr(CSR[n], 0) for n in ("vmtrapcfg", "gptbr", "hptbr")]
    info = s.info()
    s.go()
    assert [(a.trap, a.x12) for a in reads] == [(0, 0)] * 4
    assert [a.trap for a in writes] == [ILLEGAL] * 3
    assert set(info.values.values()) == {0}


def test_resume_of_a_broken_image(single):
    """VMRESUME checks revision and owner again when the context has left the pool."""
    s = single
    s.code(CODE, [vmexit(1)])
    s.vmcs(A, **READY)
    s.enter(A)
    s.step(ins("vmclear", rs1=10), x10=A)
    s.poke(A, 5)
    first = s.resume()
    s.poke(A, CONST["REVISION"])
    s.poke(A + 8, 7)
    second = s.resume()
    s.poke(A + 8, 0)
    third = s.resume("count_exit", "count_emu")
    s.go()
    refused(first, "revision", 5)
    refused(second, "owner", 7)
    assert (third.cause, third.count_exit, third.count_emu) == (EXIT["HYPERCALL"], 2, 0)


def test_failed_entry_can_be_tried_again(single):
    """EN-11: after the field is put right, VMRESUME enters."""
    s = single
    s.code(CODE, [vmexit(1)])
    s.vmcs(A, pc=CODE, ring=2)
    first = s.enter(A)
    s.vmwrite(field("ring"), 3)
    second = s.resume("ring", "count_exit")
    s.go()
    refused(first, "ring", 2)
    assert (second.cause, second.ring, second.count_exit) == (EXIT["HYPERCALL"], 3, 1)


def test_advance_of_a_bad_pc(single):
    """EN-6, EN-7: the advanced pc is what is checked and told, and nothing moves on a failure."""
    s = single
    s.code(CODE, [vmexit(1), vmexit(2)])
    s.vmcs(A, **READY)
    s.enter(A)
    s.vmwrite(field("pc"), CODE + 1)
    bad = s.resume("pc", "count_emu", adv=True)
    s.vmwrite(field("pc"), CODE)
    s.vmwrite(field("ring"), 1)
    also = s.resume("pc", "count_emu", adv=True)
    s.vmwrite(field("ring"), 0)
    good = s.resume("pc", "count_emu", "count_exit", adv=True)
    s.go()
    refused(bad, "pc", CODE + 5)
    assert (bad.pc, bad.count_emu) == (CODE + 1, 0)
    refused(also, "ring", 1)
    assert (also.pc, also.count_emu) == (CODE, 0)
    assert (good.cause, good.qual, good.pc) == (EXIT["HYPERCALL"], 2, CODE + 4)
    assert (good.count_emu, good.count_exit) == (1, 2)


def test_advance_by_a_length_from_memory(single):
    """EN-6: pc + exit_len, of whatever the image holds: even makes right what is odd alone."""
    s = single
    s.code(CODE, [vmexit(1), vmexit(2)])
    s.vmcs(A, pc=CODE + 1, exit_len=3)
    odd = s.enter(A)
    good = s.resume("pc", "count_emu", adv=True)
    s.vmcs(B, pc=CODE, exit_len=MASK)
    s.step(ins("vmenter", rs1=10), x10=B)       # exits at CODE; exit_len is 4 from then on
    s.vmcs(B, pc=CODE, exit_len=1, ring=2)
    s.enter(B)
    s.vmwrite(field("ring"), 0)
    bad = s.resume("pc", adv=True)
    s.go()
    refused(odd, "pc", CODE + 1)
    assert (good.cause, good.qual, good.pc, good.count_emu) == (EXIT["HYPERCALL"], 2, CODE + 4, 1)
    refused(bad, "pc", CODE + 1)


@pytest.mark.parametrize("adv", [False, True])
def test_advance_by_nothing(adv, single):
    """CN-3: after an exit without an instruction .adv moves and counts nothing."""
    s = single
    s.code(CODE, [vmexit(1)])
    s.vmcs(A, vmtrapcfg=TRAP["PREEMPT"], **READY)
    first = s.enter(A)
    s.vmwrite(field("preempt"), 5)
    second = s.resume("pc", "count_emu", adv=adv)
    s.go()
    assert (first.cause, first.len) == (EXIT["PREEMPT"], 0)
    assert (second.cause, second.pc, second.count_emu) == (EXIT["HYPERCALL"], CODE, 0)
