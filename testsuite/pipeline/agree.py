"""The pipeline model with the functional one's time, beside the functional one: everything that
they say must be the same, byte for byte.

As a program it is a visa-sim for other tests: it runs VISA_SIM_BOTH on both models, and is the
functional one if they agree. Each run that is compared leaves a line in the file VISA_AGREED.
"""

import json
import os
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

PIPELINE = ["--model", "pipeline", "--time", "instret"]
DIFFERENT = 99
CHUNK = 1 << 16
TRACED = 60000  # instructions of each hart that are compared one by one


class Run:
    """A run that has begun; its trace comes by a pipe."""

    def __init__(self, command, where, traced=True):
        self.where = where
        self.trace, write = os.pipe() if traced else (None, None)
        options = ["--stats", where / "stats", *([f"--trace=/dev/fd/{write}", "--trace-format", "json", "--trace-to", TRACED]
                                                if traced else [])]
        self.out, self.err = open(where / "out", "wb"), open(where / "err", "wb")
        self.process = subprocess.Popen([str(c) for c in [command[0], *options, *command[1:]]], stdin=subprocess.DEVNULL,
                                        stdout=self.out, stderr=self.err, pass_fds=[write] if traced else [])
        if traced:
            os.close(write)

    def read(self, n):
        """The next n bytes of the trace, fewer at its end."""
        data = b""
        while len(data) < n and (more := os.read(self.trace, n - len(data))):
            data += more
        return data

    def end(self):
        self.code = self.process.wait()
        for f in (self.out, self.err):
            f.close()
        if self.trace is not None:
            os.close(self.trace)

    def output(self):
        return (self.where / "out").read_bytes(), (self.where / "err").read_bytes()

    def stats(self):
        """By path, without what is counted in cycles."""
        text = (self.where / "stats").read_text() if (self.where / "stats").exists() else ""
        return dict(leaves(json.loads(text) if text else {}))


CYCLES = {"model", "run", "pipeline", "time", "cycles"}  # of visa-sim's statistics: these may differ


def leaves(value, path=""):
    if isinstance(value, (dict, list)):
        for key, v in value.items() if isinstance(value, dict) else enumerate(value):
            if path or key not in CYCLES:
                yield from leaves(v, f"{path}/{key}")
    else:
        yield path, value


def first_difference(a, b):
    """Of two runs' traces as they come: None, or the two lines."""
    rest = b""
    for run in (a, b):  # its first line says what ran
        while run.read(1) not in (b"\n", b""):
            pass
    while True:
        x, y = a.read(CHUNK), b.read(CHUNK)
        if x != y:
            lines = zip((rest + x).split(b"\n"), (rest + y).split(b"\n"))
            return next(((p, q) for p, q in lines if p != q), (x[-200:], y[-200:]))
        if not x:
            return None
        rest = x.rsplit(b"\n", 1)[-1]


def drain(run):
    while run.read(CHUNK):
        pass


def differences(sim, args, traced=True, more=()):
    """What two runs of visa-sim differ in, in words ([] if in nothing); and the functional one's
    code, output and statistics. traced: the first instructions, one by one; else the models run
    many at once, as they do when nobody listens. more: arguments of the pipeline's run alone."""
    with tempfile.TemporaryDirectory() as where:
        runs = []
        for name, options in (("functional", []), ("pipeline", [*PIPELINE, *more])):
            (Path(where) / name).mkdir()
            runs.append(Run([sim, *options, *args], Path(where) / name, traced))
        a, b = runs
        different = first_difference(a, b) if traced else None
        if different:
            threads = [threading.Thread(target=drain, args=[r]) for r in runs]
            for t in threads:
                t.start()
            for t in threads:
                t.join()
        for r in runs:
            r.end()
        told = [f"trace:\n  functional {different[0].decode()}\n  pipeline   {different[1].decode()}"] if different else []
        x, y = a.stats(), b.stats()
        found = [("exit code", a.code, b.code), ("output", a.output(), b.output()),
                 *((path, x.get(path), y.get(path)) for path in sorted(x.keys() | y.keys()))]
        told += [f"{what}:\n  functional {p}\n  pipeline   {q}" for what, p, q in found if p != q]
        return told, (a.code, a.output(), (a.where / "stats").read_bytes() if x else b"")


def without(args, name):
    """Arguments without `name VALUE`, and the value."""
    args = list(args)
    value = None
    while name in args:
        i = args.index(name)
        value = args[i + 1]
        del args[i:i + 2]
    return args, value


def main():
    sim, args = os.environ["VISA_SIM_BOTH"], sys.argv[1:]
    if any(a.startswith(("--trace", "-t", "--uart-in", "--version", "--help")) for a in args):
        os.execv(sim, [sim, *args])
    args, stats = without(args, "--stats")
    told, (code, (out, err), counted) = differences(sim, args)
    if not told:
        told, _ = differences(sim, args, traced=False)
    if stats and counted:
        Path(stats).write_bytes(counted)
    sys.stdout.buffer.write(out)
    sys.stderr.buffer.write(err)
    with open(os.environ["VISA_AGREED"], "a") as log:
        log.write(f"{len(told)} {args}\n")
    if told:
        sys.stderr.write("models differ in " + "\n".join(told))
        code = DIFFERENT
    sys.stdout.flush()
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main())
