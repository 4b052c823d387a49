/* A hart: all of its state, as plain fields. isa/state.isa lists what of them is architectural.
 *
 * Manual: chapters "Rings and state" and "The virtual machine". Every field that
 * a guest or the hypervisor can see is architectural; what is behind
 * "the simulator's own" is not. */
#ifndef VISA_HART_H
#define VISA_HART_H

#include "timing.h"
#include "isa.h"
#include "state_gen.h"
#include "events.h"

/* mstatus and sstatus (RISC-V privileged manual, section 3.1.6). */
#define SSTATUS_SIE (1ull << 1)
#define MSTATUS_MIE (1ull << 3)
#define SSTATUS_SPIE (1ull << 5)
#define MSTATUS_MPIE (1ull << 7)
#define SSTATUS_SPP (1ull << 8)
#define MSTATUS_MPP_SHIFT 11
#define MSTATUS_MPP (3ull << MSTATUS_MPP_SHIFT)
#define MSTATUS_MPRV (1ull << 17)
#define SSTATUS_SUM (1ull << 18)
#define SSTATUS_MXR (1ull << 19)
#define MSTATUS_TVM (1ull << 20)
#define MSTATUS_TW (1ull << 21)
#define MSTATUS_TSR (1ull << 22)
#define STATUS_UXL (2ull << 32)
#define STATUS_SXL (2ull << 34)
#define MENVCFG_ADUE (1ull << 61)
#define MENVCFG_STCE (1ull << 63)
#define CAUSE_INTERRUPT (1ull << 63)

enum { VMCTL_COUNTERS = 1, IOV_VALID = 1, IOV_EXIT = 2 };

/* What an exec_ function, a CSR access or a memory access comes to. The caller
 * must look at it; the details of a trap stand in hart.trap. */
typedef enum {
    VISA_OK,
    VISA_TRAP,
} visa_result;
#define CHECKED __attribute__((warn_unused_result))

enum ring { RING_3 = 0, RING_0 = 1, RING_H = 3 }; /* RISC-V privilege levels */

enum access { ACCESS_FETCH, ACCESS_LOAD, ACCESS_STORE };

/* Ring 0's registers: the host has one bank, each VM context another. */
#define RING0_REGISTER(name, vmcs, writable) uint64_t name;
struct ring0 {
    STATE_BANK(RING0_REGISTER)
};
#undef RING0_REGISTER

/* A trap that is about to be taken. */
struct trap {
    uint8_t event; /* enum retire_event: EXCEPTION, INTERRUPT or EXIT */
    uint8_t cause;
    uint64_t tval;
    uint64_t qual, addr, gpa, val;
};

/* What a trap was, and where. */
struct trap_at {
    struct trap trap;
    uint64_t pc;
    int8_t ring; /* as ring_number() */
};

/* The last exception of a ring that has retired nothing since: stuck.c. */
struct no_progress {
    struct trap_at last, first; /* first: of those that led to it */
    uint64_t times;             /* that it was taken, 0: the ring has retired something */
};

/* A context in the state pool: its VMCS, field by field. While its guest runs,
 * x, pc, ring and the Ring 0 bank live in the hart. */
struct context {
    uint64_t vmcs;              /* physical address, 0: free slot */
    uint64_t order;             /* FIFO: number of its load */
    uint64_t f[512];            /* by field number (ISA_VMCS_*) */
    struct no_progress vain[2]; /* by enum ring */
};

/* VMCAUSE and its companions: the last exit or entry failure. */
struct exit_info {
    uint64_t cause, qual, addr, gpa, insn, len, val;
};

enum { FAST_ENTRIES = 512, CTX_MAX = 510, CTX_CACHE = 16 };

/* In front of the TLB: host addresses of pages that are certain to hit. An entry
 * lives only while the L2 entry behind it does, so no count changes. */
struct fast_entry {
    uint64_t tag;   /* page address | context number << 3; ~0 matches nothing */
    uintptr_t host; /* add the virtual address; fetch: the struct dpage */
};

/* What a translation depends on beside the address; each distinct one that is in
 * use has a small number, so that a switch needs no flush of the fast entries. */
struct xlate_ctx {
    uint64_t tag; /* of TLB entries: V, guest stage on, VMID, ASID (tlb.h) */
    uint8_t ring; /* whose rights */
    bool v, sum, mxr;
    bool bare; /* no translation at all */
};

