"""The command line of visa-sim: options, messages, exit statuses, signals, the terminal."""

import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import time

import pytest

from harness import tools
from sim import programs
from sim.elf import PASS, Segment, elf

OUTPUT, USAGE, IMAGE, LIMIT, DEADLOCK, TIMEOUT, TRAP_LOOP, STOPPED = 119, 120, 121, 122, 123, 124, 125, 130

LOOP = struct.pack("<I", 0x0000006F)                       # j .
WFI = struct.pack("<2I", 0x10500073, 0x0000006F)           # wfi; j .
FAULT = struct.pack("<I", 0)                               # illegal, and mtvec is 0 at reset


def visa(*args, **how):
    return tools.execute([tools.tool("visa-sim"), *args], **how)


@pytest.fixture
def image(tmp_path):
    """A function that makes an ELF file of these instructions."""
    def make(code=PASS, name="x.elf"):
        path = tmp_path / name
        path.write_bytes(elf(Segment(code)))
        return path
    return make


def says(result, code, *words):
    assert result.code == code, str(result)
    for word in words:
        assert word in result.stderr, f"no '{word}':\n{result}"


# Usage -------------------------------------------------------------------------------------

def test_help_names_every_option(src_dir):
    """--help and the manual page have the same options."""
    text = visa("--help").ok().stdout
    options = set(re.findall(r"--[a-z][a-z0-9-]*", text))
    page = (src_dir / "man" / "visa-sim.1.rst").read_text()
    documented = set(re.findall(r"^(?:-\w, )?(--[a-z][a-z0-9-]*)", page, re.M))
    assert options == documented
    assert len(options) > 20


def test_version():
    assert re.fullmatch(r"visa-sim \d+\.\d+\.\d+\n", visa("--version").ok().stdout)


@pytest.mark.parametrize("args, words", [
    ([], ["no image"]),
    (["--no-such-option", "x"], ["no option --no-such-option"]),
    (["-Z", "x"], ["no option -Z"]),
    (["--ram"], ["--ram: missing SIZE"]),
    (["-m"], ["--ram: missing SIZE"]),
    (["--quiet=yes", "x"], ["--quiet takes no value"]),
    (["--ram", "lots", "x"], ["--ram: 'lots' is not a size"]),
    (["--ram", "1T", "x"], ["--ram: '1T' is not a size"]),
    (["--ram", "99999999999999999999", "x"], ["is not a size"]),
    (["--ram", "17179869184G", "x"], ["is not a size"]),
    (["--ram", "-1", "x"], ["'-1' is not a size"]),
    (["--ram", "4095", "x"], ["--ram: machine.ram must be 1M to 64G, not 4095"]),
    (["--ram", "1048577", "x"], ["machine.ram must be a multiple of 4K"]),
    (["--harts", "0", "x"], ["harts must be 1 to 64"]),
    (["--harts", "65", "x"], ["harts must be 1 to 64"]),
    (["--harts", "4294967297", "x"], ["harts must be 1 to 64"]),
    (["--harts", "two", "x"], ["--harts: 'two' is not a number"]),
    (["--max-insns", "1e6", "x"], ["--max-insns: '1e6' is not a number"]),
    (["--max-insns", "", "x"], ["'' is not a number"]),
    (["--model", "quantum", "x"], ["no model 'quantum'", "functional"]),
    (["--pool", "0", "x"], ["pool"]),
    (["--tlb-l1", "999999", "x"], ["--tlb-l1: tlb.l1 must be 1 to 512, not 999999"]),
    (["--tlb-l2", "100", "x"], ["tlb.l2 must be tlb.l2_ways times"]),
    (["--time", "x", "x"], ["--time: time.source must be instret or cycles, not 'x'"]),
    (["--raw", "here", "x"], ["--raw: 'here' is not a number"]),
    (["--load", "x@y", "x"], ["--load: 'y' is not a number"]),
    (["--trace-format", "xml", "x"], ["no trace format 'xml'", "text or json"]),
    (["--trace-vm", "16384", "x"], ["not a VMID"]),
])
def test_usage(args, words):
    result = visa(*args)
    says(result, USAGE, "visa-sim: ", *words)
    assert result.stderr.count("\n") == 1 and result.stdout == ""


def test_too_many_files(image):
    args = [a for _ in range(17) for a in ("--load", "x")]
    says(visa(*args, image()), USAGE, "--load: more than 16 files")


def test_missing_input(image, tmp_path):
    says(visa("--uart-in", tmp_path / "none", image()), USAGE, "--uart-in", "none", "No such file")


