"""Objects of visa-as and of gcc, linked by GNU ld; and programs of several files without it."""

import subprocess

import pytest

from asm.elf import Elf
from harness.tools import execute, tool

MARCH = ["-march=rv64imac_zicsr_zifencei", "-mabi=lp64"]


@pytest.fixture
def gcc(tmp_path):
    def compile_c(text, *args, name="c", suffix="o"):
        source, out = tmp_path / f"{name}.c", tmp_path / f"{name}.{suffix}"
        source.write_text(text)
        execute([tool("riscv64-unknown-elf-gcc"), *MARCH, "-mcmodel=medany", "-O2", "-ffreestanding",
                 "-c" if suffix == "o" else "-S", *args, source, "-o", out]).ok()
        return out
    return compile_c


@pytest.fixture
def ld(tmp_path):
    def link(*objects, base=0x80000000):
        out = tmp_path / "linked.elf"
        r = execute([tool("riscv64-unknown-elf-ld"), f"-Ttext={base:#x}", "-o", out, *objects]).ok()
        assert "warning" not in r.stderr, r.stderr
        return Elf(out)
    return link


def words(data):
    return [int.from_bytes(data[i:i + 4], "little") for i in range(0, len(data), 4)]


def sext(value, bits):
    value &= (1 << bits) - 1
    return value - (1 << bits) if value >> bits - 1 else value


def target(code, at, base):
    """Where the auipc pair at index `at` leads to."""
    pc = base + 4 * at
    low = code[at + 1]
    imm = low >> 20 if low & 0x7f != 0x23 else low >> 25 << 5 | low >> 7 & 31
    return pc + sext(code[at] & 0xfffff000, 32) + sext(imm, 12)


FAR = """
        .globl  _start
_start:  la      a0, datum
        lla     a1, .Llocal
        lw      a2, datum
        sd      a2, datum, t0
        call    there
        tail    there
        .section .there, "ax"
        .space  0x12345678 - 0x12345000
there:  ret
        .data
        .space  0x7f8
.Llocal: .word  1
datum:  .dword  there, _start + 4
        .word   datum - .Llocal, there - _start
        .half   datum - .Llocal
"""


def test_far_references(va, ld):
    """The same text by ld from -c, and by visa-as alone, reaches the same symbols."""
    for elf in (ld(va(FAR, "-c", output="far.o").path), va(FAR).elf):
        code = words(elf.data(".text"))
        base = elf.sections[".text"].addr
        where = {n: s.value for n, s in elf.symbols.items()}
        got = [target(code, i, base) for i in (0, 2, 4, 6, 8, 10)]
        assert got == [where["datum"], where["datum"] - 4, where["datum"], where["datum"],
                       where["there"], where["there"]]
        data = elf.data(".data")[0x7f8:]
        assert int.from_bytes(data[4:12], "little") == where["there"]
        assert int.from_bytes(data[12:20], "little") == where["_start"] + 4
        assert int.from_bytes(data[20:24], "little") == 4
        assert sext(int.from_bytes(data[24:28], "little"), 32) == where["there"] - where["_start"]
        assert int.from_bytes(data[28:30], "little") == 4


def test_relocations(va):
    elf = va(FAR + """
        .text
        lui a0, %hi(ext)
        addi a0, a0, %lo(ext)
        sw  a0, %lo(ext + 4)(a1)
1:      auipc a0, %pcrel_hi(ext)
        ld  a0, %pcrel_lo(1b)(a0)
        sd  a0, %pcrel_lo(1b)(a0)
        jal ext
        beq a0, a1, ext
        c.j ext
        c.beqz a0, ext
        .data
        .byte ext - other
        .half ext - other
        .word ext - other, ext
        .dword ext - other + 3, ext - 1
""", "-c", output="r.o").elf
    got = [(t, s, a) for _, t, s, a in elf.relocs(".text")][-10:]
    label = got[4][1]
    assert elf.symbols[label].value == elf.symbols["_start"].value + 4 * 15
    assert got == [("HI20", "ext", 0), ("LO12_I", "ext", 0), ("LO12_S", "ext", 4), ("PCREL_HI20", "ext", 0),
                   ("PCREL_LO12_I", label, 0), ("PCREL_LO12_S", label, 0), ("JAL", "ext", 0),
                   ("BRANCH", "ext", 0), ("RVC_JUMP", "ext", 0), ("RVC_BRANCH", "ext", 0)]
    got = [(t, s, a) for _, t, s, a in elf.relocs(".data")][-10:]
    assert got[0][0].startswith("ADD8") and got == [
        ("ADD8", "ext", 0), ("SUB8", "other", 0), ("ADD16", "ext", 0), ("SUB16", "other", 0),
        ("ADD32", "ext", 0), ("SUB32", "other", 0), ("32", "ext", 0), ("ADD64", "ext", 3),
        ("SUB64", "other", 0), ("64", "ext", -1)]
    assert elf.symbols["ext"].section == "UND" and elf.symbols["ext"].bind == 1


