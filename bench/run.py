#!/usr/bin/env python3
"""Measures visa-sim's functional model, beside QEMU where that is installed.

Every program is written in C, built with riscv64-unknown-elf-gcc -O2, run again and again
by each simulator in turn (A B A B), and checks its own result: its checksum must be the one
that the same C gives on this machine, and its exits are counted. The number of instructions
is visa-sim's exact count; seconds are processor time of the whole process less that of an
empty program, and medians. A ratio is the median over the pairs of runs, above 1 if
visa-sim is the faster. Nothing here passes or fails by speed.

VISA_SIM and VISA_BUILD name what is measured (`make bench` and `./dev bench` set them).
"""

import argparse
import json
import os
import shutil
import statistics
import shlex
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
SRC = HERE.parent
BUILD = Path(os.environ.get("VISA_BUILD") or SRC / "build")
VISA_SIM = Path(os.environ.get("VISA_SIM") or BUILD / "visa-sim")
RAM = 0x80000000
GCC = ["riscv64-unknown-elf-gcc", "-march=rv64imac_zicsr_zifencei", "-mabi=lp64", "-mcmodel=medany",
       "-std=c17", "-O2", "-Wall", "-Wextra", "-Wshadow", "-Werror", "-ffreestanding", "-nostdlib",
       "-nostartfiles", "-static", "-T", HERE / "bench.ld",
       f"-Wl,--defsym=BASE={RAM:#x}", "-Wl,--build-id=none", "-Wl,--no-warn-rwx-segments"]
QEMU = ["qemu-system-riscv64", "-machine", "virt", "-nographic", "-bios", "none", "-kernel"]
QUICK = 100      # a quick run does this part of the work
TIME_LIMIT = 600  # seconds for one run


@dataclass
class Program:
    """One row: its source, where it runs or how it exits, and how many rounds."""
    source: str
    place: str   # PLACE of main.c, or EXIT of exits.c
    rounds: int
    what: str

    @property
    def exits(self):
        return self.source == "exits.c"

    @property
    def xvisa(self):
        """Needs the extension: no other simulator can run it."""
        return self.exits or self.place == "GUEST"


PROGRAMS = {
    "integer": Program("integer.c", "BARE", 2000000, "records, strings, calls; Ring -1"),
    "mix": Program("mix.c", "BARE", 10000, "list, matrix, state machine, CRC; Ring -1"),
    "memory": Program("memory.c", "BARE", 200, "sort, chase, streams, matrix; Ring -1"),
    "memory-sv39": Program("memory.c", "SV39", 200, "the same in Ring 0, Sv39"),
    "pages": Program("pages.c", "BARE", 2000, "512 pages at random; Ring -1"),
    "pages-sv39": Program("pages.c", "SV39", 2000, "the same in Ring 0, Sv39"),
    "pages-nested": Program("pages.c", "GUEST", 2000, "the same in a guest, Sv39 over Sv39x4"),
    "integer-guest": Program("integer.c", "GUEST", 2000000, "integer in a guest, Sv39 over Sv39x4"),
    "hypercall": Program("exits.c", "HYPERCALL", 5000000, "null hypercalls"),
    "cr3": Program("exits.c", "CR3", 5000000, "writes of CR3, LDGPTBR by the hypervisor"),
    "io": Program("exits.c", "IO", 2500000, "OUT and IN, the device in the hypervisor"),
}
EMPTY = Program("empty.c", "BARE", 0, "starts and ends")


def fail(message):
    sys.exit(f"run.py: {message}")


def execute(command):
    """Runs to the end; seconds of processor time and of the clock. Any failure ends run.py."""
    command = [str(c) for c in command]
    with tempfile.TemporaryFile() as said:
        start = time.perf_counter()
        p = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=said, stderr=subprocess.STDOUT)
        alarm = threading.Timer(TIME_LIMIT, p.kill)
        alarm.start()
        _, status, usage = os.wait4(p.pid, 0)  # alone tells the time that this one child took
        wall = time.perf_counter() - start
        alarm.cancel()
        p.returncode = os.waitstatus_to_exitcode(status)
        if p.returncode:
            said.seek(0)
            fail(f"exit code {p.returncode} after {wall:.1f} s of: {' '.join(command)}\n"
                 f"{said.read().decode(errors='replace')}")
        return usage.ru_utime + usage.ru_stime, wall


class Bench:
    """Programs built in one directory, simulators by name: the command before the image."""

    def __init__(self, where, simulators, wall=False):
        self.where, self.simulators, self.wall = where, simulators, wall

    def output_of(self, command):
        p = subprocess.run([str(c) for c in command], capture_output=True, text=True)
        if p.returncode:
            fail(f"exit code {p.returncode} of: {' '.join(map(str, command))}\n{p.stderr}")
        return p.stdout

    def expected(self, program, rounds):
        """The checksum, by the compiler of this machine."""
        native = self.where / "native"
        self.output_of([*shlex.split(os.environ.get("CC") or "cc"), "-O2", f"-DROUNDS={rounds}", "-o",
                        native, HERE / "native.c", HERE / program.source])
        return int(self.output_of([native]))

    def build(self, name, program, rounds, expected=None):
        elf = self.where / f"{name}.elf"
        if program.exits:
            sources, flags = ["start.S", program.source], [f"-DEXIT={program.place}"]
        else:
            sources = ["start.S", "main.c", program.source]
            checksum = self.expected(program, rounds) if expected is None else expected
            flags = [f"-DPLACE={program.place}", f"-DEXPECTED={checksum}u"]
        self.output_of([*GCC, f"-I{BUILD / 'isa'}", f"-DROUNDS={rounds}", *flags, "-o", elf,
                        *[HERE / s for s in sources], "-lgcc"])
        return elf

    def counts(self, elf):
        stats = self.where / "stats.json"
        execute([VISA_SIM, "--stats", stats, elf])
        return json.loads(stats.read_text())

    def seconds(self, elf, names, runs):
        """Of each simulator, one value a run; they take turns."""
        taken = {n: [] for n in names}
        for _ in range(runs):
            for n in names:
                cpu, wall = execute([*self.simulators[n], elf])
                taken[n].append(wall if self.wall else cpu)
        return taken


