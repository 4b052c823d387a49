"""Unit tests in C: TLB, walk cache and state pool by their rules alone, without a guest; and what machine.h promises."""

import re

import pytest

from harness.tools import BUILD, SRC, execute

NAMES = re.findall(r"^    X\((\w+)\)", (SRC / "testsuite" / "unit" / "unit.h").read_text(), re.M)


@pytest.mark.parametrize("name", NAMES)
def test_unit(name):
    result = execute([BUILD / "unit", name])
    assert result.code == 0, result.stdout


def test_all_are_run():
    assert execute([BUILD / "unit"]).ok().stdout.split() == NAMES and len(NAMES) > 10
