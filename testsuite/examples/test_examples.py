"""Every example builds by its own Makefile, runs, finds its own checks good (exit code 0)
and says what it was written to say."""

import re

import pytest
from harness import tools

MAKEFILE = tools.SRC / "examples" / "Makefile"
SAYS = {
    "hello-exit": ["Hello from the guest."],
    "tour": ["VMCOUNT_EXIT 16, VMCOUNT_EMU 11"],
    "devices": ["guest content: 1"],
    "interrupts": ["vectors still in service: 0", "exits: 1"],
}


def names():
    text = MAKEFILE.read_text()
    return sum((re.search(rf"^{kind} := (.*)$", text, re.M)[1].split() for kind in ("assembled", "compiled")), [])


@pytest.mark.parametrize("name", names())
def test_example(name, tmp_path):
    tools.tool("riscv64-unknown-elf-gcc")
    run = tools.execute(["make", "-s", "-C", MAKEFILE.parent, f"run-{name}", f"O={tmp_path}",
                         f"BUILD={tools.BUILD}", f"VISA_AS={tools.tool('visa-as')}",
                         f"VISA_SIM={tools.tool('visa-sim')}"]).ok()
    for words in SAYS[name]:
        assert words in run.stdout, str(run)


def test_no_example_is_forgotten():
    assert sorted(SAYS) == sorted(names())
