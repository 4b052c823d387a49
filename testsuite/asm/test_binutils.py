"""The base's instructions against binutils, both ways, and tools of each on files of the other."""

import re

import pytest

import tables
from asm.rows import as_code, disassembled
from harness.tools import SRC, execute, tool

ISA = tables.load(SRC / "isa")
BASE = [i for i in ISA.insns if i.ext != "xvisa"]


def plain(line):
    """A line of an objdump: one blank, no comment, no symbol, targets without 0x."""
    line = re.sub(r"\s+", " ", re.sub(r"\s*[<#].*", "", line)).strip()
    if re.match(r"(c\.)?(b|j |jal )", line):
        line = line.replace("0x", "")
    return line


def random_code(rng, n, insns):
    """(text of .word and .half, number of instructions): rows with random operand bits."""
    out = []
    for _ in range(n):
        insn = rng.choice(insns)
        while True:
            word = insn.match | rng.getrandbits(32) & ~insn.mask & (1 << insn.length * 8) - 1
            ok = True
            for f in insn.fields.values():
                value = sum((word >> at & (1 << w) - 1) << lo for at, w, lo in f.pieces)
                # gas and objdump do not take the hints of RVC as instructions
                hint = insn.length == 2 and value == 0 and not f.prime
                ok &= not (hint or f.nonzero and not value or value in f.exclude and not f.prime)
            if insn.name.startswith("fence"):
                word = insn.match | (rng.getrandbits(8) << 20 if insn.name == "fence" else 0)
                ok = insn.name == "fence.i" or word >> 20 & 15 and word >> 24
            if ok:
                break
        out.append((".word" if insn.length == 4 else ".half") + f" {word:#x}")
    return "\n".join(out) + "\n"


def gnu_objdump(path, *args):
    return execute([tool("riscv64-unknown-elf-objdump"), "-d", "-z", "-M", "no-aliases", *args, path]).ok().stdout


def test_disassembly(va, objdump, rng):
    """Our text of our file is GNU objdump's text of it, for all rows of the base."""
    r = va(".text\n" + random_code(rng, 6000, BASE))
    as_code(r.path)
    ours = [plain(line) for line in disassembled(objdump("-d", "-z", r.path))]
    theirs = [plain(line) for line in disassembled(gnu_objdump(r.path))]
    assert len(ours) == len(theirs)
    different = [(mine, gnu) for mine, gnu in zip(ours, theirs)
                 if mine != gnu and not (mine.startswith("csrr") and without_csr(mine) == without_csr(gnu))
                 and (mine, gnu) != ("c.nop", "c.addi zero,0")]
    assert not different, different[:20]


def without_csr(line):
    """Each side names CSRs that the other does not know."""
    return re.sub(r",[^,]+,", ",,", line, count=1)


def test_numeric_registers(va, objdump, rng):
    r = va(".text\n" + random_code(rng, 500, [i for i in BASE if i.klass in ("alu_rr", "load", "store")]))
    as_code(r.path)
    ours = [plain(line) for line in disassembled(objdump("-d", "-z", "-M", "numeric", r.path))]
    theirs = [plain(line) for line in disassembled(gnu_objdump(r.path, "-M", "numeric"))]
    assert ours == theirs and any("x3" in line for line in ours)


def spellings(rng):
    """Lines of assembly that both assemblers take: every row of the base, every pseudo of RISC-V."""
    reg = lambda: rng.choice(["x0", "x5", "ra", "sp", "t6", "s11", "a0", "fp"])
    prime = lambda: rng.choice(["s0", "s1", "a0", "a5", "x12"])
    out = []
    for insn in BASE:
        for _ in range(3):
            words = []
            for o in insn.operands:
                f = insn.fields.get("imm")
                number = 0
                if f:
                    low = min(v for _, _, v in f.pieces)
                    top = f.width() - low - (1 if f.signed else 0)
                    number = rng.randrange(1, 1 << top) << low
                word = o
                if o == "label":
                    word = f". + {number}"
                elif o == "imm20":
                    word = str(rng.randrange(1, 32))
                elif o == "fence":
                    word = "rw, iow"
                elif o == "csr":
                    word = rng.choice(["mstatus", "sepc", "0x7c0", "cycle"])
                word = re.sub(r"u?imm$|u?imm(?=\()", str(number), word)
                for name in ("rd", "rs1", "rs2"):
                    if name in insn.fields:
                        pick = prime() if insn.fields[name].prime else reg()
                        while insn.length == 2 and pick in ("x0", "sp"):
                            pick = reg()
                        word = re.sub(rf"\b{name}\b", pick, word)
                words.append(word)
            out.append(f"{insn.name} {', '.join(words)}")
    return out


