/* Where exits come from and what they cost: one row per VM, cause and guest pc.
 *
 * A consumer of world switches (machine_on_world). Costs are from the exit to the VM's
 * next entry: instructions that Ring -1 retired, and ticks. */
#ifndef VISA_EXITS_H
#define VISA_EXITS_H

#include "machine.h"

struct exit_cost {
    uint64_t min, max, sum;
};

struct exit_row {
    uint64_t vmcs, pc;
    uint16_t vmid;
    uint8_t cause; /* ISA_EXIT_* */
    uint64_t count;
    uint64_t returned; /* exits that the VM was entered again after: the costs are theirs */
    uint64_t emulated; /* of these, with VMRESUME.ADV */
    struct exit_cost insns, ticks;
};

/* What one VM's guest ran, between entries and exits. */
struct vm_share {
    uint64_t vmcs;
    uint16_t vmid;
    uint64_t insns, ticks;
};

struct exits;

/* Begins to count m's world switches; NULL if there is no room for it. */
struct exits *exits_new(struct machine *m);
void exits_free(struct exits *x);

/* Rows by falling count, then VMCS, cause, pc; valid until the next run. */
const struct exit_row *exits_rows(struct exits *x, size_t *n);
/* VMs in the order of their first entry. */
const struct vm_share *exits_shares(struct exits *x, size_t *n);
/* False if memory ran out and some exits are missing. */
bool exits_complete(const struct exits *x);

#endif
