"""Reads the tables of isa/ and refuses what does not add up.

Every error is an IsaError whose text is `file:line: error: what`. The result of
load() is one Isa object; gen.py, manual.py and where.py only print it.
"""

import re
from dataclasses import dataclass, field
from pathlib import Path

INSN_FILES = ["rv64i", "rv64m", "rv64a", "zicsr", "priv", "rv64c", "xvisa"]
CLASSES = ["upper", "pcrel", "jump", "jumpr", "branch", "load", "store",
           "alu_ri", "alu_rr", "nop", "mem", "sys"]
SPENT = ["-", "execute", "serial", "behind", "memory"]
FLUSHES = ["", "flushes", "flushes?"]  # never, always, if there is a source operand
RINGS = ["-1", "0", "3", "0v", "3v"]
OPERANDS = {"-", "rd", "rd?", "rs1", "rs2", "imm", "uimm", "imm20", "label", "csr",
            "fence", "sp", "imm(rs1)", "uimm(rs1)", "uimm(sp)", "(rs1)", "fd", "fs1", "fs2", "fs3", "rm?"}
REGS = {"rd": 5, "rs1": 5, "rs2": 5, "rs3": 5, "rm": 3, "rd'": 3, "rs1'": 3, "rs2'": 3}
FLOATS = {"fd": "rd", "fs1": "rs1", "fs2": "rs2", "fs3": "rs3"}  # operands that are f registers: their fields


class IsaError(Exception):
    """A table row that cannot be meant; str() gives file:line: error: text."""


@dataclass
class Row:
    file: str
    line: int
    cols: list

    def fail(self, text):
        raise IsaError(f"{self.file}:{self.line}: error: {text}")

    def number(self, text, what):
        try:
            return int(text, 0)
        except ValueError:
            self.fail(f"{what} is '{text}', expected a number")


@dataclass
class Field:
    """An operand inside an encoding. pieces: (insn_lo, width, value_lo), high bits first."""
    name: str                 # rd rs1 rs2 imm csr aq rl
    pieces: list
    prime: bool = False       # 3-bit register form: x8 + value
    signed: bool = False
    nonzero: bool = False
    exclude: tuple = ()       # register numbers that belong to another row

    def width(self):
        """Bits of the value, from bit 0 up to the highest one held."""
        return max(v + w for _, w, v in self.pieces)


@dataclass
class Insn:
    name: str
    ext: str
    row: Row
    length: int               # bytes
    mask: int
    match: int
    fields: dict
    encoding: str
    operands: list
    klass: str = ""
    latency: str = ""
    flushes: str = ""         # one of FLUSHES
    result_in_memory: bool = False  # rd is ready when the instruction leaves M
    formula: str = ""
    expands: tuple = ()       # RVC: (base name, {rd, rs1, rs2, imm: field name or number})
    rings: tuple = ()
    op: int = 0
    names: dict = field(default_factory=dict)   # what rs1 and rs2 are called: {"rs2": "asid"}
    all: tuple = ()           # of these, register x0 stands for all, not for the value 0

    @property
    def floats(self):
        """The fields that number f registers."""
        return [FLOATS[o] for o in self.operands if o in FLOATS]

    @property
    def ident(self):
        return self.name.replace(".", "_")

    @property
    def sign_extends(self):
        """A load (or LR) whose value is sign-extended, as its formula says."""
        return self.klass in ("load", "mem") and self.formula.startswith("rd = sext(mem")


@dataclass
class Isa:
    insns: list = field(default_factory=list)
    pseudos: list = field(default_factory=list)
    csrs: list = field(default_factory=list)
    state: list = field(default_factory=list)
    msrs: list = field(default_factory=list)
    causes: list = field(default_factory=list)
    trapcfg: list = field(default_factory=list)
    vmqual: list = field(default_factory=list)
    exceptions: list = field(default_factory=list)
    vmcs: list = field(default_factory=list)
    consts: list = field(default_factory=list)
    latencies: list = field(default_factory=list)
    extensions: list = field(default_factory=list)
    sources: list = field(default_factory=list)

    def insn(self, name):
        return next((i for i in self.insns if i.name == name), None)


@dataclass
class Entry:
    """A row of a register-like table: its columns by name, plus where it stands."""
    row: Row

    def __getattr__(self, name):  # columns are attributes, set by read_table
        raise AttributeError(name)


