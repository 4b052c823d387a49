"""Statistics: every number of a run whose numbers follow from its program."""

import json

import pytest

from harness import tools
from sim import programs

KEYS = {"run", "model", "harts", "end", "instret", "cycles", "exceptions", "interrupts", "entries",
        "entry_failures", "exits", "emu", "tlbmiss", "tlbmiss_host", "walk_reads_guest", "walk_reads_host", "walk_writes_guest", "walk_writes_host",
        "pool_refills", "pool_spills", "vint_sent", "vint_taken", "vint_acknowledged", "vint_ended",
        "vint_pending", "refused_by_field", "exits_by_cause", "vms", "exit_sites", "time", "timeline"}
SITE_KEYS = {"vmcs", "vmid", "cause", "pc", "symbol", "count", "returned", "emulated",
             "instret", "cycles", "moved", "handling"}
VM_KEYS = {"vmcs", "vmid", "entries", "instret", "exits", "emu", "tlbmiss", "exits_by_cause",
           "walk_reads_guest", "walk_reads_host", "walk_writes_guest", "walk_writes_host", "vint_sent", "vint_taken",
           "vint_acknowledged", "vint_ended",
           "vint_pending"}
NUMBER = 3  # of the VM

# programs/vm.c: one exit for each instruction from guest_out on, two of them hypercalls
CAUSES = {"IO": 1, "HYPERCALL": 2, "CRWRITE": 1, "PAGEFAULT": 1, "HOSTFAULT": 1, "MSR": 1, "BREAKPOINT": 1,
          "HALT": 1}
EXITS = 9
# load, store, amo and csrr retire; everything else exits
GUEST_INSTRUCTIONS = 4
# fetch: one page for all; data: load (fills: read; D is set in both tables, so also write),
# then the two that fault, each a walk of its own
TLB_MISSES = 1 + 1 + 2


@pytest.fixture
def vm(tmp_path):
    return programs.build(tmp_path, "vm.c", f"-DVM_NUMBER={NUMBER}")


def stats(elf, *args, code=0):
    result = tools.execute([tools.tool("visa-sim"), "--stats", "-", *args, elf])
    assert result.code == code, str(result)
    return json.loads(result.stdout[result.stdout.index("{"):])  # behind the guest's output


def test_schema(vm):
    s = stats(vm)
    assert set(s) == KEYS
    assert [set(v) for v in s["vms"]] == [VM_KEYS]
    assert s["end"] == {"reason": "exit", "status": 0}
    assert (s["model"], s["harts"]) == ("functional", 1)


def test_exit_sites(vm):
    """A row for each place that exits: from guest_out on, each instruction but csrr, once."""
    s = stats(vm)
    symbols = tools.execute([tools.tool("riscv64-unknown-elf-nm"), vm]).ok().stdout
    first = next(int(line.split()[0], 16) for line in symbols.splitlines() if line.endswith(" guest_out"))
    first -= 0x80000000
    sites = s["exit_sites"]
    assert all(set(site) == SITE_KEYS for site in sites)
    assert sorted(int(site["pc"], 16) for site in sites) == [first + 4 * i for i in range(10) if i != 3]
    assert [site["count"] for site in sites] == [1] * EXITS
    assert sum(site["emulated"] for site in sites) == EXITS - 1
    assert sum(site["returned"] for site in sites) == EXITS - 1
    assert sum(v["cycles"] for v in s["time"]["vms"]) + s["time"]["host"] == s["cycles"]


def test_symbols_of_a_moved_guest(vm):
    """The guest runs at virtual addresses from 0 on and was linked for RAM: each place is
    named by where it is in RAM, and a trace and an explanation say the same."""
    names = {s["cause"]: s["symbol"] for s in stats(vm)["exit_sites"] if s["cause"] != "HYPERCALL"}
    assert names == {"IO": "guest_out", "CRWRITE": "guest_satp+0x4", "PAGEFAULT": "guest_fault",
                     "HOSTFAULT": "guest_host", "MSR": "guest_msr", "BREAKPOINT": "guest_break",
                     "HALT": "guest_wfi"}
    exits = [l for l in programs.on_visa(vm, "--trace-exits").ok().stderr.splitlines() if "| exit" in l]
    assert len(exits) == EXITS and "<guest_wfi>" in exits[-1]
    assert "<guest_out>" in programs.on_visa(vm, "--explain-exit", 1).ok().stderr


def test_numbers_of_a_vm(vm):
    s = stats(vm)
    assert (s["exits"], s["entries"], s["entry_failures"]) == (EXITS, EXITS, 1)
    assert s["emu"] == EXITS - 1  # the last one is not resumed
    assert s["exits_by_cause"] == CAUSES
    assert s["tlbmiss"] == TLB_MISSES
    assert s["tlbmiss_host"] == 0 and s["exceptions"] == 0 and s["interrupts"] == 0
    assert (s["pool_refills"], s["pool_spills"]) == (1, 0)
    one = s["vms"][0]
    symbols = tools.execute([tools.tool("riscv64-unknown-elf-nm"), vm]).ok().stdout
    assert f"{int(one['vmcs'], 16):016x} B vmcs" in symbols
    assert one["vmid"] == NUMBER
    assert (one["exits"], one["entries"], one["emu"]) == (EXITS, EXITS, EXITS - 1)
    assert one["tlbmiss"] == TLB_MISSES
    assert one["exits_by_cause"] == CAUSES
    assert one["instret"] == GUEST_INSTRUCTIONS


