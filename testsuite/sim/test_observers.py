"""What looks at a run from beside it: --explain-exit, --walk, --check-stale, exit sites, visa-stat."""

import csv
import io
import json
import re
import subprocess

import pytest
from harness import tools
from sim.elf import Segment
from sim.elf import elf as elf_file

# Ring 0 under Sv39: 0x80000000 and the devices as they are, 0x40000000 is RAM's start as
# well, until its entry is edited to 0xc0000000. FLUSH is sfence.vma or nothing.
STALE = """
        .equ    LEAF, 0xcf
        .globl  _start
_start: la      t0, root
        li      t1, LEAF
        sd      t1, 0(t0)
        li      t1, (0x80000000 >> 12) << 10 | LEAF
        sd      t1, 8(t0)
        sd      t1, 16(t0)
        srli    t0, t0, 12
        li      t1, 8 << 60
        or      t0, t0, t1
        csrw    satp, t0
        sfence.vma
        li      t0, 1 << 11
        csrs    mstatus, t0
        la      t0, fault
        csrw    mtvec, t0
        la      t0, ring0
        csrw    mepc, t0
        mret
ring0:  li      s0, 0x40000000
        ld      s1, 0(s0)
        la      t0, root
        li      t1, (0xc0000000 >> 12) << 10 | LEAF
        sd      t1, 8(t0)
        FLUSH
use:    ld      s2, 0(s0)
        li      a0, 0x5555
        j       stop
fault:  li      a0, 0x13333             # exit code 1: the load reached 0xc0000000
stop:   li      t0, 0x100000
        sw      a0, 0(t0)
1:      j       1b
        .bss
        .balign 4096
root:   .zero   4096
"""


@pytest.fixture
def tour(assemble, src_dir):
    return assemble((src_dir / "examples" / "tour.s").read_text())


def sim(*args):
    return subprocess.run([tools.tool("visa-sim"), *map(str, args)], capture_output=True, text=True, timeout=60)


def test_missing_flush_is_reported(assemble):
    """Without the flush the load still goes to 0x80000000, and the report says so."""
    run = sim("--check-stale", assemble(STALE.replace("FLUSH", "nop")))
    assert run.returncode == 0
    assert run.stderr.count("stale translation") == 1
    assert "load of 0x40000000" in run.stderr
    assert "goes to 0x80000000, but the tables now say 0xc0000000" in run.stderr


def test_flush_leaves_nothing_to_report(assemble):
    """With it the load goes to where no memory is: the program's handler ends it with 1."""
    run = sim("--check-stale", assemble(STALE.replace("FLUSH", "sfence.vma")))
    assert run.returncode == 1
    assert "stale" not in run.stderr


def test_checking_changes_no_count(assemble, run, fresh):
    elf = assemble(STALE.replace("FLUSH", "nop"))
    plain, checked = run(elf), run(elf, "--check-stale")
    assert plain.stats == checked.stats
    assert plain.stats["tlbmiss_host"] > 0


def test_explains_a_page_fault(tour):
    """The tour's seventh exit: its guest reads 0x40000000, where its root table has a hole
    (entry 1, 8 bytes into the table); the hypervisor fills it and lets it try again."""
    run = sim("--explain-exit", 7, tour)
    assert run.returncode == 0
    text = run.stderr
    assert "exit 7: PAGEFAULT" in text and "<guest" in text
    assert "VMTRAPCFG bit 4 (PF) is set" in text
    assert "access=load" in text and "exception=LOAD_PAGE" in text
    assert "VMADDR 0x40000000" in text
    assert "-> V is clear: the guest's table does not allow this load" in text
    story, _, after = text.partition("entered again")
    lines = [l for l in story.splitlines() if "level" in l]
    assert len(lines) == 2, "one host entry (1 GiB pages) for the guest's root, and that one's entry"
    assert "host level 2" in lines[0] and "a page of 1 GiB" in lines[0]
    assert "guest level 2" in lines[1] and "0x0000000000000000" in lines[1] and "........" in lines[1]
    assert "page fault" in text
    assert "the context is as the exit left it" in text
    assert "VMRESUME.ADV" not in text
    now = [l for l in after.splitlines() if "level" in l]  # the hole is filled: its leaf, and its host page
    assert len(now) == 3 and "guest level 2" in now[1] and "a page of 1 GiB" in now[1]
    assert "page fault" not in after


