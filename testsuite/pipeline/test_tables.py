"""What the tables of isa/ say of cycles is what the rules of the chapter say, as model.py has them."""

from harness.tools import SRC
from pipeline import model
from xvisa.asm import ISA

EXECUTE = model.PARALLEL - model.IN_MEMORY


def test_where_latencies_are_spent():
    """PI-5, PI-6, PI-9."""
    for i in ISA.insns:
        spent = next(l.spent for l in ISA.latencies if l.name == i.latency)
        assert (spent in ("serial", "behind")) == (i.latency not in model.PARALLEL), i.name
        assert (spent == "memory") == (i.latency in model.IN_MEMORY), i.name
        assert (spent == "behind") == (i.latency == "exit"), i.name
        assert (spent == "execute") == (i.latency in EXECUTE), i.name


def test_what_flushes():
    """PI-10."""
    for i in ISA.insns:
        name = i.expands[0] if i.expands else i.name
        want = "flushes" if name in model.FLUSHING else "flushes?" if name in model.FLUSHING_IF else ""
        assert i.flushes == want, i.name


def test_results_in_memory():
    """PI-7."""
    for i in ISA.insns:
        assert i.result_in_memory == ("rd" in i.fields and model.result_in_memory(i)), i.name


def test_accounts_are_categories():
    """PI-39."""
    text = (SRC / "man" / "arch" / "18-pipeline.rst").read_text()
    for l in ISA.latencies:
        assert l.account == "-" if l.spent == "-" else f"*{l.account}*" in text, l.name