def test_assembly(va, gas_elf, rng):
    lines = spellings(rng)
    # Without .option rvc the GNU assembler refuses c.*, with it it compresses: each length apart.
    wide = "\n".join(line for line in lines if not line.startswith("c.")) + "\n"
    narrow = "\n".join(line for line in lines if line.startswith("c.")) + "\n"
    assert va(wide, "-c").text() == gas_elf(wide).data(".text")
    theirs = gas_elf(".option rvc\n" + narrow)
    assert theirs, "GNU as refuses this text"
    ours = va(narrow, "-c").text()
    assert ours == theirs.data(".text")[:len(ours)]


PSEUDO = """
nop
mv a0, a1
not a0, a1
neg a0, a1
negw a0, a1
sext.w a0, a1
zext.b a0, a1
sext.b a0, a1
sext.h a0, a1
zext.h a0, a1
zext.w a0, a1
seqz a0, a1
snez a0, a1
sltz a0, a1
sgtz a0, a1
sgt a0, a1, a2
sgtu a0, a1, a2
1: beqz a0, 1b
bnez a0, 1b
blez a0, 1b
bgez a0, 1b
bltz a0, 1b
bgtz a0, 1b
bgt a0, a1, 1b
ble a0, a1, 1b
bgtu a0, a1, 1b
bleu a0, a1, 1b
j 1b
jal 1b
jr a0
jalr a0
jalr a0, a1
move a0, a1
jr 8(a0)
jr a0, -8
jalr 8(a0)
jalr a0, 8
jalr a0, a1, -2048
jalr a0, 8(a1)
ret
scall
sbreak
csrr a0, mstatus
csrw mstatus, a0
csrw mstatus, 31
csrs mstatus, 1
csrc mstatus, 2
csrrw a0, mstatus, 3
csrrs a0, mstatus, 4
csrrc a0, mstatus, 5
csrs mstatus, a0
csrc mstatus, a0
csrwi mstatus, 3
csrsi mstatus, 3
csrci mstatus, 3
rdcycle a0
rdtime a0
rdinstret a0
sfence.vma
sfence.vma a0
fence
fence rw, w
fence.tso
fence.i
ecall
ebreak
amoadd.w.aq a0, a1, (a2)
lr.d.rl a0, (a1)
sc.w.aqrl a0, a1, (a2)
lr.w a0, 0(a1)
ld a0, (a1)
sd a0, (a1)
lui a0, 0xfffff
auipc a0, 0
addi a0, a0, -1
slli a0, a0, 63
jalr a0, 8(a1)
jr 8(a1)
jalr 8(a1)
add a0, a1, 5
and a0, a1, -1
or a0, a1, 7
xor a0, a1, 7
sll a0, a1, 3
srl a0, a1, 3
sra a0, a1, 3
slt a0, a1, 3
sltu a0, a1, 3
addw a0, a1, 3
sllw a0, a1, 3
unimp
"""


@pytest.mark.parametrize("line", PSEUDO.split("\n")[1:-1])
def test_pseudo_instruction_of_gas(va, gas_elf, line):
    text = ("1: nop\n" if "1b" in line and not line.startswith("1:") else "") + line + "\n"
    assert va(text, "-c").text() == gas_elf(text).data(".text")


def test_their_tools_read_our_files(va, isa):
    elf = va(".globl _start\n_start: call f\nf: ret\n.data\nx: .dword f\n").path
    listing = execute([tool("riscv64-unknown-elf-readelf"), "-aW", elf]).ok()
    assert "error" not in listing.stderr.lower() and "warning" not in listing.stderr.lower()
    assert 'Tag_RISCV_arch: "rv64i2p1_m2p0_a2p1_c2p0_zicsr2p0_zifencei2p0_xvisa1p0"' in listing.stdout
    assert "Flags:                             0x1, RVC" in listing.stdout
    assert "80000000 <_start>:" in gnu_objdump(elf)
    assert "0000000080000008 t f\n" in execute([tool("riscv64-unknown-elf-nm"), elf]).ok().stdout
