"""The front door: what ./dev does once, what it does again, and what it says.

./dev runs on a small tree, with dpkg, apt and autotools replaced by scripts that write down
what they are asked for. Which packages are installed stands in a file."""

import os
import re
import shutil
import subprocess
import sys

import pytest
from harness import tools

FAKES = {
    # -W -f FORMAT PACKAGE ...: of those, the installed
    "dpkg-query": """[ "$3" = '${db:Status-Status} ${Package} ${Version}\\n' ] || exit 2
        shift 3
        for p in "$@"; do sed -n "s/^$p .*/installed &/p" "$FAKE/installed"; done""",
    # show PACKAGE: in the lists?
    "apt-cache": 'grep -qx "$2" "$FAKE/lists"',
    "apt-get": """echo "apt-get $*" | sed 's/-y --no-install-recommends //' >>"$FAKE/log"
        [ ! -f "$FAKE/offline" ] || exit 100
        if [ "$1" = update ]; then cp "$FAKE/mirror" "$FAKE/lists"; exit; fi
        shift 3
        for p in "$@"; do
            grep -qx "$p" "$FAKE/lists" || exit 100
            echo "$p 1.0" >>"$FAKE/installed"
        done""",
    "autoreconf": 'echo autoreconf >>"$FAKE/log"; cp "$FAKE/configure" .; touch Makefile.in',
    "id": "echo 0",
}
CONFIGURE = """#!/bin/sh
echo "configure $*" >>"$FAKE/log"
cat >config.status <<'END'
#!/bin/sh
[ $# = 0 ] || echo "config.status $*" >>"$FAKE/log"
END
chmod +x config.status
printf 'PYTHON = %s\\nall check-programs clean check:\\n\\t@echo make $@ >>"$$FAKE/log"\\n' "$FAKE_PYTHON" >Makefile
"""
PACKAGES = """# group package why
build  make             runs the build
build  libelf-dev       reads
test   python3-pytest   tests
test   qemu-new|qemu-old  witness
extra  chromium         looks
"""


class Tree:
    def __init__(self, where):
        self.where = where
        self.bin = where / "bin"
        self.src = where / "src"
        for d in (self.bin, self.src / "isa"):
            d.mkdir(parents=True)
        for name, text in FAKES.items():
            self.executable(self.bin / name, "#!/bin/sh\n" + text + "\n")
        self.executable(where / "configure", CONFIGURE)
        shutil.copy(tools.SRC / "dev", self.src)
        shutil.copy(tools.SRC / "isa" / "python.sh", self.src / "isa")
        (self.src / "packages.txt").write_text(PACKAGES)
        for name in ("configure.ac", "Makefile.am"):
            self.write(self.src / name, "")
        self.installed = where / "installed"
        for name in ("installed", "lists", "log"):
            (where / name).write_text("")
        (where / "mirror").write_text("make\nlibelf-dev\npython3-pytest\nqemu-old\nchromium\n")

    @staticmethod
    def executable(path, text):
        path.write_text(text)
        path.chmod(0o755)

    @staticmethod
    def write(path, text):
        """A file that is older than what is made from it."""
        path.write_text(text)
        os.utime(path, (1, 1))

    def dev(self, *args, code=0, **env):
        """What ./dev said; what it asked others for is in .log."""
        (self.where / "log").write_text("")
        base = {k: v for k, v in tools.clean_environment().items()
                if k not in ("CONFIGURE_ARGS", "VISA_BUILD_DIR", "PYTHON")}
        p = subprocess.run([self.src / "dev", *args], text=True, capture_output=True, timeout=60, cwd=self.src,
                           env={**base, "PATH": f"{self.bin}:{os.environ['PATH']}", "FAKE": str(self.where),
                                "FAKE_PYTHON": sys.executable, **env})
        assert p.returncode == code, p.stdout + p.stderr
        self.log = (self.where / "log").read_text().splitlines()
        return p.stderr


@pytest.fixture
def tree(tmp_path):
    return Tree(tmp_path)


