#!/usr/bin/env python3
"""Writes what the rest of the tree uses from the tables of isa/.

    gen.py KIND [-o FILE]

  isa_gen.h   numbers and enumerations for C (library, simulator, assembler)
  isa_gen.c   the tables themselves: instructions, fields, CSRs, pseudos, names
  csr_gen.h   the CSR switch of the golden model
  state_gen.h its registers
  visa.h      the header for guests and hypervisors in C
  visa_pkg.sv the SystemVerilog package of the RTL
"""

import argparse
import itertools
import os
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import tables
from verilog import package

HEAD = "/* Made by isa/gen.py from the tables in isa/: edit those. */\n"


def quote(text):
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def define(name, value, comment=""):
    line = f"#define {name:<32} {value}"
    return line + (f" /* {comment} */" if comment else "")


def hex_const(value):
    return f"{value:#x}" + ("ull" if value > 0x7fffffff else "")


@dataclass
class Group:
    """Numbers of one kind: rows of (name, value, comment), how C writes a value, and the type of
    SystemVerilog: an enum of so many bits, or constants if it has no name."""
    title: str
    rows: list
    c: Callable = str
    enum: str = ""
    bits: int = 32


def groups(isa):
    """What C, guests and RTL share by the same names."""
    qual = [(f"QUAL_{q.cause}_{q.name.upper()}{end}", value, "") for q in isa.vmqual
            for end, value in (("_LO", q.lo), ("_WIDTH", q.hi - q.lo + 1))]
    return [
        Group("CSR numbers (csr.isa)", [(f"CSR_{c.name.upper()}", c.number, "") for c in isa.csrs], hex, "csr_e", 12),
        Group("MSR numbers (msr.isa)", [(f"MSR_{m.name.upper()}", m.number, m.summary) for m in isa.msrs],
              lambda v: f"{v:#x}u", "msr_e", 32),
        Group("Exit causes (cause.isa)", [(f"EXIT_{c.name}", c.code, c.summary) for c in isa.causes], hex,
              "exit_e", 8),
        Group("VMTRAPCFG bits (trapcfg.isa)", [(f"TRAP_{b.name}", 1 << b.bit, b.set) for b in isa.trapcfg],
              lambda v: f"(1u << {v.bit_length() - 1})"),
        Group("VMQUAL layout: lowest bit and width (vmqual.isa)", qual),
        *(Group(f"{title} (exception.isa)",
                [(f"{short.upper()}_{e.name}", e.code, e.summary) for e in isa.exceptions if e.kind == kind], str,
                f"{short}_e", 6)
          for title, short, kind in (("Exceptions", "exc", "exception"), ("Interrupts", "irq", "interrupt"))),
        Group("VMCS field numbers; of an array, the first (vmcs.isa)",
              [(f"VMCS_{f.name.upper()}", f.first, f.summary) for f in isa.vmcs], str, "vmcs_e", 9),
        Group("Sizes and numbers (const.isa)", [(c.name, c.value, c.summary) for c in isa.consts], hex_const),
    ]


def numbers(isa, prefix):
    """The #defines that the simulator and guests in C share."""
    out = []
    for g in groups(isa):
        out += ["", f"/* {g.title} */"]
        out += [define(prefix + name, g.c(value), comment) for name, value, comment in g.rows]
    return out


def emit_header(isa):
    out = ["#ifndef VISA_ISA_GEN_H", "#define VISA_ISA_GEN_H"]
    out += numbers(isa, "ISA_")
    out += ["", "/* One per row of the instruction tables; ISA_OP_ILLEGAL matches nothing. */",
            "enum isa_op {", "    ISA_OP_ILLEGAL,"]
    out += [f"    ISA_OP_{i.ident.upper()}," for i in isa.insns]
    out += ["    ISA_OPS", "};", "", "/* Every base instruction: X(class, name, number) */",
            "#define ISA_BASE_INSNS(X) \\"]
    out += [f"    X({i.klass}, {i.ident}, ISA_OP_{i.ident.upper()}) \\" for i in isa.insns if not i.expands]
    out += ["    /* end */", "", "/* Their classes. */"]
    out += [f"#define ISA_CLASS_OF_{i.ident} {i.klass}" for i in isa.insns if not i.expands]
    out += ["", "enum isa_class {"]
    out += [f"    ISA_CLASS_{k.upper()}," for k in tables.CLASSES]
    out += ["};", "", "/* Rows of latency.isa. */", "enum isa_latency {"]
    out += [f"    ISA_LAT_{l.name.upper()}," for l in isa.latencies]
    out += ["    ISA_LATS", "};", "", "#endif"]
    return out


