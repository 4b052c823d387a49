"""Many small cases in one bare-metal program.

A Case is some code with the state it starts in. bare/run.c runs the cases of a
program one after the other, each until the next trap to M-mode, and prints what
it did; every byte of the code section that is no case's code is a c.ebreak, so
wherever a case goes, it ends there. The same program runs on visa-sim and on QEMU.

In memory a case is a row of 64-bit words:

  code address, ring (mstatus.MPP), end of the stream or 0, counts,
  CSR writes (number, value) ..., registers (number, value) ...,
  memory writes (address, value) ..., memory to watch (address, 64-bit words) ...,
  CSR reads (number) ...

counts has one byte for each of the five lists, from the lowest up. A case prints
one line: who took the trap (m, s; s14: at stvec's base + 0x14), cause, epc, tval,
then what changed: xN=value, @address=value, and the CSRs asked for, cN=value. All
numbers are hexadecimal. A stream goes on behind a trap until it reaches its end,
and prints a line for each.
"""

import re
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from harness import guest, tools

M, S, U = 3, 1, 0
RING_NAMES = {M: "m", S: "s", U: "u"}

# Addresses that bare/bare.ld fixes.
S_HANDLER = 0x80100000
CODE = 0x80200000
CODE_END = 0x80A00000
EDGE = 0x81800000          # a page boundary in the middle of free memory
TABLES = 0x82000000

MASK = (1 << 64) - 1
C_EBREAK = 0x9002
WATCHED = 64               # words of memory that run.c can compare
BREAKPOINT = 3

HERE = Path(__file__).parent / "bare"


@cache
def qemu_is_later():
    """Of both versions of Debian's, 7.2 and 10."""
    version = tools.execute([tools.tool("qemu-system-riscv64"), "--version"]).ok().stdout
    return int(re.search(r"version (\d+)", version)[1]) >= 9


def qemu_cpu():
    """QEMU's CPU that has what V-ISA's base has. Both versions take `rv64` without this and that; the
    later has more to leave out, and counts its counters by a mask."""
    return "rv64,h=off,f=off,d=off,v=off,zba=off,zbb=off,zbc=off,zbs=off," + (
        "zfa=off,pmu-mask=0xfffffff8" if qemu_is_later() else "pmu-num=29")


def canary(n):
    """What register n holds unless the case says otherwise (run.c computes the same)."""
    return 0xC0DE000000000000 + n * 0x0101010101


def memory_canary(address):
    """64-bit word that a case's memory holds at an aligned address before it runs."""
    return (address * 0x9E3779B97F4A7C15 ^ 0x0123456789ABCDEF) & MASK


@dataclass
class Case:
    name: str
    asm: str
    size: int = 4                               # bytes of code; a stream is not measured
    ring: int = M
    regs: dict = field(default_factory=dict)
    csrs: list = field(default_factory=list)    # (number, value), written in this order
    pokes: list = field(default_factory=list)   # (address, value)
    peeks: list = field(default_factory=list)   # (address, words)
    reads: list = field(default_factory=list)   # CSR numbers
    landings: tuple = ()                        # offsets from the code's start that it jumps to
    address: int = None                         # set by Program.add, or fixed (no code then)
    stream: bool = False
    offset: int = None                          # where in a page the code is to stand

    def __str__(self):
        regs = " ".join(f"x{n}={v & MASK:#x}" for n, v in self.regs.items())
        csrs = " ".join(f"csr {n:#x}={v:#x}" for n, v in self.csrs)
        at = f"{self.address:#x}" if self.address else "stream"
        return f"{self.name} ({'; '.join(self.asm.split(chr(10)))}) at {at} in {RING_NAMES[self.ring]} " \
               f"with {regs} {csrs}"

    def words(self, number):
        counts = [self.csrs, self.regs, self.pokes, self.peeks, self.reads]
        assert all(len(c) < 256 for c in counts) and sum(n for _, n in self.peeks) <= WATCHED
        end = f"stream_end_{number}" if self.stream else 0
        start = f"stream_{number}" if self.stream else self.address
        out = [start, self.ring, end, sum(len(c) << 8 * i for i, c in enumerate(counts))]
        for pairs in (self.csrs, self.regs.items(), self.pokes, self.peeks):
            for a, b in pairs:
                out += [a, b & MASK]
        return out + list(self.reads)


@dataclass
class Outcome:
    """What a case did. x, mem, csr: what changed, and what was asked for."""
    level: str
    cause: int
    epc: int
    tval: int
    x: dict
    mem: dict
    csr: dict
    traps: list                                 # (level, cause, epc, tval) on the way
    vector: int = 0                             # of a trap to S-mode: offset from stvec's base

    def __str__(self):
        pairs = [f"x{n}={v:#x}" for n, v in self.x.items()]
        pairs += [f"[{a:#x}]={v:#x}" for a, v in self.mem.items()]
        pairs += [f"csr {n:#x}={v:#x}" for n, v in self.csr.items()]
        traps = [f"trap {c} at {e:#x}" for _, c, e, _ in self.traps]
        return " ".join([*traps, f"{self.level} cause {self.cause} epc {self.epc:#x} "
                                 f"tval {self.tval:#x}", *pairs])


