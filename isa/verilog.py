"""The SystemVerilog package visa_pkg: the facts of isa/ for RTL.

In the subset that yosys reads as well as Verilator: it is used without `import` (visa_pkg::op_e), its
functions name the package too, and it has no arrays of more than one dimension, no assignment
patterns, no `return`.
"""

WORD = 64
KEYWORDS = {"class", "float", "reg", "signed"}  # names in our tables that SystemVerilog or C++ has taken


def sized(value, bits):
    return f"{bits}'h{value:x}"


def comment(text):
    return f"  // {text}" if text else ""


def enum(name, bits, rows):
    """rows: (name, value, comment)."""
    out = [f"  typedef enum logic [{bits - 1}:0] {{"]
    for n, (item, value, text) in enumerate(rows):
        out.append(f"    {item} = {sized(value, bits)}{',' if n + 1 < len(rows) else ''}{comment(text)}")
    return out + [f"  }} {name};"]


def constant(name, value, text):
    kind = "int unsigned" if value < 1 << 31 else f"logic [{WORD - 1}:0]"
    number = value if value < 1 << 31 else sized(value, WORD)
    return f"  localparam {kind} {name} = {number};{comment(text)}"


def packed(name, bits, parts):
    """A packed struct of `parts`, (lowest bit, width, name), with what lies between them reserved."""
    members, at = [], 0
    for lo, width, part in sorted(parts) + [(bits, 0, "")]:
        if lo > at:
            members.append((lo - at, f"reserved_{at}"))
        if width:
            members.append((width, part))
        at = lo + width
    out = ["  typedef struct packed {"]
    for width, member in reversed(members):
        span = f"[{width - 1}:0] " if width > 1 else ""
        out.append(f"    logic {span}{member}{'_' if member in KEYWORDS else ''};")
    return out + [f"  }} {name};"]


def group(g):
    out = ["", f"  // {g.title}"]
    if g.enum:
        return out + enum(g.enum, g.bits, g.rows)
    return out + [constant(*row) for row in g.rows]


def structs(isa):
    out = ["", "  // VMTRAPCFG and VMCS as they lie in memory, VMQUAL by cause"]
    out += packed("trapcfg_t", WORD, [(b.bit, 1, b.name.lower()) for b in isa.trapcfg])
    for cause in dict.fromkeys(q.cause for q in isa.vmqual):
        out += packed(f"qual_{cause.lower()}_t", WORD,
                      [(q.lo, q.hi - q.lo + 1, q.name) for q in isa.vmqual if q.cause == cause])
    bytes_, = (c.value for c in isa.consts if c.name == "VMCS_BYTES")
    return out + packed("vmcs_t", 8 * bytes_, [(WORD * f.first, WORD * f.n, f.name) for f in isa.vmcs])


def state(isa):
    """A packed struct of all registers, in the order of the table from bit 0 on."""
    members, at = {}, 0
    for s in isa.state:
        first, width = members.get(s.group, (at, 0))
        members[s.group] = (first, width + s.bits)
        at += s.bits
    out = ["", "  // All that a hart holds beside its pool (state.isa); of several registers x0 is the lowest word"]
    out += packed("state_t", at, [(first, width, name) for name, (first, width) in members.items()])
    out += ["", "  // The bits of a register that software can write, and its value at reset"]
    for name, s in {s.group: s for s in isa.state if not s.group.startswith("host_")}.items():
        out.append(f"  localparam logic [{s.bits - 1}:0] WRITABLE_{name.upper()} = {sized(s.writable & (1 << s.bits) - 1, s.bits)};")
        out.append(f"  localparam logic [{s.bits - 1}:0] RESET_{name.upper()} = {sized(s.reset & (1 << s.bits) - 1, s.bits)};")
    return out


def literals(prefix, names):
    return [(prefix + name.upper(), n, "") for n, name in enumerate(names)]


def switch(name, result, rows, default):
    """A function of an op_e. rows: {value: the ops that have it}."""
    out = ["", f"  function automatic {result} {name}(input op_e op);", "    case (op)"]
    for value, ops in rows.items():
        out += [f"      {', '.join(f'visa_pkg::OP_{i.ident.upper()}' for i in ops)}:", f"        {name} = {value};"]
    return out + [f"      default: {name} = {default};", "    endcase", "  endfunction"]


def by(insns, key):
    rows = {}
    for i in insns:
        rows.setdefault(key(i), []).append(i)
    return rows


