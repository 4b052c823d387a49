/* examples/lib/shadow.c on this machine, against the guest's tables as a walk here reads them.
 *
 * Random tables change, the guest flushes as RISC-V asks it to, accesses are tried. Always:
 * what a shadow maps, the guest's table maps, to the same memory and with no less rights; an
 * access fills the shadow exactly if the guest's table allows it; and a flush of which it was
 * said that no more than one page went has left all others. Arguments: seed, steps. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "console.h"
#include "shadow.h"

enum {
    ROOTS = 4,
    IDS = 3,
    PICKS = 3,
    VAS = PICKS * PICKS * PICKS,
    ENTRIES_OF_TABLE = 512,
    SPAN = 4 << 20
};
enum { LEAVES = PICKS * PICKS, NO_MEMORY = 0x700000 };

/* Guest physical memory from 0 on: tables first, of which each root has a whole tree. */
static uint8_t memory[SPAN] __attribute__((aligned(PAGE)));
static struct shadows shadows;
static const unsigned picks[PICKS] = {0, 1, 511};

struct tree {
    uint64_t root[4 * ENTRIES_OF_TABLE], middle[PICKS][ENTRIES_OF_TABLE],
        leaf[LEAVES][ENTRIES_OF_TABLE];
};

_Noreturn void unexpected(const char *what, uint64_t value)
{
    printf("%s %lx\n", what, value);
    abort();
}

uint64_t gpa_to_hpa(uint64_t gpa)
{
    return gpa < SPAN ? (uintptr_t)memory + gpa : 0;
}

static struct tree *tree(unsigned i)
{
    return (struct tree *)(memory + i * 0x20000);
}

static uint64_t gpa_of(const void *p)
{
    return (uint64_t)((const uint8_t *)p - memory);
}

static enum view view_of(unsigned root)
{
    return (enum view)root;
}

/* Root number i is used with the ASIDs or VMIDs i, i + ROOTS ...: more than there are shadows. */
static uint64_t base_of(unsigned i)
{
    uint64_t id = i + ROOTS * (unsigned)(rand() % IDS);

    return (uint64_t)MODE_SV39 << 60 | id << 44 | gpa_of(tree(i)->root) >> PAGE_BITS;
}

/* The host stage uses the upper half of its 41 bits too. */
static uint64_t va_of(unsigned n, bool host)
{
    uint64_t top = picks[n % PICKS], middle = picks[n / PICKS % PICKS], low = picks[n / LEAVES];
    uint64_t va = top << 30 | middle << 21 | low << 12;

    return host ? va | (top ? 3ull << 39 : 0) : (uint64_t)((int64_t)(va << 25) >> 25);
}

/* What a walk of the guest's tables finds: 0, or a leaf as if it were one of 4 KiB. */
static uint64_t walk(unsigned i, uint64_t va)
{
    const uint64_t *t = tree(i)->root;

    for (int shift = 30; shift >= 12; shift -= 9) {
        unsigned bits = shift == 30 && view_of(i) == VIEW_HOST ? 11 : 9;
        uint64_t pte = t[va >> shift & ((1u << bits) - 1)];

        if (!(pte & PTE_V) || (pte & (PTE_R | PTE_W)) == PTE_W)
            return 0;
        if (pte & (PTE_R | PTE_X)) {
            uint64_t below = (1ull << shift) - 1;

            return PTE_TO_PA(pte) & below ? 0 : pte | PA_TO_PTE(va & below & ~(PAGE - 1ull));
        }
        t = (const uint64_t *)(memory + PTE_TO_PA(pte));
    }
    return 0;
}

static bool may(unsigned i, uint64_t leaf, enum access access, bool user)
{
    uint64_t needs = PTE_V | PTE_A;

    needs |= access == ACCESS_FETCH ? PTE_X : access == ACCESS_LOAD ? PTE_R : PTE_W | PTE_D;
    if ((leaf & needs) != needs)
        return false;
    return view_of(i) == VIEW_HOST || user ? leaf & PTE_U : !(leaf & PTE_U);
}

/* The shadow's leaf, as the hardware finds it. */
static uint64_t shadow_leaf(const struct shadow *sh, uint64_t va)
{
    const uint64_t *t = sh->root;

    for (int shift = 30; shift > 12; shift -= 9) {
        unsigned bits = shift == 30 && sh->view == VIEW_HOST ? 11 : 9;
        uint64_t pte = t[va >> shift & ((1u << bits) - 1)];

        if (!pte)
            return 0;
        assert((pte & 0xff) == PTE_V);
        t = (const uint64_t *)PTE_TO_PA(pte);
    }
    return t[va >> 12 & 511];
}

static unsigned root_of(const struct shadow *sh)
{
    return (sh->base >> 44 & 0xffff) % ROOTS;
}

/* Nothing in a shadow that the guest's tables do not give. */
static void check(void)
{
    for (const struct shadow *sh = shadows.of; sh < shadows.of + SHADOWS; sh++)
        for (unsigned n = 0; sh->used && n < VAS; n++) {
            uint64_t va = va_of(n, sh->view == VIEW_HOST), made = shadow_leaf(sh, va);
            uint64_t leaf = walk(root_of(sh), va);

            if (!made)
                continue;
            assert(leaf && PTE_TO_PA(made) == gpa_to_hpa(PTE_TO_PA(leaf)));
            assert(!(made & ~leaf & (PTE_R | PTE_W | PTE_X)));
            assert(!(made & PTE_W) || (leaf & PTE_D));
            if (sh->view == VIEW_RINGS)
                assert((made & PTE_U) == (leaf & PTE_U));
            else
                assert(made & PTE_U);
        }
}

