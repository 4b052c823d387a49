"""What each instruction of the base does, written from the RISC-V manual and nothing else.

MODEL[name](s, o) executes it with operands o (rd, rs1, rs2, imm, csr) on a State s. A trap is
an exception, Trap.
"""

MASK = (1 << 64) - 1

MODEL = {}

ILLEGAL, BREAKPOINT = 2, 3
LOAD_MISALIGNED, STORE_MISALIGNED = 4, 6
ECALL = {"u": 8, "s": 9, "m": 11}


class Trap(Exception):
    def __init__(self, cause, tval=0):
        super().__init__(f"cause {cause} tval {tval:#x}")
        self.cause, self.tval = cause, tval


def signed(value, bits=64):
    value &= (1 << bits) - 1
    return value - (1 << bits) if value >> (bits - 1) else value


def sext32(value):
    return signed(value, 32) & MASK


class State:
    """Registers, pc and byte-wise memory of a hart. s[n] is a register; s[0] stays 0."""
    def __init__(self, regs, pc, ring="m", memory=None, csr=None):
        self.x = [0] + [regs[n] & MASK for n in range(1, 32)]
        self.pc, self.ring = pc, ring
        self.memory = memory or {}
        self.csr = csr or {}
        self.next_pc = None

    def __getitem__(self, n):
        return self.x[n]

    def __setitem__(self, n, value):
        if n:
            self.x[n] = value & MASK

    def load(self, address, size):
        return sum(self.memory[(address + i) & MASK] << 8 * i for i in range(size))

    def store(self, address, size, value):
        for i in range(size):
            self.memory[(address + i) & MASK] = value >> 8 * i & 0xFF

    def jump(self, target):
        self.next_pc = target & MASK


def step(s, name, o):
    """Executes one instruction of `o.length` bytes; s.pc is where the next one stands."""
    s.next_pc = s.pc + o.length
    MODEL[name](s, o)
    s.pc = s.next_pc


def insn(name):
    def register(function):
        assert name not in MODEL
        MODEL[name] = function
        return function
    return register


# --- RV64I ---------------------------------------------------------------------

@insn("lui")
def lui(s, o):
    s[o.rd] = o.imm


@insn("auipc")
def auipc(s, o):
    s[o.rd] = s.pc + o.imm


@insn("jal")
def jal(s, o):
    s[o.rd] = s.pc + 4
    s.jump(s.pc + o.imm)


@insn("jalr")
def jalr(s, o):
    target = (s[o.rs1] + o.imm) & ~1
    s[o.rd] = s.pc + 4
    s.jump(target)


@insn("beq")
def beq(s, o):
    if s[o.rs1] == s[o.rs2]:
        s.jump(s.pc + o.imm)


@insn("bne")
def bne(s, o):
    if s[o.rs1] != s[o.rs2]:
        s.jump(s.pc + o.imm)


@insn("blt")
def blt(s, o):
    if signed(s[o.rs1]) < signed(s[o.rs2]):
        s.jump(s.pc + o.imm)


@insn("bge")
def bge(s, o):
    if signed(s[o.rs1]) >= signed(s[o.rs2]):
        s.jump(s.pc + o.imm)


@insn("bltu")
def bltu(s, o):
    if s[o.rs1] < s[o.rs2]:
        s.jump(s.pc + o.imm)


@insn("bgeu")
def bgeu(s, o):
    if s[o.rs1] >= s[o.rs2]:
        s.jump(s.pc + o.imm)


@insn("lb")
def lb(s, o):
    s[o.rd] = signed(s.load(s[o.rs1] + o.imm, 1), 8)


@insn("lh")
def lh(s, o):
    s[o.rd] = signed(s.load(s[o.rs1] + o.imm, 2), 16)


@insn("lw")
def lw(s, o):
    s[o.rd] = signed(s.load(s[o.rs1] + o.imm, 4), 32)


@insn("ld")
def ld(s, o):
    s[o.rd] = s.load(s[o.rs1] + o.imm, 8)


