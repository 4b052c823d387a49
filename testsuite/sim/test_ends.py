"""Ends of a run from outside: by signals, by closed pipes, behind other programs, in the background.

Whatever ends it: the terminal is as it was, results are whole, and it takes no longer than it must.
"""

import fcntl
import json
import os
import pty
import signal
import struct
import subprocess
import termios
import time

import pytest

from harness import tools
from sim import programs
from sim.elf import PASS, Segment, elf
from sim.test_cli import OUTPUT, PROMPT, STOPPED, TIMEOUT

LOOP = struct.pack("<I", 0x0000006F)  # j .
COMPUTES = struct.pack("<2I", 0x00150513, 0xFFDFF06F)  # addi a0, a0, 1; j -4
FOREVER = "_start: li a0, 0x10000000\n li a1, 'x'\n1: sb a1, (a0)\n j 1b\n"
ENDS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2, signal.SIGALRM,
        signal.SIGXCPU, signal.SIGVTALRM, signal.SIGPROF]


@pytest.fixture
def image(tmp_path):
    def make(code=PASS, name="x.elf"):
        (tmp_path / name).write_bytes(elf(Segment(code)))
        return tmp_path / name
    return make


def default_signals():
    """Whatever started the tests may have ignored some."""
    for s in ENDS:
        signal.signal(s, signal.SIG_DFL)


class Session:
    """A command whose controlling terminal is a new one; what is shown there is .text."""

    def __init__(self, *command, stdout=None):
        self.master, self.slave = pty.openpty()
        self.before = termios.tcgetattr(self.slave)

        def control():
            default_signals()
            os.setsid()
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)

        self.p = subprocess.Popen([str(c) for c in command], stdin=self.slave, stdout=stdout or self.slave,
                                  stderr=self.slave, preexec_fn=control)
        os.set_blocking(self.master, False)
        self.text = ""

    def look(self):
        try:
            self.text += os.read(self.master, 65536).decode(errors="replace")
        except (BlockingIOError, OSError):
            pass
        return self.text

    def until(self, condition, seconds=30):
        end = time.monotonic() + seconds
        while not condition():
            self.look()
            assert time.monotonic() < end, self.text
            time.sleep(0.02)

    def is_raw(self):
        return not termios.tcgetattr(self.slave)[3] & termios.ICANON

    def untouched(self):
        return termios.tcgetattr(self.slave) == self.before

    def end(self):
        self.until(lambda: self.p.poll() is not None)
        self.look()
        return self.p.returncode

    def close(self):
        self.p.kill()
        os.close(self.master)
        os.close(self.slave)


@pytest.fixture
def session():
    made = []

    def start(*command, **how):
        made.append(Session(*command, **how))
        return made[-1]
    yield start
    for s in made:
        s.close()


# The terminal ---------------------------------------------------------------------------------

@pytest.mark.parametrize("number", ENDS, ids=lambda s: s.name)
@pytest.mark.parametrize("model", ["functional", "pipeline"])
def test_terminal_after_a_signal(number, model, session, image, tmp_path):
    """It is told where the guest was, and the statistics are those of the run."""
    if model == "pipeline":
        tools.need_pipeline()
    s = session(tools.tool("visa-sim"), "--model", model, "--stats", tmp_path / "s", image(LOOP))
    s.until(s.is_raw)
    time.sleep(0.1)
    s.p.send_signal(number)
    assert s.end() == STOPPED and s.untouched()
    assert "visa-sim: stopped" in s.text and "hart 0: pc 0x80000000" in s.text and "seconds" not in s.text
    assert json.loads((tmp_path / "s").read_text())["end"]["reason"] == "stopped"


@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGFPE, signal.SIGILL, signal.SIGSYS],
                         ids=lambda s: s.name)
def test_terminal_after_a_crash(number, session, image, tmp_path):
    """A fault of the simulator's own: what was not whole is gone, too."""
    (tmp_path / "s").write_text("old")
    s = session(tools.tool("visa-sim"), "--stats", tmp_path / "s", image(LOOP))
    s.until(s.is_raw)
    time.sleep(0.1)
    s.p.send_signal(number)
    assert s.end() != 0 and s.untouched()
    assert (tmp_path / "s").read_text() == "old" and not list(tmp_path.glob(".*"))


