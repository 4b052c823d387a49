#!/usr/bin/env python3
"""Measures the pipeline model: how fast it simulates, and what the machine that it simulates costs.

Speed: simulated cycles per second of this machine, on the programs of run.py, and how many times
slower than the functional model in the same minute; seconds as run.py takes them.

Costs: cycles of switches between worlds (worlds.s) and of translation (touch.c), each in
the steady state, read from the counter `cycle` by the program itself. Beside them is what was
moved or read: registers of a bank, bytes of contexts, entries of page tables. Two runs, of
ROUNDS and twice as many rounds, give these per round. The costs are exact: they are the same
on every machine that runs this.

VISA_AS, VISA_SIM and VISA_BUILD name what is measured (`make cycles` and `./dev cycles` set them).
"""

import argparse
import json
import os
import re
import shutil
import statistics
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import run
from run import BUILD, GCC, HERE, PROGRAMS, SRC, VISA_SIM

sys.path.insert(0, str(SRC / "isa"))
import tables  # noqa: E402

PIPELINE = ["--model", "pipeline"]
VISA_AS = Path(os.environ.get("VISA_AS") or BUILD / "visa-as")
PART = 50       # a run here does this part of run.py's work
ROUNDS = 8
ISA = tables.load(SRC / "isa")
FIELDS = {f.name: f for f in ISA.vmcs}
WORD = 8
CONTEXT = {c.name: c.value for c in ISA.consts}["VMCS_BYTES"]
WRITTEN = WORD * sum(f.n for f in ISA.vmcs)


def registers_of_a_bank():
    """What an entry or an exit swaps: x1 to x31, pc, ring and the CSRs behind them; no f registers."""
    names = [f.name for f in ISA.vmcs]
    bank = names[names.index("x"):names.index("exit_cause")]
    return sum(FIELDS[n].n for n in bank if n not in ("f", "fcsr")) - 1


# Everything that is looked up is in the data cache.
LARGE_CACHE = ["--set", "dcache.bytes=1M", "--set", "dcache.ways=64"]
NO_WALK_CACHE = ["--set", "tlb.walk_cache=0"]


@dataclass
class Cost:
    """A row: its program, the kind in it, and how many times a round swaps the banks."""
    what: str
    kind: str
    swaps: int = 0
    place: str = ""       # of touch.c; "": of worlds.s
    options: tuple = ()


COSTS = {
    "enter": Cost("VMENTER, to the guest's first instruction", "ENTER", 1),
    "resume": Cost("VMRESUME, likewise", "RESUME", 1),
    "exit": Cost("VMEXIT, to the host's next instruction", "EXIT", 1),
    "hypercall": Cost("null hypercall: VMEXIT, VMRESUME.ADV, guest", "HYPERCALL", 2),
    "save-none": Cost("VMSAVE of a context that is not pooled", "NOTHING"),
    "save": Cost("VMSAVE of a pooled context", "SAVE"),
    "enter-refill": Cost("VMENTER, the context in memory", "REFILL", 1),
    "enter-swap": Cost("VMENTER, the same, and one written first", "SWAP", 1),
    "send": Cost("VINT_SEND to itself, to the guest's handler", "SEND"),
    "ack": Cost("VINT_ACK in the guest's handler", "ACK"),
    "load": Cost("load, no translation", "HIT", place="BARE"),
    "load-native": Cost("load, L1 hit, Sv39", "HIT", place="SV39"),
    "load-nested": Cost("load, L1 hit, Sv39 over Sv39x4", "HIT", place="GUEST"),
    "l2-native": Cost("load, L2 hit, Sv39", "L2", place="SV39"),
    "l2-nested": Cost("load, L2 hit, Sv39 over Sv39x4", "L2", place="GUEST"),
    "walk-native": Cost("load, walk, Sv39", "WALK", place="SV39"),
    "walk-nested": Cost("load, walk, Sv39 over Sv39x4", "WALK", place="GUEST"),
    "walk-nested-cold": Cost("the same without the walk cache", "WALK", place="GUEST", options=tuple(NO_WALK_CACHE)),
}


class Costs:
    """Measures rows of COSTS in a directory."""

    def __init__(self, where):
        self.where, self.bench = where, run.Bench(where, {})
        text = (HERE / "worlds.s").read_text()
        self.kinds = {name: int(n) for name, n in re.findall(r"^\s+\.equ\s+([A-Z]+), +(\d+)$", text, re.M)}

    def build(self, cost, rounds, load=1):
        elf = self.where / "cost.elf"
        if cost.place:
            self.bench.output_of([*GCC, f"-I{BUILD / 'isa'}", f"-DROUNDS={rounds}", f"-DPLACE={cost.place}",
                                  f"-DKIND={cost.kind}", f"-DLOAD={load}", "-DREPORT", "-o", elf,
                                  *[HERE / s for s in ("start.S", "main.c", "touch.c")], "-lgcc"])
        else:
            self.bench.output_of([VISA_AS, "-D", f"KIND={self.kinds[cost.kind]}", "-D", f"ROUNDS={rounds}",
                                  "-o", elf, HERE / "worlds.s"])
        return elf

    def once(self, cost, rounds, load=1):
        """The cycles that the program tells, and the statistics."""
        stats = self.where / "stats.json"
        options = [*(LARGE_CACHE if cost.place else []), *cost.options]
        said = self.bench.output_of([VISA_SIM, *PIPELINE, *options, "--stats", stats, self.build(cost, rounds, load)])
        return int(said), json.loads(stats.read_text())

    def per_round(self, cost, load=1):
        """Cycles of the last round, and counts of each."""
        (_, few), (cycles, many) = (self.once(cost, n, load) for n in (ROUNDS, 2 * ROUNDS))
        names = ("exits", "pool_refills", "pool_spills", "walk_reads_guest", "walk_reads_host")
        return cycles, {n: (many[n] - few[n]) / ROUNDS for n in names}

    def measure(self, name):
        cost = COSTS[name]
        cycles, counts = self.per_round(cost)
        if cost.place:
            without, others = self.per_round(cost, load=0)
            cycles -= without
            counts = {n: counts[n] - others[n] for n in counts}
        spilled = counts["pool_spills"]
        if cost.kind == "SWAP":  # a round is one of each context
            counts = {n: counts[n] / (self.contexts() + 1) for n in counts}
            spilled = counts["pool_spills"]
        elif cost.kind == "REFILL":
            spilled = 0  # written by the VMCLEAR before
        elif cost.kind == "SAVE":
            spilled = 1  # written, and still there
        return {"cycles": cycles, "exits": counts["exits"], "registers": cost.swaps * registers_of_a_bank(),
                "bytes": CONTEXT * counts["pool_refills"] + WRITTEN * spilled,
                "entries": counts["walk_reads_guest"] + counts["walk_reads_host"]}

    @staticmethod
    def contexts():
        return {c.name: c.value for c in ISA.consts}["POOL"]


