/* The system (soc.h). */
#include "soc.h"

#include <algorithm>

#include "config/config.h"
#include "core.h"

namespace visa
{

/* The golden model, and whoever listens to it, runs on it. */
enum { STACK_BYTES = 1 << 20 };

soc::soc(const sc_core::sc_module_name &name, machine *m, const pipeline_config &c, bool own_memory)
    : sc_module(name), bus("bus", m, c), m_(m), quantum_(c.quantum), board_("board", m, c)
{
    unsigned n = machine_config(m)->harts;
    char err[200];

    if (!config_check_pipeline(&c, err, sizeof err))
        SC_REPORT_ERROR("visa/soc", err);
    if (!own_memory) {
        ram_ = std::make_unique<ram>("ram", m, c);
        bus.memory.bind(ram_->socket);
    }
    bus.devices.bind(board_.socket);
    for (unsigned i = 0; i < n; i++)
        cores_.push_back(std::make_unique<core>(sc_core::sc_gen_unique_name("hart"), m, i, bus, c));
    for (unsigned i = 0; i < n; i++) {
        std::vector<cache *> others;

        for (unsigned j = 0; j < n; j++)
            if (j != i)
                others.push_back(&cores_[j]->dcache);
        cores_[i]->others(others);
    }
    SC_THREAD(harts);
    set_stack_size(STACK_BYTES);
    attach(true);
}

soc::~soc()
{
    attach(false);
}

void soc::attach(bool on)
{
    if (on == attached_)
        return;
    attached_ = on;
    const driver d = {this, nullptr, nullptr, transport, nullptr};

    machine_drive(m_, on ? &d : nullptr);
    for (auto &c : cores_)
        c->attach(on);
}

/* The cycle up to which nothing outside can see the harts, nor they it. */
uint64_t soc::horizon() const
{
    uint64_t now = cycle_of(sc_core::sc_time_stamp());
    uint64_t end = quantum_ ? std::max(now, machine_now(m_)) + quantum_ : UINT64_MAX;

    if (sc_core::sc_pending_activity_at_current_time())
        return now;
    if (sc_core::sc_pending_activity_at_future_time())
        end = std::min(end,
                       cycle_of(sc_core::sc_time_stamp() + sc_core::sc_time_to_pending_activity()));
    return end;
}

bool soc::transport(void *user, unsigned hart, bool, uint64_t, unsigned, uint64_t *value)
{
    soc *s = static_cast<soc *>(user);
    bool ok = s->cores_[hart]->transport(value);

    machine_horizon(s->m_, s->horizon()); /* a device may have planned something */
    return ok;
}

/* Up to where something may be seen, and the kernel's time after it. */
void soc::run_ahead()
{
    uint64_t done = machine_progress(m_), until = horizon();

    stopped_ = done < end_ ? machine_run_to(m_, end_ - done, until) : STOP_LIMIT;
    running_ = stopped_ == STOP_NONE;
    until = machine_now(m_);
    if (running_ && at_cycle(until) > sc_core::sc_time_stamp())
        wait(at_cycle(until) - sc_core::sc_time_stamp());
}

void soc::harts()
{
    for (;;) {
        if (!running_) {
            sc_core::sc_pause();
            wait(go_);
        }
        while (sc_core::sc_pending_activity_at_current_time())
            wait(sc_core::SC_ZERO_TIME); /* others come first: what they do in this cycle counts */
        run_ahead();
    }
}

stop soc::run(uint64_t limit)
{
    uint64_t done = machine_progress(m_);

    if (!attached_)
        return machine_run(m_, limit);
    end_ = limit && limit < UINT64_MAX - done ? done + limit : UINT64_MAX;
    running_ = true;
    go_.notify(sc_core::SC_ZERO_TIME);
    sc_core::sc_start();
    return stopped_;
}

void soc::listen(pipeline_fn *fn, void *user)
{
    for (auto &c : cores_)
        c->listen(fn, user);
}

const struct pipeline_stats &soc::stats()
{
    stats_ = {};
    rows_.clear();
    for (auto &c : cores_) {
        c->drain();
        c->count(stats_);
        rows_.insert(rows_.end(), c->rows().rows().begin(), c->rows().rows().end());
    }
    stats_.nrows = (unsigned)rows_.size();
    stats_.rows = rows_.data();
    return stats_;
}

} // namespace visa
