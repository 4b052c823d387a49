"""Every example builds by its own Makefile, runs, and finds its own checks good (exit code 0)."""

import re

import pytest
from harness import tools

MAKEFILE = tools.SRC / "examples" / "Makefile"


def names():
    text = MAKEFILE.read_text()
    return sum((re.search(rf"^{kind} := (.*)$", text, re.M)[1].split() for kind in ("assembled", "compiled", "versus")), [])


@pytest.mark.parametrize("name", names())
def test_example(name, tmp_path):
    tools.tool("riscv64-unknown-elf-gcc")
    run = tools.execute(["make", "-s", "-C", MAKEFILE.parent, f"run-{name}", f"O={tmp_path}",
                         f"BUILD={tools.BUILD}", f"VISA_AS={tools.tool('visa-as')}",
                         f"VISA_SIM={tools.tool('visa-sim')}"]).ok()
    assert run.stdout.strip(), str(run)
