"""Messages: file:line:col, what is wrong, what is near, where a macro was used."""

import pytest

from harness.tools import execute

# text, line:column, words of the message. One error each.
ERRORS = {
    "unknown instruction": ("nop\n  vmentr a0\n", "2:3", "unknown instruction 'vmentr'; did you mean 'vmenter'?"),
    "unknown in capitals": ("VMREZUME\n", "1:1", "did you mean 'vmresume'?"),
    "nothing near": ("xyzzyplugh a0\n", "1:1", "unknown instruction 'xyzzyplugh'"),
    "near a macro": (".macro push_all\n.endm\npush_al\n", "3:1", "did you mean 'push_all'?"),
    "unknown register": ("add a0, a1, a22\n", "1:13", "undefined symbol 'a22'; did you mean 'a2'?"),
    "unknown source register": ("sub a0, a1, a22\n", "1:13", "expected a register, found 'a22'; did you mean 'a2'?"),
    "unknown base register": ("ld a0, 8(spp)\n", "1:10", "expected a register, found 'spp'; did you mean 'sp'?"),
    "register for a number": ("addi a0, a1, a2\n", "1:14", "expected a number, found 'a2' (the form is 'addi rd, rs1, imm')"),
    "floating-point register": ("add a0, a1, fa0\n", "1:13", "expected a register, found 'fa0'"),
    "too few operands": ("add a0, a1\n", "1:1", "wrong number of operands: 2"),
    "too many operands": ("ecall a0\n", "1:7", "wrong number of operands: 1; the form is 'ecall'"),
    "missing comma": ("add a0 a1, a2\n", "1:8", "expected the end of the line, found 'a1'"),
    "unknown csr": ("csrr a0, mstatsu\n", "1:10", "V-ISA has no CSR 'mstatsu'; did you mean 'mstatus'?"),
    "csr number": ("csrr a0, 0x1000\n", "1:10", "CSR number 4096, expected 0 to 0xfff"),
    "immediate": ("addi a0, a0, 2048\n", "1:14", "2048 does not fit: addi takes -2048 to 2047"),
    "negative immediate": ("addi a0, a0, -2049\n", "1:14", "-2049 does not fit: addi takes -2048 to 2047"),
    "shift": ("slli a0, a0, 64\n", "1:14", "64 does not fit: slli takes 0 to 63"),
    "upper immediate": ("lui a0, 0x100000\n", "1:9", "1048576 does not fit: lui takes -524288 to 524287"),
    "steps": ("c.lw a0, 6(a1)\n", "1:10", "6 does not fit: c.lw takes 0 to 124 in steps of 4"),
    "nonzero": ("c.addi16sp sp, 0\n", "1:16", "c.addi16sp does not take 0"),
    "short register": ("c.lw t0, 4(a1)\n", "1:6", "c.lw takes only x8 to x15 (s0, s1, a0 to a5) here, found t0"),
    "excluded register": ("c.lwsp zero, 4(sp)\n", "1:8", "c.lwsp does not take zero here"),
    "port": ("in.b a0, 0x10000\n", "1:10", "65536 does not fit: ini.b takes 0 to 65535"),
    "immediate found later": ("addi a0, a0, later\n.equ later, 5000\n", "1:14", "5000 does not fit: addi takes"),
    "address as immediate": (".data\nx: .word 1\n.text\naddi a0, a0, x\n", "4:14", "does not fit"),
    "undefined symbol": ("_start: nop\ncall _strat\n", "2:6", "undefined symbol '_strat'; did you mean '_start'?"),
    "undefined constant": ("li a0, VMCS_HPTB\n", "1:8", "must be known here, but 'VMCS_HPTB' is not defined yet; did you mean 'VMCS_HPTBR'?"),
    "undefined in data": (".word TRAP_PFF\n", "1:7", "undefined symbol 'TRAP_PFF'; did you mean 'TRAP_PF'?"),
    "case of symbols": ("Loop: nop\nj loop\n", "2:3", "undefined symbol 'loop'; did you mean 'Loop'?"),
    "no label before": ("j 1b\n1: nop\n", "1:3", "there is no label '1:' before this line"),
    "no label after": ("2: nop\nj 2f\n", "2:3", "there is no label '2:' after this line"),
    "label twice": ("x: nop\nx: nop\n", "2:1", "'x' is already defined"),
    "label and constant": (".equ x, 1\nx: nop\n", "2:1", "'x' is already defined"),
    "constant used": ("li a0, POOL\nPOOL: nop\n", "2:1", "'POOL' was used above as the constant"),
    "branch": ("beq a0, a1, x\n.space 4096\nx: nop\n", "1:13",
               "the target is 4100 bytes away: beq reaches -4096 to 4094"),
    "jump": ("j x\n.space 0x100000\nx: nop\n", "1:3", "the target is 1048580 bytes away: jal reaches -1048576 to 1048574"),
    "backward": ("x: .space 300\nc.beqz a0, x\n", "2:12", "the target is -300 bytes away: c.beqz reaches -256 to 254"),
    "odd target": ("j 0x80000003\n", "1:3", "the target is 3 bytes away: it must be an even distance"),
    "call": ("call 0x200000000\n", "1:6", "only 2 GiB either way can be reached"),
    "lui": ("lui a0, %hi(x)\nx: nop\n", "1:9", "cannot be made by lui"),
    "lui of the end": ("lui a0, %hi(_end)\n", "1:9", "cannot be made by lui"),
    "hi": ("lui a0, %hi(0x100000000)\n", "1:9", "%hi of 0x100000000: the number has more than 32 bits"),
    "hi found later": ("lui a0, %hi(-x)\nx = 0x80000801\n", "1:9", "the number has more than 32 bits"),
    "empty name": ('.word ""\n', "1:7", "a name cannot be empty"),
    "name with a zero": ('.word "a\\0"\n', "1:7", "a name cannot hold a zero byte"),
    "quoted and undefined": ('.word "a b"\n', "1:7", "undefined symbol 'a b'"),
    "float": (".float 1e39\n", "1:8", "'1e39' is too large for 32 bits"),
    "small float": (".float 1, 1e-50\n", "1:11", "'1e-50' is too near to zero for 32 bits"),
    "double": (".double 1e309\n", "1:9", "'1e309' is too large for 64 bits"),
    "small double": (".double 1e-400\n", "1:9", "'1e-400' is too near to zero for 64 bits"),
    "no float": (".float 1,2x\n", "1:10", "'2x' is no number"),
    "long float": (".float " + "1" * 200 + "\n", "1:8", "is too large for 32 bits"),
    "octa": (".octa 1, 0x1" + "0" * 32 + "\n", "1:10", "this number does not fit into 128 bits"),
    "octa of an address": (".octa x\nx:\n", "1:7", "the number must be known here"),
    "subsection": (".text 8193\n", "1:1", "subsection 8193, expected 0 to 8192"),
    "negative subsection": (".subsection -1\n", "1:1", "subsection -1, expected 0 to 8192"),
    "plt": ("la a0, f@plt\n", "1:8", "@plt goes with call, tail and jump"),
    "csr immediate": ("csrw mstatus, 32\n", "1:15", "32 does not fit: csrrwi takes 0 to 31"),
    "c.nop": ("c.nop 32\n", "1:7", "32 does not fit: c.addi takes -32 to 31"),
    "insn format": (".insn q 0x33, 0\n", "1:7", "unknown format 'q', expected one of r r4 i s sb b u uj j cr"),
    "insn operands": (".insn r 0x33, 0, 0, a0, a1\n", "1:1", "the form is '.insn r op, funct3, "),
    "insn operand": (".insn i 0x13, 0, a0, 5, 6\n", "1:22", "the form is '.insn i op, funct3, rd, rs1, imm'"),
    "insn opcode": (".insn r 0x34, 0, 0, a0, a1, a2\n", "1:9", "opcode 0x34, expected 7 bits"),
    "insn quadrant": (".insn ci 3, 0, a0, 1\n", "1:10", "opcode 0x3, expected 0, 1 or 2"),
    "insn function": (".insn r 0x33, 8, 0, a0, a1, a2\n", "1:15", "funct3 is 8, expected 0 to 7"),
    "insn short register": (".insn cl 0, 0, t0, 1(a1)\n", "1:16", "expected one of the registers 8 to 15"),
    "insn immediate": (".insn i 0x13, 0, a0, a1, 0xfff\n", "1:26", "4095 does not fit: .insn i takes -2048 to 2047"),
    "insn length": (".insn 2, 0x33\n", "1:10", "the lowest bits say that this instruction has 4 bytes"),
    "insn bits": (".insn 0x100000033\n", "1:7", "this instruction has 4 bytes, but the number has more"),
    "insn reserved": (".insn 0x707f\n", "1:7", "the lowest bits say that this is no instruction"),
    "insn undefined": (".insn x\n", "1:7", "the instruction's bits must be known here"),
    "local name": (".altmacro\n.macro m a\nLOCAL a\n.endm\nm 1\n", "5:1", "LOCAL a: the name is taken"),
    "altmacro value": (".altmacro\n.macro m a\n.byte a\n.endm\nm %x\n", "5:4", "an argument with % must be known here"),
    "pcrel_lo": ("x: addi a0, a0, %pcrel_lo(x)\n", "1:17", "%pcrel_lo needs the label of an auipc with %pcrel_hi"),
    "operator": ("lui a0, %high(x)\nx:\n", "1:9", "unknown operator '%high'"),
    "misplaced operator": ("addi a0, a0, %hi(x)\nx:\n", "1:14", "addi does not take %hi"),
    "operator in ports": ("in.b a0, %lo(x)\nx:\n", "1:10", "ini.b does not take %lo"),
    "li of an address": ("x: li a0, x\n", "1:11", "li takes a number, but 'x' is an address: use la"),
    "offset of an atomic": ("amoadd.w a0, a1, 4(a2)\n", "1:18", "amoadd.w has no offset, expected (register)"),
    "load of a register": ("lw a0, a1\n", "1:8", "expected offset(register) or a symbol, found a register"),
    "far load to zero": ("lw zero, x\nx:\n", "1:4", "so it cannot be zero"),
    "fence": ("fence wr, rw\n", "1:7", "expected some of the letters i o r w, in this order"),
    "unknown directive": (".wrod 1\n", "1:1", "unknown directive '.wrod'; did you mean '.word'?"),
    "data too big": (".byte 256\n", "1:7", "256 does not fit into 1 byte"),
    "data too small": (".byte 0, -129\n", "1:10", "-129 does not fit into 1 byte"),
    "address in a byte": (".byte x\nx:\n", "1:7", "does not fit into 1 byte"),
    "string": (".ascii abc\n", "1:8", "expected a string in double quotes, found 'abc'"),
    "open string": ('.ascii "abc\n', "1:8", "this string has no closing '\"'"),
    "open comment": ("nop /* here\nnop\n", "1:5", "this comment is never closed"),
    "character": ("li a0, '\n", "1:8", "this is no character constant"),
    "number": ("li a0, 12ab3\n", "1:8", "this is neither a number nor a name"),
    "octal": ("li a0, 089\n", "1:8", "a number with a leading 0 is octal"),
    "big number": ("li a0, 0x10000000000000000\n", "1:8", "this number does not fit into 64 bits"),
    "stray character": ("nop `\n", "1:5", "this character means nothing here"),
    "no operand": ("li a0, 1 +\n", "1:11", "expected a number, a symbol or '(', found the end of the line"),
    "parenthesis": ("li a0, (1 + 2\n", "1:14", "expected ')', found the end of the line"),
    "division": ("li a0, 1 / 0\n", "1:10", "division by zero"),
    "two addresses": (".if a + b\n.endif\na: nop\nb: nop\n", "1:7", "the sum of two addresses means nothing"),
    "itself": ("x = y + 1\ny = x + 1\n.word x\n", "2:5", "'x' is defined by itself"),
    "align": (".align 31\n", "1:1", "expected a power of 0 to 30"),
    "balign": (".balign 3\n", "1:1", "alignment to 3 bytes, expected a power of two"),
    "space": (".space -1\n", "1:1", "-1 bytes, expected 0 or more"),
    "space later": (".space n\nn = 4\n", "1:8", "the number of bytes must be known here, but 'n' is not defined yet"),
    "too much": (".space 0x20000000\n", "1:1", "would have more than 268435456 bytes in the file"),
    "org": (".word 1\n.org 2\n", "2:1", ".org to offset 0x2, but the section is already at 0x4"),
    "rept": (".rept 0x7fffffff\nnop\n.endr\n", "1:1", "2147483647 repetitions, expected 0 to"),
    "open rept": ("nop\n.rept 3\nnop\n", "2:1", "this .rept has no .endr"),
    "open macro": (".macro m\nnop\n", "1:1", "this .macro has no .endm"),
    "endm": (".endm\n", "1:1", ".endm without a .macro"),
    "endr": ("nop\n.endr\n", "2:1", ".endr without a .rept"),
    "open if": (".if 1\nnop\n", "1:1", "this .if has no .endif"),
    "endif": ("nop\n.endif\n", "2:1", ".endif without an .if"),
    "else": (".else\n", "1:1", ".else without an .if"),
    "two elses": (".if 0\n.else\n.else\n.endif\n", "3:1", ".else behind the .else of the same .if"),
    "macro twice": (".macro m\n.endm\n.macro m\n.endm\n", "3:1", "macro 'm' is already defined"),
    "macro arguments": (".macro m a\n.endm\nm 1, 2\n", "3:6", "macro 'm' takes 1 argument, this is one more"),
    "macro required": (".macro m a:req\n.endm\nm\n", "3:1", "macro 'm' needs a value for 'a'"),
    "macro parameters": (".macro m a, a\n.endm\n", "1:13", "there are two parameters 'a'"),
    "include": ('.include "nowhere.inc"\n', "1:10", "cannot open 'nowhere.inc': No such file or directory"),
    "incbin": ('.incbin "nowhere.bin"\n', "1:9", "cannot open 'nowhere.bin'"),
    "section type": ('.section .x, "a", @nobts\n', "1:20", "unknown section type"),
    "section flag": ('.section .x, "q"\n', "1:14", "unknown section flag 'q'"),
    "bss": (".bss\n.word 1\n", "2:7", "has no contents in the file"),
    "code in bss": (".bss\nnop\n", "2:1", "has no contents in the file"),
    "branch in bss": (".bss\n1: j 1b\n", "2:4", "has no contents in the file"),
    "call in bss": (".bss\ncall x\nx:\n", "2:1", "has no contents in the file"),
    "section name": ('.section ,"a"\n', "1:10", "expected a section's name, found ','"),
    "no section name": (".section\n", "1:9", "expected a section's name, found the end of the line"),
    "section name and quotes": ('.section .a"b c","a"\n', "1:12", "expected the end of the line, found '\"b c\"'"),
    "section name in two": (".section .a b\n", "1:13", "expected the end of the line, found 'b'"),
    "popsection": (".popsection\n", "1:1", ".popsection without a .pushsection"),
    "type": (".type x, @fun\n", "1:11", "unknown type 'fun'"),
    "error": ('.error "not this way"\n', "1:1", "not this way"),
    "line start": ("5 + 5\n", "1:1", "expected an instruction, a directive or a label, found '5'"),
    "label dot": (".: nop\n", "1:1", "'.' is the place itself"),
}


