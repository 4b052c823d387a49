/* Registers by their rows in isa/state.isa (registers.h). */
#include "registers.h"

#include <string.h>

#define FIELD(field) ((struct hart *)0)->field
#define REGISTER(name, field, bits, writable, reset, csr, gdb)                                     \
    {                                                                                              \
        name,                                                                                      \
        (uint16_t)offsetof(struct hart, field),                                                    \
        sizeof FIELD(field),                                                                       \
        bits,                                                                                      \
        writable,                                                                                  \
        reset,                                                                                     \
        csr,                                                                                       \
        gdb},
const struct hart_register hart_registers[] = {STATE_REGISTERS(REGISTER)};
const unsigned hart_register_count = sizeof hart_registers / sizeof hart_registers[0];

#define CHECK(name, field, bits, writable, reset, csr, gdb)                                        \
    _Static_assert(8 * sizeof FIELD(field) >= (bits),                                              \
                   "isa/state.isa: the field is too narrow: " name);
STATE_REGISTERS(CHECK)

uint64_t hart_register_get(const struct hart *h, const struct hart_register *r)
{
    const char *at = (const char *)h + r->at;
    uint64_t value = 0;

    switch (r->bytes) { /* fields are of the host's byte order */
    case 1: value = *(const uint8_t *)at; break;
    default: memcpy(&value, at, sizeof value);
    }
    return value;
}

void hart_register_set(struct hart *h, const struct hart_register *r, uint64_t value)
{
    char *at = (char *)h + r->at;

    value &= UINT64_MAX >> (64 - r->bits);
    switch (r->bytes) {
    case 1: *(uint8_t *)at = (uint8_t)value; break;
    default: memcpy(at, &value, sizeof value);
    }
}
