"""The state pool: what is live, what is stale, what is spilled when.

Manual: chapter "The VM control structure and the pool". Random sequences of pool operations
run against the model Pool, which looks at the images in memory after every step.
"""

from dataclasses import dataclass, field

import pytest

from xvisa.asm import CONST, CSR, EXC, EXIT, MASK, VMCS, csr_ins, field as number, ins, qual, vmexit
from xvisa.script import FREE

CODE = FREE
VMS = [FREE + 0x100000 + 0x1000 * i for i in range(16)]
WATCHED = ("owner", "x10", "pc", "count_exit", "sscratch", "exit_cause")
OWNER = 1   # hart 0


@dataclass
class Pool:
    """The model. image: words in memory; live: those on chip, in the order of their loading."""
    size: int
    image: dict = field(default_factory=dict)
    live: dict = field(default_factory=dict)
    current: int = None

    def load(self, vm):
        if vm in self.live:
            return
        if len(self.live) == self.size:
            self.drop(next(iter(self.live)))
        self.image[vm]["owner"] = OWNER
        self.live[vm] = dict(self.image[vm])

    def save(self, vm):
        if vm in self.live:
            self.image[vm] = dict(self.live[vm])

    def drop(self, vm):
        if vm in self.live:
            self.save(vm)
            self.image[vm]["owner"] = 0
            del self.live[vm]

    def words(self, vm):
        """Where VMREAD and VMWRITE go (VM-17)."""
        return self.live[vm] if vm in self.live else self.image[vm]

    def enter(self, vm):
        """The guest adds 1 to x10, copies it to sscratch, and exits."""
        self.load(vm)
        self.current = vm
        w = self.live[vm]
        w["x10"] += 1
        w["sscratch"] = w["x10"]
        w["pc"] = CODE + 8
        w["count_exit"] += 1
        w["exit_cause"] = EXIT["HYPERCALL"]


def prepare(s, pool):
    s.code(CODE, [ins("addi", rd=10, rs1=10, imm=1), csr_ins("csrrw", CSR["sscratch"], 0, 10), vmexit(1)])
    for i, vm in enumerate(VMS):
        s.vmcs(vm, pc=CODE, x10=1000 * i)
        pool.image[vm] = dict(owner=0, x10=1000 * i, pc=CODE, count_exit=0, sscratch=0, exit_cause=0)


def watch(s, pool, log, what):
    """Asks for all images; the model's are noted as they are now."""
    answers = {vm: [s.peek(vm + 8 * number(w)) for w in WATCHED] for vm in VMS}
    log.append((what, {vm: dict(words) for vm, words in pool.image.items()}, answers))


def operate(s, pool, dice, log):
    vm = dice.choice(VMS)
    what = dice.choice(["enter"] * 4 + ["load", "load", "save", "clear", "resume", "read", "write", "poke"])
    if what in ("resume", "read", "write") and pool.current is None:
        what = "enter"
    if what == "enter":
        s.step(ins("vmenter", rs1=10), x10=vm)
        pool.enter(vm)
        s.vmwrite(number("pc"), CODE)
        pool.words(vm)["pc"] = CODE
    elif what == "resume":
        s.step(ins("vmresume"))
        pool.enter(pool.current)
        s.vmwrite(number("pc"), CODE)
        pool.words(pool.current)["pc"] = CODE
    elif what == "load":
        s.step(ins("vmload", rs1=10), x10=vm)
        pool.load(vm)
    elif what == "save":
        s.step(ins("vmsave", rs1=10), x10=vm)
        pool.save(vm)
    elif what == "clear":
        s.step(ins("vmclear", rs1=10), x10=vm)
        pool.drop(vm)
    elif what == "write":
        value = dice.getrandbits(32)
        s.vmwrite(number("x10"), value)
        pool.words(pool.current)["x10"] = value
    elif what == "read":
        log.append(("read", dict(pool.words(pool.current)), s.fields(*WATCHED)))
    else:   # memory of an image: seen if the context is not pooled, overwritten by the next save if it is
        value = dice.getrandbits(32)
        s.poke(vm + 8 * number("x10"), value)
        pool.image[vm]["x10"] = value
    watch(s, pool, log, f"{what} {VMS.index(vm)}")


SEQUENCES = range(12)