def read_rows(path, ncols, sep=r"\s\|\s"):
    """Yields the rows of a table; the last column may contain the separator."""
    rows = []
    for number, text in enumerate(path.read_text().splitlines(), 1):
        if not text.strip() or text.lstrip().startswith("#"):
            continue
        row = Row(path.name, number, [])
        row.cols = [c.strip() for c in re.split(sep, text.strip(), maxsplit=ncols - 1)]
        rows.append(row)
    return rows


def parse_bits(row, token):
    """'12|10:5' -> [(12, 12), (10, 5)], and a plain number as one bit."""
    spans = []
    for part in token.split("|"):
        m = re.fullmatch(r"(\d+)(?::(\d+))?", part)
        if not m:
            row.fail(f"cannot read the bits '{token}'")
        hi = int(m[1])
        lo = int(m[2]) if m[2] else hi
        if hi < lo:
            row.fail(f"bits '{part}' run upwards, expected high:low")
        spans.append((hi, lo))
    return spans


def parse_encoding(row, text):
    """Returns (length in bytes, mask, match, fields); all widths must add up."""
    tokens = []
    for token in text.split():
        m = re.fullmatch(r"(n?z?u?imm)\[([\d|:]+)\]", token)
        if re.fullmatch(r"[01]+", token):
            tokens.append(("bits", token, len(token)))
        elif m:
            spans = parse_bits(row, m[2])
            tokens.append(("imm", (m[1], spans), sum(h - l + 1 for h, l in spans)))
        elif token in ("aq", "rl"):
            tokens.append(("flag", token, 1))
        elif token == "csr":
            tokens.append(("flag", token, 12))
        else:
            name, _, excl = token.partition("!")
            if name not in REGS:
                row.fail(f"unknown field '{token}' in the encoding")
            try:
                numbers = tuple(int(n) for n in excl.split(",")) if excl else ()
            except ValueError:
                row.fail(f"'{token}': expected register numbers behind the '!'")
            tokens.append(("reg", (name, numbers), REGS[name]))
    total = sum(width for _, _, width in tokens)
    if total not in (16, 32):
        row.fail(f"the encoding has {total} bits, expected 32 (or 16 for RVC)")
    mask = match = 0
    fields, pos = {}, total
    for kind, what, width in tokens:
        pos -= width
        if kind == "bits":
            mask |= ((1 << width) - 1) << pos
            match |= int(what, 2) << pos
        elif kind == "flag":
            fields[what] = Field(what, [(pos, width, 0)])
        elif kind == "reg":
            name = what[0].rstrip("'")
            if name in fields:
                row.fail(f"'{name}' stands twice in the encoding")
            fields[name] = Field(name, [(pos, width, 0)], prime=what[0].endswith("'"),
                                 exclude=what[1])
        else:
            spelling, spans = what
            imm = fields.setdefault("imm", Field("imm", [], signed="u" not in spelling,
                                                 nonzero=spelling.startswith("nz")))
            at = pos + width
            for hi, lo in spans:
                at -= hi - lo + 1
                imm.pieces.append((at, hi - lo + 1, lo))
    if "imm" in fields:
        check_immediate(row, fields["imm"])
    low = match & 3
    if mask & 3 != 3 or (low == 3) != (total == 32):
        row.fail("the two lowest bits must be 11 for 32-bit and other for 16-bit encodings")
    return total // 8, mask, match, fields


def check_immediate(row, imm):
    seen = set()
    for _, width, lo in imm.pieces:
        for bit in range(lo, lo + width):
            if bit in seen:
                row.fail(f"bit {bit} of the immediate stands twice")
            seen.add(bit)
    holes = set(range(min(seen), max(seen) + 1)) - seen
    if holes:
        row.fail(f"bit {min(holes)} of the immediate is missing")


def parse_operands(row, text):
    """(operands as they are written, {rs1, rs2: name}, those of which x0 stands for all)."""
    operands, names, every = [], {}, ()
    for word in [] if text == "-" else [o.strip() for o in text.split(",")]:
        o, name, star = re.fullmatch(r"([^:*]*)(?::(\w*))?(\*?).*", word).groups()
        source = re.fullmatch(r"\(?(rs[12])\)?", o)
        if o not in OPERANDS or word != o + (f":{name}" if name else "") + star or \
                (name or star) and not source:
            row.fail(f"unknown operand '{word}'")
        operands.append(o)
        if name:
            names[source[1]] = name
        if star:
            every += (source[1],)
    return operands, names, every


