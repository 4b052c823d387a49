"""The state space of VM entry, fuzzed under ASan and UBSan (state.c says what is checked)."""

import os
import subprocess
from pathlib import Path

import pytest

ROUNDS = int(os.environ.get("VISA_FUZZ_ROUNDS", "2000"))


@pytest.mark.slow
def test_state_space(build_dir, seed):
    """Any run prints its seed; `fuzz-state --seed N --rounds 1` replays one round."""
    first = 1 + seed % 1000000
    run = subprocess.run([Path(build_dir) / "fuzz-state", "--seed", str(first), "--rounds", str(ROUNDS)],
                         capture_output=True, text=True, timeout=1200)
    print(run.stdout, run.stderr)
    assert run.returncode in (0, 1), run.stderr
    assert not run.stderr, run.stderr
    assert "impossible 0" in run.stdout
    if ROUNDS >= 6000:
        assert int(run.stdout.rsplit("missing ", 1)[1].split(",")[0]) <= 1, run.stdout


@pytest.mark.slow
def test_coverage_is_complete(build_dir):
    """With this fixed seed every cause is reached from every ring it can come from."""
    run = subprocess.run([Path(build_dir) / "fuzz-state", "--seed", "100000", "--rounds", "6000"],
                         capture_output=True, text=True, timeout=1200)
    print(run.stdout, run.stderr)
    assert run.returncode == 0, run.stdout + run.stderr