@pytest.mark.parametrize("name", ERRORS)
def test_error(va, name):
    text, place, words = ERRORS[name]
    r = va(text)
    assert r.code == 1
    errors = r.errors()
    assert len(errors) == 1, r.messages
    assert errors[0].startswith(f"t.s:{place}: error: "), errors[0]
    assert words in errors[0]


def test_source_line_and_caret(va):
    r = va("nop\n\taddi\ta0, a0, 9999 ; too much\n")
    assert r.lines() == ["t.s:2:15: error: 9999 does not fit: addi takes -2048 to 2047",
                         "\taddi\ta0, a0, 9999 ; too much", "\t    \t        ^~~~"]


# Every place that takes an expression, and every way in which a name can stand in one.
PLACES = ["lw a0, {}(s0)", "lw a0, {}", "sw a0, {}, t0", "li a0, {}", "addi a0, a0, {}", "beq a0, a1, {}", "j {}",
          "call {}", "la a0, {}", "lui a0, %hi({})", ".word {}", ".dword 1, {}", ".space {}", ".balign {}", ".if {}\n.endif",
          ".equ z, {}\n.word z", "csrr a0, {}", "vmexit {}", ".org {}", ".fill {}"]
TERMS = ["{}", "{}*8", "8*{}", "4+{}", "{}-4", "({})+4", "-{}", "~{}", "2*(3+{})", "{} << 2", "1 == {}"]


