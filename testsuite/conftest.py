"""Fixtures of all tests. See HACKING.md, "How to add a test".

  visa_as visa_objdump visa_sim   paths of the built programs
  build_dir src_dir               where they were built, and from what
  assemble(text, *args)           -> path of the ELF file that visa-as made
  cc(sources, *args)              -> path of a bare-metal ELF file; sources: files or C text
  run(elf, *args)                 -> Result(code, stdout, stderr, stats) of visa-sim
  qemu(elf, *args)                -> Result of QEMU's virt machine
  rng                             random.Random; its seed is printed, --seed N replays it
"""

import itertools
import random
import sys
from collections import Counter
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from harness import guest, tools  # noqa: E402

sys.path.insert(0, str(tools.SRC / "isa"))


def pytest_addoption(parser):
    parser.addoption("--seed", type=int, default=None,
                     help="seed of randomised tests (default: a new one, which is printed)")


def pytest_configure(config):
    if config.option.seed is None:  # set here, so that workers of xdist get the same one
        config.option.seed = random.SystemRandom().randrange(1 << 32)


def pytest_report_header(config):
    return f"visa: built in {tools.BUILD}; randomised tests: --seed {config.option.seed}"


def pytest_terminal_summary(terminalreporter):
    """What was skipped, by name and with the reason; pytest itself names the line that skipped."""
    skipped = Counter((report.nodeid.split("[")[0], report.longrepr[2].removeprefix("Skipped: "))
                      for report in terminalreporter.stats.get("skipped", []))
    for (name, reason), cases in sorted(skipped.items()):
        terminalreporter.write_line(f"SKIPPED {name}{f' ({cases} cases)' if cases > 1 else ''}: {reason}")


@pytest.fixture(scope="session")
def seed(request):
    """The seed itself, for fixtures that live longer than a test."""
    return request.config.option.seed


@pytest.fixture
def rng(request):
    """Random numbers that depend on the seed and on the test's name alone."""
    seed = request.config.option.seed
    print(f"replay with: --seed {seed}")
    return random.Random(f"{seed} {request.node.name}")


@pytest.fixture(scope="session")
def src_dir():
    return tools.SRC


@pytest.fixture(scope="session")
def build_dir():
    return tools.BUILD


@pytest.fixture(scope="session")
def visa_as():
    return tools.tool("visa-as")


@pytest.fixture(scope="session")
def visa_objdump():
    return tools.tool("visa-objdump")


@pytest.fixture(scope="session")
def visa_sim():
    return tools.tool("visa-sim")


@pytest.fixture(scope="session")
def isa():
    """The tables of isa/, read by isa/tables.py."""
    import tables
    return tables.load(tools.SRC / "isa")


@pytest.fixture
def fresh(tmp_path):
    """A function that names a new file in the test's own directory: fresh('.elf')."""
    numbers = itertools.count()
    return lambda suffix: tmp_path / f"t{next(numbers)}{suffix}"


@pytest.fixture
def assemble(fresh):
    return lambda source, *args: guest.assemble(source, fresh(".elf"), *args)


@pytest.fixture
def gas(fresh):
    return lambda source, **how: guest.gas(source, fresh(".o"), **how)


@pytest.fixture
def cc(fresh):
    def build(sources, *args, **how):
        files = []
        for s in [sources] if isinstance(sources, (str, Path)) else sources:
            if isinstance(s, str) and "\n" in s:
                files.append(fresh(".c"))
                files[-1].write_text(s)
            else:
                files.append(s)
        return guest.compile_c(files, fresh(".elf"), *args, **how)
    return build


@pytest.fixture
def run(fresh):
    """Runs visa-sim with statistics; the result has them in .stats."""
    return lambda elf, *args, **how: tools.simulate(elf, *args, stats=fresh(".json"), **how)


@pytest.fixture
def qemu():
    return guest.qemu
