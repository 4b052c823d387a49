/* The registers of a hart one by one, from isa/state.isa: for reset, and for who goes through all. */
#ifndef VISA_REGISTERS_H
#define VISA_REGISTERS_H

#include "hart.h"

struct hart_register {
    const char *name;
    uint16_t at;       /* bytes from the hart's beginning ... */
    uint8_t bytes;     /* ... and of the field */
    uint8_t bits;      /* of them the register has */
    uint64_t writable; /* bits that software can write */
    uint64_t reset;    /* its value then */
    int16_t csr;       /* number of the CSR that shows it, -1: none */
    int16_t gdb;       /* gdb's number for it, -1: none */
};

/* In the order of the table. */
extern const struct hart_register hart_registers[];
extern const unsigned hart_register_count;

/* The value as it is stored, and back; of v, ring and others that a mode depends on, mmu_update comes
 * behind it. */
uint64_t hart_register_get(const struct hart *h, const struct hart_register *r);
void hart_register_set(struct hart *h, const struct hart_register *r, uint64_t value);

#endif
