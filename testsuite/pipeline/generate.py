"""Random programs of integer code, in Ring -1 or in a guest, for comparisons of timing models.

A program is a loop over blocks. A block is some instructions and a jump of some kind to a
block behind it, so that every lap ends. Traps go to a handler that steps over the
instruction; exits, to a hypervisor that does the same.
"""

from pipeline.programs import FINISH

WORK = [f"a{n}" for n in range(6)] + ["t3", "t4", "s8", "s9"]
BUFFER = 0x10000
# s0: the buffer; s1: a random number; s2: laps left; s3: inside the buffer; s4: a device; s5, s6, s7: scratch
ALU = ["add", "sub", "xor", "or", "and", "sll", "srl", "sra", "slt", "sltu", "addw", "subw", "sllw"]
MUL = ["mul", "mulh", "mulhu", "mulw", "mulhsu"]
DIV = ["div", "divu", "rem", "remu", "divw", "remuw"]
LOADS = ["lb", "lbu", "lh", "lhu", "lw", "lwu", "ld"]
STORES = ["sb", "sh", "sw", "sd"]
BRANCHES = ["beq", "bne", "blt", "bge", "bltu", "bgeu"]
TRAPS = ["ecall", "ebreak", ".word 0xffffffff", "csrr zero, 0x5c0", "amoadd.w a0, a1, (s7)", "vmcause a0",
         "vint_stat a1"]
SERIAL = ["fence", "csrr {r}, mcycle", "csrr {r}, mscratch", "csrw mscratch, {r}", "csrrs {r}, mscratch, zero",
          "csrrsi {r}, mscratch, 3", "csrrci {r}, mscratch, 0", "sfence.vma", "fence.i", "tlbflushv",
          "outi.b 0x80, {r}", "ini.b {r}, 0x80", "vmload zero", "vmenter zero", "wrmsr zero, {r}"]


class Generator:
    def __init__(self, rng, guest=False):
        self.rng, self.number = rng, 0
        self.traps = TRAPS + (["vmexit 5"] if guest else [])

    def reg(self):
        return self.rng.choice(WORK)

    def label(self):
        self.number += 1
        return f"l{self.number}"

    def address(self):
        """Moves s3 to somewhere in the buffer, mostly near: half of the accesses hit."""
        shift = self.rng.choice([54, 54, 56, 58, 60])
        return ["    slli s5, s1, 13", "    xor s1, s1, s5", "    srli s5, s1, 7", "    xor s1, s1, s5",
                f"    srli s3, s1, {shift - 2}", "    slli s3, s3, 6" if shift >= 56 else "    slli s3, s3, 4",
                f"    li s5, {BUFFER - 1}", "    and s3, s3, s5", "    add s3, s3, s0"]

    def memory(self):
        offset = self.rng.choice([0, 0, 8, 16, 56, 61, 62, 63, 64, self.rng.randrange(0, 400)])
        kind = self.rng.randrange(8)
        if kind == 0:
            op = self.rng.choice(["amoadd", "amoswap", "amomaxu"])
            return ["    andi s5, s3, -8", f"    {op}.d {self.reg()}, {self.reg()}, (s5)"]
        if kind == 1:
            return ["    andi s5, s3, -8", f"    lr.d {self.reg()}, (s5)", f"    sc.d {self.reg()}, {self.reg()}, (s5)"]
        if kind < 5:
            return [f"    {self.rng.choice(LOADS)} {self.reg()}, {offset}(s3)"]
        return [f"    {self.rng.choice(STORES)} {self.reg()}, {offset}(s3)"]

    def jump(self):
        """Over some instructions, or behind them anyway."""
        to = self.label()
        skipped = self.straight(self.rng.randrange(0, 4))
        kind = self.rng.randrange(5)
        if kind == 0:
            first = [f"    j {to}"]
        elif kind == 1:
            first = [f"    la s5, {to}", "    jalr s6, 0(s5)"]
        elif kind == 2:
            first = ["    srli s1, s1, 1", "    andi s5, s1, 1", f"    beqz s5, {to}"]
        else:
            first = [f"    {self.rng.choice(BRANCHES)} {self.reg()}, {self.reg()}, {to}"]
        return first + skipped + [f"{to}:"]

    def loop(self):
        top = self.label()
        return [f"    li s6, {self.rng.randrange(1, 6)}", f"{top}:", *self.straight(self.rng.randrange(0, 5)),
                "    addi s6, s6, -1", f"    bnez s6, {top}"]

    def one(self):
        r, a, b = self.reg(), self.reg(), self.reg()
        kind = self.rng.randrange(100)
        if kind < 40:
            return [f"    {self.rng.choice(ALU)} {r}, {a}, {b}"]
        if kind < 48:
            return [f"    c.addi {r}, {self.rng.choice([-3, 1, 7])}"]
        if kind < 54:
            return [f"    {self.rng.choice(MUL)} {r}, {a}, {b}"]
        if kind < 55:
            return [f"    {self.rng.choice(DIV)} {r}, {a}, {b}"]
        if kind < 90:
            return self.memory()
        if kind < 94:
            return self.address()
        if kind < 96:
            return [f"    ld zero, {8 * self.rng.randrange(8)}(s3)", f"    add {r}, zero, zero"]
        if kind < 97:
            return [f"    lbu {r}, 5(s4)"]
        return ["    " + self.rng.choice(SERIAL).format(r=r)]

    def straight(self, n):
        return [line for _ in range(n) for line in self.one()]

    def block(self):
        out = self.straight(self.rng.randrange(3, 12))
        kind = self.rng.randrange(12)
        if kind < 7:
            out += self.jump()
        elif kind < 10:
            out += self.loop()
        elif kind == 10:
            out += ["    " + self.rng.choice(self.traps)]
        return out


