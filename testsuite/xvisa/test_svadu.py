"""A and D that walks write (--svadu on), with V=1: rules WK-9 to WK-14.

The worlds and cases are those of test_nested.py, where A and D are clear as often as set; what the
access comes to and what the tables hold afterwards is nested.py's."""

import itertools

import pytest

from xvisa import test_nested as plain
from xvisa.asm import CSR, EXC, EXIT, MASK, TRAP, ins, unqual, vmexit
from xvisa.nested import A, D, FETCH, LOAD, LEVELS, R, SIZES, STORE, SV39, SV48, U, V, View, W, outcome
from xvisa.test_nested import ALL, CODE, DATA, DONE, HANDLER, VALUE, VMCS, Case, World, address, flag_names, memory, world

ON = ("--svadu", "on")
KINDS = {"fetch": FETCH, "load": LOAD, "store": STORE}
ADUE = 1 << 61


def view_of(c, words=None, w=None):
    w = w or world(c)
    return View(dict(words or memory(c)[0]), w.gptbr + c.roots[0], w.hptbr + c.roots[1], c.ring, c.sum, c.mxr, adue=True)


def expected(view, c):
    return outcome(view, address(c), c.access, reg={LOAD: 12, STORE: 11, FETCH: 0}[c.access], val=VALUE,
                   filter_pf=c.pf)


def arrange():
    put = plain.arrange()

    def with_tables(s, c):
        w = world(c)
        got = put(s, c)
        return got, {e: s.peek(e) for e in w.gpath + w.hpath}
    return with_tables


def told(e, want, c):
    """What an outcome is, of those that tell it."""
    if want[0] == "ok":
        return e.cause == EXIT["HYPERCALL"] and (c.access == FETCH or e.qual == DONE)
    if want[0] == "exit":
        return (e.cause, e.qual, e.addr, e.gpa, e.val) == want[1:]
    return (e.cause, e.qual, e.scause, e.stval) == (EXIT["HYPERCALL"], plain.EXCEPTION, want[1], want[2])


def judge(name, groups, key, batch):
    cases = sorted({c for g in groups.values() for c in g}, key=lambda c: (c.gmode, c.hmode, c.glevel, c.hlevel))
    got = batch(name, cases, arrange(), *ON)
    for c in groups[key]:
        (e, _), entries = got[c]
        view = view_of(c)
        want = expected(view, c)
        assert told(e, want, c), f"{c}: expected {want}, got {e}"
        after = {a: x.w0 for a, x in entries.items()}
        assert after == {a: view.memory[a] for a in after}, f"{c}: {want}, written {view.writes}"


SIZED = {f"{mode}-{SIZES[g]}-on-{hmode}-{SIZES[h]}":
         [Case(mode, hmode, g, h, a, ALL & ~gb, (ALL | U) & ~hb, offset=o)
          for a in KINDS.values() for gb in (0, A, D, A | D) for hb in (0, A, D, A | D) for o in (8, 0x1000)]
         for mode, hmode in itertools.product((0, SV39, SV48), repeat=2) if mode or hmode
         for g in range(LEVELS.get(mode, 1)) for h in range(LEVELS.get(hmode, 1))}


@pytest.mark.parametrize("key", SIZED)
def test_sizes(key, batch):
    """WK-9, WK-11: at every level of both stages."""
    judge("svadu-sizes", SIZED, key, batch)


@pytest.mark.parametrize("flags", plain.GUEST_FLAGS)
def test_guest_permissions(flags, batch):
    """WK-9, PR-1: what faults writes nothing."""
    judge("svadu-guest-flags", plain.GUEST_FLAGS, flags, batch)


@pytest.mark.parametrize("flags", plain.HOST_FLAGS)
def test_host_permissions(flags, batch):
    """WK-11, PR-2: a guest's leaf is not written if the host stage faults."""
    groups = {k: [c for c in g] + [Case(**{**c.__dict__, "gflags": c.gflags & ~(A | D)}) for c in g]
              for k, g in plain.HOST_FLAGS.items()}
    judge("svadu-host-flags", groups, flags, batch)


