#!/usr/bin/env python3
"""Measures the functional model: guest instructions per second of the host.

    run.py [--runs N] [--json FILE] [NAME ...]

Each program is built with riscv64-unknown-elf-gcc and run N times; the table shows the
median. The counts are the machine's own and equal in every run; run.py fails if not.
VISA_SIM and VISA_BUILD name what is measured (`make bench` sets them).
"""

import argparse
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "testsuite"))
from harness import guest, tools  # noqa: E402

PROGRAMS = {  # name: source, arguments of the compiler, what it is
    "crc": ("crc.c", [], "integer loop in Ring -1"),
    "walk-none": ("walk.c", ["-DSTAGES=0"], "loads from 512 pages, no translation"),
    "walk-sv39": ("walk.c", ["-DSTAGES=1"], "the same in Ring 0, Sv39"),
    "walk-nested": ("walk.c", ["-DSTAGES=2"], "the same in a guest, Sv39 over Sv39x4"),
    "world": ("world.c", [], "hypercall and VMRESUME.ADV, again and again"),
}


def measure(name, where, runs):
    """Counts and the median of the seconds of one program."""
    source, args, _ = PROGRAMS[name]
    elf = guest.compile_c([HERE / "start.S", HERE / source], where / f"{name}.elf", *args)
    seconds, counts = [], None
    for _ in range(runs):
        start = time.perf_counter()
        result = tools.simulate(elf, stats=where / "stats.json").ok()
        seconds.append(time.perf_counter() - start)
        if counts not in (None, result.stats):
            sys.exit(f"run.py: two runs of {name} counted differently")
        counts = result.stats
    return counts, statistics.median(seconds)


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("names", nargs="*", default=list(PROGRAMS), metavar="NAME")
    ap.add_argument("--runs", type=int, default=5)
    ap.add_argument("--json", help="file for the results")
    args = ap.parse_args()
    if unknown := set(args.names) - set(PROGRAMS):
        ap.error(f"no program '{sorted(unknown)[0]}', expected of {', '.join(PROGRAMS)}")
    print(f"{'program':<12} {'instructions':>13} {'exits':>9} {'TLB misses':>11} {'seconds':>8} {'M/s':>7}")
    results = {}
    with tempfile.TemporaryDirectory() as where:
        for name in args.names:
            counts, seconds = measure(name, Path(where), args.runs)
            results[name] = {"seconds": seconds, **counts}
            print(f"{name:<12} {counts['instret']:>13} {counts['exits']:>9} "
                  f"{counts['tlbmiss'] + counts['tlbmiss_host']:>11} {seconds:>8.2f} "
                  f"{counts['instret'] / seconds / 1e6:>7.0f}   {PROGRAMS[name][2]}", flush=True)
    if args.json:
        Path(args.json).write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
