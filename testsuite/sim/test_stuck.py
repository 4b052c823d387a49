"""Harts that get nowhere: what is said of them, when, and what --stuck makes of it.

visa-sim(1), --stuck, and rule PL-12: a ring that takes one exception 100000 times, and retires nothing in between.
"""

import json
import re

import pytest

from harness import tools

TIMES = 100000
STUCK, LIMIT = 125, 122
LONG = 30_000_000  # instructions: more than any of these programs needs to be told of

END = """
end:    li      a0, 0x5555
        li      t0, 0x100000
        sw      a0, 0(t0)
1:      j       1b
"""
OPEN_PMP = """
        li      t0, -1
        csrw    pmpaddr0, t0
        li      t0, 0x1f
        csrw    pmpcfg0, t0
"""


def to_ring(ring, where):
    return f"""
        li      t0, 3 << 11
        csrc    mstatus, t0
        li      t0, {1 if ring == 0 else 0} << 11
        csrs    mstatus, t0
        la      t0, {where}
        csrw    mepc, t0
        mret
"""


# A kernel whose tables leave A clear sets satp: its next instruction cannot be fetched, nor its
# handler, to which that is delegated. A timer of Ring -1 interrupts again and again.
KERNEL = """
        .globl  _start
_start: la      t0, tick
        csrw    mtvec, t0
        li      t0, 1 << 12
        csrw    medeleg, t0
        la      t0, handler
        csrw    stvec, t0
""" + OPEN_PMP + """
        li      s0, 0x2004000           # mtimecmp: 7 ticks on
        li      s1, 0x200bff8           # mtime
        ld      t0, 0(s1)
        addi    t0, t0, 7
        sd      t0, 0(s0)
        li      t0, 0x80
        csrw    mie, t0
        la      t0, root
        li      t1, (0x80000000 >> 12) << 10 | 0x0f
        sd      t1, 16(t0)
        srli    t0, t0, 12
        li      t1, 8 << 60
        or      s2, t0, t1
""" + to_ring(0, "ring0") + """
ring0:  csrw    satp, s2
begin:  nop
        j       begin
        .balign 4
handler:
        j       handler
        .balign 4
tick:   ld      s3, 0(s1)
        addi    s3, s3, 7
        sd      s3, 0(s0)
        addi    s5, s5, 1
        TICK
        mret
""" + END + """
        .bss
        .balign 4096
root:   .zero   4096
"""

# Ring 3 executes an ecall, and the handler, of this ring, returns to it RETURNS times.
RETURNING = """
        .globl  _start
_start: la      t0, handler
        csrw    mtvec, t0
        csrw    stvec, t0
        li      t0, DELEGATED
        csrw    medeleg, t0
        li      s0, RETURNS
""" + OPEN_PMP + to_ring(3, "begin") + """
begin:  ecall
        BEHIND
        .balign 4
handler:
        beqz    s0, end
        addi    s0, s0, -1
        RET
""" + END


def returning(ring, returns, behind="j begin"):
    return RETURNING.replace("DELEGATED", str(1 << 8 if ring == 0 else 0)).replace("RETURNS", str(returns)) \
        .replace("RET\n", "sret\n" if ring == 0 else "mret\n").replace("BEHIND", behind)


# A hypervisor that resumes whatever exits, but ends the run at a hypercall. VM 6.
HYPERVISOR = """
        .globl  _start
_start: la      s0, vmcs
        li      t0, REVISION
        sd      t0, VMCS_REVISION * 8 (s0)
        li      t0, 6 << 44
        sd      t0, VMCS_HPTBR * 8 (s0)
        li      t0, FILTER
        sd      t0, VMCS_VMTRAPCFG * 8 (s0)
        la      t0, root
        srli    t0, t0, 12
        li      t1, 8 << 60
        or      t0, t0, t1
        sd      t0, VMCS_GPTBR * 8 (s0)
        la      t0, guest
        sd      t0, VMCS_PC * 8 (s0)
        la      t0, handler
        sd      t0, VMCS_STVEC * 8 (s0)
        la      t0, root                # 1 GiB as it is, one at 0x40000000 without A
        li      t1, (0x80000000 >> 12) << 10 | 0xcf
        sd      t1, 16(t0)
        li      t1, (0x80000000 >> 12) << 10 | 0x8f
        sd      t1, 8(t0)
        li      t1, (0x00000000 >> 12) << 10 | 0xcf
        sd      t1, 0(t0)
        vmenter s0
        li      s1, EXIT_HYPERCALL
again:  vmcause t0
        beq     t0, s1, end
        vmresume
        j       again
        .balign 4
guest:  GUEST
        vmexit  1
        .balign 4
handler:
        HANDLER
""" + END + """
        .bss
        .balign 4096
vmcs:   .zero   4096
root:   .zero   4096
"""


