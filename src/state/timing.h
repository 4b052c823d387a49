/* What the golden model tells a timed one, and asks of it.
 *
 * The golden model executes; a timed model decides in which cycle. Each hart has one
 * struct timing, NULL if nobody times the hart. Before an instruction executes, `issue` is
 * asked for its first cycle in execute, which is the hart's time meanwhile.
 * What the instruction then did that costs cycles is left in the notes, in program order.
 * Manual: chapter "The pipeline". */
#ifndef VISA_TIMING_H
#define VISA_TIMING_H

#include <stdbool.h>
#include <stdint.h>

struct hart;

enum timing_kind {
    TIMING_ACCESS,     /* of RAM, through the data cache */
    TIMING_TLB_L2,     /* L1 TLB missed: L2 is looked into */
    TIMING_WALK_GUEST, /* an entry of a guest's (or native) table was read, or written */
    TIMING_WALK_HOST,  /* an entry of a host table was */
    TIMING_DEVICE,     /* an access of a device or port */
    TIMING_SPILL,      /* a context went from the pool to memory */
    TIMING_REFILL,     /* a context came from memory into the pool */
};

struct timing_note {
    uint8_t kind; /* enum timing_kind */
    bool write;
    uint8_t size; /* bytes */
    uint64_t pa;  /* host physical */
};

/* Two translations of 24 reads, 4 more and 7 writes, accesses, a spill and a refill are the most there
 * can be. */
enum { TIMING_NOTES = 128 };

struct timing_notes {
    unsigned n;
    struct timing_note note[TIMING_NOTES];
};

/* Where an instruction executes. */
struct timing_world {
    bool v;
    int8_t ring;      /* 3, 0 or -1 */
    uint16_t vmid;    /* while v */
    uint64_t vmcs;    /* physical address of the VMCS while v, else 0 */
    uint64_t counted; /* the same, or MACHINE_OTHER_VMS if the VM is counted with others */
};

/* An instruction that is about to execute, or is fetched; of a fetch that faults pc and world alone. */
struct timing_insn {
    struct timing_world world;
    uint64_t pc;
    uint64_t pa;          /* host physical address of its page */
    uint64_t pa2;         /* of the next page, of an instruction that crosses the end of the page */
    uint16_t op;          /* enum isa_op of the base; ISA_OP_ILLEGAL: undefined */
    uint8_t length;       /* bytes, 2 or 4 */
    uint8_t rd, rs1, rs2; /* x0 where the encoding has none */
    int64_t imm;
};

enum timing_answer {
    TIMING_GO,
    TIMING_LAST, /* go, then leave the interpreter: an interrupt or the end of a round is due */
    TIMING_HOLD, /* leave the interpreter before the instruction: other harts come first */
};

struct timing {
    void *model;
    /* Decides `cycle`. A held instruction is issued again, and is then compared with `hold` alone. */
    enum timing_answer (*issue)(struct timing *t, const struct timing_insn *i);
    /* The same for a fetch that faulted, which goes down the pipeline as an instruction. */
    void (*fault)(struct timing *t, const struct timing_insn *i);
    uint64_t cycle; /* the instruction's first one in execute: the hart's ticks, with own_time */
    /* take_trap: what was issued last comes to nothing; or, if the trap is an interrupt between two
     * instructions, the one at pc, which would have been next. Event: enum retire_event. */
    void (*trap)(struct timing *t, unsigned event, uint64_t pc, bool between);
    void (*entered)(struct timing *t); /* the instruction entered a guest */
    bool own_time;                     /* ticks are this model's cycles */
    bool held;                         /* an instruction has been issued, and waits for its time */
    uint64_t hold;                     /* ticks from which on instructions are held */
    uint64_t due;                      /* ticks at which an interrupt may be pending */
    uint64_t resume; /* ticks at which the hart woke from wfi; no fetch before it */
    bool slept;
    struct timing_notes *now; /* &fetch while an instruction is fetched, else &data */
    struct timing_notes fetch, data;
    /* The instruction being fetched goes over its page's end: its first part is at first_pa,
     * and notes of the second begin with number `second`. */
    bool crosses;
    unsigned second;
    uint64_t first_pa;
};

/* Fetches of the guest that h entered begin at these ticks: called by a model that has
 * own_time as soon as that cycle is known, before anything else happens on h. */
void timing_entered(struct hart *h, uint64_t ticks);

#endif
