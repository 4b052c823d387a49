/* A hart's pipeline. The golden model executes; before each instruction it asks the core
 * for the cycle (state/timing.h). The core takes the instruction through the stages (stages.h) up to
 * execute when the instruction is issued, and through the rest when the next one is: only then is
 * known what the instruction accessed. Manual: chapter "The pipeline". */
#ifndef VISA_SYSTEMC_CORE_H
#define VISA_SYSTEMC_CORE_H

#include "stages.h"

extern "C" {
#include "state/timing.h"
}

namespace visa
{

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
    /* An access of a device by the golden model, in its cycle and with its latency. */
    bool transport(uint64_t *value);
    /* Lets the last instruction leave. */
    void drain();
    void listen(pipeline_fn *fn, void *user);

    /* While the core was attached. */
    uint64_t cycles() const
    {
        return writeback_.cycles();
    }
    const accounts &rows() const
    {
        return accounts_;
    }
    void count(struct pipeline_stats &s) const;

  private:
    machine *m_;
    unsigned id_;                  /* of the hart */
    unsigned flush_, trap_, exit_; /* latencies */
    translation translation_;
    predictor predictor_;
    hazard hazard_;
    sequencer sequencer_;
    fetch fetch_;
    decode decode_;
    execute execute_;
    memory memory_;
    writeback writeback_;
    accounts accounts_;

    flight now_{};         /* the instruction that the golden model executes, or is about to */
    bool running_ = false; /* the last issued instruction is in execute */
    unsigned seen_ = 0;    /* data notes charged */

    uint64_t number_ = 0;
    pipeline_fn *listener_ = nullptr;
    void *user_ = nullptr;
    pipeline_row untold_{};                      /* of now_, without its own cycles */
    uint64_t told_icache_ = 0, told_dcache_ = 0; /* misses up to now_ */

    static timing_answer issue_hook(struct timing *t, const timing_insn *i);
    static void fault_hook(struct timing *t, const timing_insn *i);
    static void trap_hook(struct timing *t, unsigned event, uint64_t pc, bool between);
    static void entered_hook(struct timing *t);

    timing_answer issue(const timing_insn &i);
    void fault(const timing_insn &i);
    timing_answer due();
    uint64_t awake();
    void begin(const timing_insn &i);
    void begin_fault(const timing_insn &i);
    void apply_notes();
    void finish(uint64_t next);
    void leave(uint64_t next, bool trapped, pipeline_category as);
    void go_on(uint64_t next);
    void tell(uint64_t next);
    void trap(unsigned event, uint64_t pc, bool between);
    pipeline_row *row(const timing_world &w);
    void place(const timing_world &w);
    hart_at at() const;
    uint32_t bits() const;
};

} // namespace visa
#endif
