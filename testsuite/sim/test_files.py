"""Files that commands write: whole or not at all, never over what is read, and errors are told.

Of visa-sim, visa-as, visa-stat and visa-objdump alike.
"""

import array
import fcntl
import itertools
import json
import os
import signal
import stat
import subprocess
import termios
import time

import pytest

from harness import tools

USAGE, OUTPUT = 120, 119
HELLO = """
_start:
    li a0, 0x10000000
    la a1, text
1:  lbu a2, (a1)
    beqz a2, 2f
    sb a2, (a0)
    addi a1, a1, 1
    j 1b
2:  li a0, 0x100000
    li a1, 0x5555
    sw a1, (a0)
3:  j 3b
text: .asciz "Hello"
    .balign 4
begin_signature: .word 1
end_signature:
"""
LOOP = "_start: j _start\n"
RESULTS = ["--stats", "--report", "--trace", "--perfetto", "--kanata", "--o3pipeview", "--vcd", "--dump-dtb", "--signature",
           "--uart-out"]
PIPELINE = {"--kanata", "--o3pipeview", "--vcd"}


@pytest.fixture
def hello(assemble, tmp_path):
    elf = assemble(HELLO)
    elf.rename(tmp_path / "x.elf")
    return tmp_path / "x.elf"


@pytest.fixture
def command(tmp_path):
    """A program of ours in tmp_path; the shell does redirections."""
    def run(name, *args, redirect=""):
        return tools.execute(["sh", "-c", f'exec "$@" {redirect}', "sh", tools.tool(name), *args], cwd=tmp_path)
    return run


def unread(pipe):
    """Bytes that wait in it."""
    n = array.array("i", [0])
    fcntl.ioctl(pipe, termios.FIONREAD, n)
    return n[0]


def need(option):
    if option in PIPELINE:
        tools.need_pipeline()


# Named twice -----------------------------------------------------------------------------------

@pytest.mark.parametrize("one, other", itertools.permutations(RESULTS, 2))
def test_two_results(one, other, hello, command, tmp_path):
    """By the same name, by another, by a link, and where the file is yet to be made."""
    (tmp_path / "there").write_text("old")
    (tmp_path / "hard").hardlink_to(tmp_path / "there")
    (tmp_path / "soft").symlink_to("there")
    (tmp_path / "dangling").symlink_to("new")
    for a, b in [("new", "new"), ("there", "./there"), ("there", "hard"), ("soft", "hard"), ("new", tmp_path / "new"),
                 ("dangling", "new"), ("dangling", "./dangling")][:: 3 if one in PIPELINE or other in PIPELINE else 1]:
        r = command("visa-sim", f"{one}={a}", f"{other}={b}", hello)
        assert r.code == USAGE and "are the same file" in r.stderr and one in r.stderr and other in r.stderr, str(r)
    assert (tmp_path / "there").read_text() == "old" and not (tmp_path / "new").exists()


@pytest.mark.parametrize("option", RESULTS)
def test_result_over_input(option, hello, command, tmp_path):
    """The image, another one, a settings file, the console's input."""
    before = hello.read_bytes()
    (tmp_path / "flat").write_bytes(b"flat")
    (tmp_path / "c.cfg").write_text("")
    for args in ([f"{option}=./x.elf"], [f"{option}=flat", "--load", "flat@0x80100000"],
                 ["--load", "flat@0x80100000", f"{option}=./flat"], [f"{option}=flat", "--uart-in", "flat"],
                 ["--config", "c.cfg", f"{option}=c.cfg"]):
        r = command("visa-sim", *args, hello)
        assert r.code == USAGE and ("are the same file" in r.stderr or "libconfig" in r.stderr), str(r)
    assert hello.read_bytes() == before and (tmp_path / "flat").read_bytes() == b"flat"


def test_stdout_is_a_file_too(hello, command, tmp_path):
    r = command("visa-sim", "--stats", "out", hello, redirect="> out")
    assert r.code == USAGE and "--stats is the file that standard output goes to" in r.stderr
    json.loads(tools.execute(["sh", "-c", 'exec "$@" > out; cat out', "sh", tools.tool("visa-sim"), "--stats", "-",
                              "--uart-out", "/dev/null", hello], cwd=tmp_path).ok().stdout or (tmp_path / "out").read_text())