def cost_row(name, c):
    def cell(key, width):
        return f"{c[key]:>{width}.0f}" if c[key] else f"{'-':>{width}}"
    return (f"{name:<17} {c['cycles']:>7} {cell('registers', 10)} {cell('bytes', 7)} {cell('entries', 8)}"
            f"   {COSTS[name].what}")


def speed(bench, name, part, runs, startup):
    """The result of one program, as --json writes it."""
    elf = bench.build(name, PROGRAMS[name], max(PROGRAMS[name].rounds // part, 1))
    stats = bench.where / "stats.json"
    run.execute([VISA_SIM, *PIPELINE, "--stats", stats, elf])
    counts = json.loads(stats.read_text())
    taken = bench.seconds(elf, bench.simulators, runs)
    net = {n: [max(t - startup[n], 0) for t in taken[n]] for n in taken}
    median = statistics.median(net["pipeline"])
    pairs = [p / f for p, f in zip(net["pipeline"], net["functional"]) if f]
    return {"instructions": counts["instret"], "cycles": counts["cycles"], "seconds": net,
            "cycles_per_second": counts["cycles"] / median if median else None,
            "instructions_per_second": counts["instret"] / median if median else None,
            "slower": statistics.median(pairs) if pairs else None}


def speed_row(name, r):
    def rate(key):
        return "-" if r[key] is None else f"{r[key] / 1e6:.1f}"
    cpi = r["cycles"] / r["instructions"]
    slower = "-" if r["slower"] is None else f"{r['slower']:.1f}"
    return (f"{name:<14} {r['instructions']:>13} {cpi:>6.2f} {rate('cycles_per_second'):>11} "
            f"{rate('instructions_per_second'):>8} {slower:>7}   {PROGRAMS[name].what}")


def parse():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--only", action="append", choices=[*PROGRAMS, *COSTS], metavar="NAME",
                    help=f"this row alone; may be repeated: {', '.join([*PROGRAMS, *COSTS])}")
    ap.add_argument("--quick", action="store_true", help=f"1/{run.QUICK} of the work: does everything run?")
    ap.add_argument("--runs", type=int, default=3, metavar="N", help="runs of each program (default: 3)")
    ap.add_argument("--json", type=Path, metavar="FILE", help="write all results, each run's seconds too")
    args = ap.parse_args()
    if args.runs < 1:
        ap.error("--runs: expected 1 or more")
    return args


def check_tools():
    for path in (VISA_SIM, VISA_AS):
        if not os.access(path, os.X_OK):
            sys.exit(f"cycles.py: {path} is not there: build it first (./dev build, or make)")
    if not shutil.which(GCC[0]):
        sys.exit(f"cycles.py: {GCC[0]} is missing: install the Debian package gcc-riscv64-unknown-elf")


def print_speeds(where, names, args):
    bench = run.Bench(where, {"functional": [VISA_SIM], "pipeline": [VISA_SIM, *PIPELINE]})
    elf = bench.build("empty", run.EMPTY, run.EMPTY.rounds)
    taken = bench.seconds(elf, bench.simulators, 2 * args.runs)
    startup = {n: statistics.median(t) for n, t in taken.items()}
    results = {}
    print(f"{'program':<14} {'instructions':>13} {'CPI':>6} {'M cycles/s':>11} {'M insn/s':>8} {'slower':>7}")
    for name in names:
        results[name] = speed(bench, name, PART * (run.QUICK if args.quick else 1), args.runs, startup)
        print(speed_row(name, results[name]), flush=True)
    return results


def print_costs(where, names):
    costs, results = Costs(where), {}
    print(f"{'cost':<17} {'cycles':>7} {'registers':>10} {'bytes':>7} {'entries':>8}")
    for name in names:
        results[name] = costs.measure(name)
        print(cost_row(name, results[name]), flush=True)
    return results


def main():
    args = parse()
    check_tools()
    wanted = args.only or [*PROGRAMS, *COSTS]
    results = {"programs": {}, "costs": {}}
    with tempfile.TemporaryDirectory() as where:
        speeds, costs = [n for n in PROGRAMS if n in wanted], [n for n in COSTS if n in wanted]
        if speeds:
            results["programs"] = print_speeds(Path(where), speeds, args)
        if speeds and costs:
            print()
        if costs:
            results["costs"] = print_costs(Path(where), costs)
    if args.json:
        args.json.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