@pytest.mark.parametrize("place", PLACES)
def test_unknown_name_is_marked(place, va):
    """The name, not the operator beside it nor all of the expression."""
    for term in TERMS:
        text = place.format(term.format("nosuch"))
        if text.startswith(("csrr", "lw a0, nosuch(", "lw a0, (")) and term in ("{}", "({})+4"):
            continue  # the name of a CSR, or of a register in parentheses
        r = va(text + "\n")
        column = text.index("nosuch")
        assert r.code == 1 and len(r.errors()) == 1, r.messages
        assert r.lines()[0].startswith(f"t.s:1:{column + 1}: error: ") and "'nosuch'" in r.lines()[0], r.messages
        assert r.lines()[2] == " " * column + "^~~~~~", r.messages


def test_lost_result(va):
    """Whether the range was refused is what iovmap returns; who does not want to know says so."""
    r = va("nop\niovmap a0, a1\n")
    assert r.code == 0 and r.lines()[0].startswith("t.s:2:1: warning: the result is lost: write 'iovmap rd, rs1, rs2'")
    for quiet in ["iovmap x0, a0, a1", "iovmap a2, a0, a1", "vmcause", "vmqual a1", "jalr a0", "in a0, a1", "vmcount_exit"]:
        assert va(quiet + "\n").lines() == []


