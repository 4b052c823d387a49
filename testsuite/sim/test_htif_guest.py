"""HTIF requests of a guest: what their addresses are, and where they are refused. PL-9."""

import pytest

from harness import tools

BADF, FAULT = -9, -14
READ, WRITE = 63, 64
# where the guest has its data, its read-only page and its page with an MMIO range; nothing is at NOTHING
DATA, CONST, RANGED, NOTHING = 0x80050000, 0x80051000, 0x80052000, 0x80053000

PROGRAM = """
        .globl  _start, tohost, fromhost
        .macro  map gpa, page, flags
        la      t0, leaves
        li      t2, (\\gpa >> 12 & 511) * 8
        add     t0, t0, t2
        la      t1, \\page
        srli    t1, t1, 12
        slli    t1, t1, 10
        ori     t1, t1, \\flags
        sd      t1, (t0)
        .endm
        .macro  link at, index, to
        la      t0, \\at
        la      t1, \\to
        srli    t1, t1, 12
        slli    t1, t1, 10
        ori     t1, t1, 1
        sd      t1, \\index * 8 (t0)
        .endm

_start: SETUP
        la      s0, vmcs
        li      t1, REVISION
        sd      t1, VMCS_REVISION * 8 (s0)
        link    root, 2, middle
        link    middle, 0, leaves
        map     0x80000000, guest, 0x5b          # V, R, X, U, A
        map     0x80001000, host, 0xd7           # V, R, W, U, A, D
        map     0x80050000, data, 0xd7
        map     0x80051000, const, 0x53
        map     0x80052000, data, 0xd7
        la      t0, root
        srli    t2, t0, 12
        li      t1, 8 << 60 | 5 << 44
        or      t2, t2, t1
        sd      t2, VMCS_HPTBR * 8 (s0)
        li      t1, 0x80052010
        sd      t1, VMCS_IOV_BASE * 8 (s0)
        li      t1, 8
        sd      t1, VMCS_IOV_SIZE * 8 (s0)
        li      t1, 3
        sd      t1, VMCS_IOV_FLAGS * 8 (s0)
        li      t1, 0x80000000
        sd      t1, VMCS_PC * 8 (s0)
        VMENTER R8
        la      t0, data                         # the result is behind the call
        ld      a0, 0(t0)
        li      t1, EXPECTED
        sub     a0, a0, t1
        snez    a0, a0
        slli    a0, a0, 16
        li      t1, 0x5555
        beqz    a0, 1f
        li      t1, 0x13333
1:      li      t0, 0x100000
        sw      t1, 0(t0)
stop:   j       stop

        .balign 4096
guest:  li      s0, 0x80050000
        li      t0, NUMBER
        sd      t0, 0(s0)
        li      t0, FD
        sd      t0, 8(s0)
        li      t0, ADDRESS
        sd      t0, 16(s0)
        li      t0, LENGTH
        sd      t0, 24(s0)
        li      s1, 0x80001000
        sd      zero, 8(s1)
        li      t0, BLOCK
        sd      t0, 0(s1)
        VMEXIT  1

        .data
        .balign 4096
host:
tohost: .quad   0
fromhost: .quad 0
        .balign 4096
data:   .zero   64
text:   .ascii  "of the guest"
        .balign 4096
const:  .ascii  "constant"
        .balign 4096
secret: .ascii  "of its host"
        .balign 16384
root:   .zero   16384                    # Sv39x4
middle: .zero   4096
leaves: .zero   4096
vmcs:   .zero   4096
"""

MODELS = [[], ["--model", "pipeline"]]


def run(assemble, number, address, length, expected, block=DATA, setup="", model=(), fd=None, given=""):
    if model:
        tools.need_pipeline()
    values = {"NUMBER": number, "FD": number == WRITE if fd is None else fd, "ADDRESS": address, "LENGTH": length,
              "EXPECTED": expected, "BLOCK": block, "SETUP": setup}
    text = PROGRAM
    for name, value in values.items():
        text = text.replace(name, str(int(value) if isinstance(value, (int, bool)) else value))
    path = assemble(text)
    stdin = path.parent / "input"
    stdin.write_text(given)
    return tools.execute([tools.tool("visa-sim"), *model, "-n", 100000, "--uart-in", stdin, path])