def parse_expansion(row, isa, insn, text):
    """'= addi rd, rd, imm' -> ('addi', {'rd': 'rd', 'rs1': 'rd', 'imm': 'imm'})."""
    m = re.fullmatch(r"=\s*(\S+)\s*(.*)", text)
    base = m and isa.insn(m[1])
    if not base:
        row.fail(f"'{text}' does not name a base instruction")
    args = [a.strip() for a in m[2].split(",")] if m[2] else []
    if len(args) != len(base.operands):
        row.fail(f"{base.name} takes {len(base.operands)} operands, got {len(args)}")
    values = {}
    for want, got in zip(base.operands, args):
        pairs = [(want, got)]
        if "(" in want:
            outer = re.fullmatch(r"(\w+)\((\w+)\)", got)
            if not outer:
                row.fail(f"'{got}': expected the form {want}")
            pairs = [(want.split("(")[0], outer[1]), ("rs1", outer[2])]
        for slot, value in pairs:
            slot = {"label": "imm", "uimm": "imm", "imm20": "imm"}.get(slot, slot)
            value = {"uimm": "imm"}.get(value, value)
            if value in insn.fields:
                values[slot] = value
            elif re.fullmatch(r"x\d+", value):
                values[slot] = int(value[1:])
            elif re.fullmatch(r"-?\d+", value):
                values[slot] = int(value)
            else:
                row.fail(f"'{value}' is neither a field of {insn.name} nor a register")
    return base.name, values


def parse_timing(row, isa, insn, text):
    """'csr flushes?' -> the row of latency.isa, and what else decides cycles."""
    insn.latency, *words = text.split()
    latency = next((l for l in isa.latencies if l.name == insn.latency), None)
    if not latency:
        row.fail(f"'{insn.latency}' is no row of latency.isa")
    if latency.spent == "-":
        row.fail(f"'{insn.latency}' is an event and no class of instructions")
    insn.result_in_memory = "rd" in insn.fields and (latency.spent == "memory" or "result-M" in words)
    insn.flushes = next((w for w in words if w in FLUSHES), "")
    for word in words:
        if word not in (insn.flushes, "result-M"):
            row.fail(f"unknown word '{word}' behind the latency, expected flushes, flushes? or result-M")


def load_insns(isa, root):
    for ext in INSN_FILES:
        path = root / f"{ext}.isa"
        isa.sources.append(path)
        ncols = {"rv64c": 3, "xvisa": 7}.get(ext, 5)
        for row in read_rows(path, ncols):
            if len(row.cols) != ncols:
                row.fail(f"{len(row.cols)} columns, expected {ncols}")
            name, _, encoding = row.cols[0].partition(" ")
            if isa.insn(name):
                row.fail(f"'{name}' is already defined")
            length, mask, match, fields = parse_encoding(row, encoding)
            operands, names, every = parse_operands(row, row.cols[1])
            insn = Insn(name, ext, row, length, mask, match, fields, " ".join(encoding.split()), operands,
                        names=names, all=every)
            check_operands(row, insn)
            check_places(row, insn)
            if ext == "rv64c":
                insn.expands = parse_expansion(row, isa, insn, row.cols[2])
                base = isa.insn(insn.expands[0])
                insn.klass, insn.latency, insn.flushes = base.klass, base.latency, base.flushes
                insn.result_in_memory = base.result_in_memory
                insn.formula = row.cols[2].lstrip("= ")
            else:
                insn.klass, insn.formula = row.cols[2], row.cols[-1]
                parse_timing(row, isa, insn, row.cols[3])
            if insn.klass not in CLASSES:
                row.fail(f"unknown class '{insn.klass}', expected one of {', '.join(CLASSES)}")
            if ext == "xvisa":
                insn.rings = tuple(row.cols[4].split())
                insn.op = row.number(row.cols[5], "op")
                for ring in insn.rings:
                    if ring not in RINGS:
                        row.fail(f"unknown ring '{ring}', expected one of {', '.join(RINGS)}")
                if any(i.op == insn.op for i in isa.insns if i.op):
                    row.fail(f"op {insn.op} is already taken")
                for f in ("rs1", "rs2"):
                    if f in insn.fields and f not in insn.names:
                        row.fail(f"{f} has no name, expected {f}:NAME")
            check_overlap(row, isa, insn)
            isa.insns.append(insn)


