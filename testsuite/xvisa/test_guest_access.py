"""VMLD, VMST, VMLDP and VMSTP: every width, at every place of a doubleword, both kinds of address.

Manual: their pages in the chapter "Xvisa instructions". One VM, mapped by gigabytes:

  guest virtual 0 .. 1 GiB     -> guest physical 1 .. 2 GiB -> host physical 2 .. 3 GiB (RAM)
  guest virtual 1 GiB ..       -> guest physical 4 GiB .., which the host does not map
  guest virtual 2 GiB ..       -> as the first, but read-only
  guest virtual 3 GiB ..       -> nothing
"""

import pytest

from xvisa.asm import EXC, EXIT, MASK, ins, vmexit
from xvisa.script import FREE, RAM

GIB = 1 << 30
CODE, GPT, HPT, VMCS, DATA = FREE, FREE + 0x10000, FREE + 0x20000, FREE + 0x30000, FREE + 0x40000
R, W, X, U, A, D, V = 2, 4, 8, 0x10, 0x40, 0x80, 1
SV39 = 8 << 60
WORDS = (0x8f9e_adbc_cbda_e9f8, 0x0716_2534_4352_6170)  # no two bytes alike, sign bits set
VALUE = 0x1122_3344_5566_7788

LOADS = {"vmld.b": (1, True), "vmld.h": (2, True), "vmld.w": (4, True), "vmld.d": (8, True),
         "vmld.bu": (1, False), "vmld.hu": (2, False), "vmld.wu": (4, False),
         "vmldp.b": (1, True), "vmldp.h": (2, True), "vmldp.w": (4, True), "vmldp.d": (8, True),
         "vmldp.bu": (1, False), "vmldp.hu": (2, False), "vmldp.wu": (4, False)}
STORES = {"vmst.b": 1, "vmst.h": 2, "vmst.w": 4, "vmst.d": 8,
          "vmstp.b": 1, "vmstp.h": 2, "vmstp.w": 4, "vmstp.d": 8}
WIDTH = {**{n: w for n, (w, _) in LOADS.items()}, **STORES}
LAID = b"".join(w.to_bytes(8, "little") for w in WORDS)


def leaf(address, flags):
    return address >> 12 << 10 | flags | V | A | D


def virtual(host):
    return host - RAM


def physical(host):
    return host - RAM + GIB


def seen(name, host):
    """The address that the instruction takes for a place in RAM."""
    return physical(host) if name[4] == "p" else virtual(host)


def enter(s, **fields):
    """Makes the VM current: its guest leaves at once."""
    s.code(CODE, [vmexit(1)])
    s.poke(GPT, leaf(GIB, R | W | X), leaf(4 * GIB, R | W | X), leaf(GIB, R))
    s.poke(HPT, 0, leaf(RAM, R | W | X | U))
    s.vmcs(VMCS, pc=virtual(CODE), gptbr=SV39 | physical(GPT) >> 12, hptbr=SV39 | 5 << 44 | HPT >> 12,
           **fields)
    return s.enter(VMCS)


def access(s, name, address):
    if name in STORES:
        return s.step(ins(name, rs1=10, rs2=11), x10=address, x11=VALUE)
    return s.step(ins(name, rs1=10, rd=12), x10=address, x12=VALUE)


@pytest.fixture
def entered(single):
    e = enter(single)
    single.entered = e
    yield single
    assert (e.trap, e.cause) == (0, EXIT["HYPERCALL"])


@pytest.mark.parametrize("name", LOADS)
def test_load(name, entered):
    width, signed = LOADS[name]
    entered.poke(DATA, *WORDS)
    got = {at: access(entered, name, seen(name, DATA + at)) for at in range(0, 16, width)}
    entered.go()
    for at, answer in got.items():
        want = int.from_bytes(LAID[at:at + width], "little", signed=signed) & MASK
        assert (answer.trap, answer.x12) == (0, want), at


@pytest.mark.parametrize("name", STORES)
def test_store(name, entered):
    """The bytes of the width, and no others."""
    width, got = STORES[name], {}
    for at in range(0, 16, width):
        entered.poke(DATA, *WORDS)
        got[at] = access(entered, name, seen(name, DATA + at)), entered.peek(DATA, 2)
    entered.go()
    for at, (answer, words) in got.items():
        want = LAID[:at] + VALUE.to_bytes(8, "little")[:width] + LAID[at + width:]
        assert answer.trap == 0
        assert words.w0.to_bytes(8, "little") + words.w1.to_bytes(8, "little") == want, at


def trap(name, load, store):
    return EXC[store if name in STORES else load] + 1


@pytest.mark.parametrize("name", [n for n in WIDTH if WIDTH[n] > 1])
def test_misaligned(name, entered):
    addresses = [seen(name, DATA) + i for i in range(1, WIDTH[name])]
    got = [access(entered, name, a) for a in addresses]
    entered.go()
    assert [(a.trap, a.tval) for a in got] == \
        [(trap(name, "LOAD_MISALIGNED", "STORE_MISALIGNED"), a) for a in addresses]


@pytest.mark.parametrize("name", WIDTH)
def test_host_stage_fails(name, entered):
    """mtval is the guest physical address; a register keeps its value."""
    guest_physical = 4 * GIB + 0x1238
    a = access(entered, name, guest_physical if name[4] == "p" else GIB + 0x1238)
    entered.go()
    assert (a.trap, a.tval) == (trap(name, "LOAD_GUEST_PAGE", "STORE_GUEST_PAGE"), guest_physical)
    assert name in STORES or a.x12 == VALUE


@pytest.mark.parametrize("name", [n for n in WIDTH if n[4] != "p"])
def test_guest_stage_fails(name, entered):
    a = access(entered, name, 3 * GIB + 0x1238)
    readonly = access(entered, name, 2 * GIB + virtual(DATA))
    entered.go()
    assert (a.trap, a.tval) == (trap(name, "LOAD_PAGE", "STORE_PAGE"), 3 * GIB + 0x1238)
    assert readonly.trap == (EXC["STORE_PAGE"] + 1 if name in STORES else 0)


@pytest.mark.parametrize("name", WIDTH)
def test_without_a_current_vm(name, single):
    a = access(single, name, seen(name, DATA))
    single.go()
    assert a.trap == EXC["ILLEGAL"] + 1


@pytest.mark.parametrize("name", ["vmld.d", "vmst.d"])
def test_misses_count_for_the_vm(name, entered):
    """A page for the first time is one miss of the data side, and a hit afterwards."""
    before = entered.fields("count_tlbmiss")
    access(entered, name, virtual(DATA))
    first = entered.fields("count_tlbmiss")
    access(entered, name, virtual(DATA) + 8)
    second = entered.fields("count_tlbmiss")
    entered.go()
    assert (first.count_tlbmiss - before.count_tlbmiss, second.count_tlbmiss - first.count_tlbmiss) == (1, 0)


@pytest.mark.parametrize("name", ["vmldp.d", "vmstp.d"])
def test_physical_forms_count_nothing(name, entered):
    before = entered.fields("count_tlbmiss")
    access(entered, name, physical(DATA))
    after = entered.fields("count_tlbmiss")
    entered.go()
    assert before.count_tlbmiss == after.count_tlbmiss