def c_field(f):
    flags = [n for n, on in (("ISA_PRIME", f.prime), ("ISA_SIGNED", f.signed), ("ISA_NONZERO", f.nonzero)) if on]
    exclude = sum(1 << n for n in f.exclude)
    pieces = ", ".join(f"{{{a}, {w}, {v}}}" for a, w, v in f.pieces)
    return (f"{{ISA_FIELD_{f.name.upper()}, {' | '.join(flags) or '0'}, {exclude:#x}u, "
            f"{len(f.pieces)}, {{{pieces}}}}}")


def c_expand(isa, insn):
    """{rd, rs1, rs2, imm}: a field of the short form, or a constant."""
    if not insn.expands:
        return "ISA_OP_ILLEGAL, {{0}}"
    base, values = insn.expands
    slots = []
    for slot in ("rd", "rs1", "rs2", "imm"):
        v = values.get(slot, 0)
        slots.append(f"{{ISA_FIELD_{v.upper()}, 0}}" if isinstance(v, str) else f"{{ISA_FIELD_NONE, {v}}}")
    return f"ISA_OP_{isa.insn(base).ident.upper()}, {{{', '.join(slots)}}}"


HAS = ("rd", "rs1", "rs2", "imm", "rs3", "rm")
SVADU = {None: "ISA_ALWAYS", False: "ISA_WITHOUT_SVADU", True: "ISA_WITH_SVADU"}
RING_BITS = {"-1": "ISA_RING_H", "0": "ISA_RING_0 | ISA_RING_0V", "3": "ISA_RING_3 | ISA_RING_3V",
             "0v": "ISA_RING_0V", "3v": "ISA_RING_3V"}


