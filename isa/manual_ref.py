"""The reference chapters of the manual: reStructuredText made from the tables.

chapters() gives one Chapter per table or group of tables.
"""

import re
from dataclasses import dataclass
from pathlib import Path

BASE = ["rv64i", "rv64m", "rv64a", "zicsr", "priv", "rv64c"]
RING_WORDS = {"-1": "-1", "0": "0 (V=0 or 1)", "3": "3 (V=0 or 1)", "0v": "0 with V=1", "3v": "3 with V=1"}


class ManualError(Exception):
    """file:line: error: text."""


@dataclass
class Chapter:
    page: str      # name of the man page, visa-NAME
    summary: str   # its one line
    text: str      # reStructuredText
    source: str    # what errors name


@dataclass
class FragmentFile:
    path: Path
    title: str
    names: list    # instructions, or one extension of the base


def quoted(text):
    """Text of a table as reStructuredText: `name` is a literal, nothing else is markup."""
    parts = re.split(r"`([^`]+)`", text)
    return "".join(literal(p) if n % 2 else re.sub(r"([\\*`_|])", r"\\\1", p) for n, p in enumerate(parts))


def literal(text):
    return f"``{text}``" if text else ""


def role(name, text):
    return f":{name}:`{text}`"


def heading(text, mark):
    return [text, mark * len(text), ""]


def indent(lines, by="   "):
    return [by + l if l else "" for l in lines]


def entry(ids, body):
    return [f".. entry:: {ids}", ""] + indent(body) + [""]


def table(heads, widths, rows):
    """rows: (anchors, [cell text])."""
    out = [".. list-table::", f"   :widths: {' '.join(map(str, widths))}", "   :header-rows: 1", "",
           "   * - " + heads[0]] + [f"     - {h}" for h in heads[1:]]
    for ids, cells in rows:
        out += [f"   * - .. entry:: {ids}", "", f"          {cells[0]}"]
        out += [f"     - {c}".rstrip() for c in cells[1:]]
    return out + [""]


def fragments(isa, directory, shown):
    """{instruction or extension: FragmentFile}; every Xvisa row must have one."""
    found = {}
    known = {i.name for i in isa.insns if i.ext == "xvisa"} | set(BASE)
    for path in sorted(directory.glob("*.rst")):
        lines = path.read_text().splitlines() + ["", ""]
        covers = re.fullmatch(r"\.\. covers: (.+)", lines[0])
        title = re.fullmatch(r"\.\. title: (.+)", lines[1])
        if not covers:
            raise ManualError(f"{shown(path)}:1: error: expected `.. covers: instruction ...`")
        if not title:
            raise ManualError(f"{shown(path)}:2: error: expected `.. title: text`")
        fragment = FragmentFile(path, title[1], covers[1].split())
        for name in fragment.names:
            if name not in known:
                raise ManualError(f"{shown(path)}:1: error: '{name}' is no instruction of xvisa.isa")
            if name in found:
                raise ManualError(f"{shown(path)}:1: error: '{name}' is already covered by "
                                  f"{shown(found[name].path)}")
            found[name] = fragment
    for insn in isa.insns:
        if insn.ext == "xvisa" and insn.name not in found:
            insn.row.fail(f"'{insn.name}' has no fragment in man/arch/insn/ that covers it")
    for ext in BASE:
        if ext not in found:
            raise ManualError(f"{ext}.isa:1: error: no fragment in man/arch/insn/ covers it")
    return found


def syntax(insn):
    """How the assembler spells it."""
    operands = ", ".join({"rd?": "[rd]", "fence": "[pred, succ]"}.get(o, o) for o in insn.operands)
    if {"aq", "rl"} <= set(insn.fields):
        return f"{insn.name}[.aq][.rl] {operands}"
    return f"{insn.name} {operands}".strip()


FLUSHES_WORDS = {"flushes": "Flushes the pipeline.", "flushes?": "Flushes the pipeline if the source is not x0 or 0."}


def instruction(insn, target):
    """The reference block of one instruction."""
    facts = [f"Latency: {role('lat', insn.latency)}."]
    if insn.flushes:
        facts.append(FLUSHES_WORDS[insn.flushes])
    if insn.ext == "xvisa":
        rings = "; ".join(RING_WORDS[r] for r in insn.rings)
        facts = [f"Rings: {rings}.", f"Number in VMQUAL: {insn.op}."] + facts
    if insn.expands:
        facts = [f"Executes as {role('insn', insn.expands[0])}."] + facts
    limits = [f"{f.name} is not " + " or ".join(f"x{n}" for n in f.exclude)
              for f in insn.fields.values() if f.exclude]
    limits += [f"{f.name} is not 0" for f in insn.fields.values() if f.nonzero]
    if limits:
        facts.append("Encoded so only if " + " and ".join(limits) + ".")
    facts.append(f"Class: {insn.klass}.")
    ids = f"{insn.name} insn-{insn.ident}"
    body = [literal(syntax(insn)), "", f".. encoding:: {insn.name}", "", literal(insn.formula), "",
            " ".join(facts), ""]
    if target == "man":
        return body
    return entry(ids, body)


