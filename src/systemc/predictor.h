/* Branch target buffer. Manual: chapter "The pipeline", section "Prediction". */
#ifndef VISA_SYSTEMC_PREDICTOR_H
#define VISA_SYSTEMC_PREDICTOR_H

#include <systemc>

#include <vector>

#include "timing/pipeline.h"

namespace visa
{

struct predictor : sc_core::sc_module {
    struct entry {
        uint64_t pc = ~0ull; /* no instruction's: odd */
        uint64_t world, target;
        unsigned counter; /* saturating, 0 to 3; taken from 2 on */
    };

    predictor(const sc_core::sc_module_name &name, const pipeline_config &c);

    /* What fetch finds in cycle `at` for pc; NULL if there is nothing. */
    const entry *look(uint64_t pc, uint64_t world, uint64_t at);
    /* Execute knows in cycle `at` where the jump or branch at pc went. */
    void learn(uint64_t pc, uint64_t world, bool taken, uint64_t target, uint64_t at);
    void empty();

  private:
    struct news {
        uint64_t pc, world, target, at;
        bool taken;
    };
    /* Up to two instructions are between fetch and execute when fetch looks up the buffer. */
    enum { UNDERWAY = 4 };

    uint64_t mask_;
    bool on_;
    std::vector<entry> entry_;
    news news_[UNDERWAY];
    unsigned first_ = 0, n_ = 0;

    entry &at(uint64_t pc)
    {
        return entry_[pc >> 1 & mask_];
    }
    void write(const news &n);
};

inline const predictor::entry *predictor::look(uint64_t pc, uint64_t world, uint64_t cycle)
{
    while (n_ && news_[first_].at < cycle) {
        write(news_[first_]);
        first_ = (first_ + 1) % UNDERWAY;
        n_--;
    }
    const entry &e = at(pc);

    return e.pc == pc && e.world == world ? &e : nullptr;
}

} // namespace visa
#endif