def emit_tables(isa):
    out = ['#include "isa.h"', "", "const struct isa_insn isa_insns[ISA_OPS] = {",
           '    [ISA_OP_ILLEGAL] = {.name = "illegal", .operands = ""},']
    for i in isa.insns:
        rings = " | ".join(RING_BITS[r] for r in i.rings) or "0"
        has = " | ".join(f"ISA_HAS_{f.upper()}" for f in HAS if f in i.fields) or "0"
        floats = " | ".join(f"ISA_HAS_{f.upper()}" for f in HAS if f in i.floats) or "0"
        fields = ", ".join(c_field(f) for f in i.fields.values())
        out += [f"    [ISA_OP_{i.ident.upper()}] = {{ /* {i.row.file}:{i.row.line} */",
                f"        {quote(i.name)}, {quote(i.ext)}, {quote(', '.join(i.operands))}, {quote(i.formula)},",
                f"        {i.mask:#x}, {i.match:#x}, {i.length}, ISA_CLASS_{i.klass.upper()},"
                f" ISA_LAT_{i.latency.upper()}, {rings}, {i.op}, {has}, {floats}, {int(i.sign_extends)},",
                f"        {tables.FLUSHES.index(i.flushes)}, {int(i.result_in_memory)},",
                f"        {len(i.fields)}, {{{fields}}},",
                f"        {c_expand(isa, i)}}},"]
    out += ["};", "", "const struct isa_csr isa_csrs[] = {"]
    for c in isa.csrs:
        cr = c.cr[2:] if c.cr != "-" else "-1"
        out.append(f"    {{{c.number:#x}, {cr}, {quote(c.name)}, {quote(c.summary)}}},")
    out += ["};", "const unsigned isa_csr_count = sizeof isa_csrs / sizeof isa_csrs[0];", "",
            "const struct isa_pseudo isa_pseudos[] = {"]
    for p in isa.pseudos:
        out.append(f"    {{{quote(p.name)}, {quote(p.operands)}, {quote(p.expansion)}}},")
    out += ["};", "const unsigned isa_pseudo_count = sizeof isa_pseudos / sizeof isa_pseudos[0];", ""]
    for array, rows in (("isa_exit_names", [(c.code, c.name) for c in isa.causes]),
                        ("isa_trap_names", [(b.bit, b.name) for b in isa.trapcfg]),
                        ("isa_exc_names", [(e.code, e.name) for e in isa.exceptions if e.kind == "exception"]),
                        ("isa_irq_names", [(e.code, e.name) for e in isa.exceptions if e.kind == "interrupt"])):
        out.append(f"const char *const {array}[ISA_NAMES] = {{")
        out += [f"    [{n}] = {quote(name)}," for n, name in rows] + ["};"]
    out += ["", "/* Filter bit that lets a cause exit, -1 if it always does. */",
            "const signed char isa_exit_filter[ISA_NAMES] = {"]
    bits = {b.name: b.bit for b in isa.trapcfg}
    out += [f"    [{c.code}] = {bits.get(c.filter, -1)}, /* {c.name} */" for c in isa.causes]
    out += ["};", "", "const struct isa_vmcs_field isa_vmcs_fields[] = {"]
    out += [f"    {{{f.first}, {f.n}, {int(f.access == 'rw')}, {quote(f.name)}, {quote(f.check)}, {quote(f.summary)}}},"
            for f in isa.vmcs]
    out += ["};", "const unsigned isa_vmcs_field_count = sizeof isa_vmcs_fields / sizeof isa_vmcs_fields[0];",
            "", "const struct isa_qual isa_quals[] = {"]
    codes = {c.name: c.code for c in isa.causes}
    out += [f"    {{{codes[q.cause]}, {q.lo}, {q.hi - q.lo + 1}, {quote(q.name)}}}," for q in isa.vmqual]
    out += ["};", "const unsigned isa_qual_count = sizeof isa_quals / sizeof isa_quals[0];", "",
            "const struct isa_symbol isa_symbols[] = {"]
    defined = sorted(re.findall(r"^#define ISA_(\w+)", "\n".join(numbers(isa, "ISA_")), re.M))
    out += [f"    {{{quote(name)}, ISA_{name}}}," for name in defined]
    out += ["};", "const unsigned isa_symbol_count = sizeof isa_symbols / sizeof isa_symbols[0];", "",
            "const struct isa_latency_row isa_latencies[ISA_LATS] = {"]
    out += [f"    [ISA_LAT_{l.name.upper()}] = {{{quote(l.name)}, {l.cycles}, "
            f"{tables.SPENT.index(l.spent)}, {quote(l.account)}, {quote(l.summary)}}}," for l in isa.latencies]
    out += ["};", "", "const struct isa_extension isa_extensions[] = {"]
    for e in isa.extensions:
        where = " | ".join(f"ISA_IN_{w.upper()}" for w in e.where)
        out.append(f"    {{{quote(e.name)}, {e.major}, {e.minor}, {where}, {SVADU[e.svadu]}}},")
    out += ["};", "const unsigned isa_extension_count = sizeof isa_extensions / sizeof isa_extensions[0];"]
    return out + emit_buckets(isa)


BUCKETS = 64


def bucket_bits(n):
    """(mask, match) of the bits that choose bucket n, as isa_bucket in isa.c computes it."""
    if n < 32:
        return 0x7f, n << 2 | 3
    return 0xe003, (n & 7) << 13 | (n - 32) >> 3


def emit_buckets(isa):
    """Rows by major opcode, so that decoding looks at a dozen instead of all."""
    rows, starts = [], []
    for n in range(BUCKETS):
        mask, match = bucket_bits(n)
        starts.append(len(rows))
        rows += [i for i in isa.insns
                 if i.length == (4 if n < 32 else 2) and not (i.match ^ match) & i.mask & mask]
    out = ["", "const uint16_t isa_bucket_start[ISA_BUCKETS + 1] = {",
           "    " + ", ".join(map(str, starts + [len(rows)])) + ",", "};", "",
           "const uint16_t isa_bucket_rows[] = {"]
    return out + [f"    ISA_OP_{i.ident.upper()}," for i in rows] + ["};"]


