/* Sections: bytes are appended, labels and fixups stand at offsets. */
#include "as.h"

#include <elf.h>
#include <string.h>

/* What a section is if nobody says: by the first part of its name. */
static const struct known {
    const char *name;
    uint32_t type;
    uint64_t flags;
} known[] = {
    {".text", SHT_PROGBITS, SHF_ALLOC | SHF_EXECINSTR},
    {".init", SHT_PROGBITS, SHF_ALLOC | SHF_EXECINSTR},
    {".fini", SHT_PROGBITS, SHF_ALLOC | SHF_EXECINSTR},
    {".rodata", SHT_PROGBITS, SHF_ALLOC},
    {".srodata", SHT_PROGBITS, SHF_ALLOC},
    {".data", SHT_PROGBITS, SHF_ALLOC | SHF_WRITE},
    {".sdata", SHT_PROGBITS, SHF_ALLOC | SHF_WRITE},
    {".bss", SHT_NOBITS, SHF_ALLOC | SHF_WRITE},
    {".sbss", SHT_NOBITS, SHF_ALLOC | SHF_WRITE},
    {".init_array", SHT_INIT_ARRAY, SHF_ALLOC | SHF_WRITE},
    {".fini_array", SHT_FINI_ARRAY, SHF_ALLOC | SHF_WRITE},
    {".note", SHT_NOTE, 0},
};

static const struct known *find_known(const char *name)
{
    for (unsigned i = 0; i < COUNT(known); i++) {
        size_t n = strlen(known[i].name);

        if (strncmp(name, known[i].name, n) == 0 && (name[n] == '\0' || name[n] == '.'))
            return &known[i];
    }
    return NULL;
}

struct section *section_get(struct as *as, const char *name, size_t n)
{
    const struct known *k;
    struct section *s;

    s = names_find(&as->section_names, name, n);
    if (s)
        return s;
    if (++as->nsections == MAX_SECTIONS) {
        error_at(as, (struct loc){0}, "there are more than %d sections", MAX_SECTIONS);
        as->stop = true;
    }
    s = arena_alloc(&as->arena, sizeof *s);
    s->name = arena_text(&as->arena, name, n);
    k = find_known(s->name);
    s->type = k ? k->type : SHT_PROGBITS;
    s->flags = k ? k->flags : 0;
    s->align = 1;
    s->unit = as->unit;
    s->symbol = arena_alloc(&as->arena, sizeof *s->symbol);
    *s->symbol = (struct symbol){
        .name = "", .kind = S_LABEL, .section = s, .type = STT_SECTION, .section_symbol = true};
    names_set(&as->section_names, &as->arena, s->name, n, s);
    *as->sections_end = s;
    as->sections_end = &s->next;
    return s;
}

void section_switch(struct as *as, struct section *s)
{
    as->previous = as->section;
    as->section = s;
    if (s->unit != as->unit) {
        /* Another file begins here: on a boundary, as if a linker had put it there. */
        s->unit = as->unit;
        emit_align(as, s->align < 8 && section_loads(s) ? 8 : s->align, false, 0, UINT64_MAX,
                   (struct loc){0});
        s->unit_start = s->size;
    }
}

bool section_loads(const struct section *s)
{
    return s->flags & SHF_ALLOC;
}

void section_mark(struct section *s, uint64_t at, bool code)
{
    if (!(s->flags & SHF_EXECINSTR) || (s->nmarks && s->marks[s->nmarks - 1].code == code))
        return;
    s->marks = grow(s->marks, &s->mark_cap, s->nmarks + 1, sizeof *s->marks);
    s->marks[s->nmarks++] = (struct mark){at, code};
}