def test_goes_on_to_the_next_error(va):
    r = va("nop\nfoo\nnop\n  bar\naddi a0, a0, 4096\nj nowhere\n.word 1 +\n")
    assert [e.split(": error")[0] for e in r.errors()] == ["t.s:2:1", "t.s:4:3", "t.s:5:14", "t.s:7:10", "t.s:6:3"]


def test_gives_up_after_fifty(va):
    r = va("foo\n" * 1000)
    assert len(r.errors()) == 50
    assert r.lines()[-1] == "visa-as: 50 errors, giving up"


def test_each_undefined_symbol_once(va):
    assert len(va("j x\nj x\nj y\n.word x\n").errors()) == 2


def test_error_in_a_macro(va):
    r = va("; comment\n.macro inner reg\n  addi \\reg, \\reg, 5000\n.endm\n.macro outer\n  nop\n  inner a0\n.endm\n"
           "nop\n  outer\n")
    assert [line for line in r.lines() if line.startswith("t.s")] == [
        "t.s:3:16: error: 5000 does not fit: addi takes -2048 to 2047",
        "t.s:7:3: note: in expansion of macro 'inner'",
        "t.s:10:3: note: in expansion of macro 'outer'"]
    assert "  addi a0, a0, 5000" in r.lines()


def test_error_in_a_repetition(va):
    r = va(".irp x, 1, 5000\n nop\n addi a0, a0, \\x\n.endr\n.rept 2\n foo\n.endr\n")
    assert [line for line in r.lines() if line.startswith("t.s")] == [
        "t.s:3:15: error: 5000 does not fit: addi takes -2048 to 2047", "t.s:1:1: note: in expansion of .irp",
        "t.s:6:2: error: unknown instruction 'foo'", "t.s:5:1: note: in expansion of .rept",
        "t.s:6:2: error: unknown instruction 'foo'", "t.s:5:1: note: in expansion of .rept"]