RANDOM = 32


@pytest.mark.parametrize("n", range(RANDOM))
def test_random_walk(n, batch, dice):
    d = dice("svadu random")
    groups = {i: list(dict.fromkeys(plain.random_case(d) for _ in range(20))) for i in range(RANDOM)}
    judge("svadu-random", groups, n, batch)


# --- The guest's tables in pages of their own -----------------------------------------------

TABLE_FLAGS = [V | R | U | x for x in (W | A | D, W | A, W | D, W, A | D, A, 0)]
FINE = {f"{SIZES[level]}-{flag_names(f)}": [(level, f, gflags, a) for gflags in (ALL, ALL & ~A, ALL & ~D, ALL & ~A & ~D)
                                            for a in KINDS.values()]
        for level in range(3) for f in TABLE_FLAGS}
PROTECTED = {f"protected-{SIZES[level]}": [(level, "pmp", gflags, a) for gflags in (ALL, ALL & ~A, ALL & ~D)
                                           for a in KINDS.values()] for level in range(3)}
TABLE_PAGES = FINE | PROTECTED


def fine_world(level, flags, gflags):
    """The guest's table of that level lies in a host page with these flags; ("pmp": without W of the PMP)."""
    w = World(SV39, SV39, 0, 0, fine=True)
    page = w.gpath[level] & ~0xfff
    if flags != "pmp":
        w.tables.map(w.hptbr, w.to_gpa(page), page, 0, flags, host=True)
    words = w.tables.memory()
    words[w.gpath[0]] = words[w.gpath[0]] & ~0x3ff | gflags
    return w, page, words


@pytest.mark.parametrize("key", TABLE_PAGES)
def test_pages_of_tables(key, batch):
    """WK-10, WK-12: reading an entry writes A of its page, writing a leaf A and D of it; if that is refused,
    the leaf is not written."""
    def put(s, case):
        level, flags, gflags, access = case
        w, page, words = fine_world(level, flags, gflags)
        s.fill(plain.TABLES, w.tables.at - plain.TABLES)
        s.memory(words)
        s.code(CODE, [plain.ACCESS_INSN[access], vmexit(DONE)])
        s.code(HANDLER, [vmexit(plain.EXCEPTION)])
        s.memory({DATA + 8: plain.word_at(DATA + 8)})
        s.step(ins("tlbflushv"))
        if flags == "pmp":
            s.csr(CSR["pmpcfg0"], 0)
            s.csr(CSR["pmpaddr0"], page >> 2 | 0x1ff)
            s.csr(CSR["pmpaddr1"], MASK >> 10)
            s.csr(CSR["pmpcfg0"], 0x1f1d)
        c = Case(access=access)
        code = CODE + w.code[0]
        s.vmcs(VMCS, pc=w.vb + DATA + 8 if access == FETCH else code, gptbr=w.gptbr, hptbr=w.hptbr,
               stvec=HANDLER + w.code[0], x10=w.vb + DATA + 8, x11=VALUE, x12=0xabc)
        e = s.enter(VMCS, "x12", "scause", "stval")
        s.csr(CSR["pmpcfg0"], 0)
        return c, e, {a: s.peek(a) for a in words}
    got = batch("svadu-tables", [c for g in TABLE_PAGES.values() for c in g], put, *ON)
    for case in TABLE_PAGES[key]:
        level, flags, gflags, access = case
        c, e, after = got[case]
        w, page, words = fine_world(level, flags, gflags)
        view = view_of(c, words, w)
        view.closed = (page,) if flags == "pmp" else ()
        code = code_view(view, w) if access != FETCH else view
        want = outcome(code, w.vb + DATA + 8, access, reg={LOAD: 12, STORE: 11, FETCH: 0}[access], val=VALUE)
        assert told(e, want, c), f"{case}: expected {want}, got {e} {unqual('HOSTFAULT', e.qual)}"
        assert {a: x.w0 for a, x in after.items()} == {a: code.memory[a] for a in after}, (case, want)


