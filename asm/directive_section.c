/* Directives that choose a section, and those about the file as a whole. */
#include "as.h"

#include <elf.h>
#include <string.h>

#include "suggest.h"

/* Goes on in the subsection that the statement ends with; without a number, if it may be left
 * out, in subsection 0. */
static void switch_part(struct as *as, struct section *s, struct loc loc, bool optional)
{
    int64_t n = 0;

    if (!(optional && as->t->kind == T_END) && !parse_constant(as, "the subsection", &n))
        return;
    if (end_of_statement(as) && (s = subsection_get(as, s, n, loc)))
        section_switch(as, s);
}

static void plain_section(struct as *as, int which, struct loc loc)
{
    static const char *const names[] = {".text", ".data", ".bss", ".rodata"};
    struct section *s = section_get(as, names[which], strlen(names[which]));

    switch_part(as, s, loc, true);
}

/* .subsection N: of the section where we are. */
static void subsection_directive(struct as *as, int arg, struct loc loc)
{
    struct section *s = as->section;

    (void)arg;
    switch_part(as, s->parent ? s->parent : s, loc, false);
}

/* "awx" to SHF_*; false after an error. */
static bool section_flags(struct as *as, uint64_t *flags, bool *entsize)
{
    struct loc loc = token_loc(as, as->t);
    const char *s;
    size_t n;

    if (!want_string(as, &s, &n))
        return false;
    *flags = 0;
    for (size_t i = 0; i < n; i++) {
        switch (s[i]) {
        case 'a': *flags |= SHF_ALLOC; break;
        case 'w': *flags |= SHF_WRITE; break;
        case 'x': *flags |= SHF_EXECINSTR; break;
        case 'M': *flags |= SHF_MERGE; break;
        case 'S': *flags |= SHF_STRINGS; break;
        case 'T': *flags |= SHF_TLS; break;
        default:
            error_at(as, loc, "unknown section flag '%c', expected a, w, x, M, S or T", s[i]);
            return false;
        }
    }
    *entsize = *flags & SHF_MERGE;
    return true;
}

/* @progbits and the like; `%` and quotes serve as well. */
static bool section_type(struct as *as, uint32_t *type)
{
    static const struct {
        const char *name;
        uint32_t type;
    } types[] = {{"progbits", SHT_PROGBITS},
                 {"nobits", SHT_NOBITS},
                 {"note", SHT_NOTE},
                 {"init_array", SHT_INIT_ARRAY},
                 {"fini_array", SHT_FINI_ARRAY},
                 {"preinit_array", SHT_PREINIT_ARRAY}};
    const char *name;
    size_t n;

    if (!take_op(as, '@'))
        take_op(as, '%');
    if (!want_name(as, &name, &n, "a section type such as @progbits"))
        return false;
    for (unsigned i = 0; i < COUNT(types); i++)
        if (same_word(name, n, types[i].name)) {
            *type = types[i].type;
            return true;
        }
    error_at(as, token_loc(as, as->t - 1),
             "unknown section type, expected @progbits, @nobits, "
             "@note, @init_array or @fini_array");
    return false;
}

static void change_section(struct as *as, struct section *s, uint32_t type, uint64_t flags,
                           struct loc loc)
{
    if (s->size > 0 && (s->flags != flags || s->type != type)) {
        warn_at(as, loc, "section %s was begun with other flags or another type, which stay",
                s->name);
        return;
    }
    s->type = type;
    s->flags = flags;
}

/* In quotes, or as GNU's: whatever stands up to a space or a comma, as in .note.GNU-stack.
 * Quotes within are no part of it. */
static bool section_name(struct as *as, const char **name, size_t *n)
{
    const char *end;

    if (as->t->kind == T_STRING)
        return want_name(as, name, n, "a section's name");
    *name = end = as->t->s;
    while (as->t->kind != T_END && !is_op(as, ',') && as->t->s == end && *end != '"' &&
           *end != '\'') {
        end += as->t->n;
        as->t++;
    }
    *n = (size_t)(end - *name);
    if (*n == 0)
        unexpected(as, "a section's name");
    return *n != 0;
}

static void section_directive(struct as *as, int push, struct loc loc)
{
    const char *name;
    size_t n;
    uint32_t type;
    uint64_t flags;
    int64_t entsize = 0, part = 0;
    bool has_entsize = false, given = false;
    struct section *s;

    if (!section_name(as, &name, &n))
        return;
    s = section_get(as, name, n);
    type = s->type;
    flags = s->flags;
    if (push && is_op(as, ',') && as->t[1].kind != T_STRING) {
        as->t++;
        if (!parse_constant(as, "the subsection", &part))
            return;
    }
    if (take_op(as, ',')) {
        given = true;
        if (!section_flags(as, &flags, &has_entsize))
            return;
        if (take_op(as, ',')) {
            if (!section_type(as, &type))
                return;
            if (has_entsize && take_op(as, ',') &&
                !parse_constant(as, "the size of an entry", &entsize))
                return;
        }
    }
    if (!end_of_statement(as))
        return;
    if (given)
        change_section(as, s, type, flags, loc);
    if (entsize > 0)
        s->entsize = (uint64_t)entsize;
    if (push && as->npushed == COUNT(as->pushed)) {
        error_at(as, loc, ".pushsection is nested deeper than %zu levels", COUNT(as->pushed));
        return;
    }
    s = subsection_get(as, s, part, loc);
    if (!s)
        return;
    if (push) {
        as->pushed[as->npushed][0] = as->section;
        as->pushed[as->npushed++][1] = as->previous;
    }
    section_switch(as, s);
}

