"""Every instruction of the base against the model of testsuite/base/model.py.

The encodings come from the GNU assembler, the expected values from the model; QEMU
says whether the model is right.
"""

import pytest
import tables

from base import model
from harness import tools

BASE = [i for i in tables.load(tools.SRC / "isa").insns if i.ext != "xvisa"]
EXTENSIONS = sorted({i.ext for i in BASE})
FAR = 0x102000          # more than jal reaches


@pytest.fixture
def operations(isa, batches):
    """operations(extension, machine, edge): the outcomes of its instructions' cases; edge: those
    whose code goes over the end of a page (a 16-bit instruction ends there)."""
    def get(ext, machine, edge=False):
        def fill(maker):
            maker.at_edge = edge
            for row in isa.insns:
                if row.ext == ext:
                    maker.make(row)
        name = f"{'edge' if edge else 'operation'}_{ext}"
        return batches(name, fill, machine, margin=FAR if ext == "rv64i" else 0x2000)
    return get


@pytest.mark.parametrize("name", [i.name for i in BASE])
def test_operation(name, isa, operations, check):
    """BA-1."""
    check(operations(isa.insn(name).ext, "visa").get(name))


@pytest.mark.parametrize("name", [i.name for i in BASE])
def test_operation_at_page_end(name, isa, operations, check):
    """The same with half of the instruction in one page and half in the next."""
    check(operations(isa.insn(name).ext, "visa", edge=True).get(name))


def not_qemu(case, want):
    """QEMU 7.2 tells a misaligned AMO as a misaligned load, and fails an sc that has no
    reservation without a look at the address (which the manual allows). QEMU 10 can tell an illegal
    instruction that lies in two pages a page too high."""
    in_two_pages = case.address % 4096 + case.size > 4096
    return want.cause == model.STORE_MISALIGNED or (want.cause == model.ILLEGAL and in_two_pages)


@pytest.mark.parametrize("edge", [False, True])
@pytest.mark.parametrize("ext", EXTENSIONS)
def test_witness(ext, edge, operations, check):
    """The model's expectations hold on QEMU."""
    for triples in operations(ext, "qemu", edge).values():
        check(triples, not_qemu)


def test_model_is_complete():
    """Each row of the tables has its function in the model, and no function is without a row."""
    assert sorted(model.MODEL) == sorted(i.name for i in BASE)