def check_operands(row, insn):
    """Every field must be an operand, and every operand a field."""
    used = set()
    for o in insn.operands:
        for part in re.findall(r"[a-z0-9]+", o):
            used.add({"uimm": "imm", "imm20": "imm", "label": "imm", **FLOATS}.get(part, part))
    used -= {"sp"}
    if "fence" in used:
        return
    free = set(insn.fields) - used - {"aq", "rl"}
    if insn.name == "fence.i":
        return
    if free:
        row.fail(f"field '{sorted(free)[0]}' of the encoding is no operand")
    if used - set(insn.fields):
        row.fail(f"operand '{sorted(used - set(insn.fields))[0]}' is not in the encoding")


def check_places(row, insn):
    for name, lo in (("rd", 7), ("rm", 12), ("rs1", 15), ("rs2", 20), ("rs3", 27)):
        if insn.length == 4 and name in insn.fields and insn.fields[name].pieces[0][0] != lo:
            row.fail(f"{name} is not in bits {lo + REGS[name] - 1}:{lo}")


def check_overlap(row, isa, insn):
    """Two rows may match the same bits only if the earlier one is the narrower."""
    for other in isa.insns:
        if other.length != insn.length:
            continue
        common = other.mask & insn.mask
        if (other.match ^ insn.match) & common:
            continue
        if other.mask & insn.mask == insn.mask and other.mask != insn.mask:
            continue  # the earlier row is a special case
        if any(f.exclude or f.nonzero for f in list(other.fields.values()) + list(insn.fields.values())):
            continue  # told apart by an excluded value; the decoder test proves it
        row.fail(f"'{insn.name}' and '{other.name}' ({other.row.file}:{other.row.line}) overlap")


def table(isa, root, name, columns):
    path = root / f"{name}.isa"
    isa.sources.append(path)
    out = []
    for row in read_rows(path, len(columns)):
        if len(row.cols) != len(columns):
            row.fail(f"{len(row.cols)} columns, expected {len(columns)}: {', '.join(columns)}")
        entry = Entry(row)
        for column, value in zip(columns, row.cols):
            setattr(entry, column, value)
        out.append(entry)
    return out


def unique(entries, key, what):
    seen = {}
    for e in entries:
        k = key(e)
        if k in seen:
            first = seen[k].row
            e.row.fail(f"{what} '{k}' is already defined at {first.file}:{first.line}")
        seen[k] = e


def load_extensions(isa, root):
    isa.extensions = table(isa, root, "extension", ["name", "version", "where", "summary"])
    for e in isa.extensions:
        m = re.fullmatch(r"(.*?)(?: \((!?)svadu\))?", e.where)
        e.where, e.svadu = m[1].split(), {"!": False, "": True, None: None}[m[2]]
        version = re.fullmatch(r"(\d)\.(\d)|-", e.version)
        if not version or (e.version == "-" and e.where != ["misa"]):
            e.row.fail(f"version is '{e.version}', expected such as 2.1")
        e.major, e.minor = version[1] or 0, version[2] or 0
        for word in e.where:
            if word not in ("misa", "tree", "elf"):
                e.row.fail(f"unknown word '{word}', expected misa, tree or elf, and an option behind them")
        if "misa" in e.where and len(e.name) != 1:
            e.row.fail(f"'{e.name}' is no letter of misa")
    unique(isa.extensions, lambda e: e.name, "extension")


def copied(e, **changes):
    copy = Entry(e.row)
    copy.__dict__.update(e.__dict__, **changes)
    return copy


