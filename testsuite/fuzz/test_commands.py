"""Command lines of all programs: words of the language in any order; an answer, never a crash.

What is refused is said on standard error under the program's name; the fuzzer of visa-sim's
options (options.c) tries many more words than can be run as programs here.
"""

import pytest

from harness.tools import execute, tool

RUNS = 120
PROGRAM = "_start: li a0, 0x100000\n li a1, 0x5555\n sw a1, (a0)\n1: j 1b\n"
NUMBERS = ["0", "1", "2", "7", "64", "0x80000000", "4096", "1M", "3G", "-1", "", "x", "1e3", "18446744073709551616",
           "99999999999999999999", "0x", "1K1", "٣"]
FILES = ["good.elf", "prog.s", "empty", "noise", "nothing", ".", "good.elf@0x80010000", "-"]
# Of each program: its options with a value and those without. Whatever runs has 3 seconds.
WITH = {
    "visa-sim": "--ram --harts --model --pool --tlb-l1 --tlb-l2 --tlb-l2-ways --walk-cache --pmp-granule --svadu --ticks-per-time --quantum "
                "--config --set --switch-at --sample "
                "--raw --load --bootargs --dump-dtb --uart-in --uart-out --signature --signature-granularity -n --trace-from --trace-to --trace-vm --trace-format "
                "--explain-exit --walk --stats -p -m -s".split(),
    "visa-as": "-o --base --entry -l -I -D --listing --output".split(),
    "visa-objdump": "-M --disassembler-options".split(),
    "visa-stat": [],
}
WITHOUT = {
    "visa-sim": "-t --trace --trace=t.log --trace-events --trace-exits --check-stale -S -q --version --help -- - --no "
                "--tr -nq --trace-format=json -x --print-config --set=tlb.l1=4 "
                "--switch-at=marker --switch-at=_start --sample=100:20:30 --stuck=off --stuck".split(),
    "visa-as": "-c -W --no-warn --help --version -- --no -cW -cx --base=1".split(),
    "visa-objdump": "-d -D -r -t -h -z -Dzthr --syms --help --version -- --no -x --dis".split(),
    "visa-stat": "--help --version -- --no -x --csv".split(),
}
REFUSED = {"visa-sim": {119, 120, 121}, "visa-as": {1, 2}, "visa-objdump": {1, 2}, "visa-stat": {1, 2}}
ALWAYS = {"visa-sim": ["--timeout", "3", "--max-insns", "3000"], "visa-objdump": ["-d"]}


def words(rng, program):
    line = []
    for _ in range(rng.randrange(6)):
        if WITH[program] and rng.random() < 0.6:
            line += [rng.choice(WITH[program]), rng.choice(NUMBERS + FILES)]
        else:
            line.append(rng.choice(WITHOUT[program] + FILES))
    return line[rng.randrange(len(line) + 1):] + rng.choice([[], ["good.elf"], ["prog.s"], ["good.elf", "--help"]])


def prepare(directory, elf):
    (directory / "good.elf").write_bytes(elf)
    (directory / "prog.s").write_text(PROGRAM)
    (directory / "empty").write_bytes(b"")
    (directory / "noise").write_bytes(bytes(range(256)) * 20)


@pytest.mark.slow
@pytest.mark.parametrize("program", WITH)
def test_command_lines(program, assemble, tmp_path, rng):
    good = bad = 0
    elf = assemble(PROGRAM).read_bytes()
    directory = tmp_path / "run"
    directory.mkdir()
    for _ in range(RUNS):
        prepare(directory, elf)
        r = execute([tool(program), *ALWAYS.get(program, []), *words(rng, program)], cwd=directory, timeout=20)
        assert r.code >= 0 and "Sanitizer" not in r.stderr and "runtime error" not in r.stderr, str(r)
        if r.code in REFUSED[program]:
            bad += 1
            assert f"{program}: " in r.stderr or ": error: " in r.stderr, str(r)
        elif r.code == 0:
            good += 1
    print(f"{program}: {good} succeeded, {bad} refused")
    assert good > 3 and bad > 10
