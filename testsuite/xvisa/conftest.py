"""Fixtures of Xvisa's tests: scripts of many cases, run once a session."""

import random

import pytest

from xvisa import script


@pytest.fixture(scope="session")
def workshop(tmp_path_factory):
    directory = tmp_path_factory.mktemp("xvisa")
    script.RUNNER["image"] = script.build_runner(directory).read_bytes()
    return directory


@pytest.fixture(scope="session")
def batch(workshop, seed):
    """batch(name, cases, arrange, *args) -> {case: what arrange gave back for it}.

    arrange(script, case) puts a case's operations into the script `name`, which runs once,
    with these arguments for visa-sim. The answers have their values afterwards."""
    done = {}

    def get(name, cases, arrange, *args):
        if name not in done:
            done[name] = None
            s, got = script.Script(), {}
            for case in cases:
                s.case()
                got[case] = arrange(s, case)
            s.execute(workshop / f"{name}.elf", *args)
            done[name] = got
        assert done[name] is not None, f"script {name} failed before (see the first test of it)"
        return done[name]
    return get


@pytest.fixture
def single(workshop, request):
    """A script of one test: fill it, then call single.run(). `stats` has visa-sim's statistics."""
    class Single(script.Script):
        def go(self, *args):
            name = "".join(c if c.isalnum() else "-" for c in request.node.name)[:80]
            return self.execute(workshop / f"{name}.elf", *args)
    return Single()


@pytest.fixture(scope="session")
def dice(seed):
    """dice(name) -> random.Random that depends on the seed and the name."""
    return lambda name: random.Random(f"{seed} {name}")
