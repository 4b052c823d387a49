/* What the machine is made of; for src/cpu, src/mmu, src/vic and src/machine only. */
#ifndef VISA_MACHINE_IMPL_H
#define VISA_MACHINE_IMPL_H

#include "code.h"
#include "config/config.h"
#include "counts.h"
#include "driver.h"
#include "hart.h"
#include "services.h"

struct bus;
struct dpages;

struct machine {
    struct machine_config config;
    uint8_t *ram;
    struct hart *harts;
    struct hart *running; /* whose time devices see */
    struct bus *bus;
    struct code_pages code;
    struct dpages *dpages; /* what is decoded of it (cpu/dpage.h) */
    enum stop stop;
    int exit_code;
    char message[384];
    volatile int stop_request;
    uint64_t attempts;          /* traps that got nowhere: they count against limits */
    uint64_t wake;              /* ticks at which devices are polled */
    uint64_t poll;              /* ticks at which they are polled for input at the latest */
    uint64_t round_end;         /* ticks up to which harts run */
    uint64_t horizon;           /* ticks at which machine_run_to ends */
    struct observer *observers; /* in the order in which they came */
    struct {
        bool retire, world, refusal, stale, stuck, store, load;
    } wanted;                /* by any of them */
    struct retire_part part; /* that holds all of which records are wanted */
    struct driver driver;
    bool driven; /* by one that says what each instruction finds: none is executed unasked */
    struct machine_stats stats;
    unsigned vms_entered;
};

static inline uint64_t hart_ticks(const struct hart *h)
{
    return h->instret + h->extra_ticks;
}

/* `time`, of the host. */
static inline uint64_t hart_time(const struct hart *h)
{
    return hart_ticks(h) / h->machine->config.ticks_per_time;
}

/* Timed harts: what the parts of a machine tell and ask of a model's struct timing. */
static inline bool timed(const struct hart *h)
{
    return h->timing;
}

/* Ticks are the model's cycles, which go on by more than one an instruction. */
static inline bool own_time(const struct hart *h)
{
    return h->timing && h->timing->own_time;
}

/* An instruction has its cycle, in which it is yet to execute: interrupts were looked at. */
static inline bool held(const struct hart *h)
{
    return h->timing && h->timing->held;
}

/* Instructions are held from these ticks on. */
static inline void hold_from(struct hart *h, uint64_t ticks)
{
    if (h->timing)
        h->timing->hold = ticks;
}

static inline void note_slept(struct hart *h)
{
    if (h->timing) {
        h->timing->slept = true;
        h->timing->resume = hart_ticks(h);
    }
}

/* Notes are of an instruction's fetch from here on, or of its data. */
static inline void note_fetch(struct hart *h, bool fetch)
{
    if (h->timing)
        h->timing->now = fetch ? &h->timing->fetch : &h->timing->data;
}

static inline void note(struct hart *h, enum timing_kind kind, uint64_t pa, unsigned size,
                        bool write)
{
    struct timing_notes *n = h->timing ? h->timing->now : NULL;

    if (n && n->n < TIMING_NOTES)
        n->note[n->n++] = (struct timing_note){(uint8_t)kind, write, (uint8_t)size, pa};
}

/* Counters of the VM at this VMCS, made if need be. The second is for those who enter it: until they do, the counters' place may change. */
struct exit_count *machine_vm_stats(struct machine *m, uint64_t vmcs);
struct exit_count *machine_vm_entered(struct machine *m, uint64_t vmcs);

/* Does anybody watch loads, or stores, of any of these bytes? */
bool machine_watched(const struct machine *m, bool write, uint64_t pa, uint64_t size);
/* Tells them of one. */
void machine_accessed(struct hart *h, bool write, uint64_t pa, unsigned size);

static inline bool in_ram(const struct machine *m, uint64_t pa, uint64_t size)
{
    return pa >= RAM_BASE && pa - RAM_BASE <= m->config.ram_bytes &&
           size <= m->config.ram_bytes - (pa - RAM_BASE);
}

#endif