@insn("lbu")
def lbu(s, o):
    s[o.rd] = s.load(s[o.rs1] + o.imm, 1)


@insn("lhu")
def lhu(s, o):
    s[o.rd] = s.load(s[o.rs1] + o.imm, 2)


@insn("lwu")
def lwu(s, o):
    s[o.rd] = s.load(s[o.rs1] + o.imm, 4)


@insn("sb")
def sb(s, o):
    s.store(s[o.rs1] + o.imm, 1, s[o.rs2])


@insn("sh")
def sh(s, o):
    s.store(s[o.rs1] + o.imm, 2, s[o.rs2])


@insn("sw")
def sw(s, o):
    s.store(s[o.rs1] + o.imm, 4, s[o.rs2])


@insn("sd")
def sd(s, o):
    s.store(s[o.rs1] + o.imm, 8, s[o.rs2])


@insn("addi")
def addi(s, o):
    s[o.rd] = s[o.rs1] + o.imm


@insn("slti")
def slti(s, o):
    s[o.rd] = signed(s[o.rs1]) < o.imm


@insn("sltiu")
def sltiu(s, o):
    s[o.rd] = s[o.rs1] < o.imm & MASK


@insn("xori")
def xori(s, o):
    s[o.rd] = s[o.rs1] ^ o.imm & MASK


@insn("ori")
def ori(s, o):
    s[o.rd] = s[o.rs1] | o.imm & MASK


@insn("andi")
def andi(s, o):
    s[o.rd] = s[o.rs1] & o.imm


@insn("slli")
def slli(s, o):
    s[o.rd] = s[o.rs1] << o.imm


@insn("srli")
def srli(s, o):
    s[o.rd] = s[o.rs1] >> o.imm


@insn("srai")
def srai(s, o):
    s[o.rd] = signed(s[o.rs1]) >> o.imm


@insn("add")
def add(s, o):
    s[o.rd] = s[o.rs1] + s[o.rs2]


@insn("sub")
def sub(s, o):
    s[o.rd] = s[o.rs1] - s[o.rs2]


@insn("sll")
def sll(s, o):
    s[o.rd] = s[o.rs1] << (s[o.rs2] & 63)


@insn("slt")
def slt(s, o):
    s[o.rd] = signed(s[o.rs1]) < signed(s[o.rs2])


@insn("sltu")
def sltu(s, o):
    s[o.rd] = s[o.rs1] < s[o.rs2]


@insn("xor")
def xor(s, o):
    s[o.rd] = s[o.rs1] ^ s[o.rs2]


@insn("srl")
def srl(s, o):
    s[o.rd] = s[o.rs1] >> (s[o.rs2] & 63)


@insn("sra")
def sra(s, o):
    s[o.rd] = signed(s[o.rs1]) >> (s[o.rs2] & 63)


@insn("or")
def or_(s, o):
    s[o.rd] = s[o.rs1] | s[o.rs2]


@insn("and")
def and_(s, o):
    s[o.rd] = s[o.rs1] & s[o.rs2]


@insn("addiw")
def addiw(s, o):
    s[o.rd] = sext32(s[o.rs1] + o.imm)


@insn("slliw")
def slliw(s, o):
    s[o.rd] = sext32(s[o.rs1] << o.imm)


@insn("srliw")
def srliw(s, o):
    s[o.rd] = sext32((s[o.rs1] & 0xFFFFFFFF) >> o.imm)


@insn("sraiw")
def sraiw(s, o):
    s[o.rd] = signed(s[o.rs1], 32) >> o.imm


@insn("addw")
def addw(s, o):
    s[o.rd] = sext32(s[o.rs1] + s[o.rs2])


@insn("subw")
def subw(s, o):
    s[o.rd] = sext32(s[o.rs1] - s[o.rs2])


@insn("sllw")
def sllw(s, o):
    s[o.rd] = sext32(s[o.rs1] << (s[o.rs2] & 31))


@insn("srlw")
def srlw(s, o):
    s[o.rd] = sext32((s[o.rs1] & 0xFFFFFFFF) >> (s[o.rs2] & 31))


