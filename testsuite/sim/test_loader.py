"""What visa-sim loads, and what it refuses and why."""

import struct
from pathlib import Path

import pytest

from harness import tools
from sim.elf import EM_X86_64, PASS, PT_DYNAMIC, PT_INTERP, RAM, Segment, elf

IMAGE = 121          # exit status: a file that cannot be loaded
MIB = 1 << 20
END = RAM + 128 * MIB  # of the RAM that there is by default


@pytest.fixture
def load(tmp_path):
    """Runs visa-sim on a file of these bytes."""
    def run(content, *args):
        path = tmp_path / "x.elf"
        path.write_bytes(content)
        return tools.execute([tools.tool("visa-sim"), *args, path])
    return run


def refused(result, *words):
    assert result.code == IMAGE, str(result)
    assert result.stdout == ""
    lines = result.stderr.splitlines()
    assert len(lines) == 1 and lines[0].startswith("visa-sim: "), str(result)
    assert "x.elf: " in lines[0], str(result)
    for word in words:
        assert word in lines[0], f"no '{word}' in: {lines[0]}"


def test_right_file(load):
    """PL-7."""
    load(elf(Segment())).ok()


def test_two_segments_and_bss(load):
    """The second segment's bytes reach memory, and what follows them there is zero."""
    # lw t2, 0x100(t0): 7; lw t3, 0x104(t0): 0; exit code t2 + t3
    code = struct.pack("<9I", 0x800002B7, 0x02029293, 0x0202D293, 0x1002A383, 0x1042AE03, 0x01C383B3,
                       0x01039393, 0x00003337, 0x33330313) + struct.pack("<4I", 0x0063E3B3, 0x00100337,
                                                                         0x00732023, 0x0000006F)
    result = load(elf(Segment(code), Segment(struct.pack("<I", 7), paddr=RAM + 0x100, memsz=8)))
    assert result.code == 7, str(result)


def test_entry_is_translated(load):
    """Linked at one address, loaded at another: as QEMU does, the entry is where its bytes are."""
    load(elf(Segment(vaddr=0xffffffff80000000), entry=0xffffffff80000000)).ok()


def test_entry_inside(load):
    load(elf(Segment(bytes(8) + PASS), entry=RAM + 8)).ok()


def test_last_byte_of_ram(load):
    """The segment may reach RAM's end; then there is no room for the device tree."""
    result = load(elf(Segment(), Segment(b"x", paddr=END - 1)))
    assert result.code == IMAGE
    assert "no room for the device tree" in result.stderr
    load(elf(Segment(), Segment(b"x", paddr=END - 1)), "--ram", "129M").ok()