@pytest.mark.parametrize("sequence", SEQUENCES)
@pytest.mark.parametrize("size", [8, 3, 1])
def test_sequence(sequence, size, batch, dice):
    """16 VMs on a pool of 8 (and of 3, and of 1): images, owners and fields as the model has them."""
    def arrange(s, n):
        pool, log = Pool(size), []
        d = dice(f"pool {size} {n}")
        prepare(s, pool)
        for vm in VMS:
            s.step(ins("vmclear", rs1=10), x10=vm)
        s.step(ins("vmenter", rs1=10), x10=VMS[0])
        pool.enter(VMS[0])
        s.vmwrite(number("pc"), CODE)
        pool.words(VMS[0])["pc"] = CODE
        for _ in range(120):
            operate(s, pool, d, log)
        for vm in VMS:
            s.step(ins("vmclear", rs1=10), x10=vm)
        return log
    log = batch(f"pool-{size}", SEQUENCES, arrange, "--pool", size)[sequence]
    for step, (what, want, got) in enumerate(log):
        if what == "read":
            assert {k: got[k] for k in WATCHED} == want, f"step {step}: VMREAD"
            continue
        for vm in VMS:
            image = {w: a.w0 for w, a in zip(WATCHED, got[vm])}
            assert image == want[vm], f"step {step} ({what}): image of VM {VMS.index(vm)}"


def test_first_in_first_out(single):
    """Entering, saving and reading do not make a context younger (VM-12)."""
    s = single
    s.code(CODE, [vmexit(1)])
    for vm in VMS:
        s.vmcs(vm, pc=CODE)
    for vm in VMS[:8]:
        s.step(ins("vmload", rs1=10), x10=vm)
    for vm in reversed(VMS[:8]):                # the first loaded is the last entered
        s.step(ins("vmenter", rs1=10), x10=vm)
    s.step(ins("vmsave", rs1=10), x10=VMS[0])
    s.step(ins("vmload", rs1=10), x10=VMS[0])
    owners = []
    for vm in VMS[8:]:
        s.step(ins("vmload", rs1=10), x10=vm)
        owners.append([s.peek(v + 8 * number("owner")) for v in VMS])
    s.go()
    for n, row in enumerate(owners):
        gone = n + 1                            # the VMs 0..n have left, in this order
        assert [a.w0 for a in row] == [0] * gone + [1] * 8 + [0] * (8 - gone)


def test_clear_frees_a_slot(single):
    """After VMCLEAR the next load evicts nobody, wherever the slot was (VM-12)."""
    s = single
    for vm in VMS:
        s.vmcs(vm)
    for vm in VMS[:8]:
        s.step(ins("vmload", rs1=10), x10=vm)
    s.step(ins("vmclear", rs1=10), x10=VMS[5])
    s.step(ins("vmload", rs1=10), x10=VMS[9])
    after = [s.peek(v + 8 * number("owner")) for v in VMS]
    s.step(ins("vmload", rs1=10), x10=VMS[10])
    later = [s.peek(v + 8 * number("owner")) for v in VMS]
    s.go()
    assert [a.w0 for a in after] == [1, 1, 1, 1, 1, 0, 1, 1, 0, 1, 0, 0, 0, 0, 0, 0]
    assert [a.w0 for a in later] == [0, 1, 1, 1, 1, 0, 1, 1, 0, 1, 1, 0, 0, 0, 0, 0]


@pytest.mark.parametrize("size", [1, 8, 200])
def test_size_is_read_from_a_csr(size, single):
    """VM-10."""
    a = single.csr_read(CSR["vmpool"])
    single.go("--pool", size)
    assert a.x12 == size


def random_image(dice):
    """A word for every listed field that an entry lets through."""
    words = {number(f.name) + i: dice.getrandbits(64) for f in VMCS.values() for i in range(f.n)}
    words[number("revision")] = CONST["REVISION"]
    words[number("owner")] = 0
    words[number("x")] = 0
    return words