def test_run_that_ends_in_a_guest(vm):
    """What a guest that still runs has retired counts as well."""
    whole = tools.trace_lines(programs.on_visa(vm, "--trace", "--trace-vm", NUMBER).stderr)
    entered = next(int(l.split()[0]) for l in whole if "| entry vm=" in l)
    s = stats(vm, "-n", entered + 3, code=122)  # the entering instruction, and two of the guest
    assert (s["vms"][0]["instret"], s["entries"], s["exits"]) == (2, 1, 0)
    assert s["time"]["vms"][0]["cycles"] + s["time"]["host"] == s["cycles"] == entered + 3
    assert s["time"]["vms"][0]["cycles"] in (2, 3)  # whose the entry itself is, is no matter here


def test_walk_reads(vm):
    """Sv39 and Sv39x4 with leaves in the root: a walk reads one entry of the guest's table
    and, for the table's address and the result's, one of the host's each; the walk caches
    (one for fetches, one for data) keep the former. The two that fault read less."""
    s = stats(vm)
    assert s["vms"][0]["walk_reads_guest"] == s["walk_reads_guest"]  # Ring -1 has no tables
    assert s["vms"][0]["walk_reads_host"] == s["walk_reads_host"]
    assert s["walk_reads_guest"] == 4                       # each walk's leaf
    # fetch: table and page; data: table and page; no-page fault: the walk cache has the
    # table; host fault: the table is cached, the page's entry is read and is not valid
    assert s["walk_reads_host"] == 2 + 2 + 0 + 1


def test_no_vm(tmp_path):
    """A program without VMs: no VM in the list, and no count of one."""
    s = stats(programs.build(tmp_path, "clint.c"))
    assert s["vms"] == [] and s["exits_by_cause"] == {}
    assert s["exits"] == s["entries"] == s["emu"] == s["tlbmiss"] == 0
    assert s["interrupts"] == 2  # the timer, and the software interrupt
    assert s["instret"] > 100 and s["cycles"] > s["instret"]  # it slept


def test_exceptions(tmp_path):
    assert stats(programs.build(tmp_path, "faults.c"))["exceptions"] == 6


def test_same_with_trace(vm):
    """Listening changes nothing that is counted."""
    assert stats(vm) == stats(vm, "--trace=/dev/null") == stats(vm, "--trace=/dev/null", "--trace-exits")


@pytest.mark.parametrize("name", ["vm.c", "clint.c", "uart.c"])
def test_same_run_same_bytes(name, tmp_path):
    elf = programs.build(tmp_path, name, f"-DVM_NUMBER={NUMBER}")
    runs = []
    for i in range(2):
        programs.on_visa(elf, "--stats", tmp_path / f"s{i}", f"--trace={tmp_path}/t{i}").ok()
        runs.append(((tmp_path / f"s{i}").read_bytes(), (tmp_path / f"t{i}").read_bytes()))
    assert runs[0] == runs[1]
    assert len(runs[0][1]) > 1000


def test_file(vm, tmp_path):
    programs.on_visa(vm, "--stats", tmp_path / "s.json").ok()
    assert json.loads((tmp_path / "s.json").read_text()) == stats(vm)


def test_summary(vm):
    """The table has the same numbers, on standard error."""
    result = programs.on_visa(vm, "--summary").ok()
    assert result.stdout == ""
    rows = {}
    for line in result.stderr.splitlines():
        name, _, number = line.rpartition(" ")
        if number.isdigit():
            rows.setdefault(name.strip(), []).append(int(number))
    s = stats(vm)
    assert rows["VM exits (VMCOUNT_EXIT)"] == [s["exits"]]
    assert rows["instructions retired"] == [s["instret"]]
    time, events = [l for l in result.stderr.splitlines() if l.startswith(f"VM {NUMBER} ")]
    assert s["vms"][0]["vmcs"] in time
    assert [w for w in time.split() if w.isdigit()] == [str(n) for n in (NUMBER, GUEST_INSTRUCTIONS, GUEST_INSTRUCTIONS)]
    assert [w for w in events.split() if w.isdigit()] == [
        str(n) for n in (NUMBER, EXITS, EXITS, EXITS - 1, TLB_MISSES, 4, 5)]  # the last two: test_walk_reads
    assert "VM entries refused, by field: ring 1\n" in result.stderr
    assert "<" not in result.stderr and "guest_out" in result.stderr  # places by name


def test_summary_without_vms(tmp_path):
    """What is zero because there is no VM is not shown."""
    result = programs.on_visa(programs.build(tmp_path, "uart.c"), "-S").ok()
    assert "VM" not in result.stderr and "instructions retired" in result.stderr