class Program:
    def __init__(self, margin=0x2000):
        """margin: bytes of c.ebreak on both sides of the code, for far jumps."""
        self.cases = []
        self.tables = b""                       # loaded at TABLES
        self.margin = margin
        self.cursor = CODE + margin
        self.occupied, self.landed = set(), set()

    def add(self, case):
        if case.address is None and not case.stream:
            self.place(case)
        self.cases.append(case)
        return case

    def place(self, case):
        """The next address where the code covers no landing and lands on no code."""
        at = self.cursor
        while True:
            if case.offset is not None:
                at += (case.offset - at) % 4096
            body = range(at, at + case.size, 2)
            lands = [at + offset for offset in case.landings]
            if not any(b in self.landed for b in body) and \
                    not any(l in self.occupied or l in body for l in lands):
                break
            at += 2
        assert all(CODE <= l < CODE_END for l in lands) and at + case.size < CODE_END
        self.occupied.update(body)
        self.landed.update(lands)
        case.address, self.cursor = at, at + case.size + 2

    def source(self):
        lines = ["        .option norelax", "        .option norvc",
                 '        .section .code, "ax"']
        at = CODE
        placed = [c for c in self.cases if not c.stream and c.asm]
        for i, c in enumerate(sorted(placed, key=lambda c: c.address)):
            lines += [f"        .fill {(c.address - at) // 2}, 2, {C_EBREAK:#x}", f"case_{i}:", c.asm,
                      f"        .org case_{i} + {c.size}"]   # refuses code that is longer
            at = c.address + c.size
        lines += [f"        .fill {(self.margin + 64) // 2}, 2, {C_EBREAK:#x}"]
        for i, c in enumerate(self.cases):
            if c.stream:
                lines += ["        .balign 8", f"stream_{i}:", c.asm, f"stream_end_{i}:", "        ebreak"]
        lines += ['        .section .cases, "a"', "        .globl cases", "cases:"]
        for i, c in enumerate(self.cases):
            lines.append("        .quad " + ", ".join(map(str, c.words(i))))
        lines.append("        .quad -1")
        return "\n".join(lines) + "\n"

    def build(self, directory, name):
        """The ELF file of the program, made in directory."""
        source = directory / f"{name}.S"
        source.write_text(self.source())
        elf = directory / f"{name}.elf"
        tables = directory / f"{name}.bin"
        tables.write_bytes(self.tables or bytes(8))
        stub = directory / f"{name}_tables.S"
        stub.write_text(f'        .section .tables, "aw"\n        .incbin "{tables}"\n')
        gcc = tools.tool("riscv64-unknown-elf-gcc")
        tools.execute([gcc, f"-march={guest.MARCH}", "-mabi=lp64", "-mcmodel=medany", "-O2",
                       "-ffreestanding", "-nostdlib", "-static", "-T", HERE / "bare.ld", "-o", elf,
                       HERE / "enter.S", HERE / "run.c", source, stub]).ok()
        return elf


def parse(text):
    """The outcomes of a program's cases, in their order; the text must be complete."""
    outcomes, traps = [], []
    lines = text.replace("\r", "").splitlines()
    assert lines and lines[-1] == "end", f"the program did not come to its end:\n{text[-2000:]}"
    for line in lines[:-1]:
        level, cause, epc, tval, *rest = line.split()
        vector = int(level[1:] or "0", 16)
        level = level[0]
        head = (level, int(cause, 16), int(epc, 16), int(tval, 16))
        if level.isupper():
            traps.append(head)
            continue
        parts = {"x": {}, "@": {}, "c": {}}
        for word in rest:
            key, value = word[1:].split("=")
            parts[word[0]][int(key, 16)] = int(value, 16)
        outcomes.append(Outcome(*head, parts["x"], parts["@"], parts["c"], traps, vector))
        traps = []
    return outcomes


def run_visa(elf, *args):
    return tools.simulate(elf, *args).ok().stdout


def run_qemu(elf, *args):
    return guest.qemu(elf, "-cpu", qemu_cpu(), *args, timeout=tools.TIMEOUT).ok().stdout


MACHINES = {"visa": run_visa, "qemu": run_qemu,
            "visa-cycles": lambda elf: run_visa(elf, "--model", "pipeline"),
            **{f"pmp-{g}": lambda elf, g=g: run_visa(elf, "--pmp-granule", g) for g in (4, 8, 16, 256, 2048)},
            "pmp-4-cycles": lambda elf: run_visa(elf, "--pmp-granule", 4, "--model", "pipeline")}


def outcomes(elf, machine, cases):
    """What each case did. QEMU 7.2 tells 0 as the tval of a breakpoint, V-ISA its pc (TR-5)."""
    result = parse(MACHINES[machine](elf))
    assert len(result) == len(cases)
    for outcome in result if machine == "qemu" else []:
        if outcome.cause == BREAKPOINT and outcome.tval == 0:
            outcome.tval = outcome.epc
        outcome.traps = [(level, cause, epc, epc if cause == BREAKPOINT and tval == 0 else tval)
                         for level, cause, epc, tval in outcome.traps]
    return result