def test_error_in_an_included_file(va, tmp_path):
    (tmp_path / "part.inc").write_text("nop\nbadinsn\n")
    r = va('nop\n.include "part.inc"\nnop\n')
    assert [line for line in r.lines() if ": " in line] == [
        "part.inc:2:1: error: unknown instruction 'badinsn'", "t.s:2:10: note: included from here"]


def test_endless_macro(va):
    r = va(".macro m\nnop\nm\n.endm\nm\n")
    assert r.code == 1 and "endless recursion?" in r.messages and len(r.errors()) == 1
    assert len(r.lines()) < 60


def test_endless_include(va):
    r = va('nop\n.include "t.s"\n')
    assert r.code == 1 and "endless recursion?" in r.messages


def test_deep_expression(va):
    r = va("li a0, " + "(" * 5000 + "1" + ")" * 5000 + "\n")
    assert "nested deeper than 200 levels" in r.errors()[0]
    assert va("li a0, " + "-" * 20000 + "1\n").code == 1
    assert va("li a0, " + "(" * 150 + "1" + ")" * 150 + "\n").code == 0


def test_exploding_symbols(va):
    """Each symbol is twice the one before it, and the first comes last."""
    text = "".join(f".set s{i + 1}, s{i} + s{i}\n" for i in range(60)) + ".word s60\n.set s0, 1\n"
    assert "too large" in va(text).errors()[0]