def c_mask(text):
    return f"~(uint64_t){text[1:]}" if text.startswith("~") else f"{text}ull"


def emit_csr(isa):
    """Cases for csr_read and csr_write; a func CSR of a numbered family passes its index."""
    out = ["/* Included by src/cpu/zicsr.c, once with CSR_READ and once with CSR_WRITE. */", "#ifdef CSR_READ"]
    for c in isa.csrs:
        words = c.kind.split()
        family = re.fullmatch(r"(hpmcounter|pmpaddr)(\d+)", c.name)
        if words[0] == "state":
            body = f"*value = h->{c.state.field}; return VISA_OK;"
        elif words[0] == "const":
            body = f"*value = {c_mask(words[1])}; return VISA_OK;"
        elif family:
            body = f"return csr_read_{family[1]}(h, {family[2]}, value);"
        else:
            body = f"return csr_read_{c.name}(h, value);"
        out.append(f"case {c.number:#x}: {body}")
    out += ["#endif", "#ifdef CSR_WRITE"]
    for c in isa.csrs:
        words = c.kind.split()
        family = re.fullmatch(r"(pmpaddr)(\d+)", c.name)
        if c.number >> 10 == 3:
            continue  # read-only: refused before the switch
        if words[0] == "state":
            body = f"h->{c.state.field} = value & {hex_const(c.state.writable)}; return VISA_OK;"
        elif words[0] == "const":
            body = "return VISA_OK;"
        elif family:
            body = f"return csr_write_{family[1]}(h, {family[2]}, value);"
        else:
            body = f"return csr_write_{c.name}(h, value);"
        out.append(f"case {c.number:#x}: {body}")
    out += ["#endif"]
    return out


def emit_state(isa):
    """Ring 0's bank, masks, and all registers, for src/state."""
    optional = lambda n: -1 if n is None else n
    out = ["/* The bits of each register that software can write. */"]
    out += [define(f"STATE_WRITABLE_{s.name.upper()}", hex_const(s.writable))
            for s in isa.state if s.writable and s.name == s.group and not s.name.startswith("host_")]
    out += ["", "/* Ring 0's bank: X(field of struct ring0, field of the VMCS, writable bits) */", "#define STATE_BANK(X) \\"]
    out += [f"    X({s.field[2:]}, ISA_VMCS_{s.vmcs.upper()}, {hex_const(s.writable)}) \\" for s in isa.state if s.bank]
    out += ["    /* end */", "",
            "/* Every register: X(name, field of struct hart, bits, writable, reset, CSR that shows it, gdb's number); -1: none */",
            "#define STATE_REGISTERS(X) \\"]
    out += [f"    X({quote(s.name)}, {s.field}, {s.bits}, {hex_const(s.writable)}, {hex_const(s.reset)}, {optional(s.number_of_csr)}, "
            f"{optional(s.gdb)}) \\" for s in isa.state]
    return out + ["    /* end */"]


def visa_function(i, given):
    """An inline-assembly function with the source operands `given`; the others are register x0.

    An operand of which x0 stands for all is also an output, so that no compiler puts a constant 0 into x0."""
    opcode, funct3, funct7 = i.match & 0x7f, i.match >> 12 & 7, i.match >> 25
    optional = [f for f in given if f in i.all]
    outs = (["rd"] if "rd" in i.fields else []) + optional
    ins = [f for f in given if f not in i.all]
    number = {f: f"%{n}" for n, f in enumerate(outs + ins)}
    fixed = {"rd": 0, "rs1": 0, "rs2": 0 if "rs2" in i.fields else i.match >> 20 & 31}
    spec = ", ".join(number.get(f, f"x{n}") for f, n in fixed.items())
    outputs = ", ".join('"=r"(rd)' if f == "rd" else f'"+r"({i.names[f]})' for f in outs)
    inputs = ", ".join(f'"r"({i.names[f]})' for f in ins)
    asm = f'__asm__ volatile(".insn r {opcode:#x}, {funct3}, {funct7:#x}, {spec}" : {outputs} : {inputs} : "memory")'
    name = "_".join(["visa", i.ident, *(i.names[f] for f in optional)])
    params = ", ".join(f"unsigned long {i.names[f]}" for f in given) or "void"
    if "rd" in i.fields:
        return f"static inline unsigned long {name}({params})\n{{ unsigned long rd; {asm}; return rd; }}"
    return f"static inline void {name}({params})\n{{ {asm}; }}"


