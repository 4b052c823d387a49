/* A system of one's own round V-ISA's harts: a memory and a device, both written here, on the
 * bus of the pipeline model.
 *
 *   tlm [--quantum CYCLES] [--list] guest.elf
 *
 * The quantum bounds how far harts run ahead of SystemC's kernel, and changes no result.
 * --list tells each instruction with its cycles in fetch, execute and write. */
#include <systemc/soc.h>

#include <platform/board.h>
#include <platform/loader.h>

#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "copier.h"
#include "dram.h"

static constexpr uint64_t COPIER = 0x20000000, COPIER_BYTES = 4096;

struct options {
    const char *image = nullptr;
    uint64_t quantum = 0;
    bool list = false;
};

static bool parse(int argc, char **argv, options &o)
{
    for (int i = 1; i < argc; i++) {
        char *end = nullptr;

        if (strcmp(argv[i], "--list") == 0)
            o.list = true;
        else if (strcmp(argv[i], "--quantum") == 0 && i + 1 < argc)
            o.quantum = strtoull(argv[++i], &end, 10);
        else if (argv[i][0] != '-' && !o.image)
            o.image = argv[i];
        else
            return false;
        if (end && *end)
            return false;
    }
    return o.image != nullptr;
}

static void list(void *, const pipeline_insn *i)
{
    printf("pc %" PRIx64 " fetch %" PRIu64 " execute %" PRIu64 " write %" PRIu64 "\n", i->pc,
           i->fetch, i->execute, i->write);
}

static void put(void *, uint8_t c)
{
    putchar(c);
}

/* Puts the system together and runs it: the guest's exit code. */
static int simulate(const options &o, machine *m, uint64_t entry)
{
    pipeline_config config;

    pipeline_defaults(&config);
    config.quantum = o.quantum;

    visa::soc soc("soc", m, config, true);
    dram memory("dram");
    copier engine("copier", m, soc.bus);

    soc.bus.memory.bind(memory.socket);
    soc.bus.map(COPIER, COPIER_BYTES).bind(engine.socket);
    if (o.list)
        soc.listen(list, nullptr);
    machine_reset(m, entry, 0);

    stop why = soc.run(1000000);
    const struct pipeline_stats &s = soc.stats();

    printf("cycles %" PRIu64 ", DRAM: %" PRIu64 " rows open, %" PRIu64 " opened, %" PRIu64
           " closed and opened\n",
           s.cycles, memory.hits, memory.opened, memory.conflicts);
    if (why == STOP_EXIT)
        return machine_exit_code(m);
    fprintf(stderr, "tlm: the guest did not end: %s\n", machine_message(m));
    return 1;
}

int sc_main(int argc, char **argv)
{
    options o;
    struct machine_config config;
    console console = {put, nullptr, nullptr, nullptr};
    image image = {};
    char err[200] = "out of memory";
    int status = 1;

    if (!parse(argc, argv, o)) {
        fprintf(stderr, "usage: tlm [--quantum CYCLES] [--list] guest.elf\n");
        return 2;
    }
    machine_defaults(&config);
    machine *m = machine_new(&config, err, sizeof err);
    board *b = m ? board_new(m, &console) : nullptr;

    if (b && image_load_elf(&image, m, o.image, err, sizeof err))
        status = simulate(o, m, image.entry);
    else
        fprintf(stderr, "tlm: %s\n", err);
    image_free(&image);
    board_free(b);
    machine_free(m);
    return status;
}
