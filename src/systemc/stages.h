/* The pipeline's five stages. An instruction goes through them by calls, in program order,
 * and each writes into it from which cycle on it had it: in order and single issue, that is
 * a maximum of few earlier cycles. Manual: chapter "The pipeline". */
#ifndef VISA_SYSTEMC_STAGES_H
#define VISA_SYSTEMC_STAGES_H

#include "predictor.h"
#include "units.h"

namespace visa
{

/* A stage lets the next instruction in when the one before has gone on. */
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

    /* Begins anew, not before this cycle, because of that. */
    void restart(uint64_t cycle, pipeline_category why)
    {
        restart_ = cycle;
        why_ = why;
    }
    uint64_t restarts() const
    {
        return restart_;
    }
    pipeline_category why() const
    {
        return why_;
    }
    /* Brings the instruction, once decode has the one before (`freed`): the first cycle
     * after. What misses waits for cycle `turn`, in which all older ones have left memory. */
    uint64_t bring(flight &f, uint64_t freed, uint64_t turn, const timing &t);
    /* As much of that as an instruction causes whose fetch faults. */
    uint64_t fail(flight &f, uint64_t freed, uint64_t turn, const timing &t);
    void empty(); /* fence.i */

  private:
    cache &instructions_;
    translation &translation_;
    uint64_t line_ = 0; /* that the last fetch was of, plus 1: it is in the cache */
    uint64_t restart_ = 0;
    pipeline_category why_ = PIPELINE_FRONTEND;

    uint64_t translate(uint64_t at, uint64_t turn, const timing_notes &n, unsigned from,
                       unsigned to, costs &spent);
    uint64_t part(uint64_t at, uint64_t turn, uint64_t pa, const timing_notes &n, unsigned from,
                  unsigned to, costs &spent);
};

/* Knows what an instruction is, and where fetch has to go on if it guessed wrong. */
struct decode : stage {
    decode(const sc_core::sc_module_name &name, predictor &p, const pipeline_config &c);

    /* From fetch (`out`), once execute has the one before (`freed`). */
    void take(flight &f, uint64_t out, uint64_t freed)
    {
        entered_ = f.decode = out > freed ? out : freed;
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

    /* Once memory has the one before (`freed`), with its registers, and if it wants all older
     * ones to have left memory (`alone`), then. */
    void take(flight &f, uint64_t freed, uint64_t alone);
    /* A context goes between pool and memory. */
    void move(flight &f, const struct timing_note &n);
    /* The next instruction is known: had fetch gone there? */
    void resolve(const flight &f, uint64_t next, fetch &front);

  private:
    predictor &predictor_;
    hazard &hazard_;
    sequencer &sequencer_;
    unsigned mispredict_;
    unsigned occupies_[ISA_LATS]; /* cycles of each class ... */
    bool serial_[ISA_LATS];       /* ... and whether it waits for all older ones */
};

struct memory : stage {
    uint64_t misses = 0; /* of the L1 TLB */

    memory(const sc_core::sc_module_name &name, interconnect &bus, cache &data, translation &t,
           const pipeline_config &c);

    /* Caches of other harts, which the bus asks. */
    void others(std::vector<cache *> caches)
    {
        others_ = std::move(caches);
    }
    /* What the instruction does there, once the one before has gone on to write (`freed`). */
    void pass(flight &f, uint64_t freed, const struct timing_note &n);
    /* A device's register is read or written now. False: it answers with an error. */
    bool device(flight &f, uint64_t freed, const struct timing_note &n, uint64_t *value);
    /* It has done all. */
    void leave(flight &f, uint64_t freed);

    /* Cycles of a class, if all hits. */
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

    void begin(flight &f, uint64_t freed);
    uint64_t access(uint64_t at, uint64_t pa, bool write, costs &spent);
    uint64_t accesses(uint64_t at, const struct timing_note &n, costs &spent);
    uint64_t snoop(uint64_t at, uint64_t pa, bool write);
};

/* Instructions retire here, and their cycles are shared out. */
struct writeback : stage {
    explicit writeback(const sc_core::sc_module_name &name);

    /* `stays`: cycles that memory takes at least; why: what fetch began anew for; as: what
     * the cycle is of a trapped one that others have for retiring. */
    void take(flight &f, unsigned stays, pipeline_category why, pipeline_category as);
    /* The hart slept until this cycle. */
    void slept(uint64_t until)
    {
        slept_until_ = until;
    }
    /* It does so yet: these cycles are the row's. */
    void sleep_to(uint64_t cycle, pipeline_row &row);
    /* What is before this cycle is nobody's account. */
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