@pytest.mark.parametrize("leave", ["vmsave", "vmclear"])
def test_state_survives_load_and_save(leave, single, dice):
    """Every bit of every listed field comes back (VM-3, VM-11, VM-14); reserved words are left alone (VM-2)."""
    s = single
    image = random_image(dice(f"image {leave}"))
    reserved = {n: 0x5e5e0000 + n for n in range(512) if n not in image}
    s.memory({VMS[0] + 8 * n: v for n, v in {**image, **reserved}.items()})
    a = s.step(ins("vmload", rs1=10), x10=VMS[0])
    s.fill(VMS[0] + 8 * 2, 8 * 510, 0xa5a5)          # the image is stale: nobody looks at it
    b = s.step(ins(leave, rs1=10), x10=VMS[0])
    got = s.peek(VMS[0], 512)
    s.go()
    want = {**{n: 0xa5a5 for n in reserved}, **image, number("owner"): OWNER if leave == "vmsave" else 0}
    assert (a.trap, b.trap) == (0, 0)
    assert {n: got[f"w{n}"] for n in range(512)} == want


def test_vmread_shows_the_image_that_was_loaded(single, dice):
    """VMREAD of every listed field gives the word that memory had (VM-1)."""
    s = single
    image = random_image(dice("vmread"))
    for name in ("vmtrapcfg", "vmctl", "hptbr", "iobitmap", "pc", "ring", "gptbr", "vic_threshold", "vic_depth"):
        image[number(name)] = 0
    image.update({number("iov_flags") + i: 0 for i in range(8)})
    s.memory({VMS[0] + 8 * n: v for n, v in image.items()})
    image[number("vmtrapcfg")] = 1 << 15              # refused: pooled and current, and nothing runs
    s.poke(VMS[0] + 16, 1 << 15)
    failed = s.enter(VMS[0])
    got = {n: s.vmread(n) for n in image}
    s.go()
    image[number("owner")] = OWNER
    assert (failed.cause, failed.qual) == (EXIT["ENTRYFAIL"], number("vmtrapcfg"))
    assert {n: a.x12 for n, a in got.items()} == image


NUMBERS = list(range(512)) + [512, 513, 1 << 12, 1 << 32, 1 << 63, MASK, (1 << 32) + 64]
LISTED = {number(f.name) + i: f for f in VMCS.values() for i in range(f.n)}


@pytest.mark.parametrize("n", NUMBERS, ids=lambda n: f"{LISTED[n].name}-{n}" if n in LISTED else f"none-{n:#x}")
@pytest.mark.parametrize("pooled", [True, False], ids=["pooled", "image"])
def test_field(n, pooled, batch, dice):
    """VMREAD and VMWRITE of every number: rw works with all 64 bits, ro and unlisted are illegal."""
    def arrange(s, m):
        value = dice(f"field {m}").getrandbits(64) | 1
        s.code(CODE, [vmexit(1)])
        s.vmcs(VMS[1], pc=CODE)
        s.enter(VMS[1])
        if not pooled:
            s.step(ins("vmclear", rs1=10), x10=VMS[1])
        before = s.vmread(m)
        write = s.vmwrite(m, value)
        after = s.vmread(m)
        image = s.peek(VMS[1] + 8 * m) if m < 512 else None
        return value, before, write, after, image
    value, before, write, after, image = batch(f"fields-{pooled}", NUMBERS, arrange)[n]
    illegal = EXC["ILLEGAL"] + 1
    row = LISTED.get(n)
    assert before.trap == after.trap == (0 if row else illegal)
    assert write.trap == (0 if row and row.access == "rw" else illegal)
    if write.trap:
        assert write.tval == ins("vmwrite", rs1=10, rs2=11)
    if not row:
        assert before.tval == ins("vmread", rs1=10, rd=12)
        return
    want = value if row.access == "rw" and n != number("x") else before.x12
    assert after.x12 == want
    if not pooled:
        assert image.w0 == want


CURRENT = ("vmtrapcfg", "gptbr", "hptbr")


@pytest.mark.parametrize("name", CURRENT)
@pytest.mark.parametrize("pooled", [True, False], ids=["pooled", "image"])
def test_csr_of_the_current_context(name, pooled, single, dice):
    """CSRs vmtrapcfg, gptbr and hptbr are the fields (ST-12); so are LDGPTBR and LDHPTBR."""
    s, value = single, dice(f"current {name} {pooled}").getrandbits(64)
    s.code(CODE, [vmexit(1)])
    s.vmcs(VMS[1], pc=CODE)
    s.enter(VMS[1])
    if not pooled:
        s.step(ins("vmclear", rs1=10), x10=VMS[1])
    w = s.csr(CSR[name], value)
    r, f = s.csr_read(CSR[name]), s.vmread(number(name))
    loaded = None
    if name != "vmtrapcfg":
        s.step(ins("ld" + name, rs1=10), x10=value ^ MASK)
        loaded = s.vmread(number(name))
    current = s.csr_read(CSR["vmcs"])
    s.go()
    assert (w.trap, r.trap, f.trap) == (0, 0, 0)
    assert (r.x12, f.x12) == (value, value)
    assert loaded is None or loaded.x12 == value ^ MASK
    assert current.x12 == VMS[1]


