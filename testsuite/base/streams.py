"""Random programs: straight code, forward jumps, short loops, memory and atomics in a
window around a page boundary, CSRs, and traps on purpose.

x2 and x8 point into the window, x9 counts loops; everything else is random.
"""

from base import bare, cases
from base.bare import EDGE, M, S, U

WINDOW_BYTES = 256                      # below EDGE, and as many above it
KEPT = (2, 8, 9)
HOLE = 0x80000                          # an address where nothing is; AMOs go just there
CSRS = {S: ["sscratch", "scause", "stval"],
        M: ["sscratch", "scause", "stval", "mcause", "mtval", "mscratch"]}


class Stream:
    def __init__(self, isa, rng, ring):
        self.rng, self.ring = rng, ring
        self.lines, self.labels = [], 0
        rows = [i for i in isa.insns if i.ext in ("rv64i", "rv64m", "rv64c")]
        self.alu = [i for i in rows if i.klass in ("alu_rr", "alu_ri", "upper", "pcrel")
                    and i.name not in ("c.addi16sp",)]
        self.memory = [i for i in rows if i.klass in ("load", "store")]
        self.branches = [i for i in rows if i.klass == "branch"]
        self.amos = [i for i in isa.insns if i.ext == "rv64a" and i.name.startswith("amo")]

    def text(self, items):
        ways = [(self.put_alu, 46), (self.put_memory, 20), (self.put_branch, 9), (self.put_jump, 4),
                (self.put_loop, 2), (self.put_amo, 6), (self.put_lr_sc, 4), (self.put_csr, 4),
                (self.put_trap, 5), (self.put_fresh, 12)]
        for _ in range(items):
            way, = self.rng.choices([w for w, _ in ways], [n for _, n in ways])
            way()
        return "\n".join(self.lines)

    def register(self, *exclude):
        return self.rng.choice([n for n in range(32) if n not in KEPT + exclude])

    def source(self):
        return self.rng.randrange(32)

    def label(self):
        self.labels += 1
        return f"{self.labels + 1000}"

    def put_alu(self):
        insn = self.rng.choice(self.alu)
        values = cases.pick_registers(insn, self.rng)
        if values.get("rd") in KEPT:
            pool = [r for r in cases.registers(insn.fields["rd"]) if r not in KEPT]
            values["rd"] = self.rng.choice(pool)
        imm = self.rng.choice(cases.field_values(insn.fields["imm"], self.rng)) \
            if "imm" in insn.fields else 0
        self.lines.append(cases.assembly(insn, cases.operands(insn, **values, imm=imm)))

    def put_fresh(self):
        value = self.rng.choice([self.rng.choice(cases.CORNERS), self.rng.getrandbits(64)])
        self.lines.append(f"li x{self.register()}, {value:#x}")

    def put_memory(self):
        insn = self.rng.choice(self.memory)
        if "rs1" not in insn.fields or insn.fields["rs1"].prime:
            base = 8 if "rs1" in insn.fields else 2
        else:
            base = self.rng.choice((2, 8))
            if self.rng.random() < 0.5:
                base = self.moving_base("0x78")
        f = insn.fields["imm"]
        low = 0 if not f.signed else -WINDOW_BYTES
        imms = [i for i in range(low, 120) if not i % (1 << min(p[2] for p in f.pieces))]
        values = cases.pick_registers(insn, self.rng)
        if values.get("rd") in KEPT:
            values["rd"] = 10
        values["rs1"] = base
        if base not in KEPT and f.signed:
            imms = range(-128, 100)
        o = cases.operands(insn, **values, imm=self.rng.choice(imms))
        self.lines.append(cases.assembly(insn, o))

    def moving_base(self, mask):
        """A register with an address in the window that depends on data."""
        base = self.register(0)
        self.lines += [f"andi x{base}, x{self.source()}, {mask}", f"add x{base}, x{base}, x8"]
        return base

    def put_branch(self):
        insn = self.rng.choice(self.branches)
        o = cases.operands(insn, **cases.pick_registers(insn, self.rng))
        label = self.label()
        text = cases.assembly(insn, o).replace(".+0", f"{label}f")
        self.lines.append(text)
        for _ in range(self.rng.randint(1, 5)):
            self.put_alu()
        self.lines.append(f"{label}:")

    def put_jump(self):
        label = self.label()
        if self.rng.random() < 0.5:
            self.lines.append(f"jal x{self.register()}, {label}f")
        else:
            through = self.register(0)
            self.lines += [f"lla x{through}, {label}f",
                           f"addi x{through}, x{through}, -37",
                           f"jalr x{self.register()}, 37(x{through})"]
        for _ in range(self.rng.randint(0, 3)):
            self.put_alu()
        self.lines.append(f"{label}:")

    def put_loop(self):
        label = self.label()
        self.lines += [f"li x9, {self.rng.randint(1, 6)}", f"{label}:"]
        for _ in range(self.rng.randint(2, 10)):
            self.rng.choice((self.put_alu, self.put_alu, self.put_memory, self.put_amo))()
        self.lines += ["addi x9, x9, -1", f"bnez x9, {label}b"]

    def put_amo(self):
        insn = self.rng.choice(self.amos)
        base = self.moving_base("0xf0")
        if insn.name.endswith(".w") and self.rng.getrandbits(1):
            self.lines.append(f"addi x{base}, x{base}, 4")
        suffix = self.rng.choice(["", ".aq", ".rl", ".aqrl"])
        self.lines.append(f"{insn.name}{suffix} x{self.register()}, x{self.source()}, (x{base})")

    def put_lr_sc(self):
        size = self.rng.choice("wd")
        base = self.moving_base("0xf8")
        self.lines.append(f"lr.{size} x{self.register(base)}, (x{base})")
        if self.rng.random() < 0.2:      # a second sc, or one after a trap, has no reservation
            self.lines.append(self.rng.choice([f"sc.{size} x{self.register(base)}, x3, (x{base})", "ecall"]))
        self.lines.append(f"sc.{size} x{self.register()}, x{self.source()}, (x{base})")

    def put_csr(self):
        if self.ring == U:
            return
        csr = self.rng.choice(CSRS[self.ring])
        saved = self.register(0)
        keep = csr == "mscratch"         # the runner's own: as it was in the end
        if keep:
            self.lines.append(f"csrr x{saved}, mscratch")
        self.lines.append(f"csrw {csr}, x{self.source()}")
        for _ in range(self.rng.randint(1, 3)):
            op = self.rng.choice(["csrrw", "csrrs", "csrrc", "csrrwi", "csrrsi", "csrrci"])
            value = self.rng.randrange(32) if op.endswith("i") else f"x{self.source()}"
            self.lines.append(f"{op} x{self.register(saved)}, {csr}, {value}")
        if keep:
            self.lines.append(f"csrw mscratch, x{saved}")

    def put_trap(self):
        way = self.rng.randrange(8)
        if way == 0:
            self.lines.append(self.rng.choice([".half 0", ".word 0xffffffff", ".word 0x0000707f",
                                               ".half 0x8002", ".half 0x4002", ".half 0x9c41"]))
        elif way == 1:
            self.lines.append(self.rng.choice(["ecall", "ebreak", ".option rvc\nc.ebreak\n.option norvc"]))
        elif way == 2:
            base = self.moving_base("0xf0")
            self.lines += [f"addi x{base}, x{base}, {self.rng.choice((1, 2, 3, 5, 6, 7))}",
                           f"lr.d x{self.register()}, (x{base})"]
        elif way == 3:
            base = self.register(0)
            op = self.rng.choice(["lb", "lh", "lw", "ld", "lbu", "lhu", "lwu", "sb", "sh", "sw", "sd"])
            self.lines += [f"lui x{base}, {HOLE >> 12}", f"{op} x{self.register()}, 24(x{base})"]
        elif way == 4:
            base = self.register(0)
            insn = self.rng.choice(self.amos)
            self.lines += [f"lui x{base}, {HOLE >> 12}",
                           f"{insn.name} x{self.register()}, x{self.source()}, (x{base})"]
        elif way == 5:
            self.lines.append(self.rng.choice(["csrw cycle, x1", "csrr x5, 0x6ff", "csrw 0xabc, x5",
                                               "csrrsi x7, mhartid, 6", "csrrwi x0, instret, 0"]))
        elif way == 6 and self.ring != M:
            self.lines.append(self.rng.choice(["mret", "csrr x6, mstatus", "csrw mscratch, x7",
                                               "csrr x3, cycle"]))
        elif way == 7 and self.ring == U:
            self.lines.append(self.rng.choice(["sret", "wfi", "sfence.vma x3, x4", "csrr x6, sstatus",
                                               "csrw satp, x7"]))


def make(isa, rng, items):
    """One stream as a case."""
    ring, csrs = cases.context(rng.choice(cases.CONTEXTS))
    start = EDGE - WINDOW_BYTES
    pokes = [(a, rng.getrandbits(64)) for a in range(start, start + 2 * WINDOW_BYTES, 8)]
    regs = {n: rng.choice([rng.choice(cases.CORNERS), rng.getrandbits(64)]) for n in range(1, 32)}
    regs[2], regs[8] = EDGE - 128 + 8 * rng.randrange(16), EDGE
    text = Stream(isa, rng, ring).text(items)
    return bare.Case("stream", text, ring=ring, regs=regs, csrs=csrs, pokes=pokes,
                     peeks=[(start, len(pokes))], stream=True)
