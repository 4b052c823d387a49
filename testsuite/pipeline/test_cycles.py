"""Short programs whose cycles are worked out from the manual's rules and latencies.

Each expectation is the difference of two instructions' first cycles in X. The comments write
F, D, X, M and W of the first one, a, as 0 for its X: D = -1, M = its class's latency.
"""

import pytest

from pipeline.model import FIELDS_OF_CONTEXT, LAT, REFILL, WORDS_OF_CONTEXT
from pipeline.programs import program
from xvisa.asm import CONST, TRAP

FILL = 2  # from the fetch of an instruction to X: F, D


# --- Registers --------------------------------------------------------------------

# body, {pair of labels: cycles between}
STRAIGHT = {
    "alu": ("a: addi a0, a0, 1\nb: add a1, a0, a0\nc: sub a2, a1, a0", {"ab": LAT.alu, "bc": LAT.alu}),
    "alu-unrelated": ("a: addi a0, a0, 1\nb: addi a1, a1, 1", {"ab": LAT.alu}),
    # b reads a0: W of a. M of a is X + 1.
    "load-use": ("a: ld a0, 0(s0)\nb: add a1, a0, a0\nc: nop", {"ab": 1 + LAT.load, "bc": LAT.alu}),
    "load-use-rs2": ("a: ld a0, 0(s0)\nb: add a1, s0, a0", {"ab": 1 + LAT.load}),
    "load-unused": ("a: ld a0, 0(s0)\nb: add a1, s0, s0", {"ab": 1}),
    "load-next-but-one": ("a: ld a0, 0(s0)\nb: nop\nc: add a1, a0, a0", {"ab": 1, "ac": 1 + LAT.load}),
    "load-overwritten": ("a: ld a0, 0(s0)\nb: addi a0, zero, 1\nc: addi a0, a0, 1", {"ab": 1, "bc": LAT.alu}),
    "load-x0": ("a: ld zero, 0(s0)\nb: add a1, zero, zero", {"ab": 1}),
    "address": ("a: addi a0, s0, 8\nb: ld a1, -8(a0)\nc: nop", {"ab": LAT.alu, "bc": 1}),
    "load-load-use": ("a: ld a0, 0(s0)\nb: ld a1, 0(s0)\nc: add a0, a0, a1", {"ab": 1, "bc": 1 + LAT.load}),
    "load-store": ("a: ld a0, 0(s0)\nb: sd a0, 8(s0)", {"ab": 1 + LAT.load}),
    "load-branch": ("a: ld a0, 0(s0)\nb: bne a0, a0, finish\nc: nop", {"ab": 1 + LAT.load, "bc": LAT.branch}),
    "store": ("a: sd a0, 0(s0)\nb: nop\nc: nop", {"ab": 1, "bc": LAT.store}),
    "store-load": ("a: sd a0, 0(s0)\nb: ld a1, 0(s0)\nc: nop", {"ab": 1, "bc": LAT.store}),
    "load-byte": ("a: lb a0, 3(s0)\nb: add a1, a0, a0", {"ab": 1 + LAT.load}),
    "mul": ("a: mul a0, a0, a0\nb: nop", {"ab": LAT.mul}),
    "mul-use": ("a: mul a0, a0, a0\nb: add a1, a0, a0", {"ab": LAT.mul}),
    "mulw": ("a: mulw a0, a0, a0\nb: nop", {"ab": LAT.mul}),
    "mul-mul": ("a: mul a0, a0, a0\nb: mul a1, a1, a1\nc: nop", {"ab": LAT.mul, "bc": LAT.mul}),
    "div": ("a: div a0, a0, a0\nb: add a1, a0, a0", {"ab": LAT.div}),
    "rem": ("a: remuw a0, a0, a0\nb: nop", {"ab": LAT.div}),
    "load-mul": ("a: ld a0, 0(s0)\nb: mul a1, a0, a0\nc: nop", {"ab": 1 + LAT.load, "bc": LAT.mul}),
    # c waits for M of b, which is W of a.
    "amo": ("a: amoadd.d a0, a1, (s0)\nb: nop\nc: nop", {"ab": 1, "ac": 1 + LAT.amo}),
    "amo-use": ("a: amoadd.d a0, a1, (s0)\nb: add a1, a0, a0", {"ab": 1 + LAT.amo}),
    "lr-use": ("a: lr.d a0, (s0)\nb: add a1, a0, a0", {"ab": 1 + LAT.load}),
    "sc-use": ("lr.d a0, (s0)\na: sc.d a0, a1, (s0)\nb: add a1, a0, a0", {"ab": 1 + LAT.amo}),
    "sc-alone": ("a: sc.d a0, a1, (s0)\nb: add a1, a0, a0", {"ab": 1 + LAT.amo}),
    "compressed": ("a: c.addi a0, 1\nb: c.add a1, a0\nc: nop", {"ab": LAT.alu, "bc": LAT.alu}),
    "compressed-load": ("a: c.ld a0, 0(s0)\nb: c.add a1, a0\nc: c.mv a2, a1", {"ab": 1 + LAT.load, "bc": LAT.alu}),
    "lui": ("a: lui a0, 1\nb: auipc a1, 0\nc: nop", {"ab": LAT.alu, "bc": LAT.alu}),
}