def test_explains_an_emulation(tour):
    """The fourth: IN.B R12, 0x379, answered with 42 in x12."""
    text = sim("--explain-exit", 4, tour).stderr
    assert "exit 4: IO" in text and "VMTRAPCFG bit 0 (IO) is set" in text
    for part in ("reg=a2", "write=0", "width=1", "mmio=0", "port=0x379"):
        assert part in text
    assert "changed: a2 " in text and "-> 0x2a" in text
    assert "(VMRESUME.ADV)" in text


def test_explains_where_ring_minus_1_goes_on(tour):
    """Behind the instruction that entered the guest last, which is 4 bytes."""
    text = sim("--explain-exit", 4, tour).stderr
    entries = [l.split() for l in sim("--trace", tour).stderr.splitlines() if "| entry" in l]
    assert f"Ring -1 goes on at 0x{int(entries[3][3], 16) + 4:x} <" in text


# Leaf for 0x40000000 in the root of Sv39, its flags in the order D A G U X W R V
FLAWS = [
    (0, "r", "V is clear"),
    (0xc5, "r", "W is set without R, which is reserved"),
    (1 << 60 | 0xcf, "r", "bits 63 to 54 are not zero"),
    (0x41, "r", "it is a table's and has A, D or U"),
    (1 << 10 | 0xcf, "r", "its page is not aligned to its size"),
    (0x8f, "r", "A is clear"), (0x8f, "x", "A is clear"),
    (0x4f, "w", "D is clear"), (0xcb, "w", "W is clear"), (0x0b, "w", "A is clear, W is clear, D is clear"),
    (0xc7, "x", "X is clear"), (0xc9, "r", "R is clear"),
    (0xdf, "r", "U is set and SUM clear, in Ring 0"), (0xdf, "x", "U is set, for a fetch of Ring 0"),
    (0x4f, "r", None), (0xc7, "r", None), (0xc7, "w", None), (0xcb, "x", None)]


def leaf(flags, page=0x80000000):
    return (page >> 12) << 10 | flags if flags & 1 else flags


def last_of_walk(assemble, flags, access, *args):
    """What --walk draws last of an address whose leaf in the root has these flags."""
    edit = f"li      t1, {leaf(flags)}\n        sd      t1, 8(t0)\n        FLUSH\nuse:    j       out"
    before, after = STALE.index("li      t1, (0xc0000000"), STALE.index("\n        li      a0, 0x5555")
    program = STALE[:before] + edit + STALE[after:].replace("\n        li", "\nout:    li", 1)
    elf = assemble(program.replace("FLUSH", "nop"))
    run = sim("--walk", f"0x40000000:{access}", *args, elf)
    assert run.returncode == 0
    return run.stderr.splitlines()[-1].strip()


@pytest.mark.parametrize("flags, access, reason", FLAWS)
def test_walk_names_what_failed(flags, access, reason, assemble):
    last = last_of_walk(assemble, flags, access)
    if reason:
        name = {"r": "load", "w": "store", "x": "fetch"}[access]
        assert last == f"-> {reason}: the page table does not allow this {name}: page fault"
    else:
        assert last == "-> HPA 0x80000000, a page of 1 GiB"


@pytest.mark.parametrize("flags, access, end", [
    (0x8f, "r", "HPA 0x80000000, a page of 1 GiB, writes A"), (0x4f, "r", "HPA 0x80000000, a page of 1 GiB"),
    (0x0f, "x", "HPA 0x80000000, a page of 1 GiB, writes A"), (0xcf, "w", "HPA 0x80000000, a page of 1 GiB"),
    (0x0f, "w", "HPA 0x80000000, a page of 1 GiB, writes A and D"),
    (0x4f, "w", "HPA 0x80000000, a page of 1 GiB, writes D"),
    (0x0b, "w", "W is clear: the page table does not allow this store: page fault"),
    (0x09, "r", "R is clear: the page table does not allow this load: page fault")])
