"""Scripts for the hypervisor in runner/: operations in, answers out.

A Script is filled by the test, operation by operation; each operation that answers
returns an Answer, which has its values once the script has run. The runner is built
once; a script is a second segment of its ELF file.
"""

import struct
from pathlib import Path

from harness import guest, tools
from xvisa.asm import CONST, MASK, field, ins

# Memory: the runner is at the bottom, the script near the top; tests have the rest.
RAM, RAM_END = 0x80000000, 0x88000000
FREE = 0x80200000
SCRIPT = 0x85000000

M, S, U = 3, 1, 0           # rings as the runner counts them
OPS = ("END CASE POKE FILL PEEK STEP RUN ENTER INFO FIELDS VMCS LOOP POKE32 PEEK32 HART JOIN").split()
EXIT_INFO = ("cause", "qual", "addr", "gpa", "insn", "len", "val")
HERE = Path(__file__).parent / "runner"


class Answer:
    """Values of an operation, as attributes and by name."""

    def __init__(self, names):
        self.names = list(names)
        self.values = None

    def __getattr__(self, name):
        if name.startswith("__") or self.values is None or name not in self.values:
            raise AttributeError(name)
        return self.values[name]

    def __getitem__(self, name):
        return self.values[name]

    def __repr__(self):
        if self.values is None:
            return "Answer(not yet)"
        return " ".join(f"{k}={v:#x}" for k, v in self.values.items())


class Listed:
    """The answer of `loop`: pairs (cause, VMQUAL), as many as there were."""

    exits = None


