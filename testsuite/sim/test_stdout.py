"""Who owns standard output: what the guest prints, or one result (visa-sim(1), "Standard output")."""

import itertools
import json

import pytest

from harness import tools

USAGE, OUTPUT = 120, 119
# A character by the UART, by port 0xe9 and by HTIF, then the end.
PRINTS = """
_start:
    li a0, 0x10000000
    li a1, 'u'
    sb a1, (a0)
    li a1, 'p'
    out.b 0xe9, a1
    la a0, tohost
    li a1, 0x0101000000000000 + 'h'
    sd a1, (a0)
    li a0, 0x100000
    li a1, 0x5555
    sw a1, (a0)
1:  j 1b
    .data
    .balign 8
    .globl tohost
tohost: .dword 0
begin_signature: .word 0xcafe0123
end_signature:
"""
TEXT = "uph"
RESULTS = ["--stats", "--report", "--dump-dtb", "--trace", "--perfetto", "--kanata", "--o3pipeview", "--vcd", "--signature"]
PIPELINE = {"--kanata", "--o3pipeview", "--vcd"}


@pytest.fixture
def sim(assemble, tmp_path):
    elf = assemble(PRINTS)
    return lambda *args: tools.execute([tools.tool("visa-sim"), *args, elf], cwd=tmp_path)


def to(option, path):
    return f"{option}={path}"


def contents(option, data):
    """What distinguishes the result of this option."""
    return {"--stats": '"instret"', "--report": "<html", "--dump-dtb": "riscv", "--trace": "h0 R-1",
            "--perfetto": '"traceEvents"', "--kanata": "Kanata", "--o3pipeview": "O3PipeView:",
            "--vcd": "$timescale", "--signature": "cafe0123\n"}[option] in data


def test_alone_it_is_the_guests(sim):
    for args in ([], ["--uart-out", "-"], ["--stats", "s.json"]):
        result = sim(*args).ok()
        assert (result.stdout, result.stderr) == (TEXT, "")


@pytest.mark.parametrize("option", RESULTS)
def test_result_owns_it(option, sim):
    """The same bytes as in a file, and the guest's text is on standard error."""
    if option in PIPELINE:
        tools.need_pipeline()
    result = sim(to(option, "-")).ok()
    assert result.stderr == TEXT
    assert contents(option, result.stdout) and TEXT not in result.stdout
    sim(to(option, "-"), "--uart-out", "c").ok()
    again = sim("--uart-out", "c", to(option, "-")).ok()
    assert (again.stdout, again.stderr) == (result.stdout, "")


def test_uart_out(sim, tmp_path):
    result = sim("--uart-out", "c", "--stats", "s").ok()
    assert (result.stdout, result.stderr) == ("", "")
    assert (tmp_path / "c").read_text() == TEXT
    json.loads((tmp_path / "s").read_text())


def test_uart_out_cannot_be_written(sim):
    result = sim("--uart-out", "/none/c")
    assert result.code == OUTPUT and "/none/c: cannot be written: No such file" in result.stderr
    result = sim("--uart-out", "/dev/full")
    assert result.code == OUTPUT and "/dev/full could not be written completely" in result.stderr


@pytest.mark.parametrize("one, other", itertools.permutations(RESULTS + ["--uart-out"], 2))
def test_two_owners(one, other, sim):
    result = sim(to(one, "-"), to(other, "-"))
    assert result.code == USAGE and result.stdout == "", str(result)
    assert f"{one} - and {other} -: standard output can take one" in result.stderr, str(result)


def test_one_option_twice_is_one_owner(sim):
    json.loads(sim("--stats", "-", "--stats", "-").ok().stdout)
    assert sim("--stats", "-", "--stats", "s", "--uart-out", "-").ok().stdout == TEXT


def test_piped_into_visa_stat(assemble):
    pipe = tools.execute(["sh", "-c", '"$1" --stats - "$2" | "$3" -', "sh", tools.tool("visa-sim"), assemble(PRINTS),
                          tools.tool("visa-stat")]).ok()
    assert pipe.stdout.startswith("functional model, 1 hart") and pipe.stderr == TEXT
