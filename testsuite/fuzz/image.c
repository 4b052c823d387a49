/* Fuzzing of the loader, and of what it loads: any file is refused with a message and
 * leaves nothing, or it is loaded and runs; no guest crashes the simulator or keeps it
 * longer than its limit of instructions. What is no ELF file runs as a flat one. */
#include <stdlib.h>
#include <string.h>

#include "platform/board.h"
#include "observe/exits.h"
#include "fuzz.h"
#include "platform/htif.h"
#include "platform/loader.h"
#include "machine/machine.h"
#include "observe/trace.h"

enum { RAM = 1 << 20, INSNS = 6000 };

static const char file[] = "image";

static void ignore(void *user, uint8_t c)
{
    (void)user;
    (void)c;
}

/* Some inputs run on two harts, some with a trace, some with a small pool and TLBs. */
static struct machine *new_machine(size_t size)
{
    struct machine_config c;
    char err[256];
    struct machine *m;

    machine_defaults(&c);
    c.ram_bytes = RAM;
    c.harts = 1 + (size >> 1) % 2;
    c.quantum = 64;
    c.pool = size % 3 ? c.pool : 1;
    m = machine_new(&c, err, sizeof err);
    if (!m)
        fuzz_die("no machine", err);
    return m;
}

static bool load(struct image *im, struct machine *m, bool elf)
{
    char err[512] = "";
    bool ok = elf ? image_load_elf(im, m, file, err, sizeof err)
                  : image_load_raw(im, m, file, RAM_BASE, err, sizeof err);

    if (ok) {
        if (im->nfiles == 0 || image_end(im) > RAM_BASE + RAM)
            fuzz_die("loaded, but not into RAM", file);
        return true;
    }
    if (im->nfiles)
        fuzz_die("refused, but part of it is left", err);
    if (elf && strncmp(err, "image: ", strlen("image: ")) != 0)
        fuzz_die("a message that does not say which file", err);
    if (elf)
        fuzz_refuse(err);
    return false;
}

static void attach_htif(const struct image *im, struct machine *m, const struct console *console)
{
    static char name[] = "image";
    static char *argv[] = {name, NULL};
    uint64_t tohost, fromhost;

    if (!image_symbol(im, "tohost", &tohost) || !tohost)
        return;
    (void)image_symbol(im, "fromhost", &fromhost);
    if (!htif_attach(m, tohost, fromhost, console, 1, argv))
        fuzz_die("out of memory", "");
}

static void run(const struct image *im, struct machine *m, bool traced)
{
    struct console console = {.put = ignore};
    struct board *board = board_new(m, &console);
    struct exits *exits = exits_new(m);
    struct trace trace = {.image = im, .to = UINT64_MAX};
    struct observer tracer = {.user = &trace, .retire = trace_record, .part = WHOLE_RUN};
    uint64_t before;
    enum stop stop;

    if (!board || !exits)
        fuzz_die("out of memory", "");
    attach_htif(im, m, &console);
    if (traced && (trace.out = fopen("trace", "w")))
        machine_observe(m, &tracer);
    machine_reset(m, im->entry, 0);
    before = machine_stats(m)->instret;
    stop = machine_run(m, INSNS);
    if (stop == STOP_NONE || stop > STOP_REQUEST)
        fuzz_die("a run that ended for no reason", "");
    if (machine_stats(m)->instret - before > INSNS)
        fuzz_die("a run beyond its limit", "");
    machine_unobserve(m, &tracer);
    if (trace.out)
        fclose(trace.out);
    board_free(board);
    exits_free(exits);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct machine *m = new_machine(size);
    struct image im = {0};

    fuzz_directory();
    fuzz_write_file(file, data, size);
    if (load(&im, m, true)) {
        fuzz_accept();
        run(&im, m, size % 4 == 3);
    } else if (load(&im, m, false)) {
        run(&im, m, false);
    }
    machine_free(m);
    image_free(&im);
    fuzz_clean();
    return 0;
}