struct hart {
    /* Architectural */
    uint64_t x[33]; /* x[0] is 0; x[32] swallows writes to x0 */
    uint64_t pc;
    uint8_t ring; /* enum ring */
    bool v;
    uint64_t vmid;       /* while v */
    struct ring0 s;      /* the bank in force */
    struct ring0 host_s; /* the host's, while v */
    uint64_t mstatus;    /* the bits that are not Ring 0's */
    uint64_t medeleg, mideleg, mie, mtvec, mscratch, mepc, mcause, mtval;
    uint64_t mcounteren, menvcfg;
    uint64_t mip;     /* lines driven from outside: MSI MTI MEI SEI */
    uint64_t mip_set; /* STI and SEI as Ring -1 wrote them */
    uint8_t pmpcfg[ISA_PMP_ENTRIES];
    uint64_t pmpaddr[ISA_PMP_ENTRIES];
    struct pmp {
        unsigned n;  /* regions */
        bool active; /* an entry is on, be it empty */
        struct pmp_region {
            uint64_t first, last; /* bytes */
            uint8_t cfg;
        } region[ISA_PMP_ENTRIES + 1]; /* one more, for pmp_update */
    } pmp;                             /* of the entries, by pmp_update */
    uint64_t instret;
    uint64_t extra_ticks;                    /* in which nothing retired: its ticks less instret */
    uint64_t mcycle_offset, minstret_offset; /* written values minus counts */
    bool reserved;                           /* lr/sc */
    uint64_t reservation;                    /* the granule's host physical address */
    uint64_t reserved_va;                    /* address that lr was given */

    /* Xvisa */
    uint64_t current;             /* physical address of the current VMCS, 0 if none */
    uint64_t host_x[32], host_pc; /* the host's registers while v */
    struct exit_info exit;
    struct context *pool; /* config.pool of them, and one for current_context() */
    struct context *live; /* the one whose guest runs, NULL unless v */
    uint64_t pool_loads;
    uint64_t count_exit, count_emu, count_tlbmiss;

    /* The simulator's own */
    uint32_t id;
    struct machine *machine;
    struct trap trap;
    uint64_t next_pc;  /* where a sys instruction goes on */
    uint32_t insn;     /* bits of the instruction being executed ... */
    uint16_t insn_op;  /* ... its enum isa_op ... */
    uint8_t insn_len;  /* ... and its bytes; valid in exec_ functions of class sys and in traps */
    bool attention;    /* leave the interpreter: interrupts, ring or deadlines may have changed */
    bool waiting;      /* in wfi */
    bool fetching;     /* the trap comes from a fetch */
    bool fetch_alone;  /* of the page just fetched one instruction may execute, then ask again */
    uint8_t delivered; /* 1 + ring that the last trap was delivered to, 0: none yet */
    bool delivered_exception;   /* it was one, no interrupt */
    uint64_t delivered_at;      /* and instret then */
    struct trap_at first;       /* the first one since an instruction retired */
    uint64_t ring_since;        /* instret when it came into the ring where it is */
    struct no_progress vain[4]; /* by enum ring, with V=0 */
    bool stuck_told;
    uint64_t limit;              /* instret at which the interpreter returns */
    uint64_t guest_start;        /* instret when the guest was entered, while v */
    struct xlate_ctx data, code; /* translation in force, by cpu_update_ctx */
    uint16_t ctx_data, ctx_code; /* their numbers */
    uint16_t ctx_next;
    uint16_t fetch_mix; /* into the index of fast fetches (fast_fetch) */
    unsigned ctx_victim;
    struct {
        uint64_t tag, rights;
        uint16_t number;
    } ctx_cache[CTX_CACHE];
    struct tlb *tlb[2];                      /* 0 fetch, 1 data */
    struct fast_entry fast[3][FAST_ENTRIES]; /* by enum access */
    struct retire *rec;                      /* the record being made, NULL if nobody listens */
    struct retire event;                     /* that one, of an event alone (record.h) */
    bool stepped;                            /* the last instruction had a record */
    uint64_t traps;              /* of all kinds: records without an instruction retired */
    uint64_t unheard, heard_to;  /* records while nobody listened, and up to where */
    struct exit_count *vm_stats; /* of the live VM */
    struct world_event entry;    /* the last one, where somebody listens to world switches */
    bool entry_untold;           /* until timing_entered */
    struct timing *timing;       /* NULL: nobody times this hart */
    uint64_t fetch_pa2;          /* page of the second half of an instruction over a page's end */
};

/* Where the fast entry of a fetch is. A hypervisor and its guest often run at the same
 * addresses: in guests the other half of the table comes first. */
enum { FETCH_MIX_GUEST = FAST_ENTRIES / 2 };

static inline struct fast_entry *fast_fetch(struct hart *h, uint64_t pc)
{
    return &h->fast[0][(pc >> 12 ^ h->fetch_mix) % FAST_ENTRIES];
}

static inline bool trapcfg(const struct hart *h, uint64_t bit)
{
    return h->v && (h->live->f[ISA_VMCS_VMTRAPCFG] & bit);
}

/* The guest's table base: in the hart while the guest runs, else in its context. */
static inline uint64_t ctx_gptbr(const struct hart *h, const struct context *c)
{
    return h->v ? h->s.satp : c->f[ISA_VMCS_GPTBR];
}

/* Is the mode of a page-table base (satp, GPTBR, HPTBR) one that exists? */
static inline bool base_mode_known(uint64_t base)
{
    return base >> 60 == 0 || base >> 60 == 8 || base >> 60 == 9;
}

/* As the manual counts them: 3, 0 or -1. */
static inline int8_t ring_number(const struct hart *h)
{
    return h->ring == RING_H ? -1 : h->ring == RING_0 ? 0 : 3;
}

#endif