def test_terminal_after_a_closed_pipe(session, assemble):
    """Nobody reads on: that ends the run, as it would end any filter."""
    reader, writer = os.pipe()
    s = session(tools.tool("visa-sim"), assemble(FOREVER), stdout=writer)
    os.close(writer)
    assert os.read(reader, 1) == b"x"
    assert s.is_raw()
    os.close(reader)
    assert s.end() == OUTPUT and s.untouched()
    assert "standard output could not be written completely: Broken pipe" in s.text


def test_closed_pipe_of_a_trace(image):
    for args in (["--trace=-"], ["--trace=-", "--trace-format", "json"]):
        r = tools.execute(["sh", "-c", '("$@"; echo status $? >&2) | head -1', "sh", tools.tool("visa-sim"), *args,
                           image(LOOP)], timeout=30)
        assert f"status {OUTPUT}" in r.stderr and "Broken pipe" in r.stderr, str(r)


@pytest.mark.parametrize("wrapper", [["sh", "-c", '"$@"; exit $?', "sh"], ["timeout", "--foreground", "5"], ["timeout", "5"],
                                     ["make", "-f"]], ids=["sh", "timeout-foreground", "timeout", "make"])
def test_terminal_behind_others(wrapper, session, image, tmp_path):
    """Ended through them, or by them; a program that they put into the background leaves it alone."""
    command = [tools.tool("visa-sim"), image(LOOP)]
    if wrapper[0] == "make":
        (tmp_path / "Makefile").write_text(f"all:\n\t{command[0]} {command[1]}\n")
        s = session("make", "-f", tmp_path / "Makefile")
    else:
        s = session(*wrapper, *command)
    if wrapper != ["timeout", "5"]:
        s.until(s.is_raw)
        time.sleep(0.1)
    if wrapper[0] == "make":
        s.p.send_signal(signal.SIGTERM)
    elif wrapper[0] == "sh":
        os.write(s.master, b"\x01x")
    s.end()
    s.until(lambda: "stopped" in s.look())
    assert s.untouched()


def test_in_the_background(session, tmp_path):
    """`visa-sim x &` of an interactive shell runs on, without input."""
    program = programs.build(tmp_path, write(tmp_path / "prompt.c", PROMPT), "-DINTERRUPT=0")
    s = session("sh", "-mc", '"$0" --max-insns 3000000 "$1" & wait $!; echo "status $?"', tools.tool("visa-sim"), program)
    s.until(lambda: "status " in s.look())
    assert "ready> " in s.text and "status 122" in s.text and s.untouched()


def write(path, text):
    path.write_text(text)
    return path


# What is and what is no timeout ----------------------------------------------------------------

def test_alarm_from_outside(image):
    for args, code, words in [([], STOPPED, "visa-sim: stopped\n"), (["--timeout", "60"], STOPPED, "visa-sim: stopped\n")]:
        p = subprocess.Popen([tools.tool("visa-sim"), *args, image(LOOP)], stderr=subprocess.PIPE, text=True,
                             stdin=subprocess.DEVNULL, preexec_fn=default_signals)
        until_caught(p)
        p.send_signal(signal.SIGALRM)
        assert words in p.communicate(timeout=20)[1] and p.returncode == code
    r = tools.execute([tools.tool("visa-sim"), "--timeout", "1", image(LOOP)])
    assert r.code == TIMEOUT and "after 1 seconds" in r.stderr


def test_nohup(image):
    """SIGHUP stays ignored where it is."""
    p = subprocess.Popen(["nohup", tools.tool("visa-sim"), "--timeout", "2", image(LOOP)], stderr=subprocess.PIPE,
                         stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, text=True)
    until_caught(p)
    p.send_signal(signal.SIGHUP)
    assert "--timeout" in p.communicate(timeout=20)[1] and p.returncode == TIMEOUT


# How long it takes ------------------------------------------------------------------------------

LISTENERS = [["--trace=t"], ["--trace=t", "--trace-format", "json"], ["--trace=t", "--harts", "3"], ["--trace-events"],
             ["--check-stale"], ["--perfetto", "t"], ["--stats", "t", "--report", "u"], [],
             ["--model", "pipeline"], ["--kanata", "t"], ["--model", "pipeline", "--trace=t"],
             ["--sample", "1000000:1000:1000"], ["--switch-at", "1000000000000"]]


