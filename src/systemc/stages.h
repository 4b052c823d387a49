/* The pipeline's stages, and what they ask. An instruction goes through them by calls, in
 * program order, and each says from which cycle to which it had it: in order and single
 * issue, that is a maximum of few earlier cycles. Manual: chapter "The pipeline". */
#ifndef VISA_SYSTEMC_STAGES_H
#define VISA_SYSTEMC_STAGES_H

#include "accounts.h"
#include "bus.h"
#include "cache.h"
#include "op.h"

extern "C" {
#include "cpu/timing.h"
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
    unsigned l2_, read_;
};

struct fetch : sc_core::sc_module {
    uint64_t misses = 0; /* of the L1 TLB */

    fetch(const sc_core::sc_module_name &name, cache &instructions, translation &t);

    /* Brings the instruction, from cycle `at` on: the first cycle after it. What misses
     * waits for cycle `turn`, in which all older instructions have left memory. */
    uint64_t bring(uint64_t at, uint64_t turn, const timing_insn &i, bool straddles,
                   const timing &t, costs &spent);
    /* As much of that as an instruction causes whose fetch faults. */
    uint64_t fail(uint64_t at, uint64_t turn, const timing &t, costs &spent);
    void empty(); /* fence.i */

  private:
    cache &instructions_;
    translation &translation_;
    uint64_t line_ = 0; /* that the last fetch was of, plus 1: it is in the cache */

    uint64_t translate(uint64_t at, uint64_t turn, const timing_notes &n, unsigned from,
                       unsigned to, costs &spent);
    uint64_t part(uint64_t at, uint64_t turn, uint64_t pa, const timing_notes &n, unsigned from,
                  unsigned to, costs &spent);
};

/* Forwarding gives every result to the instruction behind, but a load's, which comes out of
 * memory: so one register of one instruction is all that can be waited for. */
struct hazard : sc_core::sc_module {
    explicit hazard(const sc_core::sc_module_name &name) : sc_module(name)
    {
    }

    void loads(unsigned rd, uint64_t ready)
    {
        rd_ = rd;
        ready_ = ready;
    }
    void clear()
    {
        rd_ = NONE;
    }
    /* The cycle from which on the instruction has its registers; 0: at once. */
    uint64_t ready(const op &o, const dinsn &d) const
    {
        return rd_ != NONE && op_uses(o, d, rd_) ? ready_ : 0;
    }

  private:
    enum : unsigned { NONE = ~0u };
    unsigned rd_ = NONE;
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

struct memory : sc_core::sc_module {
    memory(const sc_core::sc_module_name &name, interconnect &bus, cache &data, translation &t,
           const pipeline_config &c);

    /* Caches of other harts, which the bus asks. */
    void others(std::vector<cache *> caches)
    {
        others_ = std::move(caches);
    }
    /* A new instruction comes. */
    void begin()
    {
        accesses_ = 0;
    }
    uint64_t pass(uint64_t at, const struct timing_note &n, costs &spent);
    /* A device's register is read or written now, in cycle `at`. */
    uint64_t device(uint64_t at, const struct timing_note &n, uint64_t *value, bool *ok,
                    costs &spent);

  private:
    interconnect &bus_;
    cache &data_;
    translation &translation_;
    unsigned port_;
    std::vector<cache *> others_;
    unsigned accesses_ = 0; /* of this instruction */

    uint64_t access(uint64_t at, uint64_t pa, bool write, costs &spent);
    uint64_t snoop(uint64_t at, uint64_t pa, bool write);
};

} // namespace visa
#endif