def visa_functions(i):
    """One for each choice of the operands that may be x0 (rs2:asid*); none for other shapes than R."""
    if i.name == "vmexit":
        return ['#define visa_vmexit(n) __asm__ volatile(".insn i 0x0b, 1, x0, %0(x0)" :: "i"((n) & 0x800 ? '
                '(n) - 0x1000 : (n)) : "memory")']
    if "imm" in i.fields:
        return []
    sources = [f for f in ("rs1", "rs2") if f in i.fields]
    left_out = [c for n in range(len(i.all), -1, -1) for c in itertools.combinations(i.all, n)]
    return [visa_function(i, [f for f in sources if f not in out]) for out in left_out]


def in_c(i):
    """The formula with the operands as the function calls them."""
    return re.sub(r"\brs[12]\b", lambda m: i.names.get(m[0], m[0]), i.formula)


def emit_guest_header(isa):
    out = ["/* Xvisa for guests and hypervisors in C: numbers, and a function for each",
           " * instruction. Operands and results are those of the architecture manual. Where register x0",
           " * as an operand means all, there are two: visa_tlbflushv_addr(addr) for all ASIDs, and",
           " * visa_tlbflushv_addr_asid(addr, asid) for one, 0 too. */",
           "#ifndef VISA_H", "#define VISA_H"]
    out += numbers(isa, "VISA_")
    out += ["", "/* A field of VMQUAL: VISA_QUAL(VMQUAL value, IO, PORT). */",
            "#define VISA_QUAL(q, cause, name) \\",
            "    (((q) >> VISA_QUAL_##cause##_##name##_LO) & ((1ul << VISA_QUAL_##cause##_##name##_WIDTH) - 1))",
            "", "/* VMQUAL.VIRT.op and VMQUAL.TLBFLUSH.op (xvisa.isa) */"]
    out += [define(f"VISA_OP_{i.ident.upper()}", i.op) for i in isa.insns if i.op]
    out += ["", "#ifndef __ASSEMBLER__"]
    for i in isa.insns:
        if (i.ext == "xvisa" or i.all) and (functions := visa_functions(i)):
            out += [f"/* {in_c(i)} */", *functions]
    out += ["/* Marker n, 0 to 2047: a hint that does nothing, at which visa-sim --switch-at can begin. */",
            '#define visa_marker(n) __asm__ volatile("slti x0, x0, %0" :: "i"(n) : "memory")']
    out += ["#endif", "#endif"]
    return out


def emit_package(isa):
    return package(isa, groups(isa))


EMIT = {"isa_gen.h": emit_header, "isa_gen.c": emit_tables, "csr_gen.h": emit_csr, "state_gen.h": emit_state,
        "visa.h": emit_guest_header, "visa_pkg.sv": emit_package}


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("kind", choices=sorted(EMIT))
    ap.add_argument("-o", "--output", help="file to write (default: standard output)")
    ap.add_argument("--isa", default=Path(__file__).parent, help="directory of the tables")
    args = ap.parse_args()
    try:
        isa = tables.load(args.isa)
    except tables.IsaError as e:
        sys.exit(str(e))
    text = HEAD + "\n".join(EMIT[args.kind](isa)) + "\n"
    if not args.output:
        sys.stdout.write(text)
        return
    tmp = Path(f"{args.output}.{os.getpid()}.tmp")
    tmp.write_text(text)
    tmp.replace(args.output)


if __name__ == "__main__":
    main()
