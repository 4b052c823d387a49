"""Guests: assembled by visa-as, or compiled by riscv64-unknown-elf-gcc."""

from pathlib import Path

from harness.tools import BUILD, execute, tool

MARCH = "rv64imac_zicsr_zifencei"  # gcc 12 wants the last two named
RAM = 0x80000000


def assemble(source, elf, *args):
    """Assembles text with visa-as into the file elf; the test fails if that fails."""
    path = elf.with_suffix(".s")
    path.write_text(source)
    execute([tool("visa-as"), *args, "-o", elf, path]).ok()
    return elf


def gas(source, elf, march=MARCH):
    """The same text through the GNU assembler: an object file, not linked."""
    path = elf.with_suffix(".gas.s")
    path.write_text(source)
    execute([tool("riscv64-unknown-elf-as"), f"-march={march}", "-mno-relax", "-o", elf, path]).ok()
    return elf


def compile_c(sources, elf, *args, march=MARCH, base=RAM):
    """Bare-metal C and assembly, linked at base by guest.ld; visa.h is on the path.

    _start belongs into the section .text.start, which comes first: QEMU begins at base."""
    command = [tool("riscv64-unknown-elf-gcc"), f"-march={march}", "-mabi=lp64", "-mcmodel=medany",
               "-O2", "-Wall", "-Wextra", "-ffreestanding", "-nostdlib", "-nostartfiles", "-static",
               f"-I{BUILD / 'isa'}", "-T", Path(__file__).with_name("guest.ld"),
               f"-Wl,--defsym=BASE={base:#x}", "-Wl,--build-id=none", "-Wl,--no-warn-rwx-segments", *args]
    execute([*command, "-o", elf, *sources, "-lgcc"]).ok()
    return elf


def qemu(elf, *args, timeout=60, machine="virt", bios=True):
    """Runs an image on QEMU's virt machine, as firmware in M-mode. code: what the finisher said."""
    load = ["-bios", elf] if bios else ["-kernel", elf]
    return execute([tool("qemu-system-riscv64"), "-machine", machine, "-nographic", "-monitor", "none",
                    "-serial", "stdio", *load, *args], timeout=timeout)
