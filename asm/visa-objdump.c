/* visa-objdump: the command line. See visa-objdump(1). */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "built-with.h"
#include "dump.h"
#include "files.h"

static const char usage[] =
    "usage: visa-objdump OPTION... FILE...\n"
    "\n"
    "Shows what is in ELF files for V-ISA and RISC-V.\n"
    "\n"
    "  -d, --disassemble        the instructions of executable sections\n"
    "  -D, --disassemble-all    the same of all sections with contents\n"
    "  -r, --reloc              relocations; with -d beside the instructions\n"
    "  -t, --syms               the symbol table\n"
    "  -h, --section-headers    the section headers\n"
    "  -z, --disassemble-zeroes do not leave out blocks of zeros\n"
    "  -M numeric               registers as x0 to x31\n"
    "  -M no-aliases            no pseudo-instructions (there are none in any case)\n"
    "      --help               show this\n"
    "      --version            show the version\n";

enum { OPT_HELP = 256, OPT_VERSION };

static const struct option long_options[] = {
    {"disassemble", no_argument, NULL, 'd'},
    {"disassemble-all", no_argument, NULL, 'D'},
    {"reloc", no_argument, NULL, 'r'},
    {"syms", no_argument, NULL, 't'},
    {"section-headers", no_argument, NULL, 'h'},
    {"headers", no_argument, NULL, 'h'},
    {"disassemble-zeroes", no_argument, NULL, 'z'},
    {"disassembler-options", required_argument, NULL, 'M'},
    {"help", no_argument, NULL, OPT_HELP},
    {"version", no_argument, NULL, OPT_VERSION},
    {NULL, 0, NULL, 0},
};

struct wanted {
    bool code, all, relocs, symbols, headers, zeroes;
    struct disasm_opts opts;
};

/* -M takes a list with commas; false for a word that is none. */
static bool disassembler_options(struct wanted *w, const char *text)
{
    while (*text) {
        size_t n = strcspn(text, ",");

        if (n == strlen("numeric") && memcmp(text, "numeric", n) == 0)
            w->opts.numeric = true;
        else if (n != strlen("no-aliases") || memcmp(text, "no-aliases", n) != 0) {
            fprintf(stderr, "visa-objdump: -M %.*s: expected numeric or no-aliases\n", (int)n,
                    text);
            return false;
        }
        text += n + (text[n] == ',');
    }
    return true;
}

static bool dump_file(const char *path, const struct wanted *w)
{
    struct dump d = {.program = "visa-objdump",
                     .fd = -1,
                     .opts = w->opts,
                     .relocs = w->relocs,
                     .zeroes = w->zeroes};
    bool ok = dump_open(&d, path);

    if (ok) {
        printf("\n%s:     file format elf64-littleriscv\n", path);
        if (w->headers)
            dump_headers(&d);
        if (w->symbols)
            dump_symbols(&d);
        if (w->relocs && !w->code)
            dump_relocs(&d);
        if (w->code)
            dump_code(&d, w->all);
    }
    dump_close(&d);
    return ok;
}

/* Handles one option; false if the program is to end, with *status. */
static bool option(struct wanted *w, int c, int *status)
{
    switch (c) {
    case 'D': w->code = w->all = true; return true;
    case 'd': w->code = true; return true;
    case 'r': w->relocs = true; return true;
    case 't': w->symbols = true; return true;
    case 'h': w->headers = true; return true;
    case 'z': w->zeroes = true; return true;
    case 'M': *status = 2; return disassembler_options(w, optarg);
    case OPT_HELP: fputs(usage, stdout); break;
    case OPT_VERSION: puts("visa-objdump " PACKAGE_VERSION); break;
    default:
        fputs("try 'visa-objdump --help'\n", stderr);
        *status = 2;
        return false;
    }
    *status = 0;
    return false;
}

static int run(int argc, char **argv)
{
    struct wanted w = {0};
    int c, status = 0;

    while ((c = getopt_long(argc, argv, "dDrthzM:", long_options, NULL)) != -1)
        if (!option(&w, c, &status))
            return status;
    if (optind == argc || !(w.code || w.relocs || w.symbols || w.headers)) {
        fprintf(stderr, "visa-objdump: %s\ntry 'visa-objdump --help'\n",
                optind == argc ? "no input file" : "say what to show: -d, -D, -r, -t or -h");
        return 2;
    }
    status = 0;
    for (int i = optind; i < argc; i++)
        if (!dump_file(argv[i], &w))
            status = 1;
    return status;
}

int main(int argc, char **argv)
{
    int status;

    files_reserve();
    status = run(argc, argv);
    return files_printed("visa-objdump") || status ? status : 1;
}
