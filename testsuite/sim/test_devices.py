"""Devices of the board, by programs that run here and, where the platform is the same, on QEMU.

The programs check the registers against the devices' data sheets and say which line failed."""

import subprocess

import pytest

from harness import tools
from sim import programs


def visa(tmp_path, source, *args, build=(), **how):
    return programs.on_visa(programs.build(tmp_path, source, *build), *args, **how)


@pytest.mark.parametrize("name", ["uart", "clint", "plic", "faults", "pci"])
def test_device(name, tmp_path):
    """BA-13, PL-3, PL-13, PL-14."""
    visa(tmp_path, f"{name}.c").ok()


@pytest.mark.parametrize("name", ["uart", "clint", "plic", "faults"])
def test_device_witness(name, tmp_path):
    programs.on_qemu(programs.build(tmp_path, f"{name}.c")).ok()


@pytest.mark.parametrize("name, define", [("overrun", "-DOWN"), ("uart", "-DOWN"), ("clint", "-DOWN"),
                                          ("plic", "-DLEVELS"), ("faults", "-DOWN")])
def test_device_beyond_witness(name, define, tmp_path):
    """What QEMU 7.2 does otherwise than the data sheets, or does not tell (time: PL-3)."""
    visa(tmp_path, f"{name}.c", build=[define]).ok()


def test_empty_virtio_slots(tmp_path):
    """PL-16: both print the same for every register and width, and fault at the same places."""
    elf = programs.build(tmp_path, "virtio.c")
    ours, qemu = programs.on_visa(elf).ok().stdout, programs.on_qemu(elf).ok().stdout
    assert ours == qemu
    # of each slot, before and after writes: 3 registers at 1, 2 and 4 bytes, 2 pairs at 8
    assert len(ours.splitlines()) == 8 * 2 * (3 * 3 + 2)


def test_timer_in_cycles(tmp_path):
    """The same levels where time is cycles."""
    tools.need_pipeline()
    visa(tmp_path, "clint.c", "--model", "pipeline", build=["-DOWN"]).ok()


@pytest.mark.parametrize("harts", [2, 3, 4])
def test_software_interrupts_between_harts(harts, tmp_path):
    elf = programs.build(tmp_path, "ipi.c", f"-DHARTS={harts}")
    programs.on_visa(elf, "--harts", harts).ok()
    programs.on_qemu(elf, "-smp", str(harts)).ok()


# The console -----------------------------------------------------------------------------

TEXT = "Hello, input over more than sixteen bytes of a FIFO." # up to the full stop
ECHOED = TEXT.upper()


def echo(tmp_path, trigger):
    return programs.build(tmp_path, "echo.c", *([] if trigger is None else [f"-DINTERRUPTS={trigger}"]))


@pytest.mark.parametrize("trigger", [None, 0x00, 0x40, 0xc0])
def test_input_from_file(trigger, tmp_path):
    (tmp_path / "in").write_text(TEXT + "not read any more")
    result = programs.on_visa(echo(tmp_path, trigger), "--uart-in", tmp_path / "in").ok()
    assert result.stdout == ECHOED


@pytest.mark.parametrize("trigger", [None, 0x00, 0xc0])
def test_input_from_pipe(trigger, tmp_path):
    elf = echo(tmp_path, trigger)
    result = programs.on_visa(elf, "--uart-in", "-", stdin=TEXT).ok()
    assert result.stdout == ECHOED


@pytest.mark.parametrize("defines", [[], ["-DINTERRUPTS=0", "-DNO_FIFO"]])
def test_input_witness(defines, tmp_path):
    elf = programs.build(tmp_path, "echo.c", *defines)
    assert programs.on_qemu(elf, stdin=TEXT).ok().stdout == ECHOED


def test_input_ends(tmp_path):
    """A program that waits for an interrupt of an input that is at its end waits for ever."""
    (tmp_path / "in").write_text("abc")
    result = programs.on_visa(echo(tmp_path, 0), "--uart-in", tmp_path / "in")
    assert (result.code, result.stdout) == (123, "ABC"), str(result)


def test_no_input(tmp_path):
    """Without --uart-in, a standard input that is no terminal is left alone."""
    result = programs.on_visa(echo(tmp_path, None), "-n", "100000", stdin=TEXT)
    assert (result.code, result.stdout) == (122, ""), str(result)