def load_registers(isa, root):
    for e in table(isa, root, "csr", ["number", "name", "cr", "kind", "summary"]):
        m = re.fullmatch(r"(\w+)(?:-(\w+))?", e.number)
        first = e.row.number(m[1], "number") if m else e.row.fail("number expected")
        last = e.row.number(m[2], "number") if m[2] else first
        base = int(e.name.partition("#")[2] or 0)
        for number in range(first, last + 1):
            copy = copied(e, number=number)
            copy.name = e.name.partition("#")[0] + (str(base + number - first) if "#" in e.name else "")
            words = e.kind.split()
            if words[0] not in ("state", "const", "func") or \
                    len(words) != {"state": 1, "const": 2, "func": 1}[words[0]]:
                e.row.fail(f"unknown kind '{e.kind}'")
            if number > 0xfff:
                e.row.fail(f"number {number:#x} is above 0xfff")
            isa.csrs.append(copy)
    unique(isa.csrs, lambda c: c.number, "CSR number")
    unique(isa.csrs, lambda c: c.name, "CSR")
    crs = [c for c in isa.csrs if c.cr != "-"]
    unique(crs, lambda c: c.cr, "control register")
    for n in range(16):
        if not any(c.cr == f"CR{n}" for c in crs):
            raise IsaError(f"csr.isa:1: error: CR{n} names no CSR")
    isa.msrs = table(isa, root, "msr", ["number", "name", "access", "where", "summary"])
    for m in isa.msrs:
        m.number = m.row.number(m.number, "number")
    unique(isa.msrs, lambda m: m.number, "MSR number")


def load_vmcs(isa, root):
    isa.vmcs = table(isa, root, "vmcs", ["first", "n", "name", "access", "check", "summary"])
    used = {}
    for f in isa.vmcs:
        f.first, f.n = f.row.number(f.first, "first"), f.row.number(f.n, "n")
        if f.access not in ("ro", "rw"):
            f.row.fail(f"access is '{f.access}', expected ro or rw")
        for number in range(f.first, f.first + f.n):
            if number >= 512:
                f.row.fail(f"field {number} is outside the page (0 to 511)")
            if number in used:
                f.row.fail(f"field {number} is already '{used[number]}'")
            used[number] = f.name
    unique(isa.vmcs, lambda f: f.name, "field")


def state_rows(isa, root):
    """The rows of state.isa, one for each register of a range."""
    for e in table(isa, root, "state", ["name", "field", "bits", "writable", "vmcs", "csr", "gdb", "reset", "summary"]):
        m = re.fullmatch(r"(\w+)(?:#(\d+)-(\d+))?", e.name)
        if not m or ("#" in e.name) != ("#" in e.field):
            e.row.fail(f"name is '{e.name}' and field '{e.field}', expected such as x or x#0-31, and # in the field")
        for n in range(int(m[2] or 0), int(m[3] or 0) + 1):
            number = str(n) if m[2] else ""
            yield copied(e, name=m[1] + number, field=e.field.replace("#", number), group=m[1],
                         csr=e.csr.replace("#", number), index=n - int(m[2] or 0))


def load_state(isa, root):
    """After the CSRs and the VMCS. Ring 0's bank stands twice: the host's is aside while a guest runs."""
    fields = {f.name: f for f in isa.vmcs}
    csrs = {c.name: c for c in isa.csrs}
    for s in state_rows(isa, root):
        for column in ("bits", "reset", "writable"):
            text = getattr(s, column)
            value = s.row.number(text.lstrip("~"), column)
            setattr(s, column, ~value & (1 << 64) - 1 if text.startswith("~") else value)
        if not 1 <= s.bits <= 64 or s.reset >> s.bits and s.reset != (1 << 64) - 1:
            s.row.fail(f"a register of {s.bits} bits with the reset value {s.reset:#x}")
        if s.vmcs != "-" and s.vmcs not in fields:
            s.row.fail(f"'{s.vmcs}' is no row of vmcs.isa")
        s.field_of_vmcs = fields[s.vmcs].first + s.index if s.vmcs != "-" else None
        s.all_of_csr, s.csr = s.csr.endswith("*"), s.csr.rstrip("*")
        if s.csr != "-" and s.csr not in csrs:
            s.row.fail(f"'{s.csr}' is no row of csr.isa")
        s.number_of_csr = csrs[s.csr].number if s.csr != "-" else None
        if s.gdb == "csr":
            s.gdb = 65 + s.number_of_csr if s.csr != "-" else s.row.fail("no CSR, so gdb has no number for it")
        else:
            s.gdb = s.row.number(s.gdb, "gdb") + s.index if s.gdb != "-" else None
        s.bank = s.field.startswith("s.")
        isa.state.append(s)
    isa.state += [copied(s, name="host_" + s.name, field="host_" + s.field, vmcs="-", field_of_vmcs=None, csr="-",
                         number_of_csr=None, gdb=None, bank=False, group="host_" + s.group, all_of_csr=False)
                  for s in isa.state if s.bank]
    unique(isa.state, lambda s: s.name, "register")
    unique([s for s in isa.state if s.gdb is not None], lambda s: s.gdb, "gdb's number")
    shown = {s.csr: s for s in isa.state if s.all_of_csr}
    for c in isa.csrs:
        c.state = shown.get(c.name)
        if c.kind == "state" and not c.state:
            c.row.fail(f"no row of state.isa has '{c.name}*' in its column csr")


