/* The command line of visa-sim: one table of options, which --help prints too. */
#ifndef VISA_OPTIONS_H
#define VISA_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "observe/explain.h"
#include "machine/machine.h"
#include "timing/pipeline.h"
#include "timing/sampling.h"
#include "observe/trace.h"
#include "views/views.h"

/* Exit statuses of the command that are not the guest's own exit code. */
enum {
    STATUS_OUTPUT = 119, /* a trace, statistics or the console could not be written */
    STATUS_USAGE = 120,  /* the command line */
    STATUS_IMAGE = 121,  /* a file that cannot be loaded */
    STATUS_LIMIT = 122,  /* --max-insns */
    STATUS_DEADLOCK = 123,
    STATUS_TIMEOUT = 124,   /* --timeout */
    STATUS_TRAP_LOOP = 125, /* and --stuck=stop */
    STATUS_STOPPED = 130,   /* SIGINT, SIGTERM or Ctrl-A x */
    STATUS_LARGE = 255,     /* an exit code that does not fit in 8 bits */
};

/* A further file: at a fixed address, or an ELF file at its own. */
struct load_option {
    char *path;
    bool raw;
    uint64_t addr;
};

/* Symbols of guests: of one VM, or of all that have none of their own. */
struct symbols_option {
    char *path;
    bool one_vm;
    uint16_t vmid;
};

enum { MAX_LOADS = 16, MAX_SYMBOLS = 64 };

/* A file that the command line names. */
struct named_file {
    const char *option; /* without its dashes; NULL: IMAGE */
    const char *path;   /* "-": standard output, or input */
    bool written;
};

enum model { MODEL_FUNCTIONAL, MODEL_PIPELINE, MODELS };
extern const char *const model_names[MODELS];

/* What a hart that is stuck means for the run. */
enum stuck_policy { STUCK_STOP, STUCK_WARN, STUCK_OFF };

struct options {
    struct machine_config config;
    enum model model;
    struct pipeline_config pipeline;
    const char *switch_at; /* where the pipeline model takes over from the functional one */
    bool sample;
    struct sampling_plan sampling;
    const char *image;
    int argc; /* the guest's command line: image and what follows it */
    char **argv;
    bool raw;
    uint64_t raw_addr;
    struct load_option loads[MAX_LOADS];
    unsigned nloads;
    struct symbols_option symbols[MAX_SYMBOLS];
    unsigned nsymbols;
    uint64_t max_insns, timeout;
    enum stuck_policy stuck;
    const char *uart_in, *uart_out, *bootargs, *dump_dtb;
    bool trace_on;
    const char *trace_file;            /* NULL: standard error; "-": standard output */
    const char *trace_from, *trace_to; /* places, NULL: none */
    struct trace trace;
    struct view_options views;
    const char *stats;  /* "-": standard output */
    const char *report; /* the same as HTML */
    const char *signature;
    uint64_t signature_bytes; /* of a line */
    bool explain;
    struct explain_which explain_exit;
    bool check_stale;
    const char *walk; /* what to walk at the end */
    bool summary, registers, quiet, help, version, print_config;
    struct named_file *files; /* of one option that is written only the last one */
    unsigned nfiles;
    const char *stdout_owner; /* the option whose file standard output is, NULL: none */
    /* options as they would be written anew, "--name=value", a file by its name alone */
    struct option_list {
        char **texts;
        size_t n;
    } changes_run, /* what the run does; settings are in config and pipeline */
        bounds;    /* which part of it traces and views show */
};

/* Fills in o. False with the reason in err; options_free in any case. */
bool options_parse(struct options *o, int argc, char **argv, char *err, size_t n);
void options_free(struct options *o);
void options_help(void);

#endif
