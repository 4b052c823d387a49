/* What the pipeline's stages ask (units.h). */
#include "units.h"

namespace visa
{

translation::translation(const sc_core::sc_module_name &name, cache &data, const pipeline_config &c)
    : sc_module(name), data_(data), l2_(c.cycles[ISA_LAT_TLB_L2]),
      read_(c.cycles[ISA_LAT_WALK_READ]), write_(c.cycles[ISA_LAT_WALK_WRITE])
{
}

uint64_t translation::pass(uint64_t at, const struct timing_note &n, costs &spent)
{
    uint64_t end = at + l2_;

    if (n.kind == TIMING_TLB_L2) {
        spent.add(PIPELINE_TLB, l2_);
        return end;
    }
    end = at + (n.write ? write_ : read_);
    if (!data_.hit(n.pa, n.write))
        end = data_.fill(end, n.pa, n.write);
    spent.add(n.kind == TIMING_WALK_HOST ? PIPELINE_WALK_HOST : PIPELINE_WALK_GUEST, end - at);
    return end;
}

/* 8-byte fields of a context that the architecture defines. */
static uint64_t fields_of_context()
{
    uint64_t n = 0;

    for (unsigned i = 0; i < isa_vmcs_field_count; i++)
        n += isa_vmcs_fields[i].n;
    return n;
}

sequencer::sequencer(const sc_core::sc_module_name &name, interconnect &bus,
                     const pipeline_config &c)
    : sc_module(name), bus_(bus), spill_(c.cycles[ISA_LAT_SPILL] * fields_of_context()),
      refill_(c.cycles[ISA_LAT_REFILL] * (ISA_VMCS_BYTES / 8))
{
}

uint64_t sequencer::pass(uint64_t at, const struct timing_note &n, costs &spent)
{
    uint64_t end = bus_.occupy(at, n.kind == TIMING_SPILL ? spill_ : refill_);

    spent.add(PIPELINE_POOL, end - at);
    return end;
}

} // namespace visa
