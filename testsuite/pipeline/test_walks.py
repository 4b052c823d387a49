"""Translation: misses of L1 and L2, native and nested walks, each from a known data cache.

Every table has one line of each entry that is used in a set of its own, so that what a test
has put into the data cache stays there.
"""

import pytest

from pipeline.model import LAT, REFILL
from pipeline.programs import program
from xvisa.asm import CONST

FILL = 2  # from the fetch of an instruction to X
REGION = 0x81000000                # 2 MiB of data and tables: VPN2 is 2, VPN1 is 8
CODE, JUNK = 0x80000000, 0x82000000
PAGE = REGION + 0x30000            # VPN0 from 0x30 on
ROOT, MIDDLE, LEAF = (REGION + n for n in (0x40000, 0x50000, 0x60000))
HROOT, HMIDDLE, HLEAF = (REGION + n for n in (0x80000, 0xa0000, 0xb0000))
LINE_IN_PAGE = 0x7c0
SUPERVISOR, USER = 0xcf, 0xdf      # V R W X A D, and U
SV39 = 8 << 60


def pointer(pa):
    return pa >> 2 | 1


def leaf(pa, flags):
    return pa >> 2 | flags


def entry(table, va, level):
    return table + 8 * (va >> 12 + 9 * level & 0x1ff)


def tables(root, middle, leaves, flags, pages):
    """{address: entry}: the code as one page of 2 MiB, pages of the region one by one."""
    out = {entry(root, CODE, 2): pointer(middle), entry(middle, CODE, 1): leaf(CODE, flags),
           entry(middle, REGION, 1): pointer(leaves)}
    return out | {entry(leaves, p, 0): leaf(p, flags) for p in pages}


def stores(words):
    return "\n".join(f"    li a0, {a:#x}\n    li a1, {v:#x}\n    sd a1, 0(a0)" for a, v in words.items()) + "\n"


def only(lines):
    """The data cache has these lines and none else of their sets."""
    return f"""
    li    a0, {JUNK}
    li    a1, {CONST["CACHE_BYTES"] // 64}
1:  ld    zero, 0(a0)
    addi  a0, a0, 64
    addi  a1, a1, -1
    bnez  a1, 1b
""" + "\n".join(f"    li a0, {a:#x}\n    ld zero, 0(a0)" for a in sorted({a & -64 for a in lines})) + "\n"


# --- Native ---------------------------------------------------------------------------

PAGES = [PAGE + 0x1000 * n for n in range(24)]
NATIVE = tables(ROOT, MIDDLE, LEAF, SUPERVISOR, PAGES)
WALK = [entry(ROOT, PAGE, 2), entry(MIDDLE, PAGE, 1), entry(LEAF, PAGE, 0)]
CODE_WALK = [entry(ROOT, CODE, 2), entry(MIDDLE, CODE, 1)]
FOUND = LAT.tlb_l2 + 3 * LAT.walk_read


def to_supervisor():
    """To the body, in Ring 0 with satp. s3 is PAGE + LINE_IN_PAGE."""
    return f"""
    li    s3, {PAGE + LINE_IN_PAGE:#x}
    li    a0, {SV39 | ROOT >> 12:#x}
    csrw  satp, a0
    li    a0, 0x800
    csrw  mstatus, a0
    la    a0, body
    csrw  mepc, a0
    mret
"""


def native(pipeline, body, warm=(), cold=(), words=NATIVE, args=()):
    """The body in Ring 0, with these lines beside the tables' in the data cache, or not."""
    lines = {a & -64 for a in [*NATIVE, PAGE + LINE_IN_PAGE, *warm]} - {a & -64 for a in cold}
    before = stores(words) + only(lines) + to_supervisor()
    after = "" if "handler:" in body else "    .p2align 2\nhandler:\n    j finish\n"
    return pipeline(program(body + "\necall", before=before, after=after), *args)