static void popsection_directive(struct as *as, int arg, struct loc loc)
{
    (void)arg;
    if (!end_of_statement(as))
        return;
    if (as->npushed == 0) {
        error_at(as, loc, ".popsection without a .pushsection");
        return;
    }
    section_switch(as, as->pushed[--as->npushed][0]);
    as->previous = as->pushed[as->npushed][1];
}

static void previous_directive(struct as *as, int arg, struct loc loc)
{
    (void)arg;
    if (!end_of_statement(as))
        return;
    if (as->previous)
        section_switch(as, as->previous);
    else
        error_at(as, loc, "there is no section before this one");
}

static void option_directive(struct as *as, int arg, struct loc loc)
{
    static const char *const known[] = {"rvc",       "norvc",        "push", "pop",
                                        "relax",     "norelax",      "pic",  "nopic",
                                        "csr-check", "no-csr-check", "arch"};
    const char *name;
    size_t n;

    (void)arg;
    (void)loc;
    if (!want_name(as, &name, &n, "an option"))
        return;
    for (unsigned i = 0; i < COUNT(known); i++)
        if (same_word(name, n, known[i]))
            return; /* nothing is compressed or relaxed whatever it says */
    warn_at(as, token_loc(as, as->t - 1), "unknown option '%.*s' is ignored",
            (int)(n < 40 ? n : 40), name);
}

static void attribute_directive(struct as *as, int arg, struct loc loc)
{
    const char *name, *text;
    size_t n, len;
    int64_t value, tag = -1;
    bool arch, stack;

    (void)arg;
    if (as->t->kind == T_NUMBER) {
        tag = (int64_t)as->t->value;
        name = as->t->s;
        n = as->t->n;
        as->t++;
    } else if (!want_name(as, &name, &n, "an attribute")) {
        return;
    }
    if (!want_op(as, ',', NULL))
        return;
    arch = tag == 5 || same_word(name, n, "arch") || same_word(name, n, "tag_riscv_arch");
    stack = tag == 4 || same_word(name, n, "stack_align") ||
            same_word(name, n, "tag_riscv_stack_align");
    if (as->t->kind == T_STRING) {
        if (!want_string(as, &text, &len) || !end_of_statement(as))
            return;
        if (arch && (len >= sizeof as->attributes.arch || memchr(text, 0, len)))
            error_at(as, loc, "an architecture string has at most %zu characters",
                     sizeof as->attributes.arch - 1);
        else if (arch)
            snprintf(as->attributes.arch, sizeof as->attributes.arch, "%s", text);
    } else if (parse_constant(as, "the value", &value) && end_of_statement(as) && stack) {
        as->attributes.stack_align = (unsigned)value & 0xffff;
    }
}

static void file_directive(struct as *as, int arg, struct loc loc)
{
    const char *name;
    size_t n;

    (void)arg;
    (void)loc;
    if (as->t->kind == T_NUMBER)
        return; /* a file of line numbers, which are not kept */
    if (want_string(as, &name, &n) && end_of_statement(as) &&
        as->nfile_symbols < COUNT(as->file_symbol) && !memchr(name, 0, n))
        as->file_symbol[as->nfile_symbols++] = name;
}

static void ident_directive(struct as *as, int arg, struct loc loc)
{
    struct section *s = as->section, *previous = as->previous;
    struct section *comment = section_get(as, ".comment", 8);
    const char *text;
    uint8_t *at;
    size_t n;

    (void)arg;
    if (!want_string(as, &text, &n) || !end_of_statement(as))
        return;
    comment->flags = SHF_MERGE | SHF_STRINGS;
    comment->entsize = 1;
    section_switch(as, comment);
    if (section_room(as, n + 1 + (comment->size == 0), &at, loc) && at)
        memcpy(at + (comment->size == n + 2), text, n);
    section_switch(as, s);
    as->previous = previous;
}

/* Accepted, and without a meaning here. */
static void ignored_directive(struct as *as, int arg, struct loc loc)
{
    (void)as;
    (void)arg;
    (void)loc;
}

const struct directive section_directives[] = {
    {".text", plain_section, 0},
    {".data", plain_section, 1},
    {".bss", plain_section, 2},
    {".rodata", plain_section, 3},
    {".subsection", subsection_directive, 0},
    {".section", section_directive, false},
    {".pushsection", section_directive, true},
    {".popsection", popsection_directive, 0},
    {".previous", previous_directive, 0},
    {".insn", insn_directive, 0},
    {".option", option_directive, 0},
    {".attribute", attribute_directive, 0},
    {".file", file_directive, 0},
    {".ident", ident_directive, 0},
    {".loc", ignored_directive, 0},
    {".cfi_sections", ignored_directive, 0},
    {".cfi_startproc", ignored_directive, 0},
    {".cfi_endproc", ignored_directive, 0},
    {".cfi_def_cfa", ignored_directive, 0},
    {".cfi_def_cfa_offset", ignored_directive, 0},
    {".cfi_def_cfa_register", ignored_directive, 0},
    {".cfi_adjust_cfa_offset", ignored_directive, 0},
    {".cfi_offset", ignored_directive, 0},
    {".cfi_rel_offset", ignored_directive, 0},
    {".cfi_restore", ignored_directive, 0},
    {".cfi_same_value", ignored_directive, 0},
    {".cfi_undefined", ignored_directive, 0},
    {".cfi_register", ignored_directive, 0},
    {".cfi_remember_state", ignored_directive, 0},
    {".cfi_restore_state", ignored_directive, 0},
    {".cfi_return_column", ignored_directive, 0},
    {".cfi_signal_frame", ignored_directive, 0},
    {".cfi_personality", ignored_directive, 0},
    {".cfi_lsda", ignored_directive, 0},
    {".cfi_escape", ignored_directive, 0},
    {NULL, NULL, 0},
};
