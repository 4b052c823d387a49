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