def test_walk(pipeline):
    """Three entries that hit; a second access of the page; another page of the same table."""
    run = native(pipeline, "a: ld a0, 0(s3)\nnop\nc: nop\nd: ld a0, 8(s3)\nnop\nf: nop")
    assert run.between("a", "c") == 1 + LAT.load + FOUND
    assert run.between("d", "f") == 1 + LAT.load


@pytest.mark.parametrize("cold", [WALK[2:], WALK[1:2], WALK[1:], [PAGE + LINE_IN_PAGE]])
def test_walk_misses(pipeline, cold):
    run = native(pipeline, "a: ld a0, 0(s3)\nnop\nc: nop", cold=cold)
    assert run.between("a", "c") == 1 + LAT.load + FOUND + len(cold) * REFILL


def test_store_walk(pipeline):
    run = native(pipeline, "a: sd a0, 0(s3)\nnop\nc: nop")
    assert run.between("a", "c") == 1 + LAT.store + FOUND


def test_l2_hit(pipeline):
    """As many other pages as L1 has entries: the first one is in L2 alone, then in L1 again."""
    body = f"""
    ld    a0, 0(s3)
    li    a1, {CONST["TLB_L1"]}
    li    a3, 0x1000 - 64
    mv    a2, s3
1:  add   a2, a2, a3
    ld    a0, 0(a2)
    addi  a1, a1, -1
    bnez  a1, 1b
    .p2align 6
    nop
    nop
a:  ld    a0, 0(s3)
    nop
c:  nop
d:  ld    a0, 0(s3)
    nop
f:  nop"""
    run = native(pipeline, body)
    assert run.between("a", "c") == 1 + LAT.load + LAT.tlb_l2
    assert run.between("d", "f") == 1 + LAT.load


def test_page_fault(pipeline):
    """A page without an entry: the walk is read to its end, then the trap is taken."""
    body = "li a1, 0x20000\nadd a2, s3, a1\nnop\na: ld a0, 0(a2)\n.p2align 2\nhandler: nop\nj finish"
    missing = entry(LEAF, PAGE + 0x20000, 0)
    run = native(pipeline, body, warm=[missing])
    assert run.all("a")[0]["event"]["name"] == "LOAD_PAGE"
    assert run.between("a", "handler") == 1 + FOUND + LAT.trap + FILL


def test_access_over_a_pages_end(pipeline):
    """Two translations, then two lines: one cycle more."""
    ends = [PAGE + 0xfc0, PAGE + 0x1000]
    body = f"li a2, {0xffd - LINE_IN_PAGE}\nadd a2, a2, s3\nnop\na: ld a0, 0(a2)\nnop\nc: nop"
    run = native(pipeline, body, warm=ends)
    assert run.between("a", "c") == 1 + LAT.load + 2 * FOUND + 1


def test_fetch_walk(pipeline):
    """mret: R is M + flush; the walk begins in W of it, or when the first cycle in F is over."""
    run = native(pipeline, "nop")
    mret = next(r for r in run.records if r["disasm"] == "mret")
    entered = run.cycle("body") - mret["cycle"]
    walk = LAT.tlb_l2 + 2 * LAT.walk_read
    assert entered == LAT.trap + LAT.flush + 1 + walk + REFILL + 1


def test_fetch_walk_behind_a_jump(pipeline):
    """A jump to another page, that decode finds: D is -1, R 0, and the walk begins in W of the jump."""
    middle = entry(MIDDLE, CODE, 1)
    code = REGION + 0x90000
    assert NATIVE[middle] == leaf(CODE, SUPERVISOR)
    words = NATIVE | {middle: pointer(code)} | {entry(code, CODE + 0x1000 * n, 0): leaf(CODE + 0x1000 * n, SUPERVISOR)
                                                for n in range(16)}
    after = "    .p2align 2\nhandler:\n    j finish\n    .p2align 12\nfar: ecall\n"
    before = stores(words) + only([*NATIVE, entry(code, CODE, 0)]) + to_supervisor()
    run = pipeline(program("nop\na: j far\n", before=before, after=after))
    walk = LAT.tlb_l2 + 3 * LAT.walk_read
    assert run.between("a", "far") == LAT.jump + 1 + walk + REFILL + 1


