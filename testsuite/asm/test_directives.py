"""Directives and expressions give the bytes that the GNU assembler gives."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

# Texts that mean the same to both assemblers. Sections compared: all that hold bytes.
SAME = {
    "sizes": ".byte 1, -1, 255\n.half 0x1234\n.2byte -2\n.short 7\n.hword 8\n.word 1, -1\n"
             ".4byte 5\n.long 6\n.int 7\n.dword -1\n.8byte 8\n.quad 0x123456789abcdef0\n",
    "floats": ".float 1.5, -0.1\n.double 3.14159, 1e300\n.single 2\n",
    "strings": '.ascii "abc", "def"\n.asciz "x"\n.string "a\\nb\\t\\"q\\"\\\\", "z"\n',
    "escapes": '.ascii "\\101\\7\\x41\\b\\f\\r\\0"\n',
    "unknown escapes": '.ascii "a\\qb\\%", "\\8\\19\\xg"\n.byte \'\\q\', \'\\q\n',
    "wide strings": '.string8 "ab", "c"\n.string16 "ab"\n.string32 "a\\xff" "b"\n.string64 "a", ""\n',
    "octa": ".octa 0x123456789abcdef00112233445566778, -1, 5, 0x8000000000000000\n"
            ".octa 123456789012345678901234567890, -0x10000000000000000, 0377777777777777777777777\n",
    "prefixed floats": ".float 0f1.5, 0d-2, +1, .5, 1e-40, 3.4028235e38\n.double 0d1.5, 5e-324, 1e308, inf, -inf\n",
    "hi and lo": "".join(f"lui a0, %hi({n})\naddiw a0, a0, %lo({n})\n" for n in
                         ("0x7ffff7ff", "0x7ffff800", "0x7fffffff", "0x80000000", "0xdeadbeef", "0xffffffff",
                          "-1", "-0x80000000", "v", "w")) + "v = 0x7ffff800\nw = 0xdeadbeef\n",
    "quoted names": '.data\n"a b": .word 1\n "x y" = 3\n.set "z z", "x y" + 1\n.word "x y", "z z" * 2, -"x y"\n'
                    '.word . - "a b"\n.ifdef "x y"\n.word 9\n.endif\n.text\naddi a0, a0, "x y"\nli a1, "z z" + 1\n'
                    'lui a0, "x y"\n"f g": j "f g"\nbeq a0, a1, "f g"\n"#1": "a;b#": j "#1"\n',
    "subsections": ".text\n.word 1\n.text 2\nx: .word 3\n.text 1\n.word 2\n.text 2\n.word 4\n.data 1\n.byte 9\n"
                   ".data\n.word 1\n.subsection 3\n.byte 7\n.pushsection .data, 2\n.byte 8\n.popsection\n.byte 6\n"
                   '.previous\n.byte 0xa\n.pushsection .mine, 1, "aw"\n.byte 2\n.popsection\n.section .mine\n.byte 1\n'
                   ".text 8192\ny: j x\n.text\nj y\n",
    "insn": "v = 77\n" + "".join(f".insn {line}\n" for line in (
        "r 0x33, 0, 0, a0, a1, a2", "r OP, 7, 127, a0, t1, x31", "r OP_32, 0, 1, a0, a1, a2", "r CUSTOM_0, 1, 2, a0, a1, a2",
        "r MADD, 1, 3, a0, a1, a2, a3", "r4 MADD, 0, 2, a0, a1, a2, t6", "i 0x13, 0, a0, a1, -2048", "i JALR, 1, a0, 2047(a1)",
        "i LOAD, 0, a0, (a1)", "i SYSTEM, 0, x0, x0, 1", "s STORE, 3, a0, -4(a1)", "s 0x23, 0, a0, (a1)", "u LUI, a0, 0xfffff",
        "u AUIPC, a0, 0", "i MISC_MEM, 1, x0, x0, 0", "r AMO, 2, 3, a0, a1, a2", "i OP_IMM_32, 0, a0, a1, v", "r SYSTEM, 0, 9, x0, a0, a1",
        "0x33", "0x00000013", "4, 0xffffffb3", "6, 0x1f", "8, 0x123456789abcde3f", "0x000012340000001f", "1", "10, 0x7f",
        "0x1234567890abcdef007f", "22, 0x112233445566778899aabbccddeeff0011223344607f", "2, 0x1234", "r STORE_FP, 0, 0, a0, a1, a2",
        "i LOAD_FP, 2, a0, 4(a1)", "r OP_FP, 0, 0, a0, a1, a2", "i CUSTOM_1, 3, a0, a1, 1", "s CUSTOM_2, 3, a0, 1(a1)", "u CUSTOM_3, a0, 1",
        "r4 MSUB, 0, 0, a0, a1, a2, a3", "r4 NMSUB, 0, 0, a0, a1, a2, a3", "r4 NMADD, 0, 0, a0, a1, a2, a3", "r OP_V, 0, 0, a0, a1, a2")),
    "insn short": ".option rvc\n" + "".join(f".insn {line}\n" for line in (
        "cr 2, 15, a0, t6", "cr C2, 8, x1, x31", "ci 1, 2, a0, -32", "ci C1, 2, t1, 31", "ciw 0, 0, a0, 255", "ciw C0, 7, s1, 5",
        "css 2, 6, t0, 63", "css C2, 7, a0, 5", "cl 0, 2, a0, 31(a1)", "cl 0, 3, s0, 5(a5)", "cs C0, 6, a0, 21(a1)",
        "ca 1, 0x23, 3, a0, a1", "ca C1, 0x3f, 0, s1, a5")),
    "short spellings": ".option rvc\nc.nop 1\nc.nop -32\nc.unimp\nc.slli64 a0\nc.srli64 a0\nc.srai64 s0\n",
    "altmacro": ".data\nq = 7\n.altmacro\n.macro n x, y\nLOCAL la, lb\nla: .byte lb-la, x, y&1, x&y\nlb: .ascii \"x&y \\x la\"\n"
                '.ascii "&x", "\\x& y"\n.byte \\x, &y, \\x&1\n.endm\nn 1, 2\nn %(3+4), <5>\nn 6 7\n'
                ".macro two a, b=%(1+2)\n.byte a, b\n.endm\ntwo <1+1>\ntwo %q * 2 , 3\ntwo %q+1 4\ntwo 1 <4>\n"
                '.macro st s\n.ascii s\n.endm\nst <"a!>b">\nst "x,y"\nst "a!!b"\n.irp z, <1,2>, %q-1\n.byte z\n.endr\n'
                ".irpc z, 123\n.byte z\n.endr\n.macro va a, rest:vararg\n.byte a, rest\n.endm\nva 1, 2, 3\n"
                ".noaltmacro\n.macro o q\n.byte q, \\q\n.endm\no 9\n",
    "adjacent strings": '.ascii "ab" "cd"\n.byte 9\n',
    "characters": ".byte 'a', 'b', '\\n', '\\\\', ' '\n.byte 'a' + 1\n.word 'z - 'a\n",
    "numbers": ".word 10, 0x1F, 0b101, 017, 0, 0X10, 0B11\n",
    "zero": ".zero 5\n.byte 1\n.skip 3\n.byte 1\n.space 4, 0xaa\n.space 0\n.byte 1\n",
    "fill": ".fill 3, 2, 0x1234\n.fill 2\n.fill 2, 8, 0x1122334455667788\n.fill 3, 1, 7\n",
    "align": ".data\n.byte 1\n.align 2\n.byte 2\n.p2align 3\n.byte 3\n.balign 16\n.byte 4\n",
    "align with a value": ".data\n.byte 1\n.balign 8, 0x55\n.byte 2\n.p2align 4, 0xaa\n.byte 3\n",
    "align up to": ".data\n.byte 1\n.balign 16, 0, 4\n.byte 2\n.p2align 2,,3\n.byte 3\n",
    "align in code": "nop\n.align 4\nnop\n.balign 32\nnop\n",
    "align behind odd code": ".option rvc\n.half 0x0001\n.align 3\n.byte 0\n.align 2\n.half 1, 1, 1\n.align 4\n.byte 1\n.align 4\n",
    "org": ".word 1\n.org 16\n.word 2\n.org . + 4\n.word 3\nx: .word 4\n.org x + 12, 0xcc\n.word 5\n",
    "location": ". = 8\n.word 1\n. = . + 4\n.word 2\n",
    "dot": ".data\n.word 0\nx: .word . - x, . - x\n.dword . - x\n.byte . - x, . - x, . - x\n",
    "sections": ".data\n.word 1\n.text\nnop\n.section .rodata\n.word 2\n.data\n.word 3\n"
                '.section .mine, "aw", @progbits\n.word 4\n.section .bss\n.space 8\n.previous\n.word 5\n'
                ".text 0\nnop\n",
    "section names": "".join(f".section {name},\"a\"\n.word {n}\n" for n, name in enumerate(
        [".rodata-x", "a+b*c", "4x-y@z", ".08-08x", ".x(y)[z]{w}<v>=u!t&s|r^q~p:o/n?m", "a`b", ".a%b", "-a"])) +
        '.section .note.GNU-stack,"",@progbits\n.word 8\n.pushsection .p-q , "a"\n.word 9\n.popsection\n',
    "push and pop": ".text\nnop\n.pushsection .data\n.word 1\n.pushsection .rodata\n.word 2\n"
                    ".popsection\n.word 3\n.popsection\nnop\n",
    "bss": ".bss\n.word 0\n.align 4\n.space 100\nx: .byte 0\n.data\n.word x - x\n",
    "differences": ".data\na: .word 1, 2\nb: .byte b - a\n.half b - a\n.word a - b\n.dword b - a + 4\n",
    "later differences": ".data\n.word (b - a) / 2\n.half (b - a) * 4 + 1\n.text\na: nop\nnop\nb:\n",
    "set": ".set x, 1\n.byte x\n.set x, x + 1\n.byte x\nx = x * 10\n.byte x\n.equ y, x + 1\n.byte y\n",
    "set later": ".data\n.word v\n.set v, 7\n.word w + 1\nw = v + 2\n.equiv u, 3\n.byte u\n",
    "alias": ".data\n.word 1\nx: .word 2\ny = x + 8\n.word 3\nz = . - x\n.word z\n.word y - x\n",
    "locals": "1: nop\n1: j 1f\n1: j 1b\nj 1b\n2: j 1b\nj 2b\n.data\n1: .word 1b - 1b\n2: .word 2f - 2b\n"
              "2: .word 2b - 1b\n10: .word 10b - 1b\n",
    "if": ".if 1\n.byte 1\n.else\n.byte 2\n.endif\n.if 0\n.byte 3\n.elseif 1\n.byte 4\n.else\n"
          ".byte 5\n.endif\n.ifdef nope\n.byte 6\n.endif\n.set yes, 0\n.ifdef yes\n.byte 7\n.endif\n"
          ".ifndef yes\n.byte 8\n.else\n.byte 9\n.endif\n",
    "nested if": ".if 0\n.if 1\n.byte 1\n.else\n.byte 2\n.endif\n.garbage here\n.elseif 1\n.if 0\n"
                 ".byte 3\n.else\n.byte 4\n.endif\n.endif\n",
    "comparing if": ".ifeq 0\n.byte 1\n.endif\n.ifne 0\n.byte 2\n.endif\n.ifgt 1\n.byte 3\n.endif\n"
                    ".iflt -1\n.byte 4\n.endif\n.ifge 0\n.byte 5\n.endif\n.ifle 1\n.byte 6\n.endif\n",
    "text if": ".ifc a, a\n.byte 1\n.endif\n.ifc a, b\n.byte 2\n.endif\n.ifnc a, b\n.byte 3\n.endif\n"
               ".ifb\n.byte 4\n.endif\n.ifnb x\n.byte 5\n.endif\n.ifb x\n.byte 6\n.endif\n",
    "rept": ".rept 3\n.byte 1\n.rept 2\n.byte 2\n.endr\n.endr\n.rept 0\n.byte 9\n.endr\n",
    "irp": ".irp x, 1, 2, 3\n.byte \\x\n.endr\n.irpc c, 456\n.byte \\c, 0x\\c\\c\n.endr\n"
           ".irp r, a0, t1\nmv \\r, \\r\n.endr\n.irp x\n.byte 7\\x\n.endr\n",
    "irp in irp": ".irp x, 1, 2\n.irp y, 3, 4\n.byte \\x\\y\n.endr\n.endr\n",
    "macro": ".macro two a, b=5, c\n.byte \\a, \\b\n.ifnb \\c\n.byte \\c\n.endif\n.endm\n"
             "two 1\ntwo 1, 2\ntwo 1,,3\ntwo c=9, a=8\ntwo 1 2 3\n",
    "macro counter": ".macro m\n.byte \\@\nl\\@: .word l\\@ - l\\@\n.endm\nm\nm\nm\n",
    "macro in macro": ".macro outer x\n.macro inner\\x y\n.byte \\x, \\y\n.endm\ninner\\x 3\n.endm\n"
                      "outer 1\nouter 2\ninner1 7\n",
    "recursive macro": ".macro down n\n.byte \\n\n.if \\n\ndown \"(\\n - 1)\"\n.endif\n.endm\ndown 3\n",
    "macro with text": ".macro say s\n.ascii \"\\s\"\n.endm\nsay hello\nsay \"a, b c\"\nsay 1+2\n",
    "macro joins": ".macro j2 a, b\n.byte \\a\\b\n.byte \\a\\()1\n.endm\nj2 1, 2\n",
    "macro memory": ".macro put r, m\nsd \\r, \\m\n.endm\nput a0, 8(sp)\nput a0 16(sp)\nput a1, (a2)\n",
    "macro rest": ".macro all first, rest:vararg\n.byte \\first\n.byte \\rest\n.endm\nall 1, 2, 3, 4\n",
    "macro required": ".macro need a:req\n.byte \\a\n.endm\nneed 4\n",
    "exitm": ".macro maybe x\n.byte \\x\n.if \\x\n.exitm\n.endif\n.byte 0xff\n.endm\nmaybe 1\nmaybe 0\n",
    "purgem": ".macro m\n.byte 1\n.endm\nm\n.purgem m\n.macro m\n.byte 2\n.endm\nm\n",
    "upper case": ".MACRO Mac X\n.BYTE \\X\n.ENDM\nmac 1\nMAC 2\n.Word 3\nADDI A0, A0, 1\n"
                  .replace("A0", "a0"),
    "leb": "".join(f".uleb128 {n}\n" for n in (0, 127, 128, 624485)) +
           "".join(f".sleb128 {n}\n" for n in (0, -1, 63, 64, -64, -65, -123456)),
    "comments": ".byte 1 # .byte 9\n.byte 2 /* */ /* .byte 9\n .byte 9\n.byte 9 */\n .byte 3\n.byte 4 /**/\n"
                "# 1 \"file\"\n.ascii \"# // /* \" /* x */\n.byte '#', '\"'\n",
    "labels": "a: b: .word 1\nc:d: .byte 1\n$e_1.x: .byte b - a\n.Ltemp: .byte d - c\n",
    "ignored": '.file "x.c"\n.option nopic\n.attribute unaligned_access, 0\n'
               ".cfi_startproc\nnop\n.cfi_def_cfa_offset 16\n.cfi_endproc\n",
    "weak and common": ".weak w\nw: nop\n.globl g\ng: nop\n.local l\nl: nop\n.comm c, 8, 8\n",
    "attribute": '.attribute stack_align, 16\n.attribute arch, "rv64i2p0"\nnop\n',
    "end": "nop\n.end\ngarbage\n",
}


def contents(elf):
    """{section: bytes, or their number}, without what the formats add by themselves."""
    skip = {".symtab", ".strtab", ".shstrtab", ".riscv.attributes", ".eh_frame"}
    return {s.name: (s.data if s.data else s.size) for s in elf.list[1:]
            if s.name not in skip and not s.name.startswith(".rela") and s.size}


@pytest.mark.parametrize("name", SAME)
def test_bytes_of_gas(va, gas_elf, name):
    elf = gas_elf(SAME[name])
    assert elf, "GNU as refuses this text"
    ours, theirs = contents(va(SAME[name], "-c").elf), contents(elf)
    if ".text" in ours:  # gas fills code up to its alignment at the end
        n = len(ours[".text"])
        assert len(theirs[".text"]) - n < elf.sections[".text"].align
        theirs[".text"] = theirs[".text"][:n]
    assert ours == theirs


OPERATORS = ["+", "-", "*", "/", "%", "<<", ">>", "|", "&", "^", "==", "!=", "<", ">", "<=", ">=",
             "&&", "||"]
NUMBERS = st.one_of(st.integers(0, 20), st.sampled_from([0x7fffffff, 0x80000000, 0xffffffffffffffff]),
                    st.integers(0, 2**64 - 1))


def grow(inner):
    # Shifts by more than 63 and negations of comparisons differ between versions of gas.
    return st.one_of(
        st.tuples(inner, st.sampled_from(OPERATORS), inner).map(lambda t: f"{t[0]} {t[1]} {t[2]}"),
        inner.map(lambda e: f"({e})"), inner.map(lambda e: f"-({e})"), inner.map(lambda e: f"~({e})"))


EXPRESSIONS = st.recursive(NUMBERS.map(str), grow, max_leaves=6)


@settings(max_examples=30, deadline=None,
          suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(expressions=st.lists(EXPRESSIONS, min_size=8, max_size=8))
def test_expressions_of_gas(va, gas_elf, expressions):
    """One by one where gas refuses some: a division by zero, a shift out of range."""
    both = "".join(f".dword {e}\n" for e in expressions)
    theirs = gas_elf(both)
    for text in [both] if theirs else [f".dword {e}\n" for e in expressions]:
        theirs = gas_elf(text)
        ours = va(text, "-c", "-W")
        if "division by zero" in ours.messages:
            continue  # gas warns and goes on
        if theirs:
            assert ours.text() == theirs.data(".text"), text


def test_precedence_differs_from_c(va):
    """| & ^ bind tighter than +: the manual page says so, and a warning where it matters."""
    r = va(".data\n.word 1 + 2 | 4\n.word 1 << 2 | 1 << 3\n.word (1 + 2) | 4\n")
    assert r.elf.data(".data") == bytes([7, 0, 0, 0, 12, 0, 0, 0, 7, 0, 0, 0])
    warnings = [line for line in r.lines() if "warning" in line]
    assert len(warnings) == 1 and warnings[0].startswith("t.s:2:")


def test_comparisons_are_minus_one(va):
    assert va(".data\n.byte 1 < 2, 2 < 1, !0, 3 && 4\n").elf.data(".data") == b"\xff\0\1\1"


def test_octa_of_an_expression(va):
    """64 bits and their sign."""
    data = va(".data\n.octa 1 - 3, x * 2\nx = 5\n.octa x * 2\n".replace(", x * 2\nx", "\nx")).elf.data(".data")
    assert data == (-2).to_bytes(16, "little", signed=True) + (10).to_bytes(16, "little")


def test_insn_targets_and_operators(va, gas_elf):
    """What refers to symbols is left to the linker as by the GNU assembler."""
    text = ("x: .insn uj JAL, a0, far\n"
            ".insn j JAL, a0, far\n.insn u LUI, a0, %hi(far)\n.insn i OP_IMM, 0, a0, a0, %lo(far)\n"
            ".insn s STORE, 3, a0, %lo(far)(a1)\n.insn i LOAD, 3, a0, %lo(far)(a1)\n"
            "y: .insn u AUIPC, a0, %pcrel_hi(far)\n.insn i OP_IMM, 0, a0, a0, %pcrel_lo(y)\n")
    ours, theirs = va(text, "-c").elf, gas_elf(text)
    assert ours.relocs(".text") == [r for r in theirs.relocs(".text") if r[1] != "RELAX"] and len(ours.relocs(".text")) == 8
    assert ours.data(".text")[8:] == theirs.data(".text")[8:]  # gas leaves bits in what jumps relocate
    # The GNU assembler makes a long jump of a branch to a symbol that it does not know.
    short = ".insn b BRANCH, 1, a0, a1, far\n.insn cb 1, 6, a0, far\n.insn cj 1, 5, far\n"
    assert va(short, "-c").elf.relocs(".text") == \
        [(0, "BRANCH", "far", 0), (4, "RVC_BRANCH", "far", 0), (6, "RVC_JUMP", "far", 0)]


def test_insn_targets_here(va):
    """At home they are those of the instructions that have the same bits."""
    insn = ".insn sb BRANCH, 0, a0, a1, x\n.insn uj JAL, a0, x\n.insn cb 1, 6, a0, x\n.insn cj 1, 5, x\n"
    same = "beq a0, a1, x\njal a0, x\nc.beqz a0, x\nc.j x\n"
    rest = ".insn u LUI, a0, %hi(0x12345fff)\n.insn i OP_IMM_32, 0, a0, a0, %lo(0x12345fff)\nx: nop\n"
    named = "lui a0, %hi(0x12345fff)\naddiw a0, a0, %lo(0x12345fff)\nx: nop\n"
    assert va(insn + rest).text() == va(same + named).text()


def test_insn_of_float_registers(va, gas_elf):
    text = (".insn r4 MADD, 0, 0, fa0, fa1, ft2, fs3\n.insn r OP_FP, 0, 1, fa0, f31, a2\n.insn i LOAD_FP, 3, fa0, 8(a1)\n"
            ".insn s STORE_FP, 3, ft0, 8(a1)\n.insn cl 0, 1, fa0, 3(a1)\n.insn css 2, 5, ft1, 9\n")
    theirs = gas_elf(".option rvc\n" + text, march="rv64imafdc")
    assert va(text, "-c").text() == theirs.data(".text")[:4 * 4 + 2 * 2]


def test_subsections_and_labels(va):
    """Labels go where their subsections go: differences, jumps, addresses, alignment, several files."""
    text = (".text\n_start: j end\n.text 1\nend: la a0, here\n.balign 16\nhere: .dword here - _start, end - _start\n"
            "n = . - here\n.text\n.byte 1\n.data\n.word n\n.dword here\n")
    elf = va(text).elf
    base = elf.symbols["_start"].value
    assert (elf.symbols["end"].value, elf.symbols["here"].value) == (base + 16, base + 32)
    code = elf.data(".text")
    assert [int.from_bytes(code[i:i + 8], "little") for i in (32, 40)] == [32, 16]
    assert code[:4] == (16 << 20 | 0x6f).to_bytes(4, "little")  # jal zero, 16: bits 10 to 1 stand at 21
    assert elf.data(".data") == (16).to_bytes(4, "little") + (base + 32).to_bytes(8, "little")


def test_subsections_of_files(va, tmp_path):
    """Each file's subsections end with it."""
    (tmp_path / "b.s").write_text(".data 1\n.byte 4\n.data\n.byte 3\n")
    data = va("nop\n.data 1\n.byte 2\n.data\n.byte 1\n", also=[tmp_path / "b.s"]).elf.data(".data")
    assert data == b"\1\2" + bytes(6) + b"\3\4"


