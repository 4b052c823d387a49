/* The bus: what is behind the caches. Memory and devices are TLM-2.0 targets, so that
 * others can be put in their place. Manual: chapter "The pipeline", section "Bus".
 *
 * Targets get b_transport alone, and are asked for direct memory pointers. A transaction
 * begins at sc_time_stamp() + delay, which may be ahead of the kernel; what the target adds
 * to delay is its latency, and it may wait() as well. A target that plans something for
 * later notifies an event of its own after delay and its latency: the harts will not have
 * gone past it.
 *
 * The contents of RAM are the golden model's (machine_read, machine_write): a memory bound
 * to `memory` gives lines their time. Of a read its data are ignored; a write carries the
 * line. Its addresses are physical, those of a device count from where it is mapped. */
#ifndef VISA_SYSTEMC_BUS_H
#define VISA_SYSTEMC_BUS_H

#include <systemc>
#include <tlm>
#include <tlm_utils/simple_initiator_socket.h>
#include <tlm_utils/simple_target_socket.h>

#include <memory>
#include <vector>

#include "timing/pipeline.h"

namespace visa
{

/* A cycle is a nanosecond of SystemC's time. */
inline sc_core::sc_time at_cycle(uint64_t cycle)
{
    return sc_core::sc_time::from_value(cycle * 1000);
}
inline uint64_t cycle_of(const sc_core::sc_time &t)
{
    return (t.value() + 999) / 1000;
}

/* The machine's RAM. Its contents are the golden model's. */
struct ram : sc_core::sc_module {
    tlm_utils::simple_target_socket<ram> socket;

    ram(const sc_core::sc_module_name &name, machine *m, const pipeline_config &c);

  private:
    machine *m_;
    sc_core::sc_time read_, write_;

    void transport(tlm::tlm_generic_payload &p, sc_core::sc_time &delay);
    bool dmi(tlm::tlm_generic_payload &p, tlm::tlm_dmi &d);
};

/* The golden model's devices. */
struct board : sc_core::sc_module {
    tlm_utils::simple_target_socket<board> socket;

    board(const sc_core::sc_module_name &name, machine *m, const pipeline_config &c);

  private:
    machine *m_;
    sc_core::sc_time delay_;

    void transport(tlm::tlm_generic_payload &p, sc_core::sc_time &delay);
};

struct interconnect : sc_core::sc_module {
    using initiator = tlm_utils::simple_initiator_socket<interconnect>;

    initiator memory;  /* lines of RAM */
    initiator devices; /* everything else that no target of its own is mapped for */

    interconnect(const sc_core::sc_module_name &name, machine *m, const pipeline_config &c);

    /* A further target for [base, base+size), outside RAM, before those of the board; bind
     * it before the simulation starts. An SC_REPORT_ERROR if the range is empty, wraps or
     * overlaps another. */
    initiator &map(uint64_t base, uint64_t size);

    /* A hart asks at cycle `at` for the line at pa: the first cycle after the transaction.
     * Transactions are granted in the order of their calls; one that asks for a time
     * before another's gets the first gap that is long enough. */
    uint64_t refill(uint64_t at, uint64_t pa);
    uint64_t write_back(uint64_t at, uint64_t pa);
    /* The same for a master that has no cache: the line at pa, as a transaction of its own. */
    uint64_t transfer(uint64_t at, uint64_t pa, bool write);
    /* A transaction of `cycles`, whatever it carries. */
    uint64_t occupy(uint64_t at, uint64_t cycles);
    /* False: the target answers with an error. */
    bool device(uint64_t at, bool write, uint64_t pa, unsigned width, uint64_t *value,
                uint64_t *end);

  private:
    /* A socket's own module: who calls map() may be outside of every module, where SystemC
     * allows modules but no sockets. */
    struct outlet : sc_core::sc_module {
        initiator socket;

        explicit outlet(const sc_core::sc_module_name &name) : sc_module(name), socket("socket")
        {
        }
    };
    struct target {
        uint64_t base, size;
        std::unique_ptr<outlet> to;
    };
    struct busy {
        uint64_t from, to;
    };

    machine *m_;
    unsigned bus_, harts_;
    std::vector<target> targets_;
    std::vector<busy> calendar_; /* sorted; what ended before every hart's time is dropped */
    uint64_t free_ = 0;          /* with one hart the calendar is this */
    tlm::tlm_dmi dmi_;
    bool dmi_asked_ = false, dmi_given_ = false;
    uint64_t dmi_read_ = 0, dmi_write_ = 0;

    void invalidate(sc_dt::uint64 from, sc_dt::uint64 to);
    uint64_t line(uint64_t at, uint64_t pa, bool write);
    uint64_t send(initiator &to, tlm::tlm_generic_payload &p, uint64_t at);
    bool direct(uint64_t pa);
};

} // namespace visa
#endif