def load_virtualization(isa, root):
    isa.causes = table(isa, root, "cause", ["code", "name", "filter", "pc", "summary"])
    isa.trapcfg = table(isa, root, "trapcfg", ["bit", "name", "cause", "set", "clear"])
    isa.vmqual = table(isa, root, "vmqual", ["cause", "bits", "name", "meaning"])
    isa.exceptions = table(isa, root, "exception", ["code", "name", "kind", "summary"])
    for e in isa.causes + isa.exceptions:
        e.code = e.row.number(e.code, "code")
    for b in isa.trapcfg:
        b.bit = b.row.number(b.bit, "bit")
    for entries, key in ((isa.causes, "code"), (isa.causes, "name"),
                         (isa.trapcfg, "bit"), (isa.trapcfg, "name"), (isa.exceptions, "name")):
        unique(entries, lambda e, k=key: getattr(e, k), key)
    names = {c.name for c in isa.causes}
    bits = {b.name for b in isa.trapcfg}
    for b in isa.trapcfg:
        if b.cause not in names:
            b.row.fail(f"'{b.cause}' is no row of cause.isa")
    for c in isa.causes:
        if c.filter != "always" and c.filter not in bits:
            c.row.fail(f"'{c.filter}' is no row of trapcfg.isa")
    taken = {}
    for q in isa.vmqual:
        if q.cause not in names:
            q.row.fail(f"'{q.cause}' is no row of cause.isa")
        spans = parse_bits(q.row, q.bits)
        if len(spans) != 1:
            q.row.fail(f"bits '{q.bits}': expected one range")
        q.hi, q.lo = spans[0]
        for bit in range(q.lo, q.hi + 1):
            if (q.cause, bit) in taken:
                q.row.fail(f"bit {bit} of {q.cause} is already '{taken[q.cause, bit]}'")
            taken[q.cause, bit] = q.name


def load_pseudos(isa, root):
    path = root / "pseudo.isa"
    isa.sources.append(path)
    for row in read_rows(path, 1, sep=r"\0"):
        m = re.fullmatch(r"(\S+)\s*(.*?)\s*(?:=\s*(.*)|(special))", row.cols[0])
        if not m:
            row.fail("expected: name operands = instruction ; instruction ...")
        entry = Entry(row)
        entry.name, entry.operands, entry.expansion = m[1], m[2], m[3] or ""
        entry.special = bool(m[4])
        operands = re.findall(r"\$(\w+)", entry.operands)
        for part in entry.expansion.split(";") if entry.expansion else []:
            words = part.split(None, 1)
            if not isa.insn(words[0]):
                row.fail(f"'{words[0]}' is no instruction")
            for name in re.findall(r"\$(\w+)", part):
                if name not in operands:
                    row.fail(f"'${name}' is no operand of {entry.name}")
        isa.pseudos.append(entry)


def load(root):
    """Reads every table below root (a Path); raises IsaError at the first fault."""
    root = Path(root)
    isa = Isa()
    isa.latencies = table(isa, root, "latency", ["name", "cycles", "spent", "account", "summary"])
    for l in isa.latencies:
        l.cycles = l.row.number(l.cycles, "cycles")
        if l.spent not in SPENT:
            l.row.fail(f"spent is '{l.spent}', expected one of {', '.join(SPENT)}")
    unique(isa.latencies, lambda l: l.name, "latency")
    isa.consts = table(isa, root, "const", ["name", "value", "configurable", "summary"])
    for c in isa.consts:
        c.value = c.row.number(c.value, "value")
    unique(isa.consts, lambda c: c.name, "constant")
    load_extensions(isa, root)
    load_registers(isa, root)
    load_virtualization(isa, root)
    load_vmcs(isa, root)
    load_state(isa, root)
    load_insns(isa, root)
    load_pseudos(isa, root)
    return isa
