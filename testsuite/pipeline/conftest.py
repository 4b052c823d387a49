"""Fixtures of the pipeline's tests: programs, and the cycle of each of their instructions."""

import json

import pytest

from harness import guest, tools


@pytest.fixture(scope="session")
def pipelined():
    """Skips where the simulator was built without SystemC: then it has no such model."""
    tools.need_pipeline()


class Run:
    """The retire records of a run, and the pipeline's figures."""

    def __init__(self, records, stats):
        self.records, self.stats = records, stats

    def all(self, label):
        """Records at a label, in the order in which they happened."""
        found = [r for r in self.records if r.get("symbol") == label]
        assert found, f"nothing happened at '{label}'"
        return found

    def cycle(self, label, nth=0):
        """First cycle in X of the instruction at the label, of its nth time there."""
        return self.all(label)[nth]["cycle"]

    def between(self, first, second, nth=0):
        return self.cycle(second, nth) - self.cycle(first, nth)


@pytest.fixture
def pipeline(pipelined, fresh):
    """pipeline(text, *args) -> Run of the assembled text, to its end by the finisher.

    code: of visa-sim; 122 where the program is to be stopped by --max-insns."""
    return lambda text, *args, code=0: simulate(fresh, text, *args, code=code)


@pytest.fixture
def untraced(pipelined, fresh):
    """The same program's statistics if nobody listens."""
    def get(text, *args):
        elf = guest.assemble(text, fresh(".elf"))
        return tools.simulate(elf, "--model", "pipeline", *args, stats=fresh(".json")).ok().stats
    return get


def simulate(fresh, text, *args, code):
    elf, trace = guest.assemble(text, fresh(".elf")), fresh(".trace")
    result = tools.simulate(elf, "--model", "pipeline", f"--trace={trace}", "--trace-format", "json",
                            "--max-insns", "200000", *args, stats=fresh(".json"))
    assert result.code == code, str(result)
    return Run(tools.trace_records(trace.read_text()), result.stats)
