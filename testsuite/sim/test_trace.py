"""Traces: every part of a line, its selection, and both formats telling the same."""

import json
import re

import pytest

from harness import tools
from sim import programs

NUMBER = 3
GPA, RAM = 0x40000000, 0x80000000

LINE = re.compile(r"""
    \s*(?P<instret>\d+)\ h(?P<hart>\d+)\ (?P<ring>R-1|R0\ |R3\ )\ (?:V\ vm=(?P<vm>\d+)\ )?
    0x(?P<pc>[0-9a-f]+)(?:->0x(?P<pc2>[0-9a-f]+))?(?:->0x(?P<pc3>[0-9a-f]+))?
    (?:\ <(?P<symbol>[^>]+)>)?:\ (?P<insn>-|[0-9a-f]{4}|[0-9a-f]{8})(?:\ (?P<disasm>[^|]*?))?
    (?P<parts>(?:\ \|\ .*)?)""", re.X)


@pytest.fixture
def vm(tmp_path):
    return programs.build(tmp_path, "vm.c", f"-DVM_NUMBER={NUMBER}")


@pytest.fixture
def symbols(vm):
    text = tools.execute([tools.tool("riscv64-unknown-elf-nm"), vm]).ok().stdout
    return {n: int(a, 16) for a, _, n in (line.split() for line in text.splitlines())}


def trace(elf, *args, code=0):
    """The lines of a trace, taken apart."""
    path = elf.parent / "trace"
    result = programs.on_visa(elf, f"--trace={path}", *args)
    assert result.code == code, str(result)
    lines = []
    for text in tools.trace_lines(path.read_text()):
        m = LINE.fullmatch(text)
        assert m, f"not a line of a trace: {text}"
        lines.append(m.groupdict() | {"text": text, "parts": m["parts"].split(" | ")[1:]})
    return lines


def json_trace(elf, *args):
    path = elf.parent / "trace.json"
    programs.on_visa(elf, f"--trace={path}", "--trace-format", "json", *args).ok()
    return tools.trace_records(path.read_text())


def at(lines, guest):
    """The record at a symbol of the guest, which sees itself at virtual address 0."""
    found = [l for l in lines if l["vm"] and l["pc"] == f"{guest - RAM:x}"]
    assert len(found) == 1, [l["text"] for l in found]
    return found[0]


def levels(hpa):
    return f"0x{hpa - RAM:x}->0x{hpa - RAM + GPA:x}->0x{hpa:x}"


def test_instructions(vm, symbols):
    """Counted from 0, in Ring -1 at their physical address, by symbol."""
    lines = trace(vm)
    retired = [l for l in lines if not any(p.startswith(("exit", "exception")) for p in l["parts"])]
    assert [int(l["instret"]) for l in retired] == list(range(len(retired)))
    first = lines[0]
    assert (int(first["pc"], 16), first["pc2"], first["symbol"]) == (RAM, None, "_start")
    assert first["ring"] == "R-1" and first["vm"] is None
    inside = next(l for l in lines if l["symbol"] and l["symbol"].startswith("main+0x"))
    assert int(inside["pc"], 16) == symbols["main"] + int(inside["symbol"].split("+")[1], 16)


def test_loads_and_stores_of_a_guest(vm, symbols):
    """Registers, and addresses at all three levels."""
    lines, data = trace(vm), symbols["data"]
    value = 0x1122334455667788
    load = at(lines, symbols["guest_load"])
    assert load["parts"] == [f"a0=0x{value:x}", f"load64 {levels(data)} 0x{value:x}"]
    assert f"0x{load['pc']}->0x{load['pc2']}->0x{load['pc3']}" == levels(symbols["guest_load"])
    assert (load["vm"], load["ring"], load["insn"]) == (str(NUMBER), "R0 ", "0005b503")
    store = at(lines, symbols["guest_store"])
    assert store["parts"] == [f"store32 {levels(data + 8)} 0x55667788"]
    amo = at(lines, symbols["guest_amo"])
    low = value & 0xffffffff
    assert amo["parts"] == [f"a2=0x{low:x}", f"amo32 {levels(data)} 0x{low:x} -> 0x{2 * low & 0xffffffff:x}"]


def test_symbols_by_physical_address(vm, symbols):
    """A guest that runs elsewhere than it was linked is named by where its bytes are."""
    assert at(trace(vm), symbols["guest_store"])["symbol"] == "guest_store"


