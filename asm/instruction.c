/* Which row or pseudo-instruction a statement means, and what to say if it means none. */
#include "as.h"

#include <string.h>

#include "names.h"
#include "suggest.h"

/* Something with this name: a row, or one of the overloads of a pseudo-instruction. */
struct candidate {
    const char *pattern;
    const struct isa_insn *row;
    const struct isa_pseudo *pseudo;
};

static const struct isa_insn *find_row(const char *s, size_t n)
{
    for (unsigned i = ISA_OP_ILLEGAL + 1; i < ISA_OPS; i++)
        if (same_word(s, n, isa_insns[i].name))
            return &isa_insns[i];
    return NULL;
}

/* The row, and the .aq and .rl behind its name. */
static const struct isa_insn *find_ordered(const char *s, size_t n, unsigned *ordering)
{
    static const struct {
        const char *suffix;
        unsigned ordering;
    } table[] = {{".aqrl", ORDER_AQ | ORDER_RL}, {".aq", ORDER_AQ}, {".rl", ORDER_RL}};
    const struct isa_insn *row = find_row(s, n);

    *ordering = 0;
    for (unsigned i = 0; !row && i < COUNT(table); i++) {
        size_t k = strlen(table[i].suffix);

        if (n <= k || !same_word(s + n - k, k, table[i].suffix))
            continue;
        row = find_row(s, n - k);
        if (row && !isa_field(row, ISA_FIELD_AQ))
            row = NULL;
        *ordering = table[i].ordering;
        break;
    }
    return row;
}

static void unknown_instruction(struct as *as, const char *s, size_t n, struct loc loc)
{
    struct suggest near;
    const char *name;

    suggest_start(&near, s, n);
    for (unsigned i = ISA_OP_ILLEGAL + 1; i < ISA_OPS; i++)
        suggest_try(&near, isa_insns[i].name);
    for (unsigned i = 0; i < isa_pseudo_count; i++)
        suggest_try(&near, isa_pseudos[i].name);
    for (struct macro *m = as->all_macros; (name = next_macro_name(&m));)
        suggest_try(&near, name);
    if (*near.best)
        error_at(as, loc, "unknown instruction '%.*s'; did you mean '%s'?", (int)n, s, near.best);
    else
        error_at(as, loc, "unknown instruction '%.*s'", (int)(n < 60 ? n : 60), s);
}

static void slot_words(const char *slot, char *out, size_t size)
{
    static const struct {
        const char *slot, *words;
    } table[] = {{"rd", "a register"},
                 {"rd?", "a register"},
                 {"rs1", "a register"},
                 {"rs2", "a register"},
                 {"sp", "the register sp"},
                 {"imm", "a number"},
                 {"uimm", "a number"},
                 {"imm20", "a number"},
                 {"label", "a label"},
                 {"symbol", "a symbol"},
                 {"csr", "a CSR"},
                 {"cr", "a control register"},
                 {"(rs1)", "(register)"},
                 {"imm(rs1)", "offset(register)"},
                 {"uimm(rs1)", "offset(register)"},
                 {"uimm(sp)", "offset(sp)"}};

    snprintf(out, size, "%s", slot);
    for (unsigned i = 0; i < COUNT(table); i++)
        if (strcmp(table[i].slot, slot) == 0)
            snprintf(out, size, "%s", table[i].words);
}

/* The pattern as the user should write it. */
static void usage(const struct candidate *c, char *out, size_t size)
{
    const char *name = c->row ? c->row->name : c->pseudo->name;
    char slot[32];

    if (strcmp(c->pattern, "fence") == 0) {
        snprintf(out, size, "%s iorw, iorw", name);
        return;
    }
    snprintf(out, size, "%s", name);
    for (unsigned i = 0; pattern_slot(c->pattern, i, slot, sizeof slot); i++)
        snprintf(out + strlen(out), size - strlen(out), "%s%s", i ? ", " : " ",
                 strcmp(slot, "rd?") == 0 ? "[rd]" : slot);
}

