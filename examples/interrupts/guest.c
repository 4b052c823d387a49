/* The guest: it takes interrupts, with nesting, and sends some to itself. */
#include "interrupts.h"

#include <stdbool.h>

#include "guest.h"
#include "visa.h"

struct shared shared;
static volatile uint64_t in_service, self;

enum { FIRST_ENABLE = 4, FIRST_PRIORITY = 8, HIGHEST = 15 }; /* of VIREG's words; priority */

/* Xvisa's control registers have no names in the GNU assembler. */
#define vic_write(number, value)                                                                   \
    __asm__ volatile("csrw %0, %1" ::"i"(number), "r"(value) : "memory")
#define vic_set(number, value) __asm__ volatile("csrs %0, %1" ::"i"(number), "r"(value) : "memory")

static void vic_register(unsigned word, uint64_t bits)
{
    vic_write(VISA_CSR_VISELECT, word);
    vic_set(VISA_CSR_VIREG, bits);
}

static void vic_open(unsigned vector, uint64_t priority)
{
    vic_register(FIRST_PRIORITY + vector / 16, priority << 4 * (vector % 16));
    vic_register(FIRST_ENABLE + vector / 64, 1ull << vector % 64);
}

/* A threshold (CR8) above all of them holds them back until the other hart has sent them. */
static void serve_slow(uint64_t threshold)
{
    vic_write(VISA_CSR_VITHRESH, HIGHEST);
    shared.serving = shared.serving + 1;
    while (shared.sent != shared.serving)
        ;
    vic_write(VISA_CSR_VITHRESH, threshold); /* now they come, the highest first */
}

/* One vector: acknowledged, served with interrupts open to higher ones, ended. */
void guest_trap(struct registers *r)
{
    uint64_t vector = visa_vint_ack();

    shared.nested += in_service > 0;
    in_service++;
    csr_set(sstatus, SSTATUS_SIE);
    if (vector == SLOW)
        serve_slow(1 /* its own priority, to which VINT_ACK had raised it */);
    csr_clear(sstatus, SSTATUS_SIE);
    in_service--;
    visa_vint_ack_eoi();
    if (vector == SELF) {
        self++;
    } else {
        shared.order[shared.ended % VECTORS] = vector;
        shared.ended = shared.ended + 1;
    }
    (void)r; /* trap-guest.S restores pc and status, which the nested ones have changed */
}

void guest_main(void)
{
    static const struct vector vectors[VECTORS] = VECTOR_LIST;

    csr_write(stvec, guest_vector);
    for (unsigned i = 0; i < VECTORS; i++)
        vic_open(vectors[i].number, vectors[i].priority);
    vic_open(SELF, HIGHEST);
    csr_write(sie, 1 << VISA_IRQ_SEI);
    csr_set(sstatus, SSTATUS_SIE);
    for (uint64_t i = 0; i < SELF_ROUNDS; i++)
        visa_vint_send(SELF); /* to itself: taken before the next instruction */
    if (self != SELF_ROUNDS)
        guest_end(0);
    shared.ready = 1;
    while (shared.ended < ROUNDS * VECTORS)
        ;
    guest_end(shared.ended);
}