def test_walk_names_what_is_written(flags, access, end, assemble):
    """--svadu: WK-9."""
    assert last_of_walk(assemble, flags, access, "--svadu", "on") == "-> " + end


def test_walk_to_a_table_at_level_0(assemble):
    """The root's second entry is the root: at each level the walk reads it again."""
    elf = assemble(STALE.replace("li      t1, (0xc0000000 >> 12) << 10 | LEAF", "srli    t1, t0, 2\n ori t1, t1, 1")
                   .replace("FLUSH", "nop").replace("use:    ld      s2, 0(s0)", "use:"))
    lines = sim("--walk", "0x40201000", elf).stderr.splitlines()
    assert [f"level {i}" in l for i, l in zip((2, 1, 0), lines[1:])] == [True] * 3
    assert lines[4].strip().startswith("-> a table at level 0: ")


def test_walk_of_no_canonical_address(assemble):
    text = sim("--walk", "0x4000000000", assemble(STALE.replace("FLUSH", "nop"))).stderr
    assert "the address is not the sign extension of what the table translates: the page table" in text
    assert "level" not in text


def test_walk_in_ring_3(assemble):
    """Ring 3, and a leaf of Ring 0's."""
    program = STALE.replace(".equ    LEAF, 0xcf", ".equ    LEAF, 0xdf").replace(
        "li      t0, 1 << 11\n        csrs    mstatus, t0", "nop").replace(
        "li      t1, (0xc0000000 >> 12) << 10 | LEAF", f"li t1, {leaf(0xcf)}").replace("FLUSH", "nop")
    run = sim("--walk", "0x40000000", assemble(program))
    assert run.returncode == 0
    assert run.stderr.splitlines()[-1].strip().startswith("-> U is clear, in Ring 3: the page table")


# A guest without a table of its own; GPA 0x40000000 is what HOST_LEAF says. It does GUEST, twice, with
# a VMEXIT between, at which the hypervisor does BETWEEN; t0 is HPTBR's root then.
NESTED = """
        .globl  _start
_start: la      s0, vmcs
        la      t0, root
        li      t1, HOST_LEAF
        sd      t1, 8(t0)
        li      t1, (0x80000000 >> 12) << 10 | 0xdf
        sd      t1, 16(t0)
        li      t1, REVISION
        sd      t1, VMCS_REVISION * 8 (s0)
        srli    t2, t0, 12
        li      t1, 8 << 60 | 7 << 44
        or      t2, t2, t1
        sd      t2, VMCS_HPTBR * 8 (s0)
        li      t2, GPTBR
        sd      t2, VMCS_GPTBR * 8 (s0)
        la      t1, guest
        sd      t1, VMCS_PC * 8 (s0)
        VMENTER R8
        BETWEEN
        VMRESUME.ADV
        li      a0, 0x5555
        li      t0, 0x100000
        sw      a0, 0(t0)
1:      j       1b
guest:  li      s1, 0x40000000
use:    GUEST
        VMEXIT  1
again:  GUEST
        VMEXIT  2
        .bss
        .balign 16384
root:   .zero   16384
vmcs:   .zero   4096
"""


def nested(host_leaf, guest, between="nop", gptbr=0):
    return (NESTED.replace("HOST_LEAF", str(leaf(host_leaf))).replace("GUEST", guest).replace("BETWEEN", between)
            .replace("GPTBR\n", f"{gptbr}\n"))


@pytest.mark.parametrize("flags, guest, reason, what", [
    (0, "ld a0, 0(s1)", "V is clear", "this access to GPA 0x40000000"),
    (0xcf, "ld a0, 0(s1)", "U is clear", "this access to GPA 0x40000000"),
    (0x9f, "ld a0, 0(s1)", "A is clear", "this access to GPA 0x40000000"),
    (0x5f, "sd a0, 0(s1)", "D is clear", "this access to GPA 0x40000000"),
    (0xdb, "sd a0, 0(s1)", "W is clear", "this access to GPA 0x40000000"),
    (0xd7, "jr s1", "X is clear", "this access to GPA 0x40000000"),
    (0xd9, "ld a0, 0(s1)", "R is clear", "this access to GPA 0x40000000"),
    (0xdf, "slli s1, s1, 11\n ld a0, 0(s1)", "the address is wider than the table's",
     "this access to GPA 0x20000000000")])
