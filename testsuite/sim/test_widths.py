"""Which accesses every device takes: the tables of the platform's chapter, parsed, against programs that try them.

What the tables do not have is an access fault, also where QEMU has a device that takes more."""

import re

import pytest

from harness import tools
from sim import programs

CHAPTER = (tools.SRC / "man" / "arch" / "14-platform.rst").read_text()
WIDTHS = (1, 2, 4, 8)
LOADS = {"lb": 1, "lbu": 1, "lh": 2, "lhu": 2, "lw": 4, "lwu": 4, "ld": 8}
STORES = {"sb": 1, "sh": 2, "sw": 4, "sd": 8}
LRS = {"lr.w": 4, "lr.d": 8}
AMOS = {f"amo{op}.{w}": n for op in ("swap", "add", "xor", "and", "or", "min", "max", "minu", "maxu")
        for w, n in (("w", 4), ("d", 8))}
SCS = {"sc.w": 4, "sc.d": 8}
ALL = {**LOADS, **STORES, **LRS, **AMOS, **SCS}
LOAD_MISALIGNED, LOAD_ACCESS, STORE_MISALIGNED, STORE_ACCESS = "4567"


def rows(rule):
    """The lines of a rule's table, as lists of cells."""
    text = re.search(rf"^\.\. rule:: {rule}\n(.*?)(?=^\.\. rule|^\S)", CHAPTER, re.M | re.S)[1]
    _, heads, body = re.split(r"^   =[= ]+=$\n", text, flags=re.M)[:3]
    bar = re.search(r"^   =[= ]+=$", text, re.M)[0]
    columns = [m.span() for m in re.finditer("=+", bar)]
    out = []
    for line in body.splitlines():
        cells = [line[a:None if b == len(bar) else b].strip() for a, b in columns]
        if cells[0]:
            out.append(cells)
        else:
            out[-1] = [f"{a} {b}".strip() for a, b in zip(out[-1], cells)]
    return out


PLACES = {text: int(at, 16) for at, text in rows("PL-1")}
BAR = next(at for text, at in PLACES.items() if text.startswith("PCI memory")) + 0x123000


def base(device):
    if device == "PCI doorbell":
        return BAR
    return next(at for text, at in PLACES.items() if text.startswith(device))


def widths(cell):
    return [] if cell == "none" else [int(w) for w in cell.split(",")]


class Row:
    def __init__(self, device, offsets, registers, loads, stores):
        first, last, step = re.fullmatch(r"(\w+) to (\w+)(?: by (\d+))?", offsets).groups()
        self.device, self.at, self.registers = device, base(device), [int(n, 16) for n in re.findall("0x[0-9a-f]+", registers)]
        self.first, self.last, self.step = self.at + int(first, 16), self.at + int(last, 16), int(step or 1)
        self.loads, self.stores = widths(loads), widths(stores)

    def has(self, address):
        return self.first <= address <= self.last and (address - self.first) % self.step == 0


TABLE = [Row(*cells) for cells in rows("PL-15")]


def takes(address, width, store):
    """PL-15: does a device take this load or store?"""
    row = next((r for r in TABLE if r.has(address)), None)
    return bool(row) and width in (row.stores if store else row.loads)


def expected(address, name):
    """What the program prints for one instruction at one address."""
    width, store = ALL[name], name not in LOADS and name not in LRS
    if address % width:
        return STORE_MISALIGNED if store else LOAD_MISALIGNED
    if name in SCS:
        return "1"      # BA-8: without a reservation nothing is asked for
    if (name in LOADS or name in STORES) and takes(address, width, store):
        return "."
    return STORE_ACCESS if store else LOAD_ACCESS


def around(address):
    return range(address & ~7, (address & ~7) + 8)


def addresses(rng):
    """Every byte at the ends of the lines of the table and behind them, at the registers that these name and
    somewhere between; where the memory map is empty, too."""
    spots = [PLACES[p] for p in PLACES if p.startswith("kept free")] + [base("UART") + 0xf8, base("UART") + 0x100]
    for row in TABLE:
        spots += [row.first, row.first + 8, row.last - 8, row.last, row.last + 1]
        spots += [row.at + n for n in row.registers] + [rng.randrange(row.first, row.last + 1) for _ in range(4)]
    return sorted({a for spot in spots for a in around(spot)})


def build(tmp_path, where, names, *lines):
    """programs/widths.c with these addresses and instructions."""
    forms = {**dict.fromkeys([*LOADS, *LRS], "a0, (a0)"), **dict.fromkeys(STORES, "zero, (a0)"),
             **dict.fromkeys([*AMOS, *SCS], "a0, zero, (a0)")}
    source = tmp_path / "lists.c"
    source.write_text("\n".join([
        '#include "board.h"', f"static const u64 addresses[] = {{{', '.join(map(hex, where))}}};",
        "#define INSTRUCTIONS " + " ".join(f'"{n} {forms[n]}; ret;"' for n in names),
        f"enum {{ HOW_MANY = {len(names)}, FIRST_SC = {sum(n not in SCS for n in names)} }};", *lines,
        '#include "widths.c"', ""]))
    return programs.build(tmp_path, source)


def outcomes(result, where, names):
    """By address and instruction. The UART has sent the zeros that were stored to it."""
    lines = result.ok().stdout.replace("\0", "").split()
    assert [len(line) for line in lines] == [len(names)] * len(where), str(result)
    return {(a, n): c for a, line in zip(where, lines) for n, c in zip(names, line)}


