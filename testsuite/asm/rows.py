"""Every row of isa/ with random operands: encoded here, from the table's bits alone."""

from hypothesis import strategies as st

ABI = ("zero ra sp gp tp t0 t1 t2 s0 s1 a0 a1 a2 a3 a4 a5 a6 a7 s2 s3 s4 s5 s6 s7 s8 s9 s10 s11 "
       "t3 t4 t5 t6").split()
BASE = 0x80000000


def legal_values(f):
    """Values that a field can hold, as the row means them (register numbers, signed numbers)."""
    width, low = f.width(), min(v for _, _, v in f.pieces)
    if f.name in ("rd", "rs1", "rs2"):
        first = 8 if f.prime else 0
        return st.sampled_from([n for n in range(first, first + (1 << width)) if n not in f.exclude])
    least = -(1 << width - 1) if f.signed else 0
    most = (1 << width - 1 if f.signed else 1 << width) - 1
    values = st.one_of(st.integers(least >> low, most >> low), st.sampled_from([least >> low, most >> low]))
    return values.map(lambda n: n << low).filter(lambda n: n or not f.nonzero)


def encode(insn, values):
    """The word: match bits, and every piece of every field put where the table says."""
    word = insn.match
    for name, f in insn.fields.items():
        value = values[name] - (8 if f.prime else 0)
        for at, width, low in f.pieces:
            word |= (value >> low & (1 << width) - 1) << at
    return word


@st.composite
def instructions(draw, insns):
    """(row, values, word) of one legal instruction; what no operand says is zero."""
    insn = draw(st.sampled_from(insns))
    values = {name: draw(legal_values(f)) for name, f in insn.fields.items()}
    if insn.name == "fence":
        values = {"rd": 0, "rs1": 0, "imm": draw(st.integers(0, 255))}
    if insn.name == "fence.i":
        values = dict.fromkeys(values, 0)
    return insn, values, encode(insn, values)


def operand(slot, insn, v, pc):
    imm = v.get("imm", 0)
    if slot in ("rd", "rs1", "rs2", "rd?"):
        return ABI[v[slot.rstrip("?")]]
    if slot == "label":
        return hex(pc + imm & 2**64 - 1)
    if slot == "imm20":
        return hex(imm >> 12 & 0xfffff)
    if slot == "csr":
        return hex(v["csr"])
    if slot == "fence":
        return ", ".join("".join(c for b, c in zip((8, 4, 2, 1), "iorw") if s & b) or "0"
                         for s in (imm >> 4, imm & 15))
    return slot.replace("uimm", str(imm)).replace("imm", str(imm)).replace("rs1", ABI[v.get("rs1", 0)])


def written(insn, v, pc):
    """The instruction in assembly."""
    order = {(0, 0): "", (1, 0): ".aq", (0, 1): ".rl", (1, 1): ".aqrl"}[v.get("aq", 0), v.get("rl", 0)]
    return f"{insn.name}{order} " + ", ".join(operand(o, insn, v, pc) for o in insn.operands)


def layout(drawn):
    """(text with one instruction a line, bytes) of a list of drawn instructions from BASE on."""
    lines, code = [], b""
    for insn, values, word in drawn:
        lines.append(written(insn, values, BASE + len(code)))
        code += word.to_bytes(insn.length, "little")
    return "\n".join(lines) + "\n", code


def as_code(path):
    """The file at path with its data in text called code, as objdump shall decode the bits."""
    path.write_bytes(path.read_bytes().replace(b"\0$d\0", b"\0$x\0"))
    return path


def disassembled(listing):
    """The instructions' texts in the output of an objdump, comments left out."""
    out = []
    for line in listing.splitlines():
        columns = line.split("\t")
        if len(columns) > 2 and columns[0].endswith(":"):
            out.append("\t".join(columns[2:]).split("#")[0].rstrip())
    return out
