/* Fuzzing of configuration files: any text is refused with its place, or gives settings that
 * are all in their ranges; those are printed, and read back as they were. */
#include <stdlib.h>
#include <string.h>

#include "command/config_file.h"
#include "fuzz.h"

enum { MOST = 4096 };
static const char name[] = "core.cfg";

static void in_range(const struct setting *s, uint64_t value)
{
    if (value < s->least || value > s->most)
        fuzz_die("a value is out of its range", s->name);
}

/* libconfig 1.5 forgets the strings of files that it refuses. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_options(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libconfig";
}

const char *__lsan_default_options(void)
{
    return "print_suppressions=0";
}

/* What is printed is read back over the defaults. */
static void round_trip(const struct config *c)
{
    struct machine_config machine;
    struct pipeline_config pipeline;
    const struct config again = {&machine, &pipeline};
    FILE *f = fopen("again.cfg", "w");
    char err[256];

    if (!f)
        abort();
    config_file_print(c, f);
    fclose(f);
    machine_defaults(&machine);
    pipeline_defaults(&pipeline);
    if (!config_file_read(&again, "again.cfg", err, sizeof err))
        fuzz_die("what is printed is refused", err);
    for (unsigned i = 0; i < settings_count(); i++) {
        struct setting s = settings_row(i);

        in_range(&s, config_get(c, &s));
        if (config_get(c, &s) != config_get(&again, &s))
            fuzz_die("a setting is read back differently", s.name);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct machine_config machine;
    struct pipeline_config pipeline;
    const struct config c = {&machine, &pipeline};
    char err[256] = "";

    machine_defaults(&machine);
    pipeline_defaults(&pipeline);
    fuzz_directory();
    fuzz_write_file(name, data, size < MOST ? size : MOST);
    if (config_file_read(&c, name, err, sizeof err)) {
        round_trip(&c);
        fuzz_accept();
    } else {
        if (strncmp(err, name, sizeof name - 1) != 0)
            fuzz_die("a refusal without its place", err);
        fuzz_refuse(err);
    }
    fuzz_clean();
    return 0;
}
