/* Places of a run (where.h). */
#define _POSIX_C_SOURCE 200809L

#include "where.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "suggest.h"
#include "config/config.h"
#include "text.h"

static void suggest_all(struct suggest *near, const struct image_file *files, size_t n)
{
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < files[i].symbols.n; k++)
            suggest_try(near, files[i].symbols.all[k].name);
}

static bool no_symbol(const struct image *im, const char *name, char *err, size_t n)
{
    struct suggest near;
    char best[4 * sizeof near.best];

    suggest_start(&near, name, strlen(name));
    suggest_all(&near, im->files, im->nfiles);
    suggest_all(&near, im->guests, im->nguests);
    text_escape(best, sizeof best, near.best, "");
    if (best[0])
        snprintf(err, n, "no symbol '%s': did you mean '%s'?", name, best);
    else
        snprintf(err, n, "no symbol '%s'", name);
    return false;
}

static bool is_number(const char *text)
{
    return text[0] >= '0' && text[0] <= '9';
}

/* Takes "SEPARATOR NUMBER" off the end of text, if that is there. */
static bool take_number(char *text, char separator, uint64_t *value)
{
    char *at = strrchr(text, separator), why[80];

    if (!at || at == text || !is_number(at + 1) || !config_number(at + 1, value, why, sizeof why))
        return false;
    *at = 0;
    return true;
}

static bool find(struct where_address *a, const uint16_t *vmid, const char *name)
{
    struct image_found f;

    if (!image_find(a->image, name, a->one_vm ? &a->vmid : vmid, &f))
        return false;
    a->addr = f.symbol->addr;
    a->pa = f.pa;
    a->guest = f.guest;
    return true;
}

static bool take_vmid(struct where_address *a, char *text, char *err, size_t n)
{
    uint64_t vmid;

    if (!take_number(text, '@', &vmid))
        return true;
    a->one_vm = true;
    a->vmid = (uint16_t)vmid;
    if (vmid >> ISA_VMID_BITS == 0)
        return true;
    snprintf(err, n, "%llu is not a VMID: it has %d bits", (unsigned long long)vmid, ISA_VMID_BITS);
    return false;
}

/* A symbol's own name may look like one with an offset or a VM: it comes first. */
static bool parse_address(struct where_address *a, const uint16_t *vmid, char *text, char *err,
                          size_t n)
{
    uint64_t offset = 0;

    if (find(a, vmid, text))
        return true;
    if (!take_vmid(a, text, err, n))
        return false;
    if (is_number(text))
        return config_number(text, &a->addr, err, n);
    if (!find(a, vmid, text) && !(take_number(text, '+', &offset) && find(a, vmid, text)))
        return no_symbol(a->image, text, err, n);
    a->addr += offset;
    a->pa += a->pa ? offset : 0;
    return true;
}

bool where_address(struct where_address *a, const struct image *im, const uint16_t *vmid,
                   const char *text, char *err, size_t n)
{
    char *copy = strdup(text);
    bool ok = false;

    *a = (struct where_address){.image = im};
    if (copy)
        ok = parse_address(a, vmid, copy, err, n);
    else
        snprintf(err, n, "out of memory");
    free(copy);
    return ok;
}

/* "marker" or "marker:N" */
static bool parse_marker(struct machine_break *b, const char *where, char *err, size_t n)
{
    const char *number = where + strlen("marker");
    uint64_t value;

    *b = (struct machine_break){.kind = BREAK_MARKER, .first = INT_MIN, .last = INT_MAX};
    if (!*number)
        return true;
    if (!config_number(number + 1, &value, err, n))
        return false;
    b->first = b->last = value > INT_MAX ? INT_MAX : (int)value;
    return true;
}

static bool in_vm(const void *where, uint16_t vmid)
{
    const struct where_address *a = where;

    if (a->one_vm)
        return a->vmid == vmid;
    return image_names_vm(a->image, a->guest, vmid);
}

static bool parse_symbol(struct where *w, const struct image *im, const char *text, char *err,
                         size_t n)
{
    if (!where_address(&w->at, im, NULL, text, err, n))
        return false;
    w->what.kind = w->at.pa ? BREAK_PHYSICAL : BREAK_VIRTUAL;
    w->what.addr = w->at.pa ? w->at.pa : w->at.addr;
    w->what.in_vm = w->at.one_vm || w->at.guest ? in_vm : NULL;
    if (w->at.pa || w->what.in_vm)
        return true;
    snprintf(err, n, "the symbol '%s' is no place in a loaded file", text);
    return false;
}

bool where_parse(struct where *w, const struct image *im, const char *text, char *err, size_t n)
{
    *w = (struct where){.kind = WHERE_BREAK};
    if (is_number(text) && !strchr(text, '@')) {
        w->kind = WHERE_COUNT;
        return config_number(text, &w->count, err, n);
    }
    if (strncmp(text, "marker", 6) == 0 && (!text[6] || text[6] == ':'))
        return parse_marker(&w->what, text, err, n);
    return parse_symbol(w, im, text, err, n);
}

void where_break(struct where *w, struct machine *m)
{
    w->what.user = &w->at;
    machine_break_set(m, &w->what);
}
