#!/usr/bin/env python3
"""What V-ISA saves, counted: one guest image under three hypervisors (examples/versus).

  native    the guest has the machine to itself: no host table, empty filter
  nested    V-ISA: nested page tables, an emulated UART
  software  no V-ISA at all: the guest's kernel in Ring 3, trap and emulate, shadow page tables

Every number is that of the workload less that of the workload `nothing`, so that starting
and ending the guest is not counted. Nothing is measured by a clock: the same build gives the
same table, always.

  exits        from the guest into its hypervisor; for `software` all of its traps
  hypervisor   instructions of the hypervisor's own
  PTE reads    page-table entries that the hardware reads when it misses the TLB
  cycles       of the pipeline model, and their ratio to those of `native`; where visa-sim was
               built without it, instructions take their place

VISA_SIM and VISA_BUILD name what is measured (`make versus` and `./dev versus` set them).
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import bars
from run import BUILD, SRC, VISA_SIM

BASE = "nothing"
WORKLOADS = {
    "cpu": "arithmetic in little memory",
    "tlb": "600 pages at random",
    "io": "characters through an emulated UART",
    "kernel": "system calls, switches of the process, page faults",
    "system": "system calls that do nothing",
    "calls": "calls of the firmware",
}
HYPERVISORS = {"native": "#a0a0a0", "nested": "#4c78a8", "software": "#e45756"}  # colours
ROUNDS = 200
GUEST_CC = "riscv64-unknown-elf-gcc"


def fail(message):
    sys.exit(f"versus.py: {message}")


def output_of(command):
    p = subprocess.run([str(c) for c in command], capture_output=True, text=True)
    if p.returncode:
        fail(f"exit code {p.returncode} of: {' '.join(map(str, command))}\n{p.stdout}{p.stderr}")
    return p.stdout


def build(where, rounds, workloads):
    images = [f"versus-{h}" for h in HYPERVISORS] + [f"guest-{w}" for w in [BASE, *workloads]]
    output_of(["make", "-s", "--no-print-directory", "-C", SRC / "examples", f"O={where}", f"BUILD={BUILD.resolve()}",
               f"ROUNDS={rounds}", *[where / f"{name}.elf" for name in images]])


def simulate(where, model, hypervisor, workload):
    """One run: the last line's numbers, and what was counted."""
    stats = where / "stats.json"
    said = output_of([VISA_SIM, "--model", model, "--stats", stats, "--load", where / f"guest-{workload}.elf",
                      where / f"versus-{hypervisor}.elf"])
    last = re.search(r"^result (\S+) emulated (\d+) filled (\d+)$", said, re.M)
    counts = json.loads(stats.read_text())
    return {"result": last[1], "emulated": int(last[2]), "filled": int(last[3]),
            # a hypervisor without V-ISA has no exits: everything of its guest's traps
            "exits": counts["exits"] if counts["entries"] else counts["exceptions"],
            "traps": counts["exceptions"] if counts["entries"] else 0,
            "instructions": counts["instret"], "cycles": counts["cycles"],
            "guest": sum(vm["instret"] for vm in counts["vms"]),
            "walk_reads": counts["walk_reads_guest"] + counts["walk_reads_host"],
            "tlb_misses": counts["tlbmiss"] + counts["tlbmiss_host"]}


def less(run, base):
    return {k: v if k == "result" else v - base[k] for k, v in run.items()}


def compare(runs):
    """Of one workload, by hypervisor. The guest's own instructions are the same under all,
    but for those that the hypervisor executes in its place; so `software`, where guest and
    hypervisor are not told apart by the hardware, has its own by subtraction."""
    native = runs["native"]
    own = native["guest"] + native["emulated"]
    for name, r in runs.items():
        if r["result"] != native["result"]:
            fail(f"the guest comes to {native['result']} under native, and to {r['result']} under {name}")
        r["hypervisor"] = r["instructions"] - (own - r["emulated"])
        r["ratio"] = r["cycles"] / native["cycles"]
    return runs


def measure(where, model, workloads):
    base = {h: simulate(where, model, h, BASE) for h in HYPERVISORS}
    return {w: compare({h: less(simulate(where, model, h, w), base[h]) for h in HYPERVISORS})
            for w in workloads}


def table(results, unit):
    columns = ["exits", "hypervisor", "PTE reads", "TLB misses", unit]
    yield f"{'workload':<9} {'under':<9}" + "".join(f"{c:>13}" for c in columns) + f"{'x native':>10}"
    for workload, runs in results.items():
        for n, (hypervisor, r) in enumerate(runs.items()):
            values = (r[k] for k in ("exits", "hypervisor", "walk_reads", "tlb_misses", "cycles"))
            note = f"   {WORKLOADS[workload]}" if n == 0 else ""
            yield (f"{workload if n == 0 else '':<9} {hypervisor:<9}" + "".join(f"{v:>13}" for v in values) +
                   f"{r['ratio']:>10.2f}{note}")


def picture(results, rounds, unit):
    def panel(title, key, log):
        return bars.Panel(title, {w: {h: r[key] for h, r in runs.items()} for w, runs in results.items()}, log)

    return bars.draw(f"One guest under three hypervisors, {rounds} rounds",
                     [panel(f"{unit}, times those of native", "ratio", False),
                      panel("exits (software: traps)", "exits", True),
                      panel("instructions of the hypervisor", "hypervisor", True),
                      panel("page-table entries read by the hardware", "walk_reads", True)], HYPERVISORS)


def default_model():
    known = subprocess.run([VISA_SIM, "--model", "pipeline", "--dump-dtb", os.devnull], capture_output=True)
    return "functional" if known.returncode else "pipeline"


def parse():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--only", action="append", choices=WORKLOADS, metavar="NAME",
                    help=f"this workload; may be repeated: {', '.join(WORKLOADS)}")
    ap.add_argument("--rounds", type=int, default=ROUNDS, metavar="N", help=f"default: {ROUNDS}")
    ap.add_argument("--model", choices=("functional", "pipeline"), help="default: pipeline, if it was built")
    ap.add_argument("--json", type=Path, metavar="FILE", help="write all that was counted")
    ap.add_argument("--plot", type=Path, metavar="FILE", help="draw it: SVG")
    args = ap.parse_args()
    if args.rounds < 1:
        ap.error("--rounds: expected 1 or more")
    return args


def main():
    args = parse()
    if not os.access(VISA_SIM, os.X_OK):
        fail(f"{VISA_SIM} is not there: build it first (./dev build, or make)")
    if not shutil.which(GUEST_CC):
        fail(f"{GUEST_CC} is missing: install the Debian package gcc-riscv64-unknown-elf")
    model = args.model or default_model()
    unit = "cycles" if model == "pipeline" else "instructions"
    with tempfile.TemporaryDirectory() as where:
        build(Path(where), args.rounds, args.only or WORKLOADS)
        results = measure(Path(where), model, args.only or WORKLOADS)
    print(f"{args.rounds} rounds, {model} model")
    print("\n".join(table(results, unit)))
    if args.json:
        args.json.write_text(json.dumps({"rounds": args.rounds, "model": model, "workloads": results},
                                        indent=1) + "\n")
    if args.plot:
        args.plot.write_text(picture(results, args.rounds, unit))


if __name__ == "__main__":
    main()