def test_explains_a_host_fault(flags, guest, reason, what, assemble):
    text = sim("--explain-exit", 1, assemble(nested(flags, guest))).stderr
    assert "exit 1: HOSTFAULT of VM 7" in text
    assert f"    -> {reason}: the host's table does not allow {what}: HOSTFAULT" in text.partition("entered again")[0]


def test_explains_a_host_fault_in_a_walk(assemble):
    """The guest's root is where the host's table has nothing: the guest's first fetch, which reads it."""
    text = sim("--explain-exit", 1, assemble(nested(0, "nop", gptbr=8 << 60 | 0x40000))).stderr
    assert ("-> V is clear: the host's table does not allow reading the guest table entry at GPA 0x40000010: HOSTFAULT"
            in text)


def test_explains_an_exit_without_return(assemble):
    text = sim("--explain-exit", 2, assemble(nested(0xdf, "ld a0, 0(s1)"))).stderr
    assert "exit 2: HYPERCALL" in text and "the VM was not entered again" in text


# The hypervisor changes the host's table between two uses of 0x40000000: EDIT, then FLUSH.
EDITS = {
    "moved": (leaf(0xdf, 0xc0000000), "ld a0, 0(s1)", "goes to 0x80000000, but the tables now say 0xc0000000"),
    "gone": (0, "ld a0, 0(s1)", "goes to 0x80000000, but the tables now do not allow it"),
    "read-only": (leaf(0xdb), "sd a0, 0x700(s1)", "goes to 0x80000700, but the tables now do not allow it")}


@pytest.mark.parametrize("flush, found", [("nop", 1), ("sfence.vma", 1), ("TLBFLUSHV", 0)])
@pytest.mark.parametrize("edit", EDITS)
def test_missing_flush_of_a_guest(edit, flush, found, assemble):
    """sfence.vma of the host is not the one that is missing."""
    value, guest, message = EDITS[edit]
    elf = assemble(nested(0xdf, guest, f"la t0, root\n li t1, {value}\n sd t1, 8(t0)\n {flush}"))
    run = sim("--check-stale", elf)
    assert run.returncode == 0
    assert run.stderr.count("stale translation") == found
    if found:
        assert " <again> in VM 7 " in run.stderr and message in run.stderr


@pytest.mark.parametrize("flags, now", [(3, "do not allow it"), (1, "say 0x90000000")])
@pytest.mark.parametrize("flush, found", [("nop", 1), ("TLBFLUSHV", 0)])
def test_missing_flush_of_a_range(flags, now, flush, found, assemble):
    """MM-5: a range that comes over a cached page is used only behind a flush."""
    between = f"la a1, range\n IOVMAP a0, x0, a1\n {flush}"
    data = f"        .data\n        .balign 8\nrange:  .dword  0x40000000, 8, 0x90000000, {flags}\n        .bss"
    elf = assemble(nested(0xdf, "ld a0, 0(s1)", between).replace("        .bss", data))
    text = sim("--ram", "512M", "--check-stale", elf).stderr
    assert text.count("stale translation") == found
    if found:
        assert f"goes to 0x80000000, but the tables now {now}" in text


def test_changed_but_still_allowed_is_not_stale(assemble):
    """The leaf loses W; loads go where the tables send them."""
    elf = assemble(nested(0xdf, "ld a0, 0(s1)", f"la t0, root\n li t1, {leaf(0xdb)}\n sd t1, 8(t0)"))
    assert "stale" not in sim("--check-stale", elf).stderr


def story_numbers(*args):
    return [int(n) for n in re.findall(r"^exit (\d+): ", sim(*args).stderr, re.M)]


# README's sample of the tour: 8 PRIVILEGED (1, 5, 8, 9, 10, 12, 13, 14), IO 3 and 4, ..., 16 exits of VM 0
@pytest.mark.parametrize("which, numbers", [
    ("3-5", [3, 4, 5]), ("14-", [14, 15, 16]), ("IO", [3, 4]), ("io", [3, 4]), ("4-,IO", [4]),
    ("vm=0", list(range(1, 17))),
    ("vm=0,PAGEFAULT", [7]), ("vm=1", []), ("PRIVILEGED,1-9", [1, 5, 8, 9]), ("16", [16])])
