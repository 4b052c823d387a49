/* Registers of harts (registers.h). */
#include "registers.h"

#include <inttypes.h>
#include <string.h>

#include "names.h"
#include "observe/json_memory.h"

enum { COLUMNS = 3, GENERAL = 32 }; /* x0 to x31 come first */

struct table {
    FILE *out;
    unsigned n; /* entries of the row so far */
};

static void end_row(struct table *t)
{
    if (t->n)
        putc('\n', t->out);
    t->n = 0;
}

static void entry(struct table *t, const char *name, uint64_t value)
{
    fprintf(t->out, "  %-15s 0x%016" PRIx64, name, value);
    if (++t->n == COLUMNS)
        end_row(t);
}

void registers_table(FILE *out, struct machine *m)
{
    struct table t = {.out = out};

    for (unsigned hart = 0; hart < machine_config(m)->harts; hart++) {
        struct hart_at at;

        machine_hart_at(m, hart, &at);
        fprintf(out, "registers of hart %u in Ring %d", hart, at.ring);
        if (at.v)
            fprintf(out, " of VM %u", at.vmid);
        fputs(":\n", out);
        for (unsigned i = 1; i < GENERAL; i++)
            entry(&t, reg_name(i, false), machine_register(m, hart, i));
        end_row(&t);
        for (unsigned i = GENERAL; i < machine_register_count(); i++) {
            const char *name = machine_register_name(i);
            uint64_t value = machine_register(m, hart, i);

            if (value && (at.v || strncmp(name, "host_", 5) != 0)) /* else nothing is set aside */
                entry(&t, name, value);
        }
        end_row(&t);
    }
}

static json_t *json_hex(uint64_t value)
{
    char text[20];

    snprintf(text, sizeof text, "0x%" PRIx64, value);
    return json_string(text);
}

json_t *registers_json(struct machine *m)
{
    json_t *harts = json_array();

    for (unsigned hart = 0; hart < machine_config(m)->harts; hart++) {
        json_t *o = json_object();

        for (unsigned i = 0; i < machine_register_count(); i++)
            json_object_set_new(o, machine_register_name(i),
                                json_hex(machine_register(m, hart, i)));
        json_array_append_new(harts, o);
    }
    return harts;
}
