/* The pipeline's stages (stages.h). */
#include "stages.h"

#include <algorithm>
#include <cstring>

namespace visa
{

/* Fetch ----------------------------------------------------------------------------- */

fetch::fetch(const sc_core::sc_module_name &name, cache &instructions, translation &t)
    : stage(name), instructions_(instructions), translation_(t)
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

uint64_t fetch::pass(flight &f, uint64_t next_free, uint64_t turn, const timing &t)
{
    bool straddles = f.insn.length == 4 && f.insn.pc % ISA_LINE_BYTES == ISA_LINE_BYTES - 2;
    unsigned second = straddles && t.crosses ? t.second : t.fetch.n;
    uint64_t at = f.fetch = entered_ = std::max(next_free, redirect_);

    if (f.pa / ISA_LINE_BYTES + 1 == line_ && t.fetch.n == 0 && !straddles)
        return at + 1;
    at = part(at, turn, f.pa, t.fetch, 0, second, f.fetch_costs);
    if (straddles)
        at = part(at, turn, f.pa2, t.fetch, second, t.fetch.n, f.fetch_costs);
    return at;
}

uint64_t fetch::fault(flight &f, uint64_t next_free, uint64_t turn, const timing &t)
{
    unsigned second = t.crosses ? t.second : 0;
    uint64_t at = f.fetch = entered_ = std::max(next_free, redirect_);

    if (t.crosses)
        at = part(at, turn, t.first_pa, t.fetch, 0, second, f.fetch_costs);
    return translate(at + 1, turn, t.fetch, second, t.fetch.n, f.fetch_costs);
}

/* Decode ---------------------------------------------------------------------------- */

decode::decode(const sc_core::sc_module_name &name, predictor &p, const pipeline_config &c)
    : stage(name), predictor_(p), redirect_(c.cycles[ISA_LAT_REDIRECT]),
      static_(c.predictor != PREDICT_NONE)
{
}

void decode::predict(flight &f)
{
    const predictor::entry *e = predictor_.look(f.insn.pc, f.world, f.decode - 1);
    unsigned klass = f.kind->klass;

    f.predicted = f.insn.pc + f.insn.length;
    f.redirect = 0;
    if (e && e->counter >= 2) {
        if (f.jumps())
            f.predicted = e->target;
        else
            f.redirect = f.decode + redirect_;
    } else if (!e && static_ &&
               (klass == ISA_CLASS_JUMP || (klass == ISA_CLASS_BRANCH && f.insn.imm < 0))) {
        f.predicted = f.insn.pc + (uint64_t)f.insn.imm;
        f.redirect = f.decode + redirect_;
    }
}

/* Execute --------------------------------------------------------------------------- */

execute::execute(const sc_core::sc_module_name &name, predictor &p, hazard &h, sequencer &s,
                 const pipeline_config &c)
    : stage(name), predictor_(p), hazard_(h), sequencer_(s),
      mispredict_(c.cycles[ISA_LAT_MISPREDICT])
{
    for (unsigned row = 0; row < ISA_LATS; row++) {
        unsigned spent = isa_latencies[row].spent;

        occupies_[row] =
            spent == ISA_SPENT_EXECUTE || spent == ISA_SPENT_SERIAL ? c.cycles[row] : 1;
        serial_[row] = spent == ISA_SPENT_SERIAL || spent == ISA_SPENT_BEHIND;
    }
}

void execute::take(flight &f, uint64_t next_free, uint64_t serial_from)
{
    uint64_t at = std::max(f.decode + 1, next_free);

    f.earliest = at;
    at = std::max(at, hazard_.ready(f.insn));
    if (serial_[f.kind->latency])
        at = std::max(at, serial_from);
    entered_ = f.execute = at;
    f.occupies = occupies_[f.kind->latency];
    f.pooled = 0;
    f.cursor = at + f.occupies;
    f.in_memory = f.entered = f.trapped = false;
}

void execute::move(flight &f, const struct timing_note &n)
{
    uint64_t end = sequencer_.pass(f.cursor, n, f.data_costs);

    f.pooled += end - f.cursor;
    f.cursor = end;
}

void execute::resolve(const flight &f, uint64_t next, fetch &front)
{
    bool wrong = next != f.predicted;

    jumps++;
    mispredicts += wrong;
    redirects += f.redirect && !wrong;
    predictor_.learn(f.insn.pc, f.world, next != f.insn.pc + f.insn.length, next, f.out() - 1);
    if (wrong)
        front.redirect(std::max(f.redirect, f.out() - 1 + mispredict_), PIPELINE_MISPREDICT);
}

/* Memory ---------------------------------------------------------------------------- */

memory::memory(const sc_core::sc_module_name &name, interconnect &bus, cache &data, translation &t,
               const pipeline_config &c)
    : stage(name), bus_(bus), data_(data), translation_(t),
      port_(c.cycles[ISA_LAT_BUS] + c.cycles[ISA_LAT_DEVICE])
{
    for (unsigned row = 0; row < ISA_LATS; row++)
        stays_[row] = isa_latencies[row].spent == ISA_SPENT_MEMORY ? c.cycles[row] : 1;
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

uint64_t memory::accesses(uint64_t at, const struct timing_note &n, costs &spent)
{
    bool over = n.pa % ISA_LINE_BYTES + n.size > ISA_LINE_BYTES;

    for (unsigned i = 0; i < 1u + over; i++) {
        if (accesses_++) {
            at++;
            spent.add(PIPELINE_DCACHE, 1);
        }
        at = access(at, i ? (n.pa + n.size - 1) : n.pa, n.write, spent);
    }
    return at;
}

/* What it waits for begins in the cycle behind its first here. */
void memory::begin(flight &f, uint64_t next_free)
{
    if (f.in_memory)
        return;
    f.in_memory = true;
    f.cursor = std::max(f.out(), next_free) + 1;
    accesses_ = 0;
}

void memory::pass(flight &f, uint64_t next_free, const struct timing_note &n)
{
    begin(f, next_free);
    if (n.kind == TIMING_ACCESS) {
        f.cursor = accesses(f.cursor, n, f.data_costs);
    } else if (n.kind == TIMING_DEVICE) { /* of a port: those of addresses are transported */
        uint64_t end = bus_.occupy(f.cursor, port_);

        f.data_costs.add(PIPELINE_DEVICE, end - f.cursor);
        f.cursor = end;
    } else {
        misses += n.kind == TIMING_TLB_L2;
        f.cursor = translation_.pass(f.cursor, n, f.data_costs);
    }
}

bool memory::device(flight &f, uint64_t next_free, const struct timing_note &n, uint64_t *value)
{
    uint64_t end;
    bool ok;

    begin(f, next_free);
    ok = bus_.device(f.cursor, n.write, n.pa, n.size, value, &end);
    f.data_costs.add(PIPELINE_DEVICE, end - f.cursor);
    f.cursor = end;
    return ok;
}

void memory::leave(flight &f, uint64_t next_free)
{
    entered_ = f.memory = std::max(f.out(), next_free);
    f.write = (f.in_memory ? f.cursor : f.memory + 1) + stays(f) - 1;
}

/* Write-back ------------------------------------------------------------------------ */

writeback::writeback(const sc_core::sc_module_name &name) : stage(name)
{
    for (unsigned row = 0; row < ISA_LATS; row++)
        for (unsigned c = 0; c < PIPELINE_CATEGORIES; c++)
            if (strcmp(isa_latencies[row].account, pipeline_category_names[c]) == 0)
                accounts_[row] = (pipeline_category)c;
}

void writeback::take(flight &f, unsigned stays, pipeline_category why, pipeline_category as)
{
    uint64_t begun = accounted_, asleep = slept_until_ > begun ? slept_until_ - begun : 0;
    share s(*f.row, f.write + 1 - begun);

    entered_ = f.write;
    accounted_ = f.write + 1;
    f.row->instret += !f.trapped;
    s.take(f.trapped ? as : PIPELINE_RETIRED, 1);
    if (s.left() == 0)
        return;
    s.take(f.data_costs);
    s.take(accounts_[f.kind->latency], stays - 1 + f.occupies - 1);
    s.take(PIPELINE_POOL, f.pooled);
    s.take(PIPELINE_HAZARD, f.execute - f.earliest);
    s.take(f.fetch_costs);
    if (asleep) { /* the oldest of them */
        s.take(why, s.left() > asleep ? s.left() - asleep : 0);
        s.rest(PIPELINE_WAIT);
    }
    slept_until_ = 0;
    s.rest(why);
}

void writeback::sleep_to(uint64_t cycle, pipeline_row &row)
{
    if (cycle <= accounted_)
        return;
    row.cycles[PIPELINE_WAIT] += cycle - accounted_;
    accounted_ = cycle;
}

void writeback::skip_to(uint64_t cycle)
{
    if (cycle <= accounted_)
        return;
    skipped_ += cycle - accounted_;
    accounted_ = cycle;
}

} // namespace visa