def test_explains_several_exits(which, numbers, tour):
    assert story_numbers("--explain-exit", which, tour) == numbers


def test_stories_of_vms_that_take_turns(assemble):
    """Each stands whole; the one that begins first ends last here."""
    text = sim("--explain-exit", "1-2", assemble(TURNS)).stderr
    stories = re.split(r"^(?=exit)", text, flags=re.M)[1:]
    assert [s.split(":")[0] for s in stories] == ["exit 2", "exit 1"]
    assert "of VM 2 " in stories[0] and "of VM 1 " in stories[1]
    assert [s.count("entered again") for s in stories] == [1, 1]
    assert "other VMs were entered 2 times meanwhile" in stories[1]


# VM 1, VM 2, VM 2, VM 1: with each a VMEXIT
TURNS = """
        .globl  _start
_start: la      s0, vmcs1
        la      s1, vmcs2
        la      t0, guest
        li      t1, REVISION
        sd      t1, VMCS_REVISION * 8 (s0)
        sd      t1, VMCS_REVISION * 8 (s1)
        sd      t0, VMCS_PC * 8 (s0)
        sd      t0, VMCS_PC * 8 (s1)
        li      t1, 1 << 44
        sd      t1, VMCS_HPTBR * 8 (s0)
        slli    t1, t1, 1
        sd      t1, VMCS_HPTBR * 8 (s1)
        VMENTER R8
        VMENTER R9
        VMENTER R9
        VMENTER R8
        li      a0, 0x5555
        li      t0, 0x100000
        sw      a0, 0(t0)
1:      j       1b
guest:  VMEXIT  1
        .bss
        .balign 4096
vmcs1:  .zero   4096
vmcs2:  .zero   4096
"""


@pytest.mark.parametrize("value", ["0", "", "x", "5-4", "0-3", "-3", "vm=", "vm=16384", "IO,", "3-x"])
def test_explain_of_no_exit(value, tour):
    run = sim(f"--explain-exit={value}", tour)
    assert run.returncode == 120 and "--explain-exit: " in run.stderr and not run.stdout


# MMIO ranges: one that exits at 0x10000000, one that forwards 0x20000000 to `data`, of 8 bytes each
RANGES = """
        .globl  _start
_start: la      s0, vmcs
        li      t1, REVISION
        sd      t1, VMCS_REVISION * 8 (s0)
        la      t0, root
        li      t1, 0x200000df          # 1 GiB at 0x80000000
        sd      t1, 16(t0)
        srli    t2, t0, 12
        li      t1, 8 << 60 | 5 << 44
        or      t2, t2, t1
        sd      t2, VMCS_HPTBR * 8 (s0)
        li      t1, 0x10000000
        sd      t1, VMCS_IOV_BASE * 8 (s0)
        li      t1, 0x20000000
        sd      t1, (VMCS_IOV_BASE + 1) * 8 (s0)
        li      t2, 8
        sd      t2, VMCS_IOV_SIZE * 8 (s0)
        sd      t2, (VMCS_IOV_SIZE + 1) * 8 (s0)
        la      t1, data
        sd      t1, (VMCS_IOV_TARGET + 1) * 8 (s0)
        li      t2, 3
        sd      t2, VMCS_IOV_FLAGS * 8 (s0)
        li      t2, 1
        sd      t2, (VMCS_IOV_FLAGS + 1) * 8 (s0)
        sd      t2, VMCS_VMTRAPCFG * 8 (s0)     # IO is set: it says nothing about ranges
        la      t1, guest
        sd      t1, VMCS_PC * 8 (s0)
        VMENTER R8
        VMRESUME.ADV
        li      a0, 0x5555
        li      t0, 0x100000
        sw      a0, 0(t0)
stop:   j       stop
guest:  li      a1, 0x10000000
        sw      a0, 4(a1)
        li      a1, 0x20000000
        sd      a0, 0(a1)
        VMEXIT  1
        .data
        .balign 8
data:   .dword  0
        .bss
        .balign 16384
root:   .zero   16384
vmcs:   .zero   4096
"""


