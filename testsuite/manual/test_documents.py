"""What documents say of the machine and of the commands, against the machine and the commands.

The base and its extensions are those that the device tree tells to software."""

import re
import shlex
import shutil

import pytest

from harness.tools import BUILD, SRC, execute, tool

README = (SRC / "README.md").read_text()
DOCUMENTS = [p for pattern in ("*.md", "*.in", "man/**/*.rst", "man/arch/page.html", "isa/README", "asm/*.c", "src/**/*.[ch]",
                               "examples/**/*.*", "examples/Makefile")
             for p in sorted(SRC.glob(pattern)) if p.name not in ("Makefile.in", "devicetree.c")]


@pytest.fixture(scope="module")
def machine(tmp_path_factory):
    """(letters, [long extensions]) that the device tree gives: ("imac", ["zicntr", ...])."""
    blob = tmp_path_factory.mktemp("dt") / "dtb"
    execute([tool("visa-sim"), "--dump-dtb", blob]).ok()
    base, *extensions = re.search(rb"(rv64i[a-z]+_[a-z0-9_]+)\0", blob.read_bytes())[1].decode().split("_")
    return base.removeprefix("rv64"), extensions


def spellings(text):
    """Every base that a text names: RV64IMAC, -march=rv64imac_zicsr. Not the name of one extension, RV64C."""
    return [m for m in re.findall(r"\b(?:RV|rv)64([A-Za-z]+(?:_[a-z]+)*)", text) if len(m.split("_")[0]) > 1]


def test_spellings():
    assert spellings("RV64GC, RV64 and RV64I; -march=rv64imac_zicsr") == ["GC", "imac_zicsr"]


def test_the_base_is_the_machines(machine):
    letters, extensions = machine
    wrong = []
    for path in DOCUMENTS:
        for found in spellings(path.read_text()):
            found = re.sub("SU(?=Z)", "_", found)  # as RISCOF writes it: rings, and no separator
            base, *more = found.split("_")
            if base.lower() != letters or not set(map(str.lower, more)) <= set(extensions):
                wrong.append(f"{path.relative_to(SRC)}: RV64{found}")
    assert not wrong and len(DOCUMENTS) > 100


def test_documents_name_the_base():
    """Those that say what V-ISA is."""
    for name in ("README.md", "visa.pc.in", "man/arch/page.html", "man/arch/01-overview.rst", "man/visa-as.1.rst",
                 "man/visa-sim.1.rst"):
        assert spellings((SRC / name).read_text()), name


def test_the_rule_of_conformance_lists_the_extensions(machine):
    rule = re.search(r"rule:: CF-1\n\n(.*?)\n\n", (SRC / "man/arch/01-overview.rst").read_text(), re.S)[1]
    named = {w.lower() for w in re.findall(r"\b(?:Z|S|X)[a-z]+", rule)} - {"sv"}
    assert named == set(machine[1])


# README's commands ---------------------------------------------------------------------

def by_hand():
    """Its block of commands, each with its continuation line."""
    block = README.split("## By hand\n")[1].split("\nA guest in C")[0]
    for line in block.splitlines():
        if line.startswith("    build/") or line.startswith("    ./dev"):
            yield line.strip().split("  ")[0]


def test_there_are_commands():
    assert len(list(by_hand())) > 12


def test_commands_by_hand_work(tmp_path):
    """In their order, as each leaves what the next one reads."""
    (tmp_path / "build").symlink_to(BUILD)
    (tmp_path / "examples").symlink_to(SRC / "examples")
    no_model = not (BUILD / "libvisa-pipeline.a").exists()
    for command in by_hand():
        if command.startswith("./dev"):
            assert re.search(rf"^{shlex.split(command)[1]}\)", (SRC / "dev").read_text(), re.M), command
            continue
        if no_model and re.search("pipeline|kanata|vcd|sample", command):
            continue
        if "long.elf" in command:
            shutil.copy(tmp_path / "tour.elf", tmp_path / "long.elf")
        execute(shlex.split(command), cwd=tmp_path).ok()


def test_links_lead_to_files():
    for name in ("README.md", "HACKING.md"):
        for target in re.findall(r"\]\(([^)]+)\)", (SRC / name).read_text()):
            assert (SRC / target).exists(), f"{name}: {target}"


def test_pages_that_the_readme_names_are_made():
    names = re.findall(r"`(?:build/man/)?(visa-[a-z]+\.(?:1|html))`", README)
    assert len(names) == 5
    for name in names:
        assert (BUILD / "man" / name).exists() or (SRC / "man" / name).exists(), name