def code_view(view, w):
    """Behind the fetch of the instruction that accesses, from the same tables."""
    outcome(view, CODE + w.code[0], FETCH)
    view.due.clear()
    return view


# --- One by one -----------------------------------------------------------------------------

def once(s, w, words, insn=plain.ACCESS_INSN[LOAD], **vmcs):
    s.memory(words)
    s.code(CODE, [insn, vmexit(DONE)])
    s.code(HANDLER, [vmexit(plain.EXCEPTION)])
    s.vmcs(VMCS, pc=CODE + w.code[0], gptbr=w.gptbr, hptbr=w.hptbr, stvec=HANDLER + w.code[0], x10=w.vb + DATA + 8,
           x11=VALUE, **vmcs)
    return s.enter(VMCS, "scause", "pc")


def clear(w, gflags=A | D, hflags=A | D):
    words = w.tables.memory()
    words[w.gpath[0]] &= ~gflags
    words[w.hpath[0]] &= ~hflags
    return words


def test_counts(single):
    """WK-11, WK-12: what is written is counted, by stage and VM."""
    s, w = single, World(SV39, SV39, 0, 0)
    words = clear(w)
    e = once(s, w, words, plain.ACCESS_INSN[STORE])
    stats = s.go(*ON).stats
    assert (e.cause, e.qual) == (EXIT["HYPERCALL"], DONE)
    assert (stats["walk_writes_guest"], stats["walk_writes_host"]) == (1, 1)
    vm, = stats["vms"]
    assert (vm["walk_writes_guest"], vm["walk_writes_host"]) == (1, 1)


def test_adue_is_for_both_stages(single):
    """WK-6, WK-9: cleared, walks do as with Svade, guest and host."""
    s, w = single, World(SV39, SV39, 0, 0)
    s.csr(CSR["menvcfg"], 0)
    guest = once(s, w, clear(w, hflags=0))
    host = once(s, w, clear(w, gflags=0))
    s.csr(CSR["menvcfg"], MASK)
    adue = s.csr_read(CSR["menvcfg"])
    both = once(s, w, clear(w))
    s.go(*ON)
    assert adue.x12 & ADUE
    assert (guest.cause, guest.qual, guest.scause) == (EXIT["HYPERCALL"], plain.EXCEPTION, EXC["LOAD_PAGE"])
    assert host.cause == EXIT["HOSTFAULT"]
    assert (both.cause, both.qual) == (EXIT["HYPERCALL"], DONE)


def test_no_adue_without_the_option(single):
    """WK-6: read-only 0."""
    s, w = single, World(SV39, SV39, 0, 0)
    s.csr(CSR["menvcfg"], MASK)
    adue = s.csr_read(CSR["menvcfg"])
    e = once(s, w, clear(w))
    s.go()
    assert adue.x12 & ADUE == 0 and (e.cause, e.scause) == (EXIT["HYPERCALL"], EXC["LOAD_PAGE"])


@pytest.mark.parametrize("flags", [0, A, D, A | D])
def test_store_behind_a_load(flags, single):
    """WK-14, TL-7: the load's entry does not permit the store, which misses, and writes D."""
    s, w = single, World(SV39, SV39, 0, 0)
    words = clear(w, A | D, 0)
    words[w.gpath[0]] |= flags
    s.memory(words)
    s.code(CODE, [plain.ACCESS_INSN[LOAD], vmexit(1), plain.ACCESS_INSN[LOAD], plain.ACCESS_INSN[STORE], vmexit(2)])
    s.vmcs(VMCS, pc=CODE + w.code[0], gptbr=w.gptbr, hptbr=w.hptbr, x10=w.vb + DATA + 8, x11=VALUE)
    s.enter(VMCS)
    loaded, missed = s.peek(w.gpath[0]), s.fields("count_tlbmiss")
    s.enter(0, insn="vmresume.adv")
    stored, missed2 = s.peek(w.gpath[0]), s.fields("count_tlbmiss")
    s.go(*ON)
    assert loaded.w0 == words[w.gpath[0]] | A
    assert stored.w0 == words[w.gpath[0]] | A | D
    assert missed2.count_tlbmiss - missed.count_tlbmiss == (0 if flags & D else 1)


