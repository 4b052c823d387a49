/* visa-as from the inside: what its files share.
 *
 * A source is text with a name. Statements are read from a stack of sources (files,
 * macros, repetitions), one line at a time, and append bytes to sections at once:
 * no instruction changes its size later, so every label has its offset where the label is
 * read. What an expression cannot say yet becomes a fixup, which is settled when all
 * is read: layout.c gives addresses, fixup.c fills in values or makes relocations,
 * output.c writes the ELF file.
 *
 * Functions that return bool have reported the error when they return false. */
#ifndef ASM_AS_H
#define ASM_AS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "isa.h"
#include "util.h"

struct symbol;
struct macro;

/* --- Tables of names (table.c) ---------------------------------------------------- */

struct names {
    struct name_entry **buckets;
    size_t nbuckets, count;
    bool any_case; /* Name and NAME are one */
};

void *names_find(const struct names *t, const char *s, size_t n); /* NULL: none */
/* Another value for a name that is there already. The name is not copied. */
void names_set(struct names *t, struct arena *arena, const char *s, size_t n, void *value);
void names_clear(struct names *t); /* the entries stay in the arena */

/* --- Sources and places in them (source.c, diag.c) ------------------------------- */

struct loc {
    const struct source *source; /* NULL: no place, the command line */
    uint32_t at, len;
};

struct source {
    const char *name; /* of the file, as given */
    const char *text; /* comments blanked out, newline at the end */
    const char *raw;  /* as written, same length */
    uint32_t size;
    unsigned first_line;
    unsigned period;   /* lines after which first_line comes again (.irp), 0: never */
    struct loc origin; /* where the file was included, or the macro used */
    const char *what;  /* "macro 'm'", ".rept"; NULL for a file */
    bool is_macro;
};

struct frame {
    const struct source *source;
    uint32_t pos;
    unsigned line;  /* of pos, counted from the start of the text */
    unsigned again; /* repetitions left */
    unsigned conds; /* open .if blocks where the source began */
};

/* --- Tokens (lexer.c) ------------------------------------------------------------- */

enum token_kind {
    T_END,
    T_NAME,
    T_NUMBER,
    T_LOCAL,  /* 1f, 1b: value is the number, op the letter */
    T_BIG,    /* a number of more than 64 bits */
    T_STRING, /* with its quotes */
    T_OP,     /* op: a character or one of enum op */
    T_BAD,    /* what: why; of T_BIG too, where no such number may stand */
};

enum op { OP_SHL = 256, OP_SHR, OP_LE, OP_GE, OP_EQ, OP_NE, OP_AND, OP_OR, OP_NEG, OP_NOT, OP_INV };

struct token {
    enum token_kind kind;
    int op;
    const char *s; /* in the source's text */
    uint32_t n;
    uint64_t value;
    const char *what;
};

/* --- Expressions (expr.c) --------------------------------------------------------- */

struct expr {
    uint16_t op; /* 0 for a number or symbol */
    bool paren;
    struct loc loc;
    int64_t n;
    struct symbol *symbol;
    const struct expr *left, *right;
};

/* n + plus - minus; symbols are NULL, undefined, or in different sections. */
struct value {
    int64_t n;
    struct symbol *plus, *minus;
};

enum when {
    NOW,   /* while reading: the architecture's names are constants, the rest must be defined */
    QUIET, /* while reading: only what can never change; no message */
    LAST,  /* all is read: a symbol is defined now or never */
};

/* --- Symbols (symbol.c) ----------------------------------------------------------- */

enum symbol_kind { S_UNDEFINED, S_LABEL, S_NUMBER, S_EXPR, S_COMMON };

struct symbol {
    const char *name; /* "" for places without a name */
    struct symbol *all;
    struct symbol *link; /* the one of another file that this one stands for */
    enum symbol_kind kind;
    struct section *section;
    int64_t value; /* offset in the section, number, or alignment of a common symbol */
    const struct expr *expr;
    const struct expr *size;
    struct loc defined, used, declared;
    unsigned unit;
    uint8_t type;       /* STT_* */
    uint8_t visibility; /* STV_* */
    bool global, weak, local, assigned, constant_used, busy, wanted, section_symbol, reported,
        address,   /* a number that is one: the end of the program and the like */
        generated, /* a numeric label and the like, with a name of the assembler's */
        replaced;  /* a later .set gave the name to another */
    uint32_t elf_index;
};

