"""Instructions with random operands, and what the GNU assembler makes of them."""

import re

from harness.guest import MARCH
from harness.tools import execute, tool


def field_value(f, bits):
    """The value that a field has when its pieces hold these bits (numbered as in the word)."""
    value = sum((bits >> at & ((1 << width) - 1)) << lo for at, width, lo in f.pieces)
    if f.signed and value >> (f.width() - 1):
        value -= 1 << f.width()
    return value + 8 if f.prime else value


def field_bits(f):
    return sum(((1 << width) - 1) << at for at, width, _ in f.pieces)


def acceptable(insn, name, f, value):
    """Not a value that belongs to another row, nor an RVC hint, which gas refuses."""
    if value in f.exclude or f.nonzero and value == 0:
        return False
    hint = value == 0 and (name != "imm" or insn.ident in ("c_slli", "c_srli", "c_srai", "c_addi"))
    return not (insn.length == 2 and hint)


def draw(insn, rng):
    """(word, {field: value}) of a row with random operands."""
    while True:
        word = insn.match | rng.getrandbits(32) & ~insn.mask & ((1 << insn.length * 8) - 1)
        values = {name: field_value(f, word) for name, f in insn.fields.items()}
        if insn.name == "fence":  # fm, rd and rs1 are zero in what the assembler makes
            word, values = word & 0x0ff0707f, dict(values, imm=values["imm"] & 0xff, rs1=0, rd=0)
            if not (values["imm"] & 15 and values["imm"] >> 4):
                continue
        if insn.name == "fence.i":
            word, values = insn.match, dict.fromkeys(values, 0)
        if all(acceptable(insn, n, f, values[n]) for n, f in insn.fields.items()):
            return word, values


def operand(text, v):
    if text in ("rd", "rs1", "rs2"):
        return f"x{v[text]}"
    if text == "imm20":
        return hex(v["imm"] >> 12 & 0xfffff)
    if text == "label":
        return f". + {v['imm']}"
    if text == "csr":
        return hex(v["csr"])
    if text == "fence":
        return ", ".join("".join(c for n, c in enumerate("wroi") if s >> n & 1)[::-1]
                         for s in (v["imm"] >> 4, v["imm"] & 15))
    return re.sub(r"rs1", lambda m: f"x{v['rs1']}", re.sub(r"u?imm", lambda m: str(v["imm"]), text))


def written(insn, v):
    """The instruction in the GNU assembler's spelling."""
    order = {(0, 0): "", (1, 0): ".aq", (0, 1): ".rl", (1, 1): ".aqrl"}[v.get("aq", 0), v.get("rl", 0)]
    return f"{insn.name}{order} " + ", ".join(operand(o, v) for o in insn.operands)


def gas_words(path, lines, lengths):
    """Assembles one instruction a line; returns their words."""
    source, elf, image = path / "w.s", path / "w.o", path / "w.bin"
    source.write_text("\n".join(lines) + "\n")
    execute([tool("riscv64-unknown-elf-as"), f"-march={MARCH}", "-mno-relax", "-o", elf, source]).ok()
    execute([tool("riscv64-unknown-elf-objcopy"), "-O", "binary", "-j", ".text", elf, image]).ok()
    data, words, at = image.read_bytes(), [], 0
    for n in lengths:
        words.append(int.from_bytes(data[at:at + n], "little"))
        at += n
    assert at == len(data), "the assembler made another length of an instruction"
    return words