@insn("sraw")
def sraw(s, o):
    s[o.rd] = signed(s[o.rs1], 32) >> (s[o.rs2] & 31)


@insn("fence")
@insn("fence.i")
@insn("c.nop")
def nothing(s, o):
    pass


@insn("ecall")
def ecall(s, o):
    raise Trap(ECALL[s.ring])


@insn("ebreak")
def ebreak(s, o):
    raise Trap(BREAKPOINT, s.pc)


# --- M -------------------------------------------------------------------------

def divide(a, b):
    """Quotient and remainder, rounded towards zero."""
    q = abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)
    return q, a - b * q


@insn("mul")
def mul(s, o):
    s[o.rd] = s[o.rs1] * s[o.rs2]


@insn("mulh")
def mulh(s, o):
    s[o.rd] = signed(s[o.rs1]) * signed(s[o.rs2]) >> 64


@insn("mulhsu")
def mulhsu(s, o):
    s[o.rd] = signed(s[o.rs1]) * s[o.rs2] >> 64


@insn("mulhu")
def mulhu(s, o):
    s[o.rd] = s[o.rs1] * s[o.rs2] >> 64


@insn("div")
def div(s, o):
    a, b = signed(s[o.rs1]), signed(s[o.rs2])
    s[o.rd] = divide(a, b)[0] if b else -1


@insn("divu")
def divu(s, o):
    s[o.rd] = s[o.rs1] // s[o.rs2] if s[o.rs2] else MASK


@insn("rem")
def rem(s, o):
    a, b = signed(s[o.rs1]), signed(s[o.rs2])
    s[o.rd] = divide(a, b)[1] if b else a


@insn("remu")
def remu(s, o):
    s[o.rd] = s[o.rs1] % s[o.rs2] if s[o.rs2] else s[o.rs1]


@insn("mulw")
def mulw(s, o):
    s[o.rd] = sext32(s[o.rs1] * s[o.rs2])


@insn("divw")
def divw(s, o):
    a, b = signed(s[o.rs1], 32), signed(s[o.rs2], 32)
    s[o.rd] = sext32(divide(a, b)[0]) if b else -1


