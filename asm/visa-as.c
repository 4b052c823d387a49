/* visa-as: the command line. See visa-as(1). */
#include "as.h"
#include "files.h"

#include <elf.h>
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "built-with.h"

static const char usage[] =
    "usage: visa-as [OPTION]... FILE...\n"
    "\n"
    "Assembles V-ISA (RV64IMAC with Xvisa) into an ELF file. Several files become one program.\n"
    "FILE - is standard input.\n"
    "\n"
    "  -o FILE               file to write (default: a.out, with -c the source's name in .o)\n"
    "  -c                    write a relocatable object instead of an executable\n"
    "      --base ADDR       address of the executable's first section (default 0x80000000)\n"
    "      --entry SYMBOL    where it starts (default: _start, or else the start of .text)\n"
    "  -l, --listing FILE    write addresses, bytes and source lines to FILE\n"
    "  -I DIR                search DIR for .include and .incbin\n"
    "  -D NAME[=VALUE]       define the symbol NAME (default value 1)\n"
    "  -W, --no-warn         no warnings\n"
    "      --help            show this\n"
    "      --version         show the version\n";

enum { OPT_BASE = 256, OPT_ENTRY, OPT_HELP, OPT_VERSION };

static const struct option long_options[] = {
    {"base", required_argument, NULL, OPT_BASE}, {"entry", required_argument, NULL, OPT_ENTRY},
    {"listing", required_argument, NULL, 'l'},   {"output", required_argument, NULL, 'o'},
    {"no-warn", no_argument, NULL, 'W'},         {"help", no_argument, NULL, OPT_HELP},
    {"version", no_argument, NULL, OPT_VERSION}, {NULL, 0, NULL, 0},
};

/* A number without a sign, as strtoull reads it, that fits into 64 bits. */
static bool number(const char *text, uint64_t *out)
{
    char *end;

    errno = 0;
    *out = strtoull(text, &end, 0);
    return *text >= '0' && *text <= '9' && *end == '\0' && errno == 0;
}

static bool set_base(struct as *as, const char *text)
{
    as->opt.based = true;
    if (!number(text, &as->opt.base))
        error_at(as, (struct loc){0}, "--base '%s': expected an address such as 0x80000000", text);
    else if (as->opt.base % PAGE)
        error_at(as, (struct loc){0}, "--base %s: expected a multiple of %#x, the size of a page",
                 text, PAGE);
    return as->errors == 0;
}

/* -D NAME=VALUE: can that be, and, for every file anew, so it is. */
static bool define(struct as *as, const char *text, bool now)
{
    size_t n = strcspn(text, "=");
    uint64_t value = 1;
    const char *digits = text + n + (text[n] == '=');
    bool negative = *digits == '-';
    struct loc nowhere = {0};
    bool ok = n > 0 && is_name_start(*text);

    for (size_t i = 0; i < n; i++)
        ok = ok && is_name_char(text[i]);
    if (!ok || (text[n] == '=' && !number(digits + negative, &value))) {
        error_at(as, nowhere, "-D %s: expected NAME or NAME=NUMBER, a number of 64 bits", text);
        return false;
    }
    if (!now)
        return true;
    if (negative)
        value = 0 - value;
    assign(as, text, n, expr_number(as, (int64_t)value, nowhere), nowhere, true);
    return true;
}

static const char *option_name(int c)
{
    switch (c) {
    case OPT_BASE: return "--base";
    case OPT_ENTRY: return "--entry";
    case 'o': return "-o";
    case 'l': return "--listing";
    case 'I': return "-I";
    default: return "-D";
    }
}

/* Handles one option; false if the program is to end, with *status. */
static bool option(struct as *as, int c, int *status)
{
    struct options *o = &as->opt;

    *status = 2;
    if (optarg && !*optarg) {
        fprintf(stderr, "visa-as: %s: expected something behind it\n", option_name(c));
        return false;
    }
    switch (c) {
    case 'o': o->output = optarg; return true;
    case 'c': o->object = true; return true;
    case 'l': o->listing = optarg; return true;
    case 'W': o->no_warnings = true; return true;
    case 'I': o->include[o->nincludes++] = optarg; return true;
    case 'D': o->define[o->ndefines++] = optarg; return define(as, optarg, false);
    case OPT_ENTRY: o->entry = optarg; return true;
    case OPT_BASE: return set_base(as, optarg);
    case OPT_HELP: fputs(usage, stdout); break;
    case OPT_VERSION: puts("visa-as " PACKAGE_VERSION); break;
    default: fputs("try 'visa-as --help'\n", stderr); return false;
    }
    *status = 0;
    return false;
}

/* hv.s gives hv.o; without -c it is a.out as everywhere. */
static const char *default_output(struct as *as, const char *source)
{
    const char *slash = strrchr(source, '/'), *name = slash ? slash + 1 : source;
    const char *dot = strrchr(name, '.');
    size_t n = dot && dot != name ? (size_t)(dot - name) : strlen(name);
    char *out;

    if (!as->opt.object || strcmp(name, "-") == 0)
        return "a.out";
    out = arena_alloc(&as->arena, n + 3);
    memcpy(out, name, n);
    memcpy(out + n, ".o", 3);
    return out;
}

