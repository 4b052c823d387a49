"""Fixtures of the base's tests: programs of many cases, built and run once a session."""

import random

import pytest

from base import bare, cases


@pytest.fixture(scope="session")
def seed(request):
    return request.config.option.seed


@pytest.fixture(scope="session")
def workshop(tmp_path_factory):
    return tmp_path_factory.mktemp("base")


@pytest.fixture(scope="session")
def batches(seed, workshop):
    """batches(name, fill, machine) -> {key: [(case, expected, outcome)]}.

    fill(maker) makes the cases of program `name` on a cases.Maker; each program is
    built once, and run once on a machine.
    """
    programs, results = {}, {}

    def get(name, fill, machine, **layout):
        if name not in programs:
            maker = cases.Maker(bare.Program(**layout), random.Random(f"{seed} {name}"))
            fill(maker)
            programs[name] = maker.made, maker.program.build(workshop, name)
        if (name, machine) not in results:
            results[name, machine] = run(*programs[name], machine)
        if isinstance(results[name, machine], str):
            pytest.fail(results[name, machine], pytrace=False)
        return results[name, machine]
    return get


def run(made, elf, machine):
    """The outcomes by key; a text if the program failed, so that it is not run again for every key."""
    table = {}
    try:
        for (key, case, want), got in zip(made, bare.outcomes(elf, machine, made)):
            table.setdefault(key, []).append((case, want, got))
    except (AssertionError, pytest.fail.Exception) as failure:
        return f"the program of this test's cases failed on {machine}: {failure}"
    return table


@pytest.fixture
def check(seed):
    """check(triples, skip): every outcome is what was expected, or the test fails and says where not."""
    def judge(triples, skip=lambda case, want: False):
        assert triples, "no case"
        wrong = [f"{case}: {line}" for case, want, got in triples if not skip(case, want)
                 for line in cases.differences(want, got)]
        assert not wrong, f"{len(wrong)} differences (replay with --seed {seed}):\n" + "\n".join(wrong[:10])
    return judge
