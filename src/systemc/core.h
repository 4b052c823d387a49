/* A hart's pipeline. The golden model executes; before each instruction it asks the core
 * for its cycle (state/timing.h). The core takes the instruction through its stages
 * (stages.h): up to execute when it is asked, the rest when the next one asks, for then
 * it is known what the instruction did. Manual: chapter "The pipeline". */
#ifndef VISA_SYSTEMC_CORE_H
#define VISA_SYSTEMC_CORE_H

#include "stages.h"

extern "C" {
#include "state/hart.h"
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
    /* The golden model accesses a device: in its cycle, and how long it takes. */
    bool transport(uint64_t *value);
    /* Lets the last instruction leave. */
    void drain();
    void listen(pipeline_fn *fn, void *user);

    /* While it was attached. */
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
    hart *h_;
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
    bool running_ = false; /* it has been let into execute */
    unsigned seen_ = 0;    /* data notes gone through */

    uint64_t number_ = 0;
    pipeline_fn *listener_ = nullptr;
    void *user_ = nullptr;
    pipeline_row untold_{};                      /* of now_, without its own cycles */
    uint64_t told_icache_ = 0, told_dcache_ = 0; /* misses up to now_ */

    static timing_answer issue_hook(struct timing *t, const timing_insn *i);
    static void fault_hook(struct timing *t);
    static void trap_hook(struct timing *t, unsigned event, bool between);
    static void entered_hook(struct timing *t);

    timing_answer issue(const timing_insn &i);
    void fault();
    timing_answer due();
    uint64_t awake();
    void begin(const timing_insn &i);
    void begin_fault();
    void go_through_notes();
    void finish(uint64_t next);
    void leave(uint64_t next, bool trapped, pipeline_category as);
    void go_on(uint64_t next);
    void tell(uint64_t next);
    void trap(unsigned event, bool between);
    pipeline_row *row();
    void place();
    uint32_t bits() const;
};

} // namespace visa
#endif