@pytest.mark.parametrize("args", [["--trace=/none/x"], ["--stats", "/none/x"], ["--dump-dtb", "/none/x"]])
def test_output_cannot_be_opened(args, image):
    says(visa(*args, image()), OUTPUT, "/none/x", "cannot be written", "No such file")


@pytest.mark.parametrize("args", [["--trace=/dev/full"], ["--stats", "/dev/full"]])
def test_output_cannot_be_written(args, image):
    says(visa(*args, image()), OUTPUT, "/dev/full", "could not be written completely")


def test_console_cannot_be_written(tmp_path):
    program = programs.build(tmp_path, "tree.c")
    with open("/dev/full", "w") as full:
        p = subprocess.run([tools.tool("visa-sim"), program], stdout=full, stderr=subprocess.PIPE, text=True,
                           timeout=60)
    assert p.returncode == OUTPUT
    assert "standard output could not be written" in p.stderr


@pytest.mark.parametrize("size", ["1M", "1024K", "1048576", "0x100000"])
def test_sizes(size, image):
    visa("--ram", size, image()).ok()


def test_image_outside_small_ram(tmp_path):
    (tmp_path / "x").write_bytes(elf(Segment(paddr=0x80000000 + (8 << 20)), entry=0x80000000 + (8 << 20)))
    visa("--ram", "16M", tmp_path / "x").ok()
    says(visa("--ram", "8M", tmp_path / "x"), IMAGE, "outside RAM [0x80000000, 0x80800000)")


def test_tree_without_image(tmp_path):
    """--dump-dtb alone writes the tree and runs nothing."""
    visa("--dump-dtb", tmp_path / "t").ok()
    assert (tmp_path / "t").read_bytes()[:4] == b"\xd0\x0d\xfe\xed"


def test_long_bootargs(tmp_path):
    """The longest that a command line can carry."""
    text = "x" * 120000
    visa("--bootargs", text, "--dump-dtb", tmp_path / "t").ok()
    assert text.encode() + b"\0" in (tmp_path / "t").read_bytes()


# Ends of a run -------------------------------------------------------------------------------

def test_limit(image):
    """Exactly as many instructions as were asked for."""
    for n in [1, 2, 999, 12345]:
        result = visa("--max-insns", n, "--stats", "-", image(LOOP))
        says(result, LIMIT, f"stopped after {n} instructions (--max-insns)", "hart 0: pc 0x80000000")
        assert json.loads(result.stdout)["instret"] == n


def test_limit_counts_all_harts(image):
    """Exactly, also where the last round of turns does not come to its end."""
    for n in [1, 64, 65, 5000, 5001]:
        result = visa("--max-insns", n, "--harts", 3, "--quantum", 64, "--stats", "-", image(LOOP))
        says(result, LIMIT, "hart 0:", "hart 1:", "hart 2:")
        assert json.loads(result.stdout)["instret"] == n


def test_program_that_ends_before_its_limit(image):
    visa("--max-insns", 100, image()).ok()


def test_deadlock(image):
    """PL-11."""
    says(visa(image(WFI)), DEADLOCK, "deadlock", "hart 0: pc 0x80000004", "waits (wfi)")


def test_trap_loop(image):
    """A fault whose handler cannot be fetched either (PL-12, TR-8)."""
    says(visa(image(FAULT)), TRAP_LOOP, "trap loop", "hart 0: pc ")


def test_timeout(image):
    start = time.monotonic()
    says(visa("--timeout", 1, image(LOOP)), TIMEOUT, "stopped after 1 seconds (--timeout)", "hart 0")
    assert 0.9 < time.monotonic() - start < 20


@pytest.mark.parametrize("code, status", [(0, 0), (1, 1), (122, 122), (255, 255), (256, 255), (65535, 255)])
def test_exit_code_is_said(code, status, assemble):
    """A failure of the guest, which may have a status of ours, says whose it is (PL-8)."""
    elf = assemble(f"_start: li a0, 0x100000\n li a1, {code << 16 | 0x3333:#x}\n sw a1, (a0)\n1: j 1b\n" if code else
                   "_start: li a0, 0x100000\n li a1, 0x5555\n sw a1, (a0)\n1: j 1b\n")
    result = visa(elf)
    more = ", which does not fit in an exit status" if code > 255 else ""
    assert (result.code, result.stderr) == (
        status, f"visa-sim: the guest ended the run with exit code {code}{more}\n" if code else "")
    quiet = visa("-q", elf)
    assert (quiet.code, quiet.stderr) == (status, "")


def test_quiet(image):
    result = visa("--quiet", "--max-insns", 5, image(LOOP))
    assert (result.code, result.stdout, result.stderr) == (LIMIT, "", "")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("args", [[], ["--trace=/dev/null"]])
