/* The pipeline's stages (stages.h). */
#include "stages.h"

#include <algorithm>

namespace visa
{

translation::translation(const sc_core::sc_module_name &name, cache &data, const pipeline_config &c)
    : sc_module(name), data_(data), l2_(c.cycles[ISA_LAT_TLB_L2]),
      read_(c.cycles[ISA_LAT_WALK_READ])
{
}

uint64_t translation::pass(uint64_t at, const struct timing_note &n, costs &spent)
{
    uint64_t end = at + l2_;

    if (n.kind == TIMING_TLB_L2) {
        spent.add(PIPELINE_TLB, l2_);
        return end;
    }
    end = at + read_;
    if (!data_.hit(n.pa, false))
        end = data_.fill(end, n.pa, false);
    spent.add(n.kind == TIMING_WALK_HOST ? PIPELINE_WALK_HOST : PIPELINE_WALK_GUEST, end - at);
    return end;
}

/* Fetch ----------------------------------------------------------------------------- */

fetch::fetch(const sc_core::sc_module_name &name, cache &instructions, translation &t)
    : sc_module(name), instructions_(instructions), translation_(t)
{
}

void fetch::empty()
{
    instructions_.empty();
    line_ = 0;
}

uint64_t fetch::translate(uint64_t at, uint64_t turn, const timing_notes &n, unsigned from,
                          unsigned to, costs &spent)
{
    if (from == to)
        return at;
    at = std::max(at, turn);
    for (unsigned i = from; i < to; i++) {
        misses += n.note[i].kind == TIMING_TLB_L2;
        at = translation_.pass(at, n.note[i], spent);
    }
    return at;
}

uint64_t fetch::part(uint64_t at, uint64_t turn, uint64_t pa, const timing_notes &n, unsigned from,
                     unsigned to, costs &spent)
{
    uint64_t begin;

    at = translate(at + 1, turn, n, from, to, spent);
    line_ = pa / ISA_LINE_BYTES + 1;
    if (instructions_.hit(pa, false))
        return at;
    begin = std::max(at, turn);
    at = instructions_.fill(begin, pa, false);
    spent.add(PIPELINE_ICACHE, at - begin);
    return at;
}

uint64_t fetch::bring(uint64_t at, uint64_t turn, const timing_insn &i, bool straddles,
                      const timing &t, costs &spent)
{
    uint64_t offset = i.pc & 0xfff, pa = i.pa + offset;
    unsigned second = straddles && t.crosses ? t.second : t.fetch.n;

    if (pa / ISA_LINE_BYTES + 1 == line_ && t.fetch.n == 0 && !straddles)
        return at + 1;
    at = part(at, turn, pa, t.fetch, 0, second, spent);
    if (straddles)
        at = part(at, turn, offset == 0xffe ? i.pa2 : pa + 2, t.fetch, second, t.fetch.n, spent);
    return at;
}

uint64_t fetch::fail(uint64_t at, uint64_t turn, const timing &t, costs &spent)
{
    unsigned second = t.crosses ? t.second : 0;

    if (t.crosses)
        at = part(at, turn, t.first_pa, t.fetch, 0, second, spent);
    return translate(at + 1, turn, t.fetch, second, t.fetch.n, spent);
}

/* Execute: what is beyond it ---------------------------------------------------------- */

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

/* Memory ------------------------------------------------------------------------------ */

memory::memory(const sc_core::sc_module_name &name, interconnect &bus, cache &data, translation &t,
               const pipeline_config &c)
    : sc_module(name), bus_(bus), data_(data), translation_(t),
      port_(c.cycles[ISA_LAT_BUS] + c.cycles[ISA_LAT_DEVICE])
{
}

/* Other harts' caches give the line up, or what they have written of it. */
uint64_t memory::snoop(uint64_t at, uint64_t pa, bool write)
{
    for (cache *c : others_)
        if (c->give(pa, write))
            at = bus_.write_back(at, pa & ~(uint64_t)(ISA_LINE_BYTES - 1));
    return at;
}

uint64_t memory::access(uint64_t at, uint64_t pa, bool write, costs &spent)
{
    bool hit = data_.hit(pa, write);
    uint64_t end = at;

    if (!others_.empty() && (write || !hit))
        end = snoop(end, pa, write);
    if (!hit)
        end = data_.fill(end, pa, write);
    spent.add(PIPELINE_DCACHE, end - at);
    return end;
}

uint64_t memory::pass(uint64_t at, const struct timing_note &n, costs &spent)
{
    bool over = n.pa % ISA_LINE_BYTES + n.size > ISA_LINE_BYTES;

    if (n.kind == TIMING_DEVICE) { /* of a port: those of addresses are transported */
        uint64_t end = bus_.occupy(at, port_);

        spent.add(PIPELINE_DEVICE, end - at);
        return end;
    }
    if (n.kind != TIMING_ACCESS)
        return translation_.pass(at, n, spent);
    for (unsigned i = 0; i < 1u + over; i++) {
        if (accesses_++) {
            at++;
            spent.add(PIPELINE_DCACHE, 1);
        }
        at = access(at, i ? (n.pa + n.size - 1) : n.pa, n.write, spent);
    }
    return at;
}

uint64_t memory::device(uint64_t at, const struct timing_note &n, uint64_t *value, bool *ok,
                        costs &spent)
{
    uint64_t end;

    *ok = bus_.device(at, n.write, n.pa, n.size, value, &end);
    spent.add(PIPELINE_DEVICE, end - at);
    return end;
}

} // namespace visa