def test_devices_can_be_named_twice(hello, command):
    command("visa-sim", "--stats", "/dev/null", "--report", "/dev/null", "--uart-out", "/dev/null", hello,
            redirect="> /dev/null").ok()


@pytest.mark.parametrize("args", [["-o", "b.s", "b.s"], ["-o", "./b.s", "a.s", "b.s"], ["-l", "b.s", "b.s"],
                                  ["-o", "inc.s", "b.s"], ["-l", "data", "b.s"], ["-o", "hard", "b.s"]])
def test_assembler_over_its_source(args, command, tmp_path):
    texts = {"a.s": "nop\n", "b.s": '.include "inc.s"\n.incbin "data"\n', "inc.s": "nop\n", "data": "1234"}
    for name, text in texts.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "hard").hardlink_to(tmp_path / "b.s")
    r = command("visa-as", *args)
    # what is included is found while reading: no wrong command line
    assert r.code == (1 if {"inc.s", "data"} & {*args} else 2) and "would be written over" in r.stderr, str(r)
    assert {n: (tmp_path / n).read_text() for n in texts} == texts


def test_assembler_output_and_listing(command, tmp_path):
    (tmp_path / "b.s").write_text("nop\n")
    r = command("visa-as", "-o", "x", "-l", "./x", "b.s")
    assert r.code == 2 and "are the same file" in r.stderr and not (tmp_path / "x").exists()


@pytest.mark.parametrize("option", ["--plot", "--html"])
def test_picture_over_its_statistics(option, hello, command, tmp_path):
    command("visa-sim", "--stats", "s.json", hello).ok()
    before = (tmp_path / "s.json").read_text()
    r = command("visa-stat", option, "./s.json", "s.json")
    assert r.code == 2 and "written over" in r.stderr and (tmp_path / "s.json").read_text() == before


# Whole or not at all -----------------------------------------------------------------------------

@pytest.mark.parametrize("option", [r for r in RESULTS if r != "--uart-out"])
def test_replaced_when_whole(option, hello, command, tmp_path):
    """Behind a link, with the mode that the file had, or that umask gives; nothing is left beside it."""
    need(option)
    (tmp_path / "real").write_text("old")
    (tmp_path / "real").chmod(0o640)
    (tmp_path / "link").symlink_to("real")
    command("visa-sim", f"{option}=link", hello).ok()
    assert (tmp_path / "link").is_symlink() and (tmp_path / "real").read_bytes() not in (b"old", b"")
    assert stat.S_IMODE((tmp_path / "real").stat().st_mode) == 0o640
    tools.execute(["sh", "-c", f'umask 027; exec "$@"', "sh", tools.tool("visa-sim"), f"{option}={tmp_path / 'new'}", hello]).ok()
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o640
    assert {p.name for p in tmp_path.iterdir() if p.name.startswith(".")} == set()


@pytest.mark.parametrize("option", [r for r in RESULTS if r not in ("--uart-out", "--dump-dtb")])
def test_old_one_stays_until_then(option, assemble, tmp_path):
    """A run that is killed leaves the old file and nothing new, bar SIGKILL's hidden one."""
    need(option)
    (tmp_path / "r").write_text("old")
    elf = assemble(LOOP + "begin_signature: .word 1\nend_signature:\n")
    p = subprocess.Popen([tools.tool("visa-sim"), f"{option}={tmp_path / 'r'}", elf], stderr=subprocess.DEVNULL)
    time.sleep(0.6)
    assert p.poll() is None and (tmp_path / "r").read_text() == "old"
    p.kill()
    p.wait()
    assert (tmp_path / "r").read_text() == "old"