def test_signal_stops(number, args, image, tmp_path):
    """It ends with a message that says where the guest was, and with its statistics."""
    p = subprocess.Popen([tools.tool("visa-sim"), "--stats", tmp_path / "s", *args, image(LOOP)],
                         stderr=subprocess.PIPE, text=True, stdin=subprocess.DEVNULL)
    time.sleep(0.5)
    p.send_signal(number)
    _, err = p.communicate(timeout=20)
    assert p.returncode == STOPPED, err
    assert "stopped" in err and "hart 0: pc 0x80000000" in err
    stats = json.loads((tmp_path / "s").read_text())
    assert stats["end"] == {"reason": "stopped", "status": STOPPED}
    assert stats["instret"] > 0


def test_signal_while_waiting_for_input(tmp_path):
    """A guest that waits for a pipe nobody writes to can be stopped."""
    reader, writer = os.pipe()
    p = subprocess.Popen([tools.tool("visa-sim"), "--uart-in", "-", programs.build(tmp_path, "echo.c")],
                         stdin=reader, stderr=subprocess.PIPE, text=True)
    time.sleep(0.5)
    p.send_signal(signal.SIGINT)
    _, err = p.communicate(timeout=20)
    os.close(reader)
    os.close(writer)
    assert p.returncode == STOPPED, err


# The terminal ----------------------------------------------------------------------------------

class Terminal:
    """visa-sim on a pseudo-terminal of its own."""

    def __init__(self, *args):
        self.master, slave = pty.openpty()
        self.p = subprocess.Popen([tools.tool("visa-sim"), *map(str, args)], stdin=slave, stdout=slave,
                                  stderr=slave, start_new_session=True)
        os.close(slave)
        self.text = ""

    def type(self, data):
        os.write(self.master, data)

    def expect(self, words, seconds=20):
        end = time.monotonic() + seconds
        while words not in self.text:
            ready, _, _ = select.select([self.master], [], [], max(0, end - time.monotonic()))
            assert ready, f"no '{words}' in: {self.text!r}"
            try:
                self.text += os.read(self.master, 4096).decode()
            except OSError:  # the other side is closed
                assert words in self.text, self.text

    def code(self):
        try:
            return self.p.wait(timeout=20)
        finally:
            self.p.kill()
            os.close(self.master)


PROMPT = """
#include "board.h"
static void external(u64 code)
{
    (void)code;
    PLIC_CLAIM(0) = PLIC_CLAIM(0);
}
int main(u64 hart, u64 tree)
{
    (void)hart; (void)tree;
    print("ready> "); /* no line end */
    on_interrupt = external;
    UART_REG(IER) = INTERRUPT;
    PLIC_PRIORITY(UART_IRQ) = 1;
    PLIC_ENABLE(0, 0) = 1 << UART_IRQ;
    write_csr(mie, MIP_MEIP);
    for (;;) {
        if (INTERRUPT)
            wfi();
        while (UART_REG(LSR) & 1) {
            u8 c = UART_REG(RBR);
            if (c == '!')
                return 0;
            put('[');
            print_number(c);
            put(']');
        }
    }
}
"""


@pytest.fixture
def prompt(tmp_path):
    def make(interrupt):
        (tmp_path / "prompt.c").write_text(PROMPT)
        return programs.build(tmp_path, tmp_path / "prompt.c", f"-DINTERRUPT={interrupt}")
    return make


@pytest.mark.parametrize("interrupt", [0, 1])
def test_terminal(interrupt, prompt):
    """Characters go to the guest as they are typed, Ctrl-C and carriage returns too; and a
    guest that sleeps until somebody types is no deadlock."""
    t = Terminal(prompt(interrupt))
    t.expect("ready> ")
    t.type(b"a")
    t.expect("[0x61]")
    t.type(b"\x03\r")
    t.expect("[0x3][0xd]")
    t.type(b"\x01\x01")
    t.expect("[0x1]")
    t.type(b"!")
    assert t.code() == 0


@pytest.mark.parametrize("interrupt", [0, 1])
def test_terminal_escape(interrupt, prompt):
    t = Terminal(prompt(interrupt))
    t.expect("ready> ")
    t.type(b"\x01x")
    t.expect("stopped")
    assert t.code() == STOPPED


def test_terminal_escape_of_a_deaf_guest(image):
    """Ctrl-A x ends a guest that never looks at the UART."""
    t = Terminal(image(LOOP))
    time.sleep(0.3)
    t.type(b"typed before\x01x")
    t.expect("stopped")
    assert t.code() == STOPPED
