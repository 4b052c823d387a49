"""Random programs: every instruction's first cycle in X against the second model."""

import pytest

from pipeline import model
from pipeline.generate import program


def compare(run, m=None):
    """Steps the second model through a run's records."""
    m, last, pooled = m or model.Model(), None, False
    for n, r in enumerate(run.records):
        event = r.get("event", {}).get("kind")
        if event == "interrupt" or event == "exit" and "insn" not in r:
            m.interrupt("exit" if event == "exit" else "trap")
            assert r["cycle"] == last.X + run.records[n - 1]["retired"], f"record {n}: {r}"
            continue
        i = model.from_record(r)
        if r.get("disasm") in ("vmload s2", "vmenter s2"):
            i.moved, pooled = () if pooled else ("refill",), True
        stages = m.step(i)
        assert stages.X == r["cycle"], f"record {n}, {r['pc']} {r.get('disasm')}: {stages}, before it {last}"
        last = stages
    model.check_statistics(run.stats, m)
    return m


@pytest.mark.parametrize("period", [0, 23])
@pytest.mark.parametrize("guest", [False, True])
@pytest.mark.parametrize("number", range(6))
def test_random_program(pipeline, untraced, rng, number, guest, period):
    """And nobody's listening changes anything."""
    text = program(rng, guest=guest, period=period)
    run = pipeline(text, "--ticks-per-time", "7")
    compare(run)
    silent = untraced(text, "--ticks-per-time", "7")
    for key in ("cycles", "instret", "interrupts", "exceptions", "exits", "tlbmiss"):
        assert silent[key] == run.stats[key]


def test_large_program(pipeline, rng):
    """Larger than the instruction cache."""
    m = compare(pipeline(program(rng, blocks=400, laps=2)))
    assert m.icache.misses > m.icache.sets * m.icache.ways


@pytest.mark.parametrize("predictor", ["none", "static", "btb"])
@pytest.mark.parametrize("number", range(3))
def test_other_machine(pipeline, rng, monkeypatch, number, predictor):
    """Other latencies, caches and predictors than those of the reference machine."""
    settings = {f"latency.{name}": rng.randrange(1, 12) for name in vars(model.LAT)}
    for name in vars(model.LAT):
        monkeypatch.setattr(model.LAT, name, settings[f"latency.{name}"])
    entries = rng.choice([1, 8, 64, 512])
    shapes = [(64 * ways * sets, ways) for ways, sets in ((1, 16), (2, 8), (8, 1), (3, 4))]
    icache, dcache = rng.choice(shapes), rng.choice(shapes)
    settings |= {"icache.bytes": icache[0], "icache.ways": icache[1], "dcache.bytes": dcache[0],
                 "dcache.ways": dcache[1], "predictor.kind": predictor, "predictor.entries": entries}
    m = model.Model(model.Cache(*icache), model.Cache(*dcache), model.Btb(entries), predictor)
    run = pipeline(program(rng, guest=bool(number), period=30, laps=3),
                   *(word for s in settings.items() for word in ("--set", "=".join(map(str, s)))))
    compare(run, m)


def test_programs_reach_everything(pipeline, rng):
    """The programs miss, write lines back, trap, exit and are interrupted."""
    run = pipeline(program(rng, blocks=150, laps=5, guest=True, period=40))
    m = compare(run)
    assert m.icache.misses and m.dcache.misses and m.dcache.writebacks
    assert {r["event"]["kind"] for r in run.records if "event" in r} == {
        "entry", "exit", "exception", "interrupt"}


@pytest.mark.parametrize("due", range(700, 720))
def test_exit_right_behind_a_trap(pipeline, untraced, due):
    """A guest that does nothing but trap into its own Ring 0, until the host's timer is due."""
    text = f"""
    .globl _start
_start:
    la    s2, vmcs
    li    t0, REVISION
    sd    t0, VMCS_REVISION * 8 (s2)
    la    t0, guest
    sd    t0, VMCS_PC * 8 (s2)
    la    t0, handler
    sd    t0, VMCS_STVEC * 8 (s2)
    li    t0, 1
    slli  t0, t0, 63
    csrw  menvcfg, t0
    li    t0, {due}
    csrw  stimecmp, t0
    li    t0, 0x20
    csrw  mie, t0
    vmenter s2
    li    t0, 0x100000
    li    t1, 0x5555
    sw    t1, 0(t0)
    .p2align 2
handler:
    nop
    mul   a0, a0, a0
guest:
    ebreak
    .section .bss
    .p2align 12
vmcs: .zero VMCS_BYTES
"""
    run = pipeline(text, "--ticks-per-time", "1")
    found = next(n for n, r in enumerate(run.records) if r.get("event", {}).get("kind") == "exit")
    asked = [r["cycle"] + r["retired"] for r in run.records[found - 2:found]]
    assert asked[0] < due <= asked[1] == run.records[found]["cycle"]
    silent = untraced(text, "--ticks-per-time", "1")
    assert [silent[k] for k in ("cycles", "instret")] == [run.stats[k] for k in ("cycles", "instret")]