# --- Serial instructions: X = W of the one before, which is an addi: 1 + 1.
# Behind one that flushes: F = last cycle in M + flush, and X is FILL later.
BEHIND_ALU = LAT.alu + 1
FLUSHED = LAT.flush + FILL
SERIAL = {
    "csr-read": ("a: nop\nb: csrr a0, mscratch\nc: add a1, a0, a0", {"ab": BEHIND_ALU, "bc": LAT.csr}),
    "csr-read-after-load": ("a: ld a0, 0(s0)\nb: csrr a0, mscratch", {"ab": 1 + LAT.load}),
    "csr-read-read": ("a: csrr a0, mscratch\nb: csrr a1, mscratch\nc: nop", {"ab": LAT.csr + 1, "bc": LAT.csr}),
    "csrrs-x0": ("a: nop\nb: csrrs a0, mscratch, zero\nc: nop", {"ab": BEHIND_ALU, "bc": LAT.csr}),
    "csrrci-0": ("a: nop\nb: csrrci a0, mscratch, 0\nc: nop", {"ab": BEHIND_ALU, "bc": LAT.csr}),
    "csrrw": ("a: nop\nb: csrrw a0, mscratch, a1\nc: nop", {"ab": BEHIND_ALU, "bc": LAT.csr + FLUSHED}),
    "csrrw-x0": ("a: nop\nb: csrrw a0, mscratch, zero\nc: nop", {"bc": LAT.csr + FLUSHED}),
    "csrrwi": ("a: nop\nb: csrrwi a0, mscratch, 0\nc: nop", {"bc": LAT.csr + FLUSHED}),
    "csrrs": ("a: nop\nb: csrrs a0, mscratch, a1\nc: nop", {"bc": LAT.csr + FLUSHED}),
    "csrrc": ("a: nop\nb: csrrc a0, mscratch, a1\nc: nop", {"bc": LAT.csr + FLUSHED}),
    "csrrsi": ("a: nop\nb: csrrsi a0, mscratch, 4\nc: nop", {"bc": LAT.csr + FLUSHED}),
    "csrrci": ("a: nop\nb: csrrci a0, mscratch, 1\nc: nop", {"bc": LAT.csr + FLUSHED}),
    "fence": ("a: nop\nb: fence\nc: nop", {"ab": BEHIND_ALU, "bc": LAT.fence}),
    "fence-after-store": ("a: sd a0, 0(s0)\nb: fence\nc: nop", {"ab": 1 + LAT.store, "bc": LAT.fence}),
    "sfence": ("a: nop\nb: sfence.vma\nc: nop", {"ab": BEHIND_ALU, "bc": LAT.flush + FLUSHED}),
    "tlbflushv": ("a: nop\nb: tlbflushv\nc: nop", {"ab": BEHIND_ALU, "bc": LAT.tlbflush + FLUSHED}),
    "vmcause": ("a: nop\nb: vmcause a0\nc: add a1, a0, a0", {"ab": BEHIND_ALU, "bc": LAT.field}),
    # The line comes again: F is FLUSHED - FILL later, then one cycle and the refill.
    "fence.i": ("a: nop\nb: fence.i\nc: nop", {"ab": BEHIND_ALU, "bc": LAT.flush + FLUSHED + REFILL}),
}