EXITS = {  # symbol: cause, filter, fields of VMQUAL, then VMADDR, VMGPA, VMVAL where they are not 0
    "guest_out": ("0x02 IO", "VMTRAPCFG b0 IO",
                  "reg=a0 write=1 width=1 mmio=0 signed=0 atomic=0 float=0 port=0x3f8", {}),
    "guest_call": ("0x07 HYPERCALL", "always", "number=0x123 ecall=0", {}),
    "guest_ecall": ("0x07 HYPERCALL", "always", "number=0 ecall=1", {}),
    "guest_fault": ("0x04 PAGEFAULT", "VMTRAPCFG b4 PF", "access=load exception=LOAD_PAGE",
                    {"VMADDR": 0x80000000}),
    "guest_host": ("0x09 HOSTFAULT", "always",
                   "access=load walk=0 denied=0 width=8 signed=0 atomic=0 float=0 reg=a5",
                   {"VMADDR": 0x40000000, "VMGPA": 0x100000000}),
    "guest_msr": ("0x08 MSR", "VMTRAPCFG b2 MSR", "reg=a5 write=0 msr=0xc0000100", {}),
    "guest_wfi": ("0x0a HALT", "VMTRAPCFG b6 HALT", "", {}),
}


@pytest.mark.parametrize("name", EXITS)
def test_exits(name, vm, symbols):
    cause, why, fields, values = EXITS[name]
    line = at(trace(vm), symbols[name])
    part = line["parts"][-1]
    m = re.fullmatch(r"exit (0x\w\w \w+) \((.*?)\):((?: [a-z0-9]+=\w+)*) VMQUAL=0x\w+ (VMADDR.*) -> 0x(\w+)", part)
    assert m, part
    assert (m[1], m[2], m[3].strip()) == (cause, why, fields)
    shown = dict(w.split("=") for w in m[4].split())
    for what, value in values.items():
        assert int(shown[what], 16) == value
    assert symbols["main"] <= int(m[5], 16) < symbols["main"] + 0x1000  # where Ring -1 goes on


def test_exit_of_a_control_register(vm, symbols):
    line = at(trace(vm), symbols["guest_satp"] + 4)
    part = line["parts"][-1]
    value = 8 << 60 | (symbols["guest_table"] - RAM + GPA) >> 12
    assert part.startswith("exit 0x03 CRWRITE (VMTRAPCFG b3 CR3): rd=zero rs1=a4 op=1 immediate=0 cr=3 csr=satp")
    assert f"VMVAL=0x{value:x} " in part


def test_entries(vm, symbols):
    """A refused entry names the field, one that succeeds the VM; both are instructions."""
    lines = trace(vm, "--trace-events")
    entries = [l for l in lines if "entry" in l["parts"][-1]]
    assert entries[0]["parts"][-1].startswith("entry refused: field=ring VMADDR=0x1")
    start = symbols["guest"] - RAM
    assert entries[1]["parts"][-1] == f"entry vm={NUMBER} VMCS=0x{symbols['vmcs']:x} -> 0x{start:x}"
    assert len(entries) == 1 + 9
    assert all(l["ring"] == "R-1" for l in entries)


def test_exceptions_and_interrupts(tmp_path):
    lines = trace(programs.build(tmp_path, "faults.c"), "--trace-events")
    shown = [l["parts"][-1].split(" -> ")[0] for l in lines]
    assert shown[0] == "exception 5 LOAD_ACCESS tval=0x18000000"
    assert shown[1] == "exception 7 STORE_ACCESS tval=0x18000001"
    assert len(shown) == 6
    lines = trace(programs.build(tmp_path, "clint.c"), "--trace-events")
    assert [l["parts"][-1].split(" -> ")[0] for l in lines] == ["interrupt 7 MTI", "interrupt 3 MSI"]
    assert all(l["insn"] == "-" for l in lines)


