"""Programs that tests run, found once, and what a run of one comes to.

Our own programs come from the build (VISA_AS, VISA_OBJDUMP, VISA_SIM, VISA_BUILD,
VISA_SRC, which `make check` sets). Everybody else's come from PATH. A test whose
program is missing fails and says which Debian package has it; if that is one of the
group `extra` in packages.txt, the test is skipped.
"""

import json
import os
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import pytest

SRC = Path(os.environ.get("VISA_SRC") or Path(__file__).resolve().parents[2])
BUILD = Path(os.environ.get("VISA_BUILD") or SRC / "build")

OURS = {"visa-as": "VISA_AS", "visa-objdump": "VISA_OBJDUMP", "visa-sim": "VISA_SIM",
        "visa-stat": "VISA_STAT"}

# Programs whose package in packages.txt has another name.
PACKAGES = {
    "riscv64-unknown-elf-gcc": "gcc-riscv64-unknown-elf",
    "qemu-system-riscv64": "qemu-system-riscv|qemu-system-misc",
    "cc": "gcc",
    "dtc": "device-tree-compiler",
    "groff": "groff-base",
    "nm": "gcc",  # which needs binutils
    "pkg-config": "pkgconf",
}

TIMEOUT = 120  # seconds of the host's clock: a run that hangs is a failure


def tool(name):
    """Path of a program; fails the test, with the package's name, if there is none."""
    if name in OURS:
        path = Path(os.environ.get(OURS[name]) or BUILD / name)
        if not os.access(path, os.X_OK):
            pytest.fail(f"{path} is not there: build it first (./dev build, or make)", pytrace=False)
        return path
    path = shutil.which(name)
    if not path:
        missing(name, package_of(name))
    return Path(path)


def package_of(name):
    """The Debian package that has a program, as packages.txt writes it."""
    binutils = "binutils-riscv64-unknown-elf" if name.startswith("riscv64-unknown-elf-") else name
    return PACKAGES.get(name, binutils)


def group(package):
    """The package's group in packages.txt, None if it has none."""
    rows = [line.split() for line in (SRC / "packages.txt").read_text().splitlines()]
    return next((row[0] for row in rows if row[1] == package), None)


def missing(what, package):
    """Fails the test; skips it if the package is one that nobody needs to have."""
    said = package.replace("|", " or ")
    if group(package) == "extra":
        pytest.skip(f"no {what}: ./dev install extra, or the Debian package {said}")
    pytest.fail(f"this test needs {what}: install the Debian package {said}", pytrace=False)


def need_pipeline():
    """Skips the test where configure found no SystemC: then there is no such model to test."""
    said = execute([tool("visa-sim"), "--model", "pipeline", "--version"]).stderr
    if "without SystemC" in said:
        pytest.skip("visa-sim was built without SystemC")


def shown(text, most=4000):
    """Output for a message: its end, if it is long."""
    return text if len(text) <= most else f"[{len(text) - most} characters before]\n{text[-most:]}"


def trace_lines(text):
    """The records of a trace as text, without its head, which says what ran."""
    return [line for line in text.splitlines() if not line.startswith("#")]


def trace_records(text):
    """The same of one in JSON."""
    head, *records = map(json.loads, text.splitlines())
    assert set(head) <= {"run", "shown"}
    return records


@dataclass
class Result:
    """What a program did. stats: the simulator's statistics, {} if it wrote none."""
    command: list
    code: int
    stdout: str
    stderr: str
    stats: dict = field(default_factory=dict)

    def __str__(self):
        return (f"$ {' '.join(map(str, self.command))}\nexit code {self.code}\n"
                f"--- stdout\n{shown(self.stdout)}--- stderr\n{shown(self.stderr)}")

    def ok(self):
        """This result, if the program succeeded; else the test fails and shows it."""
        assert self.code == 0, str(self)
        return self


def execute(command, *, stdin=None, timeout=TIMEOUT, cwd=None, env=None):
    """Runs a command to its end. stdin and output are text (UTF-8, any byte survives)."""
    command = [str(c) for c in command]
    try:
        p = subprocess.run(command, input=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                           timeout=timeout, cwd=cwd, env=env, text=True, errors="surrogateescape",
                           stdin=subprocess.DEVNULL if stdin is None else None)
    except FileNotFoundError as e:
        pytest.fail(f"{e.filename} is not there, for: {' '.join(command)}", pytrace=False)
    except subprocess.TimeoutExpired:
        pytest.fail(f"still running after {timeout} s: {' '.join(command)}", pytrace=False)
    return Result(command, p.returncode, p.stdout, p.stderr)


def simulate(elf, *args, stats=None, **how):
    """Runs visa-sim on an image; stats: file for --stats, read back into the result."""
    command = [tool("visa-sim"), *args]
    if stats:
        command += ["--stats", stats]
    result = execute([*command, elf], **how)
    if stats and Path(stats).exists() and Path(stats).stat().st_size:  # empty: it crashed
        result.stats = json.loads(Path(stats).read_text())
    return result


def clean_environment():
    """Without what `make check` leaves for a make inside it."""
    return {k: v for k, v in os.environ.items() if not k.startswith(("MAKE", "MFLAGS", "DESTDIR"))}


def variable(name):
    """A variable of the Makefile, as configure set it."""
    line = next(l for l in (BUILD / "Makefile").read_text().splitlines() if l.startswith(f"{name} = "))
    return line.split(" = ", 1)[1]