def hypervisor(guest, handler="sret", pf=1):
    return HYPERVISOR.replace("GUEST\n", guest + "\n").replace("HANDLER\n", handler + "\n") \
        .replace("FILTER", str(pf << 4))


NO_MEMORY = 0x18000000


@pytest.fixture(params=["functional", "pipeline"])
def model(request):
    if request.param == "pipeline":
        tools.need_pipeline()
    return request.param


@pytest.fixture
def sim(assemble, fresh, model):
    def go(text, *args, n=LONG):
        elf, stats = assemble(text), fresh(".json")
        result = tools.execute([tools.tool("visa-sim"), "--model", model, "-n", n, "-s", stats, *args, elf])
        result.stats = json.loads(stats.read_text())
        nm = tools.execute([tools.tool("riscv64-unknown-elf-nm"), elf]).ok().stdout
        result.at = {line.split()[2]: int(line.split()[0], 16) for line in nm.splitlines()}
        return result
    return go


def test_kernel_without_a_bits(sim):
    """The ring's progress counts, not that of the timer's handler: no more exceptions than these are
    taken, the kernel's own and that many of its handler. The walk has the bit that is missing."""
    r = sim(KERNEL.replace("TICK", "nop"))
    assert r.code == STUCK, str(r)
    told, place, walk, entry, why, end = r.stderr.splitlines()
    handler = f"0x{r.at['handler']:x}"
    assert told == (f"visa-sim: hart 0: stuck: exception 12 INSN_PAGE, tval {handler}, at pc {handler} in Ring 0, "
                    f"{TIMES} times, and that ring retired nothing in between; first was exception 12 INSN_PAGE, "
                    f"tval 0x{r.at['begin']:x} at pc 0x{r.at['begin']:x} in Ring 0")
    assert re.fullmatch(rf"  hart 0: pc {handler} <handler>, Ring 0, \d+ instructions retired", place)
    assert re.fullmatch(rf"  walk of {handler} for a fetch, satp 0x80000000000[0-9a-f]+", walk)
    assert "guest level 2" in entry and f"HPA 0x{r.at['root'] + 16:x}" in entry and "VRWX...." in entry
    assert why.strip() == "-> A is clear: the page table does not allow this fetch: page fault"
    assert end.startswith("  hart 0: pc ")
    assert r.stats["exceptions"] == TIMES + 1
    assert r.stats["interrupts"] > 10
    assert r.stats["end"]["reason"] == "trap-loop"


def test_rescued_by_the_timer(sim):
    """Ring -1's third interrupt ends it, as it ends many another wait: nothing is said."""
    r = sim(KERNEL.replace("TICK", "li s4, 3\n        beq s5, s4, end"))
    assert (r.code, r.stderr) == (0, ""), str(r)
    assert r.stats["exceptions"] > 100


@pytest.mark.parametrize("ring", [0, -1])
def test_bound(sim, ring):
    """The exception after 99999 returns is the 100000th: one less is none too many."""
    assert sim(returning(ring, TIMES - 2)).ok().stderr == ""
    r = sim(returning(ring, TIMES - 1))
    assert r.code == STUCK
    begin = r.at["begin"]
    assert r.stderr.splitlines()[0] == (f"visa-sim: hart 0: stuck: exception 8 ECALL_U, tval 0x0, at pc 0x{begin:x} in "
                                        f"Ring 3, {TIMES} times, and that ring retired nothing in between")
    assert "walk of" not in r.stderr


def test_one_instruction_is_progress(sim):
    """Each return goes behind the ecall, to a jump back to it."""
    text = returning(-1, TIMES + 10).replace("        mret\nend", "XX") \
        .replace("        addi    s0, s0, -1\n", "        addi    s0, s0, -1\n        la t0, behind\n        csrw mepc, t0\n") \
        .replace("        j begin", "behind: j begin")
    assert "behind: j begin" in text
    assert sim(text).ok().stderr == ""