def test_first_build_does_each_step_and_tells_its_time(tree):
    said = tree.dev("build")
    assert tree.log == ["apt-get update", "apt-get install make libelf-dev", "autoreconf", "configure ", "make all"]
    steps = ["apt-get update", "apt-get install", "autoreconf", "configure", "make"]
    assert re.findall(r"^dev: (.*) took \d+ s$", said, re.M) == steps
    assert "dev: missing Debian packages: make libelf-dev" in said


def test_second_build_does_nothing_twice(tree):
    tree.dev("build")
    tree.dev("build")
    assert tree.log == ["make all"]


def test_tests_packages_come_later_and_configure_nothing_again(tree):
    tree.dev("build")
    tree.dev("test")
    assert tree.log == ["apt-get install python3-pytest qemu-old", "make all", "make check-programs", "make check"]
    tree.dev("build")
    assert tree.log == ["make all"]
    tree.dev("quick")
    assert tree.log == ["make all", "make check-programs", "make check"]


@pytest.mark.parametrize("before, after", [("libelf-dev 1.0", "libelf-dev 2.0"), ("make 1.0\n", "")],
                         ids=["version", "gone and back"])
def test_configure_looks_again_when_packages_of_the_build_change(tree, before, after):
    tree.dev("build")
    tree.installed.write_text(tree.installed.read_text().replace(before, after).replace("1.0", "1.1"))
    tree.dev("build")
    assert [line for line in tree.log if "apt-get" not in line] == ["config.status --recheck", "make all"]
    tree.dev("build")
    assert tree.log == ["make all"]


def test_configure_looks_once_where_somebody_else_called_it(tree):
    tree.dev("build", CONFIGURE_ARGS="--one")
    (tree.src / "build" / "configured-with").unlink()
    tree.dev("build")
    assert tree.log == ["config.status --recheck", "make all"]
    tree.dev("build")
    assert tree.log == ["make all"]


def test_arguments_of_configure_stay_until_others_come(tree):
    tree.dev("build", CONFIGURE_ARGS="--one --two")
    assert tree.log[-2:] == ["configure --one --two", "make all"]
    tree.dev("build")
    assert tree.log == ["make all"]
    tree.dev("build", CONFIGURE_ARGS="--three")
    assert tree.log == ["configure --three", "make clean", "make all"]
    tree.dev("build", CONFIGURE_ARGS="")
    assert tree.log == ["configure ", "make clean", "make all"]


@pytest.mark.parametrize("name", ["configure.ac", "Makefile.am"])
def test_autoreconf_when_what_it_reads_is_newer(tree, name):
    tree.dev("build")
    later = (tree.src / "Makefile.in").stat().st_mtime + 1
    os.utime(tree.src / name, (later, later))
    os.utime(tree.where / "configure", (later + 1, later + 1))
    tree.executable(tree.bin / "autoreconf", 'echo autoreconf >>"$FAKE/log"; cp -p "$FAKE/configure" .; '
                                             'touch -r configure Makefile.in\n')
    tree.dev("build")
    assert tree.log == ["autoreconf", "make all"]
    tree.dev("build")
    assert tree.log == ["make all"]


@pytest.mark.parametrize("have, asked", [("qemu-new", []), ("qemu-old", []), ("qemu", ["apt-get install qemu-old"])])
def test_either_of_two_packages_will_do(tree, have, asked):
    tree.installed.write_text(f"make 1\nlibelf-dev 1\npython3-pytest 1\n{have} 1\n")
    shutil.copy(tree.where / "mirror", tree.where / "lists")
    tree.dev("install", "test")
    assert tree.log == asked


def test_extra_packages_are_asked_for_by_name(tree):
    tree.dev("install", "extra")
    assert tree.log == ["apt-get update", "apt-get install chromium"]
    assert "no group 'all' in packages.txt, only: build test extra" in tree.dev("install", "all", code=1)
    assert "usage" in tree.dev("install", code=1)


