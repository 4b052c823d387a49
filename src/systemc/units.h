/* What the pipeline's stages ask: translation, hazards, the state pool's sequencer. Manual:
 * chapter "The pipeline". */
#ifndef VISA_SYSTEMC_UNITS_H
#define VISA_SYSTEMC_UNITS_H

#include "bus.h"
#include "cache.h"
#include "flight.h"

extern "C" {
#include "state/timing.h"
}

namespace visa
{

/* Translation beyond an L1 TLB's hit: L2, and the walker, which reads through the data
 * cache. Which entries are read is the golden model's (mmu/). */
struct translation : sc_core::sc_module {
    translation(const sc_core::sc_module_name &name, cache &data, const pipeline_config &c);

    /* The first cycle after what the note says, begun in cycle `at`. */
    uint64_t pass(uint64_t at, const struct timing_note &n, costs &spent);

  private:
    cache &data_;
    unsigned l2_, read_, write_;
};

/* Forwarding gives every result to the instruction behind, but a load's, which comes out of
 * memory: so one register of one instruction is all that can be waited for. */
struct hazard : sc_core::sc_module {
    explicit hazard(const sc_core::sc_module_name &name) : sc_module(name)
    {
    }

    /* An instruction has left: a result from memory is bypassed from there. */
    void note(const flight &f)
    {
        rd_ = f.kind->result_in_memory ? f.insn.rd : 0;
        ready_ = f.write;
    }
    /* The cycle from which on the instruction has its registers; 0: at once. */
    uint64_t ready(const timing_insn &i) const
    {
        return rd_ && (i.rs1 == rd_ || i.rs2 == rd_) ? ready_ : 0;
    }

  private:
    unsigned rd_ = 0; /* x0: none */
    uint64_t ready_ = 0;
};

/* Contexts between the state pool and memory, by the bus. */
struct sequencer : sc_core::sc_module {
    sequencer(const sc_core::sc_module_name &name, interconnect &bus, const pipeline_config &c);

    uint64_t pass(uint64_t at, const struct timing_note &n, costs &spent);

  private:
    interconnect &bus_;
    uint64_t spill_, refill_; /* cycles of a context */
};

} // namespace visa
#endif