@pytest.mark.parametrize("args", LISTENERS, ids=lambda a: " ".join(a) or "alone")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda s: s.name)
def test_stops_at_once(args, number, image, tmp_path):
    """What the process itself does from the signal to its end: 100 ms of the processor's time at most
    for the run, as the machine may be busy with others, and what the results need."""
    if {"--model", "--kanata", "--sample", "--switch-at"} & set(args):
        tools.need_pipeline()
    p = subprocess.Popen([tools.tool("visa-sim"), *args, image(COMPUTES)], stderr=subprocess.DEVNULL,
                         stdin=subprocess.DEVNULL, cwd=tmp_path, preexec_fn=default_signals)
    until_caught(p)
    time.sleep(0.5)
    used = processor_time(p.pid)
    p.send_signal(number)
    _, status, usage = os.wait4(p.pid, 0)
    p.returncode = os.waitstatus_to_exitcode(status)
    assert p.returncode == STOPPED
    results = 1 if "--kanata" in args else 0.05  # of 100,000 instructions
    assert usage.ru_utime + usage.ru_stime - used < 0.1 + results


def until_caught(p, seconds=30):
    """The process has a handler for signals: it is not still starting."""
    end = time.monotonic() + seconds
    while True:
        with open(f"/proc/{p.pid}/status") as f:
            caught = int(next(l for l in f if l.startswith("SigCgt")).split()[1], 16)
        if caught >> (signal.SIGTERM - 1) & 1:
            return
        assert p.poll() is None and time.monotonic() < end
        time.sleep(0.02)


def processor_time(pid):
    with open(f"/proc/{pid}/stat") as f:
        fields = f.read().rsplit(") ", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


# Input ------------------------------------------------------------------------------------------

READS = """
#include "board.h"
int main(u64 hart, u64 tree)
{
    (void)hart; (void)tree;
    for (u64 got = 0; got < COUNT;) {
        if (UART_REG(LSR) & 1) {
            put(UART_REG(RBR));
            got++;
        }
    }
    return 0;
}
"""


@pytest.mark.parametrize("blocking", [True, False])
def test_pipe_that_others_made_non_blocking(blocking, tmp_path):
    """Nothing is lost between what comes late: it is waited for, however the descriptor was left."""
    program = programs.build(tmp_path, write(tmp_path / "reads.c", READS), "-DCOUNT=6")
    reader, writer = os.pipe()
    os.set_blocking(reader, blocking)
    p = subprocess.Popen([tools.tool("visa-sim"), "--uart-in", "-", program], stdin=reader, stdout=subprocess.PIPE,
                         stderr=subprocess.PIPE)
    for part in (b"ab", b"cd", b"ef"):
        time.sleep(0.4)
        os.write(writer, part)
    os.close(writer)
    out, err = p.communicate(timeout=20)
    os.close(reader)
    assert (out, err, p.returncode) == (b"abcdef", b"", 0)


def test_signal_that_does_not_end_it(tmp_path):
    """A stop and its continuation interrupt the wait for input, and lose nothing."""
    program = programs.build(tmp_path, write(tmp_path / "reads.c", READS), "-DCOUNT=2")
    reader, writer = os.pipe()
    p = subprocess.Popen([tools.tool("visa-sim"), "--uart-in", "-", program], stdin=reader, stdout=subprocess.PIPE)
    os.write(writer, b"a")
    for _ in range(3):
        time.sleep(0.2)
        p.send_signal(signal.SIGSTOP)
        p.send_signal(signal.SIGCONT)
    os.write(writer, b"b")
    os.close(writer)
    assert p.communicate(timeout=20)[0] == b"ab" and p.returncode == 0


def test_input_that_cannot_be_read(tmp_path):
    """A descriptor that is for writing only: an error, not the end of the input."""
    program = programs.build(tmp_path, "echo.c")
    with open(tmp_path / "w", "wb") as w:
        r = subprocess.run([tools.tool("visa-sim"), "--uart-in", "-", "--max-insns", "2000000", program], stdin=w,
                           capture_output=True, text=True, timeout=60)
    assert r.returncode == OUTPUT and "standard input cannot be read: Bad file descriptor" in r.stderr
