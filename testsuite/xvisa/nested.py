"""Both stages of translation as the manual tells them (rules WK-1 to WK-14, PR-1 to PR-11), in
Python, and what builds tables for them. Nothing here is taken from the simulator's walker.

    entry:  0[63:54]  ppn[53:10]  ignored[9:8]  D A G U X W R V
"""

from dataclasses import dataclass, field

from xvisa.asm import EXC, EXIT, qual
from xvisa.script import RAM, RAM_END

V, R, W, X, U, G, A, D = (1 << n for n in range(8))
FETCH, LOAD, STORE = 0, 1, 2
PAGE_FAULT = {FETCH: EXC["INSN_PAGE"], LOAD: EXC["LOAD_PAGE"], STORE: EXC["STORE_PAGE"]}
BARE, SV39, SV48 = 0, 8, 9
LEVELS = {SV39: 3, SV48: 4}
MODES = {"bare": BARE, "39": SV39, "48": SV48}
SIZES = ["4K", "2M", "1G", "512G"]


class Fault(Exception):
    """A page fault of the guest stage."""


class HostFault(Exception):
    def __init__(self, gpa, walk=False, denied=False):
        super().__init__(f"gpa {gpa:#x} walk {walk} denied {denied}")
        self.gpa, self.walk, self.denied = gpa, walk, denied


@dataclass
class View:
    """Everything that a translation depends on. memory: the words of tables, by address."""
    memory: dict
    gptbr: int = 0
    hptbr: int = 0
    ring: int = 0
    sum: bool = False
    mxr: bool = False
    reads: list = field(default_factory=list)   # ("guest" or "host", address) of each entry read
    cache: object = None                        # a walk cache (tlb.py): get(gpn), put(gpn, hpn)
    adue: bool = False                          # walks write A and D into `memory` ...
    closed: tuple = ()                          # ... but not into these pages, which the PMP lets be read alone
    writes: list = field(default_factory=list)  # (stage, address) of each entry written
    due: list = field(default_factory=list)     # (stage, address, bits), once the access is let through


@dataclass
class Place:
    """Where an access goes; level: of the combined page (TL-3); flags of both leaves; leaf: the level of
    the leaf that a flush by address means (TL-3)."""
    gpa: int
    hpa: int
    level: int
    guest: int
    host: int
    leaf: int


def table_of(base):
    return (base & (1 << 44) - 1) << 12


def read_entry(view, stage, address):
    if not RAM <= address <= RAM_END - 8:
        return None
    view.reads.append((stage, address))
    return view.memory.get(address, 0)


def bad_entry(pte):
    return not pte & V or pte & (R | W) == W or pte >> 54


def due_bits(view, pte, access):
    """WK-9: of a leaf that a walk may write."""
    return ((A | (D if access == STORE and pte & W else 0)) & ~pte) if view.adue else 0


def write_due(view, due):
    """WK-13."""
    for stage, at, bits in due:
        if view.memory[at] | bits != view.memory[at]:
            view.memory[at] |= bits
            view.writes.append((stage, at))


def is_closed(view, at):
    return at & ~0xfff in view.closed


def host_stage(view, gpa, access):
    """(host physical address, level of the leaf, leaf, what is due) of a guest physical address."""
    mode = view.hptbr >> 60
    if mode == BARE:
        return gpa, 3, None, []
    levels = LEVELS[mode]
    if gpa >> 12 + 9 * levels + 2:
        raise HostFault(gpa)
    table = table_of(view.hptbr)
    for level in reversed(range(levels)):
        bits = 11 if level == levels - 1 else 9
        at = table + 8 * (gpa >> 12 + 9 * level & (1 << bits) - 1)
        pte = read_entry(view, "host", at)
        if pte is None:
            raise HostFault(gpa, denied=True)
        if bad_entry(pte):
            raise HostFault(gpa)
        base, span = (pte >> 10 & (1 << 44) - 1) << 12, 1 << 12 + 9 * level
        if not pte & (R | X):
            if pte & (A | D | U):
                raise HostFault(gpa)
            table = base
            continue
        needs = {FETCH: X, LOAD: R, STORE: W | D}[access] | A | U
        bits = due_bits(view, pte, access)
        if base % span or (pte | bits) & needs != needs:
            raise HostFault(gpa)
        if bits and is_closed(view, at):
            raise HostFault(gpa, denied=True)
        return base | gpa % span, level, pte | bits, [("host", at, bits)] if bits else []
    raise HostFault(gpa)


def entry_address(view, entry):
    """Host physical address of an entry of the guest's tables (WC-2)."""
    cached = view.cache and view.hptbr >> 60 != BARE
    page = view.cache.get(entry >> 12) if cached else None
    if page is None:
        try:
            hpa, _, _, due = host_stage(view, entry, LOAD)
        except HostFault as f:
            raise HostFault(entry, walk=True, denied=f.denied) from None
        write_due(view, due)                    # WK-12
        if cached:
            view.cache.put(entry >> 12, hpa >> 12)
        page = hpa >> 12
    return page << 12 | entry & 0xfff