class Script:
    def __init__(self):
        self.words = []
        self.answers = []

    def op(self, name, operands=(), n=0, m=0, answer=None):
        self.words.append(OPS.index(name) | n << 8 | m << 32)
        self.words += [w & MASK for w in operands]
        if answer is None:
            return None
        self.answers.append(answer)
        return answer

    # Memory
    def poke(self, addr, *words):
        """64-bit words from addr up."""
        self.op("POKE", [addr, *words], n=len(words))

    def poke32(self, addr, word):
        self.op("POKE32", [addr, word])

    def peek32(self, addr):
        return self.op("PEEK32", [addr], answer=Answer(["value"]))

    def code(self, addr, words):
        """32-bit words from addr (a multiple of 8) up."""
        words = list(words) + [0] * (len(words) % 2)
        self.poke(addr, *(lo | hi << 32 for lo, hi in zip(words[::2], words[1::2])))

    def fill(self, addr, bytes_, word=0):
        self.op("FILL", [addr, word], n=bytes_ // 8)

    def peek(self, addr, n=1):
        return self.op("PEEK", [addr], n=n, answer=Answer([f"w{i}" for i in range(n)]))

    def memory(self, words):
        """A dict of aligned address to 64-bit word, in runs."""
        run, start = [], None
        for addr in sorted(words):
            if run and addr != start + 8 * len(run):
                self.poke(start, *run)
                run = []
            if not run:
                start = addr
            run.append(words[addr])
        if run:
            self.poke(start, *run)

    # Instructions with V=0
    def step(self, word, ring=M, out=(12,), **regs):
        """One instruction. trap: 0, or exception + 1; tval; then registers x{n} of `out`."""
        numbers = [(int(k[1:]), v) for k, v in regs.items()]
        mask = sum(1 << n for n in out)
        pairs = [w for pair in numbers for w in pair]
        return self.op("STEP", [word, mask, *pairs], n=len(numbers), m=ring,
                       answer=Answer(["trap", "tval"] + [f"x{n}" for n in sorted(out)]))

    def run(self, pc, ring=M, out=(12,), **regs):
        """From pc until the next trap to Ring -1: cause, epc, tval, registers."""
        numbers = [(int(k[1:]), v) for k, v in regs.items()]
        mask = sum(1 << n for n in out)
        pairs = [w for pair in numbers for w in pair]
        return self.op("RUN", [pc, mask, *pairs], n=len(numbers), m=ring,
                       answer=Answer(["cause", "epc", "tval"] + [f"x{n}" for n in sorted(out)]))

    def csr(self, number, value):
        """Writes a CSR of Ring -1."""
        return self.step(ins("csrrw", csr=number, rs1=10), x10=value)

    def csr_read(self, number):
        return self.step(ins("csrrs", csr=number, rd=12))

    def begin(self, n, word, x10=0, x11=0):
        """One instruction in Ring -1 of another hart, which join() waits for."""
        self.op("HART", [word, x10, x11], n=n)

    def join(self, n):
        return self.op("JOIN", n=n, answer=Answer(["trap", "x12"]))

    def hart(self, n, word, x10=0, x11=0):
        """One instruction in Ring -1 of another hart, to its end."""
        self.begin(n, word, x10, x11)
        return self.join(n)

    # Guests
    def vmcs(self, addr, **fields):
        """A fresh VMCS with these fields; it is in no pool."""
        pairs = [w for k, v in fields.items() for w in (field(k), v)]
        self.op("VMCS", [addr, *pairs], n=len(fields))

    def enter(self, vmcs, *fields, insn="vmenter"):
        """Enters; afterwards: trap of the instruction itself, exit information, fields."""
        return self.op("ENTER", [ins(insn, **({"rs1": 10} if insn == "vmenter" else {})), vmcs,
                                 *map(field, fields)],
                       n=len(fields), answer=Answer(["trap", *EXIT_INFO, *fields]))

    def resume(self, *fields, adv=False):
        return self.enter(0, *fields, insn="vmresume.adv" if adv else "vmresume")

    def loop(self, last, most=4096, insn="vmresume.adv"):
        """Resumes until the guest executes VMEXIT last, at most `most` times."""
        return self.op("LOOP", [ins(insn), 0], n=most, m=last, answer=Listed())

    def info(self):
        return self.op("INFO", answer=Answer(EXIT_INFO))

    def fields(self, *names):
        return self.op("FIELDS", map(field, names), n=len(names), answer=Answer(names))

    def vmread(self, number):
        return self.step(ins("vmread", rs1=10, rd=12), x10=number)

    def vmwrite(self, number, value):
        return self.step(ins("vmwrite", rs1=10, rs2=11), x10=number, x11=value)

    def case(self):
        """A line of its own for what follows, for whoever reads the output."""
        self.op("CASE")

    # Running
    def execute(self, elf, *args):
        """Runs and hands out the answers; elf: file to write. Returns the simulator's result."""
        self.op("END")
        write_elf(elf, self.words)
        result = tools.simulate(elf, *args, stats=elf.with_suffix(".json")).ok()
        words = result.stdout.replace("\r", "").split()
        assert words and words[-1] == "end", f"the script did not come to its end\n{result}"
        stream = iter(words[:-1])
        for answer in self.answers:
            if isinstance(answer, Listed):
                answer.exits = [(int(next(stream), 16), int(next(stream), 16))
                                for _ in range(int(next(stream), 16))]
            else:
                answer.values = {name: int(next(stream), 16) for name in answer.names}
        assert next(stream, None) is None, "the runner said more than was asked"
        return result


def build_runner(directory):
    """The runner's ELF file."""
    return guest.compile_c([HERE / "enter.S", HERE / "run.c"], directory / "runner.elf",
                           f"-DSCRIPT={SCRIPT:#x}")


RUNNER = {}


def write_elf(elf, words):
    """The runner's segments and the script's, as one ELF file."""
    image = RUNNER["image"]
    script = struct.pack(f"<{len(words)}Q", *words)
    assert SCRIPT + len(script) < RAM_END - (1 << 20), "the script is too long"
    entry, phoff, count = *struct.unpack_from("<QQ", image, 24), struct.unpack_from("<H", image, 56)[0]
    segments = []
    for i in range(count):
        kind, _, offset, _, pa, size, in_memory, _ = struct.unpack_from("<IIQQQQQQ", image, phoff + 56 * i)
        if kind == 1 and in_memory:
            segments.append((pa, image[offset:offset + size], in_memory))
    segments.append((SCRIPT, script, len(script)))
    at = 64 + 56 * len(segments)
    header = struct.pack("<4sBBBB8xHHIQQQIHHHHHH", b"\x7fELF", 2, 1, 1, 0, 2, 243, 1, entry, 64, 0, 0,
                         64, 56, len(segments), 64, 0, 0)
    table, data = b"", b""
    for pa, content, in_memory in segments:
        table += struct.pack("<IIQQQQQQ", 1, 7, at + len(data), pa, pa, len(content), in_memory, 1)
        data += content
    elf.write_bytes(header + table + data)


PAGE = CONST["VMCS_BYTES"]
