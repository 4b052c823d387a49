/* A cache, as far as time goes: tags, and which lines are dirty. The data are the golden
 * model's RAM. Manual: chapter "The pipeline", section "Caches". */
#ifndef VISA_SYSTEMC_CACHE_H
#define VISA_SYSTEMC_CACHE_H

#include <vector>

#include "bus.h"

namespace visa
{

struct cache : sc_core::sc_module {
    uint64_t misses = 0, writebacks = 0, accesses = 0;

    cache(const sc_core::sc_module_name &name, interconnect &bus, unsigned bytes, unsigned ways);

    /* A hit? A store that hits makes the line dirty. */
    bool hit(uint64_t pa, bool write);
    /* Brings the line in, from cycle `at` on: the first cycle after the refill. */
    uint64_t fill(uint64_t at, uint64_t pa, bool write);
    void empty();
    /* A snoop: another hart reads the line, or writes and so invalidates it. Was the line dirty? */
    bool give(uint64_t pa, bool write);

  private:
    struct way {
        uint64_t line; /* pa / LINE_BYTES + 1, 0: invalid */
        bool dirty;
    };

    interconnect &bus_;
    unsigned sets_, ways_;
    std::vector<way> way_;       /* sets x ways */
    std::vector<unsigned> next_; /* per set: the way to replace; FIFO */

    way *set_of(uint64_t line)
    {
        return &way_[(line & (sets_ - 1)) * ways_]; /* a power of two */
    }
};

inline bool cache::hit(uint64_t pa, bool write)
{
    uint64_t line = pa / ISA_LINE_BYTES;
    way *w = set_of(line);

    accesses++;
    for (unsigned i = 0; i < ways_; i++)
        if (w[i].line == line + 1) {
            w[i].dirty |= write;
            return true;
        }
    return false;
}

} // namespace visa
#endif
