"""Files, source texts and command lines of every kind: an answer, and never a crash.

The programs fuzz-* (image.c, asm.c, dump.c, options.c, config.c say what each checks) run under ASan and
UBSan over mutated seeds. VISA_FUZZ_ROUNDS makes them run longer; `make fuzz` uses libFuzzer.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
LONGER = int(os.environ.get("VISA_FUZZ_ROUNDS", "0"))
ROUNDS = {"image": 4000, "asm": 4000, "dump": 4000, "options": 20000, "config": 8000}
REASONS = {"image": 12, "asm": 40, "dump": 2, "options": 8, "config": 8}  # different refusals that a run must see


@pytest.fixture(scope="module")
def seeds(tmp_path_factory, visa_as, src_dir):
    directory = tmp_path_factory.mktemp("seeds")
    subprocess.run([sys.executable, HERE / "seeds.py", directory], check=True,
                   env={**os.environ, "VISA_AS": str(visa_as), "VISA_SRC": str(src_dir)})
    return directory


def fuzz(build_dir, cwd, target, *args):
    if target == "config" and not (Path(build_dir) / "fuzz-config").exists():
        pytest.skip("built without libconfig: install the Debian package libconfig-dev")
    return subprocess.run([Path(build_dir) / f"fuzz-{target}", *map(str, args)], cwd=cwd, capture_output=True,
                          text=True, errors="replace", timeout=1200)


def figures(run):
    words = run.stdout.replace(",", "").split()
    return {name: int(words[words.index(name) + 1]) for name in ("accepted", "refused", "for")}


@pytest.mark.slow
@pytest.mark.parametrize("target", ROUNDS)
def test_mutated_seeds(build_dir, tmp_path, seeds, seed, target):
    run = fuzz(build_dir, tmp_path, target, "--seed", seed, "--rounds", LONGER or ROUNDS[target],
               *sorted((seeds / target).iterdir()))
    print(run.stdout, run.stderr)
    assert run.returncode == 0 and not run.stderr, run.stdout + run.stderr
    assert figures(run)["for"] >= REASONS[target], run.stdout


@pytest.mark.parametrize("target", ROUNDS)
def test_a_run_that_refuses_nothing_fails(build_dir, tmp_path, seeds, target):
    good = {"image": "tour", "asm": "tour", "dump": "tour", "options": "0", "config": "small-core"}[target]
    run = fuzz(build_dir, tmp_path, target, "--rounds", 0, seeds / target / good)
    assert run.returncode == 1, run.stdout
    run = fuzz(build_dir, tmp_path, target, "--replay", seeds / target / good)
    assert run.returncode == 0 and figures(run)["accepted"] == 1, run.stdout + run.stderr
