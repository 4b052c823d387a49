/* Branch target buffer (predictor.h). */
#include "predictor.h"

namespace visa
{

predictor::predictor(const sc_core::sc_module_name &name, const pipeline_config &c)
    : sc_module(name), mask_(c.btb - 1), on_(c.predictor == PREDICT_BTB), entry_(c.btb)
{
}

void predictor::write(const news &n)
{
    entry &e = at(n.pc);
    bool known = e.pc == n.pc && e.world == n.world;

    if (n.taken) {
        unsigned counter = !known ? 2 : e.counter < 3 ? e.counter + 1 : 3;

        e = {n.pc, n.world, n.target, counter};
    } else if (known && e.counter) {
        e.counter--;
    }
}

void predictor::learn(uint64_t pc, uint64_t world, bool taken, uint64_t target, uint64_t cycle)
{
    if (!on_)
        return;
    if (n_ == UNDERWAY) {
        write(news_[first_]);
        first_ = (first_ + 1) % UNDERWAY;
        n_--;
    }
    news_[(first_ + n_++) % UNDERWAY] = {pc, world, target, cycle, taken};
}

void predictor::empty()
{
    n_ = 0;
    for (entry &e : entry_)
        e.pc = ~0ull;
}

} // namespace visa
