#include "shadow.h"

#include <stddef.h>

enum { ENTRIES = PAGE / 8, ROOT_PAGES = 4, TOP = 2 };

/* In a shadow's table entry, where the hardware ignores it: below are parts of one large
 * page of the guest, which a flush of any address in it concerns. */
#define PTE_PARTS 0x100

static unsigned shift_of(unsigned level)
{
    return PAGE_BITS + 9 * level;
}

/* Of a host stage the root has two index bits more. */
static unsigned index_at(enum view view, uint64_t va, unsigned level)
{
    bool wide = view == VIEW_HOST && level == TOP;

    return va >> shift_of(level) & ((wide ? ROOT_PAGES * ENTRIES : ENTRIES) - 1);
}

static table table_get(struct shadows *s)
{
    uint64_t *t = s->free;

    if (!t)
        return table_new();
    s->free = (uint64_t *)t[0];
    t[0] = 0; /* what clear() left behind is all zero but for this */
    return t;
}

/* Empties a table of n entries and gives back those below it. */
static void clear(struct shadows *s, table t, unsigned level, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        if (level > 0 && t[i]) {
            uint64_t *below = (uint64_t *)PTE_TO_PA(t[i]);

            clear(s, below, level - 1, ENTRIES);
            below[0] = (uintptr_t)s->free;
            s->free = below;
        }
        t[i] = 0;
    }
}

static void clear_all(struct shadows *s, struct shadow *sh)
{
    clear(s, sh->root, TOP, sh->view == VIEW_HOST ? ROOT_PAGES * ENTRIES : ENTRIES);
}

unsigned shadow_of(struct shadows *s, uint64_t base, enum view view, bool *fresh)
{
    struct shadow *sh;

    *fresh = false;
    for (unsigned i = 0; i < SHADOWS; i++)
        if (s->of[i].used && s->of[i].base == base && s->of[i].view == view)
            return i;
    sh = &s->of[s->next];
    s->next = (s->next + 1) % SHADOWS;
    if (sh->used)
        clear_all(s, sh);
    else
        sh->root = pages_new(ROOT_PAGES); /* enough for any view */
    *fresh = sh->used;
    *sh = (struct shadow){.used = true, .base = base, .view = view, .root = sh->root};
    return (unsigned)(sh - s->of);
}

static bool is_bare(const struct shadow *sh)
{
    return sh->base >> 60 == 0;
}

static bool in_range(const struct shadow *sh, uint64_t va)
{
    if (sh->view == VIEW_HOST)
        return va >> (shift_of(TOP + 1) + 2) == 0;
    return (uint64_t)((int64_t)(va << 25) >> 25) == va;
}

/* The guest's leaf for va and its level, in the guest's own terms; 0 if there is none. */
static uint64_t guest_leaf(const struct shadow *sh, uint64_t va, unsigned *level)
{
    uint64_t t = (sh->base & ((1ull << 44) - 1)) << PAGE_BITS;

    *level = 0;
    if (is_bare(sh))
        return PA_TO_PTE(va & ~(PAGE - 1ul)) | PTE_RWX | PTE_U;
    if (!in_range(sh, va))
        return 0;
    for (int l = TOP; l >= 0; l--) {
        uint64_t entry = t + 8 * index_at(sh->view, va, (unsigned)l);
        uint64_t page = gpa_to_hpa(entry & ~(PAGE - 1ul)), pte;

        if (!page)
            return 0;
        pte = *(uint64_t *)(page | (entry & (PAGE - 1)));
        if (!(pte & PTE_V) || ((pte & PTE_W) && !(pte & PTE_R)))
            return 0;
        if (pte & (PTE_R | PTE_X)) {
            *level = (unsigned)l;
            return PTE_TO_PA(pte) & ((1ull << shift_of(*level)) - 1) ? 0 : pte;
        }
        t = PTE_TO_PA(pte);
    }
    return 0;
}

