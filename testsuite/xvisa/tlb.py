"""The combined TLB's second level and the walk cache, as the manual tells them (rules TL-1 to
TL-13, WC-1 to WC-3, FL-2 to FL-5). L1 is left out: it shows in timing alone."""

from dataclasses import dataclass

from xvisa import nested
from xvisa.asm import CONST
from xvisa.nested import FETCH, STORE, A, D, R, W, X

ASIDS, VMIDS = (1 << CONST["ASID_BITS"]) - 1, (1 << CONST["VMID_BITS"]) - 1


@dataclass(eq=False)
class Entry:
    v: bool
    vmid: int
    on: bool                 # the guest stage (with V=0: satp)
    asid: int
    level: int
    vpn: int                 # the first page that it covers
    gpa: int
    hpa: int                 # of the first byte
    guest: int               # leaf of the guest stage, None if it is bare
    host: int
    leaf: int                # level of the guest stage's leaf; if it is bare, of the host's

    @property
    def g(self):
        return bool(self.guest is not None and self.guest & nested.G)

    def covers(self, va):
        return va >> 12 >> 9 * self.level == self.vpn >> 9 * self.level

    def of_leaf_at(self, va):
        """FL-3: was this made from the leaf that holds the address?"""
        return va >> 12 >> 9 * self.leaf == self.vpn >> 9 * self.leaf


class WalkCache:
    def __init__(self, size):
        self.slots, self.next = [None] * size, 0

    def of(self, vmid):
        """The view of one VM: what nested.View.cache wants."""
        cache = self

        class Own:
            def get(self, gpn):
                for s in cache.slots:
                    if s and s[:2] == (vmid, gpn):
                        return s[2]
                return None

            def put(self, gpn, hpn):
                if cache.slots:
                    cache.slots[cache.next] = (vmid, gpn, hpn)
                    cache.next = (cache.next + 1) % len(cache.slots)
        return Own()

    def flush(self, vmid=None):
        self.slots = [s if s and vmid is not None and s[0] != vmid else None for s in self.slots]


class Side:
    """One TLB (of fetches, or of data) with its walk cache."""

    def __init__(self, entries=CONST["TLB_L2"], ways=CONST["TLB_L2_WAYS"], walk_cache=CONST["WALK_CACHE"]):
        self.sets = entries // ways
        self.ways = [[None] * ways for _ in range(self.sets)]
        self.pointer = [0] * self.sets
        self.walks = WalkCache(walk_cache)
        self.misses = 0                 # of the last access

    def find(self, v, vmid, on, asid, va):
        """TL-4, TL-6."""
        for level in range(4):
            for e in self.ways[(va >> 12 + 9 * level) % self.sets]:
                if e and e.level == level and (e.v, e.vmid, e.on) == (v, vmid, on) and \
                        (e.asid == asid or e.g) and e.covers(va):
                    return e
        return None

    def fill(self, e):
        """TL-9."""
        n = (e.vpn >> 9 * e.level) % self.sets
        if None in self.ways[n]:
            self.ways[n][self.ways[n].index(None)] = e
            return
        self.ways[n][self.pointer[n]] = e
        self.pointer[n] = (self.pointer[n] + 1) % len(self.ways[n])

    def drop(self, which):
        self.ways = [[None if e and which(e) else e for e in s] for s in self.ways]

    def access(self, view, va, access, v=True):
        """The Place that the access reaches, stale or not; or Fault, HostFault. Sets misses."""
        self.misses = 0
        if view.gptbr >> 60 == nested.BARE and view.hptbr >> 60 == nested.BARE:
            return nested.translate(view, va, access)
        on = view.gptbr >> 60 != nested.BARE
        vmid = view.hptbr >> 44 & VMIDS if v else 0
        asid = view.gptbr >> 44 & ASIDS if on else 0
        e = self.find(v, vmid, on, asid, va)
        if e and not permits(view, e, access):
            self.drop(lambda other: other is e)
            e = None
        if not e:
            self.misses = 1
            view.cache = self.walks.of(vmid) if v else None
            place = nested.walk(view, va, access)
            span = 1 << 12 + 9 * place.level
            e = Entry(v, vmid, on, asid, place.level, va // span * (span >> 12), place.gpa // span * span,
                      place.hpa // span * span, place.guest, place.host, place.leaf)
            self.fill(e)
        offset = va % (1 << 12 + 9 * e.level)
        if not nested.RAM <= e.hpa + offset < nested.RAM_END:
            raise nested.HostFault(e.gpa + offset, denied=True)
        return nested.Place(e.gpa + offset, e.hpa + offset, e.level, e.guest, e.host, e.leaf)

    # Flushes (FL-2, FL-3)
    def flush_all(self):
        self.drop(lambda e: True)
        self.walks.flush()

    def flush_vm(self, vmid):
        self.drop(lambda e: e.v and e.vmid == vmid & VMIDS)
        self.walks.flush(vmid & VMIDS)

    def flush(self, v, vmid, asid=None, va=None):
        """Of one VM, or with V=0 of the host: asid, va None: any."""
        def which(e):
            if e.v != v or v and e.vmid != vmid:
                return False
            if asid is not None and (e.g or e.asid != asid & ASIDS):
                return False
            return va is None or e.of_leaf_at(va)
        self.drop(which)


def permits(view, e, access):
    """TL-7: do the rights that the entry keeps allow this access now?"""
    if e.guest is not None and not nested.permitted(view, e.guest, access):
        return False
    needs = {FETCH: X, nested.LOAD: R, STORE: W | D}[access] | A
    return e.host is None or e.host & needs == needs