static uint64_t random_leaf(unsigned size)
{
    static const uint64_t gpas[] = {0x200000, 0x201000, 0x3ff000, NO_MEMORY, 0};
    uint64_t gpa = size ? 0x200000 * (uint64_t)(rand() % 2) : gpas[rand() % 5];

    if (size == 2)
        gpa = 0;
    if (size && rand() % 8 == 0)
        gpa += PAGE; /* not aligned: the guest's mistake */
    return PA_TO_PTE(gpa) | PTE_V | (rand() % 8 ? PTE_A : 0) | (rand() % 4 ? PTE_D : 0) |
           (uint64_t[]){PTE_R, PTE_R | PTE_W, PTE_X, PTE_R | PTE_W | PTE_X, PTE_W}[rand() % 5] |
           (rand() % 3 ? PTE_U : 0);
}

/* Changes one entry of the tree of root i on the way to va. True if a leaf became another
 * one, or came or went: then a flush of any address in it is enough. */
static bool change(unsigned i, unsigned n, uint64_t va)
{
    struct tree *t = tree(i);
    unsigned level = (unsigned)rand() % 3, p = n % PICKS, q = n / PICKS % PICKS;
    unsigned bits = view_of(i) == VIEW_HOST ? 11 : 9;
    uint64_t *e = level == 2   ? &t->root[va >> 30 & ((1u << bits) - 1)]
                  : level == 1 ? &t->middle[p][va >> 21 & 511]
                               : &t->leaf[p * PICKS + q][va >> 12 & 511];
    const void *below = level == 2 ? t->middle[p] : t->leaf[p * PICKS + q];
    uint64_t old = *e;
    unsigned what = (unsigned)rand() % 8;

    *e = what == 0                ? 0
         : level == 0 || what < 3 ? random_leaf(level)
                                  : PA_TO_PTE(gpa_of(below)) | PTE_V;
    return (!old || (old & 0xe)) && (!*e || (*e & 0xe));
}

/* All shadows' leaves. */
static void snapshot(uint64_t leaves[SHADOWS][VAS])
{
    for (unsigned s = 0; s < SHADOWS; s++)
        for (unsigned n = 0; n < VAS; n++) {
            const struct shadow *sh = &shadows.of[s];

            leaves[s][n] = sh->used ? shadow_leaf(sh, va_of(n, sh->view == VIEW_HOST)) : 0;
        }
}

/* Address number n of root i, in each of its ASIDs or in all; or all addresses. */
static void flush(unsigned i, unsigned n, bool one)
{
    static uint64_t before[SHADOWS][VAS], after[SHADOWS][VAS];
    uint64_t va = va_of(n, view_of(i) == VIEW_HOST);
    bool everywhere = rand() % 2, alone = one;

    snapshot(before);
    for (int id = everywhere ? -1 : (int)i; id < (int)(IDS * ROOTS); id += ROOTS) {
        if (!one)
            shadow_flush(&shadows, id);
        else if (!shadow_flush_page(&shadows, va, id))
            alone = false;
        if (everywhere)
            break;
    }
    snapshot(after);
    for (unsigned s = 0; alone && s < SHADOWS; s++)
        for (unsigned m = 0; m < VAS; m++)
            assert(m == n || after[s][m] == before[s][m]);
}

static void try(unsigned i, uint64_t va)
{
    struct attempt a = {.va = va, .access = (enum access)(rand() % 3), .user = rand() % 2};
    enum shadow_result result;
    bool fresh;
    unsigned number;
    uint64_t leaf = walk(i, va), gpa = ~0ull, made;

    if (view_of(i) == VIEW_KERNEL || view_of(i) == VIEW_USER)
        a.user = view_of(i) == VIEW_USER;
    number = shadow_of(&shadows, base_of(i), view_of(i), &fresh);
    result = shadow_fault(&shadows, number, &a, &gpa);
    if (!may(i, leaf, a.access, a.user)) {
        assert(result == SHADOW_GUEST);
        return;
    }
    assert(gpa == PTE_TO_PA(leaf));
    assert(result == (gpa < SPAN ? SHADOW_FILLED : SHADOW_NO_MEMORY));
    made = shadow_leaf(&shadows.of[number], va);
    assert(result != SHADOW_FILLED || (made & (a.access == ACCESS_FETCH  ? PTE_X
                                               : a.access == ACCESS_LOAD ? PTE_R
                                                                         : PTE_W)));
}

int main(int argc, char **argv)
{
    unsigned long steps = argc > 2 ? strtoul(argv[2], NULL, 10) : 0;

    srand(argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 0);
    for (unsigned long s = 0; s < steps; s++) {
        unsigned i = (unsigned)rand() % ROOTS, n = (unsigned)rand() % VAS;
        uint64_t va = va_of(n, view_of(i) == VIEW_HOST);

        if (rand() % 3 == 0)
            flush(i, n, change(i, n, va) && rand() % 4);
        else
            try(i, va);
        check();
    }
    printf("%lu filled\n", shadows.fills);
    return shadows.fills == 0;
}