def immediate(i):
    """The value of an instruction's immediate, as an expression of 64 bits over `insn`."""
    imm = i.fields["imm"]
    parts, at = [], imm.width()
    for lo, width, value in sorted(imm.pieces, key=lambda p: -p[2]):
        parts.append(f"insn[{lo + width - 1}:{lo}]" if width > 1 else f"insn[{lo}]")
        at = value
    if at:
        parts.append(f"{at}'b0")
    top = max(imm.pieces, key=lambda p: p[2])
    sign = f"insn[{top[0] + top[1] - 1}]" if imm.signed else "1'b0"
    return f"{{{{{WORD - imm.width()}{{{sign}}}}}, {', '.join(parts)}}}"


def instructions(isa):
    out = ["", "  // Instructions, a row of the tables each; OP_ILLEGAL is none"]
    names = ["illegal"] + [i.ident for i in isa.insns]
    out += enum("op_e", len(names).bit_length(), literals("OP_", names))
    for i in isa.insns:
        bits = i.length * 8
        for what, value in (("MASK", i.mask), ("MATCH", i.match)):
            out.append(f"  localparam logic [{bits - 1}:0] {what}_{i.ident.upper()} = {sized(value, bits)};")
    out += ["", "  // Cycles (latency.isa), and the row that an instruction has of it"]
    out += [constant(f"LAT_{l.name.upper()}", l.cycles, l.summary) for l in isa.latencies]
    out += switch("op_cycles", "int unsigned", by(isa.insns, lambda i: f"visa_pkg::LAT_{i.latency.upper()}"), 1)
    out += timing(isa)
    out += ["", "  // The rings in which an instruction of Xvisa executes"]
    out += packed("rings_t", 5, [(n, 1, f"ring_{r}") for n, r in enumerate(("h", "0", "3", "0v", "3v"))])
    xvisa = [i for i in isa.insns if i.rings]
    out += switch("op_rings", "rings_t", by(xvisa, lambda i: sized(ring_bits(i.rings), 5)), "5'h0")
    out += ["", "  // Its number in VMQUAL, 0 if it has none"]
    out += switch("op_number", "logic [7:0]", {sized(i.op, 8): [i] for i in isa.insns if i.op}, "8'h0")
    out += ["", "  // The value of its immediate; an RVC instruction has its own"]
    out += switch("op_immediate", f"logic [{WORD - 1}:0]",
                  by((i for i in isa.insns if "imm" in i.fields), immediate), sized(0, WORD))
    at = next(n for n in range(len(out)) if "automatic" in out[n] and "op_immediate" in out[n])
    out[at] = out[at].replace("(input op_e op)", "(input op_e op, input logic [31:0] insn)")
    return out


SPENT = {"execute": "SPENT_EXECUTE", "serial": "SPENT_SERIAL", "behind": "SPENT_BEHIND", "memory": "SPENT_MEMORY"}
FLUSHES = {"": "FLUSHES_NEVER", "flushes": "FLUSHES_ALWAYS", "flushes?": "FLUSHES_IF_SOURCE"}


def timing(isa):
    """What decides cycles beside the latency (latency.isa, and behind the latency of an instruction)."""
    spent = {l.name: SPENT.get(l.spent) for l in isa.latencies}
    out = ["", "  // Where it spends them; an event is no instruction's"]
    out += enum("spent_e", 3, literals("", ["SPENT_EVENT", *SPENT.values()]))
    out += switch("op_spent", "spent_e", by(isa.insns, lambda i: f"visa_pkg::{spent[i.latency]}"),
                  "visa_pkg::SPENT_EXECUTE")
    out += ["", "  // Does it flush: always, or if its rs1 is not x0 or its immediate not 0"]
    out += enum("flushes_e", 2, literals("", FLUSHES.values()))
    out += switch("op_flushes", "flushes_e",
                  by((i for i in isa.insns if i.flushes), lambda i: f"visa_pkg::{FLUSHES[i.flushes]}"),
                  "visa_pkg::FLUSHES_NEVER")
    out += ["", "  // Is its rd ready when it leaves the memory stage"]
    return out + switch("op_result_in_memory", "logic",
                        by((i for i in isa.insns if i.result_in_memory), lambda i: "1'b1"), "1'b0")


def ring_bits(rings):
    """As enum ISA_RING_* of isa.h; a ring stands for both values of V."""
    bits = {"-1": 1, "0": 2 | 8, "3": 4 | 16, "0v": 8, "3v": 16}
    return sum({b for r in rings for b in (1, 2, 4, 8, 16) if bits[r] & b})


def package(isa, groups):
    # What of it a design uses is the design's choice.
    lint = ("UNUSEDPARAM", "UNUSEDSIGNAL")
    out = [*(f"/* verilator lint_off {w} */" for w in lint), "package visa_pkg;"]
    for g in groups:
        out += group(g)
    return out + structs(isa) + state(isa) + instructions(isa) + ["", "endpackage", *(f"/* verilator lint_on {w} */" for w in lint)]
