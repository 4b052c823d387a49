/* Caches (cache.h). */
#include "cache.h"

namespace visa
{

cache::cache(const sc_core::sc_module_name &name, interconnect &bus, unsigned bytes, unsigned ways)
    : sc_module(name), bus_(bus), sets_(bytes / ways / ISA_LINE_BYTES), ways_(ways),
      way_(sets_ * ways, way{0, false}), next_(sets_, 0)
{
}

uint64_t cache::fill(uint64_t at, uint64_t pa, bool write)
{
    uint64_t line = pa / ISA_LINE_BYTES;
    way *w = set_of(line);
    unsigned use = 0;

    misses++;
    while (use < ways_ && w[use].line)
        use++;
    if (use == ways_) {
        unsigned &next = next_[line & (sets_ - 1)];

        use = next;
        next = (next + 1) % ways_;
        if (w[use].dirty) {
            writebacks++;
            at = bus_.write_back(at, (w[use].line - 1) * ISA_LINE_BYTES);
        }
    }
    w[use] = {line + 1, write};
    return bus_.refill(at, line * ISA_LINE_BYTES);
}

void cache::empty()
{
    for (way &w : way_)
        w = {0, false};
}

bool cache::give(uint64_t pa, bool write)
{
    uint64_t line = pa / ISA_LINE_BYTES;
    way *w = set_of(line);

    for (unsigned i = 0; i < ways_; i++)
        if (w[i].line == line + 1) {
            bool dirty = w[i].dirty;

            w[i] = {write ? 0 : line + 1, false};
            writebacks += dirty;
            return dirty;
        }
    return false;
}

} // namespace visa