def test_what_a_linker_must_see(va):
    """Branches in a section are settled, but not those to a weak symbol, nor to other sections."""
    elf = va("j near\nj weak\nj other\nnear: nop\n.globl weak\n.weak weak\nweak: nop\n"
             '.section .other, "ax"\nother: nop\n', "-c", output="r.o").elf
    assert elf.relocs(".text") == [(4, "JAL", "weak", 0), (8, "JAL", "other", 0)]
    assert int.from_bytes(elf.data(".text")[:4], "little") == 0x00c0006f


C_SIDE = """
#define FINISHER (*(volatile unsigned *)0x100000)
long triple(long x);                      /* in assembly */
extern const long table[];                /* in assembly */
static long calls;
long add_call(long x) { calls++; return x + 1; }  /* called by assembly */
int main(void) {
    long r = triple(4) + table[1] + calls;
    FINISHER = r == 13 + 20 + 1 ? 0x5555 : 0x3333 | (r & 0xff) << 16;
    for (;;) { }
}
"""
ASM_SIDE = """
        .section .text.start, "ax"
        .globl  _start
_start: la      sp, stack_top
        call    main
        .text
        .globl  triple
        .type   triple, @function
triple: addi    sp, sp, -16             ; 3x + 1 by way of C
        sd      ra, 8(sp)
        slli    t0, a0, 1
        add     a0, a0, t0
        call    add_call
        ld      ra, 8(sp)
        addi    sp, sp, 16
        ret
        .size   triple, . - triple
        .section .rodata
        .align  3
        .globl  table
table:  .dword  10, 20
"""


def test_with_gcc(va, cc, qemu):
    """C calls assembly and assembly calls C; QEMU runs it."""
    obj = va(ASM_SIDE, "-c", output="side.o").path
    r = qemu(cc([C_SIDE, obj]))
    assert r.code == 0, str(r)


def test_without_the_linker(va, gcc, qemu, tmp_path):
    """The compiler's own assembly through visa-as, in a program of two files."""
    c = gcc(C_SIDE, "-march=rv64imac_zicsr_zifencei", name="main", suffix="s")
    source = tmp_path / "side.s"
    source.write_text(ASM_SIDE)
    r = va(".bss\n.space 4096\n.globl stack_top\nstack_top:\n", source, c, name="stack.s")
    assert qemu(r.path).code == 0, r.messages


