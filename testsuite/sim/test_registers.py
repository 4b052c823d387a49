"""--registers: every register by name, as the program left it, and as reset left it."""

import pytest
import tables
from harness import tools

ISA = tables.load(tools.SRC / "isa")
RAM = 128 << 20
DTB_IN = range(0x80000000, 0x80000000 + RAM)


def registers(run, elf, *args):
    """Of all harts; values are numbers."""
    result = run(elf, "--registers", *args)
    return result, [{name: int(value, 0) for name, value in hart.items()} for hart in result.stats["registers"]]


def test_reset(assemble, run):
    """A reset hart (MM-1, TR-1): Ring -1, a0 its number, a1 the tree; stimecmp never fires, all else is 0."""
    _, harts = registers(run, assemble("_start: j _start\n"), "-n", "2", "--harts", "2")
    for number, hart in enumerate(harts):
        assert hart.pop("pc") == 0x80000000 and hart.pop("ring") == 3
        assert hart.pop("x10") == number and hart.pop("x11") in DTB_IN
        assert hart.pop("stimecmp") == hart.pop("host_stimecmp") == 2**64 - 1
        assert hart.pop("mstatus") == 0xa00000000 and hart.pop("sstatus") == 0x200000000  # SXL, UXL
        assert not any(hart.values()), {k: v for k, v in hart.items() if v}


PLAIN = [s for s in ISA.state if s.all_of_csr and s.number_of_csr >> 10 != 3 and s.name != "viselect"]


@pytest.mark.parametrize("row", PLAIN, ids=lambda s: s.name)
def test_all_ones(row, assemble, run):
    """What is written is there in the bits that are writable, and csrr reads the same."""
    elf = assemble(f"_start: li t0, -1\n csrw {row.name}, t0\n csrr s3, {row.name}\n1: j 1b\n")
    _, (hart,) = registers(run, elf, "-n", "4")
    assert hart[row.name] == hart["x19"] == row.writable


def test_as_instructions_read_it(assemble, run):
    """Registers of which a CSR shows more than they hold are what csrr reads."""
    names = ["mstatus", "sstatus", "sie", "sip", "mip", "stimecmp", "satp", "menvcfg", "pmpaddr3"]
    text = """_start:
    li t0, -1
    csrw mideleg, t0
    csrw mie, t0
    csrw mip, t0
    csrw sstatus, t0
    csrw pmpaddr3, t0
    li t0, 8 << 60 | 0x80001
    csrw satp, t0
"""
    text += "".join(f"    csrr x{5 + n}, {name}\n" for n, name in enumerate(names)) + "1: j 1b\n"
    _, (hart,) = registers(run, assemble(text), "-n", "22")
    for n, name in enumerate(names):
        assert hart[name] == hart[f"x{5 + n}"], name
    assert hart["sstatus"] == 0x2000c0122 and hart["sie"] == 0x222 and hart["satp"] == 8 << 60 | 0x80001
    assert hart["mip_set"] == 0x220 and hart["pmpaddr3"] == 2**54 - 1 & ~0x3ff  # off: a granule of 4 KiB


GUEST = """_start:
    la s0, vmcs
    li t0, {REVISION}
    sd t0, 0(s0)
    la t0, guest
    sd t0, 8*{PC}(s0)
    li t0, 0x1234
    sd t0, 8*{SSCRATCH}(s0)
    li t0, 0x4321
    csrw sscratch, t0
    li s1, 77
    vmenter s0
guest:
    li s1, 99
    csrr s2, sscratch
1:  j 1b
    .balign 4096
vmcs: .zero 4096
"""


def test_in_a_guest(assemble, run):
    """The bank in force is the guest's, the host's stands aside."""
    numbers = {f.name.upper(): f.first for f in ISA.vmcs}
    revision = next(c.value for c in ISA.consts if c.name == "REVISION")
    elf = assemble(GUEST.format(REVISION=revision, **{k: numbers[k] for k in ("PC", "SSCRATCH")}))
    result, (hart,) = registers(run, elf, "-n", "100")
    nm = tools.execute([tools.tool("riscv64-unknown-elf-nm"), elf]).ok().stdout
    symbols = {line.split()[2]: int(line.split()[0], 16) for line in nm.splitlines()}
    assert hart["v"] == 1 and hart["ring"] == 1 and hart["pc"] == symbols["guest"] + 8
    assert hart["x9"] == 99 and hart["host_x9"] == 77
    assert hart["sscratch"] == hart["x18"] == 0x1234 and hart["host_sscratch"] == 0x4321
    assert hart["vmcs"] == symbols["vmcs"] and hart["host_pc"] == symbols["guest"]
    assert "registers of hart 0 in Ring 0 of VM 0:" in result.stderr
    words = result.stderr.split()
    assert words[words.index("s1") + 1] == f"{99:#018x}" and words[words.index("host_x9") + 1] == f"{77:#018x}"


def test_gdb_numbers():
    """gdb's of RISC-V: x0 to x31, pc 32, CSRs from 65 on."""
    by_name = {s.name: s.gdb for s in ISA.state}
    assert [by_name[f"x{n}"] for n in range(32)] == list(range(32)) and by_name["pc"] == 32
    assert by_name["mepc"] == 65 + 0x341 and by_name["satp"] == 65 + 0x180 and by_name["tls"] is None


def test_only_when_asked(assemble, run):
    result = run(assemble("_start: j _start\n"), "-n", "2")
    assert "registers" not in result.stats and "registers" not in result.stderr
