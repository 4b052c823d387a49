"""Time grows with the input, not with its square; and no depth of nesting overflows the stack.

Each text is made in two sizes. Four times the text may take eight times the processor time: a
quadratic part would take sixteen. The sizes are such that it would show."""

import resource

import pytest

from harness.tools import execute

N = 20000

TEXTS = {
    "labels": lambda n: "".join(f"l{i}: .word l{i}\n" for i in range(n)),
    "labels further on": lambda n: "".join(f".word l{i}\n" for i in range(n)) + "".join(f"l{i}:\n" for i in range(n)),
    "quoted labels": lambda n: "".join(f'"l {i}": .word 1\n' for i in range(n)),
    "numeric labels": lambda n: "1: j 1b\n" * n,
    "one name set again": lambda n: "x = .\n.word x\n" * n + ".word y\ny = 3\n",
    "symbols by symbols": lambda n: "s0_ = z + 1\n" + "".join(f"s{i + 1}_ = s{i}_ + 1\n" for i in range(n)) + "z = 1\n",
    "declarations": lambda n: "".join(f".globl g{i}\n" for i in range(n)),
    "common symbols": lambda n: "".join(f".comm g{i}, 4\n" for i in range(n)),
    "undefined symbols": lambda n: "".join(f".word u{i}\n" for i in range(n)),
    "addresses": lambda n: "x:\n" + "la a0, x\n" * n,
    "macros": lambda n: "".join(f".macro m{i} a\n.byte \\a\n.endm\nm{i} 1\n" for i in range(n)),
    "purged macros": lambda n: ".macro m\n.byte 1\n.endm\nm\n.purgem m\n" * n,
    "repetitions": lambda n: ".rept 1\n.byte 1\n.endr\n.irp x, 1\n.byte \\x\n.endr\n" * n,
    "values of .irp": lambda n: ".irp q," + ",".join("1" for _ in range(n)) + "\n.byte \\q\n.endr\n",
    "arguments": lambda n: ".macro v a:vararg\n.byte \\a\n.endm\nv " + ",".join("1" for _ in range(n)) + "\n",
    "sections": lambda n: "".join(f'.section .data.s{i % (n // 8)}, "aw"\n.byte 1\n' for i in range(n)),
    "pushed sections": lambda n: ".pushsection .data\n.byte 1\n.popsection\n.byte 2\n" * n,
    "conditions": lambda n: ".if 1\n.ifdef x\n.endif\n.else\n.endif\n" * n,
    "one long line": lambda n: ".word " + ",".join("1+x" for _ in range(n)) + "\nx:\n",
    "unary operators": lambda n: ".word " + "-" * n + "1\n",
}


def seconds(visa_as, source, args):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    r = execute([visa_as, *args, "-o", source.with_suffix(".o"), source])
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert r.code in (0, 1), str(r)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


@pytest.mark.slow
@pytest.mark.parametrize("args", [[], ["-c", "-W"]], ids=["program", "object"])
@pytest.mark.parametrize("name", TEXTS)
def test_time_is_linear(visa_as, tmp_path, name, args):
    sources = [tmp_path / "small.s", tmp_path / "large.s"]
    for source, n in zip(sources, (N, 4 * N)):
        source.write_text(TEXTS[name](n))
    ratios = []
    for _ in range(3):  # others may be at work on this machine
        small, large = (seconds(visa_as, source, args) for source in sources)
        ratios.append(large / max(small, 0.02))
        if ratios[-1] < 8:
            return
    assert False, ratios


@pytest.mark.parametrize("sign", "-+~!")
def test_unary_operators_count(va, sign):
    """200 levels, as the page says; 200,000 are an error and no crash."""
    assert va(f".data\n.dword {sign * 199}1\n").code == 0
    for n in (200, 200000):
        r = va(f".data\n.dword {sign * n}1\n")
        assert r.code == 1 and len(r.errors()) == 1 and "nested deeper than 200 levels" in r.errors()[0]


def test_parentheses_count(va):
    assert va(".data\n.dword " + "(" * 199 + "1" + ")" * 199 + "\n").code == 0
    for text in ("(" * 200 + "1" + ")" * 200, "-(" * 100000 + "1", "(-" * 100000 + "1"):
        r = va(f".data\n.dword {text}\n")
        assert r.code == 1 and len(r.errors()) == 1 and "nested deeper than 200 levels" in r.errors()[0]
