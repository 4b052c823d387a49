"""Bare-metal programs as gcc makes them, unmodified: each says by its exit code whether all is
well. The same image on QEMU says whether the program itself is right."""

from pathlib import Path

import pytest

from base import bare
from harness import guest, tools

HERE = Path(__file__).parent / "programs"
HARTS = 4


def build(directory, source, *args, ground=True, specs=()):
    """The ELF file of a program; ground: with the start code and platform.h's functions."""
    source = HERE / source      # an absolute path stays what it is
    elf = directory / f"{source.stem}.elf"
    gcc = tools.tool("riscv64-unknown-elf-gcc")
    objects = []
    for file in [source, HERE / "start.S", HERE / "ground.c"] if ground else [source]:
        objects.append(directory / f"{file.stem}.o")
        tools.execute([gcc, f"-march={guest.MARCH}", "-mabi=lp64", "-mcmodel=medany", "-O2", "-Wall",
                       "-Wextra", "-Werror", *(specs or ["-ffreestanding"]), f"-I{HERE}", *args, "-c", "-o",
                       objects[-1], file]).ok()
    # linked for the multilib's own name: gcc 12 finds no library for one with _zicsr
    tools.execute([gcc, "-march=rv64imac", "-mabi=lp64", "-nostartfiles", "-static", "-Wl,--no-relax",
                   "-Wl,--build-id=none", "-T", HERE / "program.ld", "-o", elf, *objects,
                   *(specs or ["-nostdlib"]), "-lgcc"]).ok()
    return elf


def on_visa(elf, *args):
    return tools.simulate(elf, *args)


def on_qemu(elf, *args, machine="virt"):
    return guest.qemu(elf, "-cpu", bare.qemu_cpu(), *args, machine=machine)


# Programs that hold on every RISC-V machine, and those that are about V-ISA's own choices:
# QEMU 7.2 sets A and D itself, closes memory with every PMP entry off, promises nothing about
# stale translations, and its time is another.
EVERYWHERE = ["startup", "compute", "traps", "vectored", "clint", "sstc", "user", "sv39", "delegation",
              "selfmod", "sfence", "misaligned", "wfi", "counters", "reservation", "pmp_lock"]
OWN = ["user_open", "stale", "svade", "retired"]
# QEMU counts instructions only with a virtual clock.
QEMU_ARGS = {"counters": ["-icount", "shift=0"]}


@pytest.mark.parametrize("name", EVERYWHERE + OWN)
def test_program(name, tmp_path):
    on_visa(build(tmp_path, f"{name}.c")).ok()


@pytest.mark.parametrize("name", EVERYWHERE)
def test_program_witness(name, tmp_path):
    on_qemu(build(tmp_path, f"{name}.c"), *QEMU_ARGS.get(name, [])).ok()


@pytest.mark.parametrize("define", ["-DPLAIN", "-DOWN"])
@pytest.mark.parametrize("model", ["functional", "pipeline"])
def test_svadu(model, define, tmp_path):
    """WK-6, WK-9 to WK-14, with V=0."""
    if model == "pipeline":
        tools.need_pipeline()
    on_visa(build(tmp_path, "svadu.c", define), "--svadu", "on", "--model", model).ok()


def test_svadu_witness(tmp_path):
    """QEMU 7.2 always writes A and D, later ones do where they are told to."""
    extra = ",svadu=on,svade=off" if bare.qemu_is_later() else ""
    guest.qemu(build(tmp_path, "svadu.c"), "-cpu", bare.qemu_cpu() + extra).ok()


def test_exit_code(tmp_path):
    elf = build(tmp_path, "exit_code.c")
    assert on_visa(elf).code == 42
    assert on_qemu(elf).code == 42