# --- Jumps. A misprediction: F of the target is X + occupancy - 1 + mispredict.
MISS = LAT.branch - 1 + LAT.mispredict + FILL
MISS_JUMP = LAT.jump - 1 + LAT.mispredict + FILL
# A redirect of decode: F of the target is D + redirect, and D is X - 1.
STEER = -1 + LAT.redirect + FILL
JUMPS = {
    "not-taken": ("a: bne a0, a0, finish\nb: nop", {"ab": LAT.branch}),
    "not-taken-twice": ("a: bne a0, a0, finish\nb: bne a1, a1, finish\nc: nop", {"ab": LAT.branch, "bc": LAT.branch}),
    "taken-forward": ("a: beq a0, a0, b\nnop\nb: nop", {"ab": MISS}),
    "taken-to-next": ("a: beq a0, a0, b\nb: nop", {"ab": LAT.branch}),
    "taken-backward": ("j 1f\nb: j 2f\n1: nop\nnop\na: beq a0, a0, b\n2: nop", {"ab": STEER}),
    "not-taken-backward": ("1: nop\na: bne a0, a0, 1b\nb: nop", {"ab": MISS}),
    "jal": ("a: j b\nnop\nb: nop", {"ab": STEER}),
    "jal-backward": ("j 1f\nb: j 2f\n1: nop\nnop\na: j b\n2: nop", {"ab": STEER}),
    "call": ("a: jal ra, b\nnop\nb: nop", {"ab": STEER}),
    "jalr": ("la a0, b\nnop\nnop\na: jr a0\nnop\nb: nop", {"ab": MISS_JUMP}),
    "jalr-to-next": ("la a0, b\nnop\nnop\na: jr a0\nb: nop", {"ab": LAT.jump}),
    "compressed-jump": ("a: c.j b\nnop\nb: nop", {"ab": STEER}),
    "compressed-branch": ("li a0, 0\nnop\nnop\na: c.beqz a0, b\nnop\nb: nop", {"ab": MISS}),
}


@pytest.mark.parametrize("name", STRAIGHT | SERIAL | JUMPS)
def test_pair(pipeline, name):
    body, expected = (STRAIGHT | SERIAL | JUMPS)[name]
    run = pipeline(program(body))
    for (first, second), cycles in expected.items():
        assert run.between(first, second) == cycles, f"{first} to {second}"


# --- The predictor's memory ---------------------------------------------------------

def laps(run, label):
    cycles = [r["cycle"] for r in run.all(label)]
    return [b - a for a, b in zip(cycles, cycles[1:])]


def test_loop(pipeline):
    """Two instructions: backwards by decode the first time, then by the BTB. The last lap's branch
    is predicted to be taken."""
    run = pipeline(program("li a0, 6\na: addi a0, a0, -1\nbnez a0, a\nb: nop"))
    body = LAT.alu + LAT.branch
    assert laps(run, "a") == [LAT.alu + STEER] + 4 * [body]
    assert run.cycle("b") - run.cycle("a", 5) == LAT.alu + MISS


def test_loop_of_one_instruction(pipeline):
    """X of a lap is D + 1 of it and, behind a misprediction, 3 + X of the one before, which is
    learnt then: from the third on the BTB knows, but in the second's fetch it did not."""
    run = pipeline(program("la a0, a\nnop\nnop\na: jr a0"), "--max-insns", "60", code=122)
    assert laps(run, "a")[0] == MISS_JUMP
    assert set(laps(run, "a")[1:10]) == {LAT.jump}


def test_counter(pipeline):
    """Taken makes 2; each not taken one less, from 1 down it is predicted to fall through."""
    # a is a forward branch that is taken as a3's bits say, lowest first.
    body = """
    li a3, 0b0010011
    li a4, 7
1:  andi a0, a3, 1
    srli a3, a3, 1
    addi a4, a4, -1
a:  bnez a0, b
c:  nop
b:  bnez a4, 1b"""
    run = pipeline(program(body))
    outcome = [r["next_pc"] == run.all("b")[0]["pc"] for r in run.all("a")]
    assert outcome == [True, True, False, False, True, False, False]
    #           counter before:  -     2     3      2      1     2      1
    predicted = [False, True, True, True, False, True, False]
    behind = [n for n in run.records if n["instret"] - 1 in {r["instret"] for r in run.all("a")}]
    costs = [n["cycle"] - r["cycle"] for n, r in zip(behind, run.all("a"))]
    assert costs == [LAT.branch if p == o else MISS for p, o in zip(predicted, outcome)]


def test_jalr_target(pipeline):
    """The BTB has the last target of a jalr."""
    body = """
    la a1, x
    la a2, y
    li a4, 4
1:  mv a0, a1
    mv a1, a2
    addi a4, a4, -1
a:  jr a0
x:  nop
y:  bnez a4, 1b"""
    # Targets: x, y, y, y. x is behind the jump, which is what the first prediction says.
    run = pipeline(program(body))
    first = [run.cycle("x")] + [r["cycle"] for r in run.all("y")[1:]]
    costs = [n - r["cycle"] for n, r in zip(first, run.all("a"))]
    assert costs == [LAT.jump, MISS_JUMP, LAT.jump, LAT.jump]