# --- Nested ---------------------------------------------------------------------------

HOSTED = [PAGE, PAGE + 0x1000, ROOT, MIDDLE, LEAF]
HOST = tables(HROOT, HMIDDLE, HLEAF, USER, HOSTED)
VM = """
    .section .bss
    .p2align 12
vmcs: .zero VMCS_BYTES
    .text
"""
# Host entries for one guest physical page of the region, and for the code.
STEP, STEP_CODE = 3, 2
FIFTEEN = 3 * (STEP + 1) + STEP
SIX = 3 + STEP


def nested(pipeline, guest, hptbr=SV39 | 5 << 44 | HROOT >> 12, gptbr=SV39 | ROOT >> 12, host="", words=NATIVE | HOST,
           args=(), **fields):
    """A guest with both stages; its code is a page of 2 MiB in both. host: what runs behind its exit.
    fields: of the VMCS."""
    lines = [*NATIVE, *HOST, PAGE + LINE_IN_PAGE, PAGE + 0x1000 + LINE_IN_PAGE]
    fields |= {"gptbr": gptbr, "hptbr": hptbr, "x + 13": PAGE + LINE_IN_PAGE, "x + 14": PAGE + 0x1000 + LINE_IN_PAGE}
    before = stores(words) + """
    la    s2, vmcs
    la    a0, guest
    li    a1, REVISION
    sd    a1, VMCS_REVISION * 8 (s2)
    sd    a0, VMCS_PC * 8 (s2)
""" + "".join(f"    li a0, {v:#x}\n    sd a0, (VMCS_{n.upper()}) * 8 (s2)\n" for n, v in fields.items()) + f"""
    li    s3, {PAGE + LINE_IN_PAGE:#x}
    vmload s2
""" + only(lines)
    return pipeline(program(f"vmenter s2\n{host}\nj finish\nguest:\n{guest}\nvmexit 0", before=before, after=VM), *args)


def test_nested_walk(pipeline):
    """Fifteen entries for the first page; for the next one the walk cache has the guest's tables."""
    run = nested(pipeline, "nop\na: ld a0, 0(a3)\nnop\nc: nop\nd: ld a0, 0(a4)\nnop\nf: nop")
    assert FIFTEEN == 15
    assert run.between("a", "c") == 1 + LAT.load + LAT.tlb_l2 + FIFTEEN * LAT.walk_read
    assert run.between("d", "f") == 1 + LAT.load + LAT.tlb_l2 + SIX * LAT.walk_read


def test_nested_fetch(pipeline):
    """Two guest entries by way of the host's tables, and the host's two of the code's page. The
    walk begins in W of VMENTER, one cycle behind R."""
    run = nested(pipeline, "nop")
    reads = 2 * (STEP + 1) + STEP_CODE
    assert run.between("body", "guest") > 0
    enter = next(r for r in run.records if r["disasm"].startswith("vmenter"))
    assert run.cycle("guest") - enter["cycle"] == LAT.world + 1 + LAT.tlb_l2 + reads * LAT.walk_read + 1


def test_guest_stage_alone(pipeline):
    """HPTBR bare: what a native machine reads."""
    run = nested(pipeline, "nop\na: ld a0, 0(a3)\nnop\nc: nop", hptbr=0)
    assert run.between("a", "c") == 1 + LAT.load + FOUND


def test_host_stage_alone(pipeline):
    run = nested(pipeline, "nop\na: ld a0, 0(a3)\nnop\nc: nop", gptbr=0)
    assert run.between("a", "c") == 1 + LAT.load + LAT.tlb_l2 + STEP * LAT.walk_read


def test_no_stage(pipeline):
    run = nested(pipeline, "nop\na: ld a0, 0(a3)\nnop\nc: nop", hptbr=0, gptbr=0)
    assert run.between("a", "c") == 1 + LAT.load


