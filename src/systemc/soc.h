/* The system: harts, bus, memory and board in one SystemC module, round a machine of the
 * golden model. A program of one's own makes one, binds what it has to the bus, and runs
 * it (examples/tlm); visa-sim does the same by pipeline.h. One at a time in a process.
 *
 * SystemC's time is the machine's: a cycle is a nanosecond. Harts run ahead of the kernel
 * up to its next event, so that whatever a process of somebody else's does at some time, it
 * finds the machine at that cycle, and the machine finds what it did from there on: an
 * interrupt that is raised at cycle T is taken behind the first instruction that is in execute
 * at T - 1 or later, and wakes a hart at T. */
#ifndef VISA_SYSTEMC_SOC_H
#define VISA_SYSTEMC_SOC_H

#include <memory>
#include <vector>

#include "bus.h"

namespace visa
{

struct core;

struct soc : sc_core::sc_module {
    SC_HAS_PROCESS(soc);

    interconnect bus;

    /* own_memory: bus.memory is left to the caller to bind. */
    soc(const sc_core::sc_module_name &name, machine *m, const pipeline_config &c,
        bool own_memory = false);
    ~soc() override;

    /* Runs the simulation until something stops the machine (machine_run). */
    stop run(uint64_t limit);
    /* Whether the harts are timed; if not, they run as the functional model. */
    void attach(bool on);
    /* Every instruction goes to fn when it is through; nullptr: nobody listens. */
    void listen(pipeline_fn *fn, void *user);
    /* Lets what is in the pipelines finish, and counts. Good until the next call. */
    const struct pipeline_stats &stats();

  private:
    machine *m_;
    uint64_t quantum_;
    std::unique_ptr<ram> ram_;
    board board_;
    std::vector<std::unique_ptr<core>> cores_;
    struct pipeline_stats stats_ = {};
    std::vector<pipeline_row> rows_;
    sc_core::sc_event go_;
    uint64_t end_ = 0; /* machine_progress at which the run ends */
    stop stopped_ = STOP_NONE;
    bool attached_ = false, running_ = false;

    void harts();
    void run_ahead();
    uint64_t horizon() const;
    static bool transport(void *user, unsigned hart, bool write, uint64_t pa, unsigned width,
                          uint64_t *value);
};

} // namespace visa
#endif