/* --- Sections and fixups (section.c, fixup.c) ------------------------------------- */

enum fixup_kind {
    F_DATA,     /* `size` bytes */
    F_IMM,      /* a plain number in the immediate of an instruction */
    F_LABEL,    /* pc-relative target */
    F_CALL,     /* auipc and jalr */
    F_PCREL_HI, /* upper 20 bits of target - pc */
    F_PCREL_LO, /* lower 12 of the F_PCREL_HI at the symbol */
    F_HI,
    F_LO,
};

struct fixup {
    uint64_t at; /* offset in the section */
    uint8_t kind, size;
    uint8_t shift; /* F_IMM: the value stands above this many bits (lui) */
    const struct isa_insn *row;
    const struct expr *expr;
    struct loc loc;
};

struct reloc {
    uint64_t at;
    uint32_t type;
    struct symbol *symbol; /* NULL: an absolute target */
    int64_t addend;
};

/* From offset `at` on a section holds code or data: the mapping symbols $x and $d. */
struct mark {
    uint64_t at;
    bool code;
};

struct section {
    const char *name;
    struct section *next;
    uint32_t type;  /* SHT_* */
    uint64_t flags; /* SHF_* */
    uint64_t entsize, align, size, addr;
    uint64_t unit_start; /* where the bytes of this input file begin */
    unsigned unit;
    uint8_t *data; /* NULL if the section has no bytes in the file */
    size_t cap;
    struct fixup *fixups;
    size_t nfixups, fixup_cap;
    struct reloc *relocs;
    size_t nrelocs, reloc_cap;
    struct mark *marks; /* of a section with code */
    size_t nmarks, mark_cap;
    struct symbol *symbol;
    uint32_t elf_index;
    struct section *subsections; /* those of this input file, by `next`, in no order */
    struct names by_number;      /* the same */
    struct section *parent;      /* of a subsection */
    unsigned number;
    uint64_t base; /* where a subsection stands in its parent, when merged */
    bool merged;
};

/* --- Operands (operand.c) --------------------------------------------------------- */

/* M_PLT: f@plt, which a jump may say and which says nothing to our linker */
enum modifier { M_NONE, M_HI, M_LO, M_PCREL_HI, M_PCREL_LO, M_PLT };

enum operand_kind { O_REG, O_FREG, O_EXPR, O_MEM };

struct operand {
    enum operand_kind kind;
    int reg;                 /* O_REG, O_FREG; base register of O_MEM */
    enum modifier modifier;  /* of the expression */
    const struct expr *expr; /* O_EXPR; offset of O_MEM, NULL: no offset */
    const char *name;        /* the operand is this one word (not the arena's) */
    uint32_t name_len;
    struct loc loc;
};

enum { OPERANDS = 8 };

/* --- The assembler ------------------------------------------------------------------ */

enum {
    FRAMES = 200,             /* nesting of files, macros and repetitions */
    CONDS = 256,              /* nesting of .if */
    EXPR_DEPTH = 200,         /* nesting of an expression */
    EVAL_STEPS = 10000,       /* of one expression, with the symbols in it */
    MAX_ERRORS = 50,          /* reported before giving up */
    MAX_LINES = 4000000,      /* read, with all repetitions */
    MAX_BYTES = 256 << 20,    /* of all sections that have bytes in the file */
    MAX_FILE = 64 << 20,      /* of a source file */
    MAX_EXPANSION = 64 << 20, /* characters of all macro expansions */
    MAX_SECTIONS = 20000,     /* ELF numbers them with 16 bits */
    SEGMENTS = 8,             /* of an executable (layout.c) */
    MAX_REPEAT = 1 << 20,     /* count of .rept and .fill */
    PAGE = 4096,
};

#define MAX_RESERVED (1ull << 40) /* bytes of a section without bytes in the file */

struct options {
    bool object, based; /* -c, --base */
    uint64_t base;
    const char *entry, *output, *listing;
    const char **include, **define;
    unsigned nincludes, ndefines;
    bool no_warnings;
};

