/* A hart's pipeline (core.h). */
#include "core.h"

#include <algorithm>
#include <cstring>

namespace visa
{

core::core(const sc_core::sc_module_name &name, machine *m, unsigned hart, interconnect &bus,
           const pipeline_config &c)
    : sc_module(name), icache("icache", bus, c.icache_bytes, c.icache_ways),
      dcache("dcache", bus, c.dcache_bytes, c.dcache_ways), timing(), m_(m),
      h_(machine_hart(m, hart)), config_(c), ops_(op_table()), lat_(config_.cycles),
      translation_("translation", dcache, c), fetch_("fetch", icache, translation_),
      predictor_("predictor", c), hazard_("hazard"), sequencer_("sequencer", bus, c),
      memory_("memory", bus, dcache, translation_, c), accounts_(hart), now_()
{
    for (unsigned row = 0; row < ISA_LATS; row++) {
        bool in_memory = row == ISA_LAT_LOAD || row == ISA_LAT_STORE || row == ISA_LAT_AMO;

        occupies_[row] = in_memory || row == ISA_LAT_EXIT ? 1 : lat_[row];
        stays_[row] = in_memory ? lat_[row] : 1;
    }
    timing.model = this;
    timing.issue = issue_hook;
    timing.fault = fault_hook;
    timing.trap = trap_hook;
    timing.entered = entered_hook;
    timing.own_time = c.own_time;
}

timing_answer core::issue_hook(struct timing *t, const timing_insn *i)
{
    return static_cast<core *>(t->model)->issue(*i);
}

void core::fault_hook(struct timing *t)
{
    static_cast<core *>(t->model)->fault();
}

void core::trap_hook(struct timing *t, unsigned event)
{
    static_cast<core *>(t->model)->trap(event);
}

void core::entered_hook(struct timing *t)
{
    static_cast<core *>(t->model)->now_.entered = true;
}

void core::attach(bool on)
{
    if (!on)
        drain();
    timing.held = running_ = false;
    timing.fetch.n = timing.data.n = 0;
    timing.between = timing.slept = timing.crosses = false;
    if (on && timing.own_time)
        skip_to(h_->instret + h_->waited);
    machine_time_hart(m_, h_->id, on ? &timing : nullptr);
}

/* The functional model ran up to this cycle. What it took is nobody's account. */
void core::skip_to(uint64_t cycle)
{
    restart_ = std::max(restart_, cycle);
    if (cycle > accounted_) {
        skipped_ += cycle - accounted_;
        accounted_ = cycle;
    }
}

/* From fetch to execute ---------------------------------------------------------------- */

/* Time goes on to the instruction's cycle, if that may come now. */
timing_answer core::due()
{
    if (!timing.own_time)
        return TIMING_GO;
    h_->waited = now_.execute - h_->instret;
    if (now_.execute >= timing.hold)
        return TIMING_HOLD;
    /* What happens in the next cycle counts for the one behind it. */
    return now_.execute + 1 >= std::min(timing.due, timing.hold) ? TIMING_LAST : TIMING_GO;
}

timing_answer core::issue(const timing_insn &i)
{
    timing_answer answer;

    if (!timing.held) {
        finish(i.pc);
        begin(i);
    }
    timing.fetch.n = 0;
    timing.crosses = false;
    answer = due();
    timing.held = answer == TIMING_HOLD;
    running_ = !timing.held;
    return answer;
}

/* Nobody else sees a fault: it need not wait for its time. */
void core::fault()
{
    finish(h_->pc);
    begin_fault();
    if (timing.own_time)
        h_->waited = now_.execute - h_->instret;
}

pipeline_row *core::row()
{
    uint64_t vmcs = h_->v ? h_->live->vmcs : 0;
    int8_t ring = h_->ring == RING_H ? -1 : h_->ring == RING_0 ? 0 : 3;

    return accounts_.row(vmcs, (uint16_t)h_->vmid, ring);
}

/* The cycle in which the hart woke, if it has slept. */
uint64_t core::awake()
{
    if (!timing.slept)
        return 0;
    timing.slept = false;
    if (timing.own_time)
        slept_until_ = timing.resume;
    return slept_until_;
}

void core::begin(const timing_insn &i)
{
    const op &o = ops_[i.op];
    uint64_t out;

    now_.o = &o;
    now_.length = i.op == INTERP_ILLEGAL ? i.d->a : o.length;
    now_.d = *i.d;
    now_.pc = i.pc;
    now_.pa = i.pa + (i.pc & 0xfff);
    now_.pa2 = (i.pc & 0xfff) == 0xffe ? i.pa2 : now_.pa + 2;
    now_.row = row();
    if (timing.slept) {
        restart_ = std::max(restart_, awake() + lat_[ISA_LAT_FLUSH]);
        why_ = PIPELINE_FLUSH;
    }
    now_.fetch = std::max(decode_, restart_);
    out = fetch_.bring(now_.fetch, write_, i,
                       now_.length == 4 && i.pc % ISA_LINE_BYTES == ISA_LINE_BYTES - 2, timing,
                       before_);
    now_.decode = std::max(out, execute_);
    predict(i);
    place();
}

/* A fetch that faults: it goes down the pipeline as an instruction that does nothing. */
void core::begin_fault()
{
    now_.o = &ops_[INTERP_ILLEGAL];
    now_.length = 0;
    now_.d = {};
    now_.pc = now_.predicted = h_->pc;
    now_.pa = 0;
    now_.row = row();
    now_.fetch = std::max(decode_, restart_);
    now_.decode = std::max(fetch_.fail(now_.fetch, write_, timing, before_), execute_);
    now_.redirect = 0;
    timing.fetch.n = 0;
    timing.crosses = false;
    place();
}

/* Enters execute: behind the one before, with its registers, and in order. */
void core::place()
{
    uint64_t at = std::max(now_.decode + 1, memory_from_);

    now_.earliest = at;
    at = std::max(at, hazard_.ready(*now_.o, now_.d));
    if (now_.o->serial)
        at = std::max(at, write_);
    now_.execute = at;
    now_.occupies = occupies_[now_.o->row];
    now_.entered = now_.in_memory = false;
    now_.pooled = 0;
    now_.cursor = at + now_.occupies;
    seen_ = 0;
    memory_.begin();
}

/* Where fetch goes on, as fetch and decode believe. */
void core::predict(const timing_insn &i)
{
    const op &o = *now_.o;
    uint64_t behind = i.pc + now_.length;
    bool jumps = o.kind == OP_BRANCH || o.kind == OP_JAL || o.kind == OP_JALR;
    const predictor::entry *e;

    now_.world = (uint64_t)h_->v << ISA_VMID_BITS | h_->vmid;
    now_.predicted = behind;
    now_.redirect = 0;
    e = predictor_.look(i.pc, now_.world, now_.decode - 1);
    if (e && e->counter >= 2) {
        now_.predicted = e->target;
        if (!jumps) {
            now_.predicted = behind;
            now_.redirect = now_.decode + lat_[ISA_LAT_REDIRECT];
        }
    } else if (!e && config_.predictor != PREDICT_NONE &&
               (o.kind == OP_JAL || (o.kind == OP_BRANCH && now_.d.c < 0))) {
        now_.predicted = op_target(o, now_.d, i.pc);
        now_.redirect = now_.decode + lat_[ISA_LAT_REDIRECT];
    }
}

/* From execute to write-back ------------------------------------------------------------- */

/* The cycle behind its first in memory: what it waits for there begins then. */
uint64_t core::in_memory() const
{
    return std::max(now_.execute + now_.occupies + now_.pooled, write_) + 1;
}

/* What the instruction did, as far as it is known. */
void core::go_through_notes()
{
    const timing_notes &n = timing.data;

    for (; seen_ < n.n; seen_++) {
        const struct timing_note &note = n.note[seen_];

        if (note.kind == TIMING_SPILL || note.kind == TIMING_REFILL) {
            uint64_t end = sequencer_.pass(now_.cursor, note, behind_);

            now_.pooled += end - now_.cursor;
            now_.cursor = end;
            continue;
        }
        if (!now_.in_memory) {
            now_.in_memory = true;
            now_.cursor = in_memory();
        }
        data_misses_ += note.kind == TIMING_TLB_L2;
        now_.cursor = memory_.pass(now_.cursor, note, behind_);
    }
}

pipeline_category core::execute_category() const
{
    switch (now_.o->row) {
    case ISA_LAT_WORLD: return PIPELINE_WORLD;
    case ISA_LAT_POOL: return PIPELINE_POOL;
    case ISA_LAT_TRAP: return PIPELINE_TRAP;
    case ISA_LAT_FLUSH: return PIPELINE_FLUSH;
    default: return PIPELINE_EXECUTE;
    }
}

/* Shares out the cycles since the instruction before retired; `end` is the first one after. */
void core::account(uint64_t end, bool trapped, pipeline_category retired)
{
    uint64_t begun = accounted_;
    share s(*now_.row, end - begun);

    accounted_ = end;
    now_.row->instret += !trapped;
    s.take(trapped ? retired : PIPELINE_RETIRED, 1);
    if (s.left() == 0)
        return;
    s.take(behind_);
    s.take(PIPELINE_EXECUTE, trapped ? 0 : stays_[now_.o->row] - 1);
    s.take(execute_category(), now_.occupies - 1);
    s.take(PIPELINE_POOL, now_.pooled);
    s.take(PIPELINE_HAZARD, now_.execute - now_.earliest);
    s.take(before_);
    if (slept_until_ > begun) { /* the oldest of them */
        uint64_t asleep = slept_until_ - begun;

        s.take(why_, s.left() > asleep ? s.left() - asleep : 0);
        s.rest(PIPELINE_WAIT);
    }
    slept_until_ = 0;
    s.rest(why_);
}

/* The instruction's bits, for those who listen. */
uint32_t core::bits() const
{
    uint16_t low = 0, high = 0;

    (void)machine_read(m_, now_.pa, &low, 2);
    if (now_.length == 4)
        (void)machine_read(m_, now_.pa2, &high, 2);
    return (uint32_t)high << 16 | low;
}

void core::tell(uint64_t memory_from, uint64_t write, uint64_t next, bool trapped)
{
    const op_kind kind = now_.o->kind;
    pipeline_insn i = {};

    i.hart = h_->id;
    i.number = number_;
    i.pc = now_.pc;
    i.pa = now_.pa;
    i.vmcs = now_.row->vmcs;
    i.vmid = now_.row->vmid;
    i.ring = now_.row->ring;
    i.v = now_.row->vmcs != 0;
    i.trapped = trapped;
    i.length = now_.length;
    if (now_.length)
        i.insn = bits();
    i.fetch = now_.fetch;
    i.decode = now_.decode;
    i.execute = now_.execute;
    i.memory = memory_from;
    i.write = write;
    i.waited = now_.execute - now_.earliest;
    i.mispredicted = !trapped && (kind == OP_BRANCH || kind == OP_JAL || kind == OP_JALR) &&
                     next != now_.predicted;
    i.icache_misses = (unsigned)(icache.misses - told_icache_);
    i.dcache_misses = (unsigned)(dcache.misses - told_dcache_);
    for (unsigned c = 0; c < PIPELINE_CATEGORIES; c++)
        i.cycles[c] = now_.row->cycles[c] - untold_.cycles[c];
    told_icache_ = icache.misses;
    told_dcache_ = dcache.misses;
    listener_(user_, &i);
}

/* The instruction leaves the pipeline, `next` is executed behind it. */
void core::leave(uint64_t next, bool trapped, pipeline_category retired)
{
    uint64_t out, from, write;

    go_through_notes();
    timing.data.n = 0;
    out = now_.execute + now_.pooled + now_.occupies;
    from = std::max(out, write_);
    write = now_.in_memory ? now_.cursor : from + 1;
    write += trapped ? 0 : stays_[now_.o->row] - 1;
    if (listener_)
        untold_ = *now_.row;
    account(write + 1, trapped, retired);
    if (listener_)
        tell(from, write, next, trapped);
    number_++;
    hazard_.clear();
    if (now_.o->kind == OP_LOAD || now_.o->kind == OP_AMO)
        hazard_.loads(now_.d.a, write);
    else if (now_.o->late && (now_.d.c >> 7 & 31))
        hazard_.loads(now_.d.c >> 7 & 31, write);
    decode_ = now_.decode;
    execute_ = now_.execute;
    memory_from_ = from;
    write_ = write;
    before_.clear();
    behind_.clear();
    if (!trapped)
        go_on(next, out);
}

/* Where fetch has to begin again behind an instruction that left execute at `out`. */
void core::go_on(uint64_t next, uint64_t out)
{
    const op &o = *now_.o;

    restart_ = now_.redirect;
    why_ = PIPELINE_FRONTEND;
    if (o.kind == OP_BRANCH || o.kind == OP_JAL || o.kind == OP_JALR) {
        jumps_++;
        predictor_.learn(now_.pc, now_.world, next != now_.pc + now_.length, next, out - 1);
        if (next != now_.predicted) {
            mispredicts_++;
            restart_ = std::max(restart_, out - 1 + lat_[ISA_LAT_MISPREDICT]);
            why_ = PIPELINE_MISPREDICT;
        }
        redirects_ += now_.redirect && next == now_.predicted;
        return;
    }
    if (now_.entered) {
        restart_ = out;
        why_ = PIPELINE_WORLD;
        timing_entered(h_, out);
    } else if (o.flushes || (o.flushes_if_rs1 && (now_.d.c >> 15 & 31))) {
        restart_ = write_ - 1 + lat_[ISA_LAT_FLUSH];
        why_ = PIPELINE_FLUSH;
    }
    if (o.fence_i) {
        fetch_.empty();
        predictor_.empty();
    }
}

void core::finish(uint64_t next)
{
    if (running_)
        leave(next, false, PIPELINE_RETIRED);
    running_ = false;
}

void core::drain()
{
    if (!timing.held)
        finish(h_->pc);
}

void core::trap(unsigned event)
{
    bool exit = event == RETIRE_EXIT;
    pipeline_category why = exit ? PIPELINE_WORLD : PIPELINE_TRAP;
    uint64_t from;

    if (timing.between) {
        finish(h_->pc);
        from = std::max({restart_, write_, awake()});
    } else {
        leave(0, true, why);
        from = write_ - 1;
    }
    timing.between = running_ = false;
    restart_ = from + lat_[exit ? ISA_LAT_EXIT : ISA_LAT_TRAP];
    why_ = why;
}

bool core::transport(uint64_t *value)
{
    timing_notes &n = timing.data;
    bool ok;

    /* The last note is of this access. */
    n.n--;
    go_through_notes();
    if (!now_.in_memory) {
        now_.in_memory = true;
        now_.cursor = in_memory();
    }
    now_.cursor = memory_.device(now_.cursor, n.note[n.n], value, &ok, behind_);
    return ok;
}

void core::listen(pipeline_fn *fn, void *user)
{
    listener_ = fn;
    user_ = user;
    told_icache_ = icache.misses;
    told_dcache_ = dcache.misses;
}

void core::count(struct pipeline_stats &s) const
{
    s.cycles = std::max(s.cycles, cycles());
    s.icache_misses += icache.misses;
    s.dcache_misses += dcache.misses;
    s.dcache_accesses += dcache.accesses;
    s.writebacks += dcache.writebacks;
    s.l1_fetch_misses += fetch_.misses;
    s.l1_data_misses += data_misses_;
    s.jumps += jumps_;
    s.mispredicts += mispredicts_;
    s.redirects += redirects_;
}

} // namespace visa