def test_emulated_io_writes_nothing(single):
    """WK-11: a range that exits; one that forwards writes the guest's leaf, the host's is not asked."""
    s, w = single, World(SV39, SV39, 0, 0)
    words = clear(w)
    desc = plain.FREE + 0x8000
    entries = []
    for flags in (3, 1):
        s.memory(words)
        s.step(ins("tlbflushv"))
        s.vmcs(VMCS, vmtrapcfg=TRAP["PREEMPT"], gptbr=w.gptbr, hptbr=w.hptbr)
        s.step(ins("vmenter", rs1=10), x10=VMCS)
        s.poke(desc, w.gb + DATA, 0x1000, DATA, flags)
        r = s.step(ins("iovmap", rd=12, rs1=10, rs2=11), x10=0, x11=desc)
        a = s.step(ins("vmst.d", rs1=10, rs2=11), x10=w.vb + DATA + 8, x11=VALUE)
        entries.append((r, a, s.peek(w.gpath[0]), s.peek(w.hpath[0])))
    s.go(*ON)
    (r0, a0, g0, h0), (r1, a1, g1, h1) = entries
    assert r0.x12 == r1.x12 == 0
    assert a0.trap != 0 and g0.w0 == words[w.gpath[0]] and h0.w0 == words[w.hpath[0]]
    assert a1.trap == 0 and g1.w0 == words[w.gpath[0]] | A | D and h1.w0 == words[w.hpath[0]]


def test_loads_and_stores_as_the_guest(single):
    """WK-14: VMLD and VMST write as the guest would, VMLDP and VMSTP the host's leaf alone."""
    s, w = single, World(SV39, SV39, 0, 0)
    words = clear(w)
    got = {}
    for name, at in (("vmld.d", w.vb), ("vmst.d", w.vb), ("vmldp.d", w.gb), ("vmstp.d", w.gb)):
        s.memory(words)
        s.step(ins("tlbflushv"))
        s.vmcs(VMCS, vmtrapcfg=TRAP["PREEMPT"], gptbr=w.gptbr, hptbr=w.hptbr)
        s.step(ins("vmenter", rs1=10), x10=VMCS)
        fields = {"rd": 12, "rs1": 10} if "ld" in name else {"rs1": 10, "rs2": 11}
        a = s.step(ins(name, **fields), x10=at + DATA + 8, x11=VALUE)
        got[name] = a, s.peek(w.gpath[0]), s.peek(w.hpath[0])
    s.go(*ON)
    for name, (a, guest, host) in got.items():
        bits = A | D if "st" in name else A
        assert a.trap == 0, name
        assert guest.w0 == words[w.gpath[0]] | (0 if name[4] == "p" else bits), name
        assert host.w0 == words[w.hpath[0]] | bits, name


@pytest.mark.parametrize("gflags,hflags", itertools.product((0, A, D, A | D), repeat=2))
def test_stale_check_is_silent(gflags, hflags, single):
    """Nobody used a translation that its tables do not allow."""
    s, w = single, World(SV39, SV39, 0, 0)
    for insn in (LOAD, STORE, LOAD):
        once(s, w, clear(w, gflags, hflags), plain.ACCESS_INSN[insn])
        s.step(ins("tlbflushv"))
    s.memory(clear(w, gflags, hflags))
    s.code(CODE, [plain.ACCESS_INSN[LOAD], plain.ACCESS_INSN[STORE], plain.ACCESS_INSN[LOAD], vmexit(DONE)])
    s.vmcs(VMCS, pc=CODE + w.code[0], gptbr=w.gptbr, hptbr=w.hptbr, x10=w.vb + DATA + 8, x11=VALUE)
    e = s.enter(VMCS)
    result = s.go(*ON, "--check-stale")
    assert (e.cause, e.qual) == (EXIT["HYPERCALL"], DONE)
    assert "stale" not in result.stderr
