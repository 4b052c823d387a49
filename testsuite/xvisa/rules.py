"""What an instruction does in a guest, as the manual's chapter "What a guest's instruction
does" tells it (rules GI-1 to GI-10, XI-3 to XI-8): the one function outcome()."""

from dataclasses import dataclass, field

from xvisa.asm import CONST, CSR, EXC, EXIT, INSN, ISA, MASK, MSR, TRAP, qual

CSR_BY_NUMBER = {c.number: c for c in ISA.csrs}
VIC_CSRS = {CSR[n] for n in ("vithresh", "viselect", "vireg", "viserv")}
COUNTERS = {CSR[n] for n in ("vmcount_exit", "vmcount_emu", "vmcount_tlbmiss")}
OPS = {"csrrw": 1, "csrrs": 2, "csrrc": 3, "csrrwi": 1, "csrrsi": 2, "csrrci": 3}

# Bits that exist in Ring 0's registers of a guest (rules ST-5, ST-8, BA-12, BA-13).
SSTATUS = 1 << 1 | 1 << 5 | 1 << 8 | 1 << 18 | 1 << 19
UXL = 2 << 32
RW_BITS = {"sstatus": SSTATUS, "sie": 0x222, "stvec": ~2 & MASK, "scounteren": 7, "senvcfg": 1,
           "sscratch": MASK, "sepc": ~1 & MASK, "scause": MASK, "stval": MASK, "sip": 2,
           "stimecmp": MASK, "satp": MASK, "vithresh": 15, "viselect": MASK, "vireg": MASK}
CHANGING = {CSR["cycle"], CSR["time"], CSR["instret"]} | COUNTERS


@dataclass
class Guest:
    """The state that decides. csr: what each CSR of Ring 0 reads."""
    ring: int
    cfg: int
    scounteren: int = 0
    counters: bool = False
    csr: dict = field(default_factory=dict)
    open_ports: frozenset = frozenset()
    x: dict = field(default_factory=dict)


@dataclass
class Outcome:
    kind: str                 # run, exception, exit
    cause: int = 0            # RISC-V exception code, or exit cause
    qual: int = 0
    addr: int = 0
    val: int = 0
    rd: object = None         # value that rd gets; None: not said
    csr: tuple = ()           # run: (number, value) afterwards


RUN = Outcome("run")


def exit_(cause, val=0, addr=0, **fields):
    return Outcome("exit", EXIT[cause], qual(cause, **fields), addr, val)


def illegal(g, word, klass, val=0, **fields):
    """GI-2 with XI-7."""
    if not g.cfg & TRAP["PRIV"]:
        return Outcome("exception", EXC["ILLEGAL"])
    long = word & 3 == 3
    return exit_("PRIVILEGED", val, rd=word >> 7 & 31 if long else 0,
                 rs1=word >> 15 & 31 if long else 0, **{"class": klass}, **fields)


def windows(n):
    """Xvisa's CSRs of Ring -1 (GI-4)."""
    return 0x7c0 <= n <= 0x7ff or 0xbc0 <= n <= 0xbff or 0xfc0 <= n <= 0xfff


def closed(g, n):
    """GI-10."""
    if n in COUNTERS:
        return not g.counters
    if CSR["cycle"] <= n <= CSR["cycle"] + 31:
        return g.ring == 3 and not g.scounteren >> n - CSR["cycle"] & 1
    return False


def written(op, old, source):
    """XI-4."""
    return {1: source, 2: old | source, 3: old & ~source & MASK}[op]


def csr_access(g, name, word):
    """GI-5, point 3."""
    n, rd, src = word >> 20, word >> 7 & 31, word >> 15 & 31
    immediate = name.endswith("i")
    op = OPS[name]
    writes = op == 1 or src != 0
    source = src if immediate else g.x.get(src, 0)
    if g.ring == 0 and windows(n):
        return exit_("VIRT", rd=rd, rs1=src, csr=n)
    highest = 0 if g.ring == 3 else 1
    told = {"op": op if writes else 0, "immediate": int(immediate), "csr": n}
    if (n >> 8 & 3) > highest or n not in CSR_BY_NUMBER or writes and n >> 10 == 3 or closed(g, n):
        return illegal(g, word, 1, source if writes else 0, **told)
    old = g.csr.get(n, 0)
    new = written(op, old, source)
    if n == CSR["satp"] and writes:
        if g.cfg & TRAP["CR3"]:
            return exit_("CRWRITE", new, rd=rd, rs1=src, op=op, immediate=int(immediate), cr=3, csr=n)
    elif n >> 8 & 3 and n not in VIC_CSRS and g.cfg & TRAP["PRIV"]:
        return illegal(g, word, 1, new if writes else 0, **told)
    return Outcome("run", rd=None if n in CHANGING else old,
                   csr=((n, after_write(n, old, new)),) if writes else ())