def xvisa_chapter(isa, found, target):
    out = heading("Xvisa instructions", "=")
    out += ["One section per instruction or family, in the order of their numbers. *Operation* is what",
            "happens, step by step; *Raises* is what can happen instead, in the order in which it is",
            "looked for. Every instruction that raises anything has changed nothing. Encodings that no",
            "row has are undefined: :rule:`GI-1`.", "",
            "``x[rs1]`` is the 64-bit value of the register that the field names; ``rd`` receives 64 bits,",
            "and a write to x0 has no effect.", ""]
    done = set()
    for insn in (i for i in isa.insns if i.ext == "xvisa"):
        fragment = found[insn.name]
        if fragment.path in done:
            continue
        done.add(fragment.path)
        out += heading(fragment.title, "-")
        for name in fragment.names:
            out += instruction(isa.insn(name), target)
        out += [f".. fragment:: {insn.name}", ""]
    return Chapter("visa-insn", "the instructions of Xvisa", "\n".join(out), "isa/xvisa.isa")


def base_chapter(isa, found, target):
    out = heading("Base instructions", "=")
    out += ["RISC-V's instructions as V-ISA has them. Encodings are those of the RISC-V manual; where that",
            "leaves a choice, :chapter:`riscv` and :chapter:`fixed` say what V-ISA does. ``sext`` and ``zext``",
            "extend to 64 bits; operators with ``s`` or ``u`` behind them are signed or unsigned.", ""]
    for ext in BASE:
        out += heading(found[ext].title, "-") + [f".. fragment:: {ext}", ""]
        for insn in (i for i in isa.insns if i.ext == ext):
            out += instruction(insn, target)
    return Chapter("visa-base", "the base instructions", "\n".join(out), "isa/rv64i.isa")


def pseudo_chapter(isa):
    out = heading("Pseudo-instructions", "=")
    out += ["Spellings that assemble to other instructions. Those marked *assembled by value* need",
            "arithmetic or relocations: the assembler chooses the shortest sequence.", ""]
    rows, seen = [], {}
    for p in isa.pseudos:
        seen[p.name] = seen.get(p.name, 0) + 1
        tail = "" if seen[p.name] == 1 else f"-{seen[p.name]}"
        text = " ; ".join(literal(part.strip().replace("$", "")) for part in p.expansion.split(";"))
        rows.append((f"pseudo-{p.name}{tail}",
                     [literal(f"{p.name} {p.operands}".replace("$", "").strip()),
                      "assembled by value" if p.special else text]))
    out += table(["Spelling", "Stands for"], [2, 3], rows)
    return Chapter("visa-pseudo", "spellings of the assembler", "\n".join(out), "isa/pseudo.isa")


def csr_access(csr):
    level = {0: "3", 1: "0", 3: "-1"}[csr.number >> 8 & 3]
    return f"Ring {level}, " + ("read-only" if csr.number >> 10 == 3 else "read and write")


def csr_kind(csr):
    words = csr.kind.split()
    if words[0] == "state" and csr.number >> 10 != 3:
        mask = csr.state.writable
        if mask == (1 << 64) - 1:
            return "keeps all bits"
        return f"keeps the bits {literal(f'~{~mask & (1 << 64) - 1:#x}' if mask >> 63 else f'{mask:#x}')}"
    if words[0] == "const":
        return f"reads {literal(words[1])}, writes are ignored"
    return "see the text"


def csr_chapter(isa):
    out = heading("Registers", "=")
    out += ["The number of a CSR says which rings may use it and whether it can be written, as in RISC-V.",
            "What each does is in :chapter:`state`, :chapter:`vic`, :chapter:`counters` and",
            ":chapter:`time`; a number without a row does not exist.", ""]
    out += heading("Control and status registers", "-")
    rows, groups = [], {}
    for c in isa.csrs:
        groups.setdefault(c.row.line, []).append(c)
    for group in groups.values():
        first, last = group[0], group[-1]
        name, number = literal(first.name), f"{first.number:#05x}"
        if len(group) > 1:
            name, number = f"{name} to {literal(last.name)}", f"{number} to {last.number:#05x}"
        rows.append((" ".join(f"csr-{c.name}" for c in group),
                     [name, number, "" if first.cr == "-" else first.cr, csr_access(first),
                      csr_kind(first), quoted(first.summary)]))
    out += table(["Name", "Number", "CR", "Lowest ring", "Storage", "What it is"],
                 [14, 12, 6, 16, 20, 36], rows)
    out += heading("Model-specific registers", "-")
    rows = [(f"msr-{m.name}", [literal(m.name), f"{m.number:#010x}",
                               {"ro": "read-only", "rw": "read and write"}[m.access], quoted(m.summary)])
            for m in isa.msrs]
    out += table(["Name", "Number", "Access", "What it is"], [10, 14, 16, 60], rows)
    return Chapter("visa-csr", "control, status and model-specific registers", "\n".join(out), "isa/csr.isa")


