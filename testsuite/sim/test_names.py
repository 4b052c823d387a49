"""Names of addresses: which symbol names a pc, of what was loaded and of guests (--symbols), and how
names that separate or end lines stand in every format."""

import json
import re

import pytest
from harness import tools
from sim.elf import PASS, RAM, Segment, elf

KERNEL = 0x40000000  # where guests of this file see their memory
HOME = 0x80400000    # where that is: outside every file

# Copies 32 bytes from `guest` to HOME, which a guest sees at KERNEL, and runs them as VM NUMBER.
COPIED = f"""
        .globl  _start
_start: la      s0, vmcs
        li      s1, {HOME}
        la      s2, guest
        .rept   4
        ld      t0, 0(s2)
        sd      t0, 0(s1)
        addi    s1, s1, 8
        addi    s2, s2, 8
        .endr
        la      t0, root
        li      t1, ({RAM} >> 12) << 10 | 0xdf
        sd      t1, 8(t0)
        li      t1, REVISION
        sd      t1, VMCS_REVISION * 8 (s0)
        srli    t2, t0, 12
        li      t1, 8 << 60 | NUMBER << 44
        or      t2, t2, t1
        sd      t2, VMCS_HPTBR * 8 (s0)
        li      t1, {KERNEL + HOME - RAM}
        sd      t1, VMCS_PC * 8 (s0)
        VMENTER R8
        li      a0, 0x5555
        li      t0, 0x100000
        sw      a0, 0(t0)
spin:   j       spin
        .balign 8
guest:  nop
        nop
        VMEXIT  1
        .zero   24
        .bss
        .balign 16384
root:   .zero   16384
vmcs:   .zero   4096
"""
PC = KERNEL + HOME - RAM


def sim(*args, **how):
    return tools.execute([tools.tool("visa-sim"), *args], **how)


@pytest.fixture
def symbols(fresh):
    """A file of symbols for addresses from PC on: {name: offset}."""
    def make(names, vaddr=PC, **how):
        path = fresh(".elf")
        path.write_bytes(elf(Segment(bytes(64), vaddr=vaddr), entry=vaddr,
                             symbols=[(n, vaddr + at) for n, at in names.items()], **how))
        return path
    return make


@pytest.fixture
def copied(assemble):
    return lambda vm=3: assemble(COPIED.replace("NUMBER", str(vm)))


def site(elf, *args, run):
    """Of its one exit: the VMEXIT is the third instruction of the guest."""
    sites = run(elf, *args).ok().stats["exit_sites"]
    assert [int(s["pc"], 16) for s in sites] == [PC + 8]
    return sites[0]["symbol"]


def test_guest_that_was_copied_has_no_name_of_the_image(copied, run):
    """It executes where no file was loaded: the image's symbols are of other bytes."""
    assert site(copied(), run=run) == ""


def test_symbols_of_a_guest(copied, symbols, run):
    assert site(copied(), "--symbols", symbols({"kernel": 0, "call": 8, "after": 12}), run=run) == "call"
    assert site(copied(), "--symbols", symbols({"kernel": 0, "after": 12}), run=run) == "kernel+0x8"


def test_position_independent(copied, symbols, run):
    assert site(copied(), "--symbols", symbols({"kernel": 0}, type_=3), run=run) == "kernel+0x8"


@pytest.mark.parametrize("files, name", [
    (["common"], "common+0x8"), (["common", "own@3"], "own+0x8"), (["own@3", "common"], "own+0x8"),
    (["own@2"], ""), (["own@2", "common"], "common+0x8"), (["common", "second"], "common+0x8"),
    (["far", "common"], "common+0x8"), (["far@3", "own@3"], "own+0x8"),
    (["far@3", "common"], "")])  # a VM with a file of its own has no names from the common ones
def test_which_file_names_a_guest(files, name, copied, symbols, run):
    args = []
    for f in files:
        stem, at, vm = f.partition("@")
        args += ["--symbols", f"{symbols({stem: 0}, vaddr=PC if stem != 'far' else 0x1000)}{at}{vm}"]
    assert site(copied(), *args, run=run) == name


def test_ring_minus_1_is_not_named_by_a_guests_file(copied, symbols):
    """The file's addresses are those of the hypervisor, too."""
    text = sim("--trace", "--symbols", symbols({"kernel": 0}, vaddr=RAM), copied()).ok().stderr
    assert "<_start>" in text and "kernel" not in text


