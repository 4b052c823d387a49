"""What looks at a run from beside it: --explain-exit, --walk, --check-stale, exit sites, visa-stat."""

import csv
import io
import subprocess

import pytest
from harness import tools

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
    lines = [l for l in text.splitlines() if "level" in l]
    assert len(lines) == 2, "one host entry (1 GiB pages) for the guest's root, and that one's entry"
    assert "host level 2" in lines[0] and "a page of 1 GiB" in lines[0]
    assert "guest level 2" in lines[1] and "0x0000000000000000" in lines[1] and "........" in lines[1]
    assert "page fault" in text
    assert "the context is as the exit left it" in text
    assert "entered again" in text and "VMRESUME.ADV" not in text


def test_explains_an_emulation(tour):
    """The fourth: IN.B R12, 0x379, answered with 42 in x12."""
    text = sim("--explain-exit", 4, tour).stderr
    assert "exit 4: IO" in text
    for part in ("reg=a2", "write=0", "width=1", "mmio=0", "port=0x379"):
        assert part in text
    assert "changed: x[12] " in text and "-> 0x2a" in text
    assert "(VMRESUME.ADV)" in text


def test_exit_that_never_comes(tour):
    run = sim("--explain-exit", 1000, tour)
    assert run.returncode == 0
    assert "there were only 16 exits" in run.stderr


def test_walk_of_the_host(assemble):
    """As the run ends, 0x40000000 is a page of 1 GiB at 0xc0000000 by the root's second entry."""
    text = sim("--walk", "0x40000000", assemble(STALE.replace("FLUSH", "nop"))).stderr
    entry = (0xc0000000 >> 12) << 10 | 0xcf
    assert f"0x{entry:016x}" in text and "VRWX..AD" in text
    assert "HPA 0xc0000000, combined page of 1 GiB" in text


@pytest.mark.parametrize("value", ["", "x", "0x", "12:q", "12:rw", "-1"])
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