def vmcs_chapter(isa):
    out = heading("VMCS layout", "=")
    out += ["One row per field. The number is what VMREAD and VMWRITE take; the byte is the offset in the",
            "page. *Check* is what an entry demands of the value (:rule:`EN-8`).", ""]
    rows = []
    for f in isa.vmcs:
        last = f.first + f.n - 1
        number = str(f.first) if f.n == 1 else f"{f.first} to {last}"
        rows.append((f"vmcs-{f.name}",
                     [literal(f.name), number, f"{f.first * 8:#05x}", f.access,
                      "" if f.check == "-" else quoted(f.check), quoted(f.summary)]))
    out += table(["Field", "Number", "Byte", "VMWRITE", "Check", "What it holds"],
                 [14, 12, 8, 10, 26, 40], rows)
    return Chapter("visa-vmcs-layout", "fields of the VM control structure", "\n".join(out), "isa/vmcs.isa")


def exits_chapter(isa):
    out = heading("Exit causes and the trap filter", "=")
    out += ["What VMCAUSE and VMQUAL say, and the bits of VMTRAPCFG. The rules are in :chapter:`exits`.", ""]
    out += heading("Causes", "-")
    rows = [(f"exit-{c.name}", [literal(c.name), f"0x{c.code:02x}",
                                "always" if c.filter == "always" else role("trap", c.filter),
                                {"insn": "at the instruction", "next": "between two instructions"}.get(c.pc, "none ran"),
                                quoted(c.summary)]) for c in isa.causes]
    out += table(["Cause", "Code", "Filter", "Guest pc", "Event"], [14, 8, 22, 18, 44], rows)
    out += heading("Trap filter", "-")
    rows = [(f"trap-{b.name}", [literal(b.name), str(b.bit), role("exit", b.cause), quoted(b.set), quoted(b.clear)])
            for b in isa.trapcfg]
    out += table(["Bit", "Number", "Cause", "Set: exits", "Clear: instead"], [12, 8, 16, 34, 34], rows)
    out += heading("Qualifications", "-")
    out += ["Bits that no row names are 0, and so is VMQUAL of a cause without rows.", ""]
    rows = [(f"qual-{q.cause}-{q.name}", [literal(f"{q.cause}.{q.name}"), q.bits, quoted(q.meaning)])
            for q in isa.vmqual]
    out += table(["Field", "Bits", "Meaning"], [24, 10, 60], rows)
    return Chapter("visa-causes", "exit causes, qualifications, filter bits", "\n".join(out), "isa/cause.isa")


def latency_lines(isa):
    """The table of cycles without anchors, for the chapter that explains them."""
    rows = []
    for l in isa.latencies:
        rows += [f"   * - {role('lat', l.name)}", f"     - {l.cycles}", f"     - {quoted(l.summary)}"]
    return [".. list-table::", "   :widths: 16 10 60", "   :header-rows: 1", "",
            "   * - Name", "     - Cycles", "     - What takes it"] + rows + [""]


def numbers_chapter(isa):
    out = heading("Numbers", "=")
    out += ["Sizes and constants, RISC-V's trap causes as V-ISA raises them, and cycles of the reference",
            "microarchitecture (:chapter:`pipeline`). The functional model knows no latency.", ""]
    out += heading("Constants", "-")
    rows = [(f"const-{c.name}", [literal(c.name), f"{c.value:#x}" if c.value > 0xffff else str(c.value),
                                 c.configurable, quoted(c.summary)]) for c in isa.consts]
    out += table(["Name", "Value", "Configurable", "What it is"], [20, 22, 12, 50], rows)
    for kind, anchor, title in (("exception", "exc", "Exceptions"), ("interrupt", "irq", "Interrupts")):
        out += heading(title, "-")
        rows = [(f"{anchor}-{e.name}", [literal(e.name), str(e.code), quoted(e.summary)])
                for e in isa.exceptions if e.kind == kind]
        out += table(["Name", "Code", "What it is"], [24, 8, 60], rows)
    out += heading("Latencies", "-")
    rows = [(f"lat-{l.name}", [literal(l.name), str(l.cycles), quoted(l.summary)]) for l in isa.latencies]
    out += table(["Class", "Cycles", "What takes it"], [16, 10, 60], rows)
    return Chapter("visa-numbers", "constants, trap causes, latencies", "\n".join(out), "isa/const.isa")


def chapters(isa, found, target):
    """The reference chapters in their order."""
    return [xvisa_chapter(isa, found, target), vmcs_chapter(isa), exits_chapter(isa),
            csr_chapter(isa), numbers_chapter(isa), base_chapter(isa, found, target),
            pseudo_chapter(isa)]