def measure(bench, name, rounds, runs, startup):
    """The result of one program, as --json writes it."""
    program = PROGRAMS[name]
    elf = bench.build(name, program, rounds)
    stats = bench.counts(elf)
    names = [n for n in bench.simulators if not (program.xvisa and n.startswith("qemu"))]
    taken = bench.seconds(elf, names, runs)
    net = {n: [max(t - startup[n], 0) for t in taken[n]] for n in names}
    result = {"rounds": rounds, "instructions": stats["instret"], "exits": stats["exits"],
              "tlb_misses": stats["tlbmiss"] + stats["tlbmiss_host"],
              "seconds": net, "mips": {}, "ratio": {}}
    for n in names:
        median = statistics.median(net[n])
        result["mips"][n] = stats["instret"] / median / 1e6 if median else None
        if n == "visa-sim" and program.exits:
            result["exits_per_second"] = stats["exits"] / median if median else None
        pairs = [other / mine for mine, other in zip(net["visa-sim"], net[n]) if mine]
        if n != "visa-sim":
            result["ratio"][n] = statistics.median(pairs) if pairs else None
    return result


def cell(value, width, form):
    return f"{'-' if value is None else format(value, form):>{width}}"


def heading(simulators):
    others = "".join(f" {n + ' M/s':>16} {'ratio':>6}" for n in simulators if n != "visa-sim")
    return (f"{'program':<14} {'instructions':>13} {'TLB misses':>11} {'visa-sim M/s':>13}{others}"
            f" {'M exits/s':>10}")


def row(name, result, simulators):
    others = "".join(f" {cell(result['mips'].get(n), 16, '.0f')} {cell(result['ratio'].get(n), 6, '.3f')}"
                     for n in simulators if n != "visa-sim")
    exits = result.get("exits_per_second")
    return (f"{name:<14} {result['instructions']:>13} {result['tlb_misses']:>11} "
            f"{cell(result['mips']['visa-sim'], 13, '.0f')}{others} "
            f"{cell(exits and exits / 1e6, 10, '.1f')}   {PROGRAMS[name].what}")


def simulators(args):
    """Commands by name, visa-sim first."""
    found = {"visa-sim": [VISA_SIM]}
    if args.against:
        found["against"] = [args.against]
    if args.listen:
        found["listened"] = [VISA_SIM, "--trace-events"]
    if shutil.which(QEMU[0]) and not args.no_qemu:
        found["qemu"] = QEMU
        found["qemu-icount"] = [QEMU[0], "-icount", "shift=0", *QEMU[1:]]
    return found


def parse():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--only", action="append", choices=PROGRAMS, metavar="NAME",
                    help=f"measure this program; may be repeated: {', '.join(PROGRAMS)}")
    ap.add_argument("--quick", action="store_true", help=f"1/{QUICK} of the work: does everything run?")
    ap.add_argument("--runs", type=int, default=5, metavar="N", help="runs of each (default: 5)")
    ap.add_argument("--against", type=Path, metavar="PATH", help="another visa-sim to compare with")
    ap.add_argument("--listen", action="store_true",
                    help="also with a listener to every instruction that prints none (use --quick)")
    ap.add_argument("--no-qemu", action="store_true", help="leave QEMU out")
    ap.add_argument("--wall", action="store_true", help="measure by the clock on the wall")
    ap.add_argument("--json", type=Path, metavar="FILE", help="write all results, each run's seconds too")
    args = ap.parse_args()
    if args.runs < 1:
        ap.error("--runs: expected 1 or more")
    return args


def main():
    args = parse()
    results = {}
    for path in [VISA_SIM, *([args.against] if args.against else [])]:
        if not os.access(path, os.X_OK):
            fail(f"{path} is not there: build it first (./dev build, or make)")
    if not shutil.which(GCC[0]):
        fail(f"{GCC[0]} is missing: install the Debian package gcc-riscv64-unknown-elf")
    with tempfile.TemporaryDirectory() as where:
        bench = Bench(Path(where), simulators(args), args.wall)
        elf = bench.build("empty", EMPTY, EMPTY.rounds)
        taken = bench.seconds(elf, bench.simulators, 2 * args.runs)
        startup = {n: statistics.median(t) for n, t in taken.items()}
        print("start-up, ms: " + ", ".join(f"{n} {t * 1e3:.1f}" for n, t in startup.items()))
        print(heading(bench.simulators))
        for name in args.only or PROGRAMS:
            rounds = PROGRAMS[name].rounds // (QUICK if args.quick else 1)
            results[name] = measure(bench, name, rounds, args.runs, startup)
            print(row(name, results[name], bench.simulators), flush=True)
    if args.json:
        args.json.write_text(json.dumps({"startup": startup, "programs": results}, indent=1) + "\n")


if __name__ == "__main__":
    main()
