/* The pipeline model: cycles for what the golden model executes. Manual: chapter "The
 * pipeline". Built where SystemC is found (HAVE_SYSTEMC). */
#ifndef VISA_PIPELINE_H
#define VISA_PIPELINE_H

#include "isa.h"
#include "machine/machine.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Where cycles go. Every cycle is in exactly one of these. */
enum pipeline_category {
    PIPELINE_RETIRED,
    PIPELINE_FRONTEND,
    PIPELINE_MISPREDICT,
    PIPELINE_ICACHE,
    PIPELINE_DCACHE,
    PIPELINE_TLB, /* L1 TLB misses that look into L2 */
    PIPELINE_WALK_GUEST,
    PIPELINE_WALK_HOST,
    PIPELINE_HAZARD,
    PIPELINE_EXECUTE, /* instructions of more than one cycle */
    PIPELINE_WORLD,   /* VMENTER, VMRESUME, exits */
    PIPELINE_POOL,    /* contexts between pool and memory */
    PIPELINE_TRAP,
    PIPELINE_FLUSH,
    PIPELINE_DEVICE,
    PIPELINE_WAIT, /* wfi */
    PIPELINE_CATEGORIES
};
extern const char *const pipeline_category_names[PIPELINE_CATEGORIES];

/* Cycles of one ring of one VM, or of the host (vmcs 0). */
struct pipeline_row {
    uint32_t hart;
    uint64_t vmcs; /* MACHINE_OTHER_VMS: of all VMs that machine_stats() counts together */
    uint16_t vmid; /* its last one */
    int8_t ring;   /* 3, 0 or -1 */
    uint64_t instret, cycles[PIPELINE_CATEGORIES];
};

struct pipeline_stats {
    uint64_t cycles; /* of the hart that ran longest */
    uint64_t icache_misses, dcache_misses, writebacks, dcache_accesses;
    uint64_t l1_fetch_misses, l1_data_misses; /* TLB */
    uint64_t jumps, mispredicts, redirects;
    unsigned nrows;
    const struct pipeline_row *rows; /* by hart, in the order of their first instruction */
};

/* One instruction's way: the first cycle in each stage, and after the last. */
struct pipeline_insn {
    uint32_t hart;
    uint64_t number; /* on this hart, from 0 */
    uint64_t pc, pa; /* pa: host physical address of pc, 0 if the fetch faulted */
    uint64_t vmcs;
    uint16_t vmid;
    int8_t ring;
    bool v, trapped;
    uint32_t insn;
    uint8_t length;
    uint64_t fetch, decode, execute, memory, write;
    uint64_t waited;   /* cycles in decode for a register, or to be the oldest */
    bool mispredicted; /* a jump or branch behind which fetch had gone elsewhere */
    unsigned icache_misses, dcache_misses; /* walks' ones too */
    /* The cycles up to and with `write` that it is charged with, by category: of one hart they
     * lie without gaps behind each other. */
    uint64_t cycles[PIPELINE_CATEGORIES];
};

typedef void pipeline_fn(void *user, const struct pipeline_insn *i);

struct pipeline;

/* What happens when SystemC and the pipeline are refused memory. Without it an exception is thrown,
 * which SystemC does not survive everywhere: a program that has one should end in fn. */
void pipeline_on_no_memory(void (*fn)(void));

/* Puts the pipeline round every hart of m. One at a time in a process, as SystemC has one
 * kernel. NULL with a reason in err (of size n). */
struct pipeline *pipeline_new(struct machine *m, const struct pipeline_config *c, char *err,
                              size_t n);
void pipeline_free(struct pipeline *p);

/* Whether the harts are timed (as they are at first); if not, the functional model runs. The
 * caches and the predictor keep what they have. */
void pipeline_attach(struct pipeline *p, bool on);
/* As machine_run. */
enum stop pipeline_run(struct pipeline *p, uint64_t limit);
/* Every instruction goes to fn when it is through; NULL: nobody listens. */
void pipeline_listen(struct pipeline *p, pipeline_fn *fn, void *user);
/* Lets what is in the pipeline finish, and counts. */
const struct pipeline_stats *pipeline_stats(struct pipeline *p);

#ifdef __cplusplus
}
#endif
#endif