struct cond {
    bool active; /* lines are read */
    bool done;   /* a branch has been taken, or none may be */
    bool seen_else;
    struct loc loc;
};

/* One source line that made bytes, for the listing. */
struct listed {
    struct loc loc;
    unsigned line;
    struct section *section;
    uint64_t at, n;
};

struct attributes {
    char arch[256];
    unsigned stack_align;
};

struct as {
    struct arena arena;
    struct options opt;
    const char *program;
    unsigned errors, warnings;
    bool stop; /* too many errors, or one that leaves nothing to do */

    struct frame frames[FRAMES];
    unsigned depth;
    unsigned unit;
    uint64_t lines, expanded;
    unsigned macro_count;  /* \@ */
    unsigned local_labels; /* of LOCAL */
    bool altmacro;

    const struct source *source; /* of the statement being read */
    uint32_t line_start, line_end;
    unsigned line; /* its number in the file */
    struct token *tokens;
    size_t token_cap;
    const struct token *t; /* next token */
    unsigned expr_depth, eval_steps;

    struct cond conds[CONDS];
    unsigned nconds;

    struct names symbols, labels, globals; /* labels: those that the assembler names itself */
    struct symbol *all_symbols, **all_end, **unit_symbols; /* the first of this input file */
    struct names macros;
    struct macro *all_macros; /* of this input file */

    struct names section_names;
    struct section *sections, **sections_end, *section, *previous;
    struct section *pushed[64][2]; /* the current one, and the one before it */
    bool split;                    /* there are subsections */
    unsigned npushed, nsections;
    uint64_t bytes;
    const char *file_symbol[64];
    unsigned nfile_symbols;
    struct attributes attributes;
    unsigned hi_labels;
    bool laid_out;

    struct listed *listed;
    size_t nlisted, listed_cap;
};

/* --- diag.c ------------------------------------------------------------------------ */