def test_every_view_names_the_guest(copied, symbols, fresh):
    elf, names = copied(), ["--symbols", symbols({"kernel": 0, "call": 8})]
    assert "<call>" in sim("--trace-exits", *names, elf).ok().stderr
    events = sim("--trace-events", "--trace-format", "json", *names, elf).ok().stderr
    assert "call" in [json.loads(l).get("symbol") for l in events.splitlines()]
    text = sim("--trace-vm", 3, *names, elf).ok().stderr
    assert [f"<{n}>" in text for n in ("kernel", "kernel+0x4", "call")] == [True] * 3
    assert "in Ring 0 at 0x40400008 <call>" in sim("--explain-exit", 1, *names, elf).ok().stderr
    assert " call\n" in sim("--summary", *names, elf).ok().stderr
    assert "pc 0x40400004 <kernel+0x4>, Ring 0 of VM 3" in sim("-n", entered(elf) + 1, *names, elf).stderr
    path = fresh(".json")
    sim("--perfetto", path, *names, elf).ok()
    assert '"symbol":"call"' in path.read_text()
    sim("--report", path, *names, elf).ok()
    assert ">call<" in path.read_text()
    sim("--stats", path, *names, elf).ok()
    assert "call" in tools.execute([tools.tool("visa-stat"), path]).ok().stdout


@pytest.mark.parametrize("option", ["--kanata", "--o3pipeview"])
def test_views_of_the_pipeline_name_the_guest(option, copied, symbols, fresh):
    tools.need_pipeline()
    path = fresh(".view")
    sim(option, path, "--symbols", symbols({"kernel": 0}), copied()).ok()
    assert "<kernel+0x4>" in path.read_text()


def entered(elf):
    """Instructions before the guest's first one."""
    line = next(l for l in sim("--trace-events", elf).ok().stderr.splitlines() if "| entry" in l)
    return int(line.split()[0]) + 1


@pytest.mark.parametrize("value, words", [
    ("no/such.elf", ["no/such.elf: cannot be opened"]), ("{f}@x", ["--symbols", "'x'"]),
    ("{f}@16384", ["16384 is not a VMID: it has 14 bits"]), ("{f}@", ["--symbols"])])
def test_symbols_refused(value, words, copied, symbols):
    result = sim("--symbols", value.format(f=symbols({"kernel": 0})), copied())
    assert result.code in (120, 121) and result.stdout == ""
    for w in words:
        assert w in result.stderr


@pytest.mark.parametrize("content, words", [
    (elf(Segment()), "has no symbols"), (elf(type_=3, symbols=[("a", 0)]), "no segment says"),
    (elf(Segment(), type_=1), "relocatable"), (b"text", "not an ELF file"),
    (elf(Segment(), symbols=[("a", RAM)], name_offsets=[99]), "outside the string table")])
def test_file_of_symbols_refused(content, words, copied, fresh):
    path = fresh(".elf")
    path.write_bytes(content)
    result = sim("--symbols", path, copied())
    assert result.code == 121 and f"{path.name}: " in result.stderr and words in result.stderr


def test_flat_file_is_not_named_by_what_is_before_it(fresh):
    """A symbol names addresses of its own segment."""
    first, flat = fresh(".elf"), fresh(".bin")
    # lui t0, 0x80001 zero-extended, jr t0
    first.write_bytes(elf(Segment(bytes.fromhex("b7120080939202029382022067800200".replace("93820220", "93d20202"))),
                          symbols=[("first", RAM)]))
    flat.write_bytes(bytes.fromhex("6f000000"))
    text = sim("-n", 10, "--load", f"{flat}@{RAM + 0x1000:#x}", first).stderr
    assert "pc 0x80001000, Ring -1" in text


# What names may not do to the formats ---------------------------------------------------------

NAMES = {b"a:b": r"a\x3ab", b"a\tb": r"a\x09b", b"a\nb": r"a\x0ab", b"a\rb": r"a\x0db", b"a b": r"a\x20b",
         b"a<b>": r"a\x3cb\x3e", b"a|b": r"a\x7cb", b'a"b': r"a\x22b", b"a\\nb": r"a\x5cnb", b"a,b": r"a\x2cb",
         b"\x1b[31m": r"\x1b[31m", b"\xffa": r"\xffa", b"\xc3\xa9": "é", b"\xc3": r"\xc3", b"\xc2\x85": r"\xc2\x85",
         b"\xed\xa0\x80": r"\xed\xa0\x80", b"\xc0\x80": r"\xc0\x80", b"\xe2\x80\xa8": r"\xe2\x80\xa8",
         b"\xf4\x90\x80\x80": r"\xf4\x90\x80\x80", b"\xf0\x9f\x90\xa7": "🐧", b"f.part@0": "f.part@0"}


@pytest.fixture(params=NAMES, ids=lambda n: repr(n)[1:])
def odd(request, fresh):
    path = fresh(".elf")
    path.write_bytes(elf(Segment(), symbols=[(request.param, RAM)]))
    return path, NAMES[request.param]


