/* A memory with banks that keep a row open: the next line of that row comes at once, another
 * row must be opened first, and the one that is open closed before that. It has no data,
 * which are the golden model's, and gives no direct access, which would hide the rows. */
#ifndef DRAM_H
#define DRAM_H

#include <systemc>
#include <tlm>
#include <tlm_utils/simple_target_socket.h>

#include <array>

struct dram : sc_core::sc_module {
    static constexpr uint64_t ROW_BYTES = 2048, BANKS = 4;
    /* cycles */
    static constexpr uint64_t PRECHARGE = 11, ACTIVATE = 12, COLUMN = 13;

    tlm_utils::simple_target_socket<dram> socket;
    uint64_t hits = 0, opened = 0, conflicts = 0;

    explicit dram(const sc_core::sc_module_name &name) : sc_module(name), socket("socket")
    {
        socket.register_b_transport(this, &dram::transport);
        open_.fill(NONE);
    }

  private:
    static constexpr uint64_t NONE = ~0ull;
    std::array<uint64_t, BANKS> open_; /* the row of each bank */

    void transport(tlm::tlm_generic_payload &p, sc_core::sc_time &delay)
    {
        uint64_t row = p.get_address() / ROW_BYTES;
        uint64_t &open = open_[row % BANKS], cycles = COLUMN;

        if (open == row) {
            hits++;
        } else if (open == NONE) {
            opened++;
            cycles += ACTIVATE;
        } else {
            conflicts++;
            cycles += PRECHARGE + ACTIVATE;
        }
        open = row;
        delay += sc_core::sc_time((double)cycles, sc_core::SC_NS);
        p.set_response_status(tlm::TLM_OK_RESPONSE);
    }
};

#endif