def symbol(elf, name):
    text = tools.execute([tools.tool("riscv64-unknown-elf-nm"), elf]).ok().stdout
    return next(int(l.split()[0], 16) for l in text.splitlines() if l.endswith(f" {name}"))


def test_explains_an_exit_of_a_range(assemble):
    """TF-3: the filter's IO bit is set and decides nothing."""
    text = sim("--explain-exit", 1, assemble(RANGES)).stderr
    assert "exit 1: IO of VM 5" in text and "VMTRAPCFG bit" not in text
    assert "it exits always: an MMIO range says so" in text
    assert text.count("walk of 0x10000004 for a store") == 2  # at the exit, and at the entry behind it
    assert text.count("-> GPA 0x10000004 -> MMIO range 0 exits: IO\n") == 2


def test_json_of_an_exit_of_a_range(assemble):
    events = [r["event"] for r in
              tools.trace_records(sim("--trace-exits", "--trace-format", "json", assemble(RANGES)).stderr)]
    assert [e.get("filter") for e in events if e["kind"] == "exit"] == [None, None]


# Access, and how its walk ends. MM-6, MM-7, MM-9; 0x30000000 is in no range and not mapped.
@pytest.mark.parametrize("walk, end", [
    ("0x20000000@5:w", "GPA 0x20000000 -> MMIO range 1 forwards: HPA {data:#x}"),
    ("0x20000007@5", "GPA 0x20000007 -> MMIO range 1 forwards: HPA {last:#x}"),
    ("0x10000007@5:r", "GPA 0x10000007 -> MMIO range 0 exits: IO"),
    ("0x20000000@5:x", "GPA 0x20000000: an MMIO range is in its page, from which nothing is fetched: HOSTFAULT"),
    ("0x20000008@5", "V is clear: the host's table does not allow this access to GPA 0x20000008: HOSTFAULT"),
    ("0x30000000@5:w", "V is clear: the host's table does not allow this access to GPA 0x30000000: HOSTFAULT"),
    ("data@5", "GPA {data:#x} -> HPA {data:#x}, a combined page of 1 GiB"),
    ("data+7@5:w", "GPA {last:#x} -> HPA {last:#x}, a combined page of 1 GiB"),
    ("data+7", "no translation: HPA {last:#x}"), ("data,hart=1", "no translation: HPA {data:#x}")])
def test_walk_of_a_vm(walk, end, assemble):
    """The run has ended in Ring -1: the VM's tables are what its context says."""
    elf = assemble(RANGES.replace("_start: la", "_start: bnez a0, stop\n la"))
    data = symbol(elf, "data")
    run = sim("--harts", 2, "--walk", walk, elf)
    assert run.returncode == 0
    assert run.stderr.splitlines()[-1].strip() == "-> " + end.format(data=data, last=data + 7)
    assert run.stderr.startswith("VM 5 (VMCS 0x") == ("@" in walk)


def test_walk_of_a_vm_that_was_spilled(assemble):
    """Its context is in memory: with a pool of one, VM 2's entry pushed VM 1's out."""
    program = TURNS.replace("        VMENTER R9\n        VMENTER R8\n", "")
    run = sim("--pool", 1, "--walk", "guest@1:x", assemble(program))
    assert run.returncode == 0
    assert run.stderr.splitlines()[-1].strip() == f"-> no translation: HPA {symbol(assemble(program), 'guest'):#x}"


def test_walk_of_a_running_vm_by_its_own_symbols(assemble, fresh):
    """--symbols names an address in the guest; the hart is in it as the run ends."""
    names = fresh(".elf")
    names.write_bytes(elf_file(Segment(bytes(64), vaddr=0x20000000), entry=0x20000000, symbols=[("port", 0x20000000)]))
    elf = assemble(RANGES.replace("VMEXIT  1", "j ."))
    run = sim("--symbols", names, "--walk", "port+4:w", "-q", "-n", 200, elf)
    assert run.stderr.splitlines()[-1].strip().startswith("-> GPA 0x20000004 -> MMIO range 1 forwards: HPA 0x")