@pytest.mark.parametrize("apart,lap", [(2 * CONST["BTB"], STEER), (2 * CONST["BTB"] + 4, LAT.jump)])
def test_direct_mapped(pipeline, apart, lap):
    """Two jumps whose pcs are as far apart as the BTB is long push each other out."""
    body = "li a4, 4\n1: nop\nnop\naddi a4, a4, -1\na: j t"
    after = f"""
    .org a - _start + {apart} - 12
t:  nop
    nop
    nop
b:  bnez a4, 1b
    j finish
"""
    run = pipeline(program(body, after=after))
    assert [t["cycle"] - a["cycle"] for a, t in zip(run.all("a"), run.all("t"))][1:] == 3 * [lap]


# --- Instruction cache --------------------------------------------------------------

def test_fetch_miss(pipeline):
    """The refill begins when the one before has left M, W; then D and X."""
    body = "    .rept 13\n    nop\n    .endr\na: nop\nb: nop"
    run = pipeline(program(body))
    assert int(run.all("b")[0]["pc"], 16) % 64 == 0
    assert run.between("a", "b") == LAT.alu + 1 + REFILL + 1


def test_fetch_miss_behind_load(pipeline):
    """... and W of a load that misses is later."""
    body = "    .rept 13\n    nop\n    .endr\na: ld a0, 0x100(s0)\nb: nop"
    run = pipeline(program(body))
    assert run.between("a", "b") == 1 + LAT.load + REFILL + REFILL + 1


def test_straddling(pipeline):
    """An instruction in two lines has two cycles in F; first the second line misses, then not."""
    body = """
    li a4, 2
1:  .rept 10
    nop
    .endr
    addi a4, a4, -1
    c.nop
a:  nop
b:  nop
    nop
    bnez a4, 1b"""
    run = pipeline(program(body))
    assert int(run.all("b")[0]["pc"], 16) % 64 == 62
    # F of b is -1 + 1 = 0 for X of a = 1: the first part is done in 1, the second begins to
    # miss in W of a.
    assert run.between("a", "b", 0) == LAT.alu + 1 + REFILL + 1
    assert run.between("a", "b", 1) == LAT.alu + 1


# --- Data cache ---------------------------------------------------------------------

def after(access, before=""):
    """Cycles from an access to the second instruction behind it, whose X is its W."""
    return f"{before}\nnop\na: {access}\nnop\nc: nop"


def test_load_miss(pipeline):
    run = pipeline(program(after("ld a0, 0x200(s0)")))
    assert run.between("a", "c") == 1 + LAT.load + REFILL


def test_load_miss_use(pipeline):
    run = pipeline(program("a: ld a0, 0x200(s0)\nb: add a1, a0, a0"))
    assert run.between("a", "b") == 1 + LAT.load + REFILL


def test_store_miss(pipeline):
    run = pipeline(program(after("sd a0, 0x200(s0)")))
    assert run.between("a", "c") == 1 + LAT.store + REFILL


def test_amo_miss(pipeline):
    run = pipeline(program(after("amoadd.d a0, a1, (a3)", "addi a3, s0, 0x200")))
    assert run.between("a", "c") == 1 + LAT.amo + REFILL


def ways(first):
    """Brings five lines of one set, the first one with `first`; the fifth access is a's."""
    return f"""
    li    a3, 4096
    {first} zero, 0x240(s0)
    add   a4, s0, a3
    ld    zero, 0x240(a4)
    add   a4, a4, a3
    ld    zero, 0x240(a4)
    add   a4, a4, a3
    ld    zero, 0x240(a4)
    ld    zero, 0x240(s0)
    add   a4, a4, a3
"""


@pytest.mark.parametrize("first,more", [("ld", 0), ("sd", LAT.writeback)])
def test_victim(pipeline, first, more):
    """FIFO: the line that came first goes, though it was used last; dirty, it is written."""
    run = pipeline(program(after("ld a0, 0x240(a4)"), before=ways(first)))
    assert run.between("a", "c") == 1 + LAT.load + more + REFILL
    assert run.stats["dcache"]["writebacks"] == (1 if more else 0) if "dcache" in run.stats else True


