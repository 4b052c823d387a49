/* The virtual interrupt controller (vic.h). */
#include "vic.h"

enum { WORDS = ISA_VIC_VECTORS / 64 };

static unsigned priority(const struct context *c, unsigned vector)
{
    return c->f[ISA_VMCS_VIC_PRIORITY + vector / 16] >> 4 * (vector % 16) & 15;
}

int vic_best(const struct context *c)
{
    uint64_t over = c->f[ISA_VMCS_VIC_THRESHOLD];
    int best = -1;

    for (unsigned w = 0; w < WORDS; w++) {
        uint64_t ready = c->f[ISA_VMCS_VIC_PENDING + w] & c->f[ISA_VMCS_VIC_ENABLE + w];

        for (; ready; ready &= ready - 1) {
            unsigned vector = 64 * w + (unsigned)__builtin_ctzll(ready);

            if (priority(c, vector) > over) {
                over = priority(c, vector);
                best = (int)vector;
            }
        }
    }
    return best;
}

/* The in-service stack: 16 bits an entry, vector[7:0] and the threshold before it[15:8]. */
static unsigned stack_entry(const struct context *c, uint64_t i)
{
    return c->f[ISA_VMCS_VIC_STACK + i / 4] >> 16 * (i % 4) & 0xffff;
}

int vic_serving(const struct context *c)
{
    uint64_t depth = c->f[ISA_VMCS_VIC_DEPTH];

    return depth ? (int)(stack_entry(c, depth - 1) & 0xff) : -1;
}

void vic_send(struct context *c, unsigned vector)
{
    c->f[ISA_VMCS_VIC_PENDING + vector / 64] |= 1ull << vector % 64;
}

int vic_ack(struct context *c)
{
    uint64_t depth = c->f[ISA_VMCS_VIC_DEPTH];
    uint64_t *word = &c->f[ISA_VMCS_VIC_STACK + depth / 4];
    unsigned shift = 16 * (depth % 4);
    int v = vic_best(c);

    if (v < 0 || depth >= ISA_VIC_NEST)
        return -1;
    *word &= ~(0xffffull << shift);
    *word |= ((uint64_t)v | c->f[ISA_VMCS_VIC_THRESHOLD] << 8) << shift;
    c->f[ISA_VMCS_VIC_DEPTH]++;
    c->f[ISA_VMCS_VIC_PENDING + v / 64] &= ~(1ull << v % 64);
    c->f[ISA_VMCS_VIC_THRESHOLD] = priority(c, (unsigned)v);
    return v;
}

void vic_eoi(struct context *c)
{
    uint64_t depth = c->f[ISA_VMCS_VIC_DEPTH];

    if (depth == 0)
        return;
    c->f[ISA_VMCS_VIC_THRESHOLD] = (stack_entry(c, depth - 1) >> 8) % ISA_VIC_PRIORITIES;
    c->f[ISA_VMCS_VIC_DEPTH]--;
}

uint64_t *vic_register(struct context *c, uint64_t select)
{
    if (select < 4)
        return &c->f[ISA_VMCS_VIC_PENDING + select];
    if (select < 8)
        return &c->f[ISA_VMCS_VIC_ENABLE + select - 4];
    if (select < 24)
        return &c->f[ISA_VMCS_VIC_PRIORITY + select - 8];
    return NULL;
}
