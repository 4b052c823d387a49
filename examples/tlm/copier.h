/* A device that copies memory line by line, by the bus that the harts use too, and raises an
 * interrupt when it is through. Its registers, of 8 bytes:
 *
 *    0  SOURCE    physical address, a multiple of a line
 *    8  TARGET    likewise
 *   16  BYTES     likewise, not 0
 *   24  CONTROL   1 starts, 0 takes the interrupt back; reads 1 while it copies
 *   32  FINISHED  the cycle in which it raised its last interrupt
 *
 * It moves golden-model RAM, and keeps no cache coherent: software flushes, or is
 * content that data in the caches cost no transaction. */
#ifndef COPIER_H
#define COPIER_H

#include <systemc/bus.h>

struct copier : sc_core::sc_module {
    SC_HAS_PROCESS(copier);

    static constexpr uint64_t LATENCY = 3; /* cycles of a register's access, beside the bus */

    tlm_utils::simple_target_socket<copier> socket;

    copier(const sc_core::sc_module_name &name, machine *m, visa::interconnect &bus)
        : sc_module(name), socket("socket"), m_(m), bus_(bus)
    {
        socket.register_b_transport(this, &copier::transport);
        SC_THREAD(work);
    }

  private:
    enum { SOURCE, TARGET, BYTES, CONTROL, FINISHED, REGISTERS };

    machine *m_;
    visa::interconnect &bus_;
    uint64_t reg_[REGISTERS] = {};
    sc_core::sc_event start_;

    static uint64_t now()
    {
        return visa::cycle_of(sc_core::sc_time_stamp());
    }

    void interrupt(bool level)
    {
        machine_set_irq(m_, 0, ISA_IRQ_MEI, level);
    }

    /* A hart may be ahead of the kernel's time by `delay`: what it asks for begins then. */
    void transport(tlm::tlm_generic_payload &p, sc_core::sc_time &delay)
    {
        uint64_t which = p.get_address() / 8, value;
        bool ok = p.get_data_length() == 8 && p.get_address() % 8 == 0 && which < REGISTERS;

        delay += visa::at_cycle(LATENCY);
        if (ok && p.is_read())
            memcpy(p.get_data_ptr(), &reg_[which], sizeof value);
        if (ok && p.is_write()) {
            memcpy(&value, p.get_data_ptr(), sizeof value);
            ok = write(which, value, delay);
        }
        p.set_response_status(ok ? tlm::TLM_OK_RESPONSE : tlm::TLM_GENERIC_ERROR_RESPONSE);
    }

    /* False is an access fault: what cannot be set, or not now. */
    bool write(uint64_t which, uint64_t value, const sc_core::sc_time &delay)
    {
        bool line = value % ISA_LINE_BYTES == 0;

        if (reg_[CONTROL] || which > CONTROL || (which < CONTROL && !line) || value > INT64_MAX)
            return false;
        if (which == CONTROL && value == 0)
            interrupt(false);
        if (which == CONTROL && value)
            start_.notify(delay);
        reg_[which] = value;
        return true;
    }

    bool move(uint64_t source, uint64_t target)
    {
        unsigned char line[ISA_LINE_BYTES];

        if (!machine_read(m_, source, line, sizeof line))
            return false;
        wait(visa::at_cycle(bus_.transfer(now(), source, false) - now()));
        if (!machine_ram(m_, target, sizeof line))
            return false;
        wait(visa::at_cycle(bus_.transfer(now(), target, true) - now()));
        return machine_write(m_, target, line, sizeof line);
    }

    void work()
    {
        for (;;) {
            wait(start_);
            for (uint64_t at = 0; at < reg_[BYTES]; at += ISA_LINE_BYTES)
                if (!move(reg_[SOURCE] + at, reg_[TARGET] + at))
                    break; /* outside RAM */
            reg_[CONTROL] = 0;
            reg_[FINISHED] = now();
            interrupt(true);
        }
    }
};

#endif