@pytest.mark.parametrize("name", ["vmsave", "vmclear"])
@pytest.mark.parametrize("pointer, exception",
                         [(VMS[0] + bit, "STORE_MISALIGNED") for bit in (1, 8, 0x800)] +
                         [(p, "STORE_ACCESS") for p in (0, 0x7ffff000, 0x88000000, 0x10000000, 1 << 63, MASK - 0xfff)] +
                         [(0x87fff000, None), (0x80200000, None)])
def test_pointer(name, pointer, exception, single):
    """VMSAVE and VMCLEAR: what is wrong with the pointer is their own exception (EN-15)."""
    s = single
    before = s.enter(VMS[2] + 1)       # an entry failure, whose registers must stay
    a = s.step(ins(name, rs1=10), x10=pointer)
    info = s.info()
    s.go()
    assert (a.trap, a.tval) == ((EXC[exception] + 1, pointer) if exception else (0, a.tval))
    assert (info.cause, info.qual, info.addr) == (before.cause, before.qual, before.addr)
    assert (before.cause, before.qual) == (EXIT["ENTRYFAIL"], qual("ENTRYFAIL", field=CONST["VMCS_NONE"]))


def test_cleared_context_stays_current(single):
    """VMCLEAR of the current context: VMRESUME loads it again (VM-13, VM-16)."""
    s = single
    s.code(CODE, [ins("addi", rd=10, rs1=10, imm=1), vmexit(1)])
    s.vmcs(VMS[3], pc=CODE, x10=7)
    s.enter(VMS[3])
    s.step(ins("vmclear", rs1=10), x10=VMS[3])
    current = s.csr_read(CSR["vmcs"])
    s.poke(VMS[3] + 8 * number("x10"), 100)
    s.poke(VMS[3] + 8 * number("pc"), CODE)
    e = s.resume("x10", "count_exit", "owner")
    s.go()
    assert current.x12 == VMS[3]
    assert (e.cause, e.x10, e.count_exit, e.owner) == (EXIT["HYPERCALL"], 101, 2, OWNER)


def test_vmload_does_not_make_current(single):
    s = single
    s.code(CODE, [vmexit(1)])
    s.vmcs(VMS[3], pc=CODE)
    s.vmcs(VMS[4], pc=CODE)
    s.enter(VMS[3])
    s.step(ins("vmload", rs1=10), x10=VMS[4])
    info, current = s.info(), s.csr_read(CSR["vmcs"])
    s.go()
    assert current.x12 == VMS[3]
    assert set(info.values.values()) == {0}             # EN-14


def test_harts_do_not_share_contexts(single):
    """A context in another hart's pool is refused, and may be moved by VMCLEAR (VM-19, EN-3)."""
    s = single
    s.code(CODE, [vmexit(1)])
    s.vmcs(VMS[0], pc=CODE)
    there = s.hart(1, ins("vmenter", rs1=10), VMS[0])
    owner = s.peek(VMS[0] + 8 * number("owner"))
    refused = s.enter(VMS[0])
    load = s.step(ins("vmload", rs1=10), x10=VMS[0])
    loaded = s.info()
    s.hart(1, ins("vmclear", rs1=10), VMS[0])
    freed = s.peek(VMS[0] + 8 * number("owner"))
    e = s.enter(VMS[0], "count_exit", "owner")
    back = s.hart(1, ins("vmenter", rs1=10), VMS[0])
    cause = s.hart(1, ins("vmcause", rd=12))
    s.go("--harts", 2)
    assert (there.trap, owner.w0, freed.w0) == (0, 2, 0)
    fail = (EXIT["ENTRYFAIL"], number("owner"), 2)
    assert (refused.cause, refused.qual, refused.addr) == fail
    assert load.trap == 0 and (loaded.cause, loaded.qual, loaded.addr) == fail
    assert (e.cause, e.count_exit, e.owner) == (EXIT["HYPERCALL"], 2, 1)
    assert (back.trap, cause.x12) == (0, EXIT["ENTRYFAIL"])
