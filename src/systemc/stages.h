/* The pipeline's five stages. Instructions pass them in program order, by calls; each stage notes in
 * the instruction's `flight` the cycle in which the instruction entered. As the pipeline is in order and
 * single issue, that cycle is the maximum of a few earlier ones. `next_free` is always the first
 * cycle in which the next stage can take an instruction: until then this one stalls. Manual: chapter
 * "The pipeline". */
#ifndef VISA_SYSTEMC_STAGES_H
#define VISA_SYSTEMC_STAGES_H

#include "predictor.h"
#include "units.h"

namespace visa
{

/* A stage holds one instruction: the next one enters when that has left. */
struct stage : sc_core::sc_module {
    explicit stage(const sc_core::sc_module_name &name) : sc_module(name)
    {
    }
    /* The cycle in which the last instruction entered it. */
    uint64_t entered() const
    {
        return entered_;
    }

  protected:
    uint64_t entered_ = 0;
};

struct fetch : stage {
    uint64_t misses = 0; /* of the L1 TLB */

    fetch(const sc_core::sc_module_name &name, cache &instructions, translation &t);

    /* The next fetch begins in this cycle or later; the bubbles before that are `why`'s. */
    void redirect(uint64_t cycle, pipeline_category why)
    {
        redirect_ = cycle;
        why_ = why;
    }
    uint64_t redirected_to() const
    {
        return redirect_;
    }
    pipeline_category why() const
    {
        return why_;
    }
    /* Fetches an instruction; the first cycle in which decode can have the instruction. A miss is
     * served from cycle `turn` on, in which all older instructions have left memory. */
    uint64_t pass(flight &f, uint64_t next_free, uint64_t turn, const timing &t);
    /* The same for a fetch that faults, as far as the fetch comes. */
    uint64_t fault(flight &f, uint64_t next_free, uint64_t turn, const timing &t);
    void empty(); /* fence.i */

  private:
    cache &instructions_;
    translation &translation_;
    uint64_t line_ = 0; /* the line of the last fetch, plus 1: a hit in the instruction cache */
    uint64_t redirect_ = 0;
    pipeline_category why_ = PIPELINE_FRONTEND;

    uint64_t translate(uint64_t at, uint64_t turn, const timing_notes &n, unsigned from,
                       unsigned to, costs &spent);
    uint64_t part(uint64_t at, uint64_t turn, uint64_t pa, const timing_notes &n, unsigned from,
                  unsigned to, costs &spent);
};

/* Decodes, predicts jumps and branches, and redirects fetch where fetch had assumed otherwise. */
struct decode : stage {
    decode(const sc_core::sc_module_name &name, predictor &p, const pipeline_config &c);

    /* The instruction leaves fetch in cycle `out`. */
    void take(flight &f, uint64_t out, uint64_t next_free)
    {
        entered_ = f.decode = out > next_free ? out : next_free;
    }
    void predict(flight &f);

  private:
    predictor &predictor_;
    unsigned redirect_;
    bool static_; /* without the buffer: backwards is taken */
};

struct execute : stage {
    uint64_t jumps = 0, mispredicts = 0, redirects = 0;

    execute(const sc_core::sc_module_name &name, predictor &p, hazard &h, sequencer &s,
            const pipeline_config &c);

    /* Stalls for hazards on source registers, and a serial instruction until cycle `serial_from`, in
     * which all older instructions have left memory. */
    void take(flight &f, uint64_t next_free, uint64_t serial_from);
    /* A spill or a refill of a context of the pool. */
    void move(flight &f, const struct timing_note &n);
    /* The target is known: a mispredict redirects fetch. */
    void resolve(const flight &f, uint64_t next, fetch &front);

  private:
    predictor &predictor_;
    hazard &hazard_;
    sequencer &sequencer_;
    unsigned mispredict_;
    unsigned occupies_[ISA_LATS]; /* cycles of each class ... */
    bool serial_[ISA_LATS];       /* ... and whether the class is serial */
};

struct memory : stage {
    uint64_t misses = 0; /* of the L1 TLB */

    memory(const sc_core::sc_module_name &name, interconnect &bus, cache &data, translation &t,
           const pipeline_config &c);

    /* The data caches of other harts, which the bus snoops. */
    void others(std::vector<cache *> caches)
    {
        others_ = std::move(caches);
    }
    /* An access of the instruction: by translation and data cache. */
    void pass(flight &f, uint64_t next_free, const struct timing_note &n);
    /* An access of a device, now. False: the device refuses. */
    bool device(flight &f, uint64_t next_free, const struct timing_note &n, uint64_t *value);
    /* All accesses of the instruction are done. */
    void leave(flight &f, uint64_t next_free);

    /* Cycles of the class in this stage, without misses. */
    unsigned stays(const flight &f) const
    {
        return f.trapped ? 1 : stays_[f.kind->latency];
    }

  private:
    interconnect &bus_;
    cache &data_;
    translation &translation_;
    unsigned port_;
    unsigned stays_[ISA_LATS];
    std::vector<cache *> others_;
    unsigned accesses_ = 0; /* of this instruction */

    void begin(flight &f, uint64_t next_free);
    uint64_t access(uint64_t at, uint64_t pa, bool write, costs &spent);
    uint64_t accesses(uint64_t at, const struct timing_note &n, costs &spent);
    uint64_t snoop(uint64_t at, uint64_t pa, bool write);
};

/* Instructions retire here, and every cycle up to that is accounted to a category. */
struct writeback : stage {
    explicit writeback(const sc_core::sc_module_name &name);

    /* `stays`: cycles in memory without misses; `why`: of the last redirect; `as`: the category of
     * the cycle of write-back, which of an instruction that traps is not PIPELINE_RETIRED. */
    void take(flight &f, unsigned stays, pipeline_category why, pipeline_category as);
    /* The hart slept until this cycle. */
    void slept(uint64_t until)
    {
        slept_until_ = until;
    }
    /* The hart still sleeps: cycles up to this one are the row's. */
    void sleep_to(uint64_t cycle, pipeline_row &row);
    /* Cycles before this one are not accounted: nothing was timed. */
    void skip_to(uint64_t cycle);

    uint64_t cycles() const
    {
        return accounted_ - skipped_;
    }

  private:
    uint64_t accounted_ = 0; /* cycles up to and with the last one here */
    uint64_t skipped_ = 0;
    uint64_t slept_until_ = 0;
    pipeline_category accounts_[ISA_LATS] = {}; /* of each class */
};

} // namespace visa
#endif