def test_victim_is_gone(pipeline):
    run = pipeline(program(after("ld a0, 0x240(s0)"), before=ways("ld") + "ld zero, 0x240(a4)\n"))
    assert run.between("a", "c") == 1 + LAT.load + REFILL


def test_second_is_still_there(pipeline):
    run = pipeline(program(after("ld a0, 0x240(a5)"),
                           before=ways("ld") + "ld zero, 0x240(a4)\nadd a5, s0, a3\n"))
    assert run.between("a", "c") == 1 + LAT.load


@pytest.mark.parametrize("name,before,misses", [
    ("warm", "ld zero, 0x280(s0)\nld zero, 0x2c0(s0)", 0), ("second", "ld zero, 0x280(s0)", 1),
    ("first", "ld zero, 0x2c0(s0)", 1), ("cold", "", 2)])
def test_access_over_a_lines_end(pipeline, name, before, misses):
    run = pipeline(program(after("ld a0, 0x2bd(s0)"), before=before))
    assert run.between("a", "c") == 1 + LAT.load + 1 + misses * REFILL


# --- Devices ------------------------------------------------------------------------

OUTSIDE = LAT.bus + LAT.device


@pytest.mark.parametrize("access,latency", [("lbu a0, 5(a3)", LAT.load), ("sb zero, 7(a3)", LAT.store)])
def test_device(pipeline, access, latency):
    run = pipeline(program(after(access), before="li a3, 0x10000000"))
    assert run.between("a", "c") == 1 + latency + OUTSIDE


def test_device_value(pipeline):
    run = pipeline(program("nop\na: lbu a0, 5(a3)\nb: add a1, a0, a0", before="li a3, 0x10000000"))
    assert run.between("a", "b") == 1 + LAT.load + OUTSIDE


@pytest.mark.parametrize("access", ["outi.b 0x80, a0", "ini.b a0, 0x80"])
def test_port(pipeline, access):
    """Four cycles in X, then the device from M on; b enters X in its M, c in its W."""
    run = pipeline(program(f"nop\na: {access}\nb: nop\nc: nop"))
    assert run.between("a", "b") == LAT.io
    assert run.between("a", "c") == LAT.io + 1 + OUTSIDE


def test_port_value(pipeline):
    run = pipeline(program("nop\na: ini.b a0, 0x80\nb: add a1, a0, a0"))
    assert run.between("a", "b") == LAT.io + 1 + OUTSIDE


# --- Traps --------------------------------------------------------------------------

# R = last cycle in M + trap, and M of a class is X + occupancy.
TRAPPED = LAT.trap + FILL


@pytest.mark.parametrize("name,insn,until_memory", [
    ("ecall", "ecall", LAT.trap), ("ebreak", "ebreak", LAT.trap), ("illegal", ".word 0xffffffff", LAT.alu),
    ("csr", "csrr a0, 0x5c0", LAT.csr), ("read-only", "csrw mhartid, a0", LAT.csr),
    ("vmread", "vmread a0, zero", LAT.field), ("misaligned-amo", "amoadd.w a0, a1, (a3)", 1),
    ("illegal-16", ".half 0", LAT.alu)])
def test_exception(pipeline, name, insn, until_memory):
    run = pipeline(program(f"nop\na: {insn}\n.p2align 2\nhandler: nop", before="addi a3, s0, 1"))
    assert run.all("a")[0]["event"]["kind"] == "exception"
    assert run.between("a", "handler") == until_memory + TRAPPED


def test_exception_waits_for_older(pipeline):
    """A load that misses is older: M of the ecall is behind its W, as it is serial in X already."""
    run = pipeline(program("nop\na: ld a0, 0x200(s0)\nb: ecall\n.p2align 2\nhandler: nop"))
    assert run.between("a", "b") == 1 + LAT.load + REFILL
    assert run.between("b", "handler") == LAT.trap + TRAPPED


def test_nothing_there(pipeline):
    """The bus is asked, and says no."""
    run = pipeline(program("nop\na: ld a0, 0(a3)\n.p2align 2\nhandler: nop", before="li a3, 0x20000000"))
    assert run.all("a")[0]["event"]["kind"] == "exception"
    assert run.between("a", "handler") == 1 + OUTSIDE + TRAPPED