def test_flow_control(tmp_path):
    """Once software has programmed MCR, nothing is received until it asserts RTS; and
    resetting the FIFO loses nothing."""
    source = tmp_path / "flow.c"
    source.write_text("""
#include "board.h"
int main(u64 hart, u64 tree)
{
    (void)hart; (void)tree;
    CHECK_EQUAL(UART_REG(LSR) & 1, 1);
    UART_REG(MCR) = 0;
    CHECK_EQUAL(UART_REG(LSR) & 1, 0);
    (void)UART_REG(RBR);
    UART_REG(MCR) = 2;
    CHECK_EQUAL(UART_REG(LSR) & 1, 1);
    UART_REG(FCR) = 7;
    UART_REG(FCR) = 0;
    CHECK_EQUAL(UART_REG(RBR), 'a');
    CHECK_EQUAL(UART_REG(RBR), 'b');
    CHECK_EQUAL(UART_REG(LSR) & 1, 0);
    return 0;
}
""")
    (tmp_path / "in").write_text("ab")
    visa(tmp_path, source, "--uart-in", tmp_path / "in").ok()


def test_output_of_every_byte(tmp_path):
    """256 bytes of any value come out as they went in."""
    source = tmp_path / "bytes.c"
    source.write_text("""
#include "board.h"
int main(u64 hart, u64 tree)
{
    (void)hart; (void)tree;
    for (int i = 0; i < 256; i++)
        put((char)i);
    return 0;
}
""")
    elf = programs.build(tmp_path, source)
    out = subprocess.run([tools.tool("visa-sim"), elf], stdout=subprocess.PIPE, timeout=60, check=True).stdout
    assert out == bytes(range(256))


# Ports, finisher -------------------------------------------------------------------------

def test_ports(tmp_path):
    """PL-4, IO-6."""
    assert visa(tmp_path, "ports.c").ok().stdout == "uport\n"


def finisher(tmp_path, word, width="REG32", *args):
    return programs.build(tmp_path, "finisher.c", f"-DWORD={word:#x}", f"-DWIDTH={width}", *args)


@pytest.mark.parametrize("word, width, code", [
    (0x5555, "REG32", 0), (0x5555, "REG16", 0), (0x3333 | 42 << 16, "REG32", 42),
    (0x3333 | 255 << 16, "REG32", 255), (0x3333 | 1 << 16, "REG32", 1), (0x1111, "REG32", 9),
])
def test_finisher(word, width, code, tmp_path):
    """PL-8."""
    elf = finisher(tmp_path, word, width, *([] if code == 9 else ["-DENDS"]))
    assert programs.on_visa(elf).code == code
    assert programs.on_qemu(elf).code == code


@pytest.mark.parametrize("word, code", [(0x3333, 1), (0x3333 | 256 << 16, 255), (0x3333 | 0xffff << 16, 255)])
def test_failure_never_looks_like_success(word, code, tmp_path):
    assert programs.on_visa(finisher(tmp_path, word)).code == code


def test_reset_ends_the_run(tmp_path):
    result = programs.on_visa(finisher(tmp_path, 0x7777)).ok()
    assert "reset" in result.stderr


# HTIF ------------------------------------------------------------------------------------

def test_htif(tmp_path):
    """PL-9."""
    (tmp_path / "in").write_text("xyz.\n")
    elf = programs.build(tmp_path, "htif.c", "-DEXIT=0")
    result = programs.on_visa(elf, "--uart-in", tmp_path / "in").ok()
    assert result.stdout == f"console\nwritten\n{elf}\n"


def test_htif_arguments(tmp_path):
    (tmp_path / "in").write_text("xyz.\n")
    elf = programs.build(tmp_path, "htif.c", "-DEXIT=0")
    result = tools.execute([tools.tool("visa-sim"), "--uart-in", tmp_path / "in", elf, "-n", "two words"]).ok()
    assert result.stdout.endswith(f"{elf} -n two words\n")


@pytest.mark.parametrize("define, code", [("-DEXIT=1", 1), ("-DEXIT=77", 77), ("-DSYS_EXIT=5", 5),
                                          ("-DSYS_EXIT=0", 0), ("-DEXIT=1337", 255)])
def test_htif_exit_code(define, code, tmp_path):
    (tmp_path / "in").write_text("xyz.\n")
    elf = programs.build(tmp_path, "htif.c", define, *(["-DEXIT=9"] if "SYS" in define else []))
    result = programs.on_visa(elf, "--uart-in", tmp_path / "in")
    assert result.code == code, str(result)


# Device tree -----------------------------------------------------------------------------