def test_walk_that_pmp_ends(assemble):
    """Entry 0 allows all but stores to all addresses (NAPOT); it is Ring 0 that walks at the end."""
    program = STALE.replace("_start: la", "_start: li t0, -1\n csrw pmpaddr0, t0\n li t0, 0x1d\n csrw pmpcfg0, t0\n la")
    elf = assemble(program.replace("FLUSH", "nop").replace("ring0:", "ring0: j ring0\n"))
    assert sim("-q", "-n", 60, "--walk", "ring0:w", elf).stderr.rstrip().endswith(
        "a page of 1 GiB: PMP does not allow this store: access fault")
    assert "PMP" not in sim("-q", "-n", 60, "--walk", "ring0", elf).stderr


def test_walk_of_no_vm(tour):
    assert "--walk: no VM 9 was entered" in sim("--walk", "guest@9", tour).stderr


def test_exit_that_never_comes(tour):
    run = sim("--explain-exit", 1000, tour)
    assert run.returncode == 0
    assert "no such exit: there were 16" in run.stderr


def test_walk_of_the_host(assemble):
    """As the run ends, 0x40000000 is a page of 1 GiB at 0xc0000000 by the root's second entry."""
    text = sim("--walk", "0x40000000", assemble(STALE.replace("FLUSH", "nop"))).stderr
    entry = (0xc0000000 >> 12) << 10 | 0xcf
    assert f"0x{entry:016x}" in text and "VRWX..AD" in text
    assert "-> HPA 0xc0000000, a page of 1 GiB" in text


@pytest.mark.parametrize("value", ["", "x", "0x", "12:q", "12:rw", "-1", "12,hart=1", "12,hart=", "12@16384", "guest+",
                                   "guest+x", "12@", "gust"])
def test_walk_of_nothing(value, tour):
    run = sim(f"--walk={value}", tour)
    assert run.returncode == 120
    assert "--walk" in run.stderr


def test_exit_sites_add_up(tour, run):
    stats = run(tour).stats
    sites = stats["exit_sites"]
    assert sum(s["count"] for s in sites) == stats["exits"] == 16
    assert sum(s["emulated"] for s in sites) == stats["emu"] == 11
    for cause, n in stats["exits_by_cause"].items():
        assert sum(s["count"] for s in sites if s["cause"] == cause) == n
    guest = sum(vm["cycles"] for vm in stats["time"]["vms"])
    assert guest + stats["time"]["host"] == stats["cycles"]
    for s in sites:
        assert s["instret"]["min"] <= s["instret"]["mean"] <= s["instret"]["max"]
        assert s["symbol"].startswith("guest")


def stat(*args, text=None):
    return subprocess.run([tools.tool("visa-stat"), *map(str, args)], input=text, capture_output=True, text=True,
                          timeout=60)


def test_visa_stat(tour, fresh):
    path = fresh(".json")
    assert sim("--stats", path, tour).returncode == 0
    by_cause = list(csv.DictReader(io.StringIO(stat("--csv", "--by", "cause", path).stdout)))
    assert {r["cause"]: int(r["exits"]) for r in by_cause} == {
        "PRIVILEGED": 8, "IO": 2, "HYPERCALL": 2, "CRWRITE": 1, "MSR": 1, "PAGEFAULT": 1, "TIMER": 1}
    by_vm = list(csv.DictReader(io.StringIO(stat("--csv", "--by", "vm", path).stdout)))
    assert [r["exits"] for r in by_vm] == ["16", ""]  # behind the VM, Ring -1
    table = stat("--top", 2, path).stdout
    assert "16 exits" in table.splitlines()[0] and "13 more" in table  # 15 places, VMEXIT twice at one
    assert stat("-", text=path.read_text()).stdout == stat(path).stdout


@pytest.mark.parametrize("args, text, status", [
    (["-"], "{", 1), (["-"], "{}", 1), (["-"], '{"exits": 1, "cycles": 1, "time": {"host": 0}, "exit_sites": [7]}', 1),
    ([], None, 2), (["--by", "hour", "-"], "{}", 2), (["--top", "x", "-"], "{}", 2), (["--nothing"], None, 2),
    (["no/such/file"], None, 1)])
def test_visa_stat_refuses(args, text, status):
    run = stat(*args, text=text)
    assert run.returncode == status
    assert "visa-stat" in run.stderr and not run.stdout