static void suggest_register(const struct operand *op, struct suggest *near)
{
    near->best[0] = '\0';
    if (!op->name)
        return;
    suggest_start(near, op->name, op->name_len);
    for (unsigned i = 0; i < REGISTERS; i++)
        suggest_try(near, reg_name(i, false));
    for (unsigned i = 0; i < REGISTERS; i++)
        suggest_try(near, reg_name(i, true));
}

static void wrong_operand(struct as *as, const struct candidate *c, const struct operand *op,
                          unsigned bad)
{
    char slot[32] = "", words[64], text[160];
    struct suggest near = {.best = ""};
    const char *start = op->loc.source->text + op->loc.at;
    int n = (int)(op->loc.len < 40 ? op->loc.len : 40);

    usage(c, text, sizeof text);
    pattern_slot(c->pattern, bad, slot, sizeof slot);
    slot_words(slot, words, sizeof words);
    if (strncmp(slot, "r", 1) == 0 && op->kind == O_EXPR)
        suggest_register(op, &near);
    if (strcmp(slot, "rd") == 0 && op->kind == O_FREG)
        snprintf(words, sizeof words, "an integer register");
    if (*near.best)
        error_at(as, op->loc, "expected %s, found '%.*s'; did you mean '%s'?", words, n, start,
                 near.best);
    else
        error_at(as, op->loc, "expected %s, found '%.*s' (the form is '%s')", words, n, start,
                 text);
}

/* No candidate fits: the one that fits best says what is wrong. */
static void no_candidate(struct as *as, const struct candidate *all, unsigned n,
                         const struct operand *ops, unsigned nops, struct loc loc)
{
    unsigned best = 0, best_bad = 0, bad;
    bool best_count = false;
    char text[600] = "", form[160];

    for (unsigned i = 0; i < n; i++) {
        unsigned slots = 0;
        char slot[32];
        bool count;

        while (pattern_slot(all[i].pattern, slots, slot, sizeof slot))
            slots++;
        count = slots == nops;
        match_operands(all[i].pattern, ops, nops, &bad);
        if (i == 0 || count > best_count || (count == best_count && bad > best_bad)) {
            best = i;
            best_bad = bad;
            best_count = count;
        }
        usage(&all[i], form, sizeof form);
        if (strlen(text) < 200)
            snprintf(text + strlen(text), sizeof text - strlen(text), "%s'%s'", *text ? " or " : "",
                     form);
    }
    if (best_count && best_bad < nops)
        wrong_operand(as, &all[best], &ops[best_bad], best_bad);
    else
        error_at(as, nops > best_bad ? ops[best_bad].loc : loc,
                 "wrong number of operands: %u; the form is %s", nops, text);
}

enum { CANDIDATES = 16 };

void instruction(struct as *as, const char *name, size_t n, struct loc loc)
{
    struct candidate all[CANDIDATES];
    struct operand ops[OPERANDS];
    unsigned count = 0, nops, ordering, bad;
    const struct isa_insn *row = find_ordered(name, n, &ordering);

    if (same_word(name, n, "fence.tso")) {
        fence_tso(as, loc);
        return;
    }
    if (row)
        all[count++] = (struct candidate){row->operands, row, NULL};
    for (unsigned i = 0; i < isa_pseudo_count && count < CANDIDATES; i++)
        if (same_word(name, n, isa_pseudos[i].name))
            all[count++] = (struct candidate){isa_pseudos[i].operands, NULL, &isa_pseudos[i]};
    if (count == 0) {
        unknown_instruction(as, name, n, loc);
        return;
    }
    if (!parse_operands(as, ops, &nops))
        return;
    for (unsigned i = 0; i < count; i++)
        if (match_operands(all[i].pattern, ops, nops, &bad)) {
            if (all[i].row)
                encode(as, row, ops, nops, ordering, loc);
            else
                pseudo(as, all[i].pseudo, ops, nops, loc);
            return;
        }
    no_candidate(as, all, count, ops, nops, loc);
}