@pytest.mark.parametrize("model", ["functional", "pipeline"])
def test_every_width(model, rng, tmp_path):
    """PL-2, PL-15, BA-3 to BA-5, BA-8."""
    if model == "pipeline":
        tools.need_pipeline()
    where = addresses(rng)
    result = programs.on_visa(build(tmp_path, where, ALL, f"#define BAR {BAR:#x}"), "--model", model)
    got = outcomes(result, where, ALL)
    wrong = [f"{n} at {a:#x}: {c}, expected {expected(a, n)}" for (a, n), c in got.items() if c != expected(a, n)]
    assert not wrong, f"{len(wrong)} of {len(got)}:\n" + "\n".join(wrong[:20])


def test_every_width_witness(rng, tmp_path):
    """QEMU's devices take every aligned access that these take."""
    where = [a for a in addresses(rng) if any(r.has(a) and r.device != "PCI doorbell" for r in TABLE)]
    names = [*LOADS, *STORES]
    got = outcomes(programs.on_qemu(build(tmp_path, where, names)), where, names)
    wrong = [f"{n} at {a:#x}: {c}" for (a, n), c in got.items() if expected(a, n) == "." and c != "."]
    assert not wrong, "\n".join(wrong[:20])


def test_table_has_every_device():
    """Every place of the memory map that is neither free nor RAM has lines, none beyond the next place."""
    used = [(at, text) for text, at in PLACES.items() if not text.startswith(("kept free", "RAM"))]
    for at, text in used:
        lines = [r for r in TABLE if r.at == at or text.startswith("PCI memory") and r.device == "PCI doorbell"]
        above = min(p for p in PLACES.values() if p > at)
        assert lines and all(r.last < above for r in lines), text


# Ports -----------------------------------------------------------------------------------

# What the bytes of a port's device read once the program below has set them, and the doublewords that are no bytes.
BYTES = {0x80: 0xa5, 0xe9: 0xe9, **dict(enumerate((0, 0, 0x01, 0x1b, 0x08, 0x60, 0xb0, 0x3c), 0x3f8)),
         **dict(enumerate((0x34, 0x12, 0x01, 0x56), 0xcfc))}
WHOLE = {0x604: 0, 0xcf8: 0x80000800}
PORTS = """
#include "board.h"
#include "visa.h"
static const u64 ports[] = {%s};
int main(u64 hart, u64 tree)
{
    (void)hart;
    (void)tree;
    visa_out_b(0x80, 0xa5);
    visa_out_b(0x3fb, 0x1b);
    visa_out_b(0x3ff, 0x3c);
    visa_out_w(0xcf8, 0x80000800); /* the doorbell's vendor and device */
    for (u64 i = 0; i < sizeof ports / 8; i++) {
        print_number(visa_in_b(ports[i]));
        put(' ');
        print_number(visa_in_h(ports[i]));
        put(' ');
        print_number(visa_in_w(ports[i]));
        put('\\n');
    }
    return 0;
}
"""


def port_rows():
    for port, cell, _ in rows("PL-4"):
        first, *last = [int(n, 16) for n in port.split(" to ")]
        yield first, last[0] if last else first + max(widths(cell)) - 1, widths(cell)


def port_value(table, port, width):
    """PL-4, IO-6: what a read gives."""
    if port % width == 0 and any(a <= port and port + width - 1 <= b and width in w for a, b, w in table):
        return WHOLE[port] if port in WHOLE else sum(BYTES[port + i] << 8 * i for i in range(width))
    return 0xff if width == 1 else sum(port_value(table, port + i, 1) << 8 * i for i in range(width))


def test_every_width_of_ports(tmp_path):
    """PL-4, IO-6."""
    table = list(port_rows())
    where = sorted({p for a, b, _ in table for p in range(a - 4, b + 5)})
    source = tmp_path / "ports.c"
    source.write_text(PORTS % ", ".join(map(hex, where)))
    lines = programs.on_visa(programs.build(tmp_path, source)).ok().stdout.splitlines()
    got = {p: tuple(int(n, 16) for n in line.split()) for p, line in zip(where, lines)}
    assert got == {p: tuple(port_value(table, p, w) for w in (1, 2, 4)) for p in where}


# HTIF ------------------------------------------------------------------------------------

@pytest.mark.parametrize("model", ["functional", "pipeline"])
def test_every_width_of_htif(model, tmp_path):
    """PL-9: a request by every store, for a call at an address that is none; it leaves 0."""
    if model == "pipeline":
        tools.need_pipeline()
    stores = {**dict.fromkeys(STORES, "%0, (%1)"), **dict.fromkeys(SCS, "t0, %0, (%1)"),
              **{a: "zero, %0, (%1)" for a in AMOS if "and" not in a and "min" not in a}}
    checks = "\n".join(f'    __asm__ volatile("lr.{"w" if ALL[s] < 8 else "d"} t0, (%1); {s} {form}" '
                       ': : "r"(2), "r"(&tohost) : "t0", "memory");\n    CHECK_EQUAL(tohost, 0);'
                       for s, form in stores.items())
    source = tmp_path / "htif.c"
    source.write_text('#include "board.h"\nvolatile u64 tohost __attribute__((aligned(64)));\n'
                      f"int main(u64 hart, u64 tree)\n{{\n    (void)hart;\n    (void)tree;\n{checks}\n    return 0;\n}}\n")
    programs.on_visa(programs.build(tmp_path, source), "--model", model).ok()
