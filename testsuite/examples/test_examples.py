"""Every example builds by its own Makefile, runs, and finds its own checks good (exit code 0)."""

import os
import re
import shlex
from pathlib import Path

import pytest
from harness import tools

HERE = Path(__file__).resolve().parent
MAKEFILE = tools.SRC / "examples" / "Makefile"


def names():
    text = MAKEFILE.read_text().replace("\\\n", "")
    return sum((re.search(rf"^{kind} := (.*)$", text, re.M)[1].split() for kind in ("assembled", "compiled", "versus")), [])


def run(name, where, *variables):
    tools.tool("riscv64-unknown-elf-gcc")
    result = tools.execute(["make", "-s", "--no-print-directory", "-C", MAKEFILE.parent, f"run-{name}", f"O={where}",
                            f"BUILD={tools.BUILD}", f"VISA_AS={tools.tool('visa-as')}",
                            f"VISA_SIM={tools.tool('visa-sim')}", *variables]).ok()
    assert result.stdout.strip(), str(result)
    return result.stdout


@pytest.mark.parametrize("name", names())
def test_example(name, tmp_path):
    run(name, tmp_path)


@pytest.mark.parametrize("name", ["refusals", "scheduler", "dirty-log", "copy-on-write", "shadow-paging"])
def test_nesting(name, tmp_path):
    """Other hypervisors than the default, as guests: each says what it says on the machine itself."""
    assert run("nesting", tmp_path, f"L1={name}").startswith(run(name, tmp_path))


def test_l0_is_out_of_reach(tmp_path):
    """A VM of L1 cannot have memory that L1 has not. On the machine itself it is there."""
    elf = tmp_path / "reach.elf"
    tools.execute([tools.tool("visa-as"), "-o", elf, HERE / "reach.s"]).ok()
    assert tools.simulate(elf).code == 1
    run("nesting", tmp_path, "L1=reach")


@pytest.mark.parametrize("seed", range(4))
def test_shadows(seed, tmp_path):
    """lib/shadow.c compiled for this machine, against a second walk of random tables."""
    test, lib = tmp_path / "shadow_test", tools.SRC / "examples" / "lib"
    tools.execute([*shlex.split(os.environ.get("CC") or "cc"), "-std=c17", "-O1", "-g", "-Wall", "-Wextra", "-Wshadow",
                   "-Werror", f"-I{lib}", "-o", test, HERE / "shadow_test.c", lib / "shadow.c", lib / "pages.c"]).ok()
    tools.execute([test, seed, 10000]).ok()


def test_readme_shows_the_tour(tmp_path):
    """Every line that README gives of the tour's run is one that it prints."""
    elf = tmp_path / "tour.elf"
    tools.execute([tools.tool("visa-as"), "-o", elf, MAKEFILE.parent / "tour.s"]).ok()
    run = tools.execute([tools.tool("visa-sim"), "--summary", elf]).ok()
    printed = {line.strip() for line in (run.stdout + run.stderr).replace("\r", "").splitlines()}
    sample = (tools.SRC / "README.md").read_text().split("$ visa-sim --summary tour.elf\n")[1].split("    ...\n")[0]
    assert [line for line in sample.splitlines() if line.strip() and line.strip() not in printed] == []
    assert len(sample.splitlines()) > 20