def test_disassembly(tmp_path):
    """Bits and mnemonics as binutils has them, and operands where both write them alike."""
    elf = programs.build(tmp_path, "uart.c")
    text = tools.execute([tools.tool("riscv64-unknown-elf-objdump"), "-d", "-M", "no-aliases", elf]).ok().stdout
    known = {m[1]: m for m in re.finditer(r"^\s*([0-9a-f]+):\s+([0-9a-f]+)\s+(\S+)[ \t]*(\S*)", text, re.M)}
    seen = {l["pc"]: l for l in trace(elf, "--trace-to", 5000)}
    alike = 0
    for pc, line in seen.items():
        name, _, operands = line["disasm"].partition(" ")
        assert (line["insn"], name) == (known[pc][2].zfill(4), known[pc][3]), line["text"]
        if not re.search("0x", operands + known[pc][4]) and name not in ("jal", "c.j") and name[0] != "b":
            assert operands == known[pc][4], line["text"]
            alike += 1
    assert len(seen) > 100 and alike > 50


def test_selection(vm):
    everything = [l["text"] for l in trace(vm)]

    def where(lines, **what):
        return [l for l in lines if all(l[k] == v for k, v in what.items())]

    some = trace(vm, "--trace-from", 10, "--trace-to", 20)
    assert [l["text"] for l in some] == [t for t in everything if 10 <= int(t.split()[0]) <= 20]
    assert len(some) == 11
    inside = trace(vm, "--trace-vm", NUMBER)
    assert [l["text"] for l in inside if l["vm"]] == [l["text"] for l in where(trace(vm), vm=str(NUMBER))]
    assert all(l["parts"][-1].startswith(f"entry vm={NUMBER} ") for l in inside if not l["vm"])
    assert trace(vm, "--trace-vm", NUMBER + 1) == []
    events = trace(vm, "--trace-events")
    assert [l["text"] for l in events] == [t for t in everything if re.search(r"\| (exit|entry|exc|int)", t)]


def test_exits_alone(vm, symbols):
    """--trace-exits: the same events without the instructions between, told by the guest's pc."""
    lines = trace(vm, "--trace-exits")
    full = [l["parts"][-1].split(" -> ")[0] for l in trace(vm)
            if l["parts"] and l["parts"][-1].startswith(("exit", "entry"))]
    assert [l["parts"][-1] for l in lines] == full
    assert len(lines) == 1 + 18 and lines[0]["parts"][-1].startswith("entry refused")


def test_to_standard_error(vm):
    result = programs.on_visa(vm, "--trace", "--trace-to", 3).ok()
    assert len(tools.trace_lines(result.stderr)) == 4 and result.stdout == ""


def test_json(vm, symbols):
    """One object a line, the same records as the text."""
    records, lines = json_trace(vm), trace(vm)
    assert len(records) == len(lines)
    assert [r["seq"] for r in records] == list(range(len(records)))
    for r, l in zip(records, lines):
        assert (r["instret"], r["pc"]) == (int(l["instret"]), f"0x{l['pc']}")
        assert r["v"] == bool(l["vm"])
        assert ("insn" in r) == (l["insn"] != "-")
    load = next(r for r in records if r["v"] and r["pc"] == hex(symbols["guest_load"] - RAM))
    value = 0x1122334455667788
    assert load["mem"] == {"kind": "load", "size": 8, "gva": hex(symbols["data"] - RAM),
                           "gpa": hex(symbols["data"] - RAM + GPA), "hpa": hex(symbols["data"]),
                           "value": hex(value)}
    assert (load["rd"], load["rd_value"], load["retired"], load["ring"]) == (10, hex(value), True, 0)
    assert (load["vmid"], load["vmcs"]) == (NUMBER, hex(symbols["vmcs"]))
    out = next(r for r in records if r["v"] and r["pc"] == hex(symbols["guest_out"] - RAM))
    assert out["retired"] is False
    event = out["event"]
    assert (event["kind"], event["cause"], event["name"], event["filter"]) == ("exit", 2, "IO", "IO")
    assert event["fields"]["port"] == 0x3f8 and event["fields"]["write"] == 1
    assert int(event["qual"], 16) >> 16 & 0xffff == 0x3f8
    refused = next(r for r in records if r.get("event", {}).get("kind") == "entryfail")
    assert refused["event"]["fields"] == {"field": 98}
    assert records[0]["symbol"] == "_start"


def test_json_of_events(tmp_path):
    events = [r["event"] for r in json_trace(programs.build(tmp_path, "faults.c"), "--trace-events")]
    assert events[0] == {"kind": "exception", "cause": 5, "name": "LOAD_ACCESS", "tval": "0x18000000"}
