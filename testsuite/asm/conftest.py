"""Fixtures of the assembler's tests."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from asm.elf import Elf
from harness.tools import execute, tool

MARCH = "rv64imac_zicsr_zifencei"


@dataclass
class Assembled:
    """What visa-as made of a text: exit code, messages, file (None if there is none)."""
    code: int
    messages: str
    path: Path
    source: Path

    @property
    def elf(self):
        assert self.code == 0, self.messages
        return Elf(self.path)

    def text(self):
        return self.elf.data(".text")

    def lines(self):
        """Messages without the directory of the test, each one line of the output."""
        return [line.replace(f"{self.source.parent}/", "") for line in self.messages.splitlines()]

    def errors(self):
        return [line for line in self.lines() if ": error: " in line]


@pytest.fixture
def va(visa_as, tmp_path):
    """va(text, *args, name="t.s", also=[file...]) runs visa-as on text, or bytes, and files."""
    def assemble(text, *args, name="t.s", output=None, also=()):
        source = tmp_path / name
        source.write_bytes(text if isinstance(text, bytes) else text.encode())
        path = tmp_path / (output or f"{source.stem}.elf")
        path.unlink(missing_ok=True)
        r = execute([visa_as, *args, "-o", path, source, *also], cwd=tmp_path)
        assert r.code in (0, 1, 2), str(r)
        assert path.exists() == (r.code == 0)
        return Assembled(r.code, r.stderr, path, source)
    return assemble


@pytest.fixture
def gas_elf(tmp_path):
    """gas_elf(text) -> Elf of the object that GNU as makes; None if it refuses the text."""
    def assemble(text, *args, march=MARCH):
        source, out = tmp_path / "gnu.s", tmp_path / "gnu.o"
        source.write_text(".option norelax\n.option norvc\n" + text)
        command = [tool("riscv64-unknown-elf-as"), f"-march={march}", "-mno-relax", *args, "-o", out,
                   source]
        r = subprocess.run([str(c) for c in command], capture_output=True, text=True, cwd=tmp_path)
        if r.returncode:
            return None
        return Elf(out)
    return assemble


@pytest.fixture
def objdump(visa_objdump):
    def run(*args):
        return execute([visa_objdump, *args]).ok().stdout
    return run
