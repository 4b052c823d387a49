"""The folders of the C sources are layers, as HACKING.md draws them: who includes or calls whom goes downwards."""

import os
import re
from collections import defaultdict
from pathlib import Path

import pytest

from harness import tools
from harness.tools import BUILD, execute, tool

SRC = tools.SRC.resolve()
ROOTS = ("src", "isa/lib")
SOURCES = sorted(p for root in ROOTS for p in (SRC / root).rglob("*") if p.suffix in (".c", ".h", ".cpp"))


def layers():
    """{folder: its line in the drawing, counted from above}."""
    drawing, = re.findall(r"\n## Layers\n.*?\n\n((?:    .*\n)+)", (SRC / "HACKING.md").read_text(), re.S)
    return {folder: n for n, line in enumerate(drawing.splitlines())
            for folder in re.findall(r"(?<!\S)(?:src|isa)/[\w/]+", line.split("  --  ")[0])}


def folder(path):
    return str(Path(path).relative_to(SRC).parent)


def includes():
    """[(file, file that it includes)]."""
    for p in SOURCES:
        for name in re.findall(r'^#include "([^"]+)"', p.read_text(), re.M):
            for place in (p.parent, *(SRC / root for root in ROOTS)):
                if (place / name).is_file():
                    yield p, Path(os.path.normpath(place / name))
                    break


def objects():
    """{source: its object file}: the first there is, if programs have one each."""
    found = {}
    for p in SOURCES:
        made = sorted((BUILD / p.relative_to(SRC).parent).glob(f"*{p.stem}.o"))
        found.update({p: o for o in reversed(made) if re.fullmatch(rf"(\w+-)?{re.escape(p.stem)}\.o", o.name)
                      and "fuzz" not in o.name} if p.suffix != ".h" else {})
    return found


def calls():
    """[(file, file whose function or variable it uses)]."""
    defined, used = {}, defaultdict(set)
    for source, obj in objects().items():
        for line in execute([tool("nm"), obj]).ok().stdout.splitlines():
            kind, name = line.split()[-2:]
            if kind in "TDBRC":
                defined[name] = source
            elif kind == "U":
                used[source].add(name)
    assert len(used) > 80
    return sorted((user, defined[name]) for user, names in used.items() for name in names if name in defined)


@pytest.mark.parametrize("edges", (includes, calls))
def test_downwards(edges):
    level = layers()
    upwards = {f"{a.relative_to(SRC)} -> {b.relative_to(SRC)}" for a, b in edges()
               if folder(a) != folder(b) and level[folder(a)] >= level[folder(b)]}
    assert sorted(upwards) == []


def test_every_folder_is_drawn():
    assert set(layers()) == {folder(p) for p in SOURCES}