def test_long_line(va):
    r = va("nop\nadd a0, a1, " + "x" * 100000 + "!\n")
    assert r.code == 1 and all(len(line) < 600 for line in r.messages.splitlines())


def test_nothing_is_written_over(va, visa_as, tmp_path):
    """After an error an older output is as it was, and no temporary file is left."""
    good = va("nop\n")
    assert good.code == 0
    before = good.path.read_bytes()
    source = tmp_path / "bad.s"
    source.write_text("nop\nfoo\n")
    names = sorted(p.name for p in tmp_path.iterdir())
    assert execute([visa_as, "-o", good.path, source]).code == 1
    # This one is found only while the file is being written.
    late = tmp_path / "late.s"
    late.write_text("f: nop\n.size f, g\n.data\ng: .word 1\n")
    r = execute([visa_as, "-c", "-o", good.path, late])
    assert r.code == 1 and "late.s:2:10: error: the size of 'f' is no constant" in r.stderr
    late.unlink()
    assert good.path.read_bytes() == before
    assert sorted(p.name for p in tmp_path.iterdir()) == names


WARNINGS = {
    "odd address": (".byte 1\nnop\n", "2:1", "stands at an odd address"),
    "grouping": ("li a0, 1 + 2 | 4\n", None, "'|' binds tighter than '+' in assembly, unlike in C"),
    "section flags": ('.data\n.word 1\n.section .data, "ax"\n', "3:1", "begun with other flags"),
    "declared": (".globl _strat\n_start: nop\n", "1:8", "'_strat' is declared and never defined; did you mean '_start'?"),
    "escape": ('nop\n.ascii "ab\\q"\n', "2:11", "unknown escape in a string stands for 'q' alone"),
    "option": (".option frobnicate\nnop\n", "1:9", "unknown option 'frobnicate' is ignored"),
    "warning": ('.warning "look"\nnop\n', "1:1", "look"),
    "not loaded": ("nop\n.section .mine\n.word 1\n", None, "section .mine has no flag \"a\" and will not be loaded"),
}


@pytest.mark.parametrize("name", WARNINGS)
def test_warning(va, name):
    text, place, words = WARNINGS[name]
    r = va(text)
    assert r.code == 0
    lines = [line for line in r.lines() if ": warning: " in line]
    assert len(lines) == 1 and words in lines[0]
    assert not place or lines[0].startswith(f"t.s:{place}: ")
    assert va(text, "-W").messages == ""
