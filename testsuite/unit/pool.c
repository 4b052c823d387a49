/* The state pool: rules VM-11 to VM-14, and which loads are refused: EN-1, EN-3. */
#include <string.h>

#include "cpu/cpu.h"
#include "machine/machine.h"
#include "state/machine_state.h"
#include "unit.h"

enum { POOL = 2 };
#define VMCS(n) (RAM_BASE + 0x1000ull * (n))

static struct machine *make(unsigned harts)
{
    struct machine_config c;
    char err[256];
    struct machine *m;
    uint64_t revision = ISA_REVISION;

    machine_defaults(&c);
    c.pool = POOL;
    c.harts = harts;
    m = machine_new(&c, err, sizeof err);
    machine_reset(m, RAM_BASE, 0);
    for (unsigned n = 1; n <= 4; n++)
        (void)machine_write(m, VMCS(n), &revision, 8);
    return m;
}

static uint64_t word(struct machine *m, uint64_t vmcs, unsigned field)
{
    uint64_t value = 0;

    (void)machine_read(m, vmcs + 8ull * field, &value, 8);
    return value;
}

/* 1 if it is in the pool afterwards; else the field that is wrong, and its value. */
static uint64_t load(struct machine *m, unsigned hart, uint64_t vmcs, struct exit_info *why)
{
    *why = (struct exit_info){0};
    return pool_load(&m->harts[hart], vmcs, why) != NULL;
}

static bool pooled(struct machine *m, unsigned n)
{
    return pool_find(&m->harts[0], VMCS(n)) != NULL;
}

void pool_replaces_what_was_loaded_longest_ago(void)
{
    struct machine *m = make(1);
    struct exit_info why;

    check_equal(load(m, 0, VMCS(1), &why), 1);
    check_equal(load(m, 0, VMCS(2), &why), 1);
    check_equal(load(m, 0, VMCS(1), &why), 1); /* is there: it does not count as loaded again */
    check_equal(m->stats.pool_refills, 2);
    check_equal(load(m, 0, VMCS(3), &why), 1);
    check_equal(pooled(m, 1), 0);
    check_equal(pooled(m, 2), 1);
    check_equal(pooled(m, 3), 1);
    check_equal(m->stats.pool_spills, 1);
    check_equal(word(m, VMCS(1), ISA_VMCS_OWNER), 0);
    check_equal(word(m, VMCS(2), ISA_VMCS_OWNER), 1);
    check_equal(load(m, 0, VMCS(4), &why), 1);
    check_equal(pooled(m, 2), 0);
    machine_free(m);
}

void pool_has_the_valid_copy(void)
{
    struct machine *m = make(1);
    struct exit_info why;
    struct context *c;
    uint64_t pc = 0x1234, other = 0x5678;

    (void)machine_write(m, VMCS(1) + 8 * ISA_VMCS_PC, &pc, 8);
    check_equal(load(m, 0, VMCS(1), &why), 1);
    c = pool_find(&m->harts[0], VMCS(1));
    check_equal(c->f[ISA_VMCS_PC], pc);
    (void)machine_write(m, VMCS(1) + 8 * ISA_VMCS_PC, &other, 8); /* stale */
    check_equal(c->f[ISA_VMCS_PC], pc);
    c->f[ISA_VMCS_PC] = 0x9abc;
    pool_save(&m->harts[0], c);
    check_equal(word(m, VMCS(1), ISA_VMCS_PC), 0x9abc);
    check_equal(word(m, VMCS(1), ISA_VMCS_OWNER), 1);
    check_equal(pooled(m, 1), 1);
    pool_drop(&m->harts[0], c);
    check_equal(word(m, VMCS(1), ISA_VMCS_OWNER), 0);
    check_equal(pooled(m, 1), 0);
    machine_free(m);
}

void pool_keeps_words_that_are_no_field(void)
{
    struct machine *m = make(1);
    struct exit_info why;
    uint64_t mine = 0x1111222233334444;
    unsigned free_word = 511;

    for (unsigned i = 0; i < isa_vmcs_field_count; i++)
        check_equal(isa_vmcs_fields[i].first + isa_vmcs_fields[i].n <= free_word, 1);
    check_equal(load(m, 0, VMCS(1), &why), 1);
    (void)machine_write(m, VMCS(1) + 8 * free_word, &mine, 8);
    pool_drop(&m->harts[0], pool_find(&m->harts[0], VMCS(1)));
    check_equal(word(m, VMCS(1), free_word), mine);
    machine_free(m);
}

void pool_refuses_what_is_no_vmcs(void)
{
    struct machine *m = make(1);
    struct exit_info why;
    uint64_t wrong = ISA_REVISION + 1;

    check_equal(load(m, 0, 0, &why), 0);
    check_equal(why.qual, ISA_VMCS_NONE);
    check_equal(load(m, 0, VMCS(1) + 8, &why), 0);
    check_equal(why.qual, ISA_VMCS_NONE);
    check_equal(why.addr, VMCS(1) + 8);
    check_equal(load(m, 0, 0x1000, &why), 0); /* no RAM */
    check_equal(why.qual, ISA_VMCS_NONE);
    (void)machine_write(m, VMCS(1), &wrong, 8);
    check_equal(load(m, 0, VMCS(1), &why), 0);
    check_equal(why.qual, ISA_VMCS_REVISION);
    check_equal(why.addr, wrong);
    check_equal(m->stats.pool_refills, 0);
    machine_free(m);
}

void pool_refuses_what_another_hart_has(void)
{
    struct machine *m = make(2);
    struct exit_info why;

    check_equal(load(m, 0, VMCS(1), &why), 1);
    check_equal(load(m, 1, VMCS(1), &why), 0);
    check_equal(why.qual, ISA_VMCS_OWNER);
    check_equal(why.addr, 1);
    pool_drop(&m->harts[0], pool_find(&m->harts[0], VMCS(1)));
    check_equal(load(m, 1, VMCS(1), &why), 1);
    check_equal(word(m, VMCS(1), ISA_VMCS_OWNER), 2);
    machine_free(m);
}