static void start_unit(struct as *as)
{
    static const char *const first[] = {".data", ".bss", ".text"};

    as->unit++;
    for (unsigned i = 0; i < COUNT(first); i++)
        as->section = section_get(as, first[i], strlen(first[i]));
    section_switch(as, as->section);
    as->previous = NULL;
    as->npushed = 0;
    as->unit_symbols = as->all_end;
    names_clear(&as->macros);
    as->all_macros = NULL;
    as->altmacro = false;
    for (unsigned i = 0; i < as->opt.ndefines && !as->stop; i++)
        define(as, as->opt.define[i], true);
}

static void assemble_file(struct as *as, const char *name)
{
    start_unit(as);
    if (as->errors || !source_file(as, name, (struct loc){0}, false))
        return;
    read_statements(as);
    as->depth = 0;
    merge_subsections(as);
    end_of_unit(as);
}

static bool loads_anything(const struct as *as)
{
    for (const struct section *s = as->sections; s; s = s->next)
        if (section_loads(s) && s->size > 0)
            return true;
    return false;
}

/* Both files or none: each is whole before the first replaces what was there, and one that cannot be
 * replaced, and so may fail in the middle, comes first. */
static bool write_files(struct as *as, uint64_t entry)
{
    struct outfile output, listing;
    bool both = as->opt.listing, ok;

    if (!write_output(as, entry, &output))
        return false;
    if (both && !write_listing(as, &listing)) {
        outfile_drop(&output);
        return false;
    }
    if (!both)
        return outfile_commit(as, &output, !as->opt.object);
    ok = outfile_commit(as, output.direct ? &output : &listing, output.direct && !as->opt.object);
    if (ok)
        return outfile_commit(as, output.direct ? &listing : &output,
                              !output.direct && !as->opt.object);
    outfile_drop(output.direct ? &listing : &output);
    return false;
}

static bool assemble(struct as *as, char **files, int n)
{
    uint64_t entry = 0;

    for (int i = 0; i < n && !as->stop; i++)
        assemble_file(as, files[i]);
    if (as->stop)
        return false;
    link_units(as);
    if (!as->opt.object && !as->errors && !loads_anything(as))
        error_at(as, (struct loc){0},
                 "the program is empty: no section that is loaded has any bytes; -c makes an "
                 "object of it");
    layout(as);
    settle(as);
    if (as->errors || (!as->opt.object && !entry_address(as, &entry)))
        return false;
    return write_files(as, entry);
}

static void release(struct as *as)
{
    for (struct section *s = as->sections; s; s = s->next) {
        free(s->data);
        free(s->fixups);
        free(s->relocs);
        free(s->marks);
    }
    free(as->tokens);
    free(as->listed);
    arena_free(&as->arena);
    free(as);
}

static int run(struct as *as, int argc, char **argv)
{
    int c, status = 0;

    as->program = "visa-as";
    as->opt.base = 0x80000000;
    as->opt.include = arena_alloc(&as->arena, (size_t)argc * sizeof *as->opt.include);
    as->opt.define = arena_alloc(&as->arena, (size_t)argc * sizeof *as->opt.define);
    as->all_end = &as->all_symbols;
    as->macros.any_case = true;
    as->sections_end = &as->sections;
    attributes_default(as);
    while ((c = getopt_long(argc, argv, "o:cl:WI:D:", long_options, NULL)) != -1)
        if (!option(as, c, &status))
            return status;
    if (optind == argc) {
        fprintf(stderr, "visa-as: no input file\n%s", "try 'visa-as --help'\n");
        return 2;
    }
    if (!as->opt.output)
        as->opt.output = default_output(as, argv[optind]);
    if (as->opt.listing && files_same(as->opt.output, as->opt.listing)) {
        fprintf(stderr, "visa-as: -o and --listing are the same file: %s\n", as->opt.listing);
        return 2;
    }
    if (as->opt.object && (as->opt.based || as->opt.entry)) {
        fprintf(stderr, "visa-as: %s is of an executable, and -c makes an object\n",
                as->opt.entry ? "--entry" : "--base");
        return 2;
    }
    for (int i = optind; i < argc; i++)
        if (written_over(as, argv[i], (struct loc){0}))
            return 2;
    return assemble(as, argv + optind, argc - optind) ? 0 : 1;
}

int main(int argc, char **argv)
{
    struct as *as = calloc(1, sizeof *as);
    int status;

    files_reserve();
    files_abandon_on_signals();
    if (!as) {
        fputs("visa-as: out of memory\n", stderr);
        return 1;
    }
    status = run(as, argc, argv);
    release(as);
    return files_printed("visa-as") || status ? status : 1;
}
