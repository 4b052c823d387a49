"""Broken programs in the pipeline model: it ends as the functional model does, and counts the same.

With --enable-sanitizers, ASan and UBSan watch the model and its views. VISA_FUZZ_ROUNDS: more programs.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from harness import tools

HERE = Path(__file__).parent
ROUNDS = max(40, int(os.environ.get("VISA_FUZZ_ROUNDS", "0")) // 100)  # each is two processes
LIMIT = 1500
COUNTS = ("instret", "exceptions", "interrupts", "exits")
HEADER = 64  # bytes of an ELF header: what breaks it says little about a pipeline
E_TYPE, ET_EXEC = 16, 2
VIEWS = ("--kanata", "--o3pipeview", "--vcd", "--perfetto", "--report", "--trace")
SANITIZERS = ("AddressSanitizer", "runtime error", "LeakSanitizer")


@pytest.fixture(scope="module")
def seeds(tmp_path_factory, visa_as, src_dir):
    directory = tmp_path_factory.mktemp("seeds")
    subprocess.run([sys.executable, HERE / "seeds.py", directory], check=True,
                   env={**os.environ, "VISA_AS": str(visa_as), "VISA_SRC": str(src_dir)})
    files = [p.read_bytes() for p in sorted((directory / "image").iterdir())]
    return [f for f in files if f[E_TYPE] == ET_EXEC]


@pytest.fixture(scope="module")
def has_pipeline():
    tools.need_pipeline()


def mutated(rng, seeds):
    """A seed's code with some bits, words and instructions changed."""
    data = bytearray(rng.choice(seeds))
    for _ in range(rng.choice((0, 1, 4, 16))):
        at = rng.randrange(HEADER, len(data) - 4)
        kind = rng.randrange(3)
        if kind == 0:
            data[at] ^= 1 << rng.randrange(8)
        elif kind == 1:
            data[at & ~1:(at & ~1) + 4] = rng.getrandbits(32).to_bytes(4, "little")
        else:
            other = rng.randrange(HEADER, len(data) - 4)
            data[at & ~1:(at & ~1) + 4] = data[other & ~1:(other & ~1) + 4]
    return bytes(data)


def flat(rng):
    """No program at all: random halfwords."""
    return rng.randbytes(2 * rng.randrange(1, 400))


def settings(rng):
    """Sizes of the machine that both models understand."""
    chosen = ["-p", str(rng.choice((1, 1, 2))), "--pool", str(rng.choice((1, 4))), "-m", "1M",
              "--time", "instret", "-n", str(rng.randrange(1, LIMIT))]
    return chosen + ["--tlb-l1", str(rng.choice((1, 2, 16)))]


def simulate(path, model, args, stats):
    run = tools.execute([tools.tool("visa-sim"), "--model", model, *args, "--stats", stats, path])
    assert run.code >= 0 and not any(s in run.stderr for s in SANITIZERS), f"{model} {args}\n{run.stderr}"
    return run.code, json.loads(stats.read_text()) if stats.exists() else None


def compare(path, raw, args, looking):
    raw = ["--raw", "0x80000000"] if raw else []
    code, fast = simulate(path, "functional", args + raw, path.with_suffix(".f"))
    also, slow = simulate(path, "pipeline", args + raw + looking, path.with_suffix(".p"))
    assert (fast is None) == (slow is None), f"{args} {path}"
    if args[:2] == ["-p", "2"]:  # harts that race need not end alike
        return fast is not None
    assert code == also, f"functional {code}, pipeline {also}: {args} {path}"
    for key in COUNTS if fast else ():
        assert fast[key] == slow[key], f"{key}: {args} {path}"
    return fast is not None


def test_broken_programs(has_pipeline, rng, seeds, tmp_path):
    ran = 0
    for number in range(ROUNDS):
        raw = rng.random() < 0.2
        path = tmp_path / f"program{number}"
        path.write_bytes(flat(rng) if raw else mutated(rng, seeds))
        view = rng.choice(VIEWS)
        ran += compare(path, raw, settings(rng), [f"{view}={tmp_path / 'view'}"])
    assert ran > ROUNDS // 2, f"only {ran} of {ROUNDS} programs could be loaded"