@pytest.mark.parametrize("guest, handler, pf, what, ring, pc, why", [
    (f"li t1, {NO_MEMORY}\nvain: ld a0, 8(t1)", "sret", 1, f"exit 11 HOSTFAULT, VMADDR 0x{NO_MEMORY + 8:x}", 0,
     "vain", f"-> no translation: HPA 0x{NO_MEMORY + 8:x}"),
    ("li t1, 0x40000000\nvain: sd a0, 8(t1)", "sret", 1, "exit 4 PAGEFAULT, VMADDR 0x40000008", 0, "vain",
     "A is clear: the guest's table does not allow this store"),
    # its own handler returns to it
    ("li t1, 0x40000000\nvain: ld a0, 8(t1)", "sret", 0, None, None, None, None),
    # a handler that cannot be fetched: SHUTDOWN, and it is resumed
    ("li t1, 0x40000000\ncsrw stvec, t1\nld a0, 8(t1)", "sret", 0, "exception 12 INSN_PAGE, tval 0x40000000", 0,
     0x40000000, "A is clear: the guest's table does not allow this fetch"),
])
def test_guests(sim, isa, guest, handler, pf, what, ring, pc, why):
    """A guest is stuck though its hypervisor is not; a ring that does execute, like one whose handler is
    of the same ring, is not: the limit ends that."""
    r = sim(hypervisor(guest, handler, pf), n=LONG if what else 5 * TIMES)
    if what is None:
        assert r.code == LIMIT and "stuck" not in r.stderr
        return
    for cause in isa.causes:
        what = re.sub(rf"exit \d+ {cause.name},", f"exit {cause.code} {cause.name},", what)
    assert r.code == STUCK, str(r)
    pc = r.at[pc] if isinstance(pc, str) else pc
    first, place, *walk = r.stderr.splitlines()
    assert first.startswith(f"visa-sim: hart 0: stuck: {what}, at pc 0x{pc:x} in Ring {ring} of VM 6, {TIMES} times"), first
    assert f"Ring {ring} of VM 6" in place and (pc == 0x40000000 or "<vain>" in place)
    assert any("walk of" in line and "GPTBR" in line for line in walk)
    assert any(why in line or "HPA" in line and why.startswith("-> no") for line in walk), r.stderr


def test_warn_once_and_off(sim):
    """Who goes on is told once, and ends by other means."""
    text = KERNEL.replace("TICK", "nop")
    r = sim(text, "--stuck=warn", n=400000)
    assert r.code == LIMIT, str(r)
    assert r.stderr.count("stuck:") == 1 and r.stderr.count("A is clear") == 1
    assert r.stats["exceptions"] > TIMES + 1
    off = sim(text, "--stuck=off", n=400000)
    assert off.code == LIMIT and "stuck" not in off.stderr and "walk" not in off.stderr
    assert {k: v for k, v in off.stats.items() if k != "run"} == {k: v for k, v in r.stats.items() if k != "run"}


def test_loop_without_end(sim):
    """Nothing can end one of Ring -1: it is told at once, and goes on if asked to."""
    text = f"_start: li s0, {NO_MEMORY}\ncsrw mtvec, s0\necall\n"
    assert sim(text).stats["exceptions"] == 2
    r = sim(text, "--stuck=warn", n=3000)
    assert r.code == LIMIT and r.stderr.count("trap loop:") == 1, str(r)


def test_quiet(sim):
    text = KERNEL.replace("TICK", "nop")
    assert (sim(text, "-q").code, sim(text, "-q").stderr) == (STUCK, "")
    assert sim(text, "-q", "--stuck=warn", n=400000).stderr.count("stuck:") == 1


@pytest.mark.parametrize("harts", [1, 3])
def test_one_count_of_instructions(sim, harts):
    """What retired is said once for all harts, once for each; the sums agree, with the statistics too."""
    for text in (KERNEL.replace("TICK", "nop"), "_start: j _start\n"):
        r = sim(text, "--stuck=off", "--harts", harts, n=123456)
        first, *places = r.stderr.splitlines()
        retired = int(re.search(r"stopped after (\d+) instructions", first).group(1))
        each = [int(re.search(r", (\d+) instructions retired", p).group(1)) for p in places]
        assert len(each) == harts and sum(each) == retired == r.stats["instret"]
        vain = re.search(r"and (\d+) traps", first)
        assert retired + (int(vain.group(1)) if vain else 0) == 123456


def test_unknown_word(assemble):
    r = tools.execute([tools.tool("visa-sim"), "--stuck=never", assemble("_start: nop\n")])
    assert r.code == 120 and "--stuck: 'never' is unknown: expected stop, warn or off" in r.stderr