@pytest.mark.parametrize("content, words", [
    (b"", ["not an ELF file"]),
    (b"\x7fEL", ["not an ELF file"]),
    (b"\x7fELF", ["truncated", "4 bytes"]),
    (b"#!/bin/sh\n", ["not an ELF file", "--raw"]),
    (elf(Segment())[:63], ["truncated", "63 bytes"]),
    (elf(Segment(), class_=1), ["not a 64-bit", "class is 1 (32-bit)", "expected 2"]),
    (elf(Segment(), class_=9), ["class is 9", "expected 2"]),
    (elf(Segment(), data=2), ["little-endian", "2 (big-endian)", "expected 1"]),
    (elf(Segment(), version=0), ["version is 0", "expected 1"]),
    (elf(Segment(), e_version=0), ["version is 0", "expected 1"]),
    (elf(Segment(), e_version=2), ["version is 2", "expected 1"]),
    (elf(Segment(), machine=EM_X86_64),
     ["not a RISC-V executable: machine is x86-64 (62), expected RISC-V (243)"]),
    (elf(Segment(), machine=0x1234), ["machine is unknown (4660)"]),
    (elf(Segment(), type_=1), ["relocatable"]),
    (elf(Segment(), type_=3), ["position-independent", "-static"]),
    (elf(Segment(), type_=4), ["core dump"]),
    (elf(Segment(), type_=77), ["type is 77", "expected 2"]),
    (elf(phoff=0), ["nothing to load"]),
    (elf(Segment(memsz=0, data=b"")), ["nothing to load"]),
    (elf(Segment(), Segment(b"/lib/ld.so\0", type_=PT_INTERP)), ["segment 1", "dynamic linker"]),
    (elf(Segment(), Segment(b"x", type_=PT_DYNAMIC), Segment(b"ld.so\0", type_=PT_INTERP)),
     ["segment 2", "dynamic linker"]),
    (elf(Segment(), phnum=2)[:64 + 56 + 20], ["broken program headers"]),
    (elf(Segment(), phoff=1 << 40), ["broken program headers"]),
    (elf(Segment(), phentsize=32), ["program headers of 32 bytes, expected 56"]),
    (elf(Segment(filesz=21, memsz=21)), ["truncated", "segment 0", "0x78"]),
    (elf(Segment(filesz=1 << 63, memsz=1 << 63)), ["truncated", "segment 0"]),
    (elf(Segment(offset=1 << 63)), ["truncated", "segment 0"]),
    (elf(Segment(offset=(1 << 64) - 8)), ["truncated", "segment 0"]),
    (elf(Segment(memsz=8)), ["segment 0", "more bytes in the file (0x14) than in memory (0x8)"]),
    (elf(Segment(paddr=0x1000)), ["segment 0 [0x1000, 0x1014) is outside RAM [0x80000000, 0x88000000)"]),
    (elf(Segment(paddr=RAM - 4), entry=RAM), ["segment 0 [0x7ffffffc, 0x80000010) is outside RAM"]),
    (elf(Segment(), Segment(paddr=END - 4)), ["segment 1 [0x87fffffc, 0x88000010) is outside RAM"]),
    (elf(Segment(), Segment(paddr=END)), ["segment 1", "is outside RAM"]),
    (elf(Segment(memsz=1 << 40)), ["segment 0", "is outside RAM"]),
    (elf(Segment(paddr=(1 << 64) - 8)), ["segment 0 wraps round", "0x14 bytes at 0xfffffffffffffff8"]),
    (elf(Segment(memsz=(1 << 64) - 1)), ["segment 0 wraps round"]),
    (elf(Segment(vaddr=(1 << 64) - 8), entry=(1 << 64) - 8), ["segment 0 wraps round", "virtual"]),
    (elf(Segment(), Segment(paddr=RAM + 16)),
     ["segment 1 [0x80000010, 0x80000024) overlaps [0x80000000, 0x80000014)"]),
    (elf(Segment(), Segment()), ["overlaps"]),
    (elf(Segment(), entry=RAM + 20), ["entry 0x80000014 is in no loaded segment"]),
    (elf(Segment(), entry=0), ["entry 0x0 is in no loaded segment"]),
    (elf(Segment(), entry=RAM + 1), ["entry 0x80000001 is odd"]),
    (elf(Segment(), symbols=[("a", RAM)], name_offsets=[99]), ["symbol 1", "outside the string table"]),
    (elf(Segment(), symbols=[("abc", RAM)], strings=b"\0abc"), ["symbol 1", "outside the string table"]),
], ids=lambda v: "" if isinstance(v, bytes) else " ".join(v)[:40])
def test_refused(load, content, words):
    refused(load(content), *words)


def test_relocates_itself(load):
    """OpenSBI, U-Boot: type EXEC with PT_DYNAMIC, for itself, as no PT_INTERP names another."""
    load(elf(Segment(), Segment(bytes(16), type_=PT_DYNAMIC))).ok()


@pytest.mark.parametrize("name", ["fw_dynamic", "fw_jump"])
def test_opensbi(name):
    """As Debian ships it. It wants to be told in a2 what follows it, and goes nowhere. Since Debian 13
    it is linked for no address (type DYN), and its flat file is what can be loaded."""
    firmware = Path("/usr/lib/riscv64-linux-gnu/opensbi/generic") / name
    if not firmware.with_suffix(".elf").exists():
        tools.missing("OpenSBI", "opensbi")
    args = ["-n", "1000", firmware.with_suffix(".elf")]
    if firmware.with_suffix(".elf").read_bytes()[16] != 2:
        r = tools.execute([tools.tool("visa-sim"), *args])
        assert r.code == IMAGE and "position-independent" in r.stderr, str(r)
        args = ["-n", "1000", "--raw", "0x80000000", firmware.with_suffix(".bin")]
    assert "instructions retired" in tools.execute([tools.tool("visa-sim"), *args]).stderr


def test_headers_below_the_program(tmp_path):
    """What gcc -Ttext makes: the ELF headers fill a page below RAM, which nothing needs."""
    (tmp_path / "x.s").write_text(".globl _start\n_start: li t0, 0x100000\n li t1, 0x5555\n"
                                  " sw t1, (t0)\n j .\n")
    tools.execute([tools.tool("riscv64-unknown-elf-gcc"), "-march=rv64imac", "-mabi=lp64", "-nostdlib",
                   "-Wl,-Ttext=0x80000000", "-o", tmp_path / "x.elf", tmp_path / "x.s"]).ok()
    tools.execute([tools.tool("visa-sim"), tmp_path / "x.elf"]).ok()


def test_headers_alone_are_outside(load):
    refused(load(elf(Segment(elf(Segment())[:64], paddr=RAM - 0x1000, offset=0), Segment())), "outside RAM")