PROGRAMS = {
    "switch": "int f(int x) { switch (x) { case 0: return 3; case 1: return 9; case 2: return 7; case 3:"
              " return 1; case 4: return 8; case 5: return 2; case 6: return 11; default: return x; } }",
    "strings": 'extern void put(const char *); void f(int n) { put(n ? "yes\\n" : "no\\t\\"q\\""); }',
    "data": "static int a[100]; int b = 5; const char c[] = \"abc\"; double d = 2.5; extern int e;"
            "int *f(int i) { a[i] = b++ + c[1] + e; return d > i ? a : &b; }",
    "struct": "struct s { char c; long l; short h; }; struct s v = {1, -2, 3}, w[4];"
              "long g(struct s *p, int i) { w[i] = *p; return v.l * p->h / (p->c + 1); }",
    "weak": "__attribute__((weak)) int x; int __attribute__((weak)) g(void) { return x; }"
            "int h(void) { return g() + 1; } static int z; int *p = &z, (*q)(void) = h;",
    # No others: gcc writes those as two statements with a `;` between, which is a comment here.
    "atomic": "int f(int *p) { return __atomic_fetch_add(p, 3, __ATOMIC_RELAXED); }",
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_compiler_output(va, gcc, ld, tmp_path, name):
    """gcc's assembly by visa-as and by GNU as, both linked by ld: the same program."""
    march = "-march=rv64ima_zicsr_zifencei"
    source = gcc(PROGRAMS[name], march, name=name, suffix="s")
    gnu = tmp_path / "gnu.o"
    execute([tool("riscv64-unknown-elf-as"), march, "-mno-relax", "-o", gnu, source]).ok()
    obj = va(source.read_text(), "-c", name="ours.s", output="ours.o")
    theirs, ours = Elf(gnu), obj.elf
    for s in theirs.symbol_list:
        if s.bind and s.section != "UND":
            mine = ours.symbols[s.name]
            assert (mine.section, mine.type, mine.bind, mine.size) == (s.section, s.type, s.bind, s.size)
    args = ["--unresolved-symbols=ignore-all", "--no-relax", "-e", "0"]
    theirs, ours = ld(*args, gnu), ld(*args, obj.path)
    for s in theirs.list[1:]:
        if s.flags & 2:
            assert (ours.sections[s.name].addr, ours.data(s.name)) == (s.addr, s.data), s.name


def test_scopes_of_files(va, tmp_path):
    """Locals of two files with one name are two; globals are shared; weak ones give way."""
    other = tmp_path / "b.s"
    other.write_text(".globl shared\n.data\nx: .dword 2\nshared: .dword x\n.globl maybe\nmaybe: .dword 7\n"
                     "1: .dword 1b\n")
    elf = va(".data\nx: .dword 1\n.dword x, shared, maybe\n1: .dword 1b\n.weak maybe\nmaybe: .dword 5\n"
             ".weak absent\n.dword absent\n", also=[other]).elf
    data, base = elf.data(".data"), elf.sections[".data"].addr
    values = [int.from_bytes(data[i:i + 8], "little") for i in range(0, len(data), 8)]
    shared, maybe = base + 64, base + 72
    assert values == [1, base, shared, maybe, base + 32, 5, 0, 2, base + 56, 7, base + 80]
    assert (elf.symbols["shared"].value, elf.symbols["maybe"].value) == (shared, maybe)
    assert [s.value for s in elf.symbol_list if s.name == "x"] == [base, base + 56]


def test_duplicate_definition(va, tmp_path):
    other = tmp_path / "b.s"
    other.write_text(".globl f\nf: nop\n")
    r = va(".globl f\nf: ret\n", also=[other])
    assert r.code == 1
    assert f"{other}:2:1: error: 'f' is already defined" in r.messages
    assert "t.s:2:1: note: the first definition is here" in r.messages


def test_linker_symbols(va):
    """_end, __bss_start, _edata and _etext are provided if nobody defines them."""
    elf = va("_start: la a0, _end\nla a1, __bss_start\nla a2, _edata\nla a3, _etext\n.data\n.word 1\n"
             ".bss\n.space 100\n").elf
    s = {n: elf.symbols[n].value for n in ("_end", "__bss_start", "_edata", "_etext")}
    bss, data, text = elf.sections[".bss"], elf.sections[".data"], elf.sections[".text"]
    assert s == {"_end": bss.addr + 100, "__bss_start": bss.addr, "_edata": data.addr + 4,
                 "_etext": text.addr + text.size}
    assert va(".data\n.globl _end\n_end: .dword _end\n").elf.symbols["_end"].section == ".data"


def test_common_symbols(va, gcc, ld):
    text = ".comm buffer, 100, 64\n.lcomm own, 8\n.data\n.dword buffer, own\n"
    obj = va(text, "-c", output="c.o").elf
    assert (obj.symbols["buffer"].section, obj.symbols["buffer"].value, obj.symbols["buffer"].size) == \
        ("COM", 64, 100)
    elf = va(text).elf
    assert elf.symbols["buffer"].value % 64 == 0 and elf.symbols["buffer"].section == ".bss"
    assert elf.sections[".bss"].size >= 108


def test_objects_have_all_sections_that_tools_want(va):
    r = va("nop\n", "-c", output="t.o")
    assert r.elf.type == 1 and r.elf.machine == 243 and r.elf.flags == 1
    p = subprocess.run([tool("riscv64-unknown-elf-size"), r.path], capture_output=True, text=True)
    assert p.returncode == 0 and p.stdout.split("\n")[1].split()[0] == "4"
