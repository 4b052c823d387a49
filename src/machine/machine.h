/* libvisa: the V-ISA machine as a library without global state.
 *
 * A machine is RAM, a bus of devices and one or more harts. Make one, load an
 * image (loader.h), run it, ask what happened. The retire record is what traces,
 * statistics, debuggers and other models listen to; nobody listening costs
 * nothing. See the architecture manual for the machine itself. */
#ifndef VISA_MACHINE_H
#define VISA_MACHINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/config.h"
#include "state/counts.h"
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

/* Records go to fn from now on, those of this part of the run alone (NULL: all); fn NULL: nobody
 * listens. What is not in the part costs what it costs if nobody listens. A few records of events that
 * were not asked for may be told, too. */
void machine_listen(struct machine *m, retire_fn *fn, void *user, const struct retire_part *part);

/* World switches go to fn too from now on, those of a part or all; until machine_off_world with the
 * same fn and user. At most MACHINE_WORLD_FNS at once: false if there is no room. */
bool machine_on_world(struct machine *m, world_fn *fn, void *user, const struct retire_part *part);
void machine_off_world(struct machine *m, world_fn *fn, void *user);

/* Every refused entry goes to fn; NULL: nobody listens. */
void machine_on_refusal(struct machine *m, world_fn *fn, void *user);

/* Every use of a stale translation goes to fn; NULL: nobody looks. While somebody does,
 * every access is walked beside the TLB: counts are the same, the run is slow. */
void machine_on_stale(struct machine *m, stale_fn *fn, void *user);

/* A hart that is stuck goes to fn; NULL: that ends the run. */
void machine_on_stuck(struct machine *m, stuck_fn *fn, void *user);

/* Times a hart (state/timing.h) from now on, or no longer (NULL). Its L1 TLBs begin empty. */
struct timing;
void machine_time_hart(struct machine *m, unsigned hart, struct timing *t);

/* Accesses of devices by harts go to fn, which does what bus_read and bus_write (bus.h) do;
 * NULL: straight to the bus. */
void machine_on_transport(struct machine *m, transport_fn *fn, void *user);

/* Runs like machine_run, but no further than until every hart has reached these ticks:
 * then it returns STOP_NONE. */
enum stop machine_run_to(struct machine *m, uint64_t limit, uint64_t ticks);
/* Lowers the ticks of the machine_run_to that is going on: something is to be seen then. */
void machine_horizon(struct machine *m, uint64_t ticks);
/* Instructions of all harts and what else counts against limits. */
uint64_t machine_progress(const struct machine *m);
/* The least ticks of all harts. */
uint64_t machine_now(const struct machine *m);

void machine_break_set(struct machine *m, enum machine_break_slot slot,
                       const struct machine_break *b);
void machine_break_clear(struct machine *m, enum machine_break_slot slot);
/* Was that the reason of the last STOP_BREAK? There may have been several. */
bool machine_broke(const struct machine *m, enum machine_break_slot slot);

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

/* Host physical address of a hart's pc, 0 if its TLB does not have it. */
uint64_t machine_pc_address(const struct machine *m, unsigned hart);

/* fn is called after every store by a hart that touches [pa, pa+size); HTIF uses it.
 * False if memory ran out. */
bool machine_watch(struct machine *m, uint64_t pa, uint64_t size, watch_fn *fn, void *user);

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