@pytest.mark.parametrize("model", MODELS, ids=["functional", "pipeline"])
@pytest.mark.parametrize("address, length, said", [
    (DATA + 64, 12, "of the guest"), (CONST, 8, "constant"), (CONST + 3, 3, "sta"),
    (RANGED + 64, 12, "of the guest"),  # the range is elsewhere in its page
    (RANGED + 0x18, 1, "\1")])  # the length
def test_guest_physical(address, length, said, model, assemble):
    r = run(assemble, WRITE, address, length, length, model=model).ok()
    assert r.stdout == said


@pytest.mark.parametrize("model", MODELS, ids=["functional", "pipeline"])
@pytest.mark.parametrize("number, address, length", [
    (WRITE, NOTHING, 1), (READ, NOTHING, 1),        # the host stage has nothing
    (WRITE, RANGED + 4095, 2), (READ, DATA + 4090, 8),  # nor behind the page's end: CONST is not writable
    (READ, CONST, 1),                               # and this to read from
    (WRITE, RANGED + 0x10, 1), (WRITE, RANGED + 0xc, 8), (READ, RANGED + 0x17, 1),   # exits
    (WRITE, 0x10000000, 1), (WRITE, 0, 1), (WRITE, DATA, 2**64 - 1)])
def test_refused(number, address, length, model, assemble):
    """Nothing of it is transferred, no input is taken."""
    assert run(assemble, number, address, length, FAULT, model=model, given="input").ok().stdout == ""


def test_host_memory_is_out_of_reach(assemble):
    """Every page of the image by its own address: the guest has its code, its requests and its data."""
    for page in range(12):
        address = 0x80000000 + 4096 * page
        mapped = page < 2
        r = run(assemble, WRITE, address, 8, 8 if mapped else FAULT)
        assert r.code == 0 and "host" not in r.stdout, (page, str(r))


@pytest.mark.parametrize("block", [NOTHING, CONST, DATA + 4096 - 32, RANGED])
def test_call_that_is_not_the_guests(block, assemble):
    """It is not read, and no answer is written: the number is still where the result would be."""
    assert run(assemble, WRITE, DATA + 64, 12, WRITE, block=block).ok().stdout == ""


def test_pmp(assemble):
    """All of RAM is for Ring 0 but the page of `const`: PMP has the last word of the guest's accesses."""
    setup = """
        la      t0, const
        srli    t0, t0, 2
        ori     t0, t0, 511
        csrw    pmpaddr0, t0
        li      t0, -1
        csrw    pmpaddr1, t0
        li      t0, 0x1f18
        csrw    pmpcfg0, t0"""
    run(assemble, WRITE, DATA + 64, 12, 12, setup=setup).ok()
    assert run(assemble, WRITE, CONST, 8, FAULT, setup=setup).ok().stdout == ""


def test_input_for_a_guest(assemble):
    r = run(assemble, READ, DATA + 64, 5, 5, given="given").ok()
    assert r.stdout == ""


def test_most_of_one_call(assemble):
    """1 MiB, as the page tells: a guest's table can have one page in many places."""
    setup = """
        la      t0, leaves
        la      t1, data
        srli    t1, t1, 12
        slli    t1, t1, 10
        ori     t1, t1, 0xd7
        li      t2, 512
repeat: sd      t1, (t0)
        addi    t0, t0, 8
        addi    t2, t2, -1
        bnez    t2, repeat"""
    text = run(assemble, WRITE, 0x80060000, 0x100008, 0x100000, setup=setup).ok().stdout
    assert len(text) == 1 << 20 and text.count("of the guest") == 256