def test_no_file(tmp_path):
    result = tools.execute([tools.tool("visa-sim"), tmp_path / "none.elf"])
    assert result.code == IMAGE
    assert "none.elf: cannot be opened: No such file or directory" in result.stderr


def test_directory(tmp_path):
    result = tools.execute([tools.tool("visa-sim"), tmp_path])
    assert result.code == IMAGE
    assert "is a directory" in result.stderr


def test_endless_file():
    result = tools.execute([tools.tool("visa-sim"), "--ram", "1M", "--raw", "0x80000000", "/dev/zero"])
    assert result.code == IMAGE
    assert "too large" in result.stderr


def test_raw(load, tmp_path):
    load(PASS, "--raw", "0x80000000").ok()
    load(PASS, "--raw", "0x80100002").ok()  # instructions are 2-byte aligned


@pytest.mark.parametrize("content, address, words", [
    (b"", "0x80000000", ["empty"]),
    (PASS, "0x80000001", ["odd"]),
    (PASS, "0x1000", ["the image [0x1000, 0x1014) is outside RAM"]),
    (PASS, "0xfffffffffffffff0", ["wraps round"]),
    (PASS, "0x87fffff0", ["outside RAM"]),
])
def test_raw_refused(load, content, address, words):
    refused(load(content, "--raw", address), *words)


def test_further_files(load, tmp_path):
    """--load: a flat file at its address, an ELF file at its own; they may not overlap."""
    data = tmp_path / "data.bin"
    data.write_bytes(struct.pack("<I", 5))
    other = tmp_path / "other.elf"
    other.write_bytes(elf(Segment(paddr=RAM + 0x10000), entry=RAM + 0x10000))
    # lui a0, 0x80001 (zero-extended); lw a1, 0(a0); exit code a1
    code = struct.pack("<10I", 0x80001537, 0x02051513, 0x02055513, 0x00052583, 0x01059593, 0x00003337,
                       0x33330313, 0x0065E5B3, 0x00100337, 0x00B32023) + struct.pack("<I", 0x0000006F)
    args = ["--load", f"{data}@0x80001000", "--load", other]
    assert load(elf(Segment(code)), *args).code == 5
    result = load(elf(Segment(code)), "--load", f"{data}@0x80000002")
    assert result.code == IMAGE
    assert "data.bin: the image [0x80000002, 0x80000006) overlaps [0x80000000, 0x8000002c) of" in result.stderr


def test_further_files_keep_the_entry(load, tmp_path):
    """The machine starts at IMAGE's entry, wherever --load's files begin."""
    other = tmp_path / "low.elf"
    other.write_bytes(elf(Segment(struct.pack("<I", 0), paddr=RAM), entry=RAM))
    load(elf(Segment(paddr=RAM + 0x1000), entry=RAM + 0x1000), "--load", other).ok()


def test_symbols_in_messages(load):
    """A stripped file has none; one with a symbol table names the place."""
    loop = struct.pack("<I", 0x0000006F)
    result = load(elf(Segment(bytes(4) + loop), entry=RAM + 4, symbols=[("first", RAM), ("spin", RAM + 4)]),
                  "-n", "10")
    assert "pc 0x80000004 <spin>," in result.stderr, str(result)
    assert "<" not in load(elf(Segment(loop)), "-n", "10").stderr


def mutate(rng, content):
    content = bytearray(content)
    for _ in range(rng.randrange(1, 6)):
        kind = rng.randrange(4)
        at = rng.randrange(len(content)) if rng.random() < .3 else rng.randrange(min(len(content), 200))
        if kind == 0:
            content[at] = rng.randrange(256)
        elif kind == 1:
            content[at:at + 8] = struct.pack("<Q", rng.choice([0, 1, 2 ** 63, 2 ** 64 - 1, RAM, 2 ** 32]))
        elif kind == 2:
            content[at] ^= 1 << rng.randrange(8)
        elif len(content) > 64:
            del content[rng.randrange(64, len(content)):]
    return bytes(content)


@pytest.mark.slow
def test_fuzz(load, rng):
    """Files with random faults: loaded or refused with one line, never a crash or a hang."""
    right = elf(Segment(), Segment(b"data", paddr=RAM + 0x1000, memsz=64),
                symbols=[("_start", RAM), ("tohost", RAM + 0x1000), ("fromhost", RAM + 0x1008)])
    load(right).ok()
    for _ in range(400):
        content = mutate(rng, right)
        result = load(content, "-n", "1000", "-q")
        assert 0 <= result.code < 128, f"{result}\n{content.hex()}"
        assert result.code != IMAGE or result.stderr.count("\n") == 1, str(result)