/* May the guest use its leaf so? */
static bool allowed(const struct shadow *sh, uint64_t leaf, const struct attempt *a)
{
    static const uint8_t need[] = {PTE_A | PTE_X, PTE_A | PTE_R, PTE_A | PTE_D | PTE_W};
    uint64_t have = leaf;

    if (sh->view != VIEW_HOST && (a->sstatus & SSTATUS_MXR) && (leaf & PTE_X))
        have |= PTE_R;
    if ((have & need[a->access]) != need[a->access])
        return false;
    if (sh->view == VIEW_HOST || a->user)
        return leaf & PTE_U;
    return is_bare(sh) || !(leaf & PTE_U) ||
           ((a->sstatus & SSTATUS_SUM) && a->access != ACCESS_FETCH);
}

/* What the hardware may do without asking again. The first store to a page whose D is clear
 * is not among it. With the guest's translation off, a page belongs to the ring that asked. */
static uint64_t shadow_flags(const struct shadow *sh, uint64_t leaf, bool user)
{
    uint64_t flags = (leaf & (PTE_R | PTE_X)) | PTE_V | PTE_A | PTE_D;

    if (leaf & PTE_D)
        flags |= leaf & PTE_W;
    if (sh->view != VIEW_RINGS)
        return flags | PTE_U;
    return is_bare(sh) && !user ? flags : flags | (leaf & PTE_U);
}

/* The shadow's entry for va. With make, tables are made where there are none; those below
 * the level of the guest's leaf hold its parts. Else NULL where there is none. */
static uint64_t *shadow_entry(struct shadows *s, const struct shadow *sh, uint64_t va, bool make,
                              unsigned leaf_level)
{
    table t = sh->root;

    for (unsigned level = TOP; level > 0; level--) {
        uint64_t *e = &t[index_at(sh->view, va, level)];

        if (!*e && !make)
            return NULL;
        if (!*e)
            *e = PA_TO_PTE((uintptr_t)table_get(s)) | PTE_V;
        if (level <= leaf_level)
            *e |= PTE_PARTS;
        t = (uint64_t *)PTE_TO_PA(*e);
    }
    return &t[index_at(sh->view, va, 0)];
}

enum shadow_result shadow_fault(struct shadows *s, unsigned number, const struct attempt *a,
                                uint64_t *gpa)
{
    const struct shadow *sh = &s->of[number];
    unsigned level;
    uint64_t leaf = guest_leaf(sh, a->va, &level), hpa;

    if (!leaf || !allowed(sh, leaf, a))
        return SHADOW_GUEST;
    *gpa = PTE_TO_PA(leaf) | (a->va & ((1ull << shift_of(level)) - 1));
    if (is_bare(sh))
        *gpa = a->va;
    hpa = gpa_to_hpa(*gpa & ~(PAGE - 1ul));
    if (!hpa)
        return SHADOW_NO_MEMORY;
    *shadow_entry(s, sh, a->va, true, level) = PA_TO_PTE(hpa) | shadow_flags(sh, leaf, a->user);
    s->fills++;
    return SHADOW_FILLED;
}

/* Entries of global pages go too, which is allowed. */
static bool concerns(const struct shadow *sh, int64_t id)
{
    return sh->used && (id < 0 || is_bare(sh) || (sh->base >> 44 & 0xffff) == (uint64_t)id);
}

/* Drops the page of va, and all of a large page that it is part of. */
static bool flush_page(struct shadows *s, struct shadow *sh, uint64_t va)
{
    table t = sh->root;

    for (unsigned level = TOP; level > 0; level--) {
        uint64_t *e = &t[index_at(sh->view, va, level)];

        if (!*e)
            return true;
        t = (uint64_t *)PTE_TO_PA(*e);
        if (*e & PTE_PARTS) {
            clear(s, t, level - 1, ENTRIES);
            *e &= ~(uint64_t)PTE_PARTS;
            return false;
        }
    }
    t[index_at(sh->view, va, 0)] = 0;
    return true;
}

bool shadow_flush_page(struct shadows *s, uint64_t va, int64_t id)
{
    bool alone = true;

    for (unsigned i = 0; i < SHADOWS; i++)
        if (concerns(&s->of[i], id) && !flush_page(s, &s->of[i], va))
            alone = false;
    return alone;
}

void shadow_flush(struct shadows *s, int64_t id)
{
    for (unsigned i = 0; i < SHADOWS; i++)
        if (concerns(&s->of[i], id))
            clear_all(s, &s->of[i]);
}