@pytest.mark.parametrize("option", [r for r in RESULTS if r != "--dump-dtb"])
def test_second_signal_leaves_nothing(option, assemble, tmp_path):
    """The first one ends the run; while a pipe that nobody reads holds that up, the second ends all."""
    need(option)
    (tmp_path / "r").write_text("old")
    elf = assemble("_start: li a0, 0x10000000\nbegin_signature: sb a0, (a0)\nend_signature: j begin_signature\n")
    reader, writer = os.pipe()
    if option == "--uart-out":
        args = ["--stats", tmp_path / "r"]
    else:
        args = [f"{option}={tmp_path / 'r'}"]
    p = subprocess.Popen([tools.tool("visa-sim"), *args, "--last", "10", elf] if option in PIPELINE | {"--perfetto"}
                         else [tools.tool("visa-sim"), *args, elf], stdout=writer, stderr=subprocess.DEVNULL)
    while not (before := unread(reader)) or time.sleep(0.4) or unread(reader) != before:
        pass  # until the pipe is full
    p.send_signal(signal.SIGINT)
    time.sleep(0.3)
    assert p.poll() is None
    p.send_signal(signal.SIGINT)
    assert p.wait(timeout=2) == 130
    os.close(reader)
    os.close(writer)
    assert (tmp_path / "r").read_text() == "old" and not [f for f in tmp_path.iterdir() if f.name.startswith(".")]


def test_long_names(hello, command, tmp_path):
    """A name may have 255 bytes."""
    for option in ["--stats", "--report", "--perfetto", "--trace", "--signature", "--uart-out", "--dump-dtb"]:
        for n in (250, 251, 255):
            command("visa-sim", f"{option}={'n' * n}", hello).ok()
            assert (tmp_path / ("n" * n)).stat().st_size
            (tmp_path / ("n" * n)).unlink()
        r = command("visa-sim", f"{option}={'n' * 256}", hello)
        assert r.code == OUTPUT and "File name too long" in r.stderr
    for n in (249, 255):
        (tmp_path / "a.s").write_text(HELLO)
        command("visa-as", "-o", "o" * n, "-l", "l" * n, "a.s").ok()
        command("visa-stat", "--plot", "p" * n, "s.json") if command("visa-sim", "-s", "s.json", "o" * n).ok() else None
        assert all((tmp_path / (c * n)).stat().st_size for c in "olp")


def test_unwritable_directory(hello, command, tmp_path):
    """The file alone may be written: then it is."""
    if os.geteuid() == 0:
        pytest.skip("root may write everywhere")
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "s").write_text("old")
    (tmp_path / "d").chmod(0o555)
    command("visa-sim", "--stats", "d/s", hello).ok()
    json.loads((tmp_path / "d" / "s").read_text())


# Errors of writing ----------------------------------------------------------------------------

EVERYWHERE = [("visa-sim", "--help"), ("visa-sim", "--version"), ("visa-sim", "--print-config"), ("visa-sim", "x.elf"),
              ("visa-sim", "--stats", "-", "x.elf"), ("visa-sim", "--report", "-", "x.elf"),
              ("visa-sim", "--dump-dtb", "-"), ("visa-sim", "--trace=-", "x.elf"), ("visa-sim", "--signature", "-", "x.elf"),
              ("visa-as", "--help"), ("visa-as", "--version"), ("visa-objdump", "--help"), ("visa-objdump", "--version"),
              ("visa-objdump", "-d", "x.elf"), ("visa-stat", "--help"), ("visa-stat", "--version"), ("visa-stat", "s.json"),
              ("visa-stat", "-j", "s.json"), ("visa-stat", "-c", "s.json"), 
              ("visa-stat", "-p", "-", "s.json"), ("visa-stat", "-r", "-", "s.json"), ("visa-stat", "s.json", "s.json")]
STATUS = {"visa-sim": OUTPUT, "visa-as": 1, "visa-objdump": 1, "visa-stat": 1}


