"""Memory that runs out: requests of a command are refused, each alone or with all behind it; and memory that a guest
can make grow.

A command then either fails as it should - a status, a message, no file half-written and none left
behind - or does all of what it does otherwise: what was refused was not needed. Commands run under
harness/failing.c, which counts from main on.
"""

import os
import subprocess

import pytest

from harness import tools
from sim.test_bounds import PLACES, PROGRAM, VMS

# The old contents of every file that a command writes.
OLD = b"this was here before\n"

GUEST = """
        .globl  _start, handler, guest, before
        .equ    PLACES, 3
_start: la      s0, vmcs
        li      t0, REVISION
        sd      t0, VMCS_REVISION * 8 (s0)
        li      s5, VMCS_PC
        la      s1, guest
        sd      s1, VMCS_PC * 8 (s0)
        la      t0, text
        li      t1, 0x10000000
1:      lbu     t2, (t0)
        beqz    t2, 2f
        sb      t2, (t1)
        addi    t0, t0, 1
        j       1b
2:      li      s3, PLACES
        VMENTER R8
handler: addi   s1, s1, 4
        VMWRITE s5, s1
        addi    s3, s3, -1
        beqz    s3, 3f
        VMRESUME
3:      li      a0, 0x5555
        li      t0, 0x100000
        sw      a0, 0(t0)
4:      j       4b
text:   .asciz  "Hello"
        .balign 4
        .globl  begin_signature, end_signature
begin_signature: .word 1
end_signature:
        .balign 4096
guest:  .rept   PLACES
        VMEXIT  2
        .endr
        .bss
        .balign 4096
vmcs:   .zero   4096
"""

SOURCE = """
        .macro  twice a, b=1
        addi    \\a, \\a, \\b
        addi    \\a, \\a, \\b
        .endm
        .include "more.inc"
        .altmacro
        .section .text.other, "ax"
one:    twice   a0
        .irp    r, a0, a1
        mv      \\r, zero
        .endr
        la      a0, text
        li      a1, 0x123456789abcdef
        call    far
        beqz    a0, one
        .data
text:   .asciz  "text"
        .quad   text - 4, one
        .equ    later, far + 4
        .section .debug, "", @progbits
        .uleb128 later - far
        .text
far:    ret
"""

WRONG = """
        nosuch  a0
        .macro  m
        addi    a0, a0, 5000
        j       nowhere
        .endm
        m
1:      lb      a0, (a1
        .word   missing + "x"
"""

CONFIG = "tlb: { l1 = 16; };\n"

SIM = [
    [],
    ["--summary"],
    ["--stats", "out.1"],
    ["--stats", "-"],
    ["--report", "out.1", "--stats", "out.2", "--summary"],
    ["--trace=out.1", "--trace-from", "guest", "--trace-to", "handler+4"],
    ["--trace=out.1", "--trace-format", "json", "--stats", "out.2"],
    ["--trace=out.1", "--trace-exits", "--symbols", "guest.elf@0"],
    ["--perfetto", "out.1", "--uart-out", "out.2"],
    ["--explain-exit", "1-", "--walk", "guest:x", "--check-stale"],
    ["--signature", "out.1", "--dump-dtb", "out.2", "--load", "flat@0x80800000"],
    ["--uart-in", "flat", "--harts", "2", "--stats", "out.1"],
]
PIPELINE = [
    ["--stats", "out.1", "--summary"],
    ["--kanata", "out.1", "--o3pipeview", "out.2"],
    ["--vcd", "out.1", "--perfetto", "out.2", "--harts", "2"],
    ["--switch-at", "guest", "--report", "out.1"],
    ["--sample", "20:2:5", "--stats", "out.1", "--summary"],
]
STAT = [[], ["-b", "cause"], ["-b", "vm"], ["-c"], ["-j"], ["-H"], ["-p", "out.1"], ["-r", "out.1"], ["old.json"],
        ["-c", "old.json"]]
STAT_PIPELINE = [["-b", "ring"], ["-b", "ring", "-c"], ["-b", "ring", "-j"], ["-r", "out.1"]]
OBJDUMP = [["-d"], ["-D", "-z", "-M", "no-aliases"], ["-r"], ["-t", "-h"], ["-d", "-r"]]

