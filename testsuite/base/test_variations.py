"""What must not change the outcome: a listener to the trace, the sizes of the TLBs, limits."""

import pytest

from base import bare, cases, streams
from base.test_translation import fill as fill_translation
from harness import tools

SMALL_TLBS = ["--tlb-l1", "1", "--tlb-l2", "2", "--tlb-l2-ways", "1", "--walk-cache", "1"]
LARGE_TLBS = ["--tlb-l1", "64", "--tlb-l2", "1024", "--tlb-l2-ways", "8"]


def make_streams(maker, isa):
    for _ in range(10):
        maker.program.add(streams.make(isa, maker.rng, 120))


@pytest.fixture
def elf_of(isa, rng, tmp_path):
    def build(kind):
        maker = cases.Maker(bare.Program(), rng)
        if kind == "streams":
            make_streams(maker, isa)
        else:
            fill_translation(maker)
        return maker.program.build(tmp_path, kind)
    return build


@pytest.mark.parametrize("options", [SMALL_TLBS, LARGE_TLBS, ["--trace=/dev/null"],
                                     ["--trace=/dev/null", "--trace-format", "json"]])
@pytest.mark.parametrize("kind", ["streams", "translation"])
def test_outcome_is_the_same(kind, options, elf_of):
    elf = elf_of(kind)
    plain = tools.simulate(elf).ok()
    assert bare.parse(plain.stdout)
    assert tools.simulate(elf, *options).ok().stdout == plain.stdout


def test_statistics_are_the_same_with_a_trace(elf_of, tmp_path):
    """A listener changes no count: instructions, ticks, walks."""
    elf = elf_of("translation")
    plain = tools.simulate(elf, stats=tmp_path / "a.json").ok()
    traced = tools.simulate(elf, "--trace=/dev/null", stats=tmp_path / "b.json").ok()
    assert plain.stats and plain.stats == traced.stats
