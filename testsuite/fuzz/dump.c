/* Fuzzing of visa-objdump: any file is shown, or refused with a message. */
#include <string.h>

#include "fuzz.h"

int visa_objdump_main(int argc, char **argv);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const options[] = {"-Dzrth", "-dr", "-Mnumeric"};
    char *argv[] = {(char *)"visa-objdump", (char *)options[0], (char *)"in.elf",
                    (char *)options[1 + size % 2], NULL};
    struct fuzz_run r;

    fuzz_directory();
    fuzz_write_file("in.elf", data, size);
    r = fuzz_main(visa_objdump_main, 4, argv);
    if (r.status == 0)
        fuzz_accept();
    else if (r.status != 1)
        fuzz_die("a status that the manual does not name", r.err);
    else if (strncmp(r.err, "visa-objdump: in.elf: ", strlen("visa-objdump: in.elf: ")) != 0)
        fuzz_die("a message that does not say which file", r.err);
    else
        fuzz_refuse(r.err);
    fuzz_run_free(&r);
    fuzz_clean();
    return 0;
}
