/* A hart's pipeline. The golden model executes; before each instruction it asks the core
 * for its cycle (cpu/timing.h). The core takes the instruction through its stages
 * (stages.h): up to execute when it is asked, the rest when the next one asks, for then
 * it is known what the instruction did. Manual: chapter "The pipeline". */
#ifndef VISA_SYSTEMC_CORE_H
#define VISA_SYSTEMC_CORE_H

#include "predictor.h"
#include "stages.h"

extern "C" {
#include "cpu/hart.h"
#include "cpu/interp.h"
}

namespace visa
{

/* An instruction that is in the pipeline: of each stage, the first cycle there. */
struct flight {
    const op *o;
    uint8_t length;
    dinsn d;
    pipeline_row *row;
    uint64_t pc, pa, pa2;      /* host physical: of its first half, of its second */
    uint64_t world, predicted; /* address that fetch goes on with */
    uint64_t fetch, decode, execute;
    uint64_t earliest; /* cycle in execute if neither registers nor order had been in the way */
    uint64_t cursor;   /* cycle up to which notes have been gone through */
    uint64_t redirect; /* decode sends fetch there not before; 0: it need not */
    uint64_t pooled;   /* cycles for contexts */
    uint64_t occupies; /* cycles in execute beside them */
    bool entered, in_memory;
};

struct core : sc_core::sc_module {
    cache icache, dcache;

    core(const sc_core::sc_module_name &name, machine *m, unsigned hart, interconnect &bus,
         const pipeline_config &c);

    struct timing timing;

    void attach(bool on);
    void others(std::vector<cache *> caches)
    {
        memory_.others(std::move(caches));
    }
    /* The golden model accesses a device: in its cycle, and how long it takes. */
    bool transport(uint64_t *value);
    /* Lets the last instruction leave. */
    void drain();
    void listen(pipeline_fn *fn, void *user);

    /* While it was attached. */
    uint64_t cycles() const
    {
        return accounted_ - skipped_;
    }
    const accounts &rows() const
    {
        return accounts_;
    }
    void count(struct pipeline_stats &s) const;

  private:
    machine *m_;
    hart *h_;
    pipeline_config config_;
    const op *ops_;
    const unsigned *lat_;
    unsigned occupies_[ISA_LATS], stays_[ISA_LATS]; /* cycles in execute, in memory */
    translation translation_;
    fetch fetch_;
    predictor predictor_;
    hazard hazard_;
    sequencer sequencer_;
    memory memory_;
    accounts accounts_;

    flight now_;
    bool running_ = false;  /* now_ has been let into execute */
    costs before_, behind_; /* of now_: in fetch, in memory */
    unsigned seen_ = 0;     /* data notes gone through */

    /* Of the instruction before now_, 0 before the first: */
    uint64_t decode_ = 0, memory_from_ = 0, execute_ = 0, write_ = 0;
    uint64_t accounted_ = 0;                    /* cycles up to and with write_ */
    uint64_t skipped_ = 0;                      /* ... that were not this model's */
    uint64_t restart_ = 0;                      /* no fetch before this cycle ... */
    pipeline_category why_ = PIPELINE_FRONTEND; /* ... and for this reason */
    uint64_t slept_until_ = 0;

    uint64_t number_ = 0, jumps_ = 0, mispredicts_ = 0, redirects_ = 0, data_misses_ = 0;
    pipeline_fn *listener_ = nullptr;
    void *user_ = nullptr;
    pipeline_row untold_{}; /* of now_, without its own cycles */
    uint64_t told_icache_ = 0, told_dcache_ = 0; /* misses up to now_ */

    static timing_answer issue_hook(struct timing *t, const timing_insn *i);
    static void fault_hook(struct timing *t);
    static void trap_hook(struct timing *t, unsigned event);
    static void entered_hook(struct timing *t);

    timing_answer issue(const timing_insn &i);
    void fault();
    timing_answer due();
    uint64_t awake();
    void begin(const timing_insn &i);
    void begin_fault();
    void place();
    void predict(const timing_insn &i);
    uint64_t in_memory() const;
    void go_through_notes();
    void finish(uint64_t next);
    void leave(uint64_t next, bool trapped, pipeline_category retired);
    void go_on(uint64_t next, uint64_t out);
    void skip_to(uint64_t cycle);
    void account(uint64_t end, bool trapped, pipeline_category retired);
    void tell(uint64_t memory_from, uint64_t write, uint64_t next, bool trapped);
    void trap(unsigned event);
    pipeline_row *row();
    uint32_t bits() const;
    pipeline_category execute_category() const;
};

} // namespace visa
#endif
