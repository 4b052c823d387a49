"""Names and numbers that the concept of V-ISA gives, which no table may change."""

import pytest

# Exit causes and filter bits of the concept, by the words it uses for them.
CAUSES = {"PRIVILEGED": 0x01, "IO": 0x02, "CRWRITE": 0x03, "PAGEFAULT": 0x04, "TIMER": 0x05}
FILTER = {"IO": 0, "PRIV": 1, "MSR": 2, "CR3": 3, "PF": 4}
INSTRUCTIONS = ["vmenter", "vmexit", "vmresume", "vmsave", "vmload", "vmcause", "ldgptbr", "ldhptbr",
                "tlbflushv", "iovmap", "iovmask", "vint_send", "vint_ack", "vint_stat"]
REGISTERS = ["gptbr", "hptbr", "vmtrapcfg", "vmcount_exit", "vmcount_emu", "vmcount_tlbmiss"]


def test_exit_causes(isa):
    assert {c.name: c.code for c in isa.causes if c.code <= 5} == CAUSES


def test_filter_bits(isa):
    assert {b.name: b.bit for b in isa.trapcfg if b.bit <= 4} == FILTER


@pytest.mark.parametrize("name", INSTRUCTIONS)
def test_instruction_exists(isa, name):
    assert isa.insn(name)


@pytest.mark.parametrize("name", REGISTERS)
def test_register_exists(isa, name):
    assert any(c.name == name for c in isa.csrs)


@pytest.mark.parametrize("name", [r for r in REGISTERS if r.startswith("vmcount")])
def test_counters_are_read_only(isa, name):
    csr = next(c for c in isa.csrs if c.name == name)
    assert csr.number >> 10 == 3


def test_control_registers_keep_the_meaning_of_x86(isa):
    names = {c.cr: c.name for c in isa.csrs if c.cr != "-"}
    assert names["CR2"] == "stval" and names["CR3"] == "satp"


def test_extension_lives_in_custom_opcodes_and_csr_ranges(isa):
    assert {i.match & 0x7f for i in isa.insns if i.ext == "xvisa"} <= {0x0b, 0x2b, 0x5b, 0x7b}
    custom = [(0x800, 0x8ff), (0xcc0, 0xcff), (0x5c0, 0x5ff), (0x9c0, 0x9ff), (0xdc0, 0xdff),
              (0x7c0, 0x7ff), (0xbc0, 0xbff), (0xfc0, 0xfff)]
    ours = ("vm", "vi", "gptbr", "hptbr")
    for csr in isa.csrs:
        inside = any(lo <= csr.number <= hi for lo, hi in custom)
        assert inside == csr.name.startswith(ours), csr.name