def test_fetch_fault(pipeline):
    """A jump to where there is nothing: mispredicted; then one cycle in each stage."""
    run = pipeline(program("li a0, 0\nnop\nnop\na: jr a0\n.p2align 2\nhandler: nop"))
    fault = next(r for r in run.records if r.get("event", {}).get("name") == "INSN_ACCESS")
    assert fault["pc"] == "0x0" and not fault["retired"]
    assert fault["cycle"] - run.cycle("a") == MISS_JUMP
    assert run.cycle("handler") - fault["cycle"] == LAT.alu + TRAPPED


def test_mret(pipeline):
    before = "la a0, b\ncsrw mepc, a0\nli a1, 0x1800\ncsrs mstatus, a1"
    run = pipeline(program("nop\na: mret\nnop\nb: nop", before=before))
    assert run.between("a", "b") == LAT.trap + FLUSHED


# --- Interrupts, time, waiting --------------------------------------------------------

ENABLE = """
    li    a0, 0x88
    csrw  mie, a0
    csrsi mstatus, 8
"""


def test_software_interrupt(pipeline):
    """The store raises it, and it is taken when the store has left M."""
    body = "nop\na: sw a2, 0(a3)\nb: nop\n.p2align 2\nhandler: nop"
    run = pipeline(program(body, before=ENABLE + "li a3, 0x2000000\nli a2, 1"))
    event = run.all("b")[0]
    assert event["event"]["kind"] == "interrupt"
    assert event["cycle"] - run.cycle("a") == 1
    assert run.between("a", "handler") == 1 + LAT.store + OUTSIDE + LAT.trap + FILL


def test_enabled_by_csr(pipeline):
    body = "nop\na: csrsi mstatus, 8\nb: nop\n.p2align 2\nhandler: nop"
    before = "li a3, 0x2000000\nli a2, 1\nsw a2, 0(a3)\nli a0, 8\ncsrw mie, a0"
    run = pipeline(program(body, before=before))
    event = run.all("b")[0]
    assert event["event"]["kind"] == "interrupt"
    assert event["cycle"] - run.cycle("a") == 1
    assert run.between("a", "handler") == LAT.csr + 1 + LAT.trap + FILL


@pytest.mark.parametrize("due", range(200, 212))
def test_timer_interrupt(pipeline, due):
    """Taken behind the first instruction whose X + 1 it is due in."""
    body = "1: nop\nnop\nmul a4, a4, a4\nj 1b\n.p2align 2\nhandler: nop"
    before = ENABLE + f"li a3, 0x2004000\nli a2, {due}\nsd a2, 0(a3)"
    run = pipeline(program(body, before=before), "--ticks-per-time", "1")
    at = next(n for n, r in enumerate(run.records) if r.get("event", {}).get("kind") == "interrupt")
    event, last, earlier = run.records[at], run.records[at - 1], run.records[at - 2]
    assert earlier["cycle"] + 1 < due <= last["cycle"] + 1 == event["cycle"]
    occupancy = {"mul": LAT.mul, "jal": LAT.jump}.get(last["disasm"].split()[0], LAT.alu)
    assert run.cycle("handler") - last["cycle"] == occupancy + 1 + LAT.trap + FILL


SLEEP = """
    li    a0, 0x80
    csrw  mie, a0
    li    a3, 0x2004000
    li    a2, {time}
    sd    a2, 0(a3)
"""


def test_wfi(pipeline):
    """Woken in the cycle in which mtime gets there; no interrupt is enabled."""
    run = pipeline(program("nop\na: wfi\nb: nop", before=SLEEP.format(time=50)), "--ticks-per-time", "10")
    assert run.cycle("a") < 500
    assert run.cycle("b") == 500 + FLUSHED
    written = run.cycle("a") + LAT.flush + 1
    assert run.stats["pipeline"]["rows"][0]["cycles"]["wait"] == 500 - 1 - written


def test_wfi_interrupt(pipeline):
    """What woke the hart is taken at once."""
    body = "nop\na: wfi\nb: nop\n.p2align 2\nhandler: nop"
    run = pipeline(program(body, before="csrsi mstatus, 8\n" + SLEEP.format(time=50)), "--ticks-per-time", "10")
    event = run.all("b")[0]
    assert event["event"]["kind"] == "interrupt"
    assert event["cycle"] == 500
    assert run.cycle("handler") == 500 + LAT.trap + FILL


def test_wfi_does_not_wait(pipeline):
    run = pipeline(program("nop\na: wfi\nb: nop", before=SLEEP.format(time=0)))
    assert run.between("a", "b") == LAT.flush + FLUSHED


