"""Builds the C programs of programs/ and runs them here and on QEMU's virt machine."""

from pathlib import Path

from harness import guest, tools

HERE = Path(__file__).parent / "programs"


def build(directory, source, *args):
    """The ELF file of programs/SOURCE with board.c."""
    name = "-".join([Path(source).stem, *(a.strip("-").replace("=", "") for a in args)])
    return guest.compile_c([HERE / "board.c", HERE / source], directory / f"{name}.elf", f"-I{HERE}", *args)


def on_visa(elf, *args, **how):
    return tools.execute([tools.tool("visa-sim"), *args, elf], **how)


def on_qemu(elf, *args, stdin=None):
    """The image as firmware; -icount: time goes by with instructions, as it does here."""
    return tools.execute([tools.tool("qemu-system-riscv64"), "-machine", "virt", "-display", "none",
                          "-monitor", "none", "-serial", "stdio", "-icount", "shift=6", "-bios", elf,
                          *args], stdin=stdin)