/* n zero bytes more, whatever they will be. */
static bool append(struct as *as, uint64_t n, uint8_t **at, struct loc loc)
{
    struct section *s = as->section;

    *at = NULL;
    if (s->type == SHT_NOBITS) {
        if (n > MAX_RESERVED - s->size) {
            error_at(as, loc, "section %s would be larger than %#llx bytes", s->name, MAX_RESERVED);
            return false;
        }
        s->size += n;
        return true;
    }
    if (n > MAX_BYTES - as->bytes) {
        error_at(as, loc,
                 "the sections would have more than %d bytes in the file; use .bss for "
                 "memory without contents",
                 MAX_BYTES);
        as->stop = true;
        return false;
    }
    s->data = grow(s->data, &s->cap, s->size + n ? s->size + n : 1, 1);
    *at = s->data + s->size;
    memset(*at, 0, n);
    s->size += n;
    as->bytes += n;
    return true;
}

bool section_append(struct as *as, uint64_t n, uint8_t **at)
{
    return append(as, n, at, (struct loc){0});
}

static bool room(struct as *as, uint64_t n, bool code, uint8_t **at, struct loc loc)
{
    if (n > 0 && as->section->type != SHT_NOBITS)
        section_mark(as->section, as->section->size, code);
    return append(as, n, at, loc);
}

bool section_room(struct as *as, uint64_t n, uint8_t **at, struct loc loc)
{
    return room(as, n, false, at, loc);
}

static bool put(struct as *as, uint64_t value, unsigned size, bool code, struct loc loc)
{
    uint8_t *at;

    if (!room(as, size, code, &at, loc))
        return false;
    if (!at && value) {
        error_at(as, loc, "section %s has no contents in the file, so only zeros can stand in it",
                 as->section->name);
        return false;
    }
    for (unsigned i = 0; at && i < size; i++)
        at[i] = (uint8_t)(value >> 8 * i);
    return true;
}

bool emit(struct as *as, uint64_t value, unsigned size, struct loc loc)
{
    return put(as, value, size, false, loc);
}

bool emit_code(struct as *as, uint64_t bits, unsigned size, struct loc loc)
{
    return put(as, bits, size, true, loc);
}

/* Code is filled with instructions that do nothing: c.nop where only 2 bytes fit. */
static void fill_code(uint8_t *at, uint64_t n)
{
    const struct isa_insn *nop = &isa_insns[ISA_OP_ADDI], *c_nop = &isa_insns[ISA_OP_C_NOP];
    uint64_t i = n % 2;

    if (n % 4 >= 2) {
        at[i] = (uint8_t)c_nop->match;
        at[i + 1] = (uint8_t)(c_nop->match >> 8);
        i += 2;
    }
    for (; i < n; i += 4)
        for (unsigned b = 0; b < 4; b++)
            at[i + b] = (uint8_t)(nop->match >> 8 * b);
}

bool emit_align(struct as *as, uint64_t align, bool has_fill, int64_t fill, uint64_t most,
                struct loc loc)
{
    struct section *s = as->section;
    uint64_t n = (align - s->size % align) % align;
    bool code = (s->flags & SHF_EXECINSTR) && !has_fill;
    uint8_t *at;

    if (n > most)
        return true;
    if (s->align < align)
        s->align = align;
    if (!room(as, n, code, &at, loc))
        return false;
    if (at && code)
        fill_code(at, n);
    else if (at)
        memset(at, (int)(fill & 0xff), n);
    else if (fill)
        error_at(as, loc, "section %s has no contents in the file, so it is filled with zeros only",
                 s->name);
    return true;
}

struct fixup *add_fixup(struct as *as, enum fixup_kind kind, unsigned size, const struct expr *e,
                        struct loc loc)
{
    struct section *s = as->section;
    struct fixup *f;

    s->fixups = grow(s->fixups, &s->fixup_cap, s->nfixups + 1, sizeof *s->fixups);
    f = &s->fixups[s->nfixups++];
    *f = (struct fixup){
        .at = s->size, .kind = (uint8_t)kind, .size = (uint8_t)size, .expr = e, .loc = loc};
    return f;
}
