"""A small ELF64 reader, so that tests do not believe the library that wrote the file."""

import struct
from dataclasses import dataclass
from pathlib import Path

SHT_SYMTAB, SHT_RELA, SHT_NOBITS = 2, 4, 8
SHF_WRITE, SHF_ALLOC, SHF_EXEC = 1, 2, 4
RELOCS = {1: "32", 2: "64", 16: "BRANCH", 17: "JAL", 19: "CALL_PLT", 23: "PCREL_HI20",
          24: "PCREL_LO12_I", 25: "PCREL_LO12_S", 26: "HI20", 27: "LO12_I", 28: "LO12_S",
          33: "ADD8", 34: "ADD16", 35: "ADD32", 36: "ADD64", 37: "SUB8", 38: "SUB16",
          39: "SUB32", 40: "SUB64", 44: "RVC_BRANCH", 45: "RVC_JUMP", 51: "RELAX"}


@dataclass
class Section:
    name: str
    type: int
    flags: int
    addr: int
    offset: int
    size: int
    link: int
    info: int
    align: int
    entsize: int
    data: bytes


@dataclass
class Symbol:
    name: str
    value: int
    size: int
    type: int
    bind: int
    section: str


@dataclass
class Segment:
    type: int
    flags: int
    offset: int
    vaddr: int
    paddr: int
    filesz: int
    memsz: int
    align: int


class Elf:
    def __init__(self, path):
        b = self.bytes = Path(path).read_bytes()
        assert b[:7] == b"\x7fELF\x02\x01\x01"
        (self.type, self.machine, _, self.entry, phoff, shoff, self.flags, _, phsize, phnum,
         shsize, shnum, shstrndx) = struct.unpack_from("<HHIQQQIHHHHHH", b, 16)
        raw = [struct.unpack_from("<IIQQQQIIQQ", b, shoff + i * shsize) for i in range(shnum)]
        names = self.slice(raw[shstrndx][4], raw[shstrndx][5])
        self.list = [Section(text(names, r[0]), *r[1:], b"" if r[1] == SHT_NOBITS
                             else self.slice(r[4], r[5])) for r in raw]
        self.sections = {s.name: s for s in self.list[1:]}
        self.segments = []
        for i in range(phnum):
            t, flags, offset, vaddr, paddr, filesz, memsz, align = struct.unpack_from(
                "<IIQQQQQQ", b, phoff + i * phsize)
            self.segments.append(Segment(t, flags, offset, vaddr, paddr, filesz, memsz, align))
        self.symbol_list = self.read_symbols()
        self.symbols = {s.name: s for s in self.symbol_list if s.name}

    def slice(self, offset, size):
        assert offset + size <= len(self.bytes)
        return self.bytes[offset:offset + size]

    def read_symbols(self):
        tables = [s for s in self.list if s.type == SHT_SYMTAB]
        if not tables:
            return []
        names, out = self.list[tables[0].link].data, []
        for n, info, _, shndx, value, size in struct.iter_unpack("<IBBHQQ", tables[0].data):
            where = {0: "UND", 0xfff1: "ABS", 0xfff2: "COM"}.get(shndx) or self.list[shndx].name
            name = text(names, n) or (where if info & 15 == 3 else "")
            out.append(Symbol(name, value, size, info & 15, info >> 4, where))
        return out

    def relocs(self, section):
        """[(offset, type, symbol name, addend)] of a section, in the file's order."""
        out = []
        for s in self.list:
            if s.type == SHT_RELA and self.list[s.info].name == section:
                out += [(at, RELOCS[info & 0xffffffff], self.symbol_list[info >> 32].name, addend)
                        for at, info, addend in struct.iter_unpack("<QQq", s.data)]
        return out

    def data(self, section):
        return self.sections[section].data if section in self.sections else b""


def text(table, at):
    return table[at:table.index(b"\0", at)].decode()