@insn("divuw")
def divuw(s, o):
    a, b = s[o.rs1] & 0xFFFFFFFF, s[o.rs2] & 0xFFFFFFFF
    s[o.rd] = sext32(a // b) if b else -1


@insn("remw")
def remw(s, o):
    a, b = signed(s[o.rs1], 32), signed(s[o.rs2], 32)
    s[o.rd] = sext32(divide(a, b)[1]) if b else a


@insn("remuw")
def remuw(s, o):
    a, b = s[o.rs1] & 0xFFFFFFFF, s[o.rs2] & 0xFFFFFFFF
    s[o.rd] = sext32(a % b if b else a)


# --- A -------------------------------------------------------------------------

def load_reserved(s, o, size):
    if s[o.rs1] % size:
        raise Trap(LOAD_MISALIGNED, s[o.rs1])
    s[o.rd] = signed(s.load(s[o.rs1], size), 8 * size)


def store_conditional(s, o, size):
    """With no reservation, as in every case of one instruction alone."""
    if s[o.rs1] % size:
        raise Trap(STORE_MISALIGNED, s[o.rs1])
    s[o.rd] = 1


def amo(s, o, size, operation):
    """operation(t, r): memory's and the register's value, unsigned, `size` bytes wide."""
    address, source = s[o.rs1], s[o.rs2] & ((1 << 8 * size) - 1)
    if address % size:
        raise Trap(STORE_MISALIGNED, address)
    old = s.load(address, size)
    s.store(address, size, operation(old, source))
    s[o.rd] = signed(old, 8 * size)


@insn("lr.w")
def lr_w(s, o):
    load_reserved(s, o, 4)


@insn("sc.w")
def sc_w(s, o):
    store_conditional(s, o, 4)


@insn("amoswap.w")
def amoswap_w(s, o):
    amo(s, o, 4, lambda t, r: r)


@insn("amoadd.w")
def amoadd_w(s, o):
    amo(s, o, 4, lambda t, r: t + r)


@insn("amoxor.w")
def amoxor_w(s, o):
    amo(s, o, 4, lambda t, r: t ^ r)


@insn("amoand.w")
def amoand_w(s, o):
    amo(s, o, 4, lambda t, r: t & r)


@insn("amoor.w")
def amoor_w(s, o):
    amo(s, o, 4, lambda t, r: t | r)


@insn("amomin.w")
def amomin_w(s, o):
    amo(s, o, 4, lambda t, r: min(signed(t, 32), signed(r, 32)))


@insn("amomax.w")
def amomax_w(s, o):
    amo(s, o, 4, lambda t, r: max(signed(t, 32), signed(r, 32)))


@insn("amominu.w")
def amominu_w(s, o):
    amo(s, o, 4, min)


@insn("amomaxu.w")
def amomaxu_w(s, o):
    amo(s, o, 4, max)


@insn("lr.d")
def lr_d(s, o):
    load_reserved(s, o, 8)


@insn("sc.d")
def sc_d(s, o):
    store_conditional(s, o, 8)


@insn("amoswap.d")
def amoswap_d(s, o):
    amo(s, o, 8, lambda t, r: r)


@insn("amoadd.d")
def amoadd_d(s, o):
    amo(s, o, 8, lambda t, r: t + r)


@insn("amoxor.d")
def amoxor_d(s, o):
    amo(s, o, 8, lambda t, r: t ^ r)


@insn("amoand.d")
def amoand_d(s, o):
    amo(s, o, 8, lambda t, r: t & r)


@insn("amoor.d")
def amoor_d(s, o):
    amo(s, o, 8, lambda t, r: t | r)


@insn("amomin.d")
def amomin_d(s, o):
    amo(s, o, 8, lambda t, r: min(signed(t), signed(r)))


@insn("amomax.d")
def amomax_d(s, o):
    amo(s, o, 8, lambda t, r: max(signed(t), signed(r)))


@insn("amominu.d")
def amominu_d(s, o):
    amo(s, o, 8, min)


@insn("amomaxu.d")
def amomaxu_d(s, o):
    amo(s, o, 8, max)


# --- Zicsr, on a register of 64 plain bits ----------------------------------------

@insn("csrrw")
def csrrw(s, o):
    old, s.csr[o.csr] = s.csr[o.csr], s[o.rs1]
    s[o.rd] = old


@insn("csrrs")
def csrrs(s, o):
    old = s.csr[o.csr]
    s.csr[o.csr] = old | s[o.rs1]
    s[o.rd] = old


@insn("csrrc")
def csrrc(s, o):
    old = s.csr[o.csr]
    s.csr[o.csr] = old & ~s[o.rs1]
    s[o.rd] = old


@insn("csrrwi")
def csrrwi(s, o):
    old, s.csr[o.csr] = s.csr[o.csr], o.imm
    s[o.rd] = old


@insn("csrrsi")
def csrrsi(s, o):
    old = s.csr[o.csr]
    s.csr[o.csr] = old | o.imm
    s[o.rd] = old


@insn("csrrci")
def csrrci(s, o):
    old = s.csr[o.csr]
    s.csr[o.csr] = old & ~o.imm
    s[o.rd] = old


# --- Privileged ----------------------------------------------------------------

SEPC, MEPC = 0x141, 0x341


@insn("sret")
def sret(s, o):
    if s.ring == "u":
        raise Trap(ILLEGAL, 0x10200073)
    s.jump(s.csr[SEPC])


@insn("mret")
def mret(s, o):
    if s.ring != "m":
        raise Trap(ILLEGAL, 0x30200073)
    s.jump(s.csr[MEPC])


@insn("wfi")
def wfi(s, o):
    """With an interrupt pending: goes on."""
    if s.ring == "u":
        raise Trap(ILLEGAL, 0x10500073)


@insn("sfence.vma")
def sfence_vma(s, o):
    if s.ring == "u":
        raise Trap(ILLEGAL, 0x12000073 | o.rs2 << 20 | o.rs1 << 15)


# --- C ---------------------------------------------------------------------------

@insn("c.addi4spn")
def c_addi4spn(s, o):
    s[o.rd] = s[2] + o.imm


@insn("c.lw")
def c_lw(s, o):
    s[o.rd] = signed(s.load(s[o.rs1] + o.imm, 4), 32)


@insn("c.ld")
def c_ld(s, o):
    s[o.rd] = s.load(s[o.rs1] + o.imm, 8)


@insn("c.sw")
def c_sw(s, o):
    s.store(s[o.rs1] + o.imm, 4, s[o.rs2])


@insn("c.sd")
def c_sd(s, o):
    s.store(s[o.rs1] + o.imm, 8, s[o.rs2])


@insn("c.addi")
def c_addi(s, o):
    s[o.rd] = s[o.rd] + o.imm


@insn("c.addiw")
def c_addiw(s, o):
    s[o.rd] = sext32(s[o.rd] + o.imm)


@insn("c.li")
def c_li(s, o):
    s[o.rd] = o.imm


@insn("c.addi16sp")
def c_addi16sp(s, o):
    s[2] = s[2] + o.imm


@insn("c.lui")
def c_lui(s, o):
    s[o.rd] = o.imm


@insn("c.srli")
def c_srli(s, o):
    s[o.rd] = s[o.rd] >> o.imm


@insn("c.srai")
def c_srai(s, o):
    s[o.rd] = signed(s[o.rd]) >> o.imm


@insn("c.andi")
def c_andi(s, o):
    s[o.rd] = s[o.rd] & o.imm


@insn("c.sub")
def c_sub(s, o):
    s[o.rd] = s[o.rd] - s[o.rs2]


@insn("c.xor")
def c_xor(s, o):
    s[o.rd] = s[o.rd] ^ s[o.rs2]


@insn("c.or")
def c_or(s, o):
    s[o.rd] = s[o.rd] | s[o.rs2]


@insn("c.and")
def c_and(s, o):
    s[o.rd] = s[o.rd] & s[o.rs2]


@insn("c.subw")
def c_subw(s, o):
    s[o.rd] = sext32(s[o.rd] - s[o.rs2])


@insn("c.addw")
def c_addw(s, o):
    s[o.rd] = sext32(s[o.rd] + s[o.rs2])


@insn("c.j")
def c_j(s, o):
    s.jump(s.pc + o.imm)


@insn("c.beqz")
def c_beqz(s, o):
    if s[o.rs1] == 0:
        s.jump(s.pc + o.imm)


@insn("c.bnez")
def c_bnez(s, o):
    if s[o.rs1] != 0:
        s.jump(s.pc + o.imm)


@insn("c.slli")
def c_slli(s, o):
    s[o.rd] = s[o.rd] << o.imm


@insn("c.lwsp")
def c_lwsp(s, o):
    s[o.rd] = signed(s.load(s[2] + o.imm, 4), 32)


@insn("c.ldsp")
def c_ldsp(s, o):
    s[o.rd] = s.load(s[2] + o.imm, 8)


@insn("c.jr")
def c_jr(s, o):
    s.jump(s[o.rs1] & ~1)


@insn("c.mv")
def c_mv(s, o):
    s[o.rd] = s[o.rs2]


@insn("c.ebreak")
def c_ebreak(s, o):
    raise Trap(BREAKPOINT, s.pc)


@insn("c.jalr")
def c_jalr(s, o):
    target = s[o.rs1] & ~1
    s[1] = s.pc + 2
    s.jump(target)


@insn("c.add")
def c_add(s, o):
    s[o.rd] = s[o.rd] + s[o.rs2]


@insn("c.swsp")
def c_swsp(s, o):
    s.store(s[2] + o.imm, 4, s[o.rs2])


@insn("c.sdsp")
def c_sdsp(s, o):
    s.store(s[2] + o.imm, 8, s[o.rs2])
