/* libvisa: the V-ISA machine as a library without global state.
 *
 * A machine is RAM, a bus of devices and one or more harts. Make one, load an
 * image (loader.h), run it, ask what happened. Observers (events.h) are what traces,
 * statistics, debuggers and other models have; nobody observing costs
 * nothing. See the architecture manual for the machine itself. */
#ifndef VISA_MACHINE_H
#define VISA_MACHINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/config.h"
#include "state/counts.h"
#include "state/driver.h"
#include "state/events.h"
#include "state/services.h"

#ifdef __cplusplus
extern "C" {
#endif

struct hart;
struct bus;

/* NULL with a reason in err (of size n) if the configuration cannot be built. */
struct machine *machine_new(const struct machine_config *c, char *err, size_t n);
void machine_free(struct machine *m);

/* Puts every hart into its reset state: Ring -1, pc, a0 = hart id, a1 = device tree. */
void machine_reset(struct machine *m, uint64_t pc, uint64_t dtb);

/* Runs until something stops it, at most `limit` instructions of all harts together
 * (0: no limit). Can be called again after STOP_LIMIT. */
enum stop machine_run(struct machine *m, uint64_t limit);

/* Executes one instruction (or takes one interrupt) on one hart. */
enum stop machine_step(struct machine *m, unsigned hart);

/* o is told of the run from now on, until machine_unobserve; not both at once. One that has gone
 * already may go again. */
void machine_observe(struct machine *m, struct observer *o);
void machine_unobserve(struct machine *m, struct observer *o);

/* Times a hart (state/timing.h) from now on, or no longer (NULL). Its L1 TLBs begin empty. */
struct timing;
void machine_time_hart(struct machine *m, unsigned hart, struct timing *t);

/* With own_time, of that model: fetches of the guest that was just entered begin at these ticks. Before
 * anything else happens on the hart. */
void machine_entered(struct machine *m, unsigned hart, uint64_t ticks);

/* d drives the harts from now on (state/driver.h); NULL: the machine itself. */
void machine_drive(struct machine *m, const struct driver *d);

/* Runs like machine_run, but no further than until every hart has reached these ticks:
 * then it returns STOP_NONE. */
enum stop machine_run_to(struct machine *m, uint64_t limit, uint64_t ticks);
/* Lowers the ticks of the machine_run_to that is going on: something is to be seen then. */
void machine_horizon(struct machine *m, uint64_t ticks);
/* Instructions of all harts and what else counts against limits. */
uint64_t machine_progress(const struct machine *m);
/* The least ticks of all harts. */
uint64_t machine_now(const struct machine *m);

/* Runs stop with STOP_BREAK at b, the caller's, until that is cleared. */
void machine_break_set(struct machine *m, struct machine_break *b);
void machine_break_clear(struct machine *m, struct machine_break *b);

/* Makes machine_run return STOP_REQUEST soon; safe in a signal handler. */
void machine_stop(struct machine *m);
/* Was that asked for, and is yet to be done? */
bool machine_stopping(const struct machine *m);

int machine_exit_code(const struct machine *m);
const char *machine_message(
    const struct machine *m); /* why it stopped, in words; "" if there is nothing to say */
const struct machine_stats *machine_stats(struct machine *m);
const struct machine_config *machine_config(const struct machine *m);
struct bus *machine_bus(struct machine *m);
struct hart *machine_hart(struct machine *m, unsigned hart);

/* Where a hart is. */
struct hart_at {
    int8_t ring; /* 3, 0 or -1 */
    bool v;      /* a guest runs */
    bool waiting;
    uint16_t vmid;
    uint64_t vmcs;
    const struct exit_count *vm; /* in machine_stats(), of the guest that runs, else NULL */
    uint64_t pc;
    uint64_t pc_hpa; /* host physical, 0 if the hart's TLB does not have it */
    uint64_t instret, ticks;
    uint64_t guest_instret; /* instructions that the guest has retired since it was entered */
};
void machine_hart_at(const struct machine *m, unsigned hart, struct hart_at *at);

/* Registers of a hart, by their number in the order of isa/state.isa; the value of one that is a CSR as
 * an instruction reads it. */
unsigned machine_register_count(void);
const char *machine_register_name(unsigned n);
int machine_register_find(const char *name); /* -1: none has this name */
uint64_t machine_register(struct machine *m, unsigned hart, unsigned n);
/* Writes x, pc or a CSR, between two runs; of a CSR what an instruction could write. False: n is none of
 * these, or the CSR is read-only or not there now. */
bool machine_set_register(struct machine *m, unsigned hart, unsigned n, uint64_t value);

/* Host physical address of a hart's pc, 0 if its TLB does not have it. */
uint64_t machine_pc_address(const struct machine *m, unsigned hart);

/* RAM behind an address in a request that a hart just made by a store: it may access there what its
 * own loads and stores may. With V=1 addr is guest physical. *pa is its host physical address, as a
 * doubleword's access finds that, for the first *n bytes, which come down to those in that
 * doubleword. False if it may not, or there is no RAM. */
bool machine_reach(struct machine *m, unsigned hart, uint64_t addr, bool write, size_t *n,
                   uint64_t *pa);
#ifdef __cplusplus
}
#endif

#endif
