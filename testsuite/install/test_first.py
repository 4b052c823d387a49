"""The manual's chapter "Your first hypervisor", followed to the letter by somebody who has the installed
tree and nothing else: every command that it shows is typed, and what it says one sees is seen."""

import os
import re
import shlex
import subprocess

import pytest

from harness import tools

CHAPTER = (tools.SRC / "man" / "arch" / "19-first.rst").read_text()
END = "--- end of step"


def sessions(text):
    """The chapter's literal blocks with commands: [[(command, output)]]."""
    found = []
    for block in re.findall(r"::\n\n((?:    .*\n|\n)+)", text):
        lines = [line[4:] for line in block.rstrip("\n").split("\n")]
        if not lines[0].startswith("$ "):
            continue
        steps = []
        for line in lines:
            if line.startswith("$ "):
                steps.append([line[2:], ""])
            elif steps[-1][0].endswith("\\"):
                steps[-1][0] += "\n" + line
            else:
                steps[-1][1] += line + "\n"
        found.append([tuple(s) for s in steps])
    return found


STEPS = [step for session in sessions(CHAPTER) for step in session]


def test_sessions():
    text = "one::\n\n    $ a \\\n      b\n    out\n      more\n    $ c\n\ntext::\n\n    no command\n"
    assert sessions(text) == [[("a \\\n  b", "out\n  more\n"), ("c", "")]]


def test_the_chapter_has_steps():
    assert len(STEPS) >= 14 and sum(bool(output) for _, output in STEPS) >= 7


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Installed as the chapter does it, into a directory of one's own."""
    place = tmp_path_factory.mktemp("visa")
    tools.execute(["make", "-C", tools.BUILD, "install", f"prefix={place}"], env=tools.clean_environment()).ok()
    return place


@pytest.fixture(scope="module")
def environment(place):
    """What a user's shell has after the chapter's two exports: nothing of the source or the build tree."""
    gcc = tools.tool("riscv64-unknown-elf-gcc")
    return {"PATH": f"{place / 'bin'}:/usr/bin:/bin:{gcc.parent}", "HOME": str(place), "LC_ALL": "C.UTF-8",
            "PKG_CONFIG_PATH": str(place / "lib" / "pkgconfig")}


def test_it_can_be_followed(environment, tmp_path):
    """In one shell, as its variables live on."""
    tools.tool("pkg-config")
    script = "set -o pipefail\nexec 2>&1\n" + "".join(f"{command}\necho \"{END} $?\"\n" for command, _ in STEPS)
    run = subprocess.run(["bash", "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120)
    seen = re.split(rf"{END} (\d+)\n", run.stdout)
    outputs, codes = seen[0::2], seen[1::2]
    for (command, shown), output, code in zip(STEPS, outputs, codes):
        assert (output, code) == (shown, "0"), command
    assert len(codes) == len(STEPS)


def test_slices_matter_as_it_says(environment, tmp_path, place):
    """With SLICE at 100000 each guest is done before the other begins."""
    first = tmp_path / "first"
    tools.execute(["cp", "-r", place / "share" / "visa" / "examples" / "first", first])
    source = (first / "5-two.c").read_text()
    (first / "5-two.c").write_text(re.sub(r"\bSLICE = \d+", "SLICE = 100000", source))
    commands = "\n".join(c for c, _ in STEPS if not c.startswith(("cp", "cd")))
    out = tools.execute(["bash", "-c", f"set -e\n{commands}"], cwd=first, env=environment).ok().stdout
    assert out.endswith("".join(f"VM {n}: {text}\n" for n in (1, 2) for text in ("one", "two", "three", "has ended")))


def test_listings_show_every_program():
    """What is typed is what is shown: no file of the directory is left out, no other is."""
    shown = set(re.findall(r"listing:: first/(\S+)", CHAPTER))
    assert shown == {p.name for p in (tools.SRC / "examples" / "first").iterdir()}


# pkg-config -----------------------------------------------------------------------------

def value(name, environment, *options):
    return tools.execute(["pkg-config", *options, f"--variable={name}", "visa"], env=environment).ok().stdout.strip()


def test_variables_name_what_is_there(environment, place):
    for name, inside in (("examplesdir", "/first/1-hello.s"), ("guestincludedir", "/visa.h"), ("guestldscript", "")):
        path = value(name, environment) + inside
        assert path.startswith(str(place)) and os.path.isfile(path), name
    assert f"-I{value('guestincludedir', environment)}" in value("guestcflags", environment).split()
    assert value("guestldscript", environment) in value("guestldflags", environment).split()


def test_flags_are_those_that_the_chapter_explains(environment):
    """Each of them stands there in full, but for paths and what keeps the linker quiet."""
    for name in ("guestcflags", "guestldflags"):
        for flag in shlex.split(value(name, environment)):
            if flag.startswith("-m") or flag.startswith("-f") or flag in ("-nostdlib", "-static"):
                assert re.search(rf"(?<![\w-]){re.escape(flag)}(?![\w-])", CHAPTER), flag


# The other examples ---------------------------------------------------------------------

SUFFIXES = {".c", ".h", ".s", ".S", ".cpp", ".ld", ".cfg", ".md", ".py", ".ini", ".yaml"}


def test_all_examples_are_installed(place):
    there = place / "share" / "visa" / "examples"
    ours = {p.relative_to(tools.SRC / "examples") for p in (tools.SRC / "examples").rglob("*")
            if p.suffix in SUFFIXES or p.name == "Makefile"}
    assert ours == {p.relative_to(there) for p in there.rglob("*") if p.is_file()}, "a line of Makefile.am is missing"
    for path in ours:
        assert (there / path).read_bytes() == (tools.SRC / "examples" / path).read_bytes()


def test_a_copy_of_the_examples_builds_by_itself(environment, place, tmp_path):
    copy = tmp_path / "examples"
    tools.execute(["cp", "-r", place / "share" / "visa" / "examples", copy])
    out = tools.execute(["make", "-s", "run-hello-exit", "run-scheduler"], cwd=copy, env=environment).ok().stdout
    assert out.startswith("Hello from the guest.\n") and "VM 4" in out


def test_the_sample_configuration_is_usable(environment, place):
    if tools.variable("LIBCONFIG_LIBS") == "":
        pytest.skip("built without libconfig: there are no configuration files")
    sample = place / "share" / "visa" / "examples" / "small-core.cfg"
    out = tools.execute(["visa-sim", "--config", sample, "--print-config"], env=environment).ok().stdout
    assert re.search(r"contexts = 2;", out)


def test_uninstall_leaves_nothing(tmp_path):
    env = tools.clean_environment()
    for target in ("install", "uninstall"):
        tools.execute(["make", "-C", tools.BUILD, target, f"prefix={tmp_path}"], env=env).ok()
    assert [p for p in tmp_path.rglob("*") if p.is_file()] == []
