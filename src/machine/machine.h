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

#ifdef __cplusplus
extern "C" {
#endif

enum { MACHINE_WORLD_FNS = 8 };

struct hart;
struct bus;
struct machine;
struct dpages;


/* What kind of event a retire record tells beside the instruction. */
enum retire_event {
    RETIRE_NONE,
    RETIRE_EXCEPTION, /* cause: RISC-V exception code */
    RETIRE_INTERRUPT, /* cause: RISC-V interrupt code */
    RETIRE_EXIT,      /* cause: ISA_EXIT_* */
    RETIRE_ENTRY,     /* the instruction entered a guest: qual is its VMID, val its VMCS */
    RETIRE_ENTRYFAIL, /* the instruction was refused an entry: addr is the field's value */
    /* the instruction made a virtual interrupt pending, took it into service, or ended it: qual is
     * the vector, val the VMCS. That it interrupts a guest is RETIRE_INTERRUPT, with its vector */
    RETIRE_VINT_SENT,
    RETIRE_VINT_ACKNOWLEDGED,
    RETIRE_VINT_ENDED,
};

enum retire_mem { MEM_NONE, MEM_LOAD, MEM_STORE, MEM_AMO };

/* One instruction, or one event between two instructions (length 0). */
struct retire {
    uint64_t seq;     /* number of the record on this hart, from 0 */
    uint64_t instret; /* instructions this hart had retired before it */
    uint64_t cycle;   /* functional model: ticks; timed models: cycles */
    uint32_t hart;
    int8_t ring; /* 3, 0 or -1, before the instruction */
    bool v;
    uint16_t vmid; /* VMID while v */
    uint64_t vmcs; /* physical address of the VMCS while v, else 0 */
    uint64_t pc, pc_gpa, pc_hpa;
    uint32_t insn;  /* its 16 or 32 bits */
    uint8_t length; /* bytes, 0: no instruction (interrupt, fetch fault) */
    bool retired;   /* false: it trapped or exited */
    uint8_t rd;     /* register written, 0 if none */
    uint64_t rd_value;
    uint8_t mem;      /* enum retire_mem */
    uint8_t mem_size; /* bytes */
    uint64_t mem_gva, mem_gpa, mem_hpa;
    uint64_t mem_value; /* loaded, or stored */
    uint64_t mem_old;   /* AMO: value before */
    uint8_t event;      /* enum retire_event */
    uint8_t cause;
    uint64_t tval;                 /* exception: tval */
    uint64_t qual, addr, gpa, val; /* exit: VMQUAL VMADDR VMGPA VMVAL; SEI of a guest: its vector */
    uint64_t guest_base;           /* satp, or GPTBR while v */
    uint64_t host_base;            /* HPTBR while v, else 0 */
    uint64_t next_pc;
};

typedef void retire_fn(void *user, const struct retire *r);

/* A switch between the worlds: a guest was entered, or exited. */
struct world_event {
    bool entry;
    bool
        refused; /* the entry, by the field in qual whose value is addr; pc and ring are Ring -1's */
    uint32_t hart;
    uint16_t vmid;
    uint32_t vm; /* its number in machine_stats()->vms */
    uint64_t vmcs;
    uint64_t instret, ticks; /* of the hart, then; in a timed model an exit is when its
                              * instruction enters execute, an entry when the guest is fetched */
    uint64_t pc;             /* of the guest */
    uint64_t pc_gpa, pc_hpa; /* where that is, 0 if the TLB does not have it */
    int8_t ring;             /* of the guest: 3 or 0 */
    /* exits only: as VMCAUSE and its companions */
    uint64_t cause, qual, addr, gpa, insn, len, val;
    bool advance; /* entries only: VMRESUME.ADV stepped over an instruction */
};

typedef void world_fn(void *user, const struct world_event *e);

/* A cached translation was used that the tables no longer give: a flush is missing. */
struct stale_use {
    uint32_t hart;
    bool v;
    uint16_t vmid;
    char access;         /* 'x', 'r' or 'w' */
    uint64_t pc, pc_hpa; /* pc_hpa: 0 if the TLB does not have it */
    uint64_t va;
    uint64_t cached_hpa; /* where the access went */
    bool mapped;         /* do the tables allow the access at all? */
    uint64_t now_hpa;    /* then where they would send it */
};

typedef void stale_fn(void *user, const struct stale_use *u);

enum stop {
    STOP_NONE,      /* still running */
    STOP_EXIT,      /* the guest ended the run: code is its exit code */
    STOP_LIMIT,     /* the instruction limit of machine_run is reached */
    STOP_DEADLOCK,  /* every hart waits and nothing is scheduled to wake one */
    STOP_TRAP_LOOP, /* a hart can only fault on its own trap handler for ever */
    STOP_REQUEST,   /* machine_stop() was called from outside */
    STOP_BREAK,     /* the next instruction is one of machine_break_set's */
};

/* Virtual interrupts of a VM. */
struct vint_count {
    uint64_t sent;         /* VINT_SEND */
    uint64_t taken;        /* the guest's external interrupt */
    uint64_t acknowledged; /* VINT_ACK with a vector */
    uint64_t ended;        /* VINT_ACK.EOI of one */
};

/* A hypervisor chooses how many VMs it has. So many are counted each, of all that come later
 * together: the one behind them. Its VMCS, which is none's: */
enum { MACHINE_VMS = 1024 };
#define MACHINE_OTHER_VMS UINT64_MAX

struct exit_count {
    uint64_t vmcs;
    uint16_t vmid;           /* at its last exit */
    uint64_t by_cause[0x20]; /* exits */
    uint64_t entries, exits, emu, tlbmiss, instret;
    uint64_t walk_reads_guest, walk_reads_host; /* page-table entries read */
    struct vint_count vint;
    uint64_t vint_pending; /* vectors that are pending now, by machine_stats(); not of other VMs */
};

/* Fields of the VMCS by number, and behind them the pointer to it. */
enum { MACHINE_REFUSALS = 512 + 1 };

/* Architectural events, counted while running. */
struct machine_stats {
    uint64_t instret, ticks;
    uint64_t exits, emu, tlbmiss; /* VMCOUNT_* in total over all harts */
    uint64_t tlbmiss_host;        /* walks with V=0 */
    uint64_t entry_failures, entries;
    uint64_t refused_by[MACHINE_REFUSALS]; /* entry_failures by the field that is wrong */
    uint64_t pool_spills, pool_refills;
    uint64_t walk_reads_guest, walk_reads_host; /* page-table entries read */
    uint64_t exceptions, interrupts;
    struct vint_count vint; /* of all VMs, as vint_pending by machine_stats() */
    uint64_t vint_pending;
    unsigned nvms;
    struct exit_count *vms; /* in the order of their first entry; behind them those that were only
                             * sent interrupts, and behind MACHINE_VMS all others */
};

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

/* Every record goes to fn from now on; NULL: nobody listens. */
void machine_listen(struct machine *m, retire_fn *fn, void *user);

/* Every world switch goes to fn too from now on; until machine_off_world with the same
 * arguments. At most MACHINE_WORLD_FNS at once: false if there is no room. */
bool machine_on_world(struct machine *m, world_fn *fn, void *user);
void machine_off_world(struct machine *m, world_fn *fn, void *user);

/* Every refused entry goes to fn; NULL: nobody listens. */
void machine_on_refusal(struct machine *m, world_fn *fn, void *user);

/* Every use of a stale translation goes to fn; NULL: nobody looks. While somebody does,
 * every access is walked beside the TLB: counts are the same, the run is slow. */
void machine_on_stale(struct machine *m, stale_fn *fn, void *user);

/* Times a hart (cpu/timing.h) from now on, or no longer (NULL). Its L1 TLBs begin empty. */
struct timing;
void machine_time_hart(struct machine *m, unsigned hart, struct timing *t);

/* Accesses of devices by harts go to fn, which does what bus_read and bus_write (bus.h) do;
 * NULL: straight to the bus. */
typedef bool transport_fn(void *user, unsigned hart, bool write, uint64_t pa, unsigned width,
                          uint64_t *value);
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

/* Before which instructions a run stops with STOP_BREAK. */
enum machine_break_kind {
    BREAK_NONE,
    BREAK_PHYSICAL, /* the one at this physical address */
    BREAK_VIRTUAL,  /* the one at this pc */
    BREAK_MARKER,   /* the hint `slti x0, x0, N` whose N is from first to last */
};

struct machine_break {
    enum machine_break_kind kind;
    uint64_t addr;
    int first, last;
    bool (*in_vm)(const void *user,
                  uint16_t vmid); /* only in guests of these VMs; NULL: wherever */
    const void *user;
};

/* Several wait at once, each for a reason of its own until it is cleared, with which a run can go
 * on. A run that waits for one costs what one costs that does not. */
enum machine_break_slot { BREAK_SWITCH, BREAK_TRACE_FROM, BREAK_TRACE_TO, BREAK_SLOTS };
void machine_break_set(struct machine *m, enum machine_break_slot slot,
                       const struct machine_break *b);
void machine_break_clear(struct machine *m, enum machine_break_slot slot);
/* Was that the reason of the last STOP_BREAK? There may have been several. */
bool machine_broke(const struct machine *m, enum machine_break_slot slot);

/* Ends the run with this exit code (a device or a guest asks for it). */
void machine_exit(struct machine *m, int code);

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

/* Host physical address of a hart's pc, 0 if its TLB does not have it. */
uint64_t machine_pc_address(const struct machine *m, unsigned hart);

/* Virtual time of the platform: ticks of `time`. Devices use it. */
uint64_t machine_time(const struct machine *m);
/* A device wants its `poll` op called when `time` reaches t; the earliest wins. */
void machine_wake_at(struct machine *m, uint64_t t);
/* Interrupt lines into a hart's mip, level-triggered: ISA_IRQ_MSI, MTI, SEI and MEI. */
void machine_set_irq(struct machine *m, unsigned hart, unsigned irq, bool level);

/* fn is called after every store by a hart that touches [pa, pa+size); HTIF uses it.
 * False if memory ran out. */
typedef void watch_fn(void *user, unsigned hart, uint64_t pa);
bool machine_watch(struct machine *m, uint64_t pa, uint64_t size, watch_fn *fn, void *user);

/* Physical memory as devices and loaders see it: only RAM. False if any byte is outside. */
bool machine_read(struct machine *m, uint64_t pa, void *to, size_t n);
bool machine_write(struct machine *m, uint64_t pa, const void *from, size_t n);
/* RAM behind an address in a request that a hart just made by a store: it may access there what its
 * own loads and stores may. With V=1 addr is guest physical. *pa is its host physical address, as a
 * doubleword's access finds that, for the first *n bytes, which come down to those in that
 * doubleword. False if it may not, or there is no RAM. */
bool machine_reach(struct machine *m, unsigned hart, uint64_t addr, bool write, size_t *n,
                   uint64_t *pa);
/* Host address of RAM [pa, pa+n), NULL if any byte is outside. Do not write code through it. */
uint8_t *machine_ram(struct machine *m, uint64_t pa, size_t n);

#ifdef __cplusplus
}
#endif

#endif