def test_vmld(pipeline):
    """As the guest would: its own walk, by way of an empty walk cache."""
    run = nested(pipeline, "nop", host="nop\na: vmld.d a0, (s3)\nnop\nc: nop")
    assert run.between("a", "c") == LAT.vmls + 1 + LAT.tlb_l2 + FIFTEEN * LAT.walk_read


def test_vmldp(pipeline):
    """The host stage each time: no TLB is asked, none is filled."""
    run = nested(pipeline, "nop", host="nop\na: vmldp.d a0, (s3)\nnop\nc: vmldp.d a0, (s3)\nnop\ne: nop")
    once = LAT.vmls + 1 + STEP * LAT.walk_read
    assert run.between("a", "c") == once + 1  # c is serial: W of the nop
    assert run.between("c", "e") == once


def test_forwarded_range(pipeline):
    """A page with an MMIO range is in no TLB: L2 is looked into each time, and no table read."""
    run = nested(pipeline, "nop\na: lb a0, 5(a5)\nnop\nc: lb a0, 5(a5)\nnop\ne: nop", gptbr=0, iov_base=0x40000000,
                 iov_size=0x100, iov_target=0x10000000, iov_flags=1, **{"x + 15": 0x40000000})
    once = 1 + LAT.load + LAT.tlb_l2 + LAT.bus + LAT.device
    assert run.between("a", "c") == once
    assert run.between("c", "e") == once


# --- Svadu ----------------------------------------------------------------------------

A, D = 0x40, 0x80
SVADU = ("--svadu", "on")


def without(words, *entries):
    """(address, bits that are clear)."""
    out = dict(words)
    for at, bits in entries:
        out[at] &= ~bits
    return out


@pytest.mark.parametrize("insn,bits,writes", [("ld", A | D, 1), ("ld", D, 0), ("ld", 0, 0), ("sd", A | D, 1),
                                              ("sd", D, 1), ("sd", 0, 0)])
def test_leaf_is_written(pipeline, insn, bits, writes):
    """PI-20: a write of an entry whose line the walk has just read."""
    run = native(pipeline, f"a: {insn} a0, 0(s3)\nnop\nc: nop\nd: {insn} a0, 8(s3)\nnop\nf: nop",
                 words=without(NATIVE, (WALK[2], bits)), args=SVADU)
    access = LAT.store if insn == "sd" else LAT.load
    assert run.between("a", "c") == 1 + access + FOUND + writes * LAT.walk_write
    assert run.between("d", "f") == 1 + access


def test_nested_entries_are_written(pipeline):
    """A store. The walk reads the guest's leaf by way of a host leaf without A, which is written (WK-12); the
    guest's leaf is due, so that its page's host leaf is walked once more, as of a store (WK-10), and written D;
    then come the guest's leaf and the host's leaf of the page (WK-11)."""
    words = without(NATIVE | HOST, (WALK[2], A | D), (entry(HLEAF, LEAF, 0), A | D), (entry(HLEAF, PAGE, 0), A | D))
    run = nested(pipeline, "nop\na: sd a0, 0(a3)\nnop\nc: nop\nd: sd a0, 8(a3)\nnop\nf: nop", words=words, args=SVADU)
    reads, writes = FIFTEEN + STEP, 1 + 3
    assert run.between("a", "c") == 1 + LAT.store + LAT.tlb_l2 + reads * LAT.walk_read + writes * LAT.walk_write
    assert run.between("d", "f") == 1 + LAT.store


def test_written_line_is_dirty(pipeline):
    """Once it is replaced: one line more goes back to memory."""
    body = f"""
    ld    a0, 0(s3)
    li    a1, {CONST["CACHE_BYTES"] // 64}
    li    a2, {PAGES[2]:#x}
1:  ld    zero, 0(a2)
    addi  a2, a2, 64
    addi  a1, a1, -1
    bnez  a1, 1b"""
    clean, dirty = (native(pipeline, body, words=without(NATIVE, (WALK[2], bits)), args=SVADU).stats["pipeline"]["counts"]
                    for bits in (0, A))
    assert dirty["writebacks"] == clean["writebacks"] + 1
