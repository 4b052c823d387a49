/* What a run tells those who listen, and what ends it. */
#ifndef VISA_EVENTS_H
#define VISA_EVENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

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
    uint64_t seq;     /* number of the record on this hart, from 0: told or not, if it could be */
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
    uint64_t mem_hpa2;  /* where the part of it on the next page is, 0 if there is none */
    uint64_t mem_value; /* loaded, or stored */
    uint64_t mem_old;   /* AMO: value before */
    bool csr_written;
    uint16_t csr;       /* then its number ... */
    uint64_t csr_value; /* ... and what it reads as now */
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

/* A part of a run. */
struct retire_part {
    uint64_t from, to; /* first and last instret of each hart */
    bool events;       /* only records that have an event */
    bool one_vm;       /* only of VMID vm while it runs, and entries into it */
    uint16_t vm;
};

typedef void stale_fn(void *user, const struct stale_use *u);

/* An access of RAM by an instruction, which has just been done. */
struct memory_access {
    uint32_t hart;
    bool write;
    uint8_t size; /* bytes; of an access over a page's end each part is one */
    uint64_t pa;
};
typedef void access_fn(void *user, const struct memory_access *a);

/* A hart is stuck: it can only fault on its own trap handler for ever, or it has taken one exception
 * STUCK_TIMES times whose ring retired nothing in between. Called as it is about to take that once
 * more, once for each hart, with the reason in machine_message(); true ends the run with
 * STOP_TRAP_LOOP. */
enum { STUCK_TIMES = 100000 };
typedef bool stuck_fn(void *user, unsigned hart);

enum stop {
    STOP_NONE,      /* still running */
    STOP_EXIT,      /* the guest ended the run: code is its exit code */
    STOP_LIMIT,     /* the instruction limit of machine_run is reached */
    STOP_DEADLOCK,  /* every hart waits and nothing is scheduled to wake one */
    STOP_TRAP_LOOP, /* a hart is stuck: stuck_fn */
    STOP_REQUEST,   /* machine_stop() was called from outside */
    STOP_BREAK,     /* the next instruction is one of machine_break_set's */
};

/* What somebody wants to be told of a run; what is NULL is not told, and costs nothing. The struct is
 * the caller's, and stays as it is while it observes. Who is told may end its own observing, no other's. */
struct observer {
    void *user;
    /* Records of this part of the run. What is outside the parts of all observers costs what it costs
     * if nobody listens. */
    retire_fn *retire;
    struct retire_part part;
    world_fn *world;   /* entries and exits in this part */
    world_fn *refusal; /* all refused entries */
    /* Uses of stale translations: every access is walked beside the TLB. Counts are the same, the run is
     * slow. */
    stale_fn *stale;
    stuck_fn *stuck; /* nobody: a stuck hart ends the run */
    /* Stores by harts that touch [first, last], and loads. Walks and world switches are none. */
    access_fn *store, *load;
    uint64_t first, last;
    struct observer *next; /* the machine's */
};
/* For `part`: all of a run. */
#define WHOLE_RUN ((struct retire_part){.to = UINT64_MAX})

enum machine_break_kind {
    BREAK_PHYSICAL, /* the one at this physical address */
    BREAK_VIRTUAL,  /* the one at this pc */
    BREAK_MARKER,   /* the hint `slti x0, x0, N` whose N is from first to last */
};

/* Before which instructions a run stops with STOP_BREAK. Any number at once, each until it is cleared;
 * a run that waits for them costs what one costs that does not. */
struct machine_break {
    enum machine_break_kind kind;
    uint64_t addr;
    int first, last;
    bool (*in_vm)(const void *user,
                  uint16_t vmid); /* only in guests of these VMs; NULL: wherever */
    const void *user;
    bool hit; /* it was a reason of the last STOP_BREAK; there may have been several */
    struct machine_break *next; /* the machine's */
};

#ifdef __cplusplus
}
#endif

#endif
