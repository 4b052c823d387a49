"""examples/tlm, built against the installed tree alone: somebody's own memory and device on the
bus of the pipeline model. Cycles are worked out from the manual's chapter "The pipeline"."""

import os
import re
import shlex

import pytest
from harness import tools

EXAMPLE = tools.SRC / "examples" / "tlm"
FILL = 2      # PI-2: from the first cycle in F to that in X
LINES = 4     # that the guest lets be copied


@pytest.fixture(scope="module")
def lat(isa):
    return {l.name: l.cycles for l in isa.latencies}


@pytest.fixture(scope="module")
def numbers():
    """Constants of the example's headers."""
    text = (EXAMPLE / "dram.h").read_text() + (EXAMPLE / "copier.h").read_text()
    return {name: int(value) for name, value in re.findall(r"\b([A-Z_]+) = (\d+)", text)}


@pytest.fixture(scope="module")
def pipeline(installed):
    """The installed tree, if it has the pipeline model: else no C++ compiler need be there either."""
    if not (installed / "lib" / "libvisa-pipeline.a").exists():
        pytest.skip("built without SystemC: there is no pipeline model")
    return installed


@pytest.fixture(scope="module")
def tlm(pipeline, tmp_path_factory):
    """tlm(*args) -> Result of the example on its guest."""
    installed = pipeline
    where = tmp_path_factory.mktemp("tlm")
    for pc in (installed / "lib" / "pkgconfig").iterdir():  # as installed below this prefix
        (where / pc.name).write_text(re.sub("^prefix=.*", f"prefix={installed}", pc.read_text(), flags=re.M))
    env = {**tools.clean_environment(), "CXXFLAGS": f"-O1 -Werror {tools.variable('SANITIZE_CFLAGS')}"}
    tools.execute(["make", "-C", EXAMPLE, f"O={where}", f"PKG_CONFIG_PATH={where}", f"CXX={tools.variable('CXX')}",
                   f"VISA_AS={installed / 'bin' / 'visa-as'}"], env=env).ok()
    return lambda *args: tools.execute([where / "tlm", *args, where / "guest.elf"],
                                       env={**os.environ, "SYSTEMC_DISABLE_COPYRIGHT_MESSAGE": "1"})


@pytest.fixture(scope="module")
def said(tlm):
    """The guest's lines: what it measured, and the cycles. A copy is (start, finished, handler)."""
    found, lines = {}, tlm().ok().stdout.splitlines()
    for line in lines[:-1]:
        name, cycles = line.rsplit(": ", 1)
        if name.startswith("  "):
            found[copy].append(int(cycles))
        elif name.startswith("copy"):
            copy = name
            found[copy] = [int(cycles)]
        else:
            found[name] = int(cycles)
    return found


def test_rows_of_the_memory_are_seen_in_the_cycles_of_loads(said, lat, numbers):
    """csrr, ld, csrr: the second is serial, and in X when the load has left M. X of the first
    is 0, so M of the load is 2: W = 3 and what it misses."""
    cached = 1 + 1 + lat["load"]
    refill = lat["bus"] + numbers["COLUMN"]
    assert said["load, line in the cache"] == cached
    assert said["load, row open"] == cached + refill
    assert said["load, no row open"] == cached + refill + numbers["ACTIVATE"]
    assert said["load, another row open"] == cached + refill + numbers["ACTIVATE"] + numbers["PRECHARGE"]


@pytest.mark.parametrize("how", ["busy", "asleep"])
def test_the_interrupt_comes_in_its_cycle(said, lat, numbers, how):
    start, finished, handler = said[f"copy, {how}"]
    # The store is in X one cycle behind the csrr, in M one later, and then on the bus.
    told = start + 1 + 1 + 1 + lat["bus"] + numbers["LATENCY"]
    # A read and a write for each line, one after the other; the rows are open.
    assert finished == told + 2 * LINES * (lat["bus"] + numbers["COLUMN"])
    # PI-31: the hart jumps in each cycle. The interrupt is taken behind the jump that was in X in
    # the cycle before, and is in W two later. PI-32: asleep, nothing is underway.
    behind = 2 - 1 if how == "busy" else 0
    assert handler == finished + behind + lat["trap"] + FILL


def test_transactions_are_counted(tlm):
    """Rows that were closed and opened, and the rest."""
    hits, opened, conflicts = map(int, re.search(
        r"DRAM: (\d+) rows open, (\d+) opened, (\d+) closed", tlm().ok().stdout).groups())
    assert opened <= 4              # there are four banks
    assert hits >= 4 * 2 * LINES - 2 - conflicts


@pytest.mark.parametrize("quantum", [1, 2, 7, 100, 12345])
def test_result_does_not_depend_on_the_quantum(tlm, quantum):
    assert tlm("--list", "--quantum", str(quantum)).ok().stdout == tlm("--list").ok().stdout


@pytest.mark.parametrize("args", [["--quantum"], ["--quantum", "x"], ["--nonsense"]])
def test_usage(tlm, args):
    result = tlm(*args)
    assert result.code == 2 and "usage" in result.stderr


def test_headers_are_for_cxx_too(pipeline, tmp_path):
    """Each by itself, and with its declarations in C linkage."""
    include = pipeline / "include" / "visa"
    for n, header in enumerate(sorted(p.relative_to(include) for p in include.rglob("*.h"))):
        if header.parts[0] == "systemc" or header.name == "isa_gen.h":
            continue
        source = tmp_path / f"t{n}.cpp"
        source.write_text(f"#include <{header}>\n")
        assert 'extern "C"' in (include / header).read_text(), header
        tools.execute([*shlex.split(tools.variable("CXX")), "-std=c++17", "-Wall", "-Wextra", "-Werror", "-fsyntax-only",
                       f"-I{include}", source]).ok()
