"""li: the emitted instructions, interpreted here by their bits, make the constant."""

import pytest
MASK = (1 << 64) - 1


def sext(value, bits):
    value &= (1 << bits) - 1
    return value - (1 << bits) if value >> (bits - 1) else value


def interpret(words):
    """x1..x31 after lui, addi, addiw, slli, srli; every other instruction fails the test."""
    x = [0] * 32
    for w in words:
        opcode, rd, f3, rs1 = w & 0x7f, w >> 7 & 31, w >> 12 & 7, w >> 15 & 31
        imm = sext(w >> 20, 12)
        if opcode == 0x37:
            value = sext(w & 0xfffff000, 32)
        elif opcode == 0x13 and f3 == 0:
            value = x[rs1] + imm
        elif opcode == 0x1b and f3 == 0:
            value = sext(x[rs1] + imm, 32)
        elif opcode == 0x13 and f3 == 1 and w >> 26 == 0:
            value = x[rs1] << (w >> 20 & 63)
        elif opcode == 0x13 and f3 == 5 and w >> 26 == 0:
            value = x[rs1] >> (w >> 20 & 63)
        else:
            raise AssertionError(f"{w:#010x} is none of lui, addi, addiw, slli, srli")
        if rd:
            x[rd] = value & MASK
    return x


def words(code):
    return [int.from_bytes(code[i:i + 4], "little") for i in range(0, len(code), 4)]


EDGES = sorted({(s * (1 << k) + d) & MASK for k in range(64) for s in (1, -1) for d in (-2049, -2048, -1, 0, 1, 2047, 2048)})

def constant(rng):
    """Any kind of 64-bit number: all sizes, few and many bits set, runs of them."""
    full = rng.getrandbits(64)
    return rng.choice([full, full >> rng.randrange(64), full << rng.randrange(64) & MASK,
                       full & rng.getrandbits(64) & rng.getrandbits(64), rng.choice(EDGES),
                       rng.randrange(-2**31, 2**32), ((1 << rng.randrange(64)) - 1) << rng.randrange(64) & MASK,
                       MASK ^ (full & 0xfff) << rng.randrange(64) & MASK])


def check(va, values):
    """Each into its own run of instructions: ebreak stands between them."""
    code = words(va("".join(f"li x7, {v}\nebreak\n" for v in values)).text())
    lengths, run = [], []
    values = iter(values)
    for w in code:
        if w == 0x00100073:
            value = next(values)
            assert interpret(run)[7] == value & MASK, hex(value & MASK)
            lengths.append(len(run))
            run = []
        else:
            run.append(w)
    return lengths


def test_edges(va):
    lengths = check(va, EDGES)
    assert len(lengths) == len(EDGES) and max(lengths) <= 8


def test_any_constant(va, rng):
    check(va, [constant(rng) for _ in range(4000)])


@pytest.mark.parametrize("value, most", [
    (0, 1), (-1, 1), (2047, 1), (-2048, 1), (2048, 2), (0x1000, 1), (0x7ffff000, 1), (0x7fffffff, 2),
    (-0x80000000, 1), (0x80000000, 2), (0xffffffff, 2), (0xffffffffffff, 2), (1 << 63, 2), (8 << 60, 2),
    (0x100000000, 2), (0xffffffff00000000, 2), (0x7fffffffffffffff, 2), (0x123456789abcdef0, 8),
    (0x00ff00ff00ff00ff, 8), (0xf000000000000000, 2), (0x0000fffffffff000, 3)])
def test_few_instructions(va, value, most):
    assert check(va, [value])[0] <= most


def test_never_longer_than_gas(va, gas_elf, rng):
    """What the GNU assembler needs is an upper bound."""
    values = [rng.getrandbits(64) >> rng.randrange(64) for _ in range(200)] + EDGES[::7]
    for value in values[:60]:
        theirs = len(gas_elf(f"li x7, {value:#x}\n").data(".text")) // 4
        assert check(va, [value])[0] <= theirs, hex(value)


def test_expressions_and_registers(va):
    assert interpret(words(va(".equ A, 5\nli t2, A * 3 + 'a'\n").text()))[7] == 15 + 97
    assert interpret(words(va("x: nop\ny: .text\nli t2, y - x\n").text()))[7] == 4
    assert words(va("LI R5, 1\n").text()) == [0x00100293]