HANDLER = """
    .p2align 2
handler:
    csrr  s10, {ring}cause
    bltz  s10, irq
    csrr  s10, {ring}epc
    lhu   s11, 0(s10)
    andi  s11, s11, 3
    addi  s11, s11, -3
    bnez  s11, 1f
    addi  s10, s10, 2
1:  addi  s10, s10, 2
    csrw  {ring}epc, s10
    {ring}ret
irq:
    csrr  s10, time
    addi  s10, s10, {period}
    csrw  stimecmp, s10
    {ring}ret
"""

HYPERVISOR = """
    .globl _start
_start:
    la    s2, vmcs
    li    t0, REVISION
    sd    t0, VMCS_REVISION * 8 (s2)
    la    t0, start
    sd    t0, VMCS_PC * 8 (s2)
{fields}
    vmload s2
    vmenter s2
1:  vmcause t0
    vmresume.adv
    j     1b
    .section .bss
    .p2align 12
vmcs: .zero VMCS_BYTES
    .text
"""

NATIVE = """
    .globl _start
_start:
    li    t0, 1
    slli  t0, t0, 63
    csrw  menvcfg, t0
"""

# Lets the timer interrupt, of Ring -1 or of the guest's Ring 0: its supervisor's.
TIMER = """
    csrr  t0, time
    addi  t0, t0, {period}
    csrw  stimecmp, t0
    li    t0, 0x20
    csrw  {ring}ie, t0
    csrsi {ring}status, {bit}
"""

START = """
start:
    la    s0, data
    mv    s3, s0
    addi  s7, s0, 1
    la    s4, handler
    csrw  {ring}tvec, s4
    li    s4, 0x10000000
"""


def program(rng, blocks=40, laps=5, guest=False, period=0, **fields):
    """period: `time` between timer interrupts; 0: there are none. fields: of the VMCS."""
    g, ring = Generator(rng, guest), "s" if guest else "m"
    body = [line for _ in range(blocks) for line in g.block()]
    values = [f"    li {r}, {rng.getrandbits(63):#x}" for r in WORK]
    values += [f"    li s1, {rng.getrandbits(62) | 1:#x}", f"    li s2, {laps}"]
    timer = TIMER.format(ring=ring, period=period, bit=2 if guest else 8) if period else ""
    text = [START.format(ring=ring), *values, timer, "lap:", *g.address(), *body, "    addi s2, s2, -1",
            "    beqz s2, 1f", "    j lap", f"1:  csrw {ring}ie, zero", "    j finish",
            HANDLER.format(ring=ring, period=period), FINISH]
    if guest:  # its own registers in the place of Ring -1's
        text = [t.replace("mscratch", "sscratch").replace("mcycle", "cycle") for t in text]
    stores = "\n".join(f"    li t0, {v:#x}\n    sd t0, VMCS_{n.upper()} * 8 (s2)" for n, v in fields.items())
    return "\n".join([HYPERVISOR.format(fields=stores) if guest else NATIVE, *text, f"""
    .data
    .p2align 12
data:
    .zero {BUFFER + 0x1000}
"""])