@pytest.mark.parametrize("args", EVERYWHERE, ids=" ".join)
@pytest.mark.parametrize("redirect, why", [("> /dev/full", "No space left on device"), (">&-", "Bad file descriptor")])
def test_standard_output_is_lost(args, redirect, why, hello, command):
    command("visa-sim", "-s", "s.json", "--uart-out", "/dev/null", hello).ok()
    r = command(*args, redirect=redirect)
    assert r.code == STATUS[args[0]], str(r)
    assert f"{args[0]}: standard output" in r.stderr and why in r.stderr, str(r)
    assert r.stderr.count("\n") == 1 or "hart 0: pc" in r.stderr, str(r)


@pytest.mark.parametrize("args", [["-S"], ["--walk", "0x80000000"], ["--explain-exit", "1"], ["--trace"],
                                  ["--trace-format", "json"], ["--stats", "-"]])
def test_standard_error_is_lost(args, hello, command):
    for redirect in ["2> /dev/full", "2>&-"]:
        assert command("visa-sim", *args, hello, redirect=redirect).code == OUTPUT


@pytest.mark.parametrize("args", [("visa-stat", "-p", "/dev/full", "s.json"), ("visa-stat", "-r", "/dev/full", "s.json"),
                                  ("visa-as", "-o", "/dev/full", "a.s"), ("visa-as", "-o", "o", "-l", "/dev/full", "a.s"),
                                  *[("visa-sim", f"{r}=/dev/full", "x.elf") for r in RESULTS]], ids=" ".join)
def test_file_is_lost(args, hello, command, tmp_path):
    need(args[1].split("=")[0])
    (tmp_path / "a.s").write_text(HELLO)
    command("visa-sim", "-s", "s.json", hello).ok()
    r = command(*args)
    assert r.code == STATUS[args[0]] and "/dev/full" in r.stderr and "No space left on device" in r.stderr, str(r)


# Closed descriptors ---------------------------------------------------------------------------

@pytest.mark.parametrize("option", RESULTS)
@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", ">&- 2>&-", "<&- >&- 2>&-"])
def test_closed_descriptors(option, closed, hello, command, tmp_path):
    """Nobody's words land in a file that got a closed one's number."""
    need(option)
    (tmp_path / "whole").mkdir()
    command("visa-sim", f"{option}=whole/r", "--max-insns", "1000000", hello).ok()
    r = command("visa-sim", f"{option}=r", "--max-insns", "1000000", hello, redirect=closed)
    assert r.code == (OUTPUT if ">&-" in closed.split() and option != "--uart-out" else 0), str(r)
    assert (tmp_path / "r").read_bytes() == (tmp_path / "whole" / "r").read_bytes() if r.code == 0 else True
    if (tmp_path / "r").exists() and option != "--uart-out":
        assert b"Hello" not in (tmp_path / "r").read_bytes() and b"visa-sim:" not in (tmp_path / "r").read_bytes()


def test_closed_input(hello, command, cc, tmp_path):
    r = command("visa-sim", "--uart-in", "-", hello, redirect="<&-").ok()
    assert r.stdout == "Hello"
    assert command("visa-stat", "-", redirect="<&-").stderr == "visa-stat: -: Bad file descriptor\n"
    assert "Bad file descriptor" in command("visa-as", "-", redirect="<&-").stderr


# Input ------------------------------------------------------------------------------------------

def test_directory_as_input(hello, command):
    r = command("visa-sim", "--uart-in", "/tmp", hello)
    assert r.code == USAGE and r.stderr == "visa-sim: --uart-in: /tmp: cannot be opened for input: Is a directory\n"


@pytest.mark.parametrize("args", [["--uart-in", "{}"], ["--stats", "{}"], ["--trace={}"], ["--uart-out", "{}"], ["--perfetto", "{}"],
                                  ["--dump-dtb", "{}"], ["--load", "{}"], ["--load", "{}@0x80100000"], ["--config", "{}"]])
@pytest.mark.parametrize("depth", [40, 1200, 20000])
def test_reason_stands_behind_a_long_path(args, depth, hello, command):
    r = command("visa-sim", *[a.format("/none/" * depth + "end") for a in args], hello)
    reason = "No such file" if depth < 500 else "File name too long"
    assert r.code in (OUTPUT, USAGE, 121) and (reason in r.stderr or "libconfig" in r.stderr), r.stderr[-300:]
