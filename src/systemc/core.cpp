/* A hart's pipeline (core.h). */
#include "core.h"

#include <algorithm>
#include <cstring>

namespace visa
{

core::core(const sc_core::sc_module_name &name, machine *m, unsigned hart, interconnect &bus,
           const pipeline_config &c)
    : sc_module(name), icache("icache", bus, c.icache_bytes, c.icache_ways),
      dcache("dcache", bus, c.dcache_bytes, c.dcache_ways), timing(), m_(m), id_(hart),
      flush_(c.cycles[ISA_LAT_FLUSH]), trap_(c.cycles[ISA_LAT_TRAP]), exit_(c.cycles[ISA_LAT_EXIT]),
      translation_("translation", dcache, c), predictor_("predictor", c), hazard_("hazard"),
      sequencer_("sequencer", bus, c), fetch_("fetch", icache, translation_),
      decode_("decode", predictor_, c), execute_("execute", predictor_, hazard_, sequencer_, c),
      memory_("memory", bus, dcache, translation_, c), writeback_("writeback"), accounts_(hart)
{
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

void core::fault_hook(struct timing *t, const timing_insn *i)
{
    static_cast<core *>(t->model)->fault(*i);
}

void core::trap_hook(struct timing *t, unsigned event, uint64_t pc, bool between)
{
    static_cast<core *>(t->model)->trap(event, pc, between);
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
    timing.slept = timing.crosses = false;
    if (on && timing.own_time) { /* the functional model ran up to here */
        uint64_t cycle = at().ticks;

        fetch_.redirect(std::max(fetch_.redirected_to(), cycle), fetch_.why());
        writeback_.skip_to(cycle);
    }
    machine_time_hart(m_, id_, on ? &timing : nullptr);
}

/* From fetch to execute ---------------------------------------------------------------- */

/* The hart's time becomes the instruction's cycle in execute, unless that is beyond what may run now. */
timing_answer core::due()
{
    timing.cycle = now_.execute;
    if (!timing.own_time)
        return TIMING_GO;
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

/* A faulting fetch has no effect that another hart sees, so it is never held. */
void core::fault(const timing_insn &i)
{
    finish(i.pc);
    begin_fault(i);
    timing.cycle = now_.execute;
}

hart_at core::at() const
{
    hart_at a;

    machine_hart_at(m_, id_, &a);
    return a;
}

pipeline_row *core::row(const timing_world &w)
{
    return accounts_.row(w.counted, w.counted == MACHINE_OTHER_VMS ? 0 : w.vmid, w.ring);
}

/* Whose cycles the instruction's are: the world in which the hart is. */
void core::place(const timing_world &w)
{
    now_.row = row(w);
    now_.vmcs = w.vmcs;
    now_.vmid = w.vmid;
}

/* The cycle in which the hart woke, if it has slept. */
uint64_t core::awake()
{
    uint64_t cycle = timing.slept && timing.own_time ? timing.resume : 0;

    if (timing.slept)
        writeback_.slept(cycle);
    timing.slept = false;
    return cycle;
}

void core::begin(const timing_insn &i)
{
    now_.insn = i;
    now_.kind = &isa_insns[i.op];
    now_.pa = i.pa + (i.pc & 0xfff);
    now_.pa2 = (i.pc & 0xfff) == 0xffe ? i.pa2 : now_.pa + 2;
    place(i.world);
    now_.world = (uint64_t)i.world.v << ISA_VMID_BITS | i.world.vmid;
    if (timing.slept)
        fetch_.redirect(std::max(fetch_.redirected_to(), awake() + flush_), PIPELINE_FLUSH);
    decode_.take(now_, fetch_.pass(now_, decode_.entered(), writeback_.entered(), timing),
                 execute_.entered());
    decode_.predict(now_);
    execute_.take(now_, memory_.entered(), writeback_.entered());
    seen_ = 0;
}

/* A fetch that faults goes down the pipeline as an instruction without operands. */
void core::begin_fault(const timing_insn &i)
{
    now_.insn = {};
    now_.kind = &isa_insns[ISA_OP_ILLEGAL];
    now_.insn.pc = now_.predicted = i.pc;
    now_.pa = 0;
    place(i.world);
    now_.redirect = 0;
    decode_.take(now_, fetch_.fault(now_, decode_.entered(), writeback_.entered(), timing),
                 execute_.entered());
    execute_.take(now_, memory_.entered(), writeback_.entered());
    timing.fetch.n = 0;
    timing.crosses = false;
    seen_ = 0;
}

/* From execute to write-back ------------------------------------------------------------- */

/* Charges the accesses that the golden model has noted so far. */
void core::apply_notes()
{
    const timing_notes &n = timing.data;

    for (; seen_ < n.n; seen_++) {
        const struct timing_note &note = n.note[seen_];

        if (note.kind == TIMING_SPILL || note.kind == TIMING_REFILL)
            execute_.move(now_, note);
        else
            memory_.pass(now_, writeback_.entered(), note);
    }
}

/* The instruction's bits, for those who listen. */
uint32_t core::bits() const
{
    uint16_t low = 0, high = 0;

    (void)machine_read(m_, now_.pa, &low, 2);
    if (now_.insn.length == 4)
        (void)machine_read(m_, now_.pa2, &high, 2);
    return (uint32_t)high << 16 | low;
}

void core::tell(uint64_t next)
{
    pipeline_insn i = {};

    i.hart = id_;
    i.number = number_;
    i.pc = now_.insn.pc;
    i.pa = now_.pa;
    i.vmcs = now_.vmcs;
    i.vmid = now_.vmid;
    i.ring = now_.row->ring;
    i.v = now_.vmcs != 0;
    i.trapped = now_.trapped;
    i.length = now_.insn.length;
    if (now_.insn.length)
        i.insn = bits();
    i.fetch = now_.fetch;
    i.decode = now_.decode;
    i.execute = now_.execute;
    i.memory = now_.memory;
    i.write = now_.write;
    i.waited = now_.execute - now_.earliest;
    i.mispredicted = !now_.trapped && now_.jumps() && next != now_.predicted;
    i.icache_misses = (unsigned)(icache.misses - told_icache_);
    i.dcache_misses = (unsigned)(dcache.misses - told_dcache_);
    for (unsigned c = 0; c < PIPELINE_CATEGORIES; c++)
        i.cycles[c] = now_.row->cycles[c] - untold_.cycles[c];
    told_icache_ = icache.misses;
    told_dcache_ = dcache.misses;
    listener_(user_, &i);
}

/* The instruction leaves the pipeline, `next` is executed behind it; or it traps, which its
 * cycle in write-back is counted as. */
void core::leave(uint64_t next, bool trapped, pipeline_category as)
{
    apply_notes();
    timing.data.n = 0;
    now_.trapped = trapped;
    memory_.leave(now_, writeback_.entered());
    if (listener_)
        untold_ = *now_.row;
    writeback_.take(now_, memory_.stays(now_), fetch_.why(), as);
    if (listener_)
        tell(next);
    number_++;
    hazard_.note(now_);
    now_.fetch_costs.clear();
    now_.data_costs.clear();
    if (!trapped)
        go_on(next);
}

/* Redirects fetch for what the instruction was. */
void core::go_on(uint64_t next)
{
    fetch_.redirect(now_.redirect, PIPELINE_FRONTEND);
    if (now_.jumps()) {
        execute_.resolve(now_, next, fetch_);
    } else if (now_.entered) {
        fetch_.redirect(now_.out(), PIPELINE_WORLD);
        machine_entered(m_, id_, now_.out());
    } else if (now_.flushes()) {
        fetch_.redirect(now_.write - 1 + flush_, PIPELINE_FLUSH);
    }
    if (now_.insn.op == ISA_OP_FENCE_I) {
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
    const hart_at a = at();

    if (!timing.held)
        finish(a.pc);
    if (timing.own_time && a.waiting) /* the hart sleeps as the run ends */
        writeback_.sleep_to(a.ticks, *row({a.v, a.ring, a.vmid, a.vmcs, a.vm ? a.vm->vmcs : 0}));
}

void core::trap(unsigned event, uint64_t pc, bool between)
{
    bool exit = event == RETIRE_EXIT;
    pipeline_category why = exit ? PIPELINE_WORLD : PIPELINE_TRAP;
    uint64_t from;

    if (between) {
        finish(pc);
        from = std::max({fetch_.redirected_to(), writeback_.entered(), awake()});
    } else {
        leave(0, true, why);
        from = now_.write - 1;
    }
    running_ = false;
    fetch_.redirect(from + (exit ? exit_ : trap_), why);
}

bool core::transport(uint64_t *value)
{
    timing_notes &n = timing.data;

    n.n--; /* the last one is of this access */
    apply_notes();
    return memory_.device(now_, writeback_.entered(), n.note[n.n], value);
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
    s.l1_data_misses += memory_.misses;
    s.jumps += execute_.jumps;
    s.mispredicts += execute_.mispredicts;
    s.redirects += execute_.redirects;
}

} // namespace visa