def test_a_step_that_fails_is_named(tree):
    shutil.copy(tree.where / "mirror", tree.where / "lists")
    (tree.where / "offline").touch()
    assert re.search(r"^dev: apt-get install failed after \d+ s$", tree.dev("build", code=1), re.M)
    assert tree.log == ["apt-get install make libelf-dev"]
    (tree.where / "mirror").write_text("make\n")
    (tree.where / "lists").write_text("")
    (tree.where / "offline").unlink()
    assert "apt-get knows no package for one of: make libelf-dev" in tree.dev("build", code=1)


# What is looked up when it is wanted --------------------------------------------------------

def python_sh(*modules, python, path=os.environ["PATH"]):
    return tools.execute(["/bin/sh", tools.SRC / "isa" / "python.sh", *modules],
                         env={"PATH": path, "PYTHON": str(python)})


def test_interpreter_is_one_that_has_the_modules(tmp_path):
    assert python_sh("pytest", "hypothesis", python=sys.executable).ok().stdout.strip() == sys.executable
    here, none = tmp_path / "python3", tmp_path / "none"
    Tree.executable(here, f'#!/bin/sh\nPYTHONPATH="{tmp_path}" exec "{sys.executable}" "$@"\n')
    Tree.executable(none, "#!/bin/sh\nexit 1\n")
    (tmp_path / "only_here_visa.py").touch()
    found = python_sh("sys", "only_here_visa", python=none, path=f"{tmp_path}:{os.environ['PATH']}")
    assert found.ok().stdout == "python3\n"
    assert python_sh("no_such_module_visa", python=sys.executable).code == 1


def test_make_check_without_pytest_says_what_to_install():
    result = tools.execute(["make", "-s", "-C", tools.BUILD, "check-local", "PYTHON=false", "has_modules=false"],
                           env=tools.clean_environment())
    assert result.code != 0 and "needs the Debian packages python3-pytest and python3-hypothesis" in result.stderr


def programs():
    """Everybody else's programs that tests ask for."""
    return sorted({name for path in (tools.SRC / "testsuite").rglob("*.py")
                   for name in re.findall(r'\btool\("([\w-]+)"\)', path.read_text()) if name not in tools.OURS})


@pytest.mark.parametrize("name", programs())
def test_every_program_has_its_package(name):
    assert tools.group(tools.package_of(name)) in ("build", "test", "extra")


def test_what_nobody_needs_is_skipped_by_name(tmp_path):
    """The rest of the tests' programs fail a test that does not find them."""
    result = tools.execute([sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q", "-k", "test_in_chromium",
                            tools.SRC / "testsuite" / "sim" / "test_html.py"],
                           env={**os.environ, "PATH": str(tmp_path)})
    reason = "no chromium: ./dev install extra, or the Debian package chromium"
    assert re.search(rf"^SKIPPED sim/test_html.py::test_in_chromium \(\d+ cases\): {reason}$", result.ok().stdout, re.M)
    with pytest.MonkeyPatch.context() as m:
        m.setenv("PATH", str(tmp_path))
        with pytest.raises(pytest.fail.Exception, match="needs dtc: install the Debian package device-tree-compiler"):
            tools.tool("dtc")


def test_what_configure_found_is_in_every_object_that_asks():
    """make builds anew what includes built-with.h, and nothing else."""
    asks = [p for d in ("asm", "src") for p in (tools.SRC / d).rglob("*.[ch]*")
            if re.search(r"^#\s*if.*\bHAVE_|\bPACKAGE_VERSION\b", p.read_text(), re.M)]
    assert {p.name for p in asks} >= {"options.c", "config_file.c", "visa-sim.c"}
    assert [p for p in asks if '#include "built-with.h"' not in p.read_text()] == []


def test_make_has_nothing_left_to_do():
    """-o: the header that configure writes only where it differs always looks old."""
    result = tools.execute(["make", "--no-print-directory", "-n", "-o", "built-with.h", "-C", tools.BUILD, "all-am"],
                           env=tools.clean_environment())
    assert result.ok().stdout == "make: Nothing to be done for 'all-am'.\n"