def tree_source(tmp_path, *args):
    blob = tmp_path / "t.dtb"
    tools.execute([tools.tool("visa-sim"), *args, "--dump-dtb", blob]).ok()
    return tools.execute([tools.tool("dtc"), "-I", "dtb", "-O", "dts", "-q", blob]).ok().stdout


def test_tree_is_at_the_top_of_ram(tmp_path):
    """a1 points at the tree's magic number, in the last megabyte of RAM (PL-5)."""
    for ram in ["16M", "128M"]:
        result = visa(tmp_path, "tree.c", "--ram", ram).ok()
        address, word = (int(w, 16) for w in result.stdout.split())
        top = 0x80000000 + (int(ram[:-1]) << 20)
        assert top - (1 << 20) <= address < top
        assert word.to_bytes(4, "little") == b"\xd0\x0d\xfe\xed"


def test_tree_content(tmp_path):
    """PL-1, TM-2."""
    text = tree_source(tmp_path, "--ram", "64M", "--harts", "2", "--bootargs", 'console=ttyS0 "x"')
    assert "reg = <0x00 0x80000000 0x00 0x4000000>" in text
    assert text.count('device_type = "cpu"') == 2
    assert 'bootargs = "console=ttyS0 \\"x\\""' in text
    assert 'stdout-path = "/soc/serial@10000000"' in text
    assert "timebase-frequency = <0x989680>" in text
    assert 'mmu-type = "riscv,sv48"' in text


def properties(text):
    """{path of node: {property: text}} of dtc's output."""
    nodes, path = {}, []
    for line in text.splitlines():
        line = line.strip()
        if line.endswith("{"):
            path.append(line[:-1].strip())
            nodes["/".join(path)[1:] or "/"] = {}
        elif line == "};":
            path.pop()
        elif line.endswith(";") and path:
            name, _, value = line[:-1].partition(" = ")
            nodes["/".join(path)[1:] or "/"][name] = value
    return nodes


def test_tree_witness(tmp_path):
    """The devices that both have are described as QEMU describes them."""
    blob = tmp_path / "q.dtb"
    tools.execute([tools.tool("qemu-system-riscv64"), "-machine", f"virt,dumpdtb={blob}", "-smp", "2",
                   "-m", "64M", "-display", "none"])
    qemu = properties(tools.execute([tools.tool("dtc"), "-I", "dtb", "-O", "dts", "-q", blob]).ok().stdout)
    ours = properties(tree_source(tmp_path, "--ram", "64M", "--harts", "2"))
    handles = {"phandle", "interrupt-parent", "regmap", "interrupts-extended",
               "interrupt-map", "interrupt-map-mask", "ranges"}
    for node in ["/soc", "/soc/test@100000", "/soc/clint@2000000", "/soc/plic@c000000", "/poweroff", "/reboot",
                 "/soc/serial@10000000", *(f"/soc/virtio_mmio@1000{n}000" for n in range(1, 9)), "/soc/pci@30000000", "/memory@80000000", "/cpus", "/cpus/cpu@1/interrupt-controller"]:
        for name, value in qemu[node].items():
            if name in handles:
                assert name in ours[node], f"{node} has no {name}"
            elif name == "riscv,ndev":  # of QEMU's 96, 0 is none: 10 leaves it out
                assert int(value.strip("<>"), 16) in (95, 96) and ours[node][name] == "<0x60>"
            elif name != "clock-frequency":
                assert ours[node].get(name) == value, f"{node} {name}"
    cells = [int(c, 16) for c in ours["/soc/plic@c000000"]["interrupts-extended"].strip("<>").split()]
    assert cells[1::2] == [11, 9, 11, 9]
    # PCI: the window of 32-bit memory is among QEMU's, and device 1's INTA goes where QEMU's does
    def rows(tree, name, size):
        words = tree["/soc/pci@30000000"][name].strip("<>").split()
        return [[int(w, 16) for w in words[i:i + size]] for i in range(0, len(words), size)]
    assert all(row in rows(qemu, "ranges", 7) for row in rows(ours, "ranges", 7))
    theirs = {tuple(row[:4]): row[5] for row in rows(qemu, "interrupt-map", 6)}
    assert [theirs[tuple(row[:4])] for row in rows(ours, "interrupt-map", 6)] == [33]
    plic = int(ours["/soc/plic@c000000"]["phandle"].strip("<>"), 16)
    assert [row[4] for row in rows(ours, "interrupt-map", 6)] == [plic]
