"""Translation as the RISC-V privileged manual tells it (section 4.3.2 and Svade), in Python.

    page table entry:  N PBMT reserved  PPN[43:0]  RSW D A G U X W R V
                       63 62:61 60:54    53:10     9:8 7 6 5 4 3 2 1 0
"""

from dataclasses import dataclass

V, R, W, X, U, G, A, D = (1 << n for n in range(8))
FETCH, LOAD, STORE = 0, 1, 2
PAGE_FAULT = {FETCH: 12, LOAD: 13, STORE: 15}
ACCESS_FAULT = {FETCH: 1, LOAD: 5, STORE: 7}
LEVELS = {8: 3, 9: 4}       # by satp.MODE
RAM, RAM_END = 0x80000000, 0x88000000


class Fault(Exception):
    """reason: page, access, update (A or D would have to be set), table (entry in no memory)."""

    def __init__(self, reason, access, pa=None):
        super().__init__(reason)
        self.reason, self.pa = reason, pa
        self.cause = (ACCESS_FAULT if reason in ("access", "table") else PAGE_FAULT)[access]


@dataclass
class View:
    """Who accesses: satp, ring (0 U, 1 S), SUM, MXR; memory gives the entry at an address."""
    satp: int
    ring: int
    sum: bool
    mxr: bool
    memory: dict


def find_leaf(view, va, access):
    """(entry, bits of the offset in its page)."""
    levels = LEVELS[view.satp >> 60]
    top = va >> (12 + 9 * levels - 1)
    if top not in (0, (1 << 64 - (12 + 9 * levels) + 1) - 1):
        raise Fault("page", access)
    table = (view.satp & ((1 << 44) - 1)) << 12
    for level in reversed(range(levels)):
        at = table + 8 * (va >> (12 + 9 * level) & 511)
        if not RAM <= at < RAM_END:
            raise Fault("table", access)
        pte = view.memory.get(at, 0)
        if not pte & V or pte & (R | W) == W or pte >> 54:
            raise Fault("page", access)
        if pte & (R | X):
            return pte, 12 + 9 * level
        if pte & (A | D | U):
            raise Fault("page", access)
        table = (pte >> 10) << 12
    raise Fault("page", access)


def translate(view, va, access):
    """The physical address, or Fault."""
    pte, bits = find_leaf(view, va, access)
    readable = pte & R or view.mxr and pte & X
    if not {FETCH: pte & X, LOAD: readable, STORE: pte & W}[access]:
        raise Fault("page", access)
    if view.ring == 0 and not pte & U:
        raise Fault("page", access)
    if view.ring == 1 and pte & U and (access == FETCH or not view.sum):
        raise Fault("page", access)
    base = (pte >> 10) << 12
    if base & ((1 << bits) - 1):
        raise Fault("page", access)
    if not pte & A or access == STORE and not pte & D:
        raise Fault("update", access)
    pa = base | va & ((1 << bits) - 1)
    if not RAM <= pa < RAM_END:
        raise Fault("access", access, pa)
    return pa
