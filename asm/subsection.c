/* Subsections: `.text 2` and its kin. Each is a section of its own while its file is read, so that
 * every label has its offset when it is met; at the end of the file they stand behind each other in
 * the order of their numbers. Labels follow when they are looked at (symbol_settle). */
#include "as.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 8192 }; /* the largest number, as in the GNU assembler */

struct section *subsection_get(struct as *as, struct section *of, int64_t number, struct loc loc)
{
    char key[24];
    int n = snprintf(key, sizeof key, "%lld", (long long)number);
    struct section *s;

    if (number == 0)
        return of;
    if (number < 0 || number > MOST) {
        error_at(as, loc, "subsection %lld, expected 0 to %d", (long long)number, MOST);
        return NULL;
    }
    s = names_find(&of->by_number, key, (size_t)n);
    if (s)
        return s;
    s = arena_alloc(&as->arena, sizeof *s);
    *s = (struct section){.name = of->name,
                          .type = of->type,
                          .flags = of->flags,
                          .align = 1,
                          .unit = as->unit,
                          .parent = of,
                          .number = (unsigned)number,
                          .symbol = of->symbol};
    names_set(&of->by_number, &as->arena, arena_text(&as->arena, key, (size_t)n), (size_t)n, s);
    s->next = of->subsections;
    of->subsections = s;
    as->split = true;
    return s;
}

void symbol_settle(struct symbol *s)
{
    while (s->kind == S_LABEL && s->section->parent && s->section->merged) {
        s->value += (int64_t)s->section->base;
        s->section = s->section->parent;
    }
}

static int by_number(const void *a, const void *b)
{
    const struct section *x = *(struct section *const *)a, *y = *(struct section *const *)b;

    return x->number < y->number ? -1 : x->number > y->number;
}

/* What refers to offsets in s, now in its parent. */
static void move_contents(struct section *s)
{
    struct section *p = s->parent;

    for (size_t i = 0; i < s->nfixups; i++) {
        p->fixups = grow(p->fixups, &p->fixup_cap, p->nfixups + 1, sizeof *p->fixups);
        s->fixups[i].at += s->base;
        p->fixups[p->nfixups++] = s->fixups[i];
    }
    for (size_t i = 0; i < s->nmarks; i++)
        section_mark(p, s->base + s->marks[i].at, s->marks[i].code);
    free(s->fixups);
    free(s->marks);
    free(s->data);
    s->fixups = NULL;
    s->marks = NULL;
    s->data = NULL;
}

/* Puts s behind what its parent has, at its own alignment; code at the least that code needs. */
static bool append_subsection(struct as *as, struct section *s)
{
    struct section *p = s->parent;
    uint64_t align = s->align < 2 && s->nmarks > 0 ? 2 : s->align;
    uint8_t *at;

    section_switch(as, p);
    if (!emit_align(as, align, false, 0, UINT64_MAX, (struct loc){0}))
        return false;
    s->base = p->size;
    s->merged = true;
    as->bytes -= s->data ? s->size : 0; /* section_room counts them again */
    if (!section_append(as, s->size, &at))
        return false;
    if (at && s->size)
        memcpy(at, s->data, s->size);
    move_contents(s);
    return true;
}

static void merge(struct as *as, struct section *of)
{
    struct section **all = NULL;
    size_t n = 0, cap = 0;

    for (struct section *s = of->subsections; s; s = s->next) {
        all = grow(all, &cap, n + 1, sizeof *all);
        all[n++] = s;
    }
    if (n > 1)
        qsort(all, n, sizeof *all, by_number);
    for (size_t i = 0; i < n && append_subsection(as, all[i]); i++)
        ;
    free(all);
    of->subsections = NULL;
    names_clear(&of->by_number);
}

void merge_subsections(struct as *as)
{
    if (!as->split)
        return;
    for (struct section *s = as->sections; s; s = s->next)
        if (s->subsections)
            merge(as, s);
    for (struct symbol *s = *as->unit_symbols; s; s = s->all)
        symbol_settle(s);
    for (size_t i = 0; i < as->nlisted; i++) {
        struct listed *l = &as->listed[i];

        if (l->section->parent && l->section->merged) {
            l->at += l->section->base;
            l->section = l->section->parent;
        }
    }
    as->split = false;
}
