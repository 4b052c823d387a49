"""ELF files made byte by byte, so that tests can make them wrong byte by byte."""

import struct

RAM = 0x80000000
EM_RISCV, EM_X86_64 = 243, 62
PT_LOAD, PT_DYNAMIC, PT_INTERP = 1, 2, 3

# li t0, 0x100000; lui t1, 0x5; addi t1, t1, 0x555; sw t1, 0(t0); j .
PASS = struct.pack("<5I", 0x001002B7, 0x00005337, 0x55530313, 0x0062A023, 0x0000006F)


class Segment:
    """A program header and its bytes. What is None is what a right file has."""

    def __init__(self, data=PASS, paddr=RAM, vaddr=None, filesz=None, memsz=None, offset=None,
                 type_=PT_LOAD):
        self.data, self.paddr, self.type = data, paddr, type_
        self.vaddr = paddr if vaddr is None else vaddr
        self.filesz = len(data) if filesz is None else filesz
        self.memsz = max(self.filesz, len(data)) if memsz is None else memsz
        self.offset = offset


def elf(*segments, entry=RAM, machine=EM_RISCV, type_=2, class_=2, data=1, version=1, phoff=64,
        phnum=None, phentsize=56, shoff=0, shnum=0, magic=b"\x7fELF", symbols=(), strings=None,
        name_offsets=None, e_version=None, tables=1):
    """The bytes of a file; symbols: (name, address) in a symbol table behind the segments, which
    so many section headers are of."""
    body, at = b"", 64 + 56 * len(segments)
    headers = b""
    for s in segments:
        offset = at + len(body) if s.offset is None else s.offset
        headers += struct.pack("<IIQQQQQQ", s.type, 7, offset, s.vaddr, s.paddr, s.filesz, s.memsz, 8)
        body += s.data
    tail = b""
    if symbols:
        names, table = b"\0", bytes(24)
        for i, (name, address) in enumerate(symbols):
            where = name_offsets[i] if name_offsets else len(names)
            table += struct.pack("<IBBHQQ", where, 0x12, 0, 1, address, 4)
            names += (name if isinstance(name, bytes) else name.encode()) + b"\0"
        names = names if strings is None else strings
        table_at = at + len(body)
        names_at = table_at + len(table)
        shoff, shnum = names_at + len(names), 2 + tables
        row = "<IIQQQQIIQQ"
        tail = table + names + bytes(64)
        tail += struct.pack(row, 0, 2, 0, 0, table_at, len(table), 1 + tables, 1, 8, 24) * tables
        tail += struct.pack(row, 0, 3, 0, 0, names_at, len(names), 0, 0, 1, 0)
    header = magic + bytes([class_, data, version, 0]) + bytes(8)
    header += struct.pack("<HHIQQQIHHHHHH", type_, machine, version if e_version is None else e_version, entry, phoff, shoff, 0, 64, phentsize,
                          len(segments) if phnum is None else phnum, 64, shnum, 0)
    return header + headers + body + tail