def after_write(n, old, new):
    """What the register reads after a write of `new`."""
    name = CSR_BY_NUMBER[n].name
    if name == "satp" and new >> 60 not in (0, 8, 9):
        return old
    bits = RW_BITS[name]
    return old & ~bits & MASK | new & bits


def port_access(g, row, word):
    """IO-1 to IO-4."""
    out = row.name.startswith("out")
    width = {"b": 0, "h": 1, "w": 2}[row.name[-1]]
    if "i" in row.name.split(".")[0][2:]:
        if out:
            port = (word >> 25 & 63) << 10 | (word >> 15 & 31) << 5 | word >> 7 & 31
        else:
            port = word >> 15 & 0xffff
    else:
        port = g.x.get(word >> 15 & 31, 0) & 0xffff
    ones = (1 << (8 << width)) - 1
    value = g.x.get(word >> 20 & 31, 0) & ones if out else 0
    if all((port + i) % CONST["PORTS"] in g.open_ports for i in range(1 << width)):
        return Outcome("run")
    if g.cfg & TRAP["IO"]:
        return exit_("IO", value, reg=word >> 20 & 31 if out else word >> 7 & 31, write=int(out),
                     width=width, port=port)
    return Outcome("run", rd=None if out else ones)


def msr_access(g, name, word):
    """GI-2, and the rows of msr.isa."""
    write = name == "wrmsr"
    n = g.x.get(word >> 15 & 31, 0) & 0xffffffff
    value = g.x.get(word >> 20 & 31, 0) if write else 0
    if g.cfg & TRAP["MSR"]:
        return exit_("MSR", value, reg=word >> 20 & 31 if write else word >> 7 & 31,
                     write=int(write), msr=n)
    row = next((m for m in ISA.msrs if m.number == n), None)
    if not row or write and row.access == "ro":
        return illegal(g, word, 5, value)
    return Outcome("run", rd={MSR["model"]: 1, MSR["tls"]: g.csr.get("tls"),
                              MSR["tsc_aux"]: g.csr.get("tsc_aux")}.get(n) if not write else None)


FLUSHES = ("sfence.vma", "tlbflushv", "tlbflushv.asid", "tlbflushv.addr")


def registers(row, word):
    """Register fields that the instruction has (XI-8)."""
    return {k: word >> {"rd": 7, "rs1": 15, "rs2": 20}[k] & 31 for k in ("rd", "rs1", "rs2") if k in row.fields}


def flush(g, row, word):
    if not g.cfg & TRAP["TLB"]:
        return RUN
    r = registers(row, word)
    return exit_("TLBFLUSH", g.x.get(r.get("rs2", 0), 0), g.x.get(r.get("rs1", 0), 0), op=row.op, **r)


def xvisa(g, row, word):
    """GI-5, point 2."""
    if row.name == "vmexit":
        return exit_("HYPERCALL", number=word >> 20)
    if g.ring == 3:
        return illegal(g, word, 4)
    elsewhere = row.name == "vint_send" and g.x.get(word >> 15 & 31, 0) >> 12
    if not {"0", "0v"} & set(row.rings) or elsewhere:
        return exit_("VIRT", op=row.op, **registers(row, word))
    if row.name.startswith(("in", "out")):
        return port_access(g, row, word)
    if row.name in ("rdmsr", "wrmsr"):
        return msr_access(g, row.name, word)
    if row.name in FLUSHES:
        return flush(g, row, word)
    return Outcome("run", rd=MASK if row.name in ("vint_ack", "vint_stat") else None)  # no candidate


def system(g, name, word):
    """GI-5, points 4 and 5."""
    if name == "ecall":
        return exit_("HYPERCALL", ecall=1) if g.ring == 0 else Outcome("exception", EXC["ECALL_U"])
    if name == "ebreak":
        return exit_("BREAKPOINT") if g.cfg & TRAP["BRK"] else Outcome("exception", EXC["BREAKPOINT"])
    klass = {"sret": 2, "mret": 3}.get(name, 4)
    if name == "mret" or g.ring == 3:
        return illegal(g, word, klass)
    if name == "wfi":
        return exit_("HALT") if g.cfg & TRAP["HALT"] else RUN
    if name == "sfence.vma":
        return flush(g, INSN[name], word)
    return illegal(g, word, klass) if g.cfg & TRAP["PRIV"] else RUN  # sret


def outcome(g, name, word):
    """name: the instruction's, or None for an undefined encoding."""
    if name is None:
        return illegal(g, word, 0)
    row = INSN[name]
    if row.ext == "zicsr":
        return csr_access(g, name, word)
    if row.ext == "xvisa":
        return xvisa(g, row, word)
    return system(g, name, word)