def test_counters(pipeline):
    """mcycle, time and mtime are those of X; a written mcycle counts for the cycle behind."""
    body = """
a:  csrr a0, mcycle
b:  csrr a1, time
c:  csrw mcycle, a2
d:  csrr a0, mcycle
e:  ld a0, 0(a3)"""
    run = pipeline(program(body, before="li a2, 10000\nli a3, 0x200bff8"), "--ticks-per-time", "3")
    value = lambda label: int(run.all(label)[0]["rd_value"], 16)  # noqa: E731
    assert value("a") == run.cycle("a")
    assert value("b") == run.cycle("b") // 3
    assert value("d") == 10000 + run.between("c", "d") - 1
    assert value("e") == run.cycle("e") // 3


def test_first_instruction_and_last(pipeline):
    """The machine starts with an empty cache; the run's cycles are the last W plus one."""
    run = pipeline(program("nop"))
    assert run.records[0]["cycle"] == 1 + REFILL + 1
    last = run.records[-1]
    assert run.stats["cycles"] == last["cycle"] + 1 + LAT.store + OUTSIDE + 1


# --- World switches -----------------------------------------------------------------

SWITCH = """
    la    s2, vmcs
    la    a0, guest
    li    a1, REVISION
    sd    a1, VMCS_REVISION * 8 (s2)
    sd    a0, VMCS_PC * 8 (s2)
"""
VM = """
    .section .bss
    .p2align 12
vmcs: .zero VMCS_BYTES
other: .zero VMCS_BYTES
    .text
"""
SPILL = LAT.spill * FIELDS_OF_CONTEXT
LOAD = LAT.refill * WORDS_OF_CONTEXT
ENTERED = FILL  # behind X + occupancy


def world_text(body, before, guest):
    """A body with a guest beside it in its line."""
    return program(f"{body}\nj finish\n{guest}", before=SWITCH + before, after=VM)


def world(pipeline, body, *args, before="", guest="guest: vmexit 3", code=0):
    return pipeline(world_text(body, before, guest), *args, code=code)


def test_enter(pipeline):
    run = world(pipeline, "nop\na: vmenter s2\nb: nop", before="vmload s2")
    assert run.between("a", "guest") == LAT.world + ENTERED
    # VMEXIT is one cycle in X; last cycle in M + exit.
    assert run.between("guest", "b") == 1 + LAT.exit + FILL


def test_enter_unpooled(pipeline):
    run = world(pipeline, "nop\na: vmenter s2\nb: nop")
    assert run.between("a", "guest") == LAT.world + LOAD + ENTERED


def test_enter_evicts(pipeline):
    before = "la a2, other\nsd a1, 0(a2)\nvmload a2"
    run = world(pipeline, "nop\na: vmenter s2\nb: nop", "--pool", "1", before=before)
    assert run.between("a", "guest") == LAT.world + SPILL + LOAD + ENTERED


def test_enter_refused(pipeline):
    run = world(pipeline, "nop\na: vmenter zero\nb: nop")
    assert run.all("a")[0]["event"]["kind"] == "entryfail"
    assert run.between("a", "b") == LAT.world + FLUSHED


@pytest.mark.parametrize("insn,cycles", [
    ("vmsave s2", LAT.pool + SPILL), ("vmclear s2", LAT.pool + SPILL), ("vmload s2", LAT.pool),
    ("vmsave a2", LAT.pool), ("vmload a2", LAT.pool + LOAD)])
def test_pool(pipeline, insn, cycles):
    """s2 is pooled, a2 is not."""
    run = world(pipeline, f"nop\na: {insn}\nb: nop", before="la a2, other\nsd a1, 0(a2)\nvmload s2")
    assert run.between("a", "b") == cycles + FLUSHED


@pytest.mark.parametrize("insn,cycles", [
    ("vint_stat a0", LAT.vic), ("vmread a0, a1", LAT.field), ("vmwrite a1, a1", LAT.field), ("vmqual a0", LAT.field),
    ("ldgptbr zero", LAT.field + FLUSHED), ("ldhptbr zero", LAT.field + FLUSHED)])
def test_field(pipeline, insn, cycles):
    """Behind a first round, so that there is a current VM."""
    run = world(pipeline, f"vmenter s2\nnop\na: {insn}\nb: nop", before="li a1, VMCS_X")
    assert run.between("a", "b") == cycles


def test_vmld(pipeline):
    """Two cycles in X, then the line; the value comes out of M."""
    run = world(pipeline, "vmenter s2\nnop\na: vmld.d a0, (s0)\nb: add a1, a0, a0")
    assert run.between("a", "b") == LAT.vmls + 1