def test_failed_check_is_told(tmp_path):
    """A check that fails ends the program with code 1 and says where: programs can fail."""
    source = tmp_path / "wrong.c"
    source.write_text('#include "platform.h"\n\nint main(void)\n{\n'
                      '    check_equal(1 + 1, 3);\n    return 0;\n}\n')
    result = on_visa(build(tmp_path, source))
    assert result.code == 1
    assert "wrong.c:0x5: expected 1 + 1 is 3, got 0x2" in result.stdout


PRINTED = "hello, world: abc-00042-beef--1234567890123 54321 123456789\n"
PICOLIBC = ["--specs=picolibc.specs"]


@pytest.mark.parametrize("run", [on_visa, on_qemu])
def test_picolibc(run, tmp_path):
    specs = tools.execute([tools.tool("riscv64-unknown-elf-gcc"), "-print-file-name=picolibc.specs"]).ok().stdout
    if not specs.startswith("/"):
        tools.missing("picolibc", "picolibc-riscv64-unknown-elf")
    result = run(build(tmp_path, "printf.c", specs=PICOLIBC)).ok()
    assert result.stdout.replace("\r", "") == PRINTED


@pytest.mark.parametrize("run", [on_visa, on_qemu])
def test_harts(run, tmp_path):
    """PL-6."""
    elf = build(tmp_path, "harts.c", f"-DHARTS={HARTS}")
    run(elf, *(["--harts", str(HARTS)] if run is on_visa else ["-smp", str(HARTS)])).ok()


@pytest.mark.parametrize("harts", [1, 2, 7])
def test_any_number_of_harts(harts, tmp_path):
    """BA-1."""
    on_visa(build(tmp_path, "harts.c", f"-DHARTS={harts}"), "--harts", str(harts)).ok()


@pytest.mark.parametrize("run", [on_visa, on_qemu])
def test_code_of_another_hart(run, tmp_path):
    """BA-1: behind its fence.i a hart fetches what another one stored."""
    run(build(tmp_path, "fencei.S", ground=False), *(["--harts", "2"] if run is on_visa else ["-smp", "2"])).ok()


def test_more_harts_than_used(tmp_path):
    """Harts that nobody wakes stay asleep and do not keep the program from ending."""
    on_visa(build(tmp_path, "harts.c", "-DHARTS=2"), "--harts", "5").ok()


@pytest.mark.parametrize("code", [0, 1, 7, 100])
def test_tohost(code, tmp_path):
    elf = build(tmp_path, "tohost.S", f"-DCODE={code}", ground=False)
    assert on_visa(elf).code == code


def test_riscv_tests_style(tmp_path):
    elf = build(tmp_path, "rvtest.S", ground=False)
    on_visa(elf).ok()
    on_qemu(elf, machine="spike").ok()


@pytest.mark.parametrize("ticks", [1, 7, 1000])
def test_ticks_per_time(ticks, tmp_path):
    on_visa(build(tmp_path, "retired.c", f"-DTICKS={ticks}"), "--ticks-per-time", str(ticks)).ok()


@pytest.mark.parametrize("quantum", [64, 97, 1000, 100000])
def test_quantum(quantum, tmp_path):
    """However the harts take turns, no addition is lost (a turn has room for lr to sc) (PL-10)."""
    elf = build(tmp_path, "harts.c", f"-DHARTS={HARTS}")
    on_visa(elf, "--harts", str(HARTS), "--quantum", str(quantum)).ok()


@pytest.mark.parametrize("name", ["compute", "clint", "sstc", "harts"])
def test_same_run_twice(name, tmp_path):
    """The same image and options give the same run: instructions and ticks to the unit."""
    args = [f"-DHARTS={HARTS}"] if name == "harts" else []
    elf = build(tmp_path, f"{name}.c", *args)
    options = ["--harts", str(HARTS)] if name == "harts" else []
    runs = [tools.simulate(elf, *options, stats=tmp_path / f"{n}.json").ok() for n in "ab"]
    assert runs[0].stats and runs[0].stats == runs[1].stats