def guest_leaf(view, gva):
    """(leaf, level, its address, that at the host), each entry of the guest's tables read by way of the
    host stage."""
    levels = LEVELS[view.gptbr >> 60]
    width = 12 + 9 * levels
    sign = gva >> width - 1
    if sign not in (0, (1 << 64 - width + 1) - 1):
        raise Fault
    table = table_of(view.gptbr)
    for level in reversed(range(levels)):
        entry = table + 8 * (gva >> 12 + 9 * level & 511)
        at = entry_address(view, entry)
        pte = read_entry(view, "guest", at)
        if pte is None:
            raise HostFault(entry, walk=True, denied=True)
        if bad_entry(pte):
            raise Fault
        base = (pte >> 10 & (1 << 44) - 1) << 12
        if pte & (R | X):
            if base % (1 << 12 + 9 * level):
                raise Fault
            return pte, level, entry, at
        if pte & (A | D | U):
            raise Fault
        table = base
    raise Fault


def permitted(view, pte, access):
    """PR-1."""
    if not pte & A:
        return False
    if view.ring == 3 and not pte & U or view.ring == 0 and pte & U and (access == FETCH or not view.sum):
        return False
    return bool({FETCH: pte & X, LOAD: pte & R or view.mxr and pte & X,
                 STORE: pte & W and pte & D}[access])


def walk(view, gva, access):
    """A Place, wherever it is; or Fault, HostFault."""
    gpa, level, guest = gva, 3, None
    if view.gptbr >> 60 != BARE:
        guest, level, entry, at = guest_leaf(view, gva)
        bits = due_bits(view, guest, access)
        guest |= bits
        if not permitted(view, guest, access):
            raise Fault
        if bits:                                # WK-10
            try:
                due = host_stage(view, entry, STORE)[3]
            except HostFault as f:
                raise HostFault(entry, walk=True, denied=f.denied) from None
            if is_closed(view, at):
                raise HostFault(entry, walk=True, denied=True)
            view.due += [*due, ("guest", at, bits)]
        gpa = (guest >> 10 & (1 << 44) - 1) << 12 | gva % (1 << 12 + 9 * level)
    hpa, host_level, host, due = host_stage(view, gpa, access)
    view.due += due
    return Place(gpa, hpa, min(level, host_level), guest, host, host_level if guest is None else level)


def translate(view, gva, access):
    """The Place in RAM; or Fault, HostFault."""
    place = walk(view, gva, access)
    write_due(view, view.due)                   # WK-11
    if not RAM <= place.hpa < RAM_END:
        raise HostFault(place.gpa, denied=True)
    return place


class Tables:
    """Pages for tables, taken one after the other from `at`; words: what is in them."""

    def __init__(self, at):
        self.at = at
        self.words = {}

    def page(self, n=1):
        """n pages, aligned to their size."""
        self.at = -(-self.at // (4096 * n)) * 4096 * n
        self.at += 4096 * n
        return self.at - 4096 * n

    def root(self, mode, host=False):
        """Value of GPTBR (as a host address) or HPTBR, of an empty table."""
        return mode << 60 | self.page(4 if host else 1) >> 12 if mode else 0

    def map(self, base, va, pa, level, flags, host=False, to_gpa=lambda hpa: hpa):
        """Maps the page of a level; returns the host addresses of its leaf and of the entries above it.

        The tables are at host addresses; to_gpa gives what the entries of a guest's table hold."""
        levels = LEVELS[base >> 60]
        table, path = table_of(base), []
        for n in reversed(range(level, levels)):
            bits = 11 if host and n == levels - 1 else 9
            entry = table + 8 * (va >> 12 + 9 * n & (1 << bits) - 1)
            path.append(entry)
            if n == level:
                self.words[entry] = pa >> 12 << 10 | flags
            elif entry not in self.words:
                below = self.page()
                self.words[entry] = to_gpa(below) >> 12 << 10 | V
                self.words[entry, "table"] = below
            if n != level:
                table = self.words[entry, "table"]
        return path[::-1]

    def memory(self):
        return {k: v for k, v in self.words.items() if isinstance(k, int)}


def outcome(view, gva, access, width=3, reg=0, val=0, filter_pf=False, atomic=0, signed=0):
    """What the access comes to: ("ok", Place), ("exit", cause, qual, addr, gpa, val) or
    ("exception", code, address)."""
    try:
        return "ok", translate(view, gva, access)
    except Fault:
        if filter_pf:
            return ("exit", EXIT["PAGEFAULT"], qual("PAGEFAULT", access=access, exception=PAGE_FAULT[access]), gva, 0,
                    val if access == STORE else 0)
        return "exception", PAGE_FAULT[access], gva
    except HostFault as f:
        details = {} if access == FETCH else dict(width=width, reg=reg, atomic=atomic, signed=signed)
        return ("exit", EXIT["HOSTFAULT"], qual("HOSTFAULT", access=access, walk=int(f.walk), denied=int(f.denied),
                                                **details), gva, f.gpa, val if access == STORE else 0)