def test_trace_of_an_odd_name(odd):
    path, name = odd
    lines = tools.trace_lines(sim("--trace", "--trace-to", 3, path).ok().stderr)
    assert [re.fullmatch(r" +\d h0 R-1 0x[0-9a-f]+ <([^ <>|]+)>: [0-9a-f]{8} [^:]*", l)[1].split("+")[0]
            for l in lines] == [name] * 4


def test_json_of_an_odd_name(odd):
    path, name = odd
    records = tools.trace_records(sim("--trace", "--trace-format", "json", "--trace-to", 0, path).ok().stderr)
    assert [r["symbol"] for r in records] == [name]


def test_pipeline_views_of_an_odd_name(odd, fresh):
    """Fields as gem5's o3-pipeview.py and Konata split them."""
    tools.need_pipeline()
    path, name = odd
    o3, kanata = fresh(".o3"), fresh(".kanata")
    sim("--o3pipeview", o3, "--kanata", kanata, path).ok()
    lines = o3.read_text().splitlines()
    fetches = [l.split(":") for l in lines if l.startswith("O3PipeView:fetch:")]
    assert all(l.startswith(("O3PipeView:", "#")) for l in lines) and {len(f) for f in fetches} == {7}
    assert fetches[0][6].startswith(f"<{name}> ")
    lines = kanata.read_text().splitlines()
    assert all(re.match(r"#|Kanata\t|C=?\t|[ILSERW]\t\d+\t", l) for l in lines)
    labels = [l.split("\t") for l in lines if l.startswith("L\t") and l.split("\t")[2] == "0"]
    assert {len(l) for l in labels} == {4} and labels[0][3].startswith(f"80000000 <{name}> ")


def test_end_of_the_run_at_an_odd_name(odd):
    path, name = odd
    assert f"pc 0x80000004 <{name}+0x4>," in sim("-n", 1, path).stderr


def test_statistics_of_an_odd_name(copied, symbols, run, fresh):
    for raw, name in NAMES.items():
        names = ["--symbols", symbols({raw: 8})]
        assert site(copied(), *names, run=run) == name
        table = sim("--summary", *names, copied()).ok().stderr.splitlines()
        assert sum(l.endswith(f" {name}") for l in table) == 1


def test_visa_stat_escapes_what_others_wrote(copied, fresh):
    """Statistics are a file like any other: nothing in it may control a terminal."""
    path = fresh(".json")
    sim("--stats", path, copied()).ok()
    stats = json.loads(path.read_text())
    stats["exit_sites"][0]["symbol"] = "\x1b[2J\r\u0085é"
    path.write_text(json.dumps(stats))
    out = tools.execute([tools.tool("visa-stat"), path]).ok().stdout
    assert r"\x1b[2J\x0d\xc2\x85é" in out and "\x1b" not in out and "\r" not in out


# Files that want more than they are -------------------------------------------------------------

LIMIT = ["prlimit", "--as=1000000000"]  # the machine's RAM is 128 MiB of it


def bounded(path, *args):
    return tools.execute([*LIMIT, tools.tool("visa-sim"), *args, path], timeout=20)


@pytest.mark.parametrize("where", ["one address", "many addresses"])
@pytest.mark.parametrize("offsets", ["one name", "its ends"])
def test_symbols_that_share_a_long_name(where, offsets, fresh):
    n, path = 20000, fresh(".elf")
    step = where == "many addresses"
    path.write_bytes(elf(Segment(PASS, memsz=n), symbols=[("", RAM + i * step) for i in range(n)],
                         name_offsets=[1 + i * (offsets == "its ends") for i in range(n)],
                         strings=b"\0" + b"a" * (1 << 20) + b"\0"))
    bounded(path, "--trace=/dev/null").ok()


def test_symbol_tables_that_share_their_bytes(fresh):
    path = fresh(".elf")
    path.write_bytes(elf(Segment(), symbols=[("a", RAM)] * 10000, tables=20000))
    result = bounded(path)
    assert result.code == 121 and "the tables are larger than the file" in result.stderr


def test_two_symbol_tables(fresh):
    """What their bytes allow is read."""
    path = fresh(".elf")
    path.write_bytes(elf(Segment(), symbols=[("a", RAM)], tables=2))
    assert "<a+0x4>" in bounded(path, "-n", 1).stderr


def test_long_name_is_cut(fresh):
    """Between characters, and the offset stays."""
    path = fresh(".elf")
    path.write_bytes(elf(Segment(), symbols=[("x" + "é" * 1000, RAM)]))
    name = re.search("<(.*)>", bounded(path, "-n", 1).stderr)[1]
    assert re.fullmatch(r"xé+\+0x4", name) and 200 < len(name.encode()) < 256