def test_vmst_miss(pipeline):
    run = world(pipeline, "vmenter s2\naddi a3, s0, 0x300\nnop\na: vmst.d a0, (a3)\nnop\nc: nop")
    assert run.between("a", "c") == LAT.vmls + 1 + REFILL


@pytest.mark.parametrize("insn,until", [("ecall", LAT.trap), ("vmexit 1", 1), ("ld a0, 0(zero)", 1 + OUTSIDE)])
def test_exit(pipeline, insn, until):
    """From X to the last cycle in M, then exit. The third reads where nothing is."""
    run = world(pipeline, "vmenter s2\nb: nop", before="vmload s2", guest=f"guest: nop\na: {insn}")
    assert run.all("a")[0]["event"]["kind"] == "exit"
    assert run.between("a", "b") == until + LAT.exit + FILL


def test_exit_by_interrupt(pipeline):
    """The guest's store raises it: exit behind the store, and then it is taken as a trap (EX-6)."""
    before = "vmload s2\n" + ENABLE
    body = "vmenter s2\nb: nop\n.p2align 2\nhandler: nop\n"
    guest = "guest: lui a3, 0x2000\nli a2, 1\na: sw a2, 0(a3)\nnop"
    run = world(pipeline, body, before=before, guest=guest)
    kinds = [r["event"]["kind"] for r in run.records if "event" in r]
    assert kinds == ["entry", "exit", "interrupt"]
    assert run.between("a", "handler") == 1 + LAT.store + OUTSIDE + LAT.exit + LAT.trap + FILL


def test_preemption(pipeline):
    """Between two instructions, behind the one that used the last of it."""
    before = f"li a1, 2\nsd a1, VMCS_PREEMPT * 8 (s2)\nli a1, {TRAP['PREEMPT']:#x}\nsd a1, VMCS_VMTRAPCFG * 8 (s2)\n"
    run = world(pipeline, "vmenter s2\nb: nop", before=before + "vmload s2", guest="guest: nop\na: mul a0, a0, a0\nnop")
    assert [r["event"]["name"] for r in run.records if "event" in r and r["event"]["kind"] == "exit"] == ["PREEMPT"]
    assert run.between("a", "b") == LAT.mul + 1 + LAT.exit + FILL


@pytest.mark.parametrize("masked", [False, True])
def test_port_of_a_guest(pipeline, masked):
    """The bitmap is read in the class's cycles; a masked port asks no device."""
    before = f"""
    la    a3, bitmap
    sd    a3, VMCS_IOBITMAP * 8 (s2)
    li    a4, {0 if masked else 1}
    sb    a4, 0x10(a3)
    vmload s2
"""
    text = world_text("vmenter s2\nb: nop", before, "guest: nop\na: ini.b a0, 0x80\nnop\nc: vmexit 1")
    run = pipeline(text + "    .bss\n    .p2align 13\nbitmap: .zero 0x2000\n    .text\n")
    assert run.between("a", "c") == LAT.io + 1 + (0 if masked else OUTSIDE) + 1


def test_null_hypercall(pipeline):
    """The manual's example: a lap of VMEXIT, exit, jump, VMRESUME, entry, jump."""
    body = """
    vmenter s2
    li    s3, 8
1:  addi  s3, s3, -1
    beqz  s3, 2f
a:  vmresume.adv
    j     1b
2:"""
    run = world(pipeline, body, guest="guest: vmexit 0\nj guest")
    laps_ = laps(run, "guest")
    # Host: beqz, serial VMRESUME; guest: jump, serial VMEXIT. From X of one VMEXIT to the next:
    to_host = 1 + LAT.exit + FILL
    jump_addi_beqz = LAT.jump + LAT.alu + LAT.branch
    serial = 1
    lap = to_host + jump_addi_beqz + serial + LAT.world + FILL + LAT.jump + serial
    assert laps_[3:6] == 3 * [lap]
    assert lap < 30


def test_smallest_null_hypercall(pipeline):
    """The manual's example: nothing but a jump on each side."""
    run = world(pipeline, "vmenter s2\n1: vmresume.adv\nj 1b", "--max-insns", "200", code=122,
                guest="guest: vmexit 0\nj guest")
    lap = 1 + LAT.exit + FILL + LAT.jump + 1 + LAT.world + FILL + LAT.jump + 1
    assert laps(run, "guest")[3:20] == 17 * [lap]
    assert lap < 30