COMMANDS = (
    [["visa-sim", *options, "guest.elf"] for options in SIM]
    + [["visa-sim", "--config", "small.cfg", "--print-config"], ["visa-sim", "--raw", "0x80000000", "-n", "20", "flat"],
       ["visa-sim", "--dump-dtb", "out.1"], ["visa-sim", "--help"], ["visa-sim", "guest.elf", "an", "argument"]]
    + [["visa-sim", "--model", "pipeline", *options, "guest.elf"] for options in PIPELINE]
    + [["visa-stat", *options, "run.json"] for options in STAT]
    + [["visa-stat", *options, "pipeline.json"] for options in STAT_PIPELINE]
    + [["visa-as", "-o", "out.1", "guest.s"], ["visa-as", "-c", "-l", "out.2", "-o", "out.1", "more.s", "-D", "N=3"],
       ["visa-as", "-o", "out.1", "more.s", "guest.s", "-l", "out.2"], ["visa-as", "-o", "out.1", "wrong.s"]]
    + [["visa-objdump", *options, name] for options in OBJDUMP for name in ("guest.elf", "more.o")])


@pytest.fixture(scope="module")
def failing(tmp_path_factory):
    """failing.c as a library to preload."""
    so = tmp_path_factory.mktemp("failing") / "failing.so"
    tools.execute([tools.tool("cc"), "-O1", "-shared", "-fPIC", "-o", so,
                   tools.SRC / "testsuite/harness/failing.c", "-ldl"]).ok()
    return so


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    """A directory with what the commands read."""
    d = tmp_path_factory.mktemp("inputs")
    files = {"guest.s": GUEST, "more.s": SOURCE, "more.inc": ".set N, 2\n", "wrong.s": WRONG, "small.cfg": CONFIG}
    for name, text in files.items():
        (d / name).write_text(text)

    def run(name, *args):
        assert tools.execute([tools.tool(name), *args], cwd=d).code in (0, 1)
    run("visa-as", "-o", "guest.elf", "guest.s")
    run("visa-as", "-c", "-o", "more.o", "more.s")
    (d / "flat").write_bytes(bytes.fromhex("6f000000") * 20)
    run("visa-sim", "--stats", "run.json", "guest.elf")
    run("visa-sim", "--stats", "old.json", "--set", "tlb.l1=16", "guest.elf")
    pipeline = subprocess.run([tools.tool("visa-sim"), "--model", "pipeline", "--stats", "pipeline.json", "guest.elf"],
                              cwd=d, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    if pipeline.returncode:
        (d / "pipeline.json").write_bytes((d / "run.json").read_bytes())
    return d


class Refusals:
    """A command, and how it ends when memory does."""

    def __init__(self, command, failing, inputs, work):
        self.command = [tools.tool(command[0]), *command[1:]]
        self.failing, self.work = failing, work
        for f in inputs.iterdir():
            (work / f.name).write_bytes(f.read_bytes())
        self.outputs = sorted({a for a in command if a.startswith("out.")} |
                              {a.split("=")[1] for a in command if a.startswith("--trace=")})
        self.log = command[command.index("--uart-out") + 1] if "--uart-out" in command else None  # as far as it came
        self.inputs = {f.name for f in inputs.iterdir()}
        self.whole = self.run(count=True)
        self.requests = int((work / "count").read_text())
        (work / "count").unlink()

    def run(self, at=0, on=False, count=False):
        """Status, standard output and error, and the files."""
        for name in self.outputs:
            (self.work / name).write_bytes(OLD)
        env = {**os.environ, "LD_PRELOAD": str(self.failing), "FAILING_AT": str(at), "FAILING_SPARE": SPARED,
               **({"FAILING_ON": "1"} if on else {}), **({"FAILING_COUNT": str(self.work / "count")} if count else {})}
        p = subprocess.run(self.command, cwd=self.work, env=env, stdin=subprocess.DEVNULL, capture_output=True,
                           timeout=20)
        return p.returncode, p.stdout, p.stderr, {name: (self.work / name).read_bytes() for name in self.outputs}

    def wrong(self, at, on):
        """What is wrong about the run in which that request is refused; None: nothing."""
        try:
            status, out, err, files = result = self.run(at, on)
        except subprocess.TimeoutExpired:
            return "hangs"
        left = {f.name for f in self.work.iterdir()} - self.inputs - set(self.outputs)
        for name in left:
            (self.work / name).unlink()
        if left:
            return f"leaves {left}"
        if result == self.whole:
            return None
        if status < 0 or status >= 128:
            return f"ends by a signal: {status}\n{err.decode(errors='replace')}"
        if status == 0:
            return f"status 0, but not all is there\n{err.decode(errors='replace')}"
        if b"memory" not in err:
            return f"status {status}, but no word of memory: {err.decode(errors='replace')}"
        for name, bytes_ in files.items():
            whole = self.whole[3][name]
            if name == self.log and whole.startswith(bytes_):
                continue
            if bytes_ not in (OLD, whole):
                return f"{name} is neither whole nor as it was"
        return None


# libconfig before 1.7.3 takes memory for granted, and from then on calls abort(): nothing that visa-sim
# could do. It reads files of at most 64 KiB.
SPARED = "libconfig"

# Of each command so many are refused, evenly spread; the environment may ask for another number. A long run:
#     REFUSALS=100000 ./dev test -k test_refused
REFUSALS = int(os.environ.get("REFUSALS", 20))


def cases():
    for command in COMMANDS:
        slow = [pytest.mark.slow] if "pipeline" in command else []
        yield pytest.param(command, marks=slow, id=" ".join(command))


@pytest.mark.parametrize("command", cases())
def test_refused(command, failing, inputs, tmp_path):
    if "pipeline" in command or "pipeline.json" in command:
        tools.need_pipeline()
    r = Refusals(command, failing, inputs, tmp_path)
    bad = []
    for i in range(min(REFUSALS, r.requests)):
        at = 1 + i * r.requests // min(REFUSALS, r.requests)
        for on in (False, True) if REFUSALS >= r.requests else (i % 2 > 0,):
            wrong = r.wrong(at, on)
            if wrong:
                bad.append(f"request {at} of {r.requests}{' and on' if on else ''}: {wrong}")
    assert r.requests and not bad, f"{len(bad)} faults\n" + "\n".join(bad[:12])


def peak(failing, cwd, elf, *args):
    """KiB of the host's memory at most."""
    env = {**os.environ, "LD_PRELOAD": str(failing), "FAILING_PEAK": str(cwd / "peak")}
    subprocess.run([tools.tool("visa-sim"), *args, elf], env=env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL, check=True)
    return int((cwd / "peak").read_text())


@pytest.mark.slow
@pytest.mark.parametrize("options", [["--stats", "/dev/null"], ["--explain-exit", "1-"],
                                     ["--perfetto", "/dev/null", "--last", "1000"]], ids=lambda o: o[0])
@pytest.mark.parametrize("what", ["places", "vms"])
def test_bounded(what, options, assemble, failing, tmp_path):
    """Four times as many of what a guest can make costs no more than a quarter more; but the guest itself may."""
    def cost(n):
        elf = assemble(PROGRAM.replace(str(PLACES), str(n)) if what == "places" else VMS.format(vms=n))
        return peak(failing, tmp_path, elf, *options) - peak(failing, tmp_path, elf)
    few = PLACES if what == "places" else 2500
    costs = cost(few), cost(4 * few)
    assert costs[1] < 1.25 * max(costs[0], 1024), costs


# So many pages, each with a `ret` in it that is called, if it is to be.
PAGES = """
        .globl  _start
_start: li      s0, 0x80800000
        li      s1, {pages}
        li      s2, 4096
        li      s3, 0x00008067
1:      sw      s3, (s0)
        {call}
        add     s0, s0, s2
        addi    s1, s1, -1
        bnez    s1, 1b
        li      a0, 0x5555
        li      t0, 0x100000
        sw      a0, 0(t0)
2:      j       2b
"""
DECODED = 16384


@pytest.mark.slow
def test_pages_of_code(assemble, run, failing, tmp_path):
    def cost(n):
        called, stored = (assemble(PAGES.format(pages=n, call=call)) for call in ("jalr    s0", "nop"))
        if n > DECODED:
            assert run(called, "--ram", "256M").ok().stats["instret"] - run(
                stored, "--ram", "256M").ok().stats["instret"] == n  # the rets
        return peak(failing, tmp_path, called, "--ram", "256M") - peak(failing, tmp_path, stored, "--ram", "256M")
    costs = cost(DECODED // 2), cost(DECODED + 100), cost(2 * DECODED)
    assert costs[1] > 1.5 * costs[0] and costs[2] < 1.05 * costs[1], costs
