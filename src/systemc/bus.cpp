/* Bus, RAM and the board's devices (bus.h). */
#include "bus.h"

extern "C" {
#include "devices/bus.h"
}

#include <algorithm>
#include <cstring>

using sc_core::sc_module_name;
using sc_core::sc_time;
using tlm::tlm_generic_payload;

namespace visa
{

ram::ram(const sc_module_name &name, machine *m, const pipeline_config &c)
    : sc_module(name), socket("socket"), m_(m), read_(at_cycle(c.cycles[ISA_LAT_MEMORY])),
      write_(at_cycle(c.cycles[ISA_LAT_WRITEBACK]))
{
    socket.register_b_transport(this, &ram::transport);
    socket.register_get_direct_mem_ptr(this, &ram::dmi);
}

void ram::transport(tlm_generic_payload &p, sc_time &delay)
{
    bool ok = p.is_write()
                  ? machine_write(m_, p.get_address(), p.get_data_ptr(), p.get_data_length())
                  : machine_read(m_, p.get_address(), p.get_data_ptr(), p.get_data_length());

    delay += p.is_write() ? write_ : read_;
    p.set_response_status(ok ? tlm::TLM_OK_RESPONSE : tlm::TLM_ADDRESS_ERROR_RESPONSE);
}

bool ram::dmi(tlm_generic_payload &, tlm::tlm_dmi &d)
{
    uint64_t bytes = machine_config(m_)->ram_bytes;

    d.set_start_address(RAM_BASE);
    d.set_end_address(RAM_BASE + bytes - 1);
    d.set_dmi_ptr(machine_ram(m_, RAM_BASE, bytes));
    d.set_read_latency(read_);
    d.set_write_latency(write_);
    d.allow_read_write();
    return true;
}

board::board(const sc_module_name &name, machine *m, const pipeline_config &c)
    : sc_module(name), socket("socket"), m_(m), delay_(at_cycle(c.cycles[ISA_LAT_DEVICE]))
{
    socket.register_b_transport(this, &board::transport);
}

void board::transport(tlm_generic_payload &p, sc_time &delay)
{
    uint64_t value = 0;
    bool ok;

    if (p.is_write()) {
        memcpy(&value, p.get_data_ptr(), p.get_data_length());
        ok = bus_write(machine_bus(m_), p.get_address(), p.get_data_length(), value);
    } else {
        ok = bus_read(machine_bus(m_), p.get_address(), p.get_data_length(), &value);
        memcpy(p.get_data_ptr(), &value, p.get_data_length());
    }
    delay += delay_;
    p.set_response_status(ok ? tlm::TLM_OK_RESPONSE : tlm::TLM_ADDRESS_ERROR_RESPONSE);
}

interconnect::interconnect(const sc_module_name &name, machine *m, const pipeline_config &c)
    : sc_module(name), memory("memory"), devices("devices"), m_(m), bus_(c.cycles[ISA_LAT_BUS]),
      harts_(machine_config(m)->harts)
{
    memory.register_invalidate_direct_mem_ptr(this, &interconnect::invalidate);
}

interconnect::initiator &interconnect::map(uint64_t base, uint64_t size)
{
    uint64_t ram = RAM_BASE, end = ram + machine_config(m_)->ram_bytes;
    bool fits = size && base <= UINT64_MAX - size && (base + size <= ram || base >= end);

    for (const target &t : targets_)
        fits = fits && (base + size <= t.base || base >= t.base + t.size);
    if (!fits)
        SC_REPORT_ERROR("visa/bus",
                        ("no target can be mapped at " + std::to_string(base) + " for " +
                         std::to_string(size) + " bytes: not empty, nor over RAM" +
                         " or another target, was expected")
                            .c_str());
    targets_.push_back(
        {base, size, std::make_unique<outlet>(sc_core::sc_gen_unique_name("target"))});
    return targets_.back().to->socket;
}

/* Sends p at cycle `at`, which may be ahead of the kernel's time: the cycles it took. */
uint64_t interconnect::send(initiator &to, tlm_generic_payload &p, uint64_t at)
{
    sc_time now = sc_core::sc_time_stamp(), asked = at_cycle(at);
    sc_time delay = asked > now ? asked - now : sc_core::SC_ZERO_TIME;
    uint64_t start = cycle_of(now + delay);

    to->b_transport(p, delay);
    return cycle_of(sc_core::sc_time_stamp() + delay) - start;
}

/* The memory takes back what it allowed; it is asked again. */
void interconnect::invalidate(sc_dt::uint64, sc_dt::uint64)
{
    dmi_asked_ = dmi_given_ = false;
}

/* Does the memory let its lines be read without being asked, in a time that it names? */
bool interconnect::direct(uint64_t pa)
{
    if (!dmi_asked_) {
        tlm_generic_payload p;

        p.set_command(tlm::TLM_READ_COMMAND);
        p.set_address(pa);
        dmi_given_ = memory->get_direct_mem_ptr(p, dmi_);
        dmi_asked_ = true;
        dmi_read_ = cycle_of(dmi_.get_read_latency());
        dmi_write_ = cycle_of(dmi_.get_write_latency());
    }
    return dmi_given_ && pa >= dmi_.get_start_address() && pa <= dmi_.get_end_address();
}

uint64_t interconnect::line(uint64_t at, uint64_t pa, bool write)
{
    if (direct(pa))
        return write ? dmi_write_ : dmi_read_;

    unsigned char data[ISA_LINE_BYTES] = {};
    tlm_generic_payload p;

    if (write)
        machine_read(m_, pa, data, sizeof data);
    p.set_command(write ? tlm::TLM_WRITE_COMMAND : tlm::TLM_READ_COMMAND);
    p.set_address(pa);
    p.set_data_ptr(data);
    p.set_data_length(sizeof data);
    p.set_streaming_width(sizeof data);
    return send(memory, p, at);
}

uint64_t interconnect::occupy(uint64_t at, uint64_t cycles)
{
    uint64_t start = at;
    size_t i = 0;

    if (harts_ == 1) {
        free_ = std::max(at, free_) + cycles;
        return free_;
    }
    while (!calendar_.empty() && calendar_.front().to <= machine_now(m_))
        calendar_.erase(calendar_.begin());
    while (i < calendar_.size() && calendar_[i].from < start + cycles) {
        start = std::max(start, calendar_[i].to);
        i++;
    }
    calendar_.insert(calendar_.begin() + (long)i, {start, start + cycles});
    return start + cycles;
}

uint64_t interconnect::transfer(uint64_t at, uint64_t pa, bool write)
{
    return occupy(at, bus_ + line(at, pa, write));
}

uint64_t interconnect::refill(uint64_t at, uint64_t pa)
{
    return transfer(at, pa, false);
}

uint64_t interconnect::write_back(uint64_t at, uint64_t pa)
{
    return occupy(at, line(at, pa, true));
}

bool interconnect::device(uint64_t at, bool write, uint64_t pa, unsigned width, uint64_t *value,
                          uint64_t *end)
{
    tlm_generic_payload p;
    initiator *to = &devices;
    uint64_t cycles;

    for (const target &t : targets_)
        if (pa - t.base < t.size && width <= t.size - (pa - t.base)) {
            to = &t.to->socket;
            p.set_address(pa - t.base);
        }
    if (to == &devices)
        p.set_address(pa);
    if (!write)
        *value = 0;
    p.set_command(write ? tlm::TLM_WRITE_COMMAND : tlm::TLM_READ_COMMAND);
    p.set_data_ptr(reinterpret_cast<unsigned char *>(value));
    p.set_data_length(width);
    p.set_streaming_width(width);
    cycles = send(*to, p, at);
    *end = occupy(at, bus_ + cycles);
    return p.is_response_ok();
}

} // namespace visa
