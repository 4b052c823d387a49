"""The assembly of the concept of V-ISA, as it stands there, and both families of names."""

import re

import pytest

SNIPPETS = {
    "enter": ("VMENTER R1\n; R1 = pointer to VM Control Structure (VMCS)\n", ["vmenter x1"]),
    "resume": ("VMRESUME\n", ["vmresume"]),
    "exit": ("VMEXIT\n", ["vmexit 0"]),
    "cause": ("VMCAUSE\n", ["vmcause x10"]),
    "tables": ("LDGPTBR R1   ; Load guest page table base\nLDHPTBR R2   ; Load host table base\n"
               "TLBFLUSHV    ; Flush dual-level TLB\n", ["ldgptbr x1", "ldhptbr x2", "tlbflushv"]),
    "interrupts": ("VINT_SEND R1   ; Inject virtual interrupt\n"
                   "VINT_ACK       ; Acknowledge in guest\nVINT_STAT      ; Check pending interrupts\n",
                   ["vint_send x1", "vint_ack x10", "vint_stat x10"]),
    "control register": ("MOV CR3, R1\n", ["csrrw x0, satp, x1"]),
    "counters": ("VMCOUNT_EXIT\nVMCOUNT_EMU\nVMCOUNT_TLBMISS\n",
                 ["csrrs x10, 0xcc0, x0", "csrrs x10, 0xcc1, x0", "csrrs x10, 0xcc2, x0"]),
}


@pytest.mark.parametrize("name", SNIPPETS)
def test_snippet(va, name):
    text, same = SNIPPETS[name]
    assert va(text).text() == va("\n".join(same) + "\n").text()


def test_every_instruction_in_capitals(va, isa):
    """MNEMONIC R1, R2 is mnemonic x1, x2 for every row of Xvisa."""
    lines = []
    for insn in isa.insns:
        if insn.ext != "xvisa":
            continue
        operands = {"rd": "x3", "rd?": "x3", "rs1": "x4", "rs2": "x5", "(rs1)": "(x4)", "uimm": "0x21"}
        lines.append(f"{insn.name} " + ", ".join(operands[o] for o in insn.operands))
    text = "\n".join(lines) + "\n"
    upper = re.sub(r"\bX(\d)", r"R\1", text.upper()).replace("0X", "0x")
    assert upper != text
    assert va(upper).text() == va(text).text()


def test_register_names(va, isa):
    abi = ("zero ra sp gp tp t0 t1 t2 s0 s1 a0 a1 a2 a3 a4 a5 a6 a7 s2 s3 s4 s5 s6 s7 s8 s9 s10 s11 "
           "t3 t4 t5 t6").split()
    for spelled in (lambda n: f"x{n}", lambda n: f"X{n}", lambda n: f"r{n}", lambda n: f"R{n}",
                    lambda n: abi[n], lambda n: abi[n].upper(), lambda n: "FP" if n == 8 else abi[n]):
        code = va("".join(f"add {spelled(n)}, {spelled(n)}, {spelled(n)}\n" for n in range(32))).text()
        for n in range(32):
            word = int.from_bytes(code[4 * n:4 * n + 4], "little")
            assert (word >> 7 & 31, word >> 15 & 31, word >> 20 & 31) == (n, n, n)


def test_csr_names_and_numbers(va, isa):
    names = "".join(f"csrr a0, {c.name}\ncsrr a0, {c.name.upper()}\n" for c in isa.csrs)
    numbers = "".join(f"csrr a0, {c.number:#x}\ncsrr a0, {c.number}\n" for c in isa.csrs)
    assert va(names).text() == va(numbers).text()


def test_control_registers(va, isa):
    crs = {int(c.cr[2:]): c.number for c in isa.csrs if c.cr != "-"}
    assert sorted(crs) == list(range(16))
    text = "".join(f"MOV CR{n}, R5\nmov r6, cr{n}\ncsrw CR{n}, t0\n" for n in crs)
    same = "".join(f"csrrw x0, {c}, x5\ncsrrs x6, {c}, x0\ncsrrw x0, {c}, x5\n" for c in crs.values())
    assert va(text).text() == va(same).text()


def test_mov_between_registers(va):
    assert va("MOV R1, R2\n").text() == va("addi x1, x2, 0\n").text()


def test_ports(va):
    text = "IN R1, R2\nIN R1, 0x70\nIN.B R1, R2\nin.h r1, 0x70\nOUT R1, R2\nOUT 0x80, R2\nout.b 0x80, r2\n"
    same = ("in.w x1, x2\nini.w x1, 0x70\nin.b x1, x2\nini.h x1, 0x70\nout.w x1, x2\n"
            "outi.w 0x80, x2\nouti.b 0x80, x2\n")
    assert va(text).text() == va(same).text()


def test_named_constants(va, isa):
    """The names of visa.h without VISA_, with the values of the tables."""
    expected = {f"EXIT_{c.name}": c.code for c in isa.causes}
    expected |= {f"TRAP_{b.name}": 1 << b.bit for b in isa.trapcfg}
    expected |= {f"VMCS_{f.name.upper()}": f.first for f in isa.vmcs}
    expected |= {f"MSR_{m.name.upper()}": m.number for m in isa.msrs}
    expected |= {f"CSR_{c.name.upper()}": c.number for c in isa.csrs}
    expected |= {("EXC_" if e.kind == "exception" else "IRQ_") + e.name: e.code for e in isa.exceptions}
    expected |= {c.name: c.value for c in isa.consts}
    for q in isa.vmqual:
        expected[f"QUAL_{q.cause}_{q.name.upper()}_LO"] = q.lo
        expected[f"QUAL_{q.cause}_{q.name.upper()}_WIDTH"] = q.hi - q.lo + 1
    data = va(".data\n" + "".join(f".dword {name}\n" for name in expected)).elf.data(".data")
    got = [int.from_bytes(data[i:i + 8], "little") for i in range(0, len(data), 8)]
    assert dict(zip(expected, got)) == expected


def test_constants_do_not_take_names_away(va):
    """A program may call its own things PORTS or POOL, also before it defines them."""
    elf = va(".data\n.dword POOL, PORTS\n.equ PORTS, 5\n.align 3\nPOOL: .dword 9\n").elf
    assert elf.data(".data")[8:16] == (5).to_bytes(8, "little")
    assert elf.data(".data")[:8] == elf.symbols["POOL"].value.to_bytes(8, "little")