def test_subsections_in_the_listing(va, tmp_path):
    va("nop\n.text 1\n.word 2\n.text\n.word 1\n", "-l", "out.lst")
    lines = [line.split()[:2] for line in (tmp_path / "out.lst").read_text().splitlines()]
    assert ["0000000080000004", "01000000"] in lines and ["0000000080000008", "02000000"] in lines


@pytest.mark.parametrize("name, visibility", [("internal", 1), ("hidden", 2), ("protected", 3)])
def test_visibility(va, gas_elf, name, visibility):
    """STV_INTERNAL, STV_HIDDEN and STV_PROTECTED of the ELF manual, in st_other."""
    text = f".globl f\n.{name} f, g\nf: nop\ncall g\n"

    def others(elf):
        table = next(s for s in elf.list if s.type == 2)
        names = elf.list[table.link].data
        return {names[n:names.index(b"\0", n)].decode(): other for n, other in
                ((int.from_bytes(table.data[i:i + 4], "little"), table.data[i + 5])
                 for i in range(0, len(table.data), 24))}

    ours, theirs = others(va(text, "-c").elf), others(gas_elf(text))
    assert (ours["f"], ours["g"]) == (theirs["f"], theirs["g"]) == (visibility, visibility)
    assert others(va(text + "g: nop\n").elf)["f"] == visibility


def test_calls_through_a_plt(va):
    """f@plt, as compilers write it, is f."""
    text = "call f@plt\ntail f@PLT\njump f, t0\n"
    assert va(text, "-c").elf.relocs(".text") == [(8 * i, "CALL_PLT", "f", 0) for i in range(3)]
    assert va(text + "f: nop\n").text() == va(text.replace("@plt", "").replace("@PLT", "") + "f: nop\n").text()