void error_at(struct as *as, struct loc loc, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void warn_at(struct as *as, struct loc loc, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void note_at(struct as *as, struct loc loc, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
unsigned loc_line(struct loc loc);
bool warnings_left(const struct as *as); /* would one be shown? */

/* --- source.c ------------------------------------------------------------------------ */

/* Pushes a file; include as for read_file. */
bool source_file(struct as *as, const char *name, struct loc origin, bool include);
/* Text that the assembler made (a macro's expansion), to be read a number of times. */
bool source_text(struct as *as, const struct source *like, const char *text, uint32_t n,
                 unsigned first_line, unsigned period, unsigned times, const char *what,
                 struct loc origin);
/* Reads a whole file into the arena; false after an error message. include: search beside the
 * including file and in opt.include as well. */
/* Is what is read also what is to be written? Then that is an error. */
bool written_over(struct as *as, const char *name, struct loc origin);
bool read_file(struct as *as, const char *name, struct loc origin, bool include, const char **data,
               size_t *size, const char **found);
/* Sets as->source and line_start, line_end to the next line; false at the end of the unit. */
bool next_line(struct as *as);
/* Goes on behind the use of the innermost macro; false if there is none. */
bool leave_macro(struct as *as);
/* Reads nothing more of this file of the command line. */
void leave_all(struct as *as);

/* --- lexer.c ------------------------------------------------------------------------- */

void lex_line(struct as *as); /* line_start..line_end into as->tokens; as->t is the first */
/* The same of the text from s to end, or to a comma. */
void lex_text(struct as *as, const char *s, const char *end, bool to_comma);
struct loc token_loc(const struct as *as, const struct token *t);
bool is_op(const struct as *as, int op);
bool take_op(struct as *as, int op);
bool want_op(struct as *as, int op, const char *where);
bool end_of_statement(struct as *as); /* false after "unexpected ..." */
void unexpected(struct as *as, const char *wanted);
bool is_name_char(char c);
bool is_name_start(char c);
bool token_is(const struct token *t, const char *lower);
/* The bytes of a string token, in the arena. */
void string_bytes(struct as *as, const struct token *t, const char **bytes, size_t *n);
bool want_string(struct as *as, const char **bytes, size_t *n);
bool want_name(struct as *as, const char **name, size_t *n, const char *what);
/* Value of one character with escapes at s; *next is behind it; -1 if there is none. Sets
 * *unknown at an escape that means nothing, which stands for its letter. */
int character(const char *s, const char *end, const char **next, bool *unknown);
/* The token as a number in two's complement of `size` bytes, the least first; false if it is no
 * number, or does not fit. */
bool wide_number(const struct token *t, bool negative, uint8_t *bytes, unsigned size);

/* --- expr.c -------------------------------------------------------------------------- */

const struct expr *parse_expr(struct as *as); /* NULL after an error */
const struct expr *expr_number(struct as *as, int64_t n, struct loc loc);
const struct expr *expr_symbol(struct as *as, struct symbol *s, struct loc loc);
bool eval(struct as *as, const struct expr *e, enum when when, struct value *out);
/* Is the value a number, wherever the program is loaded? */
bool is_number(struct as *as, const struct expr *e);
bool constant_now(struct as *as, const struct expr *e, const char *what, int64_t *out);

/* Where the expression names s, for a message; no place if the expression does not. */
struct loc symbol_loc(const struct expr *e, const struct symbol *s, struct loc otherwise);
bool parse_constant(struct as *as, const char *what, int64_t *out);

/* --- symbol.c ------------------------------------------------------------------------ */

struct symbol *symbol_get(struct as *as, const char *name, size_t n);
struct symbol *symbol_find(struct as *as, const char *name, size_t n); /* NULL: none yet */
/* One that no program can name: a numeric label, the place of an auipc. */
struct symbol *symbol_generated(struct as *as, const char *name);
struct symbol *symbol_real(struct symbol *s);
struct symbol *symbol_here(struct as *as); /* without a name, at this place */
struct symbol *local_label(struct as *as, uint64_t number, int direction, struct loc loc);
void define_label(struct as *as, struct symbol *s, struct loc loc);
void define_local_label(struct as *as, uint64_t number, struct loc loc);
void assign(struct as *as, const char *name, size_t n, const struct expr *e, struct loc loc,
            bool again);
bool is_defined(const struct symbol *s);
bool builtin_constant(const char *name, int64_t *value);
void undefined_symbol(struct as *as, struct symbol *s, struct loc loc);
/* "; did you mean 'x'?" for an undefined symbol, or "". */
const char *nearest_symbol(struct as *as, const struct symbol *s);
void end_of_unit(struct as *as);
void link_units(struct as *as);

/* --- section.c ----------------------------------------------------------------------- */

struct section *section_get(struct as *as, const char *name, size_t n);
void section_switch(struct as *as, struct section *s);
bool section_loads(const struct section *s); /* SHF_ALLOC */
/* n zero bytes at the end of the section; *at: where, NULL if it has no bytes in the file. */
bool section_room(struct as *as, uint64_t n, uint8_t **at, struct loc loc);
bool emit(struct as *as, uint64_t value, unsigned size, struct loc loc);
/* The same for an instruction: what section_room and emit make is data. */
bool emit_code(struct as *as, uint64_t bits, unsigned size, struct loc loc);
bool emit_align(struct as *as, uint64_t align, bool has_fill, int64_t fill, uint64_t most,
                struct loc loc);
/* From offset `at` on s holds code, or data. */
void section_mark(struct section *s, uint64_t at, bool code);
/* section_room for what is code and data already, and known by its marks. */
bool section_append(struct as *as, uint64_t n, uint8_t **at);
struct fixup *add_fixup(struct as *as, enum fixup_kind kind, unsigned size, const struct expr *e,
                        struct loc loc);

/* --- subsection.c -------------------------------------------------------------------- */

/* Subsection `number` of a section; NULL after an error. */
struct section *subsection_get(struct as *as, struct section *of, int64_t number, struct loc loc);
/* At the end of a file: its subsections become parts of their sections. */
void merge_subsections(struct as *as);
/* A label of a subsection moves when the subsection does. */
void symbol_settle(struct symbol *s);

/* --- statement.c, directive*.c, cond.c, macro.c ---------------------------------------- */

void read_statements(struct as *as);
void statement(struct as *as);

typedef void directive_fn(struct as *as, int arg, struct loc loc);
struct directive {
    const char *name;
    directive_fn *fn;
    int arg;
};
extern const struct directive data_directives[], section_directives[], symbol_directives[],
    source_directives[];
const struct directive *find_directive(const char *s, size_t n);
const char *suggest_directive(struct as *as, const char *s, size_t n);

bool cond_directive(struct as *as, const char *s, size_t n, struct loc loc); /* handled here */
bool cond_active(const struct as *as);
void cond_close(struct as *as, unsigned keep);

struct macro *find_macro(struct as *as, const char *s, size_t n);
void expand_macro(struct as *as, struct macro *m, struct loc loc);
/* The name of the macro at or behind *m, which becomes the next one; NULL if there is none. */
const char *next_macro_name(struct macro **m);
directive_fn macro_directive, altmacro_directive, purgem_directive, exitm_directive, rept_directive,
    irp_directive;

/* --- operand.c, encode.c, pseudo.c, li.c ------------------------------------------------ */

/* Up to OPERANDS operands of the statement; false after an error. */
bool parse_operands(struct as *as, struct operand *ops, unsigned *n);
/* The expression of an operand, of a single word as well (then a symbol). */
const struct expr *operand_expr(struct as *as, const struct operand *op);
void instruction(struct as *as, const char *name, size_t n, struct loc loc);
/* One instruction of a row with operands in the row's order; aq, rl as flags. */
bool encode(struct as *as, const struct isa_insn *row, const struct operand *ops, unsigned n,
            unsigned ordering, struct loc loc);
enum { ORDER_AQ = 1, ORDER_RL = 2 };
/* Warns of an odd place, and aligns the section as code needs it. */
void before_code(struct as *as, struct loc loc);
/* The immediate of a row, a number above `shift` bits or one with %lo and its kin, into *bits or a
 * fixup; and a target. */
bool put_immediate(struct as *as, const struct isa_insn *row, unsigned shift,
                   const struct operand *op, uint32_t *bits);
bool put_label(struct as *as, const struct isa_insn *row, const struct operand *op);
directive_fn insn_directive;
void field_range(const struct isa_field *f, int64_t *least, int64_t *most, int64_t *step);
/* Turns n, written for an immediate above `shift` bits, into the value of the field; false if
 * it does not fit, which immediate_range reports. */
bool shifted_immediate(const struct isa_field *f, unsigned shift, int64_t *n);
void immediate_range(struct as *as, const struct isa_insn *row, unsigned shift, int64_t n,
                     struct loc loc);
void fence_tso(struct as *as, struct loc loc);
/* Do the operands have the shapes of the pattern? *bad: the first that has not (n if too few). */
bool match_operands(const char *pattern, const struct operand *ops, unsigned n, unsigned *bad);
/* The text of slot i of a pattern, without `$`; false behind the last. */
bool pattern_slot(const char *pattern, unsigned i, char *slot, size_t size);
bool pseudo(struct as *as, const struct isa_pseudo *p, const struct operand *ops, unsigned n,
            struct loc loc);
/* Instructions that make a constant: rows addi, addiw, lui, slli, srli on one register. */
struct li_step {
    enum isa_op op;
    int64_t imm;
};
enum { LI_STEPS = 8 };
unsigned li_steps(int64_t value, struct li_step steps[LI_STEPS]);

/* --- fixup.c, layout.c, attributes.c, output.c, listing.c -------------------------------- */

void layout(struct as *as);
void settle(struct as *as);
/* Opens f and fills it; the caller commits it, or drops it. Nothing is open if this is false. */
struct outfile;
bool write_output(struct as *as, uint64_t entry, struct outfile *f);
bool entry_address(struct as *as, uint64_t *entry);
void attributes_default(struct as *as);
size_t attributes_bytes(const struct as *as, uint8_t *out, size_t room);
/* The line at loc was read; what it made in the section begins at offset before. */
void list_line(struct as *as, struct loc loc, unsigned line, struct section *section,
               uint64_t before);
bool write_listing(struct as *as, struct outfile *f); /* as write_output */

/* A file that appears under its name only when it is complete. */
struct outfile {
    char *temporary;
    const char *name;
    int fd;
    bool direct; /* the name is no regular file: what is written is copied into it */
};
bool outfile_open(struct as *as, struct outfile *f, const char *name);
bool outfile_commit(struct as *as, struct outfile *f, bool executable);
void outfile_drop(struct outfile *f);

#endif
